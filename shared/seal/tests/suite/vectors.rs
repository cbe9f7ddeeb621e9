//! Frozen files in `tests/vectors/seal`: fixed dice must give the same bytes for ever, and each file its outcome.
//!
//! `AMETHYST_BLESS=1 cargo test -p amethyst-seal` writes them anew; a change of one byte is a change of the format.

use std::io::Cursor;
use std::path::PathBuf;

use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{AeadInOut as _, KeyInit as _};
use hkdf::Hkdf;
use rand_core::TryRng as _;
use sha2::Sha256;

use seal::{
    FinalInfo, KeyId, KeyRing, Kind, Part, RecipientSecret, RecipientType, State, Survey, VerifyingKey,
    Writer,
};
use shared::{Event, GapCause, RunHead, UtcMicros};

use crate::build::{Dice, Keys, Sealing, chunk, day_key, known, meta, run, signing_key, spec, track};

/// Compares with the frozen file, or writes it when blessing.
pub(crate) fn frozen(name: &str, bytes: &[u8]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(name);
    if std::env::var_os("AMETHYST_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        return;
    }
    let kept = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert!(kept == bytes, "{name} differs from its frozen bytes");
}

/// What a reader with the keys and a judge without them say of a file, in one line.
fn outcome(bytes: &[u8]) -> String {
    let opened = match Part::open(Cursor::new(bytes.to_vec()), &Keys, RecipientType::X25519) {
        Ok(mut part) => {
            let state = format!("{:?}", part.state()).to_lowercase();
            match part.check() {
                Ok(()) => state,
                Err(e) => format!("{state}, then: {e}"),
            }
        }
        Err(e) => format!("refused: {e}"),
    };
    let report = seal::verify(bytes, &known).unwrap();
    let judged = if report.is_proven() {
        "proven".to_owned()
    } else {
        report.findings.iter().map(|f| format!("{} {}", f.offset, f.fault)).collect::<Vec<_>>().join("; ")
    };
    format!("opens: {opened} | verify: {judged}")
}

fn seconds(kind: RecipientType, seed: u64, n: u64) -> Sealing {
    let mut sealing = Sealing::begin(&spec(), kind, seed);
    sealing.meta(&[track(0, "PCMA", 8_000)]);
    // Short seconds keep the frozen files small: 400 ticks of each second, then silence of the sender.
    for second in 0..n {
        sealing.writer.begin_flush(second * 1_000_000);
        let gap = if second == 0 { 0 } else { 7_600 };
        let cause = if gap == 0 { GapCause::None } else { GapCause::SilenceSuppressed };
        let base = if second == 0 { 0 } else { (second - 1) * 8_000 + 400 };
        sealing.audio(chunk(0, base, &[run(gap, cause, 400, 400)]));
    }
    sealing
}

fn frames(runs: &[RunHead], codec: &str, clock_hz: u32) -> Vec<u8> {
    let mut sealing = Sealing::begin(&spec(), RecipientType::X25519, 20);
    sealing.meta(&[track(0, codec, clock_hz)]);
    sealing.writer.begin_flush(0);
    sealing.audio(chunk(0, 0, runs));
    sealing
        .bytes
        .extend(sealing.writer.event(&Event::new("digit", 5).text("digit", "1").on_track(0)).unwrap());
    sealing.close()
}

fn of_kind(kind: Kind) -> Vec<u8> {
    let spec = seal::PartSpec { kind, ..spec() };
    let mut sealing = Sealing::begin(&spec, RecipientType::XWing, 30 + kind as u64);
    sealing.bytes.extend(sealing.writer.meta(&meta(&[])).unwrap());
    sealing.bytes.extend(sealing.writer.data(b"opaque bytes").unwrap());
    sealing.close()
}

