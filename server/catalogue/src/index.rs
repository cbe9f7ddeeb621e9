//! What leads from a filter to recordings: the place of a recording in every list, dictionaries of who and where, and postings.
//!
//! A posting is (term, place). All postings of a term stand together in the order of lists, so that a page is a walk of as many
//! steps as it has rows, however long the list. Terms are numbers: the kind in the upper bits, the row of a dictionary below.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use shared::{Direction, Method, Side};

use crate::bulk::{Cell, Insert};
use crate::glance;
use crate::sql::Conn;
use crate::text::{fold_number, spaced, words};
use crate::{PartyRole, Result};

/// What a term is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Kind {
    Who = 1,
    Facet = 2,
    /// Power of two of milliseconds.
    Length = 3,
    Flag = 4,
    Tag = 5,
    SubjectWord = 6,
    CommentWord = 7,
    ReferenceWord = 8,
    TagWord = 9,
}

/// Number of the flag of recordings with gaps.
pub(crate) const GAP: i64 = 1;
/// Number of the flag of recordings on hold.
pub(crate) const HELD: i64 = 2;

impl Kind {
    /// Writes the term for row `n` of the kind's dictionary.
    pub(crate) fn term(self, n: i64) -> i64 {
        i64::from(self as u8) << 48 | n
    }
}

/// Returns the term of a length.
pub(crate) fn length_class(length_us: u64) -> i64 {
    let ms = (length_us / 1_000).saturating_add(1);
    i64::from(ms.ilog2())
}

/// Slots for recordings that begin in one microsecond.
const SLOTS: i64 = 2_048;
/// The last start that has a place: in the year 2112.
const START_MAX_US: i64 = (1 << 52) - 1;

/// Returns the first place of those that begin at `started_at_us`, which is also the end of those that began before.
pub(crate) fn place_at(started_at_us: i64) -> i64 {
    started_at_us.clamp(0, START_MAX_US).saturating_mul(SLOTS)
}

/// Finds free places for recordings that begin at these microseconds: each from a slot that its identity chooses.
pub(crate) async fn free_places(conn: &mut Conn, wanted: &[(i64, [u8; 16])]) -> Result<Vec<i64>> {
    let first_choice = |(started_at_us, id): &(i64, [u8; 16])| slots(*started_at_us, id).next().unwrap_or(0);
    let choices: Vec<i64> = wanted.iter().map(first_choice).collect();
    let mut taken = taken_of(conn, &choices).await?;
    let mut places = Vec::with_capacity(wanted.len());
    for ((started_at_us, id), choice) in wanted.iter().zip(choices) {
        let place = if taken.contains(&choice) {
            let all: Vec<i64> = slots(*started_at_us, id).collect();
            taken.extend(taken_of(conn, &all).await?);
            let full =
                crate::CatalogueError::Damaged { what: "2,048 recordings that begin in one microsecond" };
            all.into_iter().find(|place| !taken.contains(place)).ok_or(full)?
        } else {
            choice
        };
        taken.insert(place);
        places.push(place);
    }
    Ok(places)
}

fn slots(started_at_us: i64, id: &[u8; 16]) -> impl Iterator<Item = i64> {
    let first = place_at(started_at_us);
    let [.., a, b] = *id;
    let begin = i64::from(u16::from_be_bytes([a, b])) % SLOTS;
    (0..SLOTS).map(move |step| first.saturating_add(begin.saturating_add(step) % SLOTS))
}

async fn taken_of(conn: &mut Conn, places: &[i64]) -> Result<BTreeSet<i64>> {
    let mut taken = BTreeSet::new();
    for chunk in places.chunks(16) {
        let stride = if chunk.len() == 1 { 1 } else { 16 };
        let list: Vec<String> = (1..=stride).map(|n| format!("${n}")).collect();
        let cells = chunk.iter().chain(chunk.last().into_iter().cycle()).take(stride).map(|n| Cell::Int(*n));
        let text = format!("select order_key from recording where order_key in ({})", list.join(","));
        for row in conn.rows_kept(text, cells.collect()).await? {
            taken.insert(row.int(0)?);
        }
    }
    Ok(taken)
}

