//! Rules about keeping, and changes of them that wait: classes of retention, and which locations and media must hold a recording.
//!
//! A change that could let something go earlier is proposed by one person, confirmed by another, and takes effect later; until it is
//! applied, the rules are the old ones. Which changes these are is decided by the vault.

use serde_json::{Value, json};
use shared::{LocationId, UtcMicros};

use crate::bulk::Cell;
use crate::labels::user;
use crate::location::{self, LocationRow, MediaSet};
use crate::orders::by;
use crate::read::damaged;
use crate::sql::{Conn, Row};
use crate::{By, Catalogue, CatalogueError, Coverage, Result};

/// The longest name of a class, in characters.
const NAME_MAX: usize = 64;
/// A thousand years.
const DAYS_MAX: u32 = 365_250;

/// How long calls of one kind are kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RetentionClass {
    /// Its name, of 1 to 64 characters.
    pub name: String,
    /// Nobody may destroy a call of it within so many days of its end.
    pub min_days: u32,
    /// It is to be destroyed after so many days; `None`: never.
    pub max_days: Option<u32>,
    /// Which calls belong to it.
    pub coverage: Coverage,
}

/// A change of a rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PolicyChange {
    /// A class is made, or replaced.
    PutClass(RetentionClass),
    /// A class goes.
    RemoveClass(String),
    /// A location counts no more.
    RemoveLocation(LocationId),
    /// Other media of a location must hold a recording.
    SetMedia(LocationId, MediaSet),
}

/// A change and how far it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolicyRow {
    /// Its number.
    pub change_id: u64,
    /// What is changed.
    pub change: PolicyChange,
    /// The rule before, as JSON; `null` if there was none.
    pub before: String,
    /// Makes the digests in the log those of texts that cannot be guessed.
    pub salt: [u8; 32],
    /// So many recordings are concerned, as was counted when it was confirmed, or else proposed.
    pub affected: u64,
    /// Who proposed it, and when.
    pub proposed: By,
    /// Who confirmed it, and when.
    pub confirmed: Option<By>,
    /// From then on it may be applied.
    pub effective_at: Option<UtcMicros>,
    /// When it was.
    pub applied_at: Option<UtcMicros>,
    /// Who cancelled it, and when.
    pub cancelled: Option<By>,
}

/// How far a change is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PolicyStep {
    /// A second person must confirm it.
    Proposed,
    /// It waits for its day.
    Confirmed,
    /// The rules say so.
    Applied,
    /// It will never be applied.
    Cancelled,
}

impl PolicyRow {
    /// Returns how far it is.
    #[must_use]
    pub const fn step(&self) -> PolicyStep {
        match (&self.cancelled, &self.applied_at, &self.confirmed) {
            (Some(_), ..) => PolicyStep::Cancelled,
            (None, Some(_), _) => PolicyStep::Applied,
            (None, None, Some(_)) => PolicyStep::Confirmed,
            (None, None, None) => PolicyStep::Proposed,
        }
    }
}

impl PolicyRow {
    /// Returns the class as it was before; `None` if there was none, or a location is changed.
    #[must_use]
    pub fn class_before(&self) -> Option<RetentionClass> {
        serde_json::from_str(&self.before).ok().and_then(|value| RetentionClass::of(&value))
    }
}

impl RetentionClass {
    /// Writes it as JSON; equal classes are equal texts.
    #[must_use]
    pub fn to_json(&self) -> String {
        let coverage: Value = serde_json::from_str(&self.coverage.to_json()).unwrap_or_default();
        json!({ "name": self.name, "min_days": self.min_days, "max_days": self.max_days, "coverage": coverage })
            .to_string()
    }

    fn of(value: &Value) -> Option<Self> {
        let days = |value: &Value| value.as_u64().and_then(|n| u32::try_from(n).ok());
        let max = value.get("max_days")?;
        let max_days = if max.is_null() { None } else { Some(days(max)?) };
        Some(Self {
            name: value.get("name")?.as_str()?.to_owned(),
            min_days: days(value.get("min_days")?)?,
            max_days,
            coverage: Coverage::parse(&value.get("coverage")?.to_string()).ok()?,
        })
    }

