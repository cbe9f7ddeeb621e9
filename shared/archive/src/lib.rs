//! The archive's formats. For now what a site is born with: its recovery secret, its card and its certificates.
//!
//! [`recovery`] splits the secret that exists on paper only; [`SiteJson`] is what never changes about a site;
//! [`certs`] says who may seal. Bytes in, bytes out: no file, no clock, no dice of its own.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod certs;
pub mod recovery;
mod site_json;

pub use site_json::SiteJson;

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
    /// A certificate does not hold.
    #[error("the certificate of {0} does not hold: {1}")]
    Certificate(String, &'static str),
    /// Keys or signatures.
    #[error(transparent)]
    Seal(#[from] seal::SealError),
}

/// The result of this crate.
pub type Result<T> = std::result::Result<T, ArchiveError>;

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, b| {
        // Writing to a String cannot fail.
        let _infallible = write!(out, "{b:02x}");
        out
    })
}

pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |b: u8| {
        let lower = !b.is_ascii_uppercase();
        char::from(b).to_digit(16).filter(|_| lower).and_then(|d| u8::try_from(d).ok())
    };
    let bytes = pairs.iter().map(|[a, b]| Some(digit(*a)? << 4 | digit(*b)?)).collect::<Option<_>>();
    bytes.filter(|_| rest.is_empty())
}
