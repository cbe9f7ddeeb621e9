//! Users and their sessions, as the doors of the house need them. Secrets are never printed.

use std::fmt;

use shared::UtcMicros;

use crate::bulk::Cell;
use crate::sql::{Conn, Row};
use crate::text::fold;
use crate::{Catalogue, CatalogueError, Result};

/// The longest name to sign in with, in characters.
const NAME_MAX: usize = 128;

/// Names a user.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct UserId(pub u64);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What a user may do, in one word.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum UserRole {
    /// Sets up and manages.
    Administrator = 0,
    /// Searches, listens, labels.
    Supervisor = 1,
    /// Searches, listens, checks.
    Auditor = 2,
    /// Hears own calls.
    Agent = 3,
}

impl UserRole {
    /// Returns the word for people and for JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Supervisor => "supervisor",
            Self::Auditor => "auditor",
            Self::Agent => "agent",
        }
    }

    /// Finds a role by its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Administrator, Self::Supervisor, Self::Auditor, Self::Agent]
            .into_iter()
            .find(|r| r.word() == word)
    }

    /// Returns the number kept in the catalogue.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Finds a role by its number.
    #[must_use]
    pub const fn from_number(n: u8) -> Option<Self> {
        match n {
            0 => Some(Self::Administrator),
            1 => Some(Self::Supervisor),
            2 => Some(Self::Auditor),
            3 => Some(Self::Agent),
            _ => None,
        }
    }
}

/// A person who may sign in.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct User {
    /// Given by the catalogue; ignored when a user is put.
    pub id: UserId,
    /// The name to sign in with; unique without regard to case.
    pub name: String,
    /// The name shown.
    pub display: String,
    /// What they may do.
    pub role: UserRole,
    /// What they may see, as JSON of the web's making.
    pub scope: String,
    /// The password's Argon2id digest as a PHC string; `None`: none set yet.
    pub password_phc: Option<String>,
    /// The second factor's secret; `None`: not enrolled.
    pub totp_secret: Option<Vec<u8>>,
    /// The last 30 s step whose code was taken; none is taken twice.
    pub totp_last_step: Option<u64>,
    /// Wrong passwords and codes since the last right one.
    pub failures: u32,
    /// Nobody may sign in as this user before this instant.
    pub locked_until: Option<UtcMicros>,
    /// May not sign in at all.
    pub disabled: bool,
    /// When it was made.
    pub created_at: UtcMicros,
    /// Digest of the one-time link that sets a password.
    pub link_digest: Option<[u8; 32]>,
    /// The link works until then.
    pub link_until: Option<UtcMicros>,
    /// The language of the console, such as `en`.
    pub locale: String,
}

impl Default for UserRole {
    /// The one that may least.
    fn default() -> Self {
        Self::Agent
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// How far a sign-in has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum SessionStep {
    /// The password was right; the second factor is still to come.
    #[default]
    PasswordDone = 0,
    /// Signed in.
    Complete = 1,
}

/// One sign-in on one device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// SHA-256 of the cookie.
    pub digest: [u8; 32],
    /// Whose.
    pub user: UserId,
    /// Since when.
    pub created_at: UtcMicros,
    /// When it was last used.
    pub seen_at: UtcMicros,
    /// When it ends whatever happens.
    pub ends_at: UtcMicros,
    /// How far it has come.
    pub step: SessionStep,
    /// From where.
    pub address: String,
    /// With which program.
    pub agent: String,
}

const USER_COLUMNS: &str = "user_id, name, display, role, scope, password_phc, totp_secret, totp_last_step, failures, \
    locked_until_us, disabled, created_at_us, link_digest, link_until_us, locale";

const SESSION_COLUMNS: &str = "digest, user_id, created_at_us, seen_at_us, ends_at_us, step, address, agent";

impl Catalogue {
    /// Returns all users by name.
    ///
    /// # Errors
    /// The database's.
    pub fn users(&self) -> Result<Vec<User>> {
        self.users_where("", vec![])
    }

