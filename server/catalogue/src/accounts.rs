//! Users and sessions in the database. Every change is durable when the call returns.

use shared::UtcMicros;

use crate::bulk::Cell;
use crate::sql::Row;
use crate::text::fold;
use crate::{Catalogue, CatalogueError, Result, Session, SessionStep, User, UserId, UserRole};

const USER: &str = "user_id, name, display, role, scope, password_phc, totp_secret, totp_last_step, failures, \
                    locked_until_us, disabled, created_at_us, link_digest, link_until_us, locale";
const SESSION: &str = "digest, user_id, created_at_us, seen_at_us, ends_at_us, step, address, agent";

impl Catalogue {
    /// Returns all users, in the order of their making.
    ///
    /// # Errors
    /// The database's.
    pub fn users(&self) -> Result<Vec<User>> {
        self.users_where("true order by user_id", Vec::new())
    }

    /// Returns a user.
    ///
    /// # Errors
    /// The database's.
    pub fn user(&self, id: UserId) -> Result<Option<User>> {
        Ok(self.users_where("user_id = $1", vec![id.0.into()])?.pop())
    }

    /// Finds a user by the name to sign in with, without regard to case.
    ///
    /// # Errors
    /// The database's.
    pub fn user_by_name(&self, name: &str) -> Result<Option<User>> {
        Ok(self.users_where("name_folded = $1", vec![fold(name.trim()).into()])?.pop())
    }

    /// Finds the user whose one-time link this is.
    ///
    /// # Errors
    /// The database's.
    pub fn user_by_link(&self, digest: &[u8; 32]) -> Result<Option<User>> {
        Ok(self.users_where("link_digest = $1", vec![digest.into()])?.pop())
    }

