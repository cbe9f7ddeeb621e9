//! `amethyst archive`: archive now, and look how safe recordings are.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use archive::Outcome;
use archiver::engine::Progress;
use archiver::notices::{Notice, notices};
use archiver::remote;
use indicatif::ProgressBar;
use serde_json::{Value, json};
use vault::{LocationRow, MediaSet, MediumRow, MediumState, Severity, Use, Vault};

use super::location::{location_json, medium_json};
use crate::alarms::Bell;
use crate::archiving::asked::Request;
use crate::archiving::control::{self, Answer};
use crate::archiving::desk::Standing;
use crate::archiving::standing::{Lacking, Stands};
use crate::archiving::told::{Told, told};
use crate::archiving::watch::{Slow, facts};
use crate::archiving::{self, Office, chosen};
use crate::cli::{Archive, ArchiveCarrier, ArchiveRun, ArchiveStatus};
use crate::failure::{Failure, Kind};
use crate::site::Site;
use crate::{recording, terminal, world};

/// Runs that are shown of a place.
const RUNS_SHOWN: usize = 5;

/// Runs the command. The exit code is 1 when not everything that is due is proven.
///
/// # Errors
/// The data folder cannot be used.
pub(crate) fn run(words: &Archive) -> anyhow::Result<u8> {
    match words {
        Archive::Run(words) => run_now(words),
        Archive::Status(words) => status(words),
        Archive::Drill(words) => super::drill::run(words),
        Archive::Purge(words) => super::purge::run(words),
        Archive::Verify(words) => super::archive_verify::run(words),
    }
}

/// The hidden command of a carrier's process.
///
/// # Errors
/// The parent is gone.
pub(crate) fn carry(words: &ArchiveCarrier) -> anyhow::Result<u8> {
    let (input, output) = (io::stdin(), io::stdout());
    remote::serve(&words.data, &archiving::around(), &mut input.lock(), &mut output.lock())?;
    Ok(0)
}

fn run_now(words: &ArchiveRun) -> anyhow::Result<u8> {
    let stop = Arc::new(AtomicBool::new(false));
    // Whoever presses Ctrl-C wants no archive tonight; whoever ends the machine does.
    let for_tonight = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::clone(&for_tonight))?;
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    // A server that runs on the data folder holds the recordings: it does the work.
    let told = match control::reach(&words.data.dir) {
        Some(server) => run_there(words, server, &stop, &for_tonight)?,
        None => run_here(words, &stop, &for_tonight)?,
    };
    if words.json {
        terminal::json(&Value::Array(told.iter().map(|told| told.document.clone()).collect()));
    }
    Ok(u8::from(!told.iter().all(|told| told.well)))
}