    /// Returns a user, if there is one.
    ///
    /// # Errors
    /// The database's.
    pub fn user(&self, id: UserId) -> Result<Option<User>> {
        Ok(self.users_where("where user_id = $1", vec![id.0.into()])?.pop())
    }

    /// Finds a user by name, without regard to case and accents.
    ///
    /// # Errors
    /// The database's.
    pub fn user_by_name(&self, name: &str) -> Result<Option<User>> {
        Ok(self.users_where("where name_folded = $1", vec![fold(name.trim()).into()])?.pop())
    }

    /// Finds the user to whom a one-time link was given, whether or not it still works.
    ///
    /// # Errors
    /// The database's.
    pub fn user_by_link(&self, digest: &[u8; 32]) -> Result<Option<User>> {
        Ok(self.users_where("where link_digest = $1", vec![digest.into()])?.pop())
    }

    fn users_where(&self, clause: &'static str, cells: Vec<Cell>) -> Result<Vec<User>> {
        let db = self.db.clone();
        self.block(async move {
            let text = format!("select {USER_COLUMNS} from person {clause} order by name_folded");
            db.reader().await?.rows_kept(text, cells).await?.iter().map(user).collect()
        })
    }

    /// Enters a new user and returns its identity; `user.id` is ignored.
    ///
    /// # Errors
    /// [`CatalogueError::Taken`] if the name is taken, [`CatalogueError::Length`] (1 to 128 characters), or the database's.
    pub fn put_user(&self, new: &User) -> Result<UserId> {
        let new = checked(new)?;
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let done = put(&mut conn, &new).await;
            conn.end(done).await
        })
    }

    /// Replaces everything about a user but its identity and `created_at`; false if there is none.
    ///
    /// # Errors
    /// [`CatalogueError::Taken`], [`CatalogueError::Length`], [`CatalogueError::LastAdministrator`]
    /// if nobody would be left who may manage, or the database's.
    pub fn change_user(&self, changed: &User) -> Result<bool> {
        let changed = checked(changed)?;
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let done = change(&mut conn, &changed).await;
            conn.end(done).await
        })
    }

    /// Takes the code of a 30 s step, once: false if this step or a later one was taken before.
    ///
    /// # Errors
    /// The database's.
    pub fn take_totp_step(&self, id: UserId, step: u64) -> Result<bool> {
        let text = "update person set totp_last_step = $1 where user_id = $2 and (totp_last_step is null or totp_last_step < $1)";
        Ok(self.changed(text, vec![step.into(), id.0.into()])? == 1)
    }

    /// Takes a one-time link off its user, if its time is not over at `now`: of two who come with it one is let in.
    ///
    /// # Errors
    /// The database's.
    pub fn use_link(&self, digest: &[u8; 32], now: UtcMicros) -> Result<Option<User>> {
        let (db, cells) = (self.db.clone(), vec![digest.into(), now.0.into()]);
        self.block(async move {
            let text = format!(
                "update person set link_digest = null, link_until_us = null \
                 where link_digest = $1 and link_until_us > $2 and disabled = 0 returning {USER_COLUMNS}"
            );
            db.writer().await?.rows_kept(text, cells).await?.first().map(user).transpose()
        })
    }

    /// Returns a user's sessions, newest first.
    ///
    /// # Errors
    /// The database's.
    pub fn sessions_of(&self, user: UserId) -> Result<Vec<Session>> {
        self.sessions_where("where user_id = $1 order by created_at_us desc, digest", vec![user.0.into()])
    }

    /// Finds a session by the digest of its cookie, and its user.
    ///
    /// # Errors
    /// The database's.
    pub fn session(&self, digest: &[u8; 32]) -> Result<Option<(Session, User)>> {
        let Some(session) = self.sessions_where("where digest = $1", vec![digest.into()])?.pop() else {
            return Ok(None);
        };
        Ok(self.user(session.user)?.map(|user| (session, user)))
    }

    fn sessions_where(&self, clause: &'static str, cells: Vec<Cell>) -> Result<Vec<Session>> {
        let db = self.db.clone();
        self.block(async move {
            let text = format!("select {SESSION_COLUMNS} from session {clause}");
            db.reader().await?.rows_kept(text, cells).await?.iter().map(session).collect()
        })
    }

    /// Enters a session, or replaces the one of the same digest.
    ///
    /// # Errors
    /// The database's: there must be such a user.
    pub fn put_session(&self, new: &Session) -> Result<()> {
        let text = "insert into session (digest, user_id, created_at_us, seen_at_us, ends_at_us, step, address, agent) \
            values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (digest) do update set seen_at_us = excluded.seen_at_us, \
            ends_at_us = excluded.ends_at_us, step = excluded.step, address = excluded.address, agent = excluded.agent";
        let cells = vec![
            Cell::from(&new.digest),
            new.user.0.into(),
            new.created_at.0.into(),
            new.seen_at.0.into(),
            new.ends_at.0.into(),
            (new.step as u8).into(),
            new.address.as_str().into(),
            new.agent.as_str().into(),
        ];
        self.changed(text, cells).map(drop)
    }

    /// Notes that a session was used at `seen_at`. One that was ended meanwhile stays ended.
    ///
    /// # Errors
    /// The database's.
    pub fn touch_session(&self, digest: &[u8; 32], seen_at: UtcMicros) -> Result<()> {
        let text = "update session set seen_at_us = $1 where digest = $2";
        self.changed(text, vec![seen_at.0.into(), digest.into()]).map(drop)
    }

    /// Ends a session; false if it had ended.
    ///
    /// # Errors
    /// The database's.
    pub fn drop_session(&self, digest: &[u8; 32]) -> Result<bool> {
        Ok(self.changed("delete from session where digest = $1", vec![digest.into()])? == 1)
    }

    /// Ends all sessions of a user, except perhaps one. Returns how many.
    ///
    /// # Errors
    /// The database's.
    pub fn drop_sessions_of(&self, user: UserId, except: Option<&[u8; 32]>) -> Result<u64> {
        let mut cells = vec![Cell::from(user.0)];
        let text = match except {
            None => "delete from session where user_id = $1",
            Some(digest) => {
                cells.push(digest.into());
                "delete from session where user_id = $1 and digest <> $2"
            }
        };
        self.changed(text, cells)
    }

    /// Removes sessions that ended before `now`. Returns how many.
    ///
    /// # Errors
    /// The database's.
    pub fn drop_ended_sessions(&self, now: UtcMicros) -> Result<u64> {
        self.changed("delete from session where ends_at_us <= $1", vec![now.0.into()])
    }

    pub(crate) fn changed(&self, text: &'static str, cells: Vec<Cell>) -> Result<u64> {
        let db = self.db.clone();
        self.block(async move { db.writer().await?.run(text, cells).await })
    }
}

