//! The queue between the engine and one sealer: bounded by the octets of audio that it holds.
//!
//! Live, the engine must never wait: when a sealer falls behind by more than the bound, audio is turned into a gap of
//! cause 2 of the same length (see [`crate::loss`]), and everything else still passes. Offline, the engine waits instead.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

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

    /// Tells whether `octets` more would pass the bound.
    pub(crate) fn is_full(&self, octets: usize) -> bool {
        let state = self.lock();
        state.octets.saturating_add(octets) > self.0.octets_max && !state.jobs.is_empty()
    }

    /// Puts a job in, whatever the bound says.
    pub(crate) fn push(&self, job: T) {
        let mut state = self.lock();
        state.octets = state.octets.saturating_add(job.octets());
        state.jobs.push_back(job);
        if state.jobs.len() == 1 {
            self.0.filled.notify_one();
        }
    }

    /// Waits until the bound allows it, then puts a job in.
    pub(crate) fn push_waiting(&self, job: T) {
        let mut state = self.lock();
        let octets = job.octets();
        while state.octets.saturating_add(octets) > self.0.octets_max && !state.jobs.is_empty() {
            state = self.0.drained.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.octets = state.octets.saturating_add(octets);
        state.jobs.push_back(job);
        if state.jobs.len() == 1 {
            self.0.filled.notify_one();
        }
    }

    /// Waits for jobs and takes all of them into `taken` (which must be empty); false once closed and drained.
    pub(crate) fn take_all(&self, taken: &mut VecDeque<T>) -> bool {
        let mut state = self.lock();
        while state.jobs.is_empty() && !state.closed {
            state = self.0.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut state.jobs, taken);
        !taken.is_empty()
    }

    /// Gives back the room of one job that was taken and has been dealt with.
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
