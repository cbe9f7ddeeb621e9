//! Transfer: blind, attended, by takeover; and who else turns up in a call. Digits in INFO.

use super::script::{Script, request, response};

#[test]
fn a_blind_transfer_is_noted_and_the_new_call_linked() {
    let mut s = Script::new();
    s.plain_call();
    let refer = request("REFER").tag("b").cseq(5).via("y1").back().with("Refer-To: <sip:carol@example.org>");
    s.play(
        "B>A",
        refer.clone(),
        &["1 transferred by=called kind=blind to=carol", "1 info alice [carol] ids c1"],
    );
    s.play("B>A", refer, &[]);
    let invite = request("INVITE").call("c2").from("alice", "a2").to("carol").sdp("10.0.0.1:4000");
    let told = ["2 new alice>carol", "2 media? 1>10.0.0.1:4000", "2 linked 1 refer"];
    s.play("A>C", invite, &told);
}

#[test]
fn an_attended_transfer_links_the_chain() {
    let mut s = Script::new();
    s.plain_call();
    // Bob calls Carol on a second line ...
    s.send("B>C", &request("INVITE").call("c2").from("bob", "b2").to("carol").sdp("10.0.0.2:5002"));
    s.send(
        "C>B",
        &response(200, "INVITE").call("c2").from("bob", "b2").to("carol").tag("c").sdp("10.0.0.5:6000"),
    );
    // ... and tells Alice to take that call over.
    let refer_to = "Refer-To: <sip:carol@example.org?Replaces=c2%3Bto-tag%3Dc%3Bfrom-tag%3Db2>";
    let told = s.send("B>A", &request("REFER").tag("b").cseq(5).via("y1").back().with(refer_to));
    assert_eq!(told[..2], ["1 transferred by=called kind=attended to=carol", "1 linked 2 refer"]);
    let invite = request("INVITE").call("c3").from("alice", "a3").to("carol");
    let told = s.send("A>C", &invite.with("Replaces: c2;to-tag=c;from-tag=b2").sdp("10.0.0.1:4002"));
    let expected = [
        "3 new alice>carol",
        "3 media? 1>10.0.0.1:4002",
        "3 info alice [] ids c3,c2",
        "3 linked 2 replaces",
        "3 linked 1 refer",
    ];
    assert_eq!(told, expected);
    s.send(
        "C>A",
        &response(200, "INVITE").call("c3").from("alice", "a3").to("carol").tag("c3").sdp("10.0.0.5:6002"),
    );
    let bye = request("BYE").call("c2").from("bob", "b2").to("carol").tag("c").cseq(4).back();
    s.play("C>B", bye, &["2 ended replaced 0 called answered"]);
    s.play("B>A", request("BYE").tag("b").cseq(6).back(), &["1 ended bye 0 called answered"]);
}

#[test]
fn a_party_that_the_exchange_announces_is_added() {
    let mut s = Script::new();
    s.plain_call();
    let update = request("UPDATE").tag("b").cseq(5).via("y1").back();
    let told = s.send("B>A", &update.with("P-Asserted-Identity: \"Carol\" <sip:3117@example.org>"));
    assert_eq!(told, ["1 info alice [3117] ids c1"]);
    let update = request("UPDATE").tag("b").cseq(6).via("y2").back();
    assert!(
        s.send("B>A", &update.with("Remote-Party-ID: <sip:3117@example.org>")).is_empty(),
        "known by now"
    );
}

#[test]
fn who_diverted_the_call_is_among_the_others() {
    let mut s = Script::new();
    let invite = request("INVITE").with("Diversion: <sip:3118@h>;reason=unconditional, <sip:3119@h>");
    s.send("A>B", &invite.with("History-Info: <sip:3118@h>;index=1,<sip:3120@h>;index=1.1"));
    let info = s.calls.info(crate::sip::CallKey(1)).unwrap();
    let others: Vec<_> = info.others.iter().map(|party| party.number.as_str()).collect();
    assert_eq!(others, ["3118", "3119", "3120"]);
}

#[test]
fn an_anonymous_caller_is_known_by_the_asserted_identity() {
    let check = |from: &str, header: &str, number: &str, display: &str| {
        let text = request("INVITE")
            .with(header)
            .text()
            .replace("From: <sip:alice@example.org>", &format!("From: {from}"));
        let mut s = Script::new();
        s.send_text("A>B", &text);
        let caller = s.calls.info(crate::sip::CallKey(1)).unwrap().caller.clone();
        assert_eq!((caller.number.as_str(), caller.display.as_str()), (number, display), "{from} {header}");
    };
    let anonymous = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";
    check(anonymous, "P-Asserted-Identity: \"Al\" <sip:+27115550100@gw>", "+27115550100", "Al");
    check(anonymous, "P-Asserted-Identity: \"Al\" <sip:al@gw>, <tel:+2711-555-0100>", "+27115550100", "Al");
    check(anonymous, "Remote-Party-ID: <sip:3115@gw>;party=calling;privacy=full", "3115", "");
    check(anonymous, "X-Nothing: 1", "anonymous", "Anonymous");
    check("<sip:3116@h>", "P-Asserted-Identity: \"Al\" <sip:3115@gw>", "3116", "Al");
}

#[test]
fn digits_in_info_are_noted_once() {
    let mut s = Script::new();
    s.plain_call();
    let relay =
        |cseq, body| request("INFO").tag("b").cseq(cseq).via("i1").body("application/dtmf-relay", body);
    s.play(
        "A>B",
        relay(2, "Signal=5\r\nDuration=160\r\n"),
        &["1 digit by=caller digit=5 ms=Int(160) way=sip-info"],
    );
    s.play("A>B", relay(2, "Signal=5\r\nDuration=160\r\n"), &[]);
    s.play("A>B", relay(3, "signal = #\n"), &["1 digit by=caller digit=# way=sip-info"]);
    s.play("A>B", relay(4, "Signal=10"), &["1 digit by=caller digit=* way=sip-info"]);
    s.play("A>B", relay(5, "Signal=flash"), &[]);
    let plain = request("INFO").tag("b").cseq(40).via("i2").back().body("application/dtmf", "9");
    s.play("B>A", plain, &["1 digit by=called digit=9 way=sip-info"]);
    s.play("A>B", request("INFO").tag("b").cseq(6).body("application/media_control+xml", "<x/>"), &[]);
}
