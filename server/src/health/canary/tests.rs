//! Canaries under a clock of the test: fed through a real engine, what is judged, what is late, and what a wire can do about it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "tests"
)]

use std::collections::BTreeMap;

use seal::{RecipientType, SigningKey};
use shared::Zone;
use telephony::cmd::{SegCmd, SegId};
use telephony::engine::{Counters, Engine, EngineConfig};
use telephony::net::LinkType;
use telephony::segment::rules::{RuleSet, Rules};

use super::*;

const S: u64 = 1_000_000_000;

fn at(ns: u64) -> Stamp {
    let utc = UtcMicros(1_700_000_000_000_000 + i64::try_from(ns / 1_000).unwrap());
    Stamp { mono_ns: ns, utc, ..Stamp::default() }
}

fn canaries() -> Arc<Canaries> {
    let signer = SigningKey::from_seed(&[5; 32]).verifying_key();
    Canaries::new(Judge { signer, keys: None, min_suite: RecipientType::X25519 })
}

const OPEN: [(TapId, &str); 1] = [(TapId(1), "trunk")];

/// Begins the first canary of a tap.
fn begun(canaries: &Canaries) -> Begun {
    assert!(canaries.attend(&at(S), 15, &OPEN).is_none(), "not at once");
    canaries.attend(&at(11 * S), 15, &OPEN).expect("it is due")
}

fn fails(canaries: &Canaries, ns: u64) -> Option<String> {
    canaries.look(&at(ns)).into_iter().find_map(|(_, verdict)| match verdict {
        Verdict::Fails(text) => Some(text),
        Verdict::Well(_) => None,
    })
}

/// What came out of an engine for one segment.
#[derive(Default)]
struct Heard {
    tap: TapId,
    samples: BTreeMap<u8, u64>,
    end: Option<String>,
}

/// Feeds packets of several taps, each with its time, and gathers what comes out.
fn engine(mut fed: Vec<(TapId, Due)>, rules: Rules) -> (BTreeMap<SegId, Heard>, Counters) {
    let mut engine =
        Engine::new(EngineConfig { rules, zone: Zone::named("UTC").unwrap(), ..EngineConfig::default() });
    fed.sort_by_key(|(_, due)| due.after);
    for (tap, due) in fed {
        let ns = 1 + u64::try_from(due.after.as_nanos()).unwrap();
        engine.handle_packet(at(ns), tap, LinkType::Ethernet, None, &due.bytes);
    }
    engine.handle_timeout(at(10 * S));
    let counters = engine.counters();
    engine.finish(at(20 * S));
    let mut heard: BTreeMap<SegId, Heard> = BTreeMap::new();
    while let Some(command) = engine.poll_cmd() {
        let seg = heard.entry(command.seg()).or_default();
        match command {
            SegCmd::Signalled { info, .. } => seg.tap = info.tap,
            SegCmd::Append { chunks, .. } => {
                for chunk in chunks {
                    let samples: u64 = chunk.runs.iter().map(|run| run.samples).sum();
                    *seg.samples.entry(chunk.track).or_default() += samples;
                }
            }
            SegCmd::Close(close) => seg.end = Some(close.end.to_string()),
            SegCmd::Open { .. }
            | SegCmd::Tracks { .. }
            | SegCmd::Info { .. }
            | SegCmd::Note { .. }
            | SegCmd::Discard { .. } => {}
        }
    }
    (heard, counters)
}

fn is_whole(heard: &Heard) -> bool {
    heard.samples.values().eq([&script::SAMPLES; 2]) && heard.end.as_deref() == Some("recorded")
}

#[test]
fn the_engine_hears_a_canary_whole_whatever_the_rules_say_and_counts_it_nowhere() {
    let Begun { tap, packets } = begun(&canaries());
    assert!(tap.is_canary() && tap.tap() == TapId(1));
    // A rule that hides every call.
    let rules = Rules { extensions: RuleSet::parse(&["9"], &[]).unwrap(), ..Rules::default() };
    let (heard, counters) = engine(packets.into_iter().map(|due| (tap, due)).collect(), rules);
    let [(_, heard)] = heard.iter().collect::<Vec<_>>()[..] else { panic!("one segment") };
    assert!(heard.tap.is_canary() && is_whole(heard), "{:?} {:?}", heard.samples, heard.end);
    assert_eq!((counters.calls, counters.packets, counters.rtp, counters.sip), (0, 0, 0, 0), "{counters:?}");
}

