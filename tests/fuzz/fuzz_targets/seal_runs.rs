//! Any bytes as the plaintext of an AUDIO frame: what parses keeps the rules and accounts for every byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seal::parse_runs;

fuzz_target!(|bytes: &[u8]| {
    for clock_hz in [1, 8_000, 48_000, u32::MAX] {
        let Ok(list) = parse_runs(bytes, clock_hz) else { continue };
        let mut at = list.base;
        for run in &list.runs {
            at += run.head.gap_samples;
            assert_eq!(run.pos, at);
            assert_eq!(run.bytes.len(), run.head.len as usize);
            assert_eq!(run.head.samples == 0, run.bytes.is_empty());
            at += run.head.samples;
        }
        assert_eq!(at, list.end);
    }
});
