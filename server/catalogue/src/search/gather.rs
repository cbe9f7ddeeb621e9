//! Gathering the postings of very many lists at once, when there are not many postings in them.
//!
//! A queue of lists reads nothing that the page does not need, but pays for it with each posting: it looks for the next of its list, and
//! for its glance. A thousand numbers with four digits in them have eight calls each: reading all of them, each list from its
//! beginning to its end, costs less than asking a thousand lists for their newest. What the glances leave is sorted here and held
//! against the rows, in the order of the list. If there are more postings than were thought, the queue does it after all.

use crate::bulk::Cell;
use crate::dialect::json_integers;
use crate::glance;
use crate::sql::Conn;
use crate::{CatalogueError, Result};

use super::Filter;
use super::resolve::Condition;
use super::statement::{few_terms, looking_up};
use super::walk::Walk;

/// Postings that are gathered at most. Tests have few, and shall come to the end of them.
const POSTINGS_MAX: usize = if cfg!(test) { 40 } else { 20_000 };

/// Finds the first `wanted` places of the walk to which postings of the terms lead and that fulfil all conditions, in the walk's order;
/// `None`: there are too many postings, or they do not tell enough of their recordings.
pub(super) async fn gathered(
    conn: &mut Conn,
    conditions: &[Condition],
    terms: &[i64],
    walk: Walk,
    wanted: usize,
) -> Result<Option<Vec<i64>>> {
    let Some((text, cells)) = gathering(conditions, terms, walk) else { return Ok(None) };
    let row = conn.rows_of(text, cells).await?;
    let Some(row) = row.first() else { return Ok(None) };
    if usize::try_from(row.int(0)?).is_ok_and(|all| all > POSTINGS_MAX) {
        return Ok(None);
    }
    let joined = row.text_or_none(1)?.unwrap_or_default();
    let key = |text: &str| text.parse().map_err(|_odd| CatalogueError::Damaged { what: "a posting" });
    let mut keys =
        joined.split(',').filter(|text| !text.is_empty()).map(key).collect::<Result<Vec<i64>>>()?;
    walk.sort(&mut keys);
    if conditions.is_empty() {
        keys.truncate(wanted);
        return Ok(Some(keys));
    }
    held_against_rows(conn, conditions, &keys, walk, wanted).await.map(Some)
}

/// Returns the first `wanted` of the places, which are in the walk's order, whose rows fulfil all conditions.
pub(super) async fn held_against_rows(
    conn: &mut Conn,
    conditions: &[Condition],
    keys: &[i64],
    walk: Walk,
    wanted: usize,
) -> Result<Vec<i64>> {
    let mut found = Vec::new();
    // A glance says a power of two where a length was asked, so some may fall; the next of them are looked at then.
    for some in keys.chunks(wanted.saturating_add(wanted / 4).max(1)) {
        let among = Condition {
            check: format!("r.order_key in {}", conn.integers()),
            values: vec![json_integers(some)],
            ..Condition::default()
        };
        let all: Vec<Condition> = conditions.iter().cloned().chain([among]).collect();
        let (text, cells) = looking_up(conn, &all, walk, wanted.saturating_sub(found.len()));
        for row in conn.rows_of(text, cells).await? {
            found.push(row.int(0)?);
        }
        if found.len() >= wanted {
            break;
        }
    }
    Ok(found)
}

