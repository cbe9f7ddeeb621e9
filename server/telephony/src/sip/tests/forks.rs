//! One INVITE, several sets that ring.

use super::script::{Script, request, response};

fn forked() -> Script {
    let mut s = Script::new();
    s.send("A>P", &request("INVITE").sdp("10.0.0.1:4000"));
    s.play("P>A", response(180, "INVITE").tag("b"), &["1 alerting"]);
    let told = ["2 new alice>bob", "2 linked 1 fork", "2 media 0>10.0.0.5:6000 1>10.0.0.1:4000"];
    s.play("P>A", response(183, "INVITE").tag("c").sdp("10.0.0.5:6000"), &told);
    s
}

#[test]
fn each_branch_has_its_own_early_media_and_the_one_answered_is_the_call() {
    let mut s = forked();
    let told = ["1 answered", "1 media 0>10.0.0.2:5000 1>10.0.0.1:4000", "2 ended forked-elsewhere 0 nobody"];
    s.play("P>A", response(200, "INVITE").tag("b").sdp("10.0.0.2:5000"), &told);
    s.play("A>P", request("BYE").tag("b").cseq(2), &["1 ended bye 0 caller answered"]);
}

#[test]
fn a_branch_that_never_rang_may_answer() {
    let mut s = forked();
    let told = s.send("P>A", &response(200, "INVITE").tag("d").sdp("10.0.0.7:7000"));
    let expected = [
        "3 new alice>bob",
        "3 linked 1 fork",
        "3 answered",
        "3 media 0>10.0.0.7:7000 1>10.0.0.1:4000",
        "1 ended forked-elsewhere 0 nobody",
        "2 ended forked-elsewhere 0 nobody",
    ];
    assert_eq!(told, expected);
}

#[test]
fn two_branches_that_answer_are_two_calls_until_one_is_hung_up() {
    let mut s = forked();
    s.send("P>A", &response(200, "INVITE").tag("b").sdp("10.0.0.2:5000"));
    let told = s.send("P>A", &response(200, "INVITE").tag("c").sdp("10.0.0.5:6000"));
    assert_eq!(told[..3], ["3 new alice>bob", "3 linked 1 fork", "3 answered"], "the caller hears both");
    s.play("A>P", request("BYE").tag("c").cseq(2), &["3 ended bye 0 caller answered"]);
    s.play("A>P", request("BYE").tag("b").cseq(2), &["1 ended bye 0 caller answered"]);
}

#[test]
fn a_branch_that_lost_and_is_answered_all_the_same_keeps_its_early_media() {
    let mut s = forked();
    s.send("P>A", &response(200, "INVITE").tag("b").sdp("10.0.0.2:5000"));
    let told =
        ["3 new alice>bob", "3 linked 1 fork", "3 answered", "3 media 0>10.0.0.5:6000 1>10.0.0.1:4000"];
    s.play("P>A", response(200, "INVITE").tag("c"), &told);
}

#[test]
fn a_fork_seen_behind_the_proxy_is_one_call_while_any_way_is_left() {
    let mut s = Script::new();
    s.send("A>P", &request("INVITE").sdp("10.0.0.1:4000"));
    s.play("P>B", request("INVITE").via("p1 z1").sdp("10.0.0.1:4000"), &[]);
    s.play("P>C", request("INVITE").via("p2 z1").sdp("10.0.0.1:4000"), &[]);
    s.play("B>P", response(180, "INVITE").tag("b").via("p1 z1"), &["1 alerting"]);
    s.send("C>P", &response(180, "INVITE").tag("c").via("p2 z1"));
    s.play("B>P", response(486, "INVITE").tag("b").via("p1 z1"), &["1 ended busy 486 called"]);
    s.play(
        "C>P",
        response(200, "INVITE").tag("c").via("p2 z1").sdp("10.0.0.5:6000"),
        &["2 answered", "2 media 0>10.0.0.5:6000 1>10.0.0.1:4000"],
    );
    s.play("P>A", response(200, "INVITE").tag("c").sdp("10.0.0.5:6000"), &[]);
}

#[test]
fn one_set_after_the_other_is_one_call() {
    let mut s = Script::new();
    s.send("A>P", &request("INVITE").sdp("10.0.0.1:4000"));
    s.send("P>B", &request("INVITE").via("p1 z1").sdp("10.0.0.1:4000"));
    s.send("B>P", &response(180, "INVITE").tag("b").via("p1 z1"));
    s.play("B>P", response(486, "INVITE").tag("b").via("p1 z1"), &[]);
    s.play("P>C", request("INVITE").via("p2 z1").sdp("10.0.0.1:4000"), &[]);
    s.play(
        "C>P",
        response(200, "INVITE").tag("c").via("p2 z1").sdp("10.0.0.5:6000"),
        &["1 answered", "1 media 0>10.0.0.5:6000 1>10.0.0.1:4000"],
    );
}

#[test]
fn the_proxy_that_cancels_the_losers_does_not_end_the_call() {
    let mut s = Script::new();
    s.send("A>P", &request("INVITE").sdp("10.0.0.1:4000"));
    s.send("P>B", &request("INVITE").via("p1 z1").sdp("10.0.0.1:4000"));
    s.send("P>C", &request("INVITE").via("p2 z1").sdp("10.0.0.1:4000"));
    s.send("B>P", &response(180, "INVITE").tag("b").via("p1 z1"));
    s.send("C>P", &response(180, "INVITE").tag("c").via("p2 z1"));
    s.send("C>P", &response(200, "INVITE").tag("c").via("p2 z1").sdp("10.0.0.5:6000"));
    s.play("P>B", request("CANCEL").via("p1"), &[]);
    s.play("B>P", response(487, "INVITE").tag("b").via("p1 z1"), &[]);
    s.play("A>P", request("BYE").tag("c").cseq(2), &["2 ended bye 0 caller answered"]);
}
