//! The files of the log: how they begin, what a crash may leave at their ends, and how leaves are read back.

use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use archive::log::{Frontier, Hash, LEAF_MAX, Tree, kept, leaf_hash};
use store::{Disk, DiskFile, ReadSeek, StoreError};

use super::FOLDER;
use crate::{Result, VaultError};

pub(super) const HASHES: &str = "log/hashes.amh";
const MAGIC: [u8; 8] = *b"AMXLOGL1";
const HEAD_LEN: usize = 20;
/// So many hashes are made again before they are written.
const HASHES_AT_ONCE: usize = 8_192;
/// Length and checksum of a record.
const AROUND: u64 = 6;

/// The log's files, open, and its edge.
pub(super) struct Opened {
    pub(super) file: DiskFile,
    pub(super) first: u64,
    pub(super) hashes: DiskFile,
    pub(super) edge: Frontier,
}

/// 1. The folder. 2. The newest file of leaves: what is torn at its end is cut off, durably; nothing there was acknowledged.
/// 3. The hashes of that file, made again. Each step may be cut and begun again.
pub(super) fn open(disk: &Arc<dyn Disk>, known: u64) -> Result<Opened> {
    disk.mkdir_all(FOLDER)?;
    let (file, first, count) = newest(&**disk, known)?;
    let leaves = first.saturating_add(count);
    let hashes = whole_hashes(&**disk, first, leaves)?;
    let edge = Tree::new(leaves, reader(disk.open_read(HASHES)?)).frontier()?;
    Ok(Opened { file, first, hashes, edge })
}

/// Begins a file of leaves: create, head, sync, folder. Cut in between: a file without a whole head, which is removed.
pub(super) fn begin(disk: &dyn Disk, first: u64) -> Result<DiskFile> {
    let mut head = [MAGIC.as_slice(), &first.to_le_bytes()].concat();
    head.extend(crc32c::crc32c(&head).to_le_bytes());
    let mut file = disk.create_new(&path_of(first))?;
    file.append(&[&head])?;
    file.sync()?;
    disk.sync_dir(FOLDER)?;
    Ok(file)
}

/// Writes a leaf as it lies in the file.
pub(super) fn record(leaf: &[u8]) -> Vec<u8> {
    let mut out = u16::try_from(leaf.len()).unwrap_or(u16::MAX).to_le_bytes().to_vec();
    out.extend(leaf);
    out.extend(crc32c::crc32c(&out).to_le_bytes());
    out
}

/// Shows each leaf from `index` on, one after the other, as far as they are whole.
pub(super) fn each(
    disk: &dyn Disk,
    index: u64,
    mut show: impl FnMut(u64, Vec<u8>) -> Result<()>,
) -> Result<()> {
    let firsts = firsts(disk)?;
    // Files that end before it are not read.
    let skipped = firsts.partition_point(|first| *first <= index).saturating_sub(1);
    for first in firsts.into_iter().skip(skipped) {
        let mut records = Records::open(disk, first)?;
        let mut at = first;
        while let Some(leaf) = records.next()? {
            if at >= index {
                show(at, leaf)?;
            }
            at = at.saturating_add(1);
        }
    }
    Ok(())
}

/// Reads one leaf.
pub(super) fn leaf(disk: &dyn Disk, index: u64) -> Result<Option<Vec<u8>>> {
    let Some(first) = firsts(disk)?.into_iter().rfind(|first| *first <= index) else { return Ok(None) };
    let mut records = Records::open(disk, first)?;
    for _ in first..index {
        if records.next()?.is_none() {
            return Ok(None);
        }
    }
    records.next()
}

/// Returns how many leaves have all their hashes in the file: what may be proven from it.
pub(super) fn hashed(disk: &dyn Disk) -> Result<u64> {
    if !disk.exists(HASHES)? {
        return Ok(0);
    }
    let hashes = disk.len(HASHES)? / 32;
    // kept(n) lies between n and 2n.
    let (mut low, mut high) = (hashes / 2, hashes);
    while low < high {
        let middle = low.saturating_add(high).saturating_add(1) / 2;
        if kept(middle) <= hashes { low = middle } else { high = middle.saturating_sub(1) }
    }
    Ok(low)
}

/// A reader of kept hashes for [`Tree`].
pub(super) fn reader(mut file: Box<dyn ReadSeek>) -> impl FnMut(u64) -> Result<Hash> {
    move |position| {
        let mut hash = [0; 32];
        let read = file
            .seek(SeekFrom::Start(position.saturating_mul(32)))
            .and_then(|_at| file.read_exact(&mut hash));
        read.map_err(|e| StoreError::sorted("read", HASHES, e))?;
        Ok(hash)
    }
}

fn path_of(first: u64) -> String {
    format!("{FOLDER}/leaves-{first:012}.aml")
}

