//! Linking the trunk side and the extension side of one call.
//!
//! Both recordings stay; a link only says that they are one call, and by what evidence, so that a person can judge and
//! undo it. Evidence, strongest first: a session that both name (Call-ID, Replaces, SIPREC session), a CTI link id, equal
//! numbers with starts close together and overlap. A pure function over summaries: the same calls in any order give the
//! same links.

use std::collections::BTreeMap;

use shared::{Side, UtcMicros};

/// Starts may lie this far apart for numbers to be evidence.
pub const START_APART_US_MAX: i64 = 3_000_000;
/// From so many digits on, a number equals one that only has a prefix more (`0`, `+27`).
const SUFFIX_DIGITS_MIN: usize = 7;

/// What linking needs to know of one recorded call.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CallSummary {
    /// Names the call for the caller of [`links`]; unique.
    pub id: u64,
    /// On which side it was recorded.
    pub side: Side,
    /// When it began.
    pub started: UtcMicros,
    /// When it ended; `None` while it goes on.
    pub ended: Option<UtcMicros>,
    /// Sessions that the signalling named: Call-ID, the Call-IDs of Replaces, SIPREC session ids.
    pub sessions: Vec<String>,
    /// The id by which a CTI system ties legs together.
    pub cti_link: Option<String>,
    /// The caller's number, empty if withheld.
    pub caller: String,
    /// The called number.
    pub called: String,
}

/// Why two recordings are taken for one call, the strongest last so that it compares greatest.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Evidence {
    /// This number on both, starts so many microseconds apart, and they overlap.
    Numbers {
        /// The number as the trunk side has it.
        number: String,
        /// How far the starts lie apart.
        apart_us: i64,
    },
    /// A CTI system says so.
    CtiLink(String),
    /// Both name this session.
    Session(String),
}

/// Two recordings of one call; `first` began first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Link {
    /// The earlier one.
    pub first: u64,
    /// The later one.
    pub second: u64,
    /// Why.
    pub evidence: Evidence,
}

/// Finds the links among calls. Each pair is linked once, by its strongest evidence.
///
/// All recordings of one session or CTI id are linked to the earliest of them. Numbers link a trunk side to the extension
/// side whose start is nearest, one to one: calls with equal numbers are separate calls.
#[must_use]
pub fn links(calls: &[CallSummary]) -> Vec<Link> {
    let mut ordered: Vec<&CallSummary> = calls.iter().collect();
    ordered.sort_by_key(|call| (call.started, call.id));
    let mut found: BTreeMap<(u64, u64), Evidence> = BTreeMap::new();
    by_key(&ordered, |call| call.sessions.iter().map(String::as_str), Evidence::Session, &mut found);
    by_key(&ordered, |call| call.cti_link.iter().map(String::as_str), Evidence::CtiLink, &mut found);
    by_numbers(&ordered, &mut found);
    found.into_iter().map(|((first, second), evidence)| Link { first, second, evidence }).collect()
}

