//! Offers and answers in all the messages that may carry them.

use super::script::{Script, request, response};

const BOTH: &str = "1 media 0>10.0.0.2:5000 1>10.0.0.1:4000";

#[test]
fn a_plain_call_is_told_from_invite_to_bye() {
    let mut s = Script::new();
    s.play("A>B", request("INVITE").sdp("10.0.0.1:4000"), &["1 new alice>bob", "1 media? 1>10.0.0.1:4000"]);
    s.play("B>A", response(100, "INVITE"), &[]);
    s.play("B>A", response(180, "INVITE").tag("b"), &["1 alerting"]);
    s.play("B>A", response(200, "INVITE").tag("b").sdp("10.0.0.2:5000"), &["1 answered", BOTH]);
    s.play("A>B", request("ACK").tag("b"), &[]);
    s.play("B>A", request("BYE").tag("b").back(), &["1 ended bye 0 called answered"]);
    s.play("A>B", response(200, "BYE").tag("b").back(), &[]);
    assert_eq!(s.calls.counters().calls, 1, "one call");
}

#[test]
fn retransmissions_and_a_doubled_mirror_change_nothing() {
    let messages = [
        ("A>B", request("INVITE").sdp("10.0.0.1:4000")),
        ("B>A", response(183, "INVITE").tag("b").sdp("10.0.0.2:5000")),
        ("B>A", response(200, "INVITE").tag("b").sdp("10.0.0.2:5000")),
        ("A>B", request("ACK").tag("b")),
        ("A>B", request("BYE").tag("b").cseq(2)),
    ];
    let mut s = Script::new();
    for (way, message) in messages.clone() {
        assert!(
            !s.send(way, &message).is_empty() || message.text().starts_with("ACK"),
            "the first one is news"
        );
        assert!(s.send(way, &message).is_empty(), "the second one is not");
    }
    for (way, message) in messages {
        assert!(s.send(way, &message).is_empty(), "after the end neither");
    }
}

#[test]
fn early_media_are_told_before_the_answer() {
    let mut s = Script::new();
    s.send("A>B", &request("INVITE").sdp("10.0.0.1:4000"));
    s.play(
        "B>A",
        response(183, "INVITE").tag("b").sdp("10.0.0.9:7000"),
        &["1 media 0>10.0.0.9:7000 1>10.0.0.1:4000"],
    );
    // The 200 answers anew: the ringback came from elsewhere than the voice.
    s.play("B>A", response(200, "INVITE").tag("b").sdp("10.0.0.2:5000"), &["1 answered", BOTH]);
}

#[test]
fn a_late_offer_is_answered_in_the_ack() {
    let mut s = Script::new();
    s.play("A>B", request("INVITE"), &["1 new alice>bob"]);
    s.play(
        "B>A",
        response(200, "INVITE").tag("b").sdp("10.0.0.2:5000"),
        &["1 answered", "1 media? 0>10.0.0.2:5000"],
    );
    s.play("A>B", request("ACK").tag("b").sdp("10.0.0.1:4000"), &[BOTH]);
    s.play("B>A", response(200, "INVITE").tag("b").sdp("10.0.0.2:5000"), &[]);
}

#[test]
fn a_reliable_provisional_offer_is_answered_in_the_prack() {
    let mut s = Script::new();
    s.send("A>B", &request("INVITE"));
    s.play("B>A", response(183, "INVITE").tag("b").sdp("10.0.0.2:5000"), &["1 media? 0>10.0.0.2:5000"]);
    s.play("A>B", request("PRACK").tag("b").cseq(2).sdp("10.0.0.1:4000"), &[BOTH]);
    s.play("B>A", response(200, "PRACK").tag("b").cseq(2), &[]);
    s.play("B>A", response(200, "INVITE").tag("b"), &["1 answered"]);
}

#[test]
fn a_prack_may_offer_anew() {
    let mut s = Script::new();
    s.send("A>B", &request("INVITE").sdp("10.0.0.1:4000"));
    s.send("B>A", &response(183, "INVITE").tag("b").sdp("10.0.0.2:5000"));
    s.send("A>B", &request("PRACK").tag("b").cseq(2).sdp("10.0.0.1:4002"));
    let moved = "1 media 0>10.0.0.2:5002 1>10.0.0.1:4002";
    s.play("B>A", response(200, "PRACK").tag("b").cseq(2).sdp("10.0.0.2:5002"), &[moved]);
    // Many repeat the first answer in the 200: it is old by now.
    s.play("B>A", response(200, "INVITE").tag("b").sdp("10.0.0.2:5000"), &["1 answered"]);
}

#[test]
fn an_update_moves_early_media_from_either_side() {
    let mut s = Script::new();
    s.send("A>B", &request("INVITE").sdp("10.0.0.1:4000"));
    s.send("B>A", &response(183, "INVITE").tag("b").sdp("10.0.0.2:5000"));
    s.send("A>B", &request("UPDATE").tag("b").cseq(2).sdp("10.0.0.1:4002"));
    let told = ["1 media 0>10.0.0.2:5000 1>10.0.0.1:4002"];
    s.play("B>A", response(200, "UPDATE").tag("b").cseq(2).sdp("10.0.0.2:5000"), &told);
    s.send("B>A", &request("UPDATE").tag("b").cseq(70).back().sdp("10.0.0.2:5004"));
    let told = ["1 media 0>10.0.0.2:5004 1>10.0.0.1:4002"];
    s.play("A>B", response(200, "UPDATE").tag("b").cseq(70).back().sdp("10.0.0.1:4002"), &told);
    s.play("B>A", response(200, "INVITE").tag("b"), &["1 answered"]);
}

