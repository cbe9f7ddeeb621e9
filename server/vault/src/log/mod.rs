//! The site's transparency log on central's disk: what was admitted, in a list that only grows.
//!
//! Leaves lie in `log/leaves-<first>.aml`: a head of 20 bytes (`AMXLOGL1 | first u64 | CRC32C`), then `length u16 | leaf |
//! CRC32C` for each, little-endian; a file is full at 65,536 leaves. `log/hashes.amh` holds the kept hashes of the tree, 32 bytes
//! each; they follow from the leaves, and those of the newest file are made again at each start. Signed checkpoints lie beside them.
//!
//! The order: leaves of a batch in **one append, one sync**; the hashes behind them; then the rows that name the leaves. A leaf
//! that survived without its row is found at the next start and used, not written twice.

mod files;
mod prove;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use archive::log::{Act, Frontier, Leaf, RecordingLeaf, leaf_hash};
use catalogue::{PartKey, PartRow, RecordingRow};
use shared::{RecorderId, RecordingId, UtcMicros};
use store::{Disk, DiskFile};

use crate::admit::AdmitReport;
use crate::vault::held;
use crate::{Result, Vault};

/// The folder of the log.
pub(crate) const FOLDER: &str = "log";
/// Leaves of one file; few in tests, so that they fill some.
const FILE_LEAVES_MAX: u64 = if cfg!(test) { 8 } else { 65_536 };
/// Parts of older versions that get their leaf at one start, some seconds' work, because nothing is recorded before it is over.
/// The others follow with later batches.
const WAITING_AT_START: u32 = 2_000;
/// Such parts entered at a time.
const WAITING_AT_ONCE: u32 = 200;

/// The log, open for appending.
pub(crate) struct SiteLog {
    disk: Arc<dyn Disk>,
    file: DiskFile,
    /// Index of the first leaf of the file.
    first: u64,
    hashes: DiskFile,
    /// Hashes that the disk did not take yet.
    owed: Vec<u8>,
    edge: Frontier,
    /// Leaves that no row names yet: a crash came between them and their rows.
    unclaimed: HashMap<PartKey, (u64, [u8; 32])>,
}

impl SiteLog {
    /// Opens the log, or begins it. `known` leaves must be there; those from `of_parts` on may tell of parts without a row.
    ///
    /// # Errors
    /// [`crate::VaultError::LogDamaged`], or the disk's.
    pub(crate) fn open(disk: Arc<dyn Disk>, known: u64, of_parts: u64) -> Result<Self> {
        let opened = files::open(&disk, known)?;
        let mut log = Self {
            file: opened.file,
            first: opened.first,
            hashes: opened.hashes,
            owed: Vec::new(),
            edge: opened.edge,
            unclaimed: HashMap::new(),
            disk,
        };
        let unclaimed = &mut log.unclaimed;
        files::each(&*log.disk, of_parts, |index, bytes| {
            if let Ok(Leaf { act: Act::Recording(r), .. }) = Leaf::parse(&bytes) {
                unclaimed.insert((r.recording_id, r.part), (index, r.sha256));
            }
            Ok(())
        })?;
        Ok(log)
    }

    /// Appends leaves durably and returns the index of the first.
    ///
    /// # Errors
    /// The disk's. Then no leaf is acknowledged; whether one survives, the next start sees.
    pub(crate) fn append(&mut self, leaves: &[Vec<u8>]) -> Result<u64> {
        let index = self.edge.leaves();
        if index.saturating_sub(self.first) >= FILE_LEAVES_MAX {
            // Behind the beginning of a file nobody makes them again.
            self.hashes.append(&[&self.owed])?;
            self.owed.clear();
            self.hashes.sync()?;
            (self.file, self.first) = (files::begin(&*self.disk, index)?, index);
        }
        let records: Vec<u8> = leaves.iter().flat_map(|leaf| files::record(leaf)).collect();
        self.file.append(&[&records])?;
        self.file.sync()?;
        for leaf in leaves {
            let kept = self.edge.append(leaf_hash(leaf));
            self.owed.extend(kept.as_flattened());
        }
        // What is owed here can be made again from the leaves: no reason to refuse them.
        if self.hashes.append(&[&self.owed]).is_ok() {
            self.owed.clear();
        }
        Ok(index)
    }

