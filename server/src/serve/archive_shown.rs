//! The archive as the console shows it: rows of the catalogue and what stands at the desk, put together and judged.

use std::sync::atomic::Ordering;

use archive::Outcome;
use archiver::engine::Step;
use archiver::notices::Habit;
use archiver::schedule::{At, Due, due, next};
use shared::{UtcMicros, Zone};
use vault::{ArchiveRunRow, CheckKind, CheckRow, MediumState, Vault};

use super::archive::{kind, set};
use super::host::Here;
use super::watch::locked;
use crate::archiving::checks::AtCheck;
use crate::archiving::desk::{Running, Standing};
use crate::archiving::standing::{Lacking, Stands};
use crate::archiving::watch::Slow;
use crate::world;

/// Runs that are shown.
const RUNS_SHOWN: usize = 10;
/// Verifications looked through for the last of each medium.
const VERIFIED_READ: u32 = 50;

/// What all locations are judged by.
struct Around<'a> {
    zone: &'a Zone,
    now: UtcMicros,
    at: At,
    habit: Option<Habit>,
}

/// Puts together what the console shows.
///
/// # Errors
/// The catalogue's.
pub(super) fn shown(here: &Here) -> vault::Result<api::Archive> {
    let rules = locked(&here.in_force).0.archive.clone();
    let now = world::now().utc;
    let habit = Slow::days(&here.vault, &here.zone, now)?.habit(&here.zone, now);
    let around = Around { zone: &here.zone, now, at: rules.at, habit };
    let mut locations = Vec::new();
    let mut safe_until = Vec::new();
    for stands in Stands::all(&here.vault)? {
        let standing = here.desk.standing(stands.id());
        let (location, safe) = around.location(&here.vault, &stands, &standing)?;
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

impl Around<'_> {
    fn location(
        &self,
        vault: &Vault,
        stands: &Stands,
        standing: &Standing,
    ) -> vault::Result<(api::ArchiveLocation, Option<UtcMicros>)> {
        let (id, today) = (stands.id(), self.zone.day_of(self.now));
        let until = vault.logins_until(id)?;
        let left = until.map(|until| until.number().saturating_sub(today.number()));
        let drill = vault.checks(id, CheckKind::Drill, 1)?;
        let verified = vault.checks(id, CheckKind::Verify, VERIFIED_READ)?;
        let stopped =
            vault.archive_stop(id)?.filter(|by| due(self.now, Some(by.at), self.zone, self.at) == Due::Later);
        let (row, runs, media) = (&stands.row, &stands.runs, &stands.media);
        let counted = stands.counted();
        let safe_until = stands.safe_until(self.now);
        let lacking = counted.map_or((0, 0), |medium| (medium.files, medium.bytes));
        let space = standing.looked.as_ref().and_then(|looked| looked.found.as_ref().ok());
        // A store without an end says nothing about room.
        let space = space.filter(|space| !space.is_unknown());
        let room = space.map(|space| space.free.saturating_sub(space.reserve()).saturating_sub(lacking.1));
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
            why: why.filter(|_| !is_running).map(|absent| absent.why.clone()),
            seen_at: stands.seen().map(|at| self.zone.rfc3339(at)),
            due_files: lacking.0,
            due_bytes: lacking.1,
            free_bytes: space.map(|space| space.free),
            total_bytes: space.map(|space| space.total),
            daily_bytes: self.habit.as_ref().map(Habit::daily_bytes).filter(|bytes| *bytes > 0),
            full_on: room.and_then(|room| self.full_on(room)),
            running: standing.running.map(|running| self.progress(&running)),
            waiting: standing.waiting,
            trouble: standing.trouble.as_ref().map(|trouble| trouble.text.clone()),
            stopped_by: stopped.map(|by| by.name),
            checking: standing.checking.as_ref().map(|at| self.checking(at, stands)),
            check_trouble: standing.check_trouble.clone(),
            drill: drill.first().map(|drill| self.checked(drill)),
            logins_until: until.map(|until| until.to_string()),
            logins_days: left.and_then(|left| u32::try_from(left).ok()),
            removal: None,
            media: media.iter().map(|medium| self.medium(medium, &verified)).collect(),
            runs: runs
                .iter()
                .take(RUNS_SHOWN)
                .enumerate()
                .map(|(i, r)| self.run(r, i == 0 && is_running))
                .collect(),
        };
        Ok((shown, safe_until))
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

    /// The day on which the room is used up.
    fn full_on(&self, room: u64) -> Option<String> {
        let today = self.zone.day_of(self.now);
        let days = self.habit.as_ref()?.days_left(room, today)?;
        Some(today.plus_days(i32::try_from(days).ok()?)?.to_string())
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

    fn checking(&self, at: &AtCheck, stands: &Stands) -> api::Checking {
        let carried = stands.runs.iter().filter(|run| run.report_sha256.is_some());
        let there = carried.map(|run| run.bytes).fold(0, u64::saturating_add);
        api::Checking {
            what: if at.what == CheckKind::Drill { api::CheckWord::Drill } else { api::CheckWord::Verify },
            since: self.zone.rfc3339(at.since),
            bytes: at.bytes,
            bytes_due: Some(there).filter(|there| *there > 0 && at.what == CheckKind::Verify),
            stopping: at.stop.load(Ordering::Relaxed),
        }
    }

    fn checked(&self, row: &CheckRow) -> api::Checked {
        api::Checked {
            at: self.zone.rfc3339(row.ended_at),
            well: row.well,
            mends: row.mends,
            files: row.files,
            bytes: row.bytes,
            findings: serde_json::from_str(&row.findings).unwrap_or_default(),
        }
    }

    fn medium(&self, medium: &Lacking, verified: &[CheckRow]) -> api::Medium {
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
            proof: match medium.level {
                Some(0 | 1) => api::ProofWord::Lowered,
                Some(2) => api::ProofWord::Cached,
                Some(_) | None => api::ProofWord::Counts,
            },
            verified: verified.iter().find(|v| v.media_id == Some(row.media_id)).map(|v| self.checked(v)),
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
