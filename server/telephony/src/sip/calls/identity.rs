//! Making, linking and ending calls; room for new ones.

use shared::{Direction, Event, Method as Delivery, Party, Side, Stamp};

use super::Calls;
use super::branch::{Branch, State};
use super::facts::Facts;
use super::family::{Family, FamilyId, QUIET_NS};
use super::media::{Negotiation, Who};
use crate::cmd::CallInfo;
use crate::sip::event::{CallEventKind, CallKey, EndedBy};
use crate::sip::header::{HeaderName, parameter};
use crate::sip::uri::{NameAddr, Uri, asserted_identity, called_of, caller_of, diverted_from, unescape};

/// Transfers asked for that a new call may still answer.
const REFERS_MAX: usize = 1_024;
/// How long a REFER waits for the call that it asks for.
const REFER_MS: u64 = 60_000;
/// Families of one Call-ID: taps, and exchanges that use one Call-ID for several calls.
const SAME_CALL_ID_MAX: usize = 64;
/// Further parties kept of one call.
const OTHERS_MAX: usize = 16;

/// A REFER whose new call has not come yet.
pub(super) struct PendingRefer {
    call: CallKey,
    target: String,
    parties: [String; 2],
    at: Stamp,
}

impl Calls {
    /// Makes a family with one call in it, or nothing when there is no room for it.
    pub(super) fn new_family(&mut self, facts: &Facts<'_, '_>, start_missed: bool) -> Option<Box<Family>> {
        if !self.make_room() {
            self.counters.refused = self.counters.refused.saturating_add(1);
            return None;
        }
        self.last_family = self.last_family.wrapping_add(1);
        let mut family = Box::new(Family::new(self.last_family, facts, self.now));
        let info = first_info(facts);
        let related = self.same_call_id(facts);
        self.add_branch(&mut family, info, Negotiation::default(), start_missed);
        let key = family.branches.first().map(|branch| branch.key)?;
        if let Some(to) = related {
            self.emit(key, self.now, CallEventKind::Linked { to, evidence: "call-id" });
        }
        let ids = self.by_call_id.entry(family.call_id.clone()).or_default();
        if ids.len() < SAME_CALL_ID_MAX {
            ids.push(family.id);
        }
        Some(family)
    }

    /// Adds a call to a family and tells of it. Its place in the list is the last.
    pub(super) fn add_branch(
        &mut self,
        family: &mut Family,
        info: CallInfo,
        media: Negotiation,
        start_missed: bool,
    ) {
        self.last_key = self.last_key.wrapping_add(1);
        let key = CallKey(self.last_key);
        self.by_key.insert(key, family.id);
        let told = Box::new(info.clone());
        // Most calls have one branch for ever.
        family.branches.reserve_exact(1);
        family.branches.push(Branch::new(key, info, media));
        self.emit(key, self.now, CallEventKind::New { info: told, start_missed });
    }

    /// Adds a further branch of a fork, or nothing when it has too many.
    pub(super) fn fork(&mut self, family: &mut Family, to_tag: &str) -> Option<usize> {
        if family.branches.len() >= self.limits.branches || !self.make_room() {
            self.counters.refused = self.counters.refused.saturating_add(1);
            return None;
        }
        let first = family.branches.first()?;
        let (first_key, info) = (first.key, first.info.as_ref().clone());
        let lost = family.branches.iter_mut().find(|branch| !branch.is_live() && branch.has_tag(to_tag));
        let before = lost.map(Branch::take_media).filter(Negotiation::is_begun);
        let cseq = family.invite_cseq.unwrap_or(0);
        let media = before.unwrap_or_else(|| Negotiation::forked(cseq, family.offer.clone()));
        self.add_branch(family, info, media, false);
        let branch = family.branches.last_mut()?;
        branch.to_tag = Some(to_tag.into());
        let key = branch.key;
        self.emit(key, self.now, CallEventKind::Linked { to: first_key, evidence: "fork" });
        family.branches.len().checked_sub(1)
    }

    /// Ends one call and lets its keys go.
    pub(super) fn end(
        &mut self,
        branch: &mut Branch,
        at: Stamp,
        reason: &'static str,
        status: u16,
        by: EndedBy,
    ) {
        if !branch.is_live() {
            return;
        }
        let answered = branch.state == State::Answered;
        branch.retire(reason == "forked-elsewhere");
        self.emit(branch.key, at, CallEventKind::Ended { reason, status, by, answered });
    }

    pub(super) fn end_all(
        &mut self,
        family: &mut Family,
        at: Stamp,
        reason: &'static str,
        status: u16,
        by: EndedBy,
    ) {
        for branch in &mut family.branches {
            self.end(branch, at, reason, status, by);
        }
        family.refused = None;
    }

