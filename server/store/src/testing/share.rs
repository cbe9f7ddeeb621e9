//! A share: a [`FaultyDisk`] behind a network, with the manners of NFS and of Windows shares.
//!
//! What the server did and what the client hears are two things there: an answer that is lost is asked for again, and the second
//! answer is about a world that the first request has changed already.

use std::collections::BTreeMap;
use std::io::{self, BufRead, IoSlice};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::FaultyDisk;
use crate::{Disk, DiskFile, Doubt, Entry, EntryKind, RawFile, ReadSeek, StoreError};

const ENOENT: i32 = 2;
const EINVAL: i32 = 22;
const ENOSPC: i32 = 28;
const ESTALE: i32 = 116;
const EDQUOT: i32 = 122;

/// How a share behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    /// The server was restarted: the call that comes after so many others finds its handle stale; those behind it work.
    Stale(u64),
    /// The answer to every so-manieth change is lost: it was done, and the second request finds it done and fails.
    LostAnswers(u64),
    /// Nothing is written through: that the quota is used up is said by the sync that comes after so many others, once.
    FullAtSync(u64, bool),
    /// Folders cannot be synced, and nothing can be read past the cache.
    NoFolderSync,
    /// Names are the same in capitals, and are listed as they were made.
    FoldsCase,
    /// What is removed stays under a name of the client's own until the share is mounted again.
    SillyNames,
}

/// The share.
#[derive(Clone, Debug)]
pub struct Share {
    server: FaultyDisk,
    manner: Manner,
    calls: Arc<AtomicU64>,
    /// Removed but shown, by folder.
    silly: Arc<Mutex<BTreeMap<String, u64>>>,
    /// Names as they were made, by what they are without case.
    made: Arc<Mutex<BTreeMap<String, String>>>,
    doubt: Doubt,
}

impl Share {
    /// Shares a disk.
    #[must_use]
    pub fn new(server: &FaultyDisk, manner: Manner) -> Self {
        let (calls, silly, made) = Default::default();
        Self { server: server.clone(), manner, calls, silly, made, doubt: Doubt::default() }
    }

    /// Returns how many calls were made that the manner counts.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// A call of any kind.
    fn call(&self, path: &str) -> Result<(), StoreError> {
        if let Manner::Stale(at) = self.manner
            && self.calls.fetch_add(1, Ordering::Relaxed) == at
        {
            return Err(StoreError::sorted("reach", path, io::Error::from_raw_os_error(ESTALE)));
        }
        Ok(())
    }

    /// Tells whether the answer to a change that was done is lost.
    fn is_lost(&self) -> bool {
        let Manner::LostAnswers(each) = self.manner else { return false };
        let nth = self.calls.fetch_add(1, Ordering::Relaxed);
        nth.checked_rem(each).is_some_and(|rest| rest == each.saturating_sub(1))
    }

    fn served(&self, path: &str) -> String {
        if self.manner == Manner::FoldsCase { path.to_lowercase() } else { path.to_owned() }
    }

    /// Notes how the last name of a path is written.
    fn note(&self, path: &str) {
        let name = path.rsplit('/').next().unwrap_or(path);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.insert(name.to_lowercase(), name.to_owned());
    }

    fn file(&self, path: &str, inner: DiskFile) -> DiskFile {
        let len = inner.len();
        DiskFile::new(Box::new(ShareFile { share: self.clone(), inner }), path, len, &self.doubt)
    }

    fn full_at_sync(&self) -> io::Result<()> {
        if let Manner::FullAtSync(at, quota) = self.manner
            && self.calls.fetch_add(1, Ordering::Relaxed) == at
        {
            return Err(io::Error::from_raw_os_error(if quota { EDQUOT } else { ENOSPC }));
        }
        Ok(())
    }
}

impl Disk for Share {
    fn create_new(&self, path: &str) -> Result<DiskFile, StoreError> {
        self.call(path)?;
        let made = self.server.create_new(&self.served(path))?;
        self.note(path);
        if self.is_lost() {
            return Err(StoreError::Exists { path: path.to_owned() });
        }
        Ok(self.file(path, made))
    }

    fn open_append(&self, path: &str) -> Result<DiskFile, StoreError> {
        self.call(path)?;
        Ok(self.file(path, self.server.open_append(&self.served(path))?))
    }

