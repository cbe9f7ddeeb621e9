//! Offer and answer (RFC 3264, RFC 6337) as seen from outside, and the media picture that they make.
//!
//! Each requester has at most one exchange open; an answer completes the picture, a refusal leaves it as it was. Since
//! proxies may rewrite descriptions, each side of an exchange keeps one description per link that it was seen on: the same
//! leg then has several receivers, told as several [`LegPlan`]s with one `leg` number.

use std::sync::Arc;

use super::facts::{Facts, Link};
use crate::net::Endpoint;
use crate::sip::event::{Format, LegPlan, MediaPlan, Protection};
use crate::sip::message::Method;
use crate::sip::sdp::{Media, MediaKind, Session};

/// Descriptions kept of one side: links that the message was seen on, times the parts of a multipart.
const DESCRIPTIONS_MAX: usize = 8;
/// Legs of one plan, other receivers of the same leg included.
const LEGS_MAX: usize = 32;
/// Voice lines that are followed.
const LINES_MAX: u8 = 8;

/// One end of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Who {
    Caller,
    Called,
}

impl Who {
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Caller => Self::Called,
            Self::Called => Self::Caller,
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Called => "called",
        }
    }

    pub(super) const fn of<T>(self, pair: &[T; 2]) -> &T {
        let [caller, called] = pair;
        match self {
            Self::Caller => caller,
            Self::Called => called,
        }
    }

    pub(super) const fn of_mut<T>(self, pair: &mut [T; 2]) -> &mut T {
        let [caller, called] = pair;
        match self {
            Self::Caller => caller,
            Self::Called => called,
        }
    }
}

/// A description and the link that it was seen on.
#[derive(Clone)]
struct Described {
    link: Link,
    session: Arc<Session>,
}

/// What one end said, in all the forms that were seen on the way.
#[derive(Clone, Default)]
pub(super) struct Side(Vec<Described>);

impl Side {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes what was seen on a link in place of what was seen there before.
    pub(super) fn put(&mut self, link: Link, sessions: &[Arc<Session>]) {
        if sessions.is_empty() {
            return;
        }
        let same = self.0.iter().filter(|known| known.link == link).map(|known| &known.session).eq(sessions);
        if same {
            return;
        }
        self.0.retain(|known| known.link != link);
        for session in sessions {
            if self.0.len() < DESCRIPTIONS_MAX {
                self.0.push(Described { link, session: Arc::clone(session) });
            }
        }
    }

    /// Returns what was seen on a link, else what was seen anywhere.
    fn on(&self, link: Link) -> Option<&Session> {
        self.0
            .iter()
            .find(|known| known.link == link)
            .or_else(|| self.0.first())
            .map(|known| known.session.as_ref())
    }

    /// Returns about how much memory it takes, in octets. A description that several ends share counts for each.
    pub(super) fn octets(&self) -> usize {
        let media = self.0.iter().flat_map(|known| &known.session.media).map(Media::octets);
        media.fold(size_of_val(self.0.as_slice()), usize::saturating_add)
    }

    fn any(&self, test: impl Fn(&Media) -> bool) -> bool {
        self.0.iter().any(|known| known.session.media.iter().any(&test))
    }
}

/// An offer on its way to its answer, or with it: later forms of the answer replace earlier ones.
struct Exchange {
    method: Method,
    cseq: u32,
    offerer: Who,
    offer: Side,
    answer: Side,
}

impl Exchange {
    fn side(&self, who: Who) -> &Side {
        if who == self.offerer { &self.offer } else { &self.answer }
    }
}

/// The state of offers and answers of one call.
#[derive(Default)]
pub(super) struct Negotiation {
    /// What both last agreed on: the caller's and the called party's description.
    agreed: Option<[Side; 2]>,
    /// By requester.
    open: [Option<Exchange>; 2],
    /// Requests without an offer, by requester: the response brings it.
    offerless: [Option<(Method, u32)>; 2],
    /// Highest `CSeq` of a request with a say in media, by requester.
    seen: [u32; 2],
    /// The last request that was refused, by requester.
    refused: [Option<u32>; 2],
    /// The last to make an offer.
    pub(super) last_offerer: Option<Who>,
    /// The picture as told last.
    told: MediaPlan,
    /// Hold was noted and not yet its end.
    pub(super) held_noted: bool,
}

impl Negotiation {
    /// Makes the state of a further branch of a fork: the caller's offer is out, this branch has not answered.
    pub(super) fn forked(cseq: u32, offer: Side) -> Self {
        let mut new = Self::default();
        new.seen[0] = cseq;
        if offer.is_empty() {
            new.offerless[0] = Some((Method::Invite, cseq));
        } else {
            let answer = Side::default();
            new.open[0] =
                Some(Exchange { method: Method::Invite, cseq, offerer: Who::Caller, offer, answer });
        }
        new
    }

