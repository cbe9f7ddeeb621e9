//! Packets that came too early, waiting for the ones before them.
//!
//! Bounded twice: by the owner, who empties it once 200 ms of timestamps are spanned, and here by a number of packets.

/// Packets held at most; 200 ms of 2.5 ms packets are 80.
const HELD_MAX: usize = 128;

/// One packet in waiting. It owns its payload.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Sequence number.
    pub(crate) seq: u16,
    /// Timestamp.
    pub(crate) ts: u32,
    /// Payload type.
    pub(crate) pt: u8,
    /// Marker bit.
    pub(crate) marker: bool,
    /// When it arrived.
    pub(crate) at: shared::Stamp,
    /// The drop counter of its tap at that moment.
    pub(crate) drops: u32,
    /// What it carries.
    pub(crate) payload: Vec<u8>,
    /// It arrived encrypted and without a key.
    pub(crate) opaque: bool,
}

/// What became of a packet that was offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Offered {
    /// Waits at the end, as the newest.
    Newest,
    /// Waits before others that came earlier.
    Between,
    /// Its like is waiting already.
    Duplicate,
    /// No room: the owner must settle first.
    Full,
}

/// The packets in waiting, in the order of their sequence numbers.
#[derive(Debug, Default)]
pub(crate) struct Reorder {
    held: std::collections::VecDeque<Held>,
    spare: Vec<Vec<u8>>,
}

impl Reorder {
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Returns the packet with the lowest sequence number.
    pub(crate) fn first(&self) -> Option<&Held> {
        self.held.front()
    }

    /// Returns the highest timestamp distance from `ts` that is waiting.
    pub(crate) fn span(&self, ts: u32) -> u32 {
        let ahead = |held: &Held| held.ts.wrapping_sub(ts);
        self.held.iter().map(ahead).filter(|d| *d < 0x8000_0000).max().unwrap_or(0)
    }

    /// Returns the monotonic time of the newest arrival that waits, 0 when nothing waits.
    pub(crate) fn newest_ns(&self) -> u64 {
        self.held.iter().map(|held| held.at.mono_ns).max().unwrap_or(0)
    }

    /// Says that the first packet in waiting came as early as the earliest of all: it was overtaken on its way.
    pub(crate) fn date_first(&mut self) {
        let earliest = self.held.iter().map(|held| held.at).min_by_key(|at| at.mono_ns);
        if let (Some(first), Some(at)) = (self.held.front_mut(), earliest) {
            first.at = at;
        }
    }

    /// Gives the memory up while nothing waits.
    pub(crate) fn rest(&mut self) {
        if self.held.is_empty() && self.held.capacity() > 0 {
            *self = Self::default();
        }
    }

    /// Takes the packet with the lowest sequence number.
    pub(crate) fn pop(&mut self) -> Option<Held> {
        self.held.pop_front()
    }

    /// Keeps the memory of a payload for the next packet.
    pub(crate) fn recycle(&mut self, mut payload: Vec<u8>) {
        if self.spare.len() < 16 {
            payload.clear();
            self.spare.push(payload);
        }
    }

    /// Puts a packet in its place; `base` is the sequence number awaited. The payload is copied only when it stays.
    pub(crate) fn offer(&mut self, base: u16, packet: Held, payload: &[u8]) -> Offered {
        let ahead = packet.seq.wrapping_sub(base);
        let place = self.held.partition_point(|held| held.seq.wrapping_sub(base) < ahead);
        if self.held.get(place).is_some_and(|held| held.seq == packet.seq) {
            return Offered::Duplicate;
        }
        if self.held.len() >= HELD_MAX {
            return Offered::Full;
        }
        let mut memory = self.spare.pop().unwrap_or_default();
        memory.extend_from_slice(payload);
        let newest = place == self.held.len();
        self.held.insert(place, Held { payload: memory, ..packet });
        if newest { Offered::Newest } else { Offered::Between }
    }
}
