//! What has fallen silent against its own week: taps, and groups of extensions. A judgement minute by minute, no clock and no file.
//!
//! A tap is listened to in three ways, and the deepest one that fails is told: packets (the mirror port, the cable), calls (the
//! signalling), sound (the media). A tap whose week is not known yet is judged by plain minutes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::{Day, Stamp, Zone};
use vault::Severity;

use super::pattern::{Kind, Pulse, When};
use super::settings::Health;

/// However improbable: a silence of calls is not told before so many minutes,
const CALLS_MINUTES: u32 = 15;
/// and one of packets or sound not before so many: a mirror port that was switched off is told within a quarter of an hour.
const PACKETS_MINUTES: u32 = 10;
/// A minute is counted when it took so long, in microseconds; nobody listened in a longer one.
const MINUTE_US: std::ops::Range<u64> = 55_000_000..120_000_000;
/// The wall clock may differ so much from the one that never steps, in microseconds, in a minute. More is a step.
const STEP_US: u64 = 5_000_000;
/// Taps and groups that are remembered.
const SUBJECTS_MAX: usize = 256;

/// What is watched, with counts that only grow while the program runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// What people call it.
    pub(crate) name: String,
    /// Extensions, and not a tap: only its calls are counted.
    pub(crate) is_group: bool,
    /// It is listened to. That it is not is told by whoever reads it.
    pub(crate) open: bool,
    /// Packets.
    pub(crate) packets: u64,
    /// Calls signalled.
    pub(crate) calls: u64,
    /// Calls of which sound came.
    pub(crate) heard: u64,
    /// Pieces of sound.
    pub(crate) sound: u64,
    /// Minutes without a call that are told while its week is not known; 0: none.
    pub(crate) quiet_minutes: u32,
}

impl Counts {
    fn key(&self) -> String {
        format!("{}/{}", if self.is_group { "group" } else { "tap" }, self.name)
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            packets: self.packets.saturating_sub(before.packets),
            calls: self.calls.saturating_sub(before.calls),
            heard: self.heard.saturating_sub(before.heard),
            sound: self.sound.saturating_sub(before.sound),
            ..self.clone()
        }
    }
}

/// What came of a look at one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is too quiet.
    Quiet(Severity, String),
    /// It is not, or not any more.
    Well(String),
}

/// What is remembered of one of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Subject {
    calls: Pulse,
    sound: Pulse,
    packets: Pulse,
}

/// All that is watched.
#[derive(Debug, Default)]
pub(crate) struct Quiet {
    subjects: BTreeMap<String, Subject>,
    last: Option<(Stamp, Vec<Counts>)>,
}

impl Quiet {
    /// Reads what was learnt; what makes no sense is learnt anew.
    pub(crate) fn from_json(text: &[u8]) -> Self {
        let mut subjects: BTreeMap<String, Subject> = serde_json::from_slice(text).unwrap_or_default();
        subjects.retain(|_, s| s.calls.is_whole() && s.sound.is_whole() && s.packets.is_whole());
        Self { subjects, last: None }
    }

    /// Writes what was learnt: names of taps and groups, and counts by the hour.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.subjects).unwrap_or_default()
    }

    /// Looks, about once a minute. Returns a verdict, by its key, for whatever something can be said of.
    pub(crate) fn look(
        &mut self,
        now: &Stamp,
        zone: &Zone,
        rules: &Health,
        counts: Vec<Counts>,
    ) -> Vec<(String, Verdict)> {
        let Some((then, before)) = self.last.replace((*now, counts.clone())) else { return Vec::new() };
        let took_us = now.micros_since(&then);
        let wall_us = now.utc.since(then.utc);
        let stepped = wall_us.abs_diff(i64::try_from(took_us).unwrap_or(i64::MAX)) > STEP_US;
        if stepped || !MINUTE_US.contains(&took_us) {
            self.subjects.values_mut().for_each(Subject::forget_silence);
            return Vec::new();
        }
        let when = When::of(zone, now.utc);
        let is_usual = !rules.is_quiet_day(when.day);
        let mut verdicts = Vec::new();
        for is in &counts {
            let Some(was) = before.iter().find(|was| was.key() == is.key()) else { continue };
            if !is.open || !was.open {
                continue;
            }
            let (key, minute) = (is.key(), is.since(was));
            if !self.subjects.contains_key(&key) && self.subjects.len() >= SUBJECTS_MAX {
                self.subjects.retain(|known, _| counts.iter().any(|counts| counts.key() == *known));
            }
            let subject = self.subjects.entry(key.clone()).or_default();
            subject.live(&minute, when, is_usual);
            if let Some(verdict) = subject.verdict(&minute, when, is_usual) {
                verdicts.push((key, verdict));
            }
        }
        for was in before.iter().filter(|was| counts.iter().all(|is| is.key() != was.key())) {
            verdicts.push((was.key(), Verdict::Well(format!("{} is not watched any more", was.what()))));
        }
        verdicts
    }
}

