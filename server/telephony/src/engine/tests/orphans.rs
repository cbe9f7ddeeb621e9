//! RTP that nothing announced.

use shared::{LedgerEnd, Partly};

use super::bench::{CALLED, CALLER};
use super::calls::speech;
use super::{Bench, Rtp};

#[test]
fn both_directions_of_an_orphan_make_one_segment_from_their_first_packets() {
    let mut bench = Bench::new();
    bench.talk(0..200);
    let seen = bench.finish();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].info.orphan, "marked as such");
    assert!(seen[0].only(0).bytes == speech(0..200), "the octets that were sent");
    assert!(seen[0].only(1).bytes == speech(0..200), "the octets that were sent");
    assert_eq!(seen[0].end(), LedgerEnd::Partly(Partly::EndUnknown));
}

#[test]
fn four_packets_are_no_stream() {
    let mut bench = Bench::new();
    bench.stream(CALLER, CALLED, 0..4);
    bench.pass_ms(20_000);
    assert!(bench.finish().is_empty(), "nothing to account for");
}

#[test]
fn noise_that_looks_like_rtp_is_dismissed() {
    let mut bench = Bench::new();
    for n in 0..100u32 {
        let rtp = Rtp { ssrc: n.wrapping_mul(77_777), seq: (n * 991) as u16, ..Rtp::g711(n) };
        bench.rtp(CALLER, CALLED, &rtp);
    }
    assert!(bench.finish().is_empty(), "nothing to account for");
}

#[test]
fn signalling_that_comes_late_loses_nothing() {
    let mut bench = Bench::new();
    bench.talk(0..60);
    bench.call("one");
    bench.talk(60..120);
    bench.bye("one");
    bench.pass_ms(1_000);
    let seen = bench.finish();
    assert_eq!(seen.len(), 1);
    assert!(!seen[0].info.orphan, "it has its call");
    assert!(seen[0].only(0).bytes == speech(0..120), "the octets that were sent");
    assert!(seen[0].only(1).bytes == speech(0..120), "the octets that were sent");
}

#[test]
fn an_orphan_ends_after_a_minute_of_nothing() {
    let mut bench = Bench::new();
    bench.talk(0..200);
    bench.pass_ms(70_000);
    assert!(bench.seen.values().all(|s| s.close.is_some()), "closed by the clock");
}

#[test]
fn a_leap_of_months_in_a_file_does_not_make_a_recording_of_months() {
    let mut bench = Bench::new();
    bench.talk(0..200);
    let spoken = bench.now();
    bench.leap_ms(90 * 86_400_000);
    let close = bench.seen.values().next().and_then(|seen| seen.close.clone()).unwrap();
    assert_eq!(close.reason, "rtp-idle");
    let late = close.at.utc.since(spoken.utc);
    assert!((59_000_000..=60_000_000).contains(&late), "closed {late} us after the last word");
}

#[test]
fn digits_that_nobody_announced_are_no_sound() {
    let mut bench = Bench::new();
    bench.stream(CALLER, CALLED, 0..120);
    for n in 120..125u32 {
        let end = if n > 122 { 0x80 } else { 0 };
        let digit =
            Rtp { pt: 101, ts: Rtp::g711(120).ts, payload: vec![5, end | 10, 0, 160], ..Rtp::g711(n) };
        bench.rtp(CALLER, CALLED, &digit);
        bench.pass_ms(20);
    }
    bench.stream(CALLER, CALLED, 125..200);
    let orphan = bench.finish().remove(0);
    assert_eq!(orphan.leg(0).len(), 1, "one codec, one track");
    assert_eq!(orphan.notes("digit").len(), 1);
}
