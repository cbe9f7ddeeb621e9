//! What either way to a page would cost, from a short look at the nearest rows.

use crate::Result;
use crate::dialect::json_integers;
use crate::glance;
use crate::sql::Conn;

use super::Filter;
use super::near::Sought;
use super::resolve::Condition;
use super::statement::strip;
use super::walk::{LOOK, Walk, ends};

/// Lists of so many terms are asked how many postings they have.
const PROBED_TERMS_MAX: usize = 64;
/// Rough costs in nanoseconds, measured on an encrypted database of ten million recordings: a row scanned, a posting followed and
/// checked, a list begun. Rows scanned share a page of the file with a hundred others; what is followed lies on a page of its own.
const SCAN_NS: f64 = 1_500.0;
const FOLLOW_NS: f64 = 15_000.0;
/// What a posting followed costs if a glance at it refuses the row: alone, and one of many lists.
const GLANCE_NS: f64 = 1_500.0;
const GLANCE_OF_MANY_NS: f64 = 8_000.0;
pub(super) const BEGIN_NS: f64 = 15_000.0;
/// What a row costs if only its section is read.
const SECTION_NS: f64 = 60.0;
/// What a row scanned costs more for each further condition, and if its parties must be compared with a text.
const CHECK_NS: f64 = 700.0;
const COMPARE_NS: f64 = 10_000.0;
/// Postings of a condition are counted up to so many before it is followed to its end.
const FEW: usize = 10_000;
/// How far a condition may be from anything that was seen: recordings of the largest installation.
const ALL_ROWS: f64 = 1e7;

/// The place so many rows from the beginning; `None`: there are not so many.
pub(super) async fn edge(conn: &mut Conn, walk: Walk, rows: i64) -> Result<Option<i64>> {
    let text = format!(
        "select r.order_key from {} where r.order_key >= $1 and r.order_key < $2 order by r.order_key {} limit 1 offset $3",
        strip(conn),
        walk.order()
    );
    let cells = vec![walk.stretch.low.into(), walk.stretch.high.into(), rows.into()];
    let rows = conn.rows_kept(text, cells).await?;
    rows.first().map(|row| row.int(0)).transpose()
}

/// Finds the condition with the fewest postings, if it has fewer than `limit`.
pub(super) async fn rarest(
    conn: &mut Conn,
    conditions: &[Condition],
    walk: Walk,
    limit: usize,
) -> Result<Option<usize>> {
    let mut best: Option<(usize, usize)> = None;
    for (n, condition) in conditions.iter().enumerate() {
        let Some(terms) = condition.terms.as_ref().filter(|t| t.len() <= PROBED_TERMS_MAX) else { continue };
        let postings = postings(conn, terms, walk, limit).await?.saturating_add(condition.keys.len());
        if postings < limit && best.is_none_or(|(_, fewest)| postings < fewest) {
            best = Some((n, postings));
        }
    }
    Ok(best.map(|(n, _)| n))
}

