//! Notes on a call that still goes on: its recording has no row yet, and is written on all the same.
//!
//! A row never comes before its sealed file is durable, so a mark that a supervisor makes while they listen has nothing on which it could
//! hang. It waits in a table of its own, durable, until the transaction that enters the recording makes it a note like any other, with
//! its line in the history. A crash in between changes nothing: recovery enters the recording under the same identity.

use std::collections::BTreeSet;

use shared::RecordingId;

use crate::bulk::Cell;
use crate::labels::{TEXT_MAX, long_enough, user};
use crate::sql::Conn;
use crate::{By, Catalogue, CatalogueError, NoteId, RecordingRow, Result};

/// Early notes that one call may have.
const NOTES_MAX: i64 = 500;

/// What became of a note on a call that may still go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Noted {
    /// The recording was there: it has the note.
    Note(NoteId),
    /// The note waits for the recording, under this number.
    Early(u64),
}

impl Catalogue {
    /// Writes a note on a recording whose call may still go on, or on the moment `at_us` microseconds from its start. Durable when this
    /// returns.
    ///
    /// # Errors
    /// [`CatalogueError::Length`] (1 to 4,000 characters), [`CatalogueError::ManyNotes`], or the database's.
    pub fn add_early_note(&self, id: RecordingId, at_us: Option<u64>, text: &str, by: &By) -> Result<Noted> {
        match self.add_note(id, at_us, text, by) {
            Err(CatalogueError::NotThere { what: "recording" }) => {}
            done => return done.map(Noted::Note),
        }
        let text = long_enough("note", text, TEXT_MAX)?;
        let (db, by) = (self.db.clone(), by.clone());
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let done = enter(&mut conn, id, at_us, &text, &by).await;
            conn.end(done).await
        })
    }
}

async fn enter(conn: &mut Conn, id: RecordingId, at_us: Option<u64>, text: &str, by: &By) -> Result<Noted> {
    let here = vec![Cell::from(id.bytes())];
    let there = "select (select count(*) from recording where recording_id = $1), (select count(*) from early_note where recording_id = $1)";
    let row = conn.row(there, here.clone()).await?;
    let (entered, early) =
        row.map_or(Ok((0, 0)), |row| Ok::<_, CatalogueError>((row.int(0)?, row.int(1)?)))?;
    if early >= NOTES_MAX {
        return Err(CatalogueError::ManyNotes { max: NOTES_MAX });
    }
    let cells = vec![
        id.bytes().into(),
        Cell::int_or_none(at_us),
        text.into(),
        user(by),
        by.name.as_str().into(),
        by.at.0.into(),
    ];
    let insert = "insert into early_note (recording_id, at_us, text, by_user, by_name, written_at_us) values ($1, $2, $3, $4, $5, $6) \
                  returning early_id";
    let row = conn.row(insert, cells).await?;
    let number = row.map_or(Ok(0), |row| row.number(0, "early note"))?;
    if entered > 0 {
        // It was entered a moment ago.
        move_all(conn, id).await?;
    }
    Ok(Noted::Early(number))
}

/// Makes the early notes of recordings that were just entered notes like any other.
pub(crate) async fn become_notes(conn: &mut Conn, rows: &[RecordingRow]) -> Result<()> {
    // As a rule nobody has marked anything: one look for the whole batch.
    let waiting = conn.rows("select distinct recording_id from early_note limit 1000", vec![]).await?;
    let mut marked = BTreeSet::new();
    for row in &waiting {
        marked.insert(row.octets::<16>(0, "identity")?);
    }
    let entered: BTreeSet<[u8; 16]> = rows.iter().map(|row| *row.facts.recording_id.bytes()).collect();
    // With very many that wait for nothing any more each recording is asked for by itself.
    let is_all = waiting.len() < 1_000;
    for id in entered.into_iter().filter(|id| !is_all || marked.contains(id)) {
        move_all(conn, RecordingId(id)).await?;
    }
    Ok(())
}

async fn move_all(conn: &mut Conn, id: RecordingId) -> Result<()> {
    for text in [
        "insert into note (recording_id, at_us, text, by_user, by_name, written_at_us) \
         select recording_id, at_us, text, by_user, by_name, written_at_us from early_note where recording_id = $1 order by early_id",
        "insert into label_change (recording_id, what, before, after, by_user, by_name, at_us) \
         select recording_id, 'note', '', text, by_user, by_name, written_at_us from early_note where recording_id = $1 order by early_id",
        "delete from early_note where recording_id = $1",
    ] {
        conn.run(text, vec![id.bytes().into()]).await?;
    }
    Ok(())
}
