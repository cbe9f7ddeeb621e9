//! What a medium does not hold yet: parts by their leaves, from where it stands, and those in its holes.

use shared::{Day, MediaId, RecordingId, UtcMicros};

use crate::bulk::Cell;
use crate::logged::BLOCK;
use crate::read::{damaged, id16};
use crate::sql::{Conn, Row};
use crate::{Catalogue, CatalogueError, Result};

/// A part that is to be written to a medium.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DuePart {
    /// The leaf of its admission.
    pub leaf: u64,
    /// Which recording.
    pub recording_id: RecordingId,
    /// Which part.
    pub part: u16,
    /// Civil day of its start in the site's zone.
    pub day: Day,
    /// Its beginning.
    pub started_at: UtcMicros,
    /// Its end.
    pub ended_at: UtcMicros,
    /// Where it lies in the live store.
    pub path: String,
    /// The whole file in bytes.
    pub bytes: u64,
    /// SHA-256 of everything before the trailer.
    pub sha256: [u8; 32],
    /// BLAKE3 of the same.
    pub blake3: [u8; 32],
    /// False: it was purged from the live store, or is about to be; another medium has it.
    pub is_live: bool,
}

impl Catalogue {
    /// Returns at most `limit` parts that the medium does not hold, by leaf: those with a leaf behind `after_leaf` that is in its
    /// holes or at `next_leaf` and beyond, and of which nothing was read back there.
    ///
    /// Costs as many steps as there are leaves in between, whatever lies below `next_leaf`.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] without the medium, or the database's.
    pub fn due(&self, medium: MediaId, after_leaf: Option<u64>, limit: u32) -> Result<Vec<DuePart>> {
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.reader().await?;
            let next = next_leaf(&mut conn, medium).await?;
            let after = after_leaf.map_or(Ok(-1), i64::try_from).unwrap_or(i64::MAX);
            let cells = vec![medium.bytes().into(), after.into(), next.into(), limit.into()];
            let mut rows = conn.rows_kept(due_in_holes(), cells).await?;
            let found = u32::try_from(rows.len()).unwrap_or(u32::MAX);
            if found < limit {
                let from = after.saturating_add(1).max(next);
                let cells = vec![medium.bytes().into(), from.into(), limit.saturating_sub(found).into()];
                rows.extend(conn.rows_kept(due_beyond(), cells).await?);
            }
            rows.iter().map(due_part).collect()
        })
    }

    /// Returns how many parts the medium does not hold, and their bytes.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] without the medium, or the database's.
    pub fn due_totals(&self, medium: MediaId) -> Result<(u64, u64)> {
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.reader().await?;
            let next = next_leaf(&mut conn, medium).await?;
            let block = next / BLOCK_LEAVES;
            let edge = block.saturating_add(1).saturating_mul(BLOCK_LEAVES);
            let all = conn.sums(WHOLE_BLOCKS, vec![block.into()]).await?;
            let begun = conn.sums(BEGUN_BLOCK, vec![next.into(), edge.into()]).await?;
            let there = conn.sums(THERE, vec![medium.bytes().into(), next.into()]).await?;
            let holes = conn.sums(HOLES, vec![medium.bytes().into(), next.into()]).await?;
            let gone = conn.sums(SHREDDED, vec![medium.bytes().into(), next.into()]).await?;
            let due = |all: u64, begun: u64, there: u64, holes: u64, gone: u64| {
                all.saturating_add(begun).saturating_sub(there).saturating_add(holes).saturating_sub(gone)
            };
            Ok((due(all.0, begun.0, there.0, holes.0, gone.0), due(all.1, begun.1, there.1, holes.1, gone.1)))
        })
    }

    /// Returns how many parts were read back from the medium by runs that have no report, and their bytes: a run is under way, or was
    /// cut. They lie there, and nothing proves it yet.
    ///
    /// # Errors
    /// The database's.
    pub fn unproven_totals(&self, medium: MediaId) -> Result<(u64, u64)> {
        let db = self.db.clone();
        self.block(async move { db.reader().await?.sums(UNPROVEN, vec![medium.bytes().into()]).await })
    }

    /// Returns how many parts of what the medium went past could not be carried to it.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] without the medium, or the database's.
    pub fn holes_of(&self, medium: MediaId) -> Result<u64> {
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.reader().await?;
            let next = next_leaf(&mut conn, medium).await?;
            Ok(conn.sums(HOLES, vec![medium.bytes().into(), next.into()]).await?.0)
        })
    }
}

