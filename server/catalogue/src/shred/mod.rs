//! What is destroyed on purpose: days whose keys go, recordings whose files go, and the media on which copies still lie.
//!
//! Nothing here decides. As with purges, whoever enters an intent brings the judgement along; it is asked about each recording inside
//! the transaction, so that a hold or a rule that came meanwhile is seen. A row of `shred` is never removed.

mod steps;

use shared::{Day, MediaId, RecordingId, UtcMicros};

use crate::bulk::Cell;
use crate::location::worded;
use crate::orders::by;
use crate::read::{damaged, id16};
use crate::sql::{Conn, Row};
use crate::{By, Catalogue, CatalogueError, Result};

pub use steps::{NewShred, ShredJudged, ShredVerdict};

worded! {
    /// How far a destruction is.
    ShredState {
        /// Somebody asked for it; nothing was done.
        Asked = 1 "asked",
        /// The log says that it will happen, and nothing keeps it back any more; keys and files may be there or not.
        Intent = 2 "intent",
        /// The key store has no key of it.
        Keyless = 3 "keyless",
        /// Its live files are gone, durably; what is left to do lies on media.
        Done = 4 "done",
        /// Somebody took it back.
        Cancelled = 5 "cancelled",
    }
}

/// What is destroyed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShredWhat {
    /// The keys of a civil day: everything that was sealed to them.
    Day(Day),
    /// One recording, of this day.
    Recording(Day, RecordingId),
}

impl ShredWhat {
    /// Returns the day.
    #[must_use]
    pub const fn day(self) -> Day {
        match self {
            Self::Day(day) | Self::Recording(day, _) => day,
        }
    }

    /// Returns the recording, if it is one alone.
    #[must_use]
    pub const fn recording(self) -> Option<RecordingId> {
        match self {
            Self::Day(_) => None,
            Self::Recording(_, id) => Some(id),
        }
    }
}

/// A destruction and how far it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShredRow {
    /// Its number.
    pub shred_id: u64,
    /// What is destroyed.
    pub what: ShredWhat,
    /// Two persons ordered it, whatever retention says; otherwise its retention is over.
    pub is_order: bool,
    /// Why.
    pub reason: String,
    /// Makes the digest in the log one of a text that cannot be guessed.
    pub salt: [u8; 32],
    /// How far it is.
    pub state: ShredState,
    /// Who asked for it, and when.
    pub asked: By,
    /// Who said so, too, or who cancelled it; and when.
    pub second: Option<By>,
    /// Its leaf in the log.
    pub leaf: Option<u64>,
    /// Names of the keys that go.
    pub keys: Vec<[u8; 8]>,
    /// When the state last changed.
    pub changed_at: UtcMicros,
    /// Recordings that it destroyed, or is destroying; 0 while it is asked for.
    pub recordings: u64,
    /// Where copies may lie still, and where they are gone.
    pub media: Vec<ShredMedium>,
}

/// What a medium has to do with a destruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShredMedium {
    /// Which medium.
    pub media_id: MediaId,
    /// What is written on it.
    pub label: String,
    /// Where it lies.
    pub lies_in: String,
    /// When the copies on it were removed; `None`: they may lie there still.
    pub done_at: Option<UtcMicros>,
}

/// What is to be removed from a medium that is connected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShredOnMedium {
    /// Of which destruction.
    pub shred_id: u64,
    /// What is destroyed.
    pub what: ShredWhat,
    /// Names of keys that no vault of keys on it may hold.
    pub keys: Vec<[u8; 8]>,
    /// Files of a recording that is destroyed alone, from the archive's root folder.
    pub paths: Vec<String>,
}

