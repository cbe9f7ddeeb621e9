//! Walking to a page: which list to follow, and the statements that follow it.
//!
//! There are two ways to the next rows of a page. *Scanning* goes through the narrow strip of all recordings in order and checks
//! each; it is best when much is found. *Following* goes along the postings of one condition, in order too, and checks the others;
//! if they are very many lists, only along those that have something near ([`super::near`]).
//! What asks for two things of one call is answered by columns held in memory, if those can tell all of it ([`super::columns`]). Else a
//! short look at the nearest rows says how dense each condition is there, and from that what either way would cost.

use crate::Result;
use crate::bulk::Cell;
use crate::dialect::json_integers;
use crate::packed::Shelf;
use crate::sql::Conn;

use super::columns::{along_columns, question};
use super::gather::gathered;
use super::near::{Sought, along_near};
use super::resolve::{Condition, Stretch};
use super::statement::{following, looking_up, scanning};
use super::weigh::{cheapest, edge, rarest};

/// Fewer postings than this are followed without a further question. Tests have few recordings, and shall weigh their ways too.
const RARE: usize = if cfg!(test) { 8 } else { 400 };
/// Fewer postings are read to their end rather than all columns.
const SHORT: usize = if cfg!(test) { 12 } else { 20_000 };
/// One condition of so many terms is followed without a look at its density; one of parties however many they are.
const TOLD_TERMS_MAX: usize = 200;
/// Rows looked at to learn densities.
pub(super) const LOOK: i64 = if cfg!(test) { 50 } else { 4_000 };

/// A walk along a stretch of the list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    pub(super) stretch: Stretch,
    pub(super) descending: bool,
}

impl Walk {
    pub(super) const fn order(self) -> &'static str {
        if self.descending { "desc" } else { "asc" }
    }

    /// What is left of the walk behind `key`.
    pub(super) const fn behind(self, key: i64) -> Self {
        let mut stretch = self.stretch;
        if self.descending {
            stretch.high = key;
        } else {
            stretch.low = key.saturating_add(1);
        }
        Self { stretch, ..self }
    }

    /// The beginning of the walk, up to `key` with it.
    pub(super) const fn up_to(self, key: i64) -> Self {
        let mut stretch = self.stretch;
        if self.descending {
            stretch.low = key;
        } else {
            stretch.high = key.saturating_add(1);
        }
        Self { stretch, ..self }
    }

    /// What is left of the walk behind a beginning of it.
    pub(super) const fn past(self, beginning: Self) -> Self {
        let mut stretch = self.stretch;
        if self.descending {
            stretch.high = beginning.stretch.low;
        } else {
            stretch.low = beginning.stretch.high;
        }
        Self { stretch, ..self }
    }

    /// The beginning of the walk, of which `rest` is left.
    pub(super) const fn until(self, rest: Self) -> Self {
        let mut stretch = self.stretch;
        if self.descending {
            // A section may begin before the walk ends.
            stretch.low = if rest.stretch.high > stretch.low { rest.stretch.high } else { stretch.low };
        } else {
            stretch.high = if rest.stretch.low < stretch.high { rest.stretch.low } else { stretch.high };
        }
        Self { stretch, ..self }
    }

    pub(super) const fn is_empty(self) -> bool {
        self.stretch.low >= self.stretch.high
    }

    pub(super) fn sort(self, keys: &mut Vec<i64>) {
        keys.sort_unstable();
        keys.dedup();
        if self.descending {
            keys.reverse();
        }
    }
}

/// Finds the first `wanted` places of the walk that fulfil all conditions, in the walk's order.
pub(super) async fn keys(
    conn: &mut Conn,
    shelf: &Shelf,
    conditions: &[Condition],
    walk: Walk,
    wanted: usize,
) -> Result<Vec<i64>> {
    if walk.is_empty() || conditions.iter().any(Condition::is_hopeless) {
        return Ok(Vec::new());
    }
    if conditions.is_empty() || !conn.is_sqlite() {
        // PostgreSQL has statistics and chooses by itself.
        return scan(conn, conditions, walk, wanted).await;
    }
    if let [only] = conditions
        && let Some(terms) = only.terms.as_ref()
        && (terms.len() <= TOLD_TERMS_MAX || Sought::of(terms).is_some())
        && only.is_told_by_terms()
        && only.keys.is_empty()
    {
        // The postings say it alone, in order: nothing is cheaper, however many there are.
        return along_near(conn, &[], terms, (walk, wanted), wanted).await;
    }
    if let Some(rare) = rarest(conn, conditions, walk, RARE).await? {
        return follow(conn, conditions, (rare, RARE), walk, wanted).await;
    }
    if let Some(question) = question(conditions) {
        return match short(conn, conditions, walk, wanted).await? {
            Some(found) => Ok(found),
            None => along_columns(conn, shelf, &question, conditions, walk, wanted).await,
        };
    }
    let Some(edge) = edge(conn, walk, LOOK).await? else {
        return scan(conn, conditions, walk, wanted).await;
    };
    let near = walk.up_to(edge);
    let found = scan(conn, conditions, near, wanted).await?;
    if found.len() >= wanted {
        return Ok(found);
    }
    match cheapest(conn, conditions, (walk, near), found.len(), wanted).await? {
        Some(led) => follow(conn, conditions, led, walk, wanted).await,
        None => {
            let left = wanted.saturating_sub(found.len());
            let mut all = found;
            all.extend(scan(conn, conditions, walk.behind(edge), left).await?);
            Ok(all)
        }
    }
}

