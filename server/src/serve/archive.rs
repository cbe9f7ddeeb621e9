//! The archive as the console shows it: rows of the catalogue and what stands at the desk, put together and judged.

use archive::Outcome;
use archiver::ArchiverError;
use archiver::engine::Step;
use archiver::schedule::{At, Due, due, next};
use shared::{LocationId, UtcMicros, Zone};
use vault::{ArchiveRunRow, LocationKind, LocationRow, MediaSet, MediumRow, MediumState, Vault};
use web::HostError;

use super::host::Here;
use super::watch::locked;
use crate::archiving::desk::{Order, Running, Standing};
use crate::archiving::keeper::LOGINS_BY_DAY;
use crate::archiving::places::{self, Wanted};
use crate::world;

/// Runs that are read for the forecast, and those that are shown.
const RUNS_READ: u32 = 400;
const RUNS_SHOWN: usize = 10;
const DAY_US: i64 = 86_400_000_000;
/// The forecast goes by the average of so many days.
const AVERAGE_DAYS: i64 = 28;
/// A medium that lasts longer is not worth a date.
const FORECAST_DAYS_MAX: u64 = 3_652;

/// What all locations are judged by.
struct Around<'a> {
    vault: &'a Vault,
    zone: &'a Zone,
    now: UtcMicros,
    at: At,
}

/// Puts together what the console shows.
///
/// # Errors
/// The catalogue's.
pub(super) fn shown(here: &Here) -> vault::Result<api::Archive> {
    let rules = locked(&here.in_force).0.archive.clone();
    let around = Around { vault: &here.vault, zone: &here.zone, now: world::now().utc, at: rules.at };
    let mut locations = Vec::new();
    let mut safe_until = Vec::new();
    for row in here.vault.locations()? {
        let standing = here.desk.standing(row.location_id);
        let (location, safe) = around.location(&row, &standing)?;
        locations.push(location);
        safe_until.push(safe);
    }
    let all_safe: Option<Vec<UtcMicros>> = safe_until.into_iter().collect();
    Ok(api::Archive {
        verdict: overall(&locations),
        safe_until: all_safe.and_then(|all| all.into_iter().min()).map(|at| here.zone.rfc3339(at)),
        due_files: locations.iter().map(|location| location.due_files).min().unwrap_or(0),
        next_run: next(around.now, &here.zone, rules.at).map(|at| here.zone.rfc3339(at)),
        at: rules.at.to_string(),
        continuous: rules.continuous,
        locations,
    })
}

fn overall(locations: &[api::ArchiveLocation]) -> api::ArchiveVerdict {
    use api::ArchiveVerdict::{Behind, None, Running, Safe};
    let any = |verdict| locations.iter().any(|location| location.verdict == verdict);
    match locations {
        [] => None,
        _ if any(Behind) => Behind,
        _ if any(Running) => Running,
        _ => Safe,
    }
}

/// A medium with what it lacks.
struct Lacking {
    row: MediumRow,
    files: u64,
    bytes: u64,
}

