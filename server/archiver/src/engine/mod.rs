//! One run on one medium, in numbered steps (`docs/design/archive-run.md`).
//!
//! 1. The location is taken for this process (a lock on this machine).
//! 2. The medium is the right one (its card, its last report), and nobody else is at work on it (the lease).
//! 3. What a run left that was cut is adopted if it is there in its size.
//! 4. What is due is planned: the parts from where this medium stands in the log, and its holes, oldest first.
//! 5. Batches are carried and read back; the rows of a batch are entered in one transaction.
//! 6. What makes the copy speak for itself: day catalogues, manifests, the log and its checkpoint, keys, the backup.
//! 7. The signed report, which lists every proof of the run.
//! 8. The run's leaf in the log; then, in one transaction, its proofs are true and the medium stands at the next leaf.
//! 9. Old generations of keys and backups are removed, of what was destroyed all but the newest and the files, and the lease.
//!
//! Up to step 8 nothing is proven. A run that ends early, because it was stopped or the medium is full, still does steps 6 to 8 for
//! what it carried; one whose medium failed does not.

mod batches;
mod central;
mod close;
mod days;
mod lease;
mod medium;
mod rest;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use archive::log::Act;
use archive::{Outcome, RunHead};
use shared::{Day, RunId, UtcMicros};
use store::Disk as _;
use vault::{ArchiveRunRow, BadPart, LocationRow, MediumRow, PartKey, ReadBackRow, ShredOnMedium, Vault};

pub use self::central::{Central, KeyFile, KeysAsked};
pub use self::medium::{Prepared, look, prepare};
use crate::carrier::{Carrier, CarryError, CarryKind, Clock};
use crate::{ArchiverError, Result};

/// Parts of one run. A longer night is several runs one behind the other, so that what is done is proven soon and memory stays
/// small.
const PARTS_MAX: usize = 50_000;

/// What a run is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Looking whether the medium is the right one.
    Check,
    /// Counting what is due.
    Plan,
    /// Carrying recordings.
    Carry,
    /// Writing catalogues, manifests, log and keys.
    Describe,
    /// Writing and trying the backup.
    Backup,
    /// Signing the report.
    Prove,
}

impl Step {
    /// Returns the word for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Plan => "plan",
            Self::Carry => "carry",
            Self::Describe => "describe",
            Self::Backup => "backup",
            Self::Prove => "prove",
        }
    }
}

/// How far a run is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// What it is doing.
    pub step: Step,
    /// Parts carried.
    pub parts: u64,
    /// Parts that were due.
    pub parts_due: u64,
    /// Bytes carried.
    pub bytes: u64,
    /// Bytes that were due.
    pub bytes_due: u64,
}

/// What a run did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary {
    /// Which run; of a long night the last.
    pub run_id: RunId,
    /// How it ended.
    pub outcome: Outcome,
    /// Parts that are proven now and were not before.
    pub parts: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What could not be carried, a sentence each; at most a hundred.
    pub troubles: Vec<String>,
    /// Parts that stay due.
    pub left: u64,
    /// Why it ended early, if it did.
    pub early: Option<String>,
    /// Leaves of the checkpoint that lies there now.
    pub checkpoint: u64,
}

/// What a run needs of the world around it.
#[allow(missing_debug_implementations, reason = "it reaches keys")]
pub struct World<'a> {
    /// The site's recordings and their rows.
    pub vault: &'a Vault,
    /// The site's data folder: the lock, and room for a backup that is being made.
    pub data: &'a store::LocalDisk,
    /// The site's keys and documents.
    pub central: &'a dyn Central,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Set to end the run early; it closes what it has.
    pub stop: &'a AtomicBool,
    /// Hears how far the run is.
    pub tell: &'a (dyn Fn(&Progress) + Sync),
}

/// A run at work.
pub(crate) struct Run<'a> {
    world: &'a World<'a>,
    location: &'a LocationRow,
    carrier: &'a mut dyn Carrier,
    held: &'a lease::Lease,
    medium: MediumRow,
    row: ArchiveRunRow,
    /// Digest of the report before this one on the medium.
    previous: Option<[u8; 32]>,
    /// Parts of this run, carried or adopted, that are not in a manifest yet.
    carried: Vec<ReadBackRow>,
    /// Those that are.
    listed: Vec<ReadBackRow>,
    /// Manifests written, to be noted with the proofs.
    manifests: Vec<(Day, u32, [u8; 32])>,
    holes: BTreeSet<u64>,
    /// Parts whose files on the medium are known to be bad: a good copy takes their place.
    bad: BTreeSet<PartKey>,
    /// What was destroyed and lies here still.
    shreds: Vec<ShredOnMedium>,
    troubles: Vec<String>,
    early: Option<CarryError>,
    progress: Progress,
}

/// Archives everything that is due on a location's medium, in as many runs as that takes.
///
/// # Errors
/// The place is away or another medium, another run is at work, or the medium failed; see [`ArchiverError`]. What was proven before
/// stays so.
pub fn archive(
    world: &World<'_>,
    location: &LocationRow,
    reach: &mut dyn FnMut() -> Result<Box<dyn Carrier>>,
) -> Result<Summary> {
    let name = format!("run/archive-{}.lock", location.location_id);
    world.data.mkdir_all("run")?;
    let Some(_lock) = world.data.lock(&name)? else {
        return Err(ArchiverError::Busy {
            name: location.name.clone(),
            who: "a run on this machine".to_owned(),
        });
    };
    let mut carrier = reach()?;
    let held = lease::take(world, location, &mut *carrier)?;
    let done = rounds(world, location, &mut *carrier, &held);
    held.give_back(&mut *carrier);
    done
}

