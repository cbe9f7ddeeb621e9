//! Requests: what begins, changes, moves and ends calls.

use shared::Event;

use super::Calls;
use super::branch::{Branch, State};
use super::facts::Facts;
use super::family::{Family, FamilyId};
use super::media::Who;
use crate::sip::body::part_of_type;
use crate::sip::event::{CallEventKind, EndedBy};
use crate::sip::header::HeaderName;
use crate::sip::message::Method;

/// What an INVITE without a To-tag is to a family that has its Call-ID.
enum Known {
    /// Nothing new: old, or of a call that is over.
    Stale,
    /// The same INVITE, again or on another hop.
    Again,
    /// Another attempt of the same call, after 401 or its like.
    Retry,
    /// Another call.
    Stranger,
}

impl Calls {
    /// An INVITE outside any dialog.
    pub(super) fn on_first_invite(&mut self, facts: &Facts<'_, '_>) {
        for id in self.families_of(facts) {
            let known = self.families.get(&id).map_or(Known::Stranger, |family| recognise(family, facts));
            match known {
                Known::Stranger => continue,
                Known::Stale => {}
                Known::Again | Known::Retry => self.with_family(id, |calls, family| {
                    if matches!(known, Known::Retry) {
                        family.restart(facts);
                    }
                    calls.take_offer(family, facts);
                }),
            }
            return;
        }
        if let Some(mut family) = self.new_family(facts, false) {
            family.invite_cseq = Some(facts.cseq);
            self.take_offer(&mut family, facts);
            self.link_origin(&mut family, facts);
            self.put_back(family);
        }
    }

    /// The caller's first offer, on one hop: it holds for all branches.
    fn take_offer(&mut self, family: &mut Family, facts: &Facts<'_, '_>) {
        family.add_hop(facts);
        family.touch(self.now);
        let sessions = facts.sessions();
        family.offer.put(facts.link, &sessions);
        for branch in family.branches.iter_mut().filter(|branch| branch.is_live()) {
            branch.media.on_request(Who::Caller, facts, &sessions);
            self.tell_media(branch);
        }
    }

    pub(super) fn on_cancel(&mut self, facts: &Facts<'_, '_>) {
        let now = self.now;
        let ids = self.families_of(facts);
        let ours =
            |family: &Family| *family.caller_tag == *facts.from_tag && family.invite_cseq == Some(facts.cseq);
        let found = ids.into_iter().find(|id| self.families.get(id).is_some_and(|family| ours(family)));
        match found {
            Some(id) => self.with_family(id, |_, family| {
                family.touch(now);
                family.cancel_hop(facts.hop, now);
            }),
            None => self.unmatched(),
        }
    }

    /// A request inside a dialog.
    pub(super) fn on_dialog_request(&mut self, facts: &Facts<'_, '_>, method: Method) {
        let Some((id, who, peer_tag)) = self.family_of(facts) else {
            self.on_stray_request(facts, method);
            return;
        };
        self.with_family(id, |calls, family| {
            family.touch(calls.now);
            let Some(at) = family.branch_with(peer_tag) else {
                calls.unmatched();
                return;
            };
            if let Some(branch) = family.branches.get_mut(at).filter(|branch| branch.is_live()) {
                calls.in_dialog(branch, who, facts, method);
            }
        });
    }

    fn in_dialog(&mut self, branch: &mut Branch, who: Who, facts: &Facts<'_, '_>, method: Method) {
        match method {
            Method::Invite | Method::Update | Method::Ack | Method::Prack => {
                branch.media.on_request(who, facts, &facts.sessions());
                self.tell_media(branch);
                if matches!(method, Method::Invite | Method::Update) {
                    self.note_identity(branch, facts);
                }
            }
            Method::Bye => {
                let by = match who {
                    Who::Caller => EndedBy::Caller,
                    Who::Called => EndedBy::Called,
                };
                let reason = if branch.replaced { "replaced" } else { "bye" };
                self.end(branch, self.now, reason, 0, by);
            }
            Method::Refer if branch.obeys(who, facts.cseq) => self.on_refer(branch, who, facts),
            Method::Info if branch.obeys(who, facts.cseq) => self.on_info(branch, who, facts),
            Method::Refer | Method::Info | Method::Cancel | Method::Notify | Method::Other => {}
        }
    }

