//! The account of a satellite's calls: its ledger files as they come, record by record, into the catalogue. The satellite's own file is
//! the authority; what comes here is checked as the file of any stranger.

use std::collections::{BTreeMap, HashMap};

use catalogue::{LedgerEnding, LedgerRow};
use shared::{LedgerEnd, LedgerNo, NotRecorded, RecorderId, RecordingId};

use super::write::LEDGER_MAX;
use super::{Answer, INCOMING, Incoming, folder_of, not_now, path_of};
use crate::journal::{FileHeader, HEADER_LEN, HeaderFault, OpenEntry, RECORD_LEN, Record};
use crate::outpost::read_at;
use crate::vault::held;
use crate::{Refusal, Result, What};

/// Bytes read at a time.
const STEP: u64 = 256 * RECORD_LEN as u64;
/// Entries that may be open in one file: more are no accident. What ends behind them is entered when its file is read again.
const OPEN_MAX: usize = 1 << 16;
/// Rows that wait are entered at once when there are so many.
const ROWS_MAX: usize = 1_000;

/// How far each file of each satellite is read, and what it said that the catalogue has not yet.
#[derive(Default)]
pub(super) struct Ledgers {
    files: HashMap<(RecorderId, u32), Reading>,
    rows: Vec<LedgerRow>,
}

/// One file, as far as it is read.
#[derive(Default)]
struct Reading {
    /// Its header, once it is whole.
    header: Option<FileHeader>,
    at: u64,
    /// Entries of this file that have not ended in it.
    open: BTreeMap<LedgerNo, OpenEntry>,
    /// The number that the next entry should have.
    next: u64,
}

impl Incoming {
    /// Judges the beginning of a ledger file; `None`: its header is not whole yet.
    pub(super) fn judge_ledger(
        &self,
        who: RecorderId,
        number: u32,
        start: &[u8],
    ) -> Answer<Option<std::result::Result<(), (Refusal, String)>>> {
        let Some(bytes) = start.first_chunk::<HEADER_LEN>() else { return Ok(None) };
        let letter = self.vault.satellite(who).map_err(not_now)?.map(|row| row.letter);
        let no = |why, text: &str| Ok(Some(Err((why, text.to_owned()))));
        match FileHeader::decode(bytes) {
            Ok(header)
                if (header.recorder_id, header.file_no) == (who, number)
                    && letter == Some(char::from(header.letter)) =>
            {
                Ok(Some(Ok(())))
            }
            Ok(_) => no(Refusal::Foreign, "it is the ledger of another recorder, letter or number"),
            Err(HeaderFault::Newer(_)) => {
                no(Refusal::NotNow, "a newer AMETHYST wrote it: update the central")
            }
            Err(HeaderFault::Damaged) => no(Refusal::Unsound, "its header is damaged"),
        }
    }

    /// Returns how far the records of a ledger file are whole, from its beginning.
    pub(super) fn trusted_ledger(&self, path: &str) -> Result<u64> {
        let bytes = read_at(&*self.vault.disk, path, 0, LEDGER_MAX)?;
        let Some((header, rest)) = bytes.split_first_chunk::<HEADER_LEN>() else { return Ok(0) };
        let Ok(header) = FileHeader::decode(header) else { return Ok(0) };
        let (records, _rest) = rest.as_chunks::<RECORD_LEN>();
        let letter = char::from(header.letter);
        let whole = records.iter().take_while(|bytes| Record::decode(bytes, letter).is_some()).count();
        let whole = u64::try_from(whole.saturating_mul(RECORD_LEN)).unwrap_or(0);
        Ok(whole.saturating_add(HEADER_LEN as u64))
    }

    /// Reads what is new in a ledger file. Rows of it wait for [`Self::enter_ledgers`].
    pub(super) fn read_ledger(&self, who: RecorderId, number: u32) -> Answer<()> {
        let path = path_of(who, What::Ledger(number));
        if !self.vault.disk.exists(&path).map_err(not_now)? {
            return Ok(());
        }
        let length = self.vault.disk.len(&path).map_err(not_now)?;
        let mut ledgers = held(&self.ledgers);
        let Ledgers { files, rows } = &mut *ledgers;
        let reading = files.entry((who, number)).or_default();
        if reading.header.is_none() && length >= HEADER_LEN as u64 {
            let bytes = read_at(&*self.vault.disk, &path, 0, HEADER_LEN as u64).map_err(not_now)?;
            let header = bytes.first_chunk::<HEADER_LEN>().and_then(|bytes| FileHeader::decode(bytes).ok());
            let Some(header) = header else { return Ok(()) };
            (reading.next, reading.at) = (header.next_no, HEADER_LEN as u64);
            self.judge_chain(who, &header);
            reading.header = Some(header);
        }
        let Some(letter) = reading.header.as_ref().map(|header| char::from(header.letter)) else {
            return Ok(());
        };
        loop {
            let some = STEP.min(length.saturating_sub(reading.at));
            let bytes = read_at(&*self.vault.disk, &path, reading.at, some).map_err(not_now)?;
            let (records, _rest) = bytes.as_chunks::<RECORD_LEN>();
            for bytes in records {
                let Some(record) = Record::decode(bytes, letter) else { continue };
                let lost = reading.lost_before(&record);
                if lost > 0 {
                    self.alarm(who, What::Ledger(number), missing(lost));
                }
                rows.extend(reading.take(who, record));
            }
            if records.is_empty() {
                break;
            }
            reading.at = reading.at.saturating_add(seal::fields::len64(records.as_flattened()));
        }
        let many = rows.len() >= ROWS_MAX;
        drop(ledgers);
        if many {
            self.enter_ledgers().map_err(not_now)?;
        }
        Ok(())
    }

