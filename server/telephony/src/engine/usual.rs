//! The usual packet: the next one of a stream that runs, in Ethernet and IPv4. Nearly all packets are that.
//!
//! From the frame to the leg's buffer it is a handful of plain numbers that stay in registers. A structure that is written
//! in small pieces and read back in large ones would wait until all that was written before has reached the cache, and
//! sound is written to where the cache is not: that wait costs more than all the work. Whatever is not exactly the usual
//! packet changes nothing here and takes the way of all others, which must give the same for those that are.

use shared::{Stamp, TapId};

use crate::net;
use crate::rtp::leg::Fast;
use crate::rtp::packet::RtpPacket;

use super::Engine;
use super::flows::Flow;

impl Engine {
    /// Takes an Ethernet frame that holds the usual packet; false if it does not and nothing was done.
    #[inline]
    pub(super) fn usual(&mut self, now: &Stamp, tap: TapId, frame: &[u8]) -> bool {
        let Some(datagram) = net::ethernet_ipv4_udp(frame) else { return false };
        let (src, dst) = ((datagram.src, datagram.sport), (datagram.dst, datagram.dport));
        let Some(Flow::Leg(place)) = self.flows.find_ipv4(src, dst) else { return false };
        let Some(rtp) = RtpPacket::parse(datagram.payload) else { return false };
        let drops = self.drops_of(tap);
        let Some(leg) = self.legs.at_mut(place) else { return false };
        if leg.protected || leg.twinned {
            return false;
        }
        match leg.fast(now, drops, &rtp) {
            Fast::Done => {}
            Fast::Full => self.with_leg(place, now, |leg, env| leg.filled(now, env)),
            Fast::No => return false,
        }
        self.counters.rtp = self.counters.rtp.wrapping_add(1);
        true
    }
}
