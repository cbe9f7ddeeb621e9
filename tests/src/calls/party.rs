//! The two parties of a call, each run to its end on a thread of its own.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::wire::Wire;
use super::{Answer, CallError, Fed, Plan, Side, rtp, sip};

const PACKET: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(8);
/// First interval after which an unanswered request is said again (RFC 3261, T1); it doubles each time.
const SAY_AGAIN: Duration = Duration::from_millis(500);

/// What a party said and heard.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) fed: Option<Fed>,
    pub(super) heard: u32,
}

/// What both parties are made of.
struct Party {
    plan: Arc<Plan>,
    call: u32,
    side: Side,
    wire: Wire,
    media: UdpSocket,
    fed: Fed,
    heard: u32,
}

/// The one who calls.
pub(super) struct Caller(Party);

/// The one who is called.
pub(super) struct Callee(Party);

impl Caller {
    pub(super) fn ready(plan: &Arc<Plan>, call: u32) -> Result<Self, CallError> {
        let (from, to) = (plan.sip_addr(call, Side::Caller), plan.sip_addr(call, Side::Callee));
        let wire = Wire::connect(plan.transport, from, to);
        Party::ready(plan, call, Side::Caller, wire, &format!("calling {to} from {from}")).map(Self)
    }

    pub(super) fn run(self) -> Result<Said, CallError> {
        let Self(mut me) = self;
        let plan = Arc::clone(&me.plan);
        let dialog = sip::Dialog::new(&plan, me.call);
        let invite = dialog.invite(&sip::sdp(&plan, me.call, Side::Caller));
        if plan.answer == Answer::NoAnswer {
            return me.give_up(&dialog, &invite);
        }
        let answer = me.ask(&invite, "an answer to the INVITE", |m| {
            sip::status(m) >= 200 && sip::cseq_method(m) == "INVITE"
        })?;
        let to_tag = sip::to_tag(&answer);
        let answered = sip::status(&answer) == 200;
        me.send(&dialog.ack(&to_tag, answered))?;
        match (plan.answer, answered) {
            (Answer::Busy, false) => return Ok(Said::default()),
            (Answer::Answered, true) => {}
            _ => return Err(me.unexpected("the answer that was planned", &answer)),
        }
        let to = sip::media_of(&answer)
            .ok_or_else(|| me.unexpected("an address for the audio in the answer", &answer))?;
        me.speak(to, plan.packets_sent(Side::Callee))?;
        me.ask(&dialog.bye(&to_tag), "the answer to the BYE", |m| {
            sip::status(m) == 200 && sip::cseq_method(m) == "BYE"
        })?;
        Ok(me.said())
    }
}

impl Callee {
    pub(super) fn ready(plan: &Arc<Plan>, call: u32) -> Result<Self, CallError> {
        let at = plan.sip_addr(call, Side::Callee);
        let wire = Wire::listen(plan.transport, at);
        Party::ready(plan, call, Side::Callee, wire, &format!("listening on {at}")).map(Self)
    }

    pub(super) fn run(self) -> Result<Said, CallError> {
        let Self(mut me) = self;
        let plan = Arc::clone(&me.plan);
        let tag = format!("b{}", me.call);
        let contact =
            format!("sip:{}@{}", plan.number(me.call, Side::Callee), plan.sip_addr(me.call, Side::Callee));
        let answer_with =
            |invite: &str, status: &str, sdp: &str| sip::response(invite, status, &tag, &contact, sdp);

        // Callees of another process may wait long until the callers are started.
        let invite = me.expect("INVITE", "an INVITE", Duration::from_secs(60), None)?;
        me.send(&sip::response(&invite, "100 Trying", "", "", ""))?;
        me.send(&answer_with(&invite, "180 Ringing", ""))?;
        match plan.answer {
            Answer::Busy => {
                let busy = answer_with(&invite, "486 Busy Here", "");
                me.send(&busy)?;
                me.expect("ACK", "an ACK of the refusal", PATIENCE, Some(&busy))?;
                Ok(Said::default())
            }
            Answer::NoAnswer => {
                let cancel = me.expect("CANCEL", "a CANCEL", PATIENCE + plan.ring, None)?;
                me.send(&answer_with(&cancel, "200 OK", ""))?;
                let gone = answer_with(&invite, "487 Request Terminated", "");
                me.send(&gone)?;
                me.expect("ACK", "an ACK of the refusal", PATIENCE, Some(&gone))?;
                Ok(Said::default())
            }
            Answer::Answered => {
                let to = sip::media_of(&invite)
                    .ok_or_else(|| me.unexpected("an address for the audio in the offer", &invite))?;
                thread::sleep(plan.ring);
                let ok = answer_with(&invite, "200 OK", &sip::sdp(&plan, me.call, Side::Callee));
                me.send(&ok)?;
                me.expect("ACK", "an ACK", PATIENCE, Some(&ok))?;
                me.speak(to, plan.packets_sent(Side::Caller))?;
                let bye = me.expect("BYE", "a BYE", PATIENCE, None)?;
                me.send(&sip::response(&bye, "200 OK", "", "", ""))?;
                Ok(me.said())
            }
        }
    }
}

