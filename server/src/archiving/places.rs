//! Locations and their media from the program's side: made, prepared, looked at. The command line and the console share it.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use archive::run_report::REPORT_MAX;
use archive::{RunHead, RunReport};
use archiver::carrier::Space;
use archiver::engine::{self, World};
use archiver::place::{BucketSettings, Credential, Place, Settings};
use archiver::{ArchiverError, DataFolder, remote};
use rand_core::Rng as _;
use shared::LocationId;
use vault::{ArchiveRunRow, LocationKind, LocationRow, MediaSet, MediumRow, Vault};

use super::{Office, RealClock, access, launch, reach};
use crate::failure::{Failure, Kind};
use crate::site::Site;
use crate::world;

/// What is brought to a new medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seed {
    /// Everything: from the live store, and what left that from another place.
    Full,
    /// What is recorded from now on; media before it must be kept.
    FromNow,
}

/// A location that is to be made.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// What it is made of.
    pub(crate) kind: LocationKind,
    /// Where it is mounted.
    pub(crate) path: PathBuf,
    /// What people call it; its kind and path if left out.
    pub(crate) name: Option<String>,
    /// Which of its media must hold a recording.
    pub(crate) set: MediaSet,
    /// What is written on its first medium.
    pub(crate) label: String,
    /// Where that one lies.
    pub(crate) lies_in: String,
    /// The bucket and the key to it, for object stores.
    pub(crate) bucket: Option<(BucketSettings, Credential)>,
}

/// Configures a location and prepares its first medium.
///
/// # Errors
/// The place is not what such a location needs, its name is taken, or nothing can be written there; then nothing has changed.
pub(crate) fn add(site: &Site, vault: &Vault, wanted: &Wanted) -> anyhow::Result<(LocationRow, MediumRow)> {
    let kind = wanted.kind;
    let is_bucket = kind == LocationKind::S3;
    let path = if is_bucket { wanted.path.clone() } else { std::path::absolute(&wanted.path)? };
    let (bucket, credential) = wanted.bucket.clone().unzip();
    let settings = Settings { bucket, ..Settings::default() };
    let place = Place {
        kind: kind.word().to_owned(),
        path: path.clone(),
        settings,
        make: true,
        credential: credential.clone(),
    };
    let shown = path.display().to_string();
    let name = wanted.name.clone().unwrap_or_else(|| format!("{} {shown}", kind.word()));
    let mut settings = remote::look(&launch(site)?.launch, place).map_err(|e| e.of(&name))?;
    if !is_bucket {
        refuse_inside(site, &path)?;
    }
    let mut id = [0; 16];
    world::dice().fill_bytes(&mut id);
    let id = LocationId(id);
    if let (Some(bucket), Some(credential)) = (settings.bucket.as_mut(), credential) {
        bucket.locked = access::locked(&site.keys, id, &credential)?;
    }
    let location = LocationRow {
        location_id: id,
        name,
        kind,
        path: shown,
        settings: serde_json::to_string(&settings)?,
        set: wanted.set,
        added_at: world::now().utc,
        removed_at: None,
    };
    vault.add_location(&location)?;
    match prepare(site, vault, &location, &wanted.label, &wanted.lies_in, Seed::Full) {
        Ok(medium) => Ok((location, medium)),
        Err(error) => {
            // A place without a medium would only hold up purging.
            vault.forget_location(location.location_id)?;
            Err(error)
        }
    }
}

/// Gives a bucket another access key, once it was seen to work.
///
/// # Errors
/// The location is no bucket, or the key does not open it; then nothing has changed.
pub(crate) fn set_credential(
    site: &Site,
    vault: &Vault,
    location: &LocationRow,
    credential: Credential,
) -> anyhow::Result<()> {
    let launcher = launch(site)?;
    let mut place = launcher.place(location, false);
    if location.kind != LocationKind::S3 {
        let text = format!("{} is no bucket: it has no access key", location.name);
        return Err(Failure::new(Kind::Usage, text).into());
    }
    place.credential = Some(credential.clone());
    let mut settings = remote::look(&launcher.launch, place).map_err(|e| e.of(&location.name))?;
    if let Some(bucket) = settings.bucket.as_mut() {
        bucket.locked = access::locked(&site.keys, location.location_id, &credential)?;
    }
    Ok(vault.set_location_settings(location.location_id, &serde_json::to_string(&settings)?)?)
}

/// The live recordings and their copy on one disk in one folder: no.
fn refuse_inside(site: &Site, path: &Path) -> anyhow::Result<()> {
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

/// Makes the medium that is connected now one of the location's, or takes it back if it was before.
///
/// # Errors
/// The medium is away, or belongs to something else; see [`engine::prepare`].
pub(crate) fn prepare(
    site: &Site,
    vault: &Vault,
    location: &LocationRow,
    label: &str,
    lies_in: &str,
    seed: Seed,
) -> anyhow::Result<MediumRow> {
    let office = Office::new(site, 0)?;
    let data = DataFolder::open(&site.dir).map_err(ArchiverError::Store)?;
    let stop = AtomicBool::new(false);
    let world =
        World { vault, data: &data, central: &office, clock: &RealClock, stop: &stop, tell: &|_progress| () };
    let mut carrier = reach(&launch(site)?, location, true)?;
    let first = match seed {
        Seed::Full => 0,
        Seed::FromNow => vault.leaves_of_parts()?,
    };
    Ok(engine::prepare(&world, location, &mut *carrier, label, lies_in, first)?.medium)
}

/// Reads the report of a run from the medium that it wrote to.
///
/// # Errors
/// That is not connected, or the report is not what was proven.
pub(crate) fn report(site: &Site, location: &LocationRow, run: &ArchiveRunRow) -> anyhow::Result<Vec<u8>> {
    let head = RunHead {
        site_id: site.card.site_id,
        location_id: location.location_id,
        media_id: run.media_id,
        media_gen: 0,
        run_id: run.run_id,
        begun: run.begun_at,
        previous: None,
        first: run.first,
        end: run.end,
    };
    let mut carrier = reach(&launch(site)?, location, false)?;
    let read = carrier.read(&format!("runs/{}", head.file_name()), REPORT_MAX);
    let bytes = read.map_err(|error| ArchiverError::Medium { name: location.name.clone(), error })?;
    let bytes = bytes.filter(|bytes| Some(RunReport::digest(bytes)) == run.report_sha256);
    let text = || format!("the medium of {} that is connected does not hold this report", location.name);
    bytes.ok_or_else(|| Failure::new(Kind::Input, text()).into())
}

/// Looks whether a location is there with its right medium, and how much room there is. Nothing is written.
///
/// # Errors
/// It is away, or another medium is there.
pub(crate) fn look(
    site: &Site,
    vault: &Vault,
    location: &LocationRow,
) -> archiver::Result<(MediumRow, Space)> {
    let refused = |error: anyhow::Error| ArchiverError::Refused(format!("{error:#}"));
    let office = Office::new(site, 0).map_err(refused)?;
    let data = DataFolder::open(&site.dir).map_err(ArchiverError::Store)?;
    let stop = AtomicBool::new(false);
    let world =
        World { vault, data: &data, central: &office, clock: &RealClock, stop: &stop, tell: &|_progress| () };
    let mut carrier = reach(&launch(site).map_err(refused)?, location, false)?;
    let medium = engine::look(&world, location, &mut *carrier)?;
    let space =
        carrier.space().map_err(|error| ArchiverError::Medium { name: location.name.clone(), error })?;
    Ok((medium, space))
}
