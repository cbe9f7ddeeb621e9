//! The making of sound, and the doors to it, over a real vault.
#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "tests"
)]

pub(crate) mod bench;
mod core;
mod doors;
mod live;
mod scopes;
mod site;