impl Around<'_> {
    fn location(
        &self,
        row: &LocationRow,
        standing: &Standing,
    ) -> vault::Result<(api::ArchiveLocation, Option<UtcMicros>)> {
        let runs = self.vault.runs(row.location_id, RUNS_READ)?;
        let mut media = Vec::new();
        for medium in self.vault.media(row.location_id)? {
            let (files, bytes) = self.vault.due_totals(medium.media_id)?;
            media.push(Lacking { row: medium, files, bytes });
        }
        let counted = counted(row.set, &media);
        let safe_until = self.safe_until(row.set, &media, &runs);
        let lacking = counted.map_or((0, 0), |medium| (medium.files, medium.bytes));
        let space = standing.looked.as_ref().and_then(|looked| looked.found.as_ref().ok());
        let daily = media.first().and_then(|medium| self.daily_bytes(medium, &runs));
        let why = standing.looked.as_ref().and_then(|looked| looked.found.as_ref().err());
        let is_running = standing.running.is_some();
        let shown = api::ArchiveLocation {
            id: row.location_id.to_string(),
            name: row.name.clone(),
            kind: kind(row.kind),
            path: row.path.clone(),
            media_set: set(row.set),
            verdict: self.verdict(counted, safe_until, is_running),
            safe_until: safe_until.map(|at| self.zone.rfc3339(at)),
            connected: if is_running {
                Some(true)
            } else {
                standing.looked.as_ref().map(|l| l.found.is_ok())
            },
            why: why.filter(|_| !is_running).cloned(),
            seen_at: media.iter().filter_map(|m| m.row.last_seen_at).max().map(|at| self.zone.rfc3339(at)),
            due_files: lacking.0,
            due_bytes: lacking.1,
            free_bytes: space.map(|space| space.free),
            total_bytes: space.map(|space| space.total),
            daily_bytes: daily,
            full_on: space
                .zip(daily)
                .and_then(|(space, daily)| self.full_on(space.free.saturating_sub(space.reserve()), daily)),
            running: standing.running.map(|running| self.progress(&running)),
            waiting: standing.waiting,
            trouble: standing.trouble.as_ref().map(|trouble| trouble.text.clone()),
            media: media.iter().map(|medium| self.medium(medium)).collect(),
            runs: runs
                .iter()
                .take(RUNS_SHOWN)
                .enumerate()
                .map(|(i, r)| self.run(r, i == 0 && is_running))
                .collect(),
        };
        Ok((shown, safe_until))
    }

    /// Everything that had ended by then is proven on every medium that must hold it.
    fn safe_until(&self, which: MediaSet, media: &[Lacking], runs: &[ArchiveRunRow]) -> Option<UtcMicros> {
        let of_medium = |medium: &Lacking| {
            let complete = |run: &&ArchiveRunRow| {
                run.media_id == medium.row.media_id && run.outcome == Some(Outcome::Complete as u8)
            };
            match medium.row.state {
                MediumState::Suspect | MediumState::Retired => None,
                MediumState::Good if medium.files == 0 => Some(self.now),
                MediumState::Good => runs.iter().find(complete).map(|run| run.begun_at),
            }
        };
        match which {
            MediaSet::One => media.first().and_then(of_medium),
            MediaSet::Any => media.iter().filter_map(of_medium).max(),
            MediaSet::All => {
                let in_use = media.iter().filter(|medium| medium.row.state != MediumState::Retired);
                let all: Option<Vec<UtcMicros>> = in_use.map(of_medium).collect();
                all.and_then(|all| all.into_iter().min())
            }
        }
    }

    /// What was recorded since the last evening waits for the next one: that is no reason to worry.
    fn verdict(
        &self,
        counted: Option<&Lacking>,
        safe_until: Option<UtcMicros>,
        is_running: bool,
    ) -> api::ArchiveVerdict {
        let is_current = |then| due(self.now, Some(then), self.zone, self.at) == Due::Later;
        let is_safe = counted.is_some() && safe_until.is_some_and(is_current);
        match (is_safe, is_running) {
            (true, _) => api::ArchiveVerdict::Safe,
            (false, true) => api::ArchiveVerdict::Running,
            (false, false) => api::ArchiveVerdict::Behind,
        }
    }

    /// The average of the last days on this medium. Its first run, which brings what was there before, does not count.
    fn daily_bytes(&self, medium: &Lacking, runs: &[ArchiveRunRow]) -> Option<u64> {
        let ours: Vec<&ArchiveRunRow> = runs.iter().filter(|r| r.media_id == medium.row.media_id).collect();
        let (first, later) = ours.split_last()?;
        let from = first.begun_at.0.max(self.now.0.saturating_sub(AVERAGE_DAYS.saturating_mul(DAY_US)));
        let days = u64::try_from(self.now.0.saturating_sub(from) / DAY_US).ok().filter(|days| *days > 0)?;
        let bytes = later.iter().filter(|run| run.begun_at.0 >= from).map(|run| run.bytes);
        let bytes = bytes.fold(0, u64::saturating_add);
        (bytes > 0).then(|| (bytes / days).max(1))
    }

    fn full_on(&self, room: u64, daily: u64) -> Option<String> {
        let days = room.checked_div(daily).filter(|days| *days <= FORECAST_DAYS_MAX)?;
        let day = self.zone.day_of(self.now).plus_days(i32::try_from(days).ok()?)?;
        Some(day.to_string())
    }

    fn progress(&self, running: &Running) -> api::ArchiveProgress {
        let at = running.progress;
        let step = at.map_or(Step::Check, |progress| progress.step);
        let (bytes, bytes_due) = at.map_or((0, 0), |progress| (progress.bytes, progress.bytes_due));
        let pace = running.pace.filter(|pace| *pace > 0 && step == Step::Carry);
        api::ArchiveProgress {
            since: self.zone.rfc3339(running.since),
            step: match step {
                Step::Check => api::ArchiveStep::Check,
                Step::Plan => api::ArchiveStep::Plan,
                Step::Carry => api::ArchiveStep::Carry,
                Step::Describe => api::ArchiveStep::Describe,
                Step::Backup => api::ArchiveStep::Backup,
                Step::Prove => api::ArchiveStep::Prove,
            },
            files: at.map_or(0, |progress| progress.parts),
            files_due: at.map_or(0, |progress| progress.parts_due),
            bytes,
            bytes_due,
            bytes_per_second: pace,
            seconds_left: pace.and_then(|pace| bytes_due.saturating_sub(bytes).checked_div(pace)),
            stopping: running.stopping,
        }
    }

    fn medium(&self, medium: &Lacking) -> api::Medium {
        let row = &medium.row;
        api::Medium {
            id: row.media_id.to_string(),
            generation: row.media_gen,
            label: row.label.clone(),
            lies_in: row.lies_in.clone(),
            state: match row.state {
                MediumState::Good => api::MediumWord::Good,
                MediumState::Suspect => api::MediumWord::Suspect,
                MediumState::Retired => api::MediumWord::Retired,
            },
            due_files: medium.files,
            due_bytes: medium.bytes,
            proven_at: row.last_run_at.map(|at| self.zone.rfc3339(at)),
            seen_at: row.last_seen_at.map(|at| self.zone.rfc3339(at)),
        }
    }

    fn run(&self, run: &ArchiveRunRow, goes_on: bool) -> api::ArchiveRun {
        api::ArchiveRun {
            id: run.run_id.to_string(),
            medium: run.media_id.to_string(),
            begun_at: self.zone.rfc3339(run.begun_at),
            ended_at: run.ended_at.map(|at| self.zone.rfc3339(at)),
            outcome: match run.outcome.and_then(Outcome::from_number) {
                Some(Outcome::Complete) => api::ArchiveOutcome::Complete,
                Some(Outcome::Holes) => api::ArchiveOutcome::Holes,
                Some(Outcome::Early) => api::ArchiveOutcome::Early,
                None if goes_on => api::ArchiveOutcome::Running,
                None => api::ArchiveOutcome::Cut,
            },
            files: run.files,
            bytes: run.bytes,
            message: run.message.clone(),
        }
    }
}

