//! Finding recordings as programs do it: by identity, reference, day, call. People search by [`crate::Search`].

use shared::{Day, RecordingId, Reference, UtcMicros};

use crate::bulk::Cell;
use crate::index::{Kind, place_at};
use crate::read::assemble;
use crate::search::Filter;
use crate::sql::Conn;
use crate::text::{behind, fold_number, literal};
use crate::{Catalogue, Cursor, LIMIT_MAX, Recording, Result};

/// What to look for; all filters must hold. The default finds everything, newest first, fifty a page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Query {
    /// This recording only.
    pub id: Option<RecordingId>,
    /// This reference only.
    pub reference: Option<Reference>,
    /// Begun on this civil day of the site.
    pub day: Option<Day>,
    /// A party's number begins with this.
    pub number_begins: Option<String>,
    /// A party's number contains this.
    pub number_contains: Option<String>,
    /// Tied to this call (SIP Call-ID or link id).
    pub call_id: Option<String>,
    /// Begun at this instant or later.
    pub since: Option<UtcMicros>,
    /// Begun before this instant.
    pub until: Option<UtcMicros>,
    /// Oldest first instead of newest first.
    pub oldest_first: bool,
    /// Go on after this place: [`Page::next`] of the page before.
    pub after: Option<Cursor>,
    /// Recordings a page, 1 to 1,000.
    pub limit: u32,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            id: None,
            reference: None,
            day: None,
            number_begins: None,
            number_contains: None,
            call_id: None,
            since: None,
            until: None,
            oldest_first: false,
            after: None,
            limit: 50,
        }
    }
}

/// Some recordings, and where to go on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// What was found, without events.
    pub recordings: Vec<Recording>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
}

impl Catalogue {
    /// Finds recordings, one page.
    ///
    /// # Errors
    /// The database's.
    pub fn find(&self, query: &Query) -> Result<Page> {
        let (query, db) = (query.clone(), self.db.clone());
        self.block(async move { page(&mut db.reader().await?, &query).await })
    }
}

async fn page(conn: &mut Conn, query: &Query) -> Result<Page> {
    let limit = query.limit.clamp(1, LIMIT_MAX);
    let (text, cells) = statement(query, limit);
    let rows = conn.rows_of(text, cells).await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut ids = Vec::with_capacity(rows.len());
    let mut last = None;
    for row in rows.iter().take(wanted) {
        last = Some(Cursor(row.int(0)?));
        ids.push(RecordingId(row.octets(1, "identity")?));
    }
    Ok(Page { recordings: assemble(conn, &ids).await?, next: last.filter(|_| rows.len() > wanted) })
}

/// Writes the statement that finds one more than `limit` keys, and its arguments in order.
fn statement(query: &Query, limit: u32) -> (String, Vec<Cell>) {
    let mut filter = Filter::default();
    filter.add("r.recording_id = ?", query.id.map(|id| vec![id.bytes().into()]));
    filter.add("r.reference = ?", query.reference.map(|r| vec![r.to_string().into()]));
    filter.add("r.day = ?", query.day.map(|d| vec![d.yyyymmdd().into()]));
    filter.add("r.order_key >= ?", query.since.map(|t| vec![place_at(t.0).into()]));
    filter.add("r.order_key < ?", query.until.map(|t| vec![place_at(t.0).into()]));
    filter.add(
        "r.recording_id in (select recording_id from call_link where call_id = ?)",
        query.call_id.as_deref().map(|id| vec![id.into()]),
    );
    let who = |condition: &str| {
        let kind = Kind::Who.term(0);
        format!(
            "r.order_key in (select p.order_key from who w join posting p on p.term = w.who_id + {kind} where {condition})"
        )
    };
    let begins = query.number_begins.as_deref().map(fold_number).filter(|d| !d.is_empty());
    filter.add(
        &who("w.digits >= ? and w.digits < ?"),
        begins.map(|digits| vec![digits.as_str().into(), behind(&digits).into()]),
    );
    let contains = query.number_contains.as_deref().map(fold_number).filter(|d| !d.is_empty());
    filter.add(
        &who("w.digits like ? escape '!'"),
        contains.map(|digits| vec![format!("%{}%", literal(&digits)).into()]),
    );
    let (beyond, order) =
        if query.oldest_first { ("r.order_key > ?", "asc") } else { ("r.order_key < ?", "desc") };
    filter.add(beyond, query.after.map(|key| vec![key.0.into()]));
    let text = format!(
        "select r.order_key, r.recording_id from recording r{} order by r.order_key {order} limit {}",
        filter.clause("where"),
        limit.saturating_add(1)
    );
    (text, filter.cells)
}
