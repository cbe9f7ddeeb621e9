//! Whoever passed the guard: user, session, scope. Handlers take it as an argument and see nothing but through it.

use std::sync::Arc;

use api::Role;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use shared::{RecordingId, UtcMicros};
use vault::{AuditEntry, AuditObject, Outcome, Scope, Session, SessionStep, User};

use crate::act::{Act, may};
use crate::doors::Doors;
use crate::people;
use crate::problem::Refusal;
use crate::token::{Token, hex};

/// A session's row is brought up to date when it is older than this.
const TOUCH_US: i64 = 60_000_000;

/// Who asks, and what they may see. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Caller {
    /// The state of all routes.
    pub(crate) doors: Doors,
    /// The account.
    pub(crate) user: Arc<User>,
    /// The session.
    pub(crate) session: Arc<Session>,
    /// What of the recordings may be seen: every reading of the vault takes it.
    pub(crate) scope: Arc<Scope>,
    /// Where the request came from.
    pub(crate) address: String,
    token: Token,
    idle_us: i64,
}

impl Caller {
    /// Finds the session of a cookie and judges whether it still lives. `None`: it does not.
    pub(crate) async fn find(doors: &Doors, token: Token, address: String) -> Result<Option<Self>, Refusal> {
        let digest = token.digest();
        let found = doors.vault(move |vault| vault.session(&digest)).await?;
        let Some((session, user)) = found else { return Ok(None) };
        let settings = doors.settings().await?;
        let now = doors.now();
        let role = people::role(user.role);
        let idle_us = idle_us(&settings, role);
        if user.disabled || now >= session.ends_at || now.since(session.seen_at) > idle_us {
            doors.vault(move |vault| vault.drop_session(&digest)).await?;
            return Ok(None);
        }
        let scope = people::resolve(role, &people::scope_of(&user), &settings.groups, now);
        Ok(Some(Self {
            doors: doors.clone(),
            user: Arc::new(user),
            session: Arc::new(session),
            scope: Arc::new(scope),
            address,
            token,
            idle_us,
        }))
    }

    /// Notes that the session is in use, about once a minute.
    pub(crate) async fn touch(&self) -> Result<(), Refusal> {
        let (digest, now) = (self.session.digest, self.doors.now());
        if now.since(self.session.seen_at).abs() < TOUCH_US {
            return Ok(());
        }
        self.doors.vault(move |vault| vault.touch_session(&digest, now)).await
    }

    /// Tells whether the session still lives, without keeping it alive. Streams that last ask every few seconds.
    pub(crate) async fn still_valid(&self) -> bool {
        match Self::find(&self.doors, self.token.clone(), self.address.clone()).await {
            Ok(Some(now)) => {
                now.is_complete() && now.user.role == self.user.role && now.scope_is(&self.scope)
            }
            // A vault that is busy for a moment ends nobody's stream.
            Err(_busy) => true,
            Ok(None) => false,
        }
    }

    fn scope_is(&self, other: &Scope) -> bool {
        self.scope.extensions == other.extensions && self.scope.taps == other.taps
    }

    /// Tells whether nothing of the sign-in is left to do.
    pub(crate) fn is_complete(&self) -> bool {
        self.session.step == SessionStep::Complete
    }

    /// Returns the role.
    pub(crate) fn role(&self) -> Role {
        people::role(self.user.role)
    }

    /// Tells whether the role may do `act`.
    pub(crate) fn may(&self, act: Act) -> bool {
        may(self.role(), act)
    }

    /// Asks for a further permission, such as export for a download.
    ///
    /// # Errors
    /// The role may not: 403, and the refusal stands in the audit log.
    pub(crate) async fn require(&self, act: Act) -> Result<(), Refusal> {
        if self.may(act) {
            return Ok(());
        }
        self.audit_refusal(act.word()).await?;
        Err(Refusal::not_allowed())
    }

    /// Returns the value that every changing request must carry.
    pub(crate) fn csrf(&self) -> String {
        self.token.csrf()
    }

