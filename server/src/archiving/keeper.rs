//! Archiving by itself, in the server: every evening, after missed nights, and with `continuous` soon after something was sealed.
//!
//! | thread | does |
//! | --- | --- |
//! | `archive` | runs what is due or was asked for, one location at a time |
//! | `archive-watch` | keeps the notices: what somebody should know, told once ([`super::watch`]) |
//! | `archive-look` | looks every half minute whether each location is there; a share that hangs holds up nobody but itself |
//!
//! None is ever waited for by the thread that reads the wire, and both step back for it (`nice`). Copying is done in processes
//! of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use archive::Outcome;
use archiver::carrier::Space;
use archiver::engine::Summary;
use archiver::notices::Absence;
use archiver::place::{Mounts, Place};
use archiver::schedule::{Due, due};
use archiver::{ArchiverError, Kind};
use shared::{LocationId, UtcMicros};
use vault::{ArchiveRunRow, LocationRow, Vault};

use super::desk::{Absent, Desk, Event, Looked, Order, Trouble};
use super::watch::Told;
use super::{Office, control, places, told};
use crate::config;
use crate::site::Site;
use crate::{terminal, world};

/// How often is looked whether a run is due, and whether locations are there.
pub(super) const POLL: Duration = Duration::from_secs(30);
/// Logins made ahead in a run by day; each takes most of a second. By night all that are missing are made.
pub(crate) const LOGINS_BY_DAY: usize = 62;
/// A run that nobody asked for steps back for the recorder by so much.
const NICE: i32 = 10;
/// Where every recording makes a run, at least nine tenths of the time are rest: a run writes a backup, too.
const REST: u32 = 9;
/// At the program's end a run has so long to close what it has. One that needs longer is cut, which does no harm: what it read
/// back is taken over by the next run.
const GRACE: Duration = Duration::from_secs(45);
/// Runs looked at to find the last one that came to an end.
const RUNS: u32 = 50;

/// What the archive's threads share.
#[derive(Clone)]
pub(crate) struct Keeper {
    /// The site.
    pub(crate) site: Arc<Site>,
    /// Its recordings.
    pub(crate) vault: Arc<Vault>,
    /// Who asks for what.
    pub(crate) desk: Arc<Desk>,
    /// The settings in force, asked for at each turn.
    pub(crate) rules: Arc<dyn Fn() -> config::Archive + Send + Sync>,
}

/// The archive's threads, at work.
#[derive(Debug)]
pub(crate) struct Keeping {
    desk: Arc<Desk>,
    thread: JoinHandle<()>,
    _control: Option<control::Door>,
}

impl Keeping {
    /// Asks the run that goes on to end.
    pub(crate) fn stop(&self) {
        self.desk.end_all();
    }

    /// Waits for the end, but not for ever.
    pub(crate) fn join(self) {
        let asked = Instant::now();
        while !self.thread.is_finished() && asked.elapsed() < GRACE {
            std::thread::sleep(Duration::from_millis(50));
        }
        if !self.thread.is_finished() {
            terminal::say(
                "a run of the archive did not end in time and was cut; the next one takes over what it carried",
            );
        }
    }
}

impl Keeper {
    /// Starts the threads and opens the control socket. `told` hears what begins and ends.
    ///
    /// # Errors
    /// The system gives no threads. A control socket that cannot be opened is told and done without.
    pub(crate) fn start(self, told: Box<dyn Told>) -> anyhow::Result<Keeping> {
        let control = match control::listen(&self.site, &self.desk, &self.vault) {
            Ok(door) => Some(door),
            Err(e) => {
                terminal::say(&format!(
                    "`amethyst archive run` and `amethyst daily-login` cannot reach this server: {e:#}"
                ));
                None
            }
        };
        let looking = self.clone();
        let look = std::thread::Builder::new().name("archive-look".to_owned());
        look.spawn(move || looking.look_around())
            .context("the system gives no thread to look at the archive")?;
        let watching = self.clone();
        let watch = std::thread::Builder::new().name("archive-watch".to_owned());
        watch
            .spawn(move || watching.watch(told))
            .context("the system gives no thread to watch the archive")?;
        let desk = Arc::clone(&self.desk);
        let archive = std::thread::Builder::new().name("archive".to_owned());
        let thread = archive
            .spawn(move || Archivist::of(self).work())
            .context("the system gives no thread to archive")?;
        Ok(Keeping { desk, thread, _control: control })
    }

    /// The thread `archive-look`.
    fn look_around(&self) {
        step_back();
        let mut not_before: BTreeMap<LocationId, Instant> = BTreeMap::new();
        while !self.desk.is_ending() {
            for location in self.vault.locations().unwrap_or_default() {
                let id = location.location_id;
                let is_early = not_before.get(&id).is_some_and(|then| Instant::now() < *then);
                if self.desk.is_ending() || is_early || self.desk.standing(id).running.is_some() {
                    continue;
                }
                let began = Instant::now();
                // What was found stands at the desk.
                drop(self.look_at(&location));
                // Whoever hangs is asked seldom: each time costs a process that the kernel does not let go.
                if began.elapsed() > POLL {
                    not_before.insert(id, Instant::now() + began.elapsed().saturating_mul(6));
                }
            }
            rest(&self.desk, POLL);
        }
    }

