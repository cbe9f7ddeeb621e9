//! The two databases behind one face: the same statements, rows read the same way.
//!
//! What differs between them is said here and in `dialect.rs`, nowhere else.

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgPool, PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqliteArguments, SqlitePool, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Row as _};

use crate::bulk::Cell;
use crate::{CatalogueError, Result};

/// Virtual instructions of `SQLite` between two looks at the bound, and how many looks there are: some ten seconds in all.
const WORK_STEP: i32 = 20_000;
const WORK_MAX: u32 = 10_000;

/// The database behind the catalogue.
#[derive(Clone, Debug)]
pub(crate) enum Db {
    /// One encrypted file: one writer, several readers.
    Sqlite {
        /// The only connection that may write.
        writer: SqlitePool,
        /// Connections that may not.
        readers: SqlitePool,
    },
    /// A server.
    Postgres {
        /// The only connection that writes.
        writer: PgPool,
        /// Connections that read.
        readers: PgPool,
    },
}

impl Db {
    /// Takes the writing connection, waiting for whoever has it.
    pub(crate) async fn writer(&self) -> Result<Conn> {
        Ok(match self {
            Self::Sqlite { writer, .. } => Conn::Sqlite(Box::new(writer.acquire().await?)),
            Self::Postgres { writer, .. } => Conn::Postgres(Box::new(writer.acquire().await?)),
        })
    }

    /// Takes a reading connection.
    pub(crate) async fn reader(&self) -> Result<Conn> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Conn::Sqlite(Box::new(readers.acquire().await?)),
            Self::Postgres { readers, .. } => Conn::Postgres(Box::new(readers.acquire().await?)),
        })
    }

    /// Closes all connections.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
        }
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) enum Conn {
    Sqlite(Box<PoolConnection<Sqlite>>),
    Postgres(Box<PoolConnection<Postgres>>),
}

impl Conn {
    /// Tells which dialect it speaks.
    pub(crate) const fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Runs a statement that is kept prepared, and returns its rows.
    pub(crate) async fn rows(&mut self, text: &'static str, cells: Vec<Cell>) -> Result<Vec<Row>> {
        self.fetch(text, cells, true).await
    }

    /// Runs a statement made for the occasion, and returns its rows. Values travel in `cells`, never in the text.
    pub(crate) async fn rows_of(&mut self, text: String, cells: Vec<Cell>) -> Result<Vec<Row>> {
        self.fetch(AssertSqlSafe(text), cells, false).await
    }

    /// Like [`Self::rows`], for one of a few texts that are put together. Also kept prepared.
    pub(crate) async fn rows_kept(&mut self, text: String, cells: Vec<Cell>) -> Result<Vec<Row>> {
        self.fetch(AssertSqlSafe(text), cells, true).await
    }

    /// Runs a statement that is kept prepared, and returns its first row.
    pub(crate) async fn row(&mut self, text: &'static str, cells: Vec<Cell>) -> Result<Option<Row>> {
        Ok(self.rows(text, cells).await?.into_iter().next())
    }

