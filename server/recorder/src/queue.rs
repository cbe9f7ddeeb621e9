//! The queue between the engine and one sealer: bounded by the octets of audio that it holds.
//!
//! Live, the engine must never wait: when a sealer falls behind by more than the bound, audio is turned into a gap of
//! cause 2 of the same length (see [`crate::loss`]), and everything else still passes. Offline, the engine waits instead.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Audio that waits while a file is read, at most: enough that neither side waits for single jobs, and so little that it is
/// sealed while it still lies in the processor's cache.
const WAITING_OCTETS_MAX: usize = 4 << 20;

/// What is queued; `octets` is what it costs against the bound.
pub(crate) trait Weigh {
    fn octets(&self) -> usize;
}

struct State<T> {
    jobs: VecDeque<T>,
    octets: usize,
    closed: bool,
}

struct Inner<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    drained: Condvar,
    octets_max: usize,
}

/// One end of a queue; both ends are this type.
pub(crate) struct Queue<T>(Arc<Inner<T>>);

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Weigh> Queue<T> {
    pub(crate) fn new(octets_max: usize) -> Self {
        let state = State { jobs: VecDeque::new(), octets: 0, closed: false };
        let (filled, drained) = (Condvar::new(), Condvar::new());
        Self(Arc::new(Inner { state: Mutex::new(state), filled, drained, octets_max }))
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // A sealer that panicked leaves whole jobs behind; the others must go on recording.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts jobs in without ever waiting; one that would pass the bound is handed to `overrun` first, to be made light.
    pub(crate) fn push_all(&self, jobs: &mut VecDeque<T>, overrun: &mut dyn FnMut(&mut T)) {
        let mut state = self.lock();
        for mut job in jobs.drain(..) {
            if state.octets.saturating_add(job.octets()) > self.0.octets_max && job.octets() > 0 {
                overrun(&mut job);
            }
            state.octets = state.octets.saturating_add(job.octets());
            state.jobs.push_back(job);
        }
        self.0.filled.notify_one();
    }

    /// Waits until the sealer has caught up with what is queued, then puts jobs in.
    pub(crate) fn push_all_waiting(&self, jobs: &mut VecDeque<T>) {
        let mut state = self.lock();
        while state.octets > self.0.octets_max.min(WAITING_OCTETS_MAX) {
            state = self.0.drained.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let octets = jobs.iter().map(Weigh::octets).fold(0, usize::saturating_add);
        state.octets = state.octets.saturating_add(octets);
        state.jobs.append(jobs);
        self.0.filled.notify_one();
    }

    /// Waits for jobs, at most for `patience`, and takes all of them into `taken` (which must be empty); false once closed
    /// and drained.
    pub(crate) fn take_all(&self, taken: &mut VecDeque<T>, patience: Option<Duration>) -> bool {
        let mut state = self.lock();
        while state.jobs.is_empty() && !state.closed {
            let Some(patience) = patience else {
                state = self.0.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let waited = self.0.filled.wait_timeout(state, patience);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            break;
        }
        std::mem::swap(&mut state.jobs, taken);
        !taken.is_empty() || !state.closed
    }

    /// Gives back the room of jobs that were taken and have been dealt with.
    pub(crate) fn release(&self, octets: usize) {
        let mut state = self.lock();
        state.octets = state.octets.saturating_sub(octets);
        self.0.drained.notify_one();
    }

    /// Says that nothing more will come.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.0.filled.notify_all();
    }
}
