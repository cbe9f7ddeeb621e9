//! The thread `archive-watch`: looks twice a minute at all that is known of the archive, keeps the notices that are true, and tells each
//! once when it begins and once when it ends. What is true is judged by [`archiver::notices`].
//!
//! Where notices are told today: the journal, the console, `/metrics` and `amethyst archive status`. Whatever tells them elsewhere
//! (mail, a pager) listens at [`Told`].

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use archive::Outcome;
use archiver::notices::{
    Facts, Found, Habit, LastRun, Notice, NoticeKind, Place, ToReview, Waiting, forecast, notices,
};
use archiver::schedule::{At, Due, due};
use shared::{LocationId, UtcMicros, Zone};
use vault::{ArchiveRunRow, CheckKind, DayCount, NoticesChanged, PolicyStep, Severity, Vault};

use super::desk::Standing;
use super::keeper::Keeper;
use super::standing::Stands;
use crate::{terminal, world};

/// What costs more than a glance is looked at so often.
const SLOW: Duration = Duration::from_secs(600);
/// Files whose retention is looked at, the oldest that are due.
const RETENTION_LOOKED_AT: u32 = 64;
/// A run that carried less says nothing about the speed of its medium.
const PACE_BYTES: u64 = 256 << 20;
/// So many runs of late say it.
const PACE_RUNS: usize = 5;
/// Changes looked through for those that wait.
const CHANGES: u32 = 200;

/// Hears what changed. Called by one thread at a time, in the order in which it happened.
pub(crate) trait Told: Send {
    /// These notices begin, or became worse; those end.
    fn told(&mut self, changed: &NoticesChanged, zone: &Zone);
}

/// What is looked at seldom.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slow {
    days: Vec<DayCount>,
    retention: BTreeMap<LocationId, UtcMicros>,
}

impl Slow {
    /// Looks at it.
    ///
    /// # Errors
    /// The catalogue's.
    pub(crate) fn read(vault: &Vault, zone: &Zone, now: UtcMicros) -> vault::Result<Self> {
        let mut retention = BTreeMap::new();
        if vault.classes()?.iter().any(|class| class.max_days.is_some()) {
            for stands in Stands::all(vault)? {
                if let Some(ends) = retention_ends(vault, &stands)? {
                    retention.insert(stands.id(), ends);
                }
            }
        }
        Ok(Self { retention, ..Self::days(vault, zone, now)? })
    }

    /// Looks at the days only, which costs little.
    ///
    /// # Errors
    /// The catalogue's.
    pub(crate) fn days(vault: &Vault, zone: &Zone, now: UtcMicros) -> vault::Result<Self> {
        let today = zone.day_of(now);
        let from = today.plus_days(forecast::LOOK_BACK_DAYS.saturating_neg()).unwrap_or(today);
        Ok(Self { days: vault.recorded_by_day(from)?, retention: BTreeMap::new() })
    }

    /// What days are like.
    pub(crate) fn habit(&self, zone: &Zone, now: UtcMicros) -> Option<Habit> {
        Habit::learn(&self.days, zone.day_of(now))
    }
}

/// The earliest end of retention of what a location lacks, by the oldest of it.
fn retention_ends(vault: &Vault, stands: &Stands) -> vault::Result<Option<UtcMicros>> {
    let Some(medium) = stands.counted() else { return Ok(None) };
    let mut first: Option<UtcMicros> = None;
    for part in vault.due(medium.row.media_id, None, RETENTION_LOOKED_AT)? {
        let Some(keep) = vault.keep_of(part.recording_id)? else { continue };
        let Some(days) = keep.max_days.map(|max| max.max(keep.min_days)) else { continue };
        let ends = part.ended_at.plus(i64::from(days).saturating_mul(86_400_000_000));
        first = Some(first.map_or(ends, |first| first.min(ends)));
    }
    Ok(first)
}

