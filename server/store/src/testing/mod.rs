//! A disk in memory that loses power, fills up and lies about syncs, and the suite that every disk must pass.

mod faulty;
mod share;
pub mod suite;

pub use faulty::FaultyDisk;
pub use share::{Manner, Share};