fn recovered(mut bytes: Vec<u8>) -> Vec<u8> {
    let survey = Survey::of(bytes.as_slice()).unwrap();
    bytes.truncate(survey.valid_end as usize);
    bytes.extend(survey.trailer(UtcMicros(9), &signing_key()));
    bytes
}

/// All good files by name.
fn good() -> Vec<(&'static str, Vec<u8>)> {
    let none = GapCause::None;
    let first = seconds(RecipientType::X25519, 9, 1).close_with("part-full", true);
    let prev_trailer = seal::trailer_digest(first.last_chunk().unwrap());
    let second_spec = seal::PartSpec { part: 1, prev_trailer, ..spec() };
    let mut second = Sealing::begin(&second_spec, RecipientType::X25519, 10);
    second.meta(&[track(0, "PCMA", 8_000)]);
    let restart = seal::PartSpec { after_restart: true, ..spec() };
    let mut restarted = Sealing::begin(&restart, RecipientType::X25519, 11);
    restarted.meta(&[track(0, "PCMA", 8_000)]);
    let mut stereo = Sealing::begin(&spec(), RecipientType::X25519, 12);
    stereo.meta(&[track(0, "PCMA", 8_000), track(1, "PCMA", 8_000)]);
    stereo.writer.begin_flush(0);
    stereo.audio(chunk(0, 0, &[run(0, none, 160, 160)]));
    stereo.audio(chunk(1, 0, &[run(0, none, 160, 160)]));
    stereo.meta(&[track(2, "G722", 8_000)]);
    stereo.audio(chunk(2, 160, &[run(0, none, 160, 160)]));
    let mut damaged = seconds(RecipientType::X25519, 13, 4).bytes;
    let middle = damaged.len() - 700;
    damaged[middle] ^= 1;
    vec![
        ("empty-xwing.amx", {
            let mut s = Sealing::begin(&spec(), RecipientType::XWing, 1);
            s.meta(&[]);
            s.close()
        }),
        ("three-seconds-xwing.amx", seconds(RecipientType::XWing, 2, 3).close()),
        ("three-seconds-x25519.amx", seconds(RecipientType::X25519, 3, 3).close()),
        ("stereo-codec-change.amx", stereo.close()),
        ("unfinished.amx", seconds(RecipientType::X25519, 4, 2).bytes),
        ("recovered.amx", recovered(seconds(RecipientType::X25519, 5, 2).bytes)),
        ("damaged-inside.amx", recovered(damaged)),
        ("part-0.amx", first),
        ("part-1.amx", second.close()),
        ("after-restart.amx", restarted.close()),
        ("kind-1-day-catalogue.amx", of_kind(Kind::DayCatalogue)),
        ("kind-2-database.amx", of_kind(Kind::DatabaseBackup)),
        ("kind-3-configuration.amx", of_kind(Kind::ConfigurationBackup)),
        ("kind-4-listening-log.amx", of_kind(Kind::ListeningLog)),
        ("runs-contiguous.amx", frames(&[run(0, none, 160, 160)], "PCMA", 8_000)),
        ("runs-each-cause.amx", {
            let of = |n: u8| run(80, GapCause::from_number(n).unwrap(), 80, 80);
            frames(&[of(0), of(1), of(2), of(3), of(4), of(5)], "PCMA", 8_000)
        }),
        ("runs-adjoining-gaps.amx", {
            frames(
                &[run(160, GapCause::Paused, 0, 0), run(160, GapCause::LostInNetwork, 160, 160)],
                "PCMA",
                8_000,
            )
        }),
        (
            "runs-open-gap.amx",
            frames(&[run(0, none, 160, 160), run(8_000, GapCause::Paused, 0, 0)], "PCMA", 8_000),
        ),
        ("runs-g722-second.amx", frames(&[run(0, none, 8_000, 8_000)], "G722", 8_000)),
        ("runs-opus.amx", frames(&[run(0, none, 960, 60), run(0, none, 960, 3)], "opus", 48_000)),
        ("runs-l16.amx", frames(&[run(0, none, 400, 1_600)], "L16", 44_100)),
    ]
}

