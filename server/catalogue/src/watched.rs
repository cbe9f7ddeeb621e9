//! What is to be told about the archive, and what people did about it: notices that stand, verifications and drills, runs that were
//! stopped, and how far the daily logins reach.
//!
//! None of it proves anything: losing these rows loses a memory, not a recording.

use shared::{Day, LocationId, MediaId, UtcMicros};

use crate::bulk::Cell;
use crate::labels::{found, user};
use crate::location::worded;
use crate::orders::by;
use crate::read::{damaged, id16};
use crate::sql::{Conn, Row};
use crate::{By, Catalogue, CatalogueError, Result};

worded! {
    /// How much a notice matters.
    Severity {
        /// Somebody may want to know.
        Told = 1 "told",
        /// Something goes wrong unless somebody acts in the next days.
        Warning = 2 "warning",
        /// Somebody must act now.
        Urgent = 3 "urgent",
    }
}
worded! {
    /// How recordings were looked at beside a run.
    CheckKind {
        /// Everything on a medium was read again.
        Verify = 1 "verify",
        /// Some recordings were fetched and opened.
        Drill = 2 "drill",
        /// A person said that a medium may be trusted again.
        Trust = 3 "trust",
    }
}

/// A notice that stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoticeRow {
    /// What it is about, and where: no two that stand have the same.
    pub key: String,
    /// How much it matters.
    pub severity: Severity,
    /// What its sentence is filled in with, as a JSON object.
    pub filled: String,
    /// Since when it stands.
    pub since: UtcMicros,
    /// Who has seen it.
    pub seen: Option<By>,
}

/// What has changed about notices.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NoticesChanged {
    /// These stand now and did not before, or matter more.
    pub begun: Vec<NoticeRow>,
    /// These stand no more.
    pub ended: Vec<NoticeRow>,
}

/// One verification of a medium, or one drill.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckRow {
    /// Where.
    pub location_id: LocationId,
    /// Which medium; `None` for a drill.
    pub media_id: Option<MediaId>,
    /// What was done.
    pub what: CheckKind,
    /// Its beginning.
    pub begun_at: UtcMicros,
    /// Its end.
    pub ended_at: UtcMicros,
    /// The medium was suspect then.
    pub was_suspect: bool,
    /// Everything was as it should be.
    pub well: bool,
    /// It was not, but all that was wrong is files of recordings that are due again there; all else was whole.
    pub mends: bool,
    /// Files that were.
    pub files: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// What was wrong: a JSON array of sentences, not all of them if there are many.
    pub findings: String,
}

impl Catalogue {
    /// Returns the notices that stand, the worst first.
    ///
    /// # Errors
    /// The database's.
    pub fn notices(&self) -> Result<Vec<NoticeRow>> {
        let db = self.db.clone();
        self.block(async move { notices(&mut db.reader().await?).await })
    }

    /// Makes `now_true` the notices that stand. One that stood already keeps its moment; whoever has seen it has not seen that it became
    /// worse. Nothing is written while nothing changes.
    ///
    /// # Errors
    /// The database's.
    pub fn keep_notices(&self, now_true: &[NoticeRow]) -> Result<NoticesChanged> {
        let (db, now_true) = (self.db.clone(), now_true.to_vec());
        self.block(async move {
            let stood = notices(&mut db.reader().await?).await?;
            let mut changed = NoticesChanged::default();
            let (mut put, mut refill) = (Vec::new(), Vec::new());
            for row in &now_true {
                match stood.iter().find(|stood| stood.key == row.key) {
                    None => put.push(row.clone()),
                    Some(stood) if stood.severity < row.severity => {
                        put.push(NoticeRow { since: stood.since, ..row.clone() });
                    }
                    Some(stood) if (stood.severity, &stood.filled) != (row.severity, &row.filled) => {
                        refill.push(row.clone());
                    }
                    Some(_) => {}
                }
            }
            changed.ended =
                stood.into_iter().filter(|stood| now_true.iter().all(|row| row.key != stood.key)).collect();
            if !put.is_empty() || !refill.is_empty() || !changed.ended.is_empty() {
                let mut conn = db.writer().await?;
                conn.begin().await?;
                let done = write(&mut conn, &put, &refill, &changed.ended).await;
                conn.end(done).await?;
            }
            changed.begun = put;
            Ok(changed)
        })
    }

