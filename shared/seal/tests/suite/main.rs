//! The suite of the sealed recording: what section 7 of the format asks for, through the public face only.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::missing_assert_message,
    clippy::disallowed_methods,
    reason = "tests, which read and bless frozen files"
)]

extern crate amethyst_seal as seal;

mod build;
mod hpke_check;
mod keystore;
mod locked;
mod round_trip;
mod vectors;
