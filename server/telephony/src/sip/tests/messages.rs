//! What the message parser forgives, and what it refuses.

use crate::sip::header::HeaderName;
use crate::sip::message::{HEADERS_MAX, Method, Start};
use crate::sip::{Message, ParseError, looks_like_sip};

const INVITE: &str = "INVITE sip:bob@h SIP/2.0\r\n";

fn body_of(text: &str) -> String {
    String::from_utf8_lossy(Message::parse(text.as_bytes()).unwrap().body).into_owned()
}

#[test]
fn start_lines_are_told_from_anything_else() {
    for good in [
        "INVITE sip:bob@h SIP/2.0\r\n",
        "INVITE sip:bob@h SIP/2.0",
        "\r\n\r\nBYE sip:bob@h sip/2.0\n",
        "SIP/2.0 200 OK\r\n",
        "SIP/2.0 200\r\n",
        "FOO-bar.1 urn:x SIP/2.0 \r\n",
        "ACK sip:a b@h SIP/2.0\r\n",
    ] {
        assert!(looks_like_sip(good.as_bytes()), "{good:?}");
    }
    for bad in [
        "",
        "\r\n\r\n",
        "INVITE sip:bob@h",
        "INVITE sip:bob@h SIP/7.0\r\n",
        "GET / HTTP/1.1\r\n",
        "SIP/2.0 2000 OK\r\n".get(..10).unwrap(),
        "SIP/2.0 999 OK\r\n",
        "SIP/2.0 abc\r\n",
        " INVITE sip:b SIP/2.0\r\n",
        "IN(VITE sip:b SIP/2.0\r\n",
        "INVITE\r\nx SIP/2.0\r\n",
        "\u{80}\u{0}RTP",
    ] {
        assert!(!looks_like_sip(bad.as_bytes()), "{bad:?}");
    }
    assert!(!looks_like_sip(&[0x80; 200]), "RTP is none");
    assert!(!looks_like_sip(&[b'A'; 60_000]), "an endless word is none");
}

#[test]
fn headers_are_read_compact_folded_and_in_any_case() {
    let text = format!(
        "{INVITE}v: SIP/2.0/UDP a;branch=1,SIP/2.0/UDP b\nVIA:SIP/2.0/UDP c\nSubject:\r\n one\r\n\ttwo \r\nTO : <sip:b@h>\r\nnonsense\r\ni:x\r\n\r\n"
    );
    let message = Message::parse(text.as_bytes()).unwrap();
    let vias: Vec<_> = message.values(HeaderName::Via).collect();
    assert_eq!(vias, ["SIP/2.0/UDP a;branch=1", "SIP/2.0/UDP b", "SIP/2.0/UDP c"]);
    assert_eq!(message.header(HeaderName::To), Some("<sip:b@h>"));
    assert_eq!(message.header(HeaderName::CallId), Some("x"));
    assert_eq!(message.headers()[2].value, "one two");
}

#[test]
fn the_body_ends_where_content_length_can_be_believed() {
    let head = |length: &str| format!("{INVITE}Content-Length: {length}\r\n\r\n");
    for (length, rest, body) in [
        ("4", "v=0\n", "v=0\n"),
        ("4", "v=0\n\r\n\r\n", "v=0\n"),
        ("99", "v=0\n", "v=0\n"),
        ("99999999999999999999999", "v=0\n", "v=0\n"),
        ("-1", "v=0\n", "v=0\n"),
        // A gateway that lengthened the description and not the number.
        ("4", "v=0\ns=-\n", "v=0\ns=-\n"),
        ("0", "v=0\n", "v=0\n"),
        // Two messages in one datagram: the second is not the first one's body (RFC 4475, 3.1.2.?).
        ("0", "INVITE sip:x@h SIP/2.0\r\n\r\n", ""),
        ("4", "v=0\nSIP/2.0 200 OK\r\n\r\n", "v=0\n"),
    ] {
        assert_eq!(body_of(&(head(length) + rest)), body, "{length} {rest:?}");
    }
    assert_eq!(body_of(&format!("{INVITE}l: 2\n\nab")), "ab");
    assert_eq!(body_of(&format!("{INVITE}To: b\r\n")), "", "cut off in its head");
}

#[test]
fn cseq_names_the_transaction() {
    let check = |text: &str, expected| {
        assert_eq!(Message::parse(text.as_bytes()).unwrap().cseq(), expected, "{text}");
    };
    check("SIP/2.0 200 OK\r\nCSeq: 7 INVITE\r\n\r\n", Some((7, Method::Invite)));
    check("SIP/2.0 200 OK\r\nCSeq:  0009   invite \r\n\r\n", Some((9, Method::Invite)));
    check("SIP/2.0 200 OK\r\nCSeq: 7\r\n\r\n", None);
    check("SIP/2.0 200 OK\r\nCSeq: 4294967296 BYE\r\n\r\n", None);
    check("SIP/2.0 200 OK\r\n\r\n", None);
    check("BYE sip:b@h SIP/2.0\r\nCSeq: 7 INVITE\r\n\r\n", Some((7, Method::Bye)));
    check("BYE sip:b@h SIP/2.0\r\n\r\n", Some((0, Method::Bye)));
}

#[test]
fn limits_hold() {
    let crowd = "X: y\r\n".repeat(HEADERS_MAX) + "Subject: late\r\n folded\r\n";
    let text = format!("{INVITE}{crowd}\r\nbody");
    let message = Message::parse(text.as_bytes()).unwrap();
    assert_eq!((message.headers().len(), message.body), (HEADERS_MAX, &b"body"[..]));
    let long = format!("{INVITE}X: {}\r\n\r\n", "y".repeat(70_000));
    assert_eq!(Message::parse(long.as_bytes()), Err(ParseError::TooLong));
    let huge = format!("{INVITE}\r\n{}", "y".repeat(140_000));
    assert_eq!(Message::parse(huge.as_bytes()), Err(ParseError::TooLong));
    assert_eq!(Message::parse(b"hello"), Err(ParseError::NotSip));
}

#[test]
fn stray_octets_spoil_only_their_own_header() {
    let mut bytes = format!("{INVITE}From: <sip:a@h>;tag=1\r\nX: ").into_bytes();
    bytes.extend([0xff, 0xfe, 0x00, 0x80]);
    bytes.extend_from_slice(b"\r\nTo: <sip:b@h>\r\n\r\n");
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.header(HeaderName::To), Some("<sip:b@h>"));
    assert!(
        matches!(&message.start, Start::Request { method: Method::Invite, uri } if uri == "sip:bob@h"),
        "and the start"
    );
}
