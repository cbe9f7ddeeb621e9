//! SRTP and SRTCP under a fixed key of each suite: no octets panic, and what fails its tag leaves nothing behind.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telephony::rtp::srtp::SrtpReceiver;
use telephony::sip::SdesKey;

const SUITES: [(&str, usize); 4] = [
    ("AES_CM_128_HMAC_SHA1_80", 30),
    ("AES_256_CM_HMAC_SHA1_32", 46),
    ("AEAD_AES_128_GCM", 28),
    ("AEAD_AES_256_GCM", 44),
];

fuzz_target!(|story: &[u8]| {
    let Some((choice, rest)) = story.split_first() else { return };
    let (suite, len) = SUITES[usize::from(choice & 3)];
    let key = SdesKey {
        tag: 1,
        suite: suite.to_owned(),
        key_and_salt: vec![7; len],
        mki: (choice & 4 != 0).then_some((1, choice >> 4)),
        parameters: if choice & 8 != 0 { vec!["UNENCRYPTED_SRTP".to_owned()] } else { Vec::new() },
    };
    let Ok(mut receiver) = SrtpReceiver::new(&[key]) else { return };
    let mut out = vec![1, 2, 3];
    for packet in rest.chunks(96) {
        if receiver.unprotect(packet, &mut out).is_err() {
            assert!(out.is_empty(), "a failed packet left something behind");
        }
        if receiver.unprotect_rtcp(packet, &mut out).is_err() {
            assert!(out.is_empty(), "a failed packet left something behind");
        }
    }
});
