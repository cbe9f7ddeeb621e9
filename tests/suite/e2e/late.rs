//! What is learned late: why samples are missing, and whose call it is. Captures are made, then changed packet by packet.

use std::fs;
use std::path::Path;
use std::time::Duration;

use amethyst_tests::calls::{Plan, Side, Voice, to_pcap};
use serde_json::Value;

use super::film::files_below;
use super::site::Site;

/// 2026-11-20 08:00:00 UTC.
const MORNING: Duration = Duration::from_secs(1_795_161_600);
/// Where the payload of UDP begins in a frame (Ethernet, IPv4), and its checksum.
const PAYLOAD: usize = 42;
const CHECKSUM: usize = 40;

/// One packet: microseconds since 1970, and its octets.
type Packet = (u64, Vec<u8>);

/// A call of `seconds` as packets.
fn call(site: &Site, seconds: u64) -> (Plan, Vec<Packet>) {
    let plan = Plan {
        calls: 1,
        speech: Duration::from_secs(seconds),
        voice: Voice::Synthetic,
        same_ssrc: Some(7),
        ..Plan::default()
    };
    let file = site.path("whole.pcap");
    to_pcap(&plan, file.as_ref(), MORNING).expect("a capture of a call");
    let bytes = fs::read(file).unwrap();
    let mut packets = Vec::new();
    let mut rest = &bytes[24..];
    while let Some((head, tail)) = rest.split_first_chunk::<16>() {
        let word = |n: usize| u32::from_le_bytes(head[n..n + 4].try_into().unwrap());
        let (frame, after) = tail.split_at(word(8) as usize);
        packets.push((u64::from(word(0)) * 1_000_000 + u64::from(word(4)), frame.to_vec()));
        rest = after;
    }
    (plan, packets)
}

/// Writes packets as a capture in the order of their times and records it; returns the summary.
fn record(site: &Site, mut packets: Vec<Packet>) -> Value {
    packets.sort_by_key(|(at, _)| *at);
    let mut bytes = fs::read(site.path("whole.pcap")).unwrap()[..24].to_vec();
    for (at, frame) in packets {
        let len = u32::try_from(frame.len()).unwrap();
        for word in [u32::try_from(at / 1_000_000).unwrap(), u32::try_from(at % 1_000_000).unwrap(), len, len]
        {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(frame);
    }
    let file = site.path("changed.pcap");
    fs::write(file, bytes).unwrap();
    site.record(&[file])
}

fn is_from(frame: &[u8], port: u16) -> bool {
    frame[34..36] == port.to_be_bytes()
}

/// The only recording as `show` tells it.
fn shown(site: &Site) -> Value {
    let listed = site.run("list", &["--json"]).json();
    let rows = listed.as_array().or_else(|| listed["recordings"].as_array()).unwrap();
    assert_eq!(rows.len(), 1, "{listed}");
    site.run("show", &["--json", rows[0]["id"].as_str().unwrap()]).json()
}

fn near(recording: &Value) -> &Value {
    recording["tracks"].as_array().unwrap().iter().find(|t| t["role"] == "near").unwrap()
}

#[test]
fn a_silence_that_looked_like_loss_is_silence_in_the_summary_in_show_and_in_the_gap_map() {
    const FROM: u16 = 100;
    const SILENT: u16 = 1_200; // 24 s, of which the first are written as lost before anybody knows
    let site = Site::new();
    let (plan, mut packets) = call(&site, 30);
    let port = plan.media_addr(1, Side::Caller).port();
    let mut first = None;
    packets.retain_mut(|(_, frame)| {
        if !is_from(frame, port) {
            return true;
        }
        let seq = u16::from_be_bytes([frame[PAYLOAD + 2], frame[PAYLOAD + 3]]);
        let nth = seq.wrapping_sub(*first.get_or_insert(seq));
        if (FROM..FROM + SILENT).contains(&nth) {
            return false;
        }
        if nth >= FROM + SILENT {
            // The sender was silent of its own will: its numbers go on without a hole, and the first says so.
            frame[PAYLOAD + 2..PAYLOAD + 4].copy_from_slice(&seq.wrapping_sub(SILENT).to_be_bytes());
            frame[PAYLOAD + 1] |= if nth == FROM + SILENT { 0x80 } else { 0 };
            frame[CHECKSUM..CHECKSUM + 2].fill(0);
        }
        true
    });
    let summary = record(&site, packets);
    let silent = u64::from(SILENT) * 160;
    let check = |gaps: &Value| {
        assert_eq!(gaps["silence-suppressed"].as_u64(), Some(silent), "{gaps}");
        assert_eq!(gaps["lost-in-network"].as_u64(), Some(0), "{gaps}");
    };
    check(&summary["gap_samples"]);
    let recording = shown(&site);
    check(&near(&recording)["gap_samples"]);
    assert_eq!(recording["end"], "recorded", "{recording}");
    let out = site.export(&["--format", "raw"]);
    let sidecar =
        files_below(Path::new(out)).into_iter().find(|f| f.extension().is_some_and(|e| e == "json"));
    let sidecar: Value = serde_json::from_slice(&fs::read(sidecar.expect("a sidecar")).unwrap()).unwrap();
    let map = sidecar["gap_map"].as_array().unwrap().iter().find(|m| m["track"] == near(&recording)["track"]);
    let gaps = map.expect("the caller's gaps")["gaps"].as_array().unwrap();
    assert!(gaps.iter().all(|gap| gap["cause"] == "silence-suppressed"), "{gaps:?}");
    assert_eq!(gaps.iter().map(|gap| gap["samples"].as_u64().unwrap()).sum::<u64>(), silent, "{gaps:?}");
}

#[test]
fn a_call_whose_signalling_comes_five_seconds_late_is_one_recording_from_its_first_packet() {
    let site = Site::new();
    let (plan, mut packets) = call(&site, 12);
    let signalling = [Side::Caller, Side::Callee].map(|side| plan.sip_addr(1, side).port());
    let begun = packets.iter().map(|(at, _)| *at).min().unwrap();
    for (at, frame) in &mut packets {
        let bye = frame[PAYLOAD..].starts_with(b"BYE") || *at > begun + 10_000_000;
        if signalling.iter().any(|port| is_from(frame, *port)) && !bye {
            *at += 5_000_000;
        }
    }
    let summary = record(&site, packets);
    assert_eq!(summary["ledger"]["signalled"].as_u64(), Some(1), "{summary}");
    let recording = shown(&site);
    assert_eq!(
        (recording["orphan"].as_bool(), &recording["end"]),
        (Some(false), &"recorded".into()),
        "{recording}"
    );
    assert_eq!(recording["caller"]["number"].as_str(), Some(plan.number(1, Side::Caller).as_str()));
    assert_eq!(recording["call_ids"][0].as_str(), Some(plan.call_id(1).as_str()));
    let heard: Vec<u64> =
        recording["tracks"].as_array().unwrap().iter().map(|t| t["samples"].as_u64().unwrap()).collect();
    assert_eq!(heard, [u64::from(plan.packets()) * 160; 2], "every packet of both, once: {recording}");
}