impl Conn {
    /// Reads a count and a sum.
    async fn sums(&mut self, text: &'static str, cells: Vec<Cell>) -> Result<(u64, u64)> {
        let row = self.row(text, cells).await?.ok_or_else(|| damaged("sum"))?;
        Ok((row.number(0, "count")?, row.number(1, "bytes")?))
    }
}

const BLOCK_LEAVES: i64 = BLOCK.cast_signed();

const WHOLE_BLOCKS: &str = "select cast(coalesce(sum(parts), 0) as bigint), cast(coalesce(sum(bytes), 0) as bigint) \
                            from logged_block where block > $1";

const BEGUN_BLOCK: &str = "select count(*), cast(coalesce(sum(p.bytes), 0) as bigint) from logged l \
                           join part p on p.recording_id = l.recording_id and p.part = l.part \
                           where l.leaf_index >= $1 and l.leaf_index < $2";

const THERE: &str =
    "select count(*), cast(coalesce(sum(bytes), 0) as bigint) from proof where media_id = $1 and leaf >= $2";

const HOLES: &str = "select count(*), cast(coalesce(sum(p.bytes), 0) as bigint) from archive_hole h \
                     join logged l on l.leaf_index = h.leaf \
                     join part p on p.recording_id = l.recording_id and p.part = l.part \
                     where h.media_id = $1 and h.leaf < $2 \
                     and not exists (select 1 from proof o where o.media_id = $1 and o.leaf = h.leaf)";

const UNPROVEN: &str = "select count(*), cast(coalesce(sum(p.bytes), 0) as bigint) from archive_run r \
                        join proof p on p.run_id = r.run_id where r.media_id = $1 and r.report_sha256 is null";

const DUE: &str = "select l.leaf_index, l.recording_id, l.part, p.day, p.started_at_us, p.ended_at_us, p.path, p.bytes, p.sha256, \
                   p.blake3, (select count(*) from purge u where u.recording_id = l.recording_id and u.state > 1)";

/// What was destroyed is carried nowhere.
const NOT_SHREDDED: &str = "and not exists (select 1 from shredded d where d.recording_id = l.recording_id)";

/// Destroyed parts that the counts below take for due.
const SHREDDED: &str = "select count(*), cast(coalesce(sum(p.bytes), 0) as bigint) from shredded d \
                        join logged l on l.recording_id = d.recording_id \
                        join part p on p.recording_id = l.recording_id and p.part = l.part \
                        where not exists (select 1 from proof o where o.media_id = $1 and o.leaf = l.leaf_index) \
                        and (l.leaf_index >= $2 or exists (select 1 from archive_hole h where h.media_id = $1 and h.leaf = l.leaf_index))";

const PART: &str = "join part p on p.recording_id = l.recording_id and p.part = l.part";

/// $1 medium, $2 behind this leaf, $3 below this one, $4 how many.
pub(crate) fn due_in_holes() -> String {
    format!(
        "{DUE} from archive_hole h join logged l on l.leaf_index = h.leaf {PART} \
         where h.media_id = $1 and h.leaf > $2 and h.leaf < $3 \
         and not exists (select 1 from proof o where o.media_id = $1 and o.leaf = h.leaf) {NOT_SHREDDED} order by h.leaf limit $4"
    )
}

/// $1 medium, $2 from this leaf on, $3 how many.
pub(crate) fn due_beyond() -> String {
    format!(
        "{DUE} from logged l {PART} where l.leaf_index >= $2 \
         and not exists (select 1 from proof o where o.media_id = $1 and o.leaf = l.leaf_index) {NOT_SHREDDED} \
         order by l.leaf_index limit $3"
    )
}

/// Returns where a medium stands.
pub(crate) async fn next_leaf(conn: &mut Conn, medium: MediaId) -> Result<i64> {
    let text = "select next_leaf from medium where media_id = $1";
    let row = conn.row(text, vec![medium.bytes().into()]).await?;
    row.ok_or(CatalogueError::NotThere { what: "medium" })?.int(0)
}

fn due_part(row: &Row) -> Result<DuePart> {
    Ok(DuePart {
        leaf: row.number(0, "leaf")?,
        recording_id: RecordingId(id16(row, 1)?),
        part: row.number(2, "part")?,
        day: Day::from_yyyymmdd(row.number(3, "day")?).map_err(|_odd| damaged("day"))?,
        started_at: UtcMicros(row.int(4)?),
        ended_at: UtcMicros(row.int(5)?),
        path: row.text(6)?,
        bytes: row.number(7, "bytes")?,
        sha256: row.octets(8, "sha256")?,
        blake3: row.octets(9, "blake3")?,
        is_live: row.int(10)? == 0,
    })
}
