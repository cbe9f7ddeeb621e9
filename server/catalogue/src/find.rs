//! Searching: filters, and pages that go on where the last one ended.

use shared::{Day, RecordingId, Reference, UtcMicros};
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Row as _};

use crate::bulk::{Cell, add};
use crate::read::{assemble, id16};
use crate::{Catalogue, Recording, Result};

/// A page holds at most this many recordings.
pub(crate) const PAGE_MAX: u32 = 1_000;

/// What to look for; all filters must hold. The default finds everything, newest first, fifty a page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Query {
    /// This recording only.
    pub id: Option<RecordingId>,
    /// This reference only.
    pub reference: Option<Reference>,
    /// Begun on this civil day of the site.
    pub day: Option<Day>,
    /// A party's number begins with this: found by an index.
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

/// A place in the list of all recordings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cursor {
    /// Start of the last recording seen.
    pub started_at: UtcMicros,
    /// Its identity.
    pub recording_id: RecordingId,
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
        let (query, pool) = (query.clone(), self.readers.clone());
        self.block(async move {
            let mut reader = pool.acquire().await?;
            page(&mut reader, &query).await
        })
    }
}

async fn page(reader: &mut SqliteConnection, query: &Query) -> Result<Page> {
    let limit = query.limit.clamp(1, PAGE_MAX);
    let (text, cells) = statement(query, limit);
    let mut arguments = SqliteArguments::default();
    for cell in cells {
        add(&mut arguments, cell)?;
    }
    let rows = sqlx::query_with(AssertSqlSafe(text), arguments).fetch_all(&mut *reader).await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let keys = rows.iter().take(wanted).map(cursor).collect::<Result<Vec<_>>>()?;
    let next = keys.last().copied().filter(|_| rows.len() > wanted);
    let ids: Vec<RecordingId> = keys.iter().map(|key| key.recording_id).collect();
    Ok(Page { recordings: assemble(reader, &ids).await?, next })
}

fn cursor(row: &SqliteRow) -> Result<Cursor> {
    Ok(Cursor { started_at: UtcMicros(row.try_get(0)?), recording_id: RecordingId(id16(row, 1)?) })
}

/// Writes the statement that finds one more than `limit` keys, and its arguments in order.
fn statement(query: &Query, limit: u32) -> (String, Vec<Cell>) {
    let mut filter = Filter::default();
    filter.add("r.recording_id = ?", query.id.map(|id| [id.bytes().into()]));
    filter.add("r.reference = ?", query.reference.map(|r| [r.to_string().into()]));
    filter.add("r.day = ?", query.day.map(|d| [d.yyyymmdd().into()]));
    filter.add("r.started_at_us >= ?", query.since.map(|t| [t.0.into()]));
    filter.add("r.started_at_us < ?", query.until.map(|t| [t.0.into()]));
    filter.add(
        "r.recording_id in (select recording_id from call_link where call_id = ?)",
        query.call_id.as_deref().map(|id| [id.into()]),
    );
    // The last place behind every number that begins so, in the order of code points.
    let begins = query.number_begins.as_deref().filter(|d| !d.is_empty());
    filter.add(
        "r.recording_id in (select recording_id from party where number >= ? and number < ?)",
        begins.map(|digits| [digits.into(), format!("{digits}\u{10ffff}").into()]),
    );
    let contains = query.number_contains.as_deref().filter(|d| !d.is_empty());
    filter.add(
        "r.recording_id in (select recording_id from party where number like ? escape '!')",
        contains.map(|digits| [like(digits).into()]),
    );
    let (beyond, order) = if query.oldest_first {
        ("(r.started_at_us, r.recording_id) > (?, ?)", "asc")
    } else {
        ("(r.started_at_us, r.recording_id) < (?, ?)", "desc")
    };
    filter.add(beyond, query.after.map(|key| [key.started_at.0.into(), key.recording_id.bytes().into()]));
    let text = format!(
        "select r.started_at_us, r.recording_id from recording r{} \
         order by r.started_at_us {order}, r.recording_id {order} limit {}",
        filter.text,
        limit.saturating_add(1)
    );
    (text, filter.cells)
}

/// A `where` clause and its arguments, numbered as they come.
#[derive(Default)]
struct Filter {
    text: String,
    cells: Vec<Cell>,
}

impl Filter {
    /// Adds `condition` for values that are there; each `?` becomes the next `$n`.
    fn add<const N: usize>(&mut self, condition: &str, values: Option<[Cell; N]>) {
        let Some(values) = values else { return };
        self.text.push_str(if self.cells.is_empty() { " where " } else { " and " });
        let mut values = values.into_iter();
        for c in condition.chars() {
            if c == '?' {
                self.cells.extend(values.next());
                self.text.push_str(&format!("${}", self.cells.len()));
            } else {
                self.text.push(c);
            }
        }
    }
}

/// Writes a pattern that matches `part` anywhere, itself taken literally.
fn like(part: &str) -> String {
    let mut pattern = String::from("%");
    for c in part.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
