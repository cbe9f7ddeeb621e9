//! Our decoders beside independent ones: the same bytes through ffmpeg, and through us.
//!
//! Needs `ffmpeg` on the path and says so when it is not there. The bitstreams are coded by ffmpeg from a synthetic voice,
//! or are random octets where the codec gives a meaning to every octet.

#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::panic_in_result_fn,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::cast_sign_loss,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::print_stderr,
    reason = "tests drive another program"
)]

use std::f64::consts::TAU;
use std::io::Write as _;
use std::process::{Command, Stdio};

use amethyst_audio::flac::FlacWriter;
use amethyst_audio::{Codec, PcmSink as _};
use shared::Track;

/// Runs ffmpeg on `input`; `None` and a word about it if there is no ffmpeg or it lacks the codec.
fn ffmpeg(args: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let command = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = command else {
        eprintln!("skipped: no ffmpeg");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    drop(feeder.join());
    if !output.status.success() {
        eprintln!("skipped: ffmpeg {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    Some(output.stdout)
}

fn pcm(bytes: &[u8]) -> Vec<i16> {
    bytes.as_chunks::<2>().0.iter().map(|two| i16::from_le_bytes(*two)).collect()
}

/// Three seconds of something like a voice: a gliding pitch with formants, loud and soft, and a little noise.
fn voice(rate: u32) -> Vec<u8> {
    let (mut seed, mut phase) = (1u32, 0.0);
    let sample = |n: u32| {
        let t = f64::from(n) / f64::from(rate);
        phase += TAU * (120.0 + 40.0 * (TAU * 0.7 * t).sin()) / f64::from(rate);
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f64::from(seed >> 16) / 65_536.0 - 0.5;
        let tone: f64 = (1..20).map(|k| (phase * f64::from(k)).sin() / f64::from(k)).sum();
        let loud = (0.5 + 0.5 * (TAU * 2.3 * t).sin()).powi(2);
        ((4_000.0 * tone + 700.0 * noise) * loud).clamp(-32_768.0, 32_767.0) as i16
    };
    (0..rate * 3).map(sample).flat_map(i16::to_le_bytes).collect()
}

fn random(count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let next = |_n| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..count).map(next).collect()
}

fn track(codec: &str, clock_hz: u32) -> Track {
    Track { codec: codec.to_owned(), clock_hz, channels: 1, ..Track::default() }
}

/// Decodes `stream` in packets of `packet` octets.
fn ours(track: &Track, stream: &[u8], packet: usize) -> Vec<i16> {
    let mut decoder = Codec::from_track(track).unwrap().decoder();
    let mut out = Vec::new();
    for payload in stream.chunks_exact(packet) {
        decoder.decode(payload, &mut out).unwrap();
    }
    out
}

/// The stream decodes to the same samples here and in ffmpeg, one for one.
fn check_equal(what: &str, track: &Track, stream: &[u8], packet: usize, ffmpeg_input: &[&str]) {
    let args = [ffmpeg_input, &["-i", "-", "-f", "s16le", "-"]].concat();
    let Some(theirs) = ffmpeg(&args, stream) else { return };
    let (theirs, ours) = (pcm(&theirs), ours(track, stream, packet));
    let common = theirs.len().min(ours.len());
    assert!(
        common * 100 >= ours.len() * 98 && common > 1_000,
        "{what}: {} and {} samples",
        ours.len(),
        theirs.len()
    );
    let differ = ours.iter().zip(&theirs).position(|(a, b)| a != b);
    assert_eq!(differ, None, "{what}: first difference: {:?}", differ.map(|n| (ours[n], theirs[n])));
}

fn coded(rate: u32, args: &[&str]) -> Option<Vec<u8>> {
    let rate_text = rate.to_string();
    let input = ["-f", "s16le", "-ar", &rate_text, "-ac", "1", "-i", "-"];
    ffmpeg(&[&input, args, &["-"]].concat(), &voice(rate))
}

#[test]
fn g711_equals_ffmpeg_for_every_octet() {
    let all: Vec<u8> = (0..=255).cycle().take(25_600).collect();
    check_equal("PCMU", &track("PCMU", 8_000), &all, 160, &["-f", "mulaw", "-ar", "8000"]);
    check_equal("PCMA", &track("PCMA", 8_000), &all, 160, &["-f", "alaw", "-ar", "8000"]);
}

#[test]
fn g722_equals_ffmpeg() {
    let g722 = track("G722", 8_000);
    if let Some(stream) = coded(16_000, &["-c:a", "g722", "-f", "g722"]) {
        check_equal("G722 voice", &g722, &stream, 160, &["-f", "g722"]);
    }
    check_equal("G722 noise", &g722, &random(48_000, 7), 160, &["-f", "g722"]);
}

/// Decodes G.726 by `SoX`, whose decoder comes from another family than ffmpeg's. It reads the packing of RFC 3551.
fn sox_g726(bits: u32, stream: &[u8]) -> Option<Vec<i16>> {
    let encoding = [25u32, 23, 26].get((bits as usize).checked_sub(3)?)?; // AU's numbers for 24, 32 and 40 kbit/s
    let mut au = b".snd".to_vec();
    for field in [24, stream.len() as u32, *encoding, 8_000, 1] {
        au.extend_from_slice(&field.to_be_bytes());
    }
    au.extend_from_slice(stream);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), au).unwrap();
    let output = Command::new("sox")
        .args(["-t", "au"])
        .arg(file.path())
        .args(["-t", "raw", "-e", "signed", "-b", "16", "-L", "-"])
        .output();
    let Ok(output) = output else {
        eprintln!("skipped: no sox");
        return None;
    };
    assert!(output.status.success(), "sox: {}", String::from_utf8_lossy(&output.stderr));
    Some(pcm(&output.stdout))
}

