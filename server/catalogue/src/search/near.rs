//! Following very many lists at once: only those of parties who were met nearby are opened.
//!
//! A part of a number is in a thousand numbers, each with postings of its own, and most of them called long ago. The sections of the
//! list say who was met where ([`crate::met`]): read from the walk's beginning, they name the few whose postings the page needs.

use std::collections::BTreeSet;

use crate::Result;
use crate::index::Kind;
use crate::met;
use crate::sql::Conn;

use super::gather::gathered;
use super::resolve::Condition;
use super::walk::{Walk, along};
use super::weigh::BEGIN_NS;

/// Fewer lists are simply opened. Tests have few parties, and shall come here.
const LISTS_MIN: usize = if cfg!(test) { 2 } else { 64 };
/// What reading a section costs, in nanoseconds.
const READ_NS: f64 = 60_000.0;
/// Sections read before it is judged whether it is worth it.
const TRIED: usize = 16;
/// The largest row of `who` that is looked for in this way: a bit for each.
const WHO_MAX: i64 = 1 << 30;

/// Parties to look for in sections.
pub(super) struct Sought {
    /// A bit for each row of `who`.
    bits: Vec<u64>,
    /// Terms that are no parties: always followed.
    others: Vec<i64>,
    lists: usize,
}

impl Sought {
    /// Takes the parties out of terms; `None` if there are too few to be worth it.
    pub(super) fn of(terms: &[i64]) -> Option<Self> {
        let (first, end) = (Kind::Who.term(0), Kind::Who.term(WHO_MAX));
        let (who, others): (Vec<i64>, Vec<i64>) = terms.iter().partition(|term| (first..end).contains(*term));
        if who.len() < LISTS_MIN || others.len() >= LISTS_MIN.max(who.len() / 2) {
            return None;
        }
        let place = |term: &i64| usize::try_from(term.saturating_sub(first)).unwrap_or(0);
        let largest = who.iter().map(place).max()?;
        let mut bits = vec![0_u64; (largest / 64).saturating_add(1)];
        for place in who.iter().map(place) {
            if let Some(word) = bits.get_mut(place / 64) {
                *word |= 1 << (place % 64);
            }
        }
        Some(Self { bits, others, lists: who.len() })
    }

    fn has(&self, who: i64) -> bool {
        let Ok(place) = usize::try_from(who) else { return false };
        self.bits.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }
}

/// A beginning of a walk, and the terms that matter there.
struct Near {
    walk: Walk,
    /// `None`: all of them.
    terms: Option<Vec<i64>>,
}

/// Follows the postings of terms in order, and checks the conditions; some `expected` postings fill the page.
pub(super) async fn along_near(
    conn: &mut Conn,
    conditions: &[Condition],
    terms: &[i64],
    (walk, wanted): (Walk, usize),
    expected: usize,
) -> Result<Vec<i64>> {
    let Some(sought) = Sought::of(terms) else { return along(conn, conditions, terms, walk, wanted).await };
    let (mut found, mut rest, mut enough) = (Vec::new(), walk, expected.max(wanted));
    while !rest.is_empty() && found.len() < wanted {
        let near = nearby(conn, &sought, rest, enough).await?;
        let some = near.terms.as_deref().unwrap_or(terms);
        let left = wanted.saturating_sub(found.len());
        let there = match gathered(conn, conditions, some, near.walk, left).await? {
            Some(there) => there,
            None => along(conn, conditions, some, near.walk, left).await?,
        };
        found.extend(there);
        rest = rest.past(near.walk);
        enough = enough.saturating_mul(2);
    }
    Ok(found)
}

/// Reads sections until the parties sought were met `enough` times, or until opening all lists would cost less.
async fn nearby(conn: &mut Conn, sought: &Sought, walk: Walk, enough: usize) -> Result<Near> {
    let (mut terms, mut rest): (BTreeSet<i64>, _) = (sought.others.iter().copied().collect(), walk);
    let (mut read, mut met) = (0_usize, 0_usize);
    while !rest.is_empty() {
        let stretch = rest.stretch;
        let sections = met::sections(conn, (stretch.low, stretch.high), rest.descending).await?;
        if sections.is_empty() {
            return Ok(Near { walk, terms: None });
        }
        for section in sections {
            section.each(|who| {
                if sought.has(who) {
                    met = met.saturating_add(1);
                    terms.insert(Kind::Who.term(who));
                }
            })?;
            read = read.saturating_add(1);
            rest = if walk.descending {
                rest.behind(section.from)
            } else {
                rest.behind(section.to.saturating_sub(1))
            };
            if met >= enough || rest.is_empty() {
                break;
            }
        }
        if met >= enough {
            break;
        }
        if read >= TRIED && is_thin(sought, read, met, enough) {
            return Ok(Near { walk, terms: None });
        }
    }
    Ok(Near { walk: walk.until(rest), terms: Some(terms.into_iter().collect()) })
}

/// Tells whether going on to `enough` would cost more than opening every list.
#[allow(clippy::cast_precision_loss, reason = "an estimate")]
fn is_thin(sought: &Sought, read: usize, met: usize, enough: usize) -> bool {
    let left = enough.saturating_sub(met) as f64 / (met as f64).max(0.5) * read as f64;
    left * READ_NS > sought.lists as f64 * BEGIN_NS
}