impl Counts {
    fn what(&self) -> String {
        format!("{} \"{}\"", if self.is_group { "group" } else { "tap" }, self.name)
    }
}

impl Subject {
    fn forget_silence(&mut self) {
        self.calls.forget_silence();
        self.sound.forget_silence();
        self.packets.forget_silence();
    }

    fn live(&mut self, minute: &Counts, when: When, is_usual: bool) {
        let few = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        self.calls.minute(Kind::Single, when, few(minute.calls), false, is_usual);
        if !minute.is_group {
            self.sound.minute(Kind::Single, when, few(minute.heard), minute.sound > 0, is_usual);
            self.packets.minute(Kind::Steady, when, few(minute.packets), false, is_usual);
        }
    }

    /// What is to be said; `None`: what was said stands.
    fn verdict(&self, minute: &Counts, when: When, is_usual: bool) -> Option<Verdict> {
        let what = minute.what();
        let is_quiet = |pulse: &Pulse, least| pulse.quiet_minutes() >= least && pulse.is_surprising(when.day);
        if is_quiet(&self.packets, PACKETS_MINUTES) {
            let text = format!(
                "{what}: no packet for {} min, and at this hour there always are some. The interface is up and is read: look at the cable, \
                 at the mirror port and at the switch. Nothing is recorded there",
                self.packets.quiet_minutes()
            );
            return Some(Verdict::Quiet(Severity::Urgent, text));
        }
        if is_quiet(&self.calls, CALLS_MINUTES) {
            return Some(Verdict::Quiet(self.severity(minute), self.no_call(minute, when)));
        }
        let is_called = self.calls.quiet_minutes() < PACKETS_MINUTES;
        if is_called && is_quiet(&self.sound, PACKETS_MINUTES) {
            let text = format!(
                "{what}: calls are signalled, and no sound of any came for {} min. The mirror port may copy the signalling only, or the \
                 sound takes another way. Until it is mended calls are not recorded",
                self.sound.quiet_minutes()
            );
            return Some(Verdict::Quiet(Severity::Urgent, text));
        }
        let quiet = self.calls.quiet_minutes();
        let is_plain = minute.quiet_minutes > 0 && !self.calls.is_learnt(when.day);
        if is_plain && is_usual && quiet >= minute.quiet_minutes {
            let text = format!(
                "{what}: no call for {quiet} min, and {} are set as too many. Its week is not known yet: if this is usual there, set \
                 quiet_minutes for it, or days without calls as quiet_days",
                minute.quiet_minutes
            );
            return Some(Verdict::Quiet(Severity::Warning, text));
        }
        match (minute.calls, minute.packets) {
            (0, 0) => None,
            (0, _) => Some(Verdict::Well(format!("{what}: packets come again"))),
            _ => Some(Verdict::Well(format!("{what}: calls come again"))),
        }
    }

    fn no_call(&self, minute: &Counts, when: When) -> String {
        let usual = self.calls.usual(when).unwrap_or_default();
        let hint = match (minute.is_group, minute.packets) {
            (true, _) => "Look whether its calls still pass where they are recorded",
            (false, 0) => "No packets come either: look at the mirror port and the cable",
            (false, _) => "Packets come: look at what the mirror port copies, and whether the exchange works",
        };
        format!(
            "{}: no call for {} min; at this hour about {usual:.0} an hour are usual, so this happens by chance on fewer than one day in ten \
             thousand. {hint}",
            minute.what(),
            self.calls.quiet_minutes()
        )
    }

    fn severity(&self, minute: &Counts) -> Severity {
        if minute.is_group { Severity::Warning } else { Severity::Urgent }
    }
}

/// Reads days without calls: `2026-12-24`, or `12-25` for every year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QuietDay {
    /// This day.
    Once(Day),
    /// Month and day of every year, as mmdd.
    Yearly(u32),
}

impl QuietDay {
    /// Reads one.
    ///
    /// # Errors
    /// It is no day.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        // A leap year has all days.
        let yearly = format!("2024-{text}").parse::<Day>().map(|day| Self::Yearly(day.yyyymmdd() % 10_000));
        let once = text.parse::<Day>().map(Self::Once);
        once.or(yearly).map_err(|_no_day| {
            format!("health.quiet_days: `{text}` is no day: write 2026-12-24, or 12-25 for every year")
        })
    }

    /// True if it is this day.
    pub(crate) fn is(self, day: Day) -> bool {
        match self {
            Self::Once(this) => this == day,
            Self::Yearly(mmdd) => day.yyyymmdd() % 10_000 == mmdd,
        }
    }
}

#[cfg(test)]
mod tests;
