//! The bench: what the suite and the demonstration use to put the product to the test.
//!
//! [`calls`] places real SIP calls with known audio over real sockets and says exactly what was fed. Nothing here names
//! a crate of the product that records: the bench speaks to the product as a stranger does.

pub mod calls;
