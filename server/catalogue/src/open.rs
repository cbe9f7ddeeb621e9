//! Creating and opening the encrypted database, and the thread on which it is spoken to.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::future::Future;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use shared::UtcMicros;
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::audit::Waiting;
use crate::error::NOT_A_DATABASE;
use crate::index::Known;
use crate::packed::Shelf;
use crate::sql::Db;
use crate::{CatalogueError, Result, migrate};

/// How many readers may look at once.
const READERS_MAX: u32 = 4;

/// Decrypted pages kept by each connection, in KiB (negative, as `SQLite` wants it): a page that is kept is not decrypted again.
const READER_CACHE: &str = "-49152";
const WRITER_CACHE: &str = "-16384";

/// The raw 32-byte key of the database. It lies in the keystore and nowhere else; never printed, overwritten when dropped.
#[derive(Clone)]
pub struct CatalogueKey(Zeroizing<[u8; 32]>);

impl CatalogueKey {
    /// Takes the key as drawn.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Writes the key as SQLCipher takes a raw one, without derivation: `"x'..'"`.
    pub(crate) fn pragma(&self) -> String {
        let mut text = String::with_capacity(72);
        text.push_str("\"x'");
        for byte in self.0.iter() {
            let _infallible = write!(text, "{byte:02x}");
        }
        text.push_str("'\"");
        text
    }
}

impl std::fmt::Debug for CatalogueKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CatalogueKey(..)")
    }
}

/// The catalogue, open.
///
/// All calls block until the database has answered and may come from any thread, also from within an async runtime.
pub struct Catalogue {
    handle: Handle,
    pub(crate) db: Db,
    /// What the writer has met of the dictionaries.
    pub(crate) known: Arc<Mutex<Known>>,
    pub(crate) audits: Arc<Waiting>,
    /// What searches have read of the list's columns.
    pub(crate) shelf: Arc<Shelf>,
    path: PathBuf,
    /// Of the one file; `None` on a server.
    pub(crate) key: Option<CatalogueKey>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Catalogue({})", self.path.display())
    }
}

