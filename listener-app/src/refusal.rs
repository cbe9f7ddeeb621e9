//! What this program refuses, in words that tell what to do, and the exit code that goes with it.
//!
//! | code | meaning |
//! | --- | --- |
//! | 0 | done |
//! | 1 | done, and something is wrong with what was looked at |
//! | 2 | the command line is wrong |
//! | 3 | the location cannot be used: no archive, not readable, altered |
//! | 4 | the login was not accepted |
//! | 5 | the clock of this PC cannot be right, so no login is judged |
//! | 6 | the target of an export cannot be written |

use std::io;
use std::path::PathBuf;

use daily_login::{LoginError, SpokenError};
use shared::{Day, RecordingId};

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// Words that make no sense together.
    #[error("{0}")]
    Usage(String),
    /// There is no archive.
    #[error(
        "{0} is no archive: give the drive or folder in which the folder AMETHYST lies, or that folder itself"
    )]
    NoArchive(PathBuf),
    /// The medium.
    #[error("{path} cannot be read: {source}. Is the drive still connected, or the share still mounted?")]
    Unreadable {
        /// From the archive's root.
        path: String,
        /// The system's words.
        source: io::Error,
    },
    /// What every archive has is missing.
    #[error("{0} is missing in this archive: it is not complete. Verify it, and use another copy")]
    Missing(String),
    /// Longer than any such file.
    #[error("{path} is longer than {max} bytes, which no such file is: it is damaged or was put there")]
    TooLong {
        /// From the archive's root.
        path: String,
        /// The limit in bytes.
        max: u64,
    },
    /// A link, or no plain file.
    #[error("{0} is a link or no plain file: an archive has none, so it was put there. It is not followed")]
    NotPlain(String),
    /// A folder with more entries than any archive has.
    #[error(
        "the folder {0} has more entries than any archive: somebody filled it. Verify the archive, and use another copy"
    )]
    TooMany(String),
    /// It does not say what its signer said.
    #[error("{path} was altered or is damaged: {what}. Do not trust this copy; verify it, and use another")]
    Altered {
        /// From the archive's root.
        path: String,
        /// What is wrong.
        what: String,
    },
    /// The checkpoint contradicts the one that this PC knows.
    #[error(
        "this archive tells another history than the one that this PC saw before ({0} entries of the log differ): keep the medium as \
         it is and tell the administrator"
    )]
    Forked(u64),
    /// What was typed.
    #[error(transparent)]
    Spoken(#[from] SpokenError),
    /// The login.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// The clock is behind what has a date.
    #[error(transparent)]
    Clock(#[from] daily_login::clock::Refusal),
    /// The login's day ended while the program ran.
    #[error("the login was valid until the end of {0} and is over: ask for today's")]
    Over(Day),
    /// What this PC remembers was altered.
    #[error(
        "what this PC remembers of archives was altered ({0}): ask your administrator, who may delete the file"
    )]
    Memory(String),
    /// No such day.
    #[error("the archive has no recordings of {0}")]
    NoDay(Day),
    /// The day's key is gone on purpose.
    #[error(
        "the recordings of {0} were destroyed on purpose at the end of their retention: nobody can open them any more"
    )]
    Shredded(Day),
    /// It was destroyed alone.
    #[error("the recording {0} was destroyed on purpose, by order of two persons: it is not opened")]
    Tombstone(RecordingId),
    /// No such recording.
    #[error("the archive has no recording `{0}`: take id or reference from `amtlisten list`")]
    NoRecording(String),
    /// The target of an export.
    #[error("{path} cannot be written: {source}")]
    Unwritable {
        /// Where.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The target exists.
    #[error("{0} exists and is not overwritten: give another --out")]
    Exists(PathBuf),
    /// The target lies in the archive.
    #[error("{0} lies inside the archive or on its drive, which are never written to: give another --out")]
    Inside(PathBuf),
    /// There is no sound.
    #[error("{0}")]
    Sound(playback::SoundError),
}

/// The result of this program's modules.
pub(crate) type Result<T> = std::result::Result<T, Refusal>;

impl Refusal {
    /// Returns the exit code.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Spoken(_) | Self::Login(_) | Self::Over(_) => 4,
            Self::Clock(_) => 5,
            Self::Unwritable { .. } | Self::Exists(_) | Self::Inside(_) => 6,
            Self::NoArchive(_)
            | Self::Unreadable { .. }
            | Self::Missing(_)
            | Self::TooLong { .. }
            | Self::NotPlain(_)
            | Self::TooMany(_)
            | Self::Altered { .. }
            | Self::Forked(_)
            | Self::Memory(_)
            | Self::NoDay(_)
            | Self::Shredded(_)
            | Self::Tombstone(_)
            | Self::NoRecording(_)
            | Self::Sound(_) => 3,
        }
    }
}

/// Says that a file does not hold.
pub(crate) fn altered(path: impl Into<String>, what: impl ToString) -> Refusal {
    Refusal::Altered { path: path.into(), what: what.to_string() }
}
