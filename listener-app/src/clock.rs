//! The clock of this PC, and what it must not be behind: an offline reader has no other.

use std::time::{SystemTime, UNIX_EPOCH};

use shared::{UtcMicros, Zone};

use crate::refusal::{Refusal, Result};

/// Two clocks that are right may differ by so much, microseconds.
const SLACK_US: i64 = 5 * 60 * 1_000_000;

/// Something with a date that is known to be true or was seen before.
pub(crate) struct Dated {
    /// What it is.
    pub(crate) what: &'static str,
    /// Its time.
    pub(crate) at: UtcMicros,
}

/// Returns the time of this PC.
pub(crate) fn now() -> UtcMicros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UtcMicros(since.ok().and_then(|since| i64::try_from(since.as_micros()).ok()).unwrap_or(0))
}

/// Refuses a clock that is behind anything that has a date, by more than five minutes.
pub(crate) fn check(now: UtcMicros, zone: &Zone, dated: &[Dated]) -> Result<()> {
    let newest = dated.iter().max_by_key(|dated| dated.at);
    match newest.filter(|newest| now.plus(SLACK_US) < newest.at) {
        None => Ok(()),
        Some(Dated { what, at }) => {
            Err(Refusal::ClockBehind { now: zone.rfc3339(now), what, seen: zone.rfc3339(*at) })
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn each_date_alone_refuses_a_clock_behind_it_and_five_minutes_are_forgiven() {
        let zone = Zone::named("Africa/Johannesburg").unwrap();
        let now = UtcMicros(1_795_298_400_000_000);
        let at =
            |us| [Dated { what: "a", at: UtcMicros(0) }, Dated { what: "the key vault", at: now.plus(us) }];
        assert!(check(now, &zone, &[]).is_ok() && check(now, &zone, &at(0)).is_ok());
        assert!(check(now, &zone, &at(SLACK_US)).is_ok());
        let refused = check(now, &zone, &at(SLACK_US + 1)).unwrap_err();
        assert_eq!(refused.code(), 5);
        assert!(refused.to_string().contains("the key vault is of 2026-11-22T00:05:00"), "{refused}");
    }
}
