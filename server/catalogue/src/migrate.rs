//! The numbered steps that bring a database from nothing to the schema of this program.
//!
//! Each step is one transaction together with its row in `schema_version`, so a step that was cut begins again from nothing.
//! Nothing is recorded while a step runs, so a step does not do more than it must: one that only adds to what stands there costs
//! neither a copy of the database nor a look at all of its references, however many recordings it holds. Before steps that change or
//! remove something the whole database is copied (`SQLite`: beside itself, under the same key).

use std::path::Path;

use shared::{RecordingId, UtcMicros};

use crate::bulk::Cell;
use crate::index::{self, Known};
use crate::listed::redraw;
use crate::sql::Conn;
use crate::{CatalogueError, Result, met};

/// A step: statements for each database, what must be filled by hand behind them, and statements behind that.
struct Step {
    reach: Reach,
    sqlite: &'static str,
    postgres: &'static str,
    fill: Fill,
    sqlite_after: &'static str,
    postgres_after: &'static str,
}

/// What a step may touch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reach {
    /// It makes tables, columns and indexes, and fills those. What stood there stays as it is, so there is nothing of which a copy
    /// would be needed: cut or failed, its transaction is taken back.
    Adds,
    /// It changes or removes rows, columns or tables that were there.
    Rewrites,
}

/// What a step fills that cannot be said in SQL.
#[derive(Clone, Copy)]
enum Fill {
    Nothing,
    /// Step 2: places, parties and postings.
    Places,
    /// Step 3: what lists show.
    Lists,
    /// Step 13: the sections of the list.
    Sections,
}

/// The schema that this program knows: the number of the last step.
pub(crate) const KNOWN: i64 = 13;

/// All steps in order; the number of a step is its place, from 1. A step that was released is never edited.
const STEPS: [Step; 13] = [
    Step {
        reach: Reach::Adds,
        sqlite: include_str!("../migrations/sqlite/0001_begin.sql"),
        postgres: include_str!("../migrations/postgres/0001_begin.sql"),
        fill: Fill::Nothing,
        sqlite_after: "",
        postgres_after: "",
    },
    Step {
        reach: Reach::Rewrites,
        sqlite: include_str!("../migrations/sqlite/0002_find.sql"),
        postgres: include_str!("../migrations/postgres/0002_find.sql"),
        fill: Fill::Places,
        sqlite_after: include_str!("../migrations/sqlite/0002_find_after.sql"),
        postgres_after: include_str!("../migrations/postgres/0002_find_after.sql"),
    },
    Step {
        reach: Reach::Rewrites,
        sqlite: include_str!("../migrations/sqlite/0003_list.sql"),
        postgres: include_str!("../migrations/postgres/0003_list.sql"),
        fill: Fill::Lists,
        sqlite_after: include_str!("../migrations/sqlite/0003_list_after.sql"),
        postgres_after: "",
    },
    Step {
        reach: Reach::Adds,
        sqlite: include_str!("../migrations/sqlite/0004_log.sql"),
        postgres: include_str!("../migrations/postgres/0004_log.sql"),
        fill: Fill::Nothing,
        sqlite_after: "",
        postgres_after: "",
    },
    Step {
        reach: Reach::Adds,
        sqlite: include_str!("../migrations/sqlite/0005_archive.sql"),
        postgres: include_str!("../migrations/postgres/0005_archive.sql"),
        fill: Fill::Nothing,
        sqlite_after: "",
        postgres_after: "",
    },
    Step {
        reach: Reach::Adds,
        sqlite: include_str!("../migrations/sqlite/0006_met.sql"),
        postgres: include_str!("../migrations/postgres/0006_met.sql"),
        // Step 13 makes all sections anew.
        fill: Fill::Nothing,
        sqlite_after: "",
        postgres_after: "",
    },
    Step {
        reach: Reach::Adds,
        sqlite: include_str!("../migrations/sqlite/0007_watch.sql"),
        postgres: include_str!("../migrations/postgres/0007_watch.sql"),
        fill: Fill::Nothing,
        sqlite_after: "",
        postgres_after: "",
    },
    Step {
        reach: Reach::Adds,
        sqlite: include_str!("../migrations/sqlite/0008_shred.sql"),
        postgres: include_str!("../migrations/postgres/0008_shred.sql"),
        fill: Fill::Nothing,
        sqlite_after: "",
        postgres_after: "",
    },
    Step {
        reach: Reach::Rewrites,
        sqlite: include_str!("../migrations/sqlite/0009_glance.sql"),
        postgres: include_str!("../migrations/postgres/0009_glance.sql"),
        fill: Fill::Nothing,
        sqlite_after: "",
        postgres_after: "",
    },
    Step {
        reach: Reach::Adds,
        sqlite: include_str!("../migrations/sqlite/0010_bad.sql"),
        postgres: include_str!("../migrations/postgres/0010_bad.sql"),
        fill: Fill::Nothing,
        sqlite_after: "",
        postgres_after: "",
    },
    Step {
        reach: Reach::Adds,
        sqlite: include_str!("../migrations/sqlite/0011_satellites.sql"),
        postgres: include_str!("../migrations/postgres/0011_satellites.sql"),
        fill: Fill::Nothing,
        sqlite_after: "",
        postgres_after: "",
    },
    Step {
        reach: Reach::Adds,
        sqlite: include_str!("../migrations/sqlite/0012_early.sql"),
        postgres: include_str!("../migrations/postgres/0012_early.sql"),
        fill: Fill::Nothing,
        sqlite_after: "",
        postgres_after: "",
    },
    Step {
        reach: Reach::Adds,
        sqlite: include_str!("../migrations/sqlite/0013_packed.sql"),
        postgres: include_str!("../migrations/postgres/0013_packed.sql"),
        fill: Fill::Sections,
        sqlite_after: "",
        postgres_after: "",
    },
];

