//! Recordings that leave the live store: what is known of one when somebody asks whether it may go, and how far it went.
//!
//! Nothing here decides. Whoever changes a state brings the judgement along; it is asked inside the transaction, about what is
//! true in it, so that a hold or a location that came meanwhile is seen.

use shared::{RecordingId, UtcMicros};

use crate::bulk::Cell;
use crate::index::place_at;
use crate::location::{self, worded};
use crate::orders::standing_orders;
use crate::proof::proofs;
use crate::read::{assemble, damaged, id16, part_rows};
use crate::sql::{Conn, Row};
use crate::{
    By, Catalogue, CatalogueError, Cursor, LocationRow, MediumRow, PartRow, ProofRow, Result, labels,
};

worded! {
    /// How far a recording is on its way out of the live store.
    PurgeState {
        /// The log says that it will go; it is all there, and anybody with the right may cancel.
        Intent = 1 "intent",
        /// Its files are being removed; some may be gone.
        Unlinking = 2 "unlinking",
        /// They are removed, durably.
        Unlinked = 3 "unlinked",
        /// Nothing is left to do.
        Purged = 4 "purged",
    }
}

/// A recording on its way out of the live store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PurgeRow {
    /// Which.
    pub recording_id: RecordingId,
    /// How far it is.
    pub state: PurgeState,
    /// Why: 1 space, 2 age, as in the log.
    pub reason: u8,
    /// The first of its leaves in the log.
    pub leaf: u64,
    /// Since when it is intended.
    pub intent_at: UtcMicros,
    /// When the state last changed.
    pub changed_at: UtcMicros,
}

/// Everything that bears on whether the live copy of a recording may go, as of one transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Which recording.
    pub recording_id: RecordingId,
    /// Its end, as far as known.
    pub ended_at: UtcMicros,
    /// Its sealed files, each with the leaf of the log that tells of it.
    pub parts: Vec<(PartRow, Option<u64>)>,
    /// A legal hold is on it, or one by order covers it.
    pub is_held: bool,
    /// Why it is not trusted, if so.
    pub suspect: Option<String>,
    /// How far it went already.
    pub purge: Option<PurgeRow>,
    /// The locations in use, disconnected ones included.
    pub locations: Vec<LocationRow>,
    /// All media of these.
    pub media: Vec<MediumRow>,
    /// What is known of it on all media.
    pub proofs: Vec<ProofRow>,
}

/// A recording that is nowhere on the way out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// Its place in lists, to go on behind.
    pub place: Cursor,
    /// Which.
    pub recording_id: RecordingId,
    /// Bytes of its sealed files.
    pub bytes: u64,
}

impl Catalogue {
    /// Returns what bears on whether the live copy of a recording may go; `None` if there is no such recording.
    ///
    /// # Errors
    /// The database's.
    pub fn standing(&self, id: RecordingId) -> Result<Option<Standing>> {
        self.judged(id, |standing| standing.cloned())
    }

