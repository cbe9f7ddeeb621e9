//! Packets that were made here, handed over in real time as if an interface had seen them.
//!
//! For the test call of the console, and for canaries: they go through everything that a call on a wire goes through. It says `live`, so
//! nobody waits for it and its clock is the machine's.

use std::collections::VecDeque;
use std::time::Duration;

use shared::{Stamp, TapId};
use telephony::net::LinkType;

use crate::{CaptureError, Drops, Packet, PacketSource, Poll, SourceInfo, Warning};

/// A packet and when it is due, counted from the start of the replay.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Due {
    /// Time from the start.
    pub after: Duration,
    /// The packet, from its IP header on; from its Ethernet header if the replay is one of such frames.
    pub bytes: Vec<u8>,
}

/// A source that plays packets back at their times and then ends.
pub struct Replay {
    tap: TapId,
    name: String,
    link: LinkType,
    packets: VecDeque<Due>,
    clock: Box<dyn Fn() -> Stamp + Send>,
    begun_ns: Option<u64>,
    delivered: u64,
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replay")
            .field("tap", &self.tap)
            .field("left", &self.packets.len())
            .finish_non_exhaustive()
    }
}

impl Replay {
    /// Plays `packets`, sorted by their times, into `tap`; the first poll is time zero. `clock` gives both clocks.
    #[must_use]
    pub fn new(
        tap: TapId,
        name: &str,
        mut packets: Vec<Due>,
        clock: impl Fn() -> Stamp + Send + 'static,
    ) -> Self {
        packets.sort_by_key(|due| due.after);
        Self {
            tap,
            name: name.to_owned(),
            link: LinkType::Raw,
            packets: packets.into(),
            clock: Box::new(clock),
            begun_ns: None,
            delivered: 0,
        }
    }

    /// Says that the packets are Ethernet frames.
    #[must_use]
    pub fn of_frames(self) -> Self {
        Self { link: LinkType::Ethernet, ..self }
    }
}

impl PacketSource for Replay {
    fn info(&self) -> SourceInfo {
        SourceInfo { tap: self.tap, name: self.name.clone(), live: true, link: Some(self.link), fd: None }
    }

    fn poll(&mut self, wait: Duration, sink: &mut dyn FnMut(&Packet<'_>)) -> Result<Poll, CaptureError> {
        let stamp = (self.clock)();
        let begun = *self.begun_ns.get_or_insert(stamp.mono_ns);
        let gone = Duration::from_nanos(stamp.mono_ns.saturating_sub(begun));
        let mut polled = Poll::Idle;
        while let Some(due) = self.packets.pop_front_if(|due| due.after <= gone) {
            let orig_len = u32::try_from(due.bytes.len()).unwrap_or(u32::MAX);
            self.delivered = self.delivered.saturating_add(1);
            polled = Poll::Progress;
            sink(&Packet {
                tap: self.tap,
                link: self.link,
                stamp,
                bytes: &due.bytes,
                orig_len,
                vlan: None,
                outgoing: false,
                lost_before: 0,
            });
        }
        if polled == Poll::Idle {
            let Some(next) = self.packets.front() else { return Ok(Poll::End) };
            // What comes is known, so nothing is missed by sleeping until then.
            std::thread::sleep(next.after.saturating_sub(gone).min(wait));
        }
        Ok(polled)
    }

    fn drops(&mut self) -> Drops {
        Drops { delivered: self.delivered, ..Drops::default() }
    }

    fn warnings(&mut self) -> Vec<Warning> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn a_packet_comes_when_it_is_due_and_not_before() {
        let ms = Arc::new(AtomicU64::new(5_000));
        let clock = Arc::clone(&ms);
        let due = |after, byte| Due { after: Duration::from_millis(after), bytes: vec![byte] };
        let mut replay = Replay::new(TapId(3), "test", vec![due(40, 2), due(0, 1)], move || Stamp {
            mono_ns: clock.load(Ordering::Relaxed) * 1_000_000,
            ..Stamp::default()
        });
        let mut seen = Vec::new();
        let mut poll = |at: u64, seen: &mut Vec<u8>| {
            ms.store(at, Ordering::Relaxed);
            replay.poll(Duration::ZERO, &mut |p| seen.extend_from_slice(p.bytes)).unwrap()
        };
        assert_eq!((poll(5_000, &mut seen), seen.as_slice()), (Poll::Progress, [1].as_slice()));
        assert_eq!((poll(5_039, &mut seen), seen.as_slice()), (Poll::Idle, [1].as_slice()));
        assert_eq!((poll(5_040, &mut seen), seen.as_slice()), (Poll::Progress, [1, 2].as_slice()));
        assert_eq!(poll(5_041, &mut seen), Poll::End);
    }
}
