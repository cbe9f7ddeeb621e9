//! One stream, two calls: an exchange that stays in the signalling and lets the phones speak directly.
//!
//! Such an exchange (B2BUA) makes two calls with Call-IDs of their own, and the SDP of both names the same endpoints. Both
//! are signalled, so both are recorded; neither is dropped as a double. Calls that merely use the same ports one after
//! the other are told apart by their beginnings: twins begin within seconds of each other.

use shared::{Stamp, TapId};

use crate::net::Endpoint;
use crate::rtp::packet::RtpPacket;
use crate::sip::CallKey;

use super::Engine;
use super::flows::{Claim, Flow, FlowKey};

/// Microseconds between the beginnings of twins at most.
const APART_US: u64 = 5_000_000;

impl Engine {
    /// A call expects packets at `at`: if its stream already runs for another call, both may hear it.
    pub(super) fn watch_for_twins(&mut self, call: CallKey, at: Endpoint, claim: &Claim) {
        let Some(src) = claim.hint.filter(|_| !claim.rtcp) else { return };
        let Some(Flow::Leg(place)) = self.flows.find(&FlowKey { src, dst: at }) else { return };
        let owner = self.beside_of(place).and_then(|b| b.call);
        if owner.is_some_and(|owner| owner != call)
            && let Some(leg) = self.legs.at_mut(place)
        {
            leg.twinned = true;
        }
    }

    /// Gives a packet to the legs of other calls that expect the same stream.
    pub(super) fn feed_twins(
        &mut self,
        now: &Stamp,
        tap: TapId,
        key: FlowKey,
        place: u32,
        datagram: &[u8],
        rtp: &RtpPacket<'_>,
    ) {
        let generation = self.flows.generation();
        if self.beside_of(place).is_some_and(|b| b.twins_of != Some(generation)) {
            self.find_twins(now, key, place, rtp);
        }
        let twins = std::mem::take(&mut self.beside_mut(place).twins);
        for (twin, call) in &twins {
            let lives = self.beside_of(*twin).is_some_and(|b| b.call == Some(*call));
            if lives && self.legs.at(*twin).is_some() {
                self.feed(now, tap, *twin, datagram, rtp);
            }
        }
        self.beside_mut(place).twins = twins;
    }

    fn find_twins(&mut self, now: &Stamp, key: FlowKey, place: u32, rtp: &RtpPacket<'_>) {
        let generation = self.flows.generation();
        let owner = self.beside_of(place).and_then(|b| b.call);
        let began = |engine: &Self, call: CallKey| engine.calls.get(&call).map(|c| c.began);
        let mut twins = Vec::new();
        if let Some((owner, mine)) = owner.and_then(|o| began(self, o).map(|at| (o, at))) {
            for claim in self.flows.rivals(key.src, key.dst) {
                let near = began(self, claim.call)
                    .is_some_and(|at| at.micros_since(&mine).max(mine.micros_since(&at)) <= APART_US);
                let recorded = self.calls.get(&claim.call).is_some_and(|c| !c.excluded && c.seg.is_some());
                if claim.call != owner
                    && near
                    && recorded
                    && let Some(twin) = self.leg_for(now, claim.call, claim.leg, rtp)
                {
                    twins.push((twin, claim.call));
                }
            }
        }
        let beside = self.beside_mut(place);
        beside.twins = twins;
        beside.twins_of = Some(generation);
    }
}
