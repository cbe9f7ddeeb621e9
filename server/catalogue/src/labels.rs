//! What people write on a recording: reference, subject, comment, tags, notes, and the legal hold. Nothing is lost by a change.

use shared::{Day, UtcMicros};

use crate::UserId;

/// What people wrote on a recording.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Labels {
    /// The number of the case or order in another system; empty when there is none.
    pub external_reference: String,
    /// What it is about, in a line; empty when there is none.
    pub subject: String,
    /// A remark; empty when there is none.
    pub comment: String,
    /// Tags in the order of the alphabet.
    pub tags: Vec<String>,
    /// Notes in the order of their positions, those on the whole recording first.
    pub notes: Vec<Note>,
    /// The legal hold, if one is on.
    pub hold: Option<Hold>,
}

/// Names a note.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct NoteId(pub u64);

/// A note on a recording, or on a moment of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Note {
    /// Its name; given by the catalogue, ignored when a note is added.
    pub id: NoteId,
    /// Microseconds from the start of the recording; `None`: the note is on the whole.
    pub at_us: Option<u64>,
    /// What it says.
    pub text: String,
    /// Who wrote it.
    pub author: String,
    /// When.
    pub written_at: UtcMicros,
    /// When its text was last changed; the former texts are in the history.
    pub edited_at: Option<UtcMicros>,
}

/// A legal hold: while it is on, nothing of the recording is purged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hold {
    /// Why.
    pub reason: String,
    /// Who put it on.
    pub by: String,
    /// When.
    pub at: UtcMicros,
    /// When somebody should ask whether it is still needed.
    pub review: Option<Day>,
}

/// A text that people may write on a recording.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Field {
    /// What it is about.
    Subject = 0,
    /// A remark.
    Comment = 1,
    /// The number in another system.
    ExternalReference = 2,
}

/// Who changes a label, and when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct By {
    /// The user; `None` for a program.
    pub user: Option<UserId>,
    /// The name as shown then.
    pub name: String,
    /// When.
    pub at: UtcMicros,
}

/// One change of a label, as the history keeps it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LabelChange {
    /// Who and when.
    pub by: By,
    /// What was changed: `subject`, `comment`, `external_reference`, `tag`, `note` or `hold`.
    pub what: String,
    /// The text before; empty when there was none.
    pub before: String,
    /// The text after; empty when it was removed.
    pub after: String,
}
