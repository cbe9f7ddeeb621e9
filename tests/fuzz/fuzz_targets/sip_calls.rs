//! The tracker: any sequence of messages at any times, limits hold and the books balance.
//!
//! Messages are separated by a line `%` whose next two octets say how much time passes and which way the message goes.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use shared::{Stamp, TapId, TimeQuality, UtcMicros};
use telephony::net::{Addr, Endpoint};
use telephony::sip::{CallEventKind, Calls, Limits};

fn tell(calls: &mut Calls, open: &mut BTreeMap<u64, bool>) {
    while let Some(event) = calls.poll_event() {
        let ended = open.get(&event.call.0).copied();
        match event.kind {
            CallEventKind::New { .. } => assert_eq!(open.insert(event.call.0, false), None, "new once"),
            CallEventKind::Ended { .. } => {
                assert_eq!(ended, Some(false), "ended once");
                open.insert(event.call.0, true);
            }
            CallEventKind::Media(plan) => {
                assert_eq!(ended, Some(false), "of a call that is up");
                assert!(plan.legs.len() <= 32, "bounded");
            }
            _ => assert_eq!(ended, Some(false), "of a call that is up"),
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut calls = Calls::new(Limits { calls: 8, branches: 4, ..Limits::default() });
    let mut open = BTreeMap::new();
    let host = |last: u8| Endpoint { addr: Addr::v4([10, 0, 0, last]), port: 5060 };
    let mut now_ms = 0u64;
    let mut rest = bytes;
    while !rest.is_empty() {
        let end = rest.windows(3).position(|three| three == b"\n%\n").unwrap_or(rest.len());
        let (message, after) = rest.split_at(end);
        rest = after.get(3..).unwrap_or_default();
        let (time, way) = (message.first().copied().unwrap_or(0), message.get(1).copied().unwrap_or(0));
        now_ms += u64::from(time) * 200;
        let now = Stamp {
            mono_ns: now_ms * 1_000_000,
            utc: UtcMicros(now_ms as i64 * 1_000),
            quality: TimeQuality::File,
        };
        calls.handle_timeout(now);
        tell(&mut calls, &mut open);
        calls.handle_message(
            now,
            TapId(u16::from(way & 1)),
            host(way >> 4),
            host(way & 14),
            message.get(2..).unwrap_or_default(),
        );
        tell(&mut calls, &mut open);
        assert!(calls.len() <= 8, "bounded");
        std::hint::black_box(calls.poll_timeout());
    }
    let counters = calls.counters();
    assert_eq!(counters.calls, open.len() as u64);
    assert_eq!(counters.ended, open.values().filter(|ended| **ended).count() as u64);
});
