//! What was read back from media. A row is *read back* until the report of its run is proven, and *proven* from then on: the
//! report's digest in the row of the run is the only mark of it, so that a whole run becomes proven at once or not at all.

use shared::{Day, LocationId, MediaId, RecordingId, RunId, UtcMicros};

use crate::bulk::{Cell, Insert};
use crate::due::next_leaf;
use crate::location::digest_or_none;
use crate::read::id16;
use crate::sql::{Conn, Row};
use crate::{Catalogue, CatalogueError, PartKey, Result};

/// A part as it was read back from a medium.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReadBackRow {
    /// Which recording.
    pub recording_id: RecordingId,
    /// Which part.
    pub part: u16,
    /// The leaf of its admission.
    pub leaf: u64,
    /// Where it lies, from the archive's root folder.
    pub path: String,
    /// The whole file in bytes.
    pub size: u64,
    /// SHA-256 of everything before the trailer.
    pub sha256: [u8; 32],
    /// BLAKE3 of the same.
    pub blake3: [u8; 32],
    /// SHA-256 of the whole file.
    pub whole_sha256: [u8; 32],
    /// BLAKE3 of the whole file.
    pub whole_blake3: [u8; 32],
    /// BLAKE3 of each 1 MiB of the whole file, one behind the other; empty when it is one piece.
    pub pieces: Vec<u8>,
    /// How far it was verified, 0 to 5.
    pub level: u8,
    /// Generation of the day's manifest that lists it; 0 until it is written.
    pub manifest: u32,
    /// When it was read back.
    pub read_at: UtcMicros,
}

/// What is known of one part on one medium.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProofRow {
    /// What was read back.
    pub read_back: ReadBackRow,
    /// Of which location.
    pub location_id: LocationId,
    /// From which medium.
    pub media_id: MediaId,
    /// Its generation.
    pub media_gen: u32,
    /// The run that lists it.
    pub run_id: RunId,
    /// SHA-256 of that run's report; `None`: the run was cut or goes on, and nothing is proven yet.
    pub report_sha256: Option<[u8; 32]>,
    /// Leaves of the checkpoint that lies with it.
    pub checkpoint: u64,
}

