//! What people write on recordings. Who may do so is decided at the doors. Legal holds are in `holds.rs`.

use catalogue::{By, Field, LabelChange, NoteId, Noted};
use shared::RecordingId;

use crate::{Result, Vault};

impl Vault {
    /// Puts a tag (1 to 64 characters) on a recording; one that is there already stays.
    ///
    /// # Errors
    /// The catalogue's: no such recording, a tag that is too long.
    pub fn add_tag(&self, id: RecordingId, tag: &str, by: &By) -> Result<()> {
        Ok(self.catalogue.add_tag(id, tag, by)?)
    }

    /// Takes a tag off a recording.
    ///
    /// # Errors
    /// The catalogue's: no such tag.
    pub fn remove_tag(&self, id: RecordingId, tag: &str, by: &By) -> Result<()> {
        Ok(self.catalogue.remove_tag(id, tag, by)?)
    }

    /// Writes a note on a recording, or on the moment `at_us` microseconds from its start.
    ///
    /// # Errors
    /// The catalogue's: no such recording, a note that is too long.
    pub fn add_note(&self, id: RecordingId, at_us: Option<u64>, text: &str, by: &By) -> Result<NoteId> {
        Ok(self.catalogue.add_note(id, at_us, text, by)?)
    }

    /// Writes a note on a recording whose call may still go on; it becomes a note of the recording when that is entered.
    ///
    /// # Errors
    /// The catalogue's: a note that is too long, too many of them.
    pub fn add_early_note(&self, id: RecordingId, at_us: Option<u64>, text: &str, by: &By) -> Result<Noted> {
        Ok(self.catalogue.add_early_note(id, at_us, text, by)?)
    }

    /// Changes the text of a note; the history keeps the one before.
    ///
    /// # Errors
    /// The catalogue's: no such note.
    pub fn edit_note(&self, id: RecordingId, note: NoteId, text: &str, by: &By) -> Result<()> {
        Ok(self.catalogue.edit_note(id, note, text, by)?)
    }

    /// Removes a note; the history keeps its text.
    ///
    /// # Errors
    /// The catalogue's: no such note.
    pub fn remove_note(&self, id: RecordingId, note: NoteId, by: &By) -> Result<()> {
        Ok(self.catalogue.remove_note(id, note, by)?)
    }

    /// Sets subject, comment or external reference; an empty text removes it. The history keeps the one before.
    ///
    /// # Errors
    /// The catalogue's: no such recording, a text that is too long.
    pub fn set_text(&self, id: RecordingId, field: Field, text: &str, by: &By) -> Result<()> {
        Ok(self.catalogue.set_text(id, field, text, by)?)
    }

    /// Returns every change of a recording's labels, oldest first.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn label_history(&self, id: RecordingId) -> Result<Vec<LabelChange>> {
        Ok(self.catalogue.label_history(id)?)
    }
}