fn firsts(disk: &dyn Disk) -> Result<Vec<u64>> {
    let number = |name: &str| name.strip_prefix("leaves-")?.strip_suffix(".aml")?.parse().ok();
    let mut firsts: Vec<u64> = disk.list(FOLDER)?.iter().filter_map(|entry| number(&entry.name)).collect();
    firsts.sort_unstable();
    Ok(firsts)
}

/// Opens the newest file that has a whole head and returns it with its first index and its count. Not only rows know of leaves: their
/// hashes are written when they are durable, so no crash leaves more hashes than leaves.
fn newest(disk: &dyn Disk, known: u64) -> Result<(DiskFile, u64, u64)> {
    let known = known.max(hashed(disk)?);
    let damaged = |path: String| VaultError::LogDamaged { path };
    for first in firsts(disk)?.into_iter().rev() {
        let path = path_of(first);
        let Ok(mut records) = Records::open(disk, first) else {
            if first < known {
                return Err(damaged(path));
            }
            // Cut while it was begun: the file before it still says everything.
            disk.unlink(&path)?;
            disk.sync_dir(FOLDER)?;
            continue;
        };
        let mut count = 0_u64;
        while records.next()?.is_some() {
            count = count.saturating_add(1);
        }
        if first.saturating_add(count) < known {
            return Err(damaged(path));
        }
        let mut file = disk.open_append(&path)?;
        if records.end < file.len() {
            file.truncate(records.end)?;
        }
        // It may be in memory only: the process was killed between writing and sync.
        file.sync()?;
        return Ok((file, first, count));
    }
    if known > 0 { Err(damaged(path_of(0))) } else { Ok((begin(disk, 0)?, 0, 0)) }
}

/// Opens the hashes of `leaves` leaves. Those of the newest file, which begins at `first`, are made again from it: they may not
/// have been durable when the power went. Those before it were, when it began.
fn whole_hashes(disk: &dyn Disk, first: u64, leaves: u64) -> Result<DiskFile> {
    let there = hashed(disk)?.min(first);
    let mut file = if disk.exists(HASHES)? {
        disk.open_append(HASHES)?
    } else {
        let file = disk.create_new(HASHES)?;
        disk.sync_dir(FOLDER)?;
        file
    };
    file.truncate(kept(there).saturating_mul(32))?;
    if there < leaves {
        let mut edge = Tree::new(there, reader(disk.open_read(HASHES)?)).frontier()?;
        let mut new: Vec<Hash> = Vec::new();
        each(disk, there, |_index, leaf| {
            new.extend(edge.append(leaf_hash(&leaf)));
            if new.len() >= HASHES_AT_ONCE {
                file.append(&[new.as_flattened()])?;
                new.clear();
            }
            Ok(())
        })?;
        file.append(&[new.as_flattened()])?;
        file.sync()?;
    }
    Ok(file)
}

/// The records of one file, one after the other, up to the first that is not whole.
struct Records {
    io: BufReader<Box<dyn ReadSeek>>,
    path: String,
    /// Where the last whole record ends.
    end: u64,
}

impl Records {
    fn open(disk: &dyn Disk, first: u64) -> Result<Self> {
        let path = path_of(first);
        let mut io = BufReader::with_capacity(1 << 16, disk.open_read(&path)?);
        let mut head = Vec::with_capacity(HEAD_LEN);
        let read = io.by_ref().take(20).read_to_end(&mut head);
        read.map_err(|e| StoreError::sorted("read", &path, e))?;
        let whole = head.split_last_chunk::<4>().is_some_and(|(body, sum)| {
            body == [MAGIC.as_slice(), &first.to_le_bytes()].concat()
                && crc32c::crc32c(body).to_le_bytes() == *sum
        });
        if whole { Ok(Self { io, path, end: 20 }) } else { Err(VaultError::LogDamaged { path }) }
    }

    fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let mut record = Vec::new();
        let mut read = |want: u64, record: &mut Vec<u8>| self.io.by_ref().take(want).read_to_end(record);
        let got = read(2, &mut record).map_err(|e| StoreError::sorted("read", &self.path, e))?;
        let Some(len) = record.first_chunk().map(|len| u16::from_le_bytes(*len)).filter(|_| got == 2) else {
            return Ok(None);
        };
        if usize::from(len) > LEAF_MAX {
            return Ok(None);
        }
        read(u64::from(len).saturating_add(4), &mut record)
            .map_err(|e| StoreError::sorted("read", &self.path, e))?;
        let whole = record.split_last_chunk::<4>().filter(|(body, sum)| {
            body.len() == usize::from(len).saturating_add(2) && crc32c::crc32c(body).to_le_bytes() == **sum
        });
        let Some((body, _)) = whole else { return Ok(None) };
        self.end = self.end.saturating_add(u64::from(len)).saturating_add(AROUND);
        Ok(Some(body.get(2..).unwrap_or_default().to_vec()))
    }
}
