//! How calls end, and how they do not.

use super::script::{Msg, Script, request, response};

fn ringing() -> Script {
    let mut s = Script::new();
    s.send("A>B", &request("INVITE").sdp("10.0.0.1:4000"));
    s.send("B>A", &response(180, "INVITE").tag("b"));
    s
}

#[test]
fn each_refusal_has_its_word() {
    for (status, expected) in [
        (486, "1 ended busy 486 called"),
        (600, "1 ended busy 600 called"),
        (603, "1 ended declined 603 called"),
        (404, "1 ended failed 404 nobody"),
        (480, "1 ended failed 480 nobody"),
        (487, "1 ended cancel 487 caller"),
        (500, "1 ended failed 500 nobody"),
    ] {
        let mut s = ringing();
        s.play("B>A", response(status, "INVITE").tag("b"), &[expected]);
        s.play("A>B", request("ACK").tag("b"), &[]);
        s.play("B>A", response(status, "INVITE").tag("b"), &[]);
    }
}

#[test]
fn a_cancelled_call_ends_with_its_487() {
    let mut s = ringing();
    s.play("A>B", request("CANCEL"), &[]);
    s.play("B>A", response(200, "CANCEL").tag("b"), &[]);
    s.play("B>A", response(487, "INVITE").tag("b"), &["1 ended cancel 487 caller"]);
}

#[test]
fn a_cancelled_call_whose_487_is_never_seen_ends_all_the_same() {
    let mut s = ringing();
    s.send("A>B", &request("CANCEL"));
    s.wait(31_900, &[]);
    s.wait(200, &["1 ended cancel 0 caller"]);
}

#[test]
fn a_200_that_crosses_the_cancel_is_a_call() {
    let mut s = ringing();
    s.send("A>B", &request("CANCEL"));
    let told = ["1 answered", "1 media 0>10.0.0.2:5000 1>10.0.0.1:4000"];
    s.play("B>A", response(200, "INVITE").tag("b").sdp("10.0.0.2:5000"), &told);
    s.wait(60_000, &[]);
    s.play("A>B", request("BYE").tag("b").cseq(2), &["1 ended bye 0 caller answered"]);
}

#[test]
fn credentials_asked_for_are_no_end() {
    for status in [401, 407] {
        let mut s = Script::new();
        s.send("A>P", &request("INVITE").sdp("10.0.0.1:4000"));
        s.play("P>A", response(status, "INVITE").tag("x"), &[]);
        s.play("A>P", request("ACK").tag("x"), &[]);
        s.play("A>P", request("INVITE").cseq(2).via("z2").sdp("10.0.0.1:4000"), &[]);
        let told = ["1 answered", "1 media 0>10.0.0.2:5000 1>10.0.0.1:4000"];
        s.play("P>A", response(200, "INVITE").cseq(2).via("z2").tag("b").sdp("10.0.0.2:5000"), &told);
        assert_eq!(s.calls.counters().calls, 1, "one call");
    }
}

#[test]
fn credentials_never_given_are_an_end() {
    let mut s = Script::new();
    s.send("A>P", &request("INVITE").sdp("10.0.0.1:4000"));
    s.send("P>A", &response(407, "INVITE").tag("x"));
    s.wait(3_900, &[]);
    s.wait(200, &["1 ended failed 407 nobody"]);
}

#[test]
fn a_redirected_call_that_is_tried_elsewhere_is_the_same_call() {
    let mut s = Script::new();
    s.send("A>P", &request("INVITE").sdp("10.0.0.1:4000"));
    s.send("P>A", &response(302, "INVITE").tag("x"));
    s.play("A>C", request("INVITE").cseq(2).via("z2").sdp("10.0.0.1:4000"), &[]);
    s.play("C>A", response(603, "INVITE").cseq(2).via("z2").tag("c"), &["1 ended declined 603 called"]);
    let mut s = Script::new();
    s.send("A>P", &request("INVITE").sdp("10.0.0.1:4000"));
    s.send("P>A", &response(302, "INVITE").tag("x"));
    s.wait(5_000, &["1 ended redirected 302 called"]);
}

