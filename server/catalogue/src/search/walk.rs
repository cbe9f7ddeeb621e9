//! Walking to a page: which list to follow, and the statements that follow it.
//!
//! There are two ways to the next rows of a page. *Scanning* goes through the narrow strip of all recordings in order and checks
//! each; it is best when much is found. *Following* goes along the postings of one condition, in order too, and checks the others;
//! if they are very many lists, only along those that have something near ([`super::near`]).
//! A short look at the nearest rows says how dense each condition is there, and from that what either way would cost.

use crate::Result;
use crate::bulk::Cell;
use crate::dialect::json_integers;
use crate::glance;
use crate::sql::Conn;

use super::Filter;
use super::near::{Sought, along_near};
use super::resolve::{Condition, Stretch};

/// Fewer postings than this are followed without a further question.
const RARE: usize = 400;
/// Lists of so many terms are asked how many postings they have.
const PROBED_TERMS_MAX: usize = 64;
/// One condition of so many terms is followed without a look at its density; one of parties however many they are.
const TOLD_TERMS_MAX: usize = 200;
/// Rows looked at to learn densities.
const LOOK: i64 = 4_000;
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
/// A condition of so few terms is asked of its postings before the row is read: they lie closer together than rows do.
const ASKED_TERMS_MAX: usize = 4;
/// Postings of a condition are counted up to so many before it is followed to its end.
const FEW: usize = 10_000;
/// How far a condition may be from anything that was seen: recordings of the largest installation.
const ALL_ROWS: f64 = 1e7;
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

    fn sort(self, keys: &mut Vec<i64>) {
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

/// Weighs the ways by what was found near the beginning: the condition to follow, and how many of its postings are expected to
/// fill the page. `None`: go on scanning.
async fn cheapest(
    conn: &mut Conn,
    conditions: &[Condition],
    (walk, near): (Walk, Walk),
    found: usize,
    wanted: usize,
) -> Result<Option<(usize, usize)>> {
    let mut filter = Filter::default();
    let sums: Vec<String> = conditions
        .iter()
        .map(|c| {
            let check = filter.number(&c.check, c.values.clone());
            format!("cast(coalesce(sum(case when {check} then 1 else 0 end), 0) as bigint)")
        })
        .collect();
    filter.add("r.order_key >= ? and r.order_key < ?", Some(ends(near)));
    let text = format!("select {} from {}{}", sums.join(", "), strip(conn), filter.clause("where"));
    let rows = conn.rows_of(text, filter.cells).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let looked = float(LOOK);
    let shares = (0..conditions.len())
        .map(|n| Ok(float(row.int(n)?.max(0)).max(0.3) / looked))
        .collect::<Result<Vec<f64>>>()?;
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

pub(super) fn ends(walk: Walk) -> Vec<Cell> {
    vec![walk.stretch.low.into(), walk.stretch.high.into()]
}

/// The narrow strip of all recordings.
pub(super) const fn strip(conn: &Conn) -> &'static str {
    if conn.is_sqlite() { "recording r indexed by recording_in_order" } else { "recording r" }
}

async fn scan(conn: &mut Conn, conditions: &[Condition], walk: Walk, wanted: usize) -> Result<Vec<i64>> {
    let (text, cells) = scanning(conn, conditions, walk, wanted);
    conn.rows_of(text, cells).await?.iter().map(|row| row.int(0)).collect()
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

/// Lists the terms of a condition of few: numbers of our own, so they may stand in the text.
fn few_terms(condition: &Condition) -> Option<String> {
    let terms = condition.terms.as_ref().filter(|_| condition.keys.is_empty())?;
    let few = (1..=ASKED_TERMS_MAX).contains(&terms.len());
    few.then(|| format!("({})", terms.iter().map(i64::to_string).collect::<Vec<_>>().join(",")))
}

/// Writes the statement that looks up places known outright.
fn looking_up(conn: &Conn, conditions: &[Condition], walk: Walk, wanted: usize) -> (String, Vec<Cell>) {
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
