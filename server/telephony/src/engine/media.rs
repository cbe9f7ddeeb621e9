//! From a datagram to its leg.

use shared::{Role, Stamp, TapId};

use crate::net::{Datagram, Endpoint};
use crate::rtp::formats::Formats;
use crate::rtp::leg::{Fast, HOLD_NS, Leg};
use crate::rtp::packet::{Protocol, RtpPacket};
use crate::rtp::rtcp::{self, ReportBlock, RtcpPacket};
use crate::sip::{self, CallKey, Protection};

use super::Engine;
use super::flows::{Claim, Flow, FlowKey};
use super::segs::Beside;

/// Legs of one call at most: two, and as many again for streams that run beside them.
const LEGS_MAX: usize = 16;
/// Nanoseconds within which a leg counts as running, so that another stream is no successor.
const RUNNING_NS: u64 = 100_000_000;

impl Engine {
    /// Takes a UDP datagram.
    #[inline]
    pub(super) fn udp(&mut self, now: &Stamp, tap: TapId, datagram: &Datagram<'_>) {
        let key = FlowKey { src: datagram.src, dst: datagram.dst };
        let found = self.flows.find(&key);
        if let Some(Flow::Leg(place)) = found
            && let Some(rtp) = RtpPacket::parse(datagram.payload)
        {
            let drops = self.drops_of(tap);
            let Some(leg) = self.legs.at_mut(place) else { return };
            if leg.protected || leg.twinned {
                return self.bound(now, tap, key, place, datagram);
            }
            match leg.fast(now, drops, &rtp) {
                Fast::Done => self.counters.rtp = self.counters.rtp.wrapping_add(1),
                Fast::Full => {
                    self.counters.rtp = self.counters.rtp.wrapping_add(1);
                    self.with_leg(place, now, |leg, env| leg.filled(now, env));
                }
                Fast::No => self.bound(now, tap, key, place, datagram),
            }
            return;
        }
        self.unbound(now, tap, key, found, datagram);
    }

    /// A datagram of a bound flow that is not the expected packet.
    fn bound(&mut self, now: &Stamp, tap: TapId, key: FlowKey, place: u32, datagram: &Datagram<'_>) {
        match Protocol::of(datagram.payload) {
            Protocol::Rtp => {}
            Protocol::Rtcp => return self.rtcp(now, Some(place), datagram.payload),
            Protocol::Dtls => {
                self.keys_agreed(key, datagram.payload);
                return self.no_media(now, tap, datagram);
            }
            Protocol::Stun | Protocol::Zrtp | Protocol::TurnChannel | Protocol::Other => {
                return self.no_media(now, tap, datagram);
            }
        }
        let Some(rtp) = RtpPacket::parse(datagram.payload) else { return };
        let place = self.rebound(now, key, place, &rtp);
        self.feed(now, tap, place, datagram.payload, &rtp);
        if self.legs.at(place).is_some_and(|leg| leg.twinned) {
            self.feed_twins(now, tap, key, place, datagram.payload, &rtp);
        }
    }

    /// Gives one RTP packet to a leg, opening it first where the leg is under SRTP.
    pub(super) fn feed(&mut self, now: &Stamp, tap: TapId, place: u32, datagram: &[u8], rtp: &RtpPacket<'_>) {
        self.counters.rtp = self.counters.rtp.wrapping_add(1);
        if self.legs.at(place).is_some_and(|leg| leg.protected) {
            self.unlock(now, tap, place, datagram, rtp);
        } else {
            self.give(now, tap, place, rtp, false);
        }
    }

    /// Gives one packet to a leg as it is.
    pub(super) fn give(&mut self, now: &Stamp, tap: TapId, place: u32, rtp: &RtpPacket<'_>, opaque: bool) {
        let drops = self.drops_of(tap);
        self.with_leg(place, now, |leg, env| match leg.fast_unless(opaque, now, drops, rtp) {
            Fast::Done => {}
            Fast::Full => leg.filled(now, env),
            Fast::No => leg.take(now, drops, rtp, opaque, env),
        });
    }

    /// Decides whether a bound flow now belongs to a newer call on the same endpoint (ports are used again).
    fn rebound(&mut self, now: &Stamp, key: FlowKey, place: u32, rtp: &RtpPacket<'_>) -> u32 {
        let follows = self.legs.at(place).is_none_or(|leg| leg.continues(rtp));
        let owner = self.beside_of(place).and_then(|b| b.call);
        if follows {
            return place;
        }
        match self.flows.claimant(key.src, key.dst, false) {
            Some(claim) if Some(claim.call) != owner => self.bind(now, key, &claim, rtp).unwrap_or(place),
            Some(_) | None => place,
        }
    }

