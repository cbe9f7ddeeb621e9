//! What must hold for every pattern of runs and gaps.

#![allow(
    clippy::unwrap_used,
    clippy::panic_in_result_fn,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "tests"
)]

use proptest::prelude::*;
use shared::{FrameBuf, RunHead};

use super::*;
use crate::codec::g711;

fn track(number: u8, role: Role, codec: &str, clock_hz: u32) -> Track {
    let codec = codec.to_owned();
    Track { track: number, leg: number, role, codec, clock_hz, channels: 1, ..Track::default() }
}

fn whole(us: u64) -> Request {
    Request { to_us: us, ..Request::default() }
}

/// One 20 ms packet of µ-law whose octets differ from place to place.
fn speech(from: u64, samples: u64) -> Vec<u8> {
    (from..from + samples).map(|n| (n * 7 % 251) as u8).collect()
}

fn pcm(octets: &[u8]) -> Vec<i16> {
    octets.iter().map(|octet| g711::MULAW[usize::from(*octet)]).collect()
}

fn run<'a>(track: u8, pos: u64, gap: u64, cause: GapCause, bytes: &'a [u8]) -> LegRun<'a> {
    LegRun { track, pos, gap_samples: gap, cause, samples: bytes.len() as u64, bytes }
}

#[test]
fn g711_comes_out_sample_for_sample() {
    let tracks = [track(0, Role::Near, "PCMU", 8_000)];
    let request = Request { legs: Legs::Near, ..whole(40_000) };
    let mut renderer = Renderer::new(&tracks, &request).unwrap();
    assert_eq!((renderer.frames(), renderer.rate_hz(), renderer.channels()), (320, 8_000, 1));
    let (bytes, mut out) = (speech(0, 320), Vec::new());
    renderer.push(&run(0, 0, 0, GapCause::None, &bytes[..160]), &mut out).unwrap();
    renderer.push(&run(0, 160, 0, GapCause::None, &bytes[160..]), &mut out).unwrap();
    let report = renderer.finish(&mut out).unwrap();
    assert_eq!(out, pcm(&bytes));
    assert_eq!(report, RenderReport { frames: 320, ..RenderReport::default() });
}

#[test]
fn near_is_left_and_far_is_right() {
    let tracks = [track(3, Role::Far, "PCMU", 8_000), track(5, Role::Near, "PCMU", 8_000)];
    let mut renderer = Renderer::new(&tracks, &whole(250)).unwrap();
    let mut out = Vec::new();
    renderer.push(&run(3, 0, 0, GapCause::None, &[0x00, 0x80]), &mut out).unwrap();
    assert!(out.is_empty(), "the other leg may still come");
    renderer.push(&run(5, 0, 0, GapCause::None, &[0xf0, 0xfe]), &mut out).unwrap();
    assert_eq!(out, [120, -32_124, 8, 32_124]);
    assert!(renderer.is_full(), "two frames of 125 us");
}

#[test]
fn the_higher_rate_decides_and_both_legs_stay_in_step() {
    let tracks = [track(0, Role::Near, "PCMU", 8_000), track(1, Role::Far, "L16", 16_000)];
    let renderer = Renderer::new(&tracks, &whole(1_000_000)).unwrap();
    assert_eq!((renderer.rate_hz(), renderer.frames(), renderer.channels()), (16_000, 16_000, 2));
}

/// G.729, annex B: the sender describes its silence and then sends nothing for three seconds.
#[test]
fn a_silence_that_its_sender_described_is_heard_as_that_noise() {
    let (speech, noise) = ([0x55u8; 20], [0x12u8, 0x34]);
    for (fill, cause, sounds) in [
        (Fill::Conceal, GapCause::SilenceSuppressed, true),
        (Fill::Silence, GapCause::SilenceSuppressed, false),
        (Fill::Conceal, GapCause::Paused, false),
    ] {
        let request = Request { fill, legs: Legs::Near, ..whole(3_060_000) };
        let mut renderer = Renderer::new(&[track(0, Role::Near, "G729", 8_000)], &request).unwrap();
        let mut out = Vec::new();
        let part =
            |pos, gap_samples, samples, bytes| LegRun { track: 0, pos, gap_samples, cause, samples, bytes };
        renderer.push(&part(0, 0, 160, &speech), &mut out).unwrap();
        renderer.push(&part(160, 0, 80, &noise), &mut out).unwrap();
        renderer.push(&part(24_240, 24_000, 160, &speech), &mut out).unwrap();
        let report = renderer.finish(&mut out).unwrap();
        assert_eq!(report.gap_frames[usize::from(cause.number())], 24_000);
        assert_eq!(out.len(), 24_480);
        let loudest: Vec<u16> = out[320..24_240]
            .chunks(800)
            .map(|tenth| tenth.iter().map(|pcm| pcm.unsigned_abs()).max().unwrap_or(0))
            .collect();
        assert!(loudest.iter().all(|pcm| (*pcm > 0) == sounds), "{fill:?} {cause:?}: {loudest:?}");
    }
}