/// One file per way to break, made from a good one by `change`.
fn broken() -> Vec<(String, Vec<u8>)> {
    let whole = seconds(RecipientType::X25519, 3, 3).close();
    let other = seconds(RecipientType::X25519, 40, 3).close();
    let at = |offset: usize| {
        let mut bytes = whole.clone();
        bytes[offset] ^= 1;
        bytes
    };
    let fields = [
        ("magic", 0),
        ("header-len", 9),
        ("suite", 10),
        ("flags", 11),
        ("max-frame", 12),
        ("recording-id", 16),
        ("site-id", 32),
        ("recorder-id", 48),
        ("start", 64),
        ("day", 72),
        ("part", 76),
        ("kind", 78),
        ("reserved-79", 79),
        ("prev-trailer", 80),
        ("salt", 112),
        ("commitment", 144),
        ("signer", 176),
        ("n-recipients", 184),
        ("reserved-186", 186),
        ("recipient-type", 192),
        ("recipient-reserved", 193),
        ("recipient-len", 194),
        ("key-id", 196),
        ("enc", 204),
        ("ct", 236),
        ("padding", 300),
        ("mac", 480),
    ];
    let mut all: Vec<_> =
        fields.iter().map(|(name, offset)| (format!("header-{name}"), at(*offset))).collect();
    let starts = frame_starts(&whole);
    let audio = starts[1]..starts[2];
    let second = starts[2]..starts[3];
    all.push(("frame-tag".into(), at(audio.end - 1)));
    all.push(("frame-head".into(), at(audio.start + 5)));
    all.push(("frames-swapped".into(), {
        [&whole[..audio.start], &whole[second.clone()], &whole[audio.clone()], &whole[second.end..]].concat()
    }));
    all.push(("frame-missing".into(), [&whole[..audio.start], &whole[audio.end..]].concat()));
    all.push(("frame-of-another-file".into(), {
        [&whole[..audio.start], &other[audio.clone()], &whole[audio.end..]].concat()
    }));
    all.push(("trailer-cut".into(), whole[..whole.len() - 1].to_vec()));
    all.push(("trailer-missing".into(), whole[..whole.len() - 256].to_vec()));
    all.push(("trailer-reserved".into(), at(whole.len() - 100)));
    all.push(("trailer-signature".into(), at(whole.len() - 1)));
    all.push(("mixed-recipients".into(), mixed_recipients()));
    all.push(("bytes-appended".into(), [whole.as_slice(), b"x"].concat()));
    all
}

/// A recovered part whose one AUDIO frame holds `plain`, whole and authentic: as a faulty sealer would write it. The file
/// key is what the fixed dice give first.
fn sealed_nonsense(plain: &[u8], media_us: u64, duration_us: u32) -> Vec<u8> {
    let mut sealing = Sealing::begin(&spec(), RecipientType::X25519, 50);
    sealing.meta(&[track(0, "PCMA", 8_000)]);
    let mut bytes = sealing.bytes;
    let mut dek = [0; 32];
    Dice::new(50).try_fill_bytes(&mut dek).unwrap();
    let okm_info = [b"amethyst/seal/payload/v1\0".as_slice(), &bytes[..144]].concat();
    let mut okm = [0; 88];
    Hkdf::<Sha256>::from_prk(&dek).unwrap().expand(&okm_info, &mut okm).unwrap();
    let mut nonce: [u8; 24] = okm[32..56].try_into().unwrap();
    nonce[23] ^= 1; // frame 1
    let mut head = b"AMXF\x02\x00\x00\x00".to_vec();
    head.extend((plain.len() as u32 + 16).to_le_bytes());
    head.extend(1_u32.to_le_bytes());
    head.extend(media_us.to_le_bytes());
    head.extend(duration_us.to_le_bytes());
    let aad = [&bytes[480..512], &head].concat();
    let mut ct = plain.to_vec();
    let cipher = XChaCha20Poly1305::new_from_slice(&okm[..32]).unwrap();
    let tag = cipher.encrypt_inout_detached(&nonce.into(), &aad, ct.as_mut_slice().into()).unwrap();
    ct.extend(tag);
    let crc = crc32c::crc32c_append(crc32c::crc32c(&head), &ct);
    bytes.extend(head);
    bytes.extend(crc.to_le_bytes());
    bytes.extend(ct);
    recovered(bytes)
}

