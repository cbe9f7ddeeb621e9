//! What can go wrong with a disk, in sentences for an operator.

use std::io;

/// Says what a program should do about an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Try again later: nothing is wrong but the moment (no space yet, a name just taken).
    Wait,
    /// Nothing gets better without a person: a missing file, a wrong right, a wrong path.
    AskAPerson,
    /// Go no further with this file or disk: what was written may be gone.
    Stop,
}

/// Why a disk did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No space is left.
    #[error(
        "the disk that holds the recordings is full: what was sealed so far is safe, but no new second of audio can be \
         kept until space is made; free some on the data folder's disk, or enlarge it ({path})"
    )]
    NoSpace {
        /// What was being written.
        path: String,
    },
    /// A sync failed: the bytes since the last good sync may be gone, and asking again proves nothing.
    #[error(
        "the disk could not make {path} durable: what was written since its last sync may be lost, and the file is left \
         for recovery; look at the kernel log for the failing drive ({source})"
    )]
    SyncFailed {
        /// Which file or folder.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The file was given up after a failed sync.
    #[error("{path} was given up after a failed sync: go on in a new file, recovery takes care of this one")]
    Poisoned {
        /// Which file.
        path: String,
    },
    /// The name is taken.
    #[error("{path} exists already and is never overwritten")]
    Exists {
        /// Which name.
        path: String,
    },
    /// There is no such file or folder.
    #[error("{path} is not there")]
    NotFound {
        /// Which name.
        path: String,
    },
    /// The path is not made of plain names.
    #[error(
        "`{path}` is no path inside the data folder: names of letters, digits, `.`, `-` and `_`, joined by `/`"
    )]
    BadPath {
        /// The path as given.
        path: String,
    },
    /// Anything else.
    #[error("cannot {what} {path}: {source}")]
    Io {
        /// What was tried, as a verb.
        what: &'static str,
        /// On which path.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

impl StoreError {
    /// Says what to do about it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::NoSpace { .. } => Kind::Wait,
            Self::SyncFailed { .. } | Self::Poisoned { .. } => Kind::Stop,
            Self::Exists { .. } | Self::NotFound { .. } | Self::BadPath { .. } => Kind::AskAPerson,
            Self::Io { source, .. } if source.kind() == io::ErrorKind::Interrupted => Kind::Wait,
            Self::Io { .. } => Kind::AskAPerson,
        }
    }

    /// Tells whether the disk is full.
    #[must_use]
    pub const fn is_no_space(&self) -> bool {
        matches!(self, Self::NoSpace { .. })
    }

    /// Tells whether the name was not there.
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Sorts a system error that came while doing `what` to `path`.
    #[must_use]
    pub fn sorted(what: &'static str, path: &str, source: io::Error) -> Self {
        let path = path.to_owned();
        if source.kind() == io::ErrorKind::StorageFull || source.kind() == io::ErrorKind::QuotaExceeded {
            return Self::NoSpace { path };
        }
        if source.kind() == io::ErrorKind::NotFound {
            return Self::NotFound { path };
        }
        if source.kind() == io::ErrorKind::AlreadyExists {
            return Self::Exists { path };
        }
        Self::Io { what, path, source }
    }
}
