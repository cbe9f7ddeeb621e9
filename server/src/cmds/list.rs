//! `amethyst list`: recordings, newest first.

use serde_json::Value;
use shared::Day;
use vault::{PartyRole, Query, Recording, Use};

use crate::cli::List;
use crate::failure::{Failure, Kind};
use crate::site::Site;
use crate::{terminal, view};

/// Runs the command.
///
/// # Errors
/// The data folder cannot be used, or a filter is none.
pub(crate) fn run(words: &List) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Look)?;
    let day = words.day.as_deref().map(str::parse::<Day>).transpose();
    let query = Query {
        day: day.map_err(|e| Failure::new(Kind::Usage, e.to_string()))?,
        number_contains: words.number.clone(),
        limit: words.limit.max(1),
        ..Query::default()
    };
    let page = vault.find(&query)?;
    let zone = &site.card.zone;
    if words.json {
        let all = page.recordings.iter().map(|r| view::recording(r, zone));
        terminal::json(&Value::Array(all.collect()));
        return Ok(0);
    }
    if page.recordings.is_empty() {
        terminal::line("no recordings");
        return Ok(0);
    }
    let rows: Vec<Vec<String>> = page.recordings.iter().map(|r| row(r, zone)).collect();
    terminal::table(&["REFERENCE", "STARTED", "LENGTH", "CALLER", "CALLED", "CODEC", "END"], &rows);
    if page.next.is_some() {
        terminal::say(&format!("(the newest {}; --limit shows more)", page.recordings.len()));
    }
    Ok(0)
}

fn row(recording: &Recording, zone: &shared::Zone) -> Vec<String> {
    let facts = &recording.facts;
    let number = |role| recording.party(role).map_or("", |p| p.number.as_str()).to_owned();
    let started: String =
        zone.rfc3339(facts.started_at).chars().take(19).map(|c| if c == 'T' { ' ' } else { c }).collect();
    let mut codecs: Vec<&str> = recording.legs.iter().map(|leg| leg.track.codec.as_str()).collect();
    codecs.dedup();
    vec![
        facts.reference.to_string(),
        started,
        length(facts.ended_at.since(facts.started_at)),
        or_dash(number(PartyRole::Caller)),
        or_dash(number(PartyRole::Called)),
        codecs.join(","),
        facts.end.to_string(),
    ]
}

/// Writes a duration as `1:02:03` or `2:03`.
pub(crate) fn length(micros: i64) -> String {
    let seconds = micros.max(0).saturating_add(500_000) / 1_000_000;
    let (h, m, s) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if h > 0 { format!("{h}:{m:02}:{s:02}") } else { format!("{m}:{s:02}") }
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}
