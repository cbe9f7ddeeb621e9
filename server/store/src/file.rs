//! A file that grows: the bytes it has, and whether they may still be trusted.

use std::fmt;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::StoreError;

/// What a disk must be able to do with an open file. Callers use [`DiskFile`], which adds the rules.
pub trait RawFile: Send {
    /// Writes at the end as many bytes as it takes in one go and returns their number.
    ///
    /// # Errors
    /// The system's.
    fn append_some(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Makes the bytes and the length durable.
    ///
    /// # Errors
    /// The system's.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file to `len` bytes.
    ///
    /// # Errors
    /// The system's.
    fn truncate(&mut self, len: u64) -> io::Result<()>;
    /// Returns the length that the system says the file has, in bytes.
    ///
    /// # Errors
    /// The system's.
    fn measure(&self) -> io::Result<u64>;
}

/// Counts the failed syncs of a whole disk. A file that was open during one is no longer trusted.
#[derive(Clone, Default, Debug)]
pub struct Doubt(Arc<AtomicU64>);

impl Doubt {
    /// Notes that a sync of the whole disk failed.
    pub fn raise(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A file open for appending.
///
/// The only changes are [`append`](Self::append) and, for recovery, [`truncate`](Self::truncate). After a failed
/// [`sync`](Self::sync) every call returns [`StoreError::Poisoned`].
pub struct DiskFile {
    raw: Box<dyn RawFile>,
    path: String,
    len: u64,
    poisoned: bool,
    doubt: Doubt,
    doubt_seen: u64,
}

impl fmt::Debug for DiskFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DiskFile({}, {} bytes)", self.path, self.len)
    }
}

impl DiskFile {
    /// Puts the rules around an open file of `len` bytes.
    #[must_use]
    pub fn new(raw: Box<dyn RawFile>, path: &str, len: u64, doubt: &Doubt) -> Self {
        let doubt_seen = doubt.now();
        Self { raw, path: path.to_owned(), len, poisoned: false, doubt: doubt.clone(), doubt_seen }
    }

    /// Returns the path under which the file was opened.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the length in bytes: all that was appended, durable or not.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Tells whether nothing was written yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Tells whether a sync failed since the file was opened.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.poisoned || self.doubt.now() != self.doubt_seen
    }

    /// Appends all parts, one after the other, in as few writes as the system allows (one, as a rule).
    ///
    /// The count of every write is checked. If it fails in the middle the file is cut back to its former length, so that a later
    /// append does not leave a hole; if even that fails the file is poisoned.
    ///
    /// # Errors
    /// [`StoreError::NoSpace`] when the disk is full, [`StoreError::Poisoned`], or the system's.
    pub fn append(&mut self, parts: &[&[u8]]) -> Result<(), StoreError> {
        self.trusted()?;
        let before = self.len;
        let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let mut rest = slices.as_mut_slice();
        IoSlice::advance_slices(&mut rest, 0); // empty parts at the front would look like a full disk
        while !rest.is_empty() {
            match self.raw.append_some(rest) {
                Ok(0) => return Err(self.undo(before, io::Error::from(io::ErrorKind::WriteZero))),
                Ok(n) => {
                    self.len = self.len.saturating_add(u64::try_from(n).unwrap_or(u64::MAX));
                    IoSlice::advance_slices(&mut rest, n);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.undo(before, e)),
            }
        }
        Ok(())
    }

    /// Makes all bytes written so far durable (`fdatasync`, which covers the length too).
    ///
    /// # Errors
    /// [`StoreError::SyncFailed`]; the file is poisoned from then on and must be left to recovery.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        self.trusted()?;
        self.raw.sync().map_err(|source| {
            self.poisoned = true;
            StoreError::SyncFailed { path: self.path.clone(), source }
        })
    }

    /// Returns the length that the disk says the file has, in bytes; [`Self::len`] is what was written.
    ///
    /// # Errors
    /// The system's.
    pub fn measured(&self) -> Result<u64, StoreError> {
        self.raw.measure().map_err(|e| StoreError::sorted("measure", &self.path, e))
    }

    /// Cuts the file to `len` bytes, for recovery of a torn tail. Durable after [`Self::sync`].
    ///
    /// # Errors
    /// The system's; also when `len` lies beyond the end.
    pub fn truncate(&mut self, len: u64) -> Result<(), StoreError> {
        self.trusted()?;
        if len > self.len {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "that would make the file longer");
            return Err(StoreError::Io { what: "truncate", path: self.path.clone(), source });
        }
        self.raw.truncate(len).map_err(|e| StoreError::sorted("truncate", &self.path, e))?;
        self.len = len;
        Ok(())
    }

    fn trusted(&self) -> Result<(), StoreError> {
        if self.is_poisoned() {
            return Err(StoreError::Poisoned { path: self.path.clone() });
        }
        Ok(())
    }

    fn undo(&mut self, before: u64, cause: io::Error) -> StoreError {
        if self.len != before && self.raw.truncate(before).is_err() {
            self.poisoned = true;
        }
        self.len = before;
        StoreError::sorted("append to", &self.path, cause)
    }
}
