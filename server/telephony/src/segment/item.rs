//! What a line-based source delivers: media, events, health. One shape for ISDN, analogue, digital sets and radio.

use std::sync::Arc;

use shared::{Direction, GapCause, Stamp};

use crate::sip::CallKey;

/// Names one line (a channel of a tap) within one recorder.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct LineId(pub u32);

/// Which direction of a line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Leg {
    /// From the line or the network.
    A = 0,
    /// From the set or the user.
    B = 1,
    /// One wire carries both.
    Joint = 2,
}

/// Samples that are missing, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Gap {
    /// How many, in ticks of the codec's clock.
    pub samples: u64,
    /// Why.
    pub cause: GapCause,
}

/// Up to four gaps in order, those of one cause joined.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Gaps {
    gaps: [Gap; 4],
    len: u8,
}

impl Gaps {
    /// Adds a gap at the end. A fifth kind is joined to the last one, since no sample may go unaccounted.
    pub fn push(&mut self, gap: Gap) {
        if gap.samples == 0 {
            return;
        }
        let len = usize::from(self.len);
        if let Some(last) = len.checked_sub(1).and_then(|at| self.gaps.get_mut(at))
            && (last.cause == gap.cause || len == 4)
        {
            last.samples = last.samples.saturating_add(gap.samples);
        } else if let Some(slot) = self.gaps.get_mut(len) {
            *slot = gap;
            self.len = self.len.saturating_add(1);
        }
    }

    /// Returns the gaps in order.
    pub fn iter(&self) -> impl Iterator<Item = Gap> + '_ {
        self.gaps.iter().copied().take(usize::from(self.len))
    }

    /// Returns the missing samples of all causes together.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.iter().fold(0, |sum, gap| sum.saturating_add(gap.samples))
    }
}

/// A codec as a source names it, shared by all frames of a leg.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Codec {
    /// Name as in SDP: `PCMA`, `PCMU`, `L16`.
    pub name: String,
    /// Ticks a second.
    pub clock_hz: u32,
    /// Format parameters, empty when none.
    pub fmtp: String,
    /// Channels inside the codec.
    pub channels: u8,
}

/// A reference to a codec.
pub type CodecRef = Arc<Codec>;

/// Media of one leg: what was received, unchanged.
///
/// Within one epoch `pos` is the previous `pos` + previous `samples` + all of `gaps_before`.
#[derive(Clone, PartialEq, Eq)]
pub struct MediaFrame {
    /// Which line.
    pub line: LineId,
    /// Which direction.
    pub leg: Leg,
    /// A new number whenever the sample clock of this leg restarts.
    pub epoch: u32,
    /// The first sample, in ticks of the codec's clock: the time base of everything.
    pub pos: u64,
    /// How many samples.
    pub samples: u32,
    /// What is missing before.
    pub gaps_before: Gaps,
    /// When sample `pos` was taken.
    pub at: Stamp,
    /// How the payload is coded.
    pub codec: CodecRef,
    /// Exactly the octets received.
    pub payload: Vec<u8>,
}

impl std::fmt::Debug for MediaFrame {
    /// Shows the place only: audio is never printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MediaFrame({:?} epoch {} pos {} + {})", self.leg, self.epoch, self.pos, self.samples)
    }
}

impl MediaFrame {
    /// Returns the monotonic time just behind the last sample.
    #[must_use]
    pub fn end_ns(&self) -> u64 {
        let ns = u64::from(self.samples).saturating_mul(1_000_000_000);
        self.at.mono_ns.saturating_add(ns.checked_div(u64::from(self.codec.clock_hz)).unwrap_or(0))
    }
}

/// Signalling octets from which keys, credentials and masked digits have been taken out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Redacted(pub Vec<u8>);

/// Something that happened on a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineEvent {
    /// Which line.
    pub line: LineId,
    /// When it happened, which may be a while before it was delivered.
    pub at: Stamp,
    /// The sample position it belongs to, where the source knows.
    pub pos: Option<u64>,
    /// The call it belongs to.
    pub call: Option<CallKey>,
    /// What.
    pub kind: EventKind,
    /// The signalling behind it.
    pub raw: Option<Redacted>,
}

