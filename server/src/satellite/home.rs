//! What the courier asks of this program: what is kept on disk, what is followed, what people are told.

use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand_core::Rng as _;
use seal::SigningKey;
use serde_json::json;
use shared::{RecordingId, Stamp};
use tokio::sync::watch;
use transfer::document::{Configuration, Document, Trust};
use transfer::satellite::Home;
use transfer::tls::Identity;
use vault::Outpost;
use web::Board;

use super::folder::{self, Folder, NETWORK};
use super::keys::SatelliteKeys;
use crate::alarms::Stands;
use crate::alarms::settings::{Alarms, Way};
use crate::calls::Told;
use crate::config::{Config, Health};
use crate::serve::watch::{Order, Raise, TapVitals, locked};
use crate::{disk, terminal, world};

/// Where files lie that settings from the central may name.
const SECRETS: &str = "secrets";
/// A clock that is further from the central's is told.
const CLOCK_US: i64 = 5_000_000;
/// So much of why settings are not followed is told, in characters.
const REASON_MAX: usize = 600;
/// So much of what stands here is told to the central.
const STANDS_MAX: usize = 32;

/// How alarms leave this machine, as configured now.
pub(super) type Ways = Arc<Mutex<(Alarms, Vec<Way>)>>;

/// A satellite's home.
pub(super) struct Here {
    pub(super) dir: PathBuf,
    pub(super) trust: Mutex<Trust>,
    pub(super) authority: String,
    pub(super) keys: Arc<SatelliteKeys>,
    pub(super) outpost: Arc<Outpost>,
    pub(super) orders: Mutex<Sender<Order>>,
    pub(super) people: Raise,
    /// What stands because this satellite saw it itself.
    pub(super) standing: Stands,
    pub(super) ways: Ways,
    pub(super) health: Mutex<Health>,
    pub(super) config_version: AtomicU64,
    /// The last settings that came and are not followed: their version, and why.
    pub(super) refused: Mutex<Option<(u64, String)>>,
    /// The calls that are going on.
    pub(super) board: watch::Receiver<Arc<Board>>,
    /// What of them the central knows.
    pub(super) told: Mutex<Told>,
    /// Microseconds by which the central's clock is ahead.
    pub(super) clock: AtomicI64,
    /// When the central was heard last, monotonic, in nanoseconds; the start of the program until then.
    pub(super) heard_ns: AtomicU64,
    /// Why there is no line to the central, as tried last.
    pub(super) cut_off: Mutex<String>,
}

impl Here {
    /// Takes over what was opened.
    pub(super) fn new(
        folder: Folder,
        outpost: Arc<Outpost>,
        orders: Sender<Order>,
        board: watch::Receiver<Arc<Board>>,
        (people, standing): (Raise, Stands),
        ways: Ways,
    ) -> Self {
        let Folder { dir, config, config_version, trust, recorder, authority, day_keys, .. } = folder;
        Self {
            dir,
            trust: Mutex::new(trust),
            authority,
            keys: Arc::new(SatelliteKeys::new(recorder, day_keys)),
            outpost,
            orders: Mutex::new(orders),
            people,
            standing,
            ways,
            health: Mutex::new(config.health),
            config_version: AtomicU64::new(config_version),
            refused: Mutex::default(),
            board,
            told: Mutex::default(),
            clock: AtomicI64::new(0),
            heard_ns: AtomicU64::new(world::now().mono_ns),
            cut_off: Mutex::default(),
        }
    }

    /// What stands here, for the central's people: the worst first, as much as a status takes.
    fn stands(&self) -> Vec<serde_json::Value> {
        let mut rows = self.standing.notices();
        rows.retain(|row| row.key != super::alone::KEY);
        rows.sort_by_key(|row| std::cmp::Reverse(row.severity));
        let why = |row: &vault::NoticeRow| {
            let filled: serde_json::Value = serde_json::from_str(&row.filled).unwrap_or_default();
            filled.get("why").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
        };
        let said = |row: &vault::NoticeRow| {
            let why: String = why(row).chars().take(REASON_MAX).collect();
            json!({ "key": row.key, "severity": row.severity.number(), "why": why })
        };
        rows.iter().take(STANDS_MAX).map(said).collect()
    }