/// Follows a condition to the end of its lists, if they are short: that costs less than asking all columns for what may not be there.
async fn short(
    conn: &mut Conn,
    conditions: &[Condition],
    walk: Walk,
    wanted: usize,
) -> Result<Option<Vec<i64>>> {
    let Some(led) = rarest(conn, conditions, walk, SHORT).await? else { return Ok(None) };
    let terms = conditions.get(led).and_then(|led| led.terms.as_deref()).unwrap_or_default();
    if terms.len() == 1 {
        return follow(conn, conditions, (led, SHORT), walk, wanted).await.map(Some);
    }
    let others = conditions.iter().enumerate().filter(|(n, c)| *n != led || !c.is_told_by_terms());
    let others: Vec<Condition> = others.map(|(_, condition)| condition.clone()).collect();
    gathered(conn, &others, terms, walk, wanted).await
}

pub(super) fn ends(walk: Walk) -> Vec<Cell> {
    vec![walk.stretch.low.into(), walk.stretch.high.into()]
}

async fn scan(conn: &mut Conn, conditions: &[Condition], walk: Walk, wanted: usize) -> Result<Vec<i64>> {
    let (text, cells) = scanning(conn, conditions, walk, wanted);
    conn.rows_of(text, cells).await?.iter().map(|row| row.int(0)).collect()
}

/// Follows the postings of condition `led`, of which some `expected` fill the page, and checks the others.
async fn follow(
    conn: &mut Conn,
    conditions: &[Condition],
    (led, expected): (usize, usize),
    walk: Walk,
    wanted: usize,
) -> Result<Vec<i64>> {
    let Some(condition) = conditions.get(led) else { return Ok(Vec::new()) };
    let terms = condition.terms.clone().unwrap_or_default();
    let mut found = if condition.keys.is_empty() {
        Vec::new()
    } else {
        let among = Condition {
            check: format!("r.order_key in {}", conn.integers()),
            values: vec![json_integers(&condition.keys)],
            ..Condition::default()
        };
        let all: Vec<Condition> = conditions.iter().cloned().chain([among]).collect();
        let (text, cells) = looking_up(conn, &all, walk, wanted);
        conn.rows_of(text, cells).await?.iter().map(|row| row.int(0)).collect::<Result<_>>()?
    };
    // What its postings tell alone is not compared once more: it may be a set of thousands.
    let others = conditions.iter().enumerate().filter(|(n, c)| *n != led || !c.is_told_by_terms());
    let others: Vec<Condition> = others.map(|(_, condition)| condition.clone()).collect();
    found.extend(along_near(conn, &others, &terms, (walk, wanted), expected).await?);
    walk.sort(&mut found);
    found.truncate(wanted);
    Ok(found)
}

/// Follows the postings of terms in order, and checks the conditions.
pub(super) async fn along(
    conn: &mut Conn,
    conditions: &[Condition],
    terms: &[i64],
    walk: Walk,
    wanted: usize,
) -> Result<Vec<i64>> {
    // A recording stands in the lists of both its parties, so a list of lists may name it twice.
    let at_once = if terms.len() > 1 { wanted.saturating_add(wanted / 4) } else { wanted };
    let mut rest = walk;
    let mut along: Vec<i64> = Vec::new();
    while !terms.is_empty() && along.len() < wanted {
        let (text, cells) = following(conn, conditions, terms, rest, at_once);
        let rows = conn.rows_of(text, cells).await?;
        for row in &rows {
            along.push(row.int(0)?);
        }
        along.dedup();
        match along.last() {
            Some(last) if rows.len() >= at_once => rest = walk.behind(*last),
            Some(_) | None => break,
        }
    }
    along.truncate(wanted);
    Ok(along)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What every other way is held against.
    pub(in crate::search) async fn scanned(
        conn: &mut Conn,
        conditions: &[Condition],
        walk: Walk,
        wanted: usize,
    ) -> Result<Vec<i64>> {
        scan(conn, conditions, walk, wanted).await
    }
}
