//! Holding files against rows, at three prices: are they there, are they as long, are they the same.

use std::collections::BTreeMap;
use std::io::Read as _;

use catalogue::{PartPlace, PartRow};
use shared::RecordingId;
use store::EntryKind;

use crate::shard::LIVE;
use crate::{Result, Vault};

/// Rows fetched at once.
const STRIDE: u32 = 5_000;
/// Length of the trailer, which the digests do not cover.
const TRAILER: u64 = 256;

/// How closely to look. Ten million files: presence minutes, size minutes, hash the time to read every byte.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// Is every file there, and has every file a row?
    Presence,
    /// Is it as long as the row says?
    Size,
    /// Are its bytes those that were sealed (SHA-256 and BLAKE3)?
    Hash,
}

/// What is wrong with one file or row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// A file without a row: recover, or unlock the keystore and recover.
    NoRow,
    /// A row without a file that was not purged: a recording is lost, unless a location has it.
    NoFile,
    /// The file is not as long as it was.
    Size {
        /// Bytes that the row says.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// The bytes changed.
    Hash,
    /// It cannot be read, and why.
    Unreadable(String),
}

/// One finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Which file.
    pub path: String,
    /// Whose part, if a row says so.
    pub recording: Option<(RecordingId, u16)>,
    /// What is wrong.
    pub trouble: Trouble,
}

/// What a check found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CheckReport {
    /// Files seen.
    pub files: u64,
    /// Rows seen.
    pub rows: u64,
    /// Bytes read (level hash).
    pub bytes_read: u64,
    /// All that is wrong, by day and path.
    pub problems: Vec<Problem>,
}

impl CheckReport {
    /// Tells whether nothing is wrong.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }
}

/// What a file of the live store is.
pub(crate) struct Digests {
    /// SHA-256 and BLAKE3 of everything before the trailer.
    pub(crate) content: ([u8; 32], [u8; 32]),
    /// The same of the whole file.
    pub(crate) whole: ([u8; 32], [u8; 32]),
    trailer: Option<[u8; 256]>,
}

/// Both hashes under way.
#[derive(Clone, Default)]
struct Hashes {
    sha256: sha2::Sha256,
    blake3: blake3::Hasher,
}

impl Hashes {
    fn update(&mut self, bytes: &[u8]) {
        sha2::Digest::update(&mut self.sha256, bytes);
        self.blake3.update(bytes);
    }

    fn end(self) -> ([u8; 32], [u8; 32]) {
        (sha2::Digest::finalize(self.sha256).into(), *self.blake3.finalize().as_bytes())
    }
}

impl Vault {
    /// Compares all admitted files with their rows. Changes nothing. Parts still in the spool are not looked at.
    ///
    /// # Errors
    /// The disk's or the catalogue's; what concerns one file stands in the report.
    pub fn check(&self, level: Level) -> Result<CheckReport> {
        let mut report = CheckReport::default();
        let mut days: Vec<String> = self.disk.list(LIVE)?.into_iter().map(|entry| entry.name).collect();
        days.extend(self.days_with_rows()?);
        days.sort_unstable();
        days.dedup();
        for day in days {
            self.check_day(&day, level, &mut report)?;
        }
        Ok(report)
    }

    /// Compares one day folder: paths of files without a row, and of rows without a file.
    pub(crate) fn compare_day(&self, day: &str) -> Result<(Vec<String>, Vec<String>)> {
        let mut rows = self.rows_of_day(day)?;
        let files = self.files_of_day(day)?;
        let orphans = files.into_iter().filter(|path| rows.remove(path).is_none()).collect();
        Ok((orphans, rows.into_iter().filter(|(_, place)| place.is_live).map(|(path, _)| path).collect()))
    }

    fn check_day(&self, day: &str, level: Level, report: &mut CheckReport) -> Result<()> {
        let mut rows = self.rows_of_day(day)?;
        let files = self.files_of_day(day)?;
        report.rows = report.rows.saturating_add(u64::try_from(rows.len()).unwrap_or(u64::MAX));
        for path in files {
            report.files = report.files.saturating_add(1);
            let row = rows.remove(&path);
            let trouble = match &row {
                None => Some(Trouble::NoRow),
                Some(place) => self.check_file(&path, &place.row, level, report),
            };
            if let Some(trouble) = trouble {
                let recording = row.map(|place| (place.recording_id, place.row.part));
                report.problems.push(Problem { path, recording, trouble });
            }
        }
        for (path, place) in rows.into_iter().filter(|(_, place)| place.is_live) {
            let recording = Some((place.recording_id, place.row.part));
            report.problems.push(Problem { path, recording, trouble: Trouble::NoFile });
        }
        Ok(())
    }

