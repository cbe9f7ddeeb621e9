//! The audit log: who did what to which recording, chained by hash so that a row changed or taken out shows.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};
use shared::{RecordingId, UtcMicros};
use tokio::sync::oneshot;

use crate::bulk::{Cell, Insert};
use crate::search::Filter;
use crate::sql::{Conn, Row};
use crate::{Catalogue, CatalogueError, Result, UserId};

/// Acts written by one commit at most.
const GROUP_MAX: usize = 512;
/// Acts on one page at most.
const PAGE_MAX: u32 = 1_000;
/// Rows read at a time by a check.
const CHECK_ROWS: u32 = 2_000;

/// How an act ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Outcome {
    /// It was done.
    Ok = 0,
    /// It was not allowed.
    Refused = 1,
    /// It did not work.
    Failed = 2,
}

impl Outcome {
    /// Returns the word for people and for JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// Finds an outcome by its number in the catalogue.
    #[must_use]
    pub const fn from_number(n: u8) -> Option<Self> {
        match n {
            0 => Some(Self::Ok),
            1 => Some(Self::Refused),
            2 => Some(Self::Failed),
            _ => None,
        }
    }
}

/// What was acted upon.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AuditObject {
    /// A recording.
    Recording(RecordingId),
    /// Anything else, by name.
    Named(String),
}

impl fmt::Display for AuditObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recording(id) => write!(f, "{id}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

/// One act, to be written before anything of it leaves the house.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditEntry {
    /// When.
    pub at: UtcMicros,
    /// Who; `None` for a stranger or a program.
    pub actor: Option<UserId>,
    /// Their name as given or shown then.
    pub actor_name: String,
    /// The first octets of the session's digest: enough to tell sessions apart, too few to forge one.
    pub session: Option<[u8; 8]>,
    /// From where.
    pub address: String,
    /// What, as a word: `search`, `play`, `export` ...
    pub act: &'static str,
    /// To what.
    pub object: Option<AuditObject>,
    /// With what outcome.
    pub outcome: Outcome,
    /// Particulars as a JSON object.
    pub details: String,
}

/// One act as it stands in the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditRow {
    /// Its number, from 1, without holes.
    pub number: u64,
    /// When.
    pub at: UtcMicros,
    /// Who.
    pub actor: Option<UserId>,
    /// Their name then.
    pub actor_name: String,
    /// Which session.
    pub session: Option<[u8; 8]>,
    /// From where.
    pub address: String,
    /// What.
    pub act: String,
    /// To what, as text.
    pub object: Option<String>,
    /// With what outcome.
    pub outcome: Outcome,
    /// Particulars as a JSON object.
    pub details: String,
    /// SHA-256 over the digest before and this row.
    pub digest: [u8; 32],
}

/// Which acts to show; the default shows all, newest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuditFilter {
    /// At this instant or later.
    pub since: Option<UtcMicros>,
    /// Before this instant.
    pub until: Option<UtcMicros>,
    /// By this name, whole.
    pub actor: Option<String>,
    /// This act.
    pub act: Option<String>,
    /// To this object, as text.
    pub object: Option<String>,
}

/// Some acts, newest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuditPage {
    /// The acts.
    pub rows: Vec<AuditRow>,
    /// Where to go on: acts with lower numbers; `None` at the end.
    pub next: Option<u64>,
}

/// What a check of the chain found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AuditCheck {
    /// Rows read.
    pub checked: u64,
    /// The first row that does not follow from the one before; `None`: the chain holds.
    pub broken_at: Option<u64>,
    /// The digest of the last row; zeros when there is none.
    pub head: [u8; 32],
}

/// Acts that wait for the commit under way to end: the next one takes them all.
#[derive(Default, Debug)]
pub(crate) struct Waiting(Mutex<Vec<(AuditEntry, oneshot::Sender<Result<u64>>)>>);

impl Waiting {
    fn held(&self) -> MutexGuard<'_, Vec<(AuditEntry, oneshot::Sender<Result<u64>>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the first of those that wait.
    fn take(&self) -> Vec<(AuditEntry, oneshot::Sender<Result<u64>>)> {
        let mut waiting = self.held();
        let now = waiting.len().min(GROUP_MAX);
        let rest = waiting.split_off(now);
        std::mem::replace(&mut *waiting, rest)
    }
}

