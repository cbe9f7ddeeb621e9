//! Nothing grows without bound, and nothing is given up without a word.

use super::script::{Script, request, response};
use crate::sip::Limits;

#[test]
fn without_room_the_quietest_unanswered_call_goes_first() {
    let mut s = Script::with_limits(Limits { calls: 2, ..Limits::default() });
    s.plain_call();
    s.send("A>B", &request("INVITE").call("c2").sdp("10.0.0.1:4002"));
    let told = ["2 ended limit 0 nobody", "3 new alice>bob", "3 media? 1>10.0.0.1:4004"];
    s.play("A>B", request("INVITE").call("c3").sdp("10.0.0.1:4004"), &told);
    assert_eq!((s.calls.counters().evicted, s.calls.counters().refused), (1, 0));
    s.play("A>B", request("BYE").tag("b").cseq(2), &["1 ended bye 0 caller answered"]);
}

#[test]
fn calls_that_are_up_are_not_pushed_out() {
    let mut s = Script::with_limits(Limits { calls: 1, ..Limits::default() });
    s.plain_call();
    s.play("A>B", request("INVITE").call("c2").sdp("10.0.0.1:4002"), &[]);
    assert_eq!(s.calls.counters().refused, 1, "told by the counter");
    // After an hour without a word its BYE was probably lost.
    s.wait(3_600_100, &[]);
    let told = s.send("A>B", &request("INVITE").call("c3").sdp("10.0.0.1:4002"));
    assert_eq!(told[..2], ["1 ended limit 0 nobody answered", "2 new alice>bob"]);
}

#[test]
fn branches_have_a_limit() {
    let mut s = Script::with_limits(Limits { branches: 2, ..Limits::default() });
    s.send("A>B", &request("INVITE").sdp("10.0.0.1:4000"));
    for tag in ["b", "c", "d", "e"] {
        s.send("B>A", &response(180, "INVITE").tag(tag));
    }
    assert_eq!((s.calls.counters().calls, s.calls.counters().refused), (2, 2));
}

#[test]
fn a_fork_without_room_does_not_push_out_itself() {
    let mut s = Script::with_limits(Limits { calls: 1, ..Limits::default() });
    s.send("A>B", &request("INVITE").sdp("10.0.0.1:4000"));
    s.send("B>A", &response(180, "INVITE").tag("b"));
    s.play("B>A", response(180, "INVITE").tag("c"), &[]);
    s.play("A>B", request("BYE").tag("b").cseq(2), &["1 ended bye 0 caller"]);
    assert_eq!(s.calls.counters().refused, 1);
}

#[test]
fn a_flood_of_invites_stays_within_the_limit_and_every_call_has_its_end() {
    let mut s = Script::with_limits(Limits { calls: 100, ..Limits::default() });
    for n in 0..1_000 {
        s.send("A>B", &request("INVITE").call(&format!("flood{n}")).sdp("10.0.0.1:4000"));
        assert!(s.calls.len() <= 100, "at {n}");
    }
    s.now_ms += 400_000;
    s.calls.handle_timeout(super::script::stamp(s.now_ms));
    s.told();
    let counters = s.calls.counters();
    assert_eq!((counters.calls, counters.ended, counters.evicted), (1_000, 1_000, 900));
    s.wait(40_000, &[]);
    assert!(s.calls.is_empty(), "all forgotten");
}

/// A description as large as a datagram lets it be.
fn bloated() -> String {
    let text = "x".repeat(3_900);
    (0..15).map(|n| format!("a=fmtp:8 {text}{n}\nm=audio {} RTP/AVP 8\n", 7_000 + n)).collect()
}

#[test]
fn descriptions_made_to_fill_memory_push_each_other_out_and_every_call_has_its_end() {
    const OCTETS: usize = 256 << 10;
    let mut s = Script::with_limits(Limits { octets: OCTETS, ..Limits::default() });
    s.plain_call();
    let small = s.calls.octets();
    let mut largest = 0;
    for n in 0..200 {
        let flood = request("INVITE").call(&format!("flood{n}")).sdp_with("10.0.0.1:4000", &bloated());
        s.send("A>B", &flood);
        assert!(s.calls.octets() <= OCTETS, "{} octets at {n}", s.calls.octets());
        largest = largest.max(s.calls.octets());
    }
    assert!(largest > OCTETS / 2, "they are as large as they are meant to be: {largest}");
    let counters = s.calls.counters();
    assert!(counters.evicted > 100 && counters.evicted < 200, "{counters:?}");
    assert_eq!(counters.ended, counters.evicted, "each that went was told");
    s.play("A>B", request("BYE").tag("b").cseq(2), &["1 ended bye 0 caller answered"]);
    s.now_ms += 400_000;
    s.calls.handle_timeout(super::script::stamp(s.now_ms));
    s.told();
    s.wait(40_000, &[]);
    assert_eq!((s.calls.len(), s.calls.octets()), (0, 0), "what was counted is counted back");
    assert!(small > 500, "a plain call takes something, too: {small}");
}

#[test]
fn where_all_calls_are_up_the_quietest_goes_first() {
    let mut s = Script::with_limits(Limits { octets: 200_000, ..Limits::default() });
    s.plain_call();
    for n in 0..40 {
        let call = format!("up{n}");
        s.now_ms += 10;
        s.send("A>B", &request("INVITE").call(&call).sdp_with("10.0.0.1:4000", &bloated()));
        let ok = response(200, "INVITE").call(&call).tag("b").sdp_with("10.0.0.2:6000", &bloated());
        s.send("B>A", &ok);
        assert!(s.calls.octets() <= 200_000, "{} octets at {n}", s.calls.octets());
    }
    let counters = s.calls.counters();
    assert!(counters.evicted > 20, "{counters:?}");
    s.play("A>B", request("BYE").tag("b").cseq(2), &[]);
    assert_eq!(s.calls.counters().ended, counters.evicted, "the first call was among those that went");
}
