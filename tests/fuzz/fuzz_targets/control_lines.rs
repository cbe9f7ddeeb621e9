//! Arbitrary octets on the control socket: whatever is taken for a request says itself again, and no more is read than a line may have.
//!
//! The file is compiled in by its path: it is part of the program, which is no library.
#![no_main]

use std::io::{BufReader, Read};

use libfuzzer_sys::fuzz_target;

#[path = "../../../server/src/archiving/asked.rs"]
mod asked;

use asked::{LINE_MAX, Request};

fuzz_target!(|bytes: &[u8]| {
    let mut from = BufReader::with_capacity(64, bytes);
    let mut left = bytes.len();
    while let Ok(Some(request)) = Request::next(&mut from) {
        let line = request.line().expect("what was read can be written");
        let again = Request::next(&mut line.as_bytes()).expect("a request").expect("one");
        assert_eq!(again, request);
        let mut rest = Vec::new();
        from.read_to_end(&mut rest).expect("memory");
        assert!(left - rest.len() <= LINE_MAX as usize, "more was read than a line may have");
        // Go on behind it.
        left = rest.len();
        let at = bytes.len() - left;
        from = BufReader::with_capacity(64, &bytes[at..]);
    }
});
