//! Room in the live store: every hour, what was announced a day ago leaves it; above four fifths of the disk, more is announced.
//!
//! Rules about keeping come into force here, too, and once a day days at the end of their retention are looked for ([`super::ended`]).
//!
//! At the end of the room with nothing that may go it is said, again and again; nothing is removed that is not proven elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use shared::Day;
use vault::{PurgeReason, PurgeRules, Vault};

use super::ended;
use crate::alarms::Bell;
use crate::archiving::desk::Desk;
use crate::cmds::purge::removed;
use crate::config::AtTheEnd;
use crate::site::Site;
use crate::world;

const EVERY: Duration = Duration::from_secs(3_600);
const TURN: Duration = Duration::from_millis(200);
/// Parts in a hundred of the disk: from here on room is made, down to there; and here somebody must act.
const BEGIN: u64 = 80;
const UNTIL: u64 = 70;
const ALARM: u64 = 95;
const DAY_US: i64 = 24 * 3_600 * 1_000_000;
/// Recordings removed, and recordings looked at, in one hour.
const REMOVED: usize = 100_000;
const LOOKED_AT: u32 = 100_000;

/// Starts the thread; it ends soon after `stop`.
///
/// # Errors
/// The system gives no thread.
pub(crate) fn keep(
    site: Arc<Site>,
    vault: Arc<Vault>,
    desk: Arc<Desk>,
    settings: impl Fn() -> (u32, AtTheEnd) + Send + 'static,
    bell: Bell,
    stop: Arc<AtomicBool>,
) -> anyhow::Result<JoinHandle<()>> {
    let run = move || {
        let (mut last, mut looked): (Option<Instant>, Option<Day>) = (None, None);
        while !stop.load(Ordering::Relaxed) {
            if last.is_none_or(|last| last.elapsed() >= EVERY) {
                let (keep_live_days, at_the_end) = settings();
                let rules = PurgeRules { min_live_us: i64::from(keep_live_days).saturating_mul(DAY_US) };
                if let Err(e) = ended::settle(&site, &vault) {
                    bell.alarm(&format!("rules about keeping: {e:#}"));
                }
                if let Err(e) = make(&site, &vault, &desk, rules, &bell) {
                    tracing::error!("no room was made in the live store: {e:#}");
                }
                if looked != Some(site.today()) {
                    looked = Some(site.today());
                    if let Err(e) = ended::days(&site, &vault, at_the_end, &bell) {
                        bell.alarm(&format!("days at the end of their retention: {e:#}"));
                    }
                }
                last = Some(Instant::now());
            }
            std::thread::sleep(TURN);
        }
    };
    std::thread::Builder::new()
        .name("room".to_owned())
        .spawn(run)
        .context("the system gives no thread to make room")
}

fn make(site: &Site, vault: &Vault, desk: &Desk, rules: PurgeRules, bell: &Bell) -> anyhow::Result<()> {
    let done = removed(site, vault, rules, REMOVED)?;
    if !done.purged.is_empty() {
        tracing::info!("{} recordings left the live store; the archive holds them", done.purged.len());
    }
    for (id, why) in &done.kept {
        bell.alarm(&format!("{id} was announced to leave the live store and stays: {why}"));
    }
    let (free, total) = (vault.free_bytes()?, vault.total_bytes()?);
    let wanted = wanted(free, total);
    if wanted == 0 {
        desk.set_no_room(None);
        return Ok(());
    }
    let plan = vault.plan_purge(wanted, PurgeReason::Space, rules, world::now().utc, None, LOOKED_AT)?;
    let used = used(free, total);
    let stuck = plan.intended.is_empty() && used >= ALARM;
    let why: Vec<String> = plan.kept.iter().map(|(why, n)| format!("{n} {}", phrase(why))).collect();
    desk.set_no_room(stuck.then(|| (used, why.join(", "))));
    if stuck {
        bell.alarm(&format!(
            "the disk of the live store is {used} % full and nothing may leave it ({}). Connect the archive, or enlarge the disk; \
             nothing is removed that is not proven elsewhere",
            why.join(", ")
        ));
    }
    Ok(())
}

/// Why recordings stay, for people who were never told the word.
fn phrase(word: &str) -> &str {
    match word {
        "no-location" => "because no archive is configured",
        "unproven" => "not proven in every place",
        "not-seen" => "in places that nobody saw for 14 days",
        "too-young" => "too young",
        "held" => "under a legal hold",
        "suspect-medium" => "on a suspect medium",
        "on-the-way" => "announced already",
        other => other,
    }
}

fn used(free: u64, total: u64) -> u64 {
    100_u64.saturating_sub(
        u64::try_from(u128::from(free).saturating_mul(100).checked_div(total.into()).unwrap_or(100))
            .unwrap_or(0),
    )
}

/// How many bytes must go; 0 below the mark.
fn wanted(free: u64, total: u64) -> u64 {
    let aim = total / 100 * (100 - UNTIL);
    if used(free, total) >= BEGIN { aim.saturating_sub(free) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_made_from_four_fifths_down_to_seven_tenths() {
        let check = |free, expected| assert_eq!(wanted(free, 1_000), expected, "{free} free");
        check(1_000, 0);
        check(300, 0);
        check(201, 99);
        check(210, 0);
        check(200, 100);
        check(0, 300);
        assert_eq!((used(0, 1_000), used(1_000, 1_000), used(0, 0)), (100, 0, 0));
    }
}
