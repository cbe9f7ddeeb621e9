//! What a recorder has done so far, in figures, and what went wrong, in words.

use std::sync::Mutex;

use shared::{GapTotals, LedgerEnd, LedgerTotals, TapId};

use crate::locked;

/// The figures of one run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// How the segments of this run ended; `open` are those that have not.
    pub ledger: LedgerTotals,
    /// Recordings that were closed and admitted.
    pub recordings: u64,
    /// Sealed files of these.
    pub parts: u64,
    /// Tracks of these.
    pub tracks: u64,
    /// Octets sealed, headers and trailers included.
    pub sealed_octets: u64,
    /// Samples kept, over all tracks.
    pub samples: u64,
    /// Samples missing, by cause, over all tracks.
    pub gaps: GapTotals,
    /// Octets of audio that found the queue full and became a gap.
    pub overrun_octets: u64,
}

/// Something that went wrong; recording goes on as well as it can.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Sealers are behind; audio was lost.
    Overrun {
        /// Octets of audio lost in this run so far.
        octets: u64,
    },
    /// The disk is full.
    DiskFull {
        /// What it means and what to do.
        text: String,
    },
    /// The disk has been full all the time; told once a minute.
    StillFull {
        /// Writes that failed since it was told last.
        failures: u64,
    },
    /// The disk takes what is written again.
    SpaceAgain {
        /// Writes that failed while it was full.
        failures: u64,
        /// How long it was full.
        seconds: u64,
    },
    /// Something else on the way to the disk.
    Disk {
        /// What it means and what to do.
        text: String,
    },
    /// The same again and again; told once a minute.
    Again {
        /// What it means and what to do.
        text: String,
        /// How often since it was told last.
        times: u64,
    },
    /// A thread of the recorder died.
    ThreadDied,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Overrun { octets } => write!(
                f,
                "the disk is too slow: {octets} octets of audio were lost and stand as gaps of cause 2 in their recordings; \
                 look for other load on the data folder's disk, or raise recording.queue_mib"
            ),
            Self::DiskFull { text } | Self::Disk { text } => f.write_str(text),
            Self::StillFull { failures } => write!(
                f,
                "the disk is still full: {failures} more writes failed. Calls are being lost, each with its entry in the ledger; \
                 free space on the disk of the data folder now"
            ),
            Self::SpaceAgain { failures, seconds } => write!(
                f,
                "there is space again and calls are recorded. For {seconds} s the disk was full and {failures} writes failed; \
                 `amethyst ledger` lists the calls that suffered (disk-full)"
            ),
            Self::Again { text, times } => write!(f, "{times} times more: {text}"),
            Self::ThreadDied => f.write_str(
                "a thread of the recorder stopped unexpectedly: its open recordings were left for recovery at the next start; \
                 restart amethyst and report this with the log",
            ),
        }
    }
}

/// Counts while it runs.
#[derive(Default)]
pub(crate) struct Tally(Mutex<Summary>);

impl Tally {
    pub(crate) fn now(&self) -> Summary {
        *locked(&self.0)
    }

    pub(crate) fn signalled(&self, tap: TapId) {
        if tap.is_canary() {
            return;
        }
        let mut sum = locked(&self.0);
        sum.ledger.signalled = sum.ledger.signalled.saturating_add(1);
        sum.ledger.open = sum.ledger.open.saturating_add(1);
    }

    pub(crate) fn ended(&self, tap: TapId, end: LedgerEnd) {
        if tap.is_canary() {
            return;
        }
        let mut sum = locked(&self.0);
        sum.ledger.open = sum.ledger.open.saturating_sub(1);
        let slot = match end {
            LedgerEnd::Recorded => &mut sum.ledger.recorded,
            LedgerEnd::Partly(_) => &mut sum.ledger.partly,
            LedgerEnd::NotRecorded(_) => &mut sum.ledger.not_recorded,
        };
        *slot = slot.saturating_add(1);
    }

    pub(crate) fn overrun(&self, octets: usize) {
        let mut sum = locked(&self.0);
        sum.overrun_octets = sum.overrun_octets.saturating_add(u64::try_from(octets).unwrap_or(u64::MAX));
    }

    pub(crate) fn admitted(&self, row: &vault::RecordingRow) {
        if row.facts.tap.is_canary() {
            return;
        }
        let mut sum = locked(&self.0);
        sum.recordings = sum.recordings.saturating_add(u64::from(row.part.part == 0));
        sum.parts = sum.parts.saturating_add(1);
        sum.sealed_octets = sum.sealed_octets.saturating_add(row.part.bytes);
        for leg in &row.legs {
            sum.tracks = sum.tracks.saturating_add(1);
            sum.samples = sum.samples.saturating_add(leg.samples);
            sum.gaps.merge(&leg.gaps);
        }
    }
}