/// What an exchange says of a call; what it does not say stays empty.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CallData {
    /// Which way.
    pub direction: Direction,
    /// The caller's number.
    pub calling: String,
    /// The called number.
    pub called: String,
    /// A name shown.
    pub name: String,
    /// Who redirected the call.
    pub redirecting: String,
}

/// Kinds of line events.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// A call is offered.
    Offered(Box<CallData>),
    /// Call data changed.
    Update(Box<CallData>),
    /// The exchange works on it.
    Proceeding,
    /// The called party is alerted.
    Alerting,
    /// Answered.
    Answered,
    /// On hold.
    Held,
    /// Taken back.
    Retrieved,
    /// Transferred to this number.
    Transferred(String),
    /// Over, with the Q.850 cause where one was sent.
    Ended(Option<u8>),
    /// All calls of the line are gone: Q.931 RESTART, or layer 2 was lost.
    Restart,
    /// The set rings or stops ringing.
    Ring(bool),
    /// Off hook (true) or on hook.
    Hook(bool),
    /// Push to talk.
    Ptt(bool),
    /// Squelch open (true) or closed.
    Squelch(bool),
    /// The source's own sound detector.
    Vox(bool),
    /// Caller id, and whether its checksum held.
    CallerId {
        /// The number.
        number: String,
        /// The name.
        name: String,
        /// False when damaged.
        checksum_ok: bool,
    },
    /// A digit and how long it lasted.
    Digit {
        /// `0`–`9`, `*`, `#`, `A`–`D`.
        digit: char,
        /// Milliseconds.
        ms: u32,
    },
    /// A tone: `dial`, `busy`, `congestion`, `ringback`, `sit`, `fax`.
    Tone(String),
    /// Text on the display.
    Display(String),
    /// A key.
    Key(String),
    /// A lamp and its state.
    Lamp(String, String),
    /// Loop voltage in millivolts.
    LoopVoltage(i32),
    /// The line's polarity was reversed.
    PolarityReversal,
    /// Radio talkgroup and unit.
    Talkgroup {
        /// The talkgroup.
        id: String,
        /// Who transmits.
        unit: String,
        /// Emergency transmission.
        is_emergency: bool,
        /// Encrypted over the air.
        is_encrypted: bool,
    },
    /// A line alarm (`los`, `ais`, `lfa`, `rai`) comes or goes.
    Alarm(String, bool),
    /// The source lost this many events.
    Overrun(u64),
    /// Damaged frames.
    FrameErrors(u64),
    /// Media that cannot be used, and why.
    Undecodable(String),
    /// The same was delivered twice.
    Duplicate,
    /// A CTI system says: record from here.
    CtiStart,
    /// A CTI system says: stop here.
    CtiStop,
    /// The CTI link came up (true) or went down.
    CtiLink(bool),
    /// The source does not deliver any more.
    SourceDown(String),
    /// The source delivers.
    SourceUp,
}

/// How a line is doing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Health {
    /// Which line; none for the whole source.
    pub line: Option<LineId>,
    /// When.
    pub at: Stamp,
    /// Loss of signal.
    pub los: bool,
    /// Level in dB below full scale, where measured.
    pub level_dbfs: Option<i16>,
    /// Samples lost so far.
    pub lost_samples: u64,
    /// Drops so far.
    pub drops: u64,
    /// Duplicates so far.
    pub duplicates: u64,
    /// Errors so far.
    pub errors: u64,
    /// When media came last.
    pub last_media_at: Option<Stamp>,
}

/// One thing from a source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Item {
    /// Media.
    Media(MediaFrame),
    /// An event.
    Event(LineEvent),
    /// Health.
    Health(Health),
}

impl Item {
    /// Returns when it happened.
    #[must_use]
    pub const fn at(&self) -> Stamp {
        match self {
            Self::Media(frame) => frame.at,
            Self::Event(event) => event.at,
            Self::Health(health) => health.at,
        }
    }
}
