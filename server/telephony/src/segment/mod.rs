//! What is recorded, and where a recording begins and ends.
//!
//! [`rules`] say which extensions are recorded, [`call_rules`] which calls.

pub mod call_rules;
pub mod pattern;
pub mod rules;
