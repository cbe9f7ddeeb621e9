//! Calls in the time of their media.

use shared::{FrameBuf, RunHead};

use super::*;

const LIMIT_US: i64 = 20_000_000;
/// A-law of a voice, and of digital zero.
const VOICE: u8 = 0x2A;
const ZEROS: u8 = 0xD5;

fn track(number: u8, role: Role, codec: &str) -> Track {
    let (codec, clock_hz) = (codec.to_owned(), 8_000);
    Track { track: number, leg: number, role, codec, clock_hz, channels: 1, ..Track::default() }
}

/// A second of a track.
fn second(track: u8, at_s: u64, octet: u8) -> Chunk {
    let mut buf = FrameBuf::with_capacity(8_000);
    buf.push(&[octet; 8_000]);
    let run = RunHead { samples: 8_000, len: 8_000, ..RunHead::default() };
    Chunk { track, base_samples: at_s * 8_000, runs: vec![run], buf }
}

fn call() -> Legs {
    let mut legs = Legs::default();
    legs.tracks(&[track(0, Role::Near, "PCMA"), track(1, Role::Far, "PCMA")]);
    legs.event(&Event::new("answered", 0));
    legs
}

/// The first mark in so many seconds, and when.
fn hear(legs: &mut Legs, mut seconds: std::ops::Range<u64>, octets: [Option<u8>; 2]) -> Option<(u64, Mark)> {
    seconds.find_map(|at| {
        let chunks: Vec<Chunk> =
            (0..2).zip(octets).filter_map(|(track, octet)| Some(second(track, at, octet?))).collect();
        legs.hear(&chunks, LIMIT_US).map(|(mark, _)| (at, mark))
    })
}

#[test]
fn a_side_that_never_comes_or_stays_away_is_one_way_and_told_once() {
    let mut legs = call();
    assert_eq!(hear(&mut legs, 0..60, [Some(VOICE), None]), Some((19, Mark::OneWay(1))));
    assert_eq!(hear(&mut legs, 60..90, [Some(VOICE), None]), None);
    assert_eq!(legs.ended(), Some(true));

    let mut legs = call();
    assert_eq!(hear(&mut legs, 0..30, [Some(VOICE), Some(VOICE)]), None);
    assert_eq!(legs.ended(), Some(false));
    assert_eq!(hear(&mut legs, 30..60, [None, Some(VOICE)]), Some((49, Mark::OneWay(0))));
}

#[test]
fn before_the_answer_on_hold_and_for_a_while_after_nothing_is_missed() {
    let mut legs = Legs::default();
    legs.tracks(&[track(1, Role::Far, "PCMA")]);
    assert_eq!(hear(&mut legs, 0..60, [None, Some(VOICE)]), None, "it rings with an announcement");
    legs.event(&Event::new("answered", 60_000_000));
    legs.tracks(&[track(0, Role::Near, "PCMA")]);
    assert_eq!(hear(&mut legs, 60..70, [Some(VOICE), Some(VOICE)]), None);
    legs.event(&Event::new("held", 70_000_000));
    assert_eq!(hear(&mut legs, 70..170, [None, Some(VOICE)]), None, "music on hold");
    legs.event(&Event::new("retrieved", 170_000_000));
    assert_eq!(hear(&mut legs, 170..189, [None, Some(VOICE)]), None);
    assert_eq!(hear(&mut legs, 189..200, [None, Some(VOICE)]), Some((189, Mark::OneWay(0))));
}

#[test]
fn a_side_that_announces_its_pauses_and_what_this_machine_lost_are_no_silence() {
    let mut legs = call();
    assert_eq!(hear(&mut legs, 0..2, [Some(VOICE), Some(VOICE)]), None);
    let mut pause = second(1, 2, VOICE);
    pause.runs =
        vec![RunHead { gap_samples: 8_000, cause: GapCause::SilenceSuppressed, samples: 8_000, len: 8_000 }];
    assert_eq!(legs.hear(&[pause], LIMIT_US), None);
    assert_eq!(hear(&mut legs, 3..90, [Some(VOICE), None]), None);

    let mut legs = call();
    for at in 0..60 {
        let lost = RunHead { gap_samples: 8_000, cause: GapCause::LostByRecorder, samples: 0, len: 0 };
        let lost = Chunk { track: 1, base_samples: at * 8_000, runs: vec![lost], buf: FrameBuf::default() };
        assert_eq!(legs.hear(&[second(0, at, VOICE), lost], LIMIT_US), None);
    }
}

#[test]
fn digital_zero_on_both_sides_is_silent_and_a_word_of_one_is_enough() {
    let mut legs = call();
    assert_eq!(hear(&mut legs, 0..60, [Some(ZEROS), Some(ZEROS)]), Some((19, Mark::Silent)));
    let mut legs = call();
    assert_eq!(hear(&mut legs, 0..5, [Some(ZEROS), Some(VOICE)]), None);
    assert_eq!(hear(&mut legs, 5..60, [Some(ZEROS), Some(ZEROS)]), None);
    assert_eq!(legs.ended(), Some(false));
}

#[test]
fn zeros_are_known_in_every_codec_that_is_looked_into() {
    let check = |codec: &str, zeros: &[u8], voice: &[u8]| {
        let track = track(0, Role::Near, codec);
        assert!(!sounds(&track, zeros), "{codec}: zeros");
        assert!(sounds(&track, voice), "{codec}: a voice");
    };
    check("PCMA", &[0xD5, 0x55, 0xD5], &[0xD5, 0x2A]);
    check("PCMU", &[0xFF, 0x7F, 0xFE], &[0xFF, 0x30]);
    check("L16", &[0, 0, 0, 4, 0xFF, 0xFC], &[0, 0, 0x10, 0]);
    assert!(sounds(&track(0, Role::Near, "opus"), &[0; 40]), "cannot be told");
    assert!(sounds(&Track { opaque: true, ..track(0, Role::Near, "PCMA") }, &[ZEROS]), "cannot be told");
    assert!(!sounds(&track(0, Role::Near, "PCMA"), &[]));
}

#[test]
fn what_one_wire_carries_and_short_calls_are_not_judged() {
    let mut legs = Legs::default();
    legs.tracks(&[track(0, Role::Joint, "PCMA")]);
    legs.event(&Event::new("answered", 0));
    assert_eq!(hear(&mut legs, 0..60, [Some(VOICE), None]), None);
    assert_eq!(legs.ended(), None);
    let mut legs = call();
    hear(&mut legs, 0..10, [Some(VOICE), Some(VOICE)]);
    assert_eq!(legs.ended(), None);
}

#[test]
fn the_calls_of_late_are_counted() {
    let mut share = Share::default();
    (0..30).for_each(|_| share.call(false));
    (0..5).for_each(|_| share.call(true));
    assert_eq!(share.count(), (5, 20));
    (0..18).for_each(|_| share.call(false));
    assert_eq!(share.count(), (2, 20));
}
