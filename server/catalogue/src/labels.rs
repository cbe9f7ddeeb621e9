//! What people write on a recording: reference, subject, comment, tags, notes, and the legal hold. Nothing is lost by a change.

use std::collections::{BTreeMap, BTreeSet};

use shared::{Day, RecordingId, UtcMicros};

use crate::bulk::Cell;
use crate::held;
use crate::index::{self, Kind};
use crate::listed::redraw;
use crate::read::{id16, select};
use crate::sql::Conn;
use crate::text::{fold, words};
use crate::write::labels_of;
use crate::{Catalogue, CatalogueError, Hold, Recording, Result, UserId};

/// The longest tag, in characters.
const TAG_MAX: usize = 64;
/// The longest note, subject or comment.
pub(crate) const TEXT_MAX: usize = 4_000;
/// The longest reason of a hold.
pub(crate) const REASON_MAX: usize = 1_000;

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
    /// What was changed: `subject`, `comment`, `external_reference`, `tag`, `note`, `hold`, `purge` or `suspect`.
    pub what: String,
    /// The text before; empty when there was none.
    pub before: String,
    /// The text after; empty when it was removed.
    pub after: String,
}

impl Field {
    /// Returns the name of the column, which is also the word of the history.
    const fn column(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Comment => "comment",
            Self::ExternalReference => "external_reference",
        }
    }

    const fn statements(self) -> (&'static str, &'static str) {
        match self {
            Self::Subject => (
                "select subject from recording where recording_id = $1",
                "update recording set subject = $1 where recording_id = $2",
            ),
            Self::Comment => (
                "select comment from recording where recording_id = $1",
                "update recording set comment = $1 where recording_id = $2",
            ),
            Self::ExternalReference => (
                "select external_reference from recording where recording_id = $1",
                "update recording set external_reference = $1 where recording_id = $2",
            ),
        }
    }
}

/// One change of one recording's labels.
#[derive(Clone, Debug)]
enum Change {
    AddTag(String),
    RemoveTag(String),
    AddNote { at_us: Option<u64>, text: String },
    EditNote { note: NoteId, text: String },
    RemoveNote(NoteId),
    SetText { field: Field, text: String },
    Hold { reason: String, review: Option<Day> },
    Release { reason: String },
}

impl Catalogue {
    /// Puts a tag on a recording; one that is there already stays.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`], [`CatalogueError::Length`] (1 to 64 characters), or the database's.
    pub fn add_tag(&self, id: RecordingId, tag: &str, by: &By) -> Result<()> {
        let tag = long_enough("tag", tag, TAG_MAX)?;
        self.label(id, Change::AddTag(tag), by).map(drop)
    }

    /// Takes a tag off a recording.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`], or the database's.
    pub fn remove_tag(&self, id: RecordingId, tag: &str, by: &By) -> Result<()> {
        self.label(id, Change::RemoveTag(tag.to_owned()), by).map(drop)
    }

    /// Writes a note on a recording, or on the moment `at_us` microseconds from its start. Returns the note's name.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`], [`CatalogueError::Length`] (1 to 4,000 characters), or the database's.
    pub fn add_note(&self, id: RecordingId, at_us: Option<u64>, text: &str, by: &By) -> Result<NoteId> {
        let text = long_enough("note", text, TEXT_MAX)?;
        self.label(id, Change::AddNote { at_us, text }, by)
    }

    /// Changes the text of a note; the history keeps the one before.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`], [`CatalogueError::Length`], or the database's.
    pub fn edit_note(&self, id: RecordingId, note: NoteId, text: &str, by: &By) -> Result<()> {
        let text = long_enough("note", text, TEXT_MAX)?;
        self.label(id, Change::EditNote { note, text }, by).map(drop)
    }

    /// Removes a note; the history keeps its text.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`], or the database's.
    pub fn remove_note(&self, id: RecordingId, note: NoteId, by: &By) -> Result<()> {
        self.label(id, Change::RemoveNote(note), by).map(drop)
    }

    /// Sets subject, comment or external reference; an empty text removes it. The history keeps the one before.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`], [`CatalogueError::Length`] (at most 4,000 characters), or the database's.
    pub fn set_text(&self, id: RecordingId, field: Field, text: &str, by: &By) -> Result<()> {
        let text = text.trim().to_owned();
        if text.chars().count() > TEXT_MAX {
            return Err(CatalogueError::Length { what: field.column(), max: TEXT_MAX });
        }
        self.label(id, Change::SetText { field, text }, by).map(drop)
    }

    /// Puts a legal hold on a recording, in place of an earlier one: while it is on, nothing of it is purged.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`], [`CatalogueError::Length`] (1 to 1,000 characters), or the database's.
    pub fn hold(&self, id: RecordingId, reason: &str, review: Option<Day>, by: &By) -> Result<()> {
        let reason = long_enough("reason", reason, REASON_MAX)?;
        self.label(id, Change::Hold { reason, review }, by).map(drop)
    }

