//! Any bytes as deterministic CBOR: what is read is written again as the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seal::{Meta, cbor};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(value) = cbor::decode(bytes) {
        assert_eq!(cbor::encode(&value), bytes);
    }
    let mut meta = Meta::default();
    if meta.merge(bytes).is_ok() {
        let mut again = Meta::default();
        again.merge(&meta.encode()).expect("what was read can be written");
    }
});