/// Authentic frames whose run lists break one rule each.
fn nonsense() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("long-varint", sealed_nonsense(&[0x80, 0, 0, 0, 1, 1, 9], 0, 125)),
        ("trailing-run-bytes", sealed_nonsense(&[0, 0, 0, 1, 1, 9, 7], 0, 125)),
        ("cause-without-gap", sealed_nonsense(&[0, 0, 1, 1, 1, 9], 0, 125)),
        ("unknown-cause", sealed_nonsense(&[0, 1, 6, 1, 1, 9], 0, 250)),
        ("samples-without-bytes", sealed_nonsense(&[0, 0, 0, 1, 0], 0, 125)),
        ("open-gap-not-last", sealed_nonsense(&[0, 1, 1, 0, 0, 0, 0, 1, 1, 9], 0, 250)),
        ("over-a-second", sealed_nonsense(&[0, 0, 0, 0xc1, 0x3e, 1, 9], 0, 1_000_125)),
        ("no-run", sealed_nonsense(&[0], 0, 0)),
        ("head-time-wrong", sealed_nonsense(&[0, 0, 0, 1, 1, 9], 5, 125)),
        ("head-duration-wrong", sealed_nonsense(&[0, 0, 0, 1, 1, 9], 0, 126)),
    ]
}

/// A header with one recipient of each kind, every length right.
fn mixed_recipients() -> Vec<u8> {
    let weak = Sealing::begin(&spec(), RecipientType::X25519, 51).bytes;
    let strong = Sealing::begin(&spec(), RecipientType::XWing, 51).bytes;
    let mut bytes = [&weak[..192], &weak[192..284], &strong[192..1_372]].concat();
    bytes.resize(1_536, 0);
    bytes[8..10].copy_from_slice(&1_536_u16.to_le_bytes());
    bytes[184] = 2;
    bytes
}

/// Where frames begin, then where the trailer does.
fn frame_starts(bytes: &[u8]) -> Vec<usize> {
    let mut at = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let mut starts = vec![at];
    while bytes[at..].starts_with(b"AMXF") {
        at += 32 + u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap()) as usize;
        starts.push(at);
    }
    starts
}

#[test]
fn good_and_broken_files_are_frozen_with_their_outcomes() {
    let mut manifest =
        String::from("# file | what a reader with the keys says | what `verify` says without them\n");
    for (name, bytes) in good() {
        let says = outcome(&bytes);
        assert!(!says.contains("refused") && !says.contains("then:"), "{name}: {says}");
        frozen(&format!("seal/good/{name}"), &bytes);
        manifest += &format!("good/{name} | {says}\n");
    }
    for (name, bytes) in broken() {
        let says = outcome(&bytes);
        assert!(!says.contains("proven"), "{name}: {says}");
        assert!(!says.contains("opens: complete |"), "{name}: {says}");
        frozen(&format!("seal/broken/{name}.amx"), &bytes);
        manifest += &format!("broken/{name}.amx | {says}\n");
    }
    for (name, bytes) in nonsense() {
        let says = outcome(&bytes);
        assert!(says.contains("opens but holds nonsense"), "{name}: {says}");
        frozen(&format!("seal/nonsense/{name}.amx"), &bytes);
        manifest += &format!("nonsense/{name}.amx | {says}\n");
    }
    frozen("seal/outcomes.txt", manifest.as_bytes());
}

