//! What is recorded, and where a recording begins and ends.
//!
//! [`rules`] say which extensions are recorded, [`call_rules`] which calls. [`item`] is what a line-based source delivers
//! (ISDN, analogue, digital sets, radio), [`policy`] how its line is recorded, and [`step`] turns the one into segments by
//! the other; [`vox`] hears whether somebody speaks. [`link`] finds the recordings that are one call. The engine for
//! packets maps its calls itself.

pub mod call_rules;
pub mod item;
pub mod link;
pub mod policy;
pub mod rank;
pub mod rules;
mod segmenter;
pub mod vox;

#[cfg(test)]
mod segmenter_tests;

pub use item::{Codec, CodecRef, EventKind, Gap, Gaps, Health, Item, Leg, LineEvent, LineId, MediaFrame};
pub use policy::{Driver, OpenOn, Policy, StartMode};
pub use segmenter::{LineCmd, LineState, exclude, finish, mask, step, tick};
