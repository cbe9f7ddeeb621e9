//! Digits: what a caller dials during a call (RFC 4733) stands in the recording as events, and as silence of its own length.

use std::fs;
use std::path::Path;
use std::time::Duration;

use amethyst_tests::calls::{Plan, Side, Voice, to_pcap};
use serde_json::Value;

use super::film::files_below;
use super::site::Site;

/// 2026-11-20 08:00:00 UTC.
const MORNING: Duration = Duration::from_secs(1_795_161_600);
/// From the first packet of a caller to the first digit, and from one digit to the next.
const FIRST_US: i64 = 1_000_000;
const EVERY_US: i64 = 500_000;
const LENGTH_US: i64 = 120_000;
/// Packets come every 20 ms; a digit is told when it is over.
const SLACK_US: i64 = 20_000;

/// Records calls in which these digits are dialled; returns all that `show` knows of each.
fn dialled(site: &Site, digits: &str, calls: u32) -> (Plan, Vec<Value>, Value) {
    let file = site.path("calls.pcap");
    let speech = Duration::from_millis(1_500 + 500 * u64::try_from(digits.len()).unwrap());
    let plan = Plan {
        calls,
        speech,
        digits: digits.to_owned(),
        voice: Voice::Synthetic,
        same_ssrc: Some(7),
        ..Plan::default()
    };
    to_pcap(&plan, file.as_ref(), MORNING).expect("a capture of calls");
    let summary = site.record(&[file]);
    let listed = site.run("list", &["--json"]).json();
    let listed =
        listed.as_array().cloned().unwrap_or_else(|| listed["recordings"].as_array().unwrap().clone());
    let ids = listed.iter().map(|row| row["id"].as_str().unwrap().to_owned());
    let shown = ids.map(|id| site.run("show", &["--json", &id]).json()).collect();
    (plan, shown, summary)
}

/// The ticks in which a caller does not speak between two words, since it dials.
fn unspoken(plan: &Plan) -> u64 {
    plan.fed(1, Side::Caller).spoken_ticks().windows(2).map(|w| w[1].start - w[0].end).sum()
}

fn check(digits: &str) {
    let (plan, shown, summary) = dialled(&Site::new(), digits, 3);
    assert_eq!(shown.len(), 3, "{summary}");
    let silent_each = unspoken(&plan);
    assert_eq!(summary["gap_samples"]["silence-suppressed"].as_u64(), Some(3 * silent_each), "{summary}");
    for other in ["lost-in-network", "lost-by-recorder", "paused", "undecodable"] {
        assert_eq!(summary["gap_samples"][other].as_u64(), Some(0), "{summary}");
    }
    for recording in &shown {
        let told: Vec<_> =
            recording["events"].as_array().unwrap().iter().filter(|e| e["kind"] == "digit").collect();
        let text: String = told.iter().filter_map(|e| e["members"]["digit"].as_str()).collect();
        assert_eq!(text, digits, "{}", recording["events"]);
        let caller =
            &recording["tracks"].as_array().unwrap().iter().find(|t| t["role"] == "near").unwrap()["track"];
        for (nth, event) in (0..).zip(&told) {
            assert_eq!(&event["track"], caller, "the caller dials: {event}");
            assert_eq!(event["members"]["duration_ms"].as_i64(), Some(LENGTH_US / 1_000), "{event}");
            let first = told[0]["t_us"].as_i64().unwrap();
            let at = event["t_us"].as_i64().unwrap() - first;
            assert!((at - nth * EVERY_US).abs() <= SLACK_US, "digit {nth} stands at {at} us after the first");
        }
        if let Some(first) = told.first() {
            let at = first["t_us"].as_i64().unwrap();
            assert!(
                (FIRST_US..=FIRST_US + LENGTH_US + 2 * SLACK_US).contains(&at),
                "the first digit stands at {at} us"
            );
        }
    }
}

#[test]
fn every_digit_there_is_is_told_once_and_in_order() {
    check("0123456789*#ABCD");
}

#[test]
fn the_same_digit_again_and_again_is_as_many_digits() {
    check("555");
}

#[test]
fn where_nobody_dials_no_digit_is_told() {
    check("");
}

#[test]
fn where_digits_are_masked_no_file_tells_which_were_dialled() {
    const DIALLED: &str = "4929157013";
    let site = Site::new();
    let settings = Path::new(site.data()).join("amethyst.toml");
    let text = fs::read_to_string(&settings).unwrap();
    let masked = text.replace("mask_digits = false", "mask_digits = true");
    assert_ne!(text, masked, "the setting stands in the file that init writes");
    fs::write(&settings, masked).unwrap();

    let (plan, shown, summary) = dialled(&site, DIALLED, 3);
    assert_eq!(summary["gap_samples"]["paused"].as_u64(), Some(3 * unspoken(&plan)), "{summary}");
    for other in ["silence-suppressed", "lost-in-network", "lost-by-recorder", "undecodable"] {
        assert_eq!(summary["gap_samples"][other].as_u64(), Some(0), "{summary}");
    }
    assert_eq!(shown.len(), 3, "{summary}");
    for recording in &shown {
        let events: Vec<_> =
            recording["events"].as_array().unwrap().iter().filter(|e| e["kind"] == "digit").collect();
        assert_eq!(events.len(), DIALLED.len(), "that keys were pressed is told");
        for event in events {
            assert!(event["members"]["digit"].is_null(), "{event}");
            assert_eq!(event["members"]["masked"].as_bool(), Some(true), "{event}");
        }
    }
    let out = site.export(&["--format", "raw"]);
    let mut sidecars = 0;
    for file in files_below(Path::new(out)) {
        let bytes = fs::read(&file).unwrap();
        if file.extension().is_some_and(|e| e == "json") {
            sidecars += 1;
            sums_are_exact(&serde_json::from_slice(&bytes).unwrap());
            assert!(!String::from_utf8(bytes).unwrap().contains("\"digit\":"), "{}", file.display());
        }
    }
    assert_eq!(sidecars, 3);
    let spoken = |sidecar: &Value, role: &str| {
        let tracks = sidecar["tracks"].as_array().unwrap();
        tracks.iter().filter(|t| t["role"] == role).map(|t| t["samples"].as_u64().unwrap()).sum::<u64>()
    };
    for recording in &shown {
        for (side, role) in [(Side::Caller, "near"), (Side::Callee, "far")] {
            let fed: u64 = plan.fed(1, side).spoken_ticks().iter().map(|t| t.end - t.start).sum();
            assert_eq!(
                spoken(recording, role),
                fed,
                "what was spoken is all there, and nothing else: {role}"
            );
        }
    }
}

/// Each track's gap map sums to what its totals say, and gaps of other causes than the mask are not among them.
fn sums_are_exact(sidecar: &Value) {
    for track in sidecar["tracks"].as_array().unwrap() {
        let of_track = |map: &&Value| map["track"] == track["track"] && map["part"] == track["part"];
        let maps = sidecar["gap_map"].as_array().unwrap();
        let gaps = maps.iter().find(of_track).map(|map| map["gaps"].as_array().unwrap().as_slice());
        let mapped: u64 = gaps.unwrap_or_default().iter().map(|gap| gap["samples"].as_u64().unwrap()).sum();
        assert_eq!(track["gap_samples"]["paused"].as_u64(), Some(mapped), "{sidecar}");
        assert!(gaps.unwrap_or_default().iter().all(|gap| gap["cause"] == "paused"), "{sidecar}");
    }
}