/// Writes the statement that counts all postings of the terms and joins the places of those that their glances do not refuse; nothing
/// if a condition cannot be told from postings: each row would have to be read.
pub(super) fn gathering(conditions: &[Condition], terms: &[i64], walk: Walk) -> Option<(String, Vec<Cell>)> {
    let is_seen = |condition: &Condition| glance::all(condition.refusal.iter(), terms).is_some();
    if !conditions.iter().all(|condition| is_seen(condition) || few_terms(condition).is_some()) {
        return None;
    }
    let mut passes = Filter::default();
    let from = "from json_each(?) o cross join (select term as t, order_key as k, glance as g from posting) p \
                on p.t = o.value and p.k >= ? and p.k < ?";
    let more = POSTINGS_MAX.saturating_add(1);
    let ends = [Cell::Int(walk.stretch.low), Cell::Int(walk.stretch.high)];
    let from = passes.number(from, [json_integers(terms)].into_iter().chain(ends).collect());
    if let Some(refusal) = glance::all(conditions.iter().filter_map(|c| c.refusal.as_ref()), terms) {
        passes.add(&format!("(g is null or {})", refusal.text), Some(refusal.values));
    }
    for terms in conditions.iter().filter_map(few_terms) {
        let asked = format!("exists (select 1 from posting x where x.term in {terms} and x.order_key = k)");
        passes.add(&asked, Some(vec![]));
    }
    let passed = passes.clause("case when");
    let passed = if passed.is_empty() { "k".to_owned() } else { format!("{passed} then k end") };
    let text =
        format!("select count(*), group_concat({passed}, ',') from (select t, k, g {from} limit {more})");
    Some((text, passes.cells))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]

    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};
    use shared::{Party, UtcMicros};

    use super::*;
    use crate::index::place_at;
    use crate::search::resolve::{Asked, Stretch, resolve};
    use crate::search::walk::along;
    use crate::{Catalogue, CatalogueKey, PartyRole, PartyRow, Scope, Search};

    const MINUTE: i64 = 60_000_000;

    /// 200 calls, one a minute, of fifty numbers to five extensions on two taps; some with a third party, some with a gap.
    fn made(folder: &std::path::Path) -> Catalogue {
        let catalogue =
            Catalogue::create(&folder.join("c.db"), &CatalogueKey::new([7; 32]), UtcMicros(1)).unwrap();
        let rows = (1..=200_u8).map(|n| {
            let mut row = crate::tests::row(n);
            row.facts.started_at = UtcMicros(i64::from(n) * MINUTE);
            row.facts.ended_at = row.facts.started_at.plus(1_000 << (n % 20));
            row.facts.tap_name = format!("tap {}", n % 2);
            let dice = u32::from(n) * 7_919 % 211;
            let party = |role, number: String| PartyRow { role, party: Party { number, ..Party::default() } };
            row.parties = vec![
                party(PartyRole::Caller, format!("2782{:04}", dice % 50)),
                party(PartyRole::Called, format!("311{}", dice % 5)),
            ];
            if n % 9 == 0 {
                row.parties.push(party(PartyRole::Other, "3114".to_owned()));
            }
            row.legs.iter_mut().for_each(|leg| leg.gaps.0[1] = u64::from(dice % 3 == 0));
            row
        });
        catalogue.insert_batch(rows.collect(), vec![]).unwrap();
        catalogue
    }

    #[test]
    fn gathering_finds_what_the_queue_finds_in_the_same_order() {
        let folder = tempfile::tempdir().unwrap();
        let catalogue = made(folder.path());
        let asked = (
            prop_oneof![Just("2782"), Just("00"), Just("004"), Just("31"), Just("3114"), Just("99")],
            proptest::option::of(prop_oneof![Just("311*"), Just("3112"), Just("3113-3114")]),
            proptest::option::of(Just("tap 1")),
            proptest::option::of(any::<bool>()),
            proptest::option::of(0_u64..200_000),
            (0_i64..210, 0_i64..210, any::<bool>(), 1_usize..60),
        );
        let mut runner =
            TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() });
        let gathered_some = std::cell::Cell::new(0);
        let run = runner.run(&asked, |(number, extension, tap, gap, min_us, (a, b, descending, wanted))| {
            let search = Search {
                number: Some(number.to_owned()),
                extension: extension.map(|e| e.parse().unwrap()),
                tap: tap.map(str::to_owned),
                has_gap: gap,
                min_us,
                ..Search::default()
            };
            let stretch = Stretch { low: place_at(a.min(b) * MINUTE), high: place_at(a.max(b) * MINUTE) };
            let walk = Walk { stretch, descending };
            let db = catalogue.db.clone();
            let (ours, theirs) = catalogue
                .block(async move {
                    let mut conn = db.reader().await?;
                    let Asked { conditions, .. } = resolve(&mut conn, &search, &Scope::default()).await?;
                    let led = conditions.iter().position(|c| c.told && c.check.contains("who_a"));
                    let terms = led.and_then(|led| conditions.get(led)?.terms.clone()).unwrap_or_default();
                    let ours = gathered(&mut conn, &conditions, &terms, walk, wanted).await?;
                    Ok((ours, along(&mut conn, &conditions, &terms, walk, wanted).await?))
                })
                .unwrap();
            if let Some(ours) = ours {
                gathered_some.set(gathered_some.get() + usize::from(!ours.is_empty()));
                prop_assert_eq!(ours, theirs);
            }
            Ok(())
        });
        run.unwrap();
        assert!(gathered_some.get() > 30, "it gathered something: {}", gathered_some.get());
    }
}
