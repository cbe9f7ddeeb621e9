//! What one Call-ID and one caller's tag began on one tap: the INVITE with its hops, and its branches.

use shared::{Stamp, TapId};

use super::Limits;
use super::branch::{Branch, State};
use super::facts::{Facts, HopId};
use super::index::Place;
use super::media::{Side, Who};

/// Names a family within one tracker.
pub(super) type FamilyId = u64;

/// Hops of one INVITE that are told apart.
const HOPS_MAX: usize = 64;
/// An answered call that has been quiet this long may be pushed out when there is no room at all.
pub(super) const QUIET_NS: u64 = 3_600_000_000_000;

/// The first INVITE on its way from one element to the next.
struct Hop {
    id: HopId,
    earlier: Vec<HopId>,
    failed: bool,
    cancelled: bool,
}

/// The calls of one INVITE.
pub(super) struct Family {
    pub(super) id: FamilyId,
    pub(super) tap: TapId,
    pub(super) call_id: Box<str>,
    pub(super) caller_tag: Box<str>,
    /// Number of the INVITE that began it; none when that was not seen.
    pub(super) invite_cseq: Option<u32>,
    /// The caller's offer in that INVITE, for branches that come later.
    pub(super) offer: Side,
    pub(super) branches: Vec<Branch>,
    hops: Vec<Hop>,
    seen: Stamp,
    any_response: bool,
    cancelled: Option<Stamp>,
    /// A refusal that the caller may meet with another attempt: its status and when it came.
    pub(super) refused: Option<(u16, Stamp)>,
    pub(super) session_s: Option<u32>,
    /// The octets that it was last counted with.
    pub(super) counted: usize,
}

/// What a refusal on one hop means for all of the INVITE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// Another branch of the way may still succeed.
    OneWay,
    /// Nothing is left.
    All,
}

impl Family {
    pub(super) fn new(id: FamilyId, facts: &Facts<'_, '_>, now: Stamp) -> Self {
        Self {
            id,
            tap: facts.tap,
            call_id: facts.call_id.into(),
            caller_tag: facts.from_tag.into(),
            invite_cseq: None,
            offer: Side::default(),
            branches: Vec::new(),
            hops: Vec::new(),
            seen: now,
            any_response: false,
            cancelled: None,
            refused: None,
            session_s: None,
            counted: 0,
        }
    }

    /// Returns about how much memory it takes, in octets.
    pub(super) fn octets(&self) -> usize {
        let hop = |hop: &Hop| size_of::<Hop>().saturating_add(size_of_val(hop.earlier.as_slice()));
        let names = self.call_id.len().saturating_add(self.caller_tag.len());
        let own = size_of::<Self>().saturating_add(names).saturating_add(self.offer.octets());
        let branches = self.branches.iter().map(Branch::octets);
        self.hops.iter().map(hop).chain(branches).fold(own, usize::saturating_add)
    }

    pub(super) const fn touch(&mut self, now: Stamp) {
        self.seen = now;
    }

    pub(super) const fn note_response(&mut self) {
        self.any_response = true;
    }

    pub(super) fn is_live(&self) -> bool {
        self.branches.iter().any(Branch::is_live)
    }

    pub(super) fn is_answered(&self) -> bool {
        self.branches.iter().any(|branch| branch.state == State::Answered)
    }

    pub(super) fn live_branches(&self) -> usize {
        self.branches.iter().filter(|branch| branch.is_live()).count()
    }

