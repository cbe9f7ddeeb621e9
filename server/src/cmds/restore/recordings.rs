//! Recordings on the drive: those that the database knows are copied back if that was asked for, those that it does not know yet
//! are admitted.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _};

use archive::manifest::MANIFEST_MAX;
use archive::{Manifest, layout};
use seal::Header;
use shared::{Day, RecordingId};
use vault::{Brought, Vault};

use super::drive::Drive;
use crate::terminal;

/// The longest header of a sealed file.
const HEADER_MAX: u64 = 16_384;
/// Files between two syncs.
const SYNC_EVERY: u64 = 256;

/// What became of the recordings on the drive.
#[derive(Default)]
pub(super) struct Told {
    /// Files listed by manifests that verify.
    pub(super) listed: u64,
    /// Copied back, whole.
    pub(super) back: u64,
    /// Newer than the backup: put into the spool, to be admitted.
    pub(super) new: u64,
    /// What is wrong with others, a sentence each.
    pub(super) troubles: Vec<String>,
    /// More of the same.
    pub(super) more_troubles: u64,
}

/// Troubles that are told one by one.
const TROUBLES_MAX: usize = 100;

impl Told {
    fn trouble(&mut self, text: String) {
        if self.troubles.len() < TROUBLES_MAX {
            self.troubles.push(text);
        } else {
            self.more_troubles = self.more_troubles.saturating_add(1);
        }
    }
}

/// Whose fault it is that a file cannot be brought.
enum Fault {
    /// The drive's: the others are brought all the same.
    Drive(anyhow::Error),
    /// The data folder's: nothing more can be done.
    Ours(anyhow::Error),
}

/// Goes through all manifests. Leaves from `known` on are of recordings that the database may not know; with `all`, the others
/// are copied back too.
///
/// # Errors
/// The disk of the data folder.
pub(super) fn bring(drive: &Drive, vault: &Vault, known: u64, all: bool) -> anyhow::Result<Told> {
    let mut told = Told::default();
    let days = days(drive)?;
    let bar = terminal::progress(u64::try_from(days.len()).unwrap_or(0), "days");
    for day in days {
        for manifest in manifests(drive, day, &mut told)? {
            bring_listed(drive, vault, &manifest, if all { 0 } else { known }, &mut told)?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    vault.sync_all()?;
    Ok(told)
}

fn bring_listed(
    drive: &Drive,
    vault: &Vault,
    manifest: &Manifest,
    from: u64,
    told: &mut Told,
) -> anyhow::Result<()> {
    let folder = layout::day_folder(manifest.day);
    for line in &manifest.lines {
        let Some(leaf) = line.leaf else { continue };
        told.listed = told.listed.saturating_add(1);
        if leaf < from {
            continue;
        }
        let path = format!("{folder}/{}", line.path);
        match one(drive, vault, &path) {
            Ok(Brought::Back) => told.back = told.back.saturating_add(1),
            Ok(Brought::New) => told.new = told.new.saturating_add(1),
            Ok(Brought::Here) => {}
            Ok(Brought::NotIts) => {
                told.trouble(format!("{folder}/{} is not the recording that the database knows", line.path));
            }
            Err(Fault::Drive(e)) => told.trouble(format!("{folder}/{}: {e:#}", line.path)),
            Err(Fault::Ours(e)) => return Err(e),
        }
        if told.back.saturating_add(told.new).is_multiple_of(SYNC_EVERY) {
            vault.sync_all()?;
        }
    }
    Ok(())
}

/// Brings one file, by what the database knows of it. It is opened once: it may come from far.
fn one(drive: &Drive, vault: &Vault, path: &str) -> Result<Brought, Fault> {
    let mut file = drive.source.open(path).map_err(Fault::Drive)?;
    let (id, part) = whose(&mut file).map_err(Fault::Drive)?;
    let row = vault.part_row((id, part)).map_err(|e| Fault::Ours(e.into()))?;
    let Some(row) = row else {
        let io = BufReader::with_capacity(256 << 10, &file);
        let report = seal::verify(io, &|id| drive.certs.key(id)).map_err(|e| Fault::Drive(e.into()))?;
        if !report.is_proven() {
            return Err(Fault::Drive(anyhow::anyhow!("it is damaged, or nobody known sealed it")));
        }
        let name = path.rsplit('/').next().unwrap_or_default();
        file.rewind().map_err(|e| Fault::Drive(e.into()))?;
        return vault.bring_new(name, &mut file).map_err(|e| Fault::Ours(e.into()));
    };
    vault.bring_back(&row, &mut file).map_err(|e| Fault::Ours(e.into()))
}

/// Reads out of its header which part a file is, and goes back to its beginning.
fn whose(file: &mut File) -> anyhow::Result<(RecordingId, u16)> {
    let mut head = Vec::new();
    (&*file).take(HEADER_MAX).read_to_end(&mut head)?;
    file.rewind()?;
    let header = Header::parse(&head)?;
    Ok((header.spec.recording_id, header.spec.part))
}

/// The days that have a folder.
fn days(drive: &Drive) -> anyhow::Result<Vec<Day>> {
    let named = |name: &String| name.parse::<Day>().ok().filter(|day| day.to_string() == *name);
    Ok(drive.source.names("")?.iter().filter_map(named).collect())
}

/// The manifests of a day that verify.
fn manifests(drive: &Drive, day: Day, told: &mut Told) -> anyhow::Result<Vec<Manifest>> {
    let folder = layout::day_folder(day);
    let mut manifests = Vec::new();
    for name in drive.source.names(&folder)?.into_iter().filter(|name| name.starts_with("manifest-")) {
        let read = drive.source.document(&format!("{folder}/{name}")).and_then(|bytes| {
            anyhow::ensure!(seal::fields::len64(&bytes) <= MANIFEST_MAX, "it is longer than any");
            Ok(Manifest::open(&bytes, |id| drive.certs.key(id))?)
        });
        match read {
            Ok(manifest) if manifest.day == day => manifests.push(manifest),
            Ok(_other) => told.trouble(format!("{day}/{name} is of another day")),
            Err(e) => told.trouble(format!("{day}/{name}: {e:#}")),
        }
    }
    Ok(manifests)
}
