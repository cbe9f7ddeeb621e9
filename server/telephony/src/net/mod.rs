//! From a captured frame to a datagram: link layer, tunnels, fragments, UDP and TCP.
//!
//! [`Peeler`] takes one captured frame and hands back what is inside: a UDP datagram, a TCP segment, or the reason why
//! neither. [`TcpStreams`] puts the segments of a connection in order for SIP over TCP.
//!
//! Must hold: no input panics; no length on the wire is believed before it is compared with the bytes that are there;
//! checksums are never verified (a capture on the sending host sees them before the card fills them in); memory is bounded
//! by [`Limits`] and [`TcpLimits`] whatever arrives.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod addr;
mod fast;
mod fragments;
mod link;
mod peel;
mod tcp;
mod tunnel;
mod walk;
mod wire;

pub(crate) use fast::ethernet_ipv4_udp;

pub use addr::{Addr, Endpoint};
pub use link::{LinkType, UnsupportedLink};
pub use peel::{Datagram, Limits, Other, PeelStats, Peeled, Peeler, TcpFlags, TcpSegment};
pub use tcp::{StreamEvent, StreamId, TcpLimits, TcpStats, TcpStreams};

#[cfg(test)]
mod tests;
