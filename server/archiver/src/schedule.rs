//! When a run is due: once a day from 21:00 on in the site's zone, by its calendar and not by counting hours.

use shared::{UtcMicros, Zone};

/// From this hour on.
pub const HOUR: u8 = 21;
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

/// Decides by the time `now` and the beginning of the last run on this location.
///
/// Days are compared, not hours: where a clock is set back, the first 21:00 counts; where it is set forward over 21:00, the first
/// moment behind it; after missed nights there is one run, now.
#[must_use]
pub fn due(now: UtcMicros, last: Option<UtcMicros>, zone: &Zone) -> Due {
    let today = zone.day_of(now);
    let is_evening = zone.hms_of(now).0 >= HOUR;
    let Some(last) = last else { return if is_evening { Due::Now } else { Due::Later } };
    if now.0 < last.0.saturating_sub(BACK_US) {
        return Due::ClockBack;
    }
    let (last_day, last_was_evening) = (zone.day_of(last), zone.hms_of(last).0 >= HOUR);
    // The evening to which a run counts: its own, or, in the small hours and by day, the one before.
    let evening =
        |day: shared::Day, is_evening: bool| i64::from(day.number()).saturating_sub(i64::from(!is_evening));
    if evening(today, is_evening) > evening(last_day, last_was_evening) { Due::Now } else { Due::Later }
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
            if due(now, last, &zone) == Due::Now {
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
            assert_eq!(due(UtcMicros(last.0 - back_us), Some(last), &zone), expected);
        };
        check(0, Due::Later);
        check(4 * 60 * 1_000_000, Due::Later);
        check(6 * 60 * 1_000_000, Due::ClockBack);
        check(48 * HOUR_US, Due::ClockBack);
    }

    #[test]
    fn the_first_run_of_a_location_waits_for_the_evening() {
        let zone = Zone::named("UTC").unwrap();
        assert_eq!(due(UtcMicros(20 * HOUR_US), None, &zone), Due::Later);
        assert_eq!(due(UtcMicros(21 * HOUR_US), None, &zone), Due::Now);
    }
}