    /// A datagram of a flow that is not bound to a leg, or one that is no RTP.
    fn unbound(
        &mut self,
        now: &Stamp,
        tap: TapId,
        key: FlowKey,
        found: Option<Flow>,
        datagram: &Datagram<'_>,
    ) {
        match Protocol::of(datagram.payload) {
            Protocol::Rtp => {}
            Protocol::Rtcp => {
                let leg = if let Some(Flow::Leg(place)) = found { Some(place) } else { None };
                return self.rtcp(now, leg.or_else(|| self.rtcp_leg(key)), datagram.payload);
            }
            Protocol::Dtls => {
                self.keys_agreed(key, datagram.payload);
                return self.no_media(now, tap, datagram);
            }
            Protocol::Stun | Protocol::Zrtp | Protocol::TurnChannel | Protocol::Other => {
                return self.no_media(now, tap, datagram);
            }
        }
        let Some(rtp) = RtpPacket::parse(datagram.payload) else {
            return self.no_media(now, tap, datagram);
        };
        match found {
            Some(Flow::Excluded) => {
                self.counters.rtp_excluded = self.counters.rtp_excluded.wrapping_add(1);
                return;
            }
            Some(Flow::Useless(_)) => {
                self.counters.rtp_unclaimed = self.counters.rtp_unclaimed.wrapping_add(1);
                return;
            }
            Some(Flow::Candidate(_) | Flow::Leg(_)) | None => {}
        }
        if let Some(claim) = self.flows.claimant(key.src, key.dst, false) {
            if let Some(Flow::Candidate(candidate)) = found {
                self.join(now, candidate, &claim);
                if let Some(Flow::Leg(place)) = self.flows.find(&key) {
                    self.feed(now, tap, place, datagram.payload, &rtp);
                }
            } else if let Some(place) = self.bind(now, key, &claim, &rtp) {
                self.bound(now, tap, key, place, datagram);
            }
            return;
        }
        self.candidate(now, tap, key, found, datagram.payload, &rtp);
    }

    /// Binds a flow to the leg that a call expects there; `None` when the call is excluded or a limit is met.
    pub(super) fn bind(
        &mut self,
        now: &Stamp,
        key: FlowKey,
        claim: &Claim,
        rtp: &RtpPacket<'_>,
    ) -> Option<u32> {
        self.flows.unbind(&key);
        let call = self.calls.get_mut(&claim.call)?;
        if call.excluded {
            call.muted.push(key);
            self.flows.bind(key, Flow::Excluded);
            self.counters.rtp_excluded = self.counters.rtp_excluded.wrapping_add(1);
            return None;
        }
        if call.seg.is_none() {
            // Its segment had ended for want of media; they are back.
            self.signal_again(now, claim.call);
        }
        if self.calls.get(&claim.call).is_none_or(|call| call.seg.is_none()) {
            self.counters.rtp_excluded = self.counters.rtp_excluded.wrapping_add(1);
            self.mute_for_a_while(now, key);
            return None;
        }
        let place = self.leg_for(now, claim.call, claim.leg, rtp)?;
        if !self.flows.bind(key, Flow::Leg(place)) {
            self.limit(now, "flows");
            return None;
        }
        self.beside_mut(place).flows.push(key);
        if self.flows.rivals(key.src, key.dst).len() > 1
            && let Some(leg) = self.legs.at_mut(place)
        {
            leg.twinned = true;
        }
        Some(place)
    }

    /// Finds or makes the leg of a call for a stream that begins.
    pub(super) fn leg_for(
        &mut self,
        now: &Stamp,
        key: CallKey,
        number: u8,
        rtp: &RtpPacket<'_>,
    ) -> Option<u32> {
        let call = self.calls.get(&key)?;
        let seg = call.seg?;
        let existing = call.legs.iter().find(|(n, _)| *n == number).map(|(_, place)| *place);
        if let Some(place) = existing {
            let leg = self.legs.at(place)?;
            let other = leg.ssrc().is_some_and(|ssrc| ssrc != rtp.ssrc);
            let running = now.mono_ns.saturating_sub(leg.last_ns()) < RUNNING_NS;
            if !(other && running) {
                return Some(place);
            }
        }
        if call.legs.len() >= LEGS_MAX {
            return existing;
        }
        // A second stream beside a running one gets a leg of its own: nothing is mixed, nothing is lost.
        let taken =
            |n: u8| call.legs.iter().any(|(m, _)| *m == n) || call.plan.legs.iter().any(|l| l.leg == n);
        let planned = number;
        let plan = call.plan.legs.iter().filter(|l| l.leg == planned);
        let number = if existing.is_none() { number } else { (2..=u8::MAX).find(|n| !taken(*n))? };
        let mut formats = Formats::default();
        let mut protected = false;
        for leg in plan {
            formats.merge(&Formats::of(&leg.formats));
            protected |= leg.protection != Protection::None;
        }
        let role = super::calls::role_of(&call.info, number);
        let place = self.add_leg(now, seg, Some(key), Leg::new(seg, number, role, formats));
        if let Some(leg) = self.legs.at_mut(place) {
            leg.protected = protected;
        }
        let plans = self.calls.get(&key)?.plan.legs.iter().filter(|l| l.leg == planned);
        super::protected::learn_keys(&mut self.crypto, place, plans);
        self.calls.get_mut(&key)?.legs.push((number, place));
        Some(place)
    }

