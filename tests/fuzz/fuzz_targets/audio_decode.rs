//! Every decoder takes every payload, in any order, with holes between, and neither panics nor grows without bound.
#![no_main]

use audio::Codec;
use libfuzzer_sys::fuzz_target;
use shared::Track;

const CODECS: [(&str, u32, &str); 22] = [
    ("PCMU", 8_000, ""),
    ("PCMA", 8_000, ""),
    ("L16", 44_100, ""),
    ("L8", 8_000, ""),
    ("G722", 8_000, ""),
    ("G726-16", 8_000, ""),
    ("G726-24", 8_000, ""),
    ("G726-32", 8_000, ""),
    ("G726-40", 8_000, ""),
    ("AAL2-G726-16", 8_000, ""),
    ("AAL2-G726-24", 8_000, ""),
    ("AAL2-G726-32", 8_000, ""),
    ("AAL2-G726-40", 8_000, ""),
    ("GSM", 8_000, ""),
    ("DVI4", 16_000, ""),
    ("CN", 8_000, ""),
    ("opus", 48_000, ""),
    ("G729", 8_000, ""),
    ("AMR", 8_000, ""),
    ("AMR", 8_000, "octet-align=1; robust-sorting=1; crc=1"),
    ("AMR-WB", 16_000, ""),
    ("AMR-WB", 16_000, "octet-align=1"),
];

fuzz_target!(|data: &[u8]| {
    let Some((choice, data)) = data.split_first() else { return };
    let (codec, clock_hz, fmtp) = CODECS[usize::from(*choice) % CODECS.len()];
    let (codec, fmtp) = (codec.to_owned(), fmtp.to_owned());
    let track = Track { codec, clock_hz, fmtp, channels: 1, ..Track::default() };
    let mut decoder = Codec::from_track(&track).expect("a codec of the list").decoder();
    let (mut rest, mut out) = (data, Vec::new());
    while let Some((length, after)) = rest.split_first() {
        let (payload, after) = after.split_at(usize::from(*length).min(after.len()));
        out.clear();
        match decoder.decode(payload, &mut out) {
            Ok(()) => assert!(
                out.len() <= 200 + payload.len() * 6_000,
                "{} samples from {} octets",
                out.len(),
                payload.len()
            ),
            Err(_) => {
                assert!(out.is_empty(), "a refused payload leaves nothing behind");
                decoder.conceal(160, &mut out);
                assert_eq!(out.len(), 160);
            }
        }
        rest = after;
    }
});
