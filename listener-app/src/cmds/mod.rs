//! The commands: the same steps as a person takes at the window, for scripts.

mod verify;

use std::ops::ControlFlow;

use archive::{DayRow, GAPS, HELD, MASKED, RECOVERED};
use audio::Legs;
use serde_json::{Value, json};
use shared::{Day, Zone};

use crate::cli::{Cli, Command, Export, Format, Leg, List, Way};
use crate::location::Location;
use crate::login::{self, Session, Typed};
use crate::memory::{Memory, Seen};
use crate::refusal::{Refusal, Result};
use crate::search::{self, Sought};
use crate::{clock, days, export, terminal};

/// Runs the command and returns the exit code.
pub(crate) fn run(cli: &Cli) -> Result<u8> {
    match &cli.command {
        Command::List(words) => list(words),
        Command::Export(words) => exported(words),
        Command::Verify(words) => verify::run(words),
    }
}

/// Opens the archive of a command with the login of the day.
fn way_in(way: &Way) -> Result<(Location, Session)> {
    let location = Location::open(&way.path)?;
    let Some(login) = &way.login else {
        return Err(Refusal::Usage(
            "give --login LOGIN and --password-stdin, with today's password on standard input".into(),
        ));
    };
    let typed = Typed::parse(login, &terminal::password()?)?;
    let memory = Memory::of_user()?;
    let mut seen: Seen = memory.read()?;
    let session = login::open(&location, &typed, clock::now(), &mut seen)?;
    if let Err(e) = memory.write(&seen) {
        terminal::say(&format!("note: what this PC saw of the archive could not be remembered ({e})"));
    }
    for note in &session.notes {
        terminal::say(&format!("note: {note}"));
    }
    Ok((location, session))
}

/// The days that a command is about.
fn days_of(location: &Location, way: &Way) -> Result<Vec<Day>> {
    let days = days::list(location)?;
    match way.day {
        None => Ok(days),
        Some(day) if days.contains(&day) => Ok(vec![day]),
        Some(day) => Err(Refusal::NoDay(day)),
    }
}

fn list(words: &List) -> Result<u8> {
    let (location, session) = way_in(&words.way)?;
    let (sought, zone) = (Sought::new(&words.find), session.site.zone.clone());
    let (mut rows, mut bad, mut over) = (Vec::new(), None, None);
    search::through(&location, &session, &days_of(&location, &words.way)?, |searched| {
        if searched.of > 1 {
            terminal::progress(&format!("{} of {} days searched", searched.done, searched.of));
        }
        match searched.rows {
            Ok(list) => {
                for row in list.rows().filter(|row| sought.is_in(row)) {
                    if words.way.json {
                        rows.push(as_json(&row, searched.day, &zone));
                    } else {
                        terminal::line(&as_line(&row, &zone));
                    }
                }
            }
            Err(refusal) => {
                terminal::say(&format!("{}: {refusal}", searched.day));
                bad = Some(refusal);
            }
        }
        over = session.still_valid(clock::now()).err();
        if over.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    if let Some(over) = over {
        return Err(over);
    }
    terminal::progress("");
    match bad {
        // One day was asked for: its refusal is the answer.
        Some(refusal) if words.way.day.is_some() => Err(refusal),
        bad => {
            if words.way.json {
                terminal::json(&Value::Array(rows));
            }
            Ok(u8::from(bad.is_some_and(|refusal| !matches!(refusal, Refusal::Shredded(_)))))
        }
    }
}

fn exported(words: &Export) -> Result<u8> {
    if words.ids.is_empty() && words.way.day.is_none() {
        return Err(Refusal::Usage("give the ids of recordings, or --day for all of a day".into()));
    }
    let (location, session) = way_in(&words.way)?;
    let format = match words.format {
        Format::Wav => playback::encode::Format::Wav,
        Format::Flac => playback::encode::Format::Flac,
        Format::Opus => playback::encode::Format::Opus,
    };
    let legs = match words.leg {
        Leg::Both => Legs::Both,
        Leg::Near => Legs::Near,
        Leg::Far => Legs::Far,
    };
    let mut job = export::Job::new(&location, &session, &words.out, format, legs)?;
    let mut missing: Vec<&String> = words.ids.iter().collect();
    let mut last = None;
    search::through(&location, &session, &days_of(&location, &words.way)?, |searched| {
        match searched.rows {
            Ok(list) => {
                for row in list.rows() {
                    let is_it = |id: &&String| **id == row.reference || **id == row.recording_id.to_string();
                    if !words.ids.is_empty() && !words.ids.iter().any(|id| is_it(&id)) {
                        continue;
                    }
                    missing.retain(|id| !is_it(id));
                    let done = session.still_valid(clock::now()).and_then(|()| job.one(searched.day, &row));
                    if let Err(refusal) = done {
                        terminal::say(&format!("{}: {refusal}", row.reference));
                        last = Some(refusal);
                    }
                }
            }
            Err(refusal) => {
                terminal::say(&format!("{}: {refusal}", searched.day));
                last = Some(refusal);
            }
        }
        let found_all = !words.ids.is_empty() && missing.is_empty();
        if found_all { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let (done, failed) = job.counts();
    if done == 0 {
        let named = missing.first().map_or_else(String::new, |id| (*id).clone());
        return Err(last.unwrap_or(Refusal::NoRecording(named)));
    }
    job.finish(&session.site.zone.rfc3339(clock::now()))?;
    for id in &missing {
        terminal::say(&Refusal::NoRecording((*id).clone()).to_string());
    }
    if words.way.json {
        terminal::json(&json!({ "exported": done, "failed": failed, "missing": missing, "out": words.out }));
    } else {
        terminal::line(&format!("{done} exported to {}", words.out.display()));
    }
    Ok(u8::from(last.is_some() || !missing.is_empty()))
}

/// Returns a row for programs.
fn as_json(row: &DayRow<&str>, day: Day, zone: &Zone) -> Value {
    json!({
        "id": row.recording_id.to_string(),
        "reference": row.reference,
        "day": day.to_string(),
        "started_at": row.start.to_string(),
        "started_at_local": zone.rfc3339(row.start),
        "duration_ms": row.duration_ms,
        "direction": row.direction.word(),
        "side": row.side.word(),
        "tap": row.tap,
        "legs": row.legs,
        "near": row.near,
        "far": row.far,
        "extension": row.extension,
        "user": row.user,
        "subject": row.subject,
        "held": row.flags & HELD != 0,
        "recovered": row.flags & RECOVERED != 0,
        "gaps": row.flags & GAPS != 0,
        "masked": row.flags & MASKED != 0,
        "parts": row.parts,
        "path": format!("{day}/{}", row.path),
        "bytes": row.bytes,
        "leaf": row.leaf,
    })
}

/// Returns a row for people.
fn as_line(row: &DayRow<&str>, zone: &Zone) -> String {
    let at = zone.rfc3339(row.start);
    let at = at.get(..19).unwrap_or(&at).replace('T', " ");
    let (minutes, seconds) = (row.duration_ms / 60_000, row.duration_ms / 1_000 % 60);
    let marks = [(HELD, "held"), (RECOVERED, "recovered"), (GAPS, "gaps"), (MASKED, "masked")];
    let marks: Vec<&str> =
        marks.iter().filter(|(bit, _)| row.flags & bit != 0).map(|(_, word)| *word).collect();
    format!(
        "{at}  {:<14}  {minutes:>3}:{seconds:02}  {:<8}  {} - {}  {}",
        row.reference,
        row.direction.word(),
        row.near,
        row.far,
        marks.join(", ")
    )
    .trim_end()
    .to_owned()
}
