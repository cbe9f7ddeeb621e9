//! How long the room on a medium lasts: what was recorded on the days before, by weekdays, and how far days stray from that.
//!
//! A contact centre records little on a Sunday: so days are compared with the same weekday of the weeks before, the newest counting
//! most. The walk goes forward day by day at the pace that nine days in ten do not exceed. Where the design divides the room by one such
//! day, a site that rests on Sundays would be warned too early by a seventh.

use shared::Day;
use vault::DayCount;

/// Days that are looked back at.
pub const LOOK_BACK_DAYS: i32 = 28;
/// Whoever knows fewer days forecasts nothing.
const KNOWN_MIN: usize = 3;
/// The newest of four counts for two fifths.
const NEW_PARTS: u64 = 2;
const ALL_PARTS: u64 = 5;
/// Nobody acts upon what lies further ahead.
const AHEAD_DAYS_MAX: i32 = 3_652;
/// Of how far days stray, the largest tenth is left out.
const PERCENTILE: usize = 90;

/// What days are like, by the days before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Habit {
    /// Bytes of a day, by weekday.
    bytes: [u64; 7],
    /// So many thousandths of that are exceeded by one day in ten only.
    strays: u64,
}

impl Habit {
    /// Learns from the days before `today`, whose own count is not complete; `None` while too few are known.
    #[must_use]
    pub fn learn(days: &[DayCount], today: Day) -> Option<Self> {
        let from = today.plus_days(LOOK_BACK_DAYS.saturating_neg())?;
        let begun = days.iter().filter(|count| count.day >= from).map(|count| count.day).min()?;
        let mut known: Vec<(usize, u64)> = Vec::new();
        let mut day = begun;
        while day < today {
            // A day on which nothing was recorded says as much as another.
            let bytes = days.iter().find(|count| count.day == day).map_or(0, |count| count.bytes);
            known.push((weekday(day), bytes));
            day = day.plus_days(1)?;
        }
        if known.len() < KNOWN_MIN {
            return None;
        }
        let mut bytes = [0; 7];
        let all = known.iter().fold(0_u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
        let usual = all.checked_div(seal::fields::len64(&known)).unwrap_or(0);
        for (weekday, bytes) in bytes.iter_mut().enumerate() {
            let mut same = known.iter().filter(|(of, _)| *of == weekday).map(|(_, bytes)| *bytes);
            // A weekday that did not come yet is like all others.
            *bytes = same.next().map_or(usual, |first| same.fold(first, newer));
        }
        Some(Self { strays: strays(&known, &bytes), bytes })
    }

    /// Bytes of a day, on average over a week.
    #[must_use]
    pub fn daily_bytes(&self) -> u64 {
        self.bytes.iter().fold(0_u64, |sum, bytes| sum.saturating_add(*bytes)) / 7
    }

    /// Bytes that nine days in ten do not exceed, of the weekday that has most.
    #[must_use]
    pub fn most_bytes(&self) -> u64 {
        self.bytes.iter().map(|bytes| self.strayed(*bytes)).max().unwrap_or(0)
    }

    /// On how many days from `today` on there is room, which is so many bytes; `None`: for more than ten years.
    #[must_use]
    pub fn days_left(&self, room: u64, today: Day) -> Option<u32> {
        let mut left = room;
        for ahead in 0..AHEAD_DAYS_MAX {
            let day = today.plus_days(ahead)?;
            let bytes = self.bytes.get(weekday(day)).copied().unwrap_or(0);
            match left.checked_sub(self.strayed(bytes)) {
                Some(less) => left = less,
                None => return u32::try_from(ahead).ok(),
            }
        }
        None
    }

    const fn strayed(&self, bytes: u64) -> u64 {
        (bytes / 1_000).saturating_mul(self.strays)
    }
}

const fn newer(before: u64, now: u64) -> u64 {
    (before / ALL_PARTS)
        .saturating_mul(ALL_PARTS - NEW_PARTS)
        .saturating_add((now / ALL_PARTS).saturating_mul(NEW_PARTS))
}

/// The 90th percentile of what days had, in thousandths of what their weekday has; at least a whole.
fn strays(known: &[(usize, u64)], usual: &[u64; 7]) -> u64 {
    let share =
        |(weekday, bytes): &(usize, u64)| bytes.saturating_mul(1_000).checked_div(*usual.get(*weekday)?);
    let mut shares: Vec<u64> = known.iter().filter_map(share).collect();
    shares.sort_unstable();
    let nth = shares.len().saturating_mul(PERCENTILE) / 100;
    shares.get(nth.min(shares.len().saturating_sub(1))).copied().unwrap_or(1_000).max(1_000)
}

fn weekday(day: Day) -> usize {
    usize::try_from(day.number().rem_euclid(7)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]
    use super::*;

    const MB: u64 = 1_000_000;

    /// Four weeks before a Monday: bytes by days back.
    fn weeks(bytes: impl Fn(i32) -> u64) -> (Vec<DayCount>, Day) {
        let today: Day = "2026-11-23".parse().unwrap();
        let count =
            |back: i32| DayCount { day: today.plus_days(-back).unwrap(), parts: 1, bytes: bytes(back) };
        ((1..=40).map(count).filter(|count| count.bytes > 0).collect(), today)
    }

    #[test]
    fn an_even_pace_divides_the_room() {
        let (days, today) = weeks(|_| 1_000 * MB);
        let habit = Habit::learn(&days, today).unwrap();
        assert_eq!((habit.daily_bytes(), habit.most_bytes()), (1_000 * MB, 1_000 * MB));
        assert_eq!(habit.days_left(30_500 * MB, today), Some(30));
        assert_eq!(habit.days_left(0, today), Some(0));
        assert_eq!(habit.days_left(u64::MAX / 2, today), None);
    }

    #[test]
    fn a_rest_on_sundays_is_not_taken_for_a_working_day() {
        // The day before a Monday is a Sunday.
        let (days, today) = weeks(|back| if back % 7 == 1 { 0 } else { 1_000 * MB });
        let habit = Habit::learn(&days, today).unwrap();
        assert_eq!(habit.days_left(6_000 * MB, today), Some(7), "six working days and a Sunday");
    }

    #[test]
    fn days_that_stray_bring_the_end_nearer() {
        let (days, today) = weeks(|back| if back % 5 == 0 { 2_000 * MB } else { 1_000 * MB });
        let habit = Habit::learn(&days, today).unwrap();
        let even = 30_000 / (habit.daily_bytes() / MB);
        assert!(habit.days_left(30_000 * MB, today).unwrap() < u32::try_from(even).unwrap(), "{habit:?}");
    }

    #[test]
    fn growth_counts_more_than_what_was_long_ago() {
        let (days, today) = weeks(|back| if back <= 7 { 4_000 * MB } else { 1_000 * MB });
        assert!(Habit::learn(&days, today).unwrap().daily_bytes() > 2_000 * MB);
    }

    #[test]
    fn too_few_days_say_nothing_and_today_does_not_count() {
        let (days, today) = weeks(|back| if back <= 2 { MB } else { 0 });
        assert_eq!(Habit::learn(&days, today), None);
        let todays = [DayCount { day: today, parts: 1, bytes: MB }];
        assert_eq!(Habit::learn(&todays, today), None);
        let (days, today) = weeks(|back| if back <= 3 { 7 * MB } else { 0 });
        assert_eq!(Habit::learn(&days, today).unwrap().daily_bytes(), 7 * MB);
    }
}
