//! Where a recorder puts what it seals: the vault of a central, or the outpost of a satellite. The recorder sees no difference.

use catalogue::{LedgerEnding, PartKey};
use shared::{LedgerNo, RecordingId, UtcMicros};

use crate::{AdmitReport, ClosedPart, LedgerEntry, PartFile, Result, Vault};

/// What a recorder needs of a data folder. The order of the calls, and what is durable after each, is that of
/// `docs/design/recording-lifecycle.md`, A to C.
pub trait Depot: Send + Sync {
    /// Creates the file of a new part in the spool. `name` is [`seal::file_name`].
    ///
    /// The name becomes durable with the next [`Self::sync_all`], at the latest when the part is admitted.
    ///
    /// # Errors
    /// The disk's.
    fn begin_part(&self, key: PartKey, name: &str) -> Result<PartFile>;

    /// Takes back a part in which nothing stands, because its first append failed. One that holds anything stays.
    ///
    /// # Errors
    /// The disk's.
    fn withdraw(&self, part: PartFile) -> Result<()>;

    /// Makes all parts in the spool durable as far as they are written, with one `syncfs`: call it every five seconds.
    ///
    /// # Errors
    /// [`store::StoreError::SyncFailed`]. Every open part is poisoned then: drop them all, go on in new recordings; what was
    /// durable before is found by recovery.
    fn sync_all(&self) -> Result<()>;

    /// Closes a batch of parts and makes them safe: in a vault with a name, a leaf and a row; in an outpost until the central has
    /// receipted them. Their ledger entries end.
    fn admit(&self, parts: Vec<ClosedPart>) -> AdmitReport;

    /// Removes a part that a rule excludes although something of it was sealed already. The ledger says why before, durably.
    ///
    /// # Errors
    /// The ledger's or the disk's.
    fn discard(
        &self,
        part: PartFile,
        ledger_no: LedgerNo,
        ending: LedgerEnding,
        caller: &str,
        called: &str,
    ) -> Result<()>;

    /// Gives the next ledger number to a call first seen at `at` that would become `recording_id`.
    ///
    /// Costs no disk access. **No byte may be sealed for this call before [`Self::commit_ledger`] returned this number or a
    /// higher one.**
    ///
    /// # Errors
    /// [`crate::VaultError::LedgerFull`]; [`crate::VaultError::InUse`] if the folder was not opened for recording.
    fn allot(&self, recording_id: RecordingId, at: UtcMicros) -> Result<LedgerEntry>;

    /// Ends the entry of a call that has no recording, or whose part was left for recovery. Durable after the next
    /// [`Self::commit_ledger`]. Entries of admitted parts are ended by [`Self::admit`].
    ///
    /// `caller` and `called` are the numbers for a catalogue; the ledger never holds them. Ending twice is harmless.
    ///
    /// # Errors
    /// [`crate::VaultError::InUse`] if the folder was not opened for recording.
    fn end_entry(&self, ledger_no: LedgerNo, ending: LedgerEnding, caller: &str, called: &str) -> Result<()>;

    /// Makes everything entered into the ledger durable: one append and one `fdatasync` for all. Returns the last durable number.
    ///
    /// # Errors
    /// The disk's: what waits is kept for the next commit, and no new call may be sealed until one succeeds.
    fn commit_ledger(&self) -> Result<LedgerNo>;

    /// Returns the last ledger number that survives a power cut.
    fn durable_ledger_no(&self) -> LedgerNo;

    /// Enters whatever is still owed: a catalogue's rows, the ledger's records.
    ///
    /// # Errors
    /// The catalogue's or the ledger's; what is owed is kept.
    fn settle(&self) -> Result<()>;
}

impl Depot for Vault {
    fn begin_part(&self, key: PartKey, name: &str) -> Result<PartFile> {
        self.begin_part(key, name)
    }

    fn withdraw(&self, part: PartFile) -> Result<()> {
        self.withdraw(part)
    }

    fn sync_all(&self) -> Result<()> {
        self.sync_all()
    }

    fn admit(&self, parts: Vec<ClosedPart>) -> AdmitReport {
        self.admit(parts)
    }

    fn discard(
        &self,
        part: PartFile,
        ledger_no: LedgerNo,
        ending: LedgerEnding,
        caller: &str,
        called: &str,
    ) -> Result<()> {
        self.discard(part, ledger_no, ending, caller, called)
    }

    fn allot(&self, recording_id: RecordingId, at: UtcMicros) -> Result<LedgerEntry> {
        self.allot(recording_id, at)
    }

    fn end_entry(&self, ledger_no: LedgerNo, ending: LedgerEnding, caller: &str, called: &str) -> Result<()> {
        self.end_entry(ledger_no, ending, caller, called)
    }

    fn commit_ledger(&self) -> Result<LedgerNo> {
        self.commit_ledger()
    }

    fn durable_ledger_no(&self) -> LedgerNo {
        self.durable_ledger_no()
    }

    fn settle(&self) -> Result<()> {
        self.settle()
    }
}
