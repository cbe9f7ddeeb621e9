//! Reading the ledger at start-up: what is open, what has ended, what is torn, spoilt or missing.
//!
//! The newest whole file tells the state; the one before it is read for its ends, which the catalogue may not have yet.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use shared::{LedgerEnd, LedgerNo, NotRecorded, RecordingId, Reference, UtcMicros};
use store::Disk;

use super::record::{FORMAT, FileHeader, HEADER_LEN, HeaderFault, RECORD_LEN, Record};
use super::totals::Totals;
use super::{FILE_BYTES_MAX, FOLDER, Ledger, LedgerOwner, OpenEntry, file_no_of, file_path, letter_byte};
use crate::{Result, VaultError};

/// More missing numbers than this are no accident: a person must look.
const MISSING_MAX: u64 = 1 << 16;

/// An entry and how it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplayedEnd {
    /// The entry.
    pub entry: OpenEntry,
    /// How it ended.
    pub end: LedgerEnd,
    /// The rule that decided, if one did.
    pub rule: Option<u32>,
    /// When.
    pub at: UtcMicros,
}

/// What start-up found in the ledger.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Replayed {
    /// Ends of the newest two files.
    pub ended: Vec<ReplayedEnd>,
    /// Numbers whose record was lost; each got an entry that ends as *not recorded(crash)*. An alarm.
    pub missing: Vec<LedgerNo>,
    /// Spoilt records between whole ones. An alarm: a disk that loses single places is failing.
    pub spoilt_records: u64,
    /// Bytes of a torn tail, cut off. Nothing in them was acknowledged.
    pub torn_bytes: u64,
    /// The newest file names another file before it than the one that is there. An alarm.
    pub chain_broken: bool,
}

/// Opens or begins the ledger; [`Ledger::open`] says what holds.
pub(super) fn open(disk: Arc<dyn Disk>, owner: LedgerOwner) -> Result<(Ledger, Replayed)> {
    let mut files: Vec<u32> = disk.list(FOLDER)?.iter().filter_map(|entry| file_no_of(&entry.name)).collect();
    files.sort_unstable();
    while let Some(newest) = files.pop() {
        let Some(state) = read(&*disk, newest)? else {
            // Cut while it was begun: the file before it still says everything.
            disk.unlink(&file_path(newest))?;
            disk.sync_dir(FOLDER)?;
            continue;
        };
        if state.header.recorder_id != owner.recorder_id || state.header.letter != letter_byte(owner.letter) {
            return Err(VaultError::LedgerOwner { path: file_path(newest) });
        }
        let before = match files.last() {
            Some(file_no) => read(&*disk, *file_no)?,
            None => None,
        };
        return resume(disk, owner, newest, state, before);
    }
    begin(disk, owner)
}

/// Returns what is open in the newest file, changing nothing: for a look while the recorder works.
pub(crate) fn peek(disk: &dyn Disk) -> Result<Vec<OpenEntry>> {
    let newest = disk.list(FOLDER)?.iter().filter_map(|entry| file_no_of(&entry.name)).max();
    let state = match newest {
        Some(file_no) => read(disk, file_no)?,
        None => None,
    };
    Ok(state.map_or_else(Vec::new, |state| state.open.into_values().collect()))
}

/// Returns the files of the ledger, and how much of each counts: what the next one's header says of it, else all that is there.
pub(crate) fn files(disk: &dyn Disk) -> Result<Vec<(u32, u64)>> {
    let mut numbers: Vec<u32> =
        disk.list(FOLDER)?.iter().filter_map(|entry| file_no_of(&entry.name)).collect();
    numbers.sort_unstable();
    let counts = |number: &u32| {
        let next = number.saturating_add(1);
        let said = if numbers.contains(&next) { header_of(disk, next)? } else { None };
        let length = said.map_or_else(|| disk.len(&file_path(*number)), |header| Ok(header.previous_len))?;
        Ok((*number, length))
    };
    numbers.iter().map(counts).collect()
}

fn header_of(disk: &dyn Disk, file_no: u32) -> Result<Option<FileHeader>> {
    let path = file_path(file_no);
    let mut bytes = [0; HEADER_LEN];
    let got = fill(&mut disk.open_read(&path)?, &mut bytes)
        .map_err(|e| store::StoreError::sorted("read", &path, e))?;
    Ok(FileHeader::decode(&bytes).ok().filter(|_| got == HEADER_LEN))
}

fn begin(disk: Arc<dyn Disk>, owner: LedgerOwner) -> Result<(Ledger, Replayed)> {
    let header = FileHeader {
        letter: letter_byte(owner.letter),
        recorder_id: owner.recorder_id,
        file_no: 1,
        next_no: 1,
        last_day: 0,
        last_sequence: 0,
        carried: 0,
        previous_len: 0,
        previous_blake3: [0; 32],
    };
    let bytes = header.encode();
    let mut file = disk.create_new(&file_path(1))?;
    file.append(&[&bytes])?;
    file.sync()?;
    disk.sync_dir(FOLDER)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&bytes);
    let ledger = Ledger {
        disk,
        owner,
        file_no: 1,
        bytes_max: FILE_BYTES_MAX,
        hasher,
        hashed: file.len(),
        file,
        next_no: 1,
        last_day: 0,
        last_sequence: 0,
        durable: LedgerNo(0),
        waiting: Vec::new(),
        ending: Vec::new(),
        open: BTreeMap::new(),
        totals: Totals::default(),
    };
    Ok((ledger, Replayed::default()))
}

