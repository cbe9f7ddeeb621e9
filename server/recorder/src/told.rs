//! What is told of troubles that last: their beginning at once, once a minute how things stand, and their end.
//!
//! A full disk fails every write of every call, each second. Telling each would bury the one line that matters; telling
//! nothing more would let it be forgotten. The account itself is kept elsewhere: each call has its ledger entry.

use std::time::Duration;

use crate::Fault;

/// From one summary to the next.
const EVERY: Duration = Duration::from_secs(60);
/// So long nothing may have failed, with something written meanwhile, before a full disk counts as over.
const QUIET: Duration = Duration::from_secs(10);
/// Other troubles told apart; further ones are told as they come.
const OTHERS_MAX: usize = 16;

/// One trouble under way.
#[derive(Debug)]
struct Lasting {
    since: Duration,
    last: Duration,
    told: Duration,
    /// Failures since it was told last, and in all.
    untold: u64,
    failures: u64,
    /// How many writes had worked at the last failure.
    written: u64,
}

impl Lasting {
    const fn new(now: Duration, written: u64) -> Self {
        Self { since: now, last: now, told: now, untold: 0, failures: 1, written }
    }

    const fn again(&mut self, now: Duration, written: u64) {
        (self.last, self.written) = (now, written);
        self.untold = self.untold.saturating_add(1);
        self.failures = self.failures.saturating_add(1);
    }

    /// Tells whether it is time for a summary, and how many failures that is about.
    fn summary(&mut self, now: Duration) -> Option<u64> {
        let due = self.untold > 0 && now.saturating_sub(self.told) >= EVERY;
        due.then(|| {
            self.told = now;
            std::mem::take(&mut self.untold)
        })
    }

    fn is_over(&self, now: Duration, written: u64) -> bool {
        written > self.written && now.saturating_sub(self.last) >= QUIET
    }
}

/// What has been told so far. Time is how long the recorder has been running.
#[derive(Debug, Default)]
pub(crate) struct Told {
    full: Option<Lasting>,
    others: Vec<(String, Lasting)>,
}

impl Told {
    /// Takes a fault as it happened; returns it if it is news. `written` counts the writes that worked so far.
    pub(crate) fn hear(&mut self, fault: Fault, now: Duration, written: u64) -> Option<Fault> {
        match &fault {
            Fault::DiskFull { .. } => {
                if let Some(full) = &mut self.full {
                    full.again(now, written);
                    return None;
                }
                self.full = Some(Lasting::new(now, written));
            }
            Fault::Disk { text } => {
                if let Some((_, lasting)) = self.others.iter_mut().find(|(known, _)| known == text) {
                    lasting.again(now, written);
                    return None;
                }
                if self.others.len() < OTHERS_MAX {
                    self.others.push((text.clone(), Lasting::new(now, written)));
                }
            }
            Fault::StillFull { .. }
            | Fault::Again { .. }
            | Fault::SpaceAgain { .. }
            | Fault::Overrun { .. }
            | Fault::ThreadDied => {}
        }
        Some(fault)
    }

    /// Returns what time makes worth telling.
    pub(crate) fn poll(&mut self, now: Duration, written: u64) -> Option<Fault> {
        if let Some(full) = &mut self.full {
            if full.is_over(now, written) {
                let (failures, seconds) = (full.failures, full.last.saturating_sub(full.since).as_secs());
                self.full = None;
                return Some(Fault::SpaceAgain { failures, seconds });
            }
            if let Some(failures) = full.summary(now) {
                return Some(Fault::StillFull { failures });
            }
        }
        self.others.retain(|(_, lasting)| lasting.untold > 0 || now.saturating_sub(lasting.last) < EVERY);
        self.others.iter_mut().find_map(|(text, lasting)| {
            let times = lasting.summary(now)?;
            Some(Fault::Again { text: text.clone(), times })
        })
    }

    /// Returns what is left to say at the end.
    pub(crate) fn finish(&mut self) -> Vec<Fault> {
        let full = self.full.take().filter(|full| full.untold > 0);
        let full = full.map(|full| Fault::StillFull { failures: full.untold });
        let others = std::mem::take(&mut self.others).into_iter().filter(|(_, lasting)| lasting.untold > 0);
        full.into_iter().chain(others.map(|(text, l)| Fault::Again { text, times: l.untold })).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn full() -> Fault {
        Fault::DiskFull { text: "full".into() }
    }

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Lets 20 calls fail once a second for a while; returns what is told.
    fn fail(told: &mut Told, seconds: std::ops::Range<u64>) -> Vec<Fault> {
        let mut said = Vec::new();
        for second in seconds {
            said.extend((0..20).filter_map(|_| told.hear(full(), at(second), 5)));
            said.extend(told.poll(at(second), 5));
        }
        said
    }

    #[test]
    fn a_disk_that_stays_full_is_told_once_and_summed_up_each_minute() {
        let mut told = Told::default();
        let said = fail(&mut told, 0..150);
        let still = |failures| Fault::StillFull { failures };
        assert_eq!(said, [full(), still(60 * 20 + 19), still(60 * 20)]);
        assert_eq!(told.finish(), [still(29 * 20)], "the end tells the rest");
        assert!(told.finish().is_empty(), "once");
    }

    #[test]
    fn its_end_is_told_once_something_was_written_and_nothing_failed_for_a_while() {
        let mut told = Told::default();
        let _beginning = fail(&mut told, 0..30);
        assert_eq!(told.poll(at(45), 5), None, "nothing was written: nobody knows");
        assert_eq!(told.poll(at(35), 9), None, "too early");
        assert_eq!(told.poll(at(45), 9), Some(Fault::SpaceAgain { failures: 600, seconds: 29 }));
        assert_eq!(told.poll(at(200), 99), None, "over");
        assert_eq!(told.hear(full(), at(201), 99), Some(full()), "another beginning");
    }

    #[test]
    fn a_small_write_that_still_fits_does_not_make_it_flap() {
        let mut told = Told::default();
        let mut said = Vec::new();
        for second in 0..50 {
            said.extend(told.hear(full(), at(second), second));
            said.extend(told.poll(at(second), second + 1));
        }
        assert_eq!(said, [full()]);
    }

    #[test]
    fn other_troubles_are_told_apart_by_their_words() {
        let mut told = Told::default();
        let disk = |text: &str| Fault::Disk { text: text.into() };
        assert_eq!(told.hear(disk("a"), at(0), 0), Some(disk("a")));
        assert_eq!(told.hear(disk("b"), at(0), 0), Some(disk("b")));
        assert_eq!(told.hear(disk("a"), at(1), 0), None);
        assert_eq!(told.poll(at(59), 0), None);
        assert_eq!(told.poll(at(60), 0), Some(Fault::Again { text: "a".into(), times: 1 }));
        assert_eq!(told.poll(at(200), 0), None);
        assert_eq!(told.hear(disk("a"), at(200), 0), Some(disk("a")), "after a minute without it is news");
    }
}
