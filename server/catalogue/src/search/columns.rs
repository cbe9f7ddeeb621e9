//! Answering a search for several things of one call from columns held in memory.
//!
//! Every section of the list is asked in the order of the walk; what may fulfil the search is held against its rows, until the page is
//! full. It costs the same whether a condition is a name or a hundred thousand numbers, and a few nanoseconds for each recording.

use crate::Result;
use crate::packed::{self, Question, Shelf};
use crate::sql::Conn;

use super::gather::held_against_rows;
use super::resolve::{Column, Condition};
use super::walk::Walk;

/// Sections listed at first and at most; each time twice as many.
const LISTED: usize = if cfg!(test) { 2 } else { 32 };
const LISTED_MAX: usize = 1_024;

/// Returns what to ask of the columns; `None` if a single condition is asked, which its postings answer, or if columns cannot answer all.
pub(super) fn question(conditions: &[Condition]) -> Option<Question> {
    if conditions.len() < 2 {
        return None;
    }
    let mut question = Question::default();
    for condition in conditions {
        let is_asked = match condition.column.as_ref().filter(|_| condition.keys.is_empty())? {
            Column::Party(who) => question.ask_party(who),
            Column::Facet(ids) => question.ask_facet(ids),
            Column::Length(min, max) => question.ask_length((*min, *max)),
            Column::Gap(wanted) => question.ask_gap(*wanted),
        };
        is_asked.then_some(())?;
    }
    Some(question)
}

/// Finds the first `wanted` places of the walk that fulfil all conditions, in the walk's order.
pub(super) async fn along_columns(
    conn: &mut Conn,
    shelf: &Shelf,
    question: &Question,
    conditions: &[Condition],
    walk: Walk,
    wanted: usize,
) -> Result<Vec<i64>> {
    // Sections are read in several statements, and one that is made anew meanwhile must not fall between two of them.
    conn.begin_look().await?;
    let found = asked(conn, shelf, question, conditions, walk, wanted).await;
    conn.settle(found).await
}

async fn asked(
    conn: &mut Conn,
    shelf: &Shelf,
    question: &Question,
    conditions: &[Condition],
    walk: Walk,
    wanted: usize,
) -> Result<Vec<i64>> {
    let (mut found, mut may_be): (Vec<i64>, Vec<i64>) = (Vec::new(), Vec::new());
    let (mut rest, mut at_once) = (walk, LISTED);
    while !rest.is_empty() {
        let stretch = rest.stretch;
        // One more than are read: an ascending walk goes on where it begins.
        let more = at_once.saturating_add(1);
        let listed = packed::listed(conn, (stretch.low, stretch.high), rest.descending, more).await?;
        let these = listed.len().min(at_once);
        for n in 0..these {
            let behind = listed.get(n..these).unwrap_or_default();
            let Some(section) = shelf.take(conn, behind).await? else { continue };
            let begin = may_be.len();
            section.answer(question, |place| {
                if (stretch.low..stretch.high).contains(&place) {
                    may_be.push(place);
                }
            })?;
            if walk.descending {
                may_be.get_mut(begin..).unwrap_or_default().reverse();
            }
            if found.len().saturating_add(may_be.len()) >= wanted {
                check(conn, conditions, walk, wanted, (&mut found, &mut may_be)).await?;
            }
            if found.len() >= wanted {
                return Ok(found);
            }
        }
        let Some((next, _)) = listed.get(these) else { break };
        let last = listed.get(these.saturating_sub(1)).map_or(0, |(from, _)| *from);
        rest = rest.behind(if walk.descending { last } else { next.saturating_sub(1) });
        at_once = at_once.saturating_mul(2).min(LISTED_MAX);
    }
    check(conn, conditions, walk, wanted, (&mut found, &mut may_be)).await?;
    Ok(found)
}

