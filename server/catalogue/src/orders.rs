//! Legal holds by order: a reason, an owner, a day of review, and which calls are meant, those to come included.
//!
//! An order is never removed; it is released, and says by whom and why. A hold on one recording alone is in `labels.rs`.

use shared::{Day, UtcMicros};

use crate::bulk::Cell;
use crate::labels::{REASON_MAX, long_enough, user};
use crate::read::{damaged, id16};
use crate::sql::{Conn, Row};
use crate::{By, Catalogue, CatalogueError, Coverage, Result, UserId};

/// The longest name of an owner, in characters.
const OWNER_MAX: usize = 200;

/// A legal hold by order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HoldOrder {
    /// Which; drawn by the caller.
    pub hold_id: [u8; 16],
    /// Why.
    pub reason: String,
    /// Who answers for it, such as a lawyer or a department.
    pub owner: String,
    /// When somebody should ask whether it is still needed.
    pub review: Option<Day>,
    /// Which calls it covers.
    pub coverage: Coverage,
    /// Makes the digest in the log one of a text that cannot be guessed; drawn by the caller.
    pub salt: [u8; 32],
    /// Who placed it, and when.
    pub placed: By,
    /// Who released it, and when.
    pub released: Option<By>,
    /// Why it was released; empty while it stands.
    pub release_reason: String,
}

impl Catalogue {
    /// Enters a hold. It covers from this moment on.
    ///
    /// # Errors
    /// [`CatalogueError::Length`] of reason, owner or conditions, [`CatalogueError::Taken`], or the database's.
    pub fn place_hold(&self, order: &HoldOrder) -> Result<()> {
        let reason = long_enough("reason", &order.reason, REASON_MAX)?;
        let owner = long_enough("owner", &order.owner, OWNER_MAX)?;
        order.coverage.checked()?;
        let cells = vec![
            Cell::from(&order.hold_id),
            reason.into(),
            owner.into(),
            Cell::int_or_none(order.review.map(Day::yyyymmdd)),
            order.coverage.to_json().into(),
            (&order.salt).into(),
            user(&order.placed),
            order.placed.name.as_str().into(),
            order.placed.at.0.into(),
        ];
        let db = self.db.clone();
        self.block(async move {
            let text = "insert into hold_order (hold_id, reason, owner, review_day, coverage, salt, placed_by, placed_by_name, \
                        placed_at_us, release_reason) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, '') on conflict do nothing";
            match db.writer().await?.run(text, cells).await? {
                0 => Err(CatalogueError::Taken { what: "hold" }),
                _ => Ok(()),
            }
        })
    }

    /// Says when somebody should ask again whether a hold is needed, and who answers for it now.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] if it does not stand, [`CatalogueError::Length`], or the database's.
    pub fn change_hold(&self, hold_id: [u8; 16], owner: &str, review: Option<Day>) -> Result<()> {
        let owner = long_enough("owner", owner, OWNER_MAX)?;
        let cells = vec![Cell::from(&hold_id), owner.into(), Cell::int_or_none(review.map(Day::yyyymmdd))];
        self.on_standing_hold(
            "update hold_order set owner = $2, review_day = $3 where hold_id = $1 and released_at_us is null",
            cells,
        )
    }

    /// Releases a hold.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] if it does not stand, [`CatalogueError::Length`] of the reason, or the database's.
    pub fn release_hold(&self, hold_id: [u8; 16], reason: &str, by: &By) -> Result<()> {
        let reason = long_enough("reason", reason, REASON_MAX)?;
        let cells =
            vec![Cell::from(&hold_id), reason.into(), user(by), by.name.as_str().into(), by.at.0.into()];
        self.on_standing_hold(
            "update hold_order set release_reason = $2, released_by = $3, released_by_name = $4, released_at_us = $5 \
             where hold_id = $1 and released_at_us is null",
            cells,
        )
    }

    /// Returns all holds by order, standing ones first, then the newest.
    ///
    /// # Errors
    /// The database's.
    pub fn hold_orders(&self) -> Result<Vec<HoldOrder>> {
        let db = self.db.clone();
        self.block(async move {
            let text = format!(
                "{ORDERS} order by case when released_at_us is null then 0 else 1 end, placed_at_us desc, hold_id"
            );
            db.reader().await?.rows_kept(text, vec![]).await?.iter().map(order).collect()
        })
    }

    fn on_standing_hold(&self, text: &'static str, cells: Vec<Cell>) -> Result<()> {
        let db = self.db.clone();
        self.block(async move {
            match db.writer().await?.run(text, cells).await? {
                0 => Err(CatalogueError::NotThere { what: "standing hold" }),
                _ => Ok(()),
            }
        })
    }
}

/// Reads the holds that stand.
pub(crate) async fn standing_orders(conn: &mut Conn) -> Result<Vec<HoldOrder>> {
    let text = format!("{ORDERS} where released_at_us is null");
    conn.rows_kept(text, vec![]).await?.iter().map(order).collect()
}

const ORDERS: &str = "select hold_id, reason, owner, review_day, coverage, salt, placed_by, placed_by_name, placed_at_us, \
                      released_by, released_by_name, released_at_us, release_reason from hold_order";

fn order(row: &Row) -> Result<HoldOrder> {
    let review = row.int_or_none(3)?.and_then(|n| u32::try_from(n).ok());
    Ok(HoldOrder {
        hold_id: id16(row, 0)?,
        reason: row.text(1)?,
        owner: row.text(2)?,
        review: review.map(Day::from_yyyymmdd).transpose().map_err(|_odd| damaged("day"))?,
        coverage: Coverage::parse(&row.text(4)?)?,
        salt: row.octets(5, "salt")?,
        placed: by(row, 6)?.ok_or_else(|| damaged("hold"))?,
        released: by(row, 9)?,
        release_reason: row.text(12)?,
    })
}

/// Reads who did something from three columns: user, name, time; nobody did it if there is no time.
pub(crate) fn by(row: &Row, column: usize) -> Result<Option<By>> {
    let Some(at) = row.int_or_none(column.saturating_add(2))? else { return Ok(None) };
    let user = row.int_or_none(column)?.and_then(|n| u64::try_from(n).ok()).map(UserId);
    let name = row.text_or_none(column.saturating_add(1))?.unwrap_or_default();
    Ok(Some(By { user, name, at: UtcMicros(at) }))
}
