//! The list column by column: a section of it, a thousand recordings or so, in one value that can be held in memory.
//!
//! A search for two things of one call (a name and three digits, four digits within a team) is fulfilled by few of very many
//! recordings, and whichever of the two is followed leads to thousands that lack the other. So each section stands here once more, with nothing but
//! what such a search asks: the place of each recording, its parties, and what a glance tells (facet, length class, gap). Read once,
//! it stays in memory as columns, thirteen octets or so for each recording, and ten million are held against a search in a twentieth of a second.
//!
//! **What must hold.** A section never misses a recording and tells nothing less than its row: it is written in the transaction that
//! enters or changes the recording. It may tell of one that is gone, or more than is true, so what it finds is held against the rows.
//! A section has a number that no other state of it ever had; what is held in memory is used only under the number that the database
//! tells in the same snapshot, so it makes no difference which program wrote it. Sections are those of [`crate::met`]. PostgreSQL plans
//! by itself and has none.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::bulk::Cell;
use crate::dialect::json_integers;
use crate::glance;
use crate::index::{PARTIES_MAX, Strip, length_class};
use crate::sql::Conn;
use crate::varint::{Varints, put};
use crate::{CatalogueError, Result};

/// How a section is written; another number is another program's.
const FORMAT: u8 = 1;
/// Nobody knows who: may be anybody. No dictionary has so many rows.
const ANYBODY: u32 = u32::MAX;
/// All sections held in memory take at most so many octets: twenty million recordings or so.
const HELD_MAX: usize = 256 << 20;
/// Sections read by one statement.
const AT_ONCE: usize = 16;

/// Writes what a section that begins at `from` tells of a recording, to stand behind the others: from where to its place, what is seen,
/// how many parties, and each. Of two that tell of one place the later counts.
pub(crate) fn row(bytes: &mut Vec<u8>, from: i64, strip: &Strip) {
    put(bytes, strip.order_key.saturating_sub(from).max(0).unsigned_abs());
    put(bytes, glance::seen(strip.facet, length_class(strip.length_us), strip.has_gap).into());
    put(bytes, u64::try_from(strip.who.len()).unwrap_or(0));
    for who in &strip.who {
        put(bytes, u32::try_from(*who).unwrap_or(ANYBODY).into());
    }
}

/// A recording as it is written.
struct Row {
    place: i64,
    seen: u32,
    first: u32,
    second: u32,
    more: Vec<u32>,
}

fn read_row(all: &mut Varints<'_>, from: i64) -> Option<Row> {
    let place = step(from, all.next_number()?)?;
    let mut small = || u32::try_from(all.next_number()?).ok();
    let seen = small()?;
    let parties = usize::try_from(small()?).ok().filter(|n| *n <= PARTIES_MAX)?;
    let first = if parties > 0 { small()? } else { 0 };
    let second = if parties > 1 { small()? } else { 0 };
    let more = (2..parties).map(|_| small()).collect::<Option<_>>()?;
    Some(Row { place, seen, first, second, more })
}

/// A section as it is held in memory.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Section {
    from: i64,
    made: i64,
    /// Places as differences: they are needed only of what is found.
    places: Box<[u8]>,
    first: Box<[u32]>,
    second: Box<[u32]>,
    seen: Box<[u32]>,
    /// Further parties: which recording of the section, and who.
    more: Box<[(u32, u32)]>,
    /// Recordings of which not everybody is known.
    odd: Box<[u32]>,
}

/// What a search asks of each recording, as columns can answer it.
#[derive(Clone, Default, Debug)]
pub(crate) struct Question {
    /// For each row of `who` one bit for each condition that asks for a party.
    who: Vec<u8>,
    /// The bits of all of them.
    all: u8,
    conditions: u32,
    /// Facets that will do; `None`: all.
    facets: Option<Vec<bool>>,
    /// Length classes that will do.
    lengths: Option<(u32, u32)>,
    has_gap: Option<bool>,
}

impl Question {
    /// Also asks for a party that is one of these; `false`: it cannot ask for so much.
    pub(crate) fn ask_party(&mut self, of: &[i64]) -> bool {
        // The largest row of a dictionary for which an octet each is worth it.
        const ROW_MAX: usize = 64 << 20;
        let Some(bit) = 1_u8.checked_shl(self.conditions) else { return false };
        for who in of {
            let Some(place) = usize::try_from(*who).ok().filter(|place| *place < ROW_MAX) else {
                return false;
            };
            if self.who.len() <= place {
                self.who.resize(place.saturating_add(1).next_power_of_two(), 0);
            }
            if let Some(bits) = self.who.get_mut(place) {
                *bits |= bit;
            }
        }
        self.all |= bit;
        self.conditions = self.conditions.saturating_add(1);
        true
    }

