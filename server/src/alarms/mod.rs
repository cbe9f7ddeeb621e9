//! Alarms that leave the machine: by mail, to a webhook, to a syslog. What is configured is in [`settings`]; what waits for whom and
//! when is in [`queue`].
//!
//! A [`Bell`] is rung by whoever sees something, and never waits. The thread `alarms` passes it on, tells again what stands and
//! nobody has acknowledged (the notices of the catalogue, and what this program saw itself: [`standing`]), and says on the screen if
//! a way does not work: a way out that fails unnoticed would be the same as none.
//!
//! What only happened (a fault of a disk, a tap that went away) is told as long as the process lives; when what stands was told is
//! remembered over a restart in `run/alarms.json`, which is worth nothing but the peace of those who were told already.

mod bell;
mod mail;
mod queue;
pub(crate) mod settings;
mod standing;
mod syslog;
mod webhook;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use archiver::notices::Notice;
use serde_json::json;
use shared::{UtcMicros, Zone};
use vault::{Severity, Vault};
use zeroize::Zeroizing;

use crate::{disk, terminal, world};

pub(crate) use bell::Bell;
use bell::Rung;
use queue::{Bundle, Queue};
pub(crate) use queue::{Message, Word};
use settings::{Alarms, By, Way};
pub(crate) use standing::Stands;

/// Alarms that may wait for the thread; more are in the journal only, and counted.
const RUNG_MAX: usize = 1_000;
/// How often the thread looks whether something is due.
const TURN: Duration = Duration::from_millis(500);
/// So long the last alarms may take at the end of the program.
const FAREWELL: Duration = Duration::from_secs(5);
/// Seconds between two looks at what stands.
const STANDING_S: u64 = 60;
/// The certificates that the system trusts.
const TRUSTED: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];
/// A secret's file is not longer.
const SECRET_MAX: usize = 4_096;

/// Who sends.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    /// The site's name.
    pub(crate) site: String,
    /// Its id.
    pub(crate) site_id: String,
    /// This machine's name.
    pub(crate) host: String,
    /// The site's zone.
    pub(crate) zone: Zone,
}

impl Sender {
    /// A sender for this machine.
    pub(crate) fn new(site: &str, site_id: String, zone: Zone) -> Self {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self { site: site.to_owned(), site_id, host, zone }
    }

    #[cfg(test)]
    pub(crate) fn for_tests(site: &str) -> Self {
        let zone = Zone::named("Africa/Johannesburg").expect("it is in the data base");
        Self { site: site.to_owned(), site_id: "s".to_owned(), host: "recorder-1".to_owned(), zone }
    }

    /// Writes a bundle for people: a line each, with the site's time.
    pub(crate) fn text(&self, bundle: &Bundle) -> String {
        let mut text = format!("Site {} on {}:\n\n", self.site, self.host);
        for message in &bundle.messages {
            let (when, word) = (self.zone.rfc3339(message.at), message.word.text());
            text.push_str(&format!("{when}  {}, {word}:\n    {}\n", message.severity.word(), message.text));
        }
        if bundle.dropped > 0 {
            text.push_str(&format!(
                "\n{} further alarms were not kept; they are in the journal.\n",
                bundle.dropped
            ));
        }
        text.push_str("\nWhat stands is told again until somebody acknowledges it in the console.\n");
        text
    }
}

/// How the ways are, for whoever looks.
pub(crate) type Health = Arc<Mutex<Vec<WayHealth>>>;

/// How one way is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WayHealth {
    /// Its name.
    pub(crate) name: String,
    /// Messages that wait.
    pub(crate) waiting: usize,
    /// Why nothing has been delivered for minutes.
    pub(crate) broken: Option<String>,
}

/// What is configured now.
pub(crate) type Configured = Arc<dyn Fn() -> (Alarms, Vec<Way>) + Send + Sync>;

/// What the thread needs of the server around it.
pub(crate) struct Around {
    /// Who sends.
    pub(crate) sender: Sender,
    /// Where notices are read; a satellite has no such place.
    pub(crate) vault: Option<Arc<Vault>>,
    /// What is configured now.
    pub(crate) configured: Configured,
    /// Where it says how the ways are.
    pub(crate) health: Health,
    /// Shows a sentence on the screen.
    pub(crate) show: Box<dyn Fn(&str) + Send>,
}

/// The thread that passes alarms on.
pub(crate) struct Ringer {
    thread: JoinHandle<()>,
    stop: Arc<AtomicBool>,
    standing: Stands,
}

/// Starts the thread for the site in folder `data`.
///
/// # Errors
/// The system gives no thread.
pub(crate) fn start(data: &Path, around: Around) -> anyhow::Result<(Bell, Ringer)> {
    let (ring, rung) = sync_channel(RUNG_MAX);
    let memory = data.join("run/alarms.json");
    let told = remembered(&memory);
    let stop = Arc::new(AtomicBool::new(false));
    let standing = Stands::read(data.join("run/standing.json"));
    let (ways, kept) = (BTreeMap::new(), standing.clone());
    let work = Work { around, memory, told, ways, standing: kept, looked_s: None, stop: Arc::clone(&stop) };
    let thread = std::thread::Builder::new().name("alarms".to_owned());
    let thread = thread.spawn(move || work.run(&rung)).context("the system gives no thread for alarms")?;
    Ok((Bell(Some(ring)), Ringer { thread, stop, standing }))
}

