//! What was told of satellites, so that nobody is told the same twice in an hour, and no satellite drowns what is told of others.
//!
//! Pure: the caller brings the time.

use std::collections::{HashMap, HashSet};

use shared::{RecorderId, UtcMicros};

/// The same words are told again after an hour, and what is counted is counted for so long.
const HOUR_US: i64 = 3_600_000_000;
/// Different things that are told of one satellite within an hour, one by one.
pub(super) const EACH_MAX: usize = 20;
/// Of machines that are no satellite, or not known to be one, all together.
const STRANGERS_MAX: usize = 100;
/// Satellites and words that are remembered.
const REMEMBERED_MAX: usize = 10_000;

/// What becomes of something that is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Tell it.
    Tell,
    /// Tell it, and that nothing more of this one is told within the hour: the log has the rest.
    TellAndEnough,
    /// It was told, or there was enough.
    Log,
}

/// What was told within an hour.
#[derive(Debug, Default)]
pub(super) struct Told {
    hours: HashMap<Option<RecorderId>, Hour>,
}

#[derive(Debug)]
struct Hour {
    since: UtcMicros,
    words: HashSet<String>,
}

impl Told {
    /// Judges `text` about a satellite, or about strangers.
    pub(super) fn judge(&mut self, of: Option<RecorderId>, text: &str, now: UtcMicros) -> Verdict {
        let is_over = |hour: &Hour| now.0.saturating_sub(hour.since.0) > HOUR_US || now.0 < hour.since.0;
        if self.hours.len() >= REMEMBERED_MAX {
            self.hours.retain(|_, hour| !is_over(hour));
        }
        let hour = self.hours.entry(of).or_insert_with(|| Hour { since: now, words: HashSet::new() });
        if is_over(hour) {
            *hour = Hour { since: now, words: HashSet::new() };
        }
        let most = if of.is_some() { EACH_MAX } else { STRANGERS_MAX };
        if hour.words.len() >= most || !hour.words.insert(text.to_owned()) {
            return Verdict::Log;
        }
        if hour.words.len() == most { Verdict::TellAndEnough } else { Verdict::Tell }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: UtcMicros = UtcMicros(1_000_000_000_000);

    #[test]
    fn the_same_words_are_told_once_an_hour() {
        let mut told = Told::default();
        let who = Some(RecorderId([1; 16]));
        assert_eq!(told.judge(who, "refused", T), Verdict::Tell);
        assert_eq!(told.judge(who, "refused", T.plus(HOUR_US)), Verdict::Log);
        assert_eq!(told.judge(None, "refused", T), Verdict::Tell, "of somebody else");
        assert_eq!(told.judge(who, "refused", T.plus(HOUR_US + 1)), Verdict::Tell);
        assert_eq!(told.judge(who, "refused", T), Verdict::Tell, "the clock was set back");
    }

    #[test]
    fn whoever_causes_ten_thousand_alarms_drowns_nobody_else_s() {
        let mut told = Told::default();
        let (loud, other) = (Some(RecorderId([1; 16])), Some(RecorderId([2; 16])));
        let verdicts: Vec<Verdict> =
            (0..10_000).map(|n| told.judge(loud, &format!("part {n} differs"), T)).collect();
        let count = |wanted| verdicts.iter().filter(|verdict| **verdict == wanted).count();
        assert_eq!((count(Verdict::Tell), count(Verdict::TellAndEnough)), (EACH_MAX - 1, 1));
        assert_eq!(verdicts.iter().rposition(|v| *v != Verdict::Log), Some(EACH_MAX - 1));
        assert_eq!(told.judge(other, "part 7 differs", T), Verdict::Tell);
    }
}