#[test]
fn a_weaker_recipient_than_the_site_allows_is_refused_before_any_key_is_asked() {
    struct Nobody;
    impl KeyRing for Nobody {
        fn secret(&self, _: KeyId) -> Option<RecipientSecret> {
            panic!("no key may be asked for")
        }
        fn verifying_key(&self, _: KeyId) -> Option<VerifyingKey> {
            None
        }
    }
    let bytes = seconds(RecipientType::X25519, 3, 1).close();
    let error = Part::open(Cursor::new(bytes), &Nobody, RecipientType::XWing).err().unwrap();
    assert!(matches!(error, seal::SealError::BelowMinSuite { found: 1, min: 2 }), "{error}");
}

#[test]
fn recipients_of_two_kinds_are_refused() {
    let both = [day_key(RecipientType::X25519), day_key(RecipientType::XWing)];
    assert!(Writer::begin(&spec(), &both, signing_key().key_id(), &mut Dice::new(1)).is_err());
    assert!(Writer::begin(&spec(), &[], signing_key().key_id(), &mut Dice::new(1)).is_err());
}

#[test]
fn cut_at_every_byte_a_file_is_never_complete_and_never_panics() {
    let bytes = seconds(RecipientType::X25519, 3, 3).close();
    for len in 0..bytes.len() {
        let cut = &bytes[..len];
        assert!(!seal::verify(cut, &known).unwrap().is_sound(), "verify at {len}");
        match Part::open(Cursor::new(cut), &Keys, RecipientType::X25519) {
            Ok(mut part) => {
                assert_ne!(part.state(), State::Complete, "at {len}");
                part.check().unwrap();
            }
            Err(_) => assert!(len < 512, "with a whole header it opens, at {len}"),
        }
        if let Ok(survey) = Survey::of(cut) {
            assert!(survey.trailer.is_none() && survey.damaged_places == 0, "survey at {len}");
            assert_eq!(survey.valid_end + survey.torn_bytes, len as u64);
        }
    }
}

#[test]
fn each_flipped_bit_is_noticed_with_and_without_the_key() {
    let bytes = seconds(RecipientType::X25519, 3, 2).close();
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1 << (at % 8);
        assert!(!seal::verify(altered.as_slice(), &known).unwrap().is_proven(), "verify at {at}");
        if let Ok(mut part) = Part::open(Cursor::new(altered), &Keys, RecipientType::X25519) {
            let whole = part.state() == State::Complete && part.check().is_ok();
            // A frame's own damage shows when it is read; the signer of a trailer may become unknown.
            let known_signer = matches!(part.signer(), Some(seal::Signer::Good(_)));
            assert!(!(whole && known_signer), "open at {at}");
        }
    }
}

#[test]
fn recovery_without_a_key_keeps_what_is_whole() {
    let bytes = seconds(RecipientType::X25519, 6, 3).close();
    let starts = frame_starts(&bytes);
    for cut in [starts[2], starts[2] + 31, starts[3] - 1, starts[3]] {
        let closed = recovered(bytes[..cut].to_vec());
        let mut part = Part::open(Cursor::new(&closed), &Keys, RecipientType::X25519).unwrap();
        assert_eq!(part.state(), State::Recovered);
        part.check().unwrap();
        let samples: u64 = part.runs(0, 0..u64::MAX).unwrap().map(|r| r.unwrap().samples).sum();
        assert_eq!(samples, if cut == starts[3] { 800 } else { 400 }, "cut at {cut}");
        assert!(seal::verify(closed.as_slice(), &known).unwrap().is_proven());
    }
}

