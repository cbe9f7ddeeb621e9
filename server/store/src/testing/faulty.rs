//! A disk in memory with two images: what programs see, and what would survive a power cut.
//!
//! Bytes become durable by a sync of their file, names by a sync of their folder, everything by `sync_fs`. A power cut keeps,
//! by dice, a prefix of the name changes not yet synced (a journal commits in order) and, of each file, the durable bytes and
//! perhaps a prefix of the rest, sometimes as zeros (length written, data not). A failed sync loses the bytes for good while
//! later syncs succeed, which is what Linux does.
//!
//! Not modelled: a drive that lies about a sync that it reported as done.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Cursor, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::parent;
use crate::{Disk, DiskFile, Doubt, Entry, EntryKind, RawFile, ReadSeek, StoreError, checked_path};

/// A disk in memory whose faults are arranged by the test.
#[derive(Clone, Debug, Default)]
pub struct FaultyDisk {
    state: Arc<Mutex<State>>,
    doubt: Doubt,
}

#[derive(Debug, Default)]
struct State {
    files: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    folders: BTreeSet<String>,
    pending: Vec<Change>,
    operations: u64,
    cut_at: Option<u64>,
    off: bool,
    space: Option<u64>,
    total: Option<u64>,
    failing_syncs: BTreeSet<u64>,
    syncs: u64,
    boot: u64,
}

#[derive(Debug, Default, Clone)]
struct Inode {
    live: Vec<u8>,
    durable: Vec<u8>,
    /// A sync failed: the pages are gone, though the program still sees them.
    void: bool,
}

/// A change of names that no folder sync has covered yet.
#[derive(Debug, Clone)]
struct Change {
    kind: ChangeKind,
    unsynced_folders: BTreeSet<String>,
}

#[derive(Debug, Clone)]
enum ChangeKind {
    Link(String, usize),
    Unlink(String),
    Rename(String, String),
}

impl FaultyDisk {
    /// Makes an empty disk without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cuts the power after `n` more changing operations: the next one and all later calls fail.
    pub fn cut_after(&self, n: u64) {
        let mut state = self.lock();
        state.cut_at = Some(state.operations.saturating_add(n));
    }

    /// Counts the changing operations so far, so that a test can cut at each of them.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Leaves room for `bytes` more; then the disk is full.
    pub fn leave_space(&self, bytes: u64) {
        self.lock().space = Some(bytes);
    }

    /// Says how large the whole disk is.
    pub fn be_as_large_as(&self, bytes: u64) {
        self.lock().total = Some(bytes);
    }

    /// Lets the sync that comes after `n` others fail with an I/O error.
    pub fn fail_sync_after(&self, n: u64) {
        let mut state = self.lock();
        let at = state.syncs.saturating_add(n);
        state.failing_syncs.insert(at);
    }

    /// Returns what is there after a power cut and a new start; `dice` decides what of the unsynced survives.
    ///
    /// The old disk and its open files are of no use any more.
    #[must_use]
    pub fn reboot(&self, dice: u64) -> Self {
        let mut old = self.lock();
        old.off = true;
        let mut dice = Dice(dice | 1);
        let mut names = old.durable_names.clone();
        let kept = dice.below(old.pending.len().saturating_add(1));
        for change in old.pending.iter().take(kept) {
            apply(&mut names, &change.kind);
        }
        let files: Vec<Inode> = old.files.iter().map(|inode| survivor(inode, &mut dice)).collect();
        let state = State {
            files,
            durable_names: names.clone(),
            names,
            folders: old.folders.clone(),
            boot: old.boot.wrapping_add(1),
            ..State::default()
        };
        Self { state: Arc::new(Mutex::new(state)), doubt: Doubt::default() }
    }

    /// Returns another disk with what is on this one now, all of it durable; this one goes on.
    #[must_use]
    pub fn copied(&self) -> Self {
        let old = self.lock();
        let whole =
            |inode: &Inode| Inode { live: inode.live.clone(), durable: inode.live.clone(), void: false };
        let state = State {
            files: old.files.iter().map(whole).collect(),
            names: old.names.clone(),
            durable_names: old.names.clone(),
            folders: old.folders.clone(),
            ..State::default()
        };
        Self { state: Arc::new(Mutex::new(state)), doubt: Doubt::default() }
    }

