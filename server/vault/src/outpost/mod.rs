//! A satellite's data folder: spool, ledger and lock. No catalogue, no private key, no party that anybody could read.
//!
//! A recorder uses it as it uses a vault ([`Depot`]). What it seals lies in the spool until the central has signed for it; whoever
//! carries it there learns from [`Outpost::take_news`] what stands, reads it, and brings back a receipt. Section I of
//! `docs/design/recording-lifecycle.md`; the tests cut it at each step.
//!
//! What must hold:
//! 1. Nothing is deleted but by a rule ([`Depot::discard`]) and by [`Outpost::let_go`], for which the central must have signed over
//!    digests that come from the satellite's own file.
//! 2. What a crash cut is not closed before the central was asked what it holds of it.
//! 3. When the disk is full, recording stops and says so; nothing that is sealed goes to make room.

mod release;
mod resume;
mod start;
mod watch;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex};

use catalogue::{LedgerEnding, PartKey};
use shared::{LedgerNo, RecordingId, UtcMicros};
use store::{Disk, LocalDisk, Lock, StoreError};

use crate::admit::{Admitted, again};
use crate::journal::{LedgerOwner, OpenEntry};
use crate::part::{SPOOL, spool_path};
use crate::spool::{Desk, Spool, left};
use crate::vault::locked;
use crate::{
    AdmitReport, ClosedPart, Depot, Digests, LedgerEntry, PartFile, Result, VaultConfig, VaultError, What,
    folder,
};

pub use release::Released;
pub use resume::Resume;
pub use start::OutpostReport;
pub(crate) use watch::Watch;
pub use watch::{News, OutFile};

/// A satellite's data folder, open for recording. Shared between threads.
pub struct Outpost {
    pub(crate) disk: Arc<dyn Disk>,
    config: VaultConfig,
    pub(crate) spool: Spool,
    watch: Arc<Watch>,
    /// Parts that a crash cut, and what of each the central has sent back so far.
    resuming: Mutex<HashMap<What, resume::Fetch>>,
    /// Entries of calls that a crash cut, whose parts are not all closed.
    cut: Mutex<HashMap<RecordingId, OpenEntry>>,
    /// What stood here when it was opened, until [`Self::recover`] has looked at it.
    found: Mutex<start::Found>,
    _lock: Option<Lock>,
}

impl std::fmt::Debug for Outpost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Outpost({})", self.config.recorder_id)
    }
}

/// What waits in the spool.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Backlog {
    /// Parts, those of calls that are going on included.
    pub parts: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the oldest of them began.
    pub oldest: Option<UtcMicros>,
}

impl Outpost {
    /// Makes a new data folder in the existing folder `root` and opens it.
    ///
    /// # Errors
    /// [`VaultError::Exists`] if there is one already, or the system's.
    pub fn create(root: &Path, config: VaultConfig) -> Result<Self> {
        let disk = LocalDisk::open(root)?;
        folder::make(&disk, &root.display().to_string())?;
        let lock = locked(&disk, root)?;
        Self::assemble(Arc::new(disk), config, root.display().to_string(), Some(lock))
    }

    /// Opens a data folder for this process alone. Recording may begin; call [`Self::recover`] beside it or before.
    ///
    /// # Errors
    /// [`VaultError::NoDataFolder`], [`VaultError::Newer`], [`VaultError::InUse`], the ledger's, or the system's.
    pub fn open(root: &Path, config: VaultConfig) -> Result<Self> {
        let disk = LocalDisk::open(root)?;
        folder::check(&disk, &root.display().to_string())?;
        let lock = locked(&disk, root)?;
        Self::assemble(Arc::new(disk), config, root.display().to_string(), Some(lock))
    }

    /// Puts an outpost together over any disk.
    pub(crate) fn assemble(
        disk: Arc<dyn Disk>,
        config: VaultConfig,
        root: String,
        lock: Option<Lock>,
    ) -> Result<Self> {
        let owner = LedgerOwner { recorder_id: config.recorder_id, letter: config.letter };
        let watch = Arc::new(Watch::default());
        let desk = Desk::open(&disk, owner)?;
        let spool = Spool::new(Arc::clone(&disk), &config, root, desk, Some(Arc::clone(&watch)));
        let (resuming, cut) = (Mutex::default(), Mutex::default());
        let found = Mutex::new(start::Found::of(&*disk, &spool)?);
        let outpost = Self { disk, config, spool, watch, resuming, cut, found, _lock: lock };
        outpost.find_ledger()?;
        Ok(outpost)
    }

    /// Returns what it was opened with.
    #[must_use]
    pub const fn config(&self) -> &VaultConfig {
        &self.config
    }

    /// Returns everything that stands here: files of the ledger, and parts.
    #[must_use]
    pub fn files(&self) -> Vec<OutFile> {
        self.watch.files()
    }

    /// Returns the parts that a crash cut and that wait for the central.
    #[must_use]
    pub fn unfinished(&self) -> Vec<OutFile> {
        self.watch.files().into_iter().filter(|file| file.unfinished).collect()
    }

