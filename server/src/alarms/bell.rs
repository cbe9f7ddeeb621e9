//! The bell: rung by whoever sees something. It never waits; what it says is passed on by the thread `alarms`.

use std::sync::mpsc::{SyncSender, TrySendError};

use archiver::notices::Notice;
use shared::Zone;
use vault::{NoticesChanged, Severity};

use super::queue::{Message, Word};
use crate::archiving::watch::{Journal, Told};
use crate::{terminal, world};

/// What comes to the thread.
#[derive(Debug)]
pub(super) enum Rung {
    /// To be told as it is: the journal has it already.
    Tell(Message),
    /// It stands. News only if it did not stand before, or matters more now.
    Stands(Message),
    /// It does not stand. News only if it did.
    Over(Message),
}

/// Rung by whoever sees something wrong. It never waits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bell(pub(super) Option<SyncSender<Rung>>);

impl Bell {
    /// Tells of something that happened and matters now.
    pub(crate) fn alarm(&self, text: &str) {
        let at = world::now().utc;
        terminal::say(&format!("ALARM {at} {text}"));
        let (word, severity, key) = (Word::Happened, Severity::Urgent, String::new());
        self.pass(Rung::Tell(Message { at, word, severity, key, text: text.to_owned() }));
    }

    /// Says that `key` stands. It may be said as often as is looked: told is its beginning, and again while it stands.
    pub(crate) fn stands(&self, key: &str, severity: Severity, text: &str) {
        let (at, key, text) = (world::now().utc, key.to_owned(), text.to_owned());
        self.pass(Rung::Stands(Message { at, word: Word::Begun, severity, key, text }));
    }

    /// Says that `key` does not stand. It may be said as often as is looked: told is the end of what stood, also before a restart.
    pub(crate) fn over(&self, key: &str, text: &str) {
        let (at, key, text) = (world::now().utc, key.to_owned(), text.to_owned());
        self.pass(Rung::Over(Message { at, word: Word::Over, severity: Severity::Told, key, text }));
    }

    fn pass(&self, rung: Rung) {
        let Some(sender) = &self.0 else { return };
        match sender.try_send(rung) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => {
                terminal::say("the alarms before this one wait to be sent; it stands here only");
            }
        }
    }
}

impl Told for Bell {
    fn told(&mut self, changed: &NoticesChanged, zone: &Zone) {
        Journal.told(changed, zone);
        let at = world::now().utc;
        let news = changed.begun.iter().map(|row| (row, Word::Begun));
        for (row, word) in news.chain(changed.ended.iter().map(|row| (row, Word::Over))) {
            let Some(notice) = Notice::of(row) else { continue };
            let (key, text) = (row.key.clone(), notice.sentence(zone));
            self.pass(Rung::Tell(Message { at, word, severity: row.severity, key, text }));
        }
    }
}
