//! The desk of the archive in the server: who asked for a run, what runs now and how far it is, and what each location was like
//! when it was last looked at. Shared between the thread that archives, the one that looks, the console and the control socket.
//!
//! Nothing here is kept over a restart: what was proven stands in the catalogue.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use archiver::carrier::Space;
use archiver::engine::Progress;
use archiver::notices::Absence;
use shared::{LocationId, UtcMicros};
use vault::CheckKind;

use super::checks::AtCheck;
use super::told::Told;

/// The speed shown is that of the last so many seconds.
const PACE: Duration = Duration::from_secs(20);

/// A run that somebody asked for.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    /// Where.
    pub(crate) location: LocationId,
    /// At most so many logins are made.
    pub(crate) logins: usize,
    /// Set to end it early.
    pub(crate) stop: Arc<AtomicBool>,
    /// Who follows it.
    pub(crate) tell: Option<Sender<Event>>,
}

impl Order {
    /// An order that nobody follows.
    pub(crate) fn of(location: LocationId, logins: usize) -> Self {
        Self { location, logins, stop: Arc::default(), tell: None }
    }
}

/// What somebody who follows a run hears.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// How far it is.
    Progress(LocationId, Progress),
    /// It ended.
    Done(Box<Told>),
}

/// How far the run is that goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Running {
    /// When it began.
    pub(crate) since: UtcMicros,
    /// What it does; `None` until it said so.
    pub(crate) progress: Option<Progress>,
    /// Bytes per second of late; `None` while that cannot be told.
    pub(crate) pace: Option<u64>,
    /// It was asked to end early.
    pub(crate) stopping: bool,
}

/// Why a location cannot be archived to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Absent {
    /// What sort of reason.
    pub(crate) which: Absence,
    /// In words, without the location's name.
    pub(crate) why: String,
}

/// What a location was like when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Looked {
    /// When.
    pub(crate) at: UtcMicros,
    /// The room on its medium, or why nothing can be archived there.
    pub(crate) found: Result<Space, Absent>,
}

/// Why the last run did not do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// When.
    pub(crate) at: UtcMicros,
    /// Why, and what to do.
    pub(crate) text: String,
    /// It comes right by itself, or a person must do something.
    pub(crate) passes: bool,
}

/// What is known of a location besides its rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing {
    /// The run that goes on there.
    pub(crate) running: Option<Running>,
    /// A run is asked for and waits for another one.
    pub(crate) waiting: bool,
    /// What it was like.
    pub(crate) looked: Option<Looked>,
    /// Why the last run failed, until one works.
    pub(crate) trouble: Option<Trouble>,
    /// The verification or drill that goes on there.
    pub(crate) checking: Option<AtCheck>,
    /// Why the last one could not be done.
    pub(crate) check_trouble: Option<String>,
}

struct AtWork {
    order: Order,
    since: UtcMicros,
    progress: Option<Progress>,
    samples: VecDeque<(Instant, u64)>,
}

#[derive(Default)]
struct State {
    orders: VecDeque<Order>,
    at_work: Option<AtWork>,
    looked: BTreeMap<LocationId, Looked>,
    troubles: BTreeMap<LocationId, Trouble>,
    no_room: Option<(u64, String)>,
    checks: BTreeMap<LocationId, AtCheck>,
    check_troubles: BTreeMap<LocationId, (Instant, String)>,
    ending: bool,
    gone: bool,
}

/// The desk.
#[derive(Default)]
pub(crate) struct Desk {
    state: Mutex<State>,
    bell: Condvar,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Desk")
    }
}

impl Desk {
    /// Asks for a run. One that nobody follows and that waits already is not asked for twice.
    pub(crate) fn ask(&self, order: Order) {
        let mut state = self.held();
        let is_there = |known: &Order| known.location == order.location && known.tell.is_none();
        if order.tell.is_some() || !state.orders.iter().any(is_there) {
            state.orders.push_back(order);
        }
        self.bell.notify_all();
    }

    /// Ends the run on a location early, and forgets those that wait for it. Tells whether there was one.
    pub(crate) fn stop(&self, location: LocationId) -> bool {
        let mut state = self.held();
        let waited = state.orders.len();
        state.orders.retain(|order| order.location != location);
        let mut found = state.orders.len() < waited;
        if let Some(at_work) = state.at_work.as_ref().filter(|at_work| at_work.order.location == location) {
            at_work.order.stop.store(true, Ordering::Relaxed);
            found = true;
        }
        found
    }

    /// Ends everything: the run that goes on closes what it has, and none begins any more.
    pub(crate) fn end_all(&self) {
        let mut state = self.held();
        state.ending = true;
        state.orders.clear();
        if let Some(at_work) = &state.at_work {
            at_work.order.stop.store(true, Ordering::Relaxed);
        }
        self.bell.notify_all();
    }

    /// Tells whether the end was asked for.
    pub(crate) fn is_ending(&self) -> bool {
        self.held().ending
    }

