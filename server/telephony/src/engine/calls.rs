//! What the signalling says, turned into segments, claims and notes.

use std::collections::VecDeque;

use shared::{Direction, Event, Role, Stamp};

use crate::cmd::{CallInfo, SegCmd};
use crate::net::Endpoint;
use crate::rtp::formats::Formats;
use crate::sip::{CallEvent, CallEventKind, CallKey, MediaPlan, Protection};

use super::Engine;
use super::flows::Claim;
use super::report::AlarmKind;
use super::segs::{Call, Ended, Seg};

/// Endpoints that one call may claim.
const CLAIMS_PER_CALL_MAX: usize = 256;

/// Returns whose voice a leg is: the site's own party is near; without a direction, the caller is.
pub(super) fn role_of(info: &CallInfo, leg: u8) -> Role {
    match (leg, info.direction) {
        (0, Direction::In) | (1, Direction::Out | Direction::Internal | Direction::Unknown) => Role::Far,
        (0, _) | (1, Direction::In) => Role::Near,
        _ => Role::Unknown,
    }
}

/// Tells whether a party has been told to wait: then no media is no end, however long.
fn on_hold(plan: &MediaPlan) -> bool {
    plan.held || plan.agreed && plan.legs.iter().any(|leg| leg.leg < 2 && !leg.sending)
}

impl Engine {
    /// Acts on everything that the signalling has to say.
    pub(super) fn hear_calls(&mut self, now: &Stamp) {
        let mut events: VecDeque<CallEvent> = std::iter::from_fn(|| self.sip.poll_event()).collect();
        while let Some(event) = events.pop_front() {
            let orphan = self.orphan_behind(&event, &events, now);
            self.hear(event, orphan, now);
        }
    }

    /// Finds the orphan that a new call turns out to be, by what the same message says of its media.
    fn orphan_behind(&self, event: &CallEvent, more: &VecDeque<CallEvent>, now: &Stamp) -> Option<u32> {
        let CallEventKind::New { .. } = event.kind else { return None };
        let plan = more
            .iter()
            .filter(|e| e.call == event.call)
            .find_map(|e| if let CallEventKind::Media(plan) = &e.kind { Some(plan) } else { None });
        plan.and_then(|plan| self.orphan_for(plan, now))
    }

    fn hear(&mut self, event: CallEvent, orphan: Option<u32>, now: &Stamp) {
        let CallEvent { call: key, at, kind } = event;
        match kind {
            CallEventKind::New { info, start_missed } => {
                self.new_call(key, &at, *info, start_missed);
                match orphan {
                    Some(orphan) => self.adopt(key, orphan, &at),
                    None => self.signal(&at, key),
                }
            }
            CallEventKind::Info(info) => self.renew_info(key, &at, *info),
            CallEventKind::Media(plan) => self.renew_plan(key, &at, *plan),
            CallEventKind::Alerting => self.note_call(key, &at, Event::new("alerting", 0)),
            CallEventKind::Answered => {
                if let Some(call) = self.calls.get_mut(&key) {
                    call.answered = true;
                }
                self.note_call(key, &at, Event::new("answered", 0));
            }
            CallEventKind::Note(event) => self.note_call(key, &at, event),
            CallEventKind::Linked { to, evidence } => self.link(key, to, evidence, &at),
            CallEventKind::Ended { reason, status, by, answered } => {
                let note = Event::new("ended", 0)
                    .text("reason", reason)
                    .int("status", i64::from(status))
                    .text("by", &format!("{by:?}").to_ascii_lowercase());
                self.note_call(key, &at, note);
                self.end_call(key, &at, reason, answered, now);
            }
        }
    }

    fn new_call(&mut self, key: CallKey, at: &Stamp, mut info: CallInfo, start_missed: bool) {
        self.counters.calls = self.counters.calls.wrapping_add(1);
        self.complete(&mut info);
        let decision = self.config.decide(&info, at.utc);
        let call = Call {
            info,
            began: *at,
            plan: MediaPlan::default(),
            seg: None,
            answered: false,
            fax: false,
            start_missed,
            promised: 0,
            refused: false,
            excluded: !decision.record,
            rule: decision.rule.filter(|_| !decision.record),
            claimed: Vec::new(),
            legs: Vec::new(),
            muted: Vec::new(),
            ended: None,
        };
        self.calls.insert(key, Box::new(call));
    }

