//! A folder of a local file system.
//!
//! The root is opened once and held: every path is resolved from it, so a folder that is moved or mounted over later does not
//! redirect recordings. Links are not followed at the last name; in a folder of strangers ([`LocalDisk::open_strict`]: an
//! archive's drive or share) nowhere, and no path leads onto another file system.

use std::fs::File;
use std::io::{self, BufRead, IoSlice, Seek as _, SeekFrom, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags, ResolveFlags};
use rustix::io::Errno;

use crate::direct::{Buffers, DirectFile};
use crate::disk::parent;
use crate::{Disk, DiskFile, Doubt, Entry, EntryKind, RawFile, ReadSeek, StoreError, checked_path};

/// A folder of a local file system that keeps its promises by `fdatasync`, `fsync` and `syncfs`.
#[derive(Debug)]
pub struct LocalDisk {
    root: OwnedFd,
    path: PathBuf,
    doubt: Doubt,
    /// Neither links nor other file systems below the root.
    strict: bool,
    /// For reading past the cache.
    buffers: Buffers,
}

impl LocalDisk {
    /// Opens the existing folder `root`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if it is not there, or the system's.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        Self::open_as(root, false)
    }

    /// Opens a folder whose inside somebody else may have arranged: a path that meets a link or another file system anywhere
    /// below the root is refused.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if it is not there, or the system's.
    pub fn open_strict(root: &Path) -> Result<Self, StoreError> {
        Self::open_as(root, true)
    }

    fn open_as(root: &Path, strict: bool) -> Result<Self, StoreError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(root, flags, Mode::empty())
            .map_err(|e| StoreError::sorted("open the folder", &root.display().to_string(), e.into()))?;
        Ok(Self {
            root: fd,
            path: root.to_owned(),
            doubt: Doubt::default(),
            strict,
            buffers: Buffers::default(),
        })
    }

    /// Returns the folder's own path, for what is not kept through a [`Disk`] (the catalogue).
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the folder for this process alone, by a lock on the file `path`, until the returned guard is dropped. The lock goes
    /// with the process, also when it is killed. Returns `None` if somebody else has it.
    ///
    /// # Errors
    /// The system's.
    pub fn lock(&self, path: &str) -> Result<Option<Lock>, StoreError> {
        let fd = self.open_at("lock", path, OFlags::RDWR | OFlags::CREATE)?;
        match rustix::fs::flock(&fd, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Lock { _held: fd })),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(e) => Err(StoreError::sorted("lock", path, e.into())),
        }
    }

    fn open_at(&self, what: &'static str, path: &str, flags: OFlags) -> Result<OwnedFd, StoreError> {
        let mode = Mode::RUSR | Mode::WUSR;
        self.resolve(checked_path(path)?, flags | OFlags::NOFOLLOW, mode)
            .map_err(|e| StoreError::sorted(what, path, e.into()))
    }

    /// Opens a path below the root.
    fn resolve(&self, path: &str, flags: OFlags, mode: Mode) -> rustix::io::Result<OwnedFd> {
        let flags = flags | OFlags::CLOEXEC;
        if !self.strict {
            return rustix::fs::openat(&self.root, path, flags, mode);
        }
        let mode = if flags.contains(OFlags::CREATE) { mode } else { Mode::empty() };
        rustix::fs::openat2(&self.root, path, flags, mode, STRICT)
    }

    /// The folder from which a name is changed, and the name in it.
    fn above<'p>(&self, what: &'static str, path: &'p str) -> Result<(Above<'_>, &'p str), StoreError> {
        let folder = parent(checked_path(path)?);
        if !self.strict || folder.is_empty() {
            return Ok((Above::Root(self.root.as_fd()), path));
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let fd = self
            .resolve(folder, flags, Mode::empty())
            .map_err(|e| StoreError::sorted(what, path, e.into()))?;
        Ok((Above::Held(fd), path.get(folder.len().saturating_add(1)..).unwrap_or(path)))
    }

    fn open_folder(&self, path: &str) -> Result<OwnedFd, StoreError> {
        let name = if path.is_empty() { "." } else { checked_path(path)? };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        self.resolve(name, flags, Mode::empty())
            .map_err(|e| StoreError::sorted("open the folder", path, e.into()))
    }

    fn statvfs(&self) -> Result<rustix::fs::StatVfs, StoreError> {
        rustix::fs::fstatvfs(&self.root).map_err(|e| {
            StoreError::sorted("measure the space of", &self.path.display().to_string(), e.into())
        })
    }

    fn file(&self, path: &str, file: File, len: u64) -> DiskFile {
        DiskFile::new(Box::new(LocalFile(file)), path, len, &self.doubt)
    }
}

/// Beneath the root, without links, on the root's own file system.
const STRICT: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS)
    .union(ResolveFlags::NO_XDEV);

/// A folder in which a name is changed.
enum Above<'a> {
    Root(BorrowedFd<'a>),
    Held(OwnedFd),
}