impl Catalogue {
    /// Enters parts that were read back in a run, in one transaction. Entering them again changes nothing but what it says anew;
    /// what is proven stays as it is.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] if the run is not under way on this medium, or the database's; then nothing was entered.
    pub fn read_back(&self, run: RunId, medium: MediaId, rows: &[ReadBackRow]) -> Result<()> {
        let cells: Vec<Cell> = rows.iter().flat_map(|row| proof_cells(run, medium, row)).collect();
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let done = async {
                under_way(&mut conn, run, medium).await?;
                PROOF.run(&mut conn, cells).await
            };
            let done = done.await;
            conn.end(done).await
        })
    }

    /// Returns at most `limit` parts, by leaf and behind `after_leaf`, that runs without a report read back from the medium, each
    /// with its run.
    ///
    /// # Errors
    /// The database's.
    pub fn unproven(
        &self,
        medium: MediaId,
        after_leaf: Option<u64>,
        limit: u32,
    ) -> Result<Vec<(RunId, ReadBackRow)>> {
        let after = after_leaf.map_or(Ok(-1), i64::try_from).unwrap_or(i64::MAX);
        let db = self.db.clone();
        self.block(async move {
            let text = format!(
                "select p.run_id, {READ_BACK} from archive_run r join proof p on p.run_id = r.run_id \
                 where r.media_id = $1 and r.report_sha256 is null and p.leaf > $2 order by p.leaf limit $3"
            );
            let cells = vec![medium.bytes().into(), after.into(), limit.into()];
            let rows = db.reader().await?.rows_kept(text, cells).await?;
            rows.iter().map(|row| Ok((RunId(id16(row, 0)?), read_back_row(row, 1)?))).collect()
        })
    }

    /// Makes parts that a cut run read back from the medium those of `run`, which will list them. What is proven stays.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] if the run is not under way on this medium, or the database's.
    pub fn adopt_read_back(&self, run: RunId, medium: MediaId, parts: &[PartKey]) -> Result<()> {
        let (db, parts) = (self.db.clone(), parts.to_vec());
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let done = async {
                under_way(&mut conn, run, medium).await?;
                let text = "update proof set run_id = $4 where recording_id = $1 and part = $2 and media_id = $3 \
                            and run_id in (select run_id from archive_run where report_sha256 is null)";
                each(&mut conn, medium, &parts, text, Some(run.bytes().into())).await
            };
            let done = done.await;
            conn.end(done).await
        })
    }

    /// Forgets parts that were read back from the medium and are not proven: they are due again, below `next_leaf` as holes.
    ///
    /// # Errors
    /// The database's.
    pub fn drop_read_back(&self, medium: MediaId, parts: &[PartKey]) -> Result<()> {
        let (db, parts) = (self.db.clone(), parts.to_vec());
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let done = async {
                let next = next_leaf(&mut conn, medium).await?;
                let holes = "insert into archive_hole (media_id, leaf) select media_id, leaf from proof \
                             where recording_id = $1 and part = $2 and media_id = $3 and leaf < $4 \
                             and run_id in (select run_id from archive_run where report_sha256 is null) on conflict do nothing";
                each(&mut conn, medium, &parts, holes, Some(next.into())).await?;
                let gone = "delete from proof where recording_id = $1 and part = $2 and media_id = $3 \
                            and run_id in (select run_id from archive_run where report_sha256 is null)";
                each(&mut conn, medium, &parts, gone, None).await
            };
            let done = done.await;
            conn.end(done).await
        })
    }

    /// Notes which generation of a day's manifest lists the parts of that day that a run read back. `leaves` are the first and
    /// the last of them: they only narrow the search.
    ///
    /// # Errors
    /// The database's.
    pub fn set_manifest(&self, run: RunId, day: Day, leaves: (u64, u64), generation: u32) -> Result<()> {
        let db = self.db.clone();
        self.block(async move {
            // Paths begin with their day; `0` comes behind `/`.
            let text = "update proof set manifest = $6 \
                        where run_id = $1 and leaf between $2 and $3 and path > $4 and path < $5";
            let cells = vec![
                run.bytes().into(),
                leaves.0.into(),
                leaves.1.into(),
                format!("{day}/").into(),
                format!("{day}0").into(),
                generation.into(),
            ];
            db.writer().await?.run(text, cells).await.map(drop)
        })
    }

    /// Notes how far parts were verified on the medium, 0 to 5: more after a later look, or less when something was lost.
    ///
    /// # Errors
    /// The database's.
    pub fn set_level(&self, medium: MediaId, parts: &[PartKey], level: u8) -> Result<()> {
        let (db, parts) = (self.db.clone(), parts.to_vec());
        self.block(async move {
            let text = "update proof set level = $4 where recording_id = $1 and part = $2 and media_id = $3";
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let done = each(&mut conn, medium, &parts, text, Some(level.into())).await;
            conn.end(done).await
        })
    }

    /// Returns what is known of a recording on all media, by part, location and medium.
    ///
    /// # Errors
    /// The database's.
    pub fn proofs_of(&self, id: RecordingId) -> Result<Vec<ProofRow>> {
        let db = self.db.clone();
        self.block(async move { proofs(&mut db.reader().await?, id).await })
    }
}

/// Reads the proofs of a recording.
pub(crate) async fn proofs(conn: &mut Conn, id: RecordingId) -> Result<Vec<ProofRow>> {
    let text = format!(
        "select p.run_id, {READ_BACK}, m.location_id, p.media_id, m.media_gen, r.report_sha256, r.checkpoint from proof p \
         join medium m on m.media_id = p.media_id join archive_run r on r.run_id = p.run_id \
         where p.recording_id = $1 order by p.part, m.location_id, m.media_gen, p.media_id"
    );
    let rows = conn.rows_kept(text, vec![id.bytes().into()]).await?;
    rows.iter().map(proof_row).collect()
}

