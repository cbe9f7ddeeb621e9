//! The published vectors, real captures, and streams that a sender of our own seals.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic_in_result_fn,
    reason = "tests"
)]

use aes_gcm::aead::{AeadInOut, Nonce};
use aes_gcm::{Aes128Gcm, Aes256Gcm, KeyInit as _};
use hmac::Mac as _;
use proptest::prelude::*;

use super::keys::expand;
use super::transform::{Aes, Session, Transform};
use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|d| u8::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap()).collect()
}

fn base64(text: &str) -> Vec<u8> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let six_bits: Vec<u32> = text.bytes().filter(|c| *c != b'=').map(|c| u32::from(value(c))).collect();
    six_bits
        .chunks_exact(4)
        .flat_map(|c| {
            let n = c[0] << 18 | c[1] << 12 | c[2] << 6 | c[3];
            [n.to_be_bytes()[1], n.to_be_bytes()[2], n.to_be_bytes()[3]]
        })
        .collect()
}

fn key(suite: &str, key_and_salt: &[u8]) -> SdesKey {
    SdesKey {
        tag: 1,
        suite: suite.to_owned(),
        key_and_salt: key_and_salt.to_vec(),
        mki: None,
        parameters: Vec::new(),
    }
}

fn key_filled(suite: &str, len: usize, with: u8) -> SdesKey {
    key(suite, &(0..len).map(|n| with.wrapping_add(u8::try_from(n).unwrap())).collect::<Vec<_>>())
}

// - published vectors

