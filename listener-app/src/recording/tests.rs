//! Recordings of several parts, over midnight: what hangs together is one, what is missing is said, what was put there is refused.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::convert::Infallible;
use std::fs;
use std::path::PathBuf;

use archive::certs::{Cert, Certs, Claim, Role};
use archive::{DaySecret, SiteJson, VaultContents};
use audio::Legs;
use rand_core::TryRng;
use seal::{FinalInfo, Meta, PartSpec, RecipientSecret, RecipientType, SigningKey, Writer};
use shared::{Chunk, FrameBuf, GapCause, RecorderId, RunHead, SiteId, Track, Zone};

use super::*;

const ID: RecordingId = RecordingId([3; 16]);
const SITE: SiteId = SiteId([7; 16]);

struct Dice(u8);

impl TryRng for Dice {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> std::result::Result<u32, Infallible> {
        self.try_next_u64().map(|n| u32::try_from(n >> 32).unwrap_or(0))
    }
    fn try_next_u64(&mut self) -> std::result::Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(1);
        Ok(u64::from_le_bytes([self.0; 8]))
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> std::result::Result<(), Infallible> {
        self.0 = self.0.wrapping_add(1);
        out.fill(self.0);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Dice {}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn recorder() -> SigningKey {
    SigningKey::from_seed(&[5; 32])
}

fn secret() -> RecipientSecret {
    RecipientSecret::from_seed(RecipientType::X25519, [9; 32])
}

/// An archive without a login of its own, and the session that a login would have given.
struct World {
    folder: tempfile::TempDir,
    session: Session,
}

impl World {
    fn new() -> Self {
        let root = SigningKey::from_seed(&[1; 32]);
        let central = SigningKey::from_seed(&[2; 32]);
        let site = SiteJson {
            site_id: SITE,
            zone: Zone::named("UTC").unwrap(),
            root_key: root.verifying_key(),
            recovery_key: RecipientSecret::from_seed(RecipientType::XWing, [4; 32]).public().unwrap(),
            min_suite: RecipientType::X25519,
            commissioned: day("2026-11-01"),
        };
        let claim = |role, key: &SigningKey| Claim {
            role,
            subject: RecorderId([5; 16]),
            name: "test".into(),
            key: key.verifying_key(),
            not_before: UtcMicros(0),
            not_after: UtcMicros(i64::MAX),
        };
        let certs = vec![
            Cert::sign(claim(Role::Central, &central), &SITE, &root),
            Cert::sign(claim(Role::Recorder, &recorder()), &SITE, &central),
        ];
        let certs = Certs::new(SITE, 1, certs, &site.root_key).unwrap();
        let key_id = secret().public().unwrap().key_id();
        let days = vec![DaySecret { day: day("2026-11-22"), key_id, secret: secret() }];
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("keys")).unwrap();
        fs::write(folder.path().join("site.json"), site.to_bytes()).unwrap();
        let session = Session::made(site, certs, VaultContents { days, ..VaultContents::default() });
        Self { folder, session }
    }

    fn location(&self) -> Location {
        Location::open(self.folder.path()).unwrap()
    }

    /// Writes part `n` as the recorder seals it, and returns its place and what the next one must name.
    fn put(&self, n: u16, before: [u8; 32], goes_on: bool, by: &SigningKey) -> (PathBuf, [u8; 32]) {
        // 23:59:59 and one second more for each part.
        let start = self
            .session
            .site
            .zone
            .start_of(day("2026-11-23"))
            .unwrap()
            .plus(i64::from(n) * 1_000_000 - 1_000_000);
        let on = self.session.site.zone.day_of(start);
        let spec = PartSpec {
            recording_id: ID,
            site_id: SITE,
            recorder_id: RecorderId([5; 16]),
            start,
            day: on,
            part: n,
            kind: Kind::Recording,
            after_restart: false,
            prev_trailer: before,
        };
        let to = secret().public().unwrap();
        let dice = u8::try_from(n).unwrap() * 50;
        let (mut writer, mut bytes) = Writer::begin(&spec, &[to], by.key_id(), &mut Dice(dice)).unwrap();
        let track =
            Track { codec: "PCMU".into(), clock_hz: 8_000, channels: 1, joinable: true, ..Track::default() };
        bytes.extend(writer.meta(&Meta { tracks: vec![track], ..Meta::default() }).unwrap());
        let run = RunHead { gap_samples: 0, cause: GapCause::None, samples: 8_000, len: 8_000 };
        let mut buf = FrameBuf::default();
        buf.push(&[0x10 + u8::try_from(n).unwrap(); 8_000]);
        let chunk = Chunk { track: 0, base_samples: 0, runs: vec![run], buf };
        bytes.extend_from_slice(writer.audio(chunk).unwrap().bytes());
        let end = start.plus(1_000_000);
        let (last, closing) =
            writer.close(FinalInfo { end, reason: "bye".into(), ..FinalInfo::default() }).unwrap();
        bytes.extend(last);
        let trailer = closing.trailer(goes_on, end, by);
        bytes.extend(trailer);
        let name = seal::file_name(self.session.site.zone.hms_of(start), &ID, n);
        let folder = self.folder.path().join(format!("{on}/rec/{}a", &name[..2]));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(&name), bytes).unwrap();
        (folder.join(name), trailer_digest(&trailer))
    }

