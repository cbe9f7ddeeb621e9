//! Whatever comes, nothing panics, nothing grows, and the books balance.

use proptest::prelude::*;

use super::script::{Msg, Script, at, request, response, stamp};
use crate::sip::body::session_descriptions;
use crate::sip::sdp::Session;
use crate::sip::uri::{NameAddr, Uri};
use crate::sip::{CallEventKind, Calls, Limits, Message, looks_like_sip};

/// A conversation with something of everything.
fn conversation() -> Vec<String> {
    let mixed = "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\nc=IN IP4 1.2.3.4\r\nm=audio 4 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4\r\n--b--";
    let invite =
        |msg: Msg| msg.sdp_with("10.0.0.1:4000", "a=candidate:1 1 UDP 1 10.1.1.1 4 typ host\na=sendonly");
    [
        invite(request("INVITE")).with("P-Asserted-Identity: \"X, Y\" <sip:1@h>, <tel:+2>"),
        response(183, "INVITE").tag("b").body("multipart/mixed;boundary=b", mixed),
        response(200, "INVITE").tag("c").sdp("10.0.0.2:5000").with("Session-Expires: 1800"),
        request("ACK").tag("c"),
        request("INVITE").tag("c").cseq(2).via("z2").sdp("0.0.0.0:4000"),
        response(200, "INVITE").tag("c").cseq(2).via("z2").sdp("10.0.0.2:5000"),
        request("INFO").tag("c").cseq(3).body("application/dtmf-relay", "Signal=1\r\nDuration=100"),
        request("REFER").tag("c").cseq(4).with("Refer-To: <sip:d@h?Replaces=c2%3Bto-tag%3D1%3Bfrom-tag%3D2>"),
        request("INVITE").call("c3").to("d").with("Replaces: c1;to-tag=c;from-tag=a").sdp("10.0.0.1:4004"),
        request("BYE").tag("c").cseq(5),
    ]
    .iter()
    .map(Msg::text)
    .collect()
}

/// Everything that reads, reads it; what it gives is of no matter here.
fn read_all(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let message = Message::parse(bytes);
    let descriptions = message.as_ref().map(session_descriptions).unwrap_or_default().len();
    let party = (NameAddr::parse(&text).party(), Uri::parse(&text).host.len());
    std::hint::black_box((looks_like_sip(bytes), Session::parse(bytes).is_some(), descriptions, party));
}

/// The books of a tracker: one `New` first, at most one `Ended` last, none of anything after it.
fn balance(calls: &mut Calls, open: &mut std::collections::BTreeMap<u64, bool>) -> Result<(), TestCaseError> {
    while let Some(event) = calls.poll_event() {
        let ended = open.get(&event.call.0).copied();
        match event.kind {
            CallEventKind::New { .. } => prop_assert_eq!(open.insert(event.call.0, false), None),
            CallEventKind::Ended { .. } => {
                prop_assert_eq!(ended, Some(false), "ended once");
                open.insert(event.call.0, true);
            }
            CallEventKind::Info(_)
            | CallEventKind::Media(_)
            | CallEventKind::Alerting
            | CallEventKind::Answered
            | CallEventKind::Note(_)
            | CallEventKind::Linked { .. } => {
                prop_assert_eq!(ended, Some(false), "nothing before New or after Ended");
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_octets_harm_nobody(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        read_all(&bytes);
    }

    #[test]
    fn a_truncated_or_mutated_message_harms_nobody(
        which in 0usize..10,
        cut in 0usize..900,
        changes in prop::collection::vec((0usize..900, any::<u8>()), 0..12),
    ) {
        let mut bytes = conversation()[which].clone().into_bytes();
        bytes.truncate(cut.max(1));
        for (at, value) in changes {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        read_all(&bytes);
        let (_, body) = bytes.split_at(bytes.len() / 2);
        read_all(body);
    }

    #[test]
    fn a_conversation_in_any_order_with_mutations_balances(
        order in prop::collection::vec((0usize..10, any::<bool>(), 0u64..40_000, prop::collection::vec((0usize..900, 32u8..127), 0..3)), 1..40),
        room in 1usize..5,
    ) {
        let messages = conversation();
        let mut calls = Calls::new(Limits { calls: room, branches: 3, ..Limits::default() });
        let mut open = std::collections::BTreeMap::new();
        let (mut now_ms, a, b) = (0, at("10.0.0.1:5060"), at("10.0.0.2:5060"));
        for (which, forward, wait_ms, changes) in order {
            now_ms += wait_ms;
            calls.handle_timeout(stamp(now_ms));
            balance(&mut calls, &mut open)?;
            let mut bytes = messages[which].clone().into_bytes();
            for (at, value) in changes {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = value;
                }
            }
            let (src, dst) = if forward { (a, b) } else { (b, a) };
            calls.handle_message(stamp(now_ms), shared::TapId(0), src, dst, &bytes);
            balance(&mut calls, &mut open)?;
            prop_assert!(calls.len() <= room);
        }
        let counters = calls.counters();
        prop_assert_eq!(usize::try_from(counters.calls).unwrap(), open.len());
        prop_assert_eq!(usize::try_from(counters.ended).unwrap(), open.values().filter(|ended| **ended).count());
    }

    #[test]
    fn what_is_written_is_read_again(
        user in "[a-z0-9]{1,12}", call in "[A-Za-z0-9@.-]{1,30}", tag in "[a-z0-9]{0,10}", cseq in any::<u32>(),
        a in any::<u8>(), port in 1u16.., payload_type in 96u8..128, name in "[A-Za-z0-9]{1,10}", clock in 1u32..200_000,
    ) {
        let sdp = format!("a=rtpmap:{payload_type} {name}/{clock}");
        let msg = request("INVITE").from(&user, &tag).call(&call).cseq(cseq).sdp_with(&format!("10.1.2.{a}:{port}"), &sdp);
        let text = msg.text();
        let message = Message::parse(text.as_bytes()).unwrap();
        let from = message.header(crate::sip::header::HeaderName::From).unwrap();
        let from = NameAddr::parse(from);
        prop_assert_eq!((from.party().number, from.tag()), (user, tag.as_str()));
        prop_assert_eq!(message.header(crate::sip::header::HeaderName::CallId), Some(call.as_str()));
        prop_assert_eq!(message.cseq().unwrap().0, cseq);
        let session = Session::parse(session_descriptions(&message)[0]).unwrap();
        let audio = session.audio().unwrap();
        prop_assert_eq!((audio.addr.unwrap(), audio.port), (at(&format!("10.1.2.{a}:1")).addr, port));
        let format = audio.formats.iter().find(|format| format.payload_type == payload_type).unwrap();
        let expected = if payload_type == 101 { None } else { Some((name.as_str(), clock)) };
        if let Some(expected) = expected {
            prop_assert_eq!((format.name.as_str(), format.clock_hz), expected);
        }
    }
}

#[test]
fn every_truncation_of_a_conversation_is_survived() {
    let mut s = Script::new();
    for text in conversation() {
        for end in 0..text.len() {
            s.calls.handle_message(
                stamp(0),
                s.tap,
                at("10.0.0.1:5060"),
                at("10.0.0.2:5060"),
                &text.as_bytes()[..end],
            );
            while s.calls.poll_event().is_some() {}
        }
    }
}
