//! (being written)

pub mod packet;
pub mod srtp;
