//! What was proven to lie on a medium and is not good there any more: its proof goes, it is due again on that medium, and what lies
//! under its name may be put aside by the run that brings a good copy.
//!
//! A row stands until a run has proven a good copy there. Losing one would lose no proof and no recording: the next run would leave
//! the bad file alone and say so.

use std::collections::BTreeSet;

use shared::{MediaId, RecordingId, UtcMicros};

use crate::bulk::Cell;
use crate::read::id16;
use crate::{Catalogue, PartKey, Result};

/// A part whose file on a medium is not good.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadPart {
    /// Which recording.
    pub recording_id: RecordingId,
    /// Which part.
    pub part: u16,
    /// Where it lies, or should, from the archive's root folder.
    pub path: String,
    /// What was found, for people.
    pub why: String,
}

/// A part that is proven on a medium, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProvenPart {
    /// Which recording.
    pub recording_id: RecordingId,
    /// Which part.
    pub part: u16,
    /// The leaf of its admission.
    pub leaf: u64,
    /// From the archive's root folder.
    pub path: String,
}

impl Catalogue {
    /// Takes back what was proven of these parts on a medium: their files there are bad. They are due again there.
    ///
    /// One transaction. A part that the log does not tell of is left out: nothing of it was ever proven.
    ///
    /// # Errors
    /// The database's; then nothing has changed.
    pub fn found_bad(&self, medium: MediaId, parts: &[BadPart], at: UtcMicros) -> Result<()> {
        let (db, parts) = (self.db.clone(), parts.to_vec());
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let done = async {
                for bad in &parts {
                    let key =
                        || vec![bad.recording_id.bytes().into(), bad.part.into(), medium.bytes().into()];
                    let mut cells = key();
                    cells.extend([bad.path.as_str().into(), bad.why.as_str().into(), at.0.into()]);
                    conn.run(NOTE, cells).await?;
                    conn.run(HOLE, key()).await?;
                    conn.run(FORGET, key()).await?;
                }
                Ok(())
            };
            let done = done.await;
            conn.end(done).await
        })
    }

    /// Returns the parts that are bad on a medium.
    ///
    /// # Errors
    /// The database's.
    pub fn bad_parts(&self, medium: MediaId) -> Result<Vec<BadPart>> {
        let db = self.db.clone();
        self.block(async move {
            let text =
                "select recording_id, part, path, why from archive_bad where media_id = $1 order by leaf";
            let rows = db.reader().await?.rows(text, vec![medium.bytes().into()]).await?;
            let bad = |row: &crate::sql::Row| {
                Ok(BadPart {
                    recording_id: RecordingId(id16(row, 0)?),
                    part: row.number(1, "part")?,
                    path: row.text(2)?,
                    why: row.text(3)?,
                })
            };
            rows.iter().map(bad).collect()
        })
    }

    /// Returns the media on which something of a recording is bad.
    ///
    /// # Errors
    /// The database's.
    pub fn bad_on(&self, id: RecordingId) -> Result<BTreeSet<MediaId>> {
        let db = self.db.clone();
        self.block(async move {
            let text = "select media_id from archive_bad where recording_id = $1";
            let rows = db.reader().await?.rows(text, vec![id.bytes().into()]).await?;
            rows.iter().map(|row| Ok(MediaId(id16(row, 0)?))).collect()
        })
    }

    /// Returns how many parts are bad on a medium, and how many of these left the live store and are proven nowhere else: of those this
    /// server knows no good copy.
    ///
    /// # Errors
    /// The database's.
    pub fn bad_totals(&self, medium: MediaId) -> Result<(u64, u64)> {
        let db = self.db.clone();
        self.block(async move {
            let row = db.reader().await?.row(TOTALS, vec![medium.bytes().into()]).await?;
            row.map_or(Ok((0, 0)), |row| Ok((row.number(0, "count")?, row.number(1, "count")?)))
        })
    }

    /// Returns at most `limit` parts, by leaf and behind `after_leaf`, that runs which ended before `before` proved to lie on a medium;
    /// without what was destroyed on purpose.
    ///
    /// # Errors
    /// The database's.
    pub fn proven_on(
        &self,
        medium: MediaId,
        before: UtcMicros,
        after_leaf: Option<u64>,
        limit: u32,
    ) -> Result<Vec<ProvenPart>> {
        let after = after_leaf.map_or(Ok(-1), i64::try_from).unwrap_or(i64::MAX);
        let cells: Vec<Cell> = vec![medium.bytes().into(), after.into(), before.0.into(), limit.into()];
        let db = self.db.clone();
        self.block(async move {
            let text = "select p.recording_id, p.part, p.leaf, p.path from proof p join archive_run r on r.run_id = p.run_id \
                        where p.media_id = $1 and p.leaf > $2 and r.report_sha256 is not null and r.ended_at_us < $3 \
                        and not exists (select 1 from shredded d where d.recording_id = p.recording_id) order by p.leaf limit $4";
            let rows = db.reader().await?.rows(text, cells).await?;
            let proven = |row: &crate::sql::Row| {
                Ok(ProvenPart {
                    recording_id: RecordingId(id16(row, 0)?),
                    part: row.number(1, "part")?,
                    leaf: row.number(2, "leaf")?,
                    path: row.text(3)?,
                })
            };
            rows.iter().map(proven).collect()
        })
    }
}

impl BadPart {
    /// Returns which part it is.
    #[must_use]
    pub const fn key(&self) -> PartKey {
        (self.recording_id, self.part)
    }
}

impl ProvenPart {
    /// Returns which part it is.
    #[must_use]
    pub const fn key(&self) -> PartKey {
        (self.recording_id, self.part)
    }
}

/// $1 recording, $2 part, $3 medium, $4 path, $5 why, $6 when.
const NOTE: &str = "insert into archive_bad (media_id, recording_id, part, leaf, path, why, found_at_us) \
                    select m.media_id, l.recording_id, l.part, l.leaf_index, cast($4 as text), cast($5 as text), \
                    cast($6 as bigint) from logged l \
                    join medium m on m.media_id = $3 where l.recording_id = $1 and l.part = $2 \
                    on conflict (media_id, recording_id, part) do update set path = excluded.path, why = excluded.why";

const HOLE: &str = "insert into archive_hole (media_id, leaf) select m.media_id, l.leaf_index from logged l \
                    join medium m on m.media_id = $3 where l.recording_id = $1 and l.part = $2 \
                    and l.leaf_index < m.next_leaf on conflict do nothing";

const FORGET: &str = "delete from proof where recording_id = $1 and part = $2 and media_id = $3";

const TOTALS: &str = "select count(*), cast(coalesce(sum(case when \
                      exists (select 1 from purge u where u.recording_id = b.recording_id and u.state > 1) \
                      and not exists (select 1 from proof p join archive_run r on r.run_id = p.run_id \
                      join medium m on m.media_id = p.media_id where p.recording_id = b.recording_id and p.part = b.part \
                      and m.state <> 3 and r.report_sha256 is not null) then 1 else 0 end), 0) as bigint) \
                      from archive_bad b where b.media_id = $1 \
                      and not exists (select 1 from shredded d where d.recording_id = b.recording_id)";