/// Parties of one recording; further ones are not entered.
pub(crate) const PARTIES_MAX: usize = 256;

/// A distinct party: number, extension, name.
pub(crate) type Who = (String, String, String);
/// Tap name, method, side, direction, by their numbers.
pub(crate) type Facet = (String, u8, u8, u8);

/// Rows of dictionaries that the writer has met: most parties of a call are extensions, met again and again.
#[derive(Clone, Default, Debug)]
pub(crate) struct Known {
    who: HashMap<Who, i64>,
    facets: HashMap<Facet, i64>,
}

/// Parties kept in [`Known`]; then it begins anew.
const WHO_MAX: usize = 20_000;
const FACETS_MAX: usize = 10_000;

/// Says at which extension a party sat, as the rules of recording see it: on an incoming call the called party, on an outgoing
/// one the caller, else both; a further party (a transfer's target) by its own number.
///
/// A party outside has none, so that a scope of extensions can never be met by a stranger's number.
#[must_use]
pub fn extension(direction: Direction, role: PartyRole, number: &str) -> String {
    let outside =
        matches!((direction, role), (Direction::In, PartyRole::Caller) | (Direction::Out, PartyRole::Called));
    if outside { String::new() } else { number.to_owned() }
}

/// Finds or enters parties, in the order in which they are given.
pub(crate) async fn who_ids(conn: &mut Conn, known: &mut Known, wanted: &[Who]) -> Result<Vec<i64>> {
    if known.who.len() > WHO_MAX {
        known.who.clear();
    }
    let mut missing: BTreeSet<&Who> = wanted.iter().filter(|who| !known.who.contains_key(*who)).collect();
    if !missing.is_empty() {
        let all: Vec<&Who> = missing.iter().copied().collect();
        for (who, id) in look_up(conn, &all).await? {
            missing.remove(&who);
            known.who.insert(who, id);
        }
        let new: Vec<&Who> = missing.into_iter().collect();
        for (who, id) in enter_who(conn, &new).await? {
            known.who.insert(who, id);
        }
    }
    Ok(wanted.iter().map(|who| known.who.get(who).copied().unwrap_or(0)).collect())
}

async fn look_up(conn: &mut Conn, wanted: &[&Who]) -> Result<Vec<(Who, i64)>> {
    let mut found = Vec::with_capacity(wanted.len());
    for chunk in wanted.chunks(16) {
        let mut text = String::from(
            "select who_id, number, extension, display from who where (number, extension, display) in (values ",
        );
        let mut cells = Vec::with_capacity(48);
        // The last is repeated, so that there is one text for every number of them.
        let last = chunk.last().copied();
        let stride = if chunk.len() == 1 { 1 } else { 16 };
        for (n, who) in (0..stride).zip(chunk.iter().copied().chain(last.into_iter().cycle())) {
            let first = 3 * n;
            let comma = if n == 0 { "" } else { "," };
            text.push_str(&format!("{comma}(${},${},${})", first + 1, first + 2, first + 3));
            cells.extend([Cell::from(who.0.as_str()), who.1.as_str().into(), who.2.as_str().into()]);
        }
        text.push(')');
        for row in conn.rows_kept(text, cells).await? {
            found.push(((row.text(1)?, row.text(2)?, row.text(3)?), row.int(0)?));
        }
    }
    Ok(found)
}

const NEW_WHO: Insert = Insert {
    head: "insert into who (number, extension, display, digits, words) values",
    columns: 5,
    tail: "on conflict (number, extension, display) do nothing",
};
const WHO_WORD: Insert = Insert {
    head: "insert into who_word (word, who_id) values",
    columns: 2,
    tail: "on conflict (word, who_id) do nothing",
};
const WHO_TRIGRAM: Insert =
    Insert { head: "insert into who_trigram (rowid, digits) values", columns: 2, tail: "" };

