//! `amethyst archive drill`: recordings drawn by lot are fetched from each place, opened whole and held against the log.
//!
//! It is the restore of a few, every month: what a restore of all needs besides are the two papers, which a program must not have. A
//! file that is not what was sealed is due again there, and its medium suspect.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use archive::Level;
use archive::log::{Act, Leaf, RecordingLeaf};
use rand_core::Rng as _;
use seal::Part;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use shared::UtcMicros;
use vault::{BadPart, CheckKind, CheckRow, Elsewhere as _, LocationRow, PartKey, ProofRow, Use, Vault};

use super::location::location_json;
use crate::archiving::chosen;
use crate::cli::ArchiveDrill;
use crate::failure::{Failure, Kind};
use crate::site::Site;
use crate::{terminal, world};

/// What a drill found on one place.
#[derive(Default)]
struct Drilled {
    opened: u64,
    bytes: u64,
    away: u64,
    wrong: Vec<String>,
}

/// Runs the command. The exit code is 1 when a recording did not come back as it was sealed, or none could be fetched.
///
/// # Errors
/// The data folder cannot be used.
pub(crate) fn run(words: &ArchiveDrill) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Look)?;
    let lot = lot(&vault, words.sample)?;
    let (mut documents, mut all_well) = (Vec::new(), true);
    for location in chosen(&vault, words.location.as_deref())? {
        let begun_at = world::now().utc;
        let done = drill(&site, &vault, &location, &lot)?;
        if done.opened > 0 || !done.wrong.is_empty() {
            note(&vault, &location, &done, begun_at)?;
        }
        if words.for_server && done.opened == 0 && done.wrong.is_empty() && !lot.is_empty() {
            let text =
                format!("nothing could be fetched from {}: none of its media is connected", location.name);
            return Err(Failure::new(Kind::Input, text).into());
        }
        all_well &= done.wrong.is_empty() && (done.opened > 0 || lot.is_empty());
        if words.for_server {
            // What was found stands in the catalogue.
        } else if words.json {
            documents.push(json!({
                "location": location_json(&location),
                "opened": done.opened,
                "away": done.away,
                "wrong": done.wrong,
            }));
        } else {
            let away = if done.away == 0 {
                String::new()
            } else {
                format!(", {} lie on media that are not connected", done.away)
            };
            terminal::line(&format!(
                "{}: {} files came back as they were sealed{away}",
                location.name, done.opened
            ));
            done.wrong.iter().for_each(|wrong| terminal::line(&format!("  WRONG {wrong}")));
        }
    }
    if words.json && !words.for_server {
        terminal::json(&Value::Array(documents));
    }
    Ok(u8::from(!all_well))
}

/// Keeps what was found: the age of the last drill is watched.
fn note(vault: &Vault, location: &LocationRow, done: &Drilled, begun_at: UtcMicros) -> anyhow::Result<()> {
    vault.note_check(&CheckRow {
        location_id: location.location_id,
        media_id: None,
        what: CheckKind::Drill,
        begun_at,
        ended_at: world::now().utc,
        was_suspect: false,
        well: done.wrong.is_empty(),
        mends: false,
        files: done.opened,
        bytes: done.bytes,
        findings: serde_json::to_string(&done.wrong)?,
    })?;
    Ok(())
}

/// Draws parts from the log, so that what the catalogue forgot can be drawn, too.
fn lot(vault: &Vault, sample: u32) -> anyhow::Result<Vec<RecordingLeaf>> {
    let (leaves, damaged) = vault.check_log()?;
    if let Some(leaf) = damaged {
        anyhow::bail!("leaf {leaf} of the log is damaged: look at it first (amethyst log check)");
    }
    let mut lot: Vec<RecordingLeaf> = Vec::new();
    let mut dice = world::dice();
    // Some leaves tell of something else, and a lot may fall twice.
    for _ in 0..u64::from(sample).saturating_mul(8).min(leaves.saturating_mul(8)) {
        if lot.len() >= usize::try_from(sample).unwrap_or(usize::MAX) {
            break;
        }
        let index = dice.next_u64().checked_rem(leaves).unwrap_or(0);
        let Some(bytes) = vault.leaf(index)? else { continue };
        if let Ok(Leaf { act: Act::Recording(of), .. }) = Leaf::parse(&bytes)
            && !lot.iter().any(|known| (known.recording_id, known.part) == (of.recording_id, of.part))
        {
            lot.push(of);
        }
    }
    Ok(lot)
}