/// How much louder the signal is than the difference of both, in dB.
fn snr_db(signal: &[i16], other: &[i16]) -> f64 {
    let power: f64 = signal.iter().map(|a| f64::from(*a).powi(2)).sum();
    let noise: f64 = signal.iter().zip(other).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    10.0 * (power / noise.max(1.0)).log10()
}

#[test]
fn g726_equals_sox_and_is_near_ffmpeg_at_all_rates_in_both_packings() {
    for bits in 2..=5u32 {
        let kbit = bits * 8;
        for (prefix, format) in [("", "g726le"), ("AAL2-", "g726")] {
            let name = format!("{prefix}G726-{kbit}");
            let (track, rate, packet) = (track(&name, 8_000), format!("{kbit}k"), bits as usize * 20);
            let Some(stream) = coded(8_000, &["-c:a", format, "-b:a", &rate, "-f", format]) else { return };
            let ours = ours(&track, &stream, packet);
            if let ("", Some(theirs)) = (prefix, sox_g726(bits, &stream)) {
                let whole = ours.len().min(theirs.len());
                assert!(whole > 20_000, "{name}: {whole} samples");
                // At 40 kbit/s SoX gives a neighbouring step in a sample or two of 24,000, without consequence.
                let same = ours.iter().zip(&theirs).filter(|(a, b)| a == b).count();
                assert!(
                    whole - same <= if bits == 5 { 5 } else { 0 },
                    "{name}: {} differ from SoX",
                    whole - same
                );
            }
            // ffmpeg rounds the scale factor otherwise than block MIX says, so its samples differ a little from the
            // recommendation's; at 40 kbit/s it also leaks by 2^-8 where block UPB says 2^-9, and goes its own way.
            if bits == 5 {
                continue;
            }
            let bits = bits.to_string();
            let input =
                ["-f", format, "-code_size", &bits, "-sample_rate", "8000", "-i", "-", "-f", "s16le", "-"];
            let Some(theirs) = ffmpeg(&input, &stream) else { return };
            let near_db = snr_db(&ours, &pcm(&theirs));
            assert!(near_db > 20.0, "{name} beside ffmpeg: {near_db:.1} dB");
        }
    }
}

#[test]
fn gsm_equals_libgsm() {
    let mut stream = random(33 * 400, 3);
    stream.chunks_exact_mut(33).for_each(|frame| frame[0] = 0xd0 | frame[0] & 0x0f);
    check_equal("GSM noise", &track("GSM", 8_000), &stream, 33, &["-c:a", "libgsm", "-f", "gsm"]);
    if let Some(stream) = coded(8_000, &["-c:a", "libgsm", "-f", "gsm"]) {
        check_equal("GSM voice", &track("GSM", 8_000), &stream, 33, &["-c:a", "libgsm", "-f", "gsm"]);
    }
}

