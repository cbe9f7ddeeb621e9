//! `amethyst show`: all that is known about one recording.

use serde_json::Value;
use vault::{PartyRole, Recording, Use};

use crate::cli::Show;
use crate::cmds::{found, list};
use crate::site::Site;
use crate::{terminal, view};

/// Runs the command.
///
/// # Errors
/// The data folder cannot be used, or there is no such recording.
pub(crate) fn run(words: &Show) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Look)?;
    let recordings = found::by_name(&vault, &words.id)?;
    if words.json {
        let all: Vec<Value> = recordings.iter().map(|r| view::recording(r, &site.card.zone)).collect();
        terminal::json(&match <[Value; 1]>::try_from(all) {
            Ok([one]) => one,
            Err(several) => Value::Array(several),
        });
        return Ok(0);
    }
    for recording in &recordings {
        print(recording, &site.card.zone);
    }
    Ok(0)
}

fn print(recording: &Recording, zone: &shared::Zone) {
    let facts = &recording.facts;
    let say = |name: &str, text: &str| terminal::line(&format!("{name:<11}{text}"));
    say("reference", &format!("{}  (ledger number {})", facts.reference, facts.ledger_no.0));
    say("id", &facts.recording_id.to_string());
    say("started", &zone.rfc3339(facts.started_at));
    say("length", &list::length(facts.ended_at.since(facts.started_at)));
    for (name, role) in
        [("caller", PartyRole::Caller), ("called", PartyRole::Called), ("other", PartyRole::Other)]
    {
        for row in recording.parties.iter().filter(|row| row.role == role) {
            let party = &row.party;
            say(name, format!("{}  {}  {}", party.number, party.display, party.address).trim());
        }
    }
    say("direction", facts.direction.word());
    say("tap", &format!("{} ({} side, {})", facts.tap_name, facts.side.word(), facts.method.word()));
    say("end", &format!("{} ({})", facts.end, facts.end_reason));
    for leg in &recording.legs {
        let missing: Vec<String> = view::CAUSES
            .iter()
            .zip(leg.gaps.0)
            .filter(|(_, samples)| *samples > 0)
            .map(|(cause, samples)| format!("{} {}", seconds(samples, leg.track.clock_hz), cause.word()))
            .collect();
        let missing = if missing.is_empty() {
            "nothing missing".to_owned()
        } else {
            format!("missing: {}", missing.join(", "))
        };
        let track = &leg.track;
        say(
            "track",
            &format!(
                "{} {} {}/{}  {}; {missing}",
                track.track,
                track.role.word(),
                track.codec,
                track.clock_hz,
                seconds(leg.samples, track.clock_hz)
            ),
        );
    }
    for event in recording.events.iter().filter(|e| e.kind != "time_anchor") {
        let value = view::event(event);
        say("event", &format!("{:>9.3} s  {} {}", event.t_us_seconds(), event.kind, value["members"]));
    }
    for part in &recording.parts {
        say("file", &format!("{}  {} bytes", part.path, part.bytes));
        say("sha256", &view::hex(&part.sha256));
    }
    terminal::line("");
}

fn seconds(samples: u64, clock_hz: u32) -> String {
    let ms = u128::from(samples) * 1_000 / u128::from(clock_hz.max(1));
    format!("{}.{:03} s", ms / 1_000, ms % 1_000)
}

/// Event times for people.
trait Seconds {
    fn t_us_seconds(&self) -> f64;
}

impl Seconds for shared::Event {
    #[allow(clippy::cast_precision_loss, reason = "a display with three decimals")]
    fn t_us_seconds(&self) -> f64 {
        self.t_us as f64 / 1e6
    }
}
