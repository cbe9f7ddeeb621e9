//! What there is no room for: it is not recorded, but it is accounted for, and it may try again.
//!
//! A refused call is signalled and closed at once. Its media cost one look into the table of flows; after a while they
//! are let in again, and if there is room by then the rest of the call becomes a recording of its own, start missed.

use shared::{GapTotals, LedgerEnd, NotRecorded, Stamp};

use crate::cmd::{CallInfo, MediaStats, SegClose, SegCmd};
use crate::sip::CallKey;

use super::Engine;
use super::flows::{Flow, FlowKey};

/// Nanoseconds after which a refused flow may try again.
const RETRY_NS: u64 = 60_000_000_000;

impl Engine {
    /// Tells whether there is no room for another segment.
    pub(super) fn is_full(&self) -> bool {
        let segments = u64::try_from(self.config.limits.segments).unwrap_or(u64::MAX);
        self.segs.len() >= segments || self.commands.len() >= self.config.limits.commands
    }

    /// Accounts for a call that there is no room for, once.
    pub(super) fn refuse(&mut self, at: &Stamp, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        if std::mem::replace(&mut call.refused, true) {
            return;
        }
        let (info, rule) = (Box::new(call.info.clone()), call.rule);
        let why = if call.excluded { NotRecorded::Rule } else { NotRecorded::Limit };
        self.limit(at, "calls at once");
        self.account_for(at, info, why, rule);
    }

    /// Signals a segment and closes it at once.
    pub(super) fn account_for(
        &mut self,
        at: &Stamp,
        info: Box<CallInfo>,
        why: NotRecorded,
        rule: Option<u32>,
    ) {
        let (seg, at) = (self.next_id(), *at);
        self.commands.push_back(SegCmd::Signalled { seg, at, info });
        let (stats, gaps) = (MediaStats::default(), GapTotals::default());
        let end = LedgerEnd::NotRecorded(why);
        let close = SegClose { seg, at, end, rule, reason: "limit", stats, gaps };
        self.commands.push_back(SegCmd::Close(Box::new(close)));
    }

    /// Passes over a flow for a while: what it belongs to has been refused.
    pub(super) fn mute_for_a_while(&mut self, now: &Stamp, key: FlowKey) {
        if self.flows.bind(key, Flow::Excluded) {
            self.refused.push_back((now.mono_ns.saturating_add(RETRY_NS), key));
        }
    }

    /// Lets flows in again whose time has come.
    pub(super) fn let_refused_try_again(&mut self, now: &Stamp) {
        while let Some((_, key)) = self.refused.pop_front_if(|(at, _)| *at <= now.mono_ns) {
            self.flows.unmute(&key);
        }
    }
}
