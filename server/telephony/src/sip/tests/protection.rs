//! What protects the media, and that no key is ever told.

use super::script::{Script, request, response, sdp, stamp};
use crate::sip::{CallEventKind, MediaPlan, Protection};

const KEY_A: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
const KEY_B: &str = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj";

/// Plays an offer and an answer and returns what was agreed on.
fn agreed(offer: &str, answer: &str) -> MediaPlan {
    let mut s = Script::new();
    let mut plan = None;
    let messages = [
        request("INVITE").body("application/sdp", offer),
        response(200, "INVITE").tag("b").body("application/sdp", answer),
    ];
    for message in messages {
        s.calls.handle_message(
            stamp(0),
            s.tap,
            crate::net::Endpoint::default(),
            crate::net::Endpoint::default(),
            message.text().as_bytes(),
        );
        while let Some(event) = s.calls.poll_event() {
            if let CallEventKind::Media(media) = event.kind {
                plan = Some(*media);
            }
        }
    }
    plan.unwrap()
}

fn savp(address: &str, more: &str) -> String {
    sdp(address, more).replace("RTP/AVP", "RTP/SAVP")
}

fn crypto(tag: u32, key: &str) -> String {
    format!("a=crypto:{tag} AES_CM_128_HMAC_SHA1_80 inline:{key}|2^31")
}

fn tags(protection: &Protection) -> Option<Vec<u32>> {
    match protection {
        Protection::Sdes(keys) => Some(keys.iter().map(|key| key.tag).collect()),
        Protection::None | Protection::Opaque => None,
    }
}

#[test]
fn each_leg_has_the_keys_of_its_sender() {
    let offer = savp("10.0.0.1:4000", &format!("{}\n{}", crypto(1, KEY_B), crypto(2, KEY_A)));
    let plan = agreed(&offer, &savp("10.0.0.2:5000", &crypto(2, KEY_B)));
    assert_eq!(tags(&plan.legs[0].protection), Some(vec![2, 1]), "the caller's, the chosen one first");
    assert_eq!(tags(&plan.legs[1].protection), Some(vec![2]), "the called party's");
    let Protection::Sdes(keys) = &plan.legs[0].protection else { panic!("keys") };
    assert!(keys[0].key_and_salt.starts_with(b"YS___semctl"), "the one of the caller's second line");
}

#[test]
fn before_the_answer_the_keys_of_the_answerer_are_still_to_come() {
    let mut s = Script::new();
    s.calls.handle_message(
        stamp(0),
        s.tap,
        crate::net::Endpoint::default(),
        crate::net::Endpoint::default(),
        request("INVITE")
            .body("application/sdp", &savp("10.0.0.1:4000", &crypto(1, KEY_A)))
            .text()
            .as_bytes(),
    );
    let plans: Vec<_> = std::iter::from_fn(|| s.calls.poll_event()).map(|event| event.kind).collect();
    let CallEventKind::Media(plan) = &plans[1] else { panic!("a picture") };
    assert_eq!(plan.legs[0].protection, Protection::Sdes(Vec::new()));
}

#[test]
fn what_both_meant_protects() {
    let plain = sdp("10.0.0.2:5000", "");
    // Offered for the willing (crypto on RTP/AVP) and not taken up.
    assert_eq!(agreed(&sdp("10.0.0.1:4000", &crypto(1, KEY_A)), &plain).legs[0].protection, Protection::None);
    let both = agreed(&sdp("10.0.0.1:4000", &crypto(1, KEY_A)), &sdp("10.0.0.2:5000", &crypto(1, KEY_B)));
    assert_eq!(tags(&both.legs[0].protection), Some(vec![1]));
    let zrtp = "a=zrtp-hash:1.10 fe30efd02423cb054e50efd0248742ac7a52c8f91bc2df881ae642c371ba46df";
    let plan = agreed(&sdp("10.0.0.1:4000", zrtp), &sdp("10.0.0.2:5000", zrtp));
    assert_eq!(plan.legs[0].protection, Protection::Opaque);
    assert_eq!(agreed(&sdp("10.0.0.1:4000", zrtp), &plain).legs[0].protection, Protection::None);
    let dtls =
        |address: &str| sdp(address, "a=fingerprint:sha-256 AA:BB").replace("RTP/AVP", "UDP/TLS/RTP/SAVPF");
    assert_eq!(agreed(&dtls("10.0.0.1:4000"), &dtls("10.0.0.2:5000")).legs[1].protection, Protection::Opaque);
    let keyless = agreed(&savp("10.0.0.1:4000", ""), &savp("10.0.0.2:5000", ""));
    assert_eq!(keyless.legs[0].protection, Protection::Opaque, "SRTP whose keys we do not see");
}

#[test]
fn rtcp_and_payload_numbers_are_those_of_the_receiver() {
    let offer = sdp("10.0.0.1:4000", "a=rtcp-mux\na=rtpmap:97 opus/48000/2").replace("8 101", "97 8 101");
    let answer =
        sdp("10.0.0.2:5000", "a=rtcp:5100\na=rtpmap:111 opus/48000/2\na=ptime:40").replace("8 101", "111");
    let plan = agreed(&offer, &answer);
    let numbers =
        |leg: usize| plan.legs[leg].formats.iter().map(|format| format.payload_type).collect::<Vec<_>>();
    assert_eq!((numbers(0)[0], numbers(1)[0]), (111, 97), "each by the number its receiver gave");
    assert_eq!((plan.legs[0].rtcp.port, plan.legs[1].rtcp.port), (5100, 4001));
    assert_eq!(plan.legs[0].ptime_ms, Some(40));
    assert_eq!(plan.legs[0].sender_hint.map(|at| at.port), Some(4000));
}

#[test]
fn no_event_shows_a_key_or_a_password() {
    let mut s = Script::new();
    let secret = "Authorization: Digest username=\"u\", response=\"5ecre7\"";
    let text = request("INVITE")
        .with(secret)
        .body("application/sdp", &savp("10.0.0.1:4000", &crypto(1, KEY_A)))
        .text();
    let text = text.replace("sip:alice@", "sip:alice:pa55@");
    s.calls.handle_message(
        stamp(0),
        s.tap,
        crate::net::Endpoint::default(),
        crate::net::Endpoint::default(),
        text.as_bytes(),
    );
    let mut shown = format!("{:?}", s.calls);
    while let Some(event) = s.calls.poll_event() {
        shown += &format!("{event:?}");
    }
    for word in ["5ecre7", "pa55", KEY_A, "semctl", "89, 83, 95"] {
        assert!(!shown.contains(word), "{word} in {shown}");
    }
}
