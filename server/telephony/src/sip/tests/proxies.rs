//! The same call seen on more than one hop, or on more than one tap.

use shared::TapId;

use super::script::{Script, request, response};

#[test]
fn a_proxied_call_is_one_call() {
    let mut s = Script::new();
    s.send("A>P", &request("INVITE").sdp("10.0.0.1:4000"));
    s.play("P>B", request("INVITE").via("p1 z1").sdp("10.0.0.1:4000"), &[]);
    s.play("B>P", response(180, "INVITE").tag("b").via("p1 z1"), &["1 alerting"]);
    s.play("P>A", response(180, "INVITE").tag("b"), &[]);
    let told = ["1 answered", "1 media 0>10.0.0.2:5000 1>10.0.0.1:4000"];
    s.play("B>P", response(200, "INVITE").tag("b").via("p1 z1").sdp("10.0.0.2:5000"), &told);
    s.play("P>A", response(200, "INVITE").tag("b").sdp("10.0.0.2:5000"), &[]);
    s.play("A>P", request("ACK").tag("b").via("z2"), &[]);
    s.play("P>B", request("ACK").tag("b").via("p2 z2"), &[]);
    s.play("A>P", request("BYE").tag("b").cseq(2), &["1 ended bye 0 caller answered"]);
    s.play("P>B", request("BYE").tag("b").cseq(2).via("p3 z3"), &[]);
}

#[test]
fn descriptions_rewritten_on_the_way_give_every_receiver() {
    let mut s = Script::new();
    s.send("A>P", &request("INVITE").sdp("10.0.0.1:4000"));
    let told = ["1 media? 1>10.0.0.1:4000 1>10.0.0.3:30000"];
    s.play("P>B", request("INVITE").via("p1 z1").sdp("10.0.0.3:30000"), &told);
    s.send("B>P", &response(200, "INVITE").tag("b").via("p1 z1").sdp("10.0.0.2:5000"));
    let told = ["1 media 0>10.0.0.2:5000 0>10.0.0.3:30002 1>10.0.0.1:4000 1>10.0.0.3:30000"];
    s.play("P>A", response(200, "INVITE").tag("b").sdp("10.0.0.3:30002"), &told);
}

#[test]
fn a_refusal_passed_on_ends_the_call_once() {
    let mut s = Script::new();
    s.send("A>P", &request("INVITE").sdp("10.0.0.1:4000"));
    s.send("P>B", &request("INVITE").via("p1 z1").sdp("10.0.0.1:4000"));
    s.play("B>P", response(486, "INVITE").tag("b").via("p1 z1"), &[]);
    s.play("P>A", response(486, "INVITE").tag("b"), &["1 ended busy 486 called"]);
}

#[test]
fn two_ways_seen_only_behind_the_proxy_must_both_fail() {
    let mut s = Script::new();
    s.send("P>B", &request("INVITE").via("p1 z1").sdp("10.0.0.1:4000"));
    s.send("P>C", &request("INVITE").via("p2 z1").sdp("10.0.0.1:4000"));
    s.play("B>P", response(486, "INVITE").tag("b").via("p1 z1"), &[]);
    s.play("C>P", response(603, "INVITE").tag("c").via("p2 z1"), &["1 ended declined 603 called"]);
}

#[test]
fn a_cancel_passes_through_the_proxy() {
    let mut s = Script::new();
    s.send("A>P", &request("INVITE").sdp("10.0.0.1:4000"));
    s.send("P>B", &request("INVITE").via("p1 z1").sdp("10.0.0.1:4000"));
    s.send("B>P", &response(180, "INVITE").tag("b").via("p1 z1"));
    s.send("A>P", &request("CANCEL"));
    s.send("P>B", &request("CANCEL").via("p1"));
    s.play("B>P", response(487, "INVITE").tag("b").via("p1 z1"), &[]);
    s.play("P>A", response(487, "INVITE").tag("b"), &["1 ended cancel 487 caller"]);
}

#[test]
fn two_taps_have_a_call_each_and_the_calls_are_linked() {
    let mut s = Script::new();
    s.send("A>P", &request("INVITE").sdp("10.0.0.1:4000"));
    s.tap = TapId(1);
    let told = ["2 new alice>bob", "2 linked 1 call-id", "2 media? 1>10.0.0.1:4000"];
    s.play("P>B", request("INVITE").via("p1 z1").sdp("10.0.0.1:4000"), &told);
    s.play("B>P", request("BYE").tag("b").back(), &["2 ended bye 0 called"]);
}

#[test]
fn two_legs_of_an_exchange_are_two_calls() {
    let mut s = Script::new();
    s.send("A>P", &request("INVITE").sdp("10.0.0.1:4000"));
    let told = ["2 new alice>bob", "2 media? 1>10.0.0.3:30000"];
    s.play("P>B", request("INVITE").call("other").from("alice", "p").sdp("10.0.0.3:30000"), &told);
    // One that keeps the Call-ID but is a dialog of its own.
    let told = s.send("P>B", &request("INVITE").from("alice", "q").via("q1").sdp("10.0.0.3:30008"));
    assert_eq!(told, ["3 new alice>bob", "3 linked 1 call-id", "3 media? 1>10.0.0.3:30008"]);
}
