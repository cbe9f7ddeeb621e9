//! What one way still has to tell, and when: no I/O, and the caller brings the time.
//!
//! Messages that come close together go out together, so that a failing disk makes one mail and not a thousand. What could not be
//! delivered waits and is tried again, ever more seldom. Nothing makes whoever raises an alarm wait.

use std::collections::{BTreeMap, VecDeque};

use shared::UtcMicros;
use vault::Severity;

/// Seconds in which messages are gathered: those that are urgent, and others.
const GATHER_URGENT_S: u64 = 2;
const GATHER_S: u64 = 20;
/// Seconds between two deliveries.
const APART_URGENT_S: u64 = 10;
const APART_S: u64 = 60;
/// Seconds before a delivery is tried again: doubled each time, up to the second.
const RETRY_S: u64 = 15;
const RETRY_MAX_S: u64 = 1_800;
/// Messages that wait at most. Beyond it those that matter least and are oldest are only counted.
const WAITING_MAX: usize = 500;
/// Messages in one delivery.
const BUNDLE_MAX: usize = 100;
/// A way that failed for so long is told as broken, in seconds.
const BROKEN_S: u64 = 300;
const HOUR_US: i64 = 3_600_000_000;

/// What a message says of what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// It happened, and there is no end to wait for.
    Happened,
    /// It begins, or became worse.
    Begun,
    /// It stands, and nobody has acknowledged it.
    Stands,
    /// It is over.
    Over,
    /// Nothing: the way is tried.
    Test,
    /// Nothing: the way works.
    Alive,
}

impl Word {
    /// Returns the word, for people and for programs.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Happened => "alarm",
            Self::Begun => "begun",
            Self::Stands => "stands",
            Self::Over => "over",
            Self::Test => "test",
            Self::Alive => "alive",
        }
    }
}

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// When it came about.
    pub(crate) at: UtcMicros,
    /// What it says.
    pub(crate) word: Word,
    /// How much it matters.
    pub(crate) severity: Severity,
    /// What it is about: begin, repetition and end have the same. Empty for what only happened.
    pub(crate) key: String,
    /// A sentence for people.
    pub(crate) text: String,
}

/// One delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bundle {
    /// In the order in which they came about; never empty.
    pub(crate) messages: Vec<Message>,
    /// Further ones that were not kept.
    pub(crate) dropped: u64,
}

impl Bundle {
    /// How much the worst of it matters.
    pub(crate) fn worst(&self) -> Severity {
        self.messages.iter().map(|message| message.severity).max().unwrap_or(Severity::Told)
    }
}

/// What waits for one way. Times in seconds are of a clock that never steps.
#[derive(Debug, Clone, Default)]
pub(crate) struct Queue {
    waiting: VecDeque<Message>,
    dropped: u64,
    /// When the oldest that waits came, and the oldest that is urgent.
    since_s: Option<u64>,
    urgent_since_s: Option<u64>,
    sent_s: Option<u64>,
    retry_s: u64,
    /// Tries that failed since the last success, and since when.
    fails: u32,
    failing_since_s: Option<u64>,
    error: Option<String>,
    /// When what stands was told last, by its key.
    told: BTreeMap<String, UtcMicros>,
}

impl Queue {
    /// A queue that knows when what stands was told before a restart.
    pub(crate) fn with(told: BTreeMap<String, UtcMicros>) -> Self {
        Self { told, ..Self::default() }
    }

    /// Takes a message.
    pub(crate) fn put(&mut self, message: Message, now_s: u64) {
        self.since_s.get_or_insert(now_s);
        if message.severity == Severity::Urgent {
            self.urgent_since_s.get_or_insert(now_s);
        }
        if self.waiting.len() >= WAITING_MAX {
            self.dropped = self.dropped.saturating_add(1);
            let least = self.waiting.iter().map(|waiting| waiting.severity).min().unwrap_or(Severity::Urgent);
            if message.severity < least {
                return;
            }
            if let Some(n) = self.waiting.iter().position(|waiting| waiting.severity == least) {
                self.waiting.remove(n);
            }
        }
        self.waiting.push_back(message);
    }

