//! An archive as the judge reads it (`archive::verify`): a mounted one strictly below its root and past the caches of this machine where
//! that can be had, so that what is judged is what the medium gives; one that is no folder by its carrier, piece by piece.

use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use archive::verify::{Entry, Medium};
use store::{Disk as _, EntryKind, LocalDisk, StoreError};

use crate::carrier::Carrier;
use crate::elsewhere::Fetching;

/// An archive that can be judged.
pub trait Judged: Medium {
    /// Tells whether anything was read that may have come from a cache: then nothing is proven about the medium itself.
    fn was_cached(&self) -> bool;
}

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
}

impl Judged for Mounted {
    fn was_cached(&self) -> bool {
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

/// An archive behind a carrier: a bucket.
pub struct Reached {
    carrier: Arc<Mutex<Box<dyn Carrier + Send>>>,
    cached: AtomicBool,
}

impl std::fmt::Debug for Reached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reached").finish_non_exhaustive()
    }
}

impl Reached {
    /// Takes a place that was reached.
    #[must_use]
    pub fn new(carrier: Box<dyn Carrier + Send>) -> Self {
        Self { carrier: Arc::new(Mutex::new(carrier)), cached: AtomicBool::new(false) }
    }
}

impl Medium for Reached {
    fn list(&self, folder: &str) -> io::Result<Vec<Entry>> {
        let mut carrier = self.carrier.lock().unwrap_or_else(PoisonError::into_inner);
        let found = carrier.list(folder).map_err(io::Error::other)?;
        let found = found.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?.into_iter();
        Ok(found.map(|found| Entry { name: found.name, is_folder: found.is_folder }).collect())
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>> {
        let mut file = Fetching::new(Arc::clone(&self.carrier), path);
        if !file.fetch()? {
            self.cached.store(true, Ordering::Relaxed);
        }
        Ok(Box::new(file))
    }
}

impl Judged for Reached {
    fn was_cached(&self) -> bool {
        self.cached.load(Ordering::Relaxed)
    }
}

fn io_of(error: StoreError) -> io::Error {
    if error.is_not_found() { io::ErrorKind::NotFound.into() } else { io::Error::other(error) }
}