/// The medium by which a location is judged: of those that take turns, the best if one is enough, the worst if each must hold it.
fn counted(which: MediaSet, media: &[Lacking]) -> Option<&Lacking> {
    let of = |state| media.iter().filter(move |medium| medium.row.state == state);
    match which {
        MediaSet::One => media.first(),
        MediaSet::Any => of(MediumState::Good).min_by_key(|medium| medium.files),
        MediaSet::All => {
            let in_use = media.iter().filter(|medium| medium.row.state != MediumState::Retired);
            in_use.max_by_key(|medium| medium.files)
        }
    }
}

const fn kind(kind: LocationKind) -> api::LocationWord {
    match kind {
        LocationKind::Folder => api::LocationWord::Folder,
        LocationKind::Usb => api::LocationWord::Usb,
        LocationKind::Nfs => api::LocationWord::Nfs,
        LocationKind::Smb => api::LocationWord::Smb,
        LocationKind::S3 => api::LocationWord::S3,
    }
}

const fn set(which: MediaSet) -> api::MediaSetWord {
    match which {
        MediaSet::One => api::MediaSetWord::One,
        MediaSet::Any => api::MediaSetWord::Any,
        MediaSet::All => api::MediaSetWord::All,
    }
}

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
        api::LocationWord::S3 => {
            return Err(HostError::Invalid("Object stores cannot be archived to yet.".to_owned()));
        }
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
    };
    let (location, medium) = places::add(&here.site, &here.vault, &wanted).map_err(|e| refused(&e))?;
    // What was found stands at the desk.
    drop(here.keeper().look_at(&location));
    Ok(ready(&location, &medium))
}

/// Prepares the medium that is connected now.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub(super) fn prepare(
    here: &Here,
    id: LocationId,
    text: &api::MediumText,
) -> Result<api::MadeReady, HostError> {
    let location = found(here, id)?;
    let medium = places::prepare(&here.site, &here.vault, &location, &text.label, &text.lies_in);
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
    let space = looked.as_ref().ok();
    Ok(api::LocationTest {
        connected: looked.is_ok(),
        free_bytes: space.map(|space| space.free),
        total_bytes: space.map(|space| space.total),
        why: looked.err(),
    })
}

/// Asks for a run.
pub(super) fn run(here: &Here, id: LocationId) {
    here.desk.ask(Order::of(id, LOGINS_BY_DAY));
}

fn found(here: &Here, id: LocationId) -> Result<LocationRow, HostError> {
    let found = here.vault.location(&id.to_string()).map_err(|e| HostError::Io(e.to_string()))?;
    found.ok_or_else(|| HostError::Invalid("There is no such location any more.".to_owned()))
}

fn refused(error: &anyhow::Error) -> HostError {
    // Of a place that is only being made there is nothing yet that could go on.
    if let Some(ArchiverError::Away { why, .. } | ArchiverError::OtherMedium { why, .. }) =
        error.downcast_ref()
    {
        return HostError::Invalid(format!("This place cannot be archived to: {why}."));
    }
    HostError::Invalid(format!("{error:#}"))
}

fn ready(location: &LocationRow, medium: &MediumRow) -> api::MadeReady {
    api::MadeReady { location: location.location_id.to_string(), medium: medium.media_id.to_string() }
}