    /// Waits for an order, or for the end, at most so long.
    pub(crate) fn next(&self, wait: Duration) -> Option<Order> {
        let empty = |state: &mut State| state.orders.is_empty() && !state.ending;
        let (mut state, _) =
            self.bell.wait_timeout_while(self.held(), wait, empty).unwrap_or_else(PoisonError::into_inner);
        state.orders.pop_front()
    }

    /// Notes that a run begins; false if it was stopped before, or everything ends.
    pub(crate) fn begin(&self, order: &Order, now: UtcMicros) -> bool {
        let mut state = self.held();
        if state.ending || order.stop.load(Ordering::Relaxed) {
            return false;
        }
        let order = order.clone();
        state.at_work = Some(AtWork { order, since: now, progress: None, samples: VecDeque::new() });
        true
    }

    /// Notes how far the run is.
    pub(crate) fn progress(&self, progress: &Progress) {
        let mut state = self.held();
        let Some(at_work) = state.at_work.as_mut() else { return };
        let now = Instant::now();
        // A long night is several runs one behind the other; each counts from nothing.
        if at_work.samples.back().is_some_and(|(_, bytes)| progress.bytes < *bytes) {
            at_work.samples.clear();
        }
        at_work.samples.push_back((now, progress.bytes));
        while at_work.samples.front().is_some_and(|(at, _)| now.duration_since(*at) > PACE) {
            at_work.samples.pop_front();
        }
        at_work.progress = Some(*progress);
        if let Some(tell) = &at_work.order.tell {
            // Whoever followed it may have gone away.
            drop(tell.send(Event::Progress(at_work.order.location, *progress)));
        }
    }

    /// Notes that the run ended.
    pub(crate) fn end(&self, trouble: Option<Trouble>) {
        let mut state = self.held();
        let Some(at_work) = state.at_work.take() else { return };
        match trouble {
            Some(trouble) => state.troubles.insert(at_work.order.location, trouble),
            None => state.troubles.remove(&at_work.order.location),
        };
    }

    /// Notes what a location is like now; returns what it was like before.
    pub(crate) fn looked(&self, location: LocationId, looked: Looked) -> Option<Looked> {
        self.held().looked.insert(location, looked)
    }

    /// Notes that a verification or a drill begins; false if one goes on there, a run does, or everything ends.
    pub(crate) fn begin_check(&self, location: LocationId, at: &AtCheck) -> bool {
        let mut state = self.held();
        let runs = state.at_work.as_ref().is_some_and(|at_work| at_work.order.location == location);
        if state.ending || runs || state.checks.contains_key(&location) {
            return false;
        }
        state.check_troubles.remove(&location);
        state.checks.insert(location, at.clone());
        true
    }

    /// Notes how far it is.
    pub(crate) fn step_check(&self, location: LocationId, bytes: u64) {
        if let Some(at) = self.held().checks.get_mut(&location) {
            at.bytes = bytes;
        }
    }

    /// Asks it to end; false if there is none.
    pub(crate) fn stop_check(&self, location: LocationId) -> bool {
        let state = self.held();
        let at = state.checks.get(&location);
        at.inspect(|at| at.stop.store(true, Ordering::Relaxed)).is_some()
    }

    /// Notes that it ended, and why it could not be done.
    pub(crate) fn end_check(&self, location: LocationId, trouble: Option<String>) {
        let mut state = self.held();
        state.checks.remove(&location);
        if let Some(trouble) = trouble {
            state.check_troubles.insert(location, (Instant::now(), trouble));
        }
        self.bell.notify_all();
    }

    /// Whether a drill may begin by itself: none failed of late.
    pub(crate) fn may_drill(&self, location: LocationId, again: Duration) -> bool {
        self.held().check_troubles.get(&location).is_none_or(|(at, _)| at.elapsed() >= again)
    }

    /// Ends a verification at a place, so that a run may begin, and waits for its end; not for ever.
    pub(crate) fn clear_for_run(&self, location: LocationId, wait: Duration) {
        let verifies =
            |state: &State| state.checks.get(&location).is_some_and(|at| at.what == CheckKind::Verify);
        let state = self.held();
        if !verifies(&state) {
            return;
        }
        if let Some(at) = state.checks.get(&location) {
            at.stop.store(true, Ordering::Relaxed);
        }
        let goes_on = |state: &mut State| verifies(state) && !state.ending;
        drop(self.bell.wait_timeout_while(state, wait, goes_on).unwrap_or_else(PoisonError::into_inner));
    }

    /// Notes how full the live store's disk is, in parts of a hundred, and why nothing may leave it; `None`: there is room.
    pub(crate) fn set_no_room(&self, why: Option<(u64, String)>) {
        self.held().no_room = why;
    }

    /// Returns that.
    pub(crate) fn no_room(&self) -> Option<(u64, String)> {
        self.held().no_room.clone()
    }