#[test]
fn a_reinvite_moves_media_and_its_new_address_counts_before_the_answer() {
    let mut s = Script::new();
    s.plain_call();
    let both = ["1 media 0>10.0.0.2:5000 1>10.0.0.1:4000 1>10.0.0.1:4444"];
    s.play("A>B", request("INVITE").tag("b").cseq(2).via("z2").sdp("10.0.0.1:4444"), &both);
    let moved = ["1 media 0>10.0.0.2:5000 1>10.0.0.1:4444"];
    s.play("B>A", response(200, "INVITE").tag("b").cseq(2).via("z2").sdp("10.0.0.2:5000"), &moved);
}

#[test]
fn a_refused_reinvite_leaves_the_old_picture() {
    for status in [488, 491, 500] {
        let mut s = Script::new();
        s.plain_call();
        s.send("A>B", &request("INVITE").tag("b").cseq(2).via("z2").sdp("10.0.0.1:4444"));
        s.play("B>A", response(status, "INVITE").tag("b").cseq(2).via("z2"), &[BOTH]);
        s.play("A>B", request("INVITE").tag("b").cseq(2).via("z2").sdp("10.0.0.1:4444"), &[]);
        s.play("A>B", request("BYE").tag("b").cseq(3), &["1 ended bye 0 caller answered"]);
    }
}

#[test]
fn of_two_reinvites_that_meet_the_one_accepted_counts() {
    let mut s = Script::new();
    s.plain_call();
    s.send("A>B", &request("INVITE").tag("b").cseq(2).via("z2").sdp("10.0.0.1:4444"));
    s.send("B>A", &request("INVITE").tag("b").cseq(9).via("y1").back().sdp("10.0.0.2:5555"));
    s.send("A>B", &response(491, "INVITE").tag("b").cseq(9).via("y1").back());
    let moved = ["1 media 0>10.0.0.2:5000 1>10.0.0.1:4444"];
    s.play("B>A", response(200, "INVITE").tag("b").cseq(2).via("z2").sdp("10.0.0.2:5000"), &moved);
}

#[test]
fn a_reinvite_without_offer_is_answered_in_its_ack() {
    let mut s = Script::new();
    s.plain_call();
    s.play("B>A", request("INVITE").tag("b").cseq(9).via("y1").back(), &[]);
    s.send("A>B", &response(200, "INVITE").tag("b").cseq(9).via("y1").back().sdp("10.0.0.1:4002"));
    let moved = ["1 media 0>10.0.0.2:5002 1>10.0.0.1:4002"];
    s.play("B>A", request("ACK").tag("b").cseq(9).via("y2").back().sdp("10.0.0.2:5002"), &moved);
}

#[test]
fn the_answer_may_overtake_the_invite() {
    let mut s = Script::new();
    let stray = s.send("B>A", &response(200, "INVITE").tag("b").sdp("10.0.0.2:5000"));
    assert_eq!(stray, ["1 new alice>bob missed", "1 answered", "1 media? 0>10.0.0.2:5000"]);
    s.play("A>B", request("INVITE").sdp("10.0.0.1:4000"), &[BOTH]);
}

#[test]
fn a_call_that_turns_to_fax_says_so() {
    let mut s = Script::new();
    s.plain_call();
    let t38 = |address: &str| {
        format!(
            "v=0\r\no=- 1 2 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio 0 RTP/AVP 8\r\nm=image 4900 udptl t38\r\n"
        )
    };
    let kind = "application/sdp";
    s.send("B>A", &request("INVITE").tag("b").cseq(9).via("y1").back().body(kind, &t38("10.0.0.2")));
    let told = ["1 media fax"];
    s.play(
        "A>B",
        response(200, "INVITE").tag("b").cseq(9).via("y1").back().body(kind, &t38("10.0.0.1")),
        &told,
    );
}

#[test]
fn ipv6_and_several_voice_lines_have_legs_of_their_own() {
    let second = |port: u16| format!("m=video 9 RTP/AVP 99\nm=audio {port} RTP/AVP 0");
    let mut s = Script::new();
    let told = ["1 new alice>bob", "1 media? 1>[2001:db8::1]:4000 3>[2001:db8::1]:4002"];
    s.play("A>B", request("INVITE").sdp_with("[2001:db8::1]:4000", &second(4002)), &told);
    let told = [
        "1 answered",
        "1 media 0>[2001:db8::2]:5000 1>[2001:db8::1]:4000 2>[2001:db8::2]:5002 3>[2001:db8::1]:4002",
    ];
    s.play("B>A", response(200, "INVITE").tag("b").sdp_with("[2001:db8::2]:5000", &second(5002)), &told);
    // A line that is refused later has no legs.
    s.send("A>B", &request("INVITE").tag("b").cseq(2).via("z2").sdp_with("[2001:db8::1]:4000", &second(0)));
    let told = ["1 media 0>[2001:db8::2]:5000 1>[2001:db8::1]:4000"];
    s.play(
        "B>A",
        response(200, "INVITE").tag("b").cseq(2).via("z2").sdp_with("[2001:db8::2]:5000", &second(0)),
        &told,
    );
}

#[test]
fn a_host_name_in_sdp_is_taken_to_be_the_sender() {
    let mut s = Script::new();
    let named = "v=0\r\ns=-\r\nc=IN IP4 phone.example.org\r\nm=audio 4000 RTP/AVP 0\r\n";
    s.play(
        "A>B",
        request("INVITE").body("application/sdp", named),
        &["1 new alice>bob", "1 media? 1>10.0.0.1:4000"],
    );
}