    /// Tells the media picture if it has changed, and hold or its end with it.
    pub(super) fn tell_media(&mut self, branch: &mut Branch) {
        let was_agreed = branch.media.is_agreed();
        let was_held = branch.media.held_noted;
        let Some(plan) = branch.media.news() else {
            return;
        };
        self.emit(branch.key, self.now, CallEventKind::Media(Box::new(plan)));
        let held = branch.media.on_hold();
        // A call that begins one-way (an announcement) is not held; a call that becomes so is.
        let word = match (was_held, held) {
            (false, true) if was_agreed => "held",
            (true, false) => "retrieved",
            _ => return,
        };
        branch.media.held_noted = held;
        let by = branch.media.last_offerer.map_or("", Who::word);
        self.emit(branch.key, self.now, CallEventKind::Note(Event::new(word, 0).text("by", by)));
    }

    /// Adds a party that appeared during the call, if it is a new one.
    pub(super) fn add_party(&mut self, branch: &mut Branch, party: Party) {
        let info = &mut branch.info;
        let same = |known: &Party| known.number == party.number;
        let known = same(&info.caller) || same(&info.called) || info.others.iter().any(same);
        if known || party.number.is_empty() || info.others.len() >= OTHERS_MAX {
            return;
        }
        info.others.push(party);
        self.tell_info(branch);
    }

    fn tell_info(&mut self, branch: &Branch) {
        self.emit(branch.key, self.now, CallEventKind::Info(branch.info.clone()));
    }

    /// The sender of a message in a call that is up may be somebody new: an exchange that transferred without a word.
    pub(super) fn note_identity(&mut self, branch: &mut Branch, facts: &Facts<'_, '_>) {
        if let Some(party) = asserted_identity(facts.message) {
            self.add_party(branch, party);
        }
    }

    /// Links a new call to the one that it takes over (RFC 3891) or that asked for it (RFC 3515).
    pub(super) fn link_origin(&mut self, family: &mut Family, facts: &Facts<'_, '_>) {
        let Some(branch) = family.branches.first_mut() else {
            return;
        };
        if let Some(value) = facts.message.header(HeaderName::Replaces) {
            let id = value.split_once(';').map_or(value, |(id, _)| id).trim();
            if branch.info.call_ids.iter().all(|known| known != id) && !id.is_empty() && id.len() <= 512 {
                branch.info.call_ids.push(id.to_owned());
                self.tell_info(branch);
            }
            if let Some(to) = self.replaced_call(value) {
                branch.replaces = Some(to);
                self.emit(branch.key, self.now, CallEventKind::Linked { to, evidence: "replaces" });
            }
        }
        let called = branch.info.called.number.clone();
        let target = match &facts.message.start {
            crate::sip::message::Start::Request { uri, .. } => Uri::parse(uri).user.into_owned(),
            crate::sip::message::Start::Response { .. } => String::new(),
        };
        let now = self.now;
        self.refers.retain(|refer| now.micros_since(&refer.at) / 1_000 < REFER_MS);
        // The number asked for, called by somebody of that call, or by anybody who says that he was asked.
        let caller = branch.info.caller.number.as_str();
        let asked = facts.message.header(HeaderName::ReferredBy).is_some();
        let wanted = |refer: &&PendingRefer| {
            let number = !refer.target.is_empty() && (refer.target == called || refer.target == target);
            number && (asked || refer.parties.iter().any(|party| party == caller))
        };
        if let Some(to) = self.refers.iter().rev().find(wanted).map(|refer| refer.call) {
            self.emit(branch.key, self.now, CallEventKind::Linked { to, evidence: "refer" });
        }
    }

    /// Takes a REFER: notes the transfer, names its target, and waits for the call that it asks for.
    pub(super) fn on_refer(&mut self, branch: &mut Branch, who: Who, facts: &Facts<'_, '_>) {
        let Some(value) = facts.message.header(HeaderName::ReferTo) else {
            return;
        };
        let refer_to = NameAddr::parse(value);
        let uri = Uri::parse(refer_to.address);
        let mut target = refer_to.party();
        target.address = target
            .address
            .split_once('?')
            .map_or_else(|| target.address.clone(), |(address, _)| address.to_owned());
        let replaces = uri.headers.split('&').find_map(|header| {
            let (name, value) = header.split_once('=')?;
            name.eq_ignore_ascii_case("replaces").then(|| unescape(value).into_owned())
        });
        let kind = if replaces.is_some() { "attended" } else { "blind" };
        let note =
            Event::new("transferred", 0).text("by", who.word()).text("to", &target.number).text("kind", kind);
        self.emit(branch.key, self.now, CallEventKind::Note(note));
        if let Some(to) = replaces.and_then(|value| self.replaced_call(&value)).filter(|to| *to != branch.key)
        {
            self.emit(branch.key, self.now, CallEventKind::Linked { to, evidence: "refer" });
        }
        if self.refers.len() >= REFERS_MAX {
            self.refers.pop_front();
        }
        let parties = [branch.info.caller.number.clone(), branch.info.called.number.clone()];
        let (target_number, at) = (target.number.clone(), self.now);
        self.refers.push_back(PendingRefer { call: branch.key, target: target_number, parties, at });
        self.add_party(branch, target);
    }

