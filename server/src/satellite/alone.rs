//! The dead man's switch on a satellite's side: a central that is not heard for minutes is told by this machine's own ways.
//!
//! It is looked at from the main thread by the clock that never steps, and asks nothing of the courier: one that hangs is noticed, too.

use std::sync::atomic::Ordering;

use shared::UtcMicros;
use vault::{Backlog, Severity};

use super::home::{Here, held};
use crate::world;

/// What this is told under.
pub(super) const KEY: &str = "central-silent";
/// Nanoseconds between two looks.
const LOOK_NS: u64 = 1_000_000_000;
/// So long after it was heard last the central counts as there: it answers every ten seconds.
const THERE_NS: u64 = 30_000_000_000;
/// Between two looks lies a second. After more than this the program itself stood still, and knows nothing of that time.
const FROZEN_NS: u64 = 10_000_000_000;
const MINUTE_NS: u64 = 60_000_000_000;

/// What people were told.
#[derive(Debug, Default)]
pub(super) struct Alone {
    looked_ns: u64,
    judge: Judge,
}

impl Alone {
    /// Looks whether the central is there, and tells when that changes.
    pub(super) fn look(&mut self, here: &Here) {
        let now = world::now();
        if now.mono_ns.saturating_sub(self.looked_ns) < LOOK_NS {
            return;
        }
        self.looked_ns = now.mono_ns;
        let limit_ns = u64::from(held(&here.health).central_silent_seconds).saturating_mul(LOOK_NS);
        let heard_ns = here.heard_ns.load(Ordering::Relaxed);
        let bell = &here.people.bell;
        match self.judge.look(now.mono_ns, heard_ns, limit_ns) {
            None => {}
            Some(Told::Silent { minutes }) => {
                let waits = waits(&here.outpost.backlog(), now.utc);
                let why = held(&here.cut_off).clone();
                let why = if why.is_empty() { why } else { format!(" ({why})") };
                let text = format!(
                    "the central has not been heard for {}{why}. Recording goes on here; {waits}. Look at the central and at the line",
                    long(minutes)
                );
                bell.stands(KEY, Severity::Urgent, &text);
            }
            Some(Told::Back { minutes }) => {
                let waits = waits(&here.outpost.backlog(), now.utc);
                bell.over(KEY, &format!("the central is heard again after {}; {waits}", long(minutes)));
            }
        }
    }
}

fn long(minutes: u64) -> String {
    if minutes == 0 { "less than a minute".to_owned() } else { format!("{minutes} min") }
}

fn waits(backlog: &Backlog, now: UtcMicros) -> String {
    if backlog.parts == 0 {
        return "nothing waits for it".to_owned();
    }
    let oldest = backlog.oldest.map_or_else(String::new, |at| {
        format!(", the oldest for {} min", now.0.saturating_sub(at.0).max(0) / 60_000_000)
    });
    format!("{} parts of {} MB wait for it{oldest}", backlog.parts, backlog.bytes / 1_000_000)
}

#[derive(Debug, PartialEq, Eq)]
enum Told {
    Silent { minutes: u64 },
    Back { minutes: u64 },
}

/// When to tell what: pure, all times monotonic and in nanoseconds.
#[derive(Debug, Default)]
struct Judge {
    /// When the central was heard last before it fell silent.
    since_ns: Option<u64>,
    /// When it was looked last, and since when this was done without a break.
    looked_ns: u64,
    awake_ns: u64,
    /// Minutes of silence that were told last.
    told_minutes: Option<u64>,
    /// It was heard since the start.
    met: bool,
}

impl Judge {
    /// `limit_ns` of 0: silence is nothing to tell.
    fn look(&mut self, now_ns: u64, heard_ns: u64, limit_ns: u64) -> Option<Told> {
        let first = *self.since_ns.get_or_insert(heard_ns);
        if now_ns.saturating_sub(self.looked_ns) > FROZEN_NS {
            self.awake_ns = now_ns;
        }
        self.looked_ns = now_ns;
        if heard_ns != first && now_ns.saturating_sub(heard_ns) < THERE_NS {
            let told = self.told_minutes.take();
            self.since_ns = Some(heard_ns);
            // The first time after a start also ends what was told before it.
            let is_news = told.is_some() || !self.met;
            self.met = true;
            return is_news.then(|| Told::Back { minutes: heard_ns.saturating_sub(first) / MINUTE_NS });
        }
        let last = heard_ns.max(first);
        let silent = now_ns.saturating_sub(last) / MINUTE_NS;
        let is_early = now_ns.saturating_sub(last.max(self.awake_ns)) < limit_ns;
        if limit_ns == 0 || is_early || self.told_minutes == Some(silent) {
            return None;
        }
        // Said each minute, so that whoever is told again later hears figures of then.
        self.told_minutes = Some(silent);
        Some(Told::Silent { minutes: silent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;
    const LIMIT: u64 = 5 * MINUTE_NS;

    /// Looks once a second from one second to another; what was told, with its second.
    fn look(
        judge: &mut Judge,
        seconds: std::ops::Range<u64>,
        heard: impl Fn(u64) -> u64,
    ) -> Vec<(u64, Told)> {
        let at = |s: u64| judge.look(s * S, heard(s) * S, LIMIT).map(|told| (s, told));
        seconds.filter_map(at).collect()
    }

    #[test]
    fn silence_is_told_after_its_time_and_so_is_its_end() {
        let mut judge = Judge::default();
        assert_eq!(look(&mut judge, 1..3, |_| 1), [], "just started");
        let first = look(&mut judge, 3..20, |s| s);
        assert_eq!(first, [(3, Told::Back { minutes: 0 })], "ends what stood before the start");
        let silent = look(&mut judge, 20..439, |_| 19);
        assert_eq!(silent, [(319, Told::Silent { minutes: 5 }), (379, Told::Silent { minutes: 6 })]);
        assert_eq!(look(&mut judge, 439..500, |s| s), [(439, Told::Back { minutes: 7 })]);
    }

    #[test]
    fn a_central_that_never_came_since_the_start_is_told_and_one_may_wish_not_to_hear_of_it() {
        let mut judge = Judge::default();
        assert_eq!(look(&mut judge, 1..400, |_| 1).first(), Some(&(301, Told::Silent { minutes: 5 })));
        assert_eq!(Judge::default().look(100 * MINUTE_NS, S, 0), None);
    }

    #[test]
    fn a_satellite_that_stood_still_itself_accuses_nobody() {
        let mut judge = Judge::default();
        look(&mut judge, 1..20, |s| s);
        assert_eq!(look(&mut judge, 5_000..5_200, |_| 19), []);
        assert_eq!(look(&mut judge, 5_200..5_210, |s| s), []);
    }
}