    /// Returns what has changed since the last call, once for each file; [`Self::recover`] makes news of all that stands. Never waits.
    #[must_use]
    pub fn take_news(&self) -> Vec<News> {
        self.watch.news()
    }

    /// Sets whom to wake when there is news, and wakes at once if there is some. It is called by threads that record: it must be quick and must not call back.
    pub fn wake_with(&self, wake: Box<dyn Fn() + Send + Sync>) {
        self.watch.wake_with(wake);
    }

    /// Reads at most `length` bytes from `offset` on; fewer if fewer stand there.
    ///
    /// # Errors
    /// The disk's, also when the file is gone.
    pub fn read(&self, what: What, offset: u64, length: usize) -> Result<Vec<u8>> {
        let file = self.watch.file(what).filter(|file| !file.name.is_empty());
        let Some(file) = file else { return Err(StoreError::NotFound { path: what.to_string() }.into()) };
        let length = file.bytes.saturating_sub(offset).min(u64::try_from(length).unwrap_or(u64::MAX));
        let path = spool_path(&file.name);
        read_at(&*self.disk, &path, offset, length)
    }

    /// Says what waits in the spool.
    #[must_use]
    pub fn backlog(&self) -> Backlog {
        let mut backlog = Backlog::default();
        self.watch.each(|file| {
            if let What::Part(..) = file.what {
                backlog.parts = backlog.parts.saturating_add(1);
                backlog.bytes = backlog.bytes.saturating_add(file.bytes);
                let oldest = backlog.oldest.unwrap_or(file.opened_at).min(file.opened_at);
                backlog.oldest = Some(oldest);
            }
        });
        backlog
    }

    /// Returns the entries of the ledger that have not ended.
    ///
    /// # Errors
    /// The disk's.
    pub fn open_entries(&self) -> Result<Vec<OpenEntry>> {
        self.spool.open_entries()
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
}

impl Depot for Outpost {
    fn begin_part(&self, key: PartKey, name: &str) -> Result<PartFile> {
        self.spool.begin(key, name)
    }

    fn withdraw(&self, part: PartFile) -> Result<()> {
        self.spool.withdraw(part)
    }

    fn sync_all(&self) -> Result<()> {
        self.spool.sync_all()
    }

    /// C1 to C4, C6 for the spool alone, then C8: the files stay where they are, under their names, until the central has receipted them.
    fn admit(&self, parts: Vec<ClosedPart>) -> AdmitReport {
        let mut report = AdmitReport::default();
        let parts = self.spool.close(parts, &mut report);
        if parts.is_empty() {
            return report;
        }
        // C6: their names. If that fails nobody knows which are durable, and no entry says *recorded*.
        if let Err(e) = self.disk.sync_dir(SPOOL) {
            report.left.extend(parts.iter().map(|part| left(&part.row, VaultError::Store(again(&e)))));
            report.trouble = Some(e.into());
            return report;
        }
        if let Err(e) = self.spool.end_admitted(parts.iter().map(|part| &part.row)) {
            report.trouble = Some(e);
        }
        for part in parts {
            let mut row = part.row;
            (row.part.path, row.part.bytes) = (part.file.path(), part.file.len());
            let digests = Digests { sha256: row.part.sha256, blake3: row.part.blake3 };
            // Behind the ledger: the end of an entry is on its way before its part is.
            let what = What::Part(row.facts.recording_id, row.part.part);
            self.watch.sealed(what, row.part.bytes, digests);
            report.admitted.push(Admitted { row, entered: true });
        }
        report
    }

    /// The numbers of the call are not written: nobody must read them here.
    fn discard(
        &self,
        part: PartFile,
        ledger_no: LedgerNo,
        ending: LedgerEnding,
        _caller: &str,
        _called: &str,
    ) -> Result<()> {
        self.spool.end(ledger_no, ending)?;
        self.spool.commit()?;
        self.spool.discard(part)
    }

    fn allot(&self, recording_id: RecordingId, at: UtcMicros) -> Result<LedgerEntry> {
        self.spool.allot(recording_id, at)
    }

    /// The numbers of the call are not written: nobody must read them here.
    fn end_entry(
        &self,
        ledger_no: LedgerNo,
        ending: LedgerEnding,
        _caller: &str,
        _called: &str,
    ) -> Result<()> {
        self.spool.end(ledger_no, ending).map(drop)
    }

    fn commit_ledger(&self) -> Result<LedgerNo> {
        self.spool.commit()
    }

    fn durable_ledger_no(&self) -> LedgerNo {
        self.spool.durable()
    }

    fn settle(&self) -> Result<()> {
        self.spool.commit().map(drop)
    }
}

/// Reads exactly `length` bytes of a file.
pub(crate) fn read_at(disk: &dyn Disk, path: &str, offset: u64, length: u64) -> Result<Vec<u8>> {
    let unread = |e| StoreError::sorted("read", path, e);
    let mut io = disk.open_read(path)?;
    io.seek(SeekFrom::Start(offset)).map_err(unread)?;
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    io.take(length).read_to_end(&mut bytes).map_err(unread)?;
    Ok(bytes)
}
