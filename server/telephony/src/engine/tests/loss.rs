//! Loss, doubles, disorder: each sample is in a run or in a gap with its cause, whatever the network did.

use proptest::prelude::*;
use shared::{GapCause, LedgerEnd, Partly};

use super::bench::{CALLED, CALLER, Seen};
use super::calls::speech;
use super::{Bench, Rtp};

/// Sends the packets of leg 0 in this order, 10 ms after each other (so that doubles stretch no wait beyond the
/// window); leg 1 speaks on.
fn heard(order: &[u32]) -> Seen {
    let mut bench = Bench::new();
    bench.call("one");
    for (i, n) in order.iter().enumerate() {
        bench.rtp(CALLER, CALLED, &Rtp::g711(*n));
        bench.rtp(CALLED, CALLER, &Rtp::g711(i as u32));
        bench.pass_ms(10);
    }
    bench.bye("one");
    bench.pass_ms(1_000);
    bench.finish().remove(0)
}

#[test]
fn lost_packets_become_a_gap_of_their_length() {
    let order: Vec<u32> = (0..150).filter(|n| !(40..43).contains(n)).collect();
    let call = heard(&order);
    let track = call.only(0);
    assert!(track.bytes == [speech(0..40), speech(43..150)].concat(), "the octets that were sent");
    assert_eq!(track.gaps(GapCause::LostInNetwork), 480);
    assert_eq!((track.all_gaps(), track.end), (480, 24_000));
    assert_eq!(call.close.as_ref().unwrap().gaps.0[1], 480);
    assert_eq!(call.end(), LedgerEnd::Recorded);
}

#[test]
fn disorder_within_the_window_leaves_no_trace() {
    let mut order: Vec<u32> = (0..150).collect();
    order.swap(50, 51);
    order[60..69].rotate_left(1); // packet 60 comes eight places late
    let call = heard(&order);
    assert!(call.only(0).bytes == speech(0..150), "the octets that were sent");
    assert_eq!(call.only(0).all_gaps(), 0);
    assert_eq!(call.close.as_ref().unwrap().stats.reordered, 2);
}

#[test]
fn a_stream_whose_first_packets_were_overtaken_is_kept_from_its_first() {
    for first in [[1, 0, 2, 3], [3, 2, 1, 0], [2, 3, 0, 1]] {
        let order: Vec<u32> = first.into_iter().chain(4..150).collect();
        let call = heard(&order);
        let track = call.only(0);
        assert!(track.bytes == speech(0..150), "the octets that were sent");
        assert_eq!((track.base, track.all_gaps(), track.end), (Some(0), 0, 24_000));
        assert_eq!(call.close.as_ref().unwrap().stats.late, 0);
    }
}

#[test]
fn a_first_packet_that_was_lost_is_not_waited_for_longer_than_the_window() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.stream(CALLER, CALLED, 1..3);
    assert!(bench.seen.values().all(|s| s.start.is_none()), "it waits");
    bench.pass_ms(1_000);
    assert!(bench.seen.values().all(|s| s.start.is_some()), "it has waited");
    bench.bye("one");
    assert!(bench.finish().remove(0).only(0).bytes == speech(1..3), "the octets that were sent");
}

#[test]
fn disorder_at_the_very_end_leaves_no_trace() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.talk(0..148);
    bench.rtp(CALLER, CALLED, &Rtp::g711(149));
    bench.bye("one");
    bench.pass_ms(20);
    bench.rtp(CALLER, CALLED, &Rtp::g711(148));
    bench.pass_ms(1_000);
    let call = bench.finish().remove(0);
    assert!(call.only(0).bytes == speech(0..150), "the octets that were sent");
    assert_eq!(call.only(0).all_gaps(), 0);
}

#[test]
fn disorder_where_the_wait_at_the_beginning_ends_leaves_no_trace() {
    for place in 10..25 {
        let mut order: Vec<u32> = (0..60).collect();
        order[place..place + 6].rotate_left(1);
        let call = heard(&order);
        assert!(call.only(0).bytes == speech(0..60), "the octets that were sent, packet {place} late");
    }
}

#[test]
fn a_call_shorter_than_the_window_is_kept() {
    let call = heard(&[2, 1, 0]);
    assert!(call.only(0).bytes == speech(0..3), "the octets that were sent");
}

#[test]
fn what_comes_after_the_window_is_late_and_its_place_a_gap() {
    let mut order: Vec<u32> = (0..150).collect();
    order[60..81].rotate_left(1); // twenty places: 400 ms
    let call = heard(&order);
    let track = call.only(0);
    assert!(track.bytes == [speech(0..60), speech(61..150)].concat(), "the octets that were sent");
    assert_eq!(track.gaps(GapCause::LostInNetwork), 160);
    assert_eq!(call.close.as_ref().unwrap().stats.late, 1);
}

#[test]
fn doubles_are_dropped_and_counted() {
    let order: Vec<u32> = (0..150).flat_map(|n| if n % 10 == 3 { vec![n, n] } else { vec![n] }).collect();
    let call = heard(&order);
    assert!(call.only(0).bytes == speech(0..150), "the octets that were sent");
    assert_eq!(call.close.as_ref().unwrap().stats.duplicate, 15);
}

