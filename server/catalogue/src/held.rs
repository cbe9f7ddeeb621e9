//! The legal hold on one recording: put on, taken off, seen in lists. Holds by order are in `orders.rs`.

use std::collections::BTreeMap;

use shared::{Day, RecordingId, UtcMicros};

use crate::bulk::Cell;
use crate::index::{self, Kind};
use crate::labels::{found, user};
use crate::read::{id16, select};
use crate::sql::Conn;
use crate::{By, Recording, Result};

/// A legal hold: while it is on, nothing of the recording is purged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hold {
    /// Why.
    pub reason: String,
    /// Who put it on.
    pub by: String,
    /// When.
    pub at: UtcMicros,
    /// When somebody should ask whether it is still needed.
    pub review: Option<Day>,
}

/// Puts a hold on, in place of an earlier one.
pub(crate) async fn put(
    conn: &mut Conn,
    id: RecordingId,
    reason: &str,
    review: Option<Day>,
    by: &By,
) -> Result<()> {
    let cells = vec![
        id.bytes().into(),
        reason.into(),
        user(by),
        by.name.as_str().into(),
        by.at.0.into(),
        Cell::int_or_none(review.map(Day::yyyymmdd)),
    ];
    conn.run(
        "insert into hold (recording_id, reason, by_user, by_name, at_us, review_day) values ($1, $2, $3, $4, $5, $6) \
         on conflict (recording_id) do update set reason = excluded.reason, by_user = excluded.by_user, \
         by_name = excluded.by_name, at_us = excluded.at_us, review_day = excluded.review_day",
        cells,
    )
    .await?;
    mark(conn, id, true).await
}

/// Notes in lists and searches that a hold is on, or off.
async fn mark(conn: &mut Conn, id: RecordingId, held: bool) -> Result<()> {
    let cells = vec![held.into(), id.bytes().into()];
    conn.run("update recording set held = $1 where recording_id = $2", cells).await?;
    let term = Cell::Int(Kind::Flag.term(index::HELD));
    let text = if held {
        "insert into posting (term, order_key) select cast($1 as bigint), order_key from recording where recording_id = $2 \
         on conflict (term, order_key) do nothing"
    } else {
        "delete from posting where term = $1 and order_key = (select order_key from recording where recording_id = $2)"
    };
    conn.run(text, vec![term, id.bytes().into()]).await?;
    Ok(())
}

/// Takes the hold off.
pub(crate) async fn take_off(conn: &mut Conn, id: RecordingId) -> Result<()> {
    let text = "delete from hold where recording_id = $1";
    found("hold", conn.run(text, vec![id.bytes().into()]).await?)?;
    mark(conn, id, false).await
}

/// Reads holds into recordings.
pub(crate) async fn read(
    conn: &mut Conn,
    ids: &[RecordingId],
    found: &mut BTreeMap<RecordingId, Recording>,
) -> Result<()> {
    let holds = "select recording_id, reason, by_name, at_us, review_day from hold where recording_id in (?)";
    for row in select(conn, holds, ids).await? {
        if let Some(recording) = found.get_mut(&RecordingId(id16(&row, 0)?)) {
            let review = row.int_or_none(4)?.and_then(|n| u32::try_from(n).ok());
            recording.labels.hold = Some(Hold {
                reason: row.text(1)?,
                by: row.text(2)?,
                at: UtcMicros(row.int(3)?),
                review: review.and_then(|n| Day::from_yyyymmdd(n).ok()),
            });
        }
    }
    Ok(())
}
