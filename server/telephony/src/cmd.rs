//! What leaves telephony: commands for the recorder, in the order in which they must be obeyed.
//!
//! One segment is one ledger entry and at most one recording. Its life: [`SegCmd::Signalled`], then perhaps
//! [`SegCmd::Open`] with the first audio, any number of `Tracks`, `Info`, `Append` and `Note`, and exactly one
//! [`SegCmd::Close`] (also at the end of input). A segment that never opened closes as *not recorded*.

use shared::{Chunk, Direction, Event, GapTotals, LedgerEnd, Method, Party, Side, Stamp, TapId, Track};

/// Names a segment within one run of one engine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct SegId(pub u64);

/// Who and what a segment is about, as far as known now; a later one replaces an earlier one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CallInfo {
    /// Keys that tie this segment to others of the same call: SIP Call-ID first, then Replaces, link ids.
    pub call_ids: Vec<String>,
    /// Who called.
    pub caller: Party,
    /// Who was called.
    pub called: Party,
    /// Further parties, such as a transfer's target.
    pub others: Vec<Party>,
    /// Which way.
    pub direction: Direction,
    /// How the media reach us.
    pub method: Method,
    /// On which side of the exchange.
    pub side: Side,
    /// Where we listen.
    pub tap: TapId,
    /// True for a segment that no signalling announced (orphan RTP).
    pub orphan: bool,
}

/// What the wire delivered for a segment, counted in packets over all its legs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MediaStats {
    /// RTP packets taken.
    pub packets: u64,
    /// Dropped because their like had already come.
    pub duplicate: u64,
    /// Arrived after their place was written.
    pub late: u64,
    /// Arrived out of order and were put in their place.
    pub reordered: u64,
}

/// The end of a segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SegClose {
    /// Which segment.
    pub seg: SegId,
    /// When it ended.
    pub at: Stamp,
    /// How its ledger entry ends. If the recorder lost anything itself it may make this worse, never better.
    pub end: LedgerEnd,
    /// The number of the rule that decided, when the end is *not recorded(rule)*.
    pub rule: Option<u32>,
    /// Why it ended, as a word: `bye`, `cancel`, `busy`, `rtp-idle`, `end-of-input` ...
    pub reason: &'static str,
    /// What the wire delivered.
    pub stats: MediaStats,
    /// Missing samples by cause, over all legs (ticks of each leg's own clock).
    pub gaps: GapTotals,
}

/// One command. Those of one segment keep their order.
#[derive(Debug)]
pub enum SegCmd {
    /// A call (or a segment without signalling) exists and must be accounted for from now on.
    Signalled {
        /// Which segment.
        seg: SegId,
        /// When it was seen first.
        at: Stamp,
        /// What is known of it.
        info: Box<CallInfo>,
    },
    /// Audio is about to come: begin the recording. Positions of all tracks count from `start`.
    Open {
        /// Which segment.
        seg: SegId,
        /// The stamp of the segment's first sample.
        start: Stamp,
        /// The tracks known now.
        tracks: Vec<Track>,
    },
    /// Tracks that are new since `Open`.
    Tracks {
        /// Which segment.
        seg: SegId,
        /// The new ones only.
        tracks: Vec<Track>,
    },
    /// Parties or call ids changed.
    Info {
        /// Which segment.
        seg: SegId,
        /// All of it, anew.
        info: Box<CallInfo>,
    },
    /// About a second of audio of all legs together: one flush.
    Append {
        /// Which segment.
        seg: SegId,
        /// At most one chunk per track.
        chunks: Vec<Chunk>,
    },
    /// Something happened during the segment.
    Note {
        /// Which segment.
        seg: SegId,
        /// What.
        event: Event,
    },
    /// What was sealed so far must go: a rule that was known late excludes this segment. `Close` follows.
    Discard {
        /// Which segment.
        seg: SegId,
    },
    /// The segment is over.
    Close(Box<SegClose>),
}

impl SegCmd {
    /// Returns the segment that the command is about.
    #[must_use]
    pub fn seg(&self) -> SegId {
        match self {
            Self::Signalled { seg, .. }
            | Self::Open { seg, .. }
            | Self::Tracks { seg, .. }
            | Self::Info { seg, .. }
            | Self::Append { seg, .. }
            | Self::Note { seg, .. }
            | Self::Discard { seg } => *seg,
            Self::Close(close) => close.seg,
        }
    }
}
