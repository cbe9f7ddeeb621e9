//! What is learned late: whose loss it was, that a stream ended in order, that the clock had stepped.

use shared::{LedgerEnd, Partly, Value};

use super::bench::{CALLED, CALLER, Seen};
use super::{Bench, Rtp};
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
fn a_receiver_that_misses_nothing_in_its_first_report_got_what_we_miss() {
    for (lost, ours) in [(0, 160), (1, 0)] {
        let mut bench = Bench::new();
        bench.call("one");
        bench.talk(0..50);
        bench.stream(CALLED, CALLER, 50..51);
        bench.talk(51..100);
        bench.udp((2, 6_001), (1, 4_001), &receiver_report(lost, 99));
        bench.bye("one");
        bench.pass_ms(1_000);
        let call = bench.finish().remove(0);
        assert_eq!(call.close.as_ref().unwrap().gaps.0[2], ours, "{lost} lost by the receiver's word");
    }
}

#[test]
fn what_was_said_of_one_stream_is_not_believed_of_the_next() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.talk(0..50);
    bench.udp((2, 6_001), (1, 4_001), &receiver_report(3, 49));
    bench.stream(CALLED, CALLER, 50..51);
    for n in 0..50u32 {
        // Another SSRC; its packet 20 never reaches us.
        if n != 20 {
            bench.rtp(CALLER, CALLED, &Rtp { ssrc: 99, ..Rtp::g711(n) });
        }
        bench.pass_ms(20);
    }
    let mut report = receiver_report(3, 49);
    report[8..12].copy_from_slice(&99u32.to_be_bytes());
    bench.udp((2, 6_001), (1, 4_001), &report);
    bench.bye("one");
    bench.pass_ms(1_000);
    let gaps = bench.finish().remove(0).close.unwrap().gaps;
    assert_eq!((gaps.0[1], gaps.0[2]), (160, 0), "three are lost there too: ours may be among them");
}

/// A sender report (RFC 3550, 6.4.1) of the bench's caller: the second `unix_s` of its clock at `timestamp`.
fn sender_report(ssrc: u32, unix_s: u32, timestamp: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 200, 0, 6];
    packet.extend(ssrc.to_be_bytes());
    packet.extend(2_208_988_800u32.wrapping_add(unix_s).to_be_bytes());
    packet.extend(0x8000_0000u32.to_be_bytes());
    packet.extend(timestamp.to_be_bytes());
    packet.extend([0; 8]);
    packet
}

#[test]
fn a_senders_clock_is_noted_beside_ours_at_its_sample_now_and_then() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.talk(0..50);
    let (from, to) = ((1, 4_001), (2, 6_001));
    bench.udp(from, to, &sender_report(0x1234, 1_700_000_100, 49 * 160));
    bench.udp(from, to, &sender_report(0x1234, 1_700_000_101, 50 * 160));
    bench.talk(50..100);
    bench.udp(from, to, &sender_report(0x9999, 1_700_000_101, 99 * 160));
    bench.talk(100..2_000);
    bench.udp(from, to, &sender_report(0x1234, 1_700_000_140, 2_010 * 160));
    bench.udp(from, to, &[0x80, 200, 0, 6, 0, 0, 0x12, 0x34]);
    bench.bye("one");
    bench.pass_ms(1_000);
    let call = bench.finish().remove(0);
    let whole = |event: &shared::Event, name: &str| match event.members.get(name) {
        Some(Value::Int(n)) => *n,
        other => panic!("{name} is {other:?}"),
    };
    let notes = call.notes("sender_clock");
    let said: Vec<_> = notes.iter().map(|note| (whole(note, "pos"), whole(note, "sender_us"))).collect();
    assert_eq!(said, [(49 * 160, 1_700_000_100_500_000), (2_010 * 160, 1_700_000_140_500_000)]);
    assert!(notes.iter().all(|note| note.track == Some(call.only(0).track.track)), "of the caller's track");
    assert_eq!(whole(notes[0], "mono_us"), 2_000_000, "when it came");
    assert_eq!(call.only(0).all_gaps(), 0, "nothing is moved by it");
}

#[test]
fn a_senders_clock_that_means_nothing_is_passed_over() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.talk(0..50);
    let (from, to) = ((1, 4_001), (2, 6_001));
    let mut clockless = sender_report(0x1234, 0, 49 * 160);
    clockless[8..16].fill(0);
    bench.udp(from, to, &clockless);
    bench.udp(from, to, &sender_report(0x1234, 1_700_000_100, 49 * 160 + 61 * 8_000));
    bench.udp(from, to, &sender_report(0x1234, 1_700_000_100, 0u32.wrapping_sub(160)));
    bench.bye("one");
    bench.pass_ms(1_000);
    assert!(bench.finish()[0].notes("sender_clock").is_empty(), "no clock, far away, before the start");
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

#[test]
fn a_clock_that_is_known_to_be_wrong_marks_every_call_until_it_is_right() {
    let mut bench = Bench::new();
    let call = |bench: &mut Bench, id: &str, n: u32| {
        bench.call(id);
        bench.talk(n * 100..n * 100 + 100);
        bench.bye(id);
        bench.pass_ms(1_000);
    };
    bench.engine.clock_is_behind(-4_000_000);
    call(&mut bench, "within five seconds", 0);
    bench.engine.clock_is_behind(3_600_000_000);
    call(&mut bench, "an hour behind", 1);
    bench.call("set right in its midst");
    bench.talk(200..300);
    bench.engine.clock_is_behind(0);
    bench.bye("set right in its midst");
    bench.pass_ms(1_000);
    call(&mut bench, "right again", 3);
    let ends: Vec<LedgerEnd> = bench.finish().iter().map(Seen::end).collect();
    let doubt = LedgerEnd::Partly(Partly::ClockDoubt);
    assert_eq!(ends, [LedgerEnd::Recorded, doubt, doubt, LedgerEnd::Recorded]);
}
