//! Sums that rtpproxy published of calls it recorded: our recordings of the same packets, laid out and mixed as its
//! `extractaudio` does it, give the same sums.
//!
//! It publishes each call in fifty formats. The three of 16 bits are compared; the others are the same samples, converted by
//! libsndfile. Without the captures beside the project the tests here are skipped.
#![allow(
    clippy::unwrap_in_result,
    reason = "a judge that is not as expected fails the test; None only means: not installed"
)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "tests of audio: what is cast was counted in samples just before"
)]

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::captures::{Wav, only};
use super::site::{Ran, Site, captures};
use crate::workspace::root;

/// Calls of which both sides are among the captures.
const CALLS: [&str; 5] = ["call1_ulaw", "call1_gsm", "call1_g729", "call1_g722_srtp", "corrupted_g722"];
/// Calls of which rtpproxy gave sums, and we have one side at most.
const BEYOND: [&str; 3] = ["call1_alaw", "call1_g722", "rtcp"];

#[test]
fn every_call_that_rtpproxy_summed_up_is_compared_or_named() {
    let Some(folder) = captures() else { return };
    let sums = fs::read_to_string(folder.join("rtpproxy__extractaudio.checksums")).expect("the sums");
    let name = |line: &str| line.split(['(', '.']).nth(1).expect("SHA256 (name.").to_owned();
    let published: BTreeSet<String> = sums.lines().map(name).collect();
    let ours: BTreeSet<String> = CALLS.into_iter().chain(BEYOND).map(str::to_owned).collect();
    assert_eq!(published, ours);
    for name in BEYOND {
        let there = |side: &str| folder.join(format!("rtpproxy__{name}.{side}")).exists();
        let both = |end: &str| there(&format!("a.{end}")) && there(&format!("o.{end}"));
        assert!(!both("rtp") && !both("pcap"), "{name} could be compared now");
    }
}

#[test]
fn mu_law_mixed_as_rtpproxy_mixes_it_has_the_sums_it_published() {
    check("call1_ulaw");
}

#[test]
fn gsm_mixed_as_rtpproxy_mixes_it_has_the_sums_it_published() {
    check("call1_gsm");
}

#[test]
fn g729_mixed_as_rtpproxy_mixes_it_has_the_sums_it_published() {
    check("call1_g729");
}

#[test]
fn g722_opened_with_its_srtp_keys_has_the_sums_that_rtpproxy_published() {
    check("call1_g722_srtp");
}

/// 393 packets of one side are whole, then comes noise.
#[test]
fn what_comes_before_the_damage_in_a_file_has_the_sums_that_rtpproxy_published() {
    check("corrupted_g722");
}

fn check(name: &str) {
    let Some(folder) = captures() else { return };
    let sums = fs::read_to_string(folder.join("rtpproxy__extractaudio.checksums")).expect("the sums");
    let site = Site::new();
    let (Some(a), Some(o)) = (Side::of(&site, &folder, name, "a"), Side::of(&site, &folder, name, "o"))
    else {
        return;
    };
    let (a, o) = laid_out(&a, &o);
    let pairs = || a.iter().zip(&o).map(|(a, o)| (i32::from(*a), i32::from(*o)));
    let mono: Vec<u8> = pairs().flat_map(|(a, o)| (((a + o) / 2) as i16).to_le_bytes()).collect();
    let stereo: Vec<u8> = a.iter().zip(&o).flat_map(|(a, o)| [*a, *o]).flat_map(i16::to_le_bytes).collect();
    for (kind, bytes) in [
        ("mono.pcm_16.raw", mono.clone()),
        ("mono.pcm_16.wav", with_head(&mono, 1)),
        ("stereo.pcm_16.wav", with_head(&stereo, 2)),
    ] {
        let line = format!("SHA256 ({name}.{kind}) = {}", sha256(&bytes));
        assert!(sums.lines().any(|l| l == line), "not among the published sums: {line}");
    }
}

/// One side of a call as rtpproxy wrote it down: when each packet came, and its samples.
struct Side {
    packets: Vec<(f64, Vec<i16>)>,
    /// Ticks that are missing before each packet.
    missing: Vec<u64>,
}

