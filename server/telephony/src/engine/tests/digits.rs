//! Digits where the site masks them: neither event nor octet tells which one, and the account of samples stays exact.

use proptest::prelude::*;
use shared::{GapCause, LedgerEnd, NotRecorded, Value};

use super::bench::{CALLED, CALLER, Seen};
use super::calls::speech;
use super::{Bench, Rtp};
use crate::engine::EngineConfig;

fn masking() -> Bench {
    Bench::with(EngineConfig { mask_digits: true, ..EngineConfig::default() })
}

fn ended(mut bench: Bench) -> Seen {
    bench.bye("one");
    bench.pass_ms(1_000);
    bench.finish().remove(0)
}

/// Sends a `digit` of 200 ms that begins at `ts` as ten packets, the first of them with the number `seq`.
fn dial(bench: &mut Bench, digit: u8, seq: u32, ts: u32) {
    for i in 0..10u32 {
        let end = if i >= 7 { 0x80 } else { 0 };
        let held = ((i + 1) * 160) as u16;
        let payload = vec![digit, end | 10, (held >> 8) as u8, held as u8];
        let rtp = Rtp { pt: 101, marker: i == 0, seq: (seq + i) as u16, ts, payload, ssrc: 0x1234 };
        bench.rtp(CALLER, CALLED, &rtp);
        bench.pass_ms(20);
    }
}

/// Sends packets of speech as if the sequence had gone on from `seq`.
fn speak(bench: &mut Bench, range: std::ops::Range<u32>, seq: u32) {
    for n in range.clone() {
        bench.rtp(CALLER, CALLED, &Rtp { seq: (seq + n - range.start) as u16, ..Rtp::g711(n) });
        bench.pass_ms(20);
    }
}

fn tells_nothing(call: &Seen, digits: usize) {
    let notes = call.notes("digit");
    assert_eq!(notes.len(), digits, "that digits were dialled is told");
    for note in notes {
        assert_eq!(note.members.get("digit"), None, "{note:?}");
        assert_eq!(note.members.get("masked"), Some(&Value::Bool(true)), "{note:?}");
        assert!(note.raw.is_none(), "{note:?}");
    }
}

#[test]
fn a_masked_digit_is_an_event_without_its_digit_and_a_gap_of_its_own_cause() {
    let mut bench = masking();
    bench.call("one");
    bench.talk(0..50);
    dial(&mut bench, 5, 50, 8_000);
    speak(&mut bench, 60..100, 60);
    let call = ended(bench);
    tells_nothing(&call, 1);
    let track = call.only(0);
    assert_eq!((track.gaps(GapCause::Paused), track.all_gaps()), (1_600, 1_600));
    assert!(track.bytes == [speech(0..50), speech(60..100)].concat(), "speech and nothing else");
    assert_eq!(call.close.as_ref().unwrap().gaps.0[3], 1_600);
    assert_eq!(call.end(), LedgerEnd::Recorded);
}

#[test]
fn silence_around_a_masked_digit_is_silence() {
    let mut bench = masking();
    bench.call("one");
    bench.talk(0..50);
    dial(&mut bench, 5, 50, 8_000 + 800);
    speak(&mut bench, 100..150, 60);
    let call = ended(bench);
    let gaps: Vec<_> =
        call.only(0).runs.iter().filter(|r| r.gap_samples > 0).map(|r| (r.cause, r.gap_samples)).collect();
    let (silence, masked) = (GapCause::SilenceSuppressed, GapCause::Paused);
    assert_eq!(gaps, [(silence, 800), (masked, 1_600), (silence, 5_600)]);
}

#[test]
fn a_masked_digit_after_a_lost_packet_leaves_both_in_the_account() {
    let mut bench = masking();
    bench.call("one");
    bench.talk(0..50);
    dial(&mut bench, 5, 51, 8_160); // packet 50 never comes
    speak(&mut bench, 61..100, 61);
    let call = ended(bench);
    let track = call.only(0);
    assert_eq!((track.gaps(GapCause::LostInNetwork), track.gaps(GapCause::Paused)), (160, 1_600));
    assert_eq!(track.end, 16_000);
}

#[test]
fn digits_beside_the_sound_are_masked_too_and_take_nothing_from_it() {
    let mut bench = masking();
    bench.call("one");
    bench.talk(0..50);
    for n in 50..60u32 {
        let payload = vec![7, if n > 57 { 0x8a } else { 10 }, 0, 160];
        let own = Rtp { pt: 101, ssrc: 77, seq: (900 + n) as u16, ts: 1_000, payload, marker: false };
        bench.rtp(CALLER, CALLED, &own);
        bench.rtp(CALLER, CALLED, &Rtp::g711(n));
        bench.pass_ms(20);
    }
    let call = ended(bench);
    tells_nothing(&call, 1);
    assert!(call.only(0).bytes == speech(0..60), "the octets that were sent");
    assert_eq!(call.only(0).all_gaps(), 0);
}