    /// A request of a dialog whose beginning was missed: it shows a call if it tells of media.
    fn on_stray_request(&mut self, facts: &Facts<'_, '_>, method: Method) {
        let tells = matches!(method, Method::Invite | Method::Update | Method::Ack | Method::Prack);
        let sessions = if tells { facts.sessions() } else { Vec::new() };
        if sessions.is_empty() || !self.families_of(facts).is_empty() {
            self.unmatched();
            return;
        }
        let Some(mut family) = self.new_family(facts, true) else {
            return;
        };
        if let Some(branch) = family.branches.first_mut() {
            branch.to_tag = Some(facts.to_tag.into());
            if method != Method::Prack {
                branch.state = State::Answered;
                self.emit(branch.key, self.now, CallEventKind::Answered);
            }
            branch.media.on_stray(facts, &sessions);
            self.tell_media(branch);
        }
        self.put_back(family);
    }

    /// Digits as cisco and others carry them: `Signal=5` and `Duration=160`, or the digit alone.
    fn on_info(&mut self, branch: &Branch, who: Who, facts: &Facts<'_, '_>) {
        let relay = part_of_type(facts.message, "application/dtmf-relay");
        let Some(body) = relay.or_else(|| part_of_type(facts.message, "application/dtmf")) else {
            return;
        };
        let text = String::from_utf8_lossy(body.get(..body.len().min(256)).unwrap_or_default()).into_owned();
        let value = |wanted: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once('='));
            lines
                .find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))
                .map(|(_, value)| value.trim().to_owned())
        };
        let signal = value("signal").unwrap_or_else(|| text.trim().to_owned());
        let Some(digit) = digit_of(&signal) else {
            return;
        };
        let mut note =
            Event::new("digit", 0).text("digit", digit).text("by", who.word()).text("way", "sip-info");
        if let Some(ms) = value("duration").and_then(|ms| ms.parse::<u16>().ok()) {
            note = note.int("ms", i64::from(ms));
        }
        self.emit(branch.key, self.now, CallEventKind::Note(note));
    }

    /// Finds the family of a message inside a dialog, who sent its request, and the called party's tag.
    pub(super) fn family_of<'t>(&self, facts: &Facts<'t, '_>) -> Option<(FamilyId, Who, &'t str)> {
        let ids = self.families_of(facts);
        let place = |id: FamilyId| {
            let family = self.families.get(&id)?;
            let (who, tag) = family.sender(facts.from_tag, facts.to_tag)?;
            Some((id, who, tag))
        };
        let live = |id: &FamilyId| self.families.get(id).is_some_and(|family| family.is_live());
        ids.iter()
            .filter(|id| live(id))
            .find_map(|id| place(*id))
            .or_else(|| ids.iter().find_map(|id| place(*id)))
    }

    /// Works on a family taken out of the table, and puts it back.
    pub(super) fn with_family(&mut self, id: FamilyId, work: impl FnOnce(&mut Self, &mut Family)) {
        if let Some(mut family) = self.families.remove(&id) {
            work(self, &mut family);
            self.put_back(family);
        }
    }

    pub(super) const fn unmatched(&mut self) {
        self.counters.unmatched = self.counters.unmatched.saturating_add(1);
    }
}

fn recognise(family: &Family, facts: &Facts<'_, '_>) -> Known {
    let same_caller = *family.caller_tag == *facts.from_tag;
    if !same_caller {
        let retry = family.refused.is_some() && family.is_live();
        return if retry { Known::Retry } else { Known::Stranger };
    }
    let newer = family.invite_cseq.is_none_or(|cseq| facts.cseq > cseq);
    let same = family.invite_cseq == Some(facts.cseq);
    match (family.is_live(), family.is_answered()) {
        (false, _) if newer => Known::Stranger,
        (false, _) => Known::Stale,
        (true, _) if same => Known::Again,
        (true, false) if newer => Known::Retry,
        (true, true) if newer => Known::Stranger,
        (true, _) => Known::Stale,
    }
}

fn digit_of(signal: &str) -> Option<&'static str> {
    const DIGITS: [&str; 16] =
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#", "A", "B", "C", "D"];
    if signal.is_empty() || signal.len() > 2 {
        return None;
    }
    // Numbers as in RFC 4733 are seen too: 10 is the star, 11 the hash.
    match signal {
        "10" => Some("*"),
        "11" => Some("#"),
        _ => DIGITS.into_iter().find(|digit| digit.eq_ignore_ascii_case(signal)),
    }
}

/// Returns the session interval that a message tells (RFC 4028), in seconds.
pub(super) fn session_interval(facts: &Facts<'_, '_>) -> Option<u32> {
    let value = facts.message.header(HeaderName::SessionExpires)?;
    let seconds = value.split_once(';').map_or(value, |(seconds, _)| seconds).trim().parse().ok()?;
    (90..=604_800).contains(&seconds).then_some(seconds)
}
