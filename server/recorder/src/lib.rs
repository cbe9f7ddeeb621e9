//! From segment commands to sealed recordings in the spool.
//!
//! The engine says what happens ([`telephony::cmd::SegCmd`]); this crate seals it at once and never asks where the packets
//! came from: it does not know `capture`. What must hold: a ledger entry is durable before the first sealed byte of its
//! call; both legs of a flush go to the disk in one write; a pair of file key and frame number is used once; what cannot be
//! kept becomes a gap of cause 2 and is said, never silence; the thread that reads the wire waits for nobody, unless it
//! reads a file.
//!
//! The way of a second of audio: [`Recorder::submit`] puts it into the queue of its sealer (segment number modulo sealers);
//! the sealer encrypts it in place and appends it; at the end the part goes to the admitter, which closes parts in batches
//! through [`vault::Depot::admit`] and makes everything durable every five seconds.

#![forbid(unsafe_code)]

mod admitter;
mod desk;
mod error;
mod keys;
mod loss;
mod part;
mod queue;
mod sealer;
mod segment;
mod summary;
#[cfg(test)]
mod tests;
mod told;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Instant;

use rand_core::Rng as _;
use seal::ClockEvidence;
use shared::{FrameBuf, RecorderId, RecordingId, Reference, SiteId, TapId, TimeQuality, UtcMicros, Zone};
use telephony::cmd::{SegCmd, SegId};
use vault::Depot;

pub use error::{Kind, RecorderError};
pub use keys::{Dice, KeySource};
pub use summary::{Fault, Summary};

use admitter::Admitter;
use desk::Desk;
use queue::Queue;
use sealer::{Job, Sealer};
use told::Told;

/// What a recorder is and how much it may use.
#[derive(Debug, Clone)]
pub struct RecorderConfig {
    /// The site.
    pub site_id: SiteId,
    /// Who seals.
    pub recorder_id: RecorderId,
    /// The site's zone: it gives each part its civil day.
    pub zone: Zone,
    /// Hash of the running program, sealed into every recording.
    pub build: Vec<u8>,
    /// Names of the taps by their number.
    pub tap_names: Vec<String>,
    /// Sealer threads, at least 1.
    pub sealers: usize,
    /// Audio that may wait for a slow disk, in octets over all sealers.
    pub queue_octets_max: usize,
    /// True when reading capture files: the reader waits for the sealers instead of losing audio.
    pub offline: bool,
}

/// What all threads of one recorder share.
pub(crate) struct Common {
    pub(crate) config: RecorderConfig,
    pub(crate) depot: Arc<dyn Depot>,
    /// Where canaries go, if there are any.
    pub(crate) canaries: Option<Arc<dyn Depot>>,
    pub(crate) keys: Arc<dyn KeySource>,
    pub(crate) desk: Desk,
    /// Names of the taps by their number, as they are now.
    pub(crate) tap_names: RwLock<Vec<String>>,
    /// How far the wall clock is ahead of a better one, in microseconds, as far as known.
    pub(crate) clock_ahead_us: AtomicI64,
    pub(crate) summary: summary::Tally,
    pub(crate) faults: Sender<Fault>,
    /// Flushes that the disk took.
    pub(crate) written: AtomicU64,
    pub(crate) aborted: AtomicBool,
}

impl Common {
    /// Returns where what comes through `tap` is put. A canary is never put where calls are: without a place of its own it goes nowhere.
    pub(crate) fn depot(&self, tap: TapId) -> Option<&dyn Depot> {
        if tap.is_canary() { self.canaries.as_deref() } else { Some(&*self.depot) }
    }

    /// Returns the name of a tap, empty when it has none.
    pub(crate) fn tap_name(&self, tap: TapId) -> String {
        let names = self.tap_names.read().unwrap_or_else(PoisonError::into_inner);
        names.get(usize::from(tap.tap().0)).cloned().unwrap_or_default()
    }

    /// Returns what is sealed of the clock: what disciplines it, and how far it is ahead of a better one.
    pub(crate) fn clock(&self, quality: TimeQuality) -> ClockEvidence {
        let offset_us = self.clock_ahead_us.load(Ordering::Relaxed);
        ClockEvidence { source: quality as u8, offset_us, uncertainty_us: 0 }
    }

