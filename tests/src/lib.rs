//! The bench: what the suite and the demonstration use to put the product to the test.
//!
//! [`calls`] places real SIP calls with known audio over real sockets and says exactly what was fed. [`oracle`] reads what
//! came out and compares it sample for sample. [`netns`] makes a wire of its own for calls that must leave loopback,
//! and [`https`] is a person with a browser, as far as that needs no screen.
//! Nothing here names a crate of the product: the bench speaks to it as a stranger does.

pub mod calls;
pub mod https;
pub mod netns;
pub mod oracle;
