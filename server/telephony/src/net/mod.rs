//! From a captured frame to a datagram: link layer, tunnels, fragments, UDP and TCP.

mod addr;

pub use addr::{Addr, Endpoint};