/// Links all calls that share a key to the earliest of them.
fn by_key<'a, K: Iterator<Item = &'a str>>(
    ordered: &[&'a CallSummary],
    keys: impl Fn(&'a CallSummary) -> K,
    evidence: impl Fn(String) -> Evidence,
    found: &mut BTreeMap<(u64, u64), Evidence>,
) {
    let mut earliest: BTreeMap<&str, u64> = BTreeMap::new();
    for call in ordered.iter().copied() {
        for key in keys(call).filter(|key| !key.is_empty()) {
            let first = *earliest.entry(key).or_insert(call.id);
            if first != call.id {
                found.entry((first, call.id)).or_insert_with(|| evidence(key.to_owned()));
            }
        }
    }
}

fn by_numbers(ordered: &[&CallSummary], found: &mut BTreeMap<(u64, u64), Evidence>) {
    // A side that stronger evidence has linked already needs no guess.
    let mut is_linked: BTreeMap<u64, bool> = ordered.iter().map(|call| (call.id, false)).collect();
    for (first, second) in found.keys() {
        is_linked.insert(*first, true);
        is_linked.insert(*second, true);
    }
    let mut candidates = Vec::new();
    for (at, a) in ordered.iter().enumerate() {
        let later = ordered.iter().skip(at.saturating_add(1));
        for b in later.take_while(|b| b.started.since(a.started) <= START_APART_US_MAX) {
            if a.side == b.side || !overlap(a, b) {
                continue;
            }
            let (trunk, extension) = if a.side == Side::Trunk { (a, b) } else { (b, a) };
            if let Some(number) = shared_number(trunk, extension) {
                candidates.push((b.started.since(a.started), a.id, b.id, number));
            }
        }
    }
    candidates.sort();
    for (apart_us, first, second, number) in candidates {
        let is_free = |id: u64| is_linked.get(&id) == Some(&false);
        if is_free(first) && is_free(second) {
            is_linked.insert(first, true);
            is_linked.insert(second, true);
            found.insert((first, second), Evidence::Numbers { number: number.to_owned(), apart_us });
        }
    }
}

fn overlap(a: &CallSummary, b: &CallSummary) -> bool {
    let is_before_end = |t: UtcMicros, of: &CallSummary| of.ended.is_none_or(|end| t < end);
    is_before_end(a.started, b) && is_before_end(b.started, a)
}

/// Returns the number that both have in the same role: an incoming call shows its caller on both sides, an outgoing one
/// the called number.
fn shared_number<'a>(trunk: &'a CallSummary, extension: &CallSummary) -> Option<&'a str> {
    [(&trunk.caller, &extension.caller), (&trunk.called, &extension.called)]
        .into_iter()
        .find(|(a, b)| is_same_number(a, b))
        .map(|(number, _)| number.as_str())
}

