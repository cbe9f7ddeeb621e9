//! The statements that follow a list: the strip of all recordings, or the postings of terms.

use crate::bulk::Cell;
use crate::dialect::json_integers;
use crate::glance;
use crate::sql::Conn;

use super::Filter;
use super::resolve::Condition;
use super::walk::{Walk, ends};

/// A condition of so few terms is asked of its postings before the row is read: they lie closer together than rows do.
const ASKED_TERMS_MAX: usize = 4;

/// The narrow strip of all recordings.
pub(super) const fn strip(conn: &Conn) -> &'static str {
    if conn.is_sqlite() { "recording r indexed by recording_in_order" } else { "recording r" }
}

/// Writes the statement that scans.
pub(super) fn scanning(
    conn: &Conn,
    conditions: &[Condition],
    walk: Walk,
    wanted: usize,
) -> (String, Vec<Cell>) {
    let mut filter = Filter::default();
    filter.add("r.order_key >= ? and r.order_key < ?", Some(ends(walk)));
    for condition in conditions {
        filter.add(&condition.check, Some(condition.values.clone()));
    }
    let text = format!(
        "select r.order_key from {}{} order by r.order_key {} limit {wanted}",
        strip(conn),
        filter.clause("where"),
        walk.order()
    );
    (text, filter.cells)
}

/// Writes the statement that looks up places known outright.
pub(super) fn looking_up(
    conn: &Conn,
    conditions: &[Condition],
    walk: Walk,
    wanted: usize,
) -> (String, Vec<Cell>) {
    let (text, cells) = scanning(conn, conditions, walk, wanted);
    (text.replacen(strip(conn), "recording r", 1), cells)
}

/// Writes the statement that follows the postings of terms in order.
pub(super) fn following(
    conn: &Conn,
    conditions: &[Condition],
    terms: &[i64],
    walk: Walk,
    wanted: usize,
) -> (String, Vec<Cell>) {
    let mut filter = Filter::default();
    let order = walk.order();
    let refusal = glance::all(conditions.iter().filter_map(|c| c.refusal.as_ref()), terms);
    let (with, list) = match terms {
        [one] => {
            let list = filter.number(
                "(select term as t, order_key, glance as g from posting where term = ? and order_key >= ? and order_key < ?",
                vec![Cell::Int(*one), walk.stretch.low.into(), walk.stretch.high.into()],
            );
            (String::new(), format!("{list} order by order_key {order}) m"))
        }
        _ => {
            // A queue that always gives its first: SQLite's recursive query with an order. Each step takes the next place of
            // the list from which the last one came, so that nothing is read that the page does not need.
            let (extreme, beyond) = if walk.descending { ("max", "<") } else { ("min", ">") };
            let next = |bound: &str| {
                format!(
                    "(select {extreme}(p.order_key) from posting p where p.term = {{t}} and p.order_key {beyond} {bound} \
                     and p.order_key {} ?)",
                    if walk.descending { ">=" } else { "<" }
                )
            };
            let (first, edge) = if walk.descending {
                (walk.stretch.high, walk.stretch.low)
            } else {
                (walk.stretch.low.saturating_sub(1), walk.stretch.high)
            };
            let begin = next("?").replace("{t}", "t.value");
            let step = next("m.order_key").replace("{t}", "m.term");
            let text = format!(
                "with recursive m (term, order_key) as (select t.value, {begin} from json_each(?) t \
                 union all select m.term, {step} from m where m.order_key is not null order by 2 {order}) "
            );
            let values = vec![Cell::Int(first), Cell::Int(edge), json_integers(terms), Cell::Int(edge)];
            // Once more the posting that was just read, for the glance.
            let seen = if refusal.is_some() {
                "m cross join (select term as t, order_key as k, glance as g from posting) seen on seen.t = m.term and seen.k = m.order_key"
            } else {
                "m"
            };
            (filter.number(&text, values), seen.to_owned())
        }
    };
    filter.add("m.order_key is not null", Some(vec![]));
    if let Some(refusal) = refusal {
        filter.add(&format!("(g is null or {})", refusal.text), Some(refusal.values));
    }
    for terms in conditions.iter().filter_map(few_terms) {
        let asked =
            format!("exists (select 1 from posting x where x.term in {terms} and x.order_key = m.order_key)");
        filter.add(&asked, Some(vec![]));
    }
    for condition in conditions {
        filter.add(&condition.check, Some(condition.values.clone()));
    }
    // SQLite forgets the order of a list inside a query that asks for none; the queue above keeps its own.
    let sorted = if with.is_empty() { format!(" order by m.order_key {order}") } else { String::new() };
    // What the postings say alone needs no look at the rows: each would lie on another page of the file.
    let rows = if conditions.is_empty() {
        String::new()
    } else {
        format!(" cross join {} on r.order_key = m.order_key", strip(conn))
    };
    let text = format!(
        "{with}select m.order_key from {list}{rows}{}{sorted} limit {wanted}",
        filter.clause("where")
    );
    (text, filter.cells)
}

/// Lists the terms of a condition of few: numbers of our own, so they may stand in the text.
pub(super) fn few_terms(condition: &Condition) -> Option<String> {
    let terms = condition.terms.as_ref().filter(|_| condition.keys.is_empty())?;
    let few = (1..=ASKED_TERMS_MAX).contains(&terms.len());
    few.then(|| format!("({})", terms.iter().map(i64::to_string).collect::<Vec<_>>().join(",")))
}
