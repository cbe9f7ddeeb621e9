//! Sealed files to samples and bytes, without a door in front.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use audio::Legs;
use seal::RecipientType;
use shared::{GapCause, GapCorrection, Track};
use vault::Recording;

use super::super::encode::{Encoding, Format, RawTake};
use super::super::gaps::{GapMap, GapWalk};
use super::super::sealed::{BLOCK_US, Sealed, Shape};
use super::super::wav_file::WavFile;
use super::bench::{About, Bench, chunk, duplex, noise, run, second, track};

fn whole(wav: &WavFile, sealed: &mut Sealed) -> Vec<u8> {
    range(wav, sealed, 0, wav.len())
}

fn range(wav: &WavFile, sealed: &mut Sealed, from: u64, to: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let at = from + u64::try_from(out.len()).unwrap();
        let piece = wav.read(sealed, at, to).unwrap();
        if piece.is_empty() {
            return out;
        }
        out.extend_from_slice(&piece);
    }
}

fn mulaw(octets: &[u8]) -> Vec<i16> {
    let mut out = Vec::new();
    let codec = audio::Codec::from_track(&track(0, "PCMU", 8_000)).unwrap();
    codec.decoder().decode(octets, &mut out).unwrap();
    out
}

fn wav_of(sealed: &Sealed, legs: Legs) -> (Shape, WavFile) {
    let shape = sealed.shape(legs, None).unwrap();
    (shape, WavFile::new(shape))
}

/// Every range of the WAV is the same bytes as the whole has there.
fn check_ranges(bench: &Bench, recording: &Recording, legs: Legs) {
    let mut sealed = bench.sealed(recording);
    let (_, wav) = wav_of(&sealed, legs);
    let all = whole(&wav, &mut sealed);
    assert_eq!(u64::try_from(all.len()).unwrap(), wav.len(), "its length was known");
    let end = wav.len();
    let mut places = vec![0, 1, 43, 44, 45, end / 3, end / 2, end / 2 + 1, end - 2, end - 1, end];
    places.extend(noise(7, 6).iter().map(|n| end * u64::from(*n) / 255));
    for (n, from) in places.iter().enumerate() {
        let lengths: &[u64] = if n % 4 == 0 { &[1, 70_000, end] } else { &[2, 3, 100] };
        for len in lengths {
            let to = (from + len).min(end);
            let seen = range(&wav, &mut sealed, *from, to);
            let expected = &all[usize::try_from(*from).unwrap()..usize::try_from(to).unwrap()];
            assert!(seen == expected, "{from}..{to} of {end}, {legs:?}");
        }
    }
}

#[test]
fn any_range_of_a_wav_is_the_bytes_that_the_whole_has_there_whatever_the_codec() {
    let bench = Bench::new();
    let codecs = [("PCMU", 8_000), ("PCMA", 8_000), ("G722", 8_000), ("L16", 16_000)];
    for (n, (codec, clock_hz)) in (1..).zip(codecs) {
        let recording = bench.record(&About::new(n, duplex(codec, clock_hz)), 9);
        check_ranges(&bench, &recording, Legs::Both);
        check_ranges(&bench, &recording, Legs::Far);
    }
    let mixed = vec![track(0, "PCMU", 8_000), track(1, "G722", 8_000)];
    let recording = bench.record(&About::new(9, mixed), 9);
    check_ranges(&bench, &recording, Legs::Both);
    check_ranges(&bench, &recording, Legs::Near);
}

#[test]
fn g711_comes_out_sample_by_sample_as_it_was_sent() {
    let bench = Bench::new();
    let recording = bench.record(&About::new(1, duplex("PCMU", 8_000)), 9);
    let mut sealed = bench.sealed(&recording);
    let (shape, wav) = wav_of(&sealed, Legs::Near);
    assert_eq!((shape.rate_hz, shape.channels, shape.frames), (8_000, 1, 72_000));
    let all = whole(&wav, &mut sealed);
    for n in 0..9_u64 {
        let octets = noise(n, 8_000);
        let at = 44 + usize::try_from(n).unwrap() * 16_000;
        let samples: Vec<i16> =
            all[at..at + 16_000].chunks(2).map(|b| i16::from_le_bytes(b.try_into().unwrap())).collect();
        let expected = mulaw(&octets);
        assert!(samples == expected, "second {n}");
    }
}

