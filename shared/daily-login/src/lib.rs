//! The daily login: from a day and a secret to a login and a password, and from these to the keys of an archive.
//!
//! [`lane`] derives what a helpdesk reads out; [`spoken`] reads what a listener typed; [`chain`] holds the keys that run
//! backwards through the days; [`slots`] is the file in which each login of the coming days finds its chain key; [`vaults`]
//! are the files that hold the private keys of recordings; [`clock`] says whether a PC's clock may be believed. Signatures and the sealing to the recovery key are brought by the
//! caller. Bytes in, bytes out: no file, no clock, no dice of its own.
//!
//! What must hold: the password of a day opens nothing that was put into a key vault after that day, by mathematics. That it
//! opens nothing on a later day is policy, which the reader keeps; no cryptography expires a copy.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod chain;
pub mod clock;
mod kdf;
pub mod lane;
pub mod slots;
pub mod spoken;
pub mod vaults;

pub use chain::{ChainKey, Chained};
pub use lane::{Credentials, Lane, LaneSecret, MonthKey};
pub use slots::{Cost, Slot, SlotFile, SlotHead};
pub use spoken::{Login, Password, SpokenError};
pub use vaults::{KeyVault, RecoveryVault, VaultHead};

/// What this crate refuses, in words that tell what to do.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LoginError {
    /// The file is damaged, or of a newer version.
    #[error("{0} is damaged or of a newer version: {1}")]
    Document(&'static str, &'static str),
    /// No slot is for this login.
    #[error("this login is unknown here: read letter and digits again, or connect the newest archive")]
    Unknown,
    /// The login was taken back.
    #[error("this login was revoked: ask for another")]
    Revoked,
    /// The login is for another day.
    #[error("this login is for {0}, not for today: ask for today's")]
    OtherDay(shared::Day),
    /// Password, pepper or file do not fit.
    #[error("this password does not open the archive: read it again, group by group")]
    WrongPassword,
    /// Only enrolled PCs may open the archive.
    #[error("this PC is not enrolled: ask your administrator to enrol it")]
    NotEnrolled,
    /// The key vault is newer than the key.
    #[error("this archive is newer than the day of this login: ask for the login of {0} or later")]
    TooNew(shared::Day),
    /// Argon2id refuses its parameters, or the memory is not there.
    #[error("the password cannot be checked here: {0} KiB of memory are needed")]
    Cost(u32),
}

/// The result of this crate.
pub type Result<T> = std::result::Result<T, LoginError>;
