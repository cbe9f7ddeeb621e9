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

pub use flow::Flow;
pub use framer::Framer;
pub use message::{DOCUMENT_MAX, Down, STATUS_MAX, Up};
pub use receiver::{Receiver, Taken, Work};
pub use sender::{Order, Sender, SenderConfig, Todo, Trouble};
pub use vault::{Digests, Refusal, What};

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