    /// Fills in what the site knows: the side of the tap, and the direction by the numbers.
    fn complete(&self, info: &mut CallInfo) {
        info.side = self.config.side(info.tap);
        if info.direction == Direction::Unknown {
            let caller = self.config.is_internal(&info.caller.number);
            let called = self.config.is_internal(&info.called.number);
            info.direction = match (caller, called) {
                (true, true) => Direction::Internal,
                (true, false) => Direction::Out,
                (false, true) => Direction::In,
                (false, false) => Direction::Unknown,
            };
        }
    }

    /// Makes the segment of a call and says so.
    fn signal(&mut self, at: &Stamp, key: CallKey) {
        if self.is_full() {
            return self.refuse(at, key);
        }
        let id = self.next_id();
        let Some(call) = self.calls.get_mut(&key) else { return };
        let mut seg = Seg::new(id, Some(key), call.info.tap, *at);
        seg.start_missed = call.start_missed;
        seg.shared.held = on_hold(&call.plan);
        seg.shared.mask_digits = self.config.mask_digits;
        let info = Box::new(call.info.clone());
        let place = self.segs.add(seg);
        call.seg = Some(place);
        self.commands.push_back(SegCmd::Signalled { seg: id, at: *at, info });
    }

    /// Makes another segment for a call whose first one had ended for want of media.
    pub(super) fn signal_again(&mut self, at: &Stamp, key: CallKey) {
        if let Some(call) = self.calls.get_mut(&key) {
            call.start_missed = true;
            call.legs.clear();
        }
        self.signal(at, key);
    }

    fn renew_info(&mut self, key: CallKey, at: &Stamp, mut info: CallInfo) {
        self.complete(&mut info);
        let Some(call) = self.calls.get_mut(&key) else { return };
        call.info = info;
        let info = Box::new(call.info.clone());
        let seg = call.seg;
        if let Some(seg) = seg.and_then(|place| self.segs.at(place)) {
            self.commands.push_back(SegCmd::Info { seg: seg.id, info });
        }
        self.decide_again(key, at);
    }

