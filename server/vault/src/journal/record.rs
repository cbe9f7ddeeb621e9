//! The bytes of the ledger file: a header of 128, then records of 64, each closed by its CRC32C. All numbers little-endian.
//!
//! Header: `magic 8 | format u16 | header length u16 | letter u8 | 0 u8 x3 | recorder_id 16 | file number u32 | first free
//! ledger number u64 | last day u32 | last sequence u32 | carried records u32 | length of the previous file u64 | BLAKE3 of
//! that length of it 32 | 0 | CRC32C u32`.
//!
//! Record: `kind u8 | class u8 | reason u8 | has rule u8 | rule u32 | ledger number u64 | recording_id 16 | UTC us i64 |
//! day u32 | sequence u32 | 0 u8 x12 | CRC32C u32`. Kinds: 1 open, 2 end, 3 an open entry carried over from the file before,
//! 4 totals of a day carried over (`day` at 8, then signalled, recorded, partly, not recorded as u64 at 16).

use shared::{Day, LedgerEnd, LedgerNo, LedgerTotals, RecorderId, RecordingId, Reference, UtcMicros};

use super::OpenEntry;

pub(crate) const HEADER_LEN: usize = 128;
pub(crate) const RECORD_LEN: usize = 64;
const MAGIC: [u8; 8] = *b"\x89AMLEDG\x1a";
pub(crate) const FORMAT: u16 = 1;

/// What a ledger file says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct FileHeader {
    pub(crate) letter: u8,
    pub(crate) recorder_id: RecorderId,
    pub(crate) file_no: u32,
    pub(crate) next_no: u64,
    pub(crate) last_day: u32,
    pub(crate) last_sequence: u32,
    pub(crate) carried: u32,
    pub(crate) previous_len: u64,
    pub(crate) previous_blake3: [u8; 32],
}

/// Why bytes are no header of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum HeaderFault {
    /// Torn or spoilt.
    Damaged,
    /// Written by a newer program.
    Newer(u16),
}

impl FileHeader {
    pub(crate) fn encode(&self) -> [u8; HEADER_LEN] {
        let mut out = Vec::with_capacity(HEADER_LEN);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&128_u16.to_le_bytes());
        out.extend_from_slice(&[self.letter, 0, 0, 0]);
        out.extend_from_slice(self.recorder_id.bytes());
        out.extend_from_slice(&self.file_no.to_le_bytes());
        out.extend_from_slice(&self.next_no.to_le_bytes());
        out.extend_from_slice(&self.last_day.to_le_bytes());
        out.extend_from_slice(&self.last_sequence.to_le_bytes());
        out.extend_from_slice(&self.carried.to_le_bytes());
        out.extend_from_slice(&self.previous_len.to_le_bytes());
        out.extend_from_slice(&self.previous_blake3);
        sealed(&out)
    }

    pub(crate) fn decode(bytes: &[u8; HEADER_LEN]) -> Result<Self, HeaderFault> {
        let mut fields = Fields(checked(bytes).ok_or(HeaderFault::Damaged)?);
        Self::fields(&mut fields).unwrap_or(Err(HeaderFault::Damaged))
    }

    fn fields(f: &mut Fields<'_>) -> Option<Result<Self, HeaderFault>> {
        if f.take()? != MAGIC {
            return Some(Err(HeaderFault::Damaged));
        }
        let format = u16::from_le_bytes(f.take()?);
        if format != FORMAT {
            return Some(Err(HeaderFault::Newer(format)));
        }
        let [_len0, _len1, letter, ..] = f.take::<6>()?;
        let header = Self {
            letter,
            recorder_id: RecorderId(f.take()?),
            file_no: u32::from_le_bytes(f.take()?),
            next_no: u64::from_le_bytes(f.take()?),
            last_day: u32::from_le_bytes(f.take()?),
            last_sequence: u32::from_le_bytes(f.take()?),
            carried: u32::from_le_bytes(f.take()?),
            previous_len: u64::from_le_bytes(f.take()?),
            previous_blake3: f.take()?,
        };
        // Numbers begin at 1: 0 says that none is durable.
        Some(if header.next_no == 0 { Err(HeaderFault::Damaged) } else { Ok(header) })
    }
}

