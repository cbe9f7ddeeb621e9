//! `amethyst archive purge`: recordings that every place holds leave the live store, a day after that was announced.

use archiver::elsewhere::Glance;
use serde_json::json;
use vault::{By, PurgePlan, PurgeReason, PurgeReport, PurgeRules, Use, Vault};

use super::found;
use crate::alarms::Bell;
use crate::cli::ArchivePurge;
use crate::failure::{Failure, Kind};
use crate::site::Site;
use crate::{recording, terminal, world};

const DAY_US: i64 = 24 * 3_600 * 1_000_000;
/// Recordings that one call removes at most.
const AT_ONCE: usize = 100_000;
/// Recordings that one call looks at.
const LOOKED_AT: u32 = 1_000_000;

/// Runs the command. The exit code is 1 when something that was announced stays.
///
/// # Errors
/// The data folder cannot be used: a server that runs on it purges by itself.
pub(crate) fn run(words: &ArchivePurge) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let rules = rules(&site, words.older_than)?;
    let vault = site.vault(Use::Record)?;
    recording::tell_recovery(&recording::recover(&site, &vault)?, &Bell::default());
    if let Some(id) = &words.cancel {
        return cancel(&vault, id);
    }
    let done = removed(&site, &vault, rules, AT_ONCE)?;
    let plan = if words.announce == 0 {
        PurgePlan::default()
    } else {
        let now = world::now().utc;
        vault.plan_purge(words.announce << 20, PurgeReason::Space, rules, now, None, LOOKED_AT)?
    };
    if words.json {
        terminal::json(&json!({
            "removed": done.purged.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "removed_bytes": done.bytes,
            "stayed": done.kept.iter().map(|(id, why)| json!({
                "recording_id": id.to_string(), "why": why.to_string(),
            })).collect::<Vec<_>>(),
            "announced": plan.intended.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "announced_bytes": plan.bytes,
            "kept": plan.kept,
        }));
    } else {
        tell(&done, &plan, words.announce > 0);
    }
    Ok(u8::from(!done.kept.is_empty()))
}

/// What the configuration says is the least; a command may ask for more.
fn rules(site: &Site, older_than: Option<u32>) -> anyhow::Result<PurgeRules> {
    let least = site.config.archive.keep_live_days.0;
    let days = older_than.unwrap_or(least);
    if days < least {
        let text = format!(
            "the site keeps recordings on this disk for {least} days at least (archive.keep_live_days): {days} days are less"
        );
        return Err(Failure::new(Kind::Usage, text).into());
    }
    Ok(PurgeRules { min_live_us: i64::from(days).saturating_mul(DAY_US) })
}

/// Removes what was announced a day ago, after a look at each medium that is connected.
///
/// # Errors
/// The vault's.
pub(crate) fn removed(
    site: &Site,
    vault: &Vault,
    rules: PurgeRules,
    limit: usize,
) -> anyhow::Result<PurgeReport> {
    let looker = site.looker();
    let mut glance = Glance { looker: &looker, dice: world::dice() };
    Ok(vault.purge_announced(rules, world::now().utc, &mut glance, limit)?)
}

fn cancel(vault: &Vault, id: &str) -> anyhow::Result<u8> {
    let by = By { user: None, name: "command line".to_owned(), at: world::now().utc };
    for recording in found::by_name(vault, id)? {
        vault.cancel_purge(recording.facts.recording_id, &by)?;
        terminal::line(&format!("{} stays in the live store", recording.facts.reference));
    }
    Ok(0)
}

fn tell(done: &PurgeReport, plan: &PurgePlan, asked: bool) {
    terminal::line(&format!(
        "{} recordings ({} MiB) left the live store",
        done.purged.len(),
        done.bytes >> 20
    ));
    for (id, why) in &done.kept {
        terminal::line(&format!("  {id} was announced and stays: {why}"));
    }
    if asked {
        terminal::line(&format!(
            "{} recordings ({} MiB) are announced: they go in 24 hours",
            plan.intended.len(),
            plan.bytes >> 20
        ));
        for (why, n) in &plan.kept {
            terminal::line(&format!("  {n} stay: {why}"));
        }
    }
}
