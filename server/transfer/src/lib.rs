//! From a satellite to the central while the call goes on: which bytes are sent when, what is answered, and the receipt without
//! which a satellite deletes nothing.
//!
//! [`proto`] is the whole of the rules and does no I/O: [`proto::Sender`] is the satellite's half of a connection,
//! [`proto::Receiver`] the central's. Both take bytes, instants and what the disk did, and say what is to be done next; a test
//! runs a week of a bad line in a second. [`Receipt`] is the central's word for one part.
//!
//! What must hold (`docs/design/transfer.md`): only bytes that stand in the satellite's own file are sent; a part is taken over
//! once and byte for byte; nothing is acknowledged that is not written, nothing receipted that is not durable; only a receipt
//! that verifies lets a file go.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod carrier;
pub mod central;
pub mod document;
pub mod enrol;
pub mod proto;
pub mod satellite;
#[cfg(test)]
mod tests;
pub mod tls;

pub use vault::Receipt;
