//! The passive SIP listener: messages, session descriptions, dialogs.
//!
//! [`looks_like_sip`] sorts datagrams, [`Framer`] cuts streams, [`Message`] and [`sdp::Session`] read, and [`Calls`] follows
//! the dialogs and says in [`CallEvent`]s what the engine must know: which calls there are, where their media arrive, when
//! they end. Nothing here answers, and nothing here keeps a credential.

pub mod body;
mod calls;
mod event;
mod framer;
pub mod header;
pub mod message;
pub mod sdp;
#[cfg(test)]
mod tests;
pub mod uri;

pub use calls::{Calls, Counters, Limits};
pub use event::{
    CallEvent, CallEventKind, CallKey, EndedBy, Format, LegPlan, MediaPlan, Protection, SdesKey,
};
pub use framer::Framer;
pub use message::{Message, looks_like_sip};

/// Says why bytes are no SIP message that a call could be read from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ParseError {
    /// The first line is neither a request's nor a response's.
    #[error("the first line is not SIP/2.0")]
    NotSip,
    /// Longer than any message that makes sense.
    #[error("longer than a SIP message may be")]
    TooLong,
}
