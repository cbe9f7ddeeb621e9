//! Which leaf of the transparency log tells of which part. The log itself is the vault's.

use std::collections::BTreeMap;

use shared::{Day, RecordingId};

use crate::bulk::{Cell, Insert};
use crate::by_day;
use crate::read::damaged;
use crate::sql::Conn;
use crate::{Catalogue, CatalogueError, RecordingRow, Result};

/// A part by its recording and number.
pub type PartKey = (RecordingId, u16);

impl Catalogue {
    /// Returns the leaf that tells of a part.
    ///
    /// # Errors
    /// The database's.
    pub fn leaf_of(&self, (id, part): PartKey) -> Result<Option<u64>> {
        let db = self.db.clone();
        self.block(async move {
            let text = "select leaf_index from logged where recording_id = $1 and part = $2";
            let row = db.reader().await?.row(text, vec![id.bytes().into(), part.into()]).await?;
            row.map(|row| row.number(0, "leaf_index")).transpose()
        })
    }

    /// Returns how many leaves the log must have at least: behind the highest that a part, a purge or a destruction names, and as many as a proven
    /// run of the archive carried away.
    ///
    /// # Errors
    /// The database's.
    pub fn leaves_known(&self) -> Result<u64> {
        self.highest(
            "select coalesce(max(n), 0) from (select max(leaf_index) + 1 as n from logged \
             union all select max(leaf) + 1 from purge union all select max(leaf) + 1 from shred \
             union all select max(checkpoint) from archive_run where report_sha256 is not null) as known",
        )
    }

    /// Returns how many leaves the log must have for all parts: behind the highest that one names.
    ///
    /// # Errors
    /// The database's.
    pub fn leaves_of_parts(&self) -> Result<u64> {
        self.highest("select coalesce(max(leaf_index) + 1, 0) from logged")
    }

    fn highest(&self, text: &'static str) -> Result<u64> {
        let db = self.db.clone();
        self.block(async move {
            let row = db.reader().await?.row(text, vec![]).await?;
            row.map_or(Ok(0), |row| row.number(0, "leaf_index"))
        })
    }

    /// Returns parts that no leaf tells of, at most `limit`.
    ///
    /// # Errors
    /// The database's.
    pub fn unlogged(&self, limit: u32) -> Result<Vec<PartKey>> {
        let db = self.db.clone();
        self.block(async move {
            let text = "select u.recording_id, u.part from unlogged u where not exists (select 1 from logged l \
                        where l.recording_id = u.recording_id and l.part = u.part) order by u.recording_id, u.part limit $1";
            let rows = db.reader().await?.rows(text, vec![limit.into()]).await?;
            let key = |row: &crate::sql::Row| {
                Ok((RecordingId(row.octets(0, "identity")?), row.number(1, "part")?))
            };
            rows.iter().map(key).collect()
        })
    }

    /// Notes the leaves of parts that were entered before.
    ///
    /// # Errors
    /// The database's; then nothing was noted.
    pub fn note_leaves(&self, leaves: Vec<(PartKey, u64)>) -> Result<()> {
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let done = note(&mut conn, &leaves).await;
            conn.end(done).await
        })
    }
}

/// A part, its leaf, its day, and how many bytes it has.
struct Told {
    key: PartKey,
    leaf: u64,
    day: Day,
    bytes: u64,
}

async fn note(conn: &mut Conn, leaves: &[(PartKey, u64)]) -> Result<()> {
    let mut new = Vec::with_capacity(leaves.len());
    for (key, leaf) in leaves {
        let text = "select p.bytes, p.day, (select count(*) from logged l where l.recording_id = p.recording_id and l.part = p.part) \
                    from part p where p.recording_id = $1 and p.part = $2";
        let row = conn.row(text, vec![key.0.bytes().into(), key.1.into()]).await?;
        let row = row.ok_or(CatalogueError::NotThere { what: "part" })?;
        if row.int(2)? == 0 {
            let day = Day::from_yyyymmdd(row.number(1, "day")?).map_err(|_odd| damaged("day"))?;
            new.push(Told { key: *key, leaf: *leaf, day, bytes: row.number(0, "bytes")? });
        }
        let text = "delete from unlogged where recording_id = $1 and part = $2";
        conn.run(text, vec![key.0.bytes().into(), key.1.into()]).await?;
    }
    enter_leaves(conn, &new).await
}

