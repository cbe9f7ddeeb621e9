//! Our decoders against small bitstreams and the PCM that independent decoders made of them (`tests/vectors/audio`).

#![allow(clippy::unwrap_used, reason = "tests")]

use amethyst_audio::Codec;
use shared::Track;

fn check(codec: &str, packet: usize, stream: &[u8], expected: &[u8]) {
    let track = Track { codec: codec.to_owned(), clock_hz: 8_000, channels: 1, ..Track::default() };
    let (mut decoder, mut pcm) = (Codec::from_track(&track).unwrap().decoder(), Vec::new());
    for payload in stream.chunks(packet) {
        decoder.decode(payload, &mut pcm).unwrap();
    }
    let bytes: Vec<u8> = pcm.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    assert!(bytes.len() > 5_000, "{codec}: {} octets of PCM", bytes.len());
    assert!(bytes == expected, "{codec}: the samples differ");
}

macro_rules! vector {
    ($name:literal) => {
        (
            include_bytes!(concat!("../../../tests/vectors/audio/", $name, ".bin")),
            include_bytes!(concat!("../../../tests/vectors/audio/", $name, ".s16le")),
        )
    };
}

#[test]
fn frozen_bitstreams_decode_to_frozen_samples() {
    let (stream, pcm) = vector!("g722");
    check("G722", 160, stream, pcm);
    let (stream, pcm) = vector!("gsm");
    check("GSM", 33, stream, pcm);
    let (stream, pcm) = vector!("g726-32");
    check("G726-32", 80, stream, pcm);
}