/// One record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Record {
    Open(OpenEntry),
    Carried(OpenEntry),
    End { ledger_no: LedgerNo, end: LedgerEnd, rule: Option<u32>, at: UtcMicros },
    Totals { day: Day, totals: LedgerTotals },
}

impl Record {
    pub(crate) fn encode(&self) -> [u8; RECORD_LEN] {
        match self {
            Self::Open(entry) => encode_open(1, entry),
            Self::Carried(entry) => encode_open(3, entry),
            Self::End { ledger_no, end, rule, at } => {
                let (class, reason) = end.numbers();
                let mut out = vec![2, class, reason, u8::from(rule.is_some())];
                out.extend_from_slice(&rule.unwrap_or(0).to_le_bytes());
                out.extend_from_slice(&ledger_no.0.to_le_bytes());
                out.extend_from_slice(&[0; 16]);
                out.extend_from_slice(&at.0.to_le_bytes());
                sealed(&out)
            }
            Self::Totals { day, totals } => {
                let mut out = vec![4, 0, 0, 0, 0, 0, 0, 0];
                out.extend_from_slice(&day.yyyymmdd().to_le_bytes());
                out.extend_from_slice(&[0; 4]);
                for n in [totals.signalled, totals.recorded, totals.partly, totals.not_recorded] {
                    out.extend_from_slice(&n.to_le_bytes());
                }
                sealed(&out)
            }
        }
    }

    /// Decodes a record; `None` if its checksum or any number in it is wrong. `letter` completes the references.
    pub(crate) fn decode(bytes: &[u8; RECORD_LEN], letter: char) -> Option<Self> {
        let mut f = Fields(checked(bytes)?);
        let [kind, class, reason, has_rule] = f.take()?;
        let rule = u32::from_le_bytes(f.take()?);
        if kind == 4 {
            let day = Day::from_yyyymmdd(u32::from_le_bytes(f.take()?)).ok()?;
            f.take::<4>()?;
            let mut n = || Some(u64::from_le_bytes(f.take()?));
            let (signalled, recorded, partly, not_recorded) = (n()?, n()?, n()?, n()?);
            return Some(Self::Totals {
                day,
                totals: LedgerTotals { signalled, recorded, partly, not_recorded, open: 0 },
            });
        }
        let ledger_no = Some(LedgerNo(u64::from_le_bytes(f.take()?))).filter(|no| no.0 != 0)?;
        let recording_id = RecordingId(f.take()?);
        let at = UtcMicros(i64::from_le_bytes(f.take()?));
        if kind == 2 {
            let end = LedgerEnd::from_numbers(class, reason)?;
            return Some(Self::End { ledger_no, end, rule: (has_rule == 1).then_some(rule), at });
        }
        let day = Day::from_yyyymmdd(u32::from_le_bytes(f.take()?)).ok()?;
        let sequence = u32::from_le_bytes(f.take()?);
        let entry = OpenEntry {
            ledger_no,
            recording_id,
            opened_at: at,
            reference: Reference { letter, day, sequence },
        };
        match kind {
            1 => Some(Self::Open(entry)),
            3 => Some(Self::Carried(entry)),
            _ => None,
        }
    }
}

fn encode_open(kind: u8, entry: &OpenEntry) -> [u8; RECORD_LEN] {
    let mut out = vec![kind, 0, 0, 0, 0, 0, 0, 0];
    out.extend_from_slice(&entry.ledger_no.0.to_le_bytes());
    out.extend_from_slice(entry.recording_id.bytes());
    out.extend_from_slice(&entry.opened_at.0.to_le_bytes());
    out.extend_from_slice(&entry.reference.day.yyyymmdd().to_le_bytes());
    out.extend_from_slice(&entry.reference.sequence.to_le_bytes());
    sealed(&out)
}