/// Holds what the columns found against its rows.
async fn check(
    conn: &mut Conn,
    conditions: &[Condition],
    walk: Walk,
    wanted: usize,
    (found, may_be): (&mut Vec<i64>, &mut Vec<i64>),
) -> Result<()> {
    let left = wanted.saturating_sub(found.len());
    found.extend(held_against_rows(conn, conditions, may_be, walk, left).await?);
    may_be.clear();
    Ok(())
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
    use crate::search::walk::tests::scanned;
    use crate::{Catalogue, CatalogueKey, PartyRole, PartyRow, RecordingRow, Scope, Search};

    const MINUTE: i64 = 60_000_000;

    fn call(n: u8, part: u16) -> RecordingRow {
        let mut row = crate::tests::row(n);
        // An earlier part that turns up late moves the recording; a later one brings a further party.
        row.facts.started_at = UtcMicros(i64::from(n) * MINUTE - i64::from(part) * 7 * MINUTE);
        row.facts.ended_at = row.facts.started_at.plus(1_000 << (n % 20));
        row.facts.tap_name = format!("tap {}", n % 2);
        let dice = u32::from(n) * 7_919 % 211;
        let party = |role, number: String, display: &str| PartyRow {
            role,
            party: Party { number, display: display.to_owned(), ..Party::default() },
        };
        row.parties = vec![
            party(PartyRole::Caller, format!("2782{:04}", dice % 50), ""),
            party(
                PartyRole::Called,
                format!("311{}", dice % 5),
                if dice % 3 == 0 { "Thandi" } else { "Peter" },
            ),
        ];
        if n.is_multiple_of(9) || part > 0 {
            row.parties.push(party(PartyRole::Other, "3114".to_owned(), "Zoe"));
        }
        row.legs.iter_mut().for_each(|leg| leg.gaps.0[1] = u64::from(dice % 3 == 0));
        (row.part.part, row.part.path) = (part, format!("live/{n}-{part}"));
        row
    }

    #[test]
    fn columns_find_what_scanning_finds_in_the_same_order_while_recordings_are_entered() {
        let folder = tempfile::tempdir().unwrap();
        let (path, key) = (folder.path().join("c.db"), CatalogueKey::new([7; 32]));
        let catalogue = Catalogue::create(&path, &key, UtcMicros(1)).unwrap();
        // What another program writes counts as much.
        let other = Catalogue::open(&path, &key, UtcMicros(1)).unwrap();
        let asked = (
            proptest::option::of(prop_oneof![
                Just("2782"),
                Just("00"),
                Just("004"),
                Just("3114"),
                Just("99")
            ]),
            proptest::option::of(prop_oneof![Just("thandi"), Just("peter"), Just("zoe")]),
            proptest::option::of(prop_oneof![Just("311*"), Just("3112"), Just("3113-3114")]),
            proptest::option::of(Just("tap 1")),
            proptest::option::of(any::<bool>()),
            proptest::option::of(0_u64..200_000),
            (0_i64..210, 0_i64..210, any::<bool>(), 1_usize..60),
        );
        let mut runner =
            TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
        let (entered, some) = (std::cell::Cell::new(0_u8), std::cell::Cell::new(0));
        let run =
            runner.run(&asked, |(number, name, extension, tap, gap, min_us, (a, b, descending, wanted))| {
                // In an order that is not the list's, by either of the two, now and then a second part.
                let n = entered.get();
                entered.set(n.saturating_add(1));
                if n < 200 {
                    let by = if n % 3 == 0 { &other } else { &catalogue };
                    let place = u8::try_from(u16::from(n) * 37 % 200).unwrap() + 1;
                    by.insert_batch(vec![call(place, 0)], vec![]).unwrap();
                    if n % 7 == 0 {
                        by.insert_batch(vec![call(place, 1)], vec![]).unwrap();
                    }
                }
                let search = Search {
                    number: number.map(str::to_owned),
                    name: name.map(str::to_owned),
                    extension: extension.map(|e| e.parse().unwrap()),
                    tap: tap.map(str::to_owned),
                    has_gap: gap,
                    min_us,
                    ..Search::default()
                };
                let stretch = Stretch { low: place_at(a.min(b) * MINUTE), high: place_at(a.max(b) * MINUTE) };
                let walk = Walk { stretch, descending };
                let (db, shelf) = (catalogue.db.clone(), std::sync::Arc::clone(&catalogue.shelf));
                let found = catalogue.block(async move {
                    let mut conn = db.reader().await?;
                    let Asked { conditions, .. } = resolve(&mut conn, &search, &Scope::default()).await?;
                    let Some(question) = question(&conditions) else { return Ok(None) };
                    let ours = along_columns(&mut conn, &shelf, &question, &conditions, walk, wanted).await?;
                    Ok(Some((ours, scanned(&mut conn, &conditions, walk, wanted).await?)))
                });
                if let Some((ours, theirs)) = found.unwrap() {
                    some.set(some.get() + usize::from(!ours.is_empty()));
                    prop_assert_eq!(ours, theirs);
                }
                Ok(())
            });
        run.unwrap();
        assert!(some.get() > 30, "it found something: {}", some.get());
    }
}
