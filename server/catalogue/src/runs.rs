//! Runs of the archive: begun, ended, proven; and the numbers that its files carry in their names.

use shared::{Day, LocationId, MediaId, RunId, UtcMicros};

use crate::bulk::Cell;
use crate::due::next_leaf;
use crate::location::digest_or_none;
use crate::read::{damaged, id16};
use crate::sql::{Conn, Row};
use crate::{Catalogue, CatalogueError, Result};

/// One run of the archive on one medium.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ArchiveRunRow {
    /// Which; drawn by the caller.
    pub run_id: RunId,
    /// Where.
    pub location_id: LocationId,
    /// On what.
    pub media_id: MediaId,
    /// Its beginning.
    pub begun_at: UtcMicros,
    /// Its end; `None` while it goes on, or after a crash.
    pub ended_at: Option<UtcMicros>,
    /// The first leaf that was due.
    pub first: u64,
    /// Behind the last one.
    pub end: u64,
    /// How it ended: 1 complete, 2 complete with holes, 3 ended early.
    pub outcome: Option<u8>,
    /// SHA-256 of its report, once that is durable on the medium and was read back: what it read back is proven then.
    pub report_sha256: Option<[u8; 32]>,
    /// Leaves of the checkpoint that was written with it.
    pub checkpoint: u64,
    /// Files written.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What an operator should know of it; may be empty.
    pub message: String,
}

impl Catalogue {
    /// Enters a run that begins. One that is known already stays as it is.
    ///
    /// # Errors
    /// The database's: no such location or medium.
    pub fn begin_run(&self, run: &ArchiveRunRow) -> Result<()> {
        let cells = vec![
            run.run_id.bytes().into(),
            run.location_id.bytes().into(),
            run.media_id.bytes().into(),
            run.begun_at.0.into(),
            run.first.into(),
            run.end.into(),
        ];
        let db = self.db.clone();
        self.block(async move {
            let text = "insert into archive_run (run_id, location_id, media_id, begun_at_us, first_leaf, end_leaf, checkpoint, \
                        files, bytes, message) values ($1, $2, $3, $4, $5, $6, 0, 0, 0, '') on conflict do nothing";
            db.writer().await?.run(text, cells).await.map(drop)
        })
    }

    /// Ends a run that proved nothing: it was stopped, or the medium went. What it read back waits for the next one.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] if it is not under way, or the database's.
    pub fn end_run(&self, run: &ArchiveRunRow) -> Result<()> {
        let (db, run) = (self.db.clone(), run.clone());
        self.block(async move { end(&mut db.writer().await?, &run, None).await })
    }

    /// Proves a run: all that it read back, or took over, becomes proven with its report, and its medium moves on.
    ///
    /// One transaction. Leaves below `next_leaf` of which nothing was read back become holes, besides those in `holes`: whatever
    /// is forgotten stays due. Proving the same run again changes nothing.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] without the run, its end or its report, or the database's; then nothing has changed.
    pub fn prove_run(&self, run: &ArchiveRunRow, next_leaf: u64, holes: &[u64]) -> Result<()> {
        let report = run.report_sha256.ok_or(CatalogueError::NotThere { what: "report of this run" })?;
        let (db, run, holes) = (self.db.clone(), run.clone(), holes.to_vec());
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let done = async {
                if is_proven(&mut conn, run.run_id, &report).await? {
                    return Ok(());
                }
                end(&mut conn, &run, Some(&report)).await?;
                move_on(&mut conn, &run, &report, next_leaf, &holes).await
            };
            let done = done.await;
            conn.end(done).await
        })
    }

    /// Returns the last runs on a location, the newest first, at most `limit`.
    ///
    /// # Errors
    /// The database's.
    pub fn runs(&self, location: LocationId, limit: u32) -> Result<Vec<ArchiveRunRow>> {
        let db = self.db.clone();
        self.block(async move {
            let text = "select run_id, location_id, media_id, begun_at_us, ended_at_us, first_leaf, end_leaf, outcome, \
                        report_sha256, checkpoint, files, bytes, message from archive_run \
                        where location_id = $1 order by begun_at_us desc, run_id desc limit $2";
            let rows = db.reader().await?.rows(text, vec![location.bytes().into(), limit.into()]).await?;
            rows.iter().map(run_row).collect()
        })
    }

    /// Returns the lowest level of what a run lists, by some of it: a medium can be read past the caches, or it cannot. `None`: it lists
    /// nothing.
    ///
    /// # Errors
    /// The database's.
    pub fn level_of_run(&self, run: RunId) -> Result<Option<u8>> {
        let db = self.db.clone();
        self.block(async move {
            let text = "select min(level) from (select level from proof where run_id = $1 order by leaf limit 64) as listed";
            let row = db.reader().await?.row(text, vec![run.bytes().into()]).await?;
            let level = row.map(|row| row.int_or_none(0)).transpose()?.flatten();
            level.map(|n| u8::try_from(n).map_err(|_odd| damaged("level"))).transpose()
        })
    }

    /// Returns the next number of the counter `name`, from 1, durably: no number is given twice.
    ///
    /// # Errors
    /// The database's.
    pub fn next_generation(&self, name: &str) -> Result<u64> {
        let (db, name) = (self.db.clone(), Cell::from(name));
        self.block(async move {
            let text = "insert into counter (name, value) values ($1, 1) \
                        on conflict (name) do update set value = counter.value + 1 returning value";
            let row = db.writer().await?.row(text, vec![name]).await?;
            row.ok_or_else(|| damaged("counter"))?.number(0, "counter")
        })
    }

    /// Returns the newest manifest of a day on a medium: its generation and its SHA-256.
    ///
    /// # Errors
    /// The database's.
    pub fn manifest_of(&self, medium: MediaId, day: Day) -> Result<Option<(u32, [u8; 32])>> {
        let db = self.db.clone();
        self.block(async move {
            let text = "select generation, sha256 from archive_manifest where media_id = $1 and day = $2";
            let row =
                db.reader().await?.row(text, vec![medium.bytes().into(), day.yyyymmdd().into()]).await?;
            row.map(|row| Ok((row.number(0, "generation")?, row.octets(1, "sha256")?))).transpose()
        })
    }

    /// Notes a manifest that lies on a medium; an older generation than the one known changes nothing.
    ///
    /// # Errors
    /// The database's.
    pub fn note_manifest(&self, medium: MediaId, day: Day, generation: u32, sha256: [u8; 32]) -> Result<()> {
        let cells =
            vec![medium.bytes().into(), day.yyyymmdd().into(), generation.into(), Cell::from(&sha256)];
        let db = self.db.clone();
        self.block(async move {
            let text = "insert into archive_manifest (media_id, day, generation, sha256) values ($1, $2, $3, $4) \
                        on conflict (media_id, day) do update set generation = excluded.generation, sha256 = excluded.sha256 \
                        where archive_manifest.generation < excluded.generation";
            db.writer().await?.run(text, cells).await.map(drop)
        })
    }
}

