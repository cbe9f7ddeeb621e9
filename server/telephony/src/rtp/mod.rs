//! RTP: what a packet says, in which order it belongs, and what is missing.
//!
//! `packet`, `dtmf`, `rtcp` and `srtp` read the wire. [`samples`] knows how long a payload lasts. The engine's legs put
//! packets in order and account for each missing sample; [`writer`] keeps that account.

pub mod dtmf;
pub(crate) mod formats;
pub(crate) mod leg;
pub mod packet;
mod reorder;
pub mod rtcp;
pub mod samples;
pub mod srtp;
mod ticks;
pub mod writer;
