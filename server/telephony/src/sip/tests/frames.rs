//! SIP over a stream: any cutting gives the same messages, and a hole costs only what was in it.

use proptest::prelude::*;

use super::script::{Script, request, response, sdp};
use crate::sip::Framer;
use crate::sip::message::MESSAGE_BYTES_MAX;

fn drain(framer: &mut Framer) -> Vec<String> {
    let mut out = Vec::new();
    while let Some(message) = framer.next_message() {
        out.push(String::from_utf8_lossy(message).into_owned());
    }
    out
}

fn feed(pieces: &[&[u8]]) -> Vec<String> {
    let mut framer = Framer::new();
    let mut out = Vec::new();
    for piece in pieces {
        framer.push(piece);
        out.extend(drain(&mut framer));
    }
    out
}

fn conversation() -> Vec<String> {
    vec![
        request("INVITE").sdp("10.0.0.1:4000").text(),
        response(180, "INVITE").tag("b").text(),
        response(200, "INVITE").tag("b").sdp("10.0.0.2:5000").text(),
        // A body that has a start line in it.
        request("NOTIFY").tag("b").body("message/sipfrag", "SIP/2.0 100 Trying\r\n\r\n").text(),
        request("BYE").tag("b").text(),
    ]
}

#[test]
fn one_segment_may_hold_many_messages_and_pings() {
    let all = format!("\r\n\r\n{}\r\n\r\n", conversation().join("\r\n\r\n"));
    assert_eq!(feed(&[all.as_bytes()]), conversation());
}

#[test]
fn every_octet_may_come_alone() {
    let all = conversation().concat();
    let pieces: Vec<&[u8]> = all.as_bytes().chunks(1).collect();
    assert_eq!(feed(&pieces), conversation());
}

proptest! {
    #[test]
    fn any_cutting_gives_the_same_messages(mut cuts in prop::collection::vec(0usize..2_000, 0..20)) {
        let all = conversation().join("\r\n");
        cuts.retain(|cut| *cut < all.len());
        cuts.extend([0, all.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &all.as_bytes()[pair[0]..pair[1]]).collect();
        prop_assert_eq!(feed(&pieces), conversation());
    }

    #[test]
    fn random_streams_neither_panic_nor_grow(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3_000), 0..30)) {
        let mut framer = Framer::new();
        for piece in &pieces {
            framer.push(piece);
            drain(&mut framer);
            prop_assert!(framer.waiting_bytes() <= MESSAGE_BYTES_MAX);
        }
    }
}

#[test]
fn after_a_hole_the_next_start_line_is_found() {
    let mut framer = Framer::new();
    let (first, second) = (request("INVITE").sdp("10.0.0.1:4000").text(), request("BYE").tag("b").text());
    framer.push(&first.as_bytes()[..100]);
    assert!(drain(&mut framer).is_empty(), "not whole yet");
    framer.hole();
    framer.push(&first.as_bytes()[200..]);
    framer.push(second.as_bytes());
    assert_eq!(drain(&mut framer), std::slice::from_ref(&second));
    // The hole may be followed by the middle of a line, and the next start line may come in two pieces.
    framer.hole();
    framer.push(b"le.org SIP/2.0 rubbish\r\nBY");
    assert!(drain(&mut framer).is_empty() && !framer.in_step(), "lost");
    framer.push(&second.as_bytes()[2..]);
    assert_eq!(drain(&mut framer), [second]);
    assert_eq!((framer.resyncs(), framer.in_step()), (2, true));
}

#[test]
fn a_stream_joined_in_the_middle_is_followed_from_its_next_message() {
    let all = conversation().concat();
    assert_eq!(feed(&[&all.as_bytes()[50..]]), conversation()[1..]);
}

#[test]
fn a_missing_length_is_guessed() {
    let bye = request("BYE").text();
    let without = |text: String| {
        text.lines()
            .filter(|l| !l.starts_with("Content-Length"))
            .map(|l| format!("{l}\r\n"))
            .collect::<String>()
    };
    let invite = without(request("INVITE").sdp("10.0.0.1:4000").text());
    assert_eq!(feed(&[format!("{invite}{bye}").as_bytes()]), [invite, bye.clone()]);
    let ack = without(request("ACK").text());
    assert_eq!(feed(&[format!("{ack}{bye}").as_bytes()]), [ack, bye]);
}

#[test]
fn a_length_that_cannot_be_is_no_trap() {
    let bye = request("BYE").text();
    let wrong = request("INVITE").text().replace("Content-Length: 0", "Content-Length: 99999999");
    assert_eq!(feed(&[format!("{wrong}{bye}").as_bytes()]), [bye]);
}

#[test]
fn rubbish_without_end_is_bounded() {
    let mut framer = Framer::new();
    for _ in 0..100 {
        framer.push(&[b'A'; 10_000]);
        assert!(drain(&mut framer).is_empty(), "nothing in it");
        assert!(framer.waiting_bytes() <= MESSAGE_BYTES_MAX, "bounded");
    }
    // A head that never ends.
    framer.push(b"\nINVITE sip:a@h SIP/2.0\r\n");
    for _ in 0..100 {
        framer.push("X: y\r\n".repeat(1_000).as_bytes());
        drain(&mut framer);
        assert!(framer.waiting_bytes() <= MESSAGE_BYTES_MAX, "bounded");
    }
    let bye = request("BYE").text();
    framer.push(format!("\r\n{bye}").as_bytes());
    assert_eq!(drain(&mut framer), [bye], "and found again");
}

#[test]
fn a_large_body_over_many_segments_is_one_message() {
    let body = sdp("10.0.0.1:4000", &"a=x:y\n".repeat(10_000));
    let text = request("INVITE").body("application/sdp", &body).text();
    let pieces: Vec<&[u8]> = text.as_bytes().chunks(1_460).collect();
    let messages = feed(&pieces);
    assert!(messages == [text], "one message, and the whole of it");
    let mut s = Script::new();
    assert_eq!(s.send_text("A>B", &messages[0]), ["1 new alice>bob", "1 media? 1>10.0.0.1:4000"]);
}