#[test]
fn a_call_on_the_wire_that_imitates_a_canary_packet_by_packet_is_a_call() {
    let Begun { tap, packets } = begun(&canaries());
    // A spy who knew all of it, which nobody outside can: the same octets, at the same moment, and again later.
    let later = |due: &Due| Due { after: due.after + std::time::Duration::from_secs(4), ..due.clone() };
    let mut fed: Vec<(TapId, Due)> = packets.iter().cloned().map(|due| (tap, due)).collect();
    fed.extend(packets.iter().map(|due| (TapId(1), later(due))));
    let (heard, counters) = engine(fed, Rules::default());
    let calls: Vec<&Heard> = heard.values().filter(|seg| !seg.tap.is_canary()).collect();
    assert!(matches!(calls[..], [call] if is_whole(call)), "recorded as a call");
    assert_eq!(counters.calls, 1, "and counted as one");

    let mut fed: Vec<(TapId, Due)> = packets.iter().cloned().map(|due| (tap, due)).collect();
    fed.extend(packets.into_iter().map(|due| (TapId(1), due)));
    let (heard, _) = engine(fed, Rules::default());
    let calls: Vec<&Heard> = heard.values().filter(|seg| !seg.tap.is_canary()).collect();
    assert!(matches!(calls[..], [call] if !call.samples.is_empty()), "recorded as a call, also at once");
}

#[test]
fn what_is_late_is_told_with_its_step_and_tried_again_after_a_minute() {
    let canaries = canaries();
    drop(begun(&canaries));
    assert_eq!(fails(&canaries, 12 * S), None);
    canaries.came_to(Step::Over);
    let told = fails(&canaries, 42 * S).expect("it is late");
    assert!(told.contains("tap \"trunk\"") && told.contains("safe on the disk"), "{told}");
    assert_eq!(fails(&canaries, 43 * S), None, "once");
    assert!(canaries.attend(&at(60 * S), 15, &OPEN).is_none());
    let again = canaries.attend(&at(72 * S), 15, &OPEN);
    assert!(again.is_some());
    let last = canaries.last();
    assert!(last["trunk"].failed.is_some(), "{last:?}");
}

#[test]
fn what_was_not_kept_is_told_with_its_reason() {
    let canaries = canaries();
    drop(begun(&canaries));
    let caller = canaries.held().running.as_ref().unwrap().script.caller().to_owned();
    let end = |caller: &str| CanaryEnd { caller: caller.to_owned(), sealed: Err("disk-full".to_owned()) };
    canaries.take(end("0115550100"));
    assert_eq!(fails(&canaries, 12 * S), None, "that of another is of no use");
    canaries.take(end(&caller));
    assert!(fails(&canaries, 13 * S).is_some_and(|told| told.contains("disk-full")));
}

#[test]
fn a_wire_that_stands_still_is_told() {
    let canaries = canaries();
    assert!(canaries.attend(&at(S), 15, &OPEN).is_none());
    assert_eq!(fails(&canaries, 60 * S), None);
    assert!(fails(&canaries, 102 * S).is_some_and(|told| told.contains("stands still")));
    assert_eq!(fails(&canaries, 120 * S), None, "once");
}

#[test]
fn a_tap_that_is_not_read_or_not_wanted_has_none_and_its_alarm_ends() {
    let canaries = canaries();
    drop(begun(&canaries));
    assert!(fails(&canaries, 45 * S).is_some());
    assert!(canaries.attend(&at(46 * S), 15, &[]).is_none());
    let news = canaries.look(&at(47 * S));
    assert!(matches!(news.as_slice(), [(name, Verdict::Well(_))] if name == "trunk"), "{news:?}");
    assert!(canaries.attend(&at(9_000 * S), 0, &OPEN).is_none(), "0 minutes: none is placed");
    assert!(canaries.last().is_empty());
}

#[test]
fn no_two_canaries_are_alike() {
    let (one, other) = (Script::drawn(&mut crate::world::dice()), Script::drawn(&mut crate::world::dice()));
    assert!(one.said(true) != other.said(true) && one.said(true) != one.said(false));
    assert!(one.caller() != other.caller());
}