#[test]
fn masked_audio_is_silent_and_a_loss_is_concealed() {
    for (cause, sounds) in [(GapCause::Paused, false), (GapCause::LostInNetwork, true)] {
        let mut renderer = Renderer::new(&[track(0, Role::Near, "PCMU", 8_000)], &whole(80_000)).unwrap();
        let (bytes, mut out) = (speech(0, 320), Vec::new());
        renderer.push(&run(0, 0, 0, GapCause::None, &bytes), &mut out).unwrap();
        renderer.push(&run(0, 480, 160, cause, &bytes[..160]), &mut out).unwrap();
        let report = renderer.finish(&mut out).unwrap();
        assert_eq!(out.chunks(2).skip(320).take(160).any(|frame| frame[0] != 0), sounds, "{cause:?}");
        assert_eq!(report.gap_frames[usize::from(cause.number())], 160);
        let left: Vec<i16> = out.chunks(2).map(|frame| frame[0]).collect();
        assert_eq!(left[480..], pcm(&bytes[..160]), "what follows the gap has not moved");
    }
}

#[test]
fn a_leg_without_decoder_is_silent_beside_one_that_has_it() {
    let tracks = [track(0, Role::Near, "PCMU", 8_000), track(1, Role::Far, "X-NOSUCH", 8_000)];
    let mut renderer = Renderer::new(&tracks, &whole(20_000)).unwrap();
    let (bytes, mut out) = (speech(0, 160), Vec::new());
    renderer.push(&run(0, 0, 0, GapCause::None, &bytes), &mut out).unwrap();
    renderer.push(&run(1, 0, 0, GapCause::None, &bytes), &mut out).unwrap();
    let report = renderer.finish(&mut out).unwrap();
    assert_eq!(report.no_decoder.len(), 1);
    assert_eq!(out.chunks(2).map(|frame| frame[0]).collect::<Vec<_>>(), pcm(&bytes));
    assert!(out.chunks(2).all(|frame| frame[1] == 0), "bytes of an unknown codec are never noise");
    assert!(Renderer::new(&tracks[1..], &whole(20_000)).is_err(), "nothing could be heard");
}

#[test]
fn a_codec_change_goes_on_where_the_old_one_ended() {
    let mut second = track(1, Role::Near, "PCMA", 8_000);
    second.leg = 0;
    let tracks = [track(0, Role::Near, "PCMU", 8_000), second];
    let mut renderer = Renderer::new(&tracks, &Request { legs: Legs::Near, ..whole(40_000) }).unwrap();
    let mut out = Vec::new();
    renderer.push(&run(0, 0, 0, GapCause::None, &[0x80; 160]), &mut out).unwrap();
    renderer.push(&run(1, 160, 0, GapCause::None, &[0xaa; 160]), &mut out).unwrap();
    renderer.finish(&mut out).unwrap();
    assert_eq!((out[159], out[160], out.len()), (32_124, 32_256, 320));
}

#[test]
fn hours_of_silence_on_one_leg_cost_no_memory() {
    struct Counted(u64);
    impl PcmSink for Counted {
        fn write_frames(&mut self, interleaved: &[i16]) -> io::Result<()> {
            assert!(interleaved.len() <= 2 * 8_000 * 40, "a block of {} samples", interleaved.len());
            self.0 += interleaved.len() as u64;
            Ok(())
        }
    }
    let tracks = [track(0, Role::Near, "PCMU", 8_000), track(1, Role::Far, "PCMU", 8_000)];
    let hours = 12 * 3_600 * 8_000;
    let mut renderer = Renderer::new(&tracks, &whole(12 * 3_600 * 1_000_000)).unwrap();
    let mut sink = Counted(0);
    renderer.push(&run(0, hours - 160, hours - 160, GapCause::Paused, &[0x80; 160]), &mut sink).unwrap();
    renderer.push(&run(0, u64::MAX, 5, GapCause::LostInNetwork, &[0x80; 160]), &mut sink).unwrap();
    renderer.finish(&mut sink).unwrap();
    assert_eq!(sink.0, hours * 2);
}

