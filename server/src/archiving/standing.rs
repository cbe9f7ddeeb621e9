//! How a location stands by its rows: which medium it is judged by, what that lacks, and until when all of it is safe there.

use archive::Outcome;
use shared::{LocationId, UtcMicros};
use vault::{ArchiveRunRow, LocationRow, MediaSet, MediumRow, MediumState, Vault};

/// What a location's last runs may have been, to be judged by them.
const RUNS_READ: u32 = 400;
/// A proof counts from here on.
const LEVEL_COUNTS: u8 = 3;

/// A medium with what it lacks.
#[derive(Debug, Clone)]
pub(crate) struct Lacking {
    /// Its row.
    pub(crate) row: MediumRow,
    /// Files that are not proven there.
    pub(crate) files: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Files that are bad there, and of how many of these no good copy is known.
    pub(crate) bad: (u64, u64),
    /// The lowest level of what its last run that carried anything read back.
    pub(crate) level: Option<u8>,
}

/// A location by its rows.
#[derive(Debug, Clone)]
pub(crate) struct Stands {
    /// Its row.
    pub(crate) row: LocationRow,
    /// Its media, the newest first.
    pub(crate) media: Vec<Lacking>,
    /// Its last runs, the newest first.
    pub(crate) runs: Vec<ArchiveRunRow>,
}

impl Stands {
    /// Reads how all locations stand.
    ///
    /// # Errors
    /// The catalogue's.
    pub(crate) fn all(vault: &Vault) -> vault::Result<Vec<Self>> {
        vault.locations()?.into_iter().map(|row| Self::read(vault, row)).collect()
    }

    /// Reads how one stands.
    ///
    /// # Errors
    /// The catalogue's.
    pub(crate) fn read(vault: &Vault, row: LocationRow) -> vault::Result<Self> {
        let runs = vault.runs(row.location_id, RUNS_READ)?;
        let media = vault.media(row.location_id)?;
        let media = media.into_iter().map(|row| {
            // What a run read back and did not report lies there, and nobody can show it: a cut run must never look safe.
            let (due, unproven) = (vault.due_totals(row.media_id)?, vault.unproven_totals(row.media_id)?);
            let (files, bytes) = (due.0.saturating_add(unproven.0), due.1.saturating_add(unproven.1));
            let carried = |run: &&ArchiveRunRow| run.media_id == row.media_id && run.files > 0;
            let carried = runs.iter().filter(|run| run.report_sha256.is_some()).find(carried);
            let level = carried.map(|run| vault.level_of_run(run.run_id)).transpose()?.flatten();
            let bad = vault.bad_totals(row.media_id)?;
            Ok(Lacking { row, files, bytes, bad, level })
        });
        Ok(Self { media: media.collect::<vault::Result<_>>()?, row, runs })
    }

    /// Returns which it is.
    pub(crate) const fn id(&self) -> LocationId {
        self.row.location_id
    }

    /// The medium by which a location is judged: of those that take turns, the best if one is enough, the worst if each must hold it.
    pub(crate) fn counted(&self) -> Option<&Lacking> {
        let media = &self.media;
        let of = |state| media.iter().filter(move |medium| medium.row.state == state);
        match self.row.set {
            MediaSet::One => media.first(),
            MediaSet::Any => of(MediumState::Good).min_by_key(|medium| medium.files),
            MediaSet::All => {
                let in_use = media.iter().filter(|medium| medium.row.state != MediumState::Retired);
                in_use.max_by_key(|medium| medium.files)
            }
        }
    }

    /// Everything that had ended by then is proven on every medium that must hold it. What was not read past the caches is no proof.
    pub(crate) fn safe_until(&self, now: UtcMicros) -> Option<UtcMicros> {
        let of_medium = |medium: &Lacking| {
            let complete = |run: &&ArchiveRunRow| {
                run.media_id == medium.row.media_id && run.outcome == Some(Outcome::Complete as u8)
            };
            match medium.row.state {
                MediumState::Suspect | MediumState::Retired => None,
                MediumState::Good if !medium.counts() => None,
                // What is bad there may be of any time.
                MediumState::Good if medium.bad.0 > 0 => None,
                MediumState::Good if medium.files == 0 => Some(now),
                MediumState::Good => self.runs.iter().find(complete).map(|run| run.begun_at),
            }
        };
        match self.row.set {
            MediaSet::One => self.media.first().and_then(of_medium),
            MediaSet::Any => self.media.iter().filter_map(of_medium).max(),
            MediaSet::All => {
                let in_use = self.media.iter().filter(|medium| medium.row.state != MediumState::Retired);
                let all: Option<Vec<UtcMicros>> = in_use.map(of_medium).collect();
                all.and_then(|all| all.into_iter().min())
            }
        }
    }

    /// When one of its media was last there.
    pub(crate) fn seen(&self) -> Option<UtcMicros> {
        self.media.iter().filter_map(|medium| medium.row.last_seen_at).max()
    }
}

impl Lacking {
    /// Whether what lies there is proof of anything.
    pub(crate) fn counts(&self) -> bool {
        self.level.is_none_or(|level| level >= LEVEL_COUNTS)
    }
}
