//! The numbered steps that bring a database from nothing to the schema of this program.
//!
//! Each step is one transaction together with its row in `schema_version`, so a step that was cut begins again from nothing.
//! Before the first step of an upgrade the whole database is copied (`SQLite`: beside itself, under the same key).

use std::path::Path;

use shared::UtcMicros;

use crate::index::{self, Known};
use crate::sql::Conn;
use crate::{CatalogueError, Result};

/// A step: statements for each database, what must be filled by hand between them, and statements behind that.
struct Step {
    sqlite: &'static str,
    postgres: &'static str,
    fill: bool,
    after: &'static str,
}

/// The schema that this program knows: the number of the last step.
pub(crate) const KNOWN: i64 = 2;

/// All steps in order; the number of a step is its place, from 1. A step that was released is never edited.
const STEPS: [Step; 2] = [
    Step {
        sqlite: include_str!("../migrations/sqlite/0001_begin.sql"),
        postgres: include_str!("../migrations/postgres/0001_begin.sql"),
        fill: false,
        after: "",
    },
    Step {
        sqlite: include_str!("../migrations/sqlite/0002_find.sql"),
        postgres: include_str!("../migrations/postgres/0002_find.sql"),
        fill: true,
        after: include_str!("../migrations/sqlite/0002_find_after.sql"),
    },
];

/// Applies what is missing. A database that holds something is copied beside the file `path` first, if it is one.
pub(crate) async fn up_to_date(conn: &mut Conn, now: UtcMicros, path: Option<&Path>) -> Result<()> {
    encrypted(conn).await?;
    let found = version(conn).await?;
    if found > KNOWN {
        return Err(CatalogueError::Newer { found, known: KNOWN });
    }
    if let Some(path) = path.filter(|_| (1..KNOWN).contains(&found)) {
        crate::open::copy_beside(conn, path, found).await?;
    }
    for (number, step) in (1_i64..).zip(&STEPS) {
        if number > found {
            conn.begin().await?;
            let done = apply(conn, number, step, now).await;
            conn.settle(done).await?;
        }
    }
    Ok(())
}

async fn apply(conn: &mut Conn, number: i64, step: &Step, now: UtcMicros) -> Result<()> {
    conn.script(if conn.is_sqlite() { step.sqlite } else { step.postgres }).await?;
    if step.fill {
        fill(conn).await?;
    }
    conn.script(step.after).await?;
    let text = "insert into schema_version (version, applied_us) values ($1, $2)";
    conn.run(text, vec![number.into(), now.0.into()]).await?;
    Ok(())
}

/// A build without SQLCipher would take the key, ignore it, and write names and numbers in the clear.
async fn encrypted(conn: &mut Conn) -> Result<()> {
    if conn.is_sqlite() && conn.row("pragma cipher_version", vec![]).await?.is_none() {
        return Err(CatalogueError::Damaged { what: "this build has no SQLCipher and would not encrypt" });
    }
    Ok(())
}

/// Returns the schema version found; 0 for an empty database. This is the first read, at which a wrong key shows.
pub(crate) async fn version(conn: &mut Conn) -> Result<i64> {
    let there = conn.row(conn.has_table(), vec!["schema_version".into()]).await?;
    if there.is_none_or(|row| row.int(0).is_ok_and(|n| n == 0)) {
        return Ok(0);
    }
    let newest = conn.row("select coalesce(max(version), 0) from schema_version", vec![]).await?;
    newest.map_or(Ok(0), |row| row.int(0))
}

/// Recordings numbered and indexed at a time.
const CHUNK: i64 = 500;

/// Step 2: gives every recording of version 1 its place, its parties' extensions, and its entries in the indexes.
async fn fill(conn: &mut Conn) -> Result<()> {
    conn.run(
        "update recording set order_key = (case when started_at_us > 0 then started_at_us else 0 end) * 2048 + same.n, \
         length_us = case when ended_at_us > started_at_us then ended_at_us - started_at_us else 0 end \
         from (select recording_id as id, row_number() over \
           (partition by case when started_at_us > 0 then started_at_us else 0 end order by recording_id) - 1 as n \
           from recording) as same \
         where same.id = recording.recording_id",
        vec![],
    )
    .await?;
    conn.run(
        "update recording set has_gap = 1 where recording_id in (select recording_id from leg \
         where gap_network + gap_recorder + gap_paused + gap_undecodable > 0)",
        vec![],
    )
    .await?;
    let mut known = Known::default();
    let mut after: Vec<u8> = Vec::new();
    loop {
        let rows = conn
            .rows(
                "select recording_id from recording where recording_id > $1 order by recording_id limit $2",
                vec![crate::bulk::Cell::Blob(after.clone()), CHUNK.into()],
            )
            .await?;
        for row in &rows {
            after = row.blob(0)?;
            index::number_parties(conn, &mut known, row.octets(0, "identity")?).await?;
        }
        if rows.is_empty() {
            return Ok(());
        }
    }
}
