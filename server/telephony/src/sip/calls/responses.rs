//! Responses, and what is due when none comes.

use super::Calls;
use super::branch::State;
use super::facts::Facts;
use super::family::{Family, Refusal};
use super::media::Who;
use super::requests::session_interval;
use crate::sip::event::{CallEventKind, EndedBy};

impl Calls {
    pub(super) fn on_invite_response(&mut self, facts: &Facts<'_, '_>, status: u16) {
        let Some((id, requester, peer_tag)) = self.family_of(facts) else {
            self.on_stray_response(facts, status);
            return;
        };
        self.with_family(id, |calls, family| {
            family.touch(calls.now);
            let first = requester == Who::Caller && family.invite_cseq == Some(facts.cseq);
            if first {
                family.note_response();
                calls.on_first_response(family, facts, peer_tag, status);
            } else {
                calls.on_later_response(family, facts, requester, peer_tag, status);
            }
        });
    }

    /// Answers to UPDATE and PRACK, which change media only.
    pub(super) fn on_other_response(&mut self, facts: &Facts<'_, '_>, status: u16) {
        if let Some((id, requester, peer_tag)) = self.family_of(facts) {
            self.with_family(id, |calls, family| {
                family.touch(calls.now);
                calls.on_later_response(family, facts, requester, peer_tag, status);
            });
        } else {
            self.unmatched();
        }
    }

    fn on_later_response(
        &mut self,
        family: &mut Family,
        facts: &Facts<'_, '_>,
        requester: Who,
        peer_tag: &str,
        status: u16,
    ) {
        if (200..300).contains(&status) {
            family.session_s = session_interval(facts).or(family.session_s);
        }
        let Some(at) = family.branch_with(peer_tag) else {
            self.unmatched();
            return;
        };
        if let Some(branch) = family.branches.get_mut(at).filter(|branch| branch.is_live()) {
            branch.media.on_response(requester, facts, status, &facts.sessions());
            self.tell_media(branch);
        }
    }

    /// A response to the INVITE that began the call.
    fn on_first_response(&mut self, family: &mut Family, facts: &Facts<'_, '_>, tag: &str, status: u16) {
        match status {
            ..=100 => {}
            101..=199 => self.on_progress(family, facts, tag, status),
            200..=299 => self.on_answer(family, facts, tag),
            300.. => self.on_refusal(family, facts, tag, status),
        }
    }

    fn on_progress(&mut self, family: &mut Family, facts: &Facts<'_, '_>, tag: &str, status: u16) {
        if !family.is_live() {
            return;
        }
        let at =
            family.branch_with(tag).or_else(|| if tag.is_empty() { None } else { self.fork(family, tag) });
        let Some(branch) = at.and_then(|at| family.branches.get_mut(at)).filter(|branch| branch.is_live())
        else {
            return;
        };
        if matches!(status, 180..=182) && branch.state == State::Trying {
            branch.state = State::Ringing;
            self.emit(branch.key, self.now, CallEventKind::Alerting);
        }
        branch.media.on_response(Who::Caller, facts, status, &facts.sessions());
        self.tell_media(branch);
    }

    /// A 200: this branch is the call. A second one from another branch is a call too, until the caller ends it.
    fn on_answer(&mut self, family: &mut Family, facts: &Facts<'_, '_>, tag: &str) {
        let over = |at: &usize| family.branches.get(*at).is_some_and(|branch| !branch.is_live());
        let found = family.branches.iter().position(|branch| branch.has_tag(tag)).filter(over);
        if let Some(branch) = found.and_then(|at| family.branches.get(at))
            && branch.was_answered
        {
            return; // The 200 once more, after the BYE.
        }
        let at = if found.is_some() { None } else { family.branch_with(tag) };
        let Some(at) = at.or_else(|| self.fork(family, tag)) else {
            return;
        };
        let now = self.now;
        let mut replaces = None;
        if let Some(branch) = family.branches.get_mut(at).filter(|branch| branch.is_live()) {
            branch.media.on_response(Who::Caller, facts, 200, &facts.sessions());
            if branch.state < State::Answered {
                branch.state = State::Answered;
                self.emit(branch.key, now, CallEventKind::Answered);
                self.note_identity(branch, facts);
                replaces = branch.replaces;
            }
            self.tell_media(branch);
        }
        family.session_s = session_interval(facts).or(family.session_s);
        family.refused = None;
        for branch in family.branches.iter_mut().filter(|branch| branch.state < State::Answered) {
            self.end(branch, now, "forked-elsewhere", 0, EndedBy::Unknown);
        }
        if let Some(call) = replaces {
            self.mark_replaced(call);
        }
    }