/// Weighs the ways by what was found near the beginning: the condition to follow, and how many of its postings are expected to
/// fill the page. `None`: go on scanning.
pub(super) async fn cheapest(
    conn: &mut Conn,
    conditions: &[Condition],
    (walk, near): (Walk, Walk),
    found: usize,
    wanted: usize,
) -> Result<Option<(usize, usize)>> {
    let looked = float(LOOK);
    let Some(mut seen) = look(conn, conditions, near).await? else { return Ok(None) };
    if seen.contains(&0.0)
        && let Some(far) = amid(conn, walk).await?
        && let Some(there) = look(conn, conditions, far).await?
    {
        // What is not near may be rare, or only not here: a night, a burst of other calls.
        for (seen, there) in seen.iter_mut().zip(there).filter(|(seen, _)| **seen == 0.0) {
            *seen = there;
        }
    }
    let shares: Vec<f64> = seen.into_iter().map(|seen| seen.max(0.3) / looked).collect();
    // If nothing fulfilled all of them, they are taken to have nothing to do with each other.
    let share = if found == 0 { shares.iter().product() } else { float_of(found) / looked };
    // Rows that must be passed until the page is full.
    let span = (float_of(wanted) / share).min(ALL_ROWS);
    let slow = conditions.iter().filter(|condition| condition.is_slow).count();
    let checked = float_of(conditions.len()) * CHECK_NS + float_of(slow) * COMPARE_NS;
    let mut best = (None, span * (SCAN_NS + checked));
    for (n, (condition, share)) in conditions.iter().zip(&shares).enumerate() {
        let Some(terms) = &condition.terms else { continue };
        let all_begun = float_of(terms.len()) * BEGIN_NS;
        let mut followed = span * share;
        if followed * FOLLOW_NS > best.1.min(float_of(FEW) * FOLLOW_NS) && terms.len() <= PROBED_TERMS_MAX {
            // It may have fewer in all than were expected from what was seen.
            let all = postings(conn, terms, walk, FEW).await?.saturating_add(condition.keys.len());
            followed = if all < FEW { followed.min(float_of(all)) } else { followed };
        }
        let near_begun = span * SECTION_NS + followed * BEGIN_NS;
        let begun = if Sought::of(terms).is_some() { all_begun.min(near_begun) } else { all_begun };
        let others = conditions.iter().enumerate().filter(|(other, _)| *other != n);
        let each = if conditions.len() > 1 && others.clone().all(|(_, other)| is_seen(other, terms)) {
            if terms.len() > 1 { GLANCE_OF_MANY_NS } else { GLANCE_NS }
        } else {
            FOLLOW_NS
        };
        let cost = begun + followed * each + float_of(wanted) * FOLLOW_NS;
        if cost < best.1 {
            best = (Some((n, rounded(followed))), cost);
        }
    }
    Ok(best.0)
}

/// Counts postings of terms, at most `limit`.
async fn postings(conn: &mut Conn, terms: &[i64], walk: Walk, limit: usize) -> Result<usize> {
    if terms.is_empty() {
        return Ok(0);
    }
    let text = format!(
        "select count(*) from (select 1 from posting where term in {} and order_key >= ? and order_key < ? limit {limit}) n",
        conn.integers()
    );
    let mut filter = Filter::default();
    let cells = vec![json_integers(terms), walk.stretch.low.into(), walk.stretch.high.into()];
    let text = filter.number(&text, cells);
    let rows = conn.rows_of(text, filter.cells).await?;
    rows.first().map_or(Ok(0), |row| row.number(0, "count"))
}

/// Counts in a part of the walk how many rows fulfil each condition.
async fn look(conn: &mut Conn, conditions: &[Condition], part: Walk) -> Result<Option<Vec<f64>>> {
    let mut filter = Filter::default();
    let sums: Vec<String> = conditions
        .iter()
        .map(|c| {
            let check = filter.number(&c.check, c.values.clone());
            format!("cast(coalesce(sum(case when {check} then 1 else 0 end), 0) as bigint)")
        })
        .collect();
    filter.add("r.order_key >= ? and r.order_key < ?", Some(ends(part)));
    let text = format!("select {} from {}{}", sums.join(", "), strip(conn), filter.clause("where"));
    let rows = conn.rows_of(text, filter.cells).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    (0..conditions.len()).map(|n| Ok(float(row.int(n)?.max(0)))).collect::<Result<_>>().map(Some)
}

/// As many rows as were looked at near the beginning, from the middle of the walk on.
async fn amid(conn: &mut Conn, walk: Walk) -> Result<Option<Walk>> {
    // Two questions: SQLite answers one extreme from the end of an index, and both by reading all of it.
    let end = |extreme: &str| format!("(select {extreme}(r.order_key) from {})", strip(conn));
    let text = format!("select {}, {}", end("min"), end("max"));
    let rows = conn.rows_kept(text, Vec::new()).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (low, high) = (walk.stretch.low.max(row.int(0)?), walk.stretch.high.min(row.int(1)?));
    let middle = low.saturating_add(high.saturating_sub(low) / 2);
    let rest = if walk.descending { walk.behind(middle) } else { walk.behind(middle.saturating_sub(1)) };
    Ok(edge(conn, rest, LOOK).await?.map(|edge| rest.up_to(edge)))
}