impl Side {
    /// Records one side and takes its samples out of our export; `None` if a judge of the codec is not installed.
    fn of(site: &Site, folder: &Path, name: &str, side: &str) -> Option<Self> {
        let path = folder.join(format!("rtpproxy__{name}.{side}.rtp"));
        let reference = record(site, folder, name, &path);
        let exported = |format: &str, wanted: &str| {
            let out = site.path(&format!("{name}-{side}-{format}"));
            let ran = site.run("export", &["--out", out, "--id", &reference, "--format", format]);
            assert_eq!(ran.code, Some(0), "{ran:?}");
            only(out, wanted)
        };
        let wav = Wav::read(&exported("wav", "wav"));
        let codec =
            name.split('_').find(|word| ["ulaw", "gsm", "g729", "g722"].contains(word)).expect("named");
        // Frames of a vocoder keep their places in the export, and are alone here.
        let octets =
            if codec == "g729" { unframed(&exported("raw", "amxr")) } else { exported("raw", codec) };

        let (mut places, mut missing) = (Vec::new(), Vec::new());
        let mut next: Option<(u16, u32)> = None;
        let written = written(&fs::read(&path).expect("the capture"));
        let first_ts = written.first().expect("packets").ts;
        let mut whole = 0;
        for packet in written {
            let (expected, at) = next.unwrap_or((packet.sequence, packet.ts));
            if packet.sequence.wrapping_sub(expected) > 0x8000 {
                continue; // a double
            }
            let ticks = match codec {
                "gsm" => packet.payload_bytes / 33 * 160,
                "g729" => packet.payload_bytes / 10 * 80,
                _ => packet.payload_bytes,
            };
            whole += packet.payload_bytes;
            places.push((packet.came_s, packet.ts.wrapping_sub(first_ts) as usize, ticks));
            missing.push(u64::from(packet.ts.wrapping_sub(at)));
            next = Some((packet.sequence.wrapping_add(1), packet.ts.wrapping_add(ticks as u32)));
        }
        assert_eq!(octets.len(), whole, "{name}.{side}: every octet was recorded");
        let pcm = match codec {
            "g722" => lower_band(&octets, &wav)?,
            "g729" => by_bcg729(&octets, &wav)?,
            _ => as_rtpproxy_plays(codec, &octets, &wav, &places),
        };
        let mut rest = pcm.as_slice();
        let packets = places.into_iter().map(|(came_s, _, ticks)| {
            let (samples, after) = rest.split_at(ticks);
            rest = after;
            (came_s, samples.to_vec())
        });
        Some(Self { packets: packets.collect(), missing })
    }

    /// Plays the packets as rtpproxy does: silence where the sender left ticks out, and where a packet came more than 200 ms
    /// behind what was played, silence of half the delay, again and again (in pieces of half a second at most).
    fn played(&self) -> Vec<i16> {
        let began_s = self.packets[0].0;
        let mut out: Vec<i16> = Vec::new();
        for ((came_s, samples), missing) in self.packets.iter().zip(&self.missing) {
            out.resize(out.len() + *missing as usize, 0);
            while came_s - began_s - out.len() as f64 / 8_000.0 > 0.2 {
                let delay = (came_s - began_s) * 8_000.0 - out.len() as f64;
                out.resize(out.len() + ((delay / 2.0) as usize).min(4_000), 0);
            }
            out.extend(samples);
        }
        out
    }
}