async fn enter_who(conn: &mut Conn, new: &[&Who]) -> Result<Vec<(Who, i64)>> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let mut cells = Vec::with_capacity(new.len().saturating_mul(5));
    for (number, extension, display) in new {
        cells.extend([
            Cell::from(number.as_str()),
            extension.as_str().into(),
            display.as_str().into(),
            fold_number(number).into(),
            spaced(&words(display)).into(),
        ]);
    }
    NEW_WHO.run(conn, cells).await?;
    let entered = look_up(conn, new).await?;
    let mut of_words = Vec::new();
    let mut of_digits = Vec::new();
    for ((number, _, display), id) in &entered {
        let distinct: BTreeSet<String> = words(display).into_iter().collect();
        of_words.extend(distinct.into_iter().flat_map(|word| [Cell::from(word), (*id).into()]));
        let digits = fold_number(number);
        if !digits.is_empty() {
            of_digits.extend([Cell::from(*id), digits.into()]);
        }
    }
    WHO_WORD.run(conn, of_words).await?;
    if conn.is_sqlite() {
        WHO_TRIGRAM.run(conn, of_digits).await?;
    }
    Ok(entered)
}

/// Finds or enters a combination of tap, method, side and direction.
pub(crate) async fn facet_id(conn: &mut Conn, known: &mut Known, facet: &Facet) -> Result<i64> {
    if let Some(id) = known.facets.get(facet) {
        return Ok(*id);
    }
    if known.facets.len() > FACETS_MAX {
        known.facets.clear();
    }
    let cells = || vec![Cell::from(facet.0.as_str()), facet.1.into(), facet.2.into(), facet.3.into()];
    conn.run(
        "insert into facet (tap_name, method, side, direction) values ($1, $2, $3, $4) \
         on conflict (tap_name, method, side, direction) do nothing",
        cells(),
    )
    .await?;
    let row = conn
        .row(
            "select facet_id from facet where tap_name = $1 and method = $2 and side = $3 and direction = $4",
            cells(),
        )
        .await?;
    let id = row.map_or(Ok(0), |row| row.int(0))?;
    known.facets.insert(facet.clone(), id);
    Ok(id)
}

/// What the strip of a recording says, and what its postings follow from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Strip {
    pub(crate) order_key: i64,
    pub(crate) facet: i64,
    pub(crate) length_us: u64,
    pub(crate) has_gap: bool,
    pub(crate) held: bool,
    /// Rows of `who` in the order of parties.
    pub(crate) who: Vec<i64>,
}

impl Strip {
    /// Returns the first party, the second, and how many more.
    pub(crate) fn parties(&self) -> (i64, i64, i64) {
        let party = |n: usize| self.who.get(n).copied().unwrap_or(0);
        (party(0), party(1), i64::try_from(self.who.len().saturating_sub(2)).unwrap_or(0))
    }

    /// Returns the postings that lead here, labels apart.
    pub(crate) fn postings(&self) -> impl Iterator<Item = Posting> + '_ {
        self.terms().into_iter().map(|term| (term, self.order_key, glance::of(self, term)))
    }

    fn terms(&self) -> BTreeSet<i64> {
        let who = self.who.iter().filter(|id| **id > 0).map(|id| Kind::Who.term(*id));
        let mut terms: BTreeSet<i64> = who.collect();
        terms.insert(Kind::Facet.term(self.facet));
        terms.insert(Kind::Length.term(length_class(self.length_us)));
        terms.extend(self.has_gap.then(|| Kind::Flag.term(GAP)));
        terms.extend(self.held.then(|| Kind::Flag.term(HELD)));
        terms
    }
}

/// Term, place in the list, and what is seen of the recording from there.
pub(crate) type Posting = (i64, i64, Option<i64>);

const POSTING: Insert = Insert {
    head: "insert into posting (term, order_key, glance) values",
    columns: 3,
    tail: "on conflict (term, order_key) do nothing",
};
/// As it was entered before version 9, for the step to version 2.
const POSTING_2: Insert = Insert {
    head: "insert into posting (term, order_key) values",
    columns: 2,
    tail: "on conflict (term, order_key) do nothing",
};

/// Enters postings in the order of terms, so that neighbours are written together.
pub(crate) async fn enter_postings(conn: &mut Conn, mut postings: Vec<Posting>) -> Result<()> {
    postings.sort_unstable();
    let cells = postings
        .into_iter()
        .flat_map(|(term, key, glance)| [Cell::Int(term), Cell::Int(key), Cell::int_or_none(glance)]);
    POSTING.run(conn, cells.collect()).await
}