fn resume(
    disk: Arc<dyn Disk>,
    owner: LedgerOwner,
    file_no: u32,
    mut state: State,
    before: Option<State>,
) -> Result<(Ledger, Replayed)> {
    let path = file_path(file_no);
    let mut file = disk.open_append(&path)?;
    if file.len() > state.valid_end {
        file.truncate(state.valid_end)?;
    }
    // Also without a torn tail: what was read may come from memory and not be on the disk (a killed process).
    file.sync()?;
    let mut replayed = Replayed { torn_bytes: state.torn_bytes, ..Replayed::default() };
    let previous = file_path(file_no.saturating_sub(1));
    if file_no > 1 && disk.exists(&previous)? {
        let was = digest(&*disk, &previous, state.header.previous_len)?;
        replayed.chain_broken = was.finalize().as_bytes() != &state.header.previous_blake3;
    }
    if let Some(before) = before {
        replayed.ended = before.ended;
    }
    replayed.ended.append(&mut state.ended);
    replayed.spoilt_records = state.spoilt;
    replayed.missing = state.missing.keys().copied().map(LedgerNo).collect();
    let mut ledger = Ledger {
        hasher: digest(&*disk, &path, state.valid_end)?,
        hashed: state.valid_end,
        durable: LedgerNo(state.next_no.saturating_sub(1)),
        disk,
        owner,
        file_no,
        file,
        bytes_max: FILE_BYTES_MAX,
        next_no: state.next_no,
        last_day: state.last_day,
        last_sequence: state.last_sequence,
        waiting: Vec::new(),
        ending: Vec::new(),
        open: state.open,
        totals: state.totals,
    };
    for entry in state.missing.into_values() {
        let (end, at) = (LedgerEnd::NotRecorded(NotRecorded::Crash), entry.opened_at);
        ledger.totals.opened(entry.reference.day);
        ledger.open.insert(entry.ledger_no, entry);
        ledger.waiting.extend_from_slice(&Record::Open(entry).encode());
        ledger.end(entry.ledger_no, end, None, at);
        replayed.ended.push(ReplayedEnd { entry, end, rule: None, at });
    }
    ledger.commit()?;
    Ok((ledger, replayed))
}

/// What one file says.
struct State {
    header: FileHeader,
    next_no: u64,
    last_day: u32,
    last_sequence: u32,
    open: BTreeMap<LedgerNo, OpenEntry>,
    ended: Vec<ReplayedEnd>,
    /// Numbers that no record gave yet although a later one was given, with the entry that would fill the hole.
    missing: BTreeMap<u64, OpenEntry>,
    totals: Totals,
    spoilt: u64,
    valid_end: u64,
    torn_bytes: u64,
}

/// Reads a file. `None` if it was cut while it was begun, before anything in it could be acknowledged.
fn read(disk: &dyn Disk, file_no: u32) -> Result<Option<State>> {
    let path = file_path(file_no);
    let mut io = std::io::BufReader::with_capacity(1 << 18, disk.open_read(&path)?);
    replay(&mut io).map_err(|fault| match fault {
        Fault::Io(source) => store::StoreError::sorted("read", &path, source).into(),
        Fault::Newer(found) => {
            VaultError::Newer { what: "ledger", found: found.into(), known: FORMAT.into() }
        }
        Fault::Damaged => VaultError::LedgerDamaged { path: path.clone() },
    })
}

enum Fault {
    Io(std::io::Error),
    Newer(u16),
    Damaged,
}

fn replay(io: &mut impl Read) -> std::result::Result<Option<State>, Fault> {
    let mut bytes = [0; HEADER_LEN];
    let got = fill(io, &mut bytes).map_err(Fault::Io)?;
    let header = match FileHeader::decode(&bytes) {
        Ok(header) if got == HEADER_LEN => header,
        Err(HeaderFault::Newer(format)) => return Err(Fault::Newer(format)),
        Ok(_) | Err(HeaderFault::Damaged) => {
            return if acknowledged(io)? { Err(Fault::Damaged) } else { Ok(None) };
        }
    };
    let mut state = State::new(header);
    let (mut slot, mut gap) = (0_u64, 0_u64);
    loop {
        let mut bytes = [0; RECORD_LEN];
        let got = fill(io, &mut bytes).map_err(Fault::Io)?;
        if got == 0 {
            break;
        }
        let len = u64::try_from(got).unwrap_or(0);
        match Record::decode(&bytes, char::from(state.header.letter)).filter(|_| got == RECORD_LEN) {
            Some(record) => {
                state.spoilt = state.spoilt.saturating_add(gap.div_ceil(64));
                state.valid_end = state.valid_end.saturating_add(gap).saturating_add(len);
                gap = 0;
                state.take(record, slot < u64::from(state.header.carried))?;
            }
            None => gap = gap.saturating_add(len),
        }
        slot = slot.saturating_add(1);
    }
    state.torn_bytes = gap;
    let whole = u64::from(state.header.carried).saturating_mul(64).saturating_add(128);
    if state.valid_end < whole || (state.spoilt > 0 && slot <= u64::from(state.header.carried)) {
        return Ok(None);
    }
    Ok(Some(state))
}