fn run_here(words: &ArchiveRun, stop: &AtomicBool, for_tonight: &AtomicBool) -> anyhow::Result<Vec<Told>> {
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Record)?;
    // What a crash left is finished first: it is due too.
    recording::tell_recovery(&recording::recover(&site, &vault)?, &Bell::default());
    let office = Office::new(&site, words.logins)?.unless(stop);
    let mut all = Vec::new();
    for location in chosen(&vault, words.location.as_deref())? {
        let bar = terminal::progress(0, &location.name);
        let done = archiving::run(&office, &vault, &location, stop, &|progress: &Progress| {
            show(&bar, &location.name, progress.step.word(), progress.bytes, progress.bytes_due);
        });
        bar.finish_and_clear();
        all.push(tell(told(&location, &done), words.json));
        if for_tonight.load(Ordering::Relaxed) {
            archiving::stay_stopped(&vault, std::slice::from_ref(&location));
        } else {
            vault.go_on_archiving(location.location_id)?;
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    Ok(all)
}

fn run_there(
    words: &ArchiveRun,
    server: UnixStream,
    stop: &Arc<AtomicBool>,
    for_tonight: &Arc<AtomicBool>,
) -> anyhow::Result<Vec<Told>> {
    let request = Request::Run { location: words.location.clone(), logins: words.logins };
    let bar = terminal::progress(0, "the server archives");
    let (mut all, mut refused) = (Vec::new(), None);
    control::ask(server, &request, stop, for_tonight, &mut |answer| match answer {
        Answer::Progress { name, step, bytes, bytes_due } => show(&bar, &name, &step, bytes, bytes_due),
        Answer::Done(told) => bar.suspend(|| all.push(tell(*told, words.json))),
        Answer::Refused { text, code } => refused = Some((text, code)),
        Answer::End => {}
    })?;
    bar.finish_and_clear();
    match refused {
        Some((text, code)) => Err(Failure::new(Kind::of_code(code), text).into()),
        None => Ok(all),
    }
}

fn show(bar: &ProgressBar, name: &str, step: &str, bytes: u64, bytes_due: u64) {
    bar.set_length(bytes_due >> 10);
    bar.set_position(bytes >> 10);
    bar.set_message(format!("{name}: {step}"));
}

fn tell(told: Told, as_json: bool) -> Told {
    if !as_json {
        told.lines.iter().for_each(|line| terminal::line(line));
    }
    told
}

fn status(words: &ArchiveStatus) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Look)?;
    let mut all_safe = true;
    let mut documents = Vec::new();
    for location in chosen(&vault, words.location.as_deref())? {
        let Stands { media, runs, .. } = Stands::read(&vault, location.clone())?;
        let mut safe_there = Vec::new();
        for lacking in media {
            let counts = lacking.counts();
            let Lacking { row: medium, files: parts, bytes, .. } = lacking;
            let safe = parts == 0 && medium.state == MediumState::Good && counts;
            safe_there.push(safe);
            if !words.json {
                terminal::line(&state_of(&site, &location, &medium, (parts, bytes), counts));
            }
            documents.push(json!({
                "location": location_json(&location),
                "medium": medium_json(&medium),
                "due_files": parts,
                "due_bytes": bytes,
                "safe": safe,
                "runs": runs.iter().take(RUNS_SHOWN).filter(|run| run.media_id == medium.media_id).map(|run| json!({
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
        all_safe &= match location.set {
            // The newest serves the place now.
            MediaSet::One => safe_there.first().copied().unwrap_or(false),
            MediaSet::Any => safe_there.contains(&true),
            MediaSet::All => !safe_there.is_empty() && !safe_there.contains(&false),
        };
    }
    let told = notices_now(words, &site, &vault)?;
    if words.json {
        terminal::json(&Value::Array(documents));
    } else {
        for notice in &told {
            terminal::line(&format!("{:7} {}", notice.severity.word(), notice.sentence(&site.card.zone)));
        }
    }
    let urgent = told.iter().any(|notice| notice.severity == Severity::Urgent);
    Ok(u8::from(!all_safe || urgent))
}

/// What somebody should know: as the running server sees it, who looks at the places too; otherwise by the rows.
fn notices_now(words: &ArchiveStatus, site: &Site, vault: &Vault) -> anyhow::Result<Vec<Notice>> {
    let mut told: Vec<Notice> = if control::reach(&words.data.dir).is_some() {
        vault.notices()?.iter().filter_map(Notice::of).collect()
    } else {
        let (zone, now) = (&site.card.zone, world::now().utc);
        let slow = Slow::read(vault, zone, now)?;
        let at = site.config.archive.at;
        notices(&facts(vault, zone, at, &slow, |_nobody_looked| Standing::default(), now)?, now)
    };
    if let Some(name) = &words.location {
        let id = archiving::found(vault, name)?.location_id.to_string();
        told.retain(|notice| notice.filled.place.is_empty() || notice.filled.place == id);
    }
    Ok(told)
}

fn state_of(
    site: &Site,
    location: &LocationRow,
    medium: &MediumRow,
    (parts, bytes): (u64, u64),
    counts: bool,
) -> String {
    let label = if medium.label.is_empty() { String::new() } else { format!(" ({})", medium.label) };
    let when = medium.last_run_at.map_or_else(
        || "never archived yet".to_owned(),
        |at| format!("last proven {}", site.card.zone.rfc3339(at)),
    );
    let what = match (medium.state, parts) {
        (MediumState::Suspect, _) => "SUSPECT: verify it, or use another one".to_owned(),
        (MediumState::Retired, _) => "retired".to_owned(),
        (MediumState::Good, 0) if !counts => {
            "NOT PROVEN: everything was copied there, and nothing of it was read back past the caches. Verify it".to_owned()
        }
        (MediumState::Good, 0) => "SAFE: everything recorded is proven there".to_owned(),
        (MediumState::Good, n) => format!("{n} files ({} MiB) are due", bytes >> 20),
    };
    format!("{}{label}: {what}; {when}", location.name)
}
