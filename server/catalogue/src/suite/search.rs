//! Searching.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use shared::{Direction, Method, Side, UtcMicros};

use super::world::{Made, by, enter, found, id};
use crate::text::{fold_number, words as words_of};
use crate::*;

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub(super) fn every_filter_finds_its_own(catalogue: &Catalogue) {
    let mut made: Vec<Made> = (1..=40).map(Made::new).collect();
    made[4].direction = Direction::Out;
    made[5].method = Method::Radio;
    made[6].side = Side::Extension;
    made[7].tap = "annexe";
    made[8].lost = 160;
    made[9].length_s = 4_000;
    made[10].caller = ("Zoë Müller", "011 555 0199".into());
    made[11].other = Some("4711".into());
    enter(catalogue, &made);
    catalogue.add_tag(id(13), "Sale Made", &by()).unwrap();
    catalogue.set_text(id(14), Field::Subject, "Refund of the deposit", &by()).unwrap();
    catalogue.set_text(id(15), Field::Comment, "Caller was upset", &by()).unwrap();
    catalogue.set_text(id(16), Field::ExternalReference, "CASE-2291", &by()).unwrap();
    catalogue.hold(id(17), "court order", None, &by()).unwrap();

    let check = |search: Search, expected: &[u64]| {
        assert_eq!(found(catalogue, &search, &Scope::default()), expected, "{search:?}");
    };
    let any = Search::default;
    check(Search { directions: vec![Direction::Out], ..any() }, &[5]);
    check(Search { methods: vec![Method::Radio, Method::Isdn], ..any() }, &[6]);
    check(Search { sides: vec![Side::Extension], ..any() }, &[7]);
    check(Search { tap: text("annexe"), ..any() }, &[8]);
    check(Search { tap: text("anne"), ..any() }, &[]);
    check(Search { has_gap: Some(true), ..any() }, &[9]);
    check(Search { has_gap: Some(false), since: Some(UtcMicros(38 * 60_000_000)), ..any() }, &[38, 39, 40]);
    check(Search { min_us: Some(3_600_000_000), ..any() }, &[10]);
    check(Search { max_us: Some(29_000_000), ..any() }, &[]);
    check(Search { name: text("zoe MULLER"), ..any() }, &[11]);
    check(Search { name: text("mul"), ..any() }, &[11]);
    check(Search { name: text("üller"), ..any() }, &[]);
    check(Search { number: text("5550199"), ..any() }, &[11]);
    check(Search { extension: "4711".parse().ok(), ..any() }, &[12]);
    check(Search { extension: "3003-3005".parse().ok(), ..any() }, &[3, 4]);
    check(Search { tag: text("sale made"), ..any() }, &[13]);
    check(Search { tag: text("sale"), ..any() }, &[]);
    check(Search { subject: text("deposit ref"), ..any() }, &[14]);
    check(Search { comment: text("upset"), ..any() }, &[15]);
    check(Search { comment: text("deposit"), ..any() }, &[]);
    check(Search { reference: text("case 2291"), ..any() }, &[16]);
    check(Search { reference: text("A261122-00002"), ..any() }, &[20, 21, 22, 23, 24, 25, 26, 27, 28, 29]);
    check(Search { reference: text("a261122-000033"), ..any() }, &[33]);
    check(Search { held: Some(true), ..any() }, &[17]);
    check(
        Search { since: Some(UtcMicros(120_000_000)), until: Some(UtcMicros(240_000_000)), ..any() },
        &[2, 3],
    );
    check(Search { number: text("82555003"), until: Some(UtcMicros(32 * 60_000_000)), ..any() }, &[30, 31]);
}