    fn checked(&self) -> Result<()> {
        let name = self.name.trim();
        if name.is_empty() || name.len() != self.name.len() || name.chars().count() > NAME_MAX {
            return Err(CatalogueError::Length { what: "name of a class", max: NAME_MAX });
        }
        let is_odd = self.max_days.is_some_and(|max| max < self.min_days || max > DAYS_MAX);
        if is_odd || self.min_days > DAYS_MAX {
            return Err(CatalogueError::Days);
        }
        self.coverage.checked()
    }
}

impl PolicyChange {
    /// Returns the number of its kind in the catalogue.
    const fn number(&self) -> u8 {
        match self {
            Self::PutClass(_) => 1,
            Self::RemoveClass(_) => 2,
            Self::RemoveLocation(_) => 3,
            Self::SetMedia(..) => 4,
        }
    }

    /// Writes the rule behind it as JSON; `null` if there is none any more.
    #[must_use]
    pub fn after(&self) -> String {
        match self {
            Self::PutClass(class) => class.to_json(),
            Self::RemoveClass(_) | Self::RemoveLocation(_) => "null".to_owned(),
            Self::SetMedia(_, set) => json!(set.word()).to_string(),
        }
    }

    /// Returns what is changed: the name of a class, or the identity of a location.
    #[must_use]
    pub fn object(&self) -> String {
        match self {
            Self::PutClass(class) => class.name.clone(),
            Self::RemoveClass(name) => name.clone(),
            Self::RemoveLocation(id) | Self::SetMedia(id, _) => id.to_string(),
        }
    }

    fn read(number: u8, object: String, after: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(after).ok()?;
        Some(match number {
            1 => Self::PutClass(RetentionClass::of(&value)?),
            2 => Self::RemoveClass(object),
            3 => Self::RemoveLocation(object.parse().ok()?),
            4 => Self::SetMedia(object.parse().ok()?, MediaSet::from_word(value.as_str()?)?),
            _ => return None,
        })
    }
}

impl Catalogue {
    /// Returns the classes in force, by name.
    ///
    /// # Errors
    /// The database's.
    pub fn classes(&self) -> Result<Vec<RetentionClass>> {
        let db = self.db.clone();
        self.block(async move { classes(&mut db.reader().await?).await })
    }

