//! A destruction from step to step. Each is one transaction; none goes back once it is intended.

use shared::{Day, MediaId, RecordingId, UtcMicros};

use super::{ShredRow, ShredState, ShredWhat, cells, one};
use crate::bulk::Cell;
use crate::labels::{REASON_MAX, long_enough, user};
use crate::orders::standing_orders;
use crate::policy::classes;
use crate::read::{assemble, damaged, id16};
use crate::sql::Conn;
use crate::{By, Catalogue, CatalogueError, Recording, Result, RetentionClass};

/// Recordings looked at with one query.
const SOME: usize = 500;
/// A later part may belong to a later day than the recording's start; parts last twelve hours, recordings of a week are none.
const DAYS_BEFORE: i32 = -7;

/// A destruction that somebody asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewShred {
    /// What is destroyed.
    pub what: ShredWhat,
    /// Two persons order it, whatever retention says.
    pub is_order: bool,
    /// Why.
    pub reason: String,
    /// Drawn by the caller.
    pub salt: [u8; 32],
    /// Who asks, and when.
    pub asked: By,
}

/// What is judged of one recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShredVerdict {
    /// It may go.
    Free,
    /// It would go, but it is held.
    Held,
    /// Its time is not over, or its call goes on.
    Kept,
}

/// What was judged of all recordings of a destruction.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ShredJudged {
    /// All of them.
    pub recordings: u64,
    /// Those that would go and are held.
    pub held: Vec<RecordingId>,
    /// How many stay for another reason.
    pub kept: u64,
}

impl ShredJudged {
    /// Tells whether nothing keeps it back.
    #[must_use]
    pub const fn is_free(&self) -> bool {
        self.held.is_empty() && self.kept == 0
    }
}

