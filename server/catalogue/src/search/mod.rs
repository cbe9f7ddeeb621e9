//! Searching as people do it: filters, a scope, and pages both ways.

mod columns;
mod count;
mod filter;
mod gather;
mod near;
mod resolve;
mod statement;
mod walk;
mod weigh;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use shared::{Direction, Method, RecordingId, Reference, Side, UtcMicros};

pub(crate) use filter::Filter;
use resolve::{Asked, resolve};
use walk::Walk;

use crate::packed::Shelf;
use crate::read::assemble;
use crate::sql::Conn;
use crate::{Catalogue, ExtensionPattern, Listed, Recording, Result, Scope, listed};

/// A page of a search holds at most this many recordings.
pub const LIMIT_MAX: u32 = 1_000;
/// Counts stop here.
pub const COUNT_MAX: u64 = 10_000;

/// What to look for; all that is given must hold. The default finds everything, newest first, fifty a page.
///
/// Texts are compared without regard to case and accents; digits of any script count as digits. Empty texts ask for nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Search {
    /// Words that must each be found somewhere: as part of a number, or as the beginning of a word of a name, the reference,
    /// the external reference, the subject, the comment or a tag.
    pub words: Option<String>,
    /// Any part of a party's number; blanks, dashes, brackets and dots are overlooked.
    pub number: Option<String>,
    /// Beginnings of words of a party's name.
    pub name: Option<String>,
    /// The extension of a party.
    pub extension: Option<ExtensionPattern>,
    /// Begun at this instant or later.
    pub since: Option<UtcMicros>,
    /// Begun before this instant.
    pub until: Option<UtcMicros>,
    /// At least so long, in microseconds.
    pub min_us: Option<u64>,
    /// At most so long, in microseconds.
    pub max_us: Option<u64>,
    /// One of these directions; none: any.
    pub directions: Vec<Direction>,
    /// One of these methods; none: any.
    pub methods: Vec<Method>,
    /// One of these sides; none: any.
    pub sides: Vec<Side>,
    /// The name of the tap, whole.
    pub tap: Option<String>,
    /// A tag, whole.
    pub tag: Option<String>,
    /// The beginning of the reference, or beginnings of words of the external reference.
    pub reference: Option<String>,
    /// Beginnings of words of the subject.
    pub subject: Option<String>,
    /// Beginnings of words of the comment.
    pub comment: Option<String>,
    /// Samples are missing for another reason than silence suppression, or not.
    pub has_gap: Option<bool>,
    /// A legal hold is on, or not.
    pub held: Option<bool>,
    /// Oldest first instead of newest first.
    pub oldest_first: bool,
    /// Which page.
    pub place: Place,
    /// Recordings a page, 1 to [`LIMIT_MAX`].
    pub limit: u32,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            words: None,
            number: None,
            name: None,
            extension: None,
            since: None,
            until: None,
            min_us: None,
            max_us: None,
            directions: Vec::new(),
            methods: Vec::new(),
            sides: Vec::new(),
            tap: None,
            tag: None,
            reference: None,
            subject: None,
            comment: None,
            has_gap: None,
            held: None,
            oldest_first: false,
            place: Place::Start,
            limit: 50,
        }
    }
}

/// A place in the list of all recordings, as text for a client to bring back. It means the same in every search.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Cursor(pub(crate) i64);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

/// Says that a text is no place in a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("this is not a place in a list: begin again at the first page")]
pub struct CursorError;

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> std::result::Result<Self, CursorError> {
        let shaped = !text.is_empty() && text.len() <= 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let key = if shaped { i64::from_str_radix(text, 16).ok() } else { None };
        key.map(Self).ok_or(CursorError)
    }
}

/// Which page of a search.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Place {
    /// The first.
    #[default]
    Start,
    /// The one behind this place: [`SearchPage::next`].
    After(Cursor),
    /// The one before this place: [`SearchPage::previous`].
    Before(Cursor),
}

/// Some recordings in the order that was asked for, and where the neighbours begin.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SearchPage {
    /// What was found.
    pub recordings: Vec<Listed>,
    /// The page before this one; `None` on the first.
    pub previous: Option<Cursor>,
    /// The page behind this one; `None` on the last.
    pub next: Option<Cursor>,
}

/// How many recordings a search finds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Count {
    /// So many were counted, at most [`COUNT_MAX`].
    pub n: u64,
    /// There may be more: counting stopped at its limit, or before it would have taken long.
    pub more: bool,
}

impl Scope {
    /// Tells whether a recording is visible. This is what visible means; searches lead to it faster and are held against it.
    #[must_use]
    pub fn sees(&self, recording: &Recording) -> bool {
        let extensions = recording.parties.iter().map(|p| p.extension.as_str());
        self.covers(extensions, &recording.facts.tap_name, recording.facts.started_at)
    }

    /// Tells whether a recording in a list is visible.
    #[must_use]
    pub fn lists(&self, listed: &Listed) -> bool {
        let extensions = listed.parties.iter().map(|p| p.extension.as_str());
        self.covers(extensions, &listed.facts.tap_name, listed.facts.started_at)
    }
}

impl Catalogue {
    /// Searches, one page of what `scope` sees.
    ///
    /// # Errors
    /// [`crate::CatalogueError::Length`] if a text has more than 1,000 characters, [`crate::CatalogueError::TooLong`], or the
    /// database's.
    pub fn search(&self, search: &Search, scope: &Scope) -> Result<SearchPage> {
        let (db, search, scope) = (self.db.clone(), search.clone(), scope.clone());
        let shelf = Arc::clone(&self.shelf);
        self.block(async move {
            let mut conn = db.reader().await?;
            conn.bound_work().await?;
            let found = page(&mut conn, &shelf, &search, &scope).await;
            conn.unbound_work().await?;
            found
        })
    }