    /// Has the recording thread, and the alarms, follow settings.
    pub(super) fn obey(&self, config: Config) -> Result<(), String> {
        *held(&self.ways) = folder::ways_of(&self.dir, &config)?;
        held(&self.health).clone_from(&config.health);
        let order = Order::Follow(Box::new(config));
        held(&self.orders).send(order).map_err(|_gone| "the recording thread has ended".to_owned())
    }

    fn keep(&self, document: Document, bytes: &[u8]) -> anyhow::Result<()> {
        match document {
            Document::Certs(certs) => {
                let mut trust = held(&self.trust);
                if certs.generation() > trust.certs.generation() {
                    folder::keep_certs(&self.dir, &certs, bytes)?;
                    trust.certs = certs;
                }
            }
            Document::DayKeys(list) => {
                if self.keys.is_news(&list) {
                    folder::keep_day_keys(&self.dir, &list, bytes)?;
                    self.keys.follow(list);
                }
            }
            Document::Configuration(new) => {
                if new.version > self.config_version.load(Ordering::Relaxed) {
                    let taken = self.take(&new, bytes);
                    *held(&self.refused) = taken.as_ref().err().map(|e| (new.version, format!("{e:#}")));
                    taken?;
                }
            }
        }
        Ok(())
    }

    /// Keeps and follows newer settings.
    fn take(&self, new: &Configuration, bytes: &[u8]) -> anyhow::Result<()> {
        let config = Config::parse(&new.settings)?;
        refuse_strange_files(&self.dir, &config)?;
        folder::keep_settings(&self.dir, new, bytes)?;
        self.config_version.store(new.version, Ordering::Relaxed);
        self.obey(config).map_err(anyhow::Error::msg)?;
        terminal::say("settings came from the central and are followed");
        Ok(())
    }
}

impl Home for Here {
    fn now(&self) -> Stamp {
        world::now()
    }

    fn dice(&self) -> u64 {
        world::dice().next_u64()
    }

    fn signer(&self) -> &SigningKey {
        &self.keys.recorder.key
    }

    fn trust(&self) -> Trust {
        held(&self.trust).clone()
    }

    fn authority(&self) -> String {
        self.authority.clone()
    }

    fn identity(&self) -> Result<Identity, String> {
        let path = self.dir.join(NETWORK);
        let pem = std::fs::read_to_string(&path).map(zeroize::Zeroizing::new);
        let pem = pem.map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        Identity::from_pem(&pem).map_err(|e| format!("{}: {e}. Enrol this satellite again", path.display()))
    }

    fn renewed(&self, identity: &Identity) -> Result<(), String> {
        let kept = disk::replace(&self.dir.join(NETWORK), identity.expose_pem().as_bytes());
        kept.map_err(|e| format!("{e:#}"))
    }

    fn follow(&self, document: Document, bytes: &[u8]) -> Result<(), String> {
        let kept = self.keep(document, bytes);
        kept.map_err(|e| {
            format!("what the central sent is not followed, and what was in force stays in force: {e:#}")
        })
    }

