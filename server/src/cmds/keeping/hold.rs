//! `amethyst hold`: what nothing and nobody destroys while it stands.

use serde_json::{Value, json};
use vault::{HoldOrder, Use, Vault};

use super::{Acting, acting, by_json, coverage, coverage_json, said, salt};
use crate::cli::keeping::{Hold, HoldChange, HoldPlace, HoldRelease, KeepingList};
use crate::cmds::found;
use crate::failure::{Failure, Kind};
use crate::site::Site;
use crate::{terminal, view};

/// Runs the command.
///
/// # Errors
/// The data folder cannot be used, nobody stands behind it, or there is no such hold.
pub(crate) fn run(words: &Hold) -> anyhow::Result<u8> {
    match words {
        Hold::Place(words) => place(words),
        Hold::List(words) => list(words),
        Hold::Change(words) => change(words),
        Hold::Release(words) => release(words),
    }
}

fn place(words: &HoldPlace) -> anyhow::Result<u8> {
    let acting = acting(&words.data.dir, &words.person)?;
    if let Some(id) = &words.id {
        for recording in found::by_name(&acting.vault, id)? {
            let reference = recording.facts.reference.to_string();
            acting.audit("hold", &reference, &json!({ "reason": words.reason }))?;
            acting.vault.hold(recording.facts.recording_id, &words.reason, words.review, &acting.by)?;
            terminal::line(&format!("{reference} is held"));
        }
        return Ok(0);
    }
    let coverage = coverage(&acting.site, &words.which)?;
    if coverage == vault::Coverage::default() && !words.everything {
        let text = "no condition was given, which means every call there is and will be: say --everything if you mean that";
        return Err(Failure::new(Kind::Usage, text).into());
    }
    let mut hold_id = [0; 16];
    hold_id.copy_from_slice(salt().get(..16).unwrap_or(&[0; 16]));
    let owner = if words.owner.trim().is_empty() { acting.by.name.clone() } else { words.owner.clone() };
    let order = HoldOrder {
        hold_id,
        reason: words.reason.clone(),
        owner,
        review: words.review,
        coverage,
        salt: salt(),
        placed: acting.by.clone(),
        released: None,
        release_reason: String::new(),
    };
    let covered = acting.vault.count_covered(&order.coverage)?;
    acting.audit("hold-order-place", &view::hex(&hold_id), &json!({ "reason": order.reason }))?;
    acting.vault.place_hold(&order)?;
    if words.json {
        terminal::json(&hold_json(&order));
    } else {
        terminal::line(&told(&acting.site, &order));
        let more = if covered.more { " at least" } else { "" };
        terminal::line(&format!("it covers {}{more} recordings that are there, and all to come", covered.n));
    }
    Ok(0)
}

fn list(words: &KeepingList) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let orders = site.vault(Use::Look)?.hold_orders()?;
    if words.json {
        terminal::json(&orders.iter().map(hold_json).collect::<Value>());
    } else if orders.is_empty() {
        terminal::line("no hold by order stands; holds on single recordings are found by `amethyst list`");
    } else {
        orders.iter().for_each(|order| terminal::line(&told(&site, order)));
    }
    Ok(0)
}

fn change(words: &HoldChange) -> anyhow::Result<u8> {
    let acting = acting(&words.data.dir, &words.person)?;
    let order = meant(&acting.vault, &words.hold)?;
    let owner = words.owner.as_ref().unwrap_or(&order.owner);
    acting.audit("hold-order-change", &view::hex(&order.hold_id), &json!({ "owner": owner }))?;
    acting.vault.change_hold(order.hold_id, owner, words.review.or(order.review), &acting.by)?;
    terminal::line(&told(&acting.site, &meant(&acting.vault, &words.hold)?));
    Ok(0)
}

fn release(words: &HoldRelease) -> anyhow::Result<u8> {
    let acting = acting(&words.data.dir, &words.person)?;
    if let Some(id) = &words.id {
        return release_one(&acting, id, &words.reason);
    }
    let order = meant(&acting.vault, words.hold.as_deref().unwrap_or_default())?;
    acting.audit("hold-order-release", &view::hex(&order.hold_id), &json!({ "reason": words.reason }))?;
    acting.vault.release_hold(order.hold_id, &words.reason, &acting.by, None)?;
    terminal::line(&format!("the hold for {} is released", order.owner));
    Ok(0)
}

fn release_one(acting: &Acting, id: &str, reason: &str) -> anyhow::Result<u8> {
    for recording in found::by_name(&acting.vault, id)? {
        let reference = recording.facts.reference.to_string();
        acting.audit("release", &reference, &json!({ "reason": reason }))?;
        acting.vault.release(recording.facts.recording_id, reason, &acting.by)?;
        terminal::line(&format!("{reference} is held no more"));
    }
    Ok(0)
}

/// Finds a standing hold by the beginning of its name.
fn meant(vault: &Vault, name: &str) -> anyhow::Result<HoldOrder> {
    let mut orders = vault.hold_orders()?;
    orders.retain(|order| {
        order.released.is_none() && view::hex(&order.hold_id).starts_with(&name.to_lowercase())
    });
    match orders.len() {
        1 if !name.is_empty() => orders.pop().ok_or_else(|| anyhow::anyhow!("no hold")),
        0 => Err(Failure::new(
            Kind::Input,
            format!("no hold `{name}` stands: `amethyst hold list` shows them"),
        )
        .into()),
        _ => Err(Failure::new(
            Kind::Input,
            format!("several holds begin with `{name}`: give more of its name"),
        )
        .into()),
    }
}

fn told(site: &Site, order: &HoldOrder) -> String {
    let name = view::hex(&order.hold_id);
    let review = order.review.map_or_else(String::new, |day| format!(", to be asked about on {day}"));
    let state = order.released.as_ref().map_or_else(
        || format!("stands since {}", site.card.zone.day_of(order.placed.at)),
        |by| format!("released by {} on {}: {}", by.name, site.card.zone.day_of(by.at), order.release_reason),
    );
    format!(
        "{}: {}; {}; {} answers for it{review}; {state}",
        name.get(..8).unwrap_or(&name),
        said(site, &order.coverage),
        order.reason,
        order.owner
    )
}

fn hold_json(order: &HoldOrder) -> Value {
    json!({
        "id": view::hex(&order.hold_id),
        "reason": order.reason,
        "owner": order.owner,
        "review": order.review.map(|day| day.to_string()),
        "coverage": coverage_json(&order.coverage),
        "placed": by_json(&order.placed),
        "released": order.released.as_ref().map(by_json),
        "release_reason": order.release_reason,
    })
}
