//! Any bytes behind a good header, opened with the key: what comes out was sealed, however the bytes are damaged.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use seal::{KeyId, Part, RecipientSecret, RecipientType};

const GOOD: &[u8] = include_bytes!("../../vectors/seal/good/three-seconds-x25519.amx");

fn secret(_: KeyId) -> Option<RecipientSecret> {
    Some(RecipientSecret::from_seed(RecipientType::X25519, std::array::from_fn(|i| i as u8)))
}

fuzz_target!(|bytes: &[u8]| {
    let Some((cut, rest)) = bytes.split_first_chunk::<2>() else { return };
    let keep = 512 + usize::from(u16::from_le_bytes(*cut)) % (GOOD.len() - 512);
    let file = [&GOOD[..keep], rest].concat();
    let Ok(mut part) = Part::open(Cursor::new(file), &(secret, |_| None), RecipientType::X25519) else {
        return;
    };
    let samples: u64 = part.runs(0, 0..u64::MAX).into_iter().flatten().flatten().map(|r| r.samples).sum();
    assert!(samples <= 1_200, "more samples than were ever sealed");
    let _either = part.check();
});
