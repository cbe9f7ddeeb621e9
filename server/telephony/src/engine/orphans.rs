//! RTP that no signalling announced.
//!
//! Its first packets wait in memory. Five good ones (one SSRC, the sequence going on) show that it is RTP; if its
//! signalling does not come within the pre-roll, it becomes a segment of its own. Nothing is lost in waiting: early packets
//! are kept, and are given to whichever leg the flow ends up with.

use shared::{NotRecorded, Party, Stamp, TapId};

use crate::cmd::{CallInfo, SegCmd};
use crate::net::Endpoint;
use crate::rtp::formats::{Formats, Kind, Meaning};
use crate::rtp::leg::Leg;
use crate::rtp::packet::RtpPacket;
use crate::rtp::srtp::SrtpReceiver;
use crate::sip::CallKey;

use super::Engine;
use super::flows::{Claim, Flow, FlowKey};
use super::protected::Crypto;
use super::segs::Seg;

/// Good packets that make a candidate RTP.
const GOOD: u32 = 5;
/// Bad packets after which a flow is dismissed.
const BAD_MAX: u32 = 16;
/// How far the sequence may go on between two packets of a candidate.
const STEP_MAX: u16 = 50;
/// Octets that SRTP may add to a payload: tags of 4, 10, 14 and 16 octets, alone or with an MKI of 4.
const TAGS: [usize; 6] = [10, 4, 16, 14, 8, 20];
/// Nanoseconds of silence after which a candidate that never showed itself is forgotten.
const FORGET_NS: u64 = 10_000_000_000;

/// A packet kept while its flow is a candidate.
#[derive(Debug)]
struct Early {
    at: Stamp,
    datagram: Vec<u8>,
}

/// A flow that may be RTP.
#[derive(Debug)]
pub(super) struct Candidate {
    key: FlowKey,
    tap: TapId,
    ssrc: u32,
    last_seq: u16,
    good: u32,
    bad: u32,
    bytes: usize,
    first: Stamp,
    last: Stamp,
    early: Vec<Early>,
}

impl Candidate {
    const fn is_good(&self) -> bool {
        self.good >= GOOD
    }

    /// Tells whether payloads are longer than their timestamps by just an authentication tag, each time: then they are
    /// SRTP, and must never be played as sound.
    fn looks_encrypted(&self) -> bool {
        let packets: Vec<RtpPacket<'_>> =
            self.early.iter().filter_map(|e| RtpPacket::parse(&e.datagram)).collect();
        let mut pairs = 0u32;
        let mut tag = None;
        for (one, two) in packets.iter().zip(packets.iter().skip(1)) {
            let step = two.timestamp.wrapping_sub(one.timestamp);
            let follows =
                two.sequence == one.sequence.wrapping_add(1) && two.payload_type == one.payload_type;
            if !follows || step == 0 || step > 1_000 {
                continue;
            }
            let Some(meaning) = Meaning::of_static(one.payload_type).filter(|m| m.kind == Kind::Audio) else {
                return false;
            };
            let covers = |cut: usize| {
                let len = one.payload.len().checked_sub(cut)?;
                meaning.shape.exact_ticks(one.payload.get(..len)?)
            };
            let this = TAGS.into_iter().find(|cut| covers(*cut) == Some(step));
            if covers(0) == Some(step) || this.is_none() || tag.is_some_and(|t| Some(t) != this) {
                return false;
            }
            tag = this;
            pairs = pairs.saturating_add(1);
        }
        pairs >= 3
    }

    /// Tells whether no payload type says by itself what the packets hold.
    fn is_nameless(&self) -> bool {
        let mut packets = self.early.iter().filter_map(|e| RtpPacket::parse(&e.datagram));
        packets.all(|rtp| Meaning::of_static(rtp.payload_type).is_none())
    }

    fn judge(&mut self, rtp: &RtpPacket<'_>) {
        let step = rtp.sequence.wrapping_sub(self.last_seq);
        if rtp.ssrc == self.ssrc && (1..=STEP_MAX).contains(&step) {
            self.good = self.good.saturating_add(1);
        } else if rtp.ssrc != self.ssrc || step > STEP_MAX && step < STEP_MAX.wrapping_neg() {
            self.bad = self.bad.saturating_add(1);
            self.good = if self.is_good() { self.good } else { 1 };
        } else {
            return; // a double, or one that came late
        }
        self.ssrc = rtp.ssrc;
        self.last_seq = rtp.sequence;
    }
}

impl Engine {
    /// Takes a packet that looks like RTP and that nobody expects.
    pub(super) fn candidate(
        &mut self,
        now: &Stamp,
        tap: TapId,
        key: FlowKey,
        found: Option<Flow>,
        datagram: &[u8],
        rtp: &RtpPacket<'_>,
    ) {
        let place = match found {
            Some(Flow::Candidate(place)) => place,
            _ => match self.new_candidate(now, tap, key, rtp) {
                Some(place) => place,
                None => return,
            },
        };
        let Some(candidate) = self.candidates.at_mut(place) else { return };
        if !candidate.early.is_empty() {
            candidate.judge(rtp);
        }
        candidate.last = *now;
        candidate.bytes = candidate.bytes.saturating_add(datagram.len());
        self.preroll_bytes = self.preroll_bytes.saturating_add(datagram.len());
        candidate.early.push(Early { at: *now, datagram: datagram.to_vec() });
        self.decide(now, place);
    }

