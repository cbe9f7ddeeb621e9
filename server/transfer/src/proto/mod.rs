//! The rules of the transfer without any I/O.
//!
//! A connection is one stream of bytes each way; whoever carries it (TLS, HTTP/2) sees to it that they come whole and in order, or
//! that the connection ends. Everything that a connection knows dies with it: on the next one the satellite offers its files
//! again and hears how much of each the central holds. So a cut, a crash of either side and a first meeting are one case.
//!
//! Times are microseconds of a clock that never steps.

mod flow;
mod framer;
mod message;
mod receiver;
mod sender;

use shared::RecordingId;

pub use flow::Flow;
pub use framer::Framer;
pub use message::{DOCUMENT_MAX, Down, STATUS_MAX, Up};
pub use receiver::{Receiver, Taken, Work};
pub use sender::{Digests, Order, Sender, SenderConfig, Todo, Trouble};

/// The version of the protocol. A side that is offered another ends the connection and says so.
pub const VERSION: u16 = 1;
/// The most bytes of a file in one message.
pub const CHUNK_MAX: usize = 256 << 10;
/// The longest message: a chunk with its head.
pub const MESSAGE_MAX: usize = CHUNK_MAX + 64;
/// A side that hears nothing for so long takes the connection for dead: half a minute.
pub const SILENCE_US: u64 = 30_000_000;
/// After so long without a word the satellite asks whether the central is there: ten seconds.
pub const PING_US: u64 = 10_000_000;
/// A message that has begun must be whole within half a minute: who drips holds nothing open.
pub const DRIP_US: u64 = 30_000_000;

/// What is sent: a file that only grows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum What {
    /// A file of the satellite's ledger, by its number. It is never deleted by a receipt.
    Ledger(u32),
    /// A part of a recording.
    Part(RecordingId, u16),
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

/// Why a connection must end. The other side does not keep the rules, or is not there.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProtocolError {
    /// A message longer than any that is allowed.
    #[error("a message of {0} bytes: the longest is {MESSAGE_MAX}")]
    TooLong(u32),
    /// Bytes that are no message.
    #[error("no message of this protocol: {0}")]
    Malformed(&'static str),
    /// Something that may not be said at this point.
    #[error("out of turn: {0}")]
    OutOfTurn(&'static str),
    /// The other side is of a version that does not fit.
    #[error("it speaks version {0} of the transfer, this program {VERSION}: update the older one")]
    Version(u16),
    /// The certificate names another recorder than the greeting.
    #[error("it greets as another recorder than its certificate says")]
    Forged,
    /// Nothing was heard for [`SILENCE_US`].
    #[error("nothing was heard for half a minute")]
    Silent,
    /// A message began and did not end.
    #[error("a message dripped in for more than half a minute")]
    Drip,
    /// The other side ended it, and why.
    #[error("the other side ended it: {0}")]
    Ended(String),
}
