//! What stands because this program saw it itself: a satellite that is silent, a tap without calls. The archive's notices stand in the
//! catalogue; these stand here, since a satellite has no catalogue and a catalogue that fails must not hide them.
//!
//! Remembered in `run/standing.json`: what ended while the program was down is told as over by the first look after the start, and
//! what still stands is not told as new. Losing the file costs no more than that.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::UtcMicros;
use vault::{By, NoticeRow, Severity};

use super::queue::{Message, Word};
use crate::disk;

/// More does not stand at once; further ones are told as if they had only happened.
const STANDING_MAX: usize = 1_000;

/// What stands, for whoever shows it; the thread `alarms` keeps it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stands(Arc<Mutex<Standing>>);

impl Stands {
    pub(super) fn read(file: PathBuf) -> Self {
        Self(Arc::new(Mutex::new(Standing::read(file))))
    }

    /// Returns all that stands, as notices whose sentence is `why`.
    pub(crate) fn notices(&self) -> Vec<NoticeRow> {
        let held = self.held();
        let row = |(key, one): (&String, &One)| NoticeRow {
            key: key.clone(),
            severity: Severity::from_number(one.severity).unwrap_or(Severity::Urgent),
            filled: json!({ "why": one.text }).to_string(),
            since: UtcMicros(one.since_us),
            seen: one.seen.as_ref().map(|(name, at)| By {
                user: None,
                name: name.clone(),
                at: UtcMicros(*at),
            }),
        };
        held.all.iter().map(row).collect()
    }

    /// Notes that somebody has seen what stands under a key: it is not told again until it becomes worse. False if nothing stands there.
    pub(crate) fn seen(&self, key: &str, by: &By) -> bool {
        let mut held = self.held();
        let Some(one) = held.all.get_mut(key) else { return false };
        one.seen = Some((by.name.clone(), by.at.0));
        held.keep();
        true
    }

    pub(super) fn held(&self) -> MutexGuard<'_, Standing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All that stands, by its key.
#[derive(Debug, Default)]
pub(super) struct Standing {
    file: PathBuf,
    all: BTreeMap<String, One>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct One {
    since_us: i64,
    severity: u8,
    text: String,
    /// Who has seen it, and when, in microseconds.
    #[serde(default)]
    seen: Option<(String, i64)>,
}

impl Standing {
    /// Reads what stood when the program ended.
    pub(super) fn read(file: PathBuf) -> Self {
        let text = std::fs::read(&file).unwrap_or_default();
        let all = serde_json::from_slice(&text).unwrap_or_default();
        Self { file, all }
    }

    /// Takes what stands; true if it is news.
    pub(super) fn begin(&mut self, message: &Message) -> bool {
        let severity = message.severity.number();
        let before = self.all.get_mut(&message.key);
        let is_news = before.as_ref().is_none_or(|stood| stood.severity < severity);
        if let Some(stood) = before {
            // The figures in its words grow while it stands; whoever has seen it has not seen that it became worse.
            (stood.severity, stood.text) = (severity, message.text.clone());
            stood.seen = stood.seen.take().filter(|_seen| !is_news);
        } else if self.all.len() < STANDING_MAX {
            let stands = One { since_us: message.at.0, severity, text: message.text.clone(), seen: None };
            self.all.insert(message.key.clone(), stands);
        }
        if is_news {
            self.keep();
        }
        is_news
    }

    /// Takes what does not stand; how much it mattered if it did.
    pub(super) fn end(&mut self, key: &str) -> Option<Severity> {
        let stood = self.all.remove(key)?;
        self.keep();
        Some(Severity::from_number(stood.severity).unwrap_or(Severity::Urgent))
    }

    /// All that stands and nobody has seen.
    pub(super) fn messages(&self) -> impl Iterator<Item = Message> {
        self.all.iter().filter(|(_, one)| one.seen.is_none()).map(|(key, stands)| Message {
            at: UtcMicros(stands.since_us),
            word: Word::Stands,
            severity: Severity::from_number(stands.severity).unwrap_or(Severity::Urgent),
            key: key.clone(),
            text: stands.text.clone(),
        })
    }

    fn keep(&self) {
        let kept = serde_json::to_vec(&self.all).map_err(anyhow::Error::from);
        if let Err(e) = kept.and_then(|text| disk::replace(&self.file, &text)) {
            tracing::warn!("alarms: what stands is not remembered over a restart: {e:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn message(severity: Severity, text: &str) -> Message {
        let (at, key) = (UtcMicros(5), "satellite/B".to_owned());
        Message { at, word: Word::Begun, severity, key, text: text.to_owned() }
    }

    #[test]
    fn what_stands_is_news_once_and_again_when_it_matters_more_and_its_end_is_news_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("standing.json");
        let mut standing = Standing::read(file.clone());
        assert!(standing.end("satellite/B").is_none(), "it never stood");
        assert!(standing.begin(&message(Severity::Warning, "silent for a minute")));
        assert!(!standing.begin(&message(Severity::Warning, "silent for two minutes")));
        assert!(standing.begin(&message(Severity::Urgent, "silent for an hour")));

        // After a restart it still stands, and its end is told.
        let mut standing = Standing::read(file.clone());
        assert!(!standing.begin(&message(Severity::Urgent, "silent for two hours")));
        let told: Vec<Message> = standing.messages().collect();
        assert_eq!(
            told.first().map(|m| (m.at, m.text.as_str())),
            Some((UtcMicros(5), "silent for two hours"))
        );
        assert_eq!(standing.end("satellite/B"), Some(Severity::Urgent));
        assert!(Standing::read(file).end("satellite/B").is_none());
    }

    #[test]
    fn what_somebody_has_seen_is_told_no_more_unless_it_becomes_worse_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("standing.json");
        let stands = Stands::read(file.clone());
        let by = By { user: None, name: "Thandi".to_owned(), at: UtcMicros(9) };
        assert!(!stands.seen("satellite/B", &by), "nothing stands");
        assert!(stands.held().begin(&message(Severity::Warning, "silent for a minute")));
        assert!(stands.seen("satellite/B", &by));

        let stands = Stands::read(file);
        assert_eq!(stands.held().messages().count(), 0);
        assert!(!stands.held().begin(&message(Severity::Warning, "silent for two minutes")));
        let notices = stands.notices();
        assert_eq!(
            notices.first().and_then(|row| row.seen.clone()).map(|by| by.name),
            Some("Thandi".to_owned())
        );
        assert!(notices.first().is_some_and(|row| row.filled.contains("two minutes")));
        assert!(stands.held().begin(&message(Severity::Urgent, "silent for an hour")));
        assert_eq!(stands.held().messages().count(), 1);
    }

    #[test]
    fn a_file_of_rubbish_is_as_good_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("standing.json");
        std::fs::write(&file, b"[1,2").unwrap();
        assert!(Standing::read(file).begin(&message(Severity::Told, "x")));
    }
}