/// Applies what is missing. A database that holds something is copied beside the file `path` first, if it is one.
pub(crate) async fn up_to_date(conn: &mut Conn, now: UtcMicros, path: Option<&Path>) -> Result<()> {
    encrypted(conn).await?;
    let found = version(conn).await?;
    if found > KNOWN {
        return Err(CatalogueError::Newer { found, known: KNOWN });
    }
    let missing: Vec<(i64, &Step)> = (1_i64..).zip(&STEPS).filter(|(number, _)| *number > found).collect();
    let rewrites = missing.iter().any(|(_, step)| step.reach == Reach::Rewrites);
    if let Some(path) = path.filter(|_| found > 0 && rewrites) {
        tracing::warn!(
            "the database is copied and then brought up to date; nothing is recorded until this is done"
        );
        crate::copy::beside(conn, path, found).await?;
    }
    for (number, step) in missing {
        // A table that others refer to is made anew, and SQLite would delete or refuse; such a step checks all of it at its end.
        let held = step.reach == Reach::Adds;
        conn.hold_references(held).await?;
        conn.begin().await?;
        let done = apply(conn, number, step, now).await;
        conn.settle(done).await?;
    }
    conn.hold_references(true).await
}

async fn apply(conn: &mut Conn, number: i64, step: &Step, now: UtcMicros) -> Result<()> {
    conn.script(if conn.is_sqlite() { step.sqlite } else { step.postgres }).await?;
    match step.fill {
        Fill::Nothing => {}
        Fill::Places => fill_places(conn).await?,
        Fill::Lists => fill_lists(conn).await?,
        Fill::Sections => met::make(conn, 0, i64::MAX).await?,
    }
    conn.script(if conn.is_sqlite() { step.sqlite_after } else { step.postgres_after }).await?;
    if step.reach == Reach::Rewrites {
        conn.check_references().await?;
    }
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
async fn fill_places(conn: &mut Conn) -> Result<()> {
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
    let mut after = Vec::new();
    loop {
        let ids = chunk(conn, after).await?;
        let Some(last) = ids.last() else { return Ok(()) };
        after = last.bytes().to_vec();
        for id in &ids {
            index::number_parties(conn, &mut known, *id.bytes()).await?;
        }
    }
}

/// Step 3: writes into every recording what lists show of it.
async fn fill_lists(conn: &mut Conn) -> Result<()> {
    let mut after = Vec::new();
    loop {
        let ids = chunk(conn, after).await?;
        let Some(last) = ids.last() else { return Ok(()) };
        after = last.bytes().to_vec();
        redraw(conn, &ids).await?;
    }
}

/// The next recordings in the order of their identities.
async fn chunk(conn: &mut Conn, after: Vec<u8>) -> Result<Vec<RecordingId>> {
    let text = "select recording_id from recording where recording_id > $1 order by recording_id limit $2";
    let rows = conn.rows(text, vec![Cell::Blob(after), CHUNK.into()]).await?;
    rows.iter().map(|row| Ok(RecordingId(row.octets(0, "identity")?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_adds_says_nothing_that_changes_or_removes() {
        for (number, step) in (1..).zip(&STEPS) {
            let all = [step.sqlite, step.postgres, step.sqlite_after, step.postgres_after].concat();
            let said = all
                .lines()
                .filter(|line| !line.trim_start().starts_with("--"))
                .collect::<Vec<_>>()
                .join("\n");
            let changes = ["drop ", "delete ", "update ", "rename ", "replace ", "truncate "];
            let changes = changes.iter().any(|word| said.to_lowercase().contains(word));
            let reach = if changes { Reach::Rewrites } else { Reach::Adds };
            assert_eq!(step.reach, reach, "step {number}");
        }
    }
}
