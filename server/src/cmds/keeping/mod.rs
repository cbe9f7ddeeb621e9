//! How long calls are kept, on the command line: classes, changes of them, holds, destruction. As strict as the console.
//!
//! Whatever changes something needs the folder for itself, because it appends to the transparency log; while a server runs on it the
//! console's page *Keeping* does the same.

pub(crate) mod hold;
pub(crate) mod policy;
pub(crate) mod retention;
pub(crate) mod shred;

use std::io::{BufRead as _, IsTerminal as _};

use rand_core::Rng as _;
use serde_json::{Value, json};
use vault::{AuditEntry, AuditObject, By, Coverage, Outcome, Use, Vault};
use web::{Act, Said, vouch};
use zeroize::Zeroizing;

use crate::alarms::Bell;
use crate::cli::keeping::{Person, Which};
use crate::config::TotpWord;
use crate::failure::{Failure, Kind};
use crate::site::Site;
use crate::{recording, terminal, world};

/// A site that is changed by somebody.
pub(crate) struct Acting {
    pub(crate) site: Site,
    pub(crate) vault: Vault,
    pub(crate) by: By,
}

/// Opens a site to change what is kept, and has the person vouched for.
///
/// # Errors
/// The folder is in use, or nobody stands behind it.
pub(crate) fn acting(dir: &std::path::Path, person: &Person) -> anyhow::Result<Acting> {
    let site = Site::open(dir)?;
    let vault = site
        .vault(Use::Record)
        .map_err(|e| e.context("a server that runs on this folder does this in the console: page Keeping"))?;
    recording::tell_recovery(&recording::recover(&site, &vault)?, &Bell::default());
    let by = vouched(&site, &vault, person)?;
    Ok(Acting { site, vault, by })
}

fn vouched(site: &Site, vault: &Vault, person: &Person) -> anyhow::Result<By> {
    let password = password(person)?;
    let rule = match site.config.web.totp {
        TotpWord::Required => api::TotpRule::Required,
        TotpWord::Optional => api::TotpRule::Optional,
    };
    let said = Said { name: &person.user, password: &password, code: person.code.as_deref() };
    vouch(vault, &said, Act::Keep, rule, world::now().utc)?
        .map_err(|refused| Failure::new(Kind::Permission, refused.to_string()).into())
}

/// Asks for the password, without showing it where there is a terminal.
fn password(person: &Person) -> anyhow::Result<Zeroizing<String>> {
    if std::io::stdin().is_terminal() && !person.password_stdin {
        return Ok(terminal::ask(&format!("Password of {}", person.user), true)?);
    }
    if !person.password_stdin {
        let text = "the password is asked for at a terminal; a program gives it with --password-stdin";
        return Err(Failure::new(Kind::Usage, text).into());
    }
    let mut line = Zeroizing::new(String::new());
    std::io::stdin().lock().read_line(&mut line)?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(line)
}

impl Acting {
    /// Writes into the audit log what is about to be done.
    ///
    /// # Errors
    /// It cannot be written: then it must not be done.
    pub(crate) fn audit(&self, act: &'static str, object: &str, details: &Value) -> anyhow::Result<()> {
        self.vault.audit(&AuditEntry {
            at: self.by.at,
            actor: self.by.user,
            actor_name: self.by.name.clone(),
            session: None,
            address: "this machine".to_owned(),
            act,
            object: Some(AuditObject::Named(object.to_owned())),
            outcome: Outcome::Ok,
            details: details.to_string(),
        })?;
        Ok(())
    }
}

/// Draws what makes a digest one of a text that cannot be guessed.
pub(crate) fn salt() -> [u8; 32] {
    let mut salt = [0; 32];
    world::dice().fill_bytes(&mut salt);
    salt
}

/// Reads which calls are meant.
///
/// # Errors
/// A pattern that is none, a group that the configuration does not have, a day outside the calendar.
pub(crate) fn coverage(site: &Site, which: &Which) -> anyhow::Result<Coverage> {
    let usage = |text: String| Failure::new(Kind::Usage, text);
    let mut patterns = which.extensions.clone();
    for name in &which.groups {
        let group = site.config.groups.get(name).ok_or_else(|| {
            let known: Vec<&str> = site.config.groups.keys().map(String::as_str).collect();
            usage(format!("there is no group `{name}` in amethyst.toml; it has: {}", known.join(", ")))
        })?;
        patterns.extend(group.iter().cloned());
    }
    let extensions = patterns
        .iter()
        .map(|text| text.parse().map_err(|e| usage(format!("`{text}` is no pattern of extensions: {e}"))));
    let start = |day: shared::Day| {
        let at = site.card.zone.start_of(day);
        at.ok_or_else(|| usage(format!("{day} does not begin in the site's zone")))
    };
    let until = which.until.map(|day| day.plus_days(1).map_or_else(|| start(day), start)).transpose()?;
    Ok(Coverage {
        extensions: extensions.collect::<Result<_, _>>()?,
        taps: which.taps.clone(),
        number: which.number.clone(),
        tag: which.tag.clone(),
        since: which.since.map(start).transpose()?,
        until,
    })
}

/// Says which calls are meant, for people.
pub(crate) fn said(site: &Site, coverage: &Coverage) -> String {
    let mut words = Vec::new();
    if !coverage.extensions.is_empty() {
        let all: Vec<String> = coverage.extensions.iter().map(ToString::to_string).collect();
        words.push(format!("extension {}", all.join(", ")));
    }
    if !coverage.taps.is_empty() {
        words.push(format!("tap {}", coverage.taps.join(", ")));
    }
    words.extend(coverage.number.iter().map(|number| format!("number {number}")));
    words.extend(coverage.tag.iter().map(|tag| format!("tag {tag}")));
    words.extend(coverage.since.map(|at| format!("since {}", site.card.zone.day_of(at))));
    words.extend(coverage.until.map(|at| format!("before {}", site.card.zone.day_of(at))));
    if words.is_empty() { "every call".to_owned() } else { words.join(", ") }
}

pub(crate) fn by_json(by: &By) -> Value {
    json!({ "name": by.name, "at_us": by.at.0 })
}

/// The JSON of which calls are meant.
pub(crate) fn coverage_json(coverage: &Coverage) -> Value {
    serde_json::from_str(&coverage.to_json()).unwrap_or_default()
}
