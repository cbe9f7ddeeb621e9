//! `amethyst satellite`: codes, enrolment, the list, revocation. Running one is `crate::satellite::run`.

use anyhow::Context as _;
use serde_json::{Value, json};
use shared::UtcMicros;
use transfer::carrier::LineError;
use transfer::enrol::{EnrolError, Wanted, enrol};
use vault::{AuditEntry, AuditObject, By, Outcome, SatelliteRow, Use, Vault};

use crate::cli::satellite::{Enrol, Invite, List, Revoke};
use crate::failure::{Failure, Kind};
use crate::satellite::folder::Folder;
use crate::satellites::{Invited, invite as invite_one};
use crate::site::{Identity, Site};
use crate::{terminal, world};

const NAME_MAX: usize = 60;
const WHO: &str = "command line";

/// Makes a code.
///
/// # Errors
/// The data folder cannot be used, or a name that is none.
pub(crate) fn invite(words: &Invite) -> anyhow::Result<u8> {
    let name = words.name.trim();
    if name.is_empty() || name.len() > NAME_MAX || name.contains(char::is_control) {
        return Err(Failure::new(Kind::Usage, "--name: give a name of at most 60 letters").into());
    }
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Look)?;
    let now = world::now().utc;
    audit(&vault, "satellite-invited", name, now)?;
    let by = By { user: None, name: WHO.to_owned(), at: now };
    let Invited { code, until, .. } = invite_one(&site.card.site_id, &vault, name, &by)?;
    let until = site.card.zone.rfc3339(until);
    if words.json {
        terminal::json(&json!({ "code": code.shown(), "name": name, "until": until }));
    } else {
        terminal::line(&code.shown());
        terminal::say(&format!(
            "valid once, until {until}. `amethyst serve` must be running here. At the new machine:\n  \
             amethyst satellite enrol --central https://THIS-HOST:{} --code {} --data /srv/amethyst --interface IF",
            site.config.web.listen.port(),
            code.shown()
        ));
    }
    Ok(0)
}

/// Makes this machine a satellite.
///
/// # Errors
/// The folder is used, the central is not reached or refuses, or what it says does not hold. Nothing is written then.
pub(crate) fn enrol_here(words: &Enrol) -> anyhow::Result<u8> {
    Folder::refuse_used(&words.dir)?;
    let recorder = Identity::draw(&mut world::dice());
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let host: String = host.chars().filter(|c| !c.is_control()).take(16).collect();
    let wanted = Wanted {
        recorder_id: recorder.id,
        signing_key: &recorder.key,
        host: if host.is_empty() { "unnamed".to_owned() } else { host },
        interfaces: words.interfaces.clone(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let asked = runtime.block_on(enrol(&words.central, &words.code, wanted, world::now().utc));
    runtime.shutdown_background();
    let home = asked.map_err(failed)?;
    Folder::make(&words.dir, &recorder, &home, &words.central)?;
    let dir = words.dir.display();
    if words.json {
        terminal::json(&json!({
            "recorder_id": recorder.id.to_string(),
            "name": home.name,
            "letter": home.letter.to_string(),
            "central": words.central.to_string(),
        }));
    } else {
        terminal::line(&format!(
            "This machine is the satellite \"{}\" now; references of its recordings begin with {}.\n\
             It holds no key that opens a recording. Next:\n  amethyst satellite run --data {dir}",
            home.name, home.letter
        ));
    }
    Ok(0)
}

fn failed(error: EnrolError) -> Failure {
    let kind = match &error {
        EnrolError::Line(LineError::Refused(_)) | EnrolError::Impostor | EnrolError::Unproven(_) => {
            Kind::Permission
        }
        EnrolError::Line(_) | EnrolError::Tls(_) | EnrolError::Memory(_) | EnrolError::Version(_) => {
            Kind::Input
        }
    };
    Failure::new(kind, error.to_string())
}

/// Lists the satellites.
///
/// # Errors
/// The data folder cannot be used.
pub(crate) fn list(words: &List) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let rows = site.vault(Use::Look)?.satellites()?;
    if words.json {
        terminal::json(&Value::Array(rows.iter().map(|row| as_json(&site, row)).collect()));
        return Ok(0);
    }
    let when = |at: UtcMicros| site.card.zone.rfc3339(at);
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let status: Value = serde_json::from_str(&row.status).unwrap_or_default();
            let waits = match (
                status.get("parts").and_then(Value::as_u64),
                status.get("bytes").and_then(Value::as_u64),
            ) {
                (Some(parts), Some(bytes)) => format!("{parts} parts, {} MB", bytes / 1_000_000),
                _ => "-".to_owned(),
            };
            let state = row
                .revoked
                .as_ref()
                .map_or_else(|| "enrolled".to_owned(), |by| format!("revoked {}", when(by.at)));
            vec![
                row.letter.to_string(),
                row.name.clone(),
                state,
                row.last_seen_at.map_or_else(|| "never".to_owned(), when),
                waits,
                row.recorder_id.to_string(),
            ]
        })
        .collect();
    terminal::table(&["", "NAME", "STATE", "LAST HEARD", "WAITS THERE", "RECORDER"], &lines);
    Ok(0)
}

fn as_json(site: &Site, row: &SatelliteRow) -> Value {
    let when = |at: UtcMicros| site.card.zone.rfc3339(at);
    json!({
        "recorder_id": row.recorder_id.to_string(),
        "name": row.name,
        "letter": row.letter.to_string(),
        "enrolled_at": when(row.enrolled_at),
        "certificate_until": when(row.certificate_until),
        "revoked_at": row.revoked.as_ref().map(|by| when(by.at)),
        "last_seen_at": row.last_seen_at.map(when),
        "status": serde_json::from_str::<Value>(&row.status).unwrap_or_default(),
    })
}

/// Revokes a satellite.
///
/// # Errors
/// There is no such one, or the data folder cannot be used.
pub(crate) fn revoke(words: &Revoke) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Look)?;
    let wanted = words.which.trim();
    let is_meant = |row: &SatelliteRow| {
        row.name == wanted || row.letter.to_string() == wanted || wanted.parse() == Ok(row.recorder_id)
    };
    let mut found = vault.satellites()?.into_iter().filter(is_meant);
    let (Some(row), None) = (found.next(), found.next()) else {
        let text = format!(
            "`{wanted}` names no satellite, or several: give its letter or its recorder id (amethyst satellite list)"
        );
        return Err(Failure::new(Kind::Input, text).into());
    };
    let now = world::now().utc;
    audit(&vault, "satellite-revoked", &row.name, now)?;
    if vault.revoke_satellite(row.recorder_id, &By { user: None, name: WHO.to_owned(), at: now })? {
        terminal::say(&format!(
            "\"{}\" is revoked: its connection ends within seconds, and it is not let in any more. Its recordings stay; look at those \
             that came since it was last in good hands",
            row.name
        ));
    } else {
        terminal::say(&format!("\"{}\" was revoked before", row.name));
    }
    Ok(0)
}

/// Before the act: without the entry it does not happen.
fn audit(vault: &Vault, act: &'static str, name: &str, at: UtcMicros) -> anyhow::Result<()> {
    vault
        .audit(&AuditEntry {
            at,
            actor: None,
            actor_name: WHO.to_owned(),
            session: None,
            address: "this machine".to_owned(),
            act,
            object: Some(AuditObject::Named(name.to_owned())),
            outcome: Outcome::Ok,
            details: "{}".to_owned(),
        })
        .context("the audit log could not be written; nothing was done")?;
    Ok(())
}
