//! Streams of real telephones through our decoders: they must become speech, and the speech that ffmpeg hears.
//!
//! The captures lie beside the project, not in it; without them each test says that it was skipped.

#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::panic_in_result_fn,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::print_stderr,
    reason = "tests read files and drive other programs"
)]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use amethyst_audio::{Codec, peaks};
use shared::Track;

/// One RTP stream: payloads by extended sequence number.
type Stream = BTreeMap<u32, Vec<u8>>;

/// Walks a classic pcap of Ethernet and IPv4 and gives the longest stream of a payload type.
fn stream(file: &str, payload_type: u8) -> Option<Stream> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures").join(file);
    let Ok(bytes) = std::fs::read(path) else {
        eprintln!("skipped: no capture {file}");
        return None;
    };
    let little = bytes[0] == 0xd4;
    let number = |at: usize| {
        let four: [u8; 4] = bytes[at..at + 4].try_into().unwrap();
        if little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) }
    };
    let mut streams: BTreeMap<[u8; 4], Stream> = BTreeMap::new();
    let mut at = 24;
    while at + 16 <= bytes.len() {
        let length = usize::try_from(number(at + 8)).unwrap();
        let packet = &bytes[at + 16..(at + 16 + length).min(bytes.len())];
        at += 16 + length;
        let Some(rtp) = rtp_of(packet) else { continue };
        if rtp[1] & 0x7f == payload_type {
            let sequence = u32::from(u16::from_be_bytes([rtp[2], rtp[3]]));
            let one = streams.entry(rtp[8..12].try_into().unwrap()).or_default();
            let turns = one.last_key_value().map_or(0, |(last, _)| {
                let turn = last & !0xffff;
                if sequence + 0x8000 < (last & 0xffff) { turn + 0x1_0000 } else { turn }
            });
            one.insert(turns + sequence, rtp[12 + 4 * usize::from(rtp[0] & 0x0f)..].to_vec());
        }
    }
    streams.into_values().max_by_key(BTreeMap::len)
}

fn rtp_of(packet: &[u8]) -> Option<&[u8]> {
    let ip = packet.get(14..)?;
    let header = usize::from(ip.first()? & 0x0f) * 4;
    let length = usize::from(u16::from_be_bytes([*ip.get(2)?, *ip.get(3)?]));
    let rtp = ip.get(header + 8..length)?;
    (packet.get(12..14)? == [8, 0] && ip[9] == 17 && rtp.len() > 12 && rtp[0] >> 6 == 2).then_some(rtp)
}

fn track(codec: &str, clock_hz: u32) -> Track {
    Track { codec: codec.to_owned(), clock_hz, channels: 1, ..Track::default() }
}

/// Decodes a stream, refused payloads counted.
fn decoded(stream: &Stream, track: &Track) -> (Vec<i16>, usize) {
    let mut decoder = Codec::from_track(track).unwrap().decoder();
    let mut out = Vec::new();
    let damaged = stream.values().filter(|payload| decoder.decode(payload, &mut out).is_err()).count();
    (out, damaged)
}

/// Speech is loud at times and quiet at times, seldom at the limit, and each sample is like its neighbour.
fn assert_is_sound(what: &str, pcm: &[i16]) {
    let limit = pcm.iter().filter(|pcm| pcm.unsigned_abs() > 32_700).count();
    let rms = f64::from(peaks::rms(pcm));
    let roughness = roughness(pcm);
    eprintln!("{what}: {} samples, RMS {rms}, roughness {roughness:.2}, {limit} at the limit", pcm.len());
    assert!(rms > 20.0 && rms < 12_000.0, "{what}: RMS {rms}");
    assert!(limit * 100 < pcm.len(), "{what}: {limit} samples at the limit");
    // White noise, which a wrong decoder makes, has 1.41; speech at 8 kHz less than 1.
    assert!(roughness < 1.1, "{what}: roughness {roughness:.2}");
}

/// RMS of the steps from sample to sample beside the RMS of the samples.
fn roughness(pcm: &[i16]) -> f64 {
    let step = |two: &[i16]| two[1].saturating_sub(two[0]);
    let steps: Vec<i16> = pcm.windows(2).map(step).collect();
    f64::from(peaks::rms(&steps)) / f64::from(peaks::rms(pcm))
}