    /// Gives each row its leaf: one that a crash left without a row, or a new one.
    fn log(&mut self, rows: &mut [RecordingRow]) -> Result<()> {
        let mut new = Vec::new();
        for row in rows.iter_mut().filter(|row| row.leaf.is_none()) {
            let key = (row.facts.recording_id, row.part.part);
            row.leaf = self.unclaimed.remove(&key).filter(|(_, sum)| *sum == row.part.sha256).map(|(n, _)| n);
            if row.leaf.is_none() {
                new.push(row);
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        let at = now();
        let leaf =
            |row: &&mut RecordingRow| leaf_of(at, row.facts.recording_id, row.facts.recorder_id, &row.part);
        let leaves: Vec<Vec<u8>> = new.iter().map(leaf).collect();
        let first = self.append(&leaves)?;
        (first..).zip(new).for_each(|(index, row)| row.leaf = Some(index));
        Ok(())
    }
}

impl Vault {
    /// C6a: the leaves of a batch, before its rows. Without them the rows come all the same and wait for their leaves: that a
    /// call is found must not hang on the log.
    pub(crate) fn log_rows(&self, rows: &mut [RecordingRow], report: &mut AdmitReport) {
        let Some(log) = &mut *held(&self.log) else { return };
        if let Err(e) = log.log(rows) {
            self.unlogged.store(true, Ordering::Relaxed);
            report.trouble = Some(e);
        }
    }

    /// D10: leaves for parts that have none, the oldest first.
    pub(crate) fn log_waiting(&self) -> Result<()> {
        for _ in 0..WAITING_AT_START.div_ceil(WAITING_AT_ONCE) {
            if !self.log_some_waiting()? {
                break;
            }
        }
        Ok(())
    }

    /// Leaves for some of the parts that have none; tells whether there may be more.
    pub(crate) fn log_some_waiting(&self) -> Result<bool> {
        let waiting = self.catalogue.unlogged(WAITING_AT_ONCE)?;
        let mut log = held(&self.log);
        let Some(log) = &mut *log else { return Ok(false) };
        let mut keys: Vec<PartKey> = Vec::new();
        let (mut leaves, mut noted) = (Vec::new(), Vec::new());
        let at = now();
        for (id, number) in waiting {
            let Some(recording) = self.catalogue.recording(id)? else { continue };
            let Some(part) = recording.parts.iter().find(|part| part.part == number) else { continue };
            if let Some((index, _)) =
                log.unclaimed.remove(&(id, number)).filter(|(_, sum)| *sum == part.sha256)
            {
                noted.push(((id, number), index));
            } else {
                leaves.push(leaf_of(at, id, recording.facts.recorder_id, part));
                keys.push((id, number));
            }
        }
        let is_more = keys.len().saturating_add(noted.len()) >= usize::try_from(WAITING_AT_ONCE).unwrap_or(0);
        if !leaves.is_empty() {
            let first = log.append(&leaves)?;
            noted.extend(keys.into_iter().zip(first..));
        }
        if !noted.is_empty() {
            self.catalogue.note_leaves(noted)?;
        }
        self.unlogged.store(is_more, Ordering::Relaxed);
        Ok(is_more)
    }

    /// After a batch: some of what waits, if anything does.
    pub(crate) fn log_between(&self, report: &mut AdmitReport) {
        if self.unlogged.load(Ordering::Relaxed)
            && let Err(e) = self.log_some_waiting()
        {
            report.trouble = Some(e);
        }
    }
}

fn leaf_of(at: UtcMicros, recording_id: RecordingId, recorder_id: RecorderId, part: &PartRow) -> Vec<u8> {
    let act = Act::Recording(RecordingLeaf {
        recording_id,
        part: part.part,
        flags: u16::try_from(part.flags).unwrap_or(u16::MAX),
        size: part.bytes,
        sha256: part.sha256,
        blake3: part.blake3,
        recorder_id,
        start: part.started_at,
        end: part.ended_at,
        day: part.day,
    });
    Leaf { at, actor: [0; 16], act }.to_bytes()
}

/// Central's clock: when something was entered into the log.
pub(crate) fn now() -> UtcMicros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UtcMicros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