fn is_same_number(a: &str, b: &str) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let (x, y) = (digits(a), digits(b));
    if x.is_empty() || y.is_empty() {
        return !a.is_empty() && a == b;
    }
    let (short, long) = if x.len() <= y.len() { (&x, &y) } else { (&y, &x) };
    // A trunk prefix and a country code change the front: `+27 11 555 0100` is `011 555 0100`.
    let tail = short.trim_start_matches('0');
    short == long || (tail.len() >= SUFFIX_DIGITS_MIN && long.ends_with(tail))
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "tests"
    )]
    use proptest::prelude::*;

    use super::*;

    fn call(id: u64, side: Side, start_ms: i64, end_ms: i64, caller: &str, called: &str) -> CallSummary {
        CallSummary {
            id,
            side,
            started: UtcMicros(start_ms * 1_000),
            ended: Some(UtcMicros(end_ms * 1_000)),
            caller: caller.to_owned(),
            called: called.to_owned(),
            ..CallSummary::default()
        }
    }

    /// `1-2 numbers` for each link.
    fn check(calls: &[CallSummary], expected: &str) {
        let words: Vec<String> = links(calls)
            .iter()
            .map(|l| {
                let why = match &l.evidence {
                    Evidence::Session(id) => format!("session {id}"),
                    Evidence::CtiLink(id) => format!("cti {id}"),
                    Evidence::Numbers { number, apart_us } => format!("{number} {apart_us}"),
                };
                format!("{}-{} {why}", l.first, l.second)
            })
            .collect();
        assert_eq!(words.join(", "), expected);
    }

    const T: Side = Side::Trunk;
    const E: Side = Side::Extension;

    #[test]
    fn numbers_with_close_starts_and_overlap_are_evidence() {
        let trunk = call(1, T, 0, 60_000, "+27115550100", "0860001122");
        let with =
            |start, end, caller: &str, called: &str| [trunk.clone(), call(2, E, start, end, caller, called)];
        check(&with(2_500, 59_000, "0115550100", "3111"), "1-2 +27115550100 2500000");
        check(&with(3_001, 59_000, "0115550100", "3111"), "");
        check(&with(2_500, 59_000, "0115550101", "3111"), "");
        check(&with(2_500, 59_000, "3111", "0115550100"), "");
        check(&with(2_500, 59_000, "", "3111"), "");
        let short = call(1, T, 0, 1_000, "0115550100", "x");
        check(&[short, call(2, E, 1_000, 9_000, "0115550100", "3111")], "");
        let same_side = [trunk.clone(), call(2, T, 100, 59_000, "0115550100", "3111")];
        check(&same_side, "");
    }

    #[test]
    fn an_outgoing_call_is_linked_by_the_number_called() {
        check(
            &[
                call(7, E, 0, 9_000, "3111", "90115550100"),
                call(8, T, 400, 9_000, "0860001122", "0115550100"),
            ],
            "7-8 0115550100 400000",
        );
    }

    #[test]
    fn stronger_evidence_wins_and_needs_no_closeness() {
        let mut a = call(1, T, 0, 60_000, "0115550100", "1");
        let mut b = call(2, E, 1_000, 60_000, "0115550100", "3111");
        a.cti_link = Some("L9".to_owned());
        b.cti_link = Some("L9".to_owned());
        check(&[a.clone(), b.clone()], "1-2 cti L9");
        a.sessions = vec!["x@pbx".to_owned()];
        b.sessions = vec!["y@phone".to_owned(), "x@pbx".to_owned()];
        check(&[a.clone(), b.clone()], "1-2 session x@pbx");
        b.started = UtcMicros(600_000_000);
        check(&[b, a], "1-2 session x@pbx");
    }

    #[test]
    fn calls_with_equal_numbers_are_paired_one_to_one_by_nearness() {
        let n = "0115550100";
        check(
            &[
                call(1, T, 0, 60_000, n, "1"),
                call(2, T, 1_000, 60_000, n, "1"),
                call(3, E, 1_100, 60_000, n, "3111"),
                call(4, E, 200, 60_000, n, "3112"),
            ],
            "1-4 0115550100 200000, 2-3 0115550100 100000",
        );
    }

    #[test]
    fn a_chain_of_transfers_hangs_together() {
        let mut calls: Vec<CallSummary> =
            (1..5).map(|n| call(n, E, i64::try_from(n).unwrap() * 10_000, 90_000, "a", "b")).collect();
        calls.iter_mut().for_each(|c| c.sessions = vec!["s".to_owned(), String::new()]);
        check(&calls, "1-2 session s, 1-3 session s, 1-4 session s");
    }

    #[test]
    fn numbers_are_compared_without_their_front() {
        let check = |a: &str, b: &str, expected| assert_eq!(is_same_number(a, b), expected, "{a} {b}");
        check("+27 11 555 0100", "0115550100", true);
        check("0115550100", "9 011 555 0100", true);
        check("3111", "3111", true);
        check("3111", "553111", false);
        check("alice", "alice", true);
        check("alice", "bob", false);
        check("", "", false);
        check("anonymous", "", false);
    }

    proptest! {
        #[test]
        fn the_order_of_calls_never_matters_and_nobody_is_linked_to_himself(
            (calls, shuffled) in prop::collection::vec(
                (any::<bool>(), 0i64..8_000, 1i64..9_000, 0..3usize, 0..4usize), 0..12,
            )
            .prop_map(|seeds| {
                let numbers = ["0115550100", "3111", ""];
                let one = |(n, (side, start, length, number, session)): (usize, (bool, i64, i64, usize, usize))| {
                    let id = u64::try_from(n).unwrap();
                    let mut c = call(id, if side { T } else { E }, start, start + length, numbers[number], "x");
                    c.called = id.to_string();
                    c.sessions = (session == 0).then(|| "s".to_owned()).into_iter().collect();
                    c
                };
                seeds.into_iter().enumerate().map(one).collect::<Vec<_>>()
            })
            .prop_flat_map(|c| (Just(c.clone()), Just(c).prop_shuffle())),
        ) {
            let found = links(&calls);
            prop_assert_eq!(&found, &links(&shuffled));
            prop_assert!(found.iter().all(|l| l.first != l.second), "linked to himself");
        }
    }
}
