//! What a week is like, and how improbable a silence is under it: pure mathematics, minute by minute, no clock and no file.
//!
//! A [`Pulse`] is learnt by hours of the week in the site's own time, six weeks back. Each minute without an event adds to its
//! *surprise*: how improbable it is, as a natural logarithm, that so many minutes pass without one. Each pause between two events is
//! another chance of a long one, so a silence is told when fewer than one day in ten thousand would have such a pause.
//!
//! Events are taken to come as a Poisson process whose rate is known only from `n` events in `t` minutes of other weeks: the chance that
//! none comes in the next minute, after `q` minutes of this hour without one, is `((t+q)/(t+q+1))^n`. With much history this is
//! `exp(-n/t)`; with little it says less, as it should. The busiest of those weeks is left out, so that one campaign makes no rule.
//!
//! Of what is steady (packets on a mirror port) not each event counts but each minute with one: see [`Kind::Steady`].

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use shared::{Day, UtcMicros, Zone};

/// Hours of a week.
const HOURS: usize = 168;
/// Weeks that are remembered.
const WEEKS: usize = 6;
/// An hour of the week says something when it was listened to in so many weeks before,
const WEEKS_LEAST: usize = 2;
/// for so many minutes each.
const MINUTES_LEAST: u32 = 30;
/// The odds below which a silence is told, as a logarithm: one day in ten thousand.
const SURPRISING: f64 = 9.210_340_371_976_184;
/// Steady is what was there in so many of a thousand minutes.
const STEADY: u32 = 950;

/// How events come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One by one, each for itself: calls.
    Single,
    /// In nearly every minute, or nothing is said of the hour: packets.
    Steady,
}

/// Where a minute lies on the site's calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct When {
    /// The day.
    pub(crate) day: Day,
    /// The hour on the wall, 0 to 23. It comes twice when clocks go back.
    pub(crate) hour: u8,
}

impl When {
    /// Finds it.
    pub(crate) fn of(zone: &Zone, at: UtcMicros) -> Self {
        Self { day: zone.day_of(at), hour: zone.hms_of(at).0 }
    }

    /// The hour of the week; 0 is Monday's first.
    fn slot(self) -> usize {
        // 1970-01-01 was a Thursday.
        let weekday = usize::try_from(self.day.number().saturating_add(3).rem_euclid(7)).unwrap_or(0);
        weekday.saturating_mul(24).saturating_add(usize::from(self.hour)).min(HOURS - 1)
    }
}

/// One hour of one week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u32, u32, u32)", into = "(u32, u32, u32)")]
struct Seen {
    /// Its day, yyyymmdd.
    day: u32,
    /// Minutes listened to.
    minutes: u32,
    /// Events in them.
    events: u32,
}

impl From<(u32, u32, u32)> for Seen {
    fn from((day, minutes, events): (u32, u32, u32)) -> Self {
        Self { day, minutes, events }
    }
}

impl From<Seen> for (u32, u32, u32) {
    fn from(seen: Seen) -> Self {
        (seen.day, seen.minutes, seen.events)
    }
}

/// The events of one thing, week by week, and the silence that goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pulse {
    /// By hour of the week, the newest week last.
    hours: Vec<VecDeque<Seen>>,
    /// Minutes since the last event.
    quiet: u32,
    /// The improbability of that.
    surprise: f64,
    /// The hour of the week that the silence is in, and how long.
    slot: (usize, u32),
}

impl Default for Pulse {
    fn default() -> Self {
        Self { hours: vec![VecDeque::new(); HOURS], quiet: 0, surprise: 0.0, slot: (0, 0) }
    }
}

impl Pulse {
    /// Takes a minute that was listened to, with its events. `alive`: something went on that says that all is well without being an
    /// event, such as a call that goes on. `is_usual`: a day like others; one that is not is neither learnt nor judged.
    pub(crate) fn minute(&mut self, kind: Kind, when: When, events: u32, alive: bool, is_usual: bool) {
        // Of what was there before today: a quiet hour must not make itself probable.
        let surprise = self.surprise_of(kind, when);
        if is_usual {
            self.learn(when, 1, if kind == Kind::Steady { events.min(1) } else { events });
        }
        if events > 0 || alive {
            self.forget_silence();
            return;
        }
        self.quiet = self.quiet.saturating_add(1);
        if is_usual {
            self.surprise += surprise;
            let slot = when.slot();
            self.slot = if self.slot.0 == slot { (slot, self.slot.1.saturating_add(1)) } else { (slot, 1) };
        }
    }

