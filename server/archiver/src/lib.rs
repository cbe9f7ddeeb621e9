//! The archive at work: what each night is written to a location so that it can be trusted, opened and restored from.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod keyfiles;
