//! Days of the calendar: how much was recorded on each, what of it a medium lacks, and what left the live store.

use std::collections::BTreeMap;

use shared::{Day, MediaId, UtcMicros};

use crate::bulk::{Cell, Insert};
use crate::due::next_leaf;
use crate::read::damaged;
use crate::sql::{Conn, Row};
use crate::{Catalogue, Result};

/// Parts of one day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DayCount {
    /// The day on which they began, in the site's zone.
    pub day: Day,
    /// How many.
    pub parts: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Catalogue {
    /// Returns what was recorded on each day from `from` on that has anything, in order.
    ///
    /// # Errors
    /// The database's.
    pub fn recorded_by_day(&self, from: Day) -> Result<Vec<DayCount>> {
        let text = "select day, parts, bytes from logged_day where day >= $1 order by day";
        self.day_counts(text, vec![from.yyyymmdd().into()])
    }

    /// Returns what of each day from `from` on a medium does not hold. Costs as many steps as parts are due.
    ///
    /// # Errors
    /// [`crate::CatalogueError::NotThere`] without the medium, or the database's.
    pub fn due_by_day(&self, medium: MediaId, from: Day) -> Result<Vec<DayCount>> {
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.reader().await?;
            let next = next_leaf(&mut conn, medium).await?;
            let cells = vec![medium.bytes().into(), next.into(), from.yyyymmdd().into()];
            conn.rows(DUE_BY_DAY, cells).await?.iter().map(day_count).collect()
        })
    }

    /// Returns what of each day from `from` on left the live store since `since`, which is the beginning of that day.
    ///
    /// # Errors
    /// The database's.
    pub fn purged_by_day(&self, from: Day, since: UtcMicros) -> Result<Vec<DayCount>> {
        let text = "select p.day, count(*), cast(sum(p.bytes) as bigint) from purge u join part p on p.recording_id = u.recording_id \
                    where u.state = 4 and u.intent_at_us >= $2 and p.day >= $1 group by p.day order by p.day";
        self.day_counts(text, vec![from.yyyymmdd().into(), since.0.into()])
    }

    fn day_counts(&self, text: &'static str, cells: Vec<Cell>) -> Result<Vec<DayCount>> {
        let db = self.db.clone();
        self.block(async move { db.reader().await?.rows(text, cells).await?.iter().map(day_count).collect() })
    }
}

/// $1 medium, $2 where it stands, $3 the first day.
const DUE_BY_DAY: &str = "select day, count(*), cast(sum(bytes) as bigint) from ( \
       select p.day as day, p.bytes as bytes from logged l join part p on p.recording_id = l.recording_id and p.part = l.part \
       where l.leaf_index >= $2 and not exists (select 1 from proof o where o.media_id = $1 and o.leaf = l.leaf_index) \
     union all \
       select p.day, p.bytes from archive_hole h join logged l on l.leaf_index = h.leaf \
       join part p on p.recording_id = l.recording_id and p.part = l.part where h.media_id = $1 and h.leaf < $2 \
       and not exists (select 1 from proof o where o.media_id = $1 and o.leaf = h.leaf) \
     ) as lacking where day >= $3 group by day order by day";

/// Counts parts that were entered into the log, by their days.
pub(crate) async fn count(conn: &mut Conn, parts: impl Iterator<Item = (Day, u64)>) -> Result<()> {
    let mut days: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
    for (day, more) in parts {
        let (parts, bytes) = days.entry(day.yyyymmdd()).or_default();
        (*parts, *bytes) = (parts.saturating_add(1), bytes.saturating_add(more));
    }
    let cells = days.into_iter().flat_map(|(day, (parts, bytes))| [day.into(), parts.into(), bytes.into()]);
    COUNTED.run(conn, cells.collect()).await
}

/// Counts everything anew: leaves were taken back.
pub(crate) async fn recount(conn: &mut Conn) -> Result<()> {
    conn.run("delete from logged_day", vec![]).await?;
    let text = "insert into logged_day (day, parts, bytes) select p.day, count(*), sum(p.bytes) from logged l \
                join part p on p.recording_id = l.recording_id and p.part = l.part group by p.day";
    conn.run(text, vec![]).await.map(drop)
}

const COUNTED: Insert = Insert {
    head: "insert into logged_day (day, parts, bytes) values",
    columns: 3,
    tail: "on conflict (day) do update set parts = logged_day.parts + excluded.parts, bytes = logged_day.bytes + excluded.bytes",
};

fn day_count(row: &Row) -> Result<DayCount> {
    Ok(DayCount {
        day: Day::from_yyyymmdd(row.number(0, "day")?).map_err(|_odd| damaged("day"))?,
        parts: row.number(1, "parts")?,
        bytes: row.number(2, "bytes")?,
    })
}