/// Replaces the postings of a recording that changed; `labels` are its terms that people made.
pub(crate) async fn move_postings(
    conn: &mut Conn,
    old: &Strip,
    new: &Strip,
    labels: &BTreeSet<i64>,
) -> Result<()> {
    let all = |strip: &Strip| -> BTreeSet<Posting> {
        strip.postings().chain(labels.iter().map(|term| (*term, strip.order_key, None))).collect()
    };
    let (before, after) = (all(old), all(new));
    for (term, key, _) in before.difference(&after) {
        let cells = vec![Cell::Int(*term), Cell::Int(*key)];
        conn.run("delete from posting where term = $1 and order_key = $2", cells).await?;
    }
    enter_postings(conn, after.difference(&before).copied().collect()).await
}

/// Numbers the parties of one recording of version 1 and makes its postings.
pub(crate) async fn number_parties(conn: &mut Conn, known: &mut Known, id: [u8; 16]) -> Result<()> {
    let text = "select order_key, length_us, has_gap, tap_name, method, side, direction from recording where recording_id = $1";
    let Some(row) = conn.row(text, vec![Cell::from(&id)]).await? else { return Ok(()) };
    let direction: u8 = row.number(6, "direction")?;
    let facet: Facet = (row.text(3)?, row.number(4, "method")?, row.number(5, "side")?, direction);
    let parties = conn
        .rows(
            "select place, role, display, number from party where recording_id = $1 order by place",
            vec![Cell::from(&id)],
        )
        .await?;
    let seen_from = Direction::from_number(direction).unwrap_or_default();
    let mut places = Vec::with_capacity(parties.len());
    let mut wanted: Vec<Who> = Vec::with_capacity(parties.len());
    for party in &parties {
        let (role, number) = (PartyRole::from_number(party.number(1, "role")?), party.text(3)?);
        let at = extension(seen_from, role, &number);
        places.push(party.int(0)?);
        wanted.push((number, at, party.text(2)?));
    }
    let strip = Strip {
        order_key: row.int(0)?,
        facet: facet_id(conn, known, &facet).await?,
        length_us: row.number(1, "length")?,
        has_gap: row.int(2)? != 0,
        held: false,
        who: who_ids(conn, known, &wanted).await?,
    };
    for ((place, (_, at, _)), who) in places.iter().zip(&wanted).zip(&strip.who) {
        let cells = vec![Cell::from(at.as_str()), Cell::Int(*who), Cell::from(&id), Cell::Int(*place)];
        let text = "update party set extension = $1, who_id = $2 where recording_id = $3 and place = $4";
        conn.run(text, cells).await?;
    }
    let (a, b, more) = strip.parties();
    conn.run(
        "update recording set facet_id = $1, who_a = $2, who_b = $3, more_parties = $4 where recording_id = $5",
        vec![strip.facet.into(), a.into(), b.into(), more.into(), Cell::from(&id)],
    )
    .await?;
    let cells = strip.terms().into_iter().flat_map(|term| [Cell::Int(term), Cell::Int(strip.order_key)]);
    POSTING_2.run(conn, cells.collect()).await
}

/// Finds or enters folded words, and returns their numbers.
pub(crate) async fn word_ids(conn: &mut Conn, words: &BTreeSet<String>) -> Result<BTreeMap<String, i64>> {
    let mut ids = BTreeMap::new();
    for word in words {
        conn.run(
            "insert into word (word) values ($1) on conflict (word) do nothing",
            vec![word.as_str().into()],
        )
        .await?;
        let row = conn.row("select word_id from word where word = $1", vec![word.as_str().into()]).await?;
        if let Some(row) = row {
            ids.insert(word.clone(), row.int(0)?);
        }
    }
    Ok(ids)
}

/// Returns the facet of what there is one of.
pub(crate) fn facet_of(tap_name: &str, method: Method, side: Side, direction: Direction) -> Facet {
    (tap_name.to_owned(), method.number(), side.number(), direction.number())
}