    /// Spoils one byte of a file, as a failing drive does.
    pub fn flip(&self, path: &str, at: usize) {
        let mut state = self.lock();
        let Some(&n) = state.names.get(path) else { return };
        if let Some(byte) = state.files.get_mut(n).and_then(|inode| inode.live.get_mut(at)) {
            *byte ^= 0x55;
        }
        if let Some(byte) = state.files.get_mut(n).and_then(|inode| inode.durable.get_mut(at)) {
            *byte ^= 0x55;
        }
    }

    /// Returns all paths, sorted.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.lock().names.keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, path: &str, n: usize, len: usize) -> DiskFile {
        let raw = FaultyFile { disk: self.clone(), n };
        DiskFile::new(Box::new(raw), path, u64::try_from(len).unwrap_or(u64::MAX), &self.doubt)
    }
}

impl State {
    /// Counts a changing operation; fails once the power is off.
    fn operate(&mut self) -> io::Result<()> {
        if self.off || self.cut_at.is_some_and(|at| self.operations >= at) {
            self.off = true;
            return Err(io::Error::other("the power is off"));
        }
        self.operations = self.operations.saturating_add(1);
        Ok(())
    }

    fn powered(&self) -> io::Result<()> {
        if self.off { Err(io::Error::other("the power is off")) } else { Ok(()) }
    }

    /// Counts a sync; tells whether it is one that fails.
    fn sync_fails(&mut self) -> bool {
        let n = self.syncs;
        self.syncs = self.syncs.saturating_add(1);
        self.failing_syncs.contains(&n)
    }

    fn change(&mut self, kind: ChangeKind) {
        let unsynced_folders = match &kind {
            ChangeKind::Link(path, _) | ChangeKind::Unlink(path) => BTreeSet::from([parent(path).to_owned()]),
            ChangeKind::Rename(from, to) => BTreeSet::from([parent(from).to_owned(), parent(to).to_owned()]),
        };
        apply(&mut self.names, &kind);
        self.pending.push(Change { kind, unsynced_folders });
    }

    fn folder_synced(&mut self, folder: &str) {
        for change in &mut self.pending {
            change.unsynced_folders.remove(folder);
        }
        // A journal commits in order: what comes before a covered change is covered with it.
        let done = self
            .pending
            .iter()
            .rposition(|c| c.unsynced_folders.is_empty())
            .map_or(0, |at| at.saturating_add(1));
        for change in self.pending.drain(..done) {
            apply(&mut self.durable_names, &change.kind);
        }
    }

    fn find(&self, path: &str) -> Result<usize, StoreError> {
        self.names.get(path).copied().ok_or_else(|| StoreError::NotFound { path: path.to_owned() })
    }
}

fn apply(names: &mut BTreeMap<String, usize>, change: &ChangeKind) {
    match change {
        ChangeKind::Link(path, n) => {
            names.insert(path.clone(), *n);
        }
        ChangeKind::Unlink(path) => {
            names.remove(path);
        }
        ChangeKind::Rename(from, to) => {
            if let Some(n) = names.remove(from) {
                names.insert(to.clone(), n);
            }
        }
    }
}

fn survivor(inode: &Inode, dice: &mut Dice) -> Inode {
    let mut bytes = inode.durable.clone();
    let appended = inode.live.strip_prefix(inode.durable.as_slice()).unwrap_or_default();
    if !inode.void && !appended.is_empty() {
        let kept = dice.below(appended.len().saturating_add(1));
        if dice.below(4) == 0 {
            bytes.resize(bytes.len().saturating_add(kept), 0);
        } else {
            bytes.extend(appended.iter().take(kept));
        }
    }
    Inode { live: bytes.clone(), durable: bytes, void: false }
}

