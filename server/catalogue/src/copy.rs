//! Copies of the whole database: one for the archive while others read and write, one before an upgrade.

use std::fs::{File, OpenOptions};
use std::mem::ManuallyDrop;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::sql::Conn;
use crate::{CatalogueError, Result};

/// Copies the database before an upgrade, whole and under its own key: `catalogue.db.before-2`. A copy that was cut is made anew.
///
/// Nothing is recorded meanwhile, so the file is copied as it lies: nothing is decrypted, and where the file system can (XFS, Btrfs)
/// both share their blocks and it takes no time at all. If someone still reads what is in the write-ahead log only, the database
/// copies itself.
pub(crate) async fn beside(conn: &mut Conn, path: &Path, version: i64) -> Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".before-{}", version.saturating_add(1)));
    let copy = PathBuf::from(name);
    if copy.try_exists()? {
        std::fs::remove_file(&copy)?;
    }
    let done = match as_it_lies(conn, path, &copy).await {
        Ok(false) => into(conn, &copy).await,
        done => done.map(drop),
    };
    if done.is_err() {
        // Half a copy is of no use to anybody, and recordings need its place.
        let _never_made = std::fs::remove_file(&copy);
    }
    done
}

/// Copies the file itself, with all writers shut out; false if not everything is in it.
async fn as_it_lies(conn: &mut Conn, path: &Path, copy: &Path) -> Result<bool> {
    let before = data_version(conn).await?;
    // Waits for nobody: who reads an older state keeps what came since in the log.
    let moved = conn.rows("pragma wal_checkpoint(passive)", vec![]).await?;
    let Some(moved) = moved.first() else { return Ok(false) };
    let is_all = moved.int(0)? == 0 && moved.int(1)? == moved.int(2)?;
    conn.begin().await?;
    let since = data_version(conn).await;
    let done =
        since.and_then(|since| if is_all && since == before { copy_file(path, copy) } else { Ok(false) });
    conn.settle(done).await
}

/// Returns a number that changes when another connection has written.
async fn data_version(conn: &mut Conn) -> Result<i64> {
    conn.row("pragma data_version", vec![]).await?.map_or(Ok(0), |row| row.int(0))
}

fn copy_file(path: &Path, copy: &Path) -> Result<bool> {
    // Never closed: closing any handle of a file takes back all locks that this process has on it, SQLite's own too.
    let mut from = ManuallyDrop::new(File::open(path)?);
    let mut to = only_owners(copy)?;
    std::io::copy(&mut *from, &mut to).and_then(|_bytes| to.sync_all()).map_err(full)?;
    sync_folder(copy)?;
    Ok(true)
}

fn full(e: std::io::Error) -> CatalogueError {
    if e.kind() == std::io::ErrorKind::StorageFull { CatalogueError::NoSpace } else { e.into() }
}

/// Copies the database, whole and under its own key, into a file that must not be there yet. Durable when it returns.
pub(crate) async fn into(conn: &mut Conn, copy: &Path) -> Result<()> {
    // SQLite fills an empty file; made here, so that only its owner may read it.
    drop(only_owners(copy)?);
    conn.run("vacuum into $1", vec![copy.display().to_string().into()]).await?;
    File::open(copy)?.sync_all()?;
    sync_folder(copy)
}

fn only_owners(path: &Path) -> Result<File> {
    Ok(OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?)
}

fn sync_folder(of: &Path) -> Result<()> {
    if let Some(folder) = of.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