fn checked(user: &User) -> Result<User> {
    let name = user.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > NAME_MAX || user.display.chars().count() > NAME_MAX {
        return Err(CatalogueError::Length { what: "name of a user", max: NAME_MAX });
    }
    Ok(User { name, ..user.clone() })
}

async fn is_taken(conn: &mut Conn, name: &str, by_other_than: UserId) -> Result<bool> {
    let text = "select 1 from person where name_folded = $1 and user_id <> $2";
    Ok(conn.row(text, vec![fold(name).into(), by_other_than.0.into()]).await?.is_some())
}

/// Everything that may be changed, in the order of both statements below.
fn user_cells(user: &User) -> Vec<Cell> {
    vec![
        user.name.as_str().into(),
        fold(&user.name).into(),
        user.display.as_str().into(),
        user.role.number().into(),
        user.scope.as_str().into(),
        Cell::text_or_none(user.password_phc.as_deref()),
        Cell::blob_or_none(user.totp_secret.as_deref()),
        Cell::int_or_none(user.totp_last_step),
        user.failures.into(),
        Cell::int_or_none(user.locked_until.map(|t| t.0)),
        user.disabled.into(),
        Cell::blob_or_none(user.link_digest.as_ref().map(<[u8; 32]>::as_slice)),
        Cell::int_or_none(user.link_until.map(|t| t.0)),
        user.locale.as_str().into(),
    ]
}