impl Catalogue {
    /// Writes an act into the log and returns its number. When this returns, the act survives a power cut.
    ///
    /// Acts that come at the same time share a commit.
    ///
    /// # Errors
    /// The database's: then the act must not go on.
    pub fn audit(&self, entry: &AuditEntry) -> Result<u64> {
        let (db, waiting) = (self.db.clone(), std::sync::Arc::clone(&self.audits));
        let entry = entry.clone();
        let (tell, told) = oneshot::channel();
        self.block(async move {
            waiting.held().push((entry, tell));
            // Whoever gets the connection first writes for all who wait then; the others find their word here.
            let mut conn = db.writer().await?;
            let group = waiting.take();
            if !group.is_empty() {
                let (entries, tells): (Vec<_>, Vec<_>) = group.into_iter().unzip();
                conn.begin().await?;
                let written = append(&mut conn, &entries).await;
                let first = conn.settle(written).await;
                tell_all(tells, first);
            }
            drop(conn);
            told.await.map_err(|_writer_gone| CatalogueError::Gone)?
        })
    }

    /// Returns a page of the log, newest first, of acts with numbers below `before` (`None`: from the last act).
    ///
    /// # Errors
    /// The database's.
    pub fn audit_page(&self, filter: &AuditFilter, before: Option<u64>, limit: u32) -> Result<AuditPage> {
        let (db, filter) = (self.db.clone(), filter.clone());
        let limit = limit.clamp(1, PAGE_MAX);
        self.block(async move {
            let mut clause = Filter::default();
            clause.add("number < ?", before.map(|n| vec![n.into()]));
            clause.add("at_us >= ?", filter.since.map(|t| vec![t.0.into()]));
            clause.add("at_us < ?", filter.until.map(|t| vec![t.0.into()]));
            clause.add("actor_name = ?", filter.actor.map(|text| vec![text.into()]));
            clause.add("act = ?", filter.act.map(|text| vec![text.into()]));
            clause.add("object = ?", filter.object.map(|text| vec![text.into()]));
            let text = format!(
                "select {COLUMNS} from audit{} order by number desc limit {}",
                clause.clause("where"),
                limit.saturating_add(1)
            );
            let rows = db.reader().await?.rows_of(text, clause.cells).await?;
            let mut rows = rows.iter().map(row).collect::<Result<Vec<_>>>()?;
            let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
            let is_more = rows.len() > wanted;
            rows.truncate(wanted);
            let next = rows.last().map(|row| row.number).filter(|_| is_more);
            Ok(AuditPage { rows, next })
        })
    }

    /// Reads the whole log and checks that each row follows from the one before, without holes.
    ///
    /// # Errors
    /// The database's.
    pub fn check_audit(&self) -> Result<AuditCheck> {
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.reader().await?;
            let mut check = AuditCheck::default();
            loop {
                let text = format!("select {COLUMNS} from audit where number > $1 order by number limit $2");
                let rows = conn.rows_kept(text, vec![check.checked.into(), CHECK_ROWS.into()]).await?;
                for found in rows.iter().map(row) {
                    let found = found?;
                    let number = check.checked.saturating_add(1);
                    if found.number != number || found.digest != chained(&check.head, &found) {
                        check.broken_at = Some(number);
                        return Ok(check);
                    }
                    (check.checked, check.head) = (number, found.digest);
                }
                if rows.is_empty() {
                    return Ok(check);
                }
            }
        })
    }
}

fn tell_all(tells: Vec<oneshot::Sender<Result<u64>>>, first: Result<u64>) {
    match first {
        Ok(first) => {
            for (number, tell) in (first..).zip(tells) {
                let _asker_gone = tell.send(Ok(number));
            }
        }
        Err(e) => {
            // One error cannot be given to many; the first has it, the others what it says.
            let (is_full, why) = (matches!(e, CatalogueError::NoSpace), e.to_string());
            let mut tells = tells.into_iter();
            if let Some(tell) = tells.next() {
                let _asker_gone = tell.send(Err(e));
            }
            for tell in tells {
                let other =
                    if is_full { CatalogueError::NoSpace } else { CatalogueError::Shared(why.clone()) };
                let _asker_gone = tell.send(Err(other));
            }
        }
    }
}

const COLUMNS: &str =
    "number, at_us, actor, actor_name, session, address, act, object, outcome, details, digest";