fn rounds(
    world: &World<'_>,
    location: &LocationRow,
    carrier: &mut dyn Carrier,
    held: &lease::Lease,
) -> Result<Summary> {
    let mut total: Option<Summary> = None;
    loop {
        let run = Run::begin(world, location, carrier, held)?;
        let (summary, more) = run.go()?;
        let summary = match total {
            None => summary,
            Some(before) => summary.behind(before),
        };
        if !more {
            return Ok(summary);
        }
        total = Some(summary);
    }
}

impl Summary {
    fn behind(self, before: Self) -> Self {
        let mut troubles = before.troubles;
        troubles.extend(self.troubles);
        troubles.truncate(100);
        let outcome = if before.outcome == Outcome::Complete { self.outcome } else { before.outcome };
        let (parts, bytes) =
            (self.parts.saturating_add(before.parts), self.bytes.saturating_add(before.bytes));
        Self { outcome, parts, bytes, troubles, ..self }
    }
}

impl<'a> Run<'a> {
    /// Steps 2 and 4: the medium is the right one; what is due.
    fn begin(
        world: &'a World<'a>,
        location: &'a LocationRow,
        carrier: &'a mut dyn Carrier,
        held: &'a lease::Lease,
    ) -> Result<Self> {
        let progress = Progress { step: Step::Check, parts: 0, parts_due: 0, bytes: 0, bytes_due: 0 };
        (world.tell)(&progress);
        let (medium, previous) = medium::recognise(world, location, carrier)?;
        let now = world.clock.now();
        world.vault.note_medium_seen(medium.media_id, now)?;
        let row = ArchiveRunRow {
            run_id: RunId(world.central.draw_id()),
            location_id: location.location_id,
            media_id: medium.media_id,
            begun_at: now,
            ended_at: None,
            first: medium.next_leaf,
            end: medium.next_leaf,
            outcome: None,
            report_sha256: None,
            checkpoint: 0,
            files: 0,
            bytes: 0,
            message: String::new(),
        };
        world.vault.begin_run(&row)?;
        let bad = world.vault.bad_parts(medium.media_id)?.iter().map(BadPart::key).collect();
        Ok(Self {
            world,
            location,
            carrier,
            held,
            medium,
            row,
            previous,
            carried: Vec::new(),
            listed: Vec::new(),
            manifests: Vec::new(),
            holes: BTreeSet::new(),
            bad,
            shreds: Vec::new(),
            troubles: Vec::new(),
            early: None,
            progress,
        })
    }

    /// Steps 3 to 9. Tells whether more is due than one run takes.
    fn go(mut self) -> Result<(Summary, bool)> {
        self.at(Step::Plan);
        (self.progress.parts_due, self.progress.bytes_due) =
            self.world.vault.due_totals(self.medium.media_id)?;
        self.adopt()?;
        self.at(Step::Carry);
        let more = self.carry_due()?;
        let fatal = self.early.take_if(|e| {
            matches!(
                e.kind,
                CarryKind::Gone
                    | CarryKind::Doubtful
                    | CarryKind::Stalled
                    | CarryKind::ReadOnly
                    | CarryKind::Taken
            )
        });
        if let Some(error) = fatal {
            return Err(self.give_up(error));
        }
        self.describe(more).map_err(|e| self.doubted(e))?;
        self.keep()?;
        self.at(Step::Prove);
        let summary = self.close().map_err(|e| self.doubted(e))?;
        Ok((summary, more))
    }

    fn at(&mut self, step: Step) {
        self.progress.step = step;
        (self.world.tell)(&self.progress);
    }

    /// Renews the lease if it is time. Between two of these lies one batch, within which the carrier does it.
    fn keep(&mut self) -> Result<()> {
        self.held.keep(self.world, self.carrier)
    }

    fn stopped(&self) -> bool {
        self.world.stop.load(Ordering::Relaxed)
    }

    /// The end of a run whose medium failed: its rows stay as they are, for the next run to look at.
    fn give_up(&self, error: CarryError) -> ArchiverError {
        self.doubted(ArchiverError::Medium { name: self.location.name.clone(), error })
    }

    /// A medium that did not keep its word about bytes is trusted again by a whole verification only.
    fn doubted(&self, error: ArchiverError) -> ArchiverError {
        if error.kind() == crate::Kind::Suspect
            && let Err(e) =
                self.world.vault.set_medium_state(self.medium.media_id, vault::MediumState::Suspect)
        {
            tracing::error!("medium {} could not be marked as suspect: {e}", self.medium.media_id);
        }
        error
    }

    fn failed(&self, error: CarryError) -> ArchiverError {
        ArchiverError::Medium { name: self.location.name.clone(), error }
    }

    fn trouble(&mut self, text: String) {
        tracing::error!("archive {}: {text}", self.location.name);
        if self.troubles.len() < 100 {
            self.troubles.push(text);
        }
    }

    fn head(&self) -> RunHead {
        RunHead {
            site_id: self.world.central.site().site_id,
            location_id: self.location.location_id,
            media_id: self.medium.media_id,
            media_gen: self.medium.media_gen,
            run_id: self.row.run_id,
            begun: self.row.begun_at,
            previous: self.previous,
            first: self.row.first,
            end: self.row.end,
        }
    }

    fn log_act(&self, act: Act) -> Result<u64> {
        Ok(self.world.vault.append_act(act, [0; 16])?)
    }

    fn today(&self) -> Day {
        self.world.central.site().zone.day_of(self.now())
    }

    fn now(&self) -> UtcMicros {
        self.world.clock.now()
    }
}
