//! What senders do with one stream: other codecs, other sources, silence, hold, digits.

use shared::{GapCause, LedgerEnd, Value};

use super::bench::{CALLED, CALLER, Seen};
use super::calls::speech;
use super::{Bench, Rtp};

fn ended(mut bench: Bench) -> Seen {
    bench.bye("one");
    bench.pass_ms(1_000);
    bench.finish().remove(0)
}

#[test]
fn a_new_ssrc_goes_on_in_the_same_track_after_the_time_between() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.talk(0..50);
    bench.pass_ms(300);
    for n in 0..50u32 {
        let rtp = Rtp { ssrc: 99, seq: (7_000 + n) as u16, ts: 5_000_000 + n * 160, ..Rtp::g711(50 + n) };
        bench.rtp(CALLER, CALLED, &rtp);
        bench.pass_ms(20);
    }
    let call = ended(bench);
    let track = call.only(0);
    assert!(track.bytes == speech(0..100), "the octets that were sent");
    assert_eq!(track.gaps(GapCause::None), 2_400, "300 ms by the monotonic clock");
    assert_eq!(track.end, 18_400);
}

#[test]
fn another_codec_is_another_track_of_the_same_leg() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.talk(0..50);
    for n in 50..100u32 {
        bench.rtp(CALLER, CALLED, &Rtp { pt: 8, ..Rtp::g711(n) });
        bench.pass_ms(20);
    }
    for n in 100..150u32 {
        bench.rtp(CALLER, CALLED, &Rtp { pt: 18, payload: vec![n as u8; 20], ..Rtp::g711(n) });
        bench.pass_ms(20);
    }
    let call = ended(bench);
    let tracks = call.leg(0);
    assert_eq!(tracks.len(), 3);
    assert_eq!((tracks[0].track.codec.as_str(), tracks[0].end), ("PCMU", 8_000));
    assert_eq!(
        (tracks[1].track.codec.as_str(), tracks[1].base, tracks[1].end),
        ("PCMA", Some(8_000), 16_000)
    );
    assert_eq!(
        (tracks[2].track.codec.as_str(), tracks[2].base, tracks[2].end),
        ("G729", Some(16_000), 24_000)
    );
    assert_eq!(tracks[2].runs.len(), 50, "packets of G.729 are never joined");
    assert_eq!(call.notes("track_change").len(), 2);
}

#[test]
fn comfort_noise_is_silence_not_loss() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.talk(0..50);
    bench.rtp(CALLER, CALLED, &Rtp { pt: 13, payload: vec![40], ..Rtp::g711(50) });
    bench.pass_ms(1_000);
    for n in 100..150u32 {
        let rtp = Rtp { seq: (n - 49) as u16, marker: n == 100, ..Rtp::g711(n) };
        bench.rtp(CALLER, CALLED, &rtp);
        bench.pass_ms(20);
    }
    let call = ended(bench);
    let track = call.only(0);
    assert!(track.bytes == [speech(0..50), speech(100..150)].concat(), "the octets that were sent");
    assert_eq!((track.gaps(GapCause::SilenceSuppressed), track.all_gaps()), (8_000, 8_000));
    assert_eq!(call.end(), LedgerEnd::Recorded);
}

#[test]
fn a_step_without_loss_and_without_reason_is_shown_and_not_counted() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.talk(0..50);
    for n in 50..100u32 {
        bench.rtp(CALLER, CALLED, &Rtp { ts: n * 160 + 1_600, ..Rtp::g711(n) });
        bench.pass_ms(20);
    }
    let call = ended(bench);
    assert_eq!((call.only(0).gaps(GapCause::None), call.only(0).all_gaps()), (1_600, 1_600));
}

