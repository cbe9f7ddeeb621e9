//! What one running call costs in memory: 5,000 duplex G.711 calls through the engine, by the resident size of the process.
//!
//! Prints the figure after two seconds of talk, and fails above 40 KiB a call.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a bench"
)]

use amethyst_telephony::cmd::SegCmd;
use amethyst_telephony::engine::{Engine, EngineConfig};
use amethyst_telephony::net::LinkType;
use shared::{Stamp, TapId, TimeQuality, UtcMicros};

const CALLS: u32 = 5_000;
const KIB_MAX: u64 = 40;

fn stamp(ns: u64) -> Stamp {
    let utc = UtcMicros(1_700_000_000_000_000 + (ns / 1_000) as i64);
    Stamp { mono_ns: ns, utc, quality: TimeQuality::File }
}

fn frame(from: (u8, u32), to: (u8, u32), port: u16, payload: &[u8]) -> Vec<u8> {
    let ip = |(net, host): (u8, u32)| [10, net, (host >> 8) as u8, host as u8];
    let mut f = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
    f.extend(((28 + payload.len()) as u16).to_be_bytes());
    f.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    f.extend(ip(from));
    f.extend(ip(to));
    for number in [port, port, (8 + payload.len()) as u16, 0] {
        f.extend(number.to_be_bytes());
    }
    f.extend(payload);
    f
}

fn sip(host: u32, answer: bool) -> Vec<u8> {
    let (first, net) = if answer { ("SIP/2.0 200 OK", 2) } else { ("INVITE sip:b@x SIP/2.0", 1) };
    let (high, low, tag) = (host >> 8, host & 255, if answer { ";tag=b" } else { "" });
    let sdp = format!(
        "v=0\r\no=- 1 1 IN IP4 10.{net}.{high}.{low}\r\ns=-\r\nc=IN IP4 10.{net}.{high}.{low}\r\nt=0 0\r\n\
         m=audio 4000 RTP/AVP 0\r\n"
    );
    let text = format!(
        "{first}\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK{host}\r\nFrom: <sip:a{host}@x>;tag=a{host}\r\n\
         To: <sip:b@x>{tag}\r\nCall-ID: c{host}\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    );
    text.into_bytes()
}

fn rtp(n: u32, ssrc: u32) -> [u8; 172] {
    let mut rtp = [0x5a; 172];
    rtp[..2].copy_from_slice(&[0x80, 0]);
    rtp[2..4].copy_from_slice(&(n as u16).to_be_bytes());
    rtp[4..8].copy_from_slice(&(n * 160).to_be_bytes());
    rtp[8..12].copy_from_slice(&ssrc.to_be_bytes());
    rtp
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

/// Reads the resident size of this process.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn main() {
    let ethernet = LinkType::from_dlt(1).unwrap();
    let mut engine = Engine::new(EngineConfig::default());
    let before = resident_kib();
    let mut now = 1_000_000_000u64;
    let ends = |host: u32| [((1, host), (2, host)), ((2, host), (1, host))];
    for host in 0..CALLS {
        for (answer, (from, to)) in ends(host).into_iter().enumerate() {
            let message = frame(from, to, 5_060, &sip(host, answer == 1));
            engine.handle_packet(stamp(now), TapId(0), ethernet, None, &message);
        }
    }
    for n in 0..100 {
        for host in 0..CALLS {
            for (from, to) in ends(host) {
                let packet = frame(from, to, 4_000, &rtp(n, host));
                engine.handle_packet(stamp(now + u64::from(host) * 3_900), TapId(0), ethernet, None, &packet);
            }
            drain(&mut engine);
        }
        now += 20_000_000;
    }
    let talking = resident_kib().saturating_sub(before) / u64::from(CALLS);
    let counters = engine.counters();
    assert_eq!((counters.opened, counters.segments_now), (u64::from(CALLS), u64::from(CALLS)), "all are up");
    println!("{CALLS} calls: {talking} KiB of memory for each");
    assert!(talking <= KIB_MAX, "more than {KIB_MAX} KiB a call");
}