    /// Enters a change that was proposed, and returns it.
    ///
    /// # Errors
    /// [`CatalogueError::Length`], [`CatalogueError::Days`], [`CatalogueError::NotThere`] if what it changes is not there, or the
    /// database's.
    pub fn propose_policy(
        &self,
        change: &PolicyChange,
        affected: u64,
        salt: [u8; 32],
        by: &By,
    ) -> Result<PolicyRow> {
        if let PolicyChange::PutClass(class) = change {
            class.checked()?;
        }
        let (db, change, by) = (self.db.clone(), change.clone(), by.clone());
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let done = async {
                let before = before(&mut conn, &change).await?;
                let cells = vec![
                    change.number().into(),
                    change.object().into(),
                    before.into(),
                    change.after().into(),
                    (&salt).into(),
                    affected.into(),
                    user(&by),
                    by.name.as_str().into(),
                    by.at.0.into(),
                ];
                let text = "insert into policy_change (what, object, before, after, salt, affected, proposed_by, proposed_by_name, \
                            proposed_at_us) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning change_id";
                let row = conn.row(text, cells).await?.ok_or_else(|| damaged("change"))?;
                one(&mut conn, row.number(0, "change")?).await
            };
            let done = done.await;
            conn.end(done).await
        })
    }

    /// Confirms a change.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] unless it is proposed, or the database's.
    pub fn confirm_policy(
        &self,
        change_id: u64,
        affected: u64,
        by: &By,
        effective_at: UtcMicros,
    ) -> Result<PolicyRow> {
        let cells = vec![
            change_id.into(),
            affected.into(),
            user(by),
            by.name.as_str().into(),
            by.at.0.into(),
            effective_at.0.into(),
        ];
        let text = "update policy_change set affected = $2, confirmed_by = $3, confirmed_by_name = $4, confirmed_at_us = $5, \
                    effective_at_us = $6 where change_id = $1 and confirmed_at_us is null and cancelled_at_us is null";
        self.step_policy(change_id, text, cells)
    }

    /// Cancels a change that is not applied.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] if it is applied or cancelled, or the database's.
    pub fn cancel_policy(&self, change_id: u64, by: &By) -> Result<PolicyRow> {
        let cells = vec![change_id.into(), user(by), by.name.as_str().into(), by.at.0.into()];
        let text = "update policy_change set cancelled_by = $2, cancelled_by_name = $3, cancelled_at_us = $4 \
                    where change_id = $1 and applied_at_us is null and cancelled_at_us is null";
        self.step_policy(change_id, text, cells)
    }

    /// Applies every confirmed change whose time has come, in the order of these times, in one transaction with their marks. One whose rule
    /// is not as it was when it was proposed is cancelled instead: somebody decided something else since. Returns all of them.
    ///
    /// # Errors
    /// The database's.
    pub fn apply_policies(&self, now: UtcMicros) -> Result<Vec<PolicyRow>> {
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin_alone().await?;
            let done = async {
                let text = format!(
                    "{CHANGES} where applied_at_us is null and cancelled_at_us is null and effective_at_us <= $1 \
                     order by effective_at_us, change_id"
                );
                let due = conn.rows_kept(text, vec![now.0.into()]).await?;
                let due = due.iter().map(policy_row).collect::<Result<Vec<_>>>()?;
                let mut all = Vec::new();
                for row in due {
                    settle(&mut conn, &row, now).await?;
                    all.push(one(&mut conn, row.change_id).await?);
                }
                Ok(all)
            };
            let done = done.await;
            conn.end(done).await
        })
    }

    /// Returns a change.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`], or the database's.
    pub fn policy(&self, change_id: u64) -> Result<PolicyRow> {
        let db = self.db.clone();
        self.block(async move { one(&mut db.reader().await?, change_id).await })
    }

    /// Returns the last changes, the newest first, at most `limit`.
    ///
    /// # Errors
    /// The database's.
    pub fn policies(&self, limit: u32) -> Result<Vec<PolicyRow>> {
        let db = self.db.clone();
        self.block(async move {
            let text = format!("{CHANGES} order by change_id desc limit $1");
            db.reader().await?.rows_kept(text, vec![limit.into()]).await?.iter().map(policy_row).collect()
        })
    }

    fn step_policy(&self, change_id: u64, text: &'static str, cells: Vec<Cell>) -> Result<PolicyRow> {
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let done = async {
                match conn.run(text, cells).await? {
                    0 => Err(CatalogueError::NotThere { what: "change that waits" }),
                    _ => one(&mut conn, change_id).await,
                }
            };
            let done = done.await;
            conn.end(done).await
        })
    }
}

/// Reads the classes in force.
pub(crate) async fn classes(conn: &mut Conn) -> Result<Vec<RetentionClass>> {
    let rows = conn.rows("select rule from retention_class order by name", vec![]).await?;
    let class = |row: &Row| {
        let value = serde_json::from_str(&row.text(0)?).map_err(|_odd| damaged("class"))?;
        RetentionClass::of(&value).ok_or_else(|| damaged("class"))
    };
    rows.iter().map(class).collect()
}

