//! Closing and admitting parts, many at a time: `docs/design/recording-lifecycle.md`, procedure C.

use std::collections::BTreeSet;

use catalogue::{LedgerEnding, LedgerRow, PartyRole, RecordingRow};
use shared::{LedgerNo, RecordingId};

use crate::part::SPOOL;
use crate::spool::left;
use crate::vault::held;
use crate::{ClosedPart, PartFile, Result, Vault, VaultError};

/// Up to so many files are synced one by one; more of them by one `syncfs`.
const FEW: usize = 8;
/// Trailer flag: the recording goes on in a next part, so its ledger entry stays open.
const CONTINUED: u32 = 4;

/// A part that was admitted: durable under its final name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Admitted {
    /// Its row, path and size filled in.
    pub row: RecordingRow,
    /// True if the row is in the catalogue. False: the catalogue could not take it now (full disk), it is owed and entered with
    /// the next batch or at the next start.
    pub entered: bool,
}

/// A part that could not be closed. Its file stays in the spool as it is, and recovery closes it at the next start.
#[derive(Debug)]
pub struct Left {
    /// Whose part.
    pub recording_id: RecordingId,
    /// Which part.
    pub part: u16,
    /// Its ledger entry, which the caller should end as *partly*.
    pub ledger_no: LedgerNo,
    /// Why.
    pub why: VaultError,
}

/// A part that is closed and lies elsewhere than in `live`.
pub(crate) struct Closed {
    /// Where.
    pub(crate) from: String,
    /// Its name there, [`seal::file_name`].
    pub(crate) name: String,
    /// Its row, but for the path.
    pub(crate) row: RecordingRow,
}

/// What became of a batch: every part is in one of the two lists.
#[must_use = "parts that were left must be accounted for"]
#[derive(Debug, Default)]
pub struct AdmitReport {
    /// Admitted.
    pub admitted: Vec<Admitted>,
    /// Left in the spool.
    pub left: Vec<Left>,
    /// A trouble that concerns no single part: the catalogue or the ledger could not take the news. To be told to an operator.
    pub trouble: Option<VaultError>,
}

impl Vault {
    /// Closes a batch of parts and admits them. The steps carry the numbers of the procedure.
    pub fn admit(&self, parts: Vec<ClosedPart>) -> AdmitReport {
        let mut report = AdmitReport::default();
        // C1 to C4
        let parts = self.spool.close(parts, &mut report);
        // C5, C6
        let closed = |part: ClosedPart| {
            let mut row = part.row;
            row.part.bytes = part.file.len();
            Closed { from: part.file.path(), name: part.file.name, row }
        };
        let rows = self.move_to_live(parts.into_iter().map(closed), &mut report);
        // C6a, C7, C8
        self.enter(rows, &mut report);
        self.log_between(&mut report);
        report
    }

    /// Removes a part that a rule excludes although something of it was sealed already; the only deletion there is.
    ///
    /// Steps: the ledger says why, durably; unlink; `fsync` of the spool. Cut in between: recovery may find the part and
    /// admit it, with the end that the ledger says; it keeps more than was asked for, never less.
    ///
    /// # Errors
    /// The ledger's or the disk's.
    pub fn discard(
        &self,
        part: PartFile,
        ledger_no: LedgerNo,
        ending: LedgerEnding,
        caller: &str,
        called: &str,
    ) -> Result<()> {
        self.end_entry(ledger_no, ending, caller, called)?;
        self.commit_ledger()?;
        self.spool.discard(part)
    }

    /// C5 renames into the day folders, C6 syncs the folders.
    pub(crate) fn move_to_live(
        &self,
        parts: impl Iterator<Item = Closed>,
        report: &mut AdmitReport,
    ) -> Vec<RecordingRow> {
        let mut moved = Vec::new();
        let mut folders = BTreeSet::new();
        for Closed { from, name, mut row } in parts {
            match self.move_one(&from, &name, &mut row) {
                Ok(folder) => {
                    folders.insert(folder);
                    folders.insert(from.rsplit_once('/').map_or(SPOOL, |(folder, _)| folder).to_owned());
                    moved.push(row);
                }
                Err(why) => report.left.push(left(&row, why)),
            }
        }
        if moved.is_empty() {
            return moved;
        }
        if let Err(e) = self.sync_folders(&folders) {
            // Which names are durable nobody knows: none gets a row. Recovery finds the files where they then are.
            report.left.extend(moved.drain(..).map(|row| left(&row, VaultError::Store(again(&e)))));
            report.trouble = Some(e);
        }
        moved
    }