#[test]
fn damage_inside_is_shown_as_lost_by_the_recorder() {
    let mut bytes = seconds(RecipientType::X25519, 7, 3).bytes;
    let starts = frame_starts(&[bytes.as_slice(), &[0; 4]].concat());
    bytes[starts[2] + 40] ^= 1;
    let closed = recovered(bytes);
    let mut part = Part::open(Cursor::new(&closed), &Keys, RecipientType::X25519).unwrap();
    assert_eq!(part.state(), State::DamagedInside);
    let runs: Vec<_> = part.runs(0, 0..u64::MAX).unwrap().map(|r| r.unwrap()).collect();
    let seen: Vec<_> = runs.iter().map(|r| (r.pos, r.gap_samples, r.cause, r.samples)).collect();
    let silence = GapCause::SilenceSuppressed;
    let lost = GapCause::LostByRecorder;
    assert_eq!(seen, [(0, 0, GapCause::None, 400), (8_400, 8_000, lost, 0), (16_000, 7_600, silence, 400)]);
}

#[test]
fn with_final_or_index_damaged_the_audio_is_still_there_but_never_whole() {
    let bytes = seconds(RecipientType::X25519, 3, 3).close();
    let starts = frame_starts(&bytes);
    for frame in [starts.len() - 3, starts.len() - 2] {
        let mut altered = bytes.clone();
        altered[starts[frame] + 40] ^= 1;
        let mut part = Part::open(Cursor::new(altered), &Keys, RecipientType::X25519).unwrap();
        assert_eq!(part.state(), State::DamagedInside);
        let samples: u64 = part.runs(0, 0..u64::MAX).unwrap().map(|r| r.unwrap().samples).sum();
        assert_eq!(samples, 1_200, "frame {frame}");
    }
}

#[test]
fn a_writer_refuses_what_the_format_forbids() {
    let fresh = || {
        let mut s = Sealing::begin(&spec(), RecipientType::X25519, 8);
        assert!(s.writer.audio(chunk(0, 0, &[run(0, GapCause::None, 1, 1)])).is_err(), "before META");
        s.meta(&[track(0, "PCMA", 8_000)]);
        s.audio(chunk(0, 0, &[run(0, GapCause::None, 80, 80)]));
        s
    };
    let lost = GapCause::LostInNetwork;
    let refused: Vec<(&str, shared::Chunk)> = vec![
        ("base", chunk(0, 81, &[run(0, GapCause::None, 80, 80)])),
        ("unknown track", chunk(1, 0, &[run(0, GapCause::None, 80, 80)])),
        ("no run", chunk(0, 80, &[])),
        ("cause without gap", chunk(0, 80, &[run(0, lost, 80, 80)])),
        ("samples without bytes", chunk(0, 80, &[run(0, GapCause::None, 80, 0)])),
        ("bytes without samples", chunk(0, 80, &[run(5, lost, 0, 80)])),
        ("empty", chunk(0, 80, &[run(0, GapCause::None, 0, 0)])),
        ("two open gaps of one cause", chunk(0, 80, &[run(5, lost, 0, 0), run(5, lost, 0, 0)])),
        ("over a second", chunk(0, 80, &[run(0, GapCause::None, 8_001, 10)])),
        ("over ten seconds", chunk(0, 80, &[run(80_001, lost, 0, 0)])),
        ("over 65,536 bytes", chunk(0, 80, &[run(0, GapCause::None, 80, 65_540)])),
    ];
    for (why, chunk) in refused {
        let mut sealing = fresh();
        let before = (sealing.writer.offset(), sealing.writer.frames());
        assert!(sealing.writer.audio(chunk).is_err(), "{why}");
        assert_eq!((sealing.writer.offset(), sealing.writer.frames()), before, "{why}");
        let end = sealing.close();
        assert!(
            seal::verify(end.as_slice(), &known).unwrap().is_proven(),
            "{why}: the part goes on unharmed"
        );
    }
    let writer = Sealing::begin(&spec(), RecipientType::X25519, 8).writer;
    assert!(writer.close(FinalInfo::default()).is_err(), "without META");
}
