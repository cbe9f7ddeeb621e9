//! Who was given the login of a day: entered into the transparency log and the audit log **before** anybody sees it.
//!
//! 1. leaf 4 durable;
//! 2. the entry of the audit log, which has the words and the salt that the leaf has digests of;
//! 3. a [`ReleasedLogin`].
//!
//! Whoever shows a login asks for a [`ReleasedLogin`], and only this file makes one: a crash between the steps leaves a leaf or an
//! entry of a login that nobody saw, never a login that nobody entered.

use archive::log::Act;
use catalogue::{AuditEntry, AuditObject, By, Outcome};
use shared::Day;

use crate::holds::{actor_of, salted};
use crate::{Result, Vault};

/// What is entered in the audit log when a login is given out.
pub const RELEASE_ACT: &str = "daily-login";

/// A login that somebody is about to be given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoginRelease {
    /// The day on which it is valid.
    pub day: Day,
    /// The lane's letter: `a` or `h`.
    pub lane: u8,
    /// To whom it is given.
    pub receiver: String,
    /// Why; a ticket's number, perhaps.
    pub reason: String,
    /// Drawn by the caller: the log has digests of salt and words.
    pub salt: [u8; 32],
    /// Who gives it out, and when.
    pub by: By,
    /// The first octets of the session's digest, if there is one.
    pub session: Option<[u8; 8]>,
    /// From where it is asked for.
    pub address: String,
}

/// The permission to show one login: it is entered, durably.
#[derive(PartialEq, Eq, Debug)]
pub struct ReleasedLogin {
    day: Day,
    lane: u8,
    leaf: u64,
}

impl ReleasedLogin {
    /// Returns the day of the login that may be shown.
    #[must_use]
    pub const fn day(&self) -> Day {
        self.day
    }

    /// Returns the letter of its lane.
    #[must_use]
    pub const fn lane(&self) -> u8 {
        self.lane
    }

    /// Returns the leaf that says so.
    #[must_use]
    pub const fn leaf(&self) -> u64 {
        self.leaf
    }
}

impl Vault {
    /// Enters that somebody is given the login of a day. Only what this returns permits to show it, once.
    ///
    /// # Errors
    /// [`crate::VaultError::NoLog`], the log's or the catalogue's: then the login must stay unseen.
    pub fn release_login(&self, release: &LoginRelease) -> Result<ReleasedLogin> {
        let act = Act::KeyRelease {
            date: release.day.yyyymmdd(),
            lane: release.lane,
            flags: 0,
            receiver: salted(&release.salt, &release.receiver),
            ticket: salted(&release.salt, &release.reason),
        };
        // 1
        let leaf = self.append_act(act, actor_of(&release.by))?;
        // 2
        let salt: String = release.salt.iter().map(|byte| format!("{byte:02x}")).collect();
        let details = serde_json::json!({
            "lane": char::from(release.lane).to_string(),
            "for": release.receiver,
            "reason": release.reason,
            "leaf": leaf,
            "salt": salt,
        });
        self.audit(&AuditEntry {
            at: release.by.at,
            actor: release.by.user,
            actor_name: release.by.name.clone(),
            session: release.session,
            address: release.address.clone(),
            act: RELEASE_ACT,
            object: Some(AuditObject::Named(release.day.to_string())),
            outcome: Outcome::Ok,
            details: details.to_string(),
        })?;
        // 3
        Ok(ReleasedLogin { day: release.day, lane: release.lane, leaf })
    }
}

#[cfg(test)]
mod tests;
