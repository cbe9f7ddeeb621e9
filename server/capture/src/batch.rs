//! A few packets read ahead, then handed over one after the other.
//!
//! Whoever takes a packet copies its sound to memory that is far from the processor. A head that is written and read back
//! at once waits for all of that; one that was written a few packets ago does not. So heads are read in batches.

use shared::{Stamp, TapId, TimeQuality, UtcMicros};
use telephony::net::LinkType;

use crate::Packet;

/// Packets in a batch: their heads stay in the innermost cache, and what they point to in the next one.
pub(crate) const BATCH: usize = 32;

const NOTHING: Packet<'static> = Packet {
    tap: TapId(0),
    link: LinkType::Ethernet,
    stamp: Stamp { mono_ns: 0, utc: UtcMicros(0), quality: TimeQuality::File },
    bytes: &[],
    orig_len: 0,
    vlan: None,
    outgoing: false,
    lost_before: 0,
};

/// At most [`BATCH`] packets in their order.
pub(crate) struct Batch<'a> {
    packets: [Packet<'a>; BATCH],
    count: usize,
}

impl<'a> Batch<'a> {
    pub(crate) const fn new() -> Self {
        Self { packets: [NOTHING; BATCH], count: 0 }
    }

    /// Puts a packet behind the others. The caller has seen to it that there is room.
    #[inline]
    pub(crate) fn put(&mut self, packet: Packet<'a>) {
        if let Some(place) = self.packets.get_mut(self.count) {
            *place = packet;
            self.count = self.count.saturating_add(1);
        }
    }

    #[inline]
    pub(crate) const fn is_full(&self) -> bool {
        self.count >= BATCH
    }

    #[inline]
    pub(crate) const fn len(&self) -> usize {
        self.count
    }

    /// Hands all packets over and is empty again.
    #[inline]
    pub(crate) fn hand_over(&mut self, sink: &mut dyn FnMut(&Packet<'_>)) {
        self.packets.iter().take(self.count).for_each(&mut *sink);
        self.count = 0;
    }
}
