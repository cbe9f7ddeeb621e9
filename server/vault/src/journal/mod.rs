//! The recorder's ledger: the account of every signalled call, kept by whoever seals, without any key or personal data.
//!
//! An append-only file `spool/ledger-<number>.aml` of small checksummed records. [`Ledger::allot`] gives the next number and
//! remembers it; [`Ledger::commit`] makes everything remembered durable with one append and one sync; [`Ledger::durable`] says
//! how far. **No audio may be sealed under a number that is not durable.** Hence a number that a power cut took away can be
//! given again: nobody outside this process ever saw it, and nothing was sealed under it.
//!
//! Numbers have no holes. If a spoilt record in the middle leaves one, replay fills it with an entry that ends as
//! *not recorded(crash)* and reports it: a missing number is an alarm, never a silence.
//!
//! After a failed sync the file is not written again: the next file begins and carries over what is open. The same happens at
//! 16 MiB. Each file names the BLAKE3 of the one before, so that none can be taken out unseen.

mod record;
mod replay;
mod totals;

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::{Day, LedgerEnd, LedgerNo, LedgerTotals, RecorderId, RecordingId, Reference, UtcMicros};
use store::{Disk, DiskFile};

use crate::{Result, VaultError};
pub(crate) use record::{FileHeader, HEADER_LEN, HeaderFault, RECORD_LEN, Record};
use totals::Totals;

pub use replay::{Replayed, ReplayedEnd};
pub(crate) use replay::{files, peek};

/// The folder of the ledger files.
pub(crate) const FOLDER: &str = "spool";
/// A file is full at 16 MiB, about 130,000 calls: start-up reads two of them.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Whose ledger it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LedgerOwner {
    /// The recorder.
    pub recorder_id: RecorderId,
    /// The letter in its references, `A` to `Z`.
    pub letter: char,
}

/// An entry that was opened and has not ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenEntry {
    /// Its number.
    pub ledger_no: LedgerNo,
    /// The recording that the call would get.
    pub recording_id: RecordingId,
    /// When it was opened.
    pub opened_at: UtcMicros,
    /// The reference shown to people.
    pub reference: Reference,
}

/// The ledger of one recorder, open for entries.
#[derive(Debug)]
pub struct Ledger {
    disk: Arc<dyn Disk>,
    owner: LedgerOwner,
    file_no: u32,
    file: DiskFile,
    bytes_max: u64,
    /// Digest of everything in the file that is known to be durable, for the header of the next one.
    hasher: blake3::Hasher,
    hashed: u64,
    next_no: u64,
    last_day: u32,
    last_sequence: u32,
    durable: LedgerNo,
    waiting: Vec<u8>,
    /// Entries whose end waits: if their file is given up, the next one must still say whose end it is.
    ending: Vec<OpenEntry>,
    open: BTreeMap<LedgerNo, OpenEntry>,
    totals: Totals,
}

impl Ledger {
    /// Opens the ledger, or begins it if there is none, and tells what it found: open entries, ends, spoilt places.
    ///
    /// A torn tail is cut off (nothing in it was ever acknowledged) and synced before this returns.
    ///
    /// # Errors
    /// [`VaultError::LedgerOwner`] for the ledger of another recorder, [`VaultError::Newer`], or the disk's.
    pub fn open(disk: Arc<dyn Disk>, owner: LedgerOwner) -> Result<(Self, Replayed)> {
        disk.mkdir_all(FOLDER)?;
        replay::open(disk, owner)
    }

    /// Gives the next number to a call seen at `at` on the civil day `day`. Durable after the next [`Self::commit`].
    ///
    /// The sequence in the reference counts from 1 on each new day; a day that steps back (a clock set back over midnight)
    /// goes on with the day of the last entry, so that no reference comes twice.
    ///
    /// # Errors
    /// [`VaultError::LedgerFull`] after 2^64 entries or 2^32 on a day.
    pub fn allot(
        &mut self,
        recording_id: RecordingId,
        at: UtcMicros,
        day: Day,
    ) -> Result<(LedgerNo, Reference)> {
        let day = Day::from_yyyymmdd(self.last_day.max(day.yyyymmdd())).unwrap_or(day);
        let sequence =
            if day.yyyymmdd() == self.last_day { self.last_sequence.checked_add(1) } else { Some(1) };
        let (Some(sequence), Some(next)) = (sequence, self.next_no.checked_add(1)) else {
            return Err(VaultError::LedgerFull);
        };
        let reference = Reference { letter: self.owner.letter, day, sequence };
        let entry = OpenEntry { ledger_no: LedgerNo(self.next_no), recording_id, opened_at: at, reference };
        self.waiting.extend_from_slice(&Record::Open(entry).encode());
        self.note_open(entry);
        self.next_no = next;
        Ok((entry.ledger_no, reference))
    }

    /// Ends an entry. Durable after the next [`Self::commit`]. An entry that is not open (ended before) stays as it is.
    ///
    /// Returns the entry if it was open.
    pub fn end(
        &mut self,
        ledger_no: LedgerNo,
        end: LedgerEnd,
        rule: Option<u32>,
        at: UtcMicros,
    ) -> Option<OpenEntry> {
        let entry = self.open.remove(&ledger_no)?;
        self.totals.ended(entry.reference.day, end);
        self.ending.push(entry);
        self.waiting.extend_from_slice(&Record::End { ledger_no, end, rule, at }.encode());
        Some(entry)
    }

