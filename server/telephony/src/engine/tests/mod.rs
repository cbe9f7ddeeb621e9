//! The engine under a virtual clock: packets made by hand, one file per behaviour.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "tests"
)]

mod bench;
mod calls;
mod carriers;
mod digits;
mod doubt;
mod limits;
mod listened;
mod loss;
mod orphans;
mod rules;
mod secure;
mod streams;

use bench::{Bench, Rtp};
