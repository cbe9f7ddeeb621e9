//! From what was asked to conditions: what a row must fulfil, and which postings lead to rows that may.
//!
//! Dictionaries are asked first. They are small (distinct parties, words, taps), so a part of a number or the beginning of a name
//! becomes a set of terms in a few milliseconds, and an unknown one ends the search at once.

use std::collections::BTreeSet;

use shared::{PatternForm, UtcMicros};

use crate::among::Among;
use crate::bulk::Cell;
use crate::dialect::json_integers;
use crate::glance::{self, Refusal};
use crate::index::{GAP, HELD, Kind, length_class, place_at};
use crate::sql::Conn;
use crate::text::{behind, fold, fold_number, literal, words};
use crate::{CatalogueError, ExtensionPattern, Result, Scope, Search};

/// Beyond so many rows of a dictionary a filter is no longer a set, but a condition on texts.
const SET_MAX: usize = 50_000;
/// The same for parts of one or two characters, which are in many numbers.
const SHORT_MAX: usize = 2_000;
/// Beyond so many rows a scope or the words of labels cannot be held against rows.
const SCOPE_MAX: usize = 500_000;
/// So many recordings by the beginning of their reference are looked up outright.
const REFERENCES_MAX: usize = 1_000;
/// The most characters of a filter, and the most words of one.
const TEXT_MAX: usize = 1_000;
const WORDS_MAX: usize = 12;

/// One thing that a recording must fulfil.
#[derive(Clone, Debug, Default)]
pub(super) struct Condition {
    /// SQL on `recording r`, each `?` one value.
    pub(super) check: String,
    pub(super) values: Vec<Cell>,
    /// Terms whose postings lead to every recording that may fulfil it; `None`: too many to say.
    pub(super) terms: Option<Vec<i64>>,
    /// Places that may fulfil it beside those.
    pub(super) keys: Vec<i64>,
    /// The postings are the whole truth: a row need not be checked.
    pub(super) told: bool,
    /// The check reads other tables for each row.
    pub(super) is_slow: bool,
    /// How a glance at a posting refuses the row; `None`: it cannot tell.
    pub(super) refusal: Option<Refusal>,
    /// How columns held in memory answer it; `None`: they cannot.
    pub(super) column: Option<Column>,
}

/// What a condition asks of a recording, as [`crate::packed`] can tell it.
#[derive(Clone, Debug)]
pub(super) enum Column {
    /// A party that is one of these rows of `who`.
    Party(Vec<i64>),
    /// One of these facets.
    Facet(Vec<i64>),
    /// At least and at most so many microseconds.
    Length(u64, u64),
    Gap(bool),
}

impl Condition {
    /// Tells whether every posting of its terms fulfils it.
    pub(super) const fn is_told_by_terms(&self) -> bool {
        self.told
    }

    /// Tells whether no recording can fulfil it.
    pub(super) fn is_hopeless(&self) -> bool {
        self.keys.is_empty() && self.terms.as_ref().is_some_and(Vec::is_empty)
    }
}

/// A stretch of the list: places from `low` to before `high`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stretch {
    pub(super) low: i64,
    pub(super) high: i64,
}

/// Everything that a search asks, ready to be walked.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) stretch: Stretch,
    pub(super) conditions: Vec<Condition>,
}