    /// Returns what is known of a location.
    pub(crate) fn standing(&self, location: LocationId) -> Standing {
        let state = self.held();
        let here = state.at_work.as_ref().filter(|at_work| at_work.order.location == location);
        Standing {
            running: here.map(|at_work| Running {
                since: at_work.since,
                progress: at_work.progress,
                pace: pace(&at_work.samples),
                stopping: at_work.order.stop.load(Ordering::Relaxed),
            }),
            waiting: state.orders.iter().any(|order| order.location == location),
            looked: state.looked.get(&location).cloned(),
            trouble: state.troubles.get(&location).cloned(),
            checking: state.checks.get(&location).cloned(),
            check_trouble: state.check_troubles.get(&location).map(|(_, text)| text.clone()),
        }
    }

    /// Notes that the thread that archives has ended.
    pub(crate) fn gone(&self) {
        self.held().gone = true;
    }

    /// Tells whether the thread that archives ended without having been asked to.
    pub(crate) fn has_died(&self) -> bool {
        let state = self.held();
        state.gone && !state.ending
    }

    /// Locks, whatever another thread died of: what is inside is always whole.
    fn held(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pace(samples: &VecDeque<(Instant, u64)>) -> Option<u64> {
    let ((from, first), (to, last)) = (samples.front()?, samples.back()?);
    let ms = to.duration_since(*from).as_millis();
    let bytes = u128::from(last.saturating_sub(*first));
    // Under a second of it says nothing.
    (ms >= 1_000).then(|| u64::try_from(bytes.saturating_mul(1_000) / ms).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: LocationId = LocationId([1; 16]);
    const THERE: LocationId = LocationId([2; 16]);

    fn at(us: i64) -> UtcMicros {
        UtcMicros(us)
    }

    #[test]
    fn an_order_waits_runs_and_is_gone() {
        let desk = Desk::default();
        desk.ask(Order::of(HERE, 1));
        desk.ask(Order::of(HERE, 1));
        assert!(desk.standing(HERE).waiting && !desk.standing(THERE).waiting);
        let order = desk.next(Duration::ZERO).expect("one was asked for");
        assert!(desk.next(Duration::ZERO).is_none(), "the same was not asked for twice");
        assert!(desk.begin(&order, at(5)));
        assert_eq!(desk.standing(HERE).running.map(|running| running.since), Some(at(5)));
        let trouble = Trouble { at: at(9), text: "full".to_owned(), passes: false };
        desk.end(Some(trouble.clone()));
        let standing = desk.standing(HERE);
        assert!(standing.running.is_none());
        assert_eq!(standing.trouble, Some(trouble));
        assert!(desk.begin(&order, at(10)));
        desk.end(None);
        assert_eq!(desk.standing(HERE).trouble, None, "a run that worked ends the trouble");
    }

    #[test]
    fn a_run_goes_before_a_verification_and_none_begins_beside_it() {
        let desk = Desk::default();
        let at = |what| AtCheck { what, since: at(0), bytes: 0, stop: Arc::default() };
        let (verify, drill) = (at(CheckKind::Verify), at(CheckKind::Drill));
        assert!(desk.begin_check(HERE, &verify) && !desk.begin_check(HERE, &drill));
        assert!(desk.begin_check(THERE, &drill));
        desk.step_check(HERE, 7);
        assert_eq!(desk.standing(HERE).checking.map(|at| at.bytes), Some(7));
        desk.clear_for_run(THERE, Duration::ZERO);
        assert!(!drill.stop.load(Ordering::Relaxed), "a drill disturbs no run");
        desk.clear_for_run(HERE, Duration::ZERO);
        assert!(verify.stop.load(Ordering::Relaxed));
        desk.end_check(HERE, Some("away".to_owned()));
        assert_eq!(desk.standing(HERE).check_trouble.as_deref(), Some("away"));
        assert!(
            !desk.may_drill(HERE, Duration::from_secs(9)) && desk.may_drill(THERE, Duration::from_secs(9))
        );
        assert!(
            desk.begin(&Order::of(HERE, 1), UtcMicros(1)) && !desk.begin_check(HERE, &verify),
            "a run goes on"
        );
    }

    #[test]
    fn a_stop_reaches_the_run_at_work_and_those_that_wait() {
        let desk = Desk::default();
        let order = Order::of(HERE, 1);
        assert!(!desk.stop(HERE));
        assert!(desk.begin(&order, at(0)));
        desk.ask(Order::of(HERE, 1));
        desk.ask(Order::of(THERE, 1));
        assert!(desk.stop(HERE));
        assert!(order.stop.load(Ordering::Relaxed) && !desk.standing(HERE).waiting);
        assert!(desk.standing(THERE).waiting, "the other location's stays");
        desk.end_all();
        assert!(desk.is_ending() && !desk.begin(&Order::of(THERE, 1), at(1)), "no run begins at the end");
    }
}