    /// Also asks for one of these facets; `false`: facets are asked for already.
    pub(crate) fn ask_facet(&mut self, of: &[i64]) -> bool {
        let mut will_do = vec![false; glance::FACETS];
        for facet in of {
            if let Some(one) = usize::try_from(*facet).ok().and_then(|facet| will_do.get_mut(facet)) {
                *one = true;
            }
        }
        self.facets.replace(will_do).is_none()
    }

    /// Also asks for a length between these, by their classes; `false`: a length is asked for already.
    pub(crate) fn ask_length(&mut self, (min_us, max_us): (u64, u64)) -> bool {
        let class = |us| u32::try_from(length_class(us)).unwrap_or(0);
        self.lengths.replace((class(min_us), class(max_us))).is_none()
    }

    /// Also asks for a gap, or for none; `false`: that is asked already.
    pub(crate) const fn ask_gap(&mut self, has_gap: bool) -> bool {
        self.has_gap.replace(has_gap).is_none()
    }

    fn bits(&self, who: u32) -> u8 {
        usize::try_from(who).ok().and_then(|place| self.who.get(place)).copied().unwrap_or(0)
    }

    fn may_be(&self, seen: u32) -> bool {
        let Some((facet, length, gap)) = glance::told(seen) else { return true };
        let is_facet = self.facets.as_ref().is_none_or(|of| of.get(facet).copied().unwrap_or(true));
        let is_length = self.lengths.is_none_or(|(min, max)| (min..=max).contains(&length));
        is_facet && is_length && self.has_gap.is_none_or(|wanted| wanted == gap)
    }
}

impl Section {
    /// Tells the places that may answer the question, rising.
    ///
    /// # Errors
    /// [`CatalogueError::Damaged`].
    pub(crate) fn answer(&self, question: &Question, mut told: impl FnMut(i64)) -> Result<()> {
        let mut found: Vec<u32> = Vec::new();
        let all = question.all;
        let rows = self.first.iter().zip(&self.second).zip(&self.seen);
        for (n, ((a, b), seen)) in (0..).zip(rows) {
            if (question.bits(*a) | question.bits(*b)) & all == all && question.may_be(*seen) {
                found.push(n);
            }
        }
        self.with_more(question, &mut found);
        let (Some(last), mut next) = (found.last(), found.iter().peekable()) else { return Ok(()) };
        let (mut places, mut place) = (Varints(&self.places), self.from);
        for n in 0..=*last {
            place = places.next_number().and_then(|n| step(place, n)).ok_or_else(damaged)?;
            if next.next_if_eq(&&n).is_some() {
                told(place);
            }
        }
        Ok(())
    }

    /// Adds to what was found those that have more than two parties, or unknown ones.
    fn with_more(&self, question: &Question, found: &mut Vec<u32>) {
        if self.more.is_empty() && self.odd.is_empty() {
            return;
        }
        for some in self.more.chunk_by(|(a, _), (b, _)| a == b) {
            let Some((n, _)) = some.first() else { continue };
            let column = |of: &[u32]| usize::try_from(*n).ok().and_then(|n| of.get(n)).copied().unwrap_or(0);
            let two = question.bits(column(&self.first)) | question.bits(column(&self.second));
            let bits = some.iter().fold(two, |bits, (_, who)| bits | question.bits(*who));
            if bits & question.all == question.all && question.may_be(column(&self.seen)) {
                found.push(*n);
            }
        }
        found.extend(&self.odd);
        found.sort_unstable();
        found.dedup();
    }

    /// What it takes in memory.
    fn octets(&self) -> usize {
        let each = self.first.len().saturating_mul(12).saturating_add(self.more.len().saturating_mul(8));
        each.saturating_add(self.places.len())
            .saturating_add(self.odd.len().saturating_mul(4))
            .saturating_add(size_of::<Self>())
    }

    /// Reads the section that begins at `from` as it is written: [`FORMAT`], then each [`row`].
    fn read(from: i64, made: i64, bytes: &[u8]) -> Result<Self> {
        let (format, rest) = bytes.split_first().ok_or_else(damaged)?;
        if *format != FORMAT {
            return Err(damaged());
        }
        let (mut rest, mut rows) = (Varints(rest), Vec::new());
        while !rest.0.is_empty() {
            rows.push(read_row(&mut rest, from).ok_or_else(damaged)?);
        }
        if !rows.is_sorted_by(|a, b| a.place < b.place) {
            // Of two that tell of one place the later counts.
            rows.reverse();
            rows.sort_by_key(|row| row.place);
            rows.dedup_by_key(|row| row.place);
        }
        let (mut places, mut more, mut odd, mut before) = (Vec::new(), Vec::new(), Vec::new(), from);
        for (n, row) in (0..).zip(&rows) {
            put(&mut places, row.place.saturating_sub(before).unsigned_abs());
            before = row.place;
            more.extend(row.more.iter().map(|who| (n, *who)));
            let is_known = [row.first, row.second].iter().chain(&row.more).all(|who| *who != ANYBODY);
            odd.extend((!is_known).then_some(n));
        }
        let column = |of: fn(&Row) -> u32| rows.iter().map(of).collect();
        let (first, second, seen) =
            (column(|row| row.first), column(|row| row.second), column(|row| row.seen));
        Ok(Self {
            from,
            made,
            places: places.into(),
            first,
            second,
            seen,
            more: more.into(),
            odd: odd.into(),
        })
    }
}