#[test]
fn a_recording_of_several_parts_is_one_sound() {
    let bench = Bench::new();
    let about = About::new(1, duplex("PCMA", 8_000));
    let mut open = bench.begin(&about);
    (0..5).for_each(|n| open.second(n));
    let mut open = open.roll();
    (0..6).for_each(|n| open.second(n));
    let mut open = open.roll();
    (0..3).for_each(|n| open.second(n));
    open.close();
    let recording = bench.vault.recording(about.id()).unwrap().unwrap();
    assert_eq!(recording.parts.len(), 3);
    check_ranges(&bench, &recording, Legs::Both);
    let mut sealed = bench.sealed(&recording);
    assert_eq!(sealed.length_us(), 14_000_000);
    let (_, wav) = wav_of(&sealed, Legs::Far);
    let all = whole(&wav, &mut sealed);
    // The first second of the second part has the octets of a first second.
    let at = 44 + 5 * 16_000;
    assert!(all[at..at + 16_000] == all[44..44 + 16_000], "the second part begins where the first ended");
}

#[test]
fn a_track_number_that_means_another_codec_in_the_next_part_is_another_track() {
    let bench = Bench::new();
    let mut about = About::new(1, duplex("PCMA", 8_000));
    let mut open = bench.begin(&about);
    (0..3).for_each(|n| open.second(n));
    about.tracks = duplex("L16", 8_000);
    let mut open = open.roll_as(&about);
    (0..3).for_each(|n| open.second(n));
    open.close();
    let recording = bench.vault.recording(about.id()).unwrap().unwrap();
    let mut sealed = bench.sealed(&recording);
    assert_eq!((sealed.tracks().len(), sealed.length_us()), (4, 6_000_000));
    let (_, wav) = wav_of(&sealed, Legs::Near);
    let all = whole(&wav, &mut sealed);
    let octets = noise(1, 16_000); // second 1 of the second part
    let expected: Vec<u8> = octets.chunks(2).flat_map(|b| [b[1], b[0]]).collect();
    assert!(
        all[44 + 4 * 16_000..44 + 5 * 16_000] == expected,
        "L16 is big-endian on the wire and plain here"
    );
}

struct Counting<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.read.fetch_add(u64::try_from(n).unwrap(), Ordering::Relaxed);
        Ok(n)
    }
}

impl<R: Seek> Seek for Counting<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

#[test]
fn a_seek_reads_what_was_asked_and_little_more() {
    let bench = Bench::new();
    let recording = bench.record(&About::new(1, duplex("PCMU", 8_000)), 1_200);
    let read = Arc::new(AtomicU64::new(0));
    let mut readers = bench.vault.open_recording(recording.facts.recording_id).unwrap();
    for reader in &mut readers {
        let inner = std::mem::replace(&mut reader.io, Box::new(io::empty()));
        reader.io = Box::new(Counting { inner, read: Arc::clone(&read) });
    }
    let mut sealed =
        super::super::sealed::open(&recording, readers, &bench.keys, RecipientType::X25519).unwrap();
    let opening = read.swap(0, Ordering::Relaxed);
    assert!(opening < 200_000, "opening read {opening} of {} bytes", recording.bytes());
    let (_, wav) = wav_of(&sealed, Legs::Both);
    for part in [2, 3, 7, 10] {
        let from = wav.len() / 11 * part;
        wav.read(&mut sealed, from, from + 1_000).unwrap();
        let bytes = read.swap(0, Ordering::Relaxed);
        // A block of four seconds, a frame before and one behind on both legs, and the heads between.
        assert!(bytes < 2 * 8_100 * 7, "a seek read {bytes} bytes");
    }
    let (_, near) = wav_of(&sealed, Legs::Near);
    near.read(&mut sealed, near.len() / 2, near.len()).unwrap();
    let bytes = read.swap(0, Ordering::Relaxed);
    assert!(bytes < 8_100 * 7 + 2_000, "one leg read {bytes} bytes: the other stayed sealed");
}

