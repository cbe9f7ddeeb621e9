//! `amethyst location`: the places to which recordings are archived.

use std::sync::atomic::AtomicBool;

use archiver::engine::{World, prepare};
use archiver::place::{Place, Settings};
use archiver::remote;
use archiver::{ArchiverError, DataFolder};
use rand_core::Rng as _;
use serde_json::{Value, json};
use shared::LocationId;
use vault::{LocationKind, LocationRow, MediaSet, MediumRow, Use, Vault};

use crate::archiving::{Office, RealClock, launch, reach};
use crate::cli::{self, Location, LocationAdd, LocationList, LocationOne, LocationPrepare};
use crate::failure::{Failure, Kind};
use crate::site::Site;
use crate::{terminal, view, world};

/// Runs the command.
///
/// # Errors
/// The data folder cannot be used, the place is not what it should be.
pub(crate) fn run(words: &Location) -> anyhow::Result<u8> {
    match words {
        Location::Add(words) => add(words),
        Location::List(words) => list(words),
        Location::Test(words) => test(words),
        Location::Prepare(words) => prepare_medium(words),
        Location::Remove(words) => remove(words),
    }
}

fn add(words: &LocationAdd) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Look)?;
    let kind = match words.kind {
        cli::LocationKind::Folder => LocationKind::Folder,
        cli::LocationKind::Usb => LocationKind::Usb,
        cli::LocationKind::Nfs => LocationKind::Nfs,
        cli::LocationKind::Smb => LocationKind::Smb,
    };
    let path = std::path::absolute(&words.path)?;
    let place =
        Place { kind: kind.word().to_owned(), path: path.clone(), settings: Settings::default(), make: true };
    let shown = path.display().to_string();
    let name = words.name.clone().unwrap_or_else(|| format!("{} {shown}", kind.word()));
    let settings = remote::look(&launch(&site.dir)?, place).map_err(|e| e.of(&name))?;
    refuse_inside(&site, &path)?;
    let mut id = [0; 16];
    world::dice().fill_bytes(&mut id);
    let location = LocationRow {
        location_id: LocationId(id),
        name,
        kind,
        path: shown,
        settings: serde_json::to_string(&settings)?,
        set: match words.media {
            cli::MediaSet::One => MediaSet::One,
            cli::MediaSet::Any => MediaSet::Any,
            cli::MediaSet::All => MediaSet::All,
        },
        added_at: world::now().utc,
        removed_at: None,
    };
    vault.add_location(&location)?;
    let made = made_ready(&site, &vault, &location, &words.label, &words.lies_in);
    let medium = match made {
        Ok(medium) => medium,
        Err(error) => {
            // A place without a medium would only hold up purging.
            vault.forget_location(location.location_id)?;
            return Err(error);
        }
    };
    tell(&location, &medium, words.json, "is configured; its medium is ready");
    Ok(0)
}

/// The live recordings and their copy on one disk in one folder: no.
fn refuse_inside(site: &Site, path: &std::path::Path) -> anyhow::Result<()> {
    let data = site.dir.canonicalize()?;
    let inside = path.canonicalize().is_ok_and(|path| path.starts_with(&data));
    if !inside {
        return Ok(());
    }
    let text = format!(
        "{} lies inside the data folder: an archive must survive its loss. Give another disk",
        path.display()
    );
    Err(Failure::new(Kind::Usage, text).into())
}

fn made_ready(
    site: &Site,
    vault: &Vault,
    location: &LocationRow,
    label: &str,
    lies_in: &str,
) -> anyhow::Result<MediumRow> {
    let office = Office::new(site, 0)?;
    let data = DataFolder::open(&site.dir).map_err(ArchiverError::Store)?;
    let stop = AtomicBool::new(false);
    let world =
        World { vault, data: &data, central: &office, clock: &RealClock, stop: &stop, tell: &|_progress| () };
    let mut carrier = reach(&launch(&site.dir)?, location, true)?;
    Ok(prepare(&world, location, &mut *carrier, label, lies_in)?.medium)
}

fn prepare_medium(words: &LocationPrepare) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Look)?;
    let location = found(&vault, &words.location)?;
    let medium = made_ready(&site, &vault, &location, &words.label, &words.lies_in)?;
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
    let mut carrier = reach(&launch(&site.dir)?, &location, false)?;
    let office = Office::new(&site, 0)?;
    let data = DataFolder::open(&site.dir).map_err(ArchiverError::Store)?;
    let stop = AtomicBool::new(false);
    let world = World {
        vault: &vault,
        data: &data,
        central: &office,
        clock: &RealClock,
        stop: &stop,
        tell: &|_progress| (),
    };
    let medium = archiver::engine::look(&world, &location, &mut *carrier)?;
    let space = carrier.space().map_err(|e| anyhow::anyhow!(e.text))?;
    if words.json {
        terminal::json(&json!({
            "location": location_json(&location),
            "medium": medium_json(&medium),
            "free_bytes": space.free,
            "total_bytes": space.total,
        }));
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

/// Finds a location by its name or id.
///
/// # Errors
/// There is none.
pub(crate) fn found(vault: &Vault, name: &str) -> anyhow::Result<LocationRow> {
    let location = vault.location(name)?.filter(|location| location.removed_at.is_none());
    location.ok_or_else(|| {
        let text = format!("there is no archive location `{name}`: `amethyst location list` shows them");
        Failure::new(Kind::Input, text).into()
    })
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