    /// Counts what a search finds of what `scope` sees, up to [`COUNT_MAX`]. Which page is asked for makes no difference.
    ///
    /// # Errors
    /// As [`Self::search`].
    pub fn count(&self, search: &Search, scope: &Scope) -> Result<Count> {
        let (db, search, scope) = (self.db.clone(), search.clone(), scope.clone());
        self.block(async move {
            let mut conn = db.reader().await?;
            conn.bound_work().await?;
            let counted = count(&mut conn, &search, &scope).await;
            conn.unbound_work().await?;
            counted
        })
    }

    /// Returns a recording with its events and labels if `scope` sees it. What it does not see answers as what is not there.
    ///
    /// # Errors
    /// The database's.
    pub fn visible(&self, id: RecordingId, scope: &Scope) -> Result<Option<Recording>> {
        Ok(self.recording(id)?.filter(|recording| scope.sees(recording)))
    }

    /// Returns the other recordings of the same call that `scope` sees, by start: those that share a call id.
    ///
    /// # Errors
    /// The database's.
    pub fn linked(&self, id: RecordingId, scope: &Scope) -> Result<Vec<(RecordingId, Reference)>> {
        let (db, scope) = (self.db.clone(), scope.clone());
        self.block(async move {
            let mut conn = db.reader().await?;
            let text = "select distinct r.order_key, r.recording_id from call_link mine \
                        join call_link theirs on theirs.call_id = mine.call_id \
                        join recording r on r.recording_id = theirs.recording_id \
                        where mine.recording_id = $1 and theirs.recording_id <> $1 order by r.order_key limit 100";
            let rows = conn.rows(text, vec![id.bytes().into()]).await?;
            let ids = rows.iter().map(|row| Ok(RecordingId(row.octets(1, "identity")?))).collect::<Result<Vec<_>>>()?;
            let linked = assemble(&mut conn, &ids).await?.into_iter().filter(|r| scope.sees(r));
            Ok(linked.map(|r| (r.facts.recording_id, r.facts.reference)).collect())
        })
    }
}

async fn count(conn: &mut Conn, search: &Search, scope: &Scope) -> Result<Count> {
    let Asked { stretch, conditions } = resolve(conn, search, scope).await?;
    count::count(conn, &conditions, stretch).await
}

async fn page(conn: &mut Conn, shelf: &Shelf, search: &Search, scope: &Scope) -> Result<SearchPage> {
    let limit = usize::try_from(search.limit.clamp(1, LIMIT_MAX)).unwrap_or(1);
    let Asked { mut stretch, conditions } = resolve(conn, search, scope).await?;
    // Newest first goes down the list, and back up for the page before.
    let down = !search.oldest_first;
    let is_back = matches!(search.place, Place::Before(_));
    let descending = down != is_back;
    if let Place::After(Cursor(key)) | Place::Before(Cursor(key)) = search.place {
        if descending {
            stretch.high = stretch.high.min(key);
        } else {
            stretch.low = stretch.low.max(key.saturating_add(1));
        }
    }
    let mut keys =
        walk::keys(conn, shelf, &conditions, Walk { stretch, descending }, limit.saturating_add(1)).await?;
    let is_more = keys.len() > limit;
    keys.truncate(limit);
    if is_back {
        keys.reverse();
    }
    let (first, last) = (keys.first().copied().map(Cursor), keys.last().copied().map(Cursor));
    let (previous, next) = match search.place {
        Place::Start => (None, last.filter(|_| is_more)),
        // An empty page behind a place: that place is the last of the page before.
        Place::After(Cursor(key)) => {
            let just_behind = Cursor(if down { key.saturating_sub(1) } else { key.saturating_add(1) });
            (first.or(Some(just_behind)), last.filter(|_| is_more))
        }
        Place::Before(Cursor(key)) => {
            let just_before = Cursor(if down { key.saturating_add(1) } else { key.saturating_sub(1) });
            (first.filter(|_| is_more), last.or(Some(just_before)))
        }
    };
    let mut recordings = listed::at(conn, &keys).await?;
    recordings.retain(|recording| scope.lists(recording));
    Ok(SearchPage { recordings, previous, next })
}

/// Returns the statements with which a search would scan and follow each of its conditions, for tests of their plans.
#[cfg(test)]
pub(crate) async fn statements(
    conn: &mut Conn,
    search: &Search,
    scope: &Scope,
) -> Result<Vec<(String, Vec<crate::bulk::Cell>)>> {
    let Asked { stretch, conditions } = resolve(conn, search, scope).await?;
    let walk = Walk { stretch, descending: !search.oldest_first };
    let mut texts = vec![statement::scanning(conn, &conditions, walk, 51)];
    for terms in conditions.iter().filter_map(|c| c.terms.as_ref()).filter(|terms| !terms.is_empty()) {
        texts.push(statement::following(conn, &conditions, terms, walk, 51));
        texts.extend(gather::gathering(&conditions, terms, walk));
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_and_nothing_else_is_one() {
        for key in [0, 1, i64::MAX] {
            assert_eq!(Cursor(key).to_string().parse(), Ok(Cursor(key)));
        }
        for text in ["", "-1", "+1", "g", "ffffffffffffffff", "00000000000000001", "' or 1=1"] {
            assert_eq!(text.parse::<Cursor>(), Err(CursorError), "{text}");
        }
    }
}
