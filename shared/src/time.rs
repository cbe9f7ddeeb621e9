//! Times: an instant in UTC, a civil day of the site, and the pair of clocks that every packet is stamped with.
//!
//! Durations come from the monotonic clock, names and days from the wall clock; the two never mix in one number.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;

/// An instant: microseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct UtcMicros(pub i64);

impl UtcMicros {
    /// Returns this instant moved by `micros` (negative: earlier), held at the ends of the range.
    #[must_use]
    pub const fn plus(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// Returns the microseconds from `earlier` to this instant, negative if this one is the earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for UtcMicros {
    /// Writes RFC 3339 in UTC with microseconds: `2026-11-22T14:22:33.000000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(t) => write!(f, "{t:.6}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

/// A span of microseconds.
pub type Micros = i64;

/// A count of octets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Bytes(pub u64);

/// How far the wall clock of a stamp may be trusted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum TimeQuality {
    /// Nothing disciplines the clock, or nobody knows.
    #[default]
    Free = 0,
    /// Disciplined by NTP.
    Ntp = 1,
    /// Disciplined by PTP.
    Ptp = 2,
    /// Taken from a capture file: as good as the clock of whoever captured.
    File = 3,
}

/// When something was seen: the monotonic clock for durations, the wall clock for names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stamp {
    /// Nanoseconds of a clock that never steps; its zero means nothing.
    pub mono_ns: u64,
    /// The wall clock at the same moment.
    pub utc: UtcMicros,
    /// What disciplines the wall clock.
    pub quality: TimeQuality,
}

impl Stamp {
    /// Returns the microseconds of the monotonic clock from `earlier` to this stamp; 0 if this one is the earlier.
    #[must_use]
    pub const fn micros_since(&self, earlier: &Self) -> u64 {
        self.mono_ns.saturating_sub(earlier.mono_ns) / 1_000
    }
}

/// Says why a text or number is no day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a day: write it as 2026-11-22")]
pub struct DayError(pub String);

/// A civil day in the site's zone, kept as the number yyyymmdd; always a day that exists in the calendar.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Day(u32);

impl Day {
    /// Takes a number yyyymmdd, as it stands in file headers.
    ///
    /// # Errors
    /// A number that is no calendar day of the years 1970 to 9999.
    pub fn from_yyyymmdd(n: u32) -> Result<Self, DayError> {
        let refused = || DayError(n.to_string());
        let year = i16::try_from(n / 10_000).map_err(|_not_a_year| refused())?;
        let month = i8::try_from(n / 100 % 100).map_err(|_not_a_month| refused())?;
        let day = i8::try_from(n % 100).map_err(|_not_a_day| refused())?;
        if year < 1970 || jiff::civil::Date::new(year, month, day).is_err() {
            return Err(refused());
        }
        Ok(Self(n))
    }

    /// Returns the number yyyymmdd.
    #[must_use]
    pub const fn yyyymmdd(self) -> u32 {
        self.0
    }

    /// Returns the day `days` later (negative: earlier), or `None` outside the calendar.
    #[must_use]
    pub fn plus_days(self, days: i32) -> Option<Self> {
        let date = self.date()?.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
        Self::from_date(date)
    }

    /// Returns the days since 1970-01-01.
    #[must_use]
    pub fn number(self) -> i32 {
        let epoch = jiff::civil::date(1970, 1, 1);
        let days = self.date().and_then(|date| date.since(epoch).ok()).map(|span| span.get_days());
        days.unwrap_or(0)
    }

    fn date(self) -> Option<jiff::civil::Date> {
        let (y, m, d) = (self.0 / 10_000, self.0 / 100 % 100, self.0 % 100);
        jiff::civil::Date::new(i16::try_from(y).ok()?, i8::try_from(m).ok()?, i8::try_from(d).ok()?).ok()
    }

    fn from_date(date: jiff::civil::Date) -> Option<Self> {
        let n = i32::from(date.year()) * 10_000 + i32::from(date.month()) * 100 + i32::from(date.day());
        Self::from_yyyymmdd(u32::try_from(n).ok()?).ok()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0 / 10_000, self.0 / 100 % 100, self.0 % 100)
    }
}

impl FromStr for Day {
    type Err = DayError;