impl Above<'_> {
    fn fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Root(fd) => *fd,
            Self::Held(fd) => fd.as_fd(),
        }
    }
}

/// Holds a lock until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _held: OwnedFd,
}

impl Disk for LocalDisk {
    fn create_new(&self, path: &str) -> Result<DiskFile, StoreError> {
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL;
        let fd = self.open_at("create", path, flags)?;
        Ok(self.file(path, fd.into(), 0))
    }

    fn open_append(&self, path: &str) -> Result<DiskFile, StoreError> {
        let file = File::from(self.open_at("open", path, OFlags::WRONLY | OFlags::APPEND)?);
        let len = file.metadata().map_err(|e| StoreError::sorted("measure", path, e))?.len();
        Ok(self.file(path, file, len))
    }

    fn open_read(&self, path: &str) -> Result<Box<dyn ReadSeek>, StoreError> {
        let fd = self.open_at("open", path, OFlags::RDONLY)?;
        Ok(Box::new(File::from(fd)))
    }

    fn open_uncached(&self, path: &str, from: u64) -> Result<Option<Box<dyn BufRead + Send>>, StoreError> {
        match self.open_at("open", path, OFlags::RDONLY | OFlags::DIRECT) {
            Ok(fd) => {
                let mut file = File::from(fd);
                if from > 0 {
                    file.seek(SeekFrom::Start(from)).map_err(|e| StoreError::sorted("read", path, e))?;
                }
                let len = file.metadata().map_err(|e| StoreError::sorted("measure", path, e))?.len();
                Ok(Some(Box::new(DirectFile::new(file, len.saturating_sub(from), &self.buffers))))
            }
            // The file system knows no way past the cache.
            Err(StoreError::Io { source, .. })
                if source.raw_os_error() == Some(Errno::INVAL.raw_os_error()) =>
            {
                Ok(None)
            }
            Err(e) => Err(e),
        }
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StoreError> {
        let (old, from_name) = self.above("rename", from)?;
        // Within one folder, as a rule: it need not be found twice.
        let (other, to_name) = match checked_path(to)?.rsplit_once('/') {
            Some((folder, name)) if self.strict && folder == parent(from) => (None, name),
            _ => self.above("rename", to).map(|(above, name)| (Some(above), name))?,
        };
        let new = other.as_ref().unwrap_or(&old);
        let sorted = |e: Errno| match e {
            Errno::EXIST => StoreError::Exists { path: to.to_owned() },
            e => StoreError::sorted("rename", from, e.into()),
        };
        match rustix::fs::renameat_with(old.fd(), from_name, new.fd(), to_name, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(()),
            // Some file systems do not know the flag: a second link and an unlink never replace either.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                match rustix::fs::linkat(old.fd(), from_name, new.fd(), to_name, AtFlags::empty()) {
                    Ok(()) => rustix::fs::unlinkat(old.fd(), from_name, AtFlags::empty()).map_err(sorted),
                    // Nor links (exFAT, Windows shares). A strict folder has one writer, who holds the lease: then looking first
                    // is as good.
                    Err(Errno::PERM | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL) if self.strict => {
                        if self.exists(to)? {
                            return Err(StoreError::Exists { path: to.to_owned() });
                        }
                        rustix::fs::renameat(old.fd(), from_name, new.fd(), to_name).map_err(sorted)
                    }
                    Err(e) => Err(sorted(e)),
                }
            }
            Err(e) => Err(sorted(e)),
        }
    }

    fn unlink(&self, path: &str) -> Result<(), StoreError> {
        let (above, name) = self.above("remove", path)?;
        rustix::fs::unlinkat(above.fd(), name, AtFlags::empty())
            .map_err(|e| StoreError::sorted("remove", path, e.into()))
    }

    fn remove_folder(&self, path: &str) -> Result<(), StoreError> {
        let (above, name) = self.above("remove the folder", path)?;
        rustix::fs::unlinkat(above.fd(), name, AtFlags::REMOVEDIR)
            .map_err(|e| StoreError::sorted("remove the folder", path, e.into()))
    }

    fn mkdir_all(&self, path: &str) -> Result<(), StoreError> {
        checked_path(path)?;
        for (end, _) in path.match_indices('/').chain([(path.len(), "")]) {
            let folder = path.get(..end).unwrap_or(path);
            let (above, name) = self.above("make the folder", folder)?;
            match rustix::fs::mkdirat(above.fd(), name, Mode::RWXU) {
                // A new name is only as durable as the folder above it.
                Ok(()) => self.sync_dir(parent(folder))?,
                Err(Errno::EXIST) => {}
                Err(e) => return Err(StoreError::sorted("make the folder", folder, e.into())),
            }
        }
        Ok(())
    }

    fn sync_dir(&self, path: &str) -> Result<(), StoreError> {
        let fd = self.open_folder(path)?;
        rustix::fs::fsync(&fd).map_err(|e| StoreError::SyncFailed { path: path.to_owned(), source: e.into() })
    }

    fn sync_fs(&self) -> Result<(), StoreError> {
        rustix::fs::syncfs(&self.root).map_err(|e| {
            self.doubt.raise();
            StoreError::SyncFailed { path: self.path.display().to_string(), source: e.into() }
        })
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, StoreError> {
        let sorted = |e: Errno| StoreError::sorted("list", path, e.into());
        let fd = self.open_folder(path)?;
        let mut entries = Vec::new();
        for entry in rustix::fs::Dir::read_from(&fd).map_err(sorted)? {
            let entry = entry.map_err(sorted)?;
            let Ok(name) = entry.file_name().to_str() else { continue }; // not ours: we give plain names only
            if name == "." || name == ".." {
                continue;
            }
            let mut kind = entry.file_type();
            if kind == FileType::Unknown {
                let stat = rustix::fs::statat(&fd, name, AtFlags::SYMLINK_NOFOLLOW).map_err(sorted)?;
                kind = FileType::from_raw_mode(stat.st_mode);
            }
            entries.push(Entry { name: name.to_owned(), kind: entry_kind(kind) });
        }
        entries.sort();
        Ok(entries)
    }

    fn len(&self, path: &str) -> Result<u64, StoreError> {
        let (above, name) = self.above("measure", path)?;
        let stat = rustix::fs::statat(above.fd(), name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|e| StoreError::sorted("measure", path, e.into()))?;
        Ok(u64::try_from(stat.st_size).unwrap_or(0))
    }

    fn total_bytes(&self) -> Result<u64, StoreError> {
        let stat = self.statvfs()?;
        Ok(stat.f_blocks.saturating_mul(stat.f_frsize))
    }

    fn free_bytes(&self) -> Result<u64, StoreError> {
        let stat = self.statvfs()?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn exists(&self, path: &str) -> Result<bool, StoreError> {
        match self.len(path) {
            Ok(_) => Ok(true),
            Err(StoreError::NotFound { .. }) => Ok(false),
            Err(e) => Err(e),
        }
    }
}

const fn entry_kind(kind: FileType) -> EntryKind {
    match kind {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Folder,
        FileType::Symlink
        | FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => EntryKind::Other,
    }
}

struct LocalFile(File);

impl RawFile for LocalFile {
    fn append_some(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_vectored(parts)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn measure(&self) -> io::Result<u64> {
        self.0.metadata().map(|meta| meta.len())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_local_folder_keeps_the_promises_of_every_disk() {
        let mut kept = Vec::new();
        for strict in [false, true] {
            crate::testing::suite::run(&mut || {
                let folder = tempfile::tempdir().unwrap();
                let disk = LocalDisk::open_as(folder.path(), strict).unwrap();
                kept.push(folder);
                Box::new(disk)
            });
        }
    }

    #[test]
    fn files_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let disk = LocalDisk::open(folder.path()).unwrap();
        disk.mkdir_all("spool").unwrap();
        disk.create_new("spool/x").unwrap();
        let mode =
            |path: &str| std::fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("spool"), mode("spool/x")), (0o700, 0o600));
    }

    #[test]
    fn a_folder_is_locked_by_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let disk = LocalDisk::open(folder.path()).unwrap();
        let held = disk.lock("lock").unwrap();
        assert!(held.is_some(), "free");
        assert!(LocalDisk::open(folder.path()).unwrap().lock("lock").unwrap().is_none(), "taken");
        drop(held);
        assert!(disk.lock("lock").unwrap().is_some(), "free again");
    }

    #[test]
    fn in_a_strict_folder_no_link_leads_anywhere() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(other.path().join("x"), b"theirs").unwrap();
        std::os::unix::fs::symlink(other.path(), folder.path().join("away")).unwrap();
        let disk = LocalDisk::open_strict(folder.path()).unwrap();
        assert!(disk.open_read("away/x").is_err() && disk.open_uncached("away/x", 0).is_err());
        assert!(disk.create_new("away/y").is_err() && disk.len("away/x").is_err());
        assert!(disk.mkdir_all("away/z").is_err() && disk.list("away").is_err());
        assert!(disk.unlink("away/x").is_err(), "what is elsewhere stays");
        disk.create_new("own").unwrap();
        assert!(disk.rename("own", "away/own").is_err() && disk.rename("away/x", "x").is_err());
        assert_eq!(std::fs::read_dir(other.path()).unwrap().count(), 1, "nothing was made there");
    }

    #[test]
    fn a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let disk = LocalDisk::open(folder.path()).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("x")).unwrap();
        assert!(disk.open_read("x").is_err(), "a link must not lead out of the data folder");
        assert_eq!(disk.list("").unwrap(), [Entry { name: "x".to_owned(), kind: EntryKind::Other }]);
    }
}