/// Rows may be added to a run only while it has no report: later they would count as proven without standing in it.
async fn under_way(conn: &mut Conn, run: RunId, medium: MediaId) -> Result<()> {
    let text = "select 1 from archive_run where run_id = $1 and media_id = $2 and report_sha256 is null";
    let row = conn.row(text, vec![run.bytes().into(), medium.bytes().into()]).await?;
    row.map(drop).ok_or(CatalogueError::NotThere { what: "archive run under way on this medium" })
}

/// Runs a statement for each part: $1 its recording, $2 its number, $3 the medium, $4 a value.
async fn each(
    conn: &mut Conn,
    medium: MediaId,
    parts: &[PartKey],
    text: &'static str,
    value: Option<Cell>,
) -> Result<()> {
    for (id, part) in parts {
        let mut cells = vec![id.bytes().into(), (*part).into(), medium.bytes().into()];
        cells.extend(value.clone());
        conn.run(text, cells).await?;
    }
    Ok(())
}

const PROOF: Insert = Insert {
    head: "insert into proof (recording_id, part, media_id, run_id, leaf, path, bytes, sha256, blake3, whole_sha256, whole_blake3, \
           pieces, level, manifest, read_at_us) values",
    columns: 15,
    tail: "on conflict (recording_id, part, media_id) do update set run_id = excluded.run_id, leaf = excluded.leaf, \
           path = excluded.path, bytes = excluded.bytes, sha256 = excluded.sha256, blake3 = excluded.blake3, \
           whole_sha256 = excluded.whole_sha256, whole_blake3 = excluded.whole_blake3, pieces = excluded.pieces, \
           level = excluded.level, manifest = excluded.manifest, read_at_us = excluded.read_at_us \
           where proof.run_id in (select r.run_id from archive_run r where r.report_sha256 is null)",
};

fn proof_cells(run: RunId, medium: MediaId, row: &ReadBackRow) -> [Cell; 15] {
    [
        row.recording_id.bytes().into(),
        row.part.into(),
        medium.bytes().into(),
        run.bytes().into(),
        row.leaf.into(),
        row.path.as_str().into(),
        row.size.into(),
        (&row.sha256).into(),
        (&row.blake3).into(),
        (&row.whole_sha256).into(),
        (&row.whole_blake3).into(),
        Cell::Blob(row.pieces.clone()),
        row.level.into(),
        row.manifest.into(),
        row.read_at.0.into(),
    ]
}

const READ_BACK: &str = "p.recording_id, p.part, p.leaf, p.path, p.bytes, p.sha256, p.blake3, p.whole_sha256, p.whole_blake3, \
                         p.pieces, p.level, p.manifest, p.read_at_us";

/// Reads a part whose columns begin at `at`.
fn read_back_row(row: &Row, at: usize) -> Result<ReadBackRow> {
    let column = |n: usize| at.saturating_add(n);
    Ok(ReadBackRow {
        recording_id: RecordingId(id16(row, column(0))?),
        part: row.number(column(1), "part")?,
        leaf: row.number(column(2), "leaf")?,
        path: row.text(column(3))?,
        size: row.number(column(4), "bytes")?,
        sha256: row.octets(column(5), "sha256")?,
        blake3: row.octets(column(6), "blake3")?,
        whole_sha256: row.octets(column(7), "whole_sha256")?,
        whole_blake3: row.octets(column(8), "whole_blake3")?,
        pieces: row.blob(column(9))?,
        level: row.number(column(10), "level")?,
        manifest: row.number(column(11), "manifest")?,
        read_at: UtcMicros(row.int(column(12))?),
    })
}

fn proof_row(row: &Row) -> Result<ProofRow> {
    Ok(ProofRow {
        read_back: read_back_row(row, 1)?,
        location_id: LocationId(id16(row, 14)?),
        media_id: MediaId(id16(row, 15)?),
        media_gen: row.number(16, "media_gen")?,
        run_id: RunId(id16(row, 0)?),
        report_sha256: digest_or_none(row, 17)?,
        checkpoint: row.number(18, "checkpoint")?,
    })
}
