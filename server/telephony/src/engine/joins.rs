//! Signalling that comes late: an orphan that runs already turns out to be a call.
//!
//! What waits in the pre-roll is given to its call whole (see `orphans`). Here the orphan is a segment with an entry in the
//! ledger, and may have been sealed for minutes. If the call is only just becoming known, the segment becomes the call's: one
//! recording from the first packet on, one entry. If the call has a segment of its own already, both have their entry: the
//! call takes the stream over from now on, the orphan ends there, and its parties and Call-IDs tie the two.
//!
//! What must hold: a packet goes to one of the two, never to both or to none.

use shared::{Event, Stamp};

use crate::cmd::{CallInfo, SegCmd};
use crate::net::Endpoint;
use crate::sip::{CallKey, MediaPlan};

use super::Engine;
use super::flows::Flow;

/// Nanoseconds without a packet after which an orphan is no longer what a call that begins now expects: ports are used again.
const RUNNING_NS: u64 = 2_000_000_000;

impl Engine {
    /// Finds the orphan segment whose packets arrive where a call expects its own.
    pub(super) fn orphan_for(&self, plan: &MediaPlan, now: &Stamp) -> Option<u32> {
        let leg = plan.legs.iter().find_map(|leg| self.orphan_leg_at(leg.receiver, now))?;
        self.legs.at(leg).map(|leg| leg.seg)
    }

    fn orphan_leg_at(&self, at: Endpoint, now: &Stamp) -> Option<u32> {
        let place = *self.orphan_ends.get(&at)?;
        let leg = self.legs.at(place)?;
        let runs = now.mono_ns.saturating_sub(leg.last_ns()) < RUNNING_NS;
        let orphan = self.segs.at(leg.seg).is_some_and(|seg| seg.orphan);
        (runs && orphan).then_some(place)
    }

    /// Makes an orphan segment that of a call which is only just becoming known.
    pub(super) fn adopt(&mut self, key: CallKey, place: u32, at: &Stamp) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        let Some(seg) = self.segs.at_mut(place) else { return };
        (seg.orphan, seg.call, seg.start_missed) = (false, Some(key), call.start_missed);
        call.seg = Some(place);
        let (id, info, excluded) = (seg.id, Box::new(call.info.clone()), call.excluded);
        self.commands.push_back(SegCmd::Info { seg: id, info });
        self.note_at(place, at, Event::new("joined", 0).text("evidence", "endpoint"));
        if excluded {
            self.discard(place, at);
        }
    }

    /// Finds out which legs of a segment that was an orphan are the legs that the call expects.
    pub(super) fn match_legs(&mut self, key: CallKey, plan: &MediaPlan) {
        let Some(place) = self.calls.get(&key).and_then(|call| call.seg) else { return };
        let legs = self.segs.at(place).map(|seg| seg.legs.clone()).unwrap_or_default();
        for leg in legs {
            let Some(beside) = self.beside_of(leg).filter(|beside| beside.call.is_none()) else { continue };
            let arrives_at = |at: Endpoint| beside.flows.iter().any(|flow| flow.dst == at);
            let Some(planned) = plan.legs.iter().find(|planned| arrives_at(planned.receiver)) else {
                continue;
            };
            self.beside_mut(leg).call = Some(key);
            if let Some(call) = self.calls.get_mut(&key)
                && !call.legs.iter().any(|(number, _)| *number == planned.leg)
            {
                call.legs.push((planned.leg, leg));
            }
        }
    }

    /// Takes over what runs as an orphan where a call, which has its own segment, expects packets from now on.
    pub(super) fn take_over(&mut self, key: CallKey, at: Endpoint, now: &Stamp) {
        let Some(leg) = self.orphan_leg_at(at, now) else { return };
        let Some(orphan) = self.legs.at(leg).map(|leg| leg.seg) else { return };
        for flow in std::mem::take(&mut self.beside_mut(leg).flows) {
            if self.flows.find(&flow) == Some(Flow::Leg(leg)) {
                self.flows.unbind(&flow); // its next packet finds the call
            }
        }
        self.orphan_ends.remove(&at);
        let Some(call) = self.calls.get(&key) else { return };
        let (excluded, seg) = (call.excluded, call.seg);
        let info = Box::new(CallInfo { orphan: true, ..call.info.clone() });
        let id = info.call_ids.first().cloned().unwrap_or_default();
        if let Some(orphan) = self.segs.at(orphan) {
            self.commands.push_back(SegCmd::Info { seg: orphan.id, info });
        }
        let linked = Event::new("linked", 0).text("evidence", "endpoint").text("call_id", &id);
        self.note_at(orphan, now, linked.clone());
        if let Some(seg) = seg {
            self.note_at(seg, now, linked);
            if let Some(seg) = self.segs.at_mut(seg) {
                seg.start_missed = true;
            }
        }
        if excluded && let Some(seg) = self.segs.at_mut(orphan) {
            seg.call = Some(key); // its entry names the rule
            self.discard(orphan, now);
        } else if self.is_deserted(orphan) {
            self.close(orphan, now, "joined");
        }
    }

    /// Tells whether no packet can reach a segment any more.
    fn is_deserted(&self, seg: u32) -> bool {
        let has_flows = |leg: &u32| self.beside_of(*leg).is_some_and(|beside| !beside.flows.is_empty());
        self.segs.at(seg).is_some_and(|seg| !seg.legs.iter().any(has_flows))
    }
}
