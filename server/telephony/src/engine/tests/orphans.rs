//! RTP that nothing announced.

use shared::{LedgerEnd, NotRecorded, Partly};

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

/// An orphan of four seconds, both directions, that is still running.
fn running() -> Bench {
    let mut bench = Bench::new();
    bench.talk(0..200);
    bench
}

fn heard(seen: &[&super::bench::Seen], leg: u8) -> Vec<u8> {
    seen.iter().flat_map(|seen| seen.leg(leg)).flat_map(|track| track.bytes.clone()).collect()
}

#[test]
fn an_orphan_whose_signalling_comes_very_late_becomes_the_call() {
    let mut bench = running();
    bench.call("one");
    bench.talk(200..250);
    for n in 250..300u32 {
        // Another SSRC of the caller goes on in the same leg: the leg is known for the caller's.
        bench.rtp(CALLER, CALLED, &Rtp { ssrc: 99, ..Rtp::g711(n) });
        bench.rtp(CALLED, CALLER, &Rtp::g711(n));
        bench.pass_ms(20);
    }
    bench.bye("one");
    bench.pass_ms(1_000);
    let seen = bench.finish();
    assert_eq!(seen.len(), 1, "one call, one entry");
    let call = &seen[0];
    assert_eq!((call.info.orphan, call.info.call_ids.as_slice()), (false, ["one".to_owned()].as_slice()));
    assert_eq!(call.info.caller.number, "3115");
    assert_eq!((call.tracks.len(), call.notes("joined").len()), (2, 1));
    for leg in [0, 1] {
        assert!(call.only(leg).bytes == speech(0..300), "every octet once, on leg {leg}");
        assert_eq!(call.only(leg).all_gaps(), 0);
    }
    assert_eq!(call.close.as_ref().unwrap().reason, "bye");
    assert_eq!(call.end(), LedgerEnd::Recorded);
}

#[test]
fn a_call_under_way_that_a_renewed_offer_shows_takes_its_orphan_with_it() {
    let mut bench = running();
    let offer = Bench::sdp(CALLER, "");
    bench.sip(true, "INVITE sip:0115550100@10.0.0.2 SIP/2.0", "one", "7 INVITE", &offer);
    bench.sip(false, "SIP/2.0 200 OK", "one", "7 INVITE", &Bench::sdp(CALLED, ""));
    bench.talk(200..300);
    bench.sip(true, "BYE sip:0115550100@10.0.0.2 SIP/2.0", "one", "8 BYE", "");
    bench.pass_ms(1_000);
    let seen = bench.finish();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].end(), LedgerEnd::Partly(Partly::StartMissed));
    assert!(heard(&[&seen[0]], 0) == speech(0..300), "every octet once");
}

#[test]
fn a_call_with_a_segment_of_its_own_takes_the_orphan_over_where_it_stands() {
    let mut bench = Bench::new();
    bench.sip(true, "INVITE sip:0115550100@10.0.0.2 SIP/2.0", "one", "1 INVITE", "");
    bench.talk(0..200);
    bench.sip(false, "SIP/2.0 200 OK", "one", "1 INVITE", &Bench::sdp(CALLED, ""));
    bench.sip(true, "ACK sip:0115550100@10.0.0.2 SIP/2.0", "one", "1 ACK", &Bench::sdp(CALLER, ""));
    bench.talk(200..300);
    bench.bye("one");
    bench.pass_ms(1_000);
    let seen = bench.finish();
    assert_eq!(seen.len(), 2, "both have their entry");
    let (call, orphan) = (&seen[0], &seen[1]);
    assert_eq!((call.info.orphan, orphan.info.orphan), (false, true));
    assert_eq!(call.info.call_ids, orphan.info.call_ids, "that ties them");
    assert_eq!(orphan.close.as_ref().unwrap().reason, "joined");
    assert_eq!(call.end(), LedgerEnd::Partly(Partly::StartMissed));
    assert!(!call.notes("linked").is_empty() && !orphan.notes("linked").is_empty(), "each says so");
    for leg in [0, 1] {
        assert!(heard(&[orphan, call], leg) == speech(0..300), "every octet once, on leg {leg}");
    }
}

#[test]
fn a_call_on_the_ports_of_an_orphan_that_has_fallen_silent_is_another_call() {
    let mut bench = running();
    bench.pass_ms(5_000);
    bench.call("one");
    for n in 200..300u32 {
        bench.rtp(CALLER, CALLED, &Rtp { ssrc: 5, ..Rtp::g711(n) });
        bench.rtp(CALLED, CALLER, &Rtp { ssrc: 6, ..Rtp::g711(n) });
        bench.pass_ms(20);
    }
    bench.bye("one");
    bench.pass_ms(1_000);
    let seen = bench.finish();
    assert_eq!(seen.len(), 2);
    assert!(heard(&[&seen[0]], 0) == speech(0..200) && seen[0].info.orphan, "the orphan is what it was");
    assert!(heard(&[&seen[1]], 0) == speech(200..300), "the call has its own");
}

#[test]
fn an_orphan_that_turns_out_to_be_an_excluded_call_is_discarded_by_the_rule() {
    let rules = crate::segment::rules::RuleSet::parse(&[] as &[String], &["3115".to_owned()]).unwrap();
    let rules = crate::segment::rules::Rules { extensions: rules, calls: Vec::new() };
    let mut bench =
        Bench::with(crate::engine::EngineConfig { rules, ..crate::engine::EngineConfig::default() });
    bench.talk(0..200);
    bench.call("one");
    bench.talk(200..300);
    bench.bye("one");
    bench.pass_ms(1_000);
    let seen = bench.finish();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].discarded, "what was sealed goes");
    assert_eq!(seen[0].end(), LedgerEnd::NotRecorded(NotRecorded::Rule));
}
