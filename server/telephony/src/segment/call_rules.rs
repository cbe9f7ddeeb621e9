//! Rules on calls rather than extensions: by number, direction, weekday and time of day, and by percentage.
//!
//! A rule is a verb and its conditions, all of which must hold: `skip called=0800... direction=out`, `record percent=25`,
//! `skip days=sat-sun`, `skip days=fri time=22:00-06:00`. They are asked in order, after the extension rules, and the
//! first that holds decides. `record` thus keeps a call from the rules behind it.

use shared::{Day, Direction, ExtensionPattern, PatternError, UtcMicros, Zone};

use super::rank::RuleError;
use super::rules::Decision;
use crate::cmd::CallInfo;

/// One rule on calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallRule {
    number: u32,
    record: bool,
    conditions: Vec<Condition>,
    text: String,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Condition {
    Caller(Number),
    Called(Number),
    /// Any party.
    Party(Number),
    Direction(Direction),
    /// Weekdays (index 0 is Monday) and minutes of the day, the end not included.
    When {
        days: [bool; 7],
        from_min: u16,
        to_min: u16,
    },
    Percent(u8),
}

/// A number written as a pattern, or as a prefix with three dots behind it: `0800...`.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Number {
    Prefix(String),
    Pattern(ExtensionPattern),
}

impl CallRule {
    /// Reads a rule; `number` is what the ledger will name it by.
    ///
    /// # Errors
    /// Says which word is not understood.
    pub fn parse(number: u32, text: &str) -> Result<Self, RuleError> {
        let mut words = text.split_whitespace();
        let record = match words.next() {
            Some("record") => true,
            Some("skip") => false,
            Some(_) | None => return Err(RuleError::Verb(text.chars().take(64).collect())),
        };
        let mut conditions = Vec::new();
        let (mut days, mut time) = (None, None);
        for word in words {
            let refused = || RuleError::Condition(word.chars().take(64).collect());
            let (key, value) = word.split_once('=').ok_or_else(refused)?;
            match key {
                "caller" => conditions.push(Condition::Caller(Number::parse(value)?)),
                "called" => conditions.push(Condition::Called(Number::parse(value)?)),
                "number" => conditions.push(Condition::Party(Number::parse(value)?)),
                "direction" => conditions.push(Condition::Direction(direction(value).ok_or_else(refused)?)),
                "days" if days.is_none() => days = Some(weekdays(value).ok_or_else(refused)?),
                "time" if time.is_none() => time = Some(minutes(value).ok_or_else(refused)?),
                "percent" => {
                    let percent = value.parse().ok().filter(|p| *p <= 100);
                    conditions.push(Condition::Percent(percent.ok_or_else(refused)?));
                }
                _ => return Err(refused()),
            }
        }
        if days.is_some() || time.is_some() {
            let (from_min, to_min) = time.unwrap_or((0, 24 * 60));
            conditions.push(Condition::When { days: days.unwrap_or([true; 7]), from_min, to_min });
        }
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(Self { number, record, conditions, text })
    }

    /// Tells whether all conditions hold for a call that began at `at`.
    #[must_use]
    pub fn holds(&self, info: &CallInfo, at: UtcMicros, zone: &Zone) -> bool {
        self.conditions.iter().all(|c| c.holds(info, at, zone))
    }

    /// Returns what the rule decides where it holds.
    #[must_use]
    pub fn decision(&self) -> Decision {
        let verb = if self.record { "recorded" } else { "not recorded" };
        Decision {
            record: self.record,
            rule: Some(self.number),
            why: format!("{verb} by call rule {} ({})", self.number, self.text),
        }
    }
}

impl Condition {
    fn holds(&self, info: &CallInfo, at: UtcMicros, zone: &Zone) -> bool {
        match self {
            Self::Caller(number) => number.matches(&info.caller.number),
            Self::Called(number) => number.matches(&info.called.number),
            Self::Party(number) => {
                let all = [&info.caller, &info.called].into_iter().chain(&info.others);
                all.into_iter().any(|party| number.matches(&party.number))
            }
            Self::Direction(direction) => info.direction == *direction,
            Self::When { days, from_min, to_min } => is_within(days, *from_min, *to_min, at, zone),
            Self::Percent(percent) => {
                let id = info.call_ids.first().map_or("", String::as_str);
                share_of(id) < u64::from(*percent)
            }
        }
    }
}

/// A window that goes over midnight belongs to the day on which it opens.
fn is_within(days: &[bool; 7], from_min: u16, to_min: u16, at: UtcMicros, zone: &Zone) -> bool {
    let (hour, minute, _) = zone.hms_of(at);
    let now_min = u16::from(hour).saturating_mul(60).saturating_add(u16::from(minute));
    let today = zone.day_of(at);
    let is_on = |day: Option<Day>| day.and_then(|d| days.get(weekday(d))).copied().unwrap_or(false);
    if from_min < to_min {
        return (from_min..to_min).contains(&now_min) && is_on(Some(today));
    }
    (now_min >= from_min && is_on(Some(today))) || (now_min < to_min && is_on(today.plus_days(-1)))
}

