//! The passive SIP listener: messages, SDP, dialogs.

mod event;

pub use event::{
    CallEvent, CallEventKind, CallKey, EndedBy, Format, LegPlan, MediaPlan, Protection, SdesKey,
};
