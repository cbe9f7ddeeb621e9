//! Calls that a rule excludes, known at once or late.

use shared::{LedgerEnd, NotRecorded};

use super::Bench;
use crate::engine::EngineConfig;
use crate::segment::call_rules::CallRule;
use crate::segment::rules::{RuleSet, Rules};

fn excluding(pattern: &str) -> Bench {
    let extensions = RuleSet::parse(&[], &[pattern]).unwrap();
    Bench::with(EngineConfig { rules: Rules { extensions, ..Rules::default() }, ..EngineConfig::default() })
}

#[test]
fn an_excluded_call_is_accounted_for_and_nothing_of_it_is_kept() {
    let mut bench = excluding("3115");
    bench.call("one");
    bench.talk(0..150);
    bench.bye("one");
    bench.pass_ms(1_000);
    assert_eq!(bench.engine.counters().rtp_excluded, 300);
    let call = bench.finish().remove(0);
    assert_eq!(call.end(), LedgerEnd::NotRecorded(NotRecorded::Rule));
    assert_eq!(call.close.as_ref().unwrap().rule, Some(1));
    assert!(call.start.is_none(), "never opened");
}

#[test]
fn other_calls_are_recorded() {
    let mut bench = excluding("3116");
    bench.call("one");
    bench.talk(0..150);
    bench.bye("one");
    bench.pass_ms(1_000);
    assert_eq!(bench.finish().remove(0).end(), LedgerEnd::Recorded);
}

#[test]
fn a_rule_that_is_known_late_takes_back_what_was_sealed() {
    let rule = CallRule::parse(1, "skip number=4001").unwrap();
    let rules = Rules { calls: vec![rule], ..Rules::default() };
    let mut bench = Bench::with(EngineConfig { rules, ..EngineConfig::default() });
    bench.call("one");
    bench.talk(0..150);
    assert!(bench.seen.values().all(|s| s.start.is_some() && !s.discarded), "recorded so far");
    let to = "Refer-To: <sip:4001@10.0.0.9>\r\n";
    let refer = Bench::message("REFER sip:x@10.0.0.2 SIP/2.0", "one", "2 REFER", to, "");
    bench.udp((1, 5060), (2, 5060), refer.as_bytes());
    bench.talk(150..200);
    bench.bye("one");
    bench.pass_ms(1_000);
    assert_eq!(bench.engine.counters().rtp_excluded, 100, "not kept any more");
    let seen = bench.finish();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].discarded, "what was sealed must go");
    assert_eq!(seen[0].end(), LedgerEnd::NotRecorded(NotRecorded::Rule));
    assert_eq!(seen[0].close.as_ref().unwrap().rule, Some(1));
}