    /// Looks at one location now, tells what changed, and returns the room there or why nothing can be archived to it.
    pub(crate) fn look_at(&self, location: &LocationRow) -> Result<Space, Absent> {
        let found = places::look(&self.site, &self.vault, location);
        let found = found.map(|(_medium, space)| space).map_err(|error| absent(&error));
        let found = found.and_then(|space| if is_read_only(location) { Err(read_only()) } else { Ok(space) });
        let looked = Looked { at: world::now().utc, found: found.clone() };
        let before = self.desk.looked(location.location_id, looked).map(|looked| looked.found);
        let name = &location.name;
        let news = match (&before, &found) {
            (Some(Err(_)), Ok(_)) => Some(format!("archive {name} is connected again")),
            (None | Some(Ok(_)), Err(absent)) => {
                Some(format!("archive {name} is not connected: {}", absent.why))
            }
            (Some(Err(then)), Err(now)) if then != now => Some(format!("archive {name}: {}", now.why)),
            _ => None,
        };
        if let Some(news) = news {
            terminal::say(&news);
        }
        found
    }
}

/// Why a location cannot be used, without its name.
fn absent(error: &ArchiverError) -> Absent {
    let which = error.absence().unwrap_or(Absence::Away);
    if let ArchiverError::Away { why, .. }
    | ArchiverError::OtherMedium { why, .. }
    | ArchiverError::Copied { why, .. } = error
    {
        return Absent { which, why: why.clone() };
    }
    Absent { which, why: error.to_string() }
}

/// Whether the system mounted it for reading only; the list of mounts is asked, and nothing of the medium.
fn is_read_only(location: &LocationRow) -> bool {
    let settings = Place::of(location, false).settings;
    let mounts = Mounts::read().ok();
    let mount = mounts.as_ref().and_then(|mounts| mounts.of(std::path::Path::new(&settings.mount)));
    mount.is_some_and(|mount| mount.has("ro"))
}

fn read_only() -> Absent {
    Absent { which: Absence::ReadOnly, why: "it is mounted for reading only".to_owned() }
}

/// The thread `archive`.
struct Archivist {
    keeper: Keeper,
    /// Locations of which is known whether a run before the start was cut short.
    known: BTreeSet<LocationId>,
    /// What was told last of each location, so that it is told once.
    noted: BTreeMap<LocationId, String>,
    /// No run by itself before, where recordings are archived all the time.
    rested: BTreeMap<LocationId, Instant>,
}

impl Drop for Archivist {
    fn drop(&mut self) {
        self.keeper.desk.gone();
    }
}

impl Archivist {
    fn of(keeper: Keeper) -> Self {
        Self { keeper, known: BTreeSet::new(), noted: BTreeMap::new(), rested: BTreeMap::new() }
    }

    fn work(mut self) {
        step_back();
        let mut polled: Option<Instant> = None;
        while !self.keeper.desk.is_ending() {
            // The first time as soon as the locations were looked at.
            let wait = if polled.is_none() { Duration::from_secs(2) } else { POLL };
            match self.keeper.desk.next(wait) {
                Some(order) => self.run(&order),
                None => {
                    self.poll();
                    polled = Some(Instant::now());
                }
            }
        }
    }

    /// Asks for every run that is due.
    fn poll(&mut self) {
        let locations = match self.keeper.vault.locations() {
            Ok(locations) => locations,
            Err(e) => return terminal::say(&format!("ALARM the archive's locations cannot be read: {e}")),
        };
        for location in locations {
            match self.wanted(&location) {
                Ok(Some(logins)) => self.keeper.desk.ask(Order::of(location.location_id, logins)),
                Ok(None) => {}
                Err(e) => self.note(&location, format!("ALARM archive {}: {e}", location.name)),
            }
            if let Err(e) = self.keeper.drill_if_due(&location, world::now().utc) {
                self.note(&location, format!("ALARM archive {}: no drill can begin: {e}", location.name));
            }
        }
    }