fn drill(
    site: &Site,
    vault: &Vault,
    location: &LocationRow,
    lot: &[RecordingLeaf],
) -> anyhow::Result<Drilled> {
    let looker = site.looker();
    let mut done = Drilled::default();
    for of in lot {
        let (id, reference) = (of.recording_id, vault.recording(of.recording_id)?.map(|r| r.facts.reference));
        let name = reference.map_or_else(|| id.to_string(), |r| r.to_string());
        let proofs = vault.proofs_of(id)?;
        let here = |p: &&ProofRow| {
            p.location_id == location.location_id && p.read_back.part == of.part && p.report_sha256.is_some()
        };
        let mut fetched = false;
        for proof in proofs.iter().filter(here) {
            let Some(from) = looker.open(proof).with_context(|| proof.read_back.path.clone())? else {
                continue;
            };
            fetched = true;
            match came_back(site, of, from) {
                Ok(()) => {
                    done.opened = done.opened.saturating_add(1);
                    done.bytes = done.bytes.saturating_add(of.size);
                    let key: PartKey = (id, of.part);
                    vault.set_level(proof.media_id, &[key], Level::Opened as u8)?;
                }
                Err(e) => {
                    if e.is::<OtherBytes>() || is_gone(&e) {
                        vault.found_bad(proof.media_id, &[bad(proof, &e)], world::now().utc)?;
                    }
                    done.wrong.push(format!("{name} ({}): {e:#}", proof.read_back.path));
                }
            }
        }
        if !fetched {
            done.away = done.away.saturating_add(1);
        }
    }
    Ok(done)
}

/// What lies there is not what was sealed. (A file that is, and does not open, is no fault of the medium.)
#[derive(Debug)]
struct OtherBytes(String);

impl std::fmt::Display for OtherBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OtherBytes {}

/// The file is not there, on a medium whose card was just read.
fn is_gone(error: &anyhow::Error) -> bool {
    let of = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::NotFound)
    };
    error.chain().any(of)
}

fn bad(proof: &ProofRow, error: &anyhow::Error) -> BadPart {
    let back = &proof.read_back;
    BadPart {
        recording_id: back.recording_id,
        part: back.part,
        path: back.path.clone(),
        why: format!("at a drill: {error:#}"),
    }
}

/// Fetches a file, holds it against the log, and opens all of it.
fn came_back(site: &Site, of: &RecordingLeaf, mut from: impl io::Read) -> anyhow::Result<()> {
    let mut file = scratch(&site.dir.join("run"))?;
    let size = io::copy(&mut from, &mut file).context("it cannot be read")?;
    if size != of.size {
        return Err(OtherBytes(format!("it has {size} bytes, and the log says {}", of.size)).into());
    }
    file.seek(SeekFrom::Start(0))?;
    let content = size.saturating_sub(u64::try_from(seal::TRAILER_LEN)?);
    let mut sum = Sha256::new();
    let mut begin = io::Read::take(&file, content);
    let mut block = vec![0; 256 << 10];
    loop {
        let n = io::Read::read(&mut begin, &mut block)?;
        if n == 0 {
            break;
        }
        sum.update(block.get(..n).unwrap_or_default());
    }
    let sum: [u8; 32] = sum.finalize().into();
    if sum != of.sha256 {
        return Err(OtherBytes("it is not what the log says was sealed".to_owned()).into());
    }
    file.seek(SeekFrom::Start(0))?;
    let mut part = Part::open(file, &*site.keys, site.card.min_suite)?;
    part.check().context("it does not open whole")?;
    Ok(())
}

/// The file that a recording is fetched to. It stays sealed, and has no name for longer than it takes to make it.
fn scratch(folder: &Path) -> anyhow::Result<File> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(format!("drill-{}.amx", std::process::id()));
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true).mode(0o600);
    let file = options.open(&path).with_context(|| format!("cannot write {}", path.display()))?;
    std::fs::remove_file(&path)?;
    Ok(file)
}