/// Puts together what is known now. `standing` tells what stands at the desk of a running server.
///
/// # Errors
/// The catalogue's.
pub(crate) fn facts(
    vault: &Vault,
    zone: &Zone,
    at: At,
    slow: &Slow,
    standing: impl Fn(LocationId) -> Standing,
    now: UtcMicros,
) -> vault::Result<Facts> {
    let mut places = Vec::new();
    for stands in Stands::all(vault)? {
        places.push(place(vault, zone, at, slow, &stands, &standing(stands.id()), now)?);
    }
    let today = zone.day_of(now);
    let holds = vault.hold_orders()?.into_iter().filter(|hold| hold.released.is_none());
    let to_review = holds.filter_map(|hold| {
        let day = hold.review.filter(|day| *day <= today)?;
        let id: String = hold.hold_id.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(ToReview { hold: id, owner: hold.owner, day })
    });
    let waits = |step| matches!(step, PolicyStep::Proposed | PolicyStep::Confirmed);
    let waiting = vault.policies(CHANGES)?.into_iter().filter(|change| waits(change.step()));
    Ok(Facts {
        zone: zone.clone(),
        at,
        has_recordings: !slow.days.is_empty(),
        habit: slow.habit(zone, now),
        no_room: None,
        waiting: waiting
            .map(|change| Waiting {
                change: change.change_id,
                by: change.proposed.name.clone(),
                effective: change.effective_at,
                affected: change.affected,
            })
            .collect(),
        to_review: to_review.collect(),
        places,
    })
}

fn place(
    vault: &Vault,
    zone: &Zone,
    at: At,
    slow: &Slow,
    stands: &Stands,
    standing: &Standing,
    now: UtcMicros,
) -> vault::Result<Place> {
    let (id, counted) = (stands.id(), stands.counted());
    // What only a person can mend is tried again the next evening, and a run that was ended goes on then.
    let holds = |then: UtcMicros| due(now, Some(then), zone, at) == Due::Later;
    let trouble = standing.trouble.as_ref().filter(|trouble| !trouble.passes && holds(trouble.at));
    let stopped = vault.archive_stop(id)?.filter(|by| holds(by.at));
    Ok(Place {
        id,
        name: stands.row.name.clone(),
        added: stands.row.added_at,
        medium: counted.map(|medium| medium.row.label.clone()).unwrap_or_default(),
        lies_in: counted.map(|medium| medium.row.lies_in.clone()).unwrap_or_default(),
        state: counted.map(|medium| medium.row.state),
        found: standing.looked.as_ref().map_or(Found::Unknown, |looked| match &looked.found {
            Ok(space) => Found::There(*space),
            Err(absent) => Found::Not(absent.which, absent.why.clone()),
        }),
        seen: stands.seen(),
        running: standing.running.is_some() || standing.waiting,
        safe_until: stands.safe_until(now),
        lost: stands.media.iter().fold(0, |sum, medium| sum.saturating_add(medium.bad.1)),
        due: counted.map_or((0, 0), |medium| (medium.files, medium.bytes)),
        last: last_run(vault, stands)?,
        trouble: trouble.map(|trouble| trouble.text.clone()),
        stopped: stopped.map(|by| (by.name, by.at)),
        drill: vault.checks(id, CheckKind::Drill, 1)?.into_iter().next(),
        logins_until: vault.logins_until(id)?,
        retention_ends: slow.retention.get(&id).copied(),
    })
}

fn last_run(vault: &Vault, stands: &Stands) -> vault::Result<Option<LastRun>> {
    let ended = stands.runs.iter().find_map(|run| run.ended_at.map(|ended| (run, ended)));
    let Some((run, ended)) = ended else { return Ok(None) };
    let with_holes = run.outcome == Some(Outcome::Holes as u8);
    let level = stands.media.iter().find(|m| m.row.media_id == run.media_id).and_then(|m| m.level);
    Ok(Some(LastRun {
        begun: run.begun_at,
        ended,
        holes: if with_holes { vault.holes_of(run.media_id)? } else { 0 },
        level,
        pace: pace(&stands.runs),
    }))
}