#[test]
fn the_key_stream_of_rfc_3711_b_2() {
    let mut salt = [0u8; 14];
    salt.copy_from_slice(&hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD"));
    let transform = Transform::counter_mode(&hex("2B7E151628AED2A6ABF7158809CF4F3C"), &[0; 20], 0).unwrap();
    let session = Session::new(transform, salt, true);
    let mut packet = vec![0u8; 12 + 48];
    packet[0] = 0x80;
    let sealed = Sealed { packet: &packet, header_len: 12, ssrc: 0, sequence: 0 };
    let mut out = Vec::new();
    assert_eq!(session.open_rtp(sealed, 0, [0], &mut out), Some(0));
    let stream =
        "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0";
    assert_eq!(out[12..], hex(stream));
}

#[test]
fn keys_are_derived_as_in_rfc_3711_b_3_and_rfc_6188_7() {
    let check = |master: &str, salt: &str, cipher: &str, session_salt: &str, tag: &str| {
        let master = Aes::new(&hex(master)).unwrap();
        for (label, expected) in [(0, cipher), (1, tag), (2, session_salt)] {
            let mut out = vec![0; hex(expected).len()];
            expand(&master, &hex(salt), label, &mut out);
            assert_eq!(out, hex(expected), "label {label}");
        }
    };
    check(
        "E1F97A0D3E018BE0D64FA32C06DE4139",
        "0EC675AD498AFEEBB6960B3AABE6",
        "C61E7A93744F39EE10734AFE3FF7A087",
        "30CBBC08863D8C85D49DB34A9AE1",
        "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4",
    );
    check(
        "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6",
        "3b04803de51ee7c96423ab5b78d2",
        "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4",
        "fa31791685ca444a9e07c6c64e93",
        "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05",
    );
    check(
        "73edc66c4fa15776fb57f9505c17136550ffda71f3e8e5f1",
        "c8522f3acd4ce86d5add78edbb11",
        "31874736a8f1143870c26e4857d8a5b2c4a354407faadabb",
        "2372b82d639b6d8503a47adc0a6c",
        "355b10973cd95b9eacf4061c7e1a7151e7cfbfcb",
    );
}

#[test]
fn a_counter_mode_packet_sealed_by_another_implementation_opens() {
    let check = |suite, master: &str, sealed: &str| {
        let mut receiver = SrtpReceiver::new(&[key(suite, &hex(master))]).unwrap();
        let mut out = Vec::new();
        assert_eq!(receiver.unprotect(&hex(sealed), &mut out), Ok(12), "{suite}");
        assert_eq!(out, hex("800f1234decafbadcafebabeabababababababababababababababab"), "{suite}");
    };
    check(
        "AES_CM_128_HMAC_SHA1_80",
        "e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6",
        "800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb",
    );
    check(
        "AES_256_CM_HMAC_SHA1_80",
        "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6 3b04803de51ee7c96423ab5b78d2",
        "800f1234decafbadcafebabe f1d9de17ff251ff1aa007774b0b4b40d a08d9d9a5b3a55d8873b",
    );
}

const GCM_SALT: &str = "517569642070726f2071756f";
const GCM_RTP: &str = "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e697320646976\
                       69736120696e207061727465732074726573";
const GCM_RTCP: &str = "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61\
                        deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";

fn gcm_session(key_len: u8) -> Session {
    let mut salt = [0; 14];
    salt[..12].copy_from_slice(&hex(GCM_SALT));
    Session::new(Transform::gcm(&(0..key_len).collect::<Vec<_>>()).unwrap(), salt, true)
}

#[test]
fn gcm_packets_of_rfc_7714_16_open() {
    let check = |key_len, sealed: &str| {
        let packet = hex(sealed);
        let view = Sealed { packet: &packet, header_len: 12, ssrc: 0x5501_a0b2, sequence: 0xf17b };
        let mut out = Vec::new();
        assert_eq!(gcm_session(key_len).open_rtp(view, 0, 0..3, &mut out), Some(0));
        assert_eq!(out, hex(GCM_RTP));
        assert_eq!(gcm_session(key_len).open_rtp(view, 0, 1..3, &mut out), None, "wrong rollover counter");
        assert!(out.is_empty(), "a failure leaves nothing behind");
    };
    check(
        16,
        "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf88\
         33899d7f27beb16a9152cf765ee4390cce",
    );
    check(
        32,
        "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b8\
         7b7aa3db36dfffd6b0f9bb7878d7a76c13",
    );
}

#[test]
fn gcm_control_packets_of_rfc_7714_17_open() {
    let check = |key_len, sealed: &str| {
        let mut out = Vec::new();
        assert!(gcm_session(key_len).open_rtcp(&hex(sealed), 0, 16, &mut out), "the tag is right");
        assert_eq!(out, hex(GCM_RTCP));
        let mut torn = hex(sealed);
        torn[9] ^= 1;
        assert!(
            !gcm_session(key_len).open_rtcp(&torn, 0, 16, &mut out) && out.is_empty(),
            "a flipped bit is seen"
        );
    };
    check(
        16,
        "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0b\
         b9275bc84aa45896cf4d2fc5abf87245d9eade800005d4",
    );
    check(
        32,
        "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f\
         1b6fad1d1eb30c4446839f57ff6f6cb26ac3be800005d4",
    );
    let tag_only = "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeef\
                    deadbeefdeadbeef841dd9683dd78ec92ae58790125f62b3000005d4";
    check(16, tag_only);
}

// - real captures, absent from a plain checkout

/// Returns the UDP payloads of a little-endian Ethernet capture without VLAN, that is of these three.
fn udp_payloads(name: &str) -> Option<Vec<Vec<u8>>> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures").join(name);
    #[allow(clippy::disallowed_methods, reason = "tests read fixtures")]
    let Ok(bytes) = std::fs::read(path) else {
        #[allow(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: no capture {name}");
        }
        return None;
    };
    let mut found = Vec::new();
    let mut rest = bytes.get(24..)?;
    while let Some((head, tail)) = rest.split_first_chunk::<16>() {
        let len = u32::from_le_bytes([head[8], head[9], head[10], head[11]]) as usize;
        let (frame, tail) = tail.split_at_checked(len)?;
        found.push(frame.get(42..)?.to_vec());
        rest = tail;
    }
    Some(found)
}

