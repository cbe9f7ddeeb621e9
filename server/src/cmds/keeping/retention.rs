//! `amethyst retention`: how long calls are kept.

use serde_json::{Value, json};
use vault::{PolicyChange, PolicyRow, PolicyStep, RetentionClass, Use};

use super::policy::{policy_json, told};
use super::{Acting, acting, coverage, coverage_json, said, salt};
use crate::cli::keeping::{KeepingList, Retention, RetentionRemove, RetentionSet};
use crate::site::Site;
use crate::{terminal, world};

/// Runs the command.
///
/// # Errors
/// The data folder cannot be used, nobody stands behind it, or a rule makes no sense.
pub(crate) fn run(words: &Retention) -> anyhow::Result<u8> {
    match words {
        Retention::List(words) => list(words),
        Retention::Set(words) => set(words),
        Retention::Remove(words) => remove(words),
    }
}

fn list(words: &KeepingList) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let classes = site.vault(Use::Look)?.classes()?;
    if words.json {
        terminal::json(&classes.iter().map(class_json).collect::<Value>());
    } else if classes.is_empty() {
        terminal::line("no class is set: every call is kept for ever (amethyst retention set)");
    } else {
        for class in &classes {
            terminal::line(&sentence(&site, class));
        }
        terminal::line(
            "a call that no class covers, or with nobody of the site, is kept as long as the longest of all says",
        );
    }
    Ok(0)
}

fn set(words: &RetentionSet) -> anyhow::Result<u8> {
    let acting = acting(&words.data.dir, &words.person)?;
    let class = RetentionClass {
        name: words.name.clone(),
        min_days: words.min,
        max_days: words.max,
        coverage: coverage(&acting.site, &words.which)?,
    };
    if !words.json {
        terminal::line(&sentence(&acting.site, &class));
    }
    change(&acting, &PolicyChange::PutClass(class), words.dry_run, words.json)
}

fn remove(words: &RetentionRemove) -> anyhow::Result<u8> {
    let acting = acting(&words.data.dir, &words.person)?;
    change(&acting, &PolicyChange::RemoveClass(words.name.clone()), false, words.json)
}

fn change(acting: &Acting, change: &PolicyChange, dry_run: bool, as_json: bool) -> anyhow::Result<u8> {
    let now = world::now().utc;
    let preview = acting.vault.preview_policy(change, now)?;
    let more = if preview.more { " at least" } else { "" };
    if !as_json {
        terminal::line(&format!(
            "it would let {} recordings go{more} in 14 days; {} of them are held and stay",
            preview.affected, preview.held
        ));
    }
    if dry_run {
        if as_json {
            terminal::json(
                &json!({ "affected": preview.affected, "held": preview.held, "at_least": preview.more }),
            );
        }
        return Ok(0);
    }
    acting.audit(
        "policy-propose",
        &change.object(),
        &json!({ "after": change.after(), "affected": preview.affected }),
    )?;
    let row: PolicyRow = acting.vault.change_policy(change, salt(), &acting.by, now)?;
    if as_json {
        terminal::json(&policy_json(&row));
    } else {
        terminal::line(&told(&acting.site, &row));
        if row.step() == PolicyStep::Proposed {
            terminal::line(&format!(
                "nothing changes until another administrator confirms it: amethyst policy confirm {}",
                row.change_id
            ));
        }
    }
    Ok(0)
}

/// A class in a plain sentence.
pub(crate) fn sentence(site: &Site, class: &RetentionClass) -> String {
    let most = class
        .max_days
        .map_or_else(|| "never destroyed".to_owned(), |max| format!("destroyed after {max} days"));
    format!("{} ({}): kept {} days at least, {most}", class.name, said(site, &class.coverage), class.min_days)
}

pub(crate) fn class_json(class: &RetentionClass) -> Value {
    json!({
        "name": class.name,
        "min_days": class.min_days,
        "max_days": class.max_days,
        "coverage": coverage_json(&class.coverage),
    })
}
