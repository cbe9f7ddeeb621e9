//! `amethyst policy`: changes of what is kept, which wait for a second person and for 14 days.

use serde_json::{Value, json};
use vault::{PolicyChange, PolicyRow, PolicyStep, Use};

use super::{acting, by_json};
use crate::cli::keeping::{KeepingList, Policy, PolicyOne};
use crate::site::Site;
use crate::{terminal, world};

/// Changes that are shown.
const SHOWN: u32 = 200;

/// Runs the command.
///
/// # Errors
/// The data folder cannot be used, nobody stands behind it, or there is no such change.
pub(crate) fn run(words: &Policy) -> anyhow::Result<u8> {
    match words {
        Policy::List(words) => list(words),
        Policy::Confirm(words) => step(words, true),
        Policy::Cancel(words) => step(words, false),
    }
}

fn list(words: &KeepingList) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let mut rows = site.vault(Use::Look)?.policies(SHOWN)?;
    rows.sort_by_key(|row| !matches!(row.step(), PolicyStep::Proposed | PolicyStep::Confirmed));
    if words.json {
        terminal::json(&rows.iter().map(policy_json).collect::<Value>());
    } else if rows.is_empty() {
        terminal::line("nobody has changed a rule about keeping yet");
    } else {
        rows.iter().for_each(|row| terminal::line(&told(&site, row)));
    }
    Ok(0)
}

fn step(words: &PolicyOne, confirm: bool) -> anyhow::Result<u8> {
    let acting = acting(&words.data.dir, &words.person)?;
    let (act, now) = (if confirm { "policy-confirm" } else { "policy-cancel" }, world::now().utc);
    acting.audit(act, &words.change.to_string(), &json!({}))?;
    let row = if confirm {
        acting.vault.confirm_policy(words.change, &acting.by, now)?
    } else {
        acting.vault.cancel_policy(words.change, &acting.by)?
    };
    if words.json {
        terminal::json(&policy_json(&row));
    } else {
        terminal::line(&told(&acting.site, &row));
    }
    Ok(0)
}

/// A change in a plain sentence.
pub(crate) fn told(site: &Site, row: &PolicyRow) -> String {
    let what = match &row.change {
        PolicyChange::PutClass(class) => super::retention::sentence(site, class),
        PolicyChange::RemoveClass(name) => format!("class {name} goes"),
        PolicyChange::RemoveLocation(id) => format!("location {id} counts no more"),
        PolicyChange::SetMedia(id, set) => format!("location {id} needs {} of its media", set.word()),
    };
    let day = |at| site.card.zone.day_of(at);
    let state = match row.step() {
        PolicyStep::Proposed => "waits for another administrator".to_owned(),
        PolicyStep::Confirmed => {
            row.effective_at.map_or_else(String::new, |at| format!("in force on {}", day(at)))
        }
        PolicyStep::Applied => {
            row.applied_at.map_or_else(String::new, |at| format!("in force since {}", day(at)))
        }
        PolicyStep::Cancelled => {
            row.cancelled.as_ref().map_or_else(String::new, |by| format!("cancelled by {}", by.name))
        }
    };
    format!(
        "{}: {what}; proposed by {} on {}, {} recordings; {state}",
        row.change_id,
        row.proposed.name,
        day(row.proposed.at),
        row.affected
    )
}

pub(crate) fn policy_json(row: &PolicyRow) -> Value {
    let rule = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let step = match row.step() {
        PolicyStep::Proposed => "proposed",
        PolicyStep::Confirmed => "confirmed",
        PolicyStep::Applied => "applied",
        PolicyStep::Cancelled => "cancelled",
    };
    json!({
        "number": row.change_id,
        "object": row.change.object(),
        "before": rule(&row.before),
        "after": rule(&row.change.after()),
        "state": step,
        "affected": row.affected,
        "proposed": by_json(&row.proposed),
        "confirmed": row.confirmed.as_ref().map(by_json),
        "cancelled": row.cancelled.as_ref().map(by_json),
        "effective_at_us": row.effective_at.map(|at| at.0),
        "applied_at_us": row.applied_at.map(|at| at.0),
    })
}
