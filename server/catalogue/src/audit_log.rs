//! Writing, reading and checking the audit log.
//!
//! Entries that come at the same time share one commit: each waits for the only writing connection, and whoever gets it first
//! writes all that wait by then. An entry is durable when [`Catalogue::audit`] returns its number; numbers have no holes.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use shared::UtcMicros;

use crate::bulk::Cell;
use crate::sql::{Conn, Row};
use crate::{
    AuditCheck, AuditEntry, AuditFilter, AuditPage, AuditRow, Catalogue, CatalogueError, Outcome, Result, UserId,
};

const COLUMNS: &str =
    "number, at_us, actor, actor_name, session, address, act, object, outcome, details, digest";
/// Rows that a check reads at once.
const CHECK_STEP: i64 = 2_000;
/// A page holds at most this many.
const LIMIT_MAX: u32 = 1_000;

/// Entries that wait for the writer.
pub(crate) type Waiting = Arc<Mutex<Vec<(AuditEntry, SyncSender<Result<u64>>)>>>;

impl Catalogue {
    /// Writes an entry and returns its number. It survives a power cut when this returns.
    ///
    /// # Errors
    /// The database's: then what was to be done must not be done.
    pub fn audit(&self, entry: &AuditEntry) -> Result<u64> {
        let (tell, told) = sync_channel(1);
        let waiting = Arc::clone(&self.audits);
        held(&waiting).push((entry.clone(), tell));
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.writer().await?;
            let group = std::mem::take(&mut *held(&waiting));
            if !group.is_empty() {
                let (entries, tellers): (Vec<_>, Vec<_>) = group.into_iter().unzip();
                conn.begin().await?;
                let written = append(&mut conn, &entries).await;
                let mut answers = match conn.settle(written).await {
                    Ok(numbers) => numbers.into_iter().map(Ok).collect::<Vec<_>>(),
                    Err(error) => entries.iter().map(|_| Err(again(&error))).collect(),
                };
                for teller in tellers.into_iter().rev() {
                    // Whoever does not wait any more has been told by an error of its own.
                    drop(teller.send(answers.pop().unwrap_or(Err(CatalogueError::Gone))));
                }
            }
            Ok(())
        })?;
        told.recv().map_err(|_writer_died| CatalogueError::Gone)?
    }

    /// Returns a page of entries, newest first: those with numbers under `after`, or the newest.
    ///
    /// # Errors
    /// The database's.
    pub fn audit_page(&self, filter: &AuditFilter, after: Option<u64>, limit: u32) -> Result<AuditPage> {
        let wanted = limit.clamp(1, LIMIT_MAX);
        let (text, cells) = statement(filter, after, wanted);
        let db = self.db.clone();
        self.block(async move {
            let rows = db.reader().await?.rows_of(text, cells).await?;
            let more = rows.len() > usize::try_from(wanted).unwrap_or(usize::MAX);
            let taken = rows.iter().take(usize::try_from(wanted).unwrap_or(usize::MAX));
            let rows = taken.map(row_of).collect::<Result<Vec<_>>>()?;
            let next = rows.last().map(|row| row.number).filter(|_| more);
            Ok(AuditPage { rows, next })
        })
    }

    /// Reads the whole log and checks that each entry follows from the one before.
    ///
    /// # Errors
    /// The database's.
    pub fn check_audit(&self) -> Result<AuditCheck> {
        let db = self.db.clone();
        self.block(async move {
            let mut check = AuditCheck::default();
            loop {
                // A connection for each step: a long check keeps nobody from reading.
                let text = format!("select {COLUMNS} from audit where number > $1 order by number limit $2");
                let from = i64::try_from(check.checked).unwrap_or(i64::MAX);
                let rows = db.reader().await?.rows_kept(text, vec![from.into(), CHECK_STEP.into()]).await?;
                for row in &rows {
                    let row = row_of(row)?;
                    let follows = row.number == check.checked.saturating_add(1) && digest(&check.head, &row) == row.digest;
                    if !follows {
                        check.broken_at = Some(row.number);
                        return Ok(check);
                    }
                    check.checked = row.number;
                    check.head = row.digest;
                }
                if rows.is_empty() {
                    return Ok(check);
                }
            }
        })
    }
}