    fn status(&self) -> Vec<u8> {
        let refused = held(&self.refused).as_ref().map(|(version, why)| {
            json!({ "version": version, "why": why.chars().take(REASON_MAX).collect::<String>() })
        });
        let (backlog, seen) = (self.outpost.backlog(), locked(&self.people.seen));
        let taps: Vec<_> = seen.taps.iter().map(tap_said).take(64).collect();
        let status = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "calls": self.board.borrow().lines.len(),
            "parts": backlog.parts,
            "bytes": backlog.bytes,
            "oldest_us": backlog.oldest.map(|at| at.0),
            "free_bytes": self.outpost.free_bytes().ok(),
            "total_bytes": self.outpost.total_bytes().ok(),
            "configuration": self.config_version.load(Ordering::Relaxed),
            "refused": refused,
            "clock_offset_us": self.clock.load(Ordering::Relaxed),
            "last_day_key": self.keys.last_day().map(|day| day.to_string()),
            "alarms": seen.alarms_total,
            "taps": taps,
            "stands": self.stands(),
        });
        serde_json::to_vec(&status).unwrap_or_default()
    }

    fn calls(&self, anew: bool) -> Option<Vec<u8>> {
        let board = Arc::clone(&self.board.borrow());
        held(&self.told).changes(&board, anew)
    }

    fn listen(&self, id: RecordingId) {
        // The recording thread has ended: then there is nothing to hear either.
        drop(held(&self.orders).send(Order::Listen(id)));
    }

    fn clock_differs(&self, offset_us: i64) {
        let before = self.clock.swap(offset_us, Ordering::Relaxed);
        // It ends only with the program, and then nothing is recorded any more.
        drop(held(&self.orders).send(Order::ClockIsBehind(offset_us)));
        if offset_us.saturating_abs() > CLOCK_US && before.saturating_abs() <= CLOCK_US {
            let text = format!(
                "this machine's clock is {} s {} the central's: recordings begin at wrong times, and are marked. Set the clock (NTP, \
                 PTP); durations are right all the same",
                offset_us.saturating_abs() / 1_000_000,
                if offset_us > 0 { "behind" } else { "ahead of" },
            );
            self.alarm(&text);
        }
    }

    fn heard(&self) {
        self.heard_ns.store(world::now().mono_ns, Ordering::Relaxed);
    }

    fn cut_off(&self, why: &str) {
        why.clone_into(&mut held(&self.cut_off));
    }

    fn say(&self, text: &str) {
        terminal::say(text);
    }

    fn alarm(&self, text: &str) {
        self.people.alarm(text);
    }
}

fn tap_said(tap: &TapVitals) -> serde_json::Value {
    let canary = tap.canary.as_ref().map(|last| json!({ "at_us": last.at.0, "failed": last.failed }));
    json!({
        "name": tap.name,
        "interface": tap.interface,
        "open": tap.open,
        "packets": tap.packets,
        "kernel_drops": tap.kernel_drops,
        "canary": canary,
    })
}

/// A captured central must not have this machine send away whatever file it names as a password: settings from there may name only
/// what somebody put into `secrets` here.
fn refuse_strange_files(dir: &Path, config: &Config) -> anyhow::Result<()> {
    let secrets = dir.join(SECRETS);
    for way in config.alarm_ways() {
        let is_strange = |file: &&Path| {
            let climbs = file.components().any(|part| part == Component::ParentDir);
            climbs || !file.starts_with(&secrets)
        };
        if let Some(file) = way.files().find(is_strange) {
            anyhow::bail!(
                "[[alarm]] {} names the file {}, and what the central says may only name files in {}: put it there on this machine",
                way.name,
                file.display(),
                secrets.display()
            );
        }
    }
    Ok(())
}

pub(super) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn settings_from_the_central_name_no_file_but_those_put_there_for_it() {
        let check = |file: &str, is_taken: bool| {
            let text = format!(
                "{}\n[[alarm]]\nname = \"x\"\nkind = \"webhook\"\nurl = \"https://far.example/in\"\ntoken_file = \"{file}\"\n",
                config::template("Town hall", 'B')
            );
            let config = Config::parse(&text).unwrap();
            let done = refuse_strange_files(Path::new("/srv/amethyst"), &config);
            assert_eq!(done.is_ok(), is_taken, "{file}: {done:?}");
        };
        check("/srv/amethyst/secrets/pager", true);
        check("/srv/amethyst/keys/recorder.key", false);
        check("/srv/amethyst/secrets/../keys/recorder.key", false);
        check("/etc/shadow", false);
        check("secrets/pager", false);
    }
}
