//! Legs under SRTP: packets are opened before they are written; what cannot be opened is a gap, never noise.

use std::collections::BTreeMap;

use shared::{Stamp, TapId};

use crate::rtp::packet::RtpPacket;
use crate::rtp::srtp::SrtpReceiver;
use crate::sip::{LegPlan, Protection};

use super::Engine;
use super::flows::{Flow, FlowKey};

/// Packets that wait while no key has proven itself.
const WAITING_MAX: usize = 64;

/// The keys of one leg, and packets that came before any of them had proven itself.
pub(super) struct Crypto {
    receiver: SrtpReceiver,
    waiting: Vec<(Stamp, TapId, Vec<u8>)>,
}

impl Crypto {
    pub(super) const fn new(receiver: SrtpReceiver) -> Self {
        Self { receiver, waiting: Vec::new() }
    }

    /// Opens an RTCP packet into `clear`; tells whether it could be done.
    pub(super) fn open_rtcp(&mut self, packet: &[u8], clear: &mut Vec<u8>) -> bool {
        self.receiver.unprotect_rtcp(packet, clear).is_ok()
    }
}

/// Flows on which DTLS was heard, remembered in two generations: when the younger is full, the older is forgotten.
#[derive(Debug)]
pub(super) struct KeyAgreements {
    young: hashbrown::HashSet<FlowKey, foldhash::fast::FixedState>,
    old: hashbrown::HashSet<FlowKey, foldhash::fast::FixedState>,
}

/// Flows in one generation.
const AGREEMENTS_MAX: usize = 8_192;

impl KeyAgreements {
    pub(super) fn new(seed: u64) -> Self {
        let hasher = foldhash::fast::FixedState::with_seed(seed);
        Self {
            young: hashbrown::HashSet::with_hasher(hasher.clone()),
            old: hashbrown::HashSet::with_hasher(hasher),
        }
    }

    /// Tells whether the two ends of a flow agreed on keys, whoever spoke.
    pub(super) fn knows(&self, key: FlowKey) -> bool {
        [key, key.mirrored()].iter().any(|key| self.young.contains(key) || self.old.contains(key))
    }

    fn add(&mut self, key: FlowKey) {
        if self.young.len() >= AGREEMENTS_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key);
    }
}

/// Tells a DTLS record (RFC 6347, 4.1; types 20 to 23 of versions 1.0 and 1.2, which 1.3 also begins with).
const fn is_dtls_record(datagram: &[u8]) -> bool {
    matches!(datagram, [20..=23, 0xfe, 0xff | 0xfd, _, _, _, _, _, _, _, _, _, _, ..])
}

/// Takes over the keys that SDP announces for the sender of a leg.
pub(super) fn learn_keys<'a>(
    crypto: &mut BTreeMap<u32, Crypto>,
    place: u32,
    plans: impl Iterator<Item = &'a LegPlan>,
) {
    for plan in plans {
        let Protection::Sdes(keys) = &plan.protection else { continue };
        if let Some(known) = crypto.get_mut(&place) {
            for key in keys {
                // A line that cannot be used changes nothing: the media then end as encrypted.
                let _unusable = known.receiver.add_key(key).is_err();
            }
        } else if keys.is_empty() {
            // The answer will bring them; what comes before it waits.
            crypto.insert(place, Crypto::new(SrtpReceiver::awaiting_keys()));
        } else if let Ok(receiver) = SrtpReceiver::new(keys) {
            crypto.insert(place, Crypto::new(receiver));
        }
    }
}

