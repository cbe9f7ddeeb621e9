//! The archive's formats: what lies on a medium, and how anybody may judge it.
//!
//! What a site is born with: [`recovery`] splits the secret that exists on paper only, [`SiteJson`] is what never changes,
//! [`certs`] says who may seal. What each night adds: the [`Card`] of a location, a [`Manifest`] and a [`DayCatalogue`] for
//! each day, the [`RunReport`]. And [`log`], the list of acts that cannot be changed unseen. Where things lie says [`layout`].
//! Bytes in, bytes out: no file, no clock, no dice of its own.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod bundle;
mod card;
pub mod certs;
mod day_catalogue;
pub mod layout;
pub mod log;
pub mod manifest;
mod pieces;
pub mod recovery;
pub mod run_report;
mod site_json;
mod vault_contents;
pub mod verify;

pub use bundle::Bundle;
pub use card::{CARD_MAX, CARD_NAME, Card};
pub use day_catalogue::{DayCatalogue, DayRow, GAPS, HELD, MASKED, RECOVERED, ROWS_MAX};
pub use manifest::{Manifest, ManifestLine};
pub use pieces::{Pieces, piece_digest};
pub use run_report::{Level, Outcome, RunHead, RunProof, RunReport};
pub use site_json::SiteJson;
pub use vault_contents::{DaySecret, SiteSecrets, VaultContents};

/// What this crate refuses, in words that tell what to do.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A share was misread or damaged.
    #[error("share {0} is wrong: compare it with the paper, group by group")]
    Share(usize),
    /// The shares are of different sets, or one was given twice.
    #[error("these two shares do not belong together: give two different shares of one set")]
    ShareSet,
    /// The shares give a secret that is not this site's.
    #[error("these shares are of another site")]
    OtherSite,
    /// A file of the site is damaged or of a newer version.
    #[error("{0} is damaged or of a newer version: {1}")]
    Document(&'static str, &'static str),
    /// The log was changed, not continued: nothing is signed.
    #[error(
        "the log of {new} leaves does not continue the one of {old} leaves that was signed: nothing is signed and nothing \
         is purged until somebody has found out who changed it"
    )]
    Inconsistent {
        /// Leaves of the last checkpoint.
        old: u64,
        /// Leaves of the log as it is.
        new: u64,
    },
    /// A certificate does not hold.
    #[error("the certificate of {0} does not hold: {1}")]
    Certificate(String, &'static str),
    /// Keys or signatures.
    #[error(transparent)]
    Seal(#[from] seal::SealError),
}

/// The result of this crate.
pub type Result<T> = std::result::Result<T, ArchiveError>;

pub(crate) use seal::fields::hex;

/// Reads lower-case hexadecimal digits, so that equal bytes are equal texts.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let lower = !text.contains(|c: char| c.is_ascii_uppercase());
    seal::fields::unhex(text).filter(|_| lower)
}