#[test]
fn chunks_are_runs_one_after_the_other() {
    let mut renderer = Renderer::new(&[track(0, Role::Joint, "PCMU", 8_000)], &whole(1_000)).unwrap();
    let mut buf = FrameBuf::default();
    buf.push(&[0x80, 0x80, 0xf0, 0xf0]);
    let head = RunHead { samples: 2, len: 2, ..RunHead::default() };
    let later = RunHead { gap_samples: 3, cause: GapCause::Paused, ..head };
    let chunk = Chunk { track: 0, base_samples: 1, runs: vec![head, later], buf };
    let mut out = Vec::new();
    renderer.push_chunk(&chunk, &mut out).unwrap();
    let report = renderer.finish(&mut out).unwrap();
    assert_eq!(out, [0, 32_124, 32_124, 0, 0, 0, 120, 120]);
    assert_eq!(report.unknown_frames, 1, "nothing speaks of the first");
}

#[test]
fn the_length_counts_every_sample_once() {
    for (codec, clock_hz, ends) in [("PCMU", 8_000, 8_001), ("L16", 44_100, 1_234_567), ("L16", 48_000, 1)] {
        let track = track(0, Role::Near, codec, clock_hz);
        let us = length_us([(&track, ends)]);
        assert_eq!(Renderer::new(&[track], &whole(us)).unwrap().frames(), ends, "{codec}/{clock_hz}");
    }
}

/// Renders runs given as (gap, samples) pairs of one leg of µ-law.
fn render(pattern: &[(u64, u64, GapCause)], request: &Request) -> Vec<i16> {
    let mut renderer = Renderer::new(&[track(0, Role::Joint, "PCMU", 8_000)], request).unwrap();
    let (mut at, mut out) = (0, Vec::new());
    for (gap, samples, cause) in pattern {
        at += gap;
        let bytes = speech(at, *samples);
        renderer.push(&run(0, at, *gap, *cause, &bytes), &mut out).unwrap();
        at += samples;
    }
    renderer.finish(&mut out).unwrap();
    out
}

fn patterns() -> impl Strategy<Value = Vec<(u64, u64, GapCause)>> {
    let cause =
        prop_oneof![Just(GapCause::LostInNetwork), Just(GapCause::Paused), Just(GapCause::LostByRecorder)];
    let gap = prop_oneof![3 => Just(0u64), 2 => 1u64..1_000, 1 => 1_000u64..40_000];
    proptest::collection::vec((gap, 1u64..400, cause), 1..40)
}

proptest! {
    #[test]
    fn the_length_is_the_sum_of_runs_and_gaps(pattern in patterns()) {
        let length: u64 = pattern.iter().map(|(gap, samples, _)| gap + samples).sum();
        let out = render(&pattern, &whole(length * 125));
        prop_assert_eq!(out.len() as u64, length);
        let mut at = 0;
        for (gap, samples, cause) in &pattern {
            let hole = &out[at as usize..(at + gap) as usize];
            prop_assert!(*cause != GapCause::Paused || hole.iter().all(|pcm| *pcm == 0), "a mask is silent");
            at += gap;
            prop_assert_eq!(&out[at as usize..(at + samples) as usize], pcm(&speech(at, *samples)));
            at += samples;
        }
    }

    #[test]
    fn seeking_equals_playing_from_the_start(pattern in patterns(), from in 0.0..1.0f64, length in 1u64..20_000) {
        let total: u64 = pattern.iter().map(|(gap, samples, _)| gap + samples).sum();
        #[allow(clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "a test position")]
        let from = (total as f64 * from) as u64;
        let to = (from + length).min(total);
        let all = render(&pattern, &whole(total * 125));
        let part = render(&pattern, &Request { from_us: from * 125, to_us: to * 125, ..Request::default() });
        prop_assert_eq!(&part[..], &all[from as usize..to as usize]);
    }
}