impl Catalogue {
    /// Judges what would be destroyed, recording by recording, as of one moment. `judge` is told the classes in force and whether a hold
    /// is on it.
    ///
    /// # Errors
    /// The database's, a hold that cannot be read included.
    pub fn judged_shred(
        &self,
        what: ShredWhat,
        mut judge: impl FnMut(&[RetentionClass], &Recording, bool) -> ShredVerdict + Send + 'static,
    ) -> Result<ShredJudged> {
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.reader().await?;
            conn.begin_look().await?;
            let done = walk(&mut conn, what, &mut judge).await.map(|(judged, _ids)| judged);
            conn.end(done).await
        })
    }

    /// Enters that somebody asks for a destruction; returns it. Nothing is destroyed by it.
    ///
    /// # Errors
    /// [`CatalogueError::Length`] of the reason, [`CatalogueError::Taken`] if the same is under way, or the database's.
    pub fn ask_shred(&self, new: &NewShred) -> Result<ShredRow> {
        let reason = long_enough("reason", &new.reason, REASON_MAX)?;
        let [scope, day, id] = cells(new.what);
        let same = vec![scope.clone(), day.clone(), id.clone()];
        let mut row = vec![scope, day, id, new.is_order.into(), reason.into(), (&new.salt).into()];
        row.extend([user(&new.asked), new.asked.name.as_str().into(), new.asked.at.0.into()]);
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin_alone().await?;
            let done = async {
                // One by retention that was cut before its intent.
                let text = "update shred set state = 5 where scope = $1 and day = $2 and (recording_id = $3 or scope = 1) \
                            and state = 1 and by_order = 0";
                conn.run(text, same.clone()).await?;
                // A day may be destroyed again: late recordings get new keys.
                let same_under_way = "select 1 from shred where scope = $1 and day = $2 and (recording_id = $3 or scope = 1) \
                            and (state in (1, 2, 3) or (state = 4 and scope = 2))";
                if conn.row(same_under_way, same).await?.is_some() {
                    return Err(CatalogueError::Taken { what: "destruction" });
                }
                let text = "insert into shred (scope, day, recording_id, by_order, reason, salt, state, asked_by, asked_by_name, \
                            asked_at_us, key_ids, changed_at_us) values ($1, $2, $3, $4, $5, $6, 1, $7, $8, $9, $10, $9) \
                            returning shred_id";
                row.push(Cell::blob_or_none(Some(&[])));
                let made = conn.row(text, row).await?.ok_or_else(|| damaged("destruction"))?;
                one(&mut conn, made.number(0, "shred")?).await
            };
            let done = done.await;
            conn.end(done).await
        })
    }

    /// Enters that a second person says so, too.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] unless it is asked for and waits, or the database's.
    pub fn second_shred(&self, shred_id: u64, by: &By) -> Result<ShredRow> {
        let text = "update shred set second_by = $2, second_by_name = $3, second_at_us = $4 \
                    where shred_id = $1 and state = 1 and by_order = 1";
        self.change_shred(
            shred_id,
            text,
            vec![shred_id.into(), user(by), by.name.as_str().into(), by.at.0.into()],
        )
    }

    /// Takes back what was asked for and not intended yet.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] if it is intended, done or cancelled, or the database's.
    pub fn cancel_shred(&self, shred_id: u64, by: &By) -> Result<ShredRow> {
        let text = "update shred set state = 5, second_by = $2, second_by_name = $3, second_at_us = $4, changed_at_us = $4 \
                    where shred_id = $1 and state = 1";
        self.change_shred(
            shred_id,
            text,
            vec![shred_id.into(), user(by), by.name.as_str().into(), by.at.0.into()],
        )
    }

    /// Enters that it will happen, if `judge` lets every recording of it go now; otherwise what keeps it back. From here on nothing of
    /// it is opened any more, and nothing takes it back. One transaction: the intent, its recordings, the media with copies.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] unless it is asked for (an order: by two), or the database's; then nothing changed.
    pub fn intend_shred(
        &self,
        shred_id: u64,
        leaf: u64,
        keys: &[[u8; 8]],
        at: UtcMicros,
        mut judge: impl FnMut(&[RetentionClass], &Recording, bool) -> ShredVerdict + Send + 'static,
    ) -> Result<std::result::Result<ShredRow, ShredJudged>> {
        let (db, keys) = (self.db.clone(), keys.as_flattened().to_vec());
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin_alone().await?;
            let done = async {
                let row = one(&mut conn, shred_id).await?;
                let waits = row.state == ShredState::Asked && (!row.is_order || row.second.is_some());
                if !waits {
                    return Err(CatalogueError::NotThere { what: "destruction that waits" });
                }
                let (judged, ids) = walk(&mut conn, row.what, &mut judge).await?;
                if !judged.is_free() {
                    return Ok(Err(judged));
                }
                for id in ids {
                    let text = "insert into shredded (recording_id, shred_id) values ($1, $2) on conflict do nothing";
                    conn.run(text, vec![id.bytes().into(), shred_id.into()]).await?;
                }
                let text = "insert into shred_medium (shred_id, media_id) select cast($1 as bigint), m.media_id from medium m \
                            where exists (select 1 from archive_run r where r.media_id = m.media_id)";
                conn.run(text, vec![shred_id.into()]).await?;
                let text = "update shred set state = 2, leaf = $2, key_ids = $3, changed_at_us = $4 where shred_id = $1";
                let cells = vec![shred_id.into(), leaf.into(), Cell::blob_or_none(Some(&keys)), at.0.into()];
                conn.run(text, cells).await?;
                Ok(Ok(one(&mut conn, shred_id).await?))
            };
            let done = done.await;
            conn.end(done).await
        })
    }

    /// Notes how far an intended destruction is; it goes forward only.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] if it is not intended, or the database's.
    pub fn step_shred(&self, shred_id: u64, to: ShredState, at: UtcMicros) -> Result<ShredRow> {
        let text = "update shred set changed_at_us = case when state < $2 then cast($3 as bigint) else changed_at_us end, \
                    state = case when state < $2 then $2 else state end where shred_id = $1 and state in (2, 3, 4)";
        let to = to.number().clamp(ShredState::Intent.number(), ShredState::Done.number());
        self.change_shred(shred_id, text, vec![shred_id.into(), Cell::Int(to.into()), at.0.into()])
    }

    /// Returns the live files of what is destroyed: of a day those of all its recordings, whatever day a part is of.
    ///
    /// # Errors
    /// The database's.
    pub fn shredded_paths(&self, shred_id: u64) -> Result<Vec<String>> {
        let db = self.db.clone();
        self.block(async move {
            let text = "select p.path from shredded d join part p on p.recording_id = d.recording_id where d.shred_id = $1 order by p.path";
            db.reader().await?.rows(text, vec![shred_id.into()]).await?.iter().map(|row| row.text(0)).collect()
        })
    }

    /// Returns the recordings of what is destroyed.
    ///
    /// # Errors
    /// The database's.
    pub fn shredded_recordings(&self, shred_id: u64) -> Result<Vec<RecordingId>> {
        let db = self.db.clone();
        self.block(async move {
            let text = "select recording_id from shredded where shred_id = $1";
            let rows = db.reader().await?.rows(text, vec![shred_id.into()]).await?;
            rows.iter().map(|row| Ok(RecordingId(id16(row, 0)?))).collect()
        })
    }

    /// Notes that nothing of these destructions lies on a medium any more. Of a recording that was destroyed alone the proofs there go,
    /// too: they would claim a file that was removed.
    ///
    /// # Errors
    /// The database's.
    pub fn shredded_on(&self, medium: MediaId, shreds: &[u64], at: UtcMicros) -> Result<()> {
        let (db, shreds) = (self.db.clone(), shreds.to_vec());
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let done = async {
                for shred in shreds {
                    let cells = vec![Cell::from(medium.bytes()), shred.into()];
                    let text = "delete from proof where media_id = $1 and recording_id = \
                                (select recording_id from shred where shred_id = $2 and scope = 2)";
                    conn.run(text, cells.clone()).await?;
                    let text = "update shred_medium set done_at_us = $3 where media_id = $1 and shred_id = $2 and done_at_us is null";
                    conn.run(text, cells.into_iter().chain([at.0.into()]).collect()).await?;
                }
                Ok(())
            };
            let done = done.await;
            conn.end(done).await
        })
    }

    fn change_shred(&self, shred_id: u64, text: &'static str, cells: Vec<Cell>) -> Result<ShredRow> {
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let done = async {
                match conn.run(text, cells).await? {
                    0 => Err(CatalogueError::NotThere { what: "destruction that waits" }),
                    _ => one(&mut conn, shred_id).await,
                }
            };
            let done = done.await;
            conn.end(done).await
        })
    }
}

