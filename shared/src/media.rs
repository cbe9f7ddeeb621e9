//! Media as they travel from the wire to the seal and from the seal to the ear: tracks, runs, gaps.
//!
//! Samples are ticks of the codec's clock as in SDP: 8,000 a second for G.722, 48,000 for Opus. A position is a count of
//! ticks. What must hold everywhere: every sample of a leg is either present in a run or inside a gap that has a cause.

use crate::FrameBuf;
use crate::party::words;

/// Why samples are missing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(u8)]
pub enum GapCause {
    /// No gap; with a gap: a step by the sender without loss, shown, not counted as loss.
    #[default]
    None = 0,
    /// Lost in the network: never arrived, or arrived after its place was written.
    LostInNetwork = 1,
    /// Lost by the recorder: kernel drop, queue full, restart.
    LostByRecorder = 2,
    /// Paused or masked by a rule or a person.
    Paused = 3,
    /// The sender sent no audio: silence suppression, comfort noise, hold, or RTP events in its place.
    SilenceSuppressed = 4,
    /// Arrived but of no use: SRTP without a key, unknown payload type.
    Undecodable = 5,
}

words!(GapCause {
    None = "none",
    LostInNetwork = "lost-in-network",
    LostByRecorder = "lost-by-recorder",
    Paused = "paused",
    SilenceSuppressed = "silence-suppressed",
    Undecodable = "undecodable",
});

/// Missing samples of one track by cause; the index is [`GapCause::number`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct GapTotals(pub [u64; 6]);

impl GapTotals {
    /// Adds `samples` missing for `cause`.
    pub const fn add(&mut self, cause: GapCause, samples: u64) {
        let [none, network, recorder, paused, silence, undecodable] = &mut self.0;
        let slot = match cause {
            GapCause::None => none,
            GapCause::LostInNetwork => network,
            GapCause::LostByRecorder => recorder,
            GapCause::Paused => paused,
            GapCause::SilenceSuppressed => silence,
            GapCause::Undecodable => undecodable,
        };
        *slot = slot.saturating_add(samples);
    }

    /// Counts samples under the cause that was learned later, as many as there are; their sum stays.
    pub fn correct(&mut self, correction: &crate::GapCorrection) {
        let known = self.0.get_mut(usize::from(correction.was.number()));
        let moved = known.map_or(0, |slot| {
            let moved = correction.samples().min(*slot);
            *slot = slot.saturating_sub(moved);
            moved
        });
        self.add(correction.cause, moved);
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = mine.saturating_add(theirs);
        }
    }
}

/// Whose voice a leg carries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(u8)]
pub enum Role {
    /// Nothing tells.
    #[default]
    Unknown = 0,
    /// The caller's or the site's own party: left in stereo.
    Near = 1,
    /// The other party: right in stereo.
    Far = 2,
    /// One wire carries both.
    Joint = 3,
    /// A radio channel.
    Radio = 4,
}

words!(Role { Unknown = "unknown", Near = "near", Far = "far", Joint = "joint", Radio = "radio" });

/// One track of a recording: one leg under one codec and one sample clock. Never redefined; a change is a new track.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Track {
    /// Number of the track in its part, 0 to 254.
    pub track: u8,
    /// Number of the leg; several tracks may follow each other on one leg.
    pub leg: u8,
    /// Whose voice it is.
    pub role: Role,
    /// Codec name as in SDP, upper case for the static ones: `PCMU`, `G722`, `opus`.
    pub codec: String,
    /// Ticks a second of positions and sample counts: the RTP clock as in SDP.
    pub clock_hz: u32,
    /// Format parameters as in SDP, without `a=fmtp:` and payload type; empty when none.
    pub fmtp: String,
    /// Channels inside the codec, 1 unless SDP says otherwise.
    pub channels: u8,
    /// Runs of several packets may be joined (PCMU, PCMA, G722, L16).
    pub joinable: bool,
    /// Bytes are kept but cannot be decoded (SRTP without key where policy keeps it).
    pub opaque: bool,
}

/// The head of one run: the gap before it, then what its bytes stand for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RunHead {
    /// Samples missing since the end of the previous run; 0 = contiguous.
    pub gap_samples: u64,
    /// Why they are missing; [`GapCause::None`] when `gap_samples` is 0.
    pub cause: GapCause,
    /// Samples that the bytes stand for; 0 only for a gap still open, then `len` is 0 too.
    pub samples: u64,
    /// Octets of codec payload.
    pub len: u32,
}

/// At most one second of one track: what one AUDIO frame of the sealed recording holds.
///
/// The payload octets of all runs lie one after the other in `buf`; `runs` tells them apart. The gaps of one chunk sum to
/// at most ten seconds, its samples to at most one, its bytes to at most 65,000.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Which track.
    pub track: u8,
    /// Position before the first run's gap, in ticks from the segment's start.
    pub base_samples: u64,
    /// The runs in order, at least one.
    pub runs: Vec<RunHead>,
    /// Codec payload as received, run after run.
    pub buf: FrameBuf,
}

impl Chunk {
    /// Returns the position after the last run: base, gaps and samples together.
    #[must_use]
    pub fn end_samples(&self) -> u64 {
        self.runs
            .iter()
            .fold(self.base_samples, |at, run| at.saturating_add(run.gap_samples).saturating_add(run.samples))
    }
}
