//! What the signalling says, once understood: the events that the engine acts on.
//!
//! Every event names its call by a [`CallKey`]; a fork has one key per branch (To-tag), linked to each other.

use shared::{Event, Stamp};

use crate::cmd::CallInfo;
use crate::net::Endpoint;

/// Names one call (one dialog, or one branch of a fork) within one run of one tracker.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct CallKey(pub u64);

/// A media format that an offer and its answer agreed on, or that an offer alone proposes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Format {
    /// RTP payload type, 0 to 127.
    pub payload_type: u8,
    /// Encoding name as in SDP (`PCMU`, `opus`, `telephone-event`, `CN`); static types get their RFC 3551 name.
    pub name: String,
    /// Clock rate in Hz as in SDP (G722: 8000).
    pub clock_hz: u32,
    /// Channels, 1 unless said otherwise.
    pub channels: u8,
    /// Format parameters, empty when none.
    pub fmtp: String,
}

impl Format {
    /// Returns about how much memory it takes, in octets.
    #[must_use]
    pub const fn octets(&self) -> usize {
        size_of::<Self>().saturating_add(self.name.capacity()).saturating_add(self.fmtp.capacity())
    }
}

/// How the media of a stream are protected.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Protection {
    /// RTP in the clear.
    #[default]
    None,
    /// SRTP with the keys that the *sender* of this leg announced in its own SDP (RFC 4568). Several: any may be used, the
    /// likeliest first. None: SRTP whose keys have not passed by yet (before the answer).
    Sdes(Vec<SdesKey>),
    /// SRTP whose keys never pass by in the clear (DTLS-SRTP, ZRTP).
    Opaque,
}

impl std::fmt::Debug for Protection {
    /// Never shows a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Sdes(_) => "Sdes(..)",
            Self::Opaque => "Opaque",
        })
    }
}

/// One `a=crypto` line, its key and salt as announced. Wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SdesKey {
    /// The tag of the line.
    pub tag: u32,
    /// The suite's name, `AES_CM_128_HMAC_SHA1_80`.
    pub suite: String,
    /// Master key followed by master salt, decoded from base64.
    pub key_and_salt: Vec<u8>,
    /// The master key identifier and its length in octets, if the line has one.
    pub mki: Option<(u64, u8)>,
    /// Session parameters that change the transform: `UNENCRYPTED_SRTP`, `UNENCRYPTED_SRTCP`, `UNAUTHENTICATED_SRTP`.
    pub parameters: Vec<String>,
}

impl std::fmt::Debug for SdesKey {
    /// Never shows the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SdesKey").field("tag", &self.tag).field("suite", &self.suite).finish_non_exhaustive()
    }
}

impl SdesKey {
    /// Returns about how much memory it takes, in octets.
    #[must_use]
    pub fn octets(&self) -> usize {
        let parameters =
            self.parameters.iter().map(|text| size_of::<String>().saturating_add(text.capacity()));
        let texts = self.suite.capacity().saturating_add(self.key_and_salt.capacity());
        parameters.fold(size_of::<Self>().saturating_add(texts), usize::saturating_add)
    }
}

impl Drop for SdesKey {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.key_and_salt);
    }
}

/// One leg's audio of one call: who sends it, where it arrives, what it may contain.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LegPlan {
    /// 0 = sent by the caller, 1 = sent by the called party; further media lines of a call go on with 2, 3 ...
    pub leg: u8,
    /// Where its packets arrive (the *other* party's SDP, the effective `c=` and `m=`). Any sender counts.
    ///
    /// Several plans may have the same `leg` and different receivers: a proxy that rewrote the description, an ICE candidate,
    /// a re-INVITE on its way that moves the address. Whatever arrives at any of them is that leg.
    pub receiver: Endpoint,
    /// Where its RTCP arrives (`a=rtcp`, `a=rtcp-mux`, else port + 1).
    pub rtcp: Endpoint,
    /// Where the *sender* of this leg receives, which symmetric RTP also sends from; a hint only.
    pub sender_hint: Option<Endpoint>,
    /// The formats that may arrive, audio, telephone-event and comfort noise alike.
    pub formats: Vec<Format>,
    /// Packet time in milliseconds where SDP says it.
    pub ptime_ms: Option<u16>,
    /// Protection of the packets of this leg.
    pub protection: Protection,
    /// False while SDP says that nothing is sent on this leg (`recvonly` or `inactive` of its sender, `c=0.0.0.0`).
    pub sending: bool,
}

/// The whole media picture of a call as it stands now; it replaces the one before.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MediaPlan {
    /// The audio legs.
    pub legs: Vec<LegPlan>,
    /// True once an offer and an answer have met; false for early guesses from an offer alone.
    pub agreed: bool,
    /// The call has turned to T.38 fax.
    pub fax_t38: bool,
    /// Both directions are on hold.
    pub held: bool,
}

impl MediaPlan {
    /// Returns about how much memory it takes, in octets.
    #[must_use]
    pub fn octets(&self) -> usize {
        let leg = |leg: &LegPlan| {
            let keys: &[SdesKey] = if let Protection::Sdes(keys) = &leg.protection { keys } else { &[] };
            let inside = leg.formats.iter().map(Format::octets).chain(keys.iter().map(SdesKey::octets));
            inside.fold(size_of::<LegPlan>(), usize::saturating_add)
        };
        self.legs.iter().map(leg).fold(size_of::<Self>(), usize::saturating_add)
    }
}

/// Who ended a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum EndedBy {
    /// Nothing tells.
    #[default]
    Unknown,
    /// The caller.
    Caller,
    /// The called party.
    Called,
}

/// What happened in the signalling.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallEventKind {
    /// A new call, from its first INVITE or, when that was missed, from the first message that shows it.
    New {
        /// Parties and Call-ID.
        info: Box<CallInfo>,
        /// True when the beginning was not seen.
        start_missed: bool,
    },
    /// Parties, Call-IDs or links changed.
    Info(Box<CallInfo>),
    /// The media picture changed.
    Media(Box<MediaPlan>),
    /// The callee rings.
    Alerting,
    /// Answered (200 to the INVITE).
    Answered,
    /// Something worth sealing with the recording: `held`, `retrieved`, `transferred`, `digit` (SIP INFO) ...
    /// Its `t_us` is not set yet; the engine sets it.
    Note(Event),
    /// This call and another are one for the user: fork, transfer, replaced dialog.
    Linked {
        /// The other call.
        to: CallKey,
        /// Why: `fork`, `refer`, `replaces`, `call-id`.
        evidence: &'static str,
    },
    /// Over. Media of the call may still trickle in for 500 ms.
    Ended {
        /// `bye`, `cancel`, `declined`, `busy`, `failed`, `redirected`, `forked-elsewhere`, `replaced`, `session-timer`,
        /// `no-answer` (nothing ever came), `limit` (pushed out to make room).
        reason: &'static str,
        /// The SIP status where one decided, else 0.
        status: u16,
        /// Who ended it.
        by: EndedBy,
        /// Whether it had been answered.
        answered: bool,
    },
}

/// One event of one call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallEvent {
    /// Which call.
    pub call: CallKey,
    /// When.
    pub at: Stamp,
    /// What.
    pub kind: CallEventKind,
}