#[test]
fn digits_in_sip_info_are_masked_alike() {
    for (kind, body) in
        [("application/dtmf-relay", "Signal=7\r\nDuration=160\r\n"), ("application/dtmf", "7")]
    {
        for masked in [false, true] {
            let mut bench = if masked { masking() } else { Bench::new() };
            bench.call("one");
            bench.talk(0..50);
            let lines = format!("Content-Type: {kind}\r\n");
            let info = "INFO sip:0115550100@10.0.0.2 SIP/2.0";
            let text = Bench::message(info, "one", "5 INFO", &lines, "");
            let text = text.replace("Content-Length: 0", &format!("Content-Length: {}", body.len()));
            bench.udp((1, 5060), (2, 5060), format!("{text}{body}").as_bytes());
            bench.talk(50..100);
            let call = ended(bench);
            assert_eq!(call.notes("digit").len(), 1, "{kind}");
            if masked {
                tells_nothing(&call, 1);
            } else {
                let said = call.notes("digit")[0].members.get("digit");
                assert_eq!(said, Some(&Value::Text("7".to_owned())), "{kind}");
            }
            assert_eq!(call.only(0).all_gaps(), 0, "no sound was taken");
        }
    }
}

#[test]
fn redundant_data_with_a_digit_inside_stay_behind() {
    let mut bench = masking();
    let sdp = "a=rtpmap:100 red/8000\r\n";
    let with_red = |at| Bench::sdp(at, sdp).replace(" 13 101", " 13 101 100");
    bench.sip(true, "INVITE sip:0115550100@10.0.0.2 SIP/2.0", "one", "1 INVITE", &with_red(CALLER));
    bench.sip(false, "SIP/2.0 200 OK", "one", "1 INVITE", &with_red(CALLED));
    bench.sip(true, "ACK sip:0115550100@10.0.0.2 SIP/2.0", "one", "1 ACK", "");
    bench.talk(0..50);
    for n in 50..60u32 {
        let payload = [vec![0x80 | 101, 0, 0, 4, 0, 5, 10, 0, 160], vec![0x55; 160]].concat();
        bench.rtp(CALLER, CALLED, &Rtp { pt: 100, payload, ..Rtp::g711(n) });
        bench.pass_ms(20);
    }
    speak(&mut bench, 60..100, 60);
    let call = ended(bench);
    let track = call.only(0);
    assert!(track.bytes == [speech(0..50), speech(60..100)].concat(), "speech and nothing else");
    assert_eq!((track.gaps(GapCause::Paused), track.all_gaps()), (1_600, 1_600));
}

#[test]
fn a_stream_of_digits_alone_is_no_recording_but_has_its_entry() {
    for mut bench in [Bench::new(), masking()] {
        for nth in 0..4u32 {
            dial(&mut bench, 5, nth * 10, nth * 4_000);
            bench.pass_ms(300);
        }
        bench.pass_ms(70_000);
        let seen = bench.finish();
        assert_eq!(seen.len(), 1, "accounted for");
        assert!(seen[0].tracks.is_empty() && seen[0].notes.is_empty(), "nothing is sealed: {:?}", seen[0]);
        assert_eq!(seen[0].end(), LedgerEnd::NotRecorded(NotRecorded::NoMedia));
    }
}

#[test]
fn sound_that_follows_unannounced_digits_is_recorded() {
    let mut bench = Bench::new();
    dial(&mut bench, 5, 0, 0);
    speak(&mut bench, 10..200, 10);
    let orphan = bench.finish().remove(0);
    assert_eq!(orphan.only(0).track.codec, "PCMU");
    assert!(orphan.only(0).bytes == speech(10..200), "the octets that were sent");
}

proptest! {
    /// Speech, pauses and digits in any order, any packet lost: lengths sum exactly and only speech is kept.
    #[test]
    fn the_account_is_exact_whatever_is_dialled(
        parts in prop::collection::vec((0u8..3, 1u32..12), 1..12),
        lost in any::<[u64; 4]>(),
    ) {
        let mut bench = masking();
        bench.call("one");
        bench.talk(0..20);
        let (mut seq, mut tick) = (20u32, 20u32);
        for (what, long) in parts {
            for i in 0..long {
                let gone = lost[(seq as usize / 64) % 4] >> (seq % 64) & 1 == 1 && seq % 3 == 0;
                let held = ((i + 1) * 160) as u16;
                let payload = vec![9, if i + 1 == long { 0x8a } else { 10 }, (held >> 8) as u8, held as u8];
                let rtp = match what {
                    0 => Some(Rtp { seq: seq as u16, payload: vec![0xaa; 160], ..Rtp::g711(tick + i) }),
                    1 => Some(Rtp { pt: 101, seq: seq as u16, payload, marker: i == 0, ..Rtp::g711(tick) }),
                    _ => None,
                };
                if let Some(rtp) = rtp {
                    if !gone {
                        bench.rtp(CALLER, CALLED, &rtp);
                    }
                    seq += 1;
                }
                bench.pass_ms(20);
            }
            tick += long;
        }
        for n in tick..tick + 20 {
            bench.rtp(CALLER, CALLED, &Rtp { seq: (seq + n - tick) as u16, payload: vec![0xaa; 160], ..Rtp::g711(n) });
            bench.pass_ms(20);
        }
        let call = ended(bench);
        let track = call.only(0);
        prop_assert_eq!(track.end, u64::from(tick + 20) * 160);
        prop_assert_eq!(track.samples() + track.all_gaps(), track.end);
        prop_assert!(track.bytes[20 * 160..].iter().all(|octet| *octet == 0xaa));
        prop_assert!(call.notes("digit").iter().all(|note| !note.members.contains_key("digit")));
    }
}