    /// The parties are known better: the rules may say another thing now.
    fn decide_again(&mut self, key: CallKey, at: &Stamp) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        let began = call.seg.and_then(|place| self.segs.at(place)).map_or(*at, |seg| seg.signalled_at);
        let decision = self.config.decide(&call.info, began.utc);
        if decision.record != call.excluded {
            return; // it stays as it was
        }
        call.excluded = !decision.record;
        call.rule = decision.rule.filter(|_| !decision.record);
        let missed = decision.record && !call.muted.is_empty();
        if decision.record {
            for flow in std::mem::take(&mut call.muted) {
                self.flows.unmute(&flow);
            }
        }
        let Some(place) = call.seg else { return };
        if decision.record {
            if let Some(seg) = self.segs.at_mut(place) {
                seg.start_missed |= missed;
            }
        } else if self.segs.at(place).is_some_and(|seg| seg.open) {
            self.discard(place, at);
        }
    }

    fn renew_plan(&mut self, key: CallKey, at: &Stamp, plan: MediaPlan) {
        self.match_legs(key, &plan);
        let Some(call) = self.calls.get_mut(&key) else { return };
        call.fax |= plan.fax_t38;
        let mut wanted: Vec<(Endpoint, Claim)> = Vec::new();
        for leg in &plan.legs {
            let claim = Claim { call: key, leg: leg.leg, hint: leg.sender_hint, rtcp: false, ended: false };
            if leg.receiver.port != 0 {
                wanted.push((leg.receiver, claim));
            }
            if leg.rtcp.port != 0 && leg.rtcp != leg.receiver {
                wanted.push((leg.rtcp, Claim { rtcp: true, ..claim }));
            }
            if leg.sending && plan.agreed && leg.leg < 2 {
                call.promised |= 1 << leg.leg;
            }
        }
        if let Some(seg) = call.seg.and_then(|place| self.segs.at_mut(place)) {
            let held = on_hold(&plan);
            if seg.shared.held && !held {
                seg.shared.held_until_ns = at.mono_ns;
            }
            seg.shared.held = held;
        }
        for (number, place) in &call.legs {
            let mut formats = Formats::default();
            let mut protected = false;
            for leg in plan.legs.iter().filter(|l| l.leg == *number) {
                formats.merge(&Formats::of(&leg.formats));
                protected |= leg.protection != Protection::None;
            }
            if let Some(leg) = self.legs.at_mut(*place) {
                leg.learn(formats);
                leg.protected |= protected;
            }
            let plans = plan.legs.iter().filter(|l| l.leg == *number);
            super::protected::learn_keys(&mut self.crypto, *place, plans);
        }
        let live = call.ended.is_none();
        call.plan = plan;
        let mut claimed = Vec::new();
        for (endpoint, claim) in wanted {
            if !call.claimed.contains(&endpoint) {
                if call.claimed.len() >= CLAIMS_PER_CALL_MAX {
                    break;
                }
                call.claimed.push(endpoint);
            }
            if live {
                self.flows.claim(endpoint, claim);
                claimed.push((endpoint, claim));
            }
        }
        for (endpoint, claim) in claimed {
            if !claim.rtcp {
                self.take_over(key, endpoint, at);
            }
            self.watch_for_twins(key, endpoint, &claim);
        }
        self.join_waiting(at, key);
    }

    fn note_call(&mut self, key: CallKey, at: &Stamp, event: Event) {
        if let Some(place) = self.calls.get(&key).and_then(|call| call.seg) {
            self.note_at(place, at, event);
        }
    }

    /// Ties two segments: each gets the other's call identities, and a note with the evidence.
    fn link(&mut self, key: CallKey, to: CallKey, evidence: &'static str, at: &Stamp) {
        let ids_of = |key| self.calls.get(key).map(|call| call.info.call_ids.clone()).unwrap_or_default();
        let (mine, theirs) = (ids_of(&key), ids_of(&to));
        for (call, ids) in [(key, theirs), (to, mine)] {
            let Some(other) = ids.first() else { continue };
            let note = Event::new("linked", 0).text("evidence", evidence).text("call_id", other);
            self.note_call(call, at, note);
            let Some(known) = self.calls.get(&call).map(|c| c.info.clone()) else { continue };
            let mut info = known.clone();
            for id in ids {
                if info.call_ids.len() < 16 && !info.call_ids.contains(&id) {
                    info.call_ids.push(id);
                }
            }
            if info != known {
                self.renew_info(call, at, info);
            }
        }
    }

    fn end_call(&mut self, key: CallKey, at: &Stamp, reason: &'static str, answered: bool, now: &Stamp) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        call.answered |= answered;
        let ended = Ended { at: *at, reason };
        call.ended = Some(ended);
        self.flows.end_claims(key, &call.claimed);
        let Some(place) = call.seg else {
            self.forget_call(key);
            return;
        };
        let Some(seg) = self.segs.at_mut(place) else { return };
        seg.ended = Some(ended);
        if seg.open {
            let linger = u64::from(self.config.linger_ms).saturating_mul(1_000_000);
            self.ring_at(place, at.mono_ns.saturating_add(linger));
        } else if call.promised == 0 || !call.answered {
            self.close(place, now, reason);
        } else {
            let linger = u64::from(self.config.linger_ms).saturating_mul(1_000_000);
            self.ring_at(place, at.mono_ns.saturating_add(linger));
        }
    }

    /// Forgets a call that is over and whose segment is closed.
    pub(super) fn forget_call(&mut self, key: CallKey) {
        if let Some(call) = self.calls.remove(&key) {
            self.flows.unclaim(key, &call.claimed);
            for flow in call.muted {
                self.flows.unmute(&flow);
            }
        }
    }

    pub(super) fn limit(&mut self, at: &Stamp, what: &str) {
        self.counters.limits = self.counters.limits.saturating_add(1);
        if self.counters.limits.is_power_of_two() {
            let text = format!(
                "The limit of {what} is reached: calls may be missing from the recordings (the ledger names them). \
                 Raise the limit in the configuration or add a recording server."
            );
            self.alarm(*at, None, AlarmKind::Limit, text);
        }
    }
}