const AUDIT: Insert = Insert {
    head: "insert into audit (number, at_us, actor, actor_name, session, address, act, object, outcome, details, digest) values",
    columns: 11,
    tail: "",
};

/// Appends acts behind the last one and returns the number of the first.
async fn append(conn: &mut Conn, entries: &[AuditEntry]) -> Result<u64> {
    conn.only_writer_of_audit().await?;
    let last = conn.row("select number, digest from audit order by number desc limit 1", vec![]).await?;
    let (mut number, mut head) = match last {
        Some(last) => (last.number(0, "number")?, last.octets(1, "digest")?),
        None => (0_u64, [0; 32]),
    };
    let first = number.saturating_add(1);
    let mut cells = Vec::with_capacity(entries.len().saturating_mul(11));
    for entry in entries {
        number = number.saturating_add(1);
        let mut row = AuditRow {
            number,
            at: entry.at,
            actor: entry.actor,
            actor_name: plain(&entry.actor_name),
            session: entry.session,
            address: plain(&entry.address),
            act: entry.act.to_owned(),
            object: entry.object.as_ref().map(|object| plain(&object.to_string())),
            outcome: entry.outcome,
            details: plain(&entry.details),
            digest: [0; 32],
        };
        row.digest = chained(&head, &row);
        head = row.digest;
        cells.extend([
            Cell::from(row.number),
            row.at.0.into(),
            Cell::int_or_none(row.actor.map(|user| user.0)),
            row.actor_name.into(),
            Cell::blob_or_none(row.session.as_ref().map(<[u8; 8]>::as_slice)),
            row.address.into(),
            row.act.into(),
            Cell::text_or_none(row.object.as_deref()),
            (row.outcome as u8).into(),
            row.details.into(),
            (&row.digest).into(),
        ]);
    }
    AUDIT.run(conn, cells).await?;
    Ok(first)
}

/// What either database stores exactly as it was digested.
fn plain(text: &str) -> String {
    text.replace('\0', "")
}

/// SHA-256 over the digest before and the row in one unambiguous form: numbers as eight bytes big-endian, texts and octets behind
/// their lengths, a missing value as one zero byte where a present one begins with a one.
fn chained(before: &[u8; 32], row: &AuditRow) -> [u8; 32] {
    let mut bytes = Vec::with_capacity(256);
    bytes.extend_from_slice(b"amethyst audit 1\n");
    bytes.extend_from_slice(before);
    bytes.extend_from_slice(&row.number.to_be_bytes());
    bytes.extend_from_slice(&row.at.0.to_be_bytes());
    let actor = row.actor.map(|user| user.0.to_be_bytes());
    maybe(&mut bytes, actor.as_ref().map(<[u8; 8]>::as_slice));
    maybe(&mut bytes, Some(row.actor_name.as_bytes()));
    maybe(&mut bytes, row.session.as_ref().map(<[u8; 8]>::as_slice));
    maybe(&mut bytes, Some(row.address.as_bytes()));
    maybe(&mut bytes, Some(row.act.as_bytes()));
    maybe(&mut bytes, row.object.as_deref().map(str::as_bytes));
    bytes.push(row.outcome as u8);
    maybe(&mut bytes, Some(row.details.as_bytes()));
    Sha256::digest(&bytes).into()
}

fn maybe(bytes: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        None => bytes.push(0),
        Some(value) => {
            bytes.push(1);
            bytes.extend_from_slice(&u64::try_from(value.len()).unwrap_or(u64::MAX).to_be_bytes());
            bytes.extend_from_slice(value);
        }
    }
}

fn row(row: &Row) -> Result<AuditRow> {
    let session = row.blob_or_none(4)?.map(|bytes| bytes.try_into());
    let damaged = |what| CatalogueError::Damaged { what };
    Ok(AuditRow {
        number: row.number(0, "number")?,
        at: UtcMicros(row.int(1)?),
        actor: row.int_or_none(2)?.and_then(|n| u64::try_from(n).ok()).map(UserId),
        actor_name: row.text(3)?,
        session: session.transpose().map_err(|_wrong_length| damaged("session"))?,
        address: row.text(5)?,
        act: row.text(6)?,
        object: row.text_or_none(7)?,
        outcome: Outcome::from_number(row.number(8, "outcome")?).ok_or_else(|| damaged("outcome"))?,
        details: row.text(9)?,
        digest: row.octets(10, "digest")?,
    })
}
