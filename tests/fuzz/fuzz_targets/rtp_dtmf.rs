//! A story of telephone events: eight octets a packet (timestamp, payload), and never more digits than packets.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telephony::rtp::dtmf::{DtmfTracker, redundant_types};

fuzz_target!(|story: &[u8]| {
    let mut tracker = DtmfTracker::default();
    let (packets, _) = story.as_chunks::<8>();
    let mut digits = 0;
    for &[t0, t1, t2, t3, payload @ ..] in packets {
        let timestamp = u32::from_be_bytes([t0, t1, t2, t3]);
        digits += usize::from(tracker.handle(timestamp, t3 & 1 == 1, &payload).is_some());
        digits += usize::from(tracker.expire(timestamp.wrapping_add(u32::from(t0))).is_some());
    }
    digits += usize::from(tracker.flush().is_some());
    assert!(digits <= packets.len(), "a digit out of nothing");
    assert!(redundant_types(story).count() <= story.len(), "a block out of nothing");
});
