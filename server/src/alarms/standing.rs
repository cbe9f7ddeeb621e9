//! What stands because this program saw it itself: a satellite that is silent, a tap without calls. The archive's notices stand in the
//! catalogue; these stand here, since a satellite has no catalogue and a catalogue that fails must not hide them.
//!
//! Remembered in `run/standing.json`: what ended while the program was down is told as over by the first look after the start, and
//! what still stands is not told as new. Losing the file costs no more than that.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use shared::UtcMicros;
use vault::Severity;

use super::queue::{Message, Word};
use crate::disk;

/// More does not stand at once; further ones are told as if they had only happened.
const STANDING_MAX: usize = 1_000;

/// All that stands, by its key.
#[derive(Debug, Default)]
pub(super) struct Standing {
    file: PathBuf,
    all: BTreeMap<String, Stands>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stands {
    since_us: i64,
    severity: u8,
    text: String,
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
            // The figures in its words grow while it stands.
            (stood.severity, stood.text) = (severity, message.text.clone());
        } else if self.all.len() < STANDING_MAX {
            let stands = Stands { since_us: message.at.0, severity, text: message.text.clone() };
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

    /// All that stands.
    pub(super) fn messages(&self) -> impl Iterator<Item = Message> {
        self.all.iter().map(|(key, stands)| Message {
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
    fn a_file_of_rubbish_is_as_good_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("standing.json");
        std::fs::write(&file, b"[1,2").unwrap();
        assert!(Standing::read(file).begin(&message(Severity::Told, "x")));
    }
}