    /// Takes what stands and is not acknowledged: key, severity and sentence. What was not told for `repeat_hours` is told again.
    pub(crate) fn stands(&mut self, all: &[Message], repeat_hours: u32, (now, now_s): (UtcMicros, u64)) {
        self.told.retain(|key, _| all.iter().any(|message| message.key == *key));
        for message in all {
            if self.waiting.iter().any(|waiting| waiting.key == message.key) {
                continue;
            }
            let due = match self.told.get(&message.key) {
                None => true,
                Some(_) if repeat_hours == 0 => false,
                // A clock that went back must not silence anything for ever.
                Some(told) => {
                    now.0.saturating_sub(told.0).unsigned_abs()
                        >= u64::from(repeat_hours) * HOUR_US.unsigned_abs()
                }
            };
            if due {
                self.put(Message { word: Word::Stands, ..message.clone() }, now_s);
            }
        }
    }

    /// Returns what is to be delivered now.
    pub(crate) fn due(&self, now_s: u64) -> Option<Bundle> {
        let since = self.since_s?;
        let passed = |from: Option<u64>, s: u64| from.is_none_or(|from| now_s >= from.saturating_add(s));
        let is_due = if self.fails > 0 {
            now_s >= self.retry_s
        } else if let Some(urgent) = self.urgent_since_s {
            passed(Some(urgent), GATHER_URGENT_S) && passed(self.sent_s, APART_URGENT_S)
        } else {
            passed(Some(since), GATHER_S) && passed(self.sent_s, APART_S)
        };
        let messages: Vec<Message> = self.waiting.iter().take(BUNDLE_MAX).cloned().collect();
        (is_due && !messages.is_empty()).then_some(Bundle { messages, dropped: self.dropped })
    }

    /// Notes that a bundle of [`Self::due`] was delivered.
    pub(crate) fn delivered(&mut self, bundle: &Bundle, now: UtcMicros, now_s: u64) {
        self.waiting.drain(..bundle.messages.len().min(self.waiting.len()));
        self.dropped = self.dropped.saturating_sub(bundle.dropped);
        for message in &bundle.messages {
            match message.word {
                Word::Begun | Word::Stands => drop(self.told.insert(message.key.clone(), now)),
                Word::Over => drop(self.told.remove(&message.key)),
                Word::Happened | Word::Test | Word::Alive => {}
            }
        }
        self.since_s = (!self.waiting.is_empty()).then_some(now_s);
        let is_urgent = self.waiting.iter().any(|message| message.severity == Severity::Urgent);
        self.urgent_since_s = is_urgent.then_some(now_s);
        self.sent_s = Some(now_s);
        (self.fails, self.failing_since_s, self.error) = (0, None, None);
    }

    /// Notes that a delivery failed: everything waits.
    pub(crate) fn failed(&mut self, why: String, now_s: u64) {
        let wait = RETRY_S.saturating_mul(1 << self.fails.min(16)).min(RETRY_MAX_S);
        self.retry_s = now_s.saturating_add(wait);
        self.fails = self.fails.saturating_add(1);
        self.failing_since_s.get_or_insert(now_s);
        self.error = Some(why);
    }

    /// Why nothing is delivered, if that has been so for a while: a person should hear it elsewhere.
    pub(crate) fn broken(&self, now_s: u64) -> Option<&str> {
        let since = self.failing_since_s?;
        (now_s.saturating_sub(since) >= BROKEN_S).then_some(self.error.as_deref()).flatten()
    }

    /// How many messages wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// True if so many hours went by without anything to tell, so that silence can be told from a broken way.
    pub(crate) fn is_silent_for(&self, hours: u32, now_s: u64) -> bool {
        let since = self.sent_s.unwrap_or(0);
        hours > 0 && self.waiting.is_empty() && now_s.saturating_sub(since) >= u64::from(hours) * 3_600
    }

