//! Copies of the whole database for the archive: made beside the running one, and tried before they count.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use crate::copy;
use crate::open::options;
use crate::read::counts;
use crate::sql::Conn;
use crate::{Catalogue, CatalogueError, Counts, Result, migrate};

impl Catalogue {
    /// Copies the whole database into the new file `path`, under its own key, while others read and write. Durable when it returns.
    ///
    /// # Errors
    /// [`CatalogueError::NotOurs`] on a server, [`CatalogueError::NoSpace`] and the like; then a part of the copy may lie there.
    pub fn backup(&self, path: &Path) -> Result<()> {
        let key = self.key.as_ref().ok_or(CatalogueError::NotOurs)?;
        // A connection of its own: the writer goes on writing, and readers may not write, not even a copy.
        let from = options(self.path(), key);
        let new = path.to_owned();
        self.block(async move {
            let pool = SqlitePoolOptions::new().max_connections(1).connect_lazy_with(from);
            let done = match pool.acquire().await {
                Ok(conn) => copy::into(&mut Conn::Sqlite(Box::new(conn)), &new).await,
                Err(e) => Err(e.into()),
            };
            pool.close().await;
            done
        })
    }

    /// Tries a copy that [`Self::backup`] made, here or elsewhere: opens it with this catalogue's key, looks at every page, and
    /// counts its rows. Changes nothing.
    ///
    /// # Errors
    /// [`CatalogueError::BadCopy`] if it cannot be opened, is damaged or of another version, or [`CatalogueError::NotOurs`].
    pub fn check_backup(&self, path: &Path) -> Result<Counts> {
        let key = self.key.as_ref().ok_or(CatalogueError::NotOurs)?;
        let from = SqliteConnectOptions::new().filename(path).pragma("key", key.pragma()).read_only(true);
        let from = from.pragma("temp_store", "memory");
        let tried = self.block(async move {
            let pool = SqlitePoolOptions::new().max_connections(1).connect_lazy_with(from);
            let done = match pool.acquire().await {
                Ok(conn) => look_through(&mut Conn::Sqlite(Box::new(conn))).await,
                Err(e) => Err(e.into()),
            };
            pool.close().await;
            done
        });
        let bad = |why| CatalogueError::BadCopy { path: path.display().to_string(), why };
        tried.map_err(|e| bad(e.to_string()))?.map_err(bad)
    }
}

/// Looks at the checksum of each page, at how all rows hang together, and counts them; or says what is wrong.
async fn look_through(conn: &mut Conn) -> Result<std::result::Result<Counts, String>> {
    let found = migrate::version(conn).await?;
    if found != migrate::KNOWN {
        return Ok(Err(format!("it is of version {found}")));
    }
    // Whatever is in use is read, and its checksum with it, by the check of how rows hang together. A page that is not in use is
    // passed over there: a copy has none, and one that has some is looked at page by page.
    let unused = conn.row("pragma freelist_count", vec![]).await?.map_or(Ok(0), |row| row.int(0))?;
    if unused != 0 {
        let pages = conn.rows("pragma cipher_integrity_check", vec![]).await?;
        if let Some(first) = pages.first() {
            return Ok(Err(first.text(0)?));
        }
    }
    let whole = conn.rows("pragma integrity_check(1)", vec![]).await?;
    match whole.first().map(|row| row.text(0)).transpose()? {
        Some(word) if word == "ok" => Ok(Ok(counts(conn).await?)),
        other => Ok(Err(other.unwrap_or_default())),
    }
}
