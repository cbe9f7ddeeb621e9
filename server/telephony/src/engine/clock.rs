//! The wall clock of whoever stamps the packets: when it steps, and when somebody who knows better says that it is wrong.
//!
//! Lengths and order come from the monotonic clock and are right all the same. What is in doubt are times of day, and a call
//! whose times are in doubt says so for as long as its recording exists.

use shared::Stamp;

use super::{AlarmKind, Engine};

/// A step of so many microseconds is told.
const STEP_US: u64 = 100_000;
/// A clock that is wrong by so many microseconds puts the times of calls in doubt.
const WRONG_US: u64 = 5_000_000;

/// What is known of the wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    /// Wall clock minus monotonic clock at the last look, in microseconds.
    offset_us: Option<i64>,
    /// How far it is behind a better one, in microseconds.
    behind_us: i64,
}

impl Clock {
    /// Whether times of day are known to be wrong.
    pub(super) const fn is_wrong(&self) -> bool {
        self.behind_us.unsigned_abs() > WRONG_US
    }
}

impl Engine {
    /// Takes word from a better clock: the one that stamps the packets is `behind_us` microseconds behind it (ahead of it, if
    /// negative). Calls that are up while that is more than five seconds end as *partly (clock-doubt)*, unless something
    /// worse is the matter with them.
    pub fn clock_is_behind(&mut self, behind_us: i64) {
        let was_wrong = self.clock.is_wrong();
        self.clock.behind_us = behind_us;
        if was_wrong || self.clock.is_wrong() {
            self.doubt_clock();
        }
    }

    /// Notices when the wall clock leaves the monotonic one.
    pub(super) fn watch_clock(&mut self, now: &Stamp) {
        let mono_us = i64::try_from(now.mono_ns / 1_000).unwrap_or(i64::MAX);
        let offset = now.utc.0.saturating_sub(mono_us);
        let step = offset.saturating_sub(self.clock.offset_us.replace(offset).unwrap_or(offset));
        if step.unsigned_abs() <= STEP_US {
            return;
        }
        self.doubt_clock();
        let text = format!(
            "The clock stepped by {} ms. Recordings keep their length and order, but their times of day are in doubt \
             around this moment. Check the time service (NTP or PTP) of whatever stamps the packets.",
            step / 1_000
        );
        self.alarm(*now, None, AlarmKind::ClockStep, text);
    }

    /// Marks what is up.
    fn doubt_clock(&mut self) {
        for place in self.segs.places() {
            if let Some(seg) = self.segs.at_mut(place) {
                seg.clock_doubt = true;
            }
        }
    }
}
