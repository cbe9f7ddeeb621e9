//! `amethyst shred`: what is destroyed for good.

use serde_json::{Value, json};
use shared::UtcMicros;
use vault::{DayKept, ShredRow, ShredState, ShredWhat, ShredWords, Shreddable, Use, Vault};

use super::{Acting, acting, by_json, salt};
use crate::cli::keeping::{Person, Shred};
use crate::cmds::found;
use crate::failure::{Failure, Kind};
use crate::site::Site;
use crate::{terminal, world};

/// Destructions that are shown.
const SHOWN: u32 = 200;

/// Runs the command. The exit code is 1 when something keeps it back.
///
/// # Errors
/// The data folder cannot be used, nobody stands behind it, or there is nothing such.
pub(crate) fn run(words: &Shred) -> anyhow::Result<u8> {
    if words.list {
        return list(words);
    }
    if words.dry_run {
        let site = Site::open(words.dir())?;
        let vault = site.vault(Use::Look)?;
        return dry(&vault, words);
    }
    let person = Person {
        user: words.user.clone().unwrap_or_default(),
        password_stdin: words.password_stdin,
        code: words.code.clone(),
    };
    let acting = acting(words.dir(), &person)?;
    match (words.confirm, words.cancel) {
        (Some(number), _) => confirm(&acting, number, words.json),
        (_, Some(number)) => {
            acting.audit("shred-cancel", &number.to_string(), &json!({}))?;
            tell(&acting.site, &acting.vault.cancel_shred(number, &acting.by)?, words.json);
            Ok(0)
        }
        (None, None) if words.order => order(&acting, words),
        (None, None) => at_its_end(&acting, words),
    }
}

/// Finds what is meant.
fn meant(vault: &Vault, words: &Shred) -> anyhow::Result<ShredWhat> {
    if let Some(day) = words.day {
        return Ok(ShredWhat::Day(day));
    }
    let name = words.id.as_deref().unwrap_or_default();
    let recordings = found::by_name(vault, name)?;
    let [recording] = recordings.as_slice() else {
        let text = format!("`{name}` names several recordings: give the id of one (amethyst show)");
        return Err(Failure::new(Kind::Input, text).into());
    };
    Ok(vault.one_alone(recording.facts.recording_id)?)
}

fn judged(vault: &Vault, what: ShredWhat, now: UtcMicros) -> vault::Result<Result<Shreddable, DayKept>> {
    match what {
        ShredWhat::Day(day) => vault.shreddable(day, now),
        ShredWhat::Recording(_, id) => vault.shreddable_alone(id, now),
    }
}

fn dry(vault: &Vault, words: &Shred) -> anyhow::Result<u8> {
    if words.day.is_none() && words.id.is_none() {
        return Err(Failure::new(Kind::Usage, "--dry-run looks at --day or --id").into());
    }
    let judged = judged(vault, meant(vault, words)?, world::now().utc)?;
    match judged {
        Ok(free) if words.json => {
            terminal::json(&json!({ "recordings": free.recordings(), "kept": 0, "held": 0 }));
        }
        Ok(free) => {
            terminal::line(&format!("{} recordings of {} may be destroyed", free.recordings(), free.day()));
        }
        Err(kept) => return Ok(stays(&kept, words.json)),
    }
    Ok(0)
}

fn order(acting: &Acting, words: &Shred) -> anyhow::Result<u8> {
    let what = meant(&acting.vault, words)?;
    let said = ShredWords { reason: words.reason.clone(), salt: salt(), by: acting.by.clone() };
    acting.audit("shred-order", &object(what), &json!({ "reason": said.reason }))?;
    let row = acting.vault.ask_shred(what, &said)?;
    tell(&acting.site, &row, words.json);
    Ok(0)
}

fn confirm(acting: &Acting, number: u64, as_json: bool) -> anyhow::Result<u8> {
    let now = world::now().utc;
    let row = acting.vault.shred_row(number)?;
    acting.audit("shred-confirm", &object(row.what), &json!({ "order": number }))?;
    if row.second.is_none() {
        acting.vault.confirm_shred(number, &acting.by)?;
    }
    let judged = acting.vault.ordered_shred(number, now)?;
    let said = ShredWords { reason: row.reason, salt: row.salt, by: acting.by.clone() };
    carry_out(acting, judged, &said, as_json)
}

