//! A data folder made again from an archive, as `docs/design/restore.md` numbers it.
//!
//! The catalogue comes from a backup, the log from the archive's leaves, recordings from its folders. Nothing here is a step of
//! a running vault: a restore that was cut is begun again in another empty folder.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use catalogue::{Catalogue, CatalogueKey, PartKey, PartRow};
use sha2::{Digest as _, Sha256};
use shared::UtcMicros;
use store::{Disk, LocalDisk, StoreError};

use crate::log::SiteLog;
use crate::part::spool_path;
use crate::vault::CATALOGUE;
use crate::{Result, Vault, folder};

/// Leaves written with one sync.
const LEAVES_AT_ONCE: usize = 4_096;
/// Bytes copied at a time.
const BLOCK: usize = 256 << 10;

/// What became of a file that was brought back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Brought {
    /// It lies where its row says, and is what its row says.
    Back,
    /// It is new: it lies in the spool, to be admitted.
    New,
    /// It is here already.
    Here,
    /// It is not the file that the row tells of; nothing was kept of it.
    NotIts,
}

/// Makes the folders and the log of a data folder whose catalogue was put there before, and brings the catalogue to what may be
/// believed after a restore; `all_live` says that every recording is about to be brought back. `leaves` are those of the archive's log, from the first; they were compared with a checkpoint.
/// Returns how many leaves the log has, and how many parts of the catalogue lost theirs because the log ends before it.
///
/// 1. folders, `format`; 2. leaves and hashes; 3. the catalogue unlearns ([`Catalogue::after_restore`]).
///
/// # Errors
/// The disk's, or the catalogue's: it does not open with this key.
pub fn restore_folder(
    root: &Path,
    leaves: impl Iterator<Item = Vec<u8>>,
    key: &CatalogueKey,
    all_live: bool,
    now: UtcMicros,
) -> Result<(u64, u64)> {
    let disk: Arc<dyn Disk> = Arc::new(LocalDisk::open(root)?);
    folder::make(&*disk, &root.display().to_string())?;
    let mut log = SiteLog::open(Arc::clone(&disk), 0, 0)?;
    let (mut batch, mut count) = (Vec::with_capacity(LEAVES_AT_ONCE), 0_u64);
    for leaf in leaves {
        batch.push(leaf);
        count = count.saturating_add(1);
        if batch.len() >= LEAVES_AT_ONCE {
            log.append(&batch)?;
            batch.clear();
        }
    }
    if !batch.is_empty() {
        log.append(&batch)?;
    }
    drop(log);
    let catalogue = Catalogue::open(&root.join(CATALOGUE), key, now)?;
    let forgotten = catalogue.after_restore(count, all_live)?;
    disk.sync_fs()?;
    Ok((count, forgotten))
}

impl Vault {
    /// Returns where leaves begin that may tell of parts without a row.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn leaves_of_parts(&self) -> Result<u64> {
        Ok(self.catalogue.leaves_of_parts()?)
    }

    /// Tells whether a part has its row, and returns it.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn part_row(&self, (id, part): PartKey) -> Result<Option<PartRow>> {
        let recording = self.recording(id)?;
        Ok(recording.and_then(|recording| recording.parts.into_iter().find(|row| row.part == part)))
    }

    /// Copies the file of a part that has a row back into the live store, and compares it with the row on the way. Make it
    /// durable with [`Self::sync_all`].
    ///
    /// # Errors
    /// The disk's, or a failed read of `from`.
    pub fn bring_back(&self, row: &PartRow, from: &mut dyn Read) -> Result<Brought> {
        if self.disk.exists(&row.path)? {
            return Ok(Brought::Here);
        }
        let name = row.path.rsplit('/').next().unwrap_or(&row.path);
        let beside = spool_path(&format!("{name}.part"));
        if !self.copied(&beside, row, from)? {
            self.disk.unlink(&beside)?;
            return Ok(Brought::NotIts);
        }
        if let Some((folder, _)) = row.path.rsplit_once('/') {
            self.disk.mkdir_all(folder)?;
        }
        self.disk.rename(&beside, &row.path)?;
        Ok(Brought::Back)
    }

    /// Copies the file of a part without a row into the spool, where [`Self::recover`] finds it. `name` is [`seal::file_name`].
    ///
    /// # Errors
    /// The disk's, or a failed read of `from`.
    pub fn bring_new(&self, name: &str, from: &mut dyn Read) -> Result<Brought> {
        let path = spool_path(name);
        if self.disk.exists(&path)? {
            // Listed twice: a run after a restore takes over what one before it carried.
            return Ok(Brought::Here);
        }
        let mut file = self.disk.create_new(&path)?;
        let mut block = vec![0; BLOCK];
        loop {
            let n = from.read(&mut block).map_err(|e| StoreError::sorted("read", &path, e))?;
            if n == 0 {
                file.sync()?;
                return Ok(Brought::New);
            }
            file.append(&[block.get(..n).unwrap_or_default()])?;
        }
    }

    /// Copies and tells whether it is the file of the row: its length, and the digest of everything before the trailer.
    fn copied(&self, to: &str, row: &PartRow, from: &mut dyn Read) -> Result<bool> {
        let mut file = self.disk.create_new(to)?;
        let mut left = row.bytes.saturating_sub(256);
        let mut digest = Sha256::new();
        let mut block = vec![0; BLOCK];
        let mut from = from.take(row.bytes.saturating_add(1));
        loop {
            let n = from.read(&mut block).map_err(|e| StoreError::sorted("read", to, e))?;
            let bytes = block.get(..n).unwrap_or_default();
            if n == 0 {
                return Ok(file.len() == row.bytes && <[u8; 32]>::from(digest.finalize()) == row.sha256);
            }
            let body = usize::try_from(left).unwrap_or(usize::MAX).min(n);
            digest.update(bytes.get(..body).unwrap_or_default());
            left = left.saturating_sub(u64::try_from(n).unwrap_or(u64::MAX));
            file.append(&[bytes])?;
        }
    }
}
