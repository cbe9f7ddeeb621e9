//! The thread `health`: looks once a minute at what the recording thread counts, and tells what has fallen silent; and, as it turns, whether
//! canaries are recorded.
//!
//! What it learns lies in `run/pattern.json`: names of taps and groups and counts by the hour, no number of anybody. It is written every
//! quarter of an hour and at the end; if it is lost, two weeks are learnt anew.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use shared::Zone;
use vault::Severity;

use super::canary::{self, Canaries};
use super::quiet::{Counts, Quiet, Verdict};
use crate::serve::watch::{Raise, Vitals, locked};
use crate::{disk, world};

/// How often it looks.
const LOOK: Duration = Duration::from_secs(60);
/// How often what was learnt is written.
const KEEP: Duration = Duration::from_secs(900);
/// How late the end of the program is noticed.
const TURN: Duration = Duration::from_millis(200);
/// What was learnt is not longer.
const LEARNT_MAX: u64 = 64 << 20;

/// Starts it for the data folder `dir`.
///
/// # Errors
/// The system gives no thread.
pub(crate) fn start(
    dir: &Path,
    zone: Zone,
    people: Raise,
    canaries: Option<Arc<Canaries>>,
    stop: Arc<AtomicBool>,
) -> anyhow::Result<JoinHandle<()>> {
    let file = dir.join("run/pattern.json");
    let run = move || {
        let quiet = Quiet::from_json(&read(&file));
        Watchman { quiet, file, zone, people, canaries }.run(&stop);
    };
    std::thread::Builder::new()
        .name("health".to_owned())
        .spawn(run)
        .context("the system gives no thread for health")
}

struct Watchman {
    file: PathBuf,
    zone: Zone,
    people: Raise,
    quiet: Quiet,
    canaries: Option<Arc<Canaries>>,
}

impl Watchman {
    fn run(mut self, stop: &AtomicBool) {
        let (mut looked, mut kept) = (None, Instant::now());
        while !stop.load(Ordering::Relaxed) {
            if looked.is_none_or(|at: Instant| at.elapsed() >= LOOK) {
                looked = Some(Instant::now());
                self.look();
            }
            self.look_at_canaries();
            if kept.elapsed() >= KEEP {
                kept = Instant::now();
                self.keep();
            }
            std::thread::sleep(TURN);
        }
        self.keep();
    }

    fn look(&mut self) {
        let (rules, counts, shares) = {
            let seen = locked(&self.people.seen);
            let shares: Vec<_> = seen.taps.iter().map(|tap| (tap.name.clone(), tap.marked)).collect();
            (seen.health.clone(), counts(&seen), shares)
        };
        shares.iter().for_each(|(name, marked)| self.tell_share(rules.one_way_calls, name, *marked));
        for (key, verdict) in self.quiet.look(&world::now(), &self.zone, &rules, counts) {
            let key = format!("quiet/{key}");
            match verdict {
                Verdict::Quiet(severity, text) => self.people.bell.stands(&key, severity, &text),
                Verdict::Well(text) => self.people.bell.over(&key, &text),
            }
        }
    }

    fn look_at_canaries(&self) {
        let news = self.canaries.as_ref().map(|canaries| canaries.look(&world::now())).unwrap_or_default();
        for (tap, verdict) in news {
            let key = format!("canary/tap/{tap}");
            match verdict {
                canary::Verdict::Fails(text) => self.people.bell.stands(&key, Severity::Urgent, &text),
                canary::Verdict::Well(text) => self.people.bell.over(&key, &text),
            }
        }
    }

    /// Tells that many calls of a tap are not heard from both sides; over when they are fewer than half of what is told.
    fn tell_share(&self, limit: u32, tap: &str, (marked, judged): (u32, u32)) {
        let key = format!("one-way/tap/{tap}");
        if limit > 0 && marked >= limit {
            let text = format!(
                "tap \"{tap}\": {marked} of the last {judged} calls were heard from one side only, or not at all. They are recorded and \
                 marked so in the list; what is missing never came here. Look whether the mirror port copies both directions, and at \
                 firewalls and address translation on the way of the sound"
            );
            self.people.bell.stands(&key, Severity::Urgent, &text);
        } else if judged > 0 && marked.saturating_mul(2) < limit.max(1) {
            self.people.bell.over(&key, &format!("tap \"{tap}\": calls are heard from both sides again"));
        }
    }

    fn keep(&self) {
        if let Err(e) = disk::replace(&self.file, &self.quiet.to_json()) {
            tracing::warn!("what was learnt of calls by the hour is not remembered over a restart: {e:#}");
        }
    }
}

fn read(file: &Path) -> Vec<u8> {
    let is_short = std::fs::metadata(file).is_ok_and(|meta| meta.len() <= LEARNT_MAX);
    if is_short { std::fs::read(file).unwrap_or_default() } else { Vec::new() }
}

fn counts(seen: &Vitals) -> Vec<Counts> {
    let taps = seen.taps.iter().map(|tap| Counts {
        name: tap.name.clone(),
        is_group: false,
        open: tap.open,
        packets: tap.packets,
        calls: tap.heard.calls,
        heard: tap.heard.heard,
        sound: tap.heard.sound,
        quiet_minutes: tap.quiet_minutes.unwrap_or(seen.health.quiet_minutes),
    });
    let is_open = seen.taps.iter().any(|tap| tap.open);
    let groups = seen.groups.iter().map(|(name, calls)| Counts {
        name: name.clone(),
        is_group: true,
        open: is_open,
        calls: *calls,
        ..Counts::default()
    });
    taps.chain(groups).collect()
}
