//! The folder tree: what every disk can do.

use std::fmt::Debug;
use std::io::{BufRead, Read, Seek};

use crate::{DiskFile, StoreError};

/// Bytes that can be read from any place.
pub trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

/// What a name in a folder stands for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum EntryKind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// Neither: a link, a socket. Never followed.
    Other,
}

/// One name in a folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Entry {
    /// The name without its folder.
    pub name: String,
    /// What it stands for.
    pub kind: EntryKind,
}

/// One folder tree on which sealed bytes rest.
///
/// Paths are relative, `live/2026-11-22/14a/x.amx`; [`checked_path`] says which are accepted. All calls may come from several
/// threads at once.
pub trait Disk: Send + Sync + Debug {
    /// Creates a file that must not exist yet, readable and writable by its owner only.
    ///
    /// Its name is durable after [`Self::sync_dir`] of its folder, its bytes after [`DiskFile::sync`].
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::NoSpace`] and the like.
    fn create_new(&self, path: &str) -> Result<DiskFile, StoreError>;

    /// Opens an existing file to append to it (recovery, the ledger).
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and the like.
    fn open_append(&self, path: &str) -> Result<DiskFile, StoreError>;

    /// Opens an existing file for reading.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and the like.
    fn open_read(&self, path: &str) -> Result<Box<dyn ReadSeek>, StoreError>;

    /// Opens an existing file for one reading from the byte `from` on, a multiple of 4,096, past every cache of this machine: what
    /// comes is what the medium gives. `None` where that cannot be had.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and the like.
    fn open_uncached(&self, path: &str, from: u64) -> Result<Option<Box<dyn BufRead + Send>>, StoreError>;

    /// Gives a file another name, in another folder perhaps, and never replaces one. Durable after [`Self::sync_dir`] of both
    /// folders.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if the new name is taken; then nothing has changed.
    fn rename(&self, from: &str, to: &str) -> Result<(), StoreError>;

    /// Removes a file. Durable after [`Self::sync_dir`] of its folder.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and the like.
    fn unlink(&self, path: &str) -> Result<(), StoreError>;

    /// Removes an empty folder. Durable after [`Self::sync_dir`] of the one above it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or something is in it.
    fn remove_folder(&self, path: &str) -> Result<(), StoreError>;

    /// Makes a folder and those above it, for the owner only; one that exists is fine.
    ///
    /// # Errors
    /// [`StoreError::NoSpace`] and the like.
    fn mkdir_all(&self, path: &str) -> Result<(), StoreError>;

    /// Makes the names of a folder durable (`fsync` of the folder). `""` is the root.
    ///
    /// # Errors
    /// [`StoreError::SyncFailed`]; never retried.
    fn sync_dir(&self, path: &str) -> Result<(), StoreError>;

    /// Makes everything on the disk durable (`syncfs`).
    ///
    /// # Errors
    /// [`StoreError::SyncFailed`]; then every file open at that moment is poisoned.
    fn sync_fs(&self) -> Result<(), StoreError>;

    /// Lists a folder, sorted by name. `""` is the root.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and the like.
    fn list(&self, path: &str) -> Result<Vec<Entry>, StoreError>;

    /// Returns the length of a file in bytes.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and the like.
    fn len(&self, path: &str) -> Result<u64, StoreError>;

    /// Returns how many bytes the whole disk holds, free or not.
    ///
    /// # Errors
    /// The system's.
    fn total_bytes(&self) -> Result<u64, StoreError>;

    /// Returns how many bytes may still be written.
    ///
    /// # Errors
    /// The system's.
    fn free_bytes(&self) -> Result<u64, StoreError>;

    /// Tells whether a file or folder of this name is there.
    ///
    /// # Errors
    /// The system's, except that the name is missing.
    fn exists(&self, path: &str) -> Result<bool, StoreError>;
}

/// Returns `path` if it is one inside the tree: names of `A-Z a-z 0-9 . - _`, none beginning with a dot, joined by `/`.
///
/// # Errors
/// [`StoreError::BadPath`].
pub fn checked_path(path: &str) -> Result<&str, StoreError> {
    let plain = |name: &str| {
        !name.is_empty()
            && !name.starts_with('.')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
    };
    if path.len() <= 255 && path.split('/').all(plain) {
        return Ok(path);
    }
    Err(StoreError::BadPath { path: path.chars().take(255).collect() })
}

/// Returns the folder in which `path` lies; `""` is the root.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside_the_tree() {
        for good in ["a", "spool/x.amx", "live/2026-11-22/14a/142233-fbyndbfbn6drc.amx"] {
            assert_eq!(checked_path(good).ok(), Some(good));
        }
        for bad in ["", "/", "/etc", "a//b", "../x", "a/../b", "a/.", ".x", "a/", "a b", "ä", "a\0"] {
            assert!(checked_path(bad).is_err(), "{bad:?} must be refused");
        }
    }
}
