//! The ledger as the recorder uses it, and how its ends reach the catalogue.

use catalogue::{LedgerEnding, LedgerRow};
use shared::{Day, LedgerNo, LedgerTotals, RecordingId, Reference, UtcMicros};

use crate::journal::OpenEntry;
use crate::vault::held;
use crate::{Result, Vault};

/// Ledger rows that may wait for a batch; beyond, they are entered with the next commit.
const OWED_ROWS_MAX: usize = 1_000;

/// An entry of the ledger, not yet durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LedgerEntry {
    /// Its number.
    pub ledger_no: LedgerNo,
    /// The reference shown to people.
    pub reference: Reference,
}

impl Vault {
    /// Gives the next ledger number to a call first seen at `at` that would become `recording_id`.
    ///
    /// Costs no disk access. **No byte may be sealed for this call before [`Self::commit_ledger`] returned this number or a
    /// higher one.**
    ///
    /// # Errors
    /// [`VaultError::LedgerFull`](crate::VaultError::LedgerFull); [`VaultError::InUse`](crate::VaultError::InUse) if the vault was not opened for recording.
    pub fn allot(&self, recording_id: RecordingId, at: UtcMicros) -> Result<LedgerEntry> {
        self.spool.allot(recording_id, at)
    }

    /// Ends the entry of a call that has no recording, or whose part was left for recovery. Durable after the next
    /// [`Self::commit_ledger`]. Entries of admitted parts are ended by [`Self::admit`].
    ///
    /// `caller` and `called` are the numbers for the catalogue; the ledger itself never holds them. Ending twice is harmless.
    ///
    /// # Errors
    /// [`VaultError::InUse`](crate::VaultError::InUse) if the vault was not opened for recording.
    pub fn end_entry(
        &self,
        ledger_no: LedgerNo,
        ending: LedgerEnding,
        caller: &str,
        called: &str,
    ) -> Result<()> {
        if let Some(entry) = self.spool.end(ledger_no, ending)? {
            let mut row = self.ledger_row(&entry, Some(ending));
            row.caller = caller.to_owned();
            row.called = called.to_owned();
            held(&self.owed).ledger.push(row);
        }
        Ok(())
    }

    /// Makes everything entered into the ledger durable: one append and one `fdatasync` for all. Returns the last durable number.
    ///
    /// # Errors
    /// The disk's: what waits is kept for the next commit, and no new call may be sealed until one succeeds.
    pub fn commit_ledger(&self) -> Result<LedgerNo> {
        let durable = self.spool.commit()?;
        if held(&self.owed).ledger.len() >= OWED_ROWS_MAX {
            self.settle()?;
        }
        Ok(durable)
    }

    /// Returns the last ledger number that survives a power cut.
    #[must_use]
    pub fn durable_ledger_no(&self) -> LedgerNo {
        self.spool.durable()
    }

    /// Enters into the catalogue what it is owed: ledger rows, and rows of admitted parts that it could not take before. Their
    /// ledger entries end after that.
    ///
    /// # Errors
    /// The catalogue's or the ledger's; what is owed is kept.
    pub fn settle(&self) -> Result<()> {
        if held(&self.spool.desk).ledger.is_some() {
            self.spool.commit()?; // a row never says more than the ledger
        }
        let owed = std::mem::take(&mut *held(&self.owed));
        if let Err(e) =
            self.catalogue.insert_batch(owed.recordings.iter().cloned().collect(), owed.ledger.clone())
        {
            let mut since = held(&self.owed);
            since.recordings.extend(owed.recordings);
            since.ledger.extend(owed.ledger);
            return Err(e.into());
        }
        self.spool.end_admitted(owed.recordings.iter())?;
        Ok(())
    }

    /// Returns the ledger entries opened on `day`, those still open included.
    ///
    /// # Errors
    /// The catalogue's or the disk's.
    pub fn ledger_day(&self, day: Day) -> Result<Vec<LedgerRow>> {
        let mut rows = self.catalogue.ledger_day(day)?;
        rows.extend(held(&self.owed).ledger.iter().filter(|row| row.reference.day == day).cloned());
        let mine = |rows: &[LedgerRow], entry: &OpenEntry| {
            rows.iter().any(|r| r.ledger_no == entry.ledger_no && r.recorder_id == self.config.recorder_id)
        };
        for entry in self.open_entries()?.iter().filter(|entry| entry.reference.day == day) {
            if !mine(&rows, entry) {
                rows.push(self.ledger_row(entry, None));
            }
        }
        rows.sort_by_key(|row| (row.recorder_id, row.ledger_no));
        rows.dedup_by_key(|row| (row.recorder_id, row.ledger_no));
        Ok(rows)
    }

    /// Returns the account of `day`: `signalled` is always the sum of the other four.
    ///
    /// # Errors
    /// The catalogue's or the disk's.
    pub fn ledger_totals(&self, day: Day) -> Result<LedgerTotals> {
        let mut totals = LedgerTotals::default();
        for row in self.ledger_day(day)? {
            totals.signalled = totals.signalled.saturating_add(1);
            let slot = match row.ending.map(|ending| ending.end.numbers().0) {
                None => &mut totals.open,
                Some(1) => &mut totals.recorded,
                Some(2) => &mut totals.partly,
                Some(_) => &mut totals.not_recorded,
            };
            *slot = slot.saturating_add(1);
        }
        Ok(totals)
    }

    /// Returns the entries that have not ended.
    ///
    /// # Errors
    /// The disk's.
    pub fn open_entries(&self) -> Result<Vec<OpenEntry>> {
        self.spool.open_entries()
    }

    pub(crate) fn ledger_row(&self, entry: &OpenEntry, ending: Option<LedgerEnding>) -> LedgerRow {
        LedgerRow {
            recorder_id: self.config.recorder_id,
            ledger_no: entry.ledger_no,
            reference: entry.reference,
            recording_id: entry.recording_id,
            opened_at: entry.opened_at,
            ending,
            caller: String::new(),
            called: String::new(),
        }
    }
}