/// Writes FLAC of every awkward length and has ffmpeg decode it.
#[test]
fn flac_comes_back_bit_for_bit() {
    let voice = pcm(&voice(8_000));
    for (channels, frames) in
        [(1u8, 1usize), (1, 63), (1, 64), (1, 4_096), (1, 4_097), (2, 12_000), (2, 4_096 * 2 + 5)]
    {
        let samples = &voice[..frames * usize::from(channels)];
        let mut flac = FlacWriter::new(Vec::new(), 8_000, channels, frames as u64).unwrap();
        for piece in samples.chunks(1_000) {
            flac.write_frames(piece).unwrap();
        }
        let bytes = flac.finish().unwrap();
        let args = ["-err_detect", "crccheck+explode", "-f", "flac", "-i", "-", "-f", "s16le", "-"];
        let Some(back) = ffmpeg(&args, &bytes) else { return };
        assert_eq!(pcm(&back), samples, "{channels} channels, {frames} frames");
    }
}

/// The packets of an Ogg stream of one codec, head and tags left out.
fn ogg_packets(mut ogg: &[u8]) -> Vec<Vec<u8>> {
    let (mut packets, mut packet) = (Vec::new(), Vec::new());
    while ogg.len() > 27 {
        let segments = usize::from(ogg[26]);
        let (sizes, mut body) = ogg[27..].split_at(segments);
        for size in sizes {
            let (now, later) = body.split_at(usize::from(*size));
            packet.extend_from_slice(now);
            body = later;
            if *size < 255 {
                packets.push(std::mem::take(&mut packet));
            }
        }
        ogg = body;
    }
    packets.drain(..2.min(packets.len()));
    packets
}

#[test]
fn opus_equals_libopus_of_ffmpeg() {
    let Some(ogg) = coded(48_000, &["-c:a", "libopus", "-b:a", "24k", "-f", "ogg"]) else { return };
    let args = ["-c:a", "libopus", "-f", "ogg", "-i", "-", "-f", "s16le", "-ac", "1", "-"];
    let Some(theirs) = ffmpeg(&args, &ogg) else { return };
    let (mut decoder, mut ours) = (Codec::from_track(&track("opus", 48_000)).unwrap().decoder(), Vec::new());
    for packet in ogg_packets(&ogg) {
        decoder.decode(&packet, &mut ours).unwrap();
    }
    let near_db = snr_db(&ours[312..], &pcm(&theirs)); // ffmpeg leaves the encoder's delay out
    assert!(near_db > 40.0, "opus: {near_db:.1} dB");
}

