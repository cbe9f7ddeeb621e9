//! What the tests build parts with: fixed dice, fixed keys, a call of two legs.

use std::convert::Infallible;
use std::io::Cursor;

use seal::{
    FinalInfo, KeyId, KeyRing, Kind, Meta, Part, PartSpec, RecipientKey, RecipientSecret, RecipientType,
    SigningKey, VerifyingKey, Writer,
};
use sha2::{Digest as _, Sha256};
use shared::{
    Chunk, Day, FrameBuf, GapCause, RecorderId, RecordingId, Role, RunHead, SiteId, Track, UtcMicros,
};

/// Dice that always fall the same way: SHA-256 of a seed and a counter.
pub(crate) struct Dice(pub(crate) u64, u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed, 0)
    }
}

impl rand_core::TryRng for Dice {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        for chunk in dst.chunks_mut(32) {
            self.1 += 1;
            let block = Sha256::digest([self.0.to_le_bytes(), self.1.to_le_bytes()].concat());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Dice {}

pub(crate) fn signing_key() -> SigningKey {
    SigningKey::from_seed(&[0x51; 32])
}

pub(crate) fn day_secret(kind: RecipientType) -> RecipientSecret {
    RecipientSecret::from_seed(kind, std::array::from_fn(|i| i as u8))
}

pub(crate) fn day_key(kind: RecipientType) -> RecipientKey {
    day_secret(kind).public().unwrap()
}

/// Knows the day keys of both kinds and the signing key of the tests.
pub(crate) struct Keys;

impl KeyRing for Keys {
    fn secret(&self, id: KeyId) -> Option<RecipientSecret> {
        [RecipientType::XWing, RecipientType::X25519]
            .into_iter()
            .find(|k| day_key(*k).key_id() == id)
            .map(day_secret)
    }

    fn verifying_key(&self, id: KeyId) -> Option<VerifyingKey> {
        known(id)
    }
}

pub(crate) fn known(id: KeyId) -> Option<VerifyingKey> {
    Some(signing_key().verifying_key()).filter(|k| k.key_id() == id)
}

pub(crate) fn spec() -> PartSpec {
    PartSpec {
        recording_id: RecordingId([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
        site_id: SiteId([0xaa; 16]),
        recorder_id: RecorderId([0xbb; 16]),
        start: UtcMicros(1_795_357_353_000_000), // 2026-11-22T14:22:33Z
        day: Day::from_yyyymmdd(20_261_122).unwrap(),
        part: 0,
        kind: Kind::Recording,
        after_restart: false,
        prev_trailer: [0; 32],
    }
}

pub(crate) fn track(number: u8, codec: &str, clock_hz: u32) -> Track {
    let role = if number.is_multiple_of(2) { Role::Near } else { Role::Far };
    let joinable = matches!(codec, "PCMU" | "PCMA" | "G722" | "L16");
    let codec = codec.to_owned();
    Track { track: number, leg: number % 2, role, codec, clock_hz, channels: 1, joinable, ..Track::default() }
}

pub(crate) fn meta(tracks: &[Track]) -> Meta {
    Meta { tracks: tracks.to_vec(), call_ids: vec!["call@example".into()], ..Meta::default() }
}

/// Payload that differs at every position and track.
pub(crate) fn payload(track: u8, pos: u64, len: u32) -> Vec<u8> {
    (0..u64::from(len))
        .map(|i| (pos.wrapping_add(i).wrapping_mul(31) as u8) ^ track.wrapping_mul(85))
        .collect()
}

pub(crate) fn run(gap_samples: u64, cause: GapCause, samples: u64, len: u32) -> RunHead {
    RunHead { gap_samples, cause, samples, len }
}

pub(crate) fn chunk(track: u8, base_samples: u64, runs: &[RunHead]) -> Chunk {
    let mut buf = FrameBuf::default();
    let mut at = base_samples;
    for run in runs {
        at += run.gap_samples;
        buf.push(&payload(track, at, run.len));
        at += run.samples;
    }
    Chunk { track, base_samples, runs: runs.to_vec(), buf }
}

/// A writer and the bytes it made so far.
pub(crate) struct Sealing {
    pub(crate) writer: Writer,
    pub(crate) bytes: Vec<u8>,
}

impl Sealing {
    pub(crate) fn begin(spec: &PartSpec, kind: RecipientType, seed: u64) -> Self {
        let (writer, bytes) =
            Writer::begin(spec, &[day_key(kind)], signing_key().key_id(), &mut Dice::new(seed)).unwrap();
        Self { writer, bytes }
    }

    pub(crate) fn meta(&mut self, tracks: &[Track]) {
        self.bytes.extend(self.writer.meta(&meta(tracks)).unwrap());
    }

    pub(crate) fn audio(&mut self, chunk: Chunk) {
        let sealed = self.writer.audio(chunk).unwrap();
        self.bytes.extend_from_slice(sealed.bytes());
    }

    /// One second of G.711 on each track, as one flush.
    pub(crate) fn second(&mut self, tracks: &[u8], second: u64) {
        self.writer.begin_flush(second * 1_000_000);
        for track in tracks {
            self.audio(chunk(*track, second * 8_000, &[run(0, GapCause::None, 8_000, 8_000)]));
        }
    }

    pub(crate) fn close(self) -> Vec<u8> {
        self.close_with("bye", false)
    }

    pub(crate) fn close_with(self, reason: &str, continued: bool) -> Vec<u8> {
        let Self { writer, mut bytes } = self;
        let end = UtcMicros(writer.spec().start.0 + 3_000_000);
        let info = FinalInfo { end, reason: reason.into(), ..FinalInfo::default() };
        let (last, closing) = writer.close(info).unwrap();
        bytes.extend(last);
        assert_eq!(closing.facts().body_len, bytes.len() as u64);
        bytes.extend(closing.trailer(continued, end, &signing_key()));
        bytes
    }
}

pub(crate) fn open(bytes: &[u8]) -> seal::Result<Part<Cursor<Vec<u8>>>> {
    Part::open(Cursor::new(bytes.to_vec()), &Keys, RecipientType::X25519)
}