/// Tells whether a file with a spoilt header holds any entry: then it was in use and is not to be thrown away.
fn acknowledged(io: &mut impl Read) -> std::result::Result<bool, Fault> {
    loop {
        let mut bytes = [0; RECORD_LEN];
        if fill(io, &mut bytes).map_err(Fault::Io)? < RECORD_LEN {
            return Ok(false);
        }
        if matches!(Record::decode(&bytes, 'A'), Some(Record::Open(_))) {
            return Ok(true);
        }
    }
}

impl State {
    fn new(header: FileHeader) -> Self {
        Self {
            next_no: header.next_no,
            last_day: header.last_day,
            last_sequence: header.last_sequence,
            header,
            open: BTreeMap::new(),
            ended: Vec::new(),
            missing: BTreeMap::new(),
            totals: Totals::default(),
            spoilt: 0,
            valid_end: 128,
            torn_bytes: 0,
        }
    }

    /// Takes over one record. What is `carried` over from the file before is in its totals already.
    fn take(&mut self, record: Record, carried: bool) -> std::result::Result<(), Fault> {
        match record {
            Record::Totals { day, totals } => self.totals.set(day, totals),
            // What is carried over was given before the file began.
            Record::Carried(entry) if entry.ledger_no.0 >= self.header.next_no => return Err(Fault::Damaged),
            Record::Carried(entry) => {
                self.open.insert(entry.ledger_no, entry);
            }
            Record::Open(entry) => self.opened(entry)?,
            Record::End { ledger_no, end, rule, at } => {
                let entry = self.open.remove(&ledger_no).or_else(|| {
                    let entry = self.missing.remove(&ledger_no.0)?;
                    self.totals.opened(entry.reference.day);
                    Some(entry)
                });
                if let Some(entry) = entry {
                    if !carried {
                        self.totals.ended(entry.reference.day, end);
                    }
                    self.ended.push(ReplayedEnd { entry, end, rule, at });
                }
            }
        }
        Ok(())
    }

    fn opened(&mut self, entry: OpenEntry) -> std::result::Result<(), Fault> {
        let no = entry.ledger_no.0;
        if no < self.next_no {
            // An entry that an earlier start-up wrote to fill a hole.
            if self.missing.remove(&no).is_some() {
                self.totals.opened(entry.reference.day);
                self.open.insert(entry.ledger_no, entry);
            }
            return Ok(());
        }
        let lost = no.saturating_sub(self.next_no);
        if lost.saturating_add(u64::try_from(self.missing.len()).unwrap_or(u64::MAX)) > MISSING_MAX {
            return Err(Fault::Damaged);
        }
        for back in (1..=lost).rev() {
            self.missing.insert(no.saturating_sub(back), filler(&entry, back));
        }
        self.next_no = no.checked_add(1).ok_or(Fault::Damaged)?;
        self.last_day = entry.reference.day.yyyymmdd();
        self.last_sequence = entry.reference.sequence;
        self.totals.opened(entry.reference.day);
        self.open.insert(entry.ledger_no, entry);
        Ok(())
    }
}

/// Makes the entry that stands `back` places before `next` and was lost: its reference counts back from there.
fn filler(next: &OpenEntry, back: u64) -> OpenEntry {
    let back32 = u32::try_from(back).unwrap_or(u32::MAX);
    let Reference { letter, day, sequence } = next.reference;
    let reference = Reference { letter, day, sequence: sequence.saturating_sub(back32) };
    OpenEntry {
        ledger_no: LedgerNo(next.ledger_no.0.saturating_sub(back)),
        recording_id: RecordingId::default(),
        opened_at: next.opened_at,
        reference,
    }
}

fn digest(disk: &dyn Disk, path: &str, len: u64) -> Result<blake3::Hasher> {
    let mut io = disk.open_read(path)?.take(len);
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(&mut io).map_err(|e| store::StoreError::sorted("read", path, e))?;
    Ok(hasher)
}

/// Reads until `bytes` is full or the end is reached; returns how many bytes came.
fn fill(io: &mut impl Read, bytes: &mut [u8]) -> std::io::Result<usize> {
    let mut got = 0_usize;
    while let Some(rest) = bytes.get_mut(got..).filter(|rest| !rest.is_empty()) {
        match io.read(rest) {
            Ok(0) => break,
            Ok(n) => got = got.saturating_add(n),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(got)
}
