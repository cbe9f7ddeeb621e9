//! Arbitrary octets on the lines between the archive and the process that carries for it, in both directions: whatever is taken for a
//! message says itself again, and a line without end is none.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    assert!(amethyst_archiver::remote::heard_the_same(bytes), "a message is heard as another one");
});
