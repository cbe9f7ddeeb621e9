//! One call: a dialog, or one branch of a fork.

use super::media::{Negotiation, Who};
use crate::cmd::CallInfo;
use crate::sip::event::CallKey;

/// How far a call has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum State {
    /// Begun.
    Trying,
    /// The callee rings.
    Ringing,
    /// Up.
    Answered,
    /// Over; kept for retransmissions.
    Ended,
}

/// One call.
pub(super) struct Branch {
    pub(super) key: CallKey,
    /// The called party's tag, once known.
    pub(super) to_tag: Option<Box<str>>,
    pub(super) state: State,
    /// Whether it had been up when it ended.
    pub(super) was_answered: bool,
    pub(super) info: Box<CallInfo>,
    pub(super) media: Negotiation,
    /// The call that it takes over once answered.
    pub(super) replaces: Option<CallKey>,
    /// Another call has taken its place (Replaces); its BYE is then no end of talking.
    pub(super) replaced: bool,
    /// Highest `CSeq` of INFO and REFER obeyed, by sender: a retransmitted digit is one digit.
    obeyed: [u32; 2],
}

impl Branch {
    pub(super) fn new(key: CallKey, info: CallInfo, media: Negotiation) -> Self {
        let info = Box::new(info);
        Self {
            key,
            to_tag: None,
            state: State::Trying,
            was_answered: false,
            info,
            media,
            replaces: None,
            replaced: false,
            obeyed: [0; 2],
        }
    }

    /// Returns about how much memory it takes, in octets.
    pub(super) fn octets(&self) -> usize {
        let info = self.info.as_ref();
        let parties = [&info.caller, &info.called].into_iter().chain(&info.others);
        let texts = parties.flat_map(|party| [&party.display, &party.number, &party.address]);
        let texts =
            texts.chain(&info.call_ids).map(|text| size_of::<String>().saturating_add(text.capacity()));
        let own = size_of::<Self>().saturating_add(size_of::<CallInfo>());
        texts.chain([self.media.octets()]).fold(own, usize::saturating_add)
    }

    pub(super) fn is_live(&self) -> bool {
        self.state != State::Ended
    }

    pub(super) fn has_tag(&self, tag: &str) -> bool {
        self.to_tag.as_deref() == Some(tag)
    }

    /// Makes it an ended one; keys and addresses go at once. Only those of a branch that lost a fork stay for the linger:
    /// proxies are seen that hand a loser's dialog to the caller as the one answered.
    pub(super) fn retire(&mut self, lost_fork: bool) {
        self.was_answered |= self.state == State::Answered;
        self.state = State::Ended;
        if !lost_fork {
            self.media = Negotiation::default();
        }
    }

    /// Takes what was agreed on early, for the call that goes on in its place.
    pub(super) fn take_media(&mut self) -> Negotiation {
        let mut media = std::mem::take(&mut self.media);
        media.forget_told();
        media
    }

    /// Tells whether a request inside the dialog is new; one without a usable number always is.
    pub(super) fn obeys(&mut self, who: Who, cseq: u32) -> bool {
        let last = who.of_mut(&mut self.obeyed);
        let new = cseq == 0 || cseq > *last;
        *last = cseq.max(*last);
        new
    }
}
