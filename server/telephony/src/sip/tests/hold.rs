//! Hold in its three dialects, in both directions.

use super::script::{Script, request, response};

fn check(offer: &str, answer: &str, expected: &[&str]) {
    let mut s = Script::new();
    s.plain_call();
    s.send("A>B", &request("INVITE").tag("b").cseq(2).via("z2").sdp_with("10.0.0.1:4000", offer));
    let reply = response(200, "INVITE").tag("b").cseq(2).via("z2").sdp_with("10.0.0.2:5000", answer);
    let told = s.send("B>A", &reply);
    assert_eq!(told, expected, "{offer} / {answer}");
    s.send("A>B", &request("INVITE").tag("b").cseq(3).via("z3").sdp("10.0.0.1:4000"));
    let told = s.send("B>A", &response(200, "INVITE").tag("b").cseq(3).via("z3").sdp("10.0.0.2:5000"));
    assert_eq!(told, ["1 media 0>10.0.0.2:5000 1>10.0.0.1:4000", "1 retrieved by=caller"]);
}

#[test]
fn the_caller_holds_and_retrieves() {
    let held = "1 held by=caller";
    check("a=sendonly", "a=recvonly", &["1 media 0>10.0.0.2:5000 1>10.0.0.1:4000!", held]);
    check("a=inactive", "a=inactive", &["1 media 0>10.0.0.2:5000! 1>10.0.0.1:4000! held", held]);
    // One that does not mirror the offer is understood too.
    check("a=sendonly", "a=sendrecv", &["1 media 0>10.0.0.2:5000 1>10.0.0.1:4000!", held]);
}

#[test]
fn the_called_party_holds() {
    let mut s = Script::new();
    s.plain_call();
    s.send(
        "B>A",
        &request("INVITE").tag("b").cseq(8).via("y1").back().sdp_with("10.0.0.2:5000", "a=sendonly"),
    );
    let reply =
        response(200, "INVITE").tag("b").cseq(8).via("y1").back().sdp_with("10.0.0.1:4000", "a=recvonly");
    s.play("A>B", reply, &["1 media 0>10.0.0.2:5000! 1>10.0.0.1:4000", "1 held by=called"]);
}

#[test]
fn an_address_of_zeros_is_hold_and_the_old_address_stays() {
    let mut s = Script::new();
    s.plain_call();
    s.send("A>B", &request("INVITE").tag("b").cseq(2).via("z2").sdp("0.0.0.0:4000"));
    let told = s.send("B>A", &response(200, "INVITE").tag("b").cseq(2).via("z2").sdp("10.0.0.2:5000"));
    assert_eq!(told, ["1 media 0>10.0.0.2:5000 1>10.0.0.1:4000!", "1 held by=caller"]);
}

#[test]
fn a_call_that_begins_one_way_is_not_held() {
    let mut s = Script::new();
    s.send("A>B", &request("INVITE").sdp("10.0.0.1:4000"));
    let told = s.send("B>A", &response(200, "INVITE").tag("b").sdp_with("10.0.0.2:5000", "a=sendonly"));
    assert_eq!(told, ["1 answered", "1 media 0>10.0.0.2:5000! 1>10.0.0.1:4000"]);
}