    /// Three seconds in three parts, of which two lie in the next day.
    fn three(&self) -> [PathBuf; 3] {
        let (first, digest) = self.put(0, [0; 32], true, &recorder());
        let (second, digest) = self.put(1, digest, true, &recorder());
        [first, second, self.put(2, digest, false, &recorder()).0]
    }

    fn open(&self, path: &std::path::Path) -> Result<Opened> {
        let within = path.strip_prefix(self.folder.path()).ok().and_then(std::path::Path::to_str);
        let (on, path) =
            within.and_then(|path| path.split_once('/')).expect("it lies in a day of this archive");
        open(&self.location(), &self.session, day(on), ID, path)
    }
}

#[test]
fn parts_over_midnight_are_one_recording_from_whichever_day_it_is_opened() {
    let world = World::new();
    for path in world.three() {
        let mut opened = world.open(&path).unwrap();
        assert_eq!((opened.parts.len(), opened.integrity), (3, Integrity::Sealed));
        assert_eq!(opened.sealed.length_us(), 3_000_000);
        let shape = opened.sealed.shape(Legs::Both, None).unwrap();
        let (pcm, report) = opened.sealed.block(&shape, 0).unwrap();
        assert_eq!((pcm.len(), report.unknown_frames), (24_000, 0));
        assert!(pcm[0] != pcm[8_000] && pcm[8_000] != pcm[16_000], "each second says its own");
    }
}

#[test]
fn a_part_that_is_missing_is_said_and_one_of_another_hand_is_refused() {
    let world = World::new();
    let [first, second, third] = world.three();
    for (missing, from, parts) in [(&third, &first, 2), (&second, &first, 1), (&first, &third, 2)] {
        let kept = fs::read(missing).unwrap();
        fs::remove_file(missing).unwrap();
        let opened = world.open(from).unwrap();
        assert_eq!((opened.parts.len(), opened.integrity), (parts, Integrity::Incomplete), "{missing:?}");
        fs::write(missing, kept).unwrap();
    }
    let why = |from: &PathBuf| world.open(from).map(drop).unwrap_err().to_string();
    let kept = fs::read(&second).unwrap();
    world.put(1, [8; 32], true, &recorder());
    assert!(why(&first).contains("does not continue the part before it"));
    world.put(1, [8; 32], true, &SigningKey::from_seed(&[6; 32]));
    assert!(why(&first).contains("which the site never certified"));
    fs::copy(&first, &second).unwrap();
    assert!(why(&first).contains("another recording under this name"));
    fs::write(&second, kept).unwrap();
    assert_eq!(world.open(&first).unwrap().integrity, Integrity::Sealed);
    // Its end cut off: unfinished, and what should follow is not looked for.
    let whole = fs::read(&third).unwrap();
    fs::write(&third, &whole[..whole.len() - 256]).unwrap();
    assert_eq!(world.open(&first).unwrap().integrity, Integrity::Unfinished);
}

#[test]
fn what_was_destroyed_on_purpose_stays_closed_although_its_key_is_here() {
    let mut world = World::new();
    let [first, ..] = world.three();
    let key_id = secret().public().unwrap().key_id();
    let days = vec![DaySecret { day: day("2026-11-22"), key_id, secret: secret() }];
    let tombstones = [(ID, day("2026-11-22"))].into();
    let contents = VaultContents { days, tombstones, ..VaultContents::default() };
    world.session = Session::made(world.session.site.clone(), world.session.certs.clone(), contents);
    assert!(matches!(world.open(&first), Err(Refusal::Tombstone(ID))));
    let shredded = [(key_id, day("2026-11-22"))].into();
    let contents = VaultContents { shredded, ..VaultContents::default() };
    world.session = Session::made(world.session.site.clone(), world.session.certs.clone(), contents);
    assert!(matches!(world.open(&first), Err(Refusal::Shredded(on)) if on == day("2026-11-22")));
}