    /// Notes that somebody has seen a notice.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] if it does not stand any more, or the database's.
    pub fn notice_seen(&self, key: &str, by: &By) -> Result<()> {
        let cells = vec![Cell::from(key), user(by), by.name.as_str().into(), by.at.0.into()];
        let text = "update notice set seen_by = $2, seen_by_name = $3, seen_at_us = $4 where notice_key = $1";
        let db = self.db.clone();
        self.block(async move { found("notice", db.writer().await?.run(text, cells).await?) })
    }

    /// Notes a verification or a drill that came to its end.
    ///
    /// # Errors
    /// The database's: no such location or medium.
    pub fn note_check(&self, row: &CheckRow) -> Result<()> {
        let cells = vec![
            row.location_id.bytes().into(),
            Cell::blob_or_none(row.media_id.as_ref().map(|id| id.bytes().as_slice())),
            row.what.number().into(),
            row.begun_at.0.into(),
            row.ended_at.0.into(),
            row.was_suspect.into(),
            row.well.into(),
            row.files.into(),
            row.bytes.into(),
            row.findings.as_str().into(),
            row.mends.into(),
        ];
        let text = "insert into archive_check (location_id, media_id, what, begun_at_us, ended_at_us, was_suspect, well, files, bytes, \
                    findings, mends) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
        let db = self.db.clone();
        self.block(async move { db.writer().await?.run(text, cells).await.map(drop) })
    }

    /// Returns the last verifications or drills at a location, the newest first.
    ///
    /// # Errors
    /// The database's.
    pub fn checks(&self, location: LocationId, what: CheckKind, limit: u32) -> Result<Vec<CheckRow>> {
        let cells = vec![location.bytes().into(), what.number().into(), limit.into()];
        let text = "select location_id, media_id, what, begun_at_us, ended_at_us, was_suspect, well, files, bytes, findings, mends from archive_check \
                    where location_id = $1 and what = $2 order by ended_at_us desc, check_id desc limit $3";
        let db = self.db.clone();
        self.block(async move { db.reader().await?.rows(text, cells).await?.iter().map(check_row).collect() })
    }

    /// Trusts a suspect medium again, on a person's word: everything on it was verified since it became suspect, whatever was bad is due
    /// again, and nobody trusted it on that verification before. Tells whether it is so; otherwise nothing has changed.
    ///
    /// # Errors
    /// The database's.
    pub fn trust_medium(&self, id: MediaId, by: &By) -> Result<bool> {
        let (db, by) = (self.db.clone(), by.clone());
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin_alone().await?;
            let done = trust(&mut conn, id, &by).await;
            conn.end(done).await
        })
    }

    /// Notes that a person ended a run at a location, in place of whoever did so before.
    ///
    /// # Errors
    /// The database's: no such location.
    pub fn stop_archive(&self, location: LocationId, by: &By) -> Result<()> {
        let cells = vec![location.bytes().into(), user(by), by.name.as_str().into(), by.at.0.into()];
        let text = "insert into archive_stop (location_id, stopped_by, stopped_by_name, stopped_at_us) values ($1, $2, $3, $4) \
                    on conflict (location_id) do update set stopped_by = excluded.stopped_by, \
                    stopped_by_name = excluded.stopped_by_name, stopped_at_us = excluded.stopped_at_us";
        let db = self.db.clone();
        self.block(async move { db.writer().await?.run(text, cells).await.map(drop) })
    }

    /// Returns who ended a run at a location, if nobody asked for one since.
    ///
    /// # Errors
    /// The database's.
    pub fn archive_stop(&self, location: LocationId) -> Result<Option<By>> {
        let text =
            "select stopped_by, stopped_by_name, stopped_at_us from archive_stop where location_id = $1";
        let db = self.db.clone();
        self.block(async move {
            let row = db.reader().await?.row(text, vec![location.bytes().into()]).await?;
            row.map_or(Ok(None), |row| by(&row, 0))
        })
    }

    /// Forgets that a run was ended: somebody asked for one.
    ///
    /// # Errors
    /// The database's.
    pub fn go_on_archiving(&self, location: LocationId) -> Result<()> {
        let text = "delete from archive_stop where location_id = $1";
        let db = self.db.clone();
        self.block(async move { db.writer().await?.run(text, vec![location.bytes().into()]).await.map(drop) })
    }

    /// Notes the last day for which every daily login can be made from what lies on a location.
    ///
    /// # Errors
    /// The database's: no such location.
    pub fn note_logins_until(&self, location: LocationId, until: Day) -> Result<()> {
        let text = "insert into archive_logins (location_id, until_day) values ($1, $2) \
                    on conflict (location_id) do update set until_day = excluded.until_day";
        let cells = vec![location.bytes().into(), until.yyyymmdd().into()];
        let db = self.db.clone();
        self.block(async move { db.writer().await?.run(text, cells).await.map(drop) })
    }

    /// Returns the last day for which every daily login can be made from what lies on a location; `None`: no run has said so.
    ///
    /// # Errors
    /// The database's.
    pub fn logins_until(&self, location: LocationId) -> Result<Option<Day>> {
        let text = "select until_day from archive_logins where location_id = $1";
        let db = self.db.clone();
        self.block(async move {
            let row = db.reader().await?.row(text, vec![location.bytes().into()]).await?;
            let day = |row: Row| Day::from_yyyymmdd(row.number(0, "day")?).map_err(|_odd| damaged("day"));
            row.map(day).transpose()
        })
    }
}