impl Ringer {
    /// Returns what stands because this program saw it itself.
    pub(crate) fn standing(&self) -> Stands {
        self.standing.clone()
    }

    /// Has what waits sent once more and ends, at the latest after a few seconds: a mail server that hangs holds up no restart.
    pub(crate) fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        let until = Instant::now() + FAREWELL;
        while !self.thread.is_finished() && Instant::now() < until {
            std::thread::sleep(TURN / 10);
        }
    }
}

/// Sends a message over every way and tells what each answered.
pub(crate) fn test(sender: &Sender, ways: &[Way]) -> Vec<(String, Result<(), String>)> {
    let text = "This is a test. If you can read it, alarms of this site reach you here.".to_owned();
    let message = Message {
        at: world::now().utc,
        word: Word::Test,
        severity: Severity::Told,
        key: String::new(),
        text,
    };
    let bundle = Bundle { messages: vec![message], dropped: 0 };
    ways.iter().map(|way| (way.name.clone(), send(&way.by, sender, &bundle))).collect()
}

struct Work {
    around: Around,
    memory: PathBuf,
    /// What was told before the start, by way.
    told: BTreeMap<String, BTreeMap<String, UtcMicros>>,
    ways: BTreeMap<String, (Way, Queue)>,
    /// What this program saw itself.
    standing: Stands,
    looked_s: Option<u64>,
    stop: Arc<AtomicBool>,
}

impl Work {
    fn run(mut self, rung: &Receiver<Rung>) {
        while !self.stop.load(Ordering::Relaxed) {
            self.follow();
            let first = rung.recv_timeout(TURN);
            let now_s = seconds();
            match first {
                Ok(rung) => self.hear(rung, now_s),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            rung.try_iter().for_each(|rung| self.hear(rung, now_s));
            self.look(now_s);
            self.deliver(now_s);
        }
        // The end of the program is no reason to keep what came last.
        rung.try_iter().for_each(|rung| self.hear(rung, seconds()));
        self.deliver(u64::MAX);
    }

    /// Follows what is configured; a way that goes takes what waited for it along.
    fn follow(&mut self) {
        let (_, wanted) = (self.around.configured)();
        self.ways.retain(|name, _| wanted.iter().any(|way| way.name == *name));
        for way in wanted {
            match self.ways.get_mut(&way.name) {
                Some((known, _)) => *known = way,
                None => {
                    let queue = Queue::with(self.told.remove(&way.name).unwrap_or_default());
                    self.ways.insert(way.name.clone(), (way, queue));
                }
            }
        }
    }

    fn hear(&mut self, rung: Rung, now_s: u64) {
        match rung {
            Rung::Tell(message) => self.take(&message, now_s),
            Rung::Stands(message) => {
                let is_news = self.standing.held().begin(&message);
                if is_news {
                    let alarm = if message.severity == Severity::Urgent { "ALARM " } else { "warning: " };
                    terminal::say(&format!("{alarm}{} {}", message.at, message.text));
                    (self.around.show)(&message.text);
                    self.take(&message, now_s);
                }
            }
            Rung::Over(message) => {
                let stood = self.standing.held().end(&message.key);
                if let Some(severity) = stood {
                    terminal::say(&format!("over: {} {}", message.at, message.text));
                    (self.around.show)(&message.text);
                    self.take(&Message { severity, ..message }, now_s);
                }
            }
        }
    }

    fn take(&mut self, message: &Message, now_s: u64) {
        for (way, queue) in self.ways.values_mut() {
            if message.severity >= way.least {
                queue.put(message.clone(), now_s);
            }
        }
    }

    /// Looks at what stands, and at the ways themselves.
    fn look(&mut self, now_s: u64) {
        if self.looked_s.is_some_and(|then| now_s.saturating_sub(then) < STANDING_S) {
            return;
        }
        self.looked_s = Some(now_s);
        let (rules, _) = (self.around.configured)();
        let now = world::now().utc;
        let standing = self.standing();
        for (way, queue) in self.ways.values_mut() {
            if let Ok(all) = &standing {
                let for_it: Vec<Message> =
                    all.iter().filter(|message| message.severity >= way.least).cloned().collect();
                queue.stands(&for_it, rules.repeat_hours, (now, now_s));
            }
            if queue.is_silent_for(rules.alive_hours, now_s) {
                let text = "Nothing is wrong: this only says that alarms still reach you.".to_owned();
                let (word, severity, key) = (Word::Alive, Severity::Told, String::new());
                queue.put(Message { at: now, word, severity, key, text }, now_s);
            }
        }
        if let Err(e) = standing {
            tracing::warn!("alarms: what stands cannot be read: {e}");
        }
    }

    /// What stands and nobody has acknowledged, and matters enough to be told again.
    fn standing(&self) -> vault::Result<Vec<Message>> {
        let notices = self.around.vault.as_ref().map_or_else(|| Ok(Vec::new()), |vault| vault.notices())?;
        let rows = notices.into_iter().filter(|row| row.seen.is_none());
        let rows = rows.filter(|row| row.severity >= Severity::Warning);
        let told = rows.filter_map(|row| {
            let text = Notice::of(&row)?.sentence(&self.around.sender.zone);
            Some(Message { at: row.since, word: Word::Stands, severity: row.severity, key: row.key, text })
        });
        Ok(told.chain(self.standing.held().messages()).collect())
    }

    fn deliver(&mut self, now_s: u64) {
        let mut has_told = false;
        for (way, queue) in self.ways.values_mut() {
            let Some(bundle) = queue.due(now_s) else { continue };
            match send(&way.by, &self.around.sender, &bundle) {
                Ok(()) => {
                    queue.delivered(&bundle, world::now().utc, now_s);
                    has_told = true;
                }
                Err(why) => {
                    terminal::say(&format!(
                        "alarms cannot be sent by {}: {why}. They wait and are tried again",
                        way.name
                    ));
                    queue.failed(why, now_s.min(seconds()));
                }
            }
        }
        self.tell_health();
        if has_told {
            self.remember();
        }
    }

    /// Says how the ways are; of one that broke, on the screen and by the others.
    fn tell_health(&mut self) {
        let now_s = seconds();
        let ways = self.ways.values().map(|(way, queue)| WayHealth {
            name: way.name.clone(),
            waiting: queue.waiting(),
            broken: queue.broken(now_s).map(str::to_owned),
        });
        let now: Vec<WayHealth> = ways.collect();
        let before = {
            let mut health = self.around.health.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *health, now.clone())
        };
        let was_broken = |name: &str| before.iter().any(|way| way.name == name && way.broken.is_some());
        for way in &now {
            let Some(why) = way.broken.as_ref().filter(|_why| !was_broken(&way.name)) else { continue };
            let text = format!("alarms do not go out by {} any more: {why}", way.name);
            (self.around.show)(&text);
            let (at, word, severity) = (world::now().utc, Word::Happened, Severity::Urgent);
            let message = Message { at, word, severity, key: String::new(), text };
            for (_, queue) in
                self.ways.iter_mut().filter(|(name, _)| **name != way.name).map(|(_, entry)| entry)
            {
                queue.put(message.clone(), now_s);
            }
        }
    }