/// Turns a search and its scope into conditions.
pub(super) async fn resolve(conn: &mut Conn, search: &Search, scope: &Scope) -> Result<Asked> {
    let since = search.since.into_iter().chain(scope.since).map(|UtcMicros(us)| us).max();
    let stretch = Stretch {
        low: since.map_or(0, place_at),
        high: search.until.map_or(i64::MAX, |UtcMicros(us)| place_at(us)),
    };
    let mut conditions = Vec::new();
    conditions.extend(facets(conn, search, scope).await?);
    conditions.extend(length(conn, search).await?);
    conditions.extend(search.has_gap.map(|wanted| Condition {
        refusal: Some(glance::gap(wanted)),
        column: Some(Column::Gap(wanted)),
        ..flag(wanted, "r.has_gap", GAP)
    }));
    conditions.extend(search.held.map(|wanted| flag(wanted, "r.held", HELD)));
    if !scope.extensions.is_empty() {
        conditions.push(extensions(conn, &scope.extensions).await?);
    }
    if let Some(pattern) = &search.extension {
        conditions.push(extensions(conn, std::slice::from_ref(pattern)).await?);
    }
    if let Some(text) = asked(search.number.as_deref())? {
        let digits = fold_number(text);
        if !digits.is_empty() {
            conditions.push(who(conn, &[by_number(conn, &digits)]).await?);
        }
    }
    if let Some(text) = asked(search.name.as_deref())? {
        let words = few(words(text));
        if !words.is_empty() {
            conditions.push(who(conn, &[by_name(&words)]).await?);
        }
    }
    if let Some(text) = asked(search.tag.as_deref())? {
        conditions.push(tag(conn, text).await?);
    }
    for (text, kind) in [(&search.subject, Kind::SubjectWord), (&search.comment, Kind::CommentWord)] {
        if let Some(text) = asked(text.as_deref())? {
            for word in few(words(text)) {
                conditions.push(labels(conn, &word, &[kind]).await?);
            }
        }
    }
    if let Some(text) = asked(search.reference.as_deref())? {
        conditions.extend(reference(conn, text).await?);
    }
    if let Some(text) = asked(search.words.as_deref())? {
        for word in text.split_whitespace().take(WORDS_MAX) {
            conditions.extend(anywhere(conn, word).await?);
        }
    }
    Ok(Asked { stretch, conditions })
}

/// Returns the text if it asks for anything.
fn asked(text: Option<&str>) -> Result<Option<&str>> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    if text.is_some_and(|text| text.len() > TEXT_MAX.saturating_mul(4) || text.chars().count() > TEXT_MAX) {
        return Err(CatalogueError::Length { what: "text to search for", max: TEXT_MAX });
    }
    Ok(text)
}

fn few(mut words: Vec<String>) -> Vec<String> {
    words.truncate(WORDS_MAX);
    words
}

/// Tap, method, side and direction: combinations of them are few.
async fn facets(conn: &mut Conn, search: &Search, scope: &Scope) -> Result<Option<Condition>> {
    let any = search.tap.is_none() && search.directions.is_empty() && search.methods.is_empty();
    if any && search.sides.is_empty() && scope.taps.is_empty() {
        return Ok(None);
    }
    let mut ids = Vec::new();
    for row in conn.rows("select facet_id, tap_name, method, side, direction from facet", vec![]).await? {
        let tap = row.text(1)?;
        let one_of = |numbers: Vec<u8>, column| -> Result<bool> {
            let n = row.number(column, "facet")?;
            Ok(numbers.is_empty() || numbers.contains(&n))
        };
        if search.tap.as_ref().is_none_or(|name| *name == tap)
            && (scope.taps.is_empty() || scope.taps.contains(&tap))
            && one_of(search.methods.iter().map(|m| m.number()).collect(), 2)?
            && one_of(search.sides.iter().map(|s| s.number()).collect(), 3)?
            && one_of(search.directions.iter().map(|d| d.number()).collect(), 4)?
        {
            ids.push(row.int(0)?);
        }
    }
    let check = format!("r.facet_id in {}", conn.integers());
    let terms = ids.iter().map(|id| Kind::Facet.term(*id)).collect();
    Ok(Some(Condition {
        check,
        values: vec![json_integers(&ids)],
        terms: Some(terms),
        told: true,
        refusal: Some(glance::facet(conn.integers(), json_integers(&ids))),
        column: Some(Column::Facet(ids)),
        ..Condition::default()
    }))
}

