//! What goes into the catalogue and what comes out of it, as plain values.

use shared::{
    Day, Direction, Event, GapCause, GapCorrection, GapTotals, LedgerEnd, LedgerNo, Method, Party,
    RecorderId, RecordingId, Reference, Side, TapId, Track, UtcMicros,
};

use crate::Labels;

/// The part that a party plays in a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum PartyRole {
    /// Who called.
    #[default]
    Caller = 0,
    /// Who was called.
    Called = 1,
    /// Anybody else, such as a transfer's target.
    Other = 2,
}

impl PartyRole {
    /// Returns the number kept in the catalogue.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Finds the role by its number; what is not known is [`Self::Other`].
    #[must_use]
    pub const fn from_number(n: u8) -> Self {
        match n {
            0 => Self::Caller,
            1 => Self::Called,
            _ => Self::Other,
        }
    }
}

/// What the wire delivered, in packets over all legs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PacketCounts {
    /// RTP packets taken.
    pub packets: u64,
    /// Dropped because their like had already come.
    pub duplicate: u64,
    /// Arrived after their place was written.
    pub late: u64,
    /// Arrived out of order and were put in their place.
    pub reordered: u64,
}

/// What there is one of per recording.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Facts {
    /// Which recording.
    pub recording_id: RecordingId,
    /// Who sealed it.
    pub recorder_id: RecorderId,
    /// Its entry in that recorder's ledger.
    pub ledger_no: LedgerNo,
    /// The reference shown to people.
    pub reference: Reference,
    /// Start of its first sample.
    pub started_at: UtcMicros,
    /// Its end, as far as known.
    pub ended_at: UtcMicros,
    /// Civil day of the start in the site's zone.
    pub day: Day,
    /// Which way the call went.
    pub direction: Direction,
    /// How the media reached us.
    pub method: Method,
    /// On which side of the exchange.
    pub side: Side,
    /// Where we listened.
    pub tap: TapId,
    /// The tap's name at that time.
    pub tap_name: String,
    /// True for a recording that no signalling announced.
    pub orphan: bool,
    /// How the ledger entry ended.
    pub end: LedgerEnd,
    /// Why it ended, as a word: `bye`, `rtp-idle` ...
    pub end_reason: String,
    /// What the wire delivered.
    pub packets: PacketCounts,
}

/// One party of a recording.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PartyRow {
    /// Its part in the call.
    pub role: PartyRole,
    /// Who.
    pub party: Party,
}

/// A party as the catalogue knows it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PartySeen {
    /// Its part in the call.
    pub role: PartyRole,
    /// Who.
    pub party: Party,
    /// The extension at which it sat; empty for a party outside. Scopes are held against this.
    pub extension: String,
}

/// One track of one part with its account of samples.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LegRow {
    /// The part of the recording in which the track lies.
    pub part: u16,
    /// The track as it stands in the sealed META.
    pub track: Track,
    /// Samples present.
    pub samples: u64,
    /// Samples missing, by the cause that was learned last. `samples` and all of these are the length.
    pub gaps: GapTotals,
}

impl LegRow {
    /// Counts missing samples anew where an event of the part says that they had another cause than the runs say.
    pub fn correct(&mut self, events: &[Event]) {
        let learned = events.iter().filter_map(GapCorrection::of);
        learned.filter(|c| c.track == self.track.track).for_each(|c| self.gaps.correct(&c));
    }
}

/// One sealed file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartRow {
    /// Number of the part in its recording, from 0.
    pub part: u16,
    /// Start of this part.
    pub started_at: UtcMicros,
    /// Civil day of that start in the site's zone: chooses the day folder.
    pub day: Day,
    /// End of this part.
    pub ended_at: UtcMicros,
    /// Where the file lies under the data folder; filled in by the vault when it admits the part.
    pub path: String,
    /// Length of the whole file, trailer included.
    pub bytes: u64,
    /// SHA-256 of everything before the trailer, as in the trailer.
    pub sha256: [u8; 32],
    /// BLAKE3 of the same.
    pub blake3: [u8; 32],
    /// Flags of the trailer: 1 recovered, 2 damaged inside, 4 continued in a next part.
    pub flags: u32,
    /// Frames in the file.
    pub frames: u32,
    /// The key that signed the trailer.
    pub signing_key_id: [u8; 8],
}