    fn remember(&self) {
        let all: BTreeMap<&str, BTreeMap<&str, i64>> = self
            .ways
            .iter()
            .map(|(name, (_, queue))| {
                (name.as_str(), queue.told().iter().map(|(key, at)| (key.as_str(), at.0)).collect())
            })
            .collect();
        if let Err(e) = disk::replace(&self.memory, json!(all).to_string().as_bytes()) {
            tracing::warn!("alarms: what was told is not remembered over a restart: {e:#}");
        }
    }
}

fn remembered(memory: &Path) -> BTreeMap<String, BTreeMap<String, UtcMicros>> {
    let text = std::fs::read(memory).unwrap_or_default();
    let all: BTreeMap<String, BTreeMap<String, i64>> = serde_json::from_slice(&text).unwrap_or_default();
    all.into_iter()
        .map(|(name, told)| (name, told.into_iter().map(|(key, at)| (key, UtcMicros(at))).collect()))
        .collect()
}

fn send(by: &By, sender: &Sender, bundle: &Bundle) -> Result<(), String> {
    match by {
        By::Mail(mail) => mail::send(mail, sender, bundle),
        By::Webhook(hook) => webhook::send(hook, sender, bundle),
        By::Syslog(to) => syslog::send(to, sender, bundle),
    }
}

/// Reads a password or a token; only its first line counts.
fn secret(file: &Path) -> Result<Zeroizing<String>, String> {
    let cannot = |what: String| format!("{}: {what}", file.display());
    let bytes = Zeroizing::new(std::fs::read(file).map_err(|e| cannot(e.to_string()))?);
    if bytes.len() > SECRET_MAX {
        return Err(cannot("it is too long for a secret".to_owned()));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_e| cannot("it is no text".to_owned()))?;
    let first = text.lines().next().unwrap_or_default().trim();
    if first.is_empty() {
        return Err(cannot("it is empty".to_owned()));
    }
    Ok(Zeroizing::new(first.to_owned()))
}

/// The certificates to trust, in PEM form: those of a file, or the system's.
fn roots(ca: Option<&Path>) -> Result<Vec<u8>, String> {
    match ca {
        Some(file) => std::fs::read(file).map_err(|e| format!("{}: {e}", file.display())),
        // Without any every certificate is refused, in words.
        None => Ok(TRUSTED.iter().find_map(|path| std::fs::read(path).ok()).unwrap_or_default()),
    }
}

fn seconds() -> u64 {
    world::now().mono_ns / 1_000_000_000
}