    /// Makes everything entered so far durable: one append, one `fdatasync`. Returns the last durable number.
    ///
    /// After a failed sync a new file is begun at once, with everything open carried over and everything waiting in it.
    ///
    /// # Errors
    /// The disk's. What waits is kept and goes with the next commit; nothing counts as durable before.
    pub fn commit(&mut self) -> Result<LedgerNo> {
        if self.waiting.is_empty() {
            return Ok(self.durable);
        }
        if self.file.len() >= self.bytes_max || self.file.is_poisoned() {
            return self.next_file();
        }
        let before = self.file.len();
        self.file.append(&[&self.waiting])?;
        match self.file.sync() {
            Ok(()) => {
                self.hasher.update(&self.waiting);
                self.hashed = before.saturating_add(u64::try_from(self.waiting.len()).unwrap_or(u64::MAX));
                self.waiting.clear();
                self.ending.clear();
                self.durable = LedgerNo(self.next_no.saturating_sub(1));
                Ok(self.durable)
            }
            // The append may or may not be there. The next file says all of it again; replay takes the newest word.
            Err(_given_up) => self.next_file(),
        }
    }

    /// Returns the last number that survives a power cut; 0 when there is none.
    #[must_use]
    pub const fn durable(&self) -> LedgerNo {
        self.durable
    }

    /// Returns the number of the file that is written, and how many bytes of it survive a power cut.
    #[must_use]
    pub const fn durable_file(&self) -> (u32, u64) {
        (self.file_no, self.hashed)
    }

    /// Returns the account of `day`, what is not yet durable included. Days before the current file are in the catalogue.
    #[must_use]
    pub fn totals(&self, day: Day) -> LedgerTotals {
        let open = self.open.values().filter(|entry| entry.reference.day == day).count();
        self.totals.of(day, u64::try_from(open).unwrap_or(u64::MAX))
    }

    /// Returns the entries that have not ended, by number.
    pub fn open_entries(&self) -> impl Iterator<Item = &OpenEntry> {
        self.open.values()
    }

    /// Returns an entry that has not ended.
    #[must_use]
    pub fn open_entry(&self, ledger_no: LedgerNo) -> Option<&OpenEntry> {
        self.open.get(&ledger_no)
    }

    fn note_open(&mut self, entry: OpenEntry) {
        self.last_day = entry.reference.day.yyyymmdd();
        self.last_sequence = entry.reference.sequence;
        self.totals.opened(entry.reference.day);
        self.open.insert(entry.ledger_no, entry);
    }

    /// Begins the next file: header and carried records in one append, `fdatasync`, `fsync` of the folder.
    ///
    /// What waits is said by the carried records and the totals; an end that waits is said again as it is.
    fn next_file(&mut self) -> Result<LedgerNo> {
        let file_no = self.file_no.checked_add(1).ok_or(VaultError::LedgerFull)?;
        let path = file_path(file_no);
        if self.disk.exists(&path)? {
            // Left by an attempt of this process that failed half-way; nothing in it was acknowledged.
            self.disk.unlink(&path)?;
        }
        let carried = self.carried();
        let header = FileHeader {
            letter: letter_byte(self.owner.letter),
            recorder_id: self.owner.recorder_id,
            file_no,
            next_no: self.next_no,
            last_day: self.last_day,
            last_sequence: self.last_sequence,
            carried: u32::try_from(carried.len()).unwrap_or(u32::MAX),
            previous_len: self.hashed,
            previous_blake3: *self.hasher.finalize().as_bytes(),
        };
        let bytes = [header.encode().as_slice(), carried.as_flattened()].concat();
        let mut file = self.disk.create_new(&path)?;
        file.append(&[&bytes])?;
        file.sync()?;
        self.disk.sync_dir(FOLDER)?;
        self.file = file;
        self.file_no = file_no;
        self.hasher = blake3::Hasher::new();
        self.hasher.update(&bytes);
        self.hashed = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.waiting.clear();
        self.ending.clear();
        self.durable = LedgerNo(self.next_no.saturating_sub(1));
        Ok(self.durable)
    }

    /// Everything that the next file must say at its beginning: totals, open entries, and what waits and has ended already.
    ///
    /// The totals count all of it, so replay counts nothing of this block again.
    fn carried(&self) -> Vec<[u8; RECORD_LEN]> {
        let mut said: Vec<Record> =
            self.totals.days().map(|(day, totals)| Record::Totals { day, totals }).collect();
        said.extend(self.open.values().copied().map(Record::Carried));
        said.extend(self.ending.iter().copied().map(Record::Carried));
        let (waiting, _always_whole) = self.waiting.as_chunks::<RECORD_LEN>();
        let waiting = waiting.iter().filter_map(|bytes| Record::decode(bytes, self.owner.letter));
        said.extend(waiting.filter(|record| matches!(record, Record::End { .. })));
        said.iter().map(Record::encode).collect()
    }
}

/// Returns the path of a ledger file.
pub(crate) fn file_path(file_no: u32) -> String {
    format!("{FOLDER}/{}", file_name(file_no))
}

/// Returns the name of a ledger file.
pub(crate) fn file_name(file_no: u32) -> String {
    format!("ledger-{file_no:08}.aml")
}

/// Returns the number of a ledger file by its name.
pub(crate) fn file_no_of(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("ledger-")?.strip_suffix(".aml")?;
    (digits.len() >= 8 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
}

fn letter_byte(letter: char) -> u8 {
    u8::try_from(letter).unwrap_or(b'?')
}

const _HEADER_HOLDS_TWO_RECORDS: () =
    assert!(HEADER_LEN == 2 * RECORD_LEN, "records stay aligned behind the header");

#[cfg(test)]
mod tests;
