//! Why a run did not do its work, in sentences for an operator.

use crate::carrier::{CarryError, CarryKind};
use crate::notices::Absence;

/// Says what a program should do about an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It comes right by itself: a drive that is not connected now, another run at work.
    Wait,
    /// Nothing gets better without a person.
    AskAPerson,
    /// Trust nothing that this medium said until it was verified.
    Suspect,
}

/// Why a run ended without having done its work.
#[derive(Debug, thiserror::Error)]
pub enum ArchiverError {
    /// The place is not there.
    #[error(
        "{name} is not connected: {why}. Nothing was written; recordings stay where they are, and archiving goes on from \
         where it stood when it is back"
    )]
    Away {
        /// The location.
        name: String,
        /// What was found instead.
        why: String,
    },
    /// The place is there, but it is not the medium that belongs there.
    #[error("{name} is not the medium that was expected: {why}. Nothing was written")]
    OtherMedium {
        /// The location.
        name: String,
        /// What was found, and what a person can do.
        why: String,
    },
    /// The place is there with a copy of its medium, or with an old state of it.
    #[error("{name} is not the medium that was expected: {why}. Nothing was written")]
    Copied {
        /// The location.
        name: String,
        /// What was found, and what a person can do.
        why: String,
    },
    /// Another run is at work there.
    #[error(
        "another run is at work on {name} ({who}): it holds the lease until it ends, or for 30 minutes after it died"
    )]
    Busy {
        /// The location.
        name: String,
        /// Who has it.
        who: String,
    },
    /// The medium failed under the run.
    #[error(
        "{name} failed: {error}. What was proven before stays proven; the rest stays due and is carried by the next run"
    )]
    Medium {
        /// The location.
        name: String,
        /// How.
        error: CarryError,
    },
    /// What somebody asked for cannot be.
    #[error("{0}")]
    Refused(String),
    /// The site's own side.
    #[error(transparent)]
    Vault(#[from] vault::VaultError),
    /// The site's disk.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// A file of the archive.
    #[error(transparent)]
    Archive(#[from] archive::ArchiveError),
    /// Sealing.
    #[error(transparent)]
    Seal(#[from] seal::SealError),
    /// The daily login.
    #[error(transparent)]
    Login(#[from] daily_login::LoginError),
}

impl ArchiverError {
    /// Says why a place cannot be archived to; `None`: it is not about the place.
    #[must_use]
    pub const fn absence(&self) -> Option<Absence> {
        match self {
            Self::Away { .. } | Self::Busy { .. } => Some(Absence::Away),
            Self::OtherMedium { .. } => Some(Absence::Other),
            Self::Copied { .. } => Some(Absence::Copied),
            Self::Medium { error, .. } if matches!(error.kind, CarryKind::ReadOnly) => {
                Some(Absence::ReadOnly)
            }
            Self::Medium { .. } => Some(Absence::Away),
            Self::Refused(_)
            | Self::Vault(_)
            | Self::Store(_)
            | Self::Archive(_)
            | Self::Seal(_)
            | Self::Login(_) => None,
        }
    }

    /// Says what to do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Away { .. } | Self::Busy { .. } => Kind::Wait,
            Self::Medium { error, .. } => match error.kind {
                CarryKind::Gone | CarryKind::Stalled | CarryKind::Taken => Kind::Wait,
                CarryKind::Full | CarryKind::ReadOnly | CarryKind::Other => Kind::AskAPerson,
                CarryKind::Doubtful => Kind::Suspect,
            },
            Self::OtherMedium { .. }
            | Self::Copied { .. }
            | Self::Refused(_)
            | Self::Vault(_)
            | Self::Store(_)
            | Self::Archive(_)
            | Self::Seal(_)
            | Self::Login(_) => Kind::AskAPerson,
        }
    }
}
