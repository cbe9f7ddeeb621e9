//! What one RTP packet costs from the captured frame to the leg's buffer: 1,000 duplex G.711 calls, interleaved.
//!
//! One iteration is 20 ms of all calls: 2,000 packets. Commands are taken and buffers given back, as the recorder does.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a bench"
)]

use amethyst_telephony::cmd::SegCmd;
use amethyst_telephony::engine::{Engine, EngineConfig};
use amethyst_telephony::net::LinkType;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use shared::{Stamp, TapId, TimeQuality, UtcMicros};

const CALLS: u32 = 1_000;

fn stamp(ns: u64) -> Stamp {
    let utc = UtcMicros(1_700_000_000_000_000 + (ns / 1_000) as i64);
    Stamp { mono_ns: ns, utc, quality: TimeQuality::File }
}

fn frame(from: (u8, u32), to: (u8, u32), payload: &[u8]) -> Vec<u8> {
    let ip = |(net, host): (u8, u32)| [10, net, (host >> 8) as u8, host as u8];
    let mut f = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
    f.extend(((28 + payload.len()) as u16).to_be_bytes());
    f.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    f.extend(ip(from));
    f.extend(ip(to));
    for port in [4_000u16, 4_000, (8 + payload.len()) as u16, 0] {
        f.extend(port.to_be_bytes());
    }
    f.extend(payload);
    f
}

fn sip(host: u32, answer: bool) -> Vec<u8> {
    let (first, net) = if answer { ("SIP/2.0 200 OK", 2) } else { ("INVITE sip:b@x SIP/2.0", 1) };
    let (high, low) = (host >> 8, host & 255);
    let sdp = format!(
        "v=0\r\no=- 1 1 IN IP4 10.{net}.{high}.{low}\r\ns=-\r\nc=IN IP4 10.{net}.{high}.{low}\r\nt=0 0\r\n\
         m=audio 4000 RTP/AVP 0\r\n"
    );
    let tag = if answer { ";tag=b" } else { "" };
    let text = format!(
        "{first}\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK{host}\r\nFrom: <sip:a{host}@x>;tag=a{host}\r\n\
         To: <sip:b@x>{tag}\r\nCall-ID: c{host}\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    );
    text.into_bytes()
}

fn drain(engine: &mut Engine) {
    while let Some(cmd) = engine.poll_cmd() {
        if let SegCmd::Append { chunks, .. } = cmd {
            for chunk in chunks {
                engine.recycle(chunk.buf);
            }
        }
    }
}

fn thousand_calls(c: &mut Criterion) {
    let ethernet = LinkType::from_dlt(1).unwrap();
    let mut engine = Engine::new(EngineConfig::default());
    let mut now = 1_000_000_000u64;
    let mut frames: Vec<Vec<u8>> = Vec::new();
    for host in 0..CALLS {
        for answer in [false, true] {
            let (from, to) = if answer { ((2, host), (1, host)) } else { ((1, host), (2, host)) };
            let mut message = frame(from, to, &sip(host, answer));
            message[34..38].copy_from_slice(&[0x13, 0xc4, 0x13, 0xc4]);
            engine.handle_packet(stamp(now), TapId(0), ethernet, None, &message);
            let mut rtp = vec![0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, answer.into()];
            rtp.resize(172, 0x5a);
            frames.push(frame(from, to, &rtp));
        }
    }
    drain(&mut engine);
    let mut n = 0u32;
    let mut group = c.benchmark_group("engine");
    group.throughput(Throughput::Elements(u64::from(2 * CALLS)));
    group.bench_function("1000 duplex G.711 calls, 20 ms", |b| {
        b.iter(|| {
            for (i, frame) in (0u64..).zip(&mut frames) {
                frame[44..46].copy_from_slice(&(n as u16).to_be_bytes());
                frame[46..50].copy_from_slice(&n.wrapping_mul(160).to_be_bytes());
                engine.handle_packet(stamp(now + i * 9_000), TapId(0), ethernet, None, frame);
            }
            n = n.wrapping_add(1);
            now += 20_000_000;
            drain(&mut engine);
        });
    });
    let counters = engine.counters();
    assert_eq!(counters.opened, u64::from(CALLS), "every call records");
    assert_eq!(counters.rtp, u64::from(n) * 2 * u64::from(CALLS), "every packet reached its leg");
    group.finish();
}

criterion_group!(benches, thousand_calls);
criterion_main!(benches);