    /// Takes the legal hold off a recording.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] if there is none, [`CatalogueError::Length`], or the database's.
    pub fn release(&self, id: RecordingId, reason: &str, by: &By) -> Result<()> {
        let reason = long_enough("reason", reason, REASON_MAX)?;
        self.label(id, Change::Release { reason }, by).map(drop)
    }

    /// Returns every change of a recording's labels, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub fn label_history(&self, id: RecordingId) -> Result<Vec<LabelChange>> {
        let db = self.db.clone();
        self.block(async move {
            let text = "select what, before, after, by_user, by_name, at_us from label_change \
                        where recording_id = $1 order by change_id";
            let rows = db.reader().await?.rows(text, vec![id.bytes().into()]).await?;
            let change = |row: &crate::sql::Row| {
                let user = row.int_or_none(3)?.and_then(|n| u64::try_from(n).ok()).map(UserId);
                let by = By { user, name: row.text(4)?, at: UtcMicros(row.int(5)?) };
                Ok(LabelChange { by, what: row.text(0)?, before: row.text(1)?, after: row.text(2)? })
            };
            rows.iter().map(change).collect()
        })
    }

    /// One change, with its line in the history and its words in the index, in one transaction.
    fn label(&self, id: RecordingId, change: Change, by: &By) -> Result<NoteId> {
        let (db, by) = (self.db.clone(), by.clone());
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let done = apply(&mut conn, id, change, &by).await;
            conn.end(done).await
        })
    }
}

pub(crate) fn long_enough(what: &'static str, text: &str, max: usize) -> Result<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > max {
        return Err(CatalogueError::Length { what, max });
    }
    Ok(text.to_owned())
}

async fn apply(conn: &mut Conn, id: RecordingId, change: Change, by: &By) -> Result<NoteId> {
    let there = "select order_key from recording where recording_id = $1";
    if conn.row(there, vec![id.bytes().into()]).await?.is_none() {
        return Err(CatalogueError::NotThere { what: "recording" });
    }
    let mut note_id = NoteId::default();
    let (what, before, after) = match change {
        Change::AddTag(tag) => {
            let cells = vec![
                id.bytes().into(),
                tag.as_str().into(),
                user(by),
                by.name.as_str().into(),
                by.at.0.into(),
            ];
            let text = "insert into tag (recording_id, tag, by_user, by_name, at_us) values ($1, $2, $3, $4, $5) \
                        on conflict (recording_id, tag) do nothing";
            if conn.run(text, cells).await? == 0 {
                return Ok(note_id); // it is there already
            }
            ("tag", String::new(), tag)
        }
        Change::RemoveTag(tag) => {
            let text = "delete from tag where recording_id = $1 and tag = $2";
            found("tag", conn.run(text, vec![id.bytes().into(), tag.as_str().into()]).await?)?;
            ("tag", tag, String::new())
        }
        Change::AddNote { at_us, text } => {
            note_id = add_note(conn, id, at_us, &text, by).await?;
            ("note", String::new(), text)
        }
        Change::EditNote { note, text } => {
            let before = note_text(conn, id, note).await?;
            let cells = vec![text.as_str().into(), by.at.0.into(), note.0.into()];
            conn.run("update note set text = $1, edited_at_us = $2 where note_id = $3", cells).await?;
            ("note", before, text)
        }
        Change::RemoveNote(note) => {
            let before = note_text(conn, id, note).await?;
            conn.run("delete from note where note_id = $1", vec![note.0.into()]).await?;
            ("note", before, String::new())
        }
        Change::SetText { field, text } => {
            let (read, write) = field.statements();
            let row = conn.row(read, vec![id.bytes().into()]).await?;
            let before = row.map_or_else(|| Ok(String::new()), |row| row.text(0))?;
            conn.run(write, vec![text.as_str().into(), id.bytes().into()]).await?;
            (field.column(), before, text)
        }
        Change::Hold { reason, review } => {
            held::put(conn, id, &reason, review, by).await?;
            ("hold", String::new(), reason)
        }
        Change::Release { reason } => {
            held::take_off(conn, id).await?;
            ("hold", reason, String::new())
        }
    };
    note_change(conn, id, what, &before, &after, by).await?;
    index_labels(conn, id).await?;
    redraw(conn, &[id]).await?;
    Ok(note_id)
}

/// Writes a line of the history.
pub(crate) async fn note_change(
    conn: &mut Conn,
    id: RecordingId,
    what: &str,
    before: &str,
    after: &str,
    by: &By,
) -> Result<()> {
    let cells = vec![
        id.bytes().into(),
        what.into(),
        before.into(),
        after.into(),
        user(by),
        by.name.as_str().into(),
        by.at.0.into(),
    ];
    let text = "insert into label_change (recording_id, what, before, after, by_user, by_name, at_us) \
                values ($1, $2, $3, $4, $5, $6, $7)";
    conn.run(text, cells).await.map(drop)
}