fn ffmpeg(args: &[&str], input: Vec<u8>) -> Option<Vec<i16>> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin"]).args(args).args(["-i", "-", "-f", "s16le", "-"]);
    let Ok(mut child) = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() else {
        eprintln!("skipped: no ffmpeg");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    let feeder = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    drop(feeder.join());
    Some(output.stdout.as_chunks::<2>().0.iter().map(|two| i16::from_le_bytes(*two)).collect())
}

fn snr_db(signal: &[i16], other: &[i16]) -> f64 {
    let power: f64 = signal.iter().map(|a| f64::from(*a).powi(2)).sum();
    let noise: f64 = signal.iter().zip(other).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    10.0 * (power / noise.max(1.0)).log10()
}

/// Decodes a captured stream; where ffmpeg reads its payload as a file, both must agree by `snr_db_min`.
fn check(file: &str, payload_type: u8, track: &Track, oracle: Option<(&[&str], f64)>) {
    let Some(stream) = stream(file, payload_type) else { return };
    assert!(stream.len() > 50, "{file}: {} packets", stream.len());
    let (ours, damaged) = decoded(&stream, track);
    assert_eq!(damaged, 0, "{file}: refused payloads of {}", stream.len());
    assert_is_sound(file, &ours);
    let Some((args, snr_db_min)) = oracle else { return };
    let Some(theirs) = ffmpeg(args, stream.values().flatten().copied().collect()) else { return };
    let found_db = snr_db(&ours, &theirs);
    eprintln!("{file}: {found_db:.1} dB beside ffmpeg, {} and {} samples", ours.len(), theirs.len());
    assert!(ours.len().abs_diff(theirs.len()) <= 400, "{file}: {} and {} samples", ours.len(), theirs.len());
    assert!(found_db >= snr_db_min, "{file}: {found_db:.1} dB");
}

#[test]
fn gsm_telephones_are_heard() {
    let oracle: (&[&str], f64) = (&["-c:a", "libgsm", "-f", "gsm"], 90.0);
    check("rtp-pcap__sip-rtp-gsm.pcap", 3, &track("GSM", 8_000), Some(oracle));
}

#[test]
fn g722_telephones_are_heard() {
    let oracle: (&[&str], f64) = (&["-f", "g722"], 90.0);
    check("sipp-siprec__g722.pcap", 9, &track("G722", 8_000), Some(oracle));
    check("sipp-siprec__10a_g722.pcap", 9, &track("G722", 8_000), Some(oracle));
}

/// What this telephone sends hisses, so the usual bound does not hold; that its packing is RFC 3551's shows all the same.
#[test]
fn g721_telephones_pack_as_rfc_3551_says() {
    let Some(stream) = stream("sipp-siprec__11a_g721.pcap", 2) else { return };
    let (right, damaged) = decoded(&stream, &track("G721", 8_000));
    let (wrong, _damaged) = decoded(&stream, &track("AAL2-G726-32", 8_000));
    assert_eq!(damaged, 0);
    let (right, wrong) = (roughness(&right), roughness(&wrong));
    assert!(right < wrong, "roughness {right:.2} as RFC 3551, {wrong:.2} as AAL2");
}

#[test]
fn g711_telephones_are_heard() {
    check("sipp__g711a.pcap", 8, &track("PCMA", 8_000), Some((&["-f", "alaw", "-ar", "8000"], 90.0)));
    check("siprec__g711_audio.pcap", 0, &track("PCMU", 8_000), Some((&["-f", "mulaw", "-ar", "8000"], 90.0)));
}

#[test]
fn g729_telephones_are_heard() {
    check("sipp-siprec__12a_g729.pcap", 18, &track("G729", 8_000), Some((&["-f", "g729"], 12.0)));
    check("rtpproxy__sess6.a.rtp", 18, &track("G729", 8_000), None);
}

/// ffmpeg reads no bare Opus; `oracle.rs` compares the decoders.
#[test]
fn opus_telephones_are_heard() {
    check("rtp-pcap__sip-rtp-opus.pcap", 99, &track("opus", 48_000), None);
}