pub(super) fn words_are_found_wherever_they_stand(catalogue: &Catalogue) {
    let mut made: Vec<Made> = (1..=9).map(Made::new).collect();
    made[0].caller = ("Alice Naidoo", "2711".into());
    made[1].called = ("Alistair", "3999".into());
    enter(catalogue, &made);
    catalogue.add_tag(id(3), "Alibi", &by()).unwrap();
    catalogue.set_text(id(4), Field::Subject, "Alimony", &by()).unwrap();
    catalogue.set_text(id(5), Field::Comment, "an ALIEN number", &by()).unwrap();
    catalogue.set_text(id(6), Field::ExternalReference, "ALI/7", &by()).unwrap();
    let check = |words: &str, expected: &[u64]| {
        let search = Search { words: text(words), ..Search::default() };
        assert_eq!(found(catalogue, &search, &Scope::default()), expected, "{words}");
    };
    check("ali", &[1, 2, 3, 4, 5, 6]);
    check("alic", &[1]);
    check("ali 2711", &[1]);
    check("ali 555", &[2, 3, 4, 5, 6]);
    check("A261122-000007", &[7]);
    check("a26", &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    check("nobody", &[]);
    check("ALI/7", &[6]);
    check("  ", &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    check("!! --", &[]);
    check("--", &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

pub(super) fn digits_of_any_length_and_script_are_found(catalogue: &Catalogue) {
    enter(catalogue, &(1..=30).map(Made::new).collect::<Vec<_>>());
    let check = |number: &str, expected: usize| {
        let search = Search { number: text(number), ..Search::default() };
        assert_eq!(found(catalogue, &search, &Scope::default()).len(), expected, "{number}");
    };
    check("2", 30);
    check("82", 30);
    check("278", 30);
    check("28", 1); // 27825550028 and 3028 are one recording
    check("27825550017", 1);
    check("+27 (82) 555-0017", 1);
    check("٢٧٨٢٥٥٥٠٠١٧", 1);
    check("２７８２５５５００１７", 1);
    check("50017", 1);
    check("0017", 1);
    check("17", 1);
    check("99999", 0);
    check("%", 0);
    check("_", 0);
    check("\" or \"", 0);
}

pub(super) fn pages_lead_forth_and_back_in_both_orders(catalogue: &Catalogue) {
    enter(catalogue, &(1..=50).map(Made::new).collect::<Vec<_>>());
    for (number, all) in [(None, 50_usize), (text("3"), 50), (text("2555001"), 10), (text("27825550033"), 1)]
    {
        for oldest_first in [true, false] {
            let search = Search { number: number.clone(), oldest_first, limit: 7, ..Search::default() };
            let numbers = |page: &SearchPage| -> Vec<u64> {
                page.recordings.iter().map(|r| r.facts.ledger_no.0).collect()
            };
            let mut pages = vec![catalogue.search(&search, &Scope::default()).unwrap()];
            while let Some(next) = pages.last().unwrap().next {
                let search = Search { place: Place::After(next), ..search.clone() };
                pages.push(catalogue.search(&search, &Scope::default()).unwrap());
            }
            assert_eq!(pages.iter().map(|p| p.recordings.len()).sum::<usize>(), all, "{number:?}");
            assert!(pages[0].previous.is_none(), "nothing before the first page");
            let mut back = pages.pop().unwrap();
            while let Some(previous) = back.previous {
                let search = Search { place: Place::Before(previous), ..search.clone() };
                let page = catalogue.search(&search, &Scope::default()).unwrap();
                let forth = pages.pop().unwrap();
                assert_eq!(numbers(&page), numbers(&forth), "{number:?}");
                assert_eq!(page.next.is_some(), forth.next.is_some());
                back = page;
            }
            assert!(pages.is_empty(), "the way back ends at the first page");
        }
    }
}

pub(super) fn what_a_scope_does_not_see_is_as_if_it_were_not_there(catalogue: &Catalogue) {
    let mut made: Vec<Made> = (1..=20).map(Made::new).collect();
    made[2].tap = "annexe";
    // A stranger whose number looks like an extension opens no door.
    made[3].caller = ("", "3001".into());
    made[4].direction = Direction::Out;
    (made[4].caller, made[4].called) = (("", "3001".into()), ("", "0115550000".into()));
    made[5].other = Some("3001".into());
    made[6].direction = Direction::Unknown;
    made[6].caller = ("", "3001".into());
    enter(catalogue, &made);
    let scope = |extensions: &[&str], taps: &[&str], since: Option<i64>| Scope {
        extensions: extensions.iter().map(|e| e.parse().unwrap()).collect(),
        taps: taps.iter().map(|&t| t.to_owned()).collect(),
        since: since.map(|s| UtcMicros(s * 1_000_000)),
    };
    let check = |scope: &Scope, expected: &[u64]| {
        assert_eq!(found(catalogue, &Search::default(), scope), expected, "{scope:?}");
        for n in 1..=20_u32 {
            let is_seen = expected.contains(&u64::from(n));
            assert_eq!(catalogue.visible(id(n), scope).unwrap().is_some(), is_seen, "{n} {scope:?}");
        }
    };
    check(&scope(&["3001"], &[], None), &[1, 5, 6, 7]);
    check(&scope(&["3001"], &["annexe"], None), &[]);
    check(&scope(&[], &["annexe"], None), &[3]);
    check(&scope(&["3018-3020", "3002"], &["main", "annexe"], None), &[2, 18, 19, 20]);
    check(&scope(&["302*"], &[], None), &[20]);
    check(&scope(&["30**"], &[], Some(18 * 60)), &[18, 19, 20]);
    check(&scope(&["999"], &[], None), &[]);
    check(&scope(&["**********"], &[], None), &[]);
    assert_eq!(catalogue.visible(id(99), &Scope::default()).unwrap(), None);
    // Nor does a search for it tell.
    let narrow = scope(&["3001"], &[], None);
    let search = Search { number: text("3002"), ..Search::default() };
    assert_eq!(found(catalogue, &search, &narrow), Vec::<u64>::new());
}

/// Random recordings, searches and scopes: what is found is what holding each recording against the words of the search finds.
pub(super) fn a_random_search_finds_what_looking_at_each_recording_finds(catalogue: &Catalogue) {
    let names = ["Alice Smith", "Bob", "", "Alison Botha", "Zoë"];
    let directions = [Direction::Unknown, Direction::In, Direction::Out, Direction::Internal];
    let made: Vec<Made> = (1..=3_000_u32)
        .map(|n| {
            let dice = |salt: u32, of: u32| {
                (n.wrapping_mul(2_654_435_761) ^ salt.wrapping_mul(40_503)).rotate_left(13) % of
            };
            let outside = format!("27{}{:07}", 11 + dice(1, 3) * 10, dice(2, 300) * 33_331);
            let inside = format!("{}", 3_100 + dice(3, 60));
            let mut made = Made::new(n);
            made.direction = directions[dice(4, 4) as usize];
            made.caller = (names[dice(5, 5) as usize], outside);
            made.called = (names[dice(6, 5) as usize], inside);
            made.tap = ["main", "annexe", "radio room"][dice(7, 3) as usize];
            made.length_s = i64::from(dice(8, 5_000));
            made.lost = u64::from(dice(9, 10) == 0);
            made.other = (dice(10, 20) == 0).then(|| "3115".to_owned());
            made
        })
        .collect();
    enter(catalogue, &made);
    let all: Vec<Recording> = {
        let mut all = Vec::new();
        let mut query = Query { oldest_first: true, limit: 1_000, ..Query::default() };
        loop {
            let page = catalogue.find(&query).unwrap();
            all.extend(page.recordings);
            query.after = page.next;
            if query.after.is_none() {
                break all;
            }
        }
    };
    assert_eq!(all.len(), 3_000);
    let search = (
        proptest::option::of("[0-9]{1,6}"),
        proptest::option::of(prop_oneof![
            Just("ali"),
            Just("bob"),
            Just("smith alice"),
            Just("zoe"),
            Just("x")
        ]),
        proptest::option::of(prop_oneof![Just("3115"), Just("3100-3110"), Just("31**"), Just("4***")]),
        proptest::option::of((0_i64..3_000, 0_i64..3_000)),
        proptest::option::of((0_u64..5_000, 0_u64..5_000)),
        proptest::collection::vec(0_usize..4, 0..3),
        proptest::option::of(prop_oneof![Just("main"), Just("annexe")]),
        proptest::option::of(any::<bool>()),
    );
    let scope = (
        proptest::collection::vec(prop_oneof![Just("3115"), Just("3120-3140"), Just("31*1")], 0..3),
        proptest::collection::vec(prop_oneof![Just("main"), Just("radio room")], 0..2),
        proptest::option::of(0_i64..3_000),
    );
    let mut runner = TestRunner::new(Config { cases: 120, failure_persistence: None, ..Config::default() });
    let run = runner.run(
        &(search, scope),
        |((number, name, extension, range, length, dirs, tap, gap), (ext, taps, since))| {
            let search = Search {
                number,
                name: name.map(str::to_owned),
                extension: extension.map(|e| e.parse().unwrap()),
                since: range.map(|(a, _)| UtcMicros(a * 60_000_000)),
                until: range.map(|(_, b)| UtcMicros(b * 60_000_000)),
                min_us: length.map(|(a, _)| a * 1_000_000),
                max_us: length.map(|(_, b)| b * 1_000_000),
                directions: dirs.iter().map(|d| directions[*d]).collect(),
                tap: tap.map(str::to_owned),
                has_gap: gap,
                ..Search::default()
            };
            let scope = Scope {
                extensions: ext.iter().map(|e| e.parse().unwrap()).collect(),
                taps: taps.iter().map(|&t| t.to_owned()).collect(),
                since: since.map(|s| UtcMicros(s * 60_000_000)),
            };
            let expected =
                all.iter().filter(|r| scope.sees(r) && fulfils(r, &search)).map(|r| r.facts.ledger_no.0);
            let expected: Vec<u64> = expected.collect();
            let got = found(catalogue, &search, &scope);
            prop_assert_eq!(
                &got,
                &expected.iter().take(1_000).copied().collect::<Vec<_>>(),
                "{:?} {:?}",
                search,
                scope
            );
            Ok(())
        },
    );
    run.unwrap();
}

fn fulfils(r: &Recording, s: &Search) -> bool {
    let words = |p: &PartySeen| words_of(&p.party.display);
    let named = |p: &PartySeen| {
        let asked = words_of(s.name.as_deref().unwrap_or_default());
        asked.iter().all(|a| words(p).iter().any(|w| w.starts_with(a)))
    };
    let length = u64::try_from(r.duration_us()).unwrap_or(0);
    s.number
        .as_ref()
        .is_none_or(|n| r.parties.iter().any(|p| fold_number(&p.party.number).contains(n.as_str())))
        && (s.name.is_none() || r.parties.iter().any(named))
        && s.extension.as_ref().is_none_or(|e| r.parties.iter().any(|p| e.matches(&p.extension)))
        && s.since.is_none_or(|t| r.facts.started_at >= t)
        && s.until.is_none_or(|t| r.facts.started_at < t)
        && s.min_us.is_none_or(|us| length >= us)
        && s.max_us.is_none_or(|us| length <= us)
        && (s.directions.is_empty() || s.directions.contains(&r.facts.direction))
        && s.tap.as_ref().is_none_or(|t| *t == r.facts.tap_name)
        && s.has_gap.is_none_or(|gap| gap == r.has_gap())
}

pub(super) fn texts_are_taken_literally(catalogue: &Catalogue) {
    enter(catalogue, &[Made::new(1)]);
    catalogue.add_tag(id(1), "50%_'; drop table recording; --", &by()).unwrap();
    for odd in [
        "'",
        "\"",
        "%",
        "_",
        "!",
        "\\",
        "$1",
        "?",
        "*",
        "^",
        "NEAR(",
        "a OR b",
        "'; drop table recording; --",
        "\0",
        "{t}",
    ] {
        let search = |field: &str| {
            let odd = Some(odd.to_owned());
            match field {
                "words" => Search { words: odd, ..Search::default() },
                "number" => Search { number: odd, ..Search::default() },
                "name" => Search { name: odd, ..Search::default() },
                "tag" => Search { tag: odd, ..Search::default() },
                "reference" => Search { reference: odd, ..Search::default() },
                "tap" => Search { tap: odd, ..Search::default() },
                _ => Search { comment: odd, ..Search::default() },
            }
        };
        for field in ["words", "number", "name", "tag", "reference", "tap", "comment"] {
            let found = catalogue.search(&search(field), &Scope::default());
            assert!(found.is_ok(), "{field} {odd:?}: {found:?}");
            assert!(catalogue.count(&search(field), &Scope::default()).is_ok(), "{field} {odd:?}");
        }
    }
    let whole = Search { tag: text("50%_'; DROP table recording; --"), ..Search::default() };
    assert_eq!(found(catalogue, &whole, &Scope::default()), [1]);
    let long = Search { words: Some("9".repeat(1_001)), ..Search::default() };
    assert!(matches!(catalogue.search(&long, &Scope::default()), Err(CatalogueError::Length { .. })));
    let mega = Search { words: Some("a ".repeat(500_000)), ..Search::default() };
    assert!(matches!(catalogue.search(&mega, &Scope::default()), Err(CatalogueError::Length { .. })));
}

pub(super) fn counts_stop_at_their_limit(catalogue: &Catalogue) {
    let made: Vec<Made> = (1..=10_050).map(|n| Made { at_s: i64::from(n), ..Made::new(n) }).collect();
    enter(catalogue, &made);
    let check = |search: Search, n, more| {
        assert_eq!(catalogue.count(&search, &Scope::default()).unwrap(), Count { n, more }, "{search:?}");
    };
    check(Search::default(), COUNT_MAX, true);
    check(Search { number: text("2782555"), ..Search::default() }, COUNT_MAX, true);
    check(Search { directions: vec![Direction::In], ..Search::default() }, COUNT_MAX, true);
    check(Search { since: Some(UtcMicros(51_000_000)), ..Search::default() }, 10_000, false);
    check(Search { until: Some(UtcMicros(100_000_000)), ..Search::default() }, 99, false);
    check(Search { directions: vec![Direction::Out], ..Search::default() }, 0, false);
}

pub(super) fn a_part_that_comes_late_moves_its_recording_and_all_that_leads_to_it(catalogue: &Catalogue) {
    enter(catalogue, &[Made::new(1), Made::new(3)]);
    // Part 1 of recording 2 is entered first, part 0 after it: recovery does so.
    let late = Made { n: 2, part: 1, at_s: 400, lost: 5, other: Some("3777".into()), ..Made::new(2) };
    let early = Made { n: 2, at_s: 100, length_s: 300, ..Made::new(2) };
    enter(catalogue, std::slice::from_ref(&late));
    catalogue.add_tag(id(2), "kept", &by()).unwrap();
    catalogue.hold(id(2), "kept too", None, &by()).unwrap();
    let list = || found(catalogue, &Search::default(), &Scope::default());
    assert_eq!(list(), [1, 3, 2]);
    enter(catalogue, &[early.clone(), late, early]);
    assert_eq!(list(), [1, 2, 3], "its place is its earliest start");
    for search in [
        Search { tag: text("kept"), ..Search::default() },
        Search { held: Some(true), ..Search::default() },
        Search { has_gap: Some(true), ..Search::default() },
        Search { number: text("3777"), ..Search::default() },
        Search { min_us: Some(329_000_000), max_us: Some(331_000_000), ..Search::default() },
        Search {
            words: text("kept 8255"),
            since: Some(UtcMicros(99_000_000)),
            until: Some(UtcMicros(101_000_000)),
            ..Search::default()
        },
    ] {
        assert_eq!(found(catalogue, &search, &Scope::default()), [2], "{search:?}");
    }
}

pub(super) fn recordings_of_one_microsecond_stay_apart(catalogue: &Catalogue) {
    let mut made: Vec<Made> = (1..=300).map(|n| Made { at_s: 60, ..Made::new(n) }).collect();
    // The slot is chosen by the last two octets of the identity: 2,049 and 1 want the same one.
    made.push(Made { at_s: 60, ..Made::new(2_049) });
    enter(catalogue, &made);
    assert_eq!(found(catalogue, &Search::default(), &Scope::default()).len(), 301);
    let mut search = Search { limit: 10, ..Search::default() };
    let mut seen = std::collections::BTreeSet::new();
    while let Ok(page) = catalogue.search(&search, &Scope::default()) {
        seen.extend(page.recordings.iter().map(|r| r.facts.recording_id));
        let Some(next) = page.next else { break };
        search.place = Place::After(next);
    }
    assert_eq!(seen.len(), 301, "no page leaves one out");
}

pub(super) fn calls_are_linked_within_a_scope(catalogue: &Catalogue) {
    enter(catalogue, &(1..=6).map(Made::new).collect::<Vec<_>>());
    let linked = |n, scope: &Scope| -> Vec<String> {
        catalogue
            .linked(id(n), scope)
            .unwrap()
            .into_iter()
            .map(|(_, reference)| reference.to_string())
            .collect()
    };
    assert_eq!(linked(2, &Scope::default()), ["A261122-000003"]);
    assert_eq!(linked(1, &Scope::default()), Vec::<String>::new());
    let scope = Scope { extensions: vec!["3002".parse().unwrap()], ..Scope::default() };
    assert_eq!(linked(2, &scope), Vec::<String>::new(), "3003 is another's");
}
