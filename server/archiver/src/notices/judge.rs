//! Which notices are true: one small function for each, over the facts.

use shared::UtcMicros;
use vault::{MediumState, Severity};

use super::{Absence, Facts, Filled, Found, LastRun, Notice, NoticeKind, Place};
use crate::schedule::{Due, due, next};

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;
/// Two nights: the drive that is taken home at the week's end is missed on Sunday morning.
const UNSEEN_US: i64 = 2 * DAY_US;
/// A month, and some days in which somebody may connect what is away.
const DRILL_US: i64 = 35 * DAY_US;
/// The forecast is told at these days, and again at each smaller one.
const FILLS_AT: [(u32, Severity); 5] = [
    (1, Severity::Urgent),
    (3, Severity::Urgent),
    (7, Severity::Warning),
    (14, Severity::Told),
    (30, Severity::Told),
];
const FULL_PERCENT: u64 = 90;
/// Logins reach this far ahead at least, and here it is urgent.
const LOGINS_DAYS: i32 = 60;
const LOGINS_URGENT_DAYS: i32 = 14;
/// Somebody has so long to connect a drive before a recording reaches the end of its retention.
const RETENTION_US: i64 = 14 * DAY_US;
const RETENTION_URGENT_US: i64 = 3 * DAY_US;
/// What is read past the cache counts from here on.
const LEVEL_COUNTS: u8 = 3;
const LEVEL_WRITTEN: u8 = 2;

pub(super) fn all(facts: &Facts, now: UtcMicros) -> Vec<Notice> {
    let mut all: Vec<Notice> =
        of_all(facts).into_iter().chain(waiting(facts)).chain(to_review(facts)).collect();
    let rules: [fn(&Facts, &Place, UtcMicros) -> Option<Notice>; 16] = [
        absent,
        suspect,
        lost,
        behind,
        failed,
        holes,
        stopped,
        clock_back,
        fills,
        nearly_full,
        too_short,
        unproven,
        drill_overdue,
        drill_wrong,
        logins_short,
        retention_near,
    ];
    for place in &facts.places {
        all.extend(rules.iter().filter_map(|rule| rule(facts, place, now)));
    }
    all
}

fn of_all(facts: &Facts) -> Vec<Notice> {
    let mut all = Vec::new();
    if facts.places.is_empty() && facts.has_recordings {
        all.push(general(NoticeKind::NoPlace, Severity::Warning, Filled::default()));
    }
    if let Some((used, why)) = &facts.no_room {
        let filled = Filled { count: Some(*used), why: why.clone(), ..Filled::default() };
        all.push(general(NoticeKind::NoRoom, Severity::Urgent, filled));
    }
    all
}

fn waiting(facts: &Facts) -> impl Iterator<Item = Notice> {
    facts.waiting.iter().map(|change| Notice {
        kind: NoticeKind::PolicyWaits,
        of: change.change.to_string(),
        severity: Severity::Warning,
        filled: Filled {
            name: change.by.clone(),
            at_us: change.effective.map(|at| at.0),
            count: Some(change.affected),
            ..Filled::default()
        },
    })
}

/// Nothing is ever released by itself: it stands until somebody releases the hold or sets another day.
fn to_review(facts: &Facts) -> impl Iterator<Item = Notice> {
    facts.to_review.iter().map(|hold| Notice {
        kind: NoticeKind::HoldReview,
        of: hold.hold.clone(),
        severity: Severity::Warning,
        filled: Filled { name: hold.owner.clone(), day: Some(hold.day.yyyymmdd()), ..Filled::default() },
    })
}

const fn general(kind: NoticeKind, severity: Severity, filled: Filled) -> Notice {
    Notice { kind, of: String::new(), severity, filled }
}

impl Place {
    fn filled(&self) -> Filled {
        Filled {
            place: self.id.to_string(),
            name: self.name.clone(),
            medium: self.medium.clone(),
            lies_in: self.lies_in.clone(),
            ..Filled::default()
        }
    }

    fn notice(&self, kind: NoticeKind, severity: Severity, filled: Filled) -> Notice {
        Notice { kind, of: self.id.to_string(), severity, filled }
    }

    fn has_medium(&self) -> bool {
        self.state == Some(MediumState::Good)
    }
}

