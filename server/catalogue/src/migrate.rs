//! The numbered steps that bring a database from nothing to the schema of this program.

use shared::UtcMicros;
use sqlx::sqlite::SqlitePool;
use sqlx::{AssertSqlSafe, Row as _};

use crate::{CatalogueError, Result};

/// All steps in order; the number of a step is its place, from 1. A step that was released is never edited.
const STEPS: [&str; 1] = [include_str!("../migrations/0001_begin.sql")];

/// Applies what is missing, each step in a transaction with its own row in `schema_version`.
pub(crate) async fn up_to_date(pool: &SqlitePool, now: UtcMicros) -> Result<()> {
    encrypted(pool).await?;
    let found = version(pool).await?;
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(CatalogueError::Newer { found, known });
    }
    for (number, step) in (1_i64..).zip(STEPS) {
        if number > found {
            let mut step_and_row = pool.begin().await?;
            sqlx::raw_sql(AssertSqlSafe(step)).execute(&mut *step_and_row).await?;
            sqlx::query("insert into schema_version (version, applied_us) values ($1, $2)")
                .bind(number)
                .bind(now.0)
                .execute(&mut *step_and_row)
                .await?;
            step_and_row.commit().await?;
        }
    }
    Ok(())
}

/// A build without SQLCipher would take the key, ignore it, and write names and numbers in the clear.
async fn encrypted(pool: &SqlitePool) -> Result<()> {
    match sqlx::query("pragma cipher_version").fetch_optional(pool).await? {
        Some(_) => Ok(()),
        None => Err(CatalogueError::Damaged { what: "this build has no SQLCipher and would not encrypt" }),
    }
}

/// Returns the schema version found; 0 for an empty database. This is the first read, at which a wrong key shows.
async fn version(pool: &SqlitePool) -> Result<i64> {
    let there =
        sqlx::query("select count(*) from sqlite_master where type = 'table' and name = 'schema_version'")
            .fetch_one(pool)
            .await?;
    if there.try_get::<i64, _>(0)? == 0 {
        return Ok(0);
    }
    let newest = sqlx::query("select coalesce(max(version), 0) from schema_version").fetch_one(pool).await?;
    Ok(newest.try_get(0)?)
}
