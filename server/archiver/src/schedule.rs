//! When a run is due: once a day from a time of day on, in the site's zone, by its calendar and not by counting hours.

use std::fmt;
use std::str::FromStr;

use shared::{UtcMicros, Zone};

/// A time of day in the site's zone: from then on a night's run is due.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct At {
    hour: u8,
    minute: u8,
}

impl At {
    /// 21:00, unless a site chose another time.
    pub const EVENING: Self = Self { hour: 21, minute: 0 };

    fn is_reached(self, now: UtcMicros, zone: &Zone) -> bool {
        let (hour, minute, _) = zone.hms_of(now);
        (hour, minute) >= (self.hour, self.minute)
    }

    const fn micros(self) -> i64 {
        (self.hour as i64).saturating_mul(60).saturating_add(self.minute as i64).saturating_mul(60_000_000)
    }
}

impl Default for At {
    fn default() -> Self {
        Self::EVENING
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

/// What is no time of day.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is no time of day: write it as 21:00, from 00:00 to 23:59")]
pub struct NoTime(String);

impl FromStr for At {
    type Err = NoTime;

    fn from_str(text: &str) -> Result<Self, NoTime> {
        let wrong = || NoTime(text.chars().take(20).collect());
        let two = |digits: &str| match digits.as_bytes() {
            [b'0'..=b'9', b'0'..=b'9'] => digits.parse::<u8>().ok(),
            _ => None,
        };
        let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
        match (two(hour), two(minute)) {
            (Some(hour @ ..24), Some(minute @ ..60)) => Ok(Self { hour, minute }),
            _ => Err(wrong()),
        }
    }
}

/// A clock that stands so far before the last run is not believed.
const BACK_US: i64 = 5 * 60 * 1_000_000;

/// Whether a run is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// Now. A night that was missed is made good at once.
    Now,
    /// Not yet.
    Later,
    /// The clock went back behind the last run: only by hand, and somebody must be told.
    ClockBack,
}

/// Decides by the time `now`, the beginning of the last run on this location, and the time of day from which a run is due.
///
/// Days are compared, not hours: where a clock is set back, the first 21:00 counts; where it is set forward over 21:00, the first
/// moment behind it; after missed nights there is one run, now.
#[must_use]
pub fn due(now: UtcMicros, last: Option<UtcMicros>, zone: &Zone, at: At) -> Due {
    let today = zone.day_of(now);
    let is_evening = at.is_reached(now, zone);
    let Some(last) = last else { return if is_evening { Due::Now } else { Due::Later } };
    if now.0 < last.0.saturating_sub(BACK_US) {
        return Due::ClockBack;
    }
    let (last_day, last_was_evening) = (zone.day_of(last), at.is_reached(last, zone));
    // The evening to which a run counts: its own, or, in the small hours and by day, the one before.
    let evening =
        |day: shared::Day, is_evening: bool| i64::from(day.number()).saturating_sub(i64::from(!is_evening));
    if evening(today, is_evening) > evening(last_day, last_was_evening) { Due::Now } else { Due::Later }
}

/// Returns the next moment behind `now` at which a night's run is due; `None` at the end of the calendar.
#[must_use]
pub fn next(now: UtcMicros, zone: &Zone, at: At) -> Option<UtcMicros> {
    let today = zone.day_of(now);
    [Some(today), today.plus_days(1)].into_iter().flatten().find_map(|day| {
        let start = zone.start_of(day)?;
        // A day may begin late, or have an hour more or less before the evening: look where the clock stands, and step once.
        let guess = start.plus(at.micros());
        let (hour, minute, second) = zone.hms_of(guess);
        let stands = At { hour, minute }.micros().saturating_add(i64::from(second).saturating_mul(1_000_000));
        let moment =
            if zone.day_of(guess) == day { guess.plus(at.micros().saturating_sub(stands)) } else { guess };
        (moment > now).then_some(moment)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]
    use super::*;

    const HOUR_US: i64 = 3_600 * 1_000_000;

    /// Polls every quarter of an hour for some days and lists local times at which runs begin.
    fn runs(zone: &str, from_utc_s: i64, days: i64) -> Vec<String> {
        let zone = Zone::named(zone).unwrap();
        let mut last = Some(UtcMicros((from_utc_s - 3 * 86_400) * 1_000_000));
        let mut begun = Vec::new();
        for quarter in 0..days * 96 {
            let now = UtcMicros(from_utc_s * 1_000_000 + quarter * HOUR_US / 4);
            if due(now, last, &zone, At::EVENING) == Due::Now {
                last = Some(now);
                let (h, m, _) = zone.hms_of(now);
                begun.push(format!("{} {h:02}:{m:02}", zone.day_of(now)));
            }
        }
        begun
    }

    #[test]
    fn once_an_evening_and_missed_nights_at_once() {
        // 2026-11-20 12:00 in Johannesburg; the last run was three days ago.
        assert_eq!(
            runs("Africa/Johannesburg", 1_795_168_800, 3),
            ["2026-11-20 12:00", "2026-11-20 21:00", "2026-11-21 21:00", "2026-11-22 21:00"]
        );
    }

    #[test]
    fn nights_with_an_hour_more_or_less_have_one_run() {
        // Santiago: midnight of 2026-09-06 does not exist; 2026-04-05 has 23:00 to 24:00 twice (the evening of the 4th).
        assert_eq!(
            runs("America/Santiago", 1_788_584_400, 3)[1..],
            ["2026-09-05 21:00", "2026-09-06 21:00", "2026-09-07 21:00"]
        );
        assert_eq!(
            runs("America/Santiago", 1_775_233_800, 3)[1..],
            ["2026-04-03 21:00", "2026-04-04 21:00", "2026-04-05 21:00"]
        );
        // Cairo: midnight of 2026-04-24 does not exist.
        assert_eq!(
            runs("Africa/Cairo", 1_776_852_000, 3)[1..],
            ["2026-04-22 21:00", "2026-04-23 21:00", "2026-04-24 21:00"]
        );
    }

    #[test]
    fn a_clock_that_went_back_starts_nothing_by_itself() {
        let zone = Zone::named("Africa/Johannesburg").unwrap();
        let last = UtcMicros(1_795_201_200_000_000);
        let check = |back_us: i64, expected| {
            assert_eq!(due(UtcMicros(last.0 - back_us), Some(last), &zone, At::EVENING), expected);
        };
        check(0, Due::Later);
        check(4 * 60 * 1_000_000, Due::Later);
        check(6 * 60 * 1_000_000, Due::ClockBack);
        check(48 * HOUR_US, Due::ClockBack);
    }

    #[test]
    fn the_first_run_of_a_location_waits_for_the_evening() {
        let zone = Zone::named("UTC").unwrap();
        assert_eq!(due(UtcMicros(20 * HOUR_US), None, &zone, At::EVENING), Due::Later);
        assert_eq!(due(UtcMicros(21 * HOUR_US), None, &zone, At::EVENING), Due::Now);
    }

    #[test]
    fn a_site_may_choose_another_time_of_day() {
        let zone = Zone::named("UTC").unwrap();
        let at: At = "02:30".parse().unwrap();
        let check = |minutes: i64, expected| {
            assert_eq!(
                due(UtcMicros(minutes * 60_000_000), Some(UtcMicros(0)), &zone, at),
                expected,
                "{minutes}"
            );
        };
        check(149, Due::Later);
        check(150, Due::Now);
        assert_eq!(at.to_string(), "02:30");
        for wrong in ["", "9:00", "24:00", "21:60", "21", "21:00:00", "+1:00", "2١:00"] {
            assert!(wrong.parse::<At>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_next_evening_is_told_also_where_a_day_has_another_length() {
        let check = |zone: &str, from_utc_s: i64, expected: &str| {
            let zone = Zone::named(zone).unwrap();
            let found = next(UtcMicros(from_utc_s * 1_000_000), &zone, At::EVENING).unwrap();
            assert_eq!(zone.rfc3339(found).get(..16), Some(expected));
        };
        check("Africa/Johannesburg", 1_795_168_800, "2026-11-20T21:00");
        check("Africa/Johannesburg", 1_795_168_800 + 9 * 3_600, "2026-11-21T21:00");
        // Santiago: 2026-09-06 begins at 01:00. Cairo: so does 2026-04-24.
        check("America/Santiago", 1_788_670_800, "2026-09-06T21:00");
        check("Africa/Cairo", 1_776_981_600, "2026-04-24T21:00");
    }
}