    /// Returns about how much memory it takes beside its own size, in octets.
    pub(super) fn octets(&self) -> usize {
        let agreed = self.agreed.iter().flatten();
        let open = self.open.iter().flatten().flat_map(|exchange| [&exchange.offer, &exchange.answer]);
        agreed.chain(open).map(Side::octets).fold(self.told.octets(), usize::saturating_add)
    }

    /// Forgets all but what was told last: the same call is tried again.
    pub(super) fn restart(&mut self) {
        *self = Self { told: std::mem::take(&mut self.told), ..Self::default() };
    }

    /// Forgets what was told: another call goes on with this state.
    pub(super) fn forget_told(&mut self) {
        self.told = MediaPlan::default();
        self.held_noted = false;
    }

    /// Takes the description of a request, or that there is none.
    pub(super) fn on_request(&mut self, who: Who, facts: &Facts<'_, '_>, sessions: &[Arc<Session>]) {
        match facts.method {
            Method::Ack => self.answer_late_offer(who, Some(facts.cseq), facts.link, sessions),
            Method::Prack if sessions.is_empty() => {}
            Method::Prack if self.owes_answer(who) => self.answer_late_offer(who, None, facts.link, sessions),
            Method::Invite | Method::Update | Method::Prack => self.offer(who, facts, sessions),
            Method::Bye | Method::Cancel | Method::Refer | Method::Info | Method::Notify | Method::Other => {}
        }
    }

    fn offer(&mut self, who: Who, facts: &Facts<'_, '_>, sessions: &[Arc<Session>]) {
        let seen = *who.of(&self.seen);
        if facts.cseq < seen || *who.of(&self.refused) == Some(facts.cseq) {
            return;
        }
        *who.of_mut(&mut self.seen) = facts.cseq;
        if sessions.is_empty() {
            if facts.method == Method::Invite {
                *who.of_mut(&mut self.offerless) = Some((facts.method, facts.cseq));
            }
            return;
        }
        self.last_offerer = Some(who);
        let open = who.of_mut(&mut self.open);
        if let Some(exchange) =
            open.as_mut().filter(|open| open.method == facts.method && open.cseq == facts.cseq)
        {
            if exchange.offerer != who {
                // The answer overtook its offer, which looked like an offer then.
                exchange.answer = std::mem::take(&mut exchange.offer);
                exchange.offerer = who;
            }
            exchange.offer.put(facts.link, sessions);
            self.agree(who);
            return;
        }
        let mut offer = Side::default();
        offer.put(facts.link, sessions);
        let answer = Side::default();
        *open = Some(Exchange { method: facts.method, cseq: facts.cseq, offerer: who, offer, answer });
    }

    fn owes_answer(&self, who: Who) -> bool {
        who.of(&self.open).as_ref().is_some_and(|open| open.offerer != who && open.answer.is_empty())
    }

    fn answer_late_offer(&mut self, who: Who, cseq: Option<u32>, link: Link, sessions: &[Arc<Session>]) {
        let Some(open) = who.of_mut(&mut self.open) else {
            return;
        };
        if !sessions.is_empty() && open.offerer != who && cseq.is_none_or(|cseq| cseq == open.cseq) {
            open.answer.put(link, sessions);
            self.agree(who);
        }
    }

    /// Takes the description of a response, or the refusal.
    pub(super) fn on_response(
        &mut self,
        requester: Who,
        facts: &Facts<'_, '_>,
        status: u16,
        sessions: &[Arc<Session>],
    ) {
        let transaction = (facts.method, facts.cseq);
        let open = requester.of_mut(&mut self.open);
        let current = open.as_mut().filter(|open| (open.method, open.cseq) == transaction);
        if status >= 300 {
            // Only what was not agreed on falls; a late refusal of an answered offer is another hop's.
            if current.is_some_and(|open| open.answer.is_empty()) {
                *open = None;
            }
            *requester.of_mut(&mut self.refused) = Some(facts.cseq);
            return;
        }
        if sessions.is_empty() {
            return;
        }
        if let Some(exchange) = current {
            let answers = exchange.offerer == requester;
            if answers {
                exchange.answer.put(facts.link, sessions);
            } else {
                exchange.offer.put(facts.link, sessions);
            }
            self.agree(requester);
            return;
        }
        let late_offer = *requester.of(&self.offerless) == Some(transaction);
        if !late_offer && facts.cseq <= *requester.of(&self.seen) && self.agreed.is_some() {
            return; // An old answer once more, as many repeat it in the 200.
        }
        self.unseen_request(requester, facts, sessions, late_offer);
    }