/// Lengths lead by powers of two of milliseconds, up to the longest that there is.
async fn length(conn: &mut Conn, search: &Search) -> Result<Option<Condition>> {
    let (min, max) = (search.min_us.unwrap_or(0), search.max_us.unwrap_or(u64::MAX));
    if search.min_us.is_none() && search.max_us.is_none() {
        return Ok(None);
    }
    let largest = Kind::Length.term(length_class(max));
    let row = conn.row("select max(term) from posting where term <= $1", vec![largest.into()]).await?;
    let there = row.map(|row| row.int_or_none(0)).transpose()?.flatten().unwrap_or(0);
    let classes = length_class(min)..=there.min(largest).saturating_sub(Kind::Length.term(0));
    Ok(Some(Condition {
        check: "r.length_us >= ? and r.length_us <= ?".to_owned(),
        values: vec![min.into(), max.into()],
        terms: Some(classes.map(|class| Kind::Length.term(class)).collect()),
        refusal: Some(glance::length(min, max)),
        column: Some(Column::Length(min, max)),
        ..Condition::default()
    }))
}

fn flag(wanted: bool, column: &str, number: i64) -> Condition {
    Condition {
        check: format!("{column} = ?"),
        values: vec![wanted.into()],
        terms: wanted.then(|| vec![Kind::Flag.term(number)]),
        told: wanted,
        ..Condition::default()
    }
}

/// A way to find rows of `who`.
#[derive(Clone, Debug)]
struct Who {
    /// A statement that finds `who_id` of exactly those that are meant, by an index; one of them may come twice.
    list: String,
    list_values: Vec<Cell>,
    /// Beyond so many it is cheaper to compare rows with the text.
    max: usize,
    /// The same as a condition on `who w`.
    text: String,
    values: Vec<Cell>,
}

fn by_number(conn: &Conn, digits: &str) -> Who {
    let (list, list_values) = conn.with_part(digits);
    let values = vec![Cell::from(format!("%{}%", literal(digits)))];
    let max = if digits.chars().count() < 3 { SHORT_MAX } else { SET_MAX };
    Who { list: list.to_owned(), list_values, max, text: "w.digits like ? escape '!'".to_owned(), values }
}

fn by_name(words: &[String]) -> Who {
    let begin = |word: &String| Cell::from(format!("% {}%", literal(word)));
    Who {
        list: vec!["select who_id from who_word where word >= ? and word < ?"; words.len()]
            .join(" intersect "),
        list_values: words.iter().flat_map(|word| [word.as_str().into(), behind(word).into()]).collect(),
        max: SET_MAX,
        text: vec!["w.words like ? escape '!'"; words.len()].join(" and "),
        values: words.iter().map(begin).collect(),
    }
}

/// A party found in one of the ways.
async fn who(conn: &mut Conn, ways: &[Who]) -> Result<Condition> {
    let mut ids = BTreeSet::new();
    for way in ways {
        // All in one row: a row for each costs more than finding it.
        let list = format!("({} limit {}) n", way.list, way.max.saturating_add(1));
        let text = format!("select {} from {list}", conn.joined("who_id"));
        let mut filter = super::Filter::default();
        let text = filter.number(&text, way.list_values.clone());
        let found = conn.rows_of(text, filter.cells).await?;
        let found = found.first().map(|row| row.text_or_none(0)).transpose()?.flatten().unwrap_or_default();
        let mut n = 0_usize;
        for id in found.split(',').filter(|id| !id.is_empty()) {
            n = n.saturating_add(1);
            ids.insert(id.parse().map_err(|_odd| CatalogueError::Damaged { what: "who" })?);
        }
        if n > way.max {
            return Ok(who_by_text(ways));
        }
    }
    Ok(who_by_set(conn, ids))
}

fn who_by_set(conn: &Conn, ids: BTreeSet<i64>) -> Condition {
    let ids: Vec<i64> = ids.into_iter().collect();
    let set = Among::of(conn, &ids);
    let check = format!(
        "({} or {} or (r.more_parties > 0 and exists \
         (select 1 from party q where q.recording_id = r.recording_id and {})))",
        set.has("r.who_a"),
        set.has("r.who_b"),
        set.has("q.who_id")
    );
    let terms = ids.iter().map(|id| Kind::Who.term(*id)).collect();
    Condition {
        check,
        column: Some(Column::Party(ids)),
        values: vec![set.value.clone(), set.value.clone(), set.value.clone()],
        terms: Some(terms),
        told: true,
        refusal: Some(glance::party(&set)),
        ..Condition::default()
    }
}

