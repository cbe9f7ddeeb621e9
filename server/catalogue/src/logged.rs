//! Which leaf of the transparency log tells of which part. The log itself is the vault's.

use shared::RecordingId;

use crate::bulk::{Cell, Insert};
use crate::sql::Conn;
use crate::{Catalogue, RecordingRow, Result};

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

    /// Returns how many leaves of the log the catalogue knows of at most: behind the highest one.
    ///
    /// # Errors
    /// The database's.
    pub fn leaves_known(&self) -> Result<u64> {
        let db = self.db.clone();
        self.block(async move {
            let text = "select coalesce(max(leaf_index) + 1, 0) from logged";
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

async fn note(conn: &mut Conn, leaves: &[(PartKey, u64)]) -> Result<()> {
    let cells = leaves.iter().flat_map(|((id, part), leaf)| logged_cells(*leaf, id, *part));
    LOGGED.run(conn, cells.collect()).await?;
    for ((id, part), _) in leaves {
        let text = "delete from unlogged where recording_id = $1 and part = $2";
        conn.run(text, vec![id.bytes().into(), (*part).into()]).await?;
    }
    Ok(())
}

/// Notes the leaves of parts that are being entered; those without one wait for start-up.
pub(crate) async fn enter(conn: &mut Conn, rows: &[&RecordingRow]) -> Result<()> {
    let (mut logged, mut unlogged) = (Vec::new(), Vec::new());
    for row in rows {
        let (id, part) = (&row.facts.recording_id, row.part.part);
        match row.leaf {
            Some(leaf) => logged.extend(logged_cells(leaf, id, part)),
            None => unlogged.extend([Cell::from(id.bytes()), part.into()]),
        }
    }
    LOGGED.run(conn, logged).await?;
    UNLOGGED.run(conn, unlogged).await
}

fn logged_cells(leaf: u64, id: &RecordingId, part: u16) -> [Cell; 3] {
    [leaf.into(), id.bytes().into(), part.into()]
}

/// The first leaf of a part stays the one that tells of it.
const LOGGED: Insert = Insert {
    head: "insert into logged (leaf_index, recording_id, part) values",
    columns: 3,
    tail: "on conflict do nothing",
};

const UNLOGGED: Insert = Insert {
    head: "insert into unlogged (recording_id, part) values",
    columns: 2,
    tail: "on conflict do nothing",
};