    fn check_file(
        &self,
        path: &str,
        row: &PartRow,
        level: Level,
        report: &mut CheckReport,
    ) -> Option<Trouble> {
        if level == Level::Presence {
            return None;
        }
        let found = match self.disk.len(path) {
            Ok(found) => found,
            Err(e) => return Some(Trouble::Unreadable(e.to_string())),
        };
        if found != row.bytes {
            return Some(Trouble::Size { expected: row.bytes, found });
        }
        if level == Level::Size {
            return None;
        }
        report.bytes_read = report.bytes_read.saturating_add(found);
        match self.same_bytes(path, row) {
            Ok(true) => None,
            Ok(false) => Some(Trouble::Hash),
            Err(e) => Some(Trouble::Unreadable(e.to_string())),
        }
    }

    /// Compares both digests of everything before the trailer; the trailer itself must repeat them.
    fn same_bytes(&self, path: &str, row: &PartRow) -> Result<bool> {
        let is = self.digests(path)?;
        let says = is.trailer.and_then(|bytes| seal::Trailer::parse(&bytes, row.bytes).ok());
        let says = says.map(|t| (t.facts.sha256, t.facts.blake3));
        Ok(is.content == (row.sha256, row.blake3) && says == Some(is.content))
    }

    /// Hashes a file of the live store.
    pub(crate) fn digests(&self, path: &str) -> Result<Digests> {
        let read = |e| store::StoreError::sorted("read", path, e);
        let len = self.disk.len(path)?;
        let mut io = self.disk.open_read(path)?;
        let mut hashes = Hashes::default();
        let mut left = len.saturating_sub(TRAILER);
        let mut buffer = vec![0; 1 << 18];
        while left > 0 {
            let want = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let piece = buffer.get_mut(..want).unwrap_or_default();
            io.read_exact(piece).map_err(read)?;
            hashes.update(piece);
            left = left.saturating_sub(u64::try_from(want).unwrap_or(u64::MAX));
        }
        let content = hashes.clone().end();
        let mut trailer = Vec::new();
        io.take(TRAILER).read_to_end(&mut trailer).map_err(read)?;
        hashes.update(&trailer);
        Ok(Digests { content, whole: hashes.end(), trailer: trailer.try_into().ok() })
    }

    /// Returns the rows whose files lie in a day folder, by path.
    fn rows_of_day(&self, day: &str) -> Result<BTreeMap<String, PartPlace>> {
        let prefix = format!("{LIVE}/{day}/");
        let mut rows = BTreeMap::new();
        let mut after = prefix.clone();
        loop {
            let some = self.catalogue.parts_after(&after, STRIDE)?;
            let all = some.len();
            let here = some.into_iter().take_while(|place| place.row.path.starts_with(&prefix));
            let before = rows.len();
            rows.extend(here.map(|place| (place.row.path.clone(), place)));
            match rows.last_key_value() {
                Some((last, _)) if rows.len().saturating_sub(before) == all && all > 0 => {
                    after.clone_from(last);
                }
                _ => return Ok(rows),
            }
        }
    }

    /// Returns the day folders that rows speak of.
    fn days_with_rows(&self) -> Result<Vec<String>> {
        let mut days = Vec::new();
        let mut after = format!("{LIVE}/");
        while let Some(place) = self.catalogue.parts_after(&after, 1)?.pop() {
            let day = place.row.path.split('/').nth(1).unwrap_or_default().to_owned();
            after = format!("{LIVE}/{day}/\u{7f}"); // behind every path of that day
            days.push(day);
        }
        Ok(days)
    }

    fn files_of_day(&self, day: &str) -> Result<Vec<String>> {
        let folder = format!("{LIVE}/{day}");
        let mut files = Vec::new();
        let shards = match self.disk.list(&folder) {
            Ok(shards) => shards,
            Err(e) if e.is_not_found() => return Ok(files),
            Err(e) => return Err(e.into()),
        };
        for shard in shards.iter().filter(|entry| entry.kind == EntryKind::Folder) {
            let shard = format!("{folder}/{}", shard.name);
            let names = self.disk.list(&shard)?.into_iter().filter(|entry| entry.kind == EntryKind::File);
            files.extend(names.map(|entry| format!("{shard}/{}", entry.name)));
        }
        Ok(files)
    }
}