impl Disk for FaultyDisk {
    fn create_new(&self, path: &str) -> Result<DiskFile, StoreError> {
        let path = checked_path(path)?;
        let mut state = self.lock();
        if state.names.contains_key(path) {
            return Err(StoreError::Exists { path: path.to_owned() });
        }
        if !parent(path).is_empty() && !state.folders.contains(parent(path)) {
            return Err(StoreError::NotFound { path: path.to_owned() });
        }
        state.operate().map_err(|e| StoreError::sorted("create", path, e))?;
        if state.space == Some(0) {
            return Err(StoreError::NoSpace { path: path.to_owned() });
        }
        let n = state.files.len();
        state.files.push(Inode::default());
        state.change(ChangeKind::Link(path.to_owned(), n));
        drop(state);
        Ok(self.file(path, n, 0))
    }

    fn open_append(&self, path: &str) -> Result<DiskFile, StoreError> {
        let state = self.lock();
        state.powered().map_err(|e| StoreError::sorted("open", path, e))?;
        let n = state.find(checked_path(path)?)?;
        let len = state.files.get(n).map_or(0, |inode| inode.live.len());
        drop(state);
        Ok(self.file(path, n, len))
    }

    fn open_read(&self, path: &str) -> Result<Box<dyn ReadSeek>, StoreError> {
        let state = self.lock();
        state.powered().map_err(|e| StoreError::sorted("open", path, e))?;
        let n = state.find(checked_path(path)?)?;
        Ok(Box::new(Cursor::new(state.files.get(n).map(|inode| inode.live.clone()).unwrap_or_default())))
    }