pub(crate) fn user(by: &By) -> Cell {
    Cell::int_or_none(by.user.map(|user| user.0))
}

pub(crate) const fn found(what: &'static str, rows: u64) -> Result<()> {
    if rows == 0 { Err(CatalogueError::NotThere { what }) } else { Ok(()) }
}

async fn add_note(
    conn: &mut Conn,
    id: RecordingId,
    at_us: Option<u64>,
    text: &str,
    by: &By,
) -> Result<NoteId> {
    let cells = vec![
        id.bytes().into(),
        Cell::int_or_none(at_us),
        text.into(),
        user(by),
        by.name.as_str().into(),
        by.at.0.into(),
    ];
    let row = conn
        .row(
            "insert into note (recording_id, at_us, text, by_user, by_name, written_at_us) values ($1, $2, $3, $4, $5, $6) \
             returning note_id",
            cells,
        )
        .await?;
    row.map_or(Err(CatalogueError::NotThere { what: "note" }), |row| Ok(NoteId(row.number(0, "note")?)))
}

async fn note_text(conn: &mut Conn, id: RecordingId, note: NoteId) -> Result<String> {
    let text = "select text from note where recording_id = $1 and note_id = $2";
    let row = conn.row(text, vec![id.bytes().into(), note.0.into()]).await?;
    row.ok_or(CatalogueError::NotThere { what: "note" })?.text(0)
}

/// Brings the words of a recording's labels up to date in the index.
async fn index_labels(conn: &mut Conn, id: RecordingId) -> Result<()> {
    let text =
        "select order_key, subject, comment, external_reference from recording where recording_id = $1";
    let Some(row) = conn.row(text, vec![id.bytes().into()]).await? else { return Ok(()) };
    let key = row.int(0)?;
    let tags = conn.rows("select tag from tag where recording_id = $1", vec![id.bytes().into()]).await?;
    let mut wanted: Vec<(Kind, String)> = Vec::new();
    for (column, kind) in [(1, Kind::SubjectWord), (2, Kind::CommentWord), (3, Kind::ReferenceWord)] {
        wanted.extend(words(&row.text(column)?).into_iter().map(|word| (kind, word)));
    }
    for tag in &tags {
        let tag = tag.text(0)?;
        wanted.extend(words(&tag).into_iter().map(|word| (Kind::TagWord, word)));
        wanted.push((Kind::Tag, fold(&tag)));
    }
    let ids = index::word_ids(conn, &wanted.iter().map(|(_, word)| word.clone()).collect()).await?;
    let terms = wanted.iter().filter_map(|(kind, word)| ids.get(word).map(|id| kind.term(*id)));
    let (new, old): (BTreeSet<i64>, _) = (terms.collect(), labels_of(conn, key).await?);
    for term in old.difference(&new) {
        let cells = || vec![Cell::Int(*term), Cell::Int(key)];
        conn.run("delete from posting where term = $1 and order_key = $2", cells()).await?;
        conn.run("delete from labelled where term = $1 and order_key = $2", cells()).await?;
    }
    for term in new.difference(&old) {
        let cells = vec![Cell::Int(key), Cell::Int(*term)];
        conn.run("insert into labelled (order_key, term) values ($1, $2)", cells).await?;
    }
    index::enter_postings(conn, new.difference(&old).map(|term| (*term, key, None)).collect()).await
}

/// Reads tags, notes and holds into recordings.
pub(crate) async fn read(
    conn: &mut Conn,
    ids: &[RecordingId],
    found: &mut BTreeMap<RecordingId, Recording>,
) -> Result<()> {
    let tags = "select recording_id, tag from tag where recording_id in (?) order by tag";
    for row in select(conn, tags, ids).await? {
        if let Some(recording) = found.get_mut(&RecordingId(id16(&row, 0)?)) {
            recording.labels.tags.push(row.text(1)?);
        }
    }
    let notes = "select recording_id, note_id, at_us, text, by_name, written_at_us, edited_at_us from note \
                 where recording_id in (?) order by coalesce(at_us, -1), note_id";
    for row in select(conn, notes, ids).await? {
        if let Some(recording) = found.get_mut(&RecordingId(id16(&row, 0)?)) {
            recording.labels.notes.push(Note {
                id: NoteId(row.number(1, "note")?),
                at_us: row.int_or_none(2)?.and_then(|n| u64::try_from(n).ok()),
                text: row.text(3)?,
                author: row.text(4)?,
                written_at: UtcMicros(row.int(5)?),
                edited_at: row.int_or_none(6)?.map(UtcMicros),
            });
        }
    }
    held::read(conn, ids, found).await
}