fn all_authenticate(name: &str, key_in_base64: &str, packets: usize) {
    let Some(payloads) = udp_payloads(name) else { return };
    let keys = [key("AES_CM_128_HMAC_SHA1_80", &base64(key_in_base64))];
    let mut receiver = SrtpReceiver::new(&keys).unwrap();
    let mut out = Vec::new();
    let opened = payloads.iter().filter(|p| receiver.unprotect(p, &mut out) == Ok(12)).count();
    assert_eq!((payloads.len(), opened), (packets, packets), "{name}");

    // From the middle on, and with another key first.
    let keys = [key_filled("AES_CM_128_HMAC_SHA1_32", 30, 9), keys[0].clone()];
    let mut late = SrtpReceiver::new(&keys).unwrap();
    let opened = payloads.iter().skip(packets / 2).filter(|p| late.unprotect(p, &mut out).is_ok()).count();
    assert_eq!(opened, packets - packets / 2, "{name} joined late");
}

#[test]
fn captures_with_known_keys_authenticate_to_the_last_packet() {
    all_authenticate("rtpproxy__call1_g722_srtp.a.rtp", "UHXu88YuDj8guQxhCqEeue0CSr+JcQ/Uii4NdaS5", 1168);
    all_authenticate("rtpproxy__call1_g722_srtp.o.rtp", "UBFc5R7tK5f91V8j1da++z3h/3H2yS5WaN819nJd", 1172);
    all_authenticate("rtp-pcap__marseillaise-srtp.pcap", "aSBrbm93IGFsbCB5b3VyIGxpdHRsZSBzZWNyZXRz", 11888);
}

// - a sender of our own, made of the same primitives but written the other way round

/// Seals one packet by RFC 3711 / 7714 from the master key.
/// One who seals RTP and RTCP as RFC 3711 says.
pub(crate) struct Sender {
    key: SdesKey,
    key_len: usize,
    salt_len: usize,
    tag_len: usize,
    send_mki: bool,
}

const SUITES: [(&str, usize, usize, usize); 8] = [
    ("AES_CM_128_HMAC_SHA1_80", 16, 14, 10),
    ("AES_CM_128_HMAC_SHA1_32", 16, 14, 4),
    ("AES_192_CM_HMAC_SHA1_80", 24, 14, 10),
    ("AES_192_CM_HMAC_SHA1_32", 24, 14, 4),
    ("AES_256_CM_HMAC_SHA1_80", 32, 14, 10),
    ("AES_256_CM_HMAC_SHA1_32", 32, 14, 4),
    ("AEAD_AES_128_GCM", 16, 12, 16),
    ("AEAD_AES_256_GCM", 32, 12, 16),
];

impl Sender {
    fn new(suite: usize, with: u8) -> Self {
        let (name, key_len, salt_len, tag_len) = SUITES[suite];
        Self { key: key_filled(name, key_len + salt_len, with), key_len, salt_len, tag_len, send_mki: false }
    }

    /// The sender who announced `inline:` with this key.
    pub(crate) fn announced(key_in_base64: &str) -> Self {
        let key = key("AES_CM_128_HMAC_SHA1_80", &base64(key_in_base64));
        Self { key, key_len: 16, salt_len: 14, tag_len: 10, send_mki: false }
    }

    fn session_key(&self, label: u8, len: usize) -> Vec<u8> {
        let (key, salt) = self.key.key_and_salt.split_at(self.key_len);
        let mut out = vec![0; len];
        expand(&Aes::new(key).unwrap(), salt, label, &mut out);
        out
    }

    fn mki(&self) -> Vec<u8> {
        let Some((value, len)) = self.key.mki.filter(|_| self.send_mki) else { return Vec::new() };
        value.to_be_bytes()[8 - usize::from(len)..].to_vec()
    }

