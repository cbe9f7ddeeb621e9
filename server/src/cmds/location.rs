//! `amethyst location`: the places to which recordings are archived.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use archiver::place::{BucketSettings, Credential};
use serde_json::{Value, json};
use vault::{LocationKind, LocationRow, MediaSet, MediumRow, Use};

use crate::archiving::places::{self, Seed, Wanted};
use crate::archiving::{access, found};
use crate::cli::{
    self, Location, LocationAdd, LocationCredentials, LocationList, LocationOne, LocationPrepare,
};
use crate::failure::{Failure, Kind};
use crate::site::Site;
use crate::{terminal, view};

/// Runs the command.
///
/// # Errors
/// The data folder cannot be used, the place is not what it should be.
pub(crate) fn run(words: &Location) -> anyhow::Result<u8> {
    match words {
        Location::Add(words) => add(words),
        Location::List(words) => list(words),
        Location::Test(words) => test(words),
        Location::Credentials(words) => credentials(words),
        Location::Prepare(words) => prepare_medium(words),
        Location::Remove(words) => remove(words),
    }
}

fn add(words: &LocationAdd) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Look)?;
    let wanted = Wanted {
        kind: match words.kind {
            cli::LocationKind::Folder => LocationKind::Folder,
            cli::LocationKind::Usb => LocationKind::Usb,
            cli::LocationKind::Nfs => LocationKind::Nfs,
            cli::LocationKind::Smb => LocationKind::Smb,
            cli::LocationKind::S3 => LocationKind::S3,
        },
        path: words.path.clone(),
        name: words.name.clone(),
        set: match words.media {
            cli::MediaSet::One => MediaSet::One,
            cli::MediaSet::Any => MediaSet::Any,
            cli::MediaSet::All => MediaSet::All,
        },
        label: words.label.clone(),
        lies_in: words.lies_in.clone(),
        bucket: (words.kind == cli::LocationKind::S3).then(|| bucket(words)).transpose()?,
    };
    let (location, medium) = places::add(&site, &vault, &wanted)?;
    tell(&location, &medium, words.json, "is configured; its medium is ready");
    Ok(0)
}

fn bucket(words: &LocationAdd) -> anyhow::Result<(BucketSettings, Credential)> {
    let read =
        |path: &PathBuf| fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    let settings = BucketSettings {
        endpoint: words.endpoint.clone().unwrap_or_default(),
        region: words.region.clone(),
        ca: words.ca.as_ref().map(read).transpose()?.unwrap_or_default(),
        lock_days: words.object_lock_days,
        lock_for_all: words.object_lock_mode == cli::LockMode::Compliance,
        locked: String::new(),
    };
    Ok((settings, access::read(words.credentials.as_deref())?))
}

fn credentials(words: &LocationCredentials) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Look)?;
    let location = found(&vault, &words.location)?;
    places::set_credential(&site, &vault, &location, access::read(words.credentials.as_deref())?)?;
    terminal::line(&format!(
        "{} opens with the new access key; the old one is forgotten here",
        location.name
    ));
    Ok(0)
}

fn prepare_medium(words: &LocationPrepare) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Look)?;
    let location = found(&vault, &words.location)?;
    let medium = places::prepare(
        &site,
        &vault,
        &location,
        &words.label,
        &words.lies_in,
        if words.from_now { Seed::FromNow } else { Seed::Full },
    )?;
    tell(
        &location,
        &medium,
        words.json,
        "has a medium that is ready; everything on it is looked at by the next run",
    );
    Ok(0)
}

fn tell(location: &LocationRow, medium: &MediumRow, as_json: bool, what: &str) {
    if as_json {
        terminal::json(&json!({ "location": location_json(location), "medium": medium_json(medium) }));
    } else {
        terminal::line(&format!("{} {what} ({})", location.name, location.location_id));
    }
}

fn list(words: &LocationList) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Look)?;
    let mut rows = Vec::new();
    let mut documents = Vec::new();
    for location in vault.locations()? {
        let media = vault.media(location.location_id)?;
        let mut row = location_json(&location);
        if let Some(row) = row.as_object_mut() {
            row.insert("media".to_owned(), media.iter().map(medium_json).collect());
        }
        documents.push(row);
        let labels =
            media.iter().map(|m| if m.label.is_empty() { "unlabelled".to_owned() } else { m.label.clone() });
        rows.push(vec![
            location.name.clone(),
            location.kind.word().to_owned(),
            location.path.clone(),
            location.set.word().to_owned(),
            labels.collect::<Vec<_>>().join(", "),
        ]);
    }
    if words.json {
        terminal::json(&Value::Array(documents));
    } else if rows.is_empty() {
        terminal::line(
            "no archive location is configured: recordings are in the live store only (amethyst location add)",
        );
    } else {
        terminal::table(&["name", "kind", "path", "media", "labels"], &rows);
    }
    Ok(0)
}

fn test(words: &LocationOne) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Look)?;
    let location = found(&vault, &words.location)?;
    let (medium, space) = places::look(&site, &vault, &location)?;
    if words.json {
        terminal::json(&json!({
            "location": location_json(&location),
            "medium": medium_json(&medium),
            "free_bytes": (!space.is_unknown()).then_some(space.free),
            "total_bytes": (!space.is_unknown()).then_some(space.total),
        }));
    } else if space.is_unknown() {
        terminal::line(&format!("{} is there, and its medium is the right one", location.name));
    } else {
        terminal::line(&format!(
            "{} is there, and its medium is the right one; {} GiB of {} GiB are free",
            location.name,
            space.free >> 30,
            space.total >> 30
        ));
    }
    Ok(0)
}

fn remove(words: &LocationOne) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Look)?;
    let location = found(&vault, &words.location)?;
    for medium in vault.media(location.location_id)? {
        if medium.last_run_at.is_some() {
            let text = format!(
                "{} holds proven recordings. Taking it out of use lets recordings leave the live store with a copy fewer: that \
                 needs two administrators and 14 days, and is asked for in the console. Nothing was changed",
                location.name
            );
            return Err(Failure::new(Kind::Permission, text).into());
        }
    }
    vault.forget_location(location.location_id)?;
    if words.json {
        terminal::json(&json!({ "removed": location_json(&location) }));
    } else {
        terminal::line(&format!("{} is out of use; nothing was ever proven there", location.name));
    }
    Ok(0)
}

/// A location for programs.
pub(crate) fn location_json(location: &LocationRow) -> Value {
    json!({
        "id": location.location_id.to_string(),
        "name": location.name,
        "kind": location.kind.word(),
        "path": location.path,
        "media_set": location.set.word(),
        "added_at_us": location.added_at.0,
    })
}

/// A medium for programs.
pub(crate) fn medium_json(medium: &MediumRow) -> Value {
    json!({
        "id": medium.media_id.to_string(),
        "generation": medium.media_gen,
        "label": medium.label,
        "lies_in": medium.lies_in,
        "state": medium.state.word(),
        "next_leaf": medium.next_leaf,
        "last_report_sha256": medium.last_report.map(|sum| view::hex(&sum)),
        "last_run_at_us": medium.last_run_at.map(|at| at.0),
        "last_seen_at_us": medium.last_seen_at.map(|at| at.0),
    })
}