    /// Finds the call that a `Replaces` value names: `id;to-tag=x;from-tag=y`.
    fn replaced_call(&self, value: &str) -> Option<CallKey> {
        let (id, params) = value.split_once(';').unwrap_or((value, ""));
        let tags = [
            parameter(params, "to-tag").unwrap_or_default(),
            parameter(params, "from-tag").unwrap_or_default(),
        ];
        let families = self.by_call_id.get(id.trim())?.iter().rev().filter_map(|id| self.families.get(id));
        let [to, from] = tags;
        families.flat_map(|family| family.branches.iter().map(move |branch| (family, branch))).find_map(
            |(family, branch)| {
                let fits =
                    |caller: &str, called: &str| *family.caller_tag == *caller && branch.has_tag(called);
                (fits(to, from) || fits(from, to)).then_some(branch.key)
            },
        )
    }

    /// A call has been taken over: its BYE is no hanging up.
    pub(super) fn mark_replaced(&mut self, call: CallKey) {
        let family = self.by_key.get(&call).and_then(|id| self.families.get_mut(id));
        if let Some(branch) =
            family.and_then(|family| family.branches.iter_mut().find(|branch| branch.key == call))
        {
            branch.replaced = true;
        }
    }

    /// Finds a call with the same Call-ID, on another tap or from another caller's tag; one that is up is preferred.
    fn same_call_id(&self, facts: &Facts<'_, '_>) -> Option<CallKey> {
        let families = || {
            self.by_call_id.get(facts.call_id).into_iter().flatten().filter_map(|id| self.families.get(id))
        };
        let branches = || families().flat_map(|family| &family.branches);
        branches().find(|branch| branch.is_live()).or_else(|| branches().last()).map(|branch| branch.key)
    }

    /// Returns the families of a message's Call-ID on its tap, the youngest first.
    pub(super) fn families_of(&self, facts: &Facts<'_, '_>) -> Vec<FamilyId> {
        let ids = self.by_call_id.get(facts.call_id).map(Vec::as_slice).unwrap_or_default();
        let here = |id: &&FamilyId| self.families.get(id).is_some_and(|family| family.tap == facts.tap);
        ids.iter().rev().filter(here).copied().collect()
    }

    /// Puts a family back after work on it.
    pub(super) fn put_back(&mut self, mut family: Box<Family>) {
        let octets = family.octets();
        let before = std::mem::replace(&mut family.counted, octets);
        self.octets = self.octets.saturating_sub(before).saturating_add(octets);
        self.index.put(family.id, family.place(&self.limits));
        self.families.insert(family.id, family);
    }

    /// Forgets a family that was taken out for good.
    pub(super) fn drop_family(&mut self, family: &Family) {
        self.index.remove(family.id);
        self.octets = self.octets.saturating_sub(family.counted);
        for branch in &family.branches {
            self.by_key.remove(&branch.key);
        }
        if let Some(ids) = self.by_call_id.get_mut(&family.call_id) {
            ids.retain(|id| *id != family.id);
            if ids.is_empty() {
                self.by_call_id.remove(&family.call_id);
            }
        }
    }

    /// Makes room for one more call. Calls that are up are pushed out only after an hour of quiet.
    fn make_room(&mut self) -> bool {
        while self.by_key.len() >= self.limits.calls {
            let long_ago_ns = self.now.mono_ns.saturating_sub(QUIET_NS);
            let Some(id) = self.index.least_missed(long_ago_ns) else {
                return false;
            };
            self.push_out(id);
        }
        true
    }

    /// Keeps within the octets that may be held. If no other is left, calls that are up go as well, the quietest first: their
    /// media are recorded all the same, as orphans.
    pub(super) fn shed(&mut self) {
        while self.octets > self.limits.octets {
            let Some(id) = self.index.least_missed(u64::MAX) else { return };
            self.push_out(id);
        }
    }

    /// Ends all calls of a family for want of room.
    fn push_out(&mut self, id: FamilyId) {
        let Some(mut family) = self.families.remove(&id) else {
            self.index.remove(id); // The one in hand; it gets its place again when it is put back.
            return;
        };
        let live = u64::try_from(family.live_branches()).unwrap_or(u64::MAX);
        self.counters.evicted = self.counters.evicted.saturating_add(live);
        let now = self.now;
        self.end_all(&mut family, now, "limit", 0, EndedBy::Unknown);
        self.drop_family(&family);
    }
}

fn first_info(facts: &Facts<'_, '_>) -> CallInfo {
    CallInfo {
        call_ids: vec![facts.call_id.to_owned()],
        caller: caller_of(facts.message),
        called: called_of(facts.message),
        others: diverted_from(facts.message),
        direction: Direction::Unknown,
        method: Delivery::Voip,
        side: Side::default(),
        tap: facts.tap,
        orphan: false,
    }
}
