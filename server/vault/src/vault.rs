//! The vault, open: what it holds, and how it comes to be.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use catalogue::{CaptureRun, Catalogue, CatalogueKey, Counts, LedgerRow, PartKey, RecordingRow};
use shared::{Day, RecorderId, SiteId, UtcMicros, Zone};
use store::{Disk, LocalDisk, Lock};

use crate::journal::LedgerOwner;
use crate::log::SiteLog;
use crate::part::PartFile;
use crate::shard::Shards;
use crate::spool::{Desk, Spool};
use crate::turns::Turns;
use crate::{Elsewhere, Result, VaultError, folder};

/// The database's place in the data folder.
pub(crate) const CATALOGUE: &str = "catalogue.db";

/// What the vault must know of the site and of who records.
#[derive(Clone, Debug)]
pub struct VaultConfig {
    /// The site.
    pub site_id: SiteId,
    /// The site's time zone: it chooses day folders.
    pub zone: Zone,
    /// Who records into this data folder.
    pub recorder_id: RecorderId,
    /// The letter of its references, `A` to `Z`.
    pub letter: char,
}

/// What a data folder is opened for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Use {
    /// To record: takes the folder for this process alone and opens the ledger.
    Record,
    /// To look, search, export and check, beside a recorder that may be at work.
    Look,
}

/// One data folder: its spool, its admitted recordings, its catalogue and its ledger. Shared between threads.
pub struct Vault {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) catalogue: Catalogue,
    pub(crate) config: VaultConfig,
    pub(crate) spool: Spool,
    pub(crate) shards: Mutex<Shards>,
    pub(crate) owed: Mutex<Owed>,
    /// The transparency log, when the vault is open for recording and the log is sound.
    pub(crate) log: Mutex<Option<SiteLog>>,
    /// Why the log is not open although it should be.
    pub(crate) log_trouble: Mutex<Option<VaultError>>,
    /// Parts without a leaf may be waiting.
    pub(crate) unlogged: AtomicBool,
    /// Who opens files on media.
    pub(crate) elsewhere: Mutex<Option<Arc<dyn Elsewhere>>>,
    /// Who fetches which part.
    pub(crate) fetching: Turns,
    /// Held while parts of satellites are on their way from `incoming` into rows, and while start-up looks for files without a row.
    /// The days into whose folders they go, as noted there.
    pub(crate) taking: Mutex<BTreeSet<Day>>,
    _lock: Option<Lock>,
}

/// Rows of durable files that the catalogue could not take yet (a full disk, as a rule), and ledger rows that wait for the next
/// batch. Nothing is lost if the process dies: start-up finds the files and the ledger's own records.
#[derive(Default)]
pub(crate) struct Owed {
    pub(crate) recordings: VecDeque<RecordingRow>,
    pub(crate) ledger: Vec<LedgerRow>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({:?})", self.catalogue)
    }
}

impl Vault {
    /// Makes a new data folder in the existing folder `root` and opens it for recording.
    ///
    /// # Errors
    /// [`VaultError::Exists`] if there is one already, or the system's.
    pub fn create(root: &Path, config: VaultConfig, key: &CatalogueKey, now: UtcMicros) -> Result<Self> {
        let disk = LocalDisk::open(root)?;
        folder::make(&disk, &root.display().to_string())?;
        let catalogue = Catalogue::create(&root.join(CATALOGUE), key, now)?;
        disk.sync_dir("")?;
        let lock = locked(&disk, root)?;
        Self::assemble(Arc::new(disk), catalogue, config, Use::Record, Some(lock))
    }

    /// Opens a data folder.
    ///
    /// To record, call [`Self::recover`] next: it finishes what a crash left.
    ///
    /// # Errors
    /// [`VaultError::NoDataFolder`], [`VaultError::Newer`], [`VaultError::InUse`] (only to record), the catalogue's (a wrong
    /// key), the ledger's, or the system's.
    pub fn open(
        root: &Path,
        config: VaultConfig,
        key: &CatalogueKey,
        now: UtcMicros,
        wanted: Use,
    ) -> Result<Self> {
        let disk = LocalDisk::open(root)?;
        folder::check(&disk, &root.display().to_string())?;
        let lock = match wanted {
            Use::Record => Some(locked(&disk, root)?),
            Use::Look => None,
        };
        let catalogue = Catalogue::open(&root.join(CATALOGUE), key, now)?;
        Self::assemble(Arc::new(disk), catalogue, config, wanted, lock)
    }