    fn new_candidate(&mut self, now: &Stamp, tap: TapId, key: FlowKey, rtp: &RtpPacket<'_>) -> Option<u32> {
        if self.candidates.len() >= u64::try_from(self.config.limits.candidates).unwrap_or(u64::MAX) {
            self.counters.rtp_unclaimed = self.counters.rtp_unclaimed.wrapping_add(1);
            self.limit(now, "flows that may be orphans");
            return None;
        }
        let place = self.candidates.add(Candidate {
            key,
            tap,
            ssrc: rtp.ssrc,
            last_seq: rtp.sequence,
            good: 1,
            bad: 0,
            bytes: 0,
            first: *now,
            last: *now,
            early: Vec::new(),
        });
        if !self.flows.bind(key, Flow::Candidate(place)) {
            self.candidates.take(place);
            self.limit(now, "flows");
            return None;
        }
        Some(place)
    }

    fn decide(&mut self, now: &Stamp, place: u32) {
        let Some(candidate) = self.candidates.at(place) else { return };
        if candidate.bad > BAD_MAX && !candidate.is_good() {
            self.dismiss(place);
            return;
        }
        if !candidate.is_good() {
            return;
        }
        let wait_ns = u64::from(self.config.preroll_ms.min(10_000)).saturating_mul(1_000_000);
        let ripe = now.mono_ns.saturating_sub(candidate.first.mono_ns) >= wait_ns;
        let full = self.preroll_bytes > self.config.limits.preroll_bytes;
        let sibling = self.orphan_segment(candidate.key.mirrored()).is_some();
        if !self.config.record_orphans {
            self.roll(now, place, wait_ns);
        } else if ripe || full || sibling {
            self.promote(place);
        }
    }

    /// Forgets packets older than the pre-roll, where orphans are not recorded.
    fn roll(&mut self, now: &Stamp, place: u32, wait_ns: u64) {
        let Some(candidate) = self.candidates.at_mut(place) else { return };
        let oldest = now.mono_ns.saturating_sub(wait_ns);
        let keep = candidate.early.partition_point(|e| e.at.mono_ns < oldest);
        for early in candidate.early.drain(..keep) {
            candidate.bytes = candidate.bytes.saturating_sub(early.datagram.len());
            self.preroll_bytes = self.preroll_bytes.saturating_sub(early.datagram.len());
            self.counters.rtp_unclaimed = self.counters.rtp_unclaimed.wrapping_add(1);
        }
    }

    /// Takes a candidate out of the waiting.
    fn take_candidate(&mut self, place: u32) -> Option<Candidate> {
        let candidate = self.candidates.take(place)?;
        self.preroll_bytes = self.preroll_bytes.saturating_sub(candidate.bytes);
        self.flows.unbind(&candidate.key);
        Some(candidate)
    }

    fn dismiss(&mut self, place: u32) {
        if let Some(candidate) = self.take_candidate(place) {
            let lost = u64::try_from(candidate.early.len()).unwrap_or(u64::MAX);
            self.counters.rtp_unclaimed = self.counters.rtp_unclaimed.saturating_add(lost);
            self.flows.dismiss(candidate.key);
        }
    }

    /// Finds the orphan segment that a flow belongs to.
    fn orphan_segment(&self, key: FlowKey) -> Option<u32> {
        let Some(Flow::Leg(leg)) = self.flows.find(&key) else { return None };
        let seg = self.legs.at(leg)?.seg;
        self.segs.at(seg).filter(|s| s.orphan).map(|_| seg)
    }

    /// Makes a candidate an orphan: a segment of its own, or the other direction of one.
    fn promote(&mut self, place: u32) {
        let Some(candidate) = self.take_candidate(place) else { return };
        let key = candidate.key;
        let mirrored = self.orphan_segment(key.mirrored());
        if mirrored.is_none() && self.is_full() {
            return self.refuse_orphan(&candidate);
        }
        let seg = mirrored.unwrap_or_else(|| self.signal_orphan(&candidate));
        let number = self.segs.at(seg).map_or(0, |s| u8::try_from(s.legs.len()).unwrap_or(u8::MAX));
        let leg = Leg::new(seg, number, Self::orphan_role(), Formats::default());
        let leg = self.add_leg(&candidate.last, seg, None, leg);
        self.flows.bind(key, Flow::Leg(leg));
        self.beside_mut(leg).flows.push(key);
        self.orphan_ends.insert(key.dst, leg);
        let agreed = candidate.is_nameless() && self.agreements.knows(key);
        if agreed || candidate.looks_encrypted() || self.opens_with_known_keys(&candidate) {
            self.protect_orphan(leg);
        }
        self.replay(candidate, leg);
        if mirrored.is_none()
            && let Some(Flow::Candidate(other)) = self.flows.find(&key.mirrored())
            && self.candidates.at(other).is_some_and(Candidate::is_good)
        {
            self.promote(other);
        }
    }