    /// Draws the identity of a recording that begins at `at`.
    pub(crate) fn new_recording_id(&self, at: UtcMicros) -> RecordingId {
        let mut dice = [0; 10];
        self.keys.dice().fill_bytes(&mut dice);
        RecordingId::v7(at, dice)
    }

    /// Tells the operator what went wrong.
    pub(crate) fn report(&self, error: &RecorderError) {
        let text = error.to_string();
        let fault = if error.is_no_space() { Fault::DiskFull { text } } else { Fault::Disk { text } };
        // Nobody listens any more only when the recorder is being dropped.
        drop(self.faults.send(fault));
    }
}

/// A running recorder: its threads and the queues into them.
#[allow(missing_debug_implementations, reason = "it reaches keys")]
pub struct Recorder {
    common: Arc<Common>,
    queues: Vec<Queue<Job>>,
    /// Commands on their way into each queue; kept so that their memory is used again.
    batches: Vec<VecDeque<Job>>,
    sealers: Vec<JoinHandle<()>>,
    admitter: Admitter,
    used: Receiver<FrameBuf>,
    faults: Receiver<Fault>,
    desk_thread: JoinHandle<()>,
    /// Octets of audio that were lost when it was last told.
    overrun_told: u64,
    told: Told,
    started: Instant,
}

