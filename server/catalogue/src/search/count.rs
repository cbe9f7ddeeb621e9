//! Counting what a search finds, as far as it is worth it.

use crate::bulk::Cell;
use crate::dialect::json_integers;
use crate::sql::Conn;
use crate::{COUNT_MAX, Count, Result};

use super::Filter;
use super::resolve::{Condition, Stretch};
use super::statement::strip;
use super::walk::{Walk, ends};
use super::weigh::{edge, rarest};

/// What counting may look at: postings followed with checks, rows scanned, and rows whose parties are compared with a text.
const COUNT_FOLLOWED_MAX: usize = 5_000;
const COUNT_SCANNED_MAX: i64 = 100_000;
const COUNT_COMPARED_MAX: i64 = 2_000;

/// Counts what fulfils all conditions, as far as it is worth it.
pub(super) async fn count(conn: &mut Conn, conditions: &[Condition], stretch: Stretch) -> Result<Count> {
    let walk = Walk { stretch, descending: true };
    if walk.is_empty() || conditions.iter().any(Condition::is_hopeless) {
        return Ok(Count::default());
    }
    let limit = COUNT_MAX.saturating_add(1);
    let mut filter = Filter::default();
    if let ([only], true) = (conditions, conn.is_sqlite())
        && let Some(terms) = only.terms.as_ref().filter(|_| only.keys.is_empty() && only.is_told_by_terms())
    {
        // The postings say it alone.
        let text = format!(
            "select count(*) from (select distinct order_key from posting where term in {} and order_key >= ? \
             and order_key < ? limit {limit}) n",
            conn.integers()
        );
        let cells = vec![json_integers(terms), stretch.low.into(), stretch.high.into()];
        let text = filter.number(&text, cells);
        let n = one(conn, text, filter.cells).await?;
        return Ok(Count { n: n.min(COUNT_MAX), more: n > COUNT_MAX });
    }
    let led = if conn.is_sqlite() { rarest(conn, conditions, walk, COUNT_FOLLOWED_MAX).await? } else { None };
    let (walk, is_all) = if let Some(condition) = led.and_then(|n| conditions.get(n)) {
        let list = format!(
            "select order_key from posting where term in {} and order_key >= ? and order_key < ?",
            conn.integers()
        );
        let mut values = vec![json_integers(condition.terms.as_deref().unwrap_or_default())];
        values.extend(ends(walk));
        let list = if condition.keys.is_empty() {
            format!("r.order_key in ({list})")
        } else {
            values.push(json_integers(&condition.keys));
            format!("(r.order_key in ({list}) or r.order_key in {})", conn.integers())
        };
        filter.add(&list, Some(values));
        (walk, true)
    } else {
        let is_slow = conditions.iter().any(|condition| condition.is_slow);
        let rows = if is_slow { COUNT_COMPARED_MAX } else { COUNT_SCANNED_MAX };
        match edge(conn, walk, rows).await? {
            Some(edge) if !conditions.is_empty() => (walk.up_to(edge), false),
            Some(_) | None => (walk, true),
        }
    };
    filter.add("r.order_key >= ? and r.order_key < ?", Some(ends(walk)));
    add_all(&mut filter, conditions);
    let text = format!(
        "select count(*) from (select 1 from {}{} limit {limit}) n",
        strip(conn),
        filter.clause("where")
    );
    let n = one(conn, text, filter.cells).await?;
    Ok(Count { n: n.min(COUNT_MAX), more: n > COUNT_MAX || !is_all })
}

fn add_all(filter: &mut Filter, conditions: &[Condition]) {
    for condition in conditions {
        filter.add(&condition.check, Some(condition.values.clone()));
    }
}

async fn one(conn: &mut Conn, text: String, cells: Vec<Cell>) -> Result<u64> {
    let rows = conn.rows_of(text, cells).await?;
    rows.first().map_or(Ok(0), |row| row.number(0, "count"))
}