    /// `header` is a whole RTP header whose sequence number and SSRC stand in their places.
    pub(crate) fn rtp(&self, header: &[u8], payload: &[u8], roc: u32) -> Vec<u8> {
        let (sequence, ssrc) = (&header[2..4], &header[8..12]);
        let key = self.session_key(0, self.key_len);
        let salt = self.session_key(2, self.salt_len);
        let mut packet = [header, payload].concat();
        if self.salt_len == 12 {
            let mut iv = [&[0, 0], ssrc, &roc.to_be_bytes(), sequence].concat();
            iv.iter_mut().zip(&salt).for_each(|(x, s)| *x ^= s);
            let tag = gcm_seal(&key, &iv, header, &mut packet[header.len()..]);
            packet.extend(tag);
            packet.extend(self.mki());
            return packet;
        }
        let mut iv = [&[0, 0, 0, 0], ssrc, &roc.to_be_bytes(), sequence, &[0, 0]].concat();
        iv.iter_mut().zip(&salt).for_each(|(x, s)| *x ^= s);
        if !self.key.parameters.iter().any(|p| p == "UNENCRYPTED_SRTP") {
            let iv: [u8; 16] = iv.try_into().unwrap();
            Aes::new(&key).unwrap().xor_key_stream(&iv, &mut packet[header.len()..]);
        }
        let mut mac = hmac::Hmac::<sha1::Sha1>::new_from_slice(&self.session_key(1, 20)).unwrap();
        mac.update(&packet);
        mac.update(&roc.to_be_bytes());
        packet.extend(self.mki());
        packet.extend(&mac.finalize().into_bytes()[..self.tag_len]);
        packet
    }

    fn rtcp_cm(&self, plain: &[u8], index: u32) -> Vec<u8> {
        let mut iv = [&[0, 0, 0, 0], &plain[4..8], &[0, 0], &index.to_be_bytes(), &[0, 0]].concat();
        iv.iter_mut().zip(self.session_key(5, 14)).for_each(|(x, s)| *x ^= s);
        let mut packet = plain.to_vec();
        let iv: [u8; 16] = iv.try_into().unwrap();
        Aes::new(&self.session_key(3, self.key_len)).unwrap().xor_key_stream(&iv, &mut packet[8..]);
        packet.extend((index | 1 << 31).to_be_bytes());
        let mut mac = hmac::Hmac::<sha1::Sha1>::new_from_slice(&self.session_key(4, 20)).unwrap();
        mac.update(&packet);
        packet.extend(self.mki());
        packet.extend(&mac.finalize().into_bytes()[..10]);
        packet
    }
}

fn gcm_seal(key: &[u8], iv: &[u8], clear: &[u8], hidden: &mut [u8]) -> Vec<u8> {
    fn seal<G: AeadInOut>(gcm: &G, iv: &[u8], clear: &[u8], hidden: &mut [u8]) -> Vec<u8> {
        gcm.encrypt_inout_detached(&Nonce::<G>::try_from(iv).unwrap(), clear, hidden.into()).unwrap().to_vec()
    }
    if key.len() == 16 {
        seal(&Aes128Gcm::new_from_slice(key).unwrap(), iv, clear, hidden)
    } else {
        seal(&Aes256Gcm::new_from_slice(key).unwrap(), iv, clear, hidden)
    }
}

fn header(sequence: u16, ssrc: u32) -> Vec<u8> {
    let [s0, s1] = sequence.to_be_bytes();
    let mut bytes = vec![0x80, 8, s0, s1, 0, 0, 1, 2];
    bytes.extend(ssrc.to_be_bytes());
    bytes
}

fn opens(receiver: &mut SrtpReceiver, sender: &Sender, sequence: u16, roc: u32) -> Result<(), SrtpError> {
    let plain = header(sequence, 7);
    let packet = sender.rtp(&plain, b"what was said", roc);
    let mut out = vec![1, 2, 3];
    let result = receiver.unprotect(&packet, &mut out);
    match result {
        Ok(_) => assert_eq!(out, [&plain[..], b"what was said"].concat()),
        Err(_) => assert!(out.is_empty(), "a failure leaves nothing behind"),
    }
    result.map(|_| ())
}