#[test]
fn a_mirror_that_doubles_everything_changes_nothing() {
    let order: Vec<u32> = (0..100).flat_map(|n| [n, n]).collect();
    let call = heard(&order);
    assert!(call.only(0).bytes == speech(0..100), "the octets that were sent");
    assert_eq!(call.only(0).all_gaps(), 0);
}

#[test]
fn sequence_and_timestamp_wrap_around() {
    let mut bench = Bench::new();
    bench.call("one");
    for n in 0..200u32 {
        let mut rtp = Rtp::g711(n);
        rtp.seq = (65_500 + n) as u16;
        rtp.ts = u32::MAX.wrapping_sub(10_000).wrapping_add(n * 160);
        if n % 50 != 36 {
            bench.rtp(CALLER, CALLED, &rtp);
        }
        bench.pass_ms(20);
    }
    bench.bye("one");
    bench.pass_ms(1_000);
    let call = bench.finish().remove(0);
    let track = call.only(0);
    assert_eq!((track.samples(), track.gaps(GapCause::LostInNetwork)), (196 * 160, 4 * 160));
}

#[test]
fn packets_that_the_kernel_dropped_are_our_loss() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.talk(0..50);
    bench.drops(2);
    bench.pass_ms(20);
    bench.talk(51..100);
    bench.talk(101..150); // the network's loss: no counter rose
    bench.bye("one");
    bench.pass_ms(1_000);
    let call = bench.finish().remove(0);
    for leg in [0, 1] {
        assert_eq!(call.only(leg).gaps(GapCause::LostByRecorder), 160);
        assert_eq!(call.only(leg).gaps(GapCause::LostInNetwork), 160);
    }
    assert_eq!(call.end(), LedgerEnd::Partly(Partly::RecorderLoss));
}

/// What a network may do to packet `n`.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Comes,
    Lost,
    Doubled,
    Delayed(u8),
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        16 => Just(Fate::Comes),
        2 => Just(Fate::Lost),
        1 => Just(Fate::Doubled),
        2 => (1u8..9).prop_map(Fate::Delayed),
    ]
}

/// Arrival times in half packets: stable order, delays below the window.
fn arrivals(fates: &[Fate]) -> Vec<u32> {
    let mut coming: Vec<(u32, u32)> = Vec::new();
    for (n, fate) in (0u32..).zip(fates) {
        match fate {
            Fate::Comes => coming.push((2 * n, n)),
            Fate::Lost => {}
            Fate::Doubled => coming.extend([(2 * n, n), (2 * n + 3, n)]),
            Fate::Delayed(by) => coming.push((2 * n + 2 * u32::from(*by) + 1, n)),
        }
    }
    coming.sort_by_key(|(at, _)| *at);
    coming.into_iter().map(|(_, n)| n).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_sample_is_lost_or_doubled(mut fates in proptest::collection::vec(fate(), 30..200)) {
        // The ends are there, so that the length is known.
        fates[0] = Fate::Comes;
        fates.push(Fate::Comes);
        let order = arrivals(&fates);
        let call = heard(&order);
        let track = call.only(0);
        let sent: Vec<u32> = (0u32..).zip(&fates).filter(|(_, f)| !matches!(f, Fate::Lost)).map(|(n, _)| n).collect();
        let bytes: Vec<u8> = sent.iter().flat_map(|n| Rtp::g711(*n).payload).collect();
        let lost = (fates.len() - sent.len()) as u64 * 160;
        prop_assert!(track.bytes == bytes, "the octets that were sent");
        prop_assert_eq!(track.gaps(GapCause::LostInNetwork), lost);
        prop_assert_eq!(track.all_gaps(), lost);
        prop_assert_eq!(track.base.unwrap() + track.samples() + track.all_gaps(), track.end);
        prop_assert_eq!(track.end, fates.len() as u64 * 160);
    }

    #[test]
    fn whatever_comes_the_account_is_closed(
        packets in proptest::collection::vec((any::<u16>(), any::<u32>(), 0u8..3, 0u8..20, 0usize..400), 1..120)
    ) {
        let mut bench = Bench::new();
        bench.call("one");
        for (seq, ts, ssrc, pt, len) in packets {
            let rtp = Rtp { ssrc: u32::from(ssrc), seq: seq % 64, ts, pt, marker: ts % 2 == 0, payload: vec![7; len] };
            bench.rtp(CALLER, CALLED, &rtp);
            bench.pass_ms(u64::from(ts % 300));
        }
        for call in bench.finish() {
            for track in call.tracks.values() {
                let Some(base) = track.base else { continue };
                prop_assert_eq!(base + track.samples() + track.all_gaps(), track.end);
            }
        }
    }

    #[test]
    fn the_same_packets_give_the_same_commands(fates in proptest::collection::vec(fate(), 30..100), seed: u64) {
        let run = |seed: u64| {
            let mut bench = Bench::with(crate::engine::EngineConfig { seed, ..Default::default() });
            bench.call("one");
            for n in arrivals(&fates) {
                bench.rtp(CALLER, CALLED, &Rtp::g711(n));
                bench.rtp((7, 1), (8, (n % 40) as u16), &Rtp::g711(n));
                bench.pass_ms(20);
            }
            let now = bench.now();
            bench.engine.finish(now);
            bench.pass_ms(1);
            bench.log
        };
        prop_assert!(run(1) == run(seed), "the same commands");
    }
}