/// What keeps it from being archived to, told once: the longer it lasts, the louder.
fn absent(_: &Facts, place: &Place, now: UtcMicros) -> Option<Notice> {
    let Found::Not(which, why) = &place.found else { return None };
    // A suspect medium is told as that.
    if place.running || place.state == Some(MediumState::Suspect) {
        return None;
    }
    let filled = Filled { why: why.clone(), at_us: place.seen.map(|at| at.0), ..place.filled() };
    let is_long = now.since(place.seen.unwrap_or(place.added)) >= UNSEEN_US;
    Some(match which {
        Absence::Other => place.notice(NoticeKind::OtherMedium, Severity::Urgent, filled),
        Absence::Copied => place.notice(NoticeKind::Copied, Severity::Urgent, filled),
        Absence::ReadOnly => place.notice(NoticeKind::ReadOnly, Severity::Urgent, filled),
        Absence::Away if is_long => place.notice(NoticeKind::Unseen, Severity::Urgent, filled),
        Absence::Away => place.notice(NoticeKind::Away, Severity::Told, filled),
    })
}

fn suspect(_: &Facts, place: &Place, _: UtcMicros) -> Option<Notice> {
    let is = place.state == Some(MediumState::Suspect);
    is.then(|| place.notice(NoticeKind::Suspect, Severity::Urgent, place.filled()))
}

/// The worst that there is: somebody may still have a medium that this server does not know of.
fn lost(_: &Facts, place: &Place, _: UtcMicros) -> Option<Notice> {
    let filled = Filled { count: Some(place.lost), ..place.filled() };
    (place.lost > 0).then(|| place.notice(NoticeKind::Lost, Severity::Urgent, filled))
}

/// What was recorded since the last evening waits for the next one: that is no reason to worry. A new place has until its first evening.
fn behind(facts: &Facts, place: &Place, now: UtcMicros) -> Option<Notice> {
    let safe = place.safe_until.unwrap_or(place.added);
    let is_late = due(now, Some(safe), &facts.zone, facts.at) == Due::Now;
    if !is_late || place.running || place.due.0 == 0 {
        return None;
    }
    let filled = Filled {
        count: Some(place.due.0),
        bytes: Some(place.due.1),
        at_us: place.safe_until.map(|at| at.0),
        ..place.filled()
    };
    Some(place.notice(NoticeKind::Behind, Severity::Urgent, filled))
}

fn failed(_: &Facts, place: &Place, _: UtcMicros) -> Option<Notice> {
    let why = place.trouble.clone().filter(|_| !place.running)?;
    let filled = Filled { why, ..place.filled() };
    Some(place.notice(NoticeKind::Failed, Severity::Urgent, filled))
}

fn holes(_: &Facts, place: &Place, _: UtcMicros) -> Option<Notice> {
    let holes = place.last.map(|last| last.holes).filter(|holes| *holes > 0 && !place.running)?;
    let filled = Filled { count: Some(holes), ..place.filled() };
    Some(place.notice(NoticeKind::Holes, Severity::Urgent, filled))
}

fn stopped(_: &Facts, place: &Place, _: UtcMicros) -> Option<Notice> {
    let (by, at) = place.stopped.clone().filter(|_| place.due.0 > 0)?;
    let filled = Filled { why: by, at_us: Some(at.0), count: Some(place.due.0), ..place.filled() };
    Some(place.notice(NoticeKind::Stopped, Severity::Told, filled))
}

fn clock_back(facts: &Facts, place: &Place, now: UtcMicros) -> Option<Notice> {
    let last = place.last?;
    let is_back = due(now, Some(last.begun), &facts.zone, facts.at) == Due::ClockBack;
    let filled = Filled { at_us: Some(last.begun.0), ..place.filled() };
    is_back.then(|| place.notice(NoticeKind::ClockBack, Severity::Urgent, filled))
}

/// At 30, 14, 7, 3 and 1 days, each a notice of its own: who has seen the one has not seen the next.
fn fills(facts: &Facts, place: &Place, now: UtcMicros) -> Option<Notice> {
    let Found::There(space) = &place.found else { return None };
    if space.is_unknown() {
        return None;
    }
    let today = facts.zone.day_of(now);
    // What is due takes its room before any new day does.
    let room = space.free.saturating_sub(space.reserve()).saturating_sub(place.due.1);
    let days = facts.habit.as_ref()?.days_left(room, today)?;
    let (step, severity) = FILLS_AT.into_iter().find(|(step, _)| days <= *step)?;
    let filled = Filled {
        count: Some(days.into()),
        day: today.plus_days(i32::try_from(days).ok()?).map(shared::Day::yyyymmdd),
        bytes: Some(space.free),
        ..place.filled()
    };
    let of = format!("{}/{step}", place.id);
    Some(Notice { of, ..place.notice(NoticeKind::Fills, severity, filled) })
}

