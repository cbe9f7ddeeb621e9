//! Weeks in virtual time.

use super::*;

const MINUTE_US: i64 = 60_000_000;

fn zone() -> Zone {
    Zone::named("Europe/London").expect("it is in the data base")
}

fn at(day: &str, hour: i64, minute: i64) -> UtcMicros {
    let start = zone().start_of(day.parse().expect("a day")).expect("in the calendar");
    start.plus((hour * 60 + minute) * MINUTE_US)
}

/// Calls a minute at a time: an office by day, a little at night, nothing on Sundays.
fn office(when: When) -> f64 {
    match (when.slot() / 24, when.hour) {
        (6, _) => 0.0,
        (_, 8..17) => 1.0,
        _ => 0.02,
    }
}

/// Lives through minutes from `from` on. Events come as dice say that are always the same; `f` may take them away.
fn live(
    pulse: &mut Pulse,
    from: UtcMicros,
    minutes: i64,
    rate: impl Fn(When) -> f64,
) -> Option<(UtcMicros, u32)> {
    let (zone, mut dice) = (zone(), 0x9E37_79B9_7F4A_7C15_u64 ^ from.0.unsigned_abs());
    let mut first = None;
    for minute in 0..minutes {
        let now = from.plus(minute * MINUTE_US);
        let when = When::of(&zone, now);
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let drawn = (dice >> 11) as f64 / (1_u64 << 53) as f64;
        // Poisson by inversion.
        let (rate, mut events, mut p) = (rate(when), 0, 1.0_f64);
        p *= (-rate).exp();
        let mut sum = p;
        while drawn > sum && events < 50 {
            events += 1;
            p *= rate / f64::from(events);
            sum += p;
        }
        pulse.minute(Kind::Single, when, events, false, true);
        if pulse.is_surprising(when.day) && first.is_none() {
            first = Some((now, pulse.quiet_minutes()));
        }
    }
    first
}

const WEEK: i64 = 7 * 24 * 60;

#[test]
fn an_office_that_goes_on_as_always_alarms_nobody_for_a_year() {
    let mut pulse = Pulse::default();
    // Clocks go forward and back in it.
    let told = live(&mut pulse, at("2025-01-06", 0, 0), 52 * WEEK, office);
    assert_eq!(told, None);
}

#[test]
fn calls_that_stop_by_day_are_told_within_half_an_hour_and_by_night_not_before_morning() {
    let mut pulse = Pulse::default();
    live(&mut pulse, at("2026-01-05", 0, 0), 6 * WEEK, office);
    let now = When::of(&zone(), at("2026-02-16", 10, 0));
    assert!(pulse.is_learnt(now.day) && pulse.usual(now).is_some_and(|n| (40.0..60.0).contains(&n)));

    let mut by_day = pulse.clone();
    live(&mut by_day, at("2026-02-16", 0, 0), 10 * 60, office);
    let (when, quiet) = live(&mut by_day, at("2026-02-16", 10, 0), 240, |_| 0.0).expect("it is told");
    assert!(quiet <= 30 && when < at("2026-02-16", 10, 31), "after {quiet} minutes");

    let mut by_night = pulse.clone();
    live(&mut by_night, at("2026-02-16", 0, 0), 22 * 60, office);
    let (when, _) = live(&mut by_night, at("2026-02-16", 22, 0), 24 * 60, |_| 0.0).expect("it is told");
    assert!(when >= at("2026-02-17", 8, 0) && when < at("2026-02-17", 8, 30), "{when}");
}

#[test]
fn the_hour_on_the_wall_counts_across_daylight_saving() {
    let mut pulse = Pulse::default();
    // Learnt in winter; the clocks go forward on 29 March 2026.
    live(&mut pulse, at("2026-02-16", 0, 0), 6 * WEEK, office);
    // Monday in summer time: the office opens at eight on the wall, an hour earlier than the week before.
    live(&mut pulse, at("2026-03-30", 0, 0), 8 * 60, office);
    let told = live(&mut pulse, at("2026-03-30", 8, 0), 240, |_| 0.0).expect("it is told");
    assert!(told.0 < at("2026-03-30", 8, 40), "{}", told.0);
}

#[test]
fn a_day_of_the_calendar_is_neither_judged_nor_learnt() {
    let mut pulse = Pulse::default();
    live(&mut pulse, at("2026-01-05", 0, 0), 4 * WEEK, office);
    let zone = zone();
    let before = pulse.hours.clone();
    for minute in 0..24 * 60 {
        let when = When::of(&zone, at("2026-02-02", 0, minute));
        pulse.minute(Kind::Single, when, 0, false, false);
        assert!(!pulse.is_surprising(when.day));
    }
    assert!(pulse.hours == before, "nothing is learnt");
    assert!(pulse.quiet_minutes() >= 24 * 60);
}

#[test]
fn a_new_tap_knows_no_week_and_one_busy_week_makes_no_rule() {
    let mut pulse = Pulse::default();
    let told = live(&mut pulse, at("2026-01-05", 0, 0), WEEK, |when| office(when) * 20.0);
    assert_eq!(told, None);
    assert!(!pulse.is_learnt("2026-01-12".parse().expect("a day")));
    assert_eq!(live(&mut pulse, at("2026-01-12", 0, 0), 4 * WEEK, office), None, "a campaign is forgotten");
}

#[test]
fn packets_that_are_always_there_are_missed_after_minutes() {
    let mut pulse = Pulse::default();
    let zone = zone();
    for minute in 0..2 * WEEK {
        let when = When::of(&zone, at("2026-01-05", 0, minute));
        // None in the night from Saturday to Sunday: the switch is restarted then, and nothing is said of that.
        let events = if when.slot() == 6 * 24 { 0 } else { 3_000 };
        pulse.minute(Kind::Steady, when, events, false, true);
        assert!(!pulse.is_surprising(when.day));
    }
    let missed = (0..60).find(|minute| {
        let when = When::of(&zone, at("2026-01-19", 3, *minute));
        pulse.minute(Kind::Steady, when, 0, false, true);
        pulse.is_surprising(when.day)
    });
    assert!(missed.is_some_and(|m| m <= 10), "{missed:?}");
}

#[test]
fn a_call_that_goes_on_says_that_all_is_well() {
    let mut pulse = Pulse::default();
    live(&mut pulse, at("2026-01-05", 0, 0), 4 * WEEK, office);
    let zone = zone();
    for minute in 0..300 {
        let when = When::of(&zone, at("2026-02-02", 9, minute));
        pulse.minute(Kind::Single, when, 0, true, true);
        assert!(!pulse.is_surprising(when.day));
    }
}