fn who_by_text(ways: &[Who]) -> Condition {
    let text = ways.iter().map(|way| format!("({})", way.text)).collect::<Vec<_>>().join(" or ");
    let values: Vec<Cell> = ways.iter().flat_map(|way| way.values.clone()).collect();
    let check = format!(
        "(exists (select 1 from who w where w.who_id = r.who_a and ({text})) \
         or exists (select 1 from who w where w.who_id = r.who_b and ({text})) or (r.more_parties > 0 and exists \
         (select 1 from party q join who w on w.who_id = q.who_id where q.recording_id = r.recording_id and ({text}))))"
    );
    let values = [&values, &values, &values].into_iter().flatten().cloned().collect();
    Condition { check, values, is_slow: true, ..Condition::default() }
}

/// Parties at extensions that one of the patterns names: the pattern itself decides, the index only leads to it.
async fn extensions(conn: &mut Conn, patterns: &[ExtensionPattern]) -> Result<Condition> {
    let mut ids = BTreeSet::new();
    for pattern in patterns {
        let (low, high) = match pattern.form() {
            PatternForm::Individual(one) => (one.to_owned(), one.to_owned()),
            PatternForm::Range { low, high } => (low.to_owned(), high.to_owned()),
            PatternForm::Wildcard(mask) => {
                let begin = mask.split('*').next().unwrap_or_default();
                (begin.to_owned(), behind(begin))
            }
        };
        let text =
            "select who_id, extension from who where extension >= $1 and extension <= $2 and extension <> ''";
        for row in conn.rows(text, vec![low.into(), high.into()]).await? {
            if pattern.matches(&row.text(1)?) {
                ids.insert(row.int(0)?);
            }
        }
        if ids.len() > SCOPE_MAX {
            return Err(CatalogueError::TooLong);
        }
    }
    Ok(who_by_set(conn, ids))
}

/// A whole tag.
async fn tag(conn: &mut Conn, text: &str) -> Result<Condition> {
    let row = conn.row("select word_id from word where word = $1", vec![fold(text).into()]).await?;
    let ids = row.map(|row| row.int(0)).transpose()?.into_iter().collect();
    Ok(labels_of(conn, ids, &[Kind::Tag]))
}

/// Words of labels that begin so.
async fn labels(conn: &mut Conn, word: &str, kinds: &[Kind]) -> Result<Condition> {
    let ids = word_ids(conn, word).await?;
    Ok(labels_of(conn, ids, kinds))
}

async fn word_ids(conn: &mut Conn, word: &str) -> Result<Vec<i64>> {
    let text = "select word_id from word where word >= $1 and word < $2 limit 500001";
    let rows = conn.rows(text, vec![word.into(), behind(word).into()]).await?;
    if rows.len() > SCOPE_MAX {
        return Err(CatalogueError::TooLong);
    }
    rows.iter().map(|row| row.int(0)).collect()
}

fn labels_of(conn: &Conn, ids: Vec<i64>, kinds: &[Kind]) -> Condition {
    let terms: Vec<i64> = kinds.iter().flat_map(|kind| ids.iter().map(|id| kind.term(*id))).collect();
    // The sign keeps the index of `labelled` on the place alone: labels of a recording are few, terms may be many.
    let check = format!(
        "exists (select 1 from labelled l where l.order_key = r.order_key and +l.term in {})",
        conn.integers()
    );
    Condition {
        check,
        values: vec![json_integers(&terms)],
        terms: Some(terms),
        told: true,
        ..Condition::default()
    }
}

/// The beginning of a reference, or words of the external one.
async fn reference(conn: &mut Conn, text: &str) -> Result<Vec<Condition>> {
    let ours = by_reference(conn, text).await?;
    let theirs = few(words(text));
    let mut all = Vec::with_capacity(theirs.len());
    for word in &theirs {
        all.push(either(vec![ours.clone(), labels(conn, word, &[Kind::ReferenceWord]).await?]));
    }
    Ok(if all.is_empty() { vec![ours] } else { all })
}

