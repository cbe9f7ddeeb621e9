//! Verifications and drills beside the runs: each in a process of its own, which can hang with its medium and be ended without the
//! server. What it found it enters into the catalogue itself; here is known how far it is.
//!
//! A run goes before: one that begins at a place ends the verification there. The drill reads a few files and disturbs nobody.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use shared::{LocationId, UtcMicros};
use vault::{CheckKind, LocationRow};

use super::keeper::{Keeper, step_back};
use crate::{terminal, world};

/// How often a child says how far it is, and how often it is looked at.
const SAYS_EVERY: Duration = Duration::from_millis(500);
/// A drill by itself a month after the last one.
const DRILL_EVERY_US: i64 = 30 * 24 * 3_600 * 1_000_000;
/// One that could not be done is tried again so much later.
const DRILL_AGAIN: Duration = Duration::from_secs(6 * 3_600);
/// The longest sentence that is kept of what a child said at its end.
const SAID_MAX: u64 = 4 << 10;
/// Its exit code says that it looked, and that not all was well: the catalogue says what.
const LOOKED: [i32; 2] = [0, 1];

/// What a child says on its way, one line of JSON each time.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Step {
    bytes: u64,
}

/// The child's side: says how far it is, now and then.
#[derive(Debug)]
pub(crate) struct Steps {
    said: Option<Instant>,
}

impl Steps {
    /// Says something only `for_server`.
    pub(crate) fn new(for_server: bool) -> Self {
        Self { said: for_server.then(Instant::now) }
    }

    /// So many bytes were read in all.
    pub(crate) fn tell(&mut self, bytes: u64) {
        if self.said.is_some_and(|said| said.elapsed() >= SAYS_EVERY) {
            self.said = Some(Instant::now());
            terminal::line(&serde_json::to_string(&Step { bytes }).unwrap_or_default());
        }
    }
}

/// A verification or a drill that goes on.
#[derive(Debug, Clone)]
pub(crate) struct AtCheck {
    /// Which.
    pub(crate) what: CheckKind,
    /// When it began.
    pub(crate) since: UtcMicros,
    /// Bytes read.
    pub(crate) bytes: u64,
    /// Set to end it.
    pub(crate) stop: Arc<AtomicBool>,
}

impl Keeper {
    /// Begins a verification or a drill in the background; false if one goes on there, or a run does.
    pub(crate) fn check(&self, location: &LocationRow, what: CheckKind) -> bool {
        let at = AtCheck { what, since: world::now().utc, bytes: 0, stop: Arc::default() };
        if !self.desk.begin_check(location.location_id, &at) {
            return false;
        }
        let (keeper, row) = (self.clone(), location.clone());
        let thread = std::thread::Builder::new().name("archive-check".to_owned());
        let spawned = thread.spawn(move || {
            step_back();
            let ended = keeper.follow(&row, &at);
            let why = ended.as_ref().err().filter(|_| !at.stop.load(Ordering::Relaxed));
            if let Some(why) = why {
                terminal::say(&format!(
                    "archive {}: {} did not come to its end: {why:#}",
                    row.name,
                    at.what.word()
                ));
            }
            keeper.desk.end_check(row.location_id, why.map(|why| format!("{why:#}")));
        });
        if let Err(e) = &spawned {
            self.desk.end_check(location.location_id, Some(format!("the system gives no thread: {e}")));
        }
        spawned.is_ok()
    }

    /// Begins the monthly drill where it is due.
    pub(crate) fn drill_if_due(&self, location: &LocationRow, now: UtcMicros) -> vault::Result<()> {
        let id = location.location_id;
        let last = self.vault.checks(id, CheckKind::Drill, 1)?.into_iter().next();
        let is_early = last.is_some_and(|last| now.since(last.ended_at) < DRILL_EVERY_US);
        let standing = self.desk.standing(id);
        let is_there = standing.looked.is_some_and(|looked| looked.found.is_ok());
        let holds_something = || -> vault::Result<bool> {
            Ok(self.vault.media(id)?.iter().any(|medium| medium.last_run_at.is_some()))
        };
        if !is_early
            && is_there
            && standing.running.is_none()
            && self.desk.may_drill(id, DRILL_AGAIN)
            && holds_something()?
        {
            self.check(location, CheckKind::Drill);
        }
        Ok(())
    }

    fn follow(&self, location: &LocationRow, at: &AtCheck) -> anyhow::Result<()> {
        let id = location.location_id;
        let mut child = self.spawn(id, at.what)?;
        let steps = child.stdout.take().context("the process has no output")?;
        let desk = Arc::clone(&self.desk);
        let hear = std::thread::Builder::new().name("archive-check-hear".to_owned());
        hear.spawn(move || {
            for line in BufReader::new(steps).lines().map_while(Result::ok) {
                if let Ok(step) = serde_json::from_str::<Step>(&line) {
                    desk.step_check(id, step.bytes);
                }
            }
        })?;
        let stderr = child.stderr.take().context("the process has no output")?;
        let status = loop {
            if at.stop.load(Ordering::Relaxed) || self.desk.is_ending() {
                // It only reads, and enters what it found at its very end.
                child.kill()?;
                child.wait()?;
                anyhow::bail!("it was ended");
            }
            match child.try_wait()? {
                Some(status) => break status,
                None => std::thread::sleep(SAYS_EVERY / 2),
            }
        };
        let mut said = String::new();
        // Words of a child that ended are there already.
        stderr.take(SAID_MAX).read_to_string(&mut said)?;
        let looked = status.code().is_some_and(|code| LOOKED.contains(&code));
        anyhow::ensure!(looked, "{}", said.trim().trim_start_matches("amethyst: "));
        Ok(())
    }

    fn spawn(&self, id: LocationId, what: CheckKind) -> anyhow::Result<Child> {
        let word = if what == CheckKind::Verify { "verify" } else { "drill" };
        // The running program, also when its file was replaced by an update meanwhile.
        let mut command = Command::new("/proc/self/exe");
        command.args(["archive", word, "--for-server", "--location", &id.to_string(), "--data"]);
        command.arg(std::path::absolute(&self.site.dir)?);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().context("the system gives no process")
    }
}