/// Notes the leaves of parts that are being entered; those without one wait for start-up. `again`: the parts may be there already.
pub(crate) async fn enter(conn: &mut Conn, rows: &[&RecordingRow], again: bool) -> Result<()> {
    let (mut logged, mut unlogged) = (Vec::new(), Vec::new());
    for row in rows {
        let key = (row.facts.recording_id, row.part.part);
        match row.leaf {
            // The first leaf of a part stays the one that tells of it.
            Some(_) if again && has_leaf(conn, &key).await? => {}
            Some(leaf) => logged.push(Told { key, leaf, day: row.part.day, bytes: row.part.bytes }),
            None => unlogged.extend([Cell::from(key.0.bytes()), key.1.into()]),
        }
    }
    enter_leaves(conn, &logged).await?;
    UNLOGGED.run(conn, unlogged).await
}

async fn has_leaf(conn: &mut Conn, (id, part): &PartKey) -> Result<bool> {
    let text = "select 1 from logged where recording_id = $1 and part = $2";
    Ok(conn.row(text, vec![id.bytes().into(), (*part).into()]).await?.is_some())
}

/// Enters leaves of parts that have none, and what follows from them.
async fn enter_leaves(conn: &mut Conn, leaves: &[Told]) -> Result<()> {
    if leaves.is_empty() {
        return Ok(());
    }
    let cells = leaves.iter().flat_map(|t| [t.leaf.into(), t.key.0.bytes().into(), t.key.1.into()]);
    LOGGED.run(conn, cells.collect()).await?;
    let mut blocks: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for told in leaves {
        let (parts, bytes) = blocks.entry(told.leaf / BLOCK).or_default();
        (*parts, *bytes) = (parts.saturating_add(1), bytes.saturating_add(told.bytes));
    }
    let cells =
        blocks.into_iter().flat_map(|(block, (parts, bytes))| [block.into(), parts.into(), bytes.into()]);
    COUNTED.run(conn, cells.collect()).await?;
    by_day::count(conn, leaves.iter().map(|told| (told.day, told.bytes))).await?;
    late(conn, leaves).await
}

/// A row may come after rows of later leaves (the catalogue's disk was full). A medium that went past its leaf meanwhile would never
/// look at it again: it becomes a hole there.
async fn late(conn: &mut Conn, leaves: &[Told]) -> Result<()> {
    let row = conn.row("select coalesce(max(next_leaf), 0) from medium", vec![]).await?;
    let past: u64 = row.map_or(Ok(0), |row| row.number(0, "next_leaf"))?;
    for told in leaves.iter().filter(|told| told.leaf < past) {
        let text = "insert into archive_hole (media_id, leaf) select media_id, cast($1 as bigint) from medium where next_leaf > $1 \
                    on conflict do nothing";
        conn.run(text, vec![told.leaf.into()]).await?;
    }
    Ok(())
}

/// Leaves of one row of `logged_block`.
pub(crate) const BLOCK: u64 = 4_096;

const LOGGED: Insert = Insert {
    head: "insert into logged (leaf_index, recording_id, part) values",
    columns: 3,
    tail: "on conflict do nothing",
};

const COUNTED: Insert = Insert {
    head: "insert into logged_block (block, parts, bytes) values",
    columns: 3,
    tail: "on conflict (block) do update set parts = logged_block.parts + excluded.parts, \
           bytes = logged_block.bytes + excluded.bytes",
};

const UNLOGGED: Insert = Insert {
    head: "insert into unlogged (recording_id, part) values",
    columns: 2,
    tail: "on conflict do nothing",
};
