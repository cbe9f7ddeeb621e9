//! Any frames in any order through the whole engine: no panic, and every segment that is signalled is closed once.
#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use shared::{Stamp, TapId, TimeQuality, UtcMicros};
use telephony::cmd::SegCmd;
use telephony::engine::{Engine, EngineConfig};
use telephony::net::LinkType;

fuzz_target!(|data: &[u8]| {
    let Ok(raw) = LinkType::from_dlt(101) else { return };
    let mut engine = Engine::new(EngineConfig::default());
    let (mut mono_ns, mut rest) = (1_000_000_000u64, data);
    let mut open = BTreeSet::new();
    let stamp = |ns: u64| Stamp {
        mono_ns: ns,
        utc: UtcMicros(i64::try_from(ns / 1_000).unwrap_or(0)),
        quality: TimeQuality::File,
    };
    let mut drain = |engine: &mut Engine| {
        while let Some(cmd) = engine.poll_cmd() {
            match &cmd {
                SegCmd::Signalled { seg, .. } => assert!(open.insert(*seg), "signalled once"),
                SegCmd::Close(close) => assert!(open.remove(&close.seg), "closed once"),
                other => assert!(open.contains(&other.seg()), "between the two"),
            }
        }
        open.len()
    };
    // Each packet: two octets of length and port choice, one of time, then a UDP payload in a frame of ours.
    while let Some((&[len, port, step], tail)) = rest.split_first_chunk::<3>() {
        let (payload, tail) = tail.split_at(usize::from(len).min(tail.len()));
        rest = tail;
        mono_ns += u64::from(step) * 5_000_000;
        let total = u16::try_from(28 + payload.len()).unwrap_or(0).to_be_bytes();
        let mut ip = vec![0x45, 0, total[0], total[1], 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        ip.extend([0x0f, 0xa0 | (port & 7), 0x17, 0x70 | (port >> 5)]);
        ip.extend(u16::try_from(8 + payload.len()).unwrap_or(0).to_be_bytes());
        ip.extend([0, 0]);
        ip.extend(payload);
        engine.handle_packet(stamp(mono_ns), TapId(0), raw, None, &ip);
        drain(&mut engine);
    }
    engine.finish(stamp(mono_ns));
    assert_eq!(drain(&mut engine), 0, "every segment is closed");
});
