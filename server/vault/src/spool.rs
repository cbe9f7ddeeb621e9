//! The spool and the ledger of one data folder: what a vault and an outpost do alike. Procedures A, B and C1 to C4 of
//! `docs/design/recording-lifecycle.md`.

use std::sync::{Arc, Mutex};

use catalogue::{LedgerEnding, PartKey, RecordingRow};
use shared::{LedgerNo, RecorderId, RecordingId, UtcMicros, Zone};
use store::{Disk, DiskFile};

use crate::admit::{AdmitReport, Left, goes_on};
use crate::journal::{self, Ledger, LedgerOwner, OpenEntry, Replayed};
use crate::outpost::Watch;
use crate::part::{Growth, PartFile, SPOOL};
use crate::vault::held;
use crate::{ClosedPart, LedgerEntry, Result, VaultConfig, VaultError, What};

/// Up to so many files are synced one by one; more of them by one `syncfs`.
const FEW: usize = 8;

/// The spool, its ledger if it is open for recording, and who wants to hear how it grows.
pub(crate) struct Spool {
    pub(crate) disk: Arc<dyn Disk>,
    /// The folder in which parts grow.
    folder: &'static str,
    recorder_id: RecorderId,
    zone: Zone,
    /// The data folder, for messages.
    root: String,
    pub(crate) desk: Mutex<Desk>,
    watch: Option<Arc<Watch>>,
}

/// The ledger, when the folder is open for recording, and what start-up found in it.
#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) ledger: Option<Ledger>,
    pub(crate) replayed: Replayed,
}

impl Desk {
    /// Opens the ledger of `owner`.
    pub(crate) fn open(disk: &Arc<dyn Disk>, owner: LedgerOwner) -> Result<Self> {
        let (ledger, replayed) = Ledger::open(Arc::clone(disk), owner)?;
        Ok(Self { ledger: Some(ledger), replayed })
    }
}

