//! Who stands behind a word on the server's own command line: name, password and code, judged as at the door of the console.
//!
//! Two persons on the command line must be two accounts whose secrets are known there, or "two persons" would mean nothing. Wrong
//! attempts count against the account as everywhere, and stand in the audit log.

use api::TotpRule;
use shared::UtcMicros;
use vault::{AuditEntry, By, Outcome, User, Vault, VaultError};

use crate::act::{Act, may};
use crate::caller::json;
use crate::lockout::{locked_until, seconds_left};
use crate::{password, people, totp};

/// What a person says.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, reason = "a password is never printed")]
pub struct Said<'a> {
    /// The account's name.
    pub name: &'a str,
    /// Its password.
    pub password: &'a str,
    /// The code that its authenticator shows, if one is enrolled.
    pub code: Option<&'a str>,
}

/// Why nobody stands behind it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotVouched {
    /// Name, password or code.
    #[error("name, password or code is not right; nothing was done")]
    Wrong,
    /// Too many wrong attempts.
    #[error("after wrong attempts this account waits for {0} seconds; nothing was done")]
    Waits(u64),
    /// The site wants a second factor.
    #[error(
        "this account has no authenticator, and the site asks administrators for one: sign in to the console once to enrol it; nothing \
         was done"
    )]
    NoAuthenticator,
    /// The role may not.
    #[error("this account may not do that: its role does not allow it; nothing was done")]
    NotAllowed,
}

/// Judges whether somebody may do `act`, and returns who it is. Takes the second that a password takes. The refusal, too, is in the audit
/// log when this returns.
///
/// # Errors
/// The catalogue's.
pub fn vouch(
    vault: &Vault,
    said: &Said<'_>,
    act: Act,
    rule: TotpRule,
    now: UtcMicros,
) -> Result<Result<By, NotVouched>, VaultError> {
    let name: String = said.name.trim().to_lowercase().chars().take(100).collect();
    let user = vault.user_by_name(&name)?;
    if let Some(wait) = user.as_ref().and_then(|user| seconds_left(user.locked_until?, now)) {
        return Ok(Err(NotVouched::Waits(wait)));
    }
    let phc = user.as_ref().filter(|user| !user.disabled).and_then(|user| user.password_phc.clone());
    // Also for a name that nobody has: it takes as long.
    let fits = password::fits(said.password, phc.as_deref());
    let refused = match user {
        Some(user) if fits => match judged(vault, &user, said, act, rule, now)? {
            None => {
                vault.change_user(&User {
                    failures: 0,
                    locked_until: None,
                    ..fresh(vault, user.clone())?
                })?;
                return Ok(Ok(By { user: Some(user.id), name: user.name, at: now }));
            }
            Some(refused) => refuse(vault, Some(user), &name, refused, now)?,
        },
        user => refuse(vault, user, &name, NotVouched::Wrong, now)?,
    };
    Ok(Err(refused))
}

/// The second factor and the role, behind the password.
fn judged(
    vault: &Vault,
    user: &User,
    said: &Said<'_>,
    act: Act,
    rule: TotpRule,
    now: UtcMicros,
) -> Result<Option<NotVouched>, VaultError> {
    let role = people::role(user.role);
    match &user.totp_secret {
        Some(secret) => {
            let step = said.code.and_then(|code| totp::accept(secret, code, now, user.totp_last_step));
            let Some(step) = step else { return Ok(Some(NotVouched::Wrong)) };
            if !vault.take_totp_step(user.id, step)? {
                return Ok(Some(NotVouched::Wrong));
            }
        }
        None if role == api::Role::Administrator && rule == TotpRule::Required => {
            return Ok(Some(NotVouched::NoAuthenticator));
        }
        None => {}
    }
    Ok((!may(role, act)).then_some(NotVouched::NotAllowed))
}

fn refuse(
    vault: &Vault,
    user: Option<User>,
    name: &str,
    why: NotVouched,
    now: UtcMicros,
) -> Result<NotVouched, VaultError> {
    let what = match why {
        NotVouched::Wrong => "password or code",
        NotVouched::Waits(_) => "too often",
        NotVouched::NoAuthenticator => "authenticator",
        NotVouched::NotAllowed => "role",
    };
    vault.audit(&AuditEntry {
        at: now,
        actor: user.as_ref().map(|user| user.id),
        actor_name: name.to_owned(),
        session: None,
        address: "this machine".to_owned(),
        act: "sign-in-refused",
        object: None,
        outcome: Outcome::Refused,
        details: json(&[("wrong", what.to_owned())]),
    })?;
    if let Some(user) = user.filter(|_| why == NotVouched::Wrong) {
        let user = fresh(vault, user)?;
        let failures = user.failures.saturating_add(1);
        vault.change_user(&User { failures, locked_until: locked_until(failures, now), ..user })?;
    }
    Ok(why)
}

/// The account as it is now: a code may have been taken meanwhile.
fn fresh(vault: &Vault, user: User) -> Result<User, VaultError> {
    Ok(vault.user(user.id)?.unwrap_or(user))
}
