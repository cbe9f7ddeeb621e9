//! Why the files of a night cannot be made, and what to do then.

use shared::Day;

/// Why the files by which an archive is opened cannot be made. Recordings that were copied stay readable for whoever holds the
/// key vault of the night before.
#[derive(Debug, thiserror::Error)]
pub enum KeyFilesError {
    /// A day that no calendar has, or the clock is far off.
    #[error("{0} is outside the calendar: set the clock of this machine, then run the archive again")]
    Calendar(Day),
    /// Forty years are over.
    #[error(
        "the chain of days ends before {0}: begin a new chain (chain generation), or shorten the look-ahead; until then no \
         login is made for that day"
    )]
    ChainEnds(Day),
    /// Slots, vaults or memory.
    #[error("the logins of the archive cannot be made: {0}")]
    Login(#[from] daily_login::LoginError),
    /// Keys.
    #[error("the keys of the archive cannot be sealed: {0}")]
    Seal(#[from] seal::SealError),
}