/// Bytes a second of the runs of late that carried much: their backups and reports are in it, as they are in every night.
fn pace(runs: &[ArchiveRunRow]) -> Option<u64> {
    let big = runs.iter().filter(|run| run.bytes >= PACE_BYTES).take(PACE_RUNS);
    let (mut bytes, mut us) = (0_u64, 0_i64);
    for run in big {
        bytes = bytes.saturating_add(run.bytes);
        us = us.saturating_add(run.ended_at.map_or(0, |ended| ended.since(run.begun_at)));
    }
    bytes.checked_div(u64::try_from(us / 1_000_000).ok().filter(|seconds| *seconds > 0)?)
}

impl Keeper {
    /// The thread `archive-watch`.
    pub(crate) fn watch(&self, mut hears: Box<dyn Told>) {
        let mut slow: Option<(Instant, Slow)> = None;
        while !self.desk.is_ending() {
            if let Err(e) = self.watch_once(&mut slow, &mut *hears) {
                tracing::error!("the archive's notices cannot be kept: {e}");
            }
            super::keeper::rest(&self.desk, super::keeper::POLL);
        }
    }

    fn watch_once(&self, slow: &mut Option<(Instant, Slow)>, hears: &mut dyn Told) -> vault::Result<()> {
        let (zone, now) = (&self.site.card.zone, world::now().utc);
        if slow.as_ref().is_none_or(|(read, _)| read.elapsed() >= SLOW) {
            *slow = Some((Instant::now(), Slow::read(&self.vault, zone, now)?));
        }
        let Some((_, slow)) = slow else { return Ok(()) };
        let at = (self.rules)().at;
        let mut facts = facts(&self.vault, zone, at, slow, |id| self.desk.standing(id), now)?;
        facts.no_room = self.desk.no_room();
        let mut rows: Vec<_> = notices(&facts, now).iter().map(|notice| notice.row(now)).collect();
        // Of a place that nobody has looked at since the start is true what was true before.
        for stood in self.vault.notices()? {
            if is_unknown(&facts, &stood) && rows.iter().all(|row| row.key != stood.key) {
                rows.push(stood);
            }
        }
        let changed = self.vault.keep_notices(&rows)?;
        if changed != NoticesChanged::default() {
            hears.told(&changed, zone);
        }
        Ok(())
    }
}

/// Whether a notice hangs on a look that was not taken yet.
fn is_unknown(facts: &Facts, row: &vault::NoticeRow) -> bool {
    use NoticeKind::{Away, Copied, Fills, NearlyFull, OtherMedium, ReadOnly, Unseen};
    Notice::of(row).is_some_and(|notice| {
        let hangs =
            matches!(notice.kind, Away | Unseen | OtherMedium | Copied | ReadOnly | Fills | NearlyFull);
        let place = facts.places.iter().find(|place| place.id.to_string() == notice.filled.place);
        hangs && place.is_some_and(|place| place.found == Found::Unknown)
    })
}

/// Tells the journal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Journal;

impl Told for Journal {
    fn told(&mut self, changed: &NoticesChanged, zone: &Zone) {
        for row in &changed.begun {
            let Some(notice) = Notice::of(row).filter(is_news) else { continue };
            let alarm = if row.severity == Severity::Urgent { "ALARM " } else { "" };
            terminal::say(&format!("{alarm}archive notice: {}", notice.sentence(zone)));
        }
        for row in &changed.ended {
            let Some(notice) = Notice::of(row).filter(is_news) else { continue };
            terminal::say(&format!("archive notice ended: {}", notice.sentence(zone)));
        }
    }
}

/// That a place comes and goes is told by whoever looks at it, at once.
fn is_news(notice: &Notice) -> bool {
    notice.kind != NoticeKind::Away
}
