//! The way of a listener: from the login that was read out over the telephone to the sound.

use std::io::Cursor;

use daily_login::LoginError;
use seal::{
    FinalInfo, KeyId, KeyRing, Kind, Meta, Part, PartSpec, RecipientSecret, SigningKey, VerifyingKey, Writer,
};
use shared::{Chunk, FrameBuf, GapCause, RecordingId, RunHead, Track};

use super::*;

#[test]
fn the_password_of_a_day_opens_a_recording_of_that_day_and_none_of_the_next() {
    let mut site = Site::new("2026-11-01").with_days("2026-11-20", 5);
    let today = day("2026-11-22");
    let night = site.night(today, 3, 31, None, usize::MAX);
    let noon = |n| site.card.zone.start_of(day(n)).unwrap().plus(43_200_000_000);
    for lane in [Lane::Admin, Lane::Helpdesk] {
        let plain = listen(&night, &site, lane, today, noon("2026-11-22")).unwrap();
        let contents = VaultContents::parse(&plain).unwrap();
        let ring = Ring(&contents);
        assert_eq!(sealed(&site, day("2026-11-22")).opened_by(&ring), Some(said()));
        assert_eq!(sealed(&site, day("2026-11-20")).opened_by(&ring), Some(said()));
        assert_eq!(sealed(&site, day("2026-11-23")).opened_by(&ring), None);
    }
    // A login of tomorrow opens tomorrow, also what was written today; today's opens nothing tomorrow.
    assert!(listen(&night, &site, Lane::Helpdesk, day("2026-11-23"), noon("2026-11-23")).is_ok());
    let late = listen(&night, &site, Lane::Helpdesk, today, noon("2026-11-23"));
    assert!(matches!(late, Err(KeyFilesError::Login(LoginError::OtherDay(day))) if day == today));
}

/// Test 2 of the scheme: nothing but mathematics stands between yesterday's password and today's vault.
#[test]
fn the_slot_of_a_day_opens_no_vault_of_the_next_day_even_without_the_check() {
    let mut site = Site::new("2026-11-01").with_days("2026-11-20", 5);
    let (today, tomorrow) = (day("2026-11-22"), day("2026-11-23"));
    let old = site.night(today, 3, 31, None, usize::MAX);
    let new = site.night(tomorrow, 4, 31, None, usize::MAX);
    let typed = site.secrets().lane(Lane::Admin).unwrap().credentials(today);
    let slots = SlotFile::parse(&file(&old, "keys/slots-").bytes).unwrap();
    let slot = slots.find(typed.login, site.card.zone.start_of(today).unwrap()).unwrap();
    let chain = slot.open(slots.head(), typed.login, &typed.password, None).unwrap();
    let vault = KeyVault::parse(&file(&new, "keys/keyvault-").bytes).unwrap();
    assert_eq!(vault.open(&chain).err(), Some(LoginError::TooNew(tomorrow)));
    let disguised = daily_login::ChainKey::new(tomorrow, Zeroizing::new(*chain.expose()));
    assert_eq!(vault.open(&disguised).err(), Some(LoginError::WrongPassword));
}

struct Ring<'a>(&'a VaultContents);

impl KeyRing for Ring<'_> {
    fn secret(&self, id: KeyId) -> Option<RecipientSecret> {
        let day = self.0.days.iter().find(|day| day.key_id == id)?;
        Some(RecipientSecret::from_seed(day.secret.kind(), *day.secret.expose()))
    }

    fn verifying_key(&self, id: KeyId) -> Option<VerifyingKey> {
        let own = recorder().verifying_key();
        (own.key_id() == id).then_some(own)
    }
}

struct Sealed(Vec<u8>);

impl Sealed {
    /// Returns what was said, if the ring opens it.
    fn opened_by(&self, ring: &Ring<'_>) -> Option<Vec<u8>> {
        let mut part = Part::open(Cursor::new(&self.0), ring, RecipientType::X25519).ok()?;
        part.check().unwrap();
        let runs: Vec<_> = part.runs(0, 0..8_000).unwrap().map(|run| run.unwrap().bytes.to_vec()).collect();
        Some(runs.concat())
    }
}

/// One second of a call of `on`, sealed as the recorder seals.
fn sealed(site: &Site, on: Day) -> Sealed {
    let start = site.card.zone.start_of(on).unwrap().plus(36_000_000_000);
    let spec = PartSpec {
        recording_id: RecordingId([3; 16]),
        site_id: SITE,
        recorder_id: RecorderId([5; 16]),
        start,
        day: on,
        part: 0,
        kind: Kind::Recording,
        after_restart: false,
        prev_trailer: [0; 32],
    };
    let to = site.store.days().iter().find(|d| d.day == on).unwrap().secret().public().unwrap();
    let (mut writer, mut bytes) = Writer::begin(&spec, &[to], recorder().key_id(), &mut Dice(6)).unwrap();
    let track =
        Track { codec: "PCMU".into(), clock_hz: 8_000, channels: 1, joinable: true, ..Track::default() };
    bytes.extend(writer.meta(&Meta { tracks: vec![track], ..Meta::default() }).unwrap());
    let run = RunHead { gap_samples: 0, cause: GapCause::None, samples: 8_000, len: 8_000 };
    let mut buf = FrameBuf::default();
    buf.push(&said());
    let chunk = Chunk { track: 0, base_samples: 0, runs: vec![run], buf };
    bytes.extend_from_slice(writer.audio(chunk).unwrap().bytes());
    let end = start.plus(1_000_000);
    let info = FinalInfo { end, reason: "bye".into(), ..FinalInfo::default() };
    let (last, closing) = writer.close(info).unwrap();
    bytes.extend(last);
    bytes.extend(closing.trailer(false, end, &recorder()));
    Sealed(bytes)
}

fn said() -> Vec<u8> {
    (0..8_000_u32).map(|n| n.to_le_bytes()[0] ^ 0x55).collect()
}

fn recorder() -> SigningKey {
    SigningKey::from_seed(&[5; 32])
}