    /// When what stands was told last, by its key.
    pub(crate) const fn told(&self) -> &BTreeMap<String, UtcMicros> {
        &self.told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(word: Word, severity: Severity, key: &str) -> Message {
        Message { at: UtcMicros(7), word, severity, key: key.to_owned(), text: format!("{key} it is") }
    }

    fn keys(bundle: Option<Bundle>) -> Vec<String> {
        bundle.map(|b| b.messages.into_iter().map(|m| m.key).collect()).unwrap_or_default()
    }

    #[test]
    fn what_comes_close_together_goes_out_together_and_the_urgent_soon() {
        let mut queue = Queue::default();
        queue.put(message(Word::Begun, Severity::Warning, "a"), 100);
        queue.put(message(Word::Begun, Severity::Warning, "b"), 110);
        assert_eq!(queue.due(119), None, "others may come");
        assert_eq!(keys(queue.due(120)), ["a", "b"]);
        queue.put(message(Word::Happened, Severity::Urgent, "c"), 111);
        assert_eq!(queue.due(112), None);
        let bundle = queue.due(113).unwrap();
        assert_eq!(
            (bundle.worst(), keys(Some(bundle.clone()))),
            (Severity::Urgent, vec!["a".into(), "b".into(), "c".into()])
        );
        queue.delivered(&bundle, UtcMicros(0), 113);
        assert_eq!((queue.due(1_000), queue.waiting()), (None, 0));
        queue.put(message(Word::Begun, Severity::Warning, "d"), 114);
        assert_eq!(queue.due(150), None, "a minute apart");
        assert_eq!(keys(queue.due(173)), ["d"]);
    }

    #[test]
    fn what_cannot_be_delivered_waits_and_is_tried_ever_more_seldom_and_told_elsewhere() {
        let mut queue = Queue::default();
        queue.put(message(Word::Happened, Severity::Urgent, "a"), 0);
        let mut tries = Vec::new();
        for now in 0..4_000 {
            if queue.due(now).is_some() {
                tries.push(now);
                queue.failed("no route".into(), now);
            }
            let is_broken = queue.broken(now).is_some();
            assert_eq!(is_broken, now >= 302, "{now}");
        }
        assert_eq!(tries, [2, 17, 47, 107, 227, 467, 947, 1_907, 3_707], "doubled up to half an hour");
        let bundle = queue.due(6_000).unwrap();
        assert_eq!(bundle.messages.len(), 1, "nothing was lost");
        queue.delivered(&bundle, UtcMicros(0), 6_000);
        assert_eq!(queue.broken(9_000), None);
    }

    #[test]
    fn what_stands_is_told_again_until_somebody_acknowledges_it_also_over_a_restart() {
        let day = |n: i64| UtcMicros(n * 24 * HOUR_US);
        let stands = [message(Word::Begun, Severity::Warning, "drive")];
        let mut queue = Queue::default();
        queue.put(message(Word::Begun, Severity::Warning, "drive"), 0);
        queue.stands(&stands, 24, (day(0), 5));
        let bundle = queue.due(30).unwrap();
        assert_eq!(bundle.messages.len(), 1, "not twice");
        queue.delivered(&bundle, day(0), 30);

        let mut queue = Queue::with(queue.told().clone());
        queue.stands(&stands, 24, (UtcMicros(day(1).0 - 1), 10));
        assert_eq!(queue.waiting(), 0, "told within a day");
        queue.stands(&stands, 0, (day(9), 10));
        assert_eq!(queue.waiting(), 0, "never again");
        queue.stands(&stands, 24, (day(1), 10));
        assert_eq!(queue.due(40).unwrap().messages[0].word, Word::Stands);

        let mut queue = Queue::with(queue.told().clone());
        queue.stands(&[], 24, (day(1), 10));
        queue.stands(&stands, 24, (day(1), 11));
        assert_eq!(queue.waiting(), 1, "it was acknowledged or over, and came back");
    }

    #[test]
    fn a_flood_is_counted_and_the_urgent_stay() {
        let mut queue = Queue::default();
        queue.put(message(Word::Happened, Severity::Urgent, "fire"), 0);
        for _ in 0..2_000 {
            queue.put(message(Word::Happened, Severity::Told, "noise"), 1);
        }
        queue.put(message(Word::Happened, Severity::Urgent, "flood"), 2);
        assert_eq!(queue.waiting(), WAITING_MAX);
        let mut told = Vec::new();
        let mut dropped = 0;
        let mut now = 10;
        while let Some(bundle) = queue.due(now) {
            dropped += bundle.dropped;
            told.extend(bundle.messages.iter().map(|m| m.key.clone()));
            queue.delivered(&bundle, UtcMicros(0), now);
            now += 100;
        }
        assert_eq!((told.len(), dropped), (WAITING_MAX, 2_002 - WAITING_MAX as u64));
        assert_eq!((told.first().unwrap().as_str(), told.last().unwrap().as_str()), ("fire", "flood"));
    }

    #[test]
    fn a_way_without_news_says_that_it_works() {
        let mut queue = Queue::default();
        assert!(!queue.is_silent_for(0, 1 << 40));
        queue.put(message(Word::Alive, Severity::Told, ""), 0);
        let bundle = queue.due(20).unwrap();
        queue.delivered(&bundle, UtcMicros(0), 20);
        assert!(!queue.is_silent_for(1, 3_619) && queue.is_silent_for(1, 3_620));
    }
}