/// Pads with zeros and closes with the CRC32C of everything before it.
fn sealed<const N: usize>(body: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    for (to, from) in out.iter_mut().zip(body) {
        *to = *from;
    }
    if let Some((body, crc)) = out.split_last_chunk_mut::<4>() {
        *crc = crc32c::crc32c(body).to_le_bytes();
    }
    out
}

/// Returns everything before the CRC32C if that is right.
fn checked(bytes: &[u8]) -> Option<&[u8]> {
    let (body, crc) = bytes.split_last_chunk::<4>()?;
    (crc32c::crc32c(body).to_le_bytes() == *crc).then_some(body)
}

/// Takes fields from the front.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use shared::{NotRecorded, Partly};

    use super::*;

    fn entry() -> OpenEntry {
        OpenEntry {
            ledger_no: LedgerNo(u64::MAX - 1),
            recording_id: RecordingId([7; 16]),
            opened_at: UtcMicros(-5),
            reference: "A261122-000002".parse().unwrap(),
        }
    }

    #[test]
    fn every_record_survives_its_bytes_and_no_flipped_bit_does() {
        let end = |end, rule| Record::End { ledger_no: LedgerNo(9), end, rule, at: UtcMicros(77) };
        let totals = LedgerTotals { signalled: 9, recorded: 4, partly: 3, not_recorded: 2, open: 0 };
        for record in [
            Record::Open(entry()),
            Record::Carried(entry()),
            end(LedgerEnd::Recorded, None),
            end(LedgerEnd::Partly(Partly::Crash), None),
            end(LedgerEnd::NotRecorded(NotRecorded::Rule), Some(0)),
            Record::Totals { day: "2026-11-22".parse().unwrap(), totals },
        ] {
            let bytes = record.encode();
            assert_eq!(Record::decode(&bytes, 'A'), Some(record));
            for bit in 0..RECORD_LEN * 8 {
                let mut spoilt = bytes;
                spoilt[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(Record::decode(&spoilt, 'A'), None, "bit {bit}");
            }
        }
        assert_eq!(Record::decode(&[0; RECORD_LEN], 'A'), None, "zeros are no record");
    }

    #[test]
    fn a_header_survives_its_bytes_and_a_newer_one_is_told() {
        let header = FileHeader {
            letter: b'A',
            recorder_id: RecorderId([3; 16]),
            file_no: 2,
            next_no: 100,
            last_day: 20_261_122,
            last_sequence: 99,
            carried: 3,
            previous_len: 4_096,
            previous_blake3: [9; 32],
        };
        let bytes = header.encode();
        assert_eq!(FileHeader::decode(&bytes), Ok(header));
        let mut newer = bytes;
        newer[8] = 2;
        let newer: [u8; HEADER_LEN] = sealed(&newer[..HEADER_LEN - 4]);
        assert_eq!(FileHeader::decode(&newer), Err(HeaderFault::Newer(2)));
        assert_eq!(FileHeader::decode(&[0; HEADER_LEN]), Err(HeaderFault::Damaged));
    }

    /// Found by fuzzing: a header whose next number is 0 made the ledger give a number that already counted as durable.
    #[test]
    fn zero_is_no_number_of_an_entry() {
        let header = FileHeader {
            letter: b'A',
            recorder_id: RecorderId([3; 16]),
            file_no: 1,
            next_no: 0,
            last_day: 0,
            last_sequence: 0,
            carried: 0,
            previous_len: 0,
            previous_blake3: [0; 32],
        };
        assert_eq!(FileHeader::decode(&header.encode()), Err(HeaderFault::Damaged));
        let zero = OpenEntry { ledger_no: LedgerNo(0), ..entry() };
        let end =
            Record::End { ledger_no: LedgerNo(0), end: LedgerEnd::Recorded, rule: None, at: UtcMicros(0) };
        for record in [Record::Open(zero), Record::Carried(zero), end] {
            assert_eq!(Record::decode(&record.encode(), 'A'), None, "{record:?}");
        }
    }
}
