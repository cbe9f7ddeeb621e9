//! Any bytes as the header of a sealed recording: parsed or refused, and what parses was all accounted for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seal::Header;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(header) = Header::parse(bytes) {
        assert!(usize::from(header.len) <= bytes.len() && header.len % 512 == 0);
        assert!((1..=4).contains(&header.recipients.len()));
    }
});