    /// A refusal of the INVITE, on one hop.
    fn on_refusal(&mut self, family: &mut Family, facts: &Facts<'_, '_>, tag: &str, status: u16) {
        let now = self.now;
        let refusal = family.refuse_hop(facts.hop);
        if family.is_answered() || refusal == Refusal::OneWay {
            let several = family.live_branches() > 1;
            let Some(branch) =
                family.branches.iter_mut().find(|b| b.has_tag(tag) && b.state < State::Answered)
            else {
                return;
            };
            if several {
                let (reason, by) =
                    if status == 487 { ("forked-elsewhere", EndedBy::Unknown) } else { why(status) };
                self.end(branch, now, reason, status, by);
            } else {
                branch.to_tag = None; // The call goes on to somebody else.
            }
            return;
        }
        if family.is_cancelled() {
            self.end_all(family, now, "cancel", status, EndedBy::Caller);
        } else if asks_again(status) {
            family.refused.get_or_insert((status, now));
        } else {
            let (reason, by) = why(status);
            self.end_all(family, now, reason, status, by);
        }
    }

    /// A response to an INVITE that was never seen. With a description it shows a call.
    fn on_stray_response(&mut self, facts: &Facts<'_, '_>, status: u16) {
        let sessions = if (101..300).contains(&status) { facts.sessions() } else { Vec::new() };
        if sessions.is_empty() || !self.families_of(facts).is_empty() {
            self.unmatched();
            return;
        }
        if let Some(mut family) = self.new_family(facts, true) {
            family.invite_cseq = Some(facts.cseq);
            family.note_response();
            self.on_first_response(&mut family, facts, facts.to_tag, status);
            self.put_back(family);
        }
    }

    /// What a family waited for has not come. Tells whether the family is still to be kept.
    pub(super) fn expire(&mut self, family: &mut Family) -> bool {
        let now = self.now;
        let (due_ns, reason) = family.waits_for(&self.limits);
        if due_ns.is_none_or(|due_ns| due_ns > now.mono_ns) {
            return true;
        }
        match (reason, family.refused) {
            ("retry", Some((status, at))) => {
                let (reason, by) = why(status);
                self.end_all(family, at, reason, status, by);
                family.touch(now);
            }
            ("cancel", _) => {
                self.end_all(family, now, "cancel", 0, EndedBy::Caller);
                family.touch(now);
            }
            ("session-timer", _) => {
                self.end_all(family, now, "session-timer", 0, EndedBy::Unknown);
                family.touch(now);
            }
            ("no-answer", _) => {
                self.end_all(family, now, "no-answer", 0, EndedBy::Unknown);
                family.touch(now);
            }
            _ => return false,
        }
        true
    }
}

/// Refusals that a caller may meet with another INVITE of the same Call-ID: credentials, a redirection, another offer.
const fn asks_again(status: u16) -> bool {
    matches!(status, 300..=399 | 401 | 407 | 415 | 420 | 421 | 422 | 423 | 428 | 433 | 488 | 494 | 503)
}

const fn why(status: u16) -> (&'static str, EndedBy) {
    match status {
        300..=399 => ("redirected", EndedBy::Called),
        486 | 600 => ("busy", EndedBy::Called),
        603 | 607 | 608 => ("declined", EndedBy::Called),
        487 => ("cancel", EndedBy::Caller),
        _ => ("failed", EndedBy::Unknown),
    }
}