impl Party {
    fn ready(
        plan: &Arc<Plan>,
        call: u32,
        side: Side,
        wire: io::Result<Wire>,
        what: &str,
    ) -> Result<Self, CallError> {
        let wire = wire.map_err(|source| CallError::Socket { call, what: what.to_owned(), source })?;
        let at = plan.media_addr(call, side);
        let open = || {
            let media = UdpSocket::bind(at)?;
            media.set_nonblocking(true)?;
            Ok(media)
        };
        let media = open().map_err(|source| CallError::Socket {
            call,
            what: format!("opening {at} for audio"),
            source,
        })?;
        let fed = plan.fed(call, side);
        Ok(Self { plan: Arc::clone(plan), call, side, wire, media, fed, heard: 0 })
    }

    fn said(self) -> Said {
        Said { fed: Some(self.fed), heard: self.heard }
    }

    fn send(&mut self, message: &str) -> Result<(), CallError> {
        let sent = self.wire.send(message);
        sent.map_err(|e| self.socket(&format!("sending {:?}", first_line(message)), e))
    }

    fn receive(&mut self, deadline: Instant) -> Result<Option<String>, CallError> {
        let received = self.wire.receive(deadline);
        received.map_err(|e| self.socket("receiving", e))
    }

    /// Says a request, again if need be, until what is wanted comes.
    fn ask(
        &mut self,
        request: &str,
        what: &'static str,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<String, CallError> {
        let give_up = Instant::now() + PATIENCE + self.plan.ring;
        let mut pause = SAY_AGAIN;
        let mut provisional = false;
        while Instant::now() < give_up {
            if !provisional {
                self.send(request)?;
            }
            let say_again = (Instant::now() + pause).min(give_up);
            while let Some(message) = self.receive(say_again)? {
                if wanted(&message) {
                    return Ok(message);
                }
                provisional |= (100..200).contains(&sip::status(&message));
            }
            if !self.wire.may_lose() {
                provisional = true;
            }
            pause *= 2;
        }
        Err(CallError::Silence { call: self.call, what, seconds: PATIENCE.as_secs() })
    }

    /// Waits for a request; says `answer` again if the one it answers is heard once more or nothing comes.
    fn expect(
        &mut self,
        method: &str,
        what: &'static str,
        patience: Duration,
        answer: Option<&str>,
    ) -> Result<String, CallError> {
        let give_up = Instant::now() + patience;
        let mut pause = SAY_AGAIN;
        while Instant::now() < give_up {
            let say_again = (Instant::now() + pause).min(give_up);
            while let Some(message) = self.receive(say_again)? {
                if sip::method(&message) == method {
                    return Ok(message);
                }
            }
            if let Some(answer) = answer.filter(|_| self.wire.may_lose()) {
                self.send(answer)?;
            }
            pause *= 2;
        }
        Err(CallError::Silence { call: self.call, what, seconds: patience.as_secs() })
    }

    /// Rings, is not answered, hangs up before it was (RFC 3261, 9).
    fn give_up(mut self, dialog: &sip::Dialog, invite: &str) -> Result<Said, CallError> {
        self.ask(invite, "a 180 Ringing", |m| sip::status(m) == 180)?;
        thread::sleep(self.plan.ring);
        let refusal = self.ask(&dialog.cancel(), "487 after the CANCEL", |m| sip::status(m) == 487)?;
        let ack = dialog.ack(&sip::to_tag(&refusal), false);
        self.send(&ack)?;
        Ok(Said::default())
    }

    /// Sends all audio at its pace, hears what comes, then waits a little for the rest of it.
    fn speak(&mut self, to: SocketAddr, to_be_heard: u32) -> Result<(), CallError> {
        let began = Instant::now();
        let seed = self.call * 2 + u32::from(self.side == Side::Callee);
        for packet in rtp::packets(&self.fed, self.plan.ssrc(self.call, self.side), seed) {
            thread::sleep((PACKET * packet.at).saturating_sub(began.elapsed()));
            let sent = self.media.send_to(&packet.bytes, to);
            sent.map_err(|e| self.socket(&format!("sending audio to {to}"), e))?;
            self.hear();
        }
        let patience = Instant::now() + Duration::from_secs(2);
        while self.heard < to_be_heard && Instant::now() < patience {
            thread::sleep(PACKET / 4);
            self.hear();
        }
        Ok(())
    }

    fn hear(&mut self) {
        let mut packet = [0; 2048];
        while let Ok(length) = self.media.recv(&mut packet) {
            self.heard += u32::from(length > 12);
        }
    }

    fn socket(&self, what: &str, source: io::Error) -> CallError {
        CallError::Socket { call: self.call, what: what.to_owned(), source }
    }

    fn unexpected(&self, expected: &'static str, message: &str) -> CallError {
        CallError::Unexpected { call: self.call, expected, got: first_line(message).to_owned() }
    }
}

fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or_default()
}
