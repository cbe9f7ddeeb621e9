//! Archiving from the program's side: the site as the engine sees it, and the carriers' processes.

mod central;
pub(crate) mod control;
pub(crate) mod desk;
pub(crate) mod keeper;
pub(crate) mod places;
pub(crate) mod standing;
pub(crate) mod told;
pub(crate) mod watch;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use archiver::carrier::{Carrier, Clock};
use archiver::elsewhere::Looker;
use archiver::engine::{Progress, Summary, World, archive};
use archiver::place::Place;
use archiver::remote::{Launch, RemoteCarrier};
use archiver::{ArchiverError, DataFolder};
use shared::UtcMicros;
use vault::{LocationRow, Vault};

pub(crate) use central::Office;

use crate::failure::{Failure, Kind};
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

/// How a carrier's process is started.
///
/// # Errors
/// The system does not say which program this is.
pub(crate) fn launch(data: &Path) -> anyhow::Result<Launch> {
    // The running program, also when its file was replaced by an update meanwhile.
    let program = PathBuf::from("/proc/self/exe");
    let data = std::path::absolute(data)?;
    Ok(Launch { program, words: vec![CARRIER.to_owned(), data.display().to_string()] })
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
    let launch = launch(office.dir())?;
    Ok(archive(&world, location, &mut || reach(&launch, location, false))?)
}

/// Looks at media beside runs: for recordings whose live copy is gone, and before one goes. `vault` opens the site's rows.
pub(crate) fn looker(
    dir: &Path,
    keys: Vec<seal::VerifyingKey>,
    vault: impl Fn() -> anyhow::Result<Vault> + Send + Sync + 'static,
) -> Looker {
    let dir = dir.to_owned();
    let find = move |id: shared::LocationId| -> anyhow::Result<Box<dyn Carrier + Send>> {
        let location = found(&vault()?, &id.to_string())?;
        let place = Place::of(&location, false);
        let reached = RemoteCarrier::reach(&launch(&dir)?, place).map_err(|e| e.of(&location.name))?;
        Ok(Box::new(reached))
    };
    Looker::new(keys, Box::new(move |id| find(id).map_err(|e| ArchiverError::Refused(format!("{e:#}")))))
}

/// Reaches a location in a process of its own.
///
/// # Errors
/// The medium is away, or something else is there.
pub(crate) fn reach(
    launch: &Launch,
    location: &LocationRow,
    make: bool,
) -> archiver::Result<Box<dyn Carrier>> {
    let reached =
        RemoteCarrier::reach(launch, Place::of(location, make)).map_err(|e| e.of(&location.name))?;
    Ok(Box::new(reached))
}
