//! Calls from their first INVITE to their ledger entry.

use shared::{LedgerEnd, NotRecorded, Partly};

use super::bench::{CALLED, CALLER};
use super::{Bench, Rtp};

/// What a G.711 stream of the bench carries.
pub(super) fn speech(range: std::ops::Range<u32>) -> Vec<u8> {
    range.flat_map(|n| Rtp::g711(n).payload).collect()
}

#[test]
fn a_call_is_recorded_whole_in_both_directions() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.talk(0..150);
    bench.bye("one");
    bench.pass_ms(1_000);
    let seen = bench.finish();
    assert_eq!(seen.len(), 1);
    let call = &seen[0];
    assert_eq!(call.end(), LedgerEnd::Recorded);
    assert_eq!(call.info.caller.number, "3115");
    for leg in [0, 1] {
        let track = call.only(leg);
        assert!(track.bytes == speech(0..150), "the octets that were sent");
        assert_eq!((track.base, track.samples(), track.all_gaps()), (Some(0), 24_000, 0));
        assert_eq!(track.track.codec, "PCMU");
    }
    assert_eq!(
        call.appends, 4,
        "one flush a second of both legs together, and the rest of the one that lags"
    );
    assert_eq!(call.close.as_ref().unwrap().stats.packets, 300);
    assert_eq!(call.close.as_ref().unwrap().reason, "bye");
}

#[test]
fn media_after_the_bye_still_belong_to_the_call() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.talk(0..100);
    bench.bye("one");
    bench.talk(100..110);
    bench.pass_ms(1_000);
    let seen = bench.finish();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].only(0).bytes == speech(0..110), "the octets that were sent");
    assert_eq!(seen[0].end(), LedgerEnd::Recorded);
}

#[test]
fn an_unanswered_call_makes_no_file() {
    let mut bench = Bench::new();
    bench.invite("one");
    bench.sip(false, "SIP/2.0 486 Busy Here", "one", "1 INVITE", "");
    bench.pass_ms(1_000);
    let seen = bench.finish();
    assert_eq!(seen[0].end(), LedgerEnd::NotRecorded(NotRecorded::Unanswered));
    assert!(seen[0].start.is_none(), "never opened");
}

#[test]
fn an_answered_call_without_media_is_a_fault() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.pass_ms(5_000);
    bench.bye("one");
    let seen = bench.finish();
    assert_eq!(seen[0].end(), LedgerEnd::NotRecorded(NotRecorded::NoMedia));
}

#[test]
fn early_media_count() {
    let mut bench = Bench::new();
    bench.invite("one");
    bench.stream(CALLED, CALLER, 0..60);
    bench.sip(false, "SIP/2.0 404 Not Found", "one", "1 INVITE", "");
    bench.pass_ms(1_000);
    let seen = bench.finish();
    assert!(seen[0].only(1).bytes == speech(0..60), "the octets that were sent");
    assert_eq!(seen[0].end(), LedgerEnd::Recorded);
}

#[test]
fn a_call_without_bye_ends_after_a_minute_of_nothing() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.talk(0..100);
    bench.pass_ms(70_000);
    assert!(bench.seen.values().all(|s| s.close.is_some()), "closed by the clock");
    let seen = bench.finish();
    assert_eq!(seen[0].end(), LedgerEnd::Partly(Partly::EndUnknown));
    assert_eq!(seen[0].close.as_ref().unwrap().reason, "rtp-idle");
}

#[test]
fn media_that_return_after_the_end_make_another_segment() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.talk(0..100);
    bench.pass_ms(70_000);
    bench.talk(3_600..3_700);
    bench.bye("one");
    bench.pass_ms(1_000);
    let seen = bench.finish();
    assert_eq!(seen.len(), 2);
    assert!(seen[1].only(0).bytes == speech(3_600..3_700), "the octets that were sent");
    assert_eq!(seen[1].end(), LedgerEnd::Partly(Partly::StartMissed));
}

#[test]
fn one_direction_is_a_fault_of_the_mirror() {
    let mut bench = Bench::new();
    for (i, id) in ["a", "b", "c"].into_iter().enumerate() {
        bench.call(id);
        let from = 10_000 * i as u32;
        bench.stream(CALLER, CALLED, from..from + 150);
        bench.bye(id);
        bench.pass_ms(2_000);
    }
    let alarm = bench.engine.poll_alarm().expect("an alarm after three calls");
    assert_eq!(alarm.kind, crate::engine::AlarmKind::OneDirection);
    for seen in bench.finish() {
        assert_eq!(seen.end(), LedgerEnd::Partly(Partly::OneDirection));
    }
}

#[test]
fn ports_used_again_do_not_mix_calls_though_every_ssrc_is_equal() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.talk(0..100);
    bench.bye("one");
    bench.pass_ms(100);
    bench.call("two");
    bench.talk(0..100);
    bench.bye("two");
    bench.pass_ms(1_000);
    let seen = bench.finish();
    assert_eq!(seen.len(), 2);
    for call in &seen {
        assert!(call.only(0).bytes == speech(0..100), "the octets that were sent");
        assert!(call.only(1).bytes == speech(0..100), "the octets that were sent");
        assert_eq!(call.end(), LedgerEnd::Recorded);
    }
}

#[test]
fn a_call_that_is_up_at_the_end_of_input_is_closed() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.talk(0..33);
    let seen = bench.finish();
    assert!(seen[0].only(0).bytes == speech(0..33), "the octets that were sent");
    assert_eq!(seen[0].end(), LedgerEnd::Partly(Partly::EndUnknown));
}

#[test]
fn a_call_that_hung_up_just_before_the_end_of_input_ended_by_its_bye() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.talk(0..100);
    bench.bye("one");
    let seen = bench.finish();
    assert_eq!(seen[0].end(), LedgerEnd::Recorded);
    assert_eq!(seen[0].close.as_ref().unwrap().reason, "bye");
}

#[test]
fn two_calls_that_announce_one_stream_are_both_recorded() {
    let mut bench = Bench::new();
    for id in ["outside", "inside"] {
        bench.invite(id);
    }
    for id in ["inside", "outside"] {
        bench.answer(id);
    }
    bench.talk(0..100);
    for id in ["outside", "inside"] {
        bench.bye(id);
    }
    bench.pass_ms(1_000);
    let seen = bench.finish();
    assert_eq!(seen.len(), 2);
    for call in &seen {
        assert!(call.only(0).bytes == speech(0..100), "the octets that were sent");
        assert!(call.only(1).bytes == speech(0..100), "the octets that were sent");
        assert_eq!(call.end(), LedgerEnd::Recorded);
    }
}
