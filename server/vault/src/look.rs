//! Finding recordings and opening their sealed files.

use catalogue::{Page, PartRow, Query, Recording};
use shared::RecordingId;
use store::ReadSeek;

use crate::{Result, Vault, VaultError};

/// One sealed file of a recording, open for reading. What is inside stays sealed until [`seal::Part::open`].
pub struct RecordingReader {
    /// Its row.
    pub row: PartRow,
    /// Its bytes.
    pub io: Box<dyn ReadSeek>,
}

impl std::fmt::Debug for RecordingReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RecordingReader({})", self.row.path)
    }
}

impl Vault {
    /// Finds recordings, one page.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn find(&self, query: &Query) -> Result<Page> {
        Ok(self.catalogue.find(query)?)
    }

    /// Returns one recording with its events, if it is known.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn recording(&self, id: RecordingId) -> Result<Option<Recording>> {
        Ok(self.catalogue.recording(id)?)
    }

    /// Opens the sealed files of a recording, in order.
    ///
    /// # Errors
    /// [`VaultError::NoSuchRecording`], or a file that is not there.
    pub fn open_recording(&self, id: RecordingId) -> Result<Vec<RecordingReader>> {
        let recording = self.catalogue.recording(id)?.ok_or(VaultError::NoSuchRecording(id))?;
        let open = |row: PartRow| Ok(RecordingReader { io: self.disk.open_read(&row.path)?, row });
        recording.parts.into_iter().map(open).collect()
    }
}