#[test]
fn every_suite_opens_from_the_first_packet_and_late() {
    for suite in 0..SUITES.len() {
        let sender = Sender::new(suite, 40);
        let mut receiver = SrtpReceiver::new(std::slice::from_ref(&sender.key)).unwrap();
        assert_eq!(opens(&mut receiver, &sender, 65_535, 0), Ok(()), "{suite}");
        assert_eq!(opens(&mut receiver, &sender, 0, 1), Ok(()), "{suite}: the wrap");
        assert_eq!(opens(&mut receiver, &sender, 65_534, 0), Ok(()), "{suite}: late, from before the wrap");

        let mut late = SrtpReceiver::new(std::slice::from_ref(&sender.key)).unwrap();
        let short = sender.tag_len < 10;
        let first = if short { Err(SrtpError::Unproven) } else { Ok(()) };
        assert_eq!(opens(&mut late, &sender, 9, 700), first, "{suite}");
        assert_eq!(opens(&mut late, &sender, 10, 700), Ok(()), "{suite}");
        assert!(late.is_proven(), "{suite}");
    }
}

#[test]
fn a_join_after_years_is_found_while_packets_come() {
    let sender = Sender::new(0, 1);
    let mut receiver = SrtpReceiver::new(std::slice::from_ref(&sender.key)).unwrap();
    let lost = (0..64).take_while(|n| opens(&mut receiver, &sender, *n, 65_535).is_err()).count();
    assert_eq!(lost, 63, "the sweep takes 64 packets");
    assert_eq!(opens(&mut receiver, &sender, 64, 65_535), Ok(()));
}

#[test]
fn silence_over_several_wraps_is_bridged() {
    let sender = Sender::new(0, 1);
    let mut receiver = SrtpReceiver::new(std::slice::from_ref(&sender.key)).unwrap();
    for (sequence, roc) in [(5, 0), (9, 7), (8, 7), (60_000, 6), (10, 7), (3, 0), (4, 0)] {
        assert_eq!(opens(&mut receiver, &sender, sequence, roc), Ok(()), "{sequence} {roc}");
    }
}

#[test]
fn a_sender_that_restarts_with_the_same_source_is_followed() {
    let sender = Sender::new(0, 1);
    let mut receiver = SrtpReceiver::new(std::slice::from_ref(&sender.key)).unwrap();
    assert_eq!(opens(&mut receiver, &sender, 1, 900), Ok(()));
    assert_eq!(opens(&mut receiver, &sender, 1, 0), Ok(()));
    assert_eq!(opens(&mut receiver, &sender, 2, 0), Ok(()));
}

#[test]
fn a_new_key_in_mid_call_is_taken_up_and_the_old_one_still_opens() {
    let (old, new) = (Sender::new(0, 1), Sender::new(4, 2));
    let mut receiver = SrtpReceiver::new(std::slice::from_ref(&old.key)).unwrap();
    assert_eq!(opens(&mut receiver, &old, 1, 3), Ok(()));
    assert_eq!(opens(&mut receiver, &new, 2, 3), Err(SrtpError::WrongTag));
    receiver.add_key(&new.key).unwrap();
    assert_eq!(opens(&mut receiver, &new, 3, 3), Ok(()));
    assert_eq!(opens(&mut receiver, &old, 2, 3), Ok(()));
    assert_eq!(opens(&mut receiver, &new, 4, 3), Ok(()));
    for _ in 0..20 {
        receiver.add_key(&new.key).unwrap(); // every re-INVITE repeats it
    }
    for with in 10..16 {
        receiver.add_key(&Sender::new(0, with).key).unwrap();
    }
    assert_eq!(receiver.add_key(&Sender::new(0, 99).key), Err(SdesKeyError::TooMany));
}

#[test]
fn an_identifier_is_expected_as_announced_and_missed_gladly() {
    for suite in [0, 1, 6] {
        let mut sender = Sender::new(suite, 1);
        sender.key.mki = Some((1, 4));
        for send_mki in [true, false] {
            sender.send_mki = send_mki;
            let mut receiver = SrtpReceiver::new(std::slice::from_ref(&sender.key)).unwrap();
            assert_eq!(opens(&mut receiver, &sender, 1, 0), Ok(()), "{suite} {send_mki}");
            assert_eq!(opens(&mut receiver, &sender, 2, 0), Ok(()), "{suite} {send_mki}");
        }
    }
}

