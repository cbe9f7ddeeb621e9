//! What people do to the archive in the console: places made, media prepared, runs asked for. What is shown of it is put together in
//! [`super::archive_shown`].

use archiver::ArchiverError;
use archiver::place::{BucketSettings, Credential};
use shared::{LocationId, RunId};
use vault::{CheckKind, LocationKind, LocationRow, MediaSet, MediumRow};
use web::HostError;

use super::host::Here;
use crate::archiving::desk::Order;
use crate::archiving::keeper::LOGINS_BY_DAY;
use crate::archiving::places::{self, Seed, Wanted};

pub(super) const fn kind(kind: LocationKind) -> api::LocationWord {
    match kind {
        LocationKind::Folder => api::LocationWord::Folder,
        LocationKind::Usb => api::LocationWord::Usb,
        LocationKind::Nfs => api::LocationWord::Nfs,
        LocationKind::Smb => api::LocationWord::Smb,
        LocationKind::S3 => api::LocationWord::S3,
    }
}

pub(super) const fn set(which: MediaSet) -> api::MediaSetWord {
    match which {
        MediaSet::One => api::MediaSetWord::One,
        MediaSet::Any => api::MediaSetWord::Any,
        MediaSet::All => api::MediaSetWord::All,
    }
}

/// Runs looked through for the one whose report is asked for.
const RUNS_READ: u32 = 1_000;

/// Configures a location and prepares its medium.
///
/// # Errors
/// A sentence that says what is wrong with the place.
pub(super) fn add(here: &Here, wanted: &api::NewLocation) -> Result<api::MadeReady, HostError> {
    let kind = match wanted.kind {
        api::LocationWord::Folder => LocationKind::Folder,
        api::LocationWord::Usb => LocationKind::Usb,
        api::LocationWord::Nfs => LocationKind::Nfs,
        api::LocationWord::Smb => LocationKind::Smb,
        api::LocationWord::S3 => LocationKind::S3,
    };
    let bucket = match (&wanted.bucket, kind) {
        (Some(bucket), LocationKind::S3) => Some(bucket_of(bucket)),
        (None, LocationKind::S3) => {
            return Err(HostError::Invalid("A bucket needs its region and an access key.".to_owned()));
        }
        (_, LocationKind::Folder | LocationKind::Usb | LocationKind::Nfs | LocationKind::Smb) => None,
    };
    let wanted = Wanted {
        kind,
        path: wanted.path.clone().into(),
        name: Some(wanted.name.clone()),
        set: match wanted.media_set {
            api::MediaSetWord::One => MediaSet::One,
            api::MediaSetWord::Any => MediaSet::Any,
            api::MediaSetWord::All => MediaSet::All,
        },
        label: wanted.label.clone(),
        lies_in: wanted.lies_in.clone(),
        bucket,
    };
    let (location, medium) = places::add(&here.site, &here.vault, &wanted).map_err(|e| refused(&e))?;
    // What was found stands at the desk.
    drop(here.keeper().look_at(&location));
    Ok(ready(&location, &medium))
}

fn bucket_of(bucket: &api::NewBucket) -> (BucketSettings, Credential) {
    let settings = BucketSettings {
        endpoint: bucket.endpoint.clone(),
        region: bucket.region.clone(),
        ca: bucket.ca.clone(),
        lock_days: bucket.object_lock_days,
        lock_for_all: bucket.object_lock_for_all,
        locked: String::new(),
    };
    (settings, Credential::new(&bucket.access_key_id, &bucket.secret_access_key))
}

/// Prepares the medium that is connected now.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub(super) fn prepare(
    here: &Here,
    id: LocationId,
    wanted: &api::NewMedium,
) -> Result<api::MadeReady, HostError> {
    let location = found(here, id)?;
    let medium = places::prepare(
        &here.site,
        &here.vault,
        &location,
        &wanted.label,
        &wanted.lies_in,
        match wanted.seed {
            api::SeedWord::Full => Seed::Full,
            api::SeedWord::FromNow => Seed::FromNow,
        },
    );
    let medium = medium.map_err(|e| refused(&e))?;
    drop(here.keeper().look_at(&location));
    Ok(ready(&location, &medium))
}

/// Looks whether a location is there.
///
/// # Errors
/// There is no such location.
pub(super) fn test(here: &Here, id: LocationId) -> Result<api::LocationTest, HostError> {
    let location = found(here, id)?;
    let looked = here.keeper().look_at(&location);
    let space = looked.as_ref().ok().filter(|space| !space.is_unknown());
    Ok(api::LocationTest {
        connected: looked.is_ok(),
        free_bytes: space.map(|space| space.free),
        total_bytes: space.map(|space| space.total),
        why: looked.err().map(|absent| absent.why),
    })
}

/// Asks for a run.
pub(super) fn run(here: &Here, id: LocationId) {
    here.desk.ask(Order::of(id, LOGINS_BY_DAY));
}

/// Begins a verification or a drill.
///
/// # Errors
/// There is no such location.
pub(super) fn check(here: &Here, id: LocationId, what: CheckKind) -> Result<bool, HostError> {
    Ok(here.keeper().check(&found(here, id)?, what))
}

/// Reads the report of a run from its medium.
///
/// # Errors
/// Its medium is not connected.
pub(super) fn report(here: &Here, id: RunId) -> Result<Option<Vec<u8>>, HostError> {
    let io = |e: vault::VaultError| HostError::Io(e.to_string());
    for location in here.vault.locations().map_err(io)? {
        let runs = here.vault.runs(location.location_id, RUNS_READ).map_err(io)?;
        let Some(run) = runs.into_iter().find(|run| run.run_id == id && run.report_sha256.is_some()) else {
            continue;
        };
        return places::report(&here.site, &location, &run).map(Some).map_err(|e| refused(&e));
    }
    Ok(None)
}

fn found(here: &Here, id: LocationId) -> Result<LocationRow, HostError> {
    let found = here.vault.location(&id.to_string()).map_err(|e| HostError::Io(e.to_string()))?;
    found.ok_or_else(|| HostError::Invalid("There is no such location any more.".to_owned()))
}

fn refused(error: &anyhow::Error) -> HostError {
    // Of a place that is only being made there is nothing yet that could go on.
    if let Some(
        ArchiverError::Away { why, .. }
        | ArchiverError::OtherMedium { why, .. }
        | ArchiverError::Copied { why, .. },
    ) = error.downcast_ref()
    {
        return HostError::Invalid(format!("This place cannot be archived to: {why}."));
    }
    HostError::Invalid(format!("{error:#}"))
}

fn ready(location: &LocationRow, medium: &MediumRow) -> api::MadeReady {
    api::MadeReady { location: location.location_id.to_string(), medium: medium.media_id.to_string() }
}