    /// Tells who sent a message with these tags, and the tag of the other end of the caller's; none: not of this family.
    pub(super) fn sender<'t>(&self, from_tag: &'t str, to_tag: &'t str) -> Option<(Who, &'t str)> {
        if *self.caller_tag == *from_tag {
            Some((Who::Caller, to_tag))
        } else if *self.caller_tag == *to_tag && self.knows_called(from_tag) {
            Some((Who::Called, from_tag))
        } else {
            None
        }
    }

    fn knows_called(&self, tag: &str) -> bool {
        self.branches
            .iter()
            .any(|branch| branch.has_tag(tag) || (branch.to_tag.is_none() && branch.is_live()))
    }

    /// Finds the branch with the called party's tag: the exact one, a live one whose tag is not known yet (which it then
    /// gets), or for sets without tags the only live one.
    pub(super) fn branch_with(&mut self, tag: &str) -> Option<usize> {
        if let Some(at) = self.branches.iter().position(|branch| branch.is_live() && branch.has_tag(tag)) {
            return Some(at);
        }
        if let Some(at) = self.branches.iter().position(|branch| branch.has_tag(tag)) {
            return Some(at);
        }
        let unbound = self.branches.iter().position(|branch| branch.is_live() && branch.to_tag.is_none());
        if tag.is_empty() {
            let only =
                (self.live_branches() == 1).then(|| self.branches.iter().position(Branch::is_live)).flatten();
            return unbound.or(only);
        }
        let at = unbound?;
        if let Some(branch) = self.branches.get_mut(at) {
            branch.to_tag = Some(tag.into());
        }
        Some(at)
    }

    /// Begins anew with another attempt of the same call.
    pub(super) fn restart(&mut self, facts: &Facts<'_, '_>) {
        self.caller_tag = facts.from_tag.into();
        self.invite_cseq = Some(facts.cseq);
        self.offer = Side::default();
        self.hops.clear();
        (self.refused, self.cancelled, self.any_response) = (None, None, false);
        for branch in self.branches.iter_mut().filter(|branch| branch.is_live()) {
            branch.to_tag = None;
            branch.media.restart();
        }
    }

    pub(super) fn add_hop(&mut self, facts: &Facts<'_, '_>) {
        if self.hops.len() < HOPS_MAX && !self.hops.iter().any(|hop| hop.id == facts.hop) {
            let earlier = facts.earlier_hops();
            self.hops.push(Hop { id: facts.hop, earlier, failed: false, cancelled: false });
        }
    }

    /// Notes a refusal. A proxy tries several ways; only when every way that came first to our ears has failed is the call
    /// over. A hop that began unseen counts as the first.
    pub(super) fn refuse_hop(&mut self, id: HopId) -> Refusal {
        match self.hops.iter_mut().find(|hop| hop.id == id) {
            Some(hop) => hop.failed = true,
            None => return Refusal::All,
        }
        if self.roots().any(|hop| !hop.failed) { Refusal::OneWay } else { Refusal::All }
    }

    /// Notes a CANCEL, and whether it takes back the whole INVITE or only one way of a fork.
    pub(super) fn cancel_hop(&mut self, id: HopId, now: Stamp) {
        match self.hops.iter_mut().find(|hop| hop.id == id) {
            Some(hop) => hop.cancelled = true,
            None => self.cancelled = Some(now),
        }
        if !self.hops.is_empty() && self.roots().all(|hop| hop.cancelled) {
            self.cancelled.get_or_insert(now);
        }
    }

    pub(super) const fn is_cancelled(&self) -> bool {
        self.cancelled.is_some()
    }

    /// Hops that no other seen hop leads to.
    fn roots(&self) -> impl Iterator<Item = &Hop> {
        self.hops.iter().filter(|hop| {
            !self.hops.iter().any(|other| other.id != hop.id && hop.earlier.contains(&other.id))
        })
    }

    /// Returns when this family wants to be looked at without a message, in nanoseconds, and why.
    pub(super) fn waits_for(&self, limits: &Limits) -> (Option<u64>, &'static str) {
        let after = |from: Stamp, ms: u64| Some(from.mono_ns.saturating_add(ms.saturating_mul(1_000_000)));
        if !self.is_live() {
            return (after(self.seen, limits.linger_ms), "forget");
        }
        if self.is_answered() {
            let interval = self.session_s.filter(|_| limits.session_timer);
            let ms = interval.map(|s| u64::from(s).saturating_mul(2_000).saturating_add(32_000));
            return (ms.and_then(|ms| after(self.seen, ms)), "session-timer");
        }
        if let Some((_, at)) = self.refused {
            return (after(at, limits.retry_ms), "retry");
        }
        if let Some(at) = self.cancelled {
            return (after(at, limits.cancel_ms), "cancel");
        }
        let ms = if self.any_response { limits.ringing_ms } else { limits.silent_ms };
        (after(self.seen, ms), "no-answer")
    }

    pub(super) fn place(&self, limits: &Limits) -> Place {
        Place { due_ns: self.waits_for(limits).0, seen_ns: self.seen.mono_ns, talking: self.is_answered() }
    }
}
