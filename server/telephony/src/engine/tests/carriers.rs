//! What carries signalling: TCP, in pieces as they come.

use shared::LedgerEnd;

use super::Bench;
use super::bench::{CALLED, CALLER};
use super::calls::speech;

#[test]
fn a_call_signalled_over_tcp_in_pieces_is_recorded_whole() {
    let mut bench = Bench::new();
    let (caller, called) = ((1, 40_000), (2, 5_060));
    let say = |bench: &mut Bench, from_caller: bool, text: &str, piece: usize| {
        let (from, to) = if from_caller { (caller, called) } else { (called, caller) };
        for piece in text.as_bytes().chunks(piece) {
            bench.tcp(from, to, piece);
        }
    };
    let invite = "INVITE sip:0115550100@10.0.0.2 SIP/2.0";
    say(&mut bench, true, &Bench::message(invite, "one", "1 INVITE", "", &Bench::sdp(CALLER, "")), 100);
    say(
        &mut bench,
        false,
        &Bench::message("SIP/2.0 200 OK", "one", "1 INVITE", "", &Bench::sdp(CALLED, "")),
        37,
    );
    bench.talk(0..150);
    // The end of one message and the beginning of the next in one segment.
    let bye = Bench::message("BYE sip:0115550100@10.0.0.2 SIP/2.0", "one", "2 BYE", "", "");
    let ack = Bench::message("ACK sip:0115550100@10.0.0.2 SIP/2.0", "one", "1 ACK", "", "");
    say(&mut bench, true, &[ack, bye].concat(), 10_000);
    bench.pass_ms(1_000);
    assert_eq!(bench.engine.counters().sip, 4);
    let call = bench.finish().remove(0);
    assert_eq!((call.end(), call.close.as_ref().unwrap().reason), (LedgerEnd::Recorded, "bye"));
    for leg in [0, 1] {
        assert!(call.only(leg).bytes == speech(0..150), "the octets that were sent");
    }
}