/// Asks about each recording; the caller holds a transaction. A recording that is not known stays: there is nothing to judge.
async fn walk(
    conn: &mut Conn,
    what: ShredWhat,
    judge: &mut (dyn FnMut(&[RetentionClass], &Recording, bool) -> ShredVerdict + Send),
) -> Result<(ShredJudged, Vec<RecordingId>)> {
    let (orders, classes) = (standing_orders(conn).await?, classes(conn).await?);
    let ids = match what {
        ShredWhat::Day(day) => recordings_on(conn, day).await?,
        ShredWhat::Recording(_, id) => vec![id],
    };
    let mut judged = ShredJudged::default();
    for some in ids.chunks(SOME) {
        let found = assemble(conn, some).await?;
        let missing = some.len().saturating_sub(found.len());
        judged.kept = judged.kept.saturating_add(u64::try_from(missing).unwrap_or(u64::MAX));
        for recording in found {
            judged.recordings = judged.recordings.saturating_add(1);
            let covered = || orders.iter().any(|order| order.coverage.covers(&recording));
            let is_held = recording.labels.hold.is_some() || covered();
            match judge(&classes, &recording, is_held) {
                ShredVerdict::Free => {}
                ShredVerdict::Held => judged.held.push(recording.facts.recording_id),
                ShredVerdict::Kept => judged.kept = judged.kept.saturating_add(1),
            }
        }
    }
    Ok((judged, ids))
}

/// The recordings of which a part was sealed on this day.
async fn recordings_on(conn: &mut Conn, day: Day) -> Result<Vec<RecordingId>> {
    let before = day.plus_days(DAYS_BEFORE).unwrap_or(day);
    let text = "select r.recording_id from recording r where r.day between $1 and $2 \
                and exists (select 1 from part p where p.recording_id = r.recording_id and p.day = $2) order by r.recording_id";
    let cells = vec![before.yyyymmdd().into(), day.yyyymmdd().into()];
    conn.rows(text, cells).await?.iter().map(|row| Ok(RecordingId(id16(row, 0)?))).collect()
}
