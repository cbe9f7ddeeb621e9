//! The plaintext of `day-<generation>.amc`: one fixed row per recording of a day and a pool of texts, so that 50,000 rows open
//! in milliseconds. The file itself is AMX1 of kind 1 under the day's key.
//!
//! ```text
//! AMXDAYC1 | rows u32 | row length 96 u16 | 0 u16 | pool offset u32 | pool length u32 | 8 zero | rows | pool (UTF-8)
//!
//! Row: 0 recording_id 16; 16 start us i64; 24 duration ms u32; 28 parts u16; 30 flags u16; 32 legs u8; 33 direction u8;
//! 34 side u8; 35 tap u8; 36 seven references {offset u32, length u16}: near, far, extension, user, reference, subject, path;
//! 78 zero u16; 80 size u64; 88 leaf index u64.
//! ```
//! Rows stand by start, then identity.

use std::collections::HashMap;

use seal::fields::Fields;
use shared::{Direction, RecordingId, Side, UtcMicros};

use crate::{ArchiveError, Result};

const MAGIC: [u8; 8] = *b"AMXDAYC1";
const HEAD: usize = 32;
const ROW: usize = 96;
/// More recordings of one day go into a further generation.
pub const ROWS_MAX: usize = 1_000_000;
/// Texts of one file together.
const POOL_MAX: usize = 256 << 20;

/// A legal hold is on.
pub const HELD: u16 = 1;
/// It was closed after a crash.
pub const RECOVERED: u16 = 2;
/// Samples are missing.
pub const GAPS: u16 = 4;
/// Something was masked.
pub const MASKED: u16 = 8;

/// One recording of a day. Texts are cut at 65,535 bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DayRow<T = String> {
    /// Which recording.
    pub recording_id: RecordingId,
    /// Its beginning.
    pub start: UtcMicros,
    /// Its length.
    pub duration_ms: u32,
    /// Its files.
    pub parts: u16,
    /// [`HELD`], [`RECOVERED`], [`GAPS`], [`MASKED`].
    pub flags: u16,
    /// Its legs.
    pub legs: u8,
    /// Who called whom.
    pub direction: Direction,
    /// Where it was tapped.
    pub side: Side,
    /// Number of the tap, 255 for all above.
    pub tap: u8,
    /// Who spoke on our side.
    pub near: T,
    /// Who spoke on the other side.
    pub far: T,
    /// Our extension.
    pub extension: T,
    /// Our user.
    pub user: T,
    /// Reference for people.
    pub reference: T,
    /// What people wrote.
    pub subject: T,
    /// The first part, from the day's folder.
    pub path: T,
    /// Of all parts, in bytes.
    pub bytes: u64,
    /// The leaf of the first part.
    pub leaf: u64,
}

/// A day's rows, opened.
#[derive(Clone, Debug)]
pub struct DayCatalogue {
    rows: Vec<[u8; ROW]>,
    pool: String,
}

impl DayCatalogue {
    /// Writes the plaintext; rows are sorted on the way.
    ///
    /// # Errors
    /// More than [`ROWS_MAX`] rows, or more text than the format can hold.
    pub fn write(mut rows: Vec<DayRow>) -> Result<Vec<u8>> {
        if rows.len() > ROWS_MAX {
            return Err(wrong("it has too many rows"));
        }
        rows.sort_by_key(|row| (row.start, row.recording_id));
        let mut pool = Pool::default();
        let mut fixed = Vec::with_capacity(rows.len().saturating_mul(ROW));
        for row in &rows {
            put_row(row, &mut fixed, &mut pool);
        }
        let u32_of = |n: usize| u32::try_from(n).map_err(|_too_long| wrong("it has too much text"));
        if pool.text.len() > POOL_MAX {
            return Err(wrong("it has too much text"));
        }
        let mut out = MAGIC.to_vec();
        out.extend(u32_of(rows.len())?.to_le_bytes());
        out.extend([96, 0, 0, 0]);
        out.extend(u32_of(HEAD.saturating_add(fixed.len()))?.to_le_bytes());
        out.extend(u32_of(pool.text.len())?.to_le_bytes());
        out.extend([0; 8]);
        out.extend(fixed);
        out.extend(pool.text.into_bytes());
        Ok(out)
    }