fn nearly_full(_: &Facts, place: &Place, _: UtcMicros) -> Option<Notice> {
    let Found::There(space) = &place.found else { return None };
    if space.is_unknown() {
        return None;
    }
    let free = u128::from(space.free).saturating_mul(100).checked_div(space.total.into())?;
    let used = 100_u64.saturating_sub(u64::try_from(free).unwrap_or(100));
    let filled = Filled { count: Some(used), bytes: Some(space.free), ..place.filled() };
    (used >= FULL_PERCENT).then(|| place.notice(NoticeKind::NearlyFull, Severity::Warning, filled))
}

/// Either the last run took longer than a day, or what is due cannot be carried before the next evening, or a day cannot in a day.
fn too_short(facts: &Facts, place: &Place, now: UtcMicros) -> Option<Notice> {
    let last = place.last?;
    let seconds = |bytes: u64| i64::try_from(bytes.checked_div(last.pace?)?).ok();
    let evening = next(now, &facts.zone, facts.at)?.since(now);
    let takes = [
        Some(last.ended.since(last.begun)).filter(|took| *took > DAY_US),
        seconds(place.due.1).map(in_us).filter(|takes| *takes > evening),
        facts.habit.as_ref().and_then(|habit| seconds(habit.most_bytes())).map(in_us).filter(|t| *t > DAY_US),
    ];
    let takes = takes.into_iter().flatten().max()?;
    let filled = Filled {
        count: u64::try_from(takes.checked_div(HOUR_US)?.saturating_add(1)).ok(),
        bytes: last.pace,
        ..place.filled()
    };
    Some(place.notice(NoticeKind::NightTooShort, Severity::Warning, filled))
}

const fn in_us(seconds: i64) -> i64 {
    seconds.saturating_mul(1_000_000)
}

/// What was not read past the caches is no proof: nothing there may ever leave the live store.
fn unproven(_: &Facts, place: &Place, _: UtcMicros) -> Option<Notice> {
    let level = place.last.and_then(|last: LastRun| last.level).filter(|level| *level < LEVEL_COUNTS)?;
    let kind = if level == LEVEL_WRITTEN { NoticeKind::Cached } else { NoticeKind::Lowered };
    place.has_medium().then(|| place.notice(kind, Severity::Urgent, place.filled()))
}

/// A place of which nothing is proven yet has nothing to try.
fn drill_overdue(_: &Facts, place: &Place, now: UtcMicros) -> Option<Notice> {
    place.last?;
    let since = place.drill.as_ref().map_or(place.added, |drill| drill.ended_at);
    let filled = Filled { at_us: place.drill.as_ref().map(|drill| drill.ended_at.0), ..place.filled() };
    (now.since(since) > DRILL_US).then(|| place.notice(NoticeKind::DrillOverdue, Severity::Warning, filled))
}

fn drill_wrong(_: &Facts, place: &Place, _: UtcMicros) -> Option<Notice> {
    let drill = place.drill.as_ref().filter(|drill| !drill.well)?;
    let filled = Filled { at_us: Some(drill.ended_at.0), count: Some(drill.files), ..place.filled() };
    Some(place.notice(NoticeKind::DrillWrong, Severity::Urgent, filled))
}

fn logins_short(facts: &Facts, place: &Place, now: UtcMicros) -> Option<Notice> {
    let last = place.last?;
    // A run by day makes some, one by night makes all: a new place has until its first evening.
    let is_new = due(last.ended, Some(place.added), &facts.zone, facts.at) != Due::Now;
    let today = facts.zone.day_of(now);
    let left = place.logins_until?.number().saturating_sub(today.number());
    if left >= LOGINS_DAYS || is_new {
        return None;
    }
    let severity = if left < LOGINS_URGENT_DAYS { Severity::Urgent } else { Severity::Warning };
    let filled = Filled {
        count: Some(u64::try_from(left).unwrap_or(0)),
        day: place.logins_until.map(shared::Day::yyyymmdd),
        ..place.filled()
    };
    Some(place.notice(NoticeKind::LoginsShort, severity, filled))
}

fn retention_near(_: &Facts, place: &Place, now: UtcMicros) -> Option<Notice> {
    let ends = place.retention_ends?;
    let left = ends.since(now);
    if left >= RETENTION_US {
        return None;
    }
    let severity = if left < RETENTION_URGENT_US { Severity::Urgent } else { Severity::Warning };
    let filled = Filled { at_us: Some(ends.0), count: Some(place.due.0), ..place.filled() };
    Some(place.notice(NoticeKind::RetentionNear, severity, filled))
}