async fn is_proven(conn: &mut Conn, run: RunId, report: &[u8; 32]) -> Result<bool> {
    let text = "select 1 from archive_run where run_id = $1 and report_sha256 = $2";
    Ok(conn.row(text, vec![run.bytes().into(), report.into()]).await?.is_some())
}

/// Writes the end of a run that has no report yet; with one, all that hangs on it is proven.
async fn end(conn: &mut Conn, run: &ArchiveRunRow, report: Option<&[u8; 32]>) -> Result<()> {
    let ended = run.ended_at.ok_or(CatalogueError::NotThere { what: "end of this run" })?;
    let cells = vec![
        run.run_id.bytes().into(),
        run.media_id.bytes().into(),
        ended.0.into(),
        run.first.into(),
        run.end.into(),
        Cell::int_or_none(run.outcome),
        Cell::blob_or_none(report.map(<[u8; 32]>::as_slice)),
        run.checkpoint.into(),
        run.files.into(),
        run.bytes.into(),
        run.message.as_str().into(),
    ];
    let text = "update archive_run set ended_at_us = $3, first_leaf = $4, end_leaf = $5, outcome = $6, report_sha256 = $7, \
                checkpoint = $8, files = $9, bytes = $10, message = $11 \
                where run_id = $1 and media_id = $2 and report_sha256 is null";
    match conn.run(text, cells).await? {
        0 => Err(CatalogueError::NotThere { what: "archive run under way on this medium" }),
        _ => Ok(()),
    }
}

/// Moves a medium on behind a run.
async fn move_on(
    conn: &mut Conn,
    run: &ArchiveRunRow,
    report: &[u8; 32],
    next: u64,
    holes: &[u64],
) -> Result<()> {
    let medium = || Cell::from(run.media_id.bytes());
    let was = next_leaf(conn, run.media_id).await?;
    for leaf in holes.iter().filter(|leaf| **leaf < next) {
        let text = "insert into archive_hole (media_id, leaf) values ($1, $2) on conflict do nothing";
        conn.run(text, vec![medium(), (*leaf).into()]).await?;
    }
    // Rows of parts whose leaf is older than their row came while the run went on.
    let forgotten = "insert into archive_hole (media_id, leaf) select m.media_id, l.leaf_index from medium m \
                     join logged l on l.leaf_index >= $2 and l.leaf_index < $3 where m.media_id = $1 \
                     and not exists (select 1 from proof o where o.media_id = $1 and o.leaf = l.leaf_index) on conflict do nothing";
    conn.run(forgotten, vec![medium(), was.into(), next.into()]).await?;
    let filled = "delete from archive_hole where media_id = $1 \
                  and exists (select 1 from proof o where o.media_id = $1 and o.leaf = archive_hole.leaf)";
    conn.run(filled, vec![medium()]).await?;
    let mended = "delete from archive_bad where media_id = $1 and exists (select 1 from proof o where o.media_id = $1 \
                  and o.recording_id = archive_bad.recording_id and o.part = archive_bad.part and o.run_id = $2)";
    conn.run(mended, vec![medium(), run.run_id.bytes().into()]).await?;
    let ended = Cell::int_or_none(run.ended_at.map(|at| at.0));
    let text = "update medium set next_leaf = $2, last_report = $3, last_run_at_us = $4 where media_id = $1";
    conn.run(text, vec![medium(), next.into(), report.into(), ended]).await.map(drop)
}

fn run_row(row: &Row) -> Result<ArchiveRunRow> {
    let outcome = row.int_or_none(7)?.map(u8::try_from).transpose().map_err(|_odd| damaged("outcome"))?;
    Ok(ArchiveRunRow {
        run_id: RunId(id16(row, 0)?),
        location_id: LocationId(id16(row, 1)?),
        media_id: MediaId(id16(row, 2)?),
        begun_at: UtcMicros(row.int(3)?),
        ended_at: row.int_or_none(4)?.map(UtcMicros),
        first: row.number(5, "first_leaf")?,
        end: row.number(6, "end_leaf")?,
        outcome,
        report_sha256: digest_or_none(row, 8)?,
        checkpoint: row.number(9, "checkpoint")?,
        files: row.number(10, "files")?,
        bytes: row.number(11, "bytes")?,
        message: row.text(12)?,
    })
}
