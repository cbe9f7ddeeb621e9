//! A glance: what a posting of a party, or of a gap, tells of its recording, so that a search need not look at the row.
//!
//! The postings of a party stand together, two hundred on a page of the file; the rows to which they lead lie on a page each. A search
//! for two things of one call (a name within an extension, four digits within a team) follows the postings of one and would read a
//! page for each, only to find that the other is not there. The glance says so in the posting: the other party, the facet, the length
//! as a power of two, whether there is a gap. What passes is held against the row all the same, so a glance never decides for a row,
//! only against it; and whatever changes one of these changes the glance in the same transaction ([`crate::index`]).
//!
//! One integer of 47 bits, which takes six bytes in the file. No glance: nothing is said and the row must be looked at (more than two
//! parties, numbers that do not fit, other postings).

use crate::among::Among;
use crate::bulk::Cell;
use crate::index::{GAP, Kind, Strip, length_class};

/// A glance from its lowest bit: gap 1, length 6, facet 12, party 28.
const LENGTH_AT: u32 = 1;
const FACET_AT: u32 = 7;
const PARTY_AT: u32 = 19;
const LENGTH_MAX: i64 = (1 << 6) - 1;
const FACET_MAX: i64 = (1 << 12) - 1;
const PARTY_MAX: i64 = (1 << 28) - 1;

/// Returns what the posting of `term` says of its recording.
pub(crate) fn of(strip: &Strip, term: i64) -> Option<i64> {
    let (a, b, more) = strip.parties();
    let other = match () {
        () if term == Kind::Flag.term(GAP) => 0,
        () if more > 0 => return None,
        () if term == Kind::Who.term(a) => b,
        () if term == Kind::Who.term(b) => a,
        () => return None,
    };
    let length = length_class(strip.length_us);
    let fits = |n: i64, max: i64| (0..=max).contains(&n);
    let said = fits(length, LENGTH_MAX) && fits(strip.facet, FACET_MAX) && fits(other, PARTY_MAX);
    said.then(|| other << PARTY_AT | strip.facet << FACET_AT | length << LENGTH_AT | i64::from(strip.has_gap))
}

/// Facets that a glance, and what is seen of a recording, can tell apart.
pub(crate) const FACETS: usize = 1 << 12;
/// Nothing is told.
const UNSEEN: u32 = u32::MAX;

/// Returns a glance without the party, for [`crate::packed`]: facet, length class and gap in one number.
pub(crate) fn seen(facet: i64, length: i64, has_gap: bool) -> u32 {
    let fits = (0..=FACET_MAX).contains(&facet) && (0..=LENGTH_MAX).contains(&length);
    let said = facet << FACET_AT | length << LENGTH_AT | i64::from(has_gap);
    u32::try_from(said).ok().filter(|_| fits).unwrap_or(UNSEEN)
}

/// Returns what [`seen`] was told: facet, length class, gap; `None`: nothing is known.
pub(crate) fn told(seen: u32) -> Option<(usize, u32, bool)> {
    let facet = usize::try_from(seen >> FACET_AT).ok()?;
    (seen != UNSEEN).then_some((facet, seen >> LENGTH_AT & 63, seen & 1 == 1))
}

/// Tells whether postings of this term have glances that name the other party.
pub(crate) fn names_party(term: i64) -> bool {
    (Kind::Who.term(0)..Kind::Facet.term(0)).contains(&term)
}

/// Tells whether postings of this term have glances.
pub(crate) fn is_of(term: i64) -> bool {
    names_party(term) || term == Kind::Flag.term(GAP)
}

/// A condition as a glance `g` may refuse it: SQL on the glance `g` and the term `t` of the posting, each `?` one value.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) text: String,
    pub(crate) values: Vec<Cell>,
    /// It asks for a party, of which only postings of parties tell.
    pub(crate) asks_party: bool,
}

/// One of the facets in `set`.
pub(crate) fn facet(set: &str, ids: Cell) -> Refusal {
    Refusal {
        text: format!("((g >> {FACET_AT}) & {FACET_MAX}) in {set}"),
        values: vec![ids],
        asks_party: false,
    }
}

/// A length between these two.
pub(crate) fn length(min_us: u64, max_us: u64) -> Refusal {
    let values = vec![Cell::Int(length_class(min_us)), Cell::Int(length_class(max_us))];
    Refusal {
        text: format!("((g >> {LENGTH_AT}) & {LENGTH_MAX}) between ? and ?"),
        values,
        asks_party: false,
    }
}

/// With a gap, or without.
pub(crate) fn gap(wanted: bool) -> Refusal {
    Refusal { text: "(g & 1) = ?".to_owned(), values: vec![wanted.into()], asks_party: false }
}

/// One of the parties in `set`.
pub(crate) fn party(set: &Among) -> Refusal {
    let (other, own) = (format!("(g >> {PARTY_AT})"), format!("(t - {})", Kind::Who.term(0)));
    let text = format!("({} or {})", set.has(&other), set.has(&own));
    Refusal { text, values: vec![set.value.clone(), set.value.clone()], asks_party: true }
}

/// Any of these; nothing if one of them cannot be told.
pub(crate) fn any(of: Vec<Option<Refusal>>) -> Option<Refusal> {
    joined(of.into_iter().collect::<Option<Vec<_>>>()?, " or ")
}

/// All of these, as far as postings of such terms tell; nothing if nothing can be told.
pub(crate) fn all<'a>(of: impl Iterator<Item = &'a Refusal>, terms: &[i64]) -> Option<Refusal> {
    if !terms.iter().all(|term| is_of(*term)) {
        return None;
    }
    let parties = terms.iter().all(|term| names_party(*term));
    joined(of.filter(|refusal| parties || !refusal.asks_party).cloned().collect(), " and ")
}

fn joined(of: Vec<Refusal>, word: &str) -> Option<Refusal> {
    let text = of.iter().map(|refusal| refusal.text.as_str()).collect::<Vec<_>>().join(word);
    let asks_party = of.iter().any(|refusal| refusal.asks_party);
    let values: Vec<Cell> = of.into_iter().flat_map(|refusal| refusal.values).collect();
    (!text.is_empty()).then(|| Refusal { text: format!("({text})"), values, asks_party })
}