/// Records a file, with the keys beside it if there are any. Returns the reference of the recording.
fn record(site: &Site, folder: &Path, name: &str, path: &Path) -> String {
    let pcap = path.to_str().expect("plain names");
    let mut words = vec!["--pcap", pcap];
    if let Ok(args) = fs::read_to_string(folder.join(format!("rtpproxy__{name}.args"))) {
        let file = site.path("keys");
        let suite = "AES_CM_128_HMAC_SHA1_80";
        let keys = args.split_whitespace().filter_map(|word| word.split_once(&format!("{suite}:")));
        fs::write(file, keys.map(|(_, key)| format!("{suite} {key}\n")).collect::<String>())
            .expect("a key file");
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).expect("its owner's alone");
        words.extend(["--srtp-keys", file]);
    }
    let ran = site.run("record", &words);
    // A file that breaks off is recorded as far as it goes, and the exit code tells.
    let broken = name == "corrupted_g722" && path.to_string_lossy().ends_with(".a.rtp");
    assert_eq!(ran.code, Some(i32::from(broken)), "{ran:?}");
    let listed = site.run("list", &["--json"]).json();
    // The damaged file has a foreign stream too.
    let is_mine =
        |r: &&Value| path.ends_with(r["tap"].as_str().expect("text")) && r["tracks"][0]["codec"] != "PT109";
    let mine = listed.as_array().expect("a list").iter().find(is_mine);
    mine.expect("recorded")["reference"].as_str().expect("text").to_owned()
}

/// The payloads of an AMXR export, one after the other.
fn unframed(bytes: &[u8]) -> Vec<u8> {
    let word = |at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let mut rest = &bytes[16 + word(12) + word(14)..];
    let mut payloads = Vec::new();
    while let Some((head, more)) = rest.split_first_chunk::<16>() {
        let length = u32::from_le_bytes([head[12], head[13], head[14], head[15]]) as usize;
        let (payload, after) = more.split_at(length);
        payloads.extend_from_slice(payload);
        rest = after;
    }
    payloads
}

/// The samples of each packet, out of our WAV. rtpproxy plays the two µ-law codes of zero as +2 and -2, against G.711: only
/// the octets can tell them apart.
fn as_rtpproxy_plays(codec: &str, octets: &[u8], wav: &Wav, places: &[(f64, usize, usize)]) -> Vec<i16> {
    assert_eq!((wav.rate_hz, wav.channels), (8_000, 1));
    let cut = |(_, from, ticks): &(f64, usize, usize)| wav.samples[*from..*from + *ticks].to_vec();
    let mut pcm: Vec<i16> = places.iter().flat_map(cut).collect();
    if codec == "ulaw" {
        for (sample, code) in pcm.iter_mut().zip(octets).filter(|(_, code)| **code | 0x80 == 0xff) {
            assert_eq!(*sample, 0, "G.711, table 2b");
            *sample = if *code == 0xff { 2 } else { -2 };
        }
    }
    pcm
}

/// G.729 as rtpproxy decodes it: by libbcg729, whose arithmetic is its own. Our WAV, whose arithmetic is the
/// Recommendation's, must be near.
fn by_bcg729(octets: &[u8], wav: &Wav) -> Option<Vec<i16>> {
    let framed: Vec<u8> = octets.chunks(10).flat_map(|frame| [&[10], frame].concat()).collect();
    let mut python = Command::new("python3");
    let said = piped(python.arg(root().join("tests/tools/bcg729.py")), framed)?;
    if said.status.code() == Some(3) {
        println!("skipped: no libbcg729 (Debian: libbcg729-0)");
        return None;
    }
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let pcm = samples(&said.stdout);
    let power = |pcm: &mut dyn Iterator<Item = f64>| pcm.map(|s| s * s).sum::<f64>();
    let difference = power(&mut pcm.iter().zip(&wav.samples).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    let near_db = 10.0 * (power(&mut pcm.iter().map(|s| f64::from(*s))) / difference.max(1.0)).log10();
    assert!(near_db > 30.0, "our WAV beside libbcg729: {near_db:.1} dB");
    Some(pcm)
}

/// G.722 as rtpproxy plays it: the lower band alone, at 8 kHz (ITU-T G.722, blocks 2L to 6L). Our WAV, which has both bands,
/// must be what ffmpeg makes of the same octets.
fn lower_band(octets: &[u8], wav: &Wav) -> Option<Vec<i16>> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-f", "g722", "-i", "-", "-f", "s16le", "-"]);
    let both = piped(&mut ffmpeg, octets.to_vec())?;
    assert!(samples(&both.stdout) == wav.samples, "our WAV is not what ffmpeg decodes");
    let mut band = LowerBand { scale: 32, ..LowerBand::default() };
    Some(octets.iter().map(|octet| band.step(*octet)).collect())
}

