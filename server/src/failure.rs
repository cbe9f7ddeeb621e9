//! How the program ends: an error that tells what to do, and the exit code that goes with it.
//!
//! | code | meaning |
//! | --- | --- |
//! | 0 | done |
//! | 1 | done, and something is wrong with what was looked at (`verify`, `check`, `ledger`), or recording had losses |
//! | 2 | the command line or the configuration is wrong |
//! | 3 | the input cannot be used: no capture file, another link type, no such interface, no such recording |
//! | 4 | not permitted |
//! | 5 | the data folder cannot be used: missing, not empty, of a newer version, locked, in use |
//! | 6 | the disk failed or is full |

use std::fmt;

/// Why the program could not do what it was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Command line or configuration.
    Usage,
    /// The input cannot be used.
    Input,
    /// Not permitted.
    Permission,
    /// The data folder cannot be used.
    Data,
    /// The disk failed or is full.
    Disk,
}

impl Kind {
    /// Returns the exit code.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::Input => 3,
            Self::Permission => 4,
            Self::Data => 5,
            Self::Disk => 6,
        }
    }
}

/// An error with its exit code; the text says what happened, what it means for the recordings and what to do.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Which exit code.
    pub(crate) kind: Kind,
    text: String,
}

impl Failure {
    /// Makes a failure from a whole sentence.
    pub(crate) fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

/// Finds the exit code of an error by the innermost cause that knows one.
pub(crate) fn code_of(error: &anyhow::Error) -> u8 {
    for cause in error.chain() {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return failure.kind.code();
        }
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return kind_of_io(io).code();
        }
    }
    Kind::Input.code()
}

/// Sorts an operating system error by what a person can do about it.
pub(crate) fn kind_of_io(error: &std::io::Error) -> Kind {
    use std::io::ErrorKind;
    // The list of kinds grows with the standard library; what is not named here is the disk's business.
    #[allow(clippy::wildcard_enum_match_arm, reason = "ErrorKind is non-exhaustive")]
    match error.kind() {
        ErrorKind::PermissionDenied => Kind::Permission,
        ErrorKind::NotFound | ErrorKind::InvalidInput | ErrorKind::InvalidData => Kind::Input,
        _ => Kind::Disk,
    }
}
