//! A segment as the engine holds it: one ledger entry and at most one recording, and the call behind it.

use shared::{Event, Stamp, TapId};

use crate::cmd::{CallInfo, SegId};
use crate::net::Endpoint;
use crate::rtp::leg::Shared;
use crate::sip::{CallKey, MediaPlan};

use super::flows::FlowKey;

/// Events kept for a segment that has not opened yet.
pub(super) const EARLY_NOTES_MAX: usize = 256;

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ended {
    pub(super) at: Stamp,
    pub(super) reason: &'static str,
}

/// One segment.
#[derive(Debug)]
pub(super) struct Seg {
    pub(super) id: SegId,
    pub(super) call: Option<CallKey>,
    pub(super) tap: TapId,
    /// Places of its legs in the engine's table.
    pub(super) legs: Vec<u32>,
    pub(super) shared: Shared,
    pub(super) open: bool,
    pub(super) orphan: bool,
    pub(super) start_missed: bool,
    /// The clock stepped, or was known to be wrong, while it was open.
    pub(super) clock_doubt: bool,
    /// An RTCP BYE came for it.
    pub(super) rtcp_bye: bool,
    pub(super) signalled_at: Stamp,
    pub(super) flushed_ns: u64,
    /// Until when it is flushed quickly.
    pub(super) quick_until_ns: u64,
    /// When its timer rings; other entries of the heap are stale.
    pub(super) timer_ns: u64,
    /// Notes from before it opened.
    pub(super) early: Vec<Event>,
    pub(super) ended: Option<Ended>,
}

impl Seg {
    pub(super) fn new(id: SegId, call: Option<CallKey>, tap: TapId, at: Stamp) -> Self {
        Self {
            id,
            call,
            tap,
            legs: Vec::new(),
            shared: Shared::default(),
            open: false,
            orphan: call.is_none(),
            start_missed: false,
            clock_doubt: false,
            rtcp_bye: false,
            signalled_at: at,
            flushed_ns: at.mono_ns,
            quick_until_ns: 0,
            timer_ns: u64::MAX,
            early: Vec::new(),
            ended: None,
        }
    }
}

/// What signalling says of one call; outlives its segment, so that media which return find their way.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) info: CallInfo,
    pub(super) began: Stamp,
    pub(super) plan: MediaPlan,
    pub(super) seg: Option<u32>,
    pub(super) answered: bool,
    pub(super) fax: bool,
    pub(super) start_missed: bool,
    /// Directions that SDP has ever said to send: bit 0 the caller's, bit 1 the called party's.
    pub(super) promised: u8,
    /// There was no room for it: it is accounted for as not recorded.
    pub(super) refused: bool,
    /// A rule excludes it, and the rule's number if it has one.
    pub(super) excluded: bool,
    pub(super) rule: Option<u32>,
    pub(super) claimed: Vec<Endpoint>,
    /// Leg number and place, in the order of their coming.
    pub(super) legs: Vec<(u8, u32)>,
    /// Flows bound because a rule excludes the call, or a limit refuses it.
    pub(super) muted: Vec<FlowKey>,
    pub(super) ended: Option<Ended>,
}

/// What the engine keeps beside a leg.
#[derive(Debug, Default)]
pub(super) struct Beside {
    pub(super) flows: Vec<FlowKey>,
    pub(super) call: Option<CallKey>,
    /// Legs of other calls that hear the same stream, and the generation of expectations for which that is so.
    pub(super) twins: Vec<(u32, CallKey)>,
    pub(super) twins_of: Option<u32>,
}
