//! Arbitrary bytes as a ledger file: replay never panics, and what it makes of them is consistent.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vault::journal::fuzz_replay(bytes));
