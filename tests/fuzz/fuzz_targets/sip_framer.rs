//! SIP over a stream: any bytes in any pieces, holes between them. Bounded, and every message has a start line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telephony::sip::message::MESSAGE_BYTES_MAX;
use telephony::sip::{Framer, looks_like_sip};

fuzz_target!(|bytes: &[u8]| {
    let mut framer = Framer::new();
    let mut rest = bytes;
    // Each piece is led by its length; the highest length is a hole.
    while let Some((length, after)) = rest.split_first() {
        if *length == u8::MAX {
            framer.hole();
            rest = after;
            continue;
        }
        let (piece, after) = after.split_at(after.len().min(usize::from(*length) * 4));
        framer.push(piece);
        while let Some(message) = framer.next_message() {
            assert!(looks_like_sip(message), "a message begins with its start line");
        }
        assert!(framer.waiting_bytes() <= MESSAGE_BYTES_MAX, "bounded");
        rest = after;
    }
});