    /// Moves a closed part from `from` to its place in `live` and notes that place in its row. Returns the folder.
    fn move_one(&self, from: &str, name: &str, row: &mut RecordingRow) -> Result<String> {
        let folder = held(&self.shards).place(&*self.disk, row.part.day, name)?;
        row.part.path = format!("{folder}/{name}");
        self.disk.rename(from, &row.part.path)?;
        Ok(folder)
    }

    /// C6: one `fsync` for each folder that a name left or entered.
    pub(crate) fn sync_folders(&self, folders: &BTreeSet<String>) -> Result<()> {
        if folders.len() > FEW {
            return self.sync_all();
        }
        for folder in folders {
            self.disk.sync_dir(folder)?;
        }
        Ok(())
    }

    /// C6a the leaves of the log, C7 one transaction with all rows, C8 the ledger's ends behind it.
    pub(crate) fn enter(&self, mut rows: Vec<RecordingRow>, report: &mut AdmitReport) {
        self.log_rows(&mut rows, report);
        let mut owed = std::mem::take(&mut *held(&self.owed));
        let ended: Vec<LedgerRow> = rows.iter().filter_map(|row| self.ended_by(row)).collect();
        let ledger: Vec<LedgerRow> = owed.ledger.iter().cloned().chain(ended).collect();
        let all: Vec<RecordingRow> = owed.recordings.iter().cloned().chain(rows.iter().cloned()).collect();
        let entered = self.catalogue.insert_batch(all, ledger);
        let mut told = Vec::new();
        match entered {
            Ok(()) => told.extend(owed.recordings.drain(..)),
            Err(e) => {
                let mut since = held(&self.owed);
                since.recordings.append(&mut owed.recordings);
                since.ledger.append(&mut owed.ledger);
                drop(since);
                let taken = self.enter_one_by_one(&rows);
                report
                    .admitted
                    .extend(rows.into_iter().zip(taken).map(|(row, entered)| Admitted { row, entered }));
                report.trouble = Some(e.into());
                let taken = report.admitted.iter().filter(|a| a.entered).map(|a| &a.row);
                if let Err(e) = self.spool.end_admitted(taken) {
                    report.trouble = Some(e);
                }
                return;
            }
        }
        if let Err(e) = self.spool.end_admitted(told.iter().chain(&rows)) {
            report.trouble = Some(e);
        }
        report.admitted.extend(rows.into_iter().map(|row| Admitted { row, entered: true }));
    }

    /// One row that the catalogue refuses must not keep the others out. What it does not take now is owed.
    fn enter_one_by_one(&self, rows: &[RecordingRow]) -> Vec<bool> {
        let one = |row: &RecordingRow| {
            let ledger = self.ended_by(row).into_iter().collect();
            let taken = self.catalogue.insert_batch(vec![row.clone()], ledger).is_ok();
            if !taken {
                held(&self.owed).recordings.push_back(row.clone());
            }
            taken
        };
        rows.iter().map(one).collect()
    }

    /// The row of the ledger that the row of a part brings with it. How entries of other recorders end their own ledgers say
    /// ([`crate::Incoming`]); the part adds who spoke.
    fn ended_by(&self, row: &RecordingRow) -> Option<LedgerRow> {
        if row.facts.recorder_id == self.config.recorder_id {
            return (!goes_on(row)).then(|| ledger_row_of(row));
        }
        let is_number = i64::try_from(row.facts.ledger_no.0).is_ok_and(|number| number > 0);
        is_number.then(|| LedgerRow { ending: None, ..ledger_row_of(row) })
    }
}

/// Says the same of each part of a batch; the first error keeps its particulars.
pub(crate) fn again(e: &impl std::fmt::Display) -> store::StoreError {
    store::StoreError::Poisoned { path: e.to_string() }
}

/// Tells whether the recording goes on in a next part, so that its entry stays open.
pub(crate) const fn goes_on(row: &RecordingRow) -> bool {
    row.part.flags & CONTINUED != 0
}

/// Makes the ledger row of an admitted recording.
pub(crate) fn ledger_row_of(row: &RecordingRow) -> LedgerRow {
    let number = |role| {
        let party = row.parties.iter().find(|p| p.role == role);
        party.map(|p| p.party.number.clone()).unwrap_or_default()
    };
    let f = &row.facts;
    LedgerRow {
        recorder_id: f.recorder_id,
        ledger_no: f.ledger_no,
        reference: f.reference,
        recording_id: f.recording_id,
        opened_at: f.started_at,
        ending: Some(LedgerEnding { end: f.end, rule: None, at: f.ended_at }),
        caller: number(PartyRole::Caller),
        called: number(PartyRole::Called),
    }
}