    /// Adds what is known of an hour from elsewhere.
    pub(crate) fn learn(&mut self, when: When, minutes: u32, events: u32) {
        let Some(weeks) = self.hours.get_mut(when.slot()) else { return };
        let day = when.day.yyyymmdd();
        match weeks.iter_mut().find(|seen| seen.day == day) {
            Some(seen) => {
                seen.minutes = seen.minutes.saturating_add(minutes);
                seen.events = seen.events.saturating_add(events);
            }
            None => weeks.push_back(Seen { day, minutes, events }),
        }
        while weeks.len() > WEEKS {
            weeks.pop_front();
        }
    }

    /// True if it was read as it was written.
    pub(crate) fn is_whole(&self) -> bool {
        self.hours.len() == HOURS && self.surprise.is_finite()
    }

    /// Begins to count anew: an event came, or nobody knows how long nothing came.
    pub(crate) fn forget_silence(&mut self) {
        (self.quiet, self.surprise, self.slot) = (0, 0.0, (0, 0));
    }

    /// Minutes since the last event.
    pub(crate) fn quiet_minutes(&self) -> u32 {
        self.quiet
    }

    /// True if the silence is so improbable that it must be told.
    pub(crate) fn is_surprising(&self, today: Day) -> bool {
        // Most of the time the first is enough to say no.
        self.surprise > SURPRISING && self.surprise > SURPRISING + self.a_day(today).max(1.0).ln()
    }

    /// Events of a usual day: so many pauses there are.
    fn a_day(&self, today: Day) -> f64 {
        let an_hour = |(minutes, events): (u32, u32)| f64::from(events) * 60.0 / f64::from(minutes.max(1));
        self.hours.iter().filter_map(|weeks| history(weeks, today)).map(an_hour).sum::<f64>() / 7.0
    }

    /// True if the week is known well enough to judge by it: most of its hours were listened to twice.
    pub(crate) fn is_learnt(&self, today: Day) -> bool {
        let known = self.hours.iter().filter(|weeks| history(weeks, today).is_some()).count();
        known > HOURS / 2
    }

    /// Events an hour as they are usual at a time; `None`: not known yet.
    pub(crate) fn usual(&self, when: When) -> Option<f64> {
        let (minutes, events) = history(self.hours.get(when.slot())?, when.day)?;
        Some(f64::from(events) * 60.0 / f64::from(minutes.max(1)))
    }

    /// How improbable it is that one more minute passes without an event.
    fn surprise_of(&self, kind: Kind, when: When) -> f64 {
        let slot = when.slot();
        let Some((t, n)) = self.hours.get(slot).and_then(|weeks| history(weeks, when.day)) else {
            return 0.0;
        };
        let q = if self.slot.0 == slot { self.slot.1 } else { 0 };
        let (t, n, q) = (f64::from(t), f64::from(n), f64::from(q));
        match kind {
            Kind::Single => n * ((t + q + 1.0) / (t + q)).ln(),
            Kind::Steady if n * 1_000.0 < t * f64::from(STEADY) => 0.0,
            Kind::Steady => ((t + q + 0.5) / ((t - n).max(0.0) + q + 0.5)).ln(),
        }
    }
}

/// Minutes and events of an hour of the week in other weeks, without the busiest; `None`: too few are known.
fn history(weeks: &VecDeque<Seen>, today: Day) -> Option<(u32, u32)> {
    let known = weeks.iter().filter(|seen| seen.day != today.yyyymmdd() && seen.minutes >= MINUTES_LEAST);
    let known: Vec<&Seen> = known.collect();
    if known.len() < WEEKS_LEAST {
        return None;
    }
    let sum = |(minutes, events): (u32, u32), seen: &&Seen| {
        (minutes.saturating_add(seen.minutes), events.saturating_add(seen.events))
    };
    let (minutes, events) = known.iter().fold((0, 0), sum);
    let busiest = known.iter().max_by_key(|seen| u64::from(seen.events) * 3_600 / u64::from(seen.minutes))?;
    Some((minutes.saturating_sub(busiest.minutes), events.saturating_sub(busiest.events)))
}

#[cfg(test)]
mod tests;