impl Spool {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        config: &VaultConfig,
        root: String,
        desk: Desk,
        watch: Option<Arc<Watch>>,
    ) -> Self {
        let (recorder_id, zone) = (config.recorder_id, config.zone.clone());
        Self { disk, folder: SPOOL, recorder_id, zone, root, desk: Mutex::new(desk), watch }
    }

    /// Has parts grow elsewhere.
    pub(crate) fn in_folder(self, folder: &'static str) -> Self {
        Self { folder, ..self }
    }

    /// B1: creates the file of a new part.
    pub(crate) fn begin(&self, (id, part): PartKey, name: &str) -> Result<PartFile> {
        let file: DiskFile = self.disk.create_new(&format!("{}/{name}", self.folder))?;
        let growth = self.watch.as_ref().map(|watch| Growth::new(watch, What::Part(id, part), name));
        Ok(PartFile { file, name: name.to_owned(), folder: self.folder, growth })
    }

    /// Takes back a part in which nothing stands. One that holds anything stays.
    pub(crate) fn withdraw(&self, part: PartFile) -> Result<()> {
        if part.is_empty() { self.unlink(part) } else { Ok(()) }
    }

    /// Removes a part that a rule excludes; the ledger has said so before.
    pub(crate) fn discard(&self, part: PartFile) -> Result<()> {
        self.unlink(part)?;
        self.disk.sync_dir(self.folder)?;
        Ok(())
    }

    fn unlink(&self, part: PartFile) -> Result<()> {
        let (path, growth) = (part.path(), part.growth.clone());
        drop(part);
        self.disk.unlink(&path)?;
        if let Some(growth) = growth {
            growth.gone();
        }
        Ok(())
    }

    /// B3: one sync of the disk for all that is written.
    pub(crate) fn sync_all(&self) -> Result<()> {
        self.disk.sync_fs()?;
        Ok(())
    }

    /// C1 to C4: INDEX and FINAL, sync, trailer, sync. Parts for which a step fails are left.
    pub(crate) fn close(&self, parts: Vec<ClosedPart>, report: &mut AdmitReport) -> Vec<ClosedPart> {
        let parts = each(parts, report, |part| part.file.append(&[&part.tail]));
        // So that a trailer never stands behind bytes that may be gone.
        let parts = self.sync_batch(parts, report);
        let parts = each(parts, report, |part| part.file.append(&[&part.trailer]));
        self.sync_batch(parts, report)
    }

    /// Makes a batch durable: file by file when it is few, at once when it is many. Parts whose sync failed are left.
    fn sync_batch(&self, parts: Vec<ClosedPart>, report: &mut AdmitReport) -> Vec<ClosedPart> {
        if parts.len() <= FEW {
            return each(parts, report, |part| Ok(part.file.file.sync()?));
        }
        // After a failure every file is poisoned, so each part says so itself at its next step.
        if let Err(e) = self.sync_all() {
            report.trouble = Some(e);
        }
        each(parts, report, |part| part.file.append(&[]))
    }

    /// A1: gives the next number.
    pub(crate) fn allot(&self, recording_id: RecordingId, at: UtcMicros) -> Result<LedgerEntry> {
        let day = self.zone.day_of(at);
        self.with_ledger(|ledger| {
            let (ledger_no, reference) = ledger.allot(recording_id, at, day)?;
            Ok(LedgerEntry { ledger_no, reference })
        })
    }

    /// A3: ends an entry; returns it if it was open.
    pub(crate) fn end(&self, ledger_no: LedgerNo, ending: LedgerEnding) -> Result<Option<OpenEntry>> {
        self.with_ledger(|ledger| Ok(ledger.end(ledger_no, ending.end, ending.rule, ending.at)))
    }

    /// A2: one append, one sync.
    pub(crate) fn commit(&self) -> Result<LedgerNo> {
        self.with_ledger(Ledger::commit)
    }

    /// C8: the ledger learns the ends of its own recordings that are safe.
    pub(crate) fn end_admitted<'a>(&self, rows: impl Iterator<Item = &'a RecordingRow>) -> Result<()> {
        let own = self.recorder_id;
        let mut rows = rows.filter(|row| row.facts.recorder_id == own && !goes_on(row)).peekable();
        if rows.peek().is_none() {
            return Ok(());
        }
        self.with_ledger(|ledger| {
            for row in rows {
                ledger.end(row.facts.ledger_no, row.facts.end, None, row.facts.ended_at);
            }
            ledger.commit().map(|_durable| ())
        })
    }

    pub(crate) fn durable(&self) -> LedgerNo {
        held(&self.desk).ledger.as_ref().map_or(LedgerNo(0), Ledger::durable)
    }

    pub(crate) fn open_entries(&self) -> Result<Vec<OpenEntry>> {
        let desk = held(&self.desk);
        match &desk.ledger {
            Some(ledger) => Ok(ledger.open_entries().copied().collect()),
            None => journal::peek(&*self.disk),
        }
    }

    /// Does something with the ledger, and tells how far its file is durable then.
    pub(crate) fn with_ledger<T>(&self, act: impl FnOnce(&mut Ledger) -> Result<T>) -> Result<T> {
        let mut desk = held(&self.desk);
        let ledger = desk.ledger.as_mut().ok_or_else(|| VaultError::InUse { path: self.root.clone() })?;
        let before = ledger.durable_file();
        let done = act(ledger);
        let now = ledger.durable_file();
        if let Some(watch) = self.watch.as_ref().filter(|_| now != before) {
            watch.ledger(now);
        }
        done
    }
}

/// Does one step for each part; parts for which it fails are left.
fn each(
    parts: Vec<ClosedPart>,
    report: &mut AdmitReport,
    mut step: impl FnMut(&mut ClosedPart) -> Result<()>,
) -> Vec<ClosedPart> {
    let mut going_on = Vec::with_capacity(parts.len());
    for mut part in parts {
        match step(&mut part) {
            Ok(()) => going_on.push(part),
            Err(why) => report.left.push(left(&part.row, why)),
        }
    }
    going_on
}

pub(crate) fn left(row: &RecordingRow, why: VaultError) -> Left {
    Left { recording_id: row.facts.recording_id, part: row.part.part, ledger_no: row.facts.ledger_no, why }
}
