//! Any bytes behind a good header: survey and verdict end, agree with each other, and never call it proven.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seal::{Survey, verify};

const GOOD: &[u8] = include_bytes!("../../vectors/seal/good/three-seconds-x25519.amx");

fuzz_target!(|bytes: &[u8]| {
    // The first two bytes say how much of a good file comes before the input.
    let Some((cut, rest)) = bytes.split_first_chunk::<2>() else { return };
    let keep = 512 + usize::from(u16::from_le_bytes(*cut)) % (GOOD.len() - 512);
    let file = [&GOOD[..keep], rest].concat();
    let report = verify(file.as_slice(), &|_| None).expect("memory never fails to read");
    assert!(!report.is_proven());
    let survey = Survey::of(file.as_slice()).expect("the header is good");
    assert_eq!(survey.frames, report.frames);
    assert!(survey.valid_end + survey.torn_bytes <= file.len() as u64);
});