#[test]
fn unencrypted_means_authenticated_only() {
    let mut sender = Sender::new(0, 1);
    sender.key.parameters.push("UNENCRYPTED_SRTP".to_owned());
    let mut receiver = SrtpReceiver::new(std::slice::from_ref(&sender.key)).unwrap();
    assert_eq!(opens(&mut receiver, &sender, 1, 0), Ok(()));
}

#[test]
fn lines_that_cannot_be_used_say_why() {
    let check = |key: SdesKey, expected: &str| {
        let error = SrtpReceiver::new(&[key]).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(key("F8_128_HMAC_SHA1_80", &[0; 30]), "unknown crypto suite");
    check(key("AES_CM_128_HMAC_SHA1_80", &[0; 29]), "length");
    let mut rated = key("AES_CM_128_HMAC_SHA1_80", &[0; 30]);
    rated.parameters.push("KDR=24".to_owned());
    check(rated, "key derivation rate");
    assert!(SrtpReceiver::new(&[]).is_err(), "no line at all");
}

#[test]
fn control_packets_open_under_any_of_the_keys() {
    let plain = hex(GCM_RTCP);
    let (first, mut second) = (Sender::new(1, 1), Sender::new(5, 2));
    second.key.mki = Some((3, 1));
    second.send_mki = true;
    let mut receiver = SrtpReceiver::new(&[first.key.clone(), second.key.clone()]).unwrap();
    let mut out = Vec::new();
    for (sender, index) in [(&second, 1), (&second, 2), (&first, 0x7fff_ffff)] {
        assert_eq!(receiver.unprotect_rtcp(&sender.rtcp_cm(&plain, index), &mut out), Ok(()));
        assert_eq!(out, plain);
    }
    let mut short = first.rtcp_cm(&plain, 5);
    short.truncate(short.len() - 6); // as FFmpeg sends it
    assert_eq!(receiver.unprotect_rtcp(&short, &mut out), Ok(()));
    assert_eq!(out, plain);
    assert_eq!(receiver.unprotect_rtcp(&plain, &mut out), Err(SrtpError::WrongTag));
    assert_eq!(receiver.unprotect_rtcp(&plain[..8], &mut out), Err(SrtpError::Malformed));
    assert!(out.is_empty(), "a failure leaves nothing behind");
}

#[test]
fn a_flood_of_foreign_sources_does_not_displace_the_call() {
    let sender = Sender::new(0, 1);
    let mut receiver = SrtpReceiver::new(std::slice::from_ref(&sender.key)).unwrap();
    assert_eq!(opens(&mut receiver, &sender, 1, 5), Ok(()));
    let mut out = Vec::new();
    for ssrc in 100..400 {
        assert!(
            receiver.unprotect(&[&header(1, ssrc)[..], &[0; 170]].concat(), &mut out).is_err(),
            "foreign"
        );
    }
    assert!(receiver.streams.len() <= STREAMS_MAX && receiver.credit < SEARCH_STEP, "bounded");
    assert_eq!(opens(&mut receiver, &sender, 2, 5), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_changed_bit_is_always_seen_and_nothing_panics(
        suite in 0..SUITES.len(), payload in prop::collection::vec(any::<u8>(), 0..200), at: usize, bit in 0..8u8,
    ) {
        let sender = Sender::new(suite, 3);
        let plain = header(77, 7);
        let mut packet = sender.rtp(&plain, &payload, 0);
        let mut receiver = SrtpReceiver::new(std::slice::from_ref(&sender.key)).unwrap();
        let mut out = Vec::new();
        prop_assert_eq!(receiver.unprotect(&packet, &mut out), Ok(12));
        prop_assert_eq!(&out, &[plain, payload].concat());
        let at = at % packet.len();
        packet[at] ^= 1 << bit;
        prop_assert!(receiver.unprotect(&packet, &mut out).is_err() && out.is_empty(), "octet {}", at);
    }

    #[test]
    fn no_octets_make_it_panic(suite in 0..SUITES.len(), bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut receiver = SrtpReceiver::new(&[Sender::new(suite, 3).key]).unwrap();
        let mut out = Vec::new();
        let _any = receiver.unprotect(&bytes, &mut out);
        let _any = receiver.unprotect_rtcp(&bytes, &mut out);
    }
}