impl Catalogue {
    /// Creates an empty catalogue at `path`, readable by its owner only. `now` is noted as the time of its making.
    ///
    /// # Errors
    /// [`CatalogueError::Exists`] if there is a file already, or the system's.
    pub fn create(path: &Path, key: &CatalogueKey, now: UtcMicros) -> Result<Self> {
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        match made {
            Ok(file) => file.sync_all()?,
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(CatalogueError::Exists { path: path.display().to_string() });
            }
            Err(e) => return Err(e.into()),
        }
        Self::start(path, key, now)
    }

    /// Opens the catalogue at `path` and brings its schema up to date, one numbered step after the other.
    ///
    /// # Errors
    /// [`CatalogueError::Missing`], [`CatalogueError::WrongKey`], [`CatalogueError::Newer`], or the system's.
    pub fn open(path: &Path, key: &CatalogueKey, now: UtcMicros) -> Result<Self> {
        if !path.try_exists()? {
            return Err(CatalogueError::Missing { path: path.display().to_string() });
        }
        Self::start(path, key, now)
    }

    fn start(path: &Path, key: &CatalogueKey, now: UtcMicros) -> Result<Self> {
        let (handle, stop, thread) = own_thread()?;
        let options = options(path, key);
        let writing = options.clone().synchronous(SqliteSynchronous::Full).pragma("cache_size", WRITER_CACHE);
        let reading = options.pragma("query_only", "on").pragma("cache_size", READER_CACHE);
        let guard = handle.enter();
        // The one that writes stays for good: what it has read, prepared and put into temporary tables is its own.
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .test_before_acquire(false)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_lazy_with(writing);
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .test_before_acquire(false)
            .connect_lazy_with(reading);
        drop(guard);
        let db = Db::Sqlite { writer, readers };
        let this = Self::assemble(handle, db, path, Some(key.clone()), stop, thread);
        let (db, beside) = (this.db.clone(), path.to_owned());
        let migrated = this.block(async move {
            let mut conn = db.writer().await?;
            migrate::up_to_date(&mut conn, now, Some(&beside)).await
        });
        migrated.map_err(|e| this.told_wrong_key(e))?;
        Ok(this)
    }

    /// Opens the catalogue on a PostgreSQL server, 15 or later with `pg_trgm`, and brings its schema up to date.
    ///
    /// `url` is as of libpq, `postgres://user@host/database`. Encryption at rest, certificates and backups are the server's.
    ///
    /// # Errors
    /// [`CatalogueError::Newer`], or the server's.
    pub fn open_postgres(url: &str, now: UtcMicros) -> Result<Self> {
        let (handle, stop, thread) = own_thread()?;
        let options = url.parse::<PgConnectOptions>()?.disable_statement_logging();
        let guard = handle.enter();
        let writer = PgPoolOptions::new().max_connections(1).connect_lazy_with(options.clone());
        let reading =
            options.options([("default_transaction_read_only", "on"), ("statement_timeout", "15s")]);
        let readers = PgPoolOptions::new().max_connections(READERS_MAX).connect_lazy_with(reading);
        drop(guard);
        let db = Db::Postgres { writer, readers };
        let this = Self::assemble(handle, db, Path::new("postgresql"), None, stop, thread);
        let db = this.db.clone();
        this.block(async move { migrate::up_to_date(&mut db.writer().await?, now, None).await })?;
        Ok(this)
    }

    fn assemble(
        handle: Handle,
        db: Db,
        path: &Path,
        key: Option<CatalogueKey>,
        stop: oneshot::Sender<()>,
        thread: JoinHandle<()>,
    ) -> Self {
        let (known, audits, shelf) = (Arc::default(), Arc::default(), Arc::default());
        let path = path.to_owned();
        Self { handle, db, known, audits, shelf, path, key, stop: Some(stop), thread: Some(thread) }
    }

    /// Returns where the database lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` on the catalogue's thread and waits for it.
    pub(crate) fn block<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let (tell, told) = mpsc::sync_channel(1);
        self.handle.spawn(async move {
            let _caller_gone = tell.send(work.await);
        });
        told.recv().map_err(|_thread_gone| CatalogueError::Gone)?
    }

    /// A wrong key shows only at the first read, as "file is not a database".
    fn told_wrong_key(&self, e: CatalogueError) -> CatalogueError {
        if let CatalogueError::Sql(sql) = &e
            && sql.as_database_error().and_then(|db| db.code()).as_deref() == Some(NOT_A_DATABASE)
        {
            return CatalogueError::WrongKey { path: self.path.display().to_string() };
        }
        e
    }
}

impl Drop for Catalogue {
    /// Closes all connections, which folds the write-ahead log into the database, and ends the thread.
    fn drop(&mut self) {
        let db = self.db.clone();
        let _closed_anyway = self.block(async move {
            db.close().await;
            Ok(())
        });
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ended_anyway = thread.join();
        }
    }
}

fn own_thread() -> Result<(Handle, oneshot::Sender<()>, JoinHandle<()>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = std::thread::Builder::new().name("catalogue".to_owned()).spawn(move || {
        runtime.block_on(async {
            let _sender_dropped = stopped.await;
        });
    })?;
    Ok((handle, stop, thread))
}

pub(crate) fn options(path: &Path, key: &CatalogueKey) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .pragma("key", key.pragma())
        .journal_mode(SqliteJournalMode::Wal)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(30))
        // Rows handed over at a time: the database's thread does not wait in the middle of a page.
        .row_buffer_size(1_024)
        // Sorting happens in memory: a temporary file would hold numbers in the clear.
        .pragma("temp_store", "memory")
        // Statements would name the key, values would name numbers.
        .disable_statement_logging()
}
