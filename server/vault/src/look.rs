//! Finding recordings and opening their sealed files.

use catalogue::{Count, Page, PartRow, Query, Recording, Scope, Search, SearchPage};
use shared::{RecordingId, Reference};
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
    /// Finds recordings, one page, for programs that may see everything.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn find(&self, query: &Query) -> Result<Page> {
        Ok(self.catalogue.find(query)?)
    }

    /// Returns one recording with its events and labels, if it is known, for programs that may see everything.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn recording(&self, id: RecordingId) -> Result<Option<Recording>> {
        Ok(self.catalogue.recording(id)?)
    }

    /// Searches, one page of what `scope` sees.
    ///
    /// # Errors
    /// The catalogue's: a text that is too long, a search that takes too long.
    pub fn search(&self, search: &Search, scope: &Scope) -> Result<SearchPage> {
        Ok(self.catalogue.search(search, scope)?)
    }

    /// Counts what a search finds of what `scope` sees, up to [`catalogue::COUNT_MAX`].
    ///
    /// # Errors
    /// As [`Self::search`].
    pub fn count(&self, search: &Search, scope: &Scope) -> Result<Count> {
        Ok(self.catalogue.count(search, scope)?)
    }

    /// Returns a recording with its events and labels if `scope` sees it; what it does not see answers as what is not there.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn visible(&self, id: RecordingId, scope: &Scope) -> Result<Option<Recording>> {
        Ok(self.catalogue.visible(id, scope)?)
    }

    /// Returns the other recordings of the same call that `scope` sees, by start.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn linked(&self, id: RecordingId, scope: &Scope) -> Result<Vec<(RecordingId, Reference)>> {
        Ok(self.catalogue.linked(id, scope)?)
    }

    /// Opens the sealed files of a recording, in order, for programs that may see everything.
    ///
    /// # Errors
    /// As [`Self::open_visible`].
    pub fn open_recording(&self, id: RecordingId) -> Result<Vec<RecordingReader>> {
        self.open_visible(id, &Scope::default())
    }

    /// Opens the sealed files of a recording, in order, if `scope` sees it. What was purged is fetched from a medium first, which
    /// takes as long as reading it there.
    ///
    /// # Errors
    /// [`VaultError::NoSuchRecording`] also for what the scope does not see, [`VaultError::Away`] if no medium that holds it is
    /// connected, or a file that is not there.
    pub fn open_visible(&self, id: RecordingId, scope: &Scope) -> Result<Vec<RecordingReader>> {
        let recording = self.visible(id, scope)?.ok_or(VaultError::NoSuchRecording(id))?;
        let open = |row: PartRow| Ok(RecordingReader { io: self.open_part(id, &row)?, row });
        recording.parts.into_iter().map(open).collect()
    }
}
