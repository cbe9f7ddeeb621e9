//! Calls.
fn main() {}
