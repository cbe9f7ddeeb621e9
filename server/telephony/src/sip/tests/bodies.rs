//! Session descriptions in plain, mixed, nested and mislabelled bodies.

use super::script::{Script, request, response, sdp};
use crate::sip::Message;
use crate::sip::body::session_descriptions;

fn found(kind: &str, body: &str) -> Vec<String> {
    let text = request("INVITE").body(kind, body).text();
    let message = Message::parse(text.as_bytes()).unwrap();
    session_descriptions(&message)
        .into_iter()
        .map(|part| String::from_utf8_lossy(part).trim().to_owned())
        .collect()
}

const MIXED: &str = "preamble\r\n--xyz\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--xyz\r\nContent-Type: text/plain\r\n\r\nhello\r\n--xyz\r\nc: application/SDP;x=y\r\n\r\nv=0 2\r\n--xyz--\r\n";

#[test]
fn descriptions_are_found_wherever_they_stand() {
    let check = |kind: &str, body: &str, expected: &[&str]| assert_eq!(found(kind, body), expected, "{kind}");
    check("application/sdp", "v=0", &["v=0"]);
    check("Application/SDP; charset=utf-8", "v=0", &["v=0"]);
    check("", "v=0", &["v=0"]);
    check("text/plain", "v=0", &[]);
    check("multipart/mixed;boundary=xyz", MIXED, &["v=0", "v=0 2"]);
    check("multipart/mixed; boundary=\"xyz\"", MIXED, &["v=0", "v=0 2"]);
    check("multipart/mixed", &MIXED[10..], &["v=0", "v=0 2"]);
    check("multipart/mixed;boundary=other", MIXED, &[]);
    check("multipart/mixed;boundary=x", "--x\r\n\r\nv=0\r\n--x--", &["v=0"]);
    check("multipart/mixed;boundary=x", "--x\nContent-Type: application/sdp\n\nv=0", &["v=0"]);
    let nested = format!("--o\r\nContent-Type: multipart/alternative; boundary=xyz\r\n\r\n{MIXED}\r\n--o--");
    check("multipart/mixed;boundary=o", &nested, &["v=0", "v=0 2"]);
}

#[test]
fn a_body_without_a_type_is_known_by_its_first_line() {
    let mut s = Script::new();
    let text = request("INVITE").sdp("10.0.0.1:4000").text().replace("Content-Type: application/sdp\r\n", "");
    assert_eq!(s.send_text("A>B", &text), ["1 new alice>bob", "1 media? 1>10.0.0.1:4000"]);
}

#[test]
fn two_descriptions_in_one_message_give_both_receivers() {
    let mut s = Script::new();
    let (one, two) = (sdp("10.0.0.1:4000", ""), sdp("10.0.0.1:4002", ""));
    let body = format!(
        "--b\r\nContent-Type: application/sdp\r\n\r\n{one}\r\n--b\r\nContent-Type: application/sdp\r\n\r\n{two}\r\n--b--\r\n"
    );
    let told = ["1 new alice>bob", "1 media? 1>10.0.0.1:4000 1>10.0.0.1:4002"];
    s.play("A>B", request("INVITE").body("multipart/mixed;boundary=b", &body), &told);
    let told = ["1 answered", "1 media 0>10.0.0.2:5000 1>10.0.0.1:4000 1>10.0.0.1:4002"];
    s.play("B>A", response(200, "INVITE").tag("b").sdp("10.0.0.2:5000"), &told);
}

#[test]
fn an_endless_multipart_ends() {
    let body = "--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n".repeat(1_000);
    assert_eq!(found("multipart/mixed;boundary=x", &body).len(), 4);
    assert!(found("multipart/mixed;boundary=x", &"--x\r\n".repeat(5_000)).is_empty(), "nothing in it");
}
