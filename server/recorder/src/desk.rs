//! The ledger's desk: gives every segment its number and makes it durable, in groups, before any audio is sealed.
//!
//! The engine only drops a slip here; the desk's thread enters all slips of the last 100 ms with one sync. A sealer that is
//! about to write its first byte waits until its entry is durable and wakes the desk early, so that offline nobody waits
//! for a clock.
//!
//! When the disk takes nothing the numbers stay given: nothing is sealed under them until a later attempt makes them durable,
//! and calls that end before are ended in the ledger all the same, so that they are accounted for once there is space.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use shared::{LedgerNo, RecordingId, Reference, TapId, UtcMicros};
use telephony::cmd::SegId;
use vault::Depot;

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
    /// A canary takes a number of its own depot, and waits for the ledger all the same.
    is_canary: bool,
}

/// What became of a slip.
#[derive(Clone, Copy)]
struct Slot {
    entry: Entry,
    durable: bool,
}

#[derive(Default)]
struct Slips {
    new: Vec<Slip>,
    /// `None`: the ledger had no number for it.
    entries: HashMap<SegId, Option<Slot>>,
    /// The last attempt to make entries durable failed; the next group's time brings another.
    stuck: bool,
    urgent: bool,
    closed: bool,
}

/// The desk.
pub(crate) struct Desk {
    depot: Arc<dyn Depot>,
    canaries: Option<Arc<dyn Depot>>,
    slips: Mutex<Slips>,
    wake: Condvar,
    entered: Condvar,
}

impl Desk {
    pub(crate) fn new(depot: Arc<dyn Depot>, canaries: Option<Arc<dyn Depot>>) -> Self {
        Self { depot, canaries, slips: Mutex::default(), wake: Condvar::new(), entered: Condvar::new() }
    }

    /// Takes note of a new segment; never waits for the disk.
    pub(crate) fn signalled(&self, seg: SegId, at: UtcMicros, recording_id: RecordingId, tap: TapId) {
        locked(&self.slips).new.push(Slip { seg, at, recording_id, is_canary: tap.is_canary() });
    }

    /// Waits until the entry of a segment is durable.
    ///
    /// # Errors
    /// The ledger could not be written: nothing may be sealed under that number.
    pub(crate) fn wait_durable(&self, seg: SegId) -> Result<Entry, RecorderError> {
        let mut slips = locked(&self.slips);
        loop {
            match slips.entries.get(&seg) {
                Some(Some(slot)) if slot.durable => return Ok(slot.entry),
                Some(None) => return Err(RecorderError::NoLedger),
                Some(Some(_)) if slips.stuck => return Err(RecorderError::NoLedger),
                Some(Some(_)) | None => {}
            }
            if slips.closed {
                return Err(RecorderError::NoLedger);
            }
            slips.urgent = true;
            self.wake.notify_one();
            slips = self.entered.wait(slips).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Tells whether it is known by now what became of the entry of a segment, so that [`Self::wait_durable`] would not wait;
    /// if not, the desk is hurried. Never waits.
    pub(crate) fn is_decided(&self, seg: SegId) -> bool {
        let mut slips = locked(&self.slips);
        let decided = match slips.entries.get(&seg) {
            Some(Some(slot)) => slot.durable || slips.stuck,
            Some(None) => true,
            None => false,
        };
        if !decided && !slips.closed && !slips.urgent {
            slips.urgent = true;
            self.wake.notify_one();
        }
        decided || slips.closed
    }

    /// Returns the entry of a segment if it is durable by now; never waits.
    pub(crate) fn durable(&self, seg: SegId) -> Option<Entry> {
        locked(&self.slips).entries.get(&seg)?.filter(|slot| slot.durable).map(|slot| slot.entry)
    }

    /// Returns the entry of a segment that has ended, durable or not: the ledger takes its end behind it.
    pub(crate) fn given(&self, seg: SegId) -> Option<Entry> {
        if let Ok(entry) = self.wait_durable(seg) {
            return Some(entry);
        }
        locked(&self.slips).entries.get(&seg)?.map(|slot| slot.entry)
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

    fn is_stuck(&self) -> bool {
        locked(&self.slips).stuck
    }

    /// Gives a group of segments their numbers.
    fn allot(&self, group: &[Slip]) -> Result<(), vault::VaultError> {
        let mut done = Ok(());
        for slip in group {
            let depot = if slip.is_canary { self.canaries.as_ref() } else { Some(&self.depot) };
            // A canary that has no place gets no number, and nothing of it is sealed.
            let Some(depot) = depot else {
                locked(&self.slips).entries.insert(slip.seg, None);
                continue;
            };
            let allotted = depot.allot(slip.recording_id, slip.at);
            let slot = allotted.as_ref().ok().map(|entry| Slot {
                entry: Entry {
                    ledger_no: entry.ledger_no,
                    reference: entry.reference,
                    recording_id: slip.recording_id,
                },
                durable: false,
            });
            locked(&self.slips).entries.insert(slip.seg, slot);
            done = done.and_then(|()| allotted.map(|_entry| ()));
        }
        done
    }

    /// Makes everything allotted durable with one sync. Only this thread allots, so all that has a number is meant.
    fn commit(&self) -> Result<(), vault::VaultError> {
        let done = self.depot.commit_ledger();
        let mut slips = locked(&self.slips);
        slips.stuck = done.is_err();
        if done.is_ok() {
            slips
                .entries
                .values_mut()
                .flatten()
                .filter(|slot| !slot.durable)
                .for_each(|slot| slot.durable = true);
        }
        drop(slips);
        self.entered.notify_all();
        done.map(|_number| ())
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
        let was_stuck = desk.is_stuck();
        if group.is_empty() && !was_stuck {
            continue;
        }
        told(common, desk.allot(&group));
        let committed = desk.commit();
        // While it lasts a full disk is said once, not ten times a second.
        if !was_stuck {
            told(common, committed);
        }
        group.clear();
    }
    desk.entered.notify_all();
}

fn told(common: &Common, done: Result<(), vault::VaultError>) {
    if let Err(error) = done {
        common.report(&error.into());
    }
}