    /// A description in a response to a request that brought none or was never seen.
    fn unseen_request(
        &mut self,
        requester: Who,
        facts: &Facts<'_, '_>,
        sessions: &[Arc<Session>],
        late_offer: bool,
    ) {
        let seen = requester.of_mut(&mut self.seen);
        *seen = facts.cseq.max(*seen);
        let mut said = Side::default();
        said.put(facts.link, sessions);
        let before = self.agreed.as_ref().map(|agreed| requester.of(agreed).clone());
        let (offerer, offer, answer) = match before {
            Some(before) if !late_offer => (requester, before, said),
            Some(_) | None => (requester.other(), said, Side::default()),
        };
        self.last_offerer = Some(offerer);
        let exchange = Exchange { method: facts.method, cseq: facts.cseq, offerer, offer, answer };
        *requester.of_mut(&mut self.open) = Some(exchange);
        self.agree(requester);
    }

    /// Takes a description of a dialog that was never seen before, from whoever sent the request (who then counts as the
    /// caller): the other end's is missing.
    pub(super) fn on_stray(&mut self, facts: &Facts<'_, '_>, sessions: &[Arc<Session>]) {
        self.seen[0] = facts.cseq;
        let mut offer = Side::default();
        offer.put(facts.link, sessions);
        let answer = Side::default();
        self.open[0] =
            Some(Exchange { method: facts.method, cseq: facts.cseq, offerer: Who::Caller, offer, answer });
    }

    fn agree(&mut self, requester: Who) {
        if let Some(open) = requester.of(&self.open)
            && !open.offer.is_empty()
            && !open.answer.is_empty()
        {
            self.agreed = Some([open.side(Who::Caller).clone(), open.side(Who::Called).clone()]);
        }
    }

    /// Returns the picture if it is another than was told before.
    pub(super) fn news(&mut self) -> Option<MediaPlan> {
        let plan = self.plan();
        if plan == self.told || (plan.legs.is_empty() && !plan.agreed) {
            return None;
        }
        self.told = plan.clone();
        Some(plan)
    }

    fn plan(&self) -> MediaPlan {
        let mut plan = MediaPlan::default();
        let nobody = Side::default();
        if let Some([caller, called]) = &self.agreed {
            plan.agreed = true;
            self.add_legs(&mut plan.legs, Who::Called, called, caller);
            self.add_legs(&mut plan.legs, Who::Caller, caller, called);
            let fax = |side: &Side| side.any(|media| media.kind == MediaKind::FaxT38 && media.is_active());
            plan.fax_t38 = fax(caller) && fax(called);
        }
        plan.held = plan.agreed && !plan.legs.is_empty() && plan.legs.iter().all(|leg| !leg.sending);
        // Who offers may be sent to before the answer, also in a re-INVITE that moves its address.
        for open in self.open.iter().flatten().filter(|open| open.answer.is_empty()) {
            let peer = self.agreed.as_ref().map_or(&nobody, |agreed| open.offerer.other().of(agreed));
            self.add_legs(&mut plan.legs, open.offerer, &open.offer, peer);
        }
        plan.legs.sort_by_key(|leg| leg.leg);
        plan.legs.truncate(LEGS_MAX);
        plan.legs.shrink_to_fit();
        plan
    }

    /// Adds the legs that arrive at `receiver`, one or more per voice line.
    fn add_legs(&self, legs: &mut Vec<LegPlan>, receiver: Who, at: &Side, from: &Side) {
        for described in &at.0 {
            let peer = from.on(described.link);
            for (line, (index, media)) in (0..LINES_MAX).zip(voice_lines(&described.session)) {
                let sender = peer.and_then(|peer| counterpart(peer, index, line));
                let refused = peer.is_some() && !sender.is_some_and(Media::is_active);
                if !media.is_active() || refused {
                    continue;
                }
                let number = line.wrapping_mul(2).wrapping_add(u8::from(receiver == Who::Caller));
                self.add_leg(legs, number, media, sender);
            }
        }
    }

    fn add_leg(&self, legs: &mut Vec<LegPlan>, number: u8, receiver: &Media, sender: Option<&Media>) {
        let mut plan = leg_plan(number, receiver, sender);
        if receiver.is_blackholed()
            && let Some(before) =
                self.told.legs.iter().find(|leg| leg.leg == number && !leg.receiver.addr.is_unspecified())
        {
            // Old-style hold takes the address away; what still trickles in belongs here.
            (plan.receiver, plan.rtcp) = (before.receiver, before.rtcp);
        }
        let others: Vec<LegPlan> = receiver
            .candidates
            .iter()
            .map(|at| LegPlan {
                receiver: *at,
                rtcp: if plan.rtcp == plan.receiver { *at } else { next_port(*at) },
                ..plan.clone()
            })
            .collect();
        for plan in std::iter::once(plan).chain(others) {
            if legs.len() < LEGS_MAX
                && !legs.iter().any(|known| known.leg == plan.leg && known.receiver == plan.receiver)
            {
                legs.push(plan);
            }
        }
    }