    /// Decides whether a location is to be archived to by itself, and how many logins are made with it.
    fn wanted(&mut self, location: &LocationRow) -> vault::Result<Option<usize>> {
        let (id, name) = (location.location_id, &location.name);
        let (now, rules) = (world::now().utc, (self.keeper.rules)());
        let zone = self.keeper.site.card.zone.clone();
        // One that never came to an end did not do the night's work.
        let runs = self.keeper.vault.runs(id, RUNS)?;
        let last = runs.iter().find(|run| run.ended_at.is_some());
        let when = |then: UtcMicros| due(now, Some(then), &zone, rules.at);
        let logins = match due(now, last.map(|run| run.begun_at), &zone, rules.at) {
            Due::ClockBack => {
                self.note(
                    location,
                    format!(
                        "ALARM archive {name}: the clock stands before the last run. Nothing is archived by itself until it is \
                         right again; look at the clock, or archive by hand"
                    ),
                );
                return Ok(None);
            }
            Due::Now => usize::MAX,
            Due::Later if self.was_cut(id, last)? => LOGINS_BY_DAY,
            Due::Later if rules.continuous && self.has_rested(id) && self.is_due(id)? => LOGINS_BY_DAY,
            Due::Later => return Ok(None),
        };
        let standing = self.keeper.desk.standing(id);
        // A run that a person ended goes on the next evening, or when somebody asks for it.
        if self.keeper.vault.archive_stop(id)?.is_some_and(|by| when(by.at) == Due::Later) {
            return Ok(None);
        }
        // What only a person can mend is tried again the next evening.
        let by_hand = |trouble: &Trouble| !trouble.passes && when(trouble.at) == Due::Later;
        if standing.trouble.as_ref().is_some_and(by_hand) {
            return Ok(None);
        }
        match standing.looked.map(|looked| looked.found) {
            None => Ok(None),
            Some(Ok(_space)) => Ok(Some(logins)),
            Some(Err(Absent { why, .. })) => {
                self.note(
                    location,
                    format!(
                        "ALARM archive {name}: a run is due, and it is not connected: {why}. It is looked for every 30 seconds; \
                         recordings stay where they are"
                    ),
                );
                Ok(None)
            }
        }
    }

    /// After a start: whether the last run ended early with something left, as it does when the program is ended.
    fn was_cut(&mut self, id: LocationId, last: Option<&ArchiveRunRow>) -> vault::Result<bool> {
        let was_early = last.is_some_and(|run| run.outcome == Some(Outcome::Early as u8));
        Ok(self.known.insert(id) && was_early && self.is_due(id)?)
    }

    fn has_rested(&self, id: LocationId) -> bool {
        self.rested.get(&id).is_none_or(|until| Instant::now() >= *until)
    }

    /// Whether the medium that serves the location lacks something.
    fn is_due(&self, id: LocationId) -> vault::Result<bool> {
        let media = self.keeper.vault.media(id)?;
        match media.first() {
            Some(medium) => {
                let vault = &self.keeper.vault;
                let (due, unproven) =
                    (vault.due_totals(medium.media_id)?, vault.unproven_totals(medium.media_id)?);
                Ok(due.0 > 0 || unproven.0 > 0)
            }
            None => Ok(false),
        }
    }

    fn run(&mut self, order: &Order) {
        let keeper = &self.keeper;
        let found = keeper.vault.location(&order.location.to_string());
        let Ok(Some(location)) = found else { return };
        if location.removed_at.is_some() || !keeper.desk.begin(order, world::now().utc) {
            return;
        }
        keeper.desk.clear_for_run(order.location, GRACE);
        let began = Instant::now();
        let done = keeper.archive(&location, order.logins, &order.stop);
        keeper.desk.end(done.as_ref().err().map(trouble));
        let told = told::told(&location, &done);
        self.rested.insert(order.location, Instant::now() + began.elapsed().saturating_mul(REST));
        let alarm = if told.well { "" } else { "ALARM " };
        let text = format!("{alarm}archive {}", told.lines.join("\n"));
        if told.well {
            self.noted.remove(&order.location);
            terminal::say(&text);
        } else {
            self.note(&location, text);
        }
        if let Some(tell) = &order.tell {
            // Whoever followed it may have gone away.
            drop(tell.send(Event::Done(Box::new(told))));
        }
    }

    fn note(&mut self, location: &LocationRow, text: String) {
        if self.noted.get(&location.location_id) != Some(&text) {
            terminal::say(&text);
            self.noted.insert(location.location_id, text);
        }
    }
}

impl Keeper {
    fn archive(&self, location: &LocationRow, logins: usize, stop: &AtomicBool) -> anyhow::Result<Summary> {
        let office = Office::new(&self.site, logins)?.unless(stop);
        super::run(&office, &self.vault, location, stop, &|progress| self.desk.progress(progress))
    }
}

fn trouble(error: &anyhow::Error) -> Trouble {
    let passes = error.downcast_ref::<ArchiverError>().is_some_and(|error| error.kind() == Kind::Wait);
    Trouble { at: world::now().utc, text: format!("{error:#}"), passes }
}

/// Waits, and hears when everything ends.
pub(super) fn rest(desk: &Desk, time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time && !desk.is_ending() {
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Lets the recorder go before. On Linux this is the calling thread's affair, and that of processes it starts.
pub(super) fn step_back() {
    if let Err(e) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!("the archive's thread keeps its priority: {e}");
    }
}
