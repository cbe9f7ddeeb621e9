//! What is learned late: whose loss it was, that a stream ended in order, that the clock had stepped.

use shared::{LedgerEnd, Partly};

use super::Bench;
use super::bench::{CALLED, CALLER, Seen};
use crate::engine::AlarmKind;

/// A receiver report (RFC 3550, 6.4.2) about the streams of the bench.
fn receiver_report(lost: u32, highest: u32) -> Vec<u8> {
    let mut packet = vec![0x81, 201, 0, 7, 0, 0, 0x12, 0x34, 0, 0, 0x12, 0x34];
    packet.extend((lost & 0xff_ffff).to_be_bytes());
    packet.extend(highest.to_be_bytes());
    packet.extend([0; 12]);
    packet
}

/// The caller's packet 50 never reaches us; the called party tells how many it misses, before and after.
fn after_reports(lost: [u32; 2]) -> Seen {
    let mut bench = Bench::new();
    bench.call("one");
    bench.talk(0..50);
    bench.udp((2, 6_001), (1, 4_001), &receiver_report(lost[0], 49));
    bench.stream(CALLED, CALLER, 50..51);
    bench.talk(51..100);
    bench.udp((2, 6_001), (1, 4_001), &receiver_report(lost[1], 99));
    bench.talk(100..150);
    bench.bye("one");
    bench.pass_ms(1_000);
    bench.finish().remove(0)
}

#[test]
fn a_packet_that_its_receiver_got_was_lost_by_our_mirror() {
    let call = after_reports([0, 0]);
    let gaps = call.close.as_ref().unwrap().gaps;
    assert_eq!((gaps.0[1], gaps.0[2]), (0, 160));
    assert_eq!(call.notes("gap_cause").len(), 1);
    assert_eq!(call.end(), LedgerEnd::Partly(Partly::RecorderLoss));
}

#[test]
fn a_packet_that_its_receiver_misses_too_was_lost_in_the_network() {
    let call = after_reports([0, 1]);
    let gaps = call.close.as_ref().unwrap().gaps;
    assert_eq!((gaps.0[1], gaps.0[2]), (160, 0));
    assert_eq!(call.end(), LedgerEnd::Recorded);
}

#[test]
fn an_orphan_whose_sender_takes_leave_has_a_known_end() {
    let mut bench = Bench::new();
    bench.talk(0..200);
    bench.udp((1, 4_001), (2, 6_001), &[0x81, 203, 0, 1, 0, 0, 0x12, 0x34]);
    bench.pass_ms(70_000);
    let orphan = bench.finish().remove(0);
    assert!(orphan.info.orphan, "nothing announced it");
    assert_eq!(orphan.end(), LedgerEnd::Recorded);
}

#[test]
fn a_step_of_the_clock_is_told_and_marks_the_calls_that_were_up() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.talk(0..100);
    bench.step_us = 5_000_000;
    bench.talk(100..200);
    bench.bye("one");
    bench.pass_ms(1_000);
    let alarm = bench.engine.poll_alarm().expect("an alarm");
    assert_eq!(alarm.kind, AlarmKind::ClockStep);
    assert!(alarm.text.contains("5000 ms"), "says how far: {}", alarm.text);
    let call = bench.finish().remove(0);
    assert_eq!(call.end(), LedgerEnd::Partly(Partly::ClockDoubt));
    assert_eq!(call.only(0).end, 32_000, "its length is right for all that");
}