    fn open_uncached(&self, path: &str, from: u64) -> Result<Option<Box<dyn BufRead + Send>>, StoreError> {
        let state = self.lock();
        state.powered().map_err(|e| StoreError::sorted("open", path, e))?;
        let n = state.find(checked_path(path)?)?;
        let mut bytes =
            Cursor::new(state.files.get(n).map(|inode| inode.durable.clone()).unwrap_or_default());
        bytes.set_position(from);
        Ok(Some(Box::new(bytes)))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StoreError> {
        let (from, to) = (checked_path(from)?, checked_path(to)?);
        let mut state = self.lock();
        state.find(from)?;
        if state.names.contains_key(to) {
            return Err(StoreError::Exists { path: to.to_owned() });
        }
        if !parent(to).is_empty() && !state.folders.contains(parent(to)) {
            return Err(StoreError::NotFound { path: to.to_owned() });
        }
        state.operate().map_err(|e| StoreError::sorted("rename", from, e))?;
        state.change(ChangeKind::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn unlink(&self, path: &str) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.find(checked_path(path)?)?;
        state.operate().map_err(|e| StoreError::sorted("remove", path, e))?;
        state.change(ChangeKind::Unlink(path.to_owned()));
        Ok(())
    }

    fn remove_folder(&self, path: &str) -> Result<(), StoreError> {
        let path = checked_path(path)?;
        let mut state = self.lock();
        if !state.folders.contains(path) {
            return Err(StoreError::NotFound { path: path.to_owned() });
        }
        if state.names.keys().any(|name| parent(name) == path) {
            let source = io::Error::from(io::ErrorKind::DirectoryNotEmpty);
            return Err(StoreError::Io { what: "remove the folder", path: path.to_owned(), source });
        }
        state.operate().map_err(|e| StoreError::sorted("remove the folder", path, e))?;
        state.folders.remove(path);
        Ok(())
    }

    fn mkdir_all(&self, path: &str) -> Result<(), StoreError> {
        let path = checked_path(path)?;
        let mut state = self.lock();
        if state.folders.contains(path) {
            return Ok(());
        }
        state.operate().map_err(|e| StoreError::sorted("make the folder", path, e))?;
        for (end, _) in path.match_indices('/').chain([(path.len(), "")]) {
            state.folders.insert(path.get(..end).unwrap_or(path).to_owned());
        }
        Ok(())
    }

    fn sync_dir(&self, path: &str) -> Result<(), StoreError> {
        let mut state = self.lock();
        if !path.is_empty() && !state.folders.contains(path) {
            return Err(StoreError::NotFound { path: path.to_owned() });
        }
        state.operate().map_err(|e| StoreError::sorted("sync the folder", path, e))?;
        if state.sync_fails() {
            return Err(StoreError::SyncFailed {
                path: path.to_owned(),
                source: io::Error::from_raw_os_error(5),
            });
        }
        state.folder_synced(path);
        Ok(())
    }

    fn sync_fs(&self) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.operate().map_err(|e| StoreError::sorted("sync", "the disk", e))?;
        let fails = state.sync_fails();
        for inode in &mut state.files {
            if fails {
                inode.void |= inode.live != inode.durable;
            } else if !inode.void {
                inode.durable.clone_from(&inode.live);
            }
        }
        if fails {
            self.doubt.raise();
            let source = io::Error::from_raw_os_error(5);
            return Err(StoreError::SyncFailed { path: "the disk".to_owned(), source });
        }
        for change in std::mem::take(&mut state.pending) {
            apply(&mut state.durable_names, &change.kind);
        }
        Ok(())
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, StoreError> {
        let state = self.lock();
        state.powered().map_err(|e| StoreError::sorted("list", path, e))?;
        if !path.is_empty() && !state.folders.contains(path) {
            return Err(StoreError::NotFound { path: path.to_owned() });
        }
        let inside =
            |full: &str| (parent(full) == path).then(|| full.rsplit('/').next().unwrap_or(full).to_owned());
        let files =
            state.names.keys().filter_map(|p| Some(Entry { name: inside(p)?, kind: EntryKind::File }));
        let folders =
            state.folders.iter().filter_map(|p| Some(Entry { name: inside(p)?, kind: EntryKind::Folder }));
        let mut entries: Vec<Entry> = files.chain(folders).collect();
        entries.sort();
        Ok(entries)
    }

    fn len(&self, path: &str) -> Result<u64, StoreError> {
        let state = self.lock();
        state.powered().map_err(|e| StoreError::sorted("measure", path, e))?;
        if state.folders.contains(path) {
            return Ok(0);
        }
        let n = state.find(checked_path(path)?)?;
        Ok(state.files.get(n).map_or(0, |inode| u64::try_from(inode.live.len()).unwrap_or(u64::MAX)))
    }

    fn total_bytes(&self) -> Result<u64, StoreError> {
        Ok(self.lock().total.unwrap_or(u64::MAX))
    }

    fn free_bytes(&self) -> Result<u64, StoreError> {
        Ok(self.lock().space.unwrap_or(u64::MAX))
    }

    fn exists(&self, path: &str) -> Result<bool, StoreError> {
        let state = self.lock();
        Ok(state.names.contains_key(path) || state.folders.contains(path))
    }
}

struct FaultyFile {
    disk: FaultyDisk,
    n: usize,
}

impl RawFile for FaultyFile {
    fn append_some(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.disk.lock();
        let state = &mut *state;
        state.operate()?;
        let wanted: usize = parts.iter().map(|part| part.len()).sum();
        let room =
            state.space.map_or(wanted, |space| wanted.min(usize::try_from(space).unwrap_or(usize::MAX)));
        if room == 0 && wanted > 0 {
            return Err(io::Error::from_raw_os_error(28));
        }
        if let Some(space) = &mut state.space {
            *space = space.saturating_sub(u64::try_from(room).unwrap_or(u64::MAX));
        }
        let inode = state.files.get_mut(self.n).ok_or(io::ErrorKind::NotFound)?;
        inode.live.extend(parts.iter().flat_map(|part| part.iter().copied()).take(room));
        Ok(room)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.lock();
        state.operate()?;
        let fails = state.sync_fails();
        let inode = state.files.get_mut(self.n).ok_or(io::ErrorKind::NotFound)?;
        if fails {
            inode.void = true;
            return Err(io::Error::from_raw_os_error(5));
        }
        if !inode.void {
            inode.durable.clone_from(&inode.live);
        }
        Ok(())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        let mut state = self.disk.lock();
        state.operate()?;
        let inode = state.files.get_mut(self.n).ok_or(io::ErrorKind::NotFound)?;
        inode.live.truncate(usize::try_from(len).unwrap_or(usize::MAX));
        Ok(())
    }

    fn measure(&self) -> io::Result<u64> {
        let state = self.disk.lock();
        state.powered()?;
        let inode = state.files.get(self.n).ok_or(io::ErrorKind::NotFound)?;
        Ok(u64::try_from(inode.live.len()).unwrap_or(u64::MAX))
    }
}

/// A small xorshift: the same seed gives the same accident.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let n = u64::try_from(n.max(1)).unwrap_or(1);
        usize::try_from(
            self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_shr(17).checked_rem(n).unwrap_or(0),
        )
        .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn read(disk: &FaultyDisk, path: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        disk.open_read(path).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_disk_in_memory_keeps_the_promises_of_every_disk() {
        super::super::suite::run(&mut || Box::new(FaultyDisk::new()));
    }

    #[test]
    fn unsynced_bytes_are_lost_in_every_way_and_synced_ones_never() {
        let mut lengths = BTreeSet::new();
        for dice in 0..200 {
            let disk = FaultyDisk::new();
            let mut file = disk.create_new("x").unwrap();
            file.append(&[b"safe"]).unwrap();
            file.sync().unwrap();
            disk.sync_dir("").unwrap();
            file.append(&[b"doubt"]).unwrap();
            let bytes = read(&disk.reboot(dice), "x");
            assert!(bytes.starts_with(b"safe"), "what was synced must survive");
            lengths.insert(bytes.len());
        }
        assert_eq!(lengths, (4..=9).collect(), "every torn length is to be met");
    }

    #[test]
    fn a_name_without_a_folder_sync_may_be_gone() {
        let gone = (0..50).filter(|dice| {
            let disk = FaultyDisk::new();
            let mut file = disk.create_new("x").unwrap();
            file.append(&[b"bytes"]).unwrap();
            file.sync().unwrap();
            disk.reboot(*dice).paths().is_empty()
        });
        assert!((1..50).contains(&gone.count()), "sometimes there, sometimes not");
    }

    #[test]
    fn a_failed_sync_poisons_and_the_bytes_are_gone_although_the_next_sync_succeeds() {
        let disk = FaultyDisk::new();
        let mut file = disk.create_new("x").unwrap();
        disk.sync_dir("").unwrap();
        file.append(&[b"bytes"]).unwrap();
        disk.fail_sync_after(0);
        assert!(matches!(file.sync(), Err(StoreError::SyncFailed { .. })), "the fault was arranged");
        assert!(matches!(file.sync(), Err(StoreError::Poisoned { .. })), "no second try");
        assert!(matches!(file.append(&[b"x"]), Err(StoreError::Poisoned { .. })), "no more bytes either");
        disk.sync_fs().unwrap();
        assert_eq!(read(&disk.reboot(3), "x"), b"");
    }

    #[test]
    fn a_failed_sync_of_the_disk_poisons_every_open_file() {
        let disk = FaultyDisk::new();
        let mut file = disk.create_new("x").unwrap();
        disk.fail_sync_after(0);
        assert!(disk.sync_fs().is_err(), "the fault was arranged");
        assert!(file.is_poisoned(), "open during the failure");
        assert!(file.append(&[b"x"]).is_err(), "poisoned");
        assert!(!disk.create_new("y").unwrap().is_poisoned(), "opened after it");
    }

    #[test]
    fn a_full_disk_leaves_the_file_as_it_was() {
        let disk = FaultyDisk::new();
        let mut file = disk.create_new("x").unwrap();
        file.append(&[b"1234"]).unwrap();
        disk.leave_space(3);
        let refused = file.append(&[b"56", b"78"]).unwrap_err();
        assert!(refused.is_no_space(), "{refused}");
        assert_eq!((file.len(), read(&disk, "x").len()), (4, 4));
    }

    #[test]
    fn after_the_cut_nothing_works() {
        let disk = FaultyDisk::new();
        let mut file = disk.create_new("x").unwrap();
        disk.cut_after(1);
        file.append(&[b"1"]).unwrap();
        assert!(file.append(&[b"2"]).is_err(), "off");
        assert!(disk.sync_fs().is_err(), "off");
        assert!(disk.open_read("x").is_err(), "off");
    }
}