/// Encodes with the library's other half, packs by RFC 4867 and has ffmpeg decode the same frames.
fn check_amr(wide: bool, mode: u8) {
    use codec_core::codecs::amr::AmrCodec;
    use codec_core::types::{CodecConfig, CodecType, VariableRateCodec as _};
    let (kind, rate, magic, name) = if wide {
        (CodecType::AmrWb, 16_000, &b"#!AMR-WB\n"[..], "AMR-WB")
    } else {
        (CodecType::AmrNb, 8_000, &b"#!AMR\n"[..], "AMR")
    };
    let mut encoder = AmrCodec::new(&CodecConfig::new(kind)).unwrap();
    encoder.set_mode(mode).unwrap();
    let aligned = Track { fmtp: "octet-align=1; mode-set=0,7".to_owned(), ..track(name, rate) };
    let packed = track(name, rate);
    let (mut file, mut ours, mut again) = (magic.to_vec(), Vec::new(), Vec::new());
    let (mut one, mut other) =
        (Codec::from_track(&aligned).unwrap().decoder(), Codec::from_track(&packed).unwrap().decoder());
    for samples in pcm(&voice(rate)).chunks_exact(rate as usize / 50) {
        let frame = encoder.encode_frame(samples).unwrap();
        let toc = frame.mode << 3 | 4;
        file.push(toc);
        file.extend_from_slice(&frame.data);
        let payload = [&[0xf0, toc][..], &frame.data].concat();
        one.decode(&payload, &mut ours).unwrap();
        // Bandwidth-efficient: four bits of mode request, six of contents, then the speech bits at once.
        let mut bits: Vec<bool> =
            [0xf0u8].iter().flat_map(|octet| (0..4).map(move |n| octet << n & 0x80 != 0)).collect();
        bits.extend((0..6).map(|n| toc << n & 0x80 != 0));
        bits.extend(frame.data.iter().flat_map(|octet| (0..8).map(move |n| octet << n & 0x80 != 0)));
        bits.truncate(10 + frame_bits(wide, mode));
        let payload: Vec<u8> = bits
            .chunks(8)
            .map(|bits| (0..8).fold(0, |octet, n| octet << 1 | u8::from(bits.get(n) == Some(&true))))
            .collect();
        other.decode(&payload, &mut again).unwrap();
    }
    assert_eq!(ours, again, "{name} mode {mode}: both packings carry the same bits");
    let Some(theirs) = ffmpeg(&["-f", "amr", "-i", "-", "-f", "s16le", "-"], &file) else { return };
    // Decoders differ in the delay of their filters.
    let theirs = pcm(&theirs);
    let delayed = |lag: usize| snr_db(&ours[lag..], &theirs).max(snr_db(&ours, &theirs[lag..]));
    let near_db = (0..40).map(delayed).fold(f64::MIN, f64::max);
    eprintln!("{name} mode {mode}: {near_db:.1} dB beside ffmpeg");
    assert!(near_db > 15.0, "{name} mode {mode}: {near_db:.1} dB");
}

/// Speech bits of a frame (3GPP TS 26.101 and 26.201).
fn frame_bits(wide: bool, mode: u8) -> usize {
    let narrow = [95, 103, 118, 134, 148, 159, 204, 244];
    let broad = [132, 177, 253, 285, 317, 365, 397, 461, 477];
    if wide { broad[usize::from(mode)] } else { narrow[usize::from(mode)] }
}

#[test]
fn amr_is_near_ffmpeg_in_every_mode_and_both_packings() {
    (0..8).for_each(|mode| check_amr(false, mode));
    (0..9).for_each(|mode| check_amr(true, mode));
}

/// Decodes frames of G.729, each after an octet of length, by libbcg729, which tshark brings along. It is GPL, so it is
/// asked from outside and never linked.
fn bcg729(stream: &[u8]) -> Option<Vec<i16>> {
    let python = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/tools/bcg729.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = python else {
        eprintln!("skipped: no python3");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    let input = stream.to_vec();
    let feeder = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    drop(feeder.join());
    if output.status.code() == Some(3) {
        eprintln!("skipped: no libbcg729");
        return None;
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(pcm(&output.stdout))
}

/// libbcg729 does the same in arithmetic of its own, 36 dB away from the Recommendation's; ffmpeg has the postfilter of the
/// base codec, 22 dB away. A decoder that misread a field would be at 0 dB or below.
#[test]
fn g729_is_near_libbcg729_and_ffmpeg() {
    let framed = include_bytes!("../../../tests/vectors/audio/g729.bin");
    let (mut rest, mut speech) = (&framed[..], Vec::new());
    while let Some((length, after)) = rest.split_first() {
        let (frame, after) = after.split_at(usize::from(*length));
        if frame.len() == 10 {
            speech.extend_from_slice(frame);
        }
        rest = after;
    }
    let ours = ours(&track("G729", 8_000), &speech, 10);
    let framed: Vec<u8> = speech.chunks(10).flat_map(|frame| [&[10], frame].concat()).collect();
    for (name, theirs, db_min) in [
        ("libbcg729", bcg729(&framed), 30.0),
        ("ffmpeg", ffmpeg(&["-f", "g729", "-i", "-", "-f", "s16le", "-"], &speech).map(|b| pcm(&b)), 12.0),
    ] {
        let Some(theirs) = theirs else { continue };
        assert_eq!(ours.len(), theirs.len(), "{name}");
        let near_db = snr_db(&ours, &theirs);
        eprintln!("G729: {near_db:.1} dB beside {name}");
        assert!(near_db > db_min, "G729 beside {name}: {near_db:.1} dB");
    }
}