impl Engine {
    /// The two ends of a flow agree on keys that nobody else learns (DTLS-SRTP, RFC 5764). This is believed of media that
    /// no signalling announced and whose payload type means nothing by itself: a forged record must not silence a call that
    /// SDP announces as plain, nor one whose payloads can be seen to be plain.
    pub(super) fn keys_agreed(&mut self, key: FlowKey, datagram: &[u8]) {
        if !is_dtls_record(datagram) {
            return;
        }
        self.agreements.add(key);
        for key in [key, key.mirrored()] {
            let Some(Flow::Leg(place)) = self.flows.find(&key) else { continue };
            let orphan = self.beside_of(place).is_some_and(|beside| beside.call.is_none());
            if let Some(leg) = self.legs.at_mut(place)
                && orphan
                && leg.is_nameless()
            {
                leg.protected = true;
            }
        }
    }

    /// Opens a packet and gives it to its leg.
    pub(super) fn unlock(
        &mut self,
        now: &Stamp,
        tap: TapId,
        place: u32,
        datagram: &[u8],
        rtp: &RtpPacket<'_>,
    ) {
        let Some(crypto) = self.crypto.get_mut(&place) else {
            return self.give(now, tap, place, rtp, true);
        };
        let mut clear = std::mem::take(&mut self.clear);
        let opened = crypto.receiver.unprotect(datagram, &mut clear).is_ok();
        if opened {
            for (at, tap, early) in std::mem::take(&mut crypto.waiting) {
                self.unlock_early(&at, tap, place, &early);
            }
            if let Some(packet) = RtpPacket::parse(&clear) {
                self.give(now, tap, place, &packet, false);
            }
        } else if crypto.receiver.is_proven() {
            // Damaged or forged: as if it had not come.
            self.counters.srtp_failed = self.counters.srtp_failed.wrapping_add(1);
        } else if crypto.waiting.len() < WAITING_MAX {
            crypto.waiting.push((*now, tap, datagram.to_vec()));
            self.watch_waiting(now, place);
        } else {
            self.counters.srtp_failed = self.counters.srtp_failed.wrapping_add(1);
            for (at, tap, early) in std::mem::take(&mut crypto.waiting) {
                if let Some(early) = RtpPacket::parse(&early) {
                    self.give(&at, tap, place, &early, true);
                }
            }
            self.give(now, tap, place, rtp, true);
        }
        clear.clear();
        self.clear = clear;
    }

    /// An orphan of which nothing has been opened yet has no sound that would set its timer: it must end when it falls silent.
    fn watch_waiting(&mut self, now: &Stamp, place: u32) {
        let Some(seg) = self.legs.at(place).map(|leg| leg.seg) else { return };
        if self.segs.at(seg).is_some_and(|seg| seg.orphan && !seg.open) {
            let idle = u64::from(self.config.idle_ms).saturating_mul(1_000_000);
            self.ring_at(seg, now.mono_ns.saturating_add(idle));
        }
    }

    /// Returns when the last packet came that waits for the key of a leg.
    pub(super) fn waiting_ns(&self, place: u32) -> Option<u64> {
        self.crypto.get(&place)?.waiting.last().map(|(at, ..)| at.mono_ns)
    }

    /// Opens a packet that had waited for its key.
    fn unlock_early(&mut self, at: &Stamp, tap: TapId, place: u32, datagram: &[u8]) {
        let Some(crypto) = self.crypto.get_mut(&place) else { return };
        let mut clear = Vec::new();
        let opened = crypto.receiver.unprotect(datagram, &mut clear).is_ok();
        let packet = RtpPacket::parse(if opened { &clear } else { datagram });
        if let Some(packet) = packet {
            self.give(at, tap, place, &packet, !opened);
        }
    }

    /// The segment ends: packets that still wait are opened by a key that came since, or become the gap that they are.
    pub(super) fn give_up_waiting(&mut self, seg: u32) {
        let legs = self.segs.at(seg).map(|s| s.legs.clone()).unwrap_or_default();
        for leg in legs {
            let waiting = self.crypto.get_mut(&leg).map(|c| std::mem::take(&mut c.waiting));
            for (at, tap, early) in waiting.unwrap_or_default() {
                self.unlock_early(&at, tap, leg, &early);
            }
        }
    }
}