fn gaps_of(sealed: &mut Sealed) -> GapMap {
    let mut walk = GapWalk::default();
    while walk.step(sealed).unwrap() {}
    walk.finish(sealed)
}

#[test]
fn gaps_are_told_with_the_cause_that_was_learned_last() {
    let bench = Bench::new();
    let about = About::new(1, duplex("PCMU", 8_000));
    let mut open = bench.begin(&about);
    open.second(0);
    let lossy = |t, cause| chunk(t, 8_000, vec![run(1_600, cause, 6_400, 6_400)], &noise(1, 6_400));
    open.flush(vec![lossy(0, GapCause::LostInNetwork), lossy(1, GapCause::Paused)]);
    let (was, cause) = (GapCause::LostInNetwork, GapCause::SilenceSuppressed);
    let learned = GapCorrection { track: 0, from: 8_800, to: 9_600, was, cause };
    open.event(learned.event(1_200_000));
    open.second(2);
    let mut open = open.roll();
    let late = chunk(0, 0, vec![run(80, GapCause::LostByRecorder, 7_920, 7_920)], &noise(2, 7_920));
    open.flush(vec![late, second(1, 0, 8_000, 8_000)]);
    open.close();
    let recording = bench.vault.recording(about.id()).unwrap().unwrap();
    let mut sealed = bench.sealed(&recording);
    let map = gaps_of(&mut sealed);
    let seen = |part, track| -> Vec<_> {
        map.get(&(part, track)).into_iter().flatten().map(|g| (g.from, g.samples, g.cause)).collect()
    };
    assert_eq!(seen(0, 0), [(8_000, 800, was), (8_800, 800, cause)]);
    assert_eq!(seen(0, 1), [(8_000, 1_600, GapCause::Paused)]);
    assert_eq!(seen(1, 0), [(24_000, 80, GapCause::LostByRecorder)]);
    assert_eq!(seen(1, 1), []);
    let drawn = super::super::timeline::timeline(&recording, &sealed, &map);
    assert_eq!(drawn.length_ms, 4_000);
    assert_eq!(drawn.legs[0].gaps.len(), 3);
    assert_eq!((drawn.legs[1].gaps[0].from_ms, drawn.legs[1].gaps[0].to_ms), (1_000, 1_200));
    assert_eq!((drawn.legs[0].label.as_str(), drawn.legs[1].label.as_str()), ("200", "0115550100"));
}

fn encoded(sealed: &mut Sealed, format: Format, legs: Legs) -> Vec<u8> {
    let mut encoding = Encoding::new(sealed, format, legs).unwrap();
    let mut out = Vec::new();
    while let Some(piece) = encoding.step(sealed).unwrap() {
        out.extend_from_slice(&piece);
    }
    assert!(u64::try_from(out.len()).unwrap() < encoding.bytes_max(), "the bound holds");
    out
}

#[test]
fn all_doors_give_the_same_samples() {
    let bench = Bench::new();
    let recording = bench.record(&About::new(1, duplex("G722", 8_000)), 9);
    let mut sealed = bench.sealed(&recording);
    let (_, wav) = wav_of(&sealed, Legs::Both);
    let whole = whole(&wav, &mut sealed);
    assert!(encoded(&mut sealed, Format::Wav, Legs::Both) == whole, "a download is what is played");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.flac");
    std::fs::write(&path, encoded(&mut sealed, Format::Flac, Legs::Both)).unwrap();
    let opus = folder.path().join("x.opus");
    std::fs::write(&opus, encoded(&mut sealed, Format::Opus, Legs::Both)).unwrap();
    let decoded = |path: &std::path::Path| {
        let words = ["-v", "error", "-i", path.to_str().unwrap(), "-f", "s16le", "-"];
        std::process::Command::new("ffmpeg").args(words).output().ok().filter(|out| out.status.success())
    };
    let Some(out) = decoded(&path) else {
        println!("skipped: ffmpeg is not installed");
        return;
    };
    assert!(out.stdout == whole[44..], "FLAC is lossless");
    // 16 kHz in, 48 kHz out of every decoder of Opus; stereo, two octets.
    let seconds = decoded(&opus).unwrap().stdout.len() as f64 / (48_000.0 * 4.0);
    assert!((seconds - 9.0).abs() < 0.001, "Opus says its length: {seconds} s");
}

