//! What can go wrong in the vault, in sentences for an operator.

use catalogue::CatalogueError;
use seal::SealError;
use store::StoreError;

/// Says what a program should do about an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Try again later: no space, a moment's trouble.
    Wait,
    /// Nothing gets better without a person.
    AskAPerson,
    /// Go no further with this file or disk.
    Stop,
}

/// Why the vault did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The disk.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The catalogue.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// A sealed file.
    #[error("{path} cannot be opened: {source}")]
    Seal {
        /// Which file.
        path: String,
        /// Why.
        source: SealError,
    },
    /// The data folder or ledger was written by a newer program.
    #[error(
        "the {what} was written by a newer AMETHYST (format {found}, this program knows {known}): install that version or a later one; nothing was changed"
    )]
    Newer {
        /// What.
        what: &'static str,
        /// The format found.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// The folder is no data folder.
    #[error(
        "{path} is no AMETHYST data folder (its file `format` is missing or damaged): give the folder that `amethyst init` made"
    )]
    NoDataFolder {
        /// The folder.
        path: String,
    },
    /// There is a data folder already.
    #[error("{path} is an AMETHYST data folder already: it is created once")]
    Exists {
        /// The folder.
        path: String,
    },
    /// Another process uses the data folder.
    #[error(
        "another AMETHYST works on {path} at this moment (a server, a recorder, an archive run): stop it or wait for its end, or give \
         another data folder"
    )]
    InUse {
        /// The folder.
        path: String,
    },
    /// The ledger belongs to somebody else.
    #[error(
        "{path} is the ledger of another recorder: this data folder was copied or its configuration changed; give this recorder its own identity and letter back"
    )]
    LedgerOwner {
        /// The ledger file.
        path: String,
    },
    /// The ledger cannot be trusted.
    #[error(
        "{path} is damaged beyond what a crash does: keep a copy of it, look at the disk, and restore the ledger from the archive before recording goes on; no recording is lost by this"
    )]
    LedgerDamaged {
        /// The ledger file.
        path: String,
    },
    /// The transparency log cannot be trusted.
    #[error(
        "{path} of the transparency log is damaged beyond what a crash does: keep a copy of it, look at the disk, and restore \
         the log from the archive; recording goes on and no recording is lost, but new ones are not in the log until then"
    )]
    LogDamaged {
        /// Its file.
        path: String,
    },
    /// The transparency log is not the one that was signed.
    #[error(
        "the transparency log of {now} leaves does not continue the one of {signed} leaves that was signed: nothing is signed \
         until somebody has found out who or what changed it; compare it with the log in the archive"
    )]
    LogChanged {
        /// Leaves of the last checkpoint.
        signed: u64,
        /// Leaves of the log as it is.
        now: u64,
    },
    /// The log cannot be appended to.
    #[error(
        "the transparency log cannot be written here: this must be done by the AMETHYST that records into this data folder, and \
         if it is that one, its log is damaged (see the alarm at its start); nothing was done"
    )]
    NoLog,
    /// One person alone may not do it.
    #[error(
        "this needs a second person: somebody else with an account and the right to it must confirm what one proposed; nothing \
         was changed"
    )]
    TwoPersons,
    /// It lies on media only, and none of them is connected.
    #[error(
        "this recording has left the live store and lies in the archive only; connect one of these and try again: {media}"
    )]
    Away {
        /// What is written on the media, and where they lie.
        media: String,
    },
    /// It was destroyed on purpose.
    #[error(
        "this recording was destroyed on purpose, at the end of its retention or by order of two persons: nobody can hear it any more;          its row, its number in the ledger and its place in the log stay"
    )]
    Shredded {
        /// Since when.
        since: shared::UtcMicros,
    },
    /// Too young a day.
    #[error(
        "the day {0} is not long enough over: calls of it may still be recorded. A day can be destroyed from two days behind it; nothing \
         was done"
    )]
    DayNotOver(shared::Day),
    /// Something sealed to the day is not entered yet.
    #[error(
        "{path} was sealed on that day and is not entered into the database yet, so nobody has judged it: try again when it is \
         (amethyst check); nothing was done"
    )]
    Unjudged {
        /// Which file.
        path: String,
    },
    /// The key store did not forget.
    #[error(
        "the key store could not be written, so the keys to be destroyed are still in it: {why}. Nothing is opened with them; it is \
         tried again at the next start and every hour"
    )]
    KeyStore {
        /// Why.
        why: String,
    },
    /// No number is left.
    #[error("the ledger has no numbers left for today: this needs a new recorder letter")]
    LedgerFull,
    /// The recording is not known.
    #[error("there is no recording {0}")]
    NoSuchRecording(shared::RecordingId),
}

impl VaultError {
    /// Says what to do about it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Store(e) => match e.kind() {
                store::Kind::Wait => Kind::Wait,
                store::Kind::AskAPerson => Kind::AskAPerson,
                store::Kind::Stop => Kind::Stop,
            },
            Self::Catalogue(e) => match e.kind() {
                catalogue::Kind::Wait => Kind::Wait,
                catalogue::Kind::AskAPerson => Kind::AskAPerson,
                catalogue::Kind::Stop => Kind::Stop,
            },
            Self::Seal { .. }
            | Self::Newer { .. }
            | Self::NoDataFolder { .. }
            | Self::Exists { .. }
            | Self::InUse { .. }
            | Self::LedgerOwner { .. }
            | Self::LogDamaged { .. }
            | Self::LogChanged { .. }
            | Self::NoLog
            | Self::Away { .. }
            | Self::Shredded { .. }
            | Self::DayNotOver(_)
            | Self::TwoPersons
            | Self::NoSuchRecording(_) => Kind::AskAPerson,
            Self::Unjudged { .. } | Self::KeyStore { .. } => Kind::Wait,
            Self::LedgerDamaged { .. } | Self::LedgerFull => Kind::Stop,
        }
    }

    /// Tells whether a disk is full: the recordings' or the catalogue's.
    #[must_use]
    pub const fn is_no_space(&self) -> bool {
        matches!(self, Self::Store(StoreError::NoSpace { .. }) | Self::Catalogue(CatalogueError::NoSpace))
    }
}
