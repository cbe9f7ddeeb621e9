//! What a database that comes from a backup must unlearn before it is worked with.

use crate::by_day;
use crate::logged::BLOCK;
use crate::sql::Conn;
use crate::{Catalogue, Result};

/// Numbers that may have been given after the backup was made, at most.
const GIVEN_SINCE: u64 = 10_000;
/// Verify level of a proof that is believed for its file's presence only.
const PRESENT: u64 = 1;

impl Catalogue {
    /// Brings a database that comes from a backup to what may be believed after a restore, in one transaction, and returns how
    /// many parts lost their leaf:
    ///
    /// 1. Proofs fall to level 1: nothing leaves the live store until every medium was verified again.
    /// 2. Parts whose leaf is `leaves` or behind it, where the log of the archive ends, wait for a new one.
    /// 3. Counters jump ahead, so that no number that was given after the backup is given again.
    /// 4. Purges that were under way are forgotten, because their live copies are gone or come back; with `all_live` finished
    ///    ones too, because everything comes back.
    /// 5. Destructions stay: whatever was brought back of them is refused, and goes with the next start. One whose leaf the log does not
    ///    have goes on without it.
    ///
    /// # Errors
    /// The database's; then nothing changed.
    pub fn after_restore(&self, leaves: u64, all_live: bool) -> Result<u64> {
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let done = unlearn(&mut conn, leaves, all_live).await;
            conn.end(done).await
        })
    }
}

async fn unlearn(conn: &mut Conn, leaves: u64, all_live: bool) -> Result<u64> {
    conn.run("update proof set level = $1 where level > $1", vec![PRESENT.into()]).await?;
    conn.run("update counter set value = value + $1", vec![GIVEN_SINCE.into()]).await?;
    let kept: u64 = if all_live { 5 } else { 4 };
    conn.run("delete from purge where state < $1 or leaf >= $2", vec![kept.into(), leaves.into()]).await?;
    conn.run("update shred set leaf = null where leaf >= $1", vec![leaves.into()]).await?;
    // A run elsewhere may have ended between this drive's log and its backup.
    conn.run("update archive_run set checkpoint = $1 where checkpoint > $1", vec![leaves.into()]).await?;
    let text = "insert into unlogged (recording_id, part) select recording_id, part from logged where leaf_index >= $1 \
                on conflict do nothing";
    conn.run(text, vec![leaves.into()]).await?;
    let forgotten =
        conn.row("select count(*) from logged where leaf_index >= $1", vec![leaves.into()]).await?;
    let forgotten: u64 = forgotten.map_or(Ok(0), |row| row.number(0, "parts"))?;
    conn.run("delete from logged where leaf_index >= $1", vec![leaves.into()]).await?;
    // The blocks that it touches are counted again.
    let block = leaves / BLOCK;
    conn.run("delete from logged_block where block >= $1", vec![block.into()]).await?;
    let text = "insert into logged_block (block, parts, bytes) select l.leaf_index / 4096, count(*), sum(p.bytes) from logged l \
                join part p on p.recording_id = l.recording_id and p.part = l.part where l.leaf_index >= $1 \
                group by l.leaf_index / 4096";
    conn.run(text, vec![block.saturating_mul(BLOCK).into()]).await?;
    if forgotten > 0 {
        by_day::recount(conn).await?;
    }
    // What stood to be told was told of another machine.
    conn.run("delete from notice", vec![]).await?;
    conn.run("delete from archive_stop", vec![]).await?;
    Ok(forgotten)
}
