//! Archiving from the program's side: the site as the engine sees it, and the carriers' processes.

pub(crate) mod access;
pub(crate) mod asked;
mod central;
pub(crate) mod checks;
pub(crate) mod control;
pub(crate) mod desk;
pub(crate) mod keeper;
pub(crate) mod places;
pub(crate) mod standing;
pub(crate) mod told;
pub(crate) mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use archiver::carrier::{Carrier, Clock};
use archiver::elsewhere::Looker;
use archiver::engine::{Progress, Summary, World, archive};
use archiver::place::{Around, Place};
use archiver::remote::{Launch, RemoteCarrier};
use archiver::{ArchiverError, DataFolder};
use shared::UtcMicros;
use vault::{By, LocationRow, Vault};

pub(crate) use central::Office;

use crate::failure::{Failure, Kind};
use crate::keys::SiteKeys;
use crate::site::Site;
use crate::world;

/// The word of the hidden command that the carriers' processes run.
pub(crate) const CARRIER: &str = "archive-carrier";

/// The real clock.
pub(crate) struct RealClock;

impl Clock for RealClock {
    fn now(&self) -> UtcMicros {
        world::now().utc
    }

    fn sleep_ms(&self, ms: u64) {
        std::thread::sleep(Duration::from_millis(ms));
    }
}

/// Finds the locations that are meant: one by its name or id, or all.
///
/// # Errors
/// There is none.
pub(crate) fn chosen(vault: &Vault, name: Option<&str>) -> anyhow::Result<Vec<LocationRow>> {
    let locations = match name {
        Some(name) => vec![found(vault, name)?],
        None => vault.locations()?,
    };
    if locations.is_empty() {
        let text = "no archive location is configured: recordings are in the live store only. Configure one by `amethyst \
                    location add`";
        return Err(Failure::new(Kind::Usage, text).into());
    }
    Ok(locations)
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

/// How carriers' processes are started, and where their access keys come from.
pub(crate) struct Launcher {
    /// How.
    pub(crate) launch: Launch,
    keys: Arc<SiteKeys>,
}

impl Launcher {
    /// Returns the place of a location with all that its process must know.
    pub(crate) fn place(&self, location: &LocationRow, make: bool) -> Place {
        let mut place = Place::of(location, make);
        let locked = place.settings.bucket.as_ref().map(|bucket| bucket.locked.as_str());
        place.credential = locked.and_then(|locked| access::opened(&self.keys, location.location_id, locked));
        place
    }
}

/// Prepares to start carriers' processes.
///
/// # Errors
/// The system does not say where the data folder is.
pub(crate) fn launch(site: &Site) -> anyhow::Result<Launcher> {
    launcher(&site.dir, &site.keys)
}

fn launcher(dir: &Path, keys: &Arc<SiteKeys>) -> anyhow::Result<Launcher> {
    Ok(Launcher { launch: launch_beside(dir)?, keys: Arc::clone(keys) })
}

/// How a carrier's process is started that carries nothing from this folder: a site is to be restored.
///
/// # Errors
/// The system does not say where the folder is.
pub(crate) fn launch_beside(dir: &Path) -> anyhow::Result<Launch> {
    // The running program, also when its file was replaced by an update meanwhile.
    let program = PathBuf::from("/proc/self/exe");
    let words = vec![CARRIER.to_owned(), std::path::absolute(dir)?.display().to_string()];
    Ok(Launch { program, words, stalled: stalled() })
}

/// After so long without a word from a place somebody is told. The suite, which has no time, makes it shorter.
fn stalled() -> Duration {
    let wanted = std::env::var("AMETHYST_STALLED_S").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(wanted.unwrap_or(120))
}

/// What a carrier's process takes from this program: it gives up a store that is silent before it is given up itself.
pub(crate) fn around() -> Around {
    Around { now: || world::now().utc, patience: stalled() / 2 }
}

/// Notes that somebody at the command line ended the runs there: they stay ended until the next evening.
pub(crate) fn stay_stopped(vault: &Vault, locations: &[LocationRow]) {
    let by = By { user: None, name: "command line".to_owned(), at: world::now().utc };
    for location in locations {
        if let Err(e) = vault.stop_archive(location.location_id, &by) {
            tracing::error!("that the run on {} was ended could not be noted: {e}", location.name);
        }
    }
}

/// Archives everything that is due on a location.
///
/// # Errors
/// As [`archive()`].
pub(crate) fn run(
    office: &Office<'_>,
    vault: &Vault,
    location: &LocationRow,
    stop: &AtomicBool,
    tell: &(dyn Fn(&Progress) + Sync),
) -> anyhow::Result<Summary> {
    let data = DataFolder::open(office.dir()).map_err(ArchiverError::Store)?;
    let world = World { vault, data: &data, central: office, clock: &RealClock, stop, tell };
    let launch = launch(office.site())?;
    let done = archive(&world, location, &mut || Ok(reach(&launch, location, false)?))?;
    // Only what a run brought to its end lies there.
    if let Some(until) = office.logins_until() {
        vault.note_logins_until(location.location_id, until)?;
    }
    Ok(done)
}

/// Looks at media beside runs: for recordings whose live copy is gone, and before one goes. `vault` opens the site's rows.
pub(crate) fn looker(
    dir: &Path,
    keys: &Arc<SiteKeys>,
    vault: impl Fn() -> anyhow::Result<Vault> + Send + Sync + 'static,
) -> Looker {
    let (dir, signers) = (dir.to_owned(), keys.certs().central_keys().collect());
    let keys = Arc::clone(keys);
    let find = move |id: shared::LocationId| -> anyhow::Result<Box<dyn Carrier + Send>> {
        let location = found(&vault()?, &id.to_string())?;
        let launcher = launcher(&dir, &keys)?;
        let reached = RemoteCarrier::reach(&launcher.launch, launcher.place(&location, false))
            .map_err(|e| e.of(&location.name))?;
        Ok(Box::new(reached))
    };
    Looker::new(signers, Box::new(move |id| find(id).map_err(|e| ArchiverError::Refused(format!("{e:#}")))))
}

/// Reaches a location in a process of its own.
///
/// # Errors
/// The medium is away, or something else is there.
pub(crate) fn reach(
    launcher: &Launcher,
    location: &LocationRow,
    make: bool,
) -> archiver::Result<Box<dyn Carrier + Send>> {
    let place = launcher.place(location, make);
    let reached = RemoteCarrier::reach(&launcher.launch, place).map_err(|e| e.of(&location.name))?;
    Ok(Box::new(reached))
}
