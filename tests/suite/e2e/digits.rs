//! Digits: what a caller dials during a call (RFC 4733) stands in the recording as events, and as silence of its own length.

use std::time::Duration;

use amethyst_tests::calls::{Plan, Side, Voice, to_pcap};
use serde_json::Value;

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
fn dialled(digits: &str, calls: u32) -> (Plan, Vec<Value>, Value) {
    let site = Site::new();
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

fn check(digits: &str) {
    let (plan, shown, summary) = dialled(digits, 3);
    assert_eq!(shown.len(), 3, "{summary}");
    let silent_each =
        plan.fed(1, Side::Caller).spoken_ticks().windows(2).map(|w| w[1].start - w[0].end).sum::<u64>();
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