    /// Asks `judge` about a recording, inside a transaction that sees all of it at one moment. `None`: no such recording.
    ///
    /// # Errors
    /// The database's.
    pub fn judged<T: Send + 'static>(
        &self,
        id: RecordingId,
        judge: impl FnOnce(Option<&Standing>) -> T + Send + 'static,
    ) -> Result<T> {
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.reader().await?;
            conn.begin_look().await?;
            let done = standing(&mut conn, id).await.map(|standing| judge(standing.as_ref()));
            conn.end(done).await
        })
    }

    /// Enters that recordings will go, those of which `judge` still approves; returns them. One transaction.
    ///
    /// Each comes with the first of its leaves in the log.
    ///
    /// # Errors
    /// The database's; then none was entered.
    pub fn intend_purge(
        &self,
        some: Vec<(RecordingId, u64)>,
        reason: u8,
        at: UtcMicros,
        mut judge: impl FnMut(&Standing) -> bool + Send + 'static,
    ) -> Result<Vec<RecordingId>> {
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin_alone().await?;
            let done = async {
                let mut entered = Vec::new();
                for (id, leaf) in some {
                    let approved = standing(&mut conn, id).await?.is_some_and(|s| s.purge.is_none() && judge(&s));
                    if approved {
                        let cells =
                            vec![id.bytes().into(), reason.into(), leaf.into(), Cell::Int(at.0)];
                        let text = "insert into purge (recording_id, state, reason, leaf, intent_at_us, changed_at_us) \
                                    values ($1, 1, $2, $3, $4, $4)";
                        conn.run(text, cells).await?;
                        entered.push(id);
                    }
                }
                Ok(entered)
            };
            let done = done.await;
            conn.end(done).await
        })
    }

    /// Takes a recording a step further, if `judge` approves of it now; or returns what it says. One transaction.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] if it is not on the way, or the database's.
    pub fn step_purge<E: Send + 'static>(
        &self,
        id: RecordingId,
        to: PurgeState,
        at: UtcMicros,
        judge: impl FnOnce(&Standing) -> std::result::Result<(), E> + Send + 'static,
    ) -> Result<std::result::Result<(), E>> {
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin_alone().await?;
            let done = async {
                let found = standing(&mut conn, id).await?.filter(|s| s.purge.is_some());
                let found = found.ok_or(CatalogueError::NotThere { what: "recording about to be purged" })?;
                if let Err(kept) = judge(&found) {
                    return Ok(Err(kept));
                }
                let text =
                    "update purge set state = $2, changed_at_us = $3 where recording_id = $1 and state <= $2";
                conn.run(text, vec![id.bytes().into(), to.number().into(), Cell::Int(at.0)]).await?;
                Ok(Ok(()))
            };
            let done = done.await;
            conn.end(done).await
        })
    }

    /// Returns recordings on the way out, those intended at `until` or before and those whose removal began, the oldest intent
    /// first, behind `after`, at most `limit`.
    ///
    /// # Errors
    /// The database's.
    pub fn purges(
        &self,
        until: UtcMicros,
        after: Option<(UtcMicros, RecordingId)>,
        limit: u32,
    ) -> Result<Vec<PurgeRow>> {
        let (at, id) = after.unwrap_or((UtcMicros(i64::MIN), RecordingId([0; 16])));
        let cells = vec![Cell::Int(until.0), Cell::Int(at.0), id.bytes().into(), limit.into()];
        let db = self.db.clone();
        self.block(async move {
            let text = "select recording_id, state, reason, leaf, intent_at_us, changed_at_us from purge \
                        where state in (1, 2, 3) and (state > 1 or intent_at_us <= $1) \
                        and not exists (select 1 from shredded d where d.recording_id = purge.recording_id) \
                        and (intent_at_us > $2 or (intent_at_us = $2 and recording_id > $3)) \
                        order by intent_at_us, recording_id limit $4";
            db.reader().await?.rows(text, cells).await?.iter().map(purge_row).collect()
        })
    }

    /// Takes back that a recording will go; who did it stands in its history.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] if it is not intended, or its removal began; or the database's.
    pub fn cancel_purge(&self, id: RecordingId, by: &By) -> Result<()> {
        let (db, by) = (self.db.clone(), by.clone());
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin_alone().await?;
            let done = async {
                let text = "delete from purge where recording_id = $1 and state = 1";
                labels::found("intended purge", conn.run(text, vec![id.bytes().into()]).await?)?;
                labels::note_change(&mut conn, id, "purge", "intent", "", &by).await
            };
            let done = done.await;
            conn.end(done).await
        })
    }

    /// Returns recordings that are nowhere on the way out and not held, the oldest first, behind `after`, at most `limit`.
    ///
    /// # Errors
    /// The database's.
    pub fn purge_candidates(&self, after: Option<Cursor>, limit: u32) -> Result<Vec<Candidate>> {
        let db = self.db.clone();
        let after = after.map_or_else(|| place_at(0).saturating_sub(1), |cursor| cursor.0);
        self.block(async move {
            let text = "select r.order_key, r.recording_id, \
                        (select cast(coalesce(sum(p.bytes), 0) as bigint) from part p where p.recording_id = r.recording_id) \
                        from recording r where r.order_key > $1 and r.held = 0 \
                        and not exists (select 1 from purge u where u.recording_id = r.recording_id) \
                        and not exists (select 1 from shredded d where d.recording_id = r.recording_id) \
                        order by r.order_key limit $2";
            let rows = db.reader().await?.rows(text, vec![Cell::Int(after), limit.into()]).await?;
            let candidate = |row: &Row| {
                let recording_id = RecordingId(id16(row, 1)?);
                Ok(Candidate { place: Cursor(row.int(0)?), recording_id, bytes: row.number(2, "bytes")? })
            };
            rows.iter().map(candidate).collect()
        })
    }

    /// Notes that something of a recording was not as it should be. What was noted first stays.
    ///
    /// # Errors
    /// The database's: no such recording.
    pub fn set_suspect(&self, id: RecordingId, reason: &str, at: UtcMicros) -> Result<()> {
        let (db, cells) = (self.db.clone(), vec![id.bytes().into(), reason.into(), Cell::Int(at.0)]);
        self.block(async move {
            let text = "insert into suspect (recording_id, reason, at_us) values ($1, $2, $3) on conflict do nothing";
            db.writer().await?.run(text, cells).await.map(drop)
        })
    }

    /// Clears a recording: somebody found out what was the matter. Who did it and why stands in its history.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] if nothing is the matter, [`CatalogueError::Length`] of the reason, or the database's.
    pub fn clear_suspect(&self, id: RecordingId, reason: &str, by: &By) -> Result<()> {
        let reason = labels::long_enough("reason", reason, labels::REASON_MAX)?;
        let (db, by) = (self.db.clone(), by.clone());
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let done = async {
                let text = "select reason from suspect where recording_id = $1";
                let row = conn.row(text, vec![id.bytes().into()]).await?;
                let was = row.ok_or(CatalogueError::NotThere { what: "suspicion" })?.text(0)?;
                conn.run("delete from suspect where recording_id = $1", vec![id.bytes().into()]).await?;
                labels::note_change(&mut conn, id, "suspect", &was, &reason, &by).await
            };
            let done = done.await;
            conn.end(done).await
        })
    }
}