impl Number {
    fn parse(text: &str) -> Result<Self, RuleError> {
        let text = text.trim_start_matches('+');
        match text.strip_suffix("...") {
            Some(prefix) if !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_digit()) => {
                Ok(Self::Prefix(prefix.to_owned()))
            }
            Some(_) => Err(PatternError::Shape(text.chars().take(64).collect()).into()),
            None => Ok(Self::Pattern(text.parse()?)),
        }
    }

    fn matches(&self, number: &str) -> bool {
        let number = plain(number);
        match self {
            Self::Prefix(prefix) => number.starts_with(prefix.as_str()),
            Self::Pattern(pattern) => pattern.matches(&number),
        }
    }
}

/// Takes the decoration off a number; a name stays as it is.
fn plain(number: &str) -> String {
    let is_number = number.chars().all(|c| c.is_ascii_digit() || "+-.() ".contains(c));
    if is_number { number.chars().filter(char::is_ascii_digit).collect() } else { number.to_owned() }
}

fn direction(word: &str) -> Option<Direction> {
    [Direction::In, Direction::Out, Direction::Internal].into_iter().find(|d| d.word() == word)
}

/// Reads `mon-fri`, `sat,sun`, `fri-mon`.
fn weekdays(text: &str) -> Option<[bool; 7]> {
    const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let place = |name: &str| NAMES.iter().position(|n| *n == name);
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (place(first)?, place(last)?);
        let is_named =
            |n: usize| if first <= last { (first..=last).contains(&n) } else { n >= first || n <= last };
        days.iter_mut().enumerate().for_each(|(n, day)| *day |= is_named(n));
    }
    Some(days)
}

/// Reads `08:00-17:30`; `24:00` may stand at the end.
fn minutes(text: &str) -> Option<(u16, u16)> {
    let minute_of = |text: &str| {
        let (hour, minute) = text.split_once(':')?;
        let digits = |s: &str| s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit());
        let (hour, minute): (u16, u16) =
            (digits(hour) && digits(minute)).then(|| Some((hour.parse().ok()?, minute.parse().ok()?)))??;
        let total = hour.checked_mul(60)?.checked_add(minute)?;
        (minute < 60 && total <= 24 * 60).then_some(total)
    };
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minute_of(from)?, minute_of(to)?);
    (from != to && from < 24 * 60).then_some((from, to))
}