    /// Reads `2026-11-22` or `20261122`.
    fn from_str(text: &str) -> Result<Self, DayError> {
        let refused = || DayError(text.chars().take(32).collect());
        let digits: String = match text.split('-').collect::<Vec<_>>().as_slice() {
            [y, m, d] if y.len() == 4 && m.len() == 2 && d.len() == 2 => format!("{y}{m}{d}"),
            [whole] if whole.len() == 8 => (*whole).to_owned(),
            _ => return Err(refused()),
        };
        let n: u32 = digits.parse().map_err(|_not_a_number| refused())?;
        Self::from_yyyymmdd(n).map_err(|_no_such_day| refused())
    }
}

/// Says that a zone is not in the tz database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a zone of the tz database: write it as Africa/Johannesburg or UTC")]
pub struct ZoneError(pub String);

/// The site's time zone, by its name in the tz database (the database is built in).
#[derive(Clone, Debug)]
pub struct Zone {
    name: String,
    tz: TimeZone,
}

impl Zone {
    /// Finds a zone by name, such as `Africa/Johannesburg`.
    ///
    /// # Errors
    /// A name that the tz database does not have.
    pub fn named(name: &str) -> Result<Self, ZoneError> {
        let tz = TimeZone::get(name).map_err(|_unknown| ZoneError(name.chars().take(64).collect()))?;
        Ok(Self { name: name.to_owned(), tz })
    }

    /// Returns the name as given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the civil day on which `at` falls here. Instants outside the calendar count as 1970-01-01.
    #[must_use]
    pub fn day_of(&self, at: UtcMicros) -> Day {
        self.zoned(at).and_then(|z| Day::from_date(z.date())).unwrap_or(Day(19_700_101))
    }

    /// Returns hour, minute and second of `at` here.
    #[must_use]
    pub fn hms_of(&self, at: UtcMicros) -> (u8, u8, u8) {
        let part = |n: i8| u8::try_from(n).unwrap_or(0);
        self.zoned(at).map_or((0, 0, 0), |z| (part(z.hour()), part(z.minute()), part(z.second())))
    }

    /// Writes `at` in this zone by RFC 3339 with its offset: `2026-11-22T16:22:33.000000+02:00`.
    #[must_use]
    pub fn rfc3339(&self, at: UtcMicros) -> String {
        self.zoned(at).map_or_else(|| at.to_string(), |z| z.strftime("%Y-%m-%dT%H:%M:%S%.6f%:z").to_string())
    }

    /// Returns the instant at which `day` begins here (its first existing moment), or `None` outside the calendar.
    #[must_use]
    pub fn start_of(&self, day: Day) -> Option<UtcMicros> {
        let zoned = day.date()?.to_zoned(self.tz.clone()).ok()?;
        Some(UtcMicros(zoned.timestamp().as_microsecond()))
    }

    fn zoned(&self, at: UtcMicros) -> Option<jiff::Zoned> {
        Some(jiff::Timestamp::from_microsecond(at.0).ok()?.to_zoned(self.tz.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_that_does_not_exist_is_refused() {
        for text in ["2026-02-29", "2026-13-01", "20261100", "2026-1-1", "x", "1969-12-31"] {
            assert!(text.parse::<Day>().is_err(), "{text} must be refused");
        }
        assert_eq!("2024-02-29".parse::<Day>().map(Day::yyyymmdd), Ok(20_240_229));
    }

    #[test]
    fn midnight_belongs_to_the_zone() {
        let zone = Zone::named("Africa/Johannesburg").expect("in the tz database");
        let late = UtcMicros(1_795_298_399_000_000); // 2026-11-21T21:59:59Z
        assert_eq!(zone.day_of(late).to_string(), "2026-11-21");
        assert_eq!(zone.day_of(late.plus(1_000_000)).to_string(), "2026-11-22");
        assert_eq!(zone.hms_of(late), (23, 59, 59));
        let day = "2026-11-22".parse().expect("a day");
        assert_eq!(zone.start_of(day), Some(late.plus(1_000_000)));
    }

    #[test]
    fn texts_are_rfc_3339() {
        let zone = Zone::named("Africa/Johannesburg").expect("in the tz database");
        let at = UtcMicros(1_700_000_000_000_001);
        assert_eq!(at.to_string(), "2023-11-14T22:13:20.000001Z");
        assert_eq!(zone.rfc3339(at), "2023-11-15T00:13:20.000001+02:00");
    }

    #[test]
    fn the_day_after_leap_day() {
        let day: Day = "2024-02-28".parse().expect("a day");
        assert_eq!(day.plus_days(1).map(Day::yyyymmdd), Some(20_240_229));
        assert_eq!(day.plus_days(2).map(Day::yyyymmdd), Some(20_240_301));
    }
}