    /// Puts a vault together over any disk; the catalogue lies outside it.
    pub(crate) fn assemble(
        disk: Arc<dyn Disk>,
        catalogue: Catalogue,
        config: VaultConfig,
        wanted: Use,
        lock: Option<Lock>,
    ) -> Result<Self> {
        let owner = LedgerOwner { recorder_id: config.recorder_id, letter: config.letter };
        let desk = match wanted {
            Use::Record => Desk::open(&disk, owner)?,
            Use::Look => Desk::default(),
        };
        let root = catalogue.path().display().to_string();
        let (log, log_trouble) = match wanted {
            // A call must be recorded whatever happened to the log; recovery reports it.
            Use::Record => {
                let (known, of_parts) = (catalogue.leaves_known()?, catalogue.leaves_of_parts()?);
                match SiteLog::open(Arc::clone(&disk), known, of_parts) {
                    Ok(log) => (Some(log), None),
                    Err(e) => (None, Some(e)),
                }
            }
            Use::Look => (None, None),
        };
        Ok(Self {
            spool: Spool::new(Arc::clone(&disk), &config, root, desk, None),
            disk,
            catalogue,
            config,
            shards: Mutex::default(),
            owed: Mutex::default(),
            log: Mutex::new(log),
            log_trouble: Mutex::new(log_trouble),
            unlogged: AtomicBool::new(false),
            elsewhere: Mutex::new(None),
            fetching: Turns::default(),
            taking: Mutex::default(),
            _lock: lock,
        })
    }

    /// Returns what the vault was opened with.
    #[must_use]
    pub const fn config(&self) -> &VaultConfig {
        &self.config
    }

    /// Creates the file of a new part in the spool: [`crate::Depot::begin_part`].
    ///
    /// # Errors
    /// The disk's.
    pub fn begin_part(&self, key: PartKey, name: &str) -> Result<PartFile> {
        self.spool.begin(key, name)
    }

    /// Takes back a part in which nothing stands, because its first append failed. One that holds anything stays.
    ///
    /// # Errors
    /// The disk's.
    pub fn withdraw(&self, part: PartFile) -> Result<()> {
        self.spool.withdraw(part)
    }

    /// Makes all parts in the spool durable as far as they are written, with one `syncfs`: call it every five seconds.
    ///
    /// # Errors
    /// [`store::StoreError::SyncFailed`]. Every open part is poisoned then: drop them all, go on in new recordings; what was
    /// durable before is found by recovery.
    pub fn sync_all(&self) -> Result<()> {
        self.spool.sync_all()
    }

    /// Returns how many bytes may still be written.
    ///
    /// # Errors
    /// The disk's.
    pub fn free_bytes(&self) -> Result<u64> {
        Ok(self.disk.free_bytes()?)
    }

    /// Returns how many bytes the disk holds, free or not.
    ///
    /// # Errors
    /// The disk's.
    pub fn total_bytes(&self) -> Result<u64> {
        Ok(self.disk.total_bytes()?)
    }

    /// Counts what the catalogue holds.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn counts(&self) -> Result<Counts> {
        Ok(self.catalogue.counts()?)
    }

    /// Enters a run of the capture or brings it up to date.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn note_run(&self, run: &CaptureRun) -> Result<()> {
        Ok(self.catalogue.note_run(run)?)
    }
}

/// Locks, whatever another thread died of: every change under these locks leaves a state that may be read.
pub(crate) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn locked(disk: &LocalDisk, root: &Path) -> Result<Lock> {
    disk.mkdir_all("run")?;
    disk.lock("run/lock")?.ok_or_else(|| VaultError::InUse { path: root.display().to_string() })
}