async fn notices(conn: &mut Conn) -> Result<Vec<NoticeRow>> {
    let text = "select notice_key, severity, filled, since_us, seen_by, seen_by_name, seen_at_us from notice \
                order by severity desc, since_us, notice_key";
    conn.rows(text, vec![]).await?.iter().map(notice_row).collect()
}

async fn write(conn: &mut Conn, put: &[NoticeRow], refill: &[NoticeRow], ended: &[NoticeRow]) -> Result<()> {
    let cells = |row: &NoticeRow| {
        vec![Cell::from(row.key.as_str()), row.severity.number().into(), row.filled.as_str().into()]
    };
    for row in put {
        let text = "insert into notice (notice_key, severity, filled, since_us) values ($1, $2, $3, $4) \
                    on conflict (notice_key) do update set severity = excluded.severity, filled = excluded.filled, \
                    seen_by = null, seen_by_name = null, seen_at_us = null";
        let mut cells = cells(row);
        cells.push(row.since.0.into());
        conn.run(text, cells).await?;
    }
    for row in refill {
        conn.run("update notice set severity = $2, filled = $3 where notice_key = $1", cells(row)).await?;
    }
    for row in ended {
        conn.run("delete from notice where notice_key = $1", vec![row.key.as_str().into()]).await?;
    }
    Ok(())
}

async fn trust(conn: &mut Conn, id: MediaId, by: &By) -> Result<bool> {
    let last = "select location_id, what, was_suspect, cast(case when well = 1 or mends = 1 then 1 else 0 end as bigint), files, bytes from archive_check where media_id = $1 and what in (1, 3) \
                order by check_id desc limit 1";
    let Some(row) = conn.row(last, vec![id.bytes().into()]).await? else { return Ok(false) };
    let was_verified = (row.int(1)?, row.int(2)?, row.int(3)?) == (1, 1, 1);
    let suspect = "update medium set state = 1 where media_id = $1 and state = 2";
    if !was_verified || conn.run(suspect, vec![id.bytes().into()]).await? == 0 {
        return Ok(false);
    }
    let text = "insert into archive_check (location_id, media_id, what, begun_at_us, ended_at_us, was_suspect, well, files, bytes, \
                findings) values ($1, $2, 3, $3, $3, 1, 1, $4, $5, $6)";
    let name = serde_json::json!([by.name]).to_string();
    let cells = vec![
        Cell::Blob(row.blob_or_none(0)?.unwrap_or_default()),
        id.bytes().into(),
        by.at.0.into(),
        row.int(4)?.into(),
        row.int(5)?.into(),
        name.as_str().into(),
    ];
    conn.run(text, cells).await?;
    Ok(true)
}

fn notice_row(row: &Row) -> Result<NoticeRow> {
    Ok(NoticeRow {
        key: row.text(0)?,
        severity: Severity::from_number(row.number(1, "severity")?).ok_or_else(|| damaged("severity"))?,
        filled: row.text(2)?,
        since: UtcMicros(row.int(3)?),
        seen: by(row, 4)?,
    })
}

fn check_row(row: &Row) -> Result<CheckRow> {
    let medium = row.blob_or_none(1)?.map(<[u8; 16]>::try_from).transpose();
    Ok(CheckRow {
        location_id: LocationId(id16(row, 0)?),
        media_id: medium.map_err(|_odd| damaged("medium"))?.map(MediaId),
        what: CheckKind::from_number(row.number(2, "check")?)
            .ok_or(CatalogueError::Damaged { what: "check" })?,
        begun_at: UtcMicros(row.int(3)?),
        ended_at: UtcMicros(row.int(4)?),
        was_suspect: row.int(5)? != 0,
        well: row.int(6)? != 0,
        files: row.number(7, "files")?,
        bytes: row.number(8, "bytes")?,
        findings: row.text(9)?,
        mends: row.int(10)? != 0,
    })
}
