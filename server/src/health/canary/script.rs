//! What a canary sends: two seconds of two parties who speak noise that is different each time, so that the sound of one can never
//! pass for that of another.
//!
//! Its addresses are drawn from 240.0.0.0/4, which nobody routes (RFC 1112, section 4), and with its ports, Call-ID and numbers anew for each
//! canary: nothing of it is ever on a wire, so nobody on a wire can aim at it. It is known by the number of the tap under which
//! it is handed in ([`shared::TapId::canary`]), and by nothing that stands in its packets.

use std::net::Ipv4Addr;

use capture::Due;
use rand_core::CryptoRng;

use crate::made_call::{End, MadeCall, PACKET};

/// Packets of sound each way: two seconds.
pub(super) const PACKETS: u16 = 100;
/// Samples each way.
pub(super) const SAMPLES: u64 = PACKETS as u64 * PACKET as u64;

/// One canary.
#[derive(Debug, Clone)]
pub(super) struct Script {
    call: MadeCall,
    seed: u32,
}

impl Script {
    /// Draws one.
    pub(super) fn drawn(dice: &mut impl CryptoRng) -> Self {
        let caller = end("Canary", dice);
        let mut called = end("Canary", dice);
        if (called.at, called.port) == (caller.at, caller.port) {
            called.port = called.port.wrapping_add(2);
        }
        let call_id = format!("{:016x}{:016x}", dice.next_u64(), dice.next_u64());
        let call =
            MadeCall { caller, called, call_id, mark: dice.next_u32(), packets: PACKETS, ethernet: true };
        Self { call, seed: dice.next_u32() }
    }

    /// The number that calls: it tells one canary from another.
    pub(super) fn caller(&self) -> &str {
        &self.call.caller.number
    }

    /// Its packets, as Ethernet frames.
    pub(super) fn packets(&self) -> Vec<Due> {
        self.call.packets(|sample, from_caller| self.octet(sample, from_caller))
    }

    /// All that one side says.
    pub(super) fn said(&self, from_caller: bool) -> Vec<u8> {
        let samples = u32::from(PACKETS).saturating_mul(PACKET);
        (0..samples).map(|sample| self.octet(sample, from_caller)).collect()
    }

    /// One octet of noise: it depends on the canary, the side and the place, and on nothing else.
    fn octet(&self, sample: u32, from_caller: bool) -> u8 {
        let place = sample.wrapping_mul(2).wrapping_add(u32::from(from_caller));
        let mut x = self.seed ^ place.wrapping_mul(0x9e37_79b9);
        x ^= x >> 16;
        x = x.wrapping_mul(0x85eb_ca6b);
        x ^= x >> 13;
        x.to_be_bytes()[0]
    }
}

fn end(name: &'static str, dice: &mut impl CryptoRng) -> End {
    // The last of 240.0.0.0/4 is the broadcast address.
    let at = Ipv4Addr::from(0xf000_0000 | (dice.next_u32() & 0x0fff_fffe));
    let port =
        10_000_u16.saturating_add(u16::try_from(dice.next_u32() % 20_000).unwrap_or(0).saturating_mul(2));
    End { name, number: format!("{:020}", dice.next_u64()), at, port }
}
