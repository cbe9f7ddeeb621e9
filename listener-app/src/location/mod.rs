//! An archive as it lies on a drive, a share or in a folder: read only, bounded, and nothing outside of it.
//!
//! What must hold: a name that is not plain ([`archive::layout`]) is never opened; no link is followed, whichever part of a path it
//! is; whatever is longer than its kind can be is refused before it is read; junk costs a glance at its name and no more.

mod beneath;

use std::fs::{self, File};
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use archive::verify::{Entry, Medium};
use archive::{CARD_NAME, layout};

use crate::refusal::{Refusal, Result};

/// Names of one folder that are looked at; ten days of ten million calls are fewer.
const ENTRIES_MAX: usize = 1_000_000;

/// The folder `AMETHYST` of a location.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    root: PathBuf,
    place: PathBuf,
}

impl Location {
    /// Finds the archive in `path`: the location, or its folder `AMETHYST`.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let none = || Refusal::NoArchive(path.to_owned());
        let is_root = |root: &Path| {
            let plain = |name: &str| fs::symlink_metadata(root.join(name)).ok();
            [layout::SITE_NAME, CARD_NAME].iter().any(|name| plain(name).is_some_and(|m| m.is_file()))
                && plain("keys").is_some_and(|m| m.is_dir())
        };
        let root = [path.join(layout::ROOT), path.to_owned()].into_iter().find(|root| is_root(root));
        // From here on the way to the root is without links, so that one below it is one too many.
        let root = root.ok_or_else(none)?.canonicalize().map_err(|_gone| none())?;
        let place = path.canonicalize().map_err(|_gone| none())?;
        Ok(Self { root, place })
    }

    /// Tells whether a folder without links lies in what was opened: the archive, or the drive that it is on.
    pub(crate) fn holds(&self, folder: &Path) -> bool {
        folder.starts_with(&self.place)
    }

    /// Returns the folder, to be shown and remembered.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Lists the names of a folder that an archive may have, with whether each is a folder. A folder that is not there is empty.
    pub(crate) fn names(&self, folder: &str) -> Result<Vec<Entry>> {
        match self.listed(folder) {
            Ok(entries) => Ok(entries.into_iter().filter(|entry| is_known(&entry.name)).collect()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(e) if e.kind() == io::ErrorKind::FileTooLarge => Err(Refusal::TooMany(folder.to_owned())),
            Err(e) if e.kind() == io::ErrorKind::InvalidInput => Err(Refusal::NotPlain(folder.to_owned())),
            Err(source) => Err(Refusal::Unreadable { path: folder.to_owned(), source }),
        }
    }

    /// Opens a file to be read from any place.
    pub(crate) fn file(&self, path: &str) -> Result<File> {
        self.opened(path).map_err(|source| {
            let (kind, path) = (source.kind(), path.to_owned());
            if kind == io::ErrorKind::NotFound {
                Refusal::Missing(path)
            } else if kind == io::ErrorKind::InvalidInput {
                Refusal::NotPlain(path)
            } else {
                Refusal::Unreadable { path, source }
            }
        })
    }

    /// Opens a file of at most `max` bytes and returns its length.
    pub(crate) fn file_of(&self, path: &str, max: u64) -> Result<(File, u64)> {
        let failed = |source| Refusal::Unreadable { path: path.to_owned(), source };
        let mut file = self.file(path)?;
        // By its end and not by its description, which a share may have wrong.
        let len = file.seek(SeekFrom::End(0)).map_err(failed)?;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        if len > max {
            return Err(Refusal::TooLong { path: path.to_owned(), max });
        }
        Ok((file, len))
    }

    /// Reads a whole file of at most `max` bytes.
    pub(crate) fn read(&self, path: &str, max: u64) -> Result<Vec<u8>> {
        let (file, _len) = self.file_of(path, max)?;
        let mut bytes = Vec::new();
        // It may grow while it is read.
        let read = file.take(max.saturating_add(1)).read_to_end(&mut bytes);
        let len = read.map_err(|source| Refusal::Unreadable { path: path.to_owned(), source })?;
        if u64::try_from(len).is_ok_and(|len| len <= max) {
            Ok(bytes)
        } else {
            Err(Refusal::TooLong { path: path.to_owned(), max })
        }
    }

    fn opened(&self, path: &str) -> io::Result<File> {
        if !path.split('/').all(is_known) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no archive has such a name"));
        }
        beneath::open(&self.root, path)
    }

    fn listed(&self, folder: &str) -> io::Result<Vec<Entry>> {
        let path = beneath::folder(&self.root, folder)?;
        let mut entries = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            if entries.len() == ENTRIES_MAX {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            entries.push(Entry { name, is_folder: entry.file_type()?.is_dir() });
        }
        Ok(entries)
    }
}

/// The judge of [`archive::verify`] sees every name, so that it can say what does not belong; it opens no other than a plain one.
impl Medium for Location {
    fn list(&self, folder: &str) -> io::Result<Vec<Entry>> {
        self.listed(folder)
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.opened(path)?))
    }
}

/// Tells whether an archive may have a file or folder of this name.
fn is_known(name: &str) -> bool {
    layout::is_plain_name(name) || name == CARD_NAME || name == layout::README_NAME
}

#[cfg(test)]
mod tests;