/// Returns the weekday, 0 = Monday, by Sakamoto's rule.
fn weekday(day: Day) -> usize {
    const SHIFT: [u32; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    let n = day.yyyymmdd();
    let (month, date) = (n / 100 % 100, n % 100);
    let year = (n / 10_000).saturating_sub(u32::from(month < 3));
    let shift = usize::try_from(month).ok().and_then(|m| SHIFT.get(m.checked_sub(1)?)).copied().unwrap_or(0);
    let sum = [year, year / 4, year / 400, shift, date].into_iter().fold(6u32, u32::saturating_add);
    // `6` turns Sunday first into Monday first.
    usize::try_from(sum.saturating_sub(year / 100) % 7).unwrap_or(0)
}

/// Maps a Call-ID evenly and for ever onto 0 to 99: FNV-1a with a mixer behind it.
fn share_of(call_id: &str) -> u64 {
    let hash = call_id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3));
    let mixed = (hash ^ hash >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32) % 100
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "tests"
    )]
    use shared::Party;

    use super::*;
    use crate::segment::rules::{RuleSet, Rules};

    fn call(caller: &str, called: &str, direction: Direction) -> CallInfo {
        let party = |number: &str| Party { number: number.to_owned(), ..Party::default() };
        let call_ids = vec!["a84b4c76e66710@pc33.example".to_owned()];
        CallInfo { call_ids, direction, caller: party(caller), called: party(called), ..CallInfo::default() }
    }

    fn at(zone: &Zone, day: &str, hours: i64, minutes: i64) -> UtcMicros {
        zone.start_of(day.parse().unwrap()).unwrap().plus((hours * 60 + minutes) * 60_000_000)
    }

    #[test]
    fn numbers_and_direction() {
        let info = call("+27 (11) 555-0100", "3115", Direction::In);
        let check = |rule: &str, expected| {
            let rule = CallRule::parse(1, rule).unwrap();
            let zone = Zone::named("UTC").unwrap();
            assert_eq!(rule.holds(&info, UtcMicros(0), &zone), expected, "{}", rule.text);
        };
        check("skip caller=2711...", true);
        check("skip caller=+2711...", true);
        check("skip caller=2712...", false);
        check("skip called=2711...", false);
        check("skip number=2711...", true);
        check("skip number=3111-3118", true);
        check("skip called=31**", true);
        check("skip called=3115 direction=in", true);
        check("skip called=3115 direction=out", false);
        check("record", true);
        check("record percent=100", true);
        check("record percent=0", false);
    }

    #[test]
    fn days_and_times_are_the_sites() {
        let zone = Zone::named("Africa/Johannesburg").unwrap();
        let info = call("1", "2", Direction::In);
        let check = |rule: &str, day: &str, hours, minutes, expected| {
            let found = CallRule::parse(1, rule).unwrap().holds(&info, at(&zone, day, hours, minutes), &zone);
            assert_eq!(found, expected, "{rule}: {day} {hours}:{minutes}");
        };
        // 2026-11-20 is a Friday.
        check("skip days=fri", "2026-11-20", 0, 0, true);
        check("skip days=fri", "2026-11-20", 23, 59, true);
        check("skip days=fri", "2026-11-21", 0, 0, false);
        check("skip days=sat,sun", "2026-11-22", 12, 0, true);
        check("skip days=sat-mon", "2026-11-23", 12, 0, true);
        check("skip days=sat-mon", "2026-11-24", 12, 0, false);
        check("skip time=08:00-17:00", "2026-11-20", 7, 59, false);
        check("skip time=08:00-17:00", "2026-11-20", 8, 0, true);
        check("skip time=08:00-17:00", "2026-11-20", 17, 0, false);
        check("skip time=17:00-24:00", "2026-11-20", 23, 59, true);
        check("skip days=fri time=22:00-06:00", "2026-11-20", 22, 0, true);
        check("skip days=fri time=22:00-06:00", "2026-11-21", 5, 59, true);
        check("skip days=fri time=22:00-06:00", "2026-11-21", 6, 0, false);
        check("skip days=fri time=22:00-06:00", "2026-11-20", 5, 0, false);
        check("skip days=fri time=22:00-06:00", "2026-11-21", 22, 0, false);
    }

    #[test]
    fn when_the_clock_changes_the_wall_clock_counts() {
        let zone = Zone::named("Europe/Berlin").unwrap();
        let info = call("1", "2", Direction::In);
        let rule = CallRule::parse(1, "skip days=sun time=02:00-03:00").unwrap();
        let held = |day: &str| -> Vec<i64> {
            (0..300).step_by(30).filter(|m| rule.holds(&info, at(&zone, day, 0, *m), &zone)).collect()
        };
        assert_eq!(held("2026-03-22"), [120, 150]);
        assert_eq!(held("2026-03-29"), Vec::<i64>::new(), "this hour does not exist");
        assert_eq!(held("2026-10-25"), [120, 150, 180, 210], "this hour comes twice");
    }

    #[test]
    fn weekdays_agree_with_the_calendar() {
        let mut day: Day = "1970-01-01".parse().unwrap(); // a Thursday
        for n in 0..60_000 {
            assert_eq!(weekday(day), (3 + n) % 7, "{day}");
            day = day.plus_days(1).unwrap();
        }
    }

    #[test]
    fn a_percentage_is_even_and_keeps_its_choice() {
        let ids: Vec<String> = (0..20_000).map(|n| format!("{n:08x}@10.0.0.{}", n % 7)).collect();
        for percent in [1, 10, 25, 50, 90] {
            let chosen = ids.iter().filter(|id| share_of(id) < percent).count();
            let expected = usize::try_from(percent).unwrap() * 200;
            assert!(chosen.abs_diff(expected) < 300, "{percent} %: {chosen}");
        }
        assert!(ids.iter().all(|id| share_of(id) < 100), "every share is below 100");
        assert_eq!(share_of("a84b4c76e66710@pc33.example"), share_of("a84b4c76e66710@pc33.example"));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in ["", "keep", "Record", "caller=1"] {
            assert!(matches!(CallRule::parse(1, text), Err(RuleError::Verb(_))), "{text}");
        }
        for text in [
            "skip now",
            "skip colour=red",
            "skip direction=up",
            "skip days=monday",
            "skip time=8:00-17:00",
            "skip time=08:00-08:00",
            "skip time=08:60-09:00",
            "skip time=24:00-01:00",
            "skip time=08:00-17:00 time=18:00-19:00",
            "skip percent=101",
            "skip percent=-1",
        ] {
            assert!(matches!(CallRule::parse(1, text), Err(RuleError::Condition(_))), "{text}");
        }
        assert!(CallRule::parse(1, "skip caller=...").is_err(), "a prefix of nothing");
    }

    #[test]
    fn the_first_rule_that_holds_decides_and_an_exclusion_is_final() {
        let rule = |n, text| CallRule::parse(n, text).unwrap();
        let rules = Rules {
            extensions: RuleSet::parse(&[], &["3111"]).unwrap(),
            calls: vec![rule(50, "record caller=0800..."), rule(51, "skip direction=in"), rule(52, "record")],
        };
        let zone = Zone::named("UTC").unwrap();
        let check = |caller: &str, called: &str, direction, record, rule| {
            let d = rules.decide_call(&call(caller, called, direction), UtcMicros(0), &zone);
            assert_eq!((d.record, d.rule), (record, rule), "{}", d.why);
        };
        check("0800123", "3115", Direction::In, true, Some(50));
        check("0115550100", "3115", Direction::In, false, Some(51));
        check("3115", "0115550100", Direction::Out, true, Some(52));
        check("0800123", "3111", Direction::In, false, Some(1));
        let d = rules.decide_call(&call("1", "3115", Direction::In), UtcMicros(0), &zone);
        assert_eq!(d.why, "not recorded by call rule 51 (skip direction=in)");
    }
}
