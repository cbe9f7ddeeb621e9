//! Where canaries are put: calls that this program makes itself, to show that calls are recorded. Same disk, same steps of sealing and
//! closing as for a call; then the file is read back, handed to whoever judges, and removed.
//!
//! Kept apart: its parts grow in a folder of their own, its numbers are none that a ledger gives, and there is no way from here into
//! the ledger, `live`, the catalogue, the log, the line to a central or an archive. What a crash leaves is removed at the next start.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use catalogue::{LedgerEnding, PartKey, PartyRole, RecordingRow};
use shared::{LedgerNo, RecordingId, Reference, UtcMicros, Zone};
use store::Disk;

use crate::outpost::read_at;
use crate::spool::{Desk, Spool, left};
use crate::vault::held;
use crate::{
    AdmitReport, Admitted, ClosedPart, Depot, LedgerEntry, Outpost, PartFile, Result, Vault, VaultConfig,
};

/// The folder in which canaries grow.
const FOLDER: &str = "canary";
/// Their numbers count from here. No ledger comes here: a million calls a second would take it a hundred thousand years.
const NUMBERS: u64 = 1 << 62;
/// No letter of a recorder: such a reference reads as none.
const LETTER: char = '-';
/// A canary is not longer, in bytes.
const BYTES_MAX: u64 = 4 << 20;

/// What became of a canary.
#[derive(Debug)]
pub struct CanaryEnd {
    /// The number that called: it tells one canary from another.
    pub caller: String,
    /// Its row, as a call's would be, and the bytes of its file as they were read back; or why there are none.
    pub sealed: std::result::Result<(Box<RecordingRow>, Vec<u8>), String>,
}

/// Who hears what became of a canary. Called on the thread that closes parts: it may compute, and must not wait.
pub type Judge = Box<dyn Fn(CanaryEnd) + Send + Sync>;

/// The depot of canaries.
pub struct Canaries {
    disk: Arc<dyn Disk>,
    spool: Spool,
    zone: Zone,
    given: AtomicU32,
    /// Entries that have not ended, so that each is told once.
    open: Mutex<BTreeSet<LedgerNo>>,
    judge: Judge,
}

impl std::fmt::Debug for Canaries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Canaries")
    }
}

impl Vault {
    /// Makes room for canaries beside the calls of this data folder, and removes what a crash left of some.
    ///
    /// # Errors
    /// The disk's.
    pub fn canaries(&self, judge: Judge) -> Result<Canaries> {
        Canaries::open(Arc::clone(&self.disk), &self.config, judge)
    }
}

impl Outpost {
    /// Makes room for canaries beside the calls of this data folder, and removes what a crash left of some.
    ///
    /// # Errors
    /// The disk's.
    pub fn canaries(&self, judge: Judge) -> Result<Canaries> {
        Canaries::open(Arc::clone(&self.disk), self.config(), judge)
    }
}

impl Canaries {
    pub(crate) fn open(disk: Arc<dyn Disk>, config: &VaultConfig, judge: Judge) -> Result<Self> {
        disk.mkdir_all(FOLDER)?;
        let spool = Spool::new(Arc::clone(&disk), config, FOLDER.to_owned(), Desk::default(), None);
        let (zone, given, open) = (config.zone.clone(), AtomicU32::new(0), Mutex::default());
        let canaries = Self { disk, spool: spool.in_folder(FOLDER), zone, given, open, judge };
        canaries.sweep()?;
        Ok(canaries)
    }

    /// Removes whatever lies here. One canary runs at a time, so when it has ended nothing here is of use.
    fn sweep(&self) -> Result<()> {
        for entry in self.disk.list(FOLDER)? {
            self.disk.unlink(&format!("{FOLDER}/{}", entry.name))?;
        }
        Ok(())
    }

    fn end(&self, ledger_no: LedgerNo, end: CanaryEnd) -> Result<()> {
        let swept = self.sweep();
        if held(&self.open).remove(&ledger_no) {
            (self.judge)(end);
        }
        swept
    }

    /// Reads back what was just made durable.
    fn read_back(&self, part: &ClosedPart) -> Result<Vec<u8>> {
        read_at(&*self.disk, &part.file.path(), 0, part.file.len().min(BYTES_MAX))
    }
}

impl Depot for Canaries {
    fn begin_part(&self, key: PartKey, name: &str) -> Result<PartFile> {
        self.spool.begin(key, name)
    }

    fn withdraw(&self, part: PartFile) -> Result<()> {
        self.spool.withdraw(part)
    }

    fn sync_all(&self) -> Result<()> {
        self.spool.sync_all()
    }

    /// C1 to C4, and C6 for the folder alone; then the bytes are read back, judged and removed.
    fn admit(&self, parts: Vec<ClosedPart>) -> AdmitReport {
        let mut report = AdmitReport::default();
        let mut parts = self.spool.close(parts, &mut report);
        if let Err(e) = self.disk.sync_dir(FOLDER) {
            let why = || crate::VaultError::Store(crate::admit::again(&e));
            report.left.extend(parts.drain(..).map(|part| left(&part.row, why())));
        }
        for part in parts {
            let read =
                self.read_back(&part).map_err(|e| format!("what was written cannot be read back: {e}"));
            let mut row = part.row.clone();
            row.part.bytes = part.file.len();
            drop(part);
            let sealed = read.map(|bytes| (Box::new(row.clone()), bytes));
            if let Err(e) = self.end(row.facts.ledger_no, CanaryEnd { caller: caller_of(&row), sealed }) {
                report.trouble = Some(e);
            }
            report.admitted.push(Admitted { row, entered: true });
        }
        report
    }

    fn discard(
        &self,
        part: PartFile,
        ledger_no: LedgerNo,
        ending: LedgerEnding,
        caller: &str,
        called: &str,
    ) -> Result<()> {
        drop(part);
        self.end_entry(ledger_no, ending, caller, called)
    }

    /// Gives a number that no ledger gives.
    fn allot(&self, recording_id: RecordingId, at: UtcMicros) -> Result<LedgerEntry> {
        let _not_entered = recording_id;
        let sequence = self.given.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let ledger_no = LedgerNo(NUMBERS.saturating_add(u64::from(sequence)));
        held(&self.open).insert(ledger_no);
        let reference = Reference { letter: LETTER, day: self.zone.day_of(at), sequence };
        Ok(LedgerEntry { ledger_no, reference })
    }

    fn end_entry(
        &self,
        ledger_no: LedgerNo,
        ending: LedgerEnding,
        caller: &str,
        _called: &str,
    ) -> Result<()> {
        let why = format!("nothing of it was kept: {}", ending.end);
        self.end(ledger_no, CanaryEnd { caller: caller.to_owned(), sealed: Err(why) })
    }

    /// There is no ledger of canaries; the recorder has committed that of the calls.
    fn commit_ledger(&self) -> Result<LedgerNo> {
        Ok(self.durable_ledger_no())
    }

    fn durable_ledger_no(&self) -> LedgerNo {
        LedgerNo(NUMBERS.saturating_add(u64::from(self.given.load(Ordering::Relaxed))))
    }

    fn settle(&self) -> Result<()> {
        Ok(())
    }
}

fn caller_of(row: &RecordingRow) -> String {
    let caller = row.parties.iter().find(|party| party.role == PartyRole::Caller);
    caller.map(|party| party.party.number.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