#[derive(Default)]
struct LowerBand {
    predicted: i32,
    predicted_zeros: i32,
    poles: [i32; 2],
    zeros: [i32; 6],
    differences: [i32; 6],
    signals: [i32; 2],
    negatives: [bool; 2],
    scale_log: i32,
    scale: i32,
}

impl LowerBand {
    fn step(&mut self, octet: u8) -> i16 {
        const FINE: [i32; 30] = [
            24_808, 21_904, 19_008, 16_704, 14_984, 13_512, 12_280, 11_192, 10_232, 9_360, 8_576, 7_856,
            7_192, 6_576, 6_000, 5_456, 4_944, 4_464, 4_008, 3_576, 3_168, 2_776, 2_400, 2_032, 1_688, 1_360,
            1_040, 728, 432, 136,
        ];
        const COARSE: [i32; 8] = [0, 20_456, 12_896, 8_968, 6_288, 4_240, 2_584, 1_200];
        const GROWTH: [i32; 8] = [-60, 3_042, 1_198, 538, 334, 172, 58, -30];
        // Four codes that no coder sends, 28 of negative and 30 of positive levels, and the two smallest negative ones.
        let code = usize::from(octet & 0x3f);
        let fine = match code {
            0..4 => -136,
            4..32 => -FINE[code - 4],
            32..62 => FINE[code - 32],
            _ => -FINE[code - 34],
        };
        let upper = code >> 2;
        let (coarse, growth) = match upper {
            0 | 15 => (0, -60),
            1..8 => (-COARSE[upper], GROWTH[upper]),
            _ => (COARSE[upper - 7], GROWTH[upper - 7]),
        };
        let out = (self.predicted + ((self.scale * fine) >> 15)).clamp(-16_384, 16_383) * 2;
        let difference = (self.scale * coarse) >> 15;
        self.scale_log = (((self.scale_log * 127) >> 7) + growth).clamp(0, 18_432);
        let power = (2_048.0 * 2f64.powf(f64::from(self.scale_log >> 6 & 31) / 32.0)).round() as i32;
        let whole = 8 - (self.scale_log >> 11);
        self.scale = if whole < 0 { power << -whole } else { power >> whole } << 2;
        self.adapt(difference);
        out as i16
    }

    fn adapt(&mut self, difference: i32) {
        let held = |value: i32| value.clamp(-32_768, 32_767);
        let signed = |like: bool, value: i32| if like { value } else { -value };
        let signal = held(self.predicted + difference);
        let negative = held(self.predicted_zeros + difference) < 0;
        let like = self.negatives.map(|before| before == negative);
        let [a1, a2] = self.poles;
        let toward = held(signed(!like[0], held(a1 << 2))) >> 7;
        let a2 = (toward + signed(like[1], 128) + ((a2 * 32_512) >> 15)).clamp(-12_288, 12_288);
        let most = 15_360 - a2;
        self.poles = [(signed(like[0], 192) + ((a1 * 32_640) >> 15)).clamp(-most, most), a2];
        for (zero, before) in self.zeros.iter_mut().zip(self.differences) {
            let gain = if difference == 0 { 0 } else { signed((before < 0) == (difference < 0), 128) };
            *zero = held(gain + ((*zero * 32_640) >> 15));
        }
        self.differences.rotate_right(1);
        self.differences[0] = difference;
        self.signals = [signal, self.signals[0]];
        self.negatives = [negative, self.negatives[0]];
        let product = |(a, b): (&i32, &i32)| (a * held(b * 2)) >> 15;
        self.predicted_zeros = held(self.zeros.iter().zip(&self.differences).map(product).sum());
        let by_poles: i32 = self.poles.iter().zip(&self.signals).map(product).sum();
        self.predicted = held(held(by_poles) + self.predicted_zeros);
    }
}

