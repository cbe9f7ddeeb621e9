//! Our decoders against small bitstreams and the PCM that independent decoders made of them (`tests/vectors/audio`).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

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

/// Speech, descriptions of noise, and frames that the sender kept to itself, which the decoder fills with that noise.
#[test]
fn g729_with_silence_suppression_decodes_to_frozen_samples() {
    let (stream, expected) = vector!("g729");
    let mut stream = &stream[..];
    let track = Track { codec: "G729".to_owned(), clock_hz: 8_000, channels: 1, ..Track::default() };
    let (mut decoder, mut pcm) = (Codec::from_track(&track).unwrap().decoder(), Vec::new());
    let mut kinds = [0u32; 3];
    while let Some((length, rest)) = stream.split_first() {
        let (frame, rest) = rest.split_at(usize::from(*length));
        match frame.len() {
            0 => decoder.conceal(80, &mut pcm),
            _ => decoder.decode(frame, &mut pcm).unwrap(),
        }
        assert_eq!(decoder.is_comfort_noise(), frame.len() < 10);
        kinds[usize::from(length.div_ceil(5))] += 1;
        stream = rest;
    }
    assert!(kinds.iter().all(|count| *count > 5), "not sent, noise and speech all occur: {kinds:?}");
    let bytes: Vec<u8> = pcm.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let differ = bytes.iter().zip(expected).position(|(a, b)| a != b);
    assert_eq!((bytes.len(), differ), (expected.len(), None));
}