impl Recorder {
    /// Starts the threads.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(
        config: RecorderConfig,
        depot: Arc<dyn Depot>,
        keys: Arc<dyn KeySource>,
    ) -> Result<Self, RecorderError> {
        Self::start_with(config, depot, None, keys)
    }

    /// Starts the threads of a recorder that also takes canaries: what comes through [`TapId::canary`] passes the same queues and
    /// threads, is put into a depot of its own, and stands in no figure.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start_with(
        config: RecorderConfig,
        depot: Arc<dyn Depot>,
        canaries: Option<Arc<dyn Depot>>,
        keys: Arc<dyn KeySource>,
    ) -> Result<Self, RecorderError> {
        let (faults_in, faults) = channel();
        let (used_in, used) = channel();
        let sealers_wanted = config.sealers.max(1);
        let octets_each = (config.queue_octets_max / sealers_wanted).max(1 << 20);
        let desk = Desk::new(Arc::clone(&depot), canaries.clone());
        let common = Arc::new(Common {
            tap_names: RwLock::new(config.tap_names.clone()),
            clock_ahead_us: AtomicI64::new(0),
            config,
            depot,
            canaries,
            keys,
            desk,
            summary: summary::Tally::default(),
            faults: faults_in,
            written: AtomicU64::new(0),
            aborted: AtomicBool::new(false),
        });
        let desk_thread = desk::run(&common)?;
        let admitter = Admitter::start(&common)?;
        let (mut queues, mut sealers) = (Vec::new(), Vec::new());
        for number in 0..sealers_wanted {
            let queue = Queue::new(octets_each);
            let sealer = Sealer::new(Arc::clone(&common), queue.clone(), admitter.entry(), used_in.clone());
            let thread = std::thread::Builder::new().name(format!("sealer-{number}"));
            sealers.push(thread.spawn(move || sealer.run()).map_err(RecorderError::NoThread)?);
            queues.push(queue);
        }
        let batches = queues.iter().map(|_| VecDeque::new()).collect();
        Ok(Self {
            common,
            queues,
            batches,
            sealers,
            admitter,
            used,
            faults,
            desk_thread,
            overrun_told: 0,
            told: Told::default(),
            started: Instant::now(),
        })
    }

    /// Takes commands, all that the engine has. Live it never waits: audio that does not fit becomes a gap of cause 2 of
    /// its length. Reading files it waits until the sealers have caught up.
    pub fn submit(&mut self, cmds: impl Iterator<Item = SegCmd>) {
        let sealers = u64::try_from(self.queues.len()).unwrap_or(1).max(1);
        for cmd in cmds {
            if let SegCmd::Signalled { seg, at, info } = &cmd {
                self.common.summary.signalled(info.tap);
                self.common.desk.signalled(*seg, at.utc, self.common.new_recording_id(at.utc), info.tap);
            }
            let place = usize::try_from(cmd.seg().0 % sealers).unwrap_or(0);
            if let Some(batch) = self.batches.get_mut(place) {
                batch.push_back(Job(cmd));
            }
        }
        for (queue, batch) in self.queues.iter().zip(&mut self.batches) {
            if batch.is_empty() {
                continue;
            }
            if self.common.config.offline {
                queue.push_all_waiting(batch);
                continue;
            }
            queue.push_all(batch, &mut |job| {
                self.common.summary.overrun(queue::Weigh::octets(job));
                job.lose_audio();
            });
        }
    }

    /// Renames the taps, or names further ones, for parts that begin from now on.
    pub fn name_taps(&self, names: Vec<String>) {
        *self.common.tap_names.write().unwrap_or_else(PoisonError::into_inner) = names;
    }

    /// Takes word from a better clock: the one of this machine is `behind_us` microseconds behind it. Sealed as evidence into
    /// parts that begin, and parts that end, from now on; the times in them stay those of this machine.
    pub fn clock_is_behind(&self, behind_us: i64) {
        self.common.clock_ahead_us.store(behind_us.saturating_neg(), Ordering::Relaxed);
    }

    /// Returns the first recording of a segment that is not over, and its reference, once its ledger entry is durable.
    #[must_use]
    pub fn entry_of(&self, seg: SegId) -> Option<(RecordingId, Reference)> {
        self.common.desk.durable(seg).map(|entry| (entry.recording_id, entry.reference))
    }

    /// Returns a buffer that has been written, for the engine to fill again.
    #[must_use]
    pub fn used_buffer(&self) -> Option<FrameBuf> {
        self.used.try_recv().ok()
    }

    /// Returns the next thing that went wrong since the last call, if any. Ask about once a second.
    ///
    /// Audio that found the queue full is told when it begins and whenever it has doubled since; `finish` tells the sum. A full
    /// disk is told when it begins, summed up each minute, and told again when there is space.
    #[must_use]
    pub fn poll_fault(&mut self) -> Option<Fault> {
        let (now, written) = (self.started.elapsed(), self.common.written.load(Ordering::Relaxed));
        while let Ok(fault) = self.faults.try_recv() {
            let news = self.told.hear(fault, now, written);
            if news.is_some() {
                return news;
            }
        }
        if let Some(fault) = self.told.poll(now, written) {
            return Some(fault);
        }
        let octets = self.common.summary.now().overrun_octets;
        (octets > self.overrun_told.saturating_mul(2)).then(|| {
            self.overrun_told = octets;
            Fault::Overrun { octets }
        })
    }

    /// Returns the figures so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.common.summary.now()
    }

    /// Lets the sealers finish what is queued, closes and admits all parts, makes the ledger durable and stops the threads.
    ///
    /// Every segment must have been closed before. Faults that are still unread are returned with the figures.
    pub fn finish(mut self) -> (Summary, Vec<Fault>) {
        for queue in &self.queues {
            queue.close();
        }
        let mut whole = true;
        for sealer in self.sealers {
            whole &= sealer.join().is_ok();
        }
        whole &= self.admitter.finish();
        self.common.desk.close();
        whole &= self.desk_thread.join().is_ok();
        if !whole {
            self.common.aborted.store(true, Ordering::Relaxed);
        }
        let (now, written) = (self.started.elapsed(), self.common.written.load(Ordering::Relaxed));
        let unread = self.faults.try_iter().filter_map(|fault| self.told.hear(fault, now, written));
        let mut faults: Vec<Fault> = unread.collect();
        faults.extend(self.told.finish());
        let octets = self.common.summary.now().overrun_octets;
        if octets > self.overrun_told {
            faults.push(Fault::Overrun { octets });
        }
        if !whole {
            faults.push(Fault::ThreadDied);
        }
        (self.common.summary.now(), faults)
    }
}

/// Takes a lock even if another thread panicked while holding it: recording goes on with what is there.
pub(crate) fn locked<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