    async fn fetch(
        &mut self,
        text: impl sqlx::SqlSafeStr + Send,
        cells: Vec<Cell>,
        keep: bool,
    ) -> Result<Vec<Row>> {
        Ok(match self {
            Self::Sqlite(conn) => {
                let query = sqlx::query_with(text, sqlite(cells)?).persistent(keep);
                query.fetch_all(&mut ***conn).await?.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(conn) => {
                let query = sqlx::query_with(text, postgres(cells)?).persistent(keep);
                query.fetch_all(&mut ***conn).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Runs a statement that is kept prepared, and returns how many rows it touched.
    pub(crate) async fn run(&mut self, text: &'static str, cells: Vec<Cell>) -> Result<u64> {
        self.execute(AssertSqlSafe(text), cells).await
    }

    /// Like [`Self::run`], for one of a few texts that are put together. Also kept prepared.
    pub(crate) async fn run_of(&mut self, text: String, cells: Vec<Cell>) -> Result<u64> {
        self.execute(AssertSqlSafe(text), cells).await
    }

    async fn execute(&mut self, text: impl sqlx::SqlSafeStr + Send, cells: Vec<Cell>) -> Result<u64> {
        Ok(match self {
            Self::Sqlite(conn) => {
                sqlx::query_with(text, sqlite(cells)?).execute(&mut ***conn).await?.rows_affected()
            }
            Self::Postgres(conn) => {
                sqlx::query_with(text, postgres(cells)?).execute(&mut ***conn).await?.rows_affected()
            }
        })
    }

    /// Runs several statements without values.
    pub(crate) async fn script(&mut self, text: &'static str) -> Result<()> {
        match self {
            Self::Sqlite(conn) => {
                sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut ***conn).await?;
            }
            Self::Postgres(conn) => {
                sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut ***conn).await?;
            }
        }
        Ok(())
    }

    /// Bounds the work of what follows: a search that finds no end is stopped, in steps of the database, not by a clock.
    pub(crate) async fn bound_work(&mut self) -> Result<()> {
        if let Self::Sqlite(conn) = self {
            let mut left = WORK_MAX;
            conn.lock_handle().await?.set_progress_handler(WORK_STEP, move || {
                left = left.saturating_sub(1);
                left > 0
            });
        }
        Ok(())
    }

    /// Ends the bound.
    pub(crate) async fn unbound_work(&mut self) -> Result<()> {
        if let Self::Sqlite(conn) = self {
            conn.lock_handle().await?.remove_progress_handler();
        }
        Ok(())
    }

    /// Begins a transaction that may write.
    pub(crate) async fn begin(&mut self) -> Result<()> {
        self.script(if self.is_sqlite() { "begin immediate" } else { "begin" }).await
    }

    /// Begins a transaction that may write and in which all is as if nobody else were at work.
    pub(crate) async fn begin_alone(&mut self) -> Result<()> {
        self.script(if self.is_sqlite() { "begin immediate" } else { "begin isolation level serializable" })
            .await
    }

    /// Begins a transaction that only looks, and sees everything as of one moment.
    pub(crate) async fn begin_look(&mut self) -> Result<()> {
        self.script(if self.is_sqlite() { "begin" } else { "begin isolation level repeatable read" }).await
    }

    /// Ends the transaction: commits what went well, takes back what did not. What it returns as done survives a power cut.
    pub(crate) async fn end<T>(mut self, done: Result<T>) -> Result<T> {
        self.settle(done).await
    }

    /// Like [`Self::end`], for a connection that goes on.
    pub(crate) async fn settle<T>(&mut self, done: Result<T>) -> Result<T> {
        let ended = match done {
            Ok(value) => self.script("commit").await.map(|()| value),
            Err(e) => Err(e),
        };
        if ended.is_err() {
            // There may be nothing left to take back: the database does it itself when the disk is full.
            let _nothing_to_undo = self.script("rollback").await;
        }
        ended
    }
}

fn sqlite(cells: Vec<Cell>) -> Result<SqliteArguments> {
    let mut arguments = SqliteArguments::default();
    for cell in cells {
        match cell {
            Cell::Int(n) => arguments.add(n),
            Cell::Blob(bytes) => arguments.add(bytes),
            Cell::Shared(bytes) => arguments.add(bytes),
            Cell::Text(text) => arguments.add(text),
            Cell::NoInt => arguments.add(None::<i64>),
            Cell::NoText => arguments.add(None::<String>),
            Cell::NoBlob => arguments.add(None::<Vec<u8>>),
        }
        .map_err(|e| CatalogueError::Sql(sqlx::Error::Encode(e)))?;
    }
    Ok(arguments)
}

fn postgres(cells: Vec<Cell>) -> Result<PgArguments> {
    let mut arguments = PgArguments::default();
    for cell in cells {
        match cell {
            Cell::Int(n) => arguments.add(n),
            Cell::Blob(bytes) => arguments.add(bytes),
            Cell::Shared(bytes) => arguments.add(bytes.to_vec()),
            // PostgreSQL's text cannot hold the character zero; a set that sends one loses it.
            Cell::Text(text) => arguments.add(text.replace('\0', "")),
            Cell::NoInt => arguments.add(None::<i64>),
            Cell::NoText => arguments.add(None::<String>),
            Cell::NoBlob => arguments.add(None::<Vec<u8>>),
        }
        .map_err(|e| CatalogueError::Sql(sqlx::Error::Encode(e)))?;
    }
    Ok(arguments)
}

/// One row. Columns count from 0; all integers are 64 bits wide.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

macro_rules! getter {
    ($(#[$doc:meta])* $name:ident, $type:ty) => {
        $(#[$doc])*
        pub(crate) fn $name(&self, column: usize) -> Result<$type> {
            Ok(match self {
                Self::Sqlite(row) => row.try_get(column)?,
                Self::Postgres(row) => row.try_get(column)?,
            })
        }
    };
}

impl Row {
    getter!(/// Reads an integer.
        int, i64);
    getter!(/// Reads an integer that may be missing.
        int_or_none, Option<i64>);
    getter!(/// Reads a text.
        text, String);
    getter!(/// Reads a text that may be missing.
        text_or_none, Option<String>);
    getter!(/// Reads octets.
        blob, Vec<u8>);
    getter!(/// Reads octets that may be missing.
        blob_or_none, Option<Vec<u8>>);

    /// Reads an integer of a narrower type; one that does not fit is damage.
    pub(crate) fn number<T: TryFrom<i64>>(&self, column: usize, what: &'static str) -> Result<T> {
        T::try_from(self.int(column)?).map_err(|_out_of_range| CatalogueError::Damaged { what })
    }

    /// Reads octets of a fixed length.
    pub(crate) fn octets<const N: usize>(&self, column: usize, what: &'static str) -> Result<[u8; N]> {
        self.blob(column)?.try_into().map_err(|_wrong_length| CatalogueError::Damaged { what })
    }
}