    /// Tells whether anything was said about media.
    pub(super) fn is_begun(&self) -> bool {
        self.agreed.is_some() || self.open.iter().any(Option::is_some)
    }

    /// Tells whether any leg is silent by agreement.
    pub(super) fn on_hold(&self) -> bool {
        self.told.agreed && self.told.legs.iter().any(|leg| !leg.sending)
    }

    /// Tells whether a picture was agreed on and told.
    pub(super) const fn is_agreed(&self) -> bool {
        self.told.agreed
    }
}

fn voice_lines(session: &Session) -> impl Iterator<Item = (usize, &Media)> {
    session.media.iter().enumerate().filter(|(_, media)| media.kind == MediaKind::Audio)
}

/// An answer's lines stand in the order of the offer's (RFC 3264, 6); where they do not, the n-th voice line answers the n-th.
fn counterpart(peer: &Session, index: usize, line: u8) -> Option<&Media> {
    let same_place = peer.media.get(index).filter(|media| media.kind == MediaKind::Audio);
    same_place.or_else(|| voice_lines(peer).nth(usize::from(line)).map(|(_, media)| media))
}

fn leg_plan(leg: u8, receiver: &Media, sender: Option<&Media>) -> LegPlan {
    let at = endpoint(receiver);
    let mux = receiver.rtcp_mux && sender.is_none_or(|sender| sender.rtcp_mux);
    let rtcp = match receiver.rtcp {
        _ if mux => at,
        Some((addr, port)) => Endpoint { addr: addr.unwrap_or(at.addr), port },
        None => next_port(at),
    };
    LegPlan {
        leg,
        receiver: at,
        rtcp,
        sender_hint: sender.filter(|media| media.is_active() && !media.is_blackholed()).map(endpoint),
        formats: formats(receiver, sender),
        ptime_ms: receiver.ptime_ms.or_else(|| sender.and_then(|sender| sender.ptime_ms)),
        protection: protection(receiver, sender),
        sending: receiver.flow.receives()
            && !receiver.is_blackholed()
            && sender.is_none_or(|sender| sender.flow.sends()),
    }
}

fn endpoint(media: &Media) -> Endpoint {
    Endpoint { addr: media.addr.unwrap_or_default(), port: media.port }
}

const fn next_port(at: Endpoint) -> Endpoint {
    Endpoint { addr: at.addr, port: at.port.saturating_add(1) }
}

/// Payload numbers are the receiver's (RFC 3264, 5.1). Those that both named come first, then the receiver's others, then
/// the sender's where they do not contradict: sets send what they offered even if the answer left it out.
fn formats(receiver: &Media, sender: Option<&Media>) -> Vec<Format> {
    let Some(sender) = sender else {
        return receiver.formats.clone();
    };
    let same = |a: &Format, b: &Format| a.name.eq_ignore_ascii_case(&b.name) && a.clock_hz == b.clock_hz;
    let both = |mine: &&Format| sender.formats.iter().any(|theirs| same(mine, theirs));
    let mut all: Vec<Format> = receiver.formats.iter().filter(both).cloned().collect();
    for format in receiver.formats.iter().chain(&sender.formats) {
        if !all.iter().any(|known| known.payload_type == format.payload_type) {
            all.push(format.clone());
        }
    }
    all
}

/// A sender protects with its own keys. Both ends must have meant it, unless only one end is known or the transport itself
/// says SRTP. An empty list of keys: SRTP whose keys have not been seen (yet).
fn protection(receiver: &Media, sender: Option<&Media>) -> Protection {
    let Some(sender) = sender else {
        return match receiver {
            media if media.secure && !media.crypto.is_empty() => Protection::Sdes(Vec::new()),
            media if media.opaque || media.secure => Protection::Opaque,
            _ => Protection::None,
        };
    };
    let secure = receiver.secure || sender.secure;
    if !sender.crypto.is_empty() && (!receiver.crypto.is_empty() || secure) {
        let mut keys = sender.crypto.clone();
        // The answer's tag names the line of the offer that was chosen (RFC 4568, 5.1.3): that one first.
        keys.sort_by_key(|key| !receiver.crypto.iter().any(|chosen| chosen.tag == key.tag));
        return Protection::Sdes(keys);
    }
    if secure || (receiver.opaque && sender.opaque) { Protection::Opaque } else { Protection::None }
}
