//! Any bytes as a key store: refused without the key's consent, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seal::keystore::{Keystore, UnlockKey, lock_of};

const GOOD: &[u8] = include_bytes!("../../vectors/keystore/key-file.amk");

fuzz_target!(|bytes: &[u8]| {
    let _either = lock_of(bytes);
    let key = UnlockKey::from_key_file([9; 32]);
    if Keystore::open(bytes, &key).is_ok() {
        assert_eq!(bytes, GOOD, "only the frozen store opens");
    }
});
