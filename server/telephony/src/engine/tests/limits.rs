//! Limits: what there is no room for is accounted for, told, and let in when there is room.

use shared::{LedgerEnd, NotRecorded, Partly};

use super::Bench;
use super::bench::At;
use super::calls::speech;
use crate::engine::{AlarmKind, EngineConfig, EngineLimits};

const OTHER_CALLER: At = (3, 4_000);
const OTHER_CALLED: At = (4, 6_000);

fn room_for_one() -> Bench {
    let limits = EngineLimits { segments: 1, ..EngineLimits::default() };
    Bench::with(EngineConfig { limits, ..EngineConfig::default() })
}

/// A second call beside the usual one.
fn other_call(bench: &mut Bench) {
    let sdp = Bench::sdp(OTHER_CALLER, "");
    bench.sip(true, "INVITE sip:0115550100@10.0.0.2 SIP/2.0", "two", "1 INVITE", &sdp);
    bench.sip(false, "SIP/2.0 200 OK", "two", "1 INVITE", &Bench::sdp(OTHER_CALLED, ""));
}

#[test]
fn a_call_beyond_the_limit_is_accounted_for_and_an_alarm_tells() {
    let mut bench = room_for_one();
    bench.call("one");
    other_call(&mut bench);
    bench.talk(0..100);
    bench.stream(OTHER_CALLER, OTHER_CALLED, 0..100);
    let alarm = bench.engine.poll_alarm().expect("an alarm");
    assert_eq!(alarm.kind, AlarmKind::Limit);
    bench.bye("two");
    bench.bye("one");
    bench.pass_ms(1_000);
    assert_eq!(bench.engine.counters().limits, 1, "met once, not once a packet");
    let seen = bench.finish();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].end(), LedgerEnd::Recorded);
    assert!(seen[0].only(0).bytes == speech(0..100), "the octets that were sent");
    assert_eq!(seen[1].end(), LedgerEnd::NotRecorded(NotRecorded::Limit));
    assert_eq!(seen[1].info.call_ids, ["two"]);
    assert!(seen[1].start.is_none(), "never opened");
}

#[test]
fn a_refused_call_is_recorded_from_the_moment_there_is_room() {
    let mut bench = room_for_one();
    bench.call("one");
    other_call(&mut bench);
    bench.talk(0..20);
    bench.stream(OTHER_CALLER, OTHER_CALLED, 0..20);
    bench.bye("one");
    bench.stream(OTHER_CALLER, OTHER_CALLED, 20..4_000);
    bench.bye("two");
    bench.pass_ms(1_000);
    let seen = bench.finish();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[1].end(), LedgerEnd::NotRecorded(NotRecorded::Limit));
    assert_eq!(
        (seen[2].end(), &seen[2].info.call_ids[0]),
        (LedgerEnd::Partly(Partly::OneDirection), &"two".to_owned())
    );
    let heard = seen[2].only(0).samples();
    assert!((15 * 8_000..25 * 8_000).contains(&heard), "the last twenty seconds: {heard}");
}

#[test]
fn both_directions_of_an_orphan_beyond_the_limit_are_one_entry() {
    let mut bench = room_for_one();
    bench.call("one");
    bench.talk(0..20);
    for n in 20..220 {
        bench.talk(n..n + 1);
        bench.rtp(OTHER_CALLER, OTHER_CALLED, &super::Rtp::g711(n));
        bench.rtp(OTHER_CALLED, OTHER_CALLER, &super::Rtp::g711(n));
    }
    bench.bye("one");
    bench.pass_ms(1_000);
    let seen = bench.finish();
    assert_eq!(seen.len(), 2);
    assert!(seen[1].info.orphan, "nothing announced it");
    assert_eq!(seen[1].end(), LedgerEnd::NotRecorded(NotRecorded::Limit));
}

#[test]
fn calls_pushed_out_by_hostile_descriptions_are_accounted_for_and_their_media_are_not_lost() {
    let limits = EngineLimits { signalling_bytes: 100_000, ..EngineLimits::default() };
    let mut bench = Bench::with(EngineConfig { limits, ..EngineConfig::default() });
    bench.call("one");
    bench.talk(0..50);
    let text = "x".repeat(3_900);
    let bloated: String =
        (0..14).map(|n| format!("a=fmtp:101 {text}\r\nm=audio {} RTP/AVP 101\r\n", 7_000 + n)).collect();
    for n in 0..40 {
        let sdp = Bench::sdp((9, 4_000), &bloated);
        bench.sip(true, "INVITE sip:0115550100@10.0.0.2 SIP/2.0", &format!("flood{n}"), "1 INVITE", &sdp);
    }
    bench.talk(50..100);
    bench.bye("one");
    bench.pass_ms(1_000);
    let alarm = bench.engine.poll_alarm().expect("an alarm");
    assert_eq!(alarm.kind, AlarmKind::Limit);
    assert!(alarm.text.contains("signalling"), "{}", alarm.text);
    let seen = bench.finish();
    assert_eq!(seen.len(), 41, "every call has its entry");
    assert_eq!(seen[0].end(), LedgerEnd::Recorded, "a call that is up goes last");
    assert!(seen[0].only(0).bytes == speech(0..100), "the octets that were sent");
    assert_eq!(seen[1].end(), LedgerEnd::NotRecorded(NotRecorded::Limit));
    let refused = seen.iter().filter(|s| s.end() == LedgerEnd::NotRecorded(NotRecorded::Limit)).count();
    assert!(refused > 25, "{refused} were pushed out");
}