#[test]
fn a_digit_is_told_once_and_its_place_is_silence() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.talk(0..50);
    for i in 0..10u32 {
        let end = if i >= 7 { 0x80 } else { 0 };
        let held = ((i.min(7) + 1) * 160) as u16;
        let payload = vec![5, end | 10, (held >> 8) as u8, held as u8];
        let rtp = Rtp { pt: 101, marker: i == 0, seq: (50 + i) as u16, ts: 8_000, payload, ssrc: 0x1234 };
        bench.rtp(CALLER, CALLED, &rtp);
        bench.pass_ms(20);
    }
    for n in 60..100u32 {
        bench.rtp(CALLER, CALLED, &Rtp::g711(n));
        bench.pass_ms(20);
    }
    let call = ended(bench);
    let digits = call.notes("digit");
    assert_eq!(digits.len(), 1);
    assert_eq!(digits[0].members.get("digit"), Some(&Value::Text("5".to_owned())));
    assert_eq!(call.only(0).gaps(GapCause::SilenceSuppressed), 1_600);
    assert!(call.only(0).bytes == [speech(0..50), speech(60..100)].concat(), "the octets that were sent");
}

#[test]
fn a_hold_of_ten_minutes_is_no_end() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.talk(0..50);
    let hold = Bench::sdp(CALLER, "a=sendonly\r\n");
    bench.sip(true, "INVITE sip:0115550100@10.0.0.2 SIP/2.0", "one", "3 INVITE", &hold);
    let held = Bench::sdp(CALLED, "a=recvonly\r\n");
    bench.sip(false, "SIP/2.0 200 OK", "one", "3 INVITE", &held);
    bench.sip(true, "ACK sip:0115550100@10.0.0.2 SIP/2.0", "one", "3 ACK", "");
    bench.pass_ms(600_000);
    assert!(bench.seen.values().all(|s| s.close.is_none()), "still open");
    let sdp = Bench::sdp(CALLER, "");
    bench.sip(true, "INVITE sip:0115550100@10.0.0.2 SIP/2.0", "one", "4 INVITE", &sdp);
    let sdp = Bench::sdp(CALLED, "");
    bench.sip(false, "SIP/2.0 200 OK", "one", "4 INVITE", &sdp);
    bench.talk(30_050..30_100);
    let call = ended(bench);
    let track = call.only(0);
    assert!(track.bytes == [speech(0..50), speech(30_050..30_100)].concat(), "the octets that were sent");
    assert_eq!(track.gaps(GapCause::SilenceSuppressed), 600 * 8_000);
    assert_eq!(track.end, 602 * 8_000);
    assert_eq!(call.end(), LedgerEnd::Recorded);
}

#[test]
fn a_leg_that_falls_silent_unexplained_is_written_as_an_open_gap() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.talk(0..50);
    bench.stream(CALLED, CALLER, 50..1_600); // the caller is silent for 31 s
    assert!(bench.seen.values().next().unwrap().only(0).gaps(GapCause::LostInNetwork) >= 20 * 8_000);
    for n in 50..100u32 {
        bench.rtp(CALLER, CALLED, &Rtp { ts: (1_550 + n) * 160, marker: true, ..Rtp::g711(n) });
        bench.rtp(CALLED, CALLER, &Rtp::g711(1_550 + n));
        bench.pass_ms(20);
    }
    let call = ended(bench);
    let track = call.only(0);
    assert_eq!(track.all_gaps(), 31 * 8_000);
    assert_eq!(call.notes("gap_cause").len(), 1, "the marker said that it was silence after all");
    assert_eq!(call.close.as_ref().unwrap().gaps.0[4], 31 * 8_000);
    assert!(track.bytes == speech(0..100), "the octets that were sent");
}

#[test]
fn anchors_tie_samples_to_instants() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.talk(0..1_600);
    let call = ended(bench);
    let anchors = call.notes("time_anchor");
    assert!((8..=10).contains(&anchors.len()), "two legs, the start and each ten seconds: {}", anchors.len());
    for anchor in anchors {
        let Some(Value::Int(pos)) = anchor.members.get("pos") else { panic!("pos") };
        assert_eq!(pos * 125, anchor.t_us, "this stream keeps its clock");
    }
}
