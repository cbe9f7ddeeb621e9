//! The ledger's desk: gives every segment its number and makes it durable, in groups, before any audio is sealed.
//!
//! The engine only drops a slip here; the desk's thread enters all slips of the last 100 ms with one sync. A sealer that is
//! about to write its first byte waits until its entry is durable and wakes the desk early, so that offline nobody waits
//! for a clock.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use shared::{LedgerNo, RecordingId, Reference, UtcMicros};
use telephony::cmd::SegId;
use vault::Vault;

use crate::{Common, RecorderError, locked};

/// At most so long an entry waits for its sync.
const GROUP: Duration = Duration::from_millis(100);

/// A durable ledger entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) ledger_no: LedgerNo,
    pub(crate) reference: Reference,
    /// The first recording that the segment gets.
    pub(crate) recording_id: RecordingId,
}

/// A segment that waits for its number.
struct Slip {
    seg: SegId,
    at: UtcMicros,
    recording_id: RecordingId,
}

#[derive(Default)]
struct Slips {
    new: Vec<Slip>,
    /// `None`: the ledger could not be written for it.
    entries: HashMap<SegId, Option<Entry>>,
    urgent: bool,
    closed: bool,
}

/// The desk.
pub(crate) struct Desk {
    vault: Arc<Vault>,
    slips: Mutex<Slips>,
    wake: Condvar,
    entered: Condvar,
}

impl Desk {
    pub(crate) fn new(vault: Arc<Vault>) -> Self {
        Self { vault, slips: Mutex::default(), wake: Condvar::new(), entered: Condvar::new() }
    }

    /// Takes note of a new segment; never waits for the disk.
    pub(crate) fn signalled(&self, seg: SegId, at: UtcMicros, recording_id: RecordingId) {
        locked(&self.slips).new.push(Slip { seg, at, recording_id });
    }

    /// Waits until the entry of a segment is durable.
    ///
    /// # Errors
    /// The ledger could not be written: nothing may be sealed under that number.
    pub(crate) fn wait_durable(&self, seg: SegId) -> Result<Entry, RecorderError> {
        let mut slips = locked(&self.slips);
        loop {
            if let Some(entry) = slips.entries.get(&seg) {
                return entry.ok_or(RecorderError::NoLedger);
            }
            if slips.closed {
                return Err(RecorderError::NoLedger);
            }
            slips.urgent = true;
            self.wake.notify_one();
            slips = self.entered.wait(slips).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Forgets a segment whose entry has ended.
    pub(crate) fn forget(&self, seg: SegId) {
        locked(&self.slips).entries.remove(&seg);
    }

    /// Enters what is left and ends the desk's thread.
    pub(crate) fn close(&self) {
        locked(&self.slips).closed = true;
        self.wake.notify_one();
    }

    /// Waits for slips, at most one group's time; false once closed and empty.
    fn next_group(&self, group: &mut Vec<Slip>) -> bool {
        let mut slips = locked(&self.slips);
        if !slips.urgent && !slips.closed {
            let waited = self.wake.wait_timeout(slips, GROUP);
            slips = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        slips.urgent = false;
        std::mem::swap(&mut slips.new, group);
        !slips.closed || !group.is_empty()
    }

    /// Makes a group of entries durable with one sync.
    fn enter(&self, group: &[Slip]) -> Result<Vec<(SegId, Entry)>, vault::VaultError> {
        let mut entries = Vec::with_capacity(group.len());
        for slip in group {
            let entry = self.vault.allot(slip.recording_id, slip.at)?;
            let (ledger_no, reference) = (entry.ledger_no, entry.reference);
            entries.push((slip.seg, Entry { ledger_no, reference, recording_id: slip.recording_id }));
        }
        self.vault.commit_ledger()?;
        Ok(entries)
    }
}

/// Starts the desk's thread.
pub(crate) fn run(common: &Arc<Common>) -> Result<JoinHandle<()>, RecorderError> {
    let common = Arc::clone(common);
    let thread = std::thread::Builder::new().name("ledger".into());
    thread.spawn(move || work(&common)).map_err(RecorderError::NoThread)
}

fn work(common: &Common) {
    let desk = &common.desk;
    let mut group = Vec::new();
    while desk.next_group(&mut group) {
        if group.is_empty() {
            continue;
        }
        let entered = desk.enter(&group);
        let mut slips = locked(&desk.slips);
        match entered {
            Ok(entries) => slips.entries.extend(entries.into_iter().map(|(seg, entry)| (seg, Some(entry)))),
            Err(error) => {
                slips.entries.extend(group.iter().map(|slip| (slip.seg, None)));
                common.report(&error.into());
            }
        }
        drop(slips);
        group.clear();
        desk.entered.notify_all();
    }
    desk.entered.notify_all();
}
