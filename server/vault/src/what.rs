//! What goes from a satellite to the central, and why the central may not take it.

use std::fmt;

use shared::RecordingId;

/// What is sent: a file that only grows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum What {
    /// A file of the satellite's ledger, by its number. It is never deleted by a receipt.
    Ledger(u32),
    /// A part of a recording.
    Part(RecordingId, u16),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ledger(number) => write!(f, "file {number} of the ledger"),
            Self::Part(id, part) => write!(f, "part {part} of recording {id}"),
        }
    }
}

/// The digests of a part, as its trailer has them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Digests {
    /// SHA-256 of everything before the trailer.
    pub sha256: [u8; 32],
    /// BLAKE3 of the same.
    pub blake3: [u8; 32],
}

/// Why the central will not take a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Refusal {
    /// Other bytes than it holds at the same place. Nothing is overwritten; both sides raise an alarm and a person decides.
    Differs = 1,
    /// It is not this satellite's: its header names another recorder.
    Foreign = 2,
    /// Its digests, structure or signature are not right although it is whole.
    Unsound = 3,
    /// The central has no room, or cannot write now. It is offered again on the next connection, or after a minute.
    NotNow = 4,
    /// More files than may be open at once.
    TooMany = 5,
}

impl Refusal {
    /// Reads the number of a refusal.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Differs),
            2 => Some(Self::Foreign),
            3 => Some(Self::Unsound),
            4 => Some(Self::NotNow),
            5 => Some(Self::TooMany),
            _ => None,
        }
    }

    /// True if asking again later may go better; the others need a person.
    #[must_use]
    pub const fn passes(self) -> bool {
        matches!(self, Self::NotNow | Self::TooMany)
    }
}
