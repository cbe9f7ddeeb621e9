//! A mounted archive as the judge reads it (`archive::verify`): strictly below its root, and past the caches of this machine where
//! that can be had, so that what is judged is what the medium gives.

use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use archive::verify::{Entry, Medium};
use store::{Disk as _, EntryKind, LocalDisk, StoreError};

/// The root folder of an archive on a mounted file system.
#[derive(Debug)]
pub struct Mounted {
    disk: LocalDisk,
    cached: AtomicBool,
}

impl Mounted {
    /// Opens the folder `AMETHYST` of a medium.
    ///
    /// # Errors
    /// It is not there, or the system's.
    pub fn open(root: &Path) -> crate::Result<Self> {
        Ok(Self { disk: LocalDisk::open_strict(root)?, cached: AtomicBool::new(false) })
    }

    /// Tells whether anything was read that may have come from a cache: then nothing is proven about the medium itself.
    #[must_use]
    pub fn was_cached(&self) -> bool {
        self.cached.load(Ordering::Relaxed)
    }
}

impl Medium for Mounted {
    fn list(&self, folder: &str) -> io::Result<Vec<Entry>> {
        let entries = self.disk.list(folder).map_err(io_of)?.into_iter();
        Ok(entries.map(|e| Entry { name: e.name, is_folder: e.kind == EntryKind::Folder }).collect())
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>> {
        match self.disk.open_uncached(path, 0).map_err(io_of)? {
            Some(io) => Ok(Box::new(io)),
            None => {
                self.cached.store(true, Ordering::Relaxed);
                Ok(Box::new(self.disk.open_read(path).map_err(io_of)?))
            }
        }
    }
}

fn io_of(error: StoreError) -> io::Error {
    if error.is_not_found() { io::ErrorKind::NotFound.into() } else { io::Error::other(error) }
}