#[test]
fn the_payload_as_received_is_given_whole_also_for_a_codec_that_nobody_decodes() {
    let bench = Bench::new();
    let odd = Track { joinable: false, ..track(0, "EVRC", 8_000) };
    let about = About::new(1, vec![odd, track(1, "PCMA", 8_000)]);
    let recording = bench.record(&about, 9);
    let mut sealed = bench.sealed(&recording);
    assert!(sealed.shape(Legs::Near, None).is_err(), "no sound of that leg");
    assert!(sealed.shape(Legs::Both, None).is_ok(), "the other leg can be heard");
    let tracks = sealed.tracks().to_vec();
    let mut takes = tracks.iter().map(|t| RawTake::new(t).unwrap());
    let mut all = |take: &mut RawTake| {
        let mut out = Vec::new();
        while let Some(piece) = take.step(&mut sealed).unwrap() {
            out.extend_from_slice(&piece);
        }
        out
    };
    let mut framed = takes.next().unwrap();
    assert_eq!(framed.name_end(), "track0-near.amxr");
    assert_eq!(all(&mut framed).len(), 12 + 4 + 4 + 9 * (16 + 8_000));
    let mut plain = takes.next().unwrap();
    assert_eq!(plain.name_end(), "track1-far.alaw");
    let expected: Vec<u8> = (0..9).flat_map(|n| noise(1 << 32 | n, 8_000)).collect();
    assert!(all(&mut plain) == expected, "octet by octet");
}

#[test]
fn a_leg_that_begins_late_and_a_gap_across_the_border_of_blocks_keep_their_place() {
    let bench = Bench::new();
    let about = About::new(1, duplex("PCMU", 8_000));
    let mut open = bench.begin(&about);
    for n in 0..3 {
        open.flush(vec![second(0, n, 8_000, 8_000)]);
    }
    // The far leg begins at 2.5 s; the near one has nothing from 3 s to 5 s, which is across the border at 4 s.
    let late = chunk(1, 20_000, vec![run(0, GapCause::None, 8_000, 8_000)], &noise(3, 8_000));
    let open_gap = chunk(0, 24_000, vec![run(16_000, GapCause::SilenceSuppressed, 0, 0)], &[]);
    open.flush(vec![open_gap, late]);
    open.flush(vec![second(0, 5, 8_000, 8_000)]);
    open.close();
    let recording = bench.vault.recording(about.id()).unwrap().unwrap();
    let mut sealed = bench.sealed(&recording);
    assert_eq!(sealed.length_us(), 6_000_000);
    let (shape, wav) = wav_of(&sealed, Legs::Both);
    assert_eq!(shape.blocks(), 6_000_000_u64.div_ceil(BLOCK_US));
    let all = whole(&wav, &mut sealed);
    let sample = |frame: usize, channel: usize| {
        let at = 44 + frame * 4 + channel * 2;
        i16::from_le_bytes(all[at..at + 2].try_into().unwrap())
    };
    let voice = |seed: u64| mulaw(&noise(seed, 8_000));
    assert_eq!((0..8_000).map(|n| sample(40_000 + n, 0)).collect::<Vec<_>>(), voice(5));
    assert_eq!((0..8_000).map(|n| sample(20_000 + n, 1)).collect::<Vec<_>>(), voice(3));
    assert!((24_000..40_000).all(|n| sample(n, 0) == 0), "silence is silent");
    assert!((0..20_000).all(|n| sample(n, 1) == 0), "nothing before the leg began");
    check_ranges(&bench, &recording, Legs::Both);
}
