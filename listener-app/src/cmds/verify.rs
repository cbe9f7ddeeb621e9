//! `amtlisten verify`: the judge that needs no key, and with a login two things more: whose archive it is, and that everything opens.

use std::ops::ControlFlow;

use archive::log::Checkpoint;
use archive::verify::{Finding, Known, Progress, Report, verify};
use serde_json::{Value, json};

use super::{days_of, way_in};
use crate::cli::Verify;
use crate::location::Location;
use crate::login::Session;
use crate::refusal::{Refusal, Result};
use crate::{clock, login, recording, search, terminal};

/// What opening everything came to.
#[derive(Default)]
struct Opening {
    recordings: u64,
    faults: Vec<(String, String)>,
}

/// Runs the command. The exit code is 1 when something is wrong.
pub(super) fn run(words: &Verify) -> Result<u8> {
    let (location, session) = match words.way.login {
        Some(_) => way_in(&words.way).map(|(location, session)| (location, Some(session)))?,
        None => (Location::open(&words.way.path)?, None),
    };
    let checkpoint: Option<Checkpoint> = session.as_ref().map(Session::checkpoint).transpose()?.flatten();
    let known = Known { site: session.as_ref().map(|session| session.site.clone()), checkpoint };
    let mut report = verify(&location, &known, &mut |progress| match progress {
        Progress::Bytes(_) | Progress::Whole(_) => {}
    });
    report.findings.extend(login::judge_keys(&location));
    let opening = match &session {
        Some(session) => open_all(&location, session, words)?,
        None => Opening::default(),
    };
    let well = report.is_proven() && opening.faults.is_empty();
    if words.way.json {
        terminal::json(&as_json(&location, &report, &opening, session.is_some(), well));
    } else {
        print(&location, &report, &opening, session.is_some(), well);
    }
    Ok(u8::from(!well))
}

fn open_all(location: &Location, session: &Session, words: &Verify) -> Result<Opening> {
    let mut opening = Opening::default();
    let mut over = None;
    search::through(location, session, &days_of(location, &words.way)?, |searched| {
        match searched.rows {
            Ok(list) => {
                for row in list.rows() {
                    match recording::open(location, session, searched.day, row.recording_id, row.path) {
                        Ok(_) | Err(Refusal::Tombstone(_)) => {
                            opening.recordings = opening.recordings.saturating_add(1);
                        }
                        Err(refusal) => {
                            opening
                                .faults
                                .push((format!("{}/{}", searched.day, row.path), refusal.to_string()));
                        }
                    }
                }
            }
            Err(Refusal::Shredded(_)) => {}
            Err(refusal) => opening.faults.push((searched.day.to_string(), refusal.to_string())),
        }
        over = session.still_valid(clock::now()).err();
        if over.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    over.map_or(Ok(opening), Err)
}

fn as_json(location: &Location, report: &Report, opening: &Opening, by_login: bool, well: bool) -> Value {
    let finding =
        |f: &Finding| json!({ "path": f.path, "what": f.fault.to_string(), "grave": f.fault.is_grave() });
    let fault = |(path, what): &(String, String)| json!({ "path": path, "what": what, "grave": true });
    let findings = report.findings.iter().map(finding).chain(opening.faults.iter().map(fault));
    json!({
        "path": location.root(),
        "proven": well,
        "blind": report.is_blind,
        "site_known_by_login": by_login,
        "days": report.days,
        "recordings": report.recordings,
        "opened": opening.recordings,
        "destroyed": report.destroyed,
        "leaves": report.leaves,
        "checkpoint": report.checkpoint,
        "bytes_read": report.bytes,
        "findings": findings.collect::<Vec<_>>(),
        "more_findings": report.more_findings,
    })
}

fn print(location: &Location, report: &Report, opening: &Opening, by_login: bool, well: bool) {
    for finding in &report.findings {
        let word = if finding.fault.is_grave() { "WRONG" } else { "note " };
        terminal::line(&format!("{word} {}: {}", finding.path, finding.fault));
    }
    for (path, what) in &opening.faults {
        terminal::line(&format!("WRONG {path}: {what}"));
    }
    if report.more_findings > 0 {
        terminal::line(&format!("        and {} more", report.more_findings));
    }
    if report.is_blind {
        terminal::line("NOTHING COULD BE JUDGED: what everything hangs on is missing or forged");
        return;
    }
    let word = if well { "ok   " } else { "WRONG" };
    terminal::line(&format!(
        "{word} {}: {} recordings of {} days are what was sealed, {} were opened; a log of {} leaves",
        location.root().display(),
        report.recordings,
        report.days,
        opening.recordings,
        report.leaves
    ));
    if !by_login {
        terminal::say(
            "the archive was taken at its word about whose it is: give today's login to be sure, and to see that everything opens",
        );
    }
}
