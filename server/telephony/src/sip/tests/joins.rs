//! Calls whose beginning was missed.

use super::script::{Script, request, response};

#[test]
fn a_reinvite_of_an_unknown_dialog_shows_a_call() {
    let mut s = Script::new();
    let told = ["1 new alice>bob missed", "1 answered", "1 media? 1>10.0.0.1:4000"];
    s.play("A>B", request("INVITE").tag("b").cseq(7).sdp("10.0.0.1:4000"), &told);
    let told = ["1 media 0>10.0.0.2:5000 1>10.0.0.1:4000"];
    s.play("B>A", response(200, "INVITE").tag("b").cseq(7).sdp("10.0.0.2:5000"), &told);
    s.play("B>A", request("BYE").tag("b").back(), &["1 ended bye 0 called answered"]);
}

#[test]
fn an_answer_to_an_unseen_invite_shows_a_call() {
    let mut s = Script::new();
    let told = ["1 new alice>bob missed", "1 media? 0>10.0.0.2:5000"];
    s.play("B>A", response(183, "INVITE").tag("b").sdp("10.0.0.2:5000"), &told);
    s.play("B>A", response(200, "INVITE").tag("b").sdp("10.0.0.2:5000"), &["1 answered"]);
    s.play("A>B", request("BYE").tag("b").cseq(2), &["1 ended bye 0 caller answered"]);
}

#[test]
fn an_ack_with_an_answer_shows_a_call() {
    let mut s = Script::new();
    let told = ["1 new alice>bob missed", "1 answered", "1 media? 1>10.0.0.1:4000"];
    s.play("A>B", request("ACK").tag("b").sdp("10.0.0.1:4000"), &told);
}

#[test]
fn what_tells_nothing_of_media_makes_no_call() {
    let mut s = Script::new();
    s.play("A>B", request("BYE").tag("b").cseq(9), &[]);
    s.play("B>A", response(200, "BYE").tag("b").cseq(9), &[]);
    s.play("A>B", request("ACK").tag("b"), &[]);
    s.play("A>B", request("INVITE").tag("b").cseq(3), &[]);
    s.play("B>A", response(200, "INVITE").tag("b"), &[]);
    s.play("B>A", response(486, "INVITE").tag("b").sdp("10.0.0.2:5000"), &[]);
    s.play("A>B", request("CANCEL"), &[]);
    assert!(s.calls.is_empty(), "nothing to record");
    assert_eq!(s.calls.counters().unmatched, 6, "but counted, but for the answer to BYE");
}

#[test]
fn an_unseen_reinvite_is_known_by_its_answer() {
    let mut s = Script::new();
    s.plain_call();
    let told = ["1 media 0>10.0.0.2:5555 1>10.0.0.1:4000"];
    s.play("B>A", response(200, "INVITE").tag("b").cseq(2).via("z2").sdp("10.0.0.2:5555"), &told);
}