    /// J8: enters what the ledgers said. A call that a rule excludes although something of it came is removed here, too.
    pub(super) fn enter_ledgers(&self) -> Result<()> {
        let rows = std::mem::take(&mut held(&self.ledgers).rows);
        if rows.is_empty() {
            return Ok(());
        }
        if let Err(e) = self.vault.catalogue.ledger_told(rows.clone()) {
            let mut ledgers = held(&self.ledgers);
            let since = std::mem::replace(&mut ledgers.rows, rows);
            ledgers.rows.extend(since);
            return Err(e.into());
        }
        let excluded = |row: &&LedgerRow| {
            row.ending.is_some_and(|ending| ending.end == LedgerEnd::NotRecorded(NotRecorded::Rule))
        };
        for row in rows.iter().filter(excluded) {
            self.discard(row.recorder_id, row.recording_id)?;
        }
        Ok(())
    }

    /// Removes what came of a call whose own recorder says, durably, that a rule excludes it. What is whole stays.
    fn discard(&self, who: RecorderId, id: RecordingId) -> Result<()> {
        let mut removed = false;
        for part in 0..=u16::MAX {
            let what = What::Part(id, part);
            let path = path_of(who, what);
            if !self.vault.disk.exists(&path)? {
                break;
            }
            if crate::survey::trailer_of(&*self.vault.disk, &path)?.is_none() {
                held(&self.files).remove(&(who, what));
                held(&self.watched).done((who, what));
                self.vault.disk.unlink(&path)?;
                removed = true;
            }
        }
        if removed {
            self.vault.disk.sync_dir(&folder_of(who))?;
        }
        Ok(())
    }

    /// Each file names length and digest of the one before. If that is here, whole, and another, somebody changed it.
    fn judge_chain(&self, who: RecorderId, header: &FileHeader) {
        let Some(before) = header.file_no.checked_sub(1).filter(|before| *before > 0) else { return };
        let path = path_of(who, What::Ledger(before));
        let is_whole = self.vault.disk.len(&path).is_ok_and(|length| length >= header.previous_len);
        let was = is_whole.then(|| self.digest(&path, header.previous_len).ok()).flatten();
        if was.is_some_and(|was| was != header.previous_blake3) {
            let text = format!(
                "file {} of the ledger names another file before it than the one that came: one of the two was changed; compare the \
                 copy in {INCOMING} with the satellite's",
                header.file_no
            );
            self.alarm(who, What::Ledger(header.file_no), text);
        }
    }
}

impl Reading {
    /// Returns how many numbers before an entry were never given here.
    fn lost_before(&self, record: &Record) -> u64 {
        if let Record::Open(entry) = record { entry.ledger_no.0.saturating_sub(self.next) } else { 0 }
    }

    /// Takes over one record; returns the row that it makes.
    fn take(&mut self, who: RecorderId, record: Record) -> Option<LedgerRow> {
        match record {
            Record::Totals { .. } => None,
            // The file before has its row.
            Record::Carried(entry) => {
                self.note(entry);
                None
            }
            Record::Open(entry) => {
                self.next = self.next.max(entry.ledger_no.0.saturating_add(1));
                self.note(entry);
                Some(row(who, &entry, None))
            }
            Record::End { ledger_no, end, rule, at } => {
                let entry = self.open.remove(&ledger_no)?;
                Some(row(who, &entry, Some(LedgerEnding { end, rule, at })))
            }
        }
    }

    fn note(&mut self, entry: OpenEntry) {
        if self.open.len() < OPEN_MAX {
            self.open.insert(entry.ledger_no, entry);
        }
    }
}

fn row(who: RecorderId, entry: &OpenEntry, ending: Option<LedgerEnding>) -> LedgerRow {
    LedgerRow {
        recorder_id: who,
        ledger_no: entry.ledger_no,
        reference: entry.reference,
        recording_id: entry.recording_id,
        opened_at: entry.opened_at,
        ending,
        caller: String::new(),
        called: String::new(),
    }
}

fn missing(lost: u64) -> String {
    format!(
        "{lost} numbers are missing in its ledger: records of calls were lost on its disk, or taken out. It fills such holes when it \
         starts again; look at its disk"
    )
}