    /// Returns the cookie's token.
    pub(crate) const fn token(&self) -> &Token {
        &self.token
    }

    /// Returns the seconds without a request after which the session ends.
    pub(crate) fn idle_seconds(&self) -> u64 {
        u64::try_from(self.idle_us / 1_000_000).unwrap_or(0)
    }

    /// Returns the name that stands on what this person writes.
    pub(crate) fn name(&self) -> &str {
        if self.user.display.is_empty() { &self.user.name } else { &self.user.display }
    }

    /// Writes what is about to be done into the audit log; it is durable when this returns.
    ///
    /// # Errors
    /// 503: it could not be written, so it must not be done.
    pub(crate) async fn audit(
        &self,
        act: &'static str,
        object: Option<AuditObject>,
        details: &[(&str, String)],
    ) -> Result<(), Refusal> {
        self.write(act, object, details, Outcome::Ok).await
    }

    /// Writes what is about to be done to a recording into the audit log.
    ///
    /// # Errors
    /// As [`Self::audit`].
    pub(crate) async fn audit_recording(
        &self,
        act: &'static str,
        id: RecordingId,
        details: &[(&str, String)],
    ) -> Result<(), Refusal> {
        self.audit(act, Some(AuditObject::Recording(id)), details).await
    }

    /// Writes down that something was refused.
    ///
    /// # Errors
    /// As [`Self::audit`].
    pub(crate) async fn audit_refusal(&self, what: &str) -> Result<(), Refusal> {
        let object = Some(AuditObject::Named(what.to_owned()));
        self.write("refused", object, &[], Outcome::Refused).await
    }

    pub(crate) async fn write(
        &self,
        act: &'static str,
        object: Option<AuditObject>,
        details: &[(&str, String)],
        outcome: Outcome,
    ) -> Result<(), Refusal> {
        let entry = AuditEntry {
            at: self.doors.now(),
            actor: Some(self.user.id),
            actor_name: self.user.name.clone(),
            session: self.session.digest.first_chunk::<8>().copied(),
            address: self.address.clone(),
            act,
            object,
            outcome,
            details: json(details),
        };
        write_down(&self.doors, entry).await
    }
}

/// Writes an entry of the audit log.
///
/// # Errors
/// 503.
pub(crate) async fn write_down(doors: &Doors, entry: AuditEntry) -> Result<(), Refusal> {
    let written = doors.vault(move |vault| vault.audit(&entry)).await;
    written.map(|_number| ()).map_err(|_told_already| Refusal::not_audited())
}

/// Writes particulars as a JSON object.
pub(crate) fn json(details: &[(&str, String)]) -> String {
    let members = details.iter().map(|(name, text)| ((*name).to_owned(), text.as_str().into()));
    serde_json::Value::Object(members.collect()).to_string()
}

/// Returns the name of a session for people: the first octets of its digest, which give no access.
pub(crate) fn session_name(session: &Session) -> String {
    hex(session.digest.first_chunk::<8>().unwrap_or(&[0; 8]))
}

fn idle_us(settings: &api::Settings, role: Role) -> i64 {
    let minutes = &settings.web.idle_minutes;
    let minutes = match role {
        Role::Administrator => minutes.administrator,
        Role::Supervisor => minutes.supervisor,
        Role::Auditor => minutes.auditor,
        Role::Agent => minutes.agent,
    };
    i64::from(minutes).saturating_mul(60_000_000)
}

/// Returns when a session that begins `now` ends whatever happens: after twelve hours.
pub(crate) const fn ends_at(now: UtcMicros) -> UtcMicros {
    now.plus(12 * 3_600_000_000)
}

impl FromRequestParts<Doors> for Caller {
    type Rejection = Refusal;

    /// Takes what the guard left; a route whose door is open has none.
    async fn from_request_parts(parts: &mut Parts, _doors: &Doors) -> Result<Self, Refusal> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Refusal::sign_in_first)
    }
}
