//! What a location must be able to do for the engine, whatever it is made of.
//!
//! A [`Carrier`] takes whole batches, because what makes bytes durable and proves it differs from one kind of location to the
//! next: a file system writes, syncs, renames, syncs and reads past the cache; an object store puts and gets. Whatever it does
//! inside, [`Carrier::carry`] promises this: a file reported as [`Fate::Proven`] lies under its final name, durably, with exactly
//! the digests that came back, and was read back from the medium if the level says so.
//!
//! A carrier may run in a process of its own ([`crate::remote`]): a share that hangs must not hang the server.

mod back;
mod digests;
mod disk;
mod fault;
mod lease;
mod s3;
mod small;

use seal::fields::len64;
use serde::{Deserialize, Serialize};
use shared::UtcMicros;

pub use digests::Digests;
pub use disk::{DiskCarrier, SyncRule};
pub use lease::Holder;
pub(crate) use lease::LEN_MAX as LEASE_MAX;
pub use s3::{Lock, S3Carrier};

/// One file to be carried.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Item {
    /// Its path from the archive's root folder, made of plain names.
    pub to: String,
    /// Where its bytes are.
    pub source: Source,
    /// Another content that lies under its name is known to be bad: it is put here before the good one takes its name. `None`: it is
    /// left alone.
    #[serde(default)]
    pub aside: Option<String>,
}

/// Where the bytes of a file to be carried are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Source {
    /// A sealed file in the site's data folder, with what is known about it.
    Sealed {
        /// Its path in the data folder.
        path: String,
        /// Its length in bytes, trailer included.
        size: u64,
        /// The digest of everything before the trailer.
        #[serde(with = "crate::wire::digest")]
        sha256: [u8; 32],
        /// The same by BLAKE3.
        #[serde(with = "crate::wire::digest")]
        blake3: [u8; 32],
    },
    /// A small file, made now.
    Bytes(#[serde(with = "crate::wire::base64")] Vec<u8>),
}

/// What became of one file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Fate {
    /// It lies there.
    Proven {
        /// Its digests, of what was written and of what was read back.
        digests: Digests,
        /// Whether it was read back past every cache of this machine.
        uncached: bool,
        /// It lay there already, put by a run that was cut.
        adopted: bool,
    },
    /// Another content lies under this name. It was left alone.
    Taken,
    /// What was read back is not what was written.
    Misread,
    /// The source is not what is known about it: nothing of it was kept.
    SourceBad,
    /// The source is not there.
    SourceGone,
}

/// A name in a folder of an archive.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Found {
    /// The name.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
}

/// A piece of a file as it lies on a medium.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Piece {
    /// The length of the whole file, in bytes.
    pub size: u64,
    /// The piece.
    #[serde(with = "crate::wire::base64")]
    pub bytes: Vec<u8>,
    /// Whether it was read past every cache of this machine.
    pub uncached: bool,
}

/// Room on a medium, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Space {
    /// Free for us.
    pub free: u64,
    /// In all.
    pub total: u64,
}

impl Space {
    /// A store without an end that anybody could tell.
    pub const UNKNOWN: Self = Self { free: u64::MAX, total: u64::MAX };

    /// Tells whether there is no telling.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        *self == Self::UNKNOWN
    }

    /// Returns the bytes that recordings do not use, because catalogues and the proofs of the last run must still fit: a twentieth,
    /// of a large medium 2 GiB. The next backup comes on top.
    #[must_use]
    pub fn reserve(&self) -> u64 {
        (self.total / 20).min(2 << 30)
    }
}

/// How a medium failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum CarryKind {
    /// It went away: pulled, unmounted, the server does not answer.
    Gone,
    /// No space is left.
    Full,
    /// It cannot be written.
    ReadOnly,
    /// It could not say that bytes are durable, or gave back others: what was written since is not trusted.
    Doubtful,
    /// Nothing happened for two minutes.
    Stalled,
    /// Another machine took the lease.
    Taken,
    /// Something else: a missing right, as a rule.
    Other,
}