/// Tells whether a glance at postings of these terms refuses what does not fulfil the condition.
fn is_seen(condition: &Condition, terms: &[i64]) -> bool {
    glance::all(condition.refusal.iter(), terms).is_some()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate")]
const fn rounded(n: f64) -> usize {
    n as usize
}

#[allow(clippy::cast_precision_loss, reason = "an estimate")]
const fn float_of(n: usize) -> f64 {
    n as f64
}

#[allow(clippy::cast_precision_loss, reason = "an estimate")]
const fn float(n: i64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "tests"
    )]

    use shared::{Party, UtcMicros};

    use super::*;
    use crate::search::resolve::{Asked, resolve};
    use crate::{Catalogue, CatalogueKey, PartyRow, Scope, Search};

    /// Two hundred calls, one a minute: the older half are all of Zoes on the tap "annexe", and of the newer half none is.
    fn with_a_burst(folder: &std::path::Path) -> Catalogue {
        let catalogue =
            Catalogue::create(&folder.join("c.db"), &CatalogueKey::new([7; 32]), UtcMicros(1)).unwrap();
        let rows = (1..=200_u8).map(|n| {
            let mut row = crate::tests::row(n);
            row.facts.started_at = UtcMicros(i64::from(n) * 60_000_000);
            let (name, tap) = if n <= 100 { ("Zoe", "annexe") } else { ("Bob", "main") };
            row.facts.tap_name = tap.to_owned();
            let number = format!("27825550{:03}", n % 100);
            let party = Party { display: name.to_owned(), number, ..Party::default() };
            row.parties = vec![PartyRow { role: crate::PartyRole::Caller, party }];
            row
        });
        catalogue.insert_batch(rows.collect(), vec![]).unwrap();
        catalogue
    }

    #[test]
    fn what_is_not_near_is_looked_for_amid_all() {
        let folder = tempfile::tempdir().unwrap();
        let catalogue = with_a_burst(folder.path());
        let search = Search { name: Some("zoe".into()), tap: Some("annexe".into()), ..Search::default() };
        let db = catalogue.db.clone();
        let done = catalogue.block(async move {
            let mut conn = db.reader().await?;
            let Asked { stretch, conditions } = resolve(&mut conn, &search, &Scope::default()).await?;
            assert_eq!(conditions.len(), 2);
            for (descending, near_both, amid_both) in [(true, 0.0, 50.0), (false, 50.0, 0.0)] {
                let walk = Walk { stretch, descending };
                let near = walk.up_to(edge(&mut conn, walk, LOOK).await?.unwrap());
                let seen = look(&mut conn, &conditions, near).await?.unwrap();
                assert!(seen.iter().all(|n| (n - near_both).abs() < 1.5), "near, {descending}: {seen:?}");
                let far = amid(&mut conn, walk).await?.unwrap();
                let seen = look(&mut conn, &conditions, far).await?.unwrap();
                assert!(seen.iter().all(|n| (n - amid_both).abs() < 1.5), "amid, {descending}: {seen:?}");
                assert!(far.stretch.low >= walk.stretch.low && far.stretch.high <= walk.stretch.high);
            }
            // Newest first nothing of it is near. Were that taken for all there is, ten million rows were thought to be passed for
            // a page; amid all every row has both, so scanning on is as good as anything.
            let walk = Walk { stretch, descending: true };
            let near = walk.up_to(edge(&mut conn, walk, LOOK).await?.unwrap());
            let with = cheapest(&mut conn, &conditions, (walk, near), 0, 10).await?;
            assert_eq!(with, None, "a page is a few rows away, as far as can be seen");
            // Where the walk ends before the older half there is nothing amid it either: the lists are followed to their end.
            let newer =
                Walk { stretch: super::super::resolve::Stretch { low: place(101), ..stretch }, ..walk };
            let near = newer.up_to(edge(&mut conn, newer, LOOK).await?.unwrap());
            let without = cheapest(&mut conn, &conditions, (newer, near), 0, 10).await?;
            assert!(without.is_some(), "what is nowhere in sight is followed in its lists");
            // Too little is left to look at.
            let last =
                Walk { stretch: super::super::resolve::Stretch { low: place(160), ..stretch }, ..walk };
            assert!(amid(&mut conn, last).await?.is_none());
            Ok(())
        });
        done.unwrap();
    }

    fn place(minute: i64) -> i64 {
        crate::index::place_at(minute * 60_000_000)
    }
}