    /// Puts a leg into the table. Its segment's timer rings when the wait at its beginning is over.
    pub(super) fn add_leg(&mut self, now: &Stamp, seg: u32, call: Option<CallKey>, leg: Leg) -> u32 {
        self.ring_at(seg, now.mono_ns.saturating_add(HOLD_NS));
        let place = self.legs.add(leg);
        *self.beside_mut(place) = Beside { call, ..Beside::default() };
        if let Some(seg) = self.segs.at_mut(seg) {
            seg.legs.push(place);
        }
        place
    }

    pub(super) fn beside_of(&self, place: u32) -> Option<&Beside> {
        self.beside.get(usize::try_from(place).ok()?)
    }

    pub(super) fn beside_mut(&mut self, place: u32) -> &mut Beside {
        let place = usize::try_from(place).unwrap_or(0);
        if self.beside.len() <= place {
            self.beside.resize_with(place.saturating_add(1), Beside::default);
        }
        self.beside.get_mut(place).expect("the table was just made long enough")
    }

    /// A datagram that is neither RTP nor RTCP: signalling, or nothing for us.
    fn no_media(&mut self, now: &Stamp, tap: TapId, datagram: &Datagram<'_>) {
        if sip::looks_like_sip(datagram.payload) {
            self.counters.sip = self.counters.sip.wrapping_add(1);
            self.sip.handle_message(*now, tap, datagram.src, datagram.dst, datagram.payload);
            self.hear_calls(now);
        } else {
            self.counters.other_udp = self.counters.other_udp.wrapping_add(1);
        }
    }

    fn rtcp_leg(&self, key: FlowKey) -> Option<u32> {
        let Some(claim) = self.flows.claimant(key.src, key.dst, true) else {
            // Nobody announced it: by custom it runs one port above its RTP (RFC 3550, 11).
            let below = |at: Endpoint| Some(Endpoint { port: at.port.checked_sub(1)?, ..at });
            let rtp = FlowKey { src: below(key.src)?, dst: below(key.dst)? };
            return if let Some(Flow::Leg(place)) = self.flows.find(&rtp) { Some(place) } else { None };
        };
        let call = self.calls.get(&claim.call)?;
        call.legs.iter().find(|(n, _)| *n == claim.leg).map(|(_, place)| *place)
    }

    /// Takes an RTCP compound; `leg` is the leg whose sender sent it.
    fn rtcp(&mut self, now: &Stamp, leg: Option<u32>, compound: &[u8]) {
        self.counters.rtcp = self.counters.rtcp.wrapping_add(1);
        let Some(place) = leg else { return };
        let mut clear = Vec::new();
        let compound = match self.crypto.get_mut(&place) {
            Some(crypto) => match crypto.open_rtcp(compound, &mut clear) {
                true => clear.as_slice(),
                false => return,
            },
            None if self.legs.at(place).is_some_and(|l| l.protected) => return,
            None => compound,
        };
        for packet in rtcp::packets(compound) {
            match packet {
                RtcpPacket::SenderReport { ssrc, ntp, rtp_timestamp, reports, .. } => {
                    self.with_leg(place, now, |leg, env| leg.sent(ssrc, ntp, rtp_timestamp, now, env));
                    reports.for_each(|report| self.reported(now, place, &report));
                }
                RtcpPacket::ReceiverReport { reports, .. } => {
                    reports.for_each(|report| self.reported(now, place, &report));
                }
                RtcpPacket::Bye { .. } => {
                    let seg = self.legs.at(place).map(|l| l.seg);
                    if let Some(seg) = seg.and_then(|s| self.segs.at_mut(s)) {
                        seg.rtcp_bye = true;
                    }
                }
                RtcpPacket::SourceDescription(_) | RtcpPacket::Other { .. } => {}
            }
        }
    }

    /// What the sender of leg `by` says of the stream that it receives: another leg of the same segment.
    fn reported(&mut self, now: &Stamp, by: u32, report: &ReportBlock) {
        let Some(seg) = self.legs.at(by).and_then(|l| self.segs.at(l.seg)) else { return };
        let about = seg.legs.iter().copied().find(|place| {
            *place != by && self.legs.at(*place).is_some_and(|leg| leg.ssrc() == Some(report.ssrc))
        });
        if let Some(about) = about {
            self.with_leg(about, now, |leg, env| leg.report(report.lost, report.highest_sequence, env));
        }
    }

    /// The role of an orphan's leg: nothing tells.
    pub(super) const fn orphan_role() -> Role {
        Role::Unknown
    }
}