    /// Enters a new user and returns the name given to it.
    ///
    /// # Errors
    /// The database's; it refuses a name that is taken.
    pub fn put_user(&self, user: &User) -> Result<UserId> {
        let (db, user) = (self.db.clone(), user.clone());
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let done = async {
                let taken = conn.row("select coalesce(max(user_id), 0) from person", Vec::new()).await?;
                let id = taken.map_or(Ok(0), |row| row.int(0))?.saturating_add(1);
                let mut cells = vec![id.into()];
                cells.extend(columns(&user));
                conn.run(
                    "insert into person (user_id, name, name_folded, display, role, scope, password_phc, totp_secret, \
                     totp_last_step, failures, locked_until_us, disabled, created_at_us, link_digest, link_until_us, locale) \
                     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
                    cells,
                )
                .await?;
                Ok(UserId(u64::try_from(id).unwrap_or(0)))
            }
            .await;
            conn.end(done).await
        })
    }

    /// Replaces what is known of a user; false if there is none of that name.
    ///
    /// # Errors
    /// The database's.
    pub fn change_user(&self, user: &User) -> Result<bool> {
        let (db, user) = (self.db.clone(), user.clone());
        self.block(async move {
            let mut cells = columns(&user);
            cells.push(user.id.0.into());
            let changed = db
                .writer()
                .await?
                .run(
                    "update person set name = $1, name_folded = $2, display = $3, role = $4, scope = $5, password_phc = $6, \
                     totp_secret = $7, totp_last_step = $8, failures = $9, locked_until_us = $10, disabled = $11, \
                     created_at_us = $12, link_digest = $13, link_until_us = $14, locale = $15 where user_id = $16",
                    cells,
                )
                .await?;
            Ok(changed > 0)
        })
    }

    /// Takes the link off the user whose it is, so that of two who come with it one is let in. `None`: it is used, replaced
    /// or over at `now`.
    ///
    /// # Errors
    /// The database's.
    pub fn use_link(&self, digest: &[u8; 32], now: UtcMicros) -> Result<Option<User>> {
        let (db, digest) = (self.db.clone(), *digest);
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let done = async {
                let text = format!("select {USER} from person where link_digest = $1 and link_until_us > $2");
                let rows = conn.rows_kept(text, vec![(&digest).into(), now.0.into()]).await?;
                let Some(found) = rows.first().map(user_of).transpose()? else { return Ok(None) };
                conn.run(
                    "update person set link_digest = null, link_until_us = null where link_digest = $1",
                    vec![(&digest).into()],
                )
                .await?;
                Ok(Some(User { link_digest: None, link_until: None, ..found }))
            }
            .await;
            conn.end(done).await
        })
    }

    /// Takes the second factor's step of a code that was right, unless that step or a later one was taken before: of two who
    /// come with one code one is let in.
    ///
    /// # Errors
    /// The database's.
    pub fn take_totp_step(&self, id: UserId, step: u64) -> Result<bool> {
        let db = self.db.clone();
        self.block(async move {
            let text = "update person set totp_last_step = $1 \
                        where user_id = $2 and (totp_last_step is null or totp_last_step < $1)";
            Ok(db.writer().await?.run(text, vec![step.into(), id.0.into()]).await? > 0)
        })
    }

    fn users_where(&self, condition: &'static str, cells: Vec<Cell>) -> Result<Vec<User>> {
        let db = self.db.clone();
        self.block(async move {
            let text = format!("select {USER} from person where {condition}");
            db.reader().await?.rows_kept(text, cells).await?.iter().map(user_of).collect()
        })
    }

    /// Enters a session, or replaces the one of that digest.
    ///
    /// # Errors
    /// The database's.
    pub fn put_session(&self, session: &Session) -> Result<()> {
        let (db, session) = (self.db.clone(), session.clone());
        self.block(async move {
            let cells = vec![
                (&session.digest).into(),
                session.user.0.into(),
                session.created_at.0.into(),
                session.seen_at.0.into(),
                session.ends_at.0.into(),
                (session.step as u8).into(),
                session.address.into(),
                session.agent.into(),
            ];
            let text = "insert into session (digest, user_id, created_at_us, seen_at_us, ends_at_us, step, address, agent) \
                        values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (digest) do update set \
                        seen_at_us = excluded.seen_at_us, ends_at_us = excluded.ends_at_us, step = excluded.step, \
                        address = excluded.address, agent = excluded.agent";
            db.writer().await?.run(text, cells).await.map(drop)
        })
    }

    /// Finds a session and its user.
    ///
    /// # Errors
    /// The database's.
    pub fn session(&self, digest: &[u8; 32]) -> Result<Option<(Session, User)>> {
        let (db, digest) = (self.db.clone(), *digest);
        self.block(async move {
            let mut conn = db.reader().await?;
            let text = format!("select {SESSION} from session where digest = $1");
            let rows = conn.rows_kept(text, vec![(&digest).into()]).await?;
            let Some(session) = rows.first().map(session_of).transpose()? else { return Ok(None) };
            let text = format!("select {USER} from person where user_id = $1");
            let rows = conn.rows_kept(text, vec![session.user.0.into()]).await?;
            let user = rows.first().map(user_of).transpose()?;
            Ok(user.map(|user| (session, user)))
        })
    }

    /// Returns the sessions of a user, newest first.
    ///
    /// # Errors
    /// The database's.
    pub fn sessions_of(&self, user: UserId) -> Result<Vec<Session>> {
        let db = self.db.clone();
        self.block(async move {
            let text = format!("select {SESSION} from session where user_id = $1 order by created_at_us desc, digest");
            db.reader().await?.rows_kept(text, vec![user.0.into()]).await?.iter().map(session_of).collect()
        })
    }

    /// Notes that a session was used.
    ///
    /// # Errors
    /// The database's.
    pub fn touch_session(&self, digest: &[u8; 32], seen_at: UtcMicros) -> Result<()> {
        let (db, digest) = (self.db.clone(), *digest);
        self.block(async move {
            let text = "update session set seen_at_us = $1 where digest = $2";
            db.writer().await?.run(text, vec![seen_at.0.into(), (&digest).into()]).await.map(drop)
        })
    }

    /// Ends a session; false if it had ended.
    ///
    /// # Errors
    /// The database's.
    pub fn drop_session(&self, digest: &[u8; 32]) -> Result<bool> {
        let (db, digest) = (self.db.clone(), *digest);
        self.block(async move {
            let text = "delete from session where digest = $1";
            Ok(db.writer().await?.run(text, vec![(&digest).into()]).await? > 0)
        })
    }

    /// Ends all sessions of a user, but perhaps one. Returns how many.
    ///
    /// # Errors
    /// The database's.
    pub fn drop_sessions_of(&self, user: UserId, except: Option<&[u8; 32]>) -> Result<u64> {
        let (db, except) = (self.db.clone(), except.copied().unwrap_or_default());
        self.block(async move {
            let text = "delete from session where user_id = $1 and digest <> $2";
            db.writer().await?.run(text, vec![user.0.into(), (&except).into()]).await
        })
    }

    /// Forgets sessions that ended before `now`. Returns how many.
    ///
    /// # Errors
    /// The database's.
    pub fn drop_ended_sessions(&self, now: UtcMicros) -> Result<u64> {
        let db = self.db.clone();
        self.block(async move {
            db.writer().await?.run("delete from session where ends_at_us <= $1", vec![now.0.into()]).await
        })
    }
}