    fn open_read(&self, path: &str) -> Result<Box<dyn ReadSeek>, StoreError> {
        self.call(path)?;
        self.server.open_read(&self.served(path))
    }

    fn open_uncached(&self, path: &str, from: u64) -> Result<Option<Box<dyn BufRead + Send>>, StoreError> {
        self.call(path)?;
        let opened = self.server.open_uncached(&self.served(path), from)?;
        Ok(opened.filter(|_| self.manner != Manner::NoFolderSync))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StoreError> {
        self.call(from)?;
        self.server.rename(&self.served(from), &self.served(to))?;
        self.note(to);
        if self.is_lost() {
            return Err(StoreError::sorted("rename", from, io::Error::from_raw_os_error(ENOENT)));
        }
        Ok(())
    }

    fn unlink(&self, path: &str) -> Result<(), StoreError> {
        self.call(path)?;
        self.server.unlink(&self.served(path))?;
        if self.manner == Manner::SillyNames {
            let folder = crate::disk::parent(path).to_owned();
            let mut silly = self.silly.lock().unwrap_or_else(PoisonError::into_inner);
            let count = silly.entry(folder).or_default();
            *count = count.saturating_add(1);
        }
        if self.is_lost() {
            return Err(StoreError::NotFound { path: path.to_owned() });
        }
        Ok(())
    }

    fn remove_folder(&self, path: &str) -> Result<(), StoreError> {
        self.call(path)?;
        self.server.remove_folder(&self.served(path))
    }

    fn mkdir_all(&self, path: &str) -> Result<(), StoreError> {
        self.call(path)?;
        self.server.mkdir_all(&self.served(path))
    }

    fn sync_dir(&self, path: &str) -> Result<(), StoreError> {
        self.call(path)?;
        if self.manner == Manner::NoFolderSync {
            // What cannot be synced by itself goes with the rest, sooner or later; nobody may count on it.
            let source = io::Error::from_raw_os_error(EINVAL);
            return Err(StoreError::Io { what: "sync the folder", path: path.to_owned(), source });
        }
        self.server.sync_dir(&self.served(path))
    }

    fn sync_fs(&self) -> Result<(), StoreError> {
        self.call("the share")?;
        self.server.sync_fs()
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, StoreError> {
        self.call(path)?;
        let mut entries = self.server.list(&self.served(path))?;
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in &mut entries {
            if let Some(name) = made.get(&entry.name) {
                entry.name.clone_from(name);
            }
        }
        let silly = self.silly.lock().unwrap_or_else(PoisonError::into_inner);
        for n in 0..silly.get(path).copied().unwrap_or(0) {
            entries.push(Entry { name: format!(".nfs{n:024x}"), kind: EntryKind::File });
        }
        Ok(entries)
    }

    fn len(&self, path: &str) -> Result<u64, StoreError> {
        self.call(path)?;
        self.server.len(&self.served(path))
    }

    fn total_bytes(&self) -> Result<u64, StoreError> {
        self.server.total_bytes()
    }

    fn free_bytes(&self) -> Result<u64, StoreError> {
        self.server.free_bytes()
    }

    fn exists(&self, path: &str) -> Result<bool, StoreError> {
        self.call(path)?;
        self.server.exists(&self.served(path))
    }
}

struct ShareFile {
    share: Share,
    inner: DiskFile,
}

impl RawFile for ShareFile {
    fn append_some(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.share.call("a file").map_err(raw)?;
        let plain: Vec<&[u8]> = parts.iter().map(|part| &**part).collect();
        self.inner.append(&plain).map_err(raw)?;
        Ok(parts.iter().map(|part| part.len()).sum())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.share.call("a file").map_err(raw)?;
        self.share.full_at_sync()?;
        self.inner.sync().map_err(raw)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.inner.truncate(len).map_err(raw)
    }

    fn measure(&self) -> io::Result<u64> {
        self.share.call("a file").map_err(raw)?;
        self.inner.measured().map_err(raw)
    }
}

/// What the system said, as it said it.
fn raw(error: StoreError) -> io::Error {
    match error {
        StoreError::Io { source, .. } | StoreError::SyncFailed { source, .. } => source,
        StoreError::NoSpace { .. } => io::Error::from_raw_os_error(ENOSPC),
        other @ (StoreError::Poisoned { .. }
        | StoreError::Exists { .. }
        | StoreError::NotFound { .. }
        | StoreError::BadPath { .. }) => io::Error::other(other),
    }
}
