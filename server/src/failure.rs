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

use archiver::ArchiverError;
use recorder::RecorderError;
use vault::VaultError;

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

    /// Finds the kind that another process of this program ended with.
    pub(crate) const fn of_code(code: u8) -> Self {
        match code {
            2 => Self::Usage,
            4 => Self::Permission,
            5 => Self::Data,
            6 => Self::Disk,
            _ => Self::Input,
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
        if let Some(error) = cause.downcast_ref::<RecorderError>() {
            return kind_of_recorder(error).code();
        }
        if let Some(error) = cause.downcast_ref::<ArchiverError>() {
            return kind_of_archiver(error).code();
        }
        if let Some(error) = cause.downcast_ref::<VaultError>() {
            return kind_of_vault(error).code();
        }
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return kind_of_io(io).code();
        }
    }
    Kind::Input.code()
}

fn kind_of_recorder(error: &RecorderError) -> Kind {
    match error {
        RecorderError::Vault(error) => kind_of_vault(error),
        RecorderError::NoLedger => Kind::Disk,
        RecorderError::NoThread(_) | RecorderError::NoDayKey(_) | RecorderError::Seal(_) => Kind::Data,
    }
}

fn kind_of_archiver(error: &ArchiverError) -> Kind {
    match error {
        ArchiverError::Vault(error) => kind_of_vault(error),
        ArchiverError::Medium { .. } | ArchiverError::Store(_) => Kind::Disk,
        ArchiverError::Away { .. }
        | ArchiverError::OtherMedium { .. }
        | ArchiverError::Copied { .. }
        | ArchiverError::Busy { .. }
        | ArchiverError::Refused(_) => Kind::Input,
        ArchiverError::Archive(_) | ArchiverError::Seal(_) | ArchiverError::Login(_) => Kind::Data,
    }
}

/// Sorts what the data folder said: there is something wrong with it, with the right to it, or with the disk below.
fn kind_of_vault(error: &VaultError) -> Kind {
    if error.is_no_space() {
        return Kind::Disk;
    }
    match error {
        VaultError::Store(_) => {
            let io = std::error::Error::source(error).and_then(|e| e.downcast_ref::<std::io::Error>());
            match io.map(kind_of_io) {
                Some(Kind::Permission) => Kind::Permission,
                Some(Kind::Usage | Kind::Input | Kind::Data | Kind::Disk) | None => Kind::Disk,
            }
        }
        VaultError::NoSuchRecording(_)
        | VaultError::Away { .. }
        | VaultError::Shredded { .. }
        | VaultError::DayNotOver(_)
        | VaultError::Unjudged { .. } => Kind::Input,
        VaultError::TwoPersons => Kind::Permission,
        VaultError::KeyStore { .. } => Kind::Disk,
        VaultError::Catalogue(_)
        | VaultError::Seal { .. }
        | VaultError::Newer { .. }
        | VaultError::NoDataFolder { .. }
        | VaultError::Exists { .. }
        | VaultError::InUse { .. }
        | VaultError::LedgerOwner { .. }
        | VaultError::LedgerDamaged { .. }
        | VaultError::LedgerFull
        | VaultError::LogDamaged { .. }
        | VaultError::LogChanged { .. }
        | VaultError::NoLog => Kind::Data,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: impl Into<anyhow::Error>, expected: Kind) {
        let error = error.into().context("while doing something");
        assert_eq!(code_of(&error), expected.code(), "{error:#}");
    }

    #[test]
    fn a_data_folder_in_use_or_newer_is_no_fault_of_the_input() {
        check(VaultError::InUse { path: "d".into() }, Kind::Data);
        check(VaultError::NoDataFolder { path: "d".into() }, Kind::Data);
        check(VaultError::Newer { what: "folder", found: 2, known: 1 }, Kind::Data);
        check(RecorderError::Vault(VaultError::InUse { path: "d".into() }), Kind::Data);
    }

    #[test]
    fn a_failure_keeps_its_code_under_any_context() {
        check(Failure::new(Kind::Permission, "no"), Kind::Permission);
        check(std::io::Error::from(std::io::ErrorKind::StorageFull), Kind::Disk);
        check(std::io::Error::from(std::io::ErrorKind::PermissionDenied), Kind::Permission);
        check(RecorderError::NoLedger, Kind::Disk);
        check(anyhow::anyhow!("something else"), Kind::Input);
    }
}