async fn put(conn: &mut Conn, new: &User) -> Result<UserId> {
    if is_taken(conn, &new.name, UserId(0)).await? {
        return Err(CatalogueError::Taken { what: "user" });
    }
    let text = "insert into person (name, name_folded, display, role, scope, password_phc, totp_secret, totp_last_step, failures, \
        locked_until_us, disabled, link_digest, link_until_us, locale, created_at_us) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) returning user_id";
    let mut cells = user_cells(new);
    cells.push(new.created_at.0.into());
    let row = conn.row(text, cells).await?.ok_or(CatalogueError::NotThere { what: "user" })?;
    Ok(UserId(row.number(0, "user")?))
}

async fn change(conn: &mut Conn, changed: &User) -> Result<bool> {
    if is_taken(conn, &changed.name, changed.id).await? {
        return Err(CatalogueError::Taken { what: "user" });
    }
    let text = "update person set name = $1, name_folded = $2, display = $3, role = $4, scope = $5, password_phc = $6, \
        totp_secret = $7, totp_last_step = $8, failures = $9, locked_until_us = $10, disabled = $11, link_digest = $12, \
        link_until_us = $13, locale = $14 where user_id = $15";
    let managed = managed(conn).await?;
    let mut cells = user_cells(changed);
    cells.push(changed.id.0.into());
    let changed = conn.run(text, cells).await?;
    still_managed(conn, managed).await?;
    Ok(changed == 1)
}

/// Tells whether there is an administrator who may sign in.
async fn managed(conn: &mut Conn) -> Result<bool> {
    let text = "select 1 from person where role = 0 and disabled = 0 limit 1";
    Ok(conn.row(text, vec![]).await?.is_some())
}

/// Refuses a change after which nobody could manage, where somebody could before.
async fn still_managed(conn: &mut Conn, was: bool) -> Result<()> {
    if was && !managed(conn).await? { Err(CatalogueError::LastAdministrator) } else { Ok(()) }
}

fn user(row: &Row) -> Result<User> {
    let damaged = |what| CatalogueError::Damaged { what };
    let fixed = |bytes: Vec<u8>| bytes.try_into().map_err(|_wrong_length| damaged("link"));
    Ok(User {
        id: UserId(row.number(0, "user")?),
        name: row.text(1)?,
        display: row.text(2)?,
        role: UserRole::from_number(row.number(3, "role")?).ok_or_else(|| damaged("role"))?,
        scope: row.text(4)?,
        password_phc: row.text_or_none(5)?,
        totp_secret: row.blob_or_none(6)?,
        totp_last_step: row.int_or_none(7)?.and_then(|n| u64::try_from(n).ok()),
        failures: row.number(8, "failures")?,
        locked_until: row.int_or_none(9)?.map(UtcMicros),
        disabled: row.int(10)? != 0,
        created_at: UtcMicros(row.int(11)?),
        link_digest: row.blob_or_none(12)?.map(fixed).transpose()?,
        link_until: row.int_or_none(13)?.map(UtcMicros),
        locale: row.text(14)?,
    })
}

fn session(row: &Row) -> Result<Session> {
    Ok(Session {
        digest: row.octets(0, "session")?,
        user: UserId(row.number(1, "user")?),
        created_at: UtcMicros(row.int(2)?),
        seen_at: UtcMicros(row.int(3)?),
        ends_at: UtcMicros(row.int(4)?),
        step: if row.int(5)? == 1 { SessionStep::Complete } else { SessionStep::PasswordDone },
        address: row.text(6)?,
        agent: row.text(7)?,
    })
}
