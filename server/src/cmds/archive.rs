//! `amethyst archive`: archive now, and look how safe recordings are.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use archive::Outcome;
use archiver::engine::{Progress, Summary};
use archiver::remote;
use serde_json::{Value, json};
use vault::{LocationRow, MediumRow, MediumState, Use, Vault};

use super::location::{found, location_json, medium_json};
use crate::archiving::{self, Office};
use crate::cli::{Archive, ArchiveCarrier, ArchiveRun, ArchiveStatus};
use crate::failure::{Failure, Kind};
use crate::site::Site;
use crate::{recording, terminal};

/// Runs the command. The exit code is 1 when not everything that is due is proven.
///
/// # Errors
/// The data folder cannot be used.
pub(crate) fn run(words: &Archive) -> anyhow::Result<u8> {
    match words {
        Archive::Run(words) => run_now(words),
        Archive::Status(words) => status(words),
    }
}

/// The hidden command of a carrier's process.
///
/// # Errors
/// The parent is gone.
pub(crate) fn carry(words: &ArchiveCarrier) -> anyhow::Result<u8> {
    let (input, output) = (io::stdin(), io::stdout());
    remote::serve(&words.data, &mut input.lock(), &mut output.lock())?;
    Ok(0)
}

fn chosen(vault: &Vault, name: Option<&str>) -> anyhow::Result<Vec<LocationRow>> {
    let locations = match name {
        Some(name) => vec![found(vault, name)?],
        None => vault.locations()?,
    };
    if locations.is_empty() {
        let text = "no archive location is configured: recordings are in the live store only. Configure one by `amethyst \
                    location add`";
        return Err(Failure::new(Kind::Usage, text).into());
    }
    Ok(locations)
}

fn run_now(words: &ArchiveRun) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Record)?;
    // What a crash left is finished first: it is due too.
    recording::tell_recovery(&recording::recover(&site, &vault)?);
    let office = Office::new(&site, words.logins)?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let mut documents = Vec::new();
    let mut all_well = true;
    for location in chosen(&vault, words.location.as_deref())? {
        let bar = terminal::progress(0, &location.name);
        let done = archiving::run(&office, &vault, &location, &stop, &|progress: &Progress| {
            bar.set_length(progress.bytes_due >> 10);
            bar.set_position(progress.bytes >> 10);
            bar.set_message(format!("{}: {}", location.name, progress.step.word()));
        });
        bar.finish_and_clear();
        all_well &= done.as_ref().is_ok_and(|summary| summary.outcome == Outcome::Complete);
        documents.push(told(&location, &done));
        if !words.json {
            terminal::line(&sentence(&location, &done));
            if let Ok(summary) = &done {
                summary.troubles.iter().for_each(|trouble| terminal::line(&format!("  {trouble}")));
            }
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    if words.json {
        terminal::json(&Value::Array(documents));
    }
    Ok(u8::from(!all_well))
}

fn sentence(location: &LocationRow, done: &anyhow::Result<Summary>) -> String {
    let name = &location.name;
    match done {
        Err(error) => format!("{name}: {error:#}"),
        Ok(s) => {
            let proven = format!("{} files ({} MiB) proven", s.parts, s.bytes >> 20);
            match (s.outcome, &s.early) {
                (Outcome::Complete, _) if s.parts == 0 => format!("{name}: everything was there already"),
                (Outcome::Complete, _) => format!("{name}: {proven}; everything is there"),
                (Outcome::Holes, _) => {
                    format!("{name}: {proven}; {} could not be carried and stay due", s.troubles.len())
                }
                (Outcome::Early, why) => {
                    let why = why.as_deref().unwrap_or("it was stopped");
                    format!("{name}: {proven}, {} stay due: {why}", s.left)
                }
            }
        }
    }
}

fn told(location: &LocationRow, done: &anyhow::Result<Summary>) -> Value {
    match done {
        Err(error) => json!({ "location": location_json(location), "error": format!("{error:#}") }),
        Ok(s) => json!({
            "location": location_json(location),
            "run_id": s.run_id.to_string(),
            "outcome": s.outcome.word(),
            "files": s.parts,
            "bytes": s.bytes,
            "left": s.left,
            "early": s.early,
            "troubles": s.troubles,
            "checkpoint": s.checkpoint,
        }),
    }
}

fn status(words: &ArchiveStatus) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Look)?;
    let mut all_safe = true;
    let mut documents = Vec::new();
    for location in chosen(&vault, words.location.as_deref())? {
        let runs = vault.runs(location.location_id, 5)?;
        for medium in vault.media(location.location_id)? {
            let (parts, bytes) = vault.due_totals(medium.media_id)?;
            let safe = parts == 0 && medium.state == MediumState::Good;
            all_safe &= safe;
            if !words.json {
                terminal::line(&state_of(&site, &location, &medium, parts, bytes));
            }
            documents.push(json!({
                "location": location_json(&location),
                "medium": medium_json(&medium),
                "due_files": parts,
                "due_bytes": bytes,
                "safe": safe,
                "runs": runs.iter().filter(|run| run.media_id == medium.media_id).map(|run| json!({
                    "run_id": run.run_id.to_string(),
                    "begun_at_us": run.begun_at.0,
                    "ended_at_us": run.ended_at.map(|at| at.0),
                    "outcome": run.outcome.and_then(Outcome::from_number).map(Outcome::word),
                    "files": run.files,
                    "bytes": run.bytes,
                    "message": run.message,
                })).collect::<Vec<_>>(),
            }));
        }
    }
    if words.json {
        terminal::json(&Value::Array(documents));
    }
    Ok(u8::from(!all_safe))
}

fn state_of(site: &Site, location: &LocationRow, medium: &MediumRow, parts: u64, bytes: u64) -> String {
    let label = if medium.label.is_empty() { String::new() } else { format!(" ({})", medium.label) };
    let when = medium.last_run_at.map_or_else(
        || "never archived yet".to_owned(),
        |at| format!("last proven {}", site.card.zone.rfc3339(at)),
    );
    let what = match (medium.state, parts) {
        (MediumState::Suspect, _) => "SUSPECT: verify it, or use another one".to_owned(),
        (MediumState::Retired, _) => "retired".to_owned(),
        (MediumState::Good, 0) => "SAFE: everything recorded is proven there".to_owned(),
        (MediumState::Good, n) => format!("{n} files ({} MiB) are due", bytes >> 20),
    };
    format!("{}{label}: {what}; {when}", location.name)
}