/// Appends entries to the chain, in a transaction that the caller began.
async fn append(conn: &mut Conn, entries: &[AuditEntry]) -> Result<Vec<u64>> {
    let last = conn.row("select number, digest from audit order by number desc limit 1", Vec::new()).await?;
    let (mut number, mut head) = match &last {
        Some(row) => (row.number::<u64>(0, "audit.number")?, row.octets(1, "audit.digest")?),
        None => (0, [0; 32]),
    };
    let mut numbers = Vec::with_capacity(entries.len());
    for entry in entries {
        number = number.saturating_add(1);
        let mut row = AuditRow {
            number,
            at: entry.at,
            actor: entry.actor,
            actor_name: entry.actor_name.clone(),
            session: entry.session,
            address: entry.address.clone(),
            act: entry.act.to_owned(),
            object: entry.object.as_ref().map(ToString::to_string),
            outcome: entry.outcome,
            details: entry.details.clone(),
            digest: [0; 32],
        };
        row.digest = digest(&head, &row);
        head = row.digest;
        let cells = vec![
            number.into(),
            row.at.0.into(),
            Cell::int_or_none(row.actor.map(|UserId(id)| id)),
            row.actor_name.into(),
            Cell::blob_or_none(row.session.as_ref().map(<[u8; 8]>::as_slice)),
            row.address.into(),
            row.act.into(),
            Cell::text_or_none(row.object.as_deref()),
            (row.outcome as u8).into(),
            row.details.into(),
            (&row.digest).into(),
        ];
        conn.run(
            "insert into audit (number, at_us, actor, actor_name, session, address, act, object, outcome, details, digest) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            cells,
        )
        .await?;
        numbers.push(number);
    }
    Ok(numbers)
}

/// Chains a row to the digest before it. Every member is written with its length, so that no two rows have one form.
fn digest(before: &[u8; 32], row: &AuditRow) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut member = |bytes: &[u8]| {
        hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(bytes);
    };
    member(b"amethyst/audit/v1");
    member(before);
    member(&row.number.to_be_bytes());
    member(&row.at.0.to_be_bytes());
    member(&row.actor.map(|UserId(id)| id.to_be_bytes().to_vec()).unwrap_or_default());
    member(row.actor_name.as_bytes());
    member(row.session.as_ref().map_or(&[], <[u8; 8]>::as_slice));
    member(row.address.as_bytes());
    member(row.act.as_bytes());
    // None and the empty text are two things.
    member(&[u8::from(row.object.is_some())]);
    member(row.object.as_deref().unwrap_or_default().as_bytes());
    member(&[row.outcome as u8]);
    member(row.details.as_bytes());
    hash.finalize().into()
}

fn statement(filter: &AuditFilter, after: Option<u64>, limit: u32) -> (String, Vec<Cell>) {
    let mut conditions = Vec::new();
    let mut cells: Vec<Cell> = Vec::new();
    let mut add = |condition: &str, cell: Option<Cell>| {
        if let Some(cell) = cell {
            cells.push(cell);
            conditions.push(format!("{condition} ${}", cells.len()));
        }
    };
    add("number <", after.map(Cell::from));
    add("at_us >=", filter.since.map(|UtcMicros(us)| us.into()));
    add("at_us <", filter.until.map(|UtcMicros(us)| us.into()));
    add("actor_name =", filter.actor.as_deref().map(Cell::from));
    add("act =", filter.act.as_deref().map(Cell::from));
    add("object =", filter.object.as_deref().map(Cell::from));
    let condition = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" and ") };
    let limit = limit.saturating_add(1);
    (format!("select {COLUMNS} from audit where {condition} order by number desc limit {limit}"), cells)
}

fn row_of(row: &Row) -> Result<AuditRow> {
    let damaged = |what| move || CatalogueError::Damaged { what };
    let actor = row.int_or_none(2)?.map(u64::try_from).transpose();
    let session = row.blob_or_none(4)?.map(<[u8; 8]>::try_from).transpose();
    Ok(AuditRow {
        number: row.number(0, "audit.number")?,
        at: UtcMicros(row.int(1)?),
        actor: actor.map_err(|_negative| CatalogueError::Damaged { what: "audit.actor" })?.map(UserId),
        actor_name: row.text(3)?,
        session: session.map_err(|_length| CatalogueError::Damaged { what: "audit.session" })?,
        address: row.text(5)?,
        act: row.text(6)?,
        object: row.text_or_none(7)?,
        outcome: Outcome::from_number(row.number(8, "audit.outcome")?).ok_or_else(damaged("audit.outcome"))?,
        details: row.text(9)?,
        digest: row.octets(10, "audit.digest")?,
    })
}

/// Says an error once more, for each who waited on the same commit.
fn again(error: &CatalogueError) -> CatalogueError {
    if matches!(error, CatalogueError::NoSpace) {
        return CatalogueError::NoSpace;
    }
    CatalogueError::Sql(sqlx::Error::Protocol(error.to_string()))
}

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