    /// Tells whether the keys that the site gave for unannounced media open these packets.
    fn opens_with_known_keys(&self, candidate: &Candidate) -> bool {
        let Ok(mut receiver) = SrtpReceiver::new(&self.config.orphan_keys) else { return false };
        let mut clear = Vec::new();
        candidate.early.iter().any(|early| receiver.unprotect(&early.datagram, &mut clear).is_ok())
    }

    /// Treats an orphan's leg as SRTP, under the keys that the site gave, if any.
    fn protect_orphan(&mut self, place: u32) {
        if let Some(leg) = self.legs.at_mut(place) {
            leg.protected = true;
        }
        if let Ok(receiver) = SrtpReceiver::new(&self.config.orphan_keys) {
            self.crypto.insert(place, Crypto::new(receiver));
        }
    }

    fn signal_orphan(&mut self, candidate: &Candidate) -> u32 {
        self.counters.orphans = self.counters.orphans.wrapping_add(1);
        let (id, at, info) = (self.next_id(), candidate.first, self.info_of(candidate));
        self.commands.push_back(SegCmd::Signalled { seg: id, at, info });
        let mut seg = Seg::new(id, None, candidate.tap, at);
        seg.shared.mask_digits = self.config.mask_digits;
        self.segs.add(seg)
    }

    /// Accounts for an orphan that there is no room for; its two directions are one.
    fn refuse_orphan(&mut self, candidate: &Candidate) {
        let known = self.flows.find(&candidate.key.mirrored()) == Some(Flow::Excluded);
        self.mute_for_a_while(&candidate.last, candidate.key);
        let lost = u64::try_from(candidate.early.len()).unwrap_or(u64::MAX);
        self.counters.rtp_excluded = self.counters.rtp_excluded.saturating_add(lost);
        if known {
            return;
        }
        self.limit(&candidate.last, "calls at once");
        self.counters.orphans = self.counters.orphans.wrapping_add(1);
        let info = self.info_of(candidate);
        self.account_for(&candidate.first, info, NotRecorded::Limit, None);
    }

    fn info_of(&self, candidate: &Candidate) -> Box<CallInfo> {
        let party = |at: Endpoint| Party { address: format!("rtp:{at:?}"), ..Party::default() };
        Box::new(CallInfo {
            caller: party(candidate.key.src),
            called: party(candidate.key.dst),
            side: self.config.side(candidate.tap),
            tap: candidate.tap,
            orphan: true,
            ..CallInfo::default()
        })
    }

    /// Gives the early packets to a leg, with the stamps they came with.
    fn replay(&mut self, candidate: Candidate, leg: u32) {
        for early in candidate.early {
            if let Some(rtp) = RtpPacket::parse(&early.datagram) {
                self.feed(&early.at, candidate.tap, leg, &early.datagram, &rtp);
            }
        }
    }

    /// A candidate turns out to be expected by a call.
    pub(super) fn join(&mut self, now: &Stamp, place: u32, claim: &Claim) {
        let Some(candidate) = self.take_candidate(place) else { return };
        let Some(first) = candidate.early.first().map(|e| e.datagram.clone()) else { return };
        let Some(rtp) = RtpPacket::parse(&first) else { return };
        if let Some(leg) = self.bind(now, candidate.key, claim, &rtp) {
            self.replay(candidate, leg);
        }
    }

    /// Looks whether anything that waits, or runs as an orphan, is what a call expects now.
    pub(super) fn join_waiting(&mut self, now: &Stamp, call: CallKey) {
        for place in self.candidates.places() {
            let Some(candidate) = self.candidates.at(place) else { continue };
            let FlowKey { src, dst } = candidate.key;
            if let Some(claim) = self.flows.claimant(src, dst, false).filter(|c| c.call == call) {
                self.join(now, place, &claim);
            }
        }
    }

    /// Promotes what has waited long enough, forgets what was no RTP.
    pub(super) fn look_at_candidates(&mut self, now: &Stamp) {
        for place in self.candidates.places() {
            let Some(candidate) = self.candidates.at(place) else { continue };
            let idle = now.mono_ns.saturating_sub(candidate.last.mono_ns);
            if candidate.is_good() {
                self.decide(now, place);
            } else if idle > FORGET_NS {
                self.dismiss(place);
            }
        }
    }

    /// The end of input: whatever shows itself as RTP is recorded.
    pub(super) fn promote_all(&mut self) {
        for place in self.candidates.places() {
            let good = self.candidates.at(place).is_some_and(Candidate::is_good);
            if good && self.config.record_orphans {
                self.promote(place);
            } else {
                self.dismiss(place);
            }
        }
    }
}
