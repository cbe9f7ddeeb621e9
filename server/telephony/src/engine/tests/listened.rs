//! Segments that somebody listens to: flushed sooner, the same in everything else.

use shared::{GapCause, LedgerEnd};

use super::bench::{At, CALLED, CALLER, Rtp};
use super::calls::speech;
use super::{Bench, bench::Seen};
use crate::cmd::SegId;

const OTHER_CALLER: At = (3, 4_000);
const OTHER_CALLED: At = (4, 6_000);
const SECOND_NS: u64 = 1_000_000_000;

/// Two calls side by side, ten seconds each, a packet of each lost at second five; `each` is told every packet's number.
fn two_calls(mut each: impl FnMut(&mut Bench, u32)) -> Vec<Seen> {
    let mut bench = Bench::new();
    bench.call("one");
    let sdp = Bench::sdp(OTHER_CALLER, "");
    bench.sip(true, "INVITE sip:0115550100@10.0.0.2 SIP/2.0", "two", "1 INVITE", &sdp);
    bench.sip(false, "SIP/2.0 200 OK", "two", "1 INVITE", &Bench::sdp(OTHER_CALLED, ""));
    for n in 0..500 {
        each(&mut bench, n);
        let pairs =
            [(CALLER, CALLED), (CALLED, CALLER), (OTHER_CALLER, OTHER_CALLED), (OTHER_CALLED, OTHER_CALLER)];
        for (from, to) in pairs.into_iter().filter(|(from, _)| n != 250 || *from == CALLED) {
            bench.rtp(from, to, &Rtp::g711(n));
        }
        bench.pass_ms(20);
    }
    bench.bye("one");
    bench.bye("two");
    bench.pass_ms(1_000);
    bench.finish()
}

#[test]
fn a_call_that_is_listened_to_is_flushed_ten_times_a_second_and_no_other() {
    let plain = two_calls(|_, _| {});
    // From second two to second six, asked for anew once a second, three seconds each.
    let heard = two_calls(|bench, n| {
        if n.is_multiple_of(50) && (100..200).contains(&n) {
            let now = bench.now();
            assert!(bench.engine.listen(now, SegId(1), 3 * SECOND_NS));
        }
    });
    assert_eq!((plain[0].appends, plain[1].appends), (11, 11));
    assert_eq!(heard[1].appends, 11, "nobody listens to the other");
    assert!((40..=60).contains(&heard[0].appends), "four seconds by tenths: {}", heard[0].appends);
    for (plain, heard) in plain.iter().zip(&heard) {
        assert_eq!(heard.end(), LedgerEnd::Recorded);
        for leg in [0, 1] {
            let (a, b) = (plain.only(leg), heard.only(leg));
            assert!(a.bytes == b.bytes, "the same octets");
            assert_eq!((a.base, a.end, a.samples()), (b.base, b.end, b.samples()));
            assert_eq!(a.gaps(GapCause::LostInNetwork), b.gaps(GapCause::LostInNetwork));
        }
    }
    assert!(heard[0].only(1).bytes == speech(0..500));
}

#[test]
fn listening_ends_by_itself_however_long_was_asked_for() {
    let mut bench = Bench::new();
    bench.call("one");
    bench.talk(0..50);
    let now = bench.now();
    assert!(bench.engine.listen(now, SegId(1), u64::MAX));
    bench.talk(50..6_550);
    let seen = bench.finish();
    assert!(
        (660..=700).contains(&seen[0].appends),
        "a minute by tenths, the rest by seconds: {}",
        seen[0].appends
    );
}

#[test]
fn what_is_not_there_is_refused_and_so_is_the_sixty_fifth() {
    let mut bench = Bench::new();
    let now = bench.now();
    assert!(!bench.engine.listen(now, SegId(1), SECOND_NS), "nobody has called yet");
    for n in 0..65_u32 {
        bench.invite(&format!("call {n}"));
    }
    let now = bench.now();
    let taken = (1..=65).filter(|n| bench.engine.listen(now, SegId(*n), SECOND_NS)).count();
    assert_eq!(taken, 64);
    assert!(bench.engine.listen(now, SegId(64), SECOND_NS), "who is in may stay");
    bench.pass_ms(1_100);
    let now = bench.now();
    assert!(bench.engine.listen(now, SegId(65), SECOND_NS), "the others have gone");
}
