//! The archive engine: every night, on every configured location, a copy of each new recording, read back and proven.
//!
//! A run ([`engine::Run`]) follows the numbered steps of `docs/design/archive-run.md`: check that the place is the place, plan
//! from where this medium stands in the log, carry batches, write what makes the copy readable and provable by itself, sign a
//! report, and only then call anything proven. What a place can do is behind the trait [`carrier::Carrier`]; [`place`] knows
//! mounts, drives and shares.
//!
//! What must hold:
//! 1. No file on a medium is overwritten. What changes gets a new generation in its name. (One exception: the lease.)
//! 2. A proof exists only after the bytes were read back from the medium.
//! 3. Nothing is written under a path where the medium is not mounted, or is another one.
//! 4. A run that is cut anywhere leaves no false proof, and the next run completes it. There is no other restart.
//! 5. No key that opens recordings is needed to copy them.

#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod carrier;
pub mod elsewhere;
pub mod engine;
mod error;
pub mod judged;
pub mod keyfiles;
pub mod notices;
pub mod place;
pub mod remote;
pub mod schedule;
mod sealed;
mod wire;

pub use error::{ArchiverError, Kind};
/// A site's data folder.
pub use store::LocalDisk as DataFolder;

/// The result of this crate.
pub type Result<T> = std::result::Result<T, ArchiverError>;