fn at_its_end(acting: &Acting, words: &Shred) -> anyhow::Result<u8> {
    let what = meant(&acting.vault, words)?;
    let judged = judged(&acting.vault, what, world::now().utc)?;
    let said = ShredWords { reason: words.reason.clone(), salt: salt(), by: acting.by.clone() };
    acting.audit("shred", &object(what), &json!({ "reason": said.reason }))?;
    carry_out(acting, judged, &said, words.json)
}

fn carry_out(
    acting: &Acting,
    judged: Result<Shreddable, DayKept>,
    said: &ShredWords,
    as_json: bool,
) -> anyhow::Result<u8> {
    let permission = match judged {
        Ok(permission) => permission,
        Err(kept) => return Ok(stays(&kept, as_json)),
    };
    match acting.vault.shred(permission, said, &*acting.site.keys, world::now().utc)? {
        Ok(row) => {
            tell(&acting.site, &row, as_json);
            Ok(0)
        }
        Err(kept) => Ok(stays(&kept, as_json)),
    }
}

fn stays(kept: &DayKept, as_json: bool) -> u8 {
    if as_json {
        let held: Vec<String> = kept.held.iter().map(ToString::to_string).collect();
        terminal::json(&json!({ "recordings": 0, "kept": kept.kept, "held": held.len(), "held_ids": held }));
        return 1;
    }
    if !kept.held.is_empty() {
        terminal::line(&format!(
            "nothing was destroyed: {} recordings are held. A hold outranks everything; release it first, if it is needed no more",
            kept.held.len()
        ));
    }
    if kept.kept > 0 {
        terminal::line(&format!(
            "nothing was destroyed: the time of {} recordings is not over (amethyst retention list)",
            kept.kept
        ));
    }
    1
}

fn list(words: &Shred) -> anyhow::Result<u8> {
    let site = Site::open(words.dir())?;
    let rows = site.vault(Use::Look)?.shreds(SHOWN)?;
    if words.json {
        terminal::json(&rows.iter().map(shred_json).collect::<Value>());
    } else if rows.is_empty() {
        terminal::line("nothing was destroyed yet");
    } else {
        rows.iter().for_each(|row| tell(&site, row, false));
    }
    Ok(0)
}

fn object(what: ShredWhat) -> String {
    what.recording().map_or_else(|| what.day().to_string(), |id| id.to_string())
}

fn tell(site: &Site, row: &ShredRow, as_json: bool) {
    if as_json {
        return terminal::json(&shred_json(row));
    }
    let what = match row.what {
        ShredWhat::Day(day) => format!("the keys of {day}"),
        ShredWhat::Recording(day, id) => format!("the recording {id} of {day}"),
    };
    let at = site.card.zone.rfc3339(row.changed_at);
    let state = match row.state {
        ShredState::Asked => format!(
            "ordered by {}; waits for another administrator: amethyst shred --confirm {}",
            row.asked.name, row.shred_id
        ),
        ShredState::Intent | ShredState::Keyless => "being destroyed; goes on with the next start".to_owned(),
        ShredState::Done => format!("destroyed here at {at}, {} recordings", row.recordings),
        ShredState::Cancelled => "cancelled".to_owned(),
    };
    terminal::line(&format!("{}: {what}: {state} ({})", row.shred_id, row.reason));
    for medium in &row.media {
        let lies =
            if medium.lies_in.is_empty() { String::new() } else { format!(" (lies in {})", medium.lies_in) };
        let name = if medium.label.is_empty() { medium.media_id.to_string() } else { medium.label.clone() };
        terminal::line(&match medium.done_at {
            Some(at) => format!("  {name}: done at {}", site.card.zone.rfc3339(at)),
            None => format!("  pending on {name}{lies}: goes with its next archive run"),
        });
    }
}

pub(crate) fn shred_json(row: &ShredRow) -> Value {
    let media = row.media.iter().map(|medium| {
        json!({
            "id": medium.media_id.to_string(),
            "label": medium.label,
            "lies_in": medium.lies_in,
            "done_at_us": medium.done_at.map(|at| at.0),
        })
    });
    json!({
        "number": row.shred_id,
        "day": row.what.day().to_string(),
        "recording_id": row.what.recording().map(|id| id.to_string()),
        "state": row.state.word(),
        "order": row.is_order,
        "reason": row.reason,
        "recordings": row.recordings,
        "asked": by_json(&row.asked),
        "second": row.second.as_ref().map(by_json),
        "leaf": row.leaf,
        "changed_at_us": row.changed_at.0,
        "media": media.collect::<Vec<_>>(),
    })
}
