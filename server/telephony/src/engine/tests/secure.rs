//! SRTP: opened with announced keys, a gap without them, never noise.

use shared::{GapCause, LedgerEnd, Partly};

use super::bench::{At, CALLED, CALLER};
use super::calls::speech;
use super::{Bench, Rtp};
use crate::rtp::srtp::tests::Sender;

const KEY: &str = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n";

fn savp(at: At, extra: &str) -> String {
    Bench::sdp(at, extra).replace("RTP/AVP", "RTP/SAVP")
}

fn secure_call(bench: &mut Bench, extra: &str) {
    bench.sip(true, "INVITE sip:0115550100@10.0.0.2 SIP/2.0", "one", "1 INVITE", &savp(CALLER, extra));
    bench.sip(false, "SIP/2.0 200 OK", "one", "1 INVITE", &savp(CALLED, extra));
}

/// A packet as it looks under SRTP: noise and a tag.
fn sealed(n: u32) -> Rtp {
    let payload = (0..170u32).map(|i| (n.wrapping_mul(7_919).wrapping_add(i * i)) as u8).collect();
    Rtp { payload, ..Rtp::g711(n) }
}

fn nothing_is_kept(extra: &str) {
    let mut bench = Bench::new();
    secure_call(&mut bench, extra);
    for n in 0..150 {
        bench.rtp(CALLER, CALLED, &sealed(n));
        bench.rtp(CALLED, CALLER, &sealed(n));
        bench.pass_ms(20);
    }
    bench.bye("one");
    bench.pass_ms(1_000);
    let call = bench.finish().remove(0);
    assert_eq!(call.end(), LedgerEnd::Partly(Partly::EncryptedMedia));
    for leg in [0, 1] {
        let track = call.only(leg);
        assert!(track.bytes.is_empty(), "no octet of noise");
        assert_eq!((track.gaps(GapCause::Undecodable), track.end), (24_000, 24_000), "of the right length");
    }
}

#[test]
fn media_under_keys_that_never_pass_by_are_a_gap_of_their_length() {
    nothing_is_kept("a=fingerprint:sha-256 00:11\r\n");
}

#[test]
fn media_under_another_key_than_announced_are_a_gap_of_their_length() {
    nothing_is_kept(KEY);
}

#[test]
fn an_orphan_whose_payloads_carry_a_tag_is_never_taken_for_sound() {
    let mut bench = Bench::new();
    for n in 0..150 {
        bench.rtp(CALLER, CALLED, &sealed(n));
        bench.pass_ms(20);
    }
    let orphan = bench.finish().remove(0);
    assert_eq!(orphan.end(), LedgerEnd::Partly(Partly::EncryptedMedia));
    assert!(orphan.only(0).bytes.is_empty(), "no octet of noise");
}

/// A packet of a type that only signalling could explain.
fn nameless(n: u32) -> Rtp {
    Rtp { pt: 111, payload: vec![n as u8; 40 + n as usize % 7], ..Rtp::g711(n) }
}

/// The first octets of a DTLS record: handshake, version 1.2.
const RECORD: [u8; 16] = [22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 3, 2, 0, 0];

#[test]
fn an_orphan_whose_ends_agreed_on_keys_ends_as_encrypted_and_keeps_no_octet() {
    for early in [true, false] {
        let mut bench = Bench::new();
        if early {
            bench.udp(CALLED, CALLER, &RECORD);
        }
        for n in 0..300 {
            bench.rtp(CALLER, CALLED, &nameless(n));
            bench.pass_ms(20);
            if n == 150 {
                bench.udp(CALLED, CALLER, &RECORD);
            }
        }
        let orphan = bench.finish().remove(0);
        assert_eq!(orphan.end(), LedgerEnd::Partly(Partly::EncryptedMedia), "early: {early}");
        let track = orphan.only(0);
        assert_eq!(track.bytes.is_empty(), early, "what came before anybody could know is kept as it came");
        assert!(track.gaps(GapCause::Undecodable) >= 149 * 160);
    }
}