fn damaged() -> CatalogueError {
    CatalogueError::Damaged { what: "a packed section of the list" }
}

fn step(place: i64, difference: u64) -> Option<i64> {
    i64::try_from(difference).ok().and_then(|n| place.checked_add(n))
}

/// Writes rows ([`row`]) behind those of the section that begins at `from`, which is made if it is not there, under a number that no
/// other state of a section has.
///
/// # Errors
/// The database's.
pub(crate) async fn enter(conn: &mut Conn, from: i64, rows: Vec<u8>) -> Result<()> {
    let text = "insert into counter (name, value) values ('packed', 1) \
                on conflict (name) do update set value = counter.value + 1 returning value";
    let made = conn.row(text, vec![]).await?.ok_or_else(damaged)?.int(0)?;
    let text = "insert into packed (from_key, made, rows) values ($1, $2, cast($3 || $4 as blob)) \
                on conflict (from_key) do update set made = excluded.made, rows = cast(packed.rows || $4 as blob)";
    let cells = vec![from.into(), made.into(), Cell::Blob(vec![FORMAT]), Cell::Blob(rows)];
    conn.run(text, cells).await.map(drop)
}

/// Removes the sections that begin from place `from` to before place `to`.
///
/// # Errors
/// The database's.
pub(crate) async fn remove(conn: &mut Conn, from: i64, to: i64) -> Result<()> {
    let text = "delete from packed where from_key >= $1 and from_key < $2";
    conn.run(text, vec![from.into(), to.into()]).await.map(drop)
}

