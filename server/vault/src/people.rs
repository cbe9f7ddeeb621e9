//! People and what they did, as the doors of the house need them: handed on to the catalogue, which alone speaks SQL.
//!
//! Users, sessions and the audit log have no file behind them, so there is no order to keep but one:
//! what is audited is durable before it is done.

use catalogue::{AuditCheck, AuditEntry, AuditFilter, AuditPage, Session, User, UserId};
use shared::UtcMicros;

use crate::{Result, Vault};

macro_rules! handed_on {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*) -> $back:ty;)+) => {
        impl Vault {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// The catalogue's.
                pub fn $name(&self, $($argument: $type),*) -> Result<$back> {
                    Ok(self.catalogue.$name($($argument),*)?)
                }
            )+
        }
    };
}
pub(crate) use handed_on;

handed_on! {
    /// Returns all users, in the order of their making.
    users() -> Vec<User>;
    /// Returns a user.
    user(id: UserId) -> Option<User>;
    /// Finds a user by the name to sign in with, without regard to case.
    user_by_name(name: &str) -> Option<User>;
    /// Finds the user whose one-time link this is.
    user_by_link(digest: &[u8; 32]) -> Option<User>;
    /// Takes a one-time link off its user: of two who come with it one is let in.
    use_link(digest: &[u8; 32], now: UtcMicros) -> Option<User>;
    /// Takes the step of a right code of the second factor, unless it or a later one was taken before.
    take_totp_step(id: UserId, step: u64) -> bool;
    /// Enters a new user and returns the name given to it.
    put_user(user: &User) -> UserId;
    /// Replaces what is known of a user; false if there is none.
    change_user(user: &User) -> bool;
    /// Enters a session, or replaces the one of that digest.
    put_session(session: &Session) -> ();
    /// Finds a session and its user.
    session(digest: &[u8; 32]) -> Option<(Session, User)>;
    /// Returns the sessions of a user, newest first.
    sessions_of(user: UserId) -> Vec<Session>;
    /// Notes that a session was used.
    touch_session(digest: &[u8; 32], seen_at: UtcMicros) -> ();
    /// Ends a session; false if it had ended.
    drop_session(digest: &[u8; 32]) -> bool;
    /// Ends all sessions of a user, but perhaps one; returns how many.
    drop_sessions_of(user: UserId, except: Option<&[u8; 32]>) -> u64;
    /// Forgets sessions that ended before `now`; returns how many.
    drop_ended_sessions(now: UtcMicros) -> u64;
    /// Writes an entry of the audit log and returns its number; durable when it returns.
    audit(entry: &AuditEntry) -> u64;
    /// Returns a page of the audit log, newest first: entries with numbers under `after`, or the newest.
    audit_page(filter: &AuditFilter, after: Option<u64>, limit: u32) -> AuditPage;
    /// Reads the whole audit log and checks its chain.
    check_audit() -> AuditCheck;
}