#[test]
fn an_ended_dialog_is_remembered_for_32_s_and_no_longer() {
    let mut s = Script::new();
    s.plain_call();
    s.send("A>B", &request("BYE").tag("b").cseq(2));
    s.wait(31_900, &[]);
    assert_eq!(s.calls.len(), 1, "still known");
    s.wait(200, &[]);
    assert!(s.calls.is_empty(), "forgotten");
    s.play("A>B", request("BYE").tag("b").cseq(2), &[]);
    assert_eq!(s.calls.counters().unmatched, 1, "a lone BYE makes no call");
}

#[test]
fn the_same_call_id_dialled_again_is_a_new_call_that_is_linked() {
    let mut s = Script::new();
    s.plain_call();
    s.send("A>B", &request("BYE").tag("b").cseq(2));
    let told = s.send("A>B", &request("INVITE").cseq(3).via("z3").sdp("10.0.0.1:4000"));
    assert_eq!(told[..2], ["2 new alice>bob", "2 linked 1 call-id"], "a call of its own");
}

#[test]
fn the_session_timer_ends_only_what_missed_two_intervals() {
    let mut s = Script::new();
    s.send("A>B", &request("INVITE").sdp("10.0.0.1:4000"));
    s.send(
        "B>A",
        &response(200, "INVITE").tag("b").with("Session-Expires: 90;refresher=uac").sdp("10.0.0.2:5000"),
    );
    s.wait(150_000, &[]);
    s.send("A>B", &request("UPDATE").tag("b").cseq(2));
    s.wait(211_900, &[]);
    s.wait(200, &["1 ended session-timer 0 nobody answered"]);
}

#[test]
fn a_held_call_without_a_session_timer_stays_for_days() {
    let mut s = Script::new();
    s.plain_call();
    assert!(s.calls.poll_timeout().is_none(), "nothing to wait for");
    s.wait(3 * 86_400_000, &[]);
    s.play("B>A", request("BYE").tag("b").back(), &["1 ended bye 0 called answered"]);
}

#[test]
fn an_invite_that_nobody_answers_ends() {
    let mut s = Script::new();
    s.send("A>B", &request("INVITE").sdp("10.0.0.1:4000"));
    let (due, reason) = s.calls.poll_timeout().unwrap();
    assert_eq!((due.micros_since(&super::script::stamp(10)), reason), (300_000_000, "no-answer"));
    s.wait(300_100, &["1 ended no-answer 0 nobody"]);
}

#[test]
fn a_bye_binds_to_the_call_whose_answer_was_not_seen() {
    let mut s = Script::new();
    s.send("A>B", &request("INVITE").sdp("10.0.0.1:4000"));
    s.play("A>B", request("BYE").tag("b").cseq(2), &["1 ended bye 0 caller"]);
}

#[test]
fn sets_without_tags_are_followed() {
    let old = |m: Msg| m.from("alice", "");
    let mut s = Script::new();
    s.send("A>B", &old(request("INVITE")).sdp("10.0.0.1:4000"));
    let told = ["1 answered", "1 media 0>10.0.0.2:5000 1>10.0.0.1:4000"];
    s.play("B>A", old(response(200, "INVITE")).sdp("10.0.0.2:5000"), &told);
    s.play("A>B", old(request("BYE")).cseq(2), &["1 ended bye 0 caller answered"]);
}

#[test]
fn what_the_engine_gave_up_says_nothing_more() {
    let mut s = Script::new();
    s.plain_call();
    s.calls.forget(super::script::stamp(1_000), crate::sip::CallKey(1));
    s.play("A>B", request("BYE").tag("b").cseq(2), &[]);
    s.wait(60_000, &[]);
    assert!(s.calls.is_empty(), "and is forgotten in its time");
}

#[test]
fn methods_outside_calls_make_none() {
    let mut s = Script::new();
    for method in ["OPTIONS", "REGISTER", "SUBSCRIBE", "MESSAGE", "NOTIFY", "PUBLISH", "FOO"] {
        s.play("A>B", request(method).sdp("10.0.0.1:4000"), &[]);
        s.play("B>A", response(200, method).tag("b").sdp("10.0.0.2:5000"), &[]);
    }
    assert_eq!(s.calls.counters().parse_errors, 0, "all were understood");
}