/// Lists the beginnings and numbers of sections that reach into `low..high`, at most `limit`, from its upper end down or from its
/// lower end up.
///
/// # Errors
/// The database's.
pub(crate) async fn listed(
    conn: &mut Conn,
    (low, high): (i64, i64),
    descending: bool,
    limit: usize,
) -> Result<Vec<(i64, i64)>> {
    let text = if descending {
        "select from_key, made from packed indexed by packed_made where from_key < $2 and from_key >= \
         coalesce((select max(from_key) from packed where from_key <= $1), 0) order by from_key desc limit $3"
    } else {
        "select from_key, made from packed indexed by packed_made where from_key < $2 and from_key >= \
         coalesce((select max(from_key) from packed where from_key <= $1), 0) order by from_key limit $3"
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = conn.rows(text, vec![low.into(), high.into(), limit.into()]).await?;
    rows.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect()
}

/// The sections held in memory.
#[derive(Default, Debug)]
pub(crate) struct Shelf(Mutex<Held>);

#[derive(Default, Debug)]
struct Held {
    sections: BTreeMap<i64, Arc<Section>>,
    octets: usize,
}

impl Shelf {
    /// Returns the first of the sections listed; what is not held is read, together with some that stand behind it.
    ///
    /// # Errors
    /// [`CatalogueError::Damaged`], or the database's.
    pub(crate) async fn take(&self, conn: &mut Conn, listed: &[(i64, i64)]) -> Result<Option<Arc<Section>>> {
        let Some((first, made)) = listed.first() else { return Ok(None) };
        if let Some(section) = self.held(*first, *made) {
            return Ok(Some(section));
        }
        let missing = listed.iter().filter(|(from, made)| self.held(*from, *made).is_none());
        let missing: Vec<i64> = missing.take(AT_ONCE).map(|(from, _)| *from).collect();
        let text =
            "select from_key, made, rows from packed where from_key in (select value from json_each($1))";
        let mut wanted = None;
        for row in conn.rows(text, vec![json_integers(&missing)]).await? {
            let (from, made) = (row.int(0)?, row.int(1)?);
            let section = Arc::new(Section::read(from, made, &row.blob(2)?)?);
            if from == *first {
                wanted = Some(Arc::clone(&section));
            }
            self.hold(section);
        }
        Ok(wanted)
    }

    fn held(&self, from: i64, made: i64) -> Option<Arc<Section>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.sections.get(&from).filter(|section| section.made == made).cloned()
    }

    fn hold(&self, section: Arc<Section>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // An older state that another search still reads must not push out the newest.
        if held.sections.get(&section.from).is_some_and(|there| there.made > section.made) {
            return;
        }
        held.octets = held.octets.saturating_add(section.octets());
        if let Some(before) = held.sections.insert(section.from, section) {
            held.octets = held.octets.saturating_sub(before.octets());
        }
        while held.octets > HELD_MAX {
            // The oldest recordings are asked for least.
            let Some((_, oldest)) = held.sections.pop_first() else { break };
            held.octets = held.octets.saturating_sub(oldest.octets());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn strip(order_key: i64, who: &[i64]) -> Strip {
        Strip {
            order_key,
            facet: 3,
            length_us: 9_000_000,
            has_gap: order_key % 2 == 0,
            held: false,
            who: who.to_vec(),
        }
    }

    fn section(from: i64, strips: &[Strip]) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        strips.iter().for_each(|strip| row(&mut bytes, from, strip));
        bytes
    }

    fn answers(section: &Section, question: &Question) -> Vec<i64> {
        let mut all = Vec::new();
        section.answer(question, |place| all.push(place)).unwrap();
        all
    }

    #[test]
    fn a_section_answers_in_the_order_of_places_whatever_came_first() {
        let unknown = i64::from(ANYBODY) + 9;
        let strips = [
            strip(70, &[1, 2]),
            strip(50, &[2]),
            strip(60, &[7, 8, 1, 2]),
            strip(40, &[]),
            strip(90, &[unknown, 5]),
        ];
        let section = Section::read(40, 1, &section(40, &strips)).unwrap();
        let asked = |who: &[&[i64]]| {
            let mut question = Question::default();
            assert!(who.iter().all(|who| question.ask_party(who)));
            question
        };
        assert_eq!(answers(&section, &asked(&[])), [40, 50, 60, 70, 90]);
        assert_eq!(answers(&section, &asked(&[&[2]])), [50, 60, 70, 90], "whom nobody knows may be anybody");
        assert_eq!(answers(&section, &asked(&[&[1], &[2, 4]])), [60, 70, 90]);
        assert_eq!(answers(&section, &asked(&[&[1], &[8]])), [60, 90]);
        let mut question = asked(&[&[1], &[2]]);
        assert!(question.ask_gap(true) && !question.clone().ask_gap(false), "asked once");
        assert!(question.ask_facet(&[3]) && question.ask_length((8_000_000, 9_000_000)));
        assert_eq!(answers(&section, &question), [60, 70, 90]);
        question.facets = Some(vec![false; glance::FACETS]);
        assert_eq!(answers(&section, &question), [90], "and what is not known of is not refused");
    }

    #[test]
    fn of_two_that_tell_of_one_place_the_later_counts() {
        let section = Section::read(0, 1, &section(0, &[strip(5, &[1]), strip(5, &[2])])).unwrap();
        let mut question = Question::default();
        assert!(question.ask_party(&[1]));
        assert!(answers(&section, &question).is_empty());
    }

    #[test]
    fn more_is_not_asked_than_there_are_bits() {
        let mut question = Question::default();
        assert!((0..8).all(|_| question.ask_party(&[1])));
        assert!(!question.ask_party(&[1]), "a ninth");
        assert!(
            !Question::default().ask_party(&[i64::MAX]),
            "a dictionary of more rows than there are octets"
        );
    }

    proptest! {
        #[test]
        fn a_damaged_section_is_told_or_read_and_nothing_else_happens(
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
            from in 0_i64..i64::MAX,
        ) {
            for bytes in [&bytes[..], &[&[FORMAT], &bytes[..]].concat()] {
                if let Ok(section) = Section::read(from, 1, bytes) {
                    let _places = answers(&section, &Question::default());
                }
            }
        }
    }

    #[test]
    fn what_is_cut_short_is_told() {
        let whole = section(0, &[strip(1 << 40, &[9_000, 70_000, 3])]);
        for cut in 2..whole.len() {
            assert!(Section::read(0, 1, whole.get(..cut).unwrap()).is_err(), "cut at {cut}");
        }
        assert!(Section::read(0, 1, &[FORMAT + 1]).is_err() && Section::read(0, 1, &[]).is_err());
    }

    #[test]
    fn the_shelf_gives_only_the_state_that_is_asked_for_and_drops_the_oldest() {
        let (shelf, read) = (Shelf::default(), |from, made| Section::read(from, made, &[FORMAT]).unwrap());
        shelf.hold(Arc::new(read(0, 5)));
        shelf.hold(Arc::new(read(0, 4)));
        assert!(shelf.held(0, 5).is_some() && shelf.held(0, 4).is_none() && shelf.held(0, 6).is_none());
        shelf.hold(Arc::new(read(0, 6)));
        assert!(shelf.held(0, 6).is_some());
        shelf.0.lock().unwrap().octets = HELD_MAX;
        shelf.hold(Arc::new(read(9, 7)));
        assert!(shelf.held(0, 6).is_none() && shelf.held(9, 7).is_some(), "no room for both");
    }
}
