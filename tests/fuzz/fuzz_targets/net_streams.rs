//! TCP segments in any order: what is delivered is never more than came in, and ends are told once.
#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use shared::Stamp;
use telephony::net::{Addr, Endpoint, StreamEvent, TcpFlags, TcpLimits, TcpSegment, TcpStreams};

fuzz_target!(|input: &[u8]| {
    let limits = TcpLimits { streams: 4, window_bytes: 256, waiting_bytes: 512, ..TcpLimits::default() };
    let mut streams = TcpStreams::new(limits);
    let (mut rest, mut mono_ns, mut given, mut delivered) = (input, 0u64, 0usize, 0usize);
    let mut ended = BTreeSet::new();
    let mut sink = |id, event: StreamEvent<'_>| match event {
        StreamEvent::Data(data) => {
            assert!(!ended.contains(&id), "data after the end");
            delivered += data.len();
        }
        StreamEvent::Hole => {}
        StreamEvent::End => assert!(ended.insert(id), "ended twice"),
    };
    while let Some(([port, flags, seq, wait, len], after)) = rest.split_first_chunk::<5>() {
        let (payload, next) = after.split_at(usize::from(*len).min(after.len()));
        mono_ns += u64::from(*wait) * 20_000_000;
        given += payload.len();
        let end = |port| Endpoint { addr: Addr::v4([10, 0, 0, 1]), port };
        let seq = u32::from(*seq).wrapping_mul(if port & 0x80 == 0 { 1 } else { 0x0101_0101 });
        let flags = TcpFlags(*flags);
        let segment = TcpSegment {
            src: end(u16::from(port % 8)),
            dst: end(5060),
            seq,
            flags,
            payload,
            truncated: false,
        };
        let now = Stamp { mono_ns, ..Stamp::default() };
        streams.handle(now, &segment, &mut sink);
        streams.handle_timeout(now, &mut sink);
        rest = next;
    }
    streams.finish(&mut sink);
    assert!(delivered <= given, "more than came in");
});