/// Writes the rule as it is.
async fn before(conn: &mut Conn, change: &PolicyChange) -> Result<String> {
    match change {
        PolicyChange::PutClass(_) | PolicyChange::RemoveClass(_) => {
            let object = change.object();
            let found = classes(conn).await?.into_iter().find(|class| class.name == object);
            if found.is_none() && matches!(change, PolicyChange::RemoveClass(_)) {
                return Err(CatalogueError::NotThere { what: "class" });
            }
            Ok(found.map_or_else(|| "null".to_owned(), |class| class.to_json()))
        }
        PolicyChange::RemoveLocation(id) => Ok(json!(location(conn, *id).await?.name).to_string()),
        PolicyChange::SetMedia(id, _) => Ok(json!(location(conn, *id).await?.set.word()).to_string()),
    }
}

async fn location(conn: &mut Conn, id: LocationId) -> Result<LocationRow> {
    let found = location::in_use(conn).await?.into_iter().find(|location| location.location_id == id);
    found.ok_or(CatalogueError::NotThere { what: "location" })
}

/// Applies a change, or cancels it because its rule was changed meanwhile.
async fn settle(conn: &mut Conn, row: &PolicyRow, now: UtcMicros) -> Result<()> {
    let is_as_it_was = match before(conn, &row.change).await {
        Ok(before) => before == row.before,
        Err(CatalogueError::NotThere { .. }) => false,
        Err(e) => return Err(e),
    };
    if is_as_it_was {
        apply(conn, &row.change, now).await?;
        let text = "update policy_change set applied_at_us = $2 where change_id = $1";
        return conn.run(text, vec![row.change_id.into(), now.0.into()]).await.map(drop);
    }
    let text = "update policy_change set cancelled_by_name = $2, cancelled_at_us = $3 where change_id = $1";
    let cells = vec![row.change_id.into(), "the rule was changed meanwhile".into(), now.0.into()];
    conn.run(text, cells).await.map(drop)
}

/// Makes the rules say so.
async fn apply(conn: &mut Conn, change: &PolicyChange, now: UtcMicros) -> Result<()> {
    let (text, cells) = match change {
        PolicyChange::PutClass(class) => (
            "insert into retention_class (name, rule) values ($1, $2) on conflict (name) do update set rule = excluded.rule",
            vec![Cell::from(class.name.as_str()), class.to_json().into()],
        ),
        PolicyChange::RemoveClass(name) => {
            ("delete from retention_class where name = $1", vec![name.as_str().into()])
        }
        PolicyChange::RemoveLocation(id) => (
            "update location set removed_at_us = $2 where location_id = $1 and removed_at_us is null",
            vec![id.bytes().into(), now.0.into()],
        ),
        PolicyChange::SetMedia(id, set) => (
            "update location set media_set = $2 where location_id = $1",
            vec![id.bytes().into(), set.number().into()],
        ),
    };
    conn.run(text, cells).await.map(drop)
}

async fn one(conn: &mut Conn, change_id: u64) -> Result<PolicyRow> {
    let rows = conn.rows_kept(format!("{CHANGES} where change_id = $1"), vec![change_id.into()]).await?;
    policy_row(rows.first().ok_or(CatalogueError::NotThere { what: "change" })?)
}

const CHANGES: &str = "select change_id, what, object, before, after, salt, affected, proposed_by, proposed_by_name, proposed_at_us, \
                       confirmed_by, confirmed_by_name, confirmed_at_us, effective_at_us, applied_at_us, cancelled_by, \
                       cancelled_by_name, cancelled_at_us from policy_change";

fn policy_row(row: &Row) -> Result<PolicyRow> {
    let change = PolicyChange::read(row.number(1, "change")?, row.text(2)?, &row.text(4)?);
    Ok(PolicyRow {
        change_id: row.number(0, "change")?,
        change: change.ok_or_else(|| damaged("change"))?,
        before: row.text(3)?,
        salt: row.octets(5, "salt")?,
        affected: row.number(6, "affected")?,
        proposed: by(row, 7)?.ok_or_else(|| damaged("change"))?,
        confirmed: by(row, 10)?,
        effective_at: row.int_or_none(13)?.map(UtcMicros),
        applied_at: row.int_or_none(14)?.map(UtcMicros),
        cancelled: by(row, 15)?,
    })
}
