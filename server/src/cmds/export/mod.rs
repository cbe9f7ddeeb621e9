//! `amethyst export`: recordings become files that any player opens, each beside a sidecar that tells what it is.
//!
//! A file is written under a temporary name and gets its own only when it is whole. Nothing is ever overwritten.

mod render;

use std::fs::{self, File, OpenOptions};
use std::io::BufWriter;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use audio::Legs;
use serde_json::json;
use vault::{PartyRole, Query, Recording, Use, Vault};
use web::sound::encode::Format as Sound;
use web::sound::gaps::GapWalk;
use web::sound::sealed::Sealed;
use web::sound::sidecar::{self, Exported, ExportedFile};

use crate::cli::{Export, Format, LegChoice};
use crate::cmds::found;
use crate::failure::{Failure, Kind};
use crate::site::Site;
use crate::{disk, terminal};

/// Recordings fetched at once.
const PAGE: u32 = 500;

/// What one run needs everywhere.
struct Job<'a> {
    site: &'a Site,
    vault: &'a Vault,
    words: &'a Export,
}

/// What a run came to.
#[derive(Default)]
struct Outcome {
    exported: u64,
    failed: u64,
    audio_us: u64,
}

/// Runs the command. The exit code is 1 when one of several recordings could not be exported.
///
/// # Errors
/// The data folder or the target cannot be used, or there is no such recording.
pub(crate) fn run(words: &Export) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Look)?;
    fs::create_dir_all(&words.out)
        .with_context(|| format!("cannot make the folder {}", words.out.display()))?;
    let job = Job { site: &site, vault: &vault, words };
    let mut outcome = Outcome::default();
    if words.all {
        job.all(&mut outcome)?;
    } else {
        for id in &words.ids {
            for recording in found::by_name(&vault, id)? {
                job.one(&recording, &mut outcome);
            }
        }
    }
    if words.json {
        terminal::json(&json!({
            "exported": outcome.exported,
            "failed": outcome.failed,
            "audio_seconds": outcome.audio_us / 1_000_000,
            "out": words.out,
        }));
    } else {
        terminal::say(&format!("{} exported to {}", outcome.exported, words.out.display()));
    }
    Ok(u8::from(outcome.failed > 0))
}

impl Job<'_> {
    fn all(&self, outcome: &mut Outcome) -> anyhow::Result<()> {
        let bar = terminal::progress(self.vault.counts()?.recordings, "exporting");
        let mut query = Query { oldest_first: true, limit: PAGE, ..Query::default() };
        loop {
            let page = self.vault.find(&query)?;
            for recording in &page.recordings {
                self.one(recording, outcome);
                bar.inc(1);
            }
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// Exports one recording; what goes wrong with it is said and counted, and the others go on.
    fn one(&self, recording: &Recording, outcome: &mut Outcome) {
        match self.export(recording) {
            Ok(audio_us) => {
                outcome.exported = outcome.exported.saturating_add(1);
                outcome.audio_us = outcome.audio_us.saturating_add(audio_us);
            }
            Err(error) => {
                outcome.failed = outcome.failed.saturating_add(1);
                terminal::say(&format!("{}: {error:#}", recording.facts.reference));
            }
        }
    }

    fn export(&self, recording: &Recording) -> anyhow::Result<u64> {
        let facts = &recording.facts;
        let number = |role| recording.party(role).map_or("", |p| p.number.as_str());
        let (caller, called) = (number(PartyRole::Caller), number(PartyRole::Called));
        let reference = facts.reference.to_string();
        let stem = web::sound::names::export_stem(
            facts.started_at,
            &self.site.card.zone,
            caller,
            called,
            &reference,
        );
        let stem = free_stem(&self.words.out, &stem)?;
        let legs = match self.words.leg {
            LegChoice::Near => Legs::Near,
            LegChoice::Far => Legs::Far,
            LegChoice::Both => Legs::Both,
        };
        let mut sealed = render::open(self, recording)?;
        let mut exported = Exported { legs, ..Exported::default() };
        let (files, audio_us) = match sound_of(self.words.format) {
            Some(format) => {
                let path = self.words.out.join(format!("{stem}.{}", format.extension()));
                let us = render::to_sound(&mut sealed, format, legs, &path, &mut exported)?;
                (vec![path], us)
            }
            None => (render::to_raw(&mut sealed, legs, &self.words.out, &stem)?, 0),
        };
        self.write_sidecar(recording, &mut sealed, &files, exported, &stem)?;
        Ok(audio_us)
    }

    fn write_sidecar(
        &self,
        recording: &Recording,
        sealed: &mut Sealed,
        files: &[PathBuf],
        mut exported: Exported,
        stem: &str,
    ) -> anyhow::Result<()> {
        for path in files {
            let (sha256, bytes) = disk::sha256(path)?;
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            exported.files.push(ExportedFile { name, bytes, sha256 });
        }
        if recording.gaps().0.iter().any(|samples| *samples > 0) {
            let mut walk = GapWalk::default();
            while walk.step(sealed)? {}
            exported.gaps = walk.finish(sealed);
        }
        exported.seals = sidecar::seals(self.vault, &*self.site.keys, recording, sealed)?;
        let whole = self.vault.recording(recording.facts.recording_id)?;
        let whole = whole.as_ref().unwrap_or(recording);
        let card = &self.site.card;
        let value = sidecar::sidecar(whole, &card.zone, &card.site_id.to_string(), &exported);
        disk::write_new(&self.words.out.join(format!("{stem}.json")), &sidecar::text(&value))?;
        Ok(())
    }
}

/// Returns a stem under which nothing lies yet: the one wanted, or with `-2`, `-3` behind it (a call whose disk failed in the
/// middle has two recordings under one reference). Exporting the same recording twice is refused.
fn free_stem(out: &Path, stem: &str) -> anyhow::Result<String> {
    let taken = |stem: &str| out.join(format!("{stem}.json")).exists();
    if !taken(stem) {
        return Ok(stem.to_owned());
    }
    let text =
        format!("{stem} was exported to {} before and is not overwritten; give another --out", out.display());
    Err(Failure::new(Kind::Input, text).into())
}

/// Returns the format of sound; `None` for the octets as received.
const fn sound_of(format: Format) -> Option<Sound> {
    match format {
        Format::Wav => Some(Sound::Wav),
        Format::Flac => Some(Sound::Flac),
        Format::Opus => Some(Sound::Opus),
        Format::Raw => None,
    }
}

/// Writes a file under a temporary name beside `path` and gives it its own when `write` is done.
fn whole_file(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut beside: PathBuf = path.to_owned();
    beside.as_mut_os_string().push(".part");
    let done = || -> anyhow::Result<()> {
        if path.exists() {
            return Err(Failure::new(
                Kind::Input,
                format!("{} exists and is not overwritten", path.display()),
            )
            .into());
        }
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        let mut out = BufWriter::with_capacity(256 << 10, file);
        write(&mut out)?;
        out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        fs::rename(&beside, path)?;
        Ok(())
    };
    let result = done();
    if result.is_err() {
        // The part of a file that could not be finished is of no use to anybody.
        drop(fs::remove_file(&beside));
    }
    result.with_context(|| format!("cannot write {}", path.display()))
}