impl Catalogue {
    /// Returns the last destructions, the newest first, at most `limit`.
    ///
    /// # Errors
    /// The database's.
    pub fn shreds(&self, limit: u32) -> Result<Vec<ShredRow>> {
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.reader().await?;
            let text = format!("{SHREDS} order by s.shred_id desc limit $1");
            let rows = conn.rows_kept(text, vec![limit.into()]).await?;
            with_media(&mut conn, &rows).await
        })
    }

    /// Returns one destruction.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`], or the database's.
    pub fn shred(&self, shred_id: u64) -> Result<ShredRow> {
        let db = self.db.clone();
        self.block(async move { one(&mut db.reader().await?, shred_id).await })
    }

    /// Returns destructions that were intended, those that are done here included, the oldest first: their keys must not be in the key
    /// store, whatever a restore brought back.
    ///
    /// # Errors
    /// The database's.
    pub fn shreds_intended(&self) -> Result<Vec<ShredRow>> {
        let db = self.db.clone();
        self.block(async move {
            let text = format!("{SHREDS} where s.state in (2, 3, 4) order by s.shred_id");
            db.reader().await?.rows_kept(text, vec![]).await?.iter().map(shred_row).collect()
        })
    }

    /// Returns since when a recording is destroyed, or on its way there; `None`: it is not.
    ///
    /// # Errors
    /// The database's.
    pub fn shredded_at(&self, id: RecordingId) -> Result<Option<UtcMicros>> {
        let db = self.db.clone();
        self.block(async move {
            let text = "select s.changed_at_us from shredded d join shred s on s.shred_id = d.shred_id where d.recording_id = $1";
            let row = db.reader().await?.row(text, vec![id.bytes().into()]).await?;
            row.map(|row| row.int(0).map(UtcMicros)).transpose()
        })
    }

    /// Returns recordings that were destroyed alone, with their days: the tombstones of vaults of keys.
    ///
    /// # Errors
    /// The database's.
    pub fn tombstones(&self) -> Result<Vec<(RecordingId, Day)>> {
        let db = self.db.clone();
        self.block(async move {
            let text = "select recording_id, day from shred where scope = 2 and state in (2, 3, 4) order by recording_id";
            let rows = db.reader().await?.rows(text, vec![]).await?;
            rows.iter().map(|row| Ok((RecordingId(id16(row, 0)?), day_of(row, 1)?))).collect()
        })
    }

    /// Returns what is to be removed from a medium. Only what left this machine's key store already is named.
    ///
    /// # Errors
    /// The database's.
    pub fn shreds_on(&self, medium: MediaId) -> Result<Vec<ShredOnMedium>> {
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.reader().await?;
            let text = "select s.shred_id, s.scope, s.day, s.recording_id, s.key_ids from shred_medium m \
                        join shred s on s.shred_id = m.shred_id \
                        where m.media_id = $1 and m.done_at_us is null and s.state in (3, 4) order by s.shred_id";
            let mut all = Vec::new();
            for row in conn.rows(text, vec![medium.bytes().into()]).await? {
                let what = what(&row, 1)?;
                let mut paths = Vec::new();
                if let Some(id) = what.recording() {
                    let text = "select path from proof where media_id = $1 and recording_id = $2 \
                                union select path from archive_bad where media_id = $1 and recording_id = $2 order by path";
                    let cells = vec![medium.bytes().into(), id.bytes().into()];
                    for row in conn.rows(text, cells).await? {
                        paths.push(row.text(0)?);
                    }
                }
                all.push(ShredOnMedium { shred_id: row.number(0, "shred")?, what, keys: keys(&row, 4)?, paths });
            }
            Ok(all)
        })
    }
}

const SHREDS: &str = "select s.shred_id, s.scope, s.day, s.recording_id, s.by_order, s.reason, s.salt, s.state, s.asked_by, \
                      s.asked_by_name, s.asked_at_us, s.second_by, s.second_by_name, s.second_at_us, s.leaf, s.key_ids, \
                      s.changed_at_us, (select count(*) from shredded d where d.shred_id = s.shred_id) from shred s";

/// Reads one with its media.
pub(crate) async fn one(conn: &mut Conn, shred_id: u64) -> Result<ShredRow> {
    let rows = conn.rows_kept(format!("{SHREDS} where s.shred_id = $1"), vec![shred_id.into()]).await?;
    with_media(conn, &rows).await?.pop().ok_or(CatalogueError::NotThere { what: "destruction" })
}

async fn with_media(conn: &mut Conn, rows: &[Row]) -> Result<Vec<ShredRow>> {
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let mut shred = shred_row(row)?;
        let text = "select s.media_id, m.label, m.lies_in, s.done_at_us from shred_medium s \
                    join medium m on m.media_id = s.media_id where s.shred_id = $1 order by m.added_at_us, m.media_id";
        for row in conn.rows(text, vec![shred.shred_id.into()]).await? {
            shred.media.push(ShredMedium {
                media_id: MediaId(id16(&row, 0)?),
                label: row.text(1)?,
                lies_in: row.text(2)?,
                done_at: row.int_or_none(3)?.map(UtcMicros),
            });
        }
        all.push(shred);
    }
    Ok(all)
}

fn shred_row(row: &Row) -> Result<ShredRow> {
    Ok(ShredRow {
        shred_id: row.number(0, "shred")?,
        what: what(row, 1)?,
        is_order: row.int(4)? != 0,
        reason: row.text(5)?,
        salt: row.octets(6, "salt")?,
        state: ShredState::from_number(row.number(7, "state")?).ok_or_else(|| damaged("state"))?,
        asked: by(row, 8)?.ok_or_else(|| damaged("destruction"))?,
        second: by(row, 11)?,
        leaf: row.int_or_none(14)?.map(u64::try_from).transpose().map_err(|_odd| damaged("leaf"))?,
        keys: keys(row, 15)?,
        changed_at: UtcMicros(row.int(16)?),
        recordings: row.number(17, "count")?,
        media: Vec::new(),
    })
}

/// Reads scope, day and recording from three columns.
fn what(row: &Row, column: usize) -> Result<ShredWhat> {
    let day = day_of(row, column.saturating_add(1))?;
    match row.int(column)? {
        1 => Ok(ShredWhat::Day(day)),
        2 => Ok(ShredWhat::Recording(day, RecordingId(id16(row, column.saturating_add(2))?))),
        _ => Err(damaged("scope")),
    }
}

fn day_of(row: &Row, column: usize) -> Result<Day> {
    Day::from_yyyymmdd(row.number(column, "day")?).map_err(|_odd| damaged("day"))
}

fn keys(row: &Row, column: usize) -> Result<Vec<[u8; 8]>> {
    let bytes = row.blob(column)?;
    let (keys, rest) = bytes.as_chunks();
    if rest.is_empty() { Ok(keys.to_vec()) } else { Err(damaged("key")) }
}

fn cells(what: ShredWhat) -> [Cell; 3] {
    let id = what.recording();
    [
        Cell::Int(if id.is_some() { 2 } else { 1 }),
        what.day().yyyymmdd().into(),
        Cell::blob_or_none(id.as_ref().map(|id| id.bytes().as_slice())),
    ]
}