async fn by_reference(conn: &mut Conn, text: &str) -> Result<Condition> {
    let begin = text.trim().to_uppercase();
    let values = || vec![Cell::from(begin.as_str()), behind(&begin).into()];
    let found = "select order_key from recording where reference >= $1 and reference < $2 limit 1001";
    let rows = conn.rows(found, values()).await?;
    let keys: Vec<i64> = rows.iter().map(|row| row.int(0)).collect::<Result<_>>()?;
    // Nothing added, so that the index on references is not taken for this.
    let check = "(r.reference || '' >= ? and r.reference || '' < ?)".to_owned();
    Ok(if keys.len() > REFERENCES_MAX {
        Condition { check, values: values(), ..Condition::default() }
    } else {
        Condition { check, values: values(), terms: Some(Vec::new()), keys, ..Condition::default() }
    })
}

/// One word that may stand anywhere.
async fn anywhere(conn: &mut Conn, word: &str) -> Result<Option<Condition>> {
    let (digits, words) = (fold_number(word), few(words(word)));
    let mut ways = Vec::new();
    if !digits.is_empty() {
        ways.push(by_number(conn, &digits));
    }
    if !words.is_empty() {
        ways.push(by_name(&words));
    }
    if ways.is_empty() {
        return Ok(None);
    }
    let mut any = vec![who(conn, &ways).await?];
    let kinds = [Kind::SubjectWord, Kind::CommentWord, Kind::ReferenceWord, Kind::TagWord];
    let mut in_labels = Vec::with_capacity(words.len());
    for word in &words {
        in_labels.push(labels(conn, word, &kinds).await?);
    }
    any.extend(all(in_labels));
    if may_be_reference(word) {
        any.push(by_reference(conn, word).await?);
    }
    Ok(Some(either(any)))
}

/// A letter, then digits and at most one dash: `A261122-000002` or its beginning.
fn may_be_reference(word: &str) -> bool {
    let mut chars = word.chars();
    let letter = chars.next().is_some_and(|c| c.is_ascii_alphabetic());
    let rest = chars.as_str();
    letter && rest.len() >= 2 && rest.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

/// Any of the conditions. What nothing can fulfil is left out: asking it of each row costs as much as what something can.
fn either(mut conditions: Vec<Condition>) -> Condition {
    if !conditions.iter().all(Condition::is_hopeless) {
        conditions.retain(|condition| !condition.is_hopeless());
    }
    let mut any = Condition { terms: Some(Vec::new()), told: true, ..Condition::default() };
    let checks: Vec<String> = conditions.iter().map(|c| c.check.clone()).collect();
    any.check = format!("({})", checks.join(" or "));
    any.refusal = glance::any(conditions.iter().map(|c| c.refusal.clone()).collect());
    // Of several, columns answer only the one that is left.
    any.column =
        if conditions.len() == 1 { conditions.iter_mut().find_map(|c| c.column.take()) } else { None };
    for condition in conditions {
        any.values.extend(condition.values);
        any.told &= condition.told;
        any.is_slow |= condition.is_slow;
        any.keys.extend(condition.keys);
        any.terms = match (any.terms.take(), condition.terms) {
            (Some(mut so_far), Some(more)) => {
                so_far.extend(more);
                Some(so_far)
            }
            (None, _) | (_, None) => None,
        };
    }
    any
}

/// All of the conditions as one; led by the one with the fewest terms.
fn all(conditions: Vec<Condition>) -> Option<Condition> {
    let checks: Vec<String> = conditions.iter().map(|c| c.check.clone()).collect();
    let values = conditions.iter().flat_map(|c| c.values.clone()).collect();
    let is_slow = conditions.iter().any(|c| c.is_slow);
    let fewest = conditions.into_iter().min_by_key(|c| c.terms.as_ref().map_or(usize::MAX, Vec::len))?;
    let told = fewest.told && checks.len() == 1;
    let column = if checks.len() == 1 { fewest.column.clone() } else { None };
    Some(Condition { check: format!("({})", checks.join(" and ")), values, told, is_slow, column, ..fewest })
}