/// Reads all that bears on a recording; the caller holds a transaction.
async fn standing(conn: &mut Conn, id: RecordingId) -> Result<Option<Standing>> {
    let text = "select r.ended_at_us, r.held + (select count(*) from hold h where h.recording_id = r.recording_id), \
                (select s.reason from suspect s where s.recording_id = r.recording_id) \
                from recording r where r.recording_id = $1";
    let Some(row) = conn.row(text, vec![id.bytes().into()]).await? else { return Ok(None) };
    let text = "select recording_id, state, reason, leaf, intent_at_us, changed_at_us from purge where recording_id = $1";
    let purge = conn.row(text, vec![id.bytes().into()]).await?;
    let is_held = row.int(1)? != 0 || is_covered(conn, id).await?;
    Ok(Some(Standing {
        recording_id: id,
        ended_at: UtcMicros(row.int(0)?),
        parts: with_leaves(conn, id).await?,
        is_held,
        suspect: row.text_or_none(2)?,
        purge: purge.as_ref().map(purge_row).transpose()?,
        locations: location::in_use(conn).await?,
        media: location::media_in_use(conn).await?,
        proofs: proofs(conn, id).await?,
    }))
}

/// A hold by order covers it. One that cannot be read is an error, and nothing goes.
async fn is_covered(conn: &mut Conn, id: RecordingId) -> Result<bool> {
    let orders = standing_orders(conn).await?;
    if orders.is_empty() {
        return Ok(false);
    }
    let found = assemble(conn, &[id]).await?;
    Ok(found.iter().any(|recording| orders.iter().any(|order| order.coverage.covers(recording))))
}

async fn with_leaves(conn: &mut Conn, id: RecordingId) -> Result<Vec<(PartRow, Option<u64>)>> {
    let leaves = conn
        .rows("select part, leaf_index from logged where recording_id = $1", vec![id.bytes().into()])
        .await?
        .iter()
        .map(|row| Ok((row.number(0, "part")?, row.number(1, "leaf")?)))
        .collect::<Result<Vec<(u16, u64)>>>()?;
    let leaf = |part: &PartRow| leaves.iter().find(|(number, _)| *number == part.part).map(|(_, leaf)| *leaf);
    Ok(part_rows(conn, id).await?.into_iter().map(|part| (part.clone(), leaf(&part))).collect())
}

fn purge_row(row: &Row) -> Result<PurgeRow> {
    Ok(PurgeRow {
        recording_id: RecordingId(id16(row, 0)?),
        state: PurgeState::from_number(row.number(1, "state")?).ok_or_else(|| damaged("state"))?,
        reason: row.number(2, "reason")?,
        leaf: row.number(3, "leaf")?,
        intent_at: UtcMicros(row.int(4)?),
        changed_at: UtcMicros(row.int(5)?),
    })
}