    /// Opens a plaintext. Every reference is checked here, so that reading a row cannot fail.
    ///
    /// # Errors
    /// A damaged file or a newer version.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut f = Fields(bytes);
        if f.array() != Some(MAGIC) {
            return Err(wrong("its first bytes"));
        }
        let head = |f: &mut Fields<'_>| {
            let (count, row_len) = (f.u32()?, f.u16()?);
            f.zeros(2).filter(|zero| *zero)?;
            let (pool_at, pool_len) = (f.u32()?, f.u32()?);
            f.zeros(8).filter(|zero| *zero)?;
            let count = usize::try_from(count).ok().filter(|n| *n <= ROWS_MAX)?;
            let rows_len = count.checked_mul(ROW)?;
            let fits = usize::from(row_len) == ROW
                && usize::try_from(pool_at).ok() == HEAD.checked_add(rows_len)
                && usize::try_from(pool_len).is_ok_and(|n| n <= POOL_MAX);
            fits.then_some((rows_len, usize::try_from(pool_len).ok()?))
        };
        let (rows_len, pool_len) = head(&mut f).ok_or_else(|| wrong("its head"))?;
        let rows = f.bytes(rows_len).ok_or_else(|| wrong("it ends too early"))?;
        let pool = f.bytes(pool_len).filter(|_| f.0.is_empty()).ok_or_else(|| wrong("its length"))?;
        let pool = std::str::from_utf8(pool).map_err(|_no_text| wrong("its texts"))?.to_owned();
        let day = Self { rows: rows.as_chunks().0.to_vec(), pool };
        let whole = (0..day.rows.len()).all(|n| day.row(n).is_some());
        if whole { Ok(day) } else { Err(wrong("a row")) }
    }

    /// Returns how many recordings there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Tells whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns a row, by its place in the order of starts.
    #[must_use]
    pub fn row(&self, place: usize) -> Option<DayRow<&str>> {
        let mut f = Fields(self.rows.get(place)?);
        let (recording_id, start) = (RecordingId(f.array()?), UtcMicros(f.i64()?));
        let (duration_ms, parts, flags, legs) = (f.u32()?, f.u16()?, f.u16()?, f.u8()?);
        let (direction, side, tap) = (Direction::from_number(f.u8()?)?, Side::from_number(f.u8()?)?, f.u8()?);
        let mut text = || {
            let (at, len) = (usize::try_from(f.u32()?).ok()?, usize::from(f.u16()?));
            self.pool.get(at..at.checked_add(len)?)
        };
        let (near, far, extension, user) = (text()?, text()?, text()?, text()?);
        let (reference, subject, path) = (text()?, text()?, text()?);
        f.zeros(2).filter(|zero| *zero)?;
        let (bytes, leaf) = (f.u64()?, f.u64()?);
        Some(DayRow {
            recording_id,
            start,
            duration_ms,
            parts,
            flags,
            legs,
            direction,
            side,
            tap,
            near,
            far,
            extension,
            user,
            reference,
            subject,
            path,
            bytes,
            leaf,
        })
    }

    /// Returns all rows by start.
    pub fn rows(&self) -> impl Iterator<Item = DayRow<&str>> {
        (0..self.rows.len()).filter_map(|place| self.row(place))
    }
}

/// Texts, each kept once.
#[derive(Default)]
struct Pool {
    text: String,
    places: HashMap<String, (u32, u16)>,
}

impl Pool {
    fn place(&mut self, text: &str) -> (u32, u16) {
        let text = text.get(..text.floor_char_boundary(usize::from(u16::MAX))).unwrap_or_default();
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        // Whether the pool fits is judged when it is written.
        let at = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        let place = (at, u16::try_from(text.len()).unwrap_or(u16::MAX));
        self.text.push_str(text);
        self.places.insert(text.to_owned(), place);
        place
    }
}

fn put_row(row: &DayRow, out: &mut Vec<u8>, pool: &mut Pool) {
    out.extend(row.recording_id.bytes());
    out.extend(row.start.0.to_le_bytes());
    out.extend(row.duration_ms.to_le_bytes());
    out.extend(row.parts.to_le_bytes());
    out.extend(row.flags.to_le_bytes());
    out.extend([row.legs, row.direction as u8, row.side as u8, row.tap]);
    let texts = [&row.near, &row.far, &row.extension, &row.user, &row.reference, &row.subject, &row.path];
    for text in texts {
        let (at, len) = pool.place(text);
        out.extend(at.to_le_bytes());
        out.extend(len.to_le_bytes());
    }
    out.extend([0; 2]);
    out.extend(row.bytes.to_le_bytes());
    out.extend(row.leaf.to_le_bytes());
}

const fn wrong(what: &'static str) -> ArchiveError {
    ArchiveError::Document("the day catalogue", what)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "tests"
    )]
    use super::*;

    fn row(n: u8) -> DayRow {
        DayRow {
            recording_id: RecordingId([n; 16]),
            start: UtcMicros(1_000 - i64::from(n)),
            duration_ms: 30_000,
            parts: 1,
            flags: HELD | GAPS,
            legs: 2,
            direction: Direction::In,
            side: Side::Trunk,
            tap: n,
            near: "Thandi".into(),
            far: "+27 11 555 0100".into(),
            extension: "200".into(),
            user: String::new(),
            reference: format!("A20261122-{n:06}"),
            subject: "café".into(),
            path: "rec/14a/142233-fbyndbfbn6drc.amx".into(),
            bytes: 200_000,
            leaf: u64::from(n),
        }
    }

    #[test]
    fn rows_come_back_by_start_and_texts_stand_once() {
        let bytes = DayCatalogue::write((0..9).map(row).collect()).unwrap();
        let day = DayCatalogue::parse(&bytes).unwrap();
        assert_eq!(day.len(), 9);
        let first = day.row(0).unwrap();
        assert_eq!(
            (first.recording_id, first.subject, first.reference),
            (RecordingId([8; 16]), "café", "A20261122-000008")
        );
        assert!(day.rows().map(|r| r.start).is_sorted());
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!(text.matches("Thandi").count(), 1);
        assert!(DayCatalogue::parse(&DayCatalogue::write(vec![]).unwrap()).unwrap().is_empty());
    }

    #[test]
    fn what_is_damaged_is_refused_or_reads_without_a_panic() {
        let bytes = DayCatalogue::write((0..3).map(row).collect()).unwrap();
        for at in 0..bytes.len() {
            assert!(DayCatalogue::parse(&bytes[..at]).is_err(), "cut at {at}");
            for bit in [0, 7] {
                let mut altered = bytes.clone();
                altered[at] ^= 1 << bit;
                if let Ok(day) = DayCatalogue::parse(&altered) {
                    assert_eq!(day.rows().count(), 3);
                }
            }
        }
    }
}
