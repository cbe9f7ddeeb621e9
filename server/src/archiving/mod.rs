//! Archiving from the program's side: the site as the engine sees it, and the carriers' processes.

mod central;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use archiver::carrier::{Carrier, Clock};
use archiver::engine::{Progress, Summary, World, archive};
use archiver::place::Place;
use archiver::remote::{Launch, RemoteCarrier};
use archiver::{ArchiverError, DataFolder};
use shared::UtcMicros;
use vault::{LocationRow, Vault};

pub(crate) use central::Office;

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
/// As [`archive`].
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