/// Both sides on one axis, the later one after as much silence, both of one length.
fn laid_out(a: &Side, o: &Side) -> (Vec<i16>, Vec<i16>) {
    let began_s = a.packets[0].0.min(o.packets[0].0);
    let placed = |side: &Side| {
        let mut out = vec![0; ((side.packets[0].0 - began_s) * 8_000.0) as usize];
        out.extend(side.played());
        out
    };
    let (mut a, mut o): (Vec<i16>, Vec<i16>) = (placed(a), placed(o));
    let len = a.len().max(o.len());
    a.resize(len, 0);
    o.resize(len, 0);
    (a, o)
}

/// One packet in a file.
struct Packet {
    came_s: f64,
    sequence: u16,
    ts: u32,
    payload_bytes: usize,
}

impl Packet {
    /// Reads an RTP packet, or one of SRTP whose tag has ten octets. These files have no extensions, sources or padding.
    fn new(came_s: f64, rtp: &[u8], tag_bytes: usize) -> Option<Self> {
        let head = rtp.first_chunk::<12>().filter(|head| head[0] == 0x80)?;
        let sequence = u16::from_be_bytes([head[2], head[3]]);
        let ts = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        Some(Self { came_s, sequence, ts, payload_bytes: rtp.len() - 12 - tag_bytes })
    }
}

/// The packets of rtpproxy's own format (20 octets of address, seconds as a double, length, the RTP packet) or of a pcap.
/// Packets without payload are left out, there is nothing to play. What follows damage is not read.
fn written(bytes: &[u8]) -> Vec<Packet> {
    let mut packets = Vec::new();
    if bytes.starts_with(&0xa1b2_c3d4u32.to_le_bytes()) {
        let mut rest = &bytes[24..];
        while let Some((head, more)) = rest.split_first_chunk::<16>() {
            let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
            let (frame, after) = more.split_at(number(8) as usize);
            let came_s = f64::from(number(0)) + f64::from(number(4)) / 1e6;
            packets.extend(Packet::new(came_s, &frame[14 + 20 + 8..], 10)); // Ethernet, IPv4, UDP
            rest = after;
        }
    } else {
        let mut rest = bytes;
        while let Some((head, more)) = rest.split_first_chunk::<30>() {
            let came_s = f64::from_le_bytes(*head[20..28].first_chunk().expect("eight octets"));
            let length = usize::from(u16::from_le_bytes([head[28], head[29]]));
            let Some((rtp, after)) = more.split_at_checked(length) else { break };
            let Some(packet) = Packet::new(came_s, rtp, 0) else { break };
            packets.push(packet);
            rest = after;
        }
    }
    packets.retain(|packet| packet.payload_bytes > 0);
    packets
}

/// Runs a program on this input; `None` and a word about it if it is not there.
fn piped(program: &mut Command, input: Vec<u8>) -> Option<std::process::Output> {
    let child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        println!("skipped: no {}", program.get_program().display());
        return None;
    };
    let mut stdin = child.stdin.take().expect("asked for");
    let feeder = std::thread::Builder::new().name("feeder".to_owned());
    // A program that ends early says so by its exit code.
    let feeder = feeder.spawn(move || drop(stdin.write_all(&input))).expect("a thread");
    let said = child.wait_with_output().expect("it ends");
    feeder.join().expect("it ends");
    Some(said)
}

fn samples(bytes: &[u8]) -> Vec<i16> {
    bytes.as_chunks::<2>().0.iter().map(|two| i16::from_le_bytes(*two)).collect()
}

/// The plain WAV head of 44 octets before 16-bit samples of 8 kHz.
fn with_head(data: &[u8], channels: u16) -> Vec<u8> {
    let len = u32::try_from(data.len()).expect("short");
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + len).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    wav.extend(channels.to_le_bytes());
    wav.extend(8_000u32.to_le_bytes());
    wav.extend((16_000 * u32::from(channels)).to_le_bytes());
    wav.extend((2 * channels).to_le_bytes());
    wav.extend(b"\x10\0data");
    wav.extend(len.to_le_bytes());
    wav.extend(data);
    wav
}

/// SHA-256 by the system's own program, another hand than ours.
fn sha256(bytes: &[u8]) -> String {
    let said = Ran::from(piped(&mut Command::new("sha256sum"), bytes.to_vec()).expect("coreutils"));
    said.out.split(' ').next().expect("a sum").to_owned()
}
