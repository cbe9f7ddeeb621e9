//! From packets to calls to segments, without a socket, a clock or a file.
//!
//! Bytes come in with a stamp, commands for the recorder come out. Everything a stranger on the wire can send is hostile:
//! every parser is bounded, every table has a limit, nothing here can panic on input.
//!
//! The way of a packet: [`net`] peels link, tunnels, fragments and transport; [`engine`] finds the flow; [`sip`] follows
//! the signalling; [`rtp`] puts payloads in order and accounts for each missing sample; [`segment`] decides what is
//! recorded; [`cmd`] is what leaves.

pub mod cmd;
pub mod engine;
pub mod net;
pub mod rtp;
pub mod segment;
pub mod sip;