/// One part to be entered, with all that is known of its recording.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordingRow {
    /// What there is one of per recording; a later part's facts replace an earlier one's, except the start.
    pub facts: Facts,
    /// Keys that tie this recording to others of the same call: SIP Call-ID first.
    pub call_ids: Vec<String>,
    /// Who spoke.
    pub parties: Vec<PartyRow>,
    /// The tracks of this part.
    pub legs: Vec<LegRow>,
    /// What happened in this part, times from its start. `time_anchor`, `sender_clock`, `gap_cause` and `track_change` are not entered: the sealed
    /// file has them.
    pub events: Vec<Event>,
    /// The sealed file.
    pub part: PartRow,
    /// The leaf of the transparency log that tells of this part; `None`: it waits for one.
    pub leaf: Option<u64>,
}

/// A recording as the catalogue knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recording {
    /// What there is one of.
    pub facts: Facts,
    /// Keys that tie it to others.
    pub call_ids: Vec<String>,
    /// Who spoke, in the order of entry.
    pub parties: Vec<PartySeen>,
    /// All tracks of all parts, in order.
    pub legs: Vec<LegRow>,
    /// What happened, in order; times count from the start of the recording, whichever part they are in. Empty in a
    /// [`crate::Page`].
    pub events: Vec<Event>,
    /// Its sealed files in order.
    pub parts: Vec<PartRow>,
    /// What people wrote on it.
    pub labels: Labels,
}

impl Recording {
    /// Returns the first party of `role`, if there is one.
    #[must_use]
    pub fn party(&self, role: PartyRole) -> Option<&Party> {
        self.parties.iter().find(|row| row.role == role).map(|row| &row.party)
    }

    /// Returns the microseconds from start to end, never negative.
    #[must_use]
    pub fn duration_us(&self) -> i64 {
        self.facts.ended_at.since(self.facts.started_at).max(0)
    }

    /// Returns the octets of all sealed files together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(part.bytes))
    }

    /// Tells whether samples are missing for another reason than that their sender was silent.
    #[must_use]
    pub fn has_gap(&self) -> bool {
        is_gap(&self.gaps())
    }

    /// Returns the missing samples by cause, over all tracks.
    #[must_use]
    pub fn gaps(&self) -> GapTotals {
        let mut all = GapTotals::default();
        for leg in &self.legs {
            all.merge(&leg.gaps);
        }
        all
    }
}

/// Tells whether a total counts as a gap: any cause but a sender that suppressed silence.
pub(crate) fn is_gap(gaps: &GapTotals) -> bool {
    let silence = GapCause::SilenceSuppressed as usize;
    gaps.0.iter().enumerate().any(|(cause, samples)| cause != 0 && cause != silence && *samples > 0)
}

/// How and when a ledger entry ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LedgerEnding {
    /// How.
    pub end: LedgerEnd,
    /// The rule that decided, for *not recorded(rule)*.
    pub rule: Option<u32>,
    /// When.
    pub at: UtcMicros,
}

/// One entry of the ledger.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LedgerRow {
    /// Whose ledger.
    pub recorder_id: RecorderId,
    /// Its number there.
    pub ledger_no: LedgerNo,
    /// The reference shown to people.
    pub reference: Reference,
    /// The recording, which exists only if the end says so.
    pub recording_id: RecordingId,
    /// When it was opened.
    pub opened_at: UtcMicros,
    /// Its end; `None` while the call is up.
    pub ending: Option<LedgerEnding>,
    /// The caller's number; empty when unknown. Never in the recorder's own ledger file.
    pub caller: String,
    /// The called number; empty when unknown.
    pub called: String,
}

/// One run of the capture, from start to stop.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaptureRun {
    /// Drawn by the caller.
    pub run_id: [u8; 16],
    /// When it began.
    pub started_at: UtcMicros,
    /// When it stopped; `None` while it runs or after a crash.
    pub ended_at: Option<UtcMicros>,
    /// Where from: names of interfaces or capture files.
    pub source: String,
    /// Packets seen.
    pub packets: u64,
    /// Packets that the kernel dropped before we saw them.
    pub kernel_drops: u64,
    /// Further counters, as JSON.
    pub summary: String,
}