#[test]
fn a_forged_record_does_not_silence_media_that_are_plainly_plain() {
    let mut orphan = Bench::new();
    orphan.udp(CALLED, CALLER, &RECORD);
    orphan.talk(0..200);
    orphan.udp(CALLED, CALLER, &RECORD);
    orphan.talk(200..300);
    let mut call = Bench::new();
    call.call("one");
    call.udp(CALLED, CALLER, &RECORD);
    call.talk(0..300);
    for bench in [orphan, call] {
        let seen = bench.finish().remove(0);
        assert!(seen.only(0).bytes == speech(0..300), "every octet is kept");
    }
}

#[test]
fn an_orphan_that_waits_for_a_key_in_vain_ends_when_it_falls_silent() {
    let key =
        crate::sip::SdesKey::of_suite("AES_CM_128_HMAC_SHA1_80", "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz");
    let config = crate::engine::EngineConfig { orphan_keys: vec![key.unwrap()], ..Default::default() };
    let mut bench = Bench::with(config);
    for n in 0..30 {
        bench.rtp(CALLER, CALLED, &sealed(n));
        bench.pass_ms(20);
    }
    bench.pass_ms(90_000);
    let seen = bench.seen.values().next().unwrap();
    let close = seen.close.as_ref().expect("closed by the clock");
    assert_eq!((close.reason, close.end), ("rtp-idle", LedgerEnd::Partly(Partly::EncryptedMedia)));
    assert_eq!(seen.only(0).gaps(GapCause::Undecodable), 30 * 160);
}

const CALLER_KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
const CALLED_KEY: &str = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";

fn crypto(key: &str) -> String {
    format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n")
}

/// Sends packet `n`, sealed under a key of its sender.
fn send(bench: &mut Bench, from: At, to: At, key: &str, n: u32) {
    let clear = Rtp::g711(n).datagram();
    let (header, payload) = clear.split_at(12);
    bench.udp(from, to, &Sender::announced(key).rtp(header, payload, 0));
}

fn talk_sealed(bench: &mut Bench, range: std::ops::Range<u32>) {
    for n in range {
        send(bench, CALLER, CALLED, CALLER_KEY, n);
        send(bench, CALLED, CALLER, CALLED_KEY, n);
        bench.pass_ms(20);
    }
}

fn is_heard_from_the_first_packet(mut bench: Bench) {
    talk_sealed(&mut bench, 20..150);
    bench.bye("one");
    bench.pass_ms(1_000);
    assert_eq!(bench.engine.counters().srtp_failed, 0);
    let seen = bench.finish();
    assert_eq!((seen.len(), seen[0].end()), (1, LedgerEnd::Recorded));
    for leg in [0, 1] {
        assert!(seen[0].only(leg).bytes == speech(0..150), "leg {leg}: the octets that were sent");
    }
}

#[test]
fn each_party_is_heard_under_the_key_that_it_announced() {
    let mut bench = Bench::new();
    let offer = savp(CALLER, &crypto(CALLER_KEY));
    bench.sip(true, "INVITE sip:0115550100@10.0.0.2 SIP/2.0", "one", "1 INVITE", &offer);
    bench.sip(false, "SIP/2.0 200 OK", "one", "1 INVITE", &savp(CALLED, &crypto(CALLED_KEY)));
    talk_sealed(&mut bench, 0..20);
    is_heard_from_the_first_packet(bench);
}

#[test]
fn a_key_that_comes_with_the_answer_opens_what_came_before_it() {
    let mut bench = Bench::new();
    let offer = savp(CALLER, &crypto(CALLER_KEY));
    bench.sip(true, "INVITE sip:0115550100@10.0.0.2 SIP/2.0", "one", "1 INVITE", &offer);
    talk_sealed(&mut bench, 0..20);
    bench.sip(false, "SIP/2.0 200 OK", "one", "1 INVITE", &savp(CALLED, &crypto(CALLED_KEY)));
    is_heard_from_the_first_packet(bench);
}
