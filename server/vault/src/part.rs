//! A part in the spool: growing, then closed and on its way to admission.

use std::sync::Arc;

use catalogue::RecordingRow;
use store::DiskFile;

use crate::outpost::Watch;
use crate::{Result, What};

/// The folder in which parts grow.
pub(crate) const SPOOL: &str = "spool";

/// Who hears how a part grows: only bytes that stand in its file are told.
#[derive(Debug, Clone)]
pub(crate) struct Growth {
    watch: Arc<Watch>,
    what: What,
}

impl Growth {
    pub(crate) fn new(watch: &Arc<Watch>, what: What, name: &str) -> Self {
        watch.begun(what, name);
        Self { watch: Arc::clone(watch), what }
    }

    pub(crate) fn gone(&self) {
        self.watch.gone(self.what);
    }
}

/// A part that grows in the spool. Dropping it leaves the file as it is, for [`crate::Vault::recover`].
#[derive(Debug)]
pub struct PartFile {
    pub(crate) file: DiskFile,
    pub(crate) name: String,
    /// The folder in which it lies.
    pub(crate) folder: &'static str,
    pub(crate) growth: Option<Growth>,
}

impl PartFile {
    /// Appends all pieces with one write. See [`DiskFile::append`].
    ///
    /// # Errors
    /// A full disk (the file keeps its former length), or a poisoned file: drop it and go on in a new recording.
    pub fn append(&mut self, pieces: &[&[u8]]) -> Result<()> {
        self.file.append(pieces)?;
        if let Some(Growth { watch, what }) = &self.growth {
            watch.grew(*what, self.file.len());
        }
        Ok(())
    }

    /// Returns the length in bytes.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.file.len()
    }

    /// Tells whether nothing was written yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.file.is_empty()
    }

    /// Returns the name, `HHMMSS-<13 symbols>.amx`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Tells whether a sync failed since it was begun: then it must be dropped, and the call go on in a new recording.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.file.is_poisoned()
    }

    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.folder, self.name)
    }
}

/// A part whose sealer is done with it: what is still to be written, and what the catalogue will say.
#[derive(Debug)]
pub struct ClosedPart {
    /// The file, holding everything before `tail`.
    pub file: PartFile,
    /// INDEX and FINAL frames.
    pub tail: Vec<u8>,
    /// The signed trailer over all of it.
    pub trailer: [u8; 256],
    /// Its row. `part.path` and `part.bytes` are filled in here.
    pub row: RecordingRow,
}

pub(crate) fn spool_path(name: &str) -> String {
    format!("{SPOOL}/{name}")
}
