//! A capture with known audio goes in; what comes out is compared sample for sample by an independent judge.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use super::site::{Site, genpcap};

/// Generates, records, exports and judges; returns the parameters of the capture and the summary of the recorder.
fn round(options: &[&str], least_share: &str) -> Option<(Value, Value, Site)> {
    let site = Site::new();
    let file = site.path("calls.pcap");
    // Without noise the synthetic voice has stretches that look alike, and the judge could align one with another.
    let mut words = vec!["gen", file, "--tone", "--noise", "200"];
    words.extend_from_slice(options);
    let made = genpcap(&words)?;
    assert_eq!(made.code, Some(0), "{made:?}");
    let summary = site.record(&[file]);
    let out = site.export(&[]);
    let pattern = format!("{out}/*.wav");
    let judged = genpcap(&["verify", file, "--files", &pattern, "--min", least_share])?;
    assert_eq!(judged.code, Some(0), "{judged:?}");
    let parameters = fs::read_to_string(format!("{file}.json")).expect("the generator writes its parameters");
    Some((serde_json::from_str(&parameters).expect("JSON"), summary, site))
}

#[test]
fn what_was_said_comes_out_sample_for_sample() {
    let Some((made, summary, site)) = round(&["--calls", "30", "--secs", "5"], "1.0") else { return };
    assert_eq!(summary["packets"], made["packets"]);
    assert_eq!((summary["calls"].as_u64(), summary["legs"].as_u64()), (Some(30), Some(60)));
    assert_eq!(summary["recordings"].as_u64(), Some(30));
    assert_eq!(summary["ledger"]["recorded"].as_u64(), Some(30));
    let checked = site.run("check", &["--price", "hash"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

#[test]
fn both_laws_behind_a_vlan_tag_come_out_sample_for_sample() {
    let _ = round(&["--calls", "20", "--secs", "4", "--law", "mix", "--vlan", "12"], "1.0");
}

#[test]
fn lost_packets_become_gaps_of_exactly_their_length_and_shift_nothing() {
    let options = ["--calls", "40", "--secs", "20", "--loss", "0.02", "--dup", "0.01", "--reorder", "0.02"];
    let Some((made, summary, site)) = round(&options, "0.96") else { return };
    let missing = missing_inside_streams(site.path("calls.pcap"));
    assert!(missing > 0 && missing * 160 <= made["dropped"].as_u64().unwrap() * 160, "{missing} of {made}");
    assert_eq!(summary["gap_samples"]["lost-in-network"].as_u64(), Some(missing * 160), "{summary}");
    for other in ["none", "lost-by-recorder", "paused", "silence-suppressed", "undecodable"] {
        assert_eq!(summary["gap_samples"][other].as_u64(), Some(0), "{summary}");
    }
}

/// Counts the sequence numbers that are missing between the first and the last packet of each stream. What is missing
/// before the first or after the last packet of a stream nobody can know from the wire.
fn missing_inside_streams(file: &str) -> u64 {
    let bytes = fs::read(file).expect("the capture is there");
    let mut streams: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    let mut rest = &bytes[24..];
    while rest.len() > 16 {
        let len = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        let frame = &rest[16..16 + len];
        rest = &rest[16 + len..];
        let rtp = &frame[42..];
        if frame.len() == 42 + 172 && rtp[0] == 0x80 {
            let seq = u32::from(u16::from_be_bytes([rtp[2], rtp[3]]));
            let ssrc = u32::from_be_bytes(rtp[8..12].try_into().unwrap());
            streams.entry(ssrc).or_default().insert(seq);
        }
    }
    assert!(!streams.is_empty(), "no RTP in {file}");
    streams.values().map(missing_of).sum()
}

/// The numbers of one stream span far less than 32,768, so one that looks wider has wrapped.
fn missing_of(seqs: &BTreeSet<u32>) -> u64 {
    let wrapped = seqs.last().unwrap() - seqs.first().unwrap() > 0x8000;
    let unwrap = |seq: &u32| if wrapped && *seq < 0x8000 { seq + 0x1_0000 } else { *seq };
    let (low, high) = (seqs.iter().map(unwrap).min().unwrap(), seqs.iter().map(unwrap).max().unwrap());
    u64::from(high - low + 1) - seqs.len() as u64
}