/// All columns but the id, in the order of the table.
fn columns(user: &User) -> Vec<Cell> {
    let instant = |at: Option<UtcMicros>| Cell::int_or_none(at.map(|UtcMicros(us)| us));
    vec![
        user.name.as_str().into(),
        fold(user.name.trim()).into(),
        user.display.as_str().into(),
        user.role.number().into(),
        user.scope.as_str().into(),
        Cell::text_or_none(user.password_phc.as_deref()),
        Cell::blob_or_none(user.totp_secret.as_deref()),
        Cell::int_or_none(user.totp_last_step),
        user.failures.into(),
        instant(user.locked_until),
        user.disabled.into(),
        user.created_at.0.into(),
        Cell::blob_or_none(user.link_digest.as_ref().map(<[u8; 32]>::as_slice)),
        instant(user.link_until),
        user.locale.as_str().into(),
    ]
}

fn user_of(row: &Row) -> Result<User> {
    let damaged = |what| move || CatalogueError::Damaged { what };
    let instant = |column| -> Result<Option<UtcMicros>> { Ok(row.int_or_none(column)?.map(UtcMicros)) };
    let step = row.int_or_none(7)?.map(u64::try_from).transpose();
    let link = row.blob_or_none(12)?.map(<[u8; 32]>::try_from).transpose();
    Ok(User {
        id: UserId(row.number(0, "person.user_id")?),
        name: row.text(1)?,
        display: row.text(2)?,
        role: UserRole::from_number(row.number(3, "person.role")?).ok_or_else(damaged("person.role"))?,
        scope: row.text(4)?,
        password_phc: row.text_or_none(5)?,
        totp_secret: row.blob_or_none(6)?,
        totp_last_step: step.map_err(|_negative| CatalogueError::Damaged { what: "person.totp_last_step" })?,
        failures: row.number(8, "person.failures")?,
        locked_until: instant(9)?,
        disabled: row.int(10)? != 0,
        created_at: UtcMicros(row.int(11)?),
        link_digest: link.map_err(|_length| CatalogueError::Damaged { what: "person.link_digest" })?,
        link_until: instant(13)?,
        locale: row.text(14)?,
    })
}

fn session_of(row: &Row) -> Result<Session> {
    Ok(Session {
        digest: row.octets(0, "session.digest")?,
        user: UserId(row.number(1, "session.user_id")?),
        created_at: UtcMicros(row.int(2)?),
        seen_at: UtcMicros(row.int(3)?),
        ends_at: UtcMicros(row.int(4)?),
        step: if row.int(5)? == 0 { SessionStep::PasswordDone } else { SessionStep::Complete },
        address: row.text(6)?,
        agent: row.text(7)?,
    })
}