/// Why a location did not do what it was asked. The batch under way counts as not carried.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
#[error("{text}")]
pub struct CarryError {
    /// What sort of failure.
    pub kind: CarryKind,
    /// What happened, for people.
    pub text: String,
}

/// What carriers return.
pub type Carried<T> = Result<T, CarryError>;

/// A location, reached.
pub trait Carrier {
    /// Lists a folder; `None` if it is not there. `""` is the archive's root folder.
    ///
    /// # Errors
    /// The medium's.
    fn list(&mut self, folder: &str) -> Carried<Option<Vec<Found>>>;

    /// Reads a small file of at most `max` bytes; `None` if it is not there.
    ///
    /// # Errors
    /// The medium's, also when the file is longer.
    fn read(&mut self, path: &str, max: u64) -> Carried<Option<Vec<u8>>>;

    /// Returns the lengths of files in bytes, `None` for those that are not there.
    ///
    /// # Errors
    /// The medium's.
    fn sizes(&mut self, paths: &[String]) -> Carried<Vec<Option<u64>>>;

    /// Reads a file whole, past the cache where that can be had, and returns its digests and whether it could; `None` if it is
    /// not there. `content` is the length of what comes before its trailer.
    ///
    /// # Errors
    /// The medium's.
    fn digest(
        &mut self,
        path: &str,
        content: u64,
        progress: &mut dyn FnMut(u64),
    ) -> Carried<Option<(Digests, bool)>>;

    /// Reads the `nth` piece of 1 MiB of a file, past the cache where that can be had; `None` if the file is not there. Behind its end
    /// a file has empty pieces.
    ///
    /// # Errors
    /// The medium's.
    fn piece(&mut self, path: &str, nth: u64) -> Carried<Option<Piece>>;

    /// Returns how much room there is.
    ///
    /// # Errors
    /// The medium's.
    fn space(&mut self) -> Carried<Space>;

    /// Carries a batch and proves it, file by file; `progress` hears of bytes as they are handled. No file is ever overwritten.
    ///
    /// # Errors
    /// The medium's. Then nothing of the batch counts, whatever of it may lie there; the same batch may be carried again.
    fn carry(&mut self, items: &[Item], progress: &mut dyn FnMut(u64)) -> Carried<Vec<Fate>>;

    /// Removes files, and folders (whose path ends with `/`) if they are empty by then, and makes that durable; those that are not
    /// there are fine.
    ///
    /// # Errors
    /// The medium's.
    fn remove(&mut self, paths: &[String]) -> Carried<()>;

    /// Puts the lease: the one file that is overwritten.
    ///
    /// # Errors
    /// The medium's.
    fn put_lease(&mut self, bytes: &[u8]) -> Carried<()>;

    /// From now on the carrier renews the lease of this holder itself, once a minute while it carries or digests: one file may take longer
    /// than a lease lives. If somebody else took it meanwhile, nothing of what was under way counts. `None`: no more.
    ///
    /// # Errors
    /// Nobody can be told.
    fn keep_lease(&mut self, holder: Option<Holder>) -> Carried<()>;
}

/// Time, brought by the program.
pub trait Clock {
    /// Returns the time.
    fn now(&self) -> UtcMicros;
    /// Waits.
    fn sleep_ms(&self, ms: u64);
}

pub(crate) fn content_len(source: &Source) -> u64 {
    match source {
        Source::Bytes(_) => u64::MAX,
        Source::Sealed { size, .. } => size.saturating_sub(u64::try_from(seal::TRAILER_LEN).unwrap_or(0)),
    }
}

/// Tells whether a content is the one that is wanted.
pub(crate) fn fits(source: &Source, digests: &Digests) -> bool {
    match source {
        Source::Bytes(bytes) => {
            digests.size == len64(bytes) && digests.blake3 == *blake3::hash(bytes).as_bytes()
        }
        Source::Sealed { size, sha256, blake3, .. } => {
            (*size, *sha256, *blake3) == (digests.size, digests.content_sha256, digests.content_blake3)
        }
    }
}

pub(crate) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}
