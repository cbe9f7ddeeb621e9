//! Calls that a rule excludes, known at once or late.

use shared::{LedgerEnd, NotRecorded};

use super::Bench;
use crate::engine::EngineConfig;
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
