//! What is in the vaults, and what must not be.

use daily_login::LoginError;
use proptest::prelude::*;
use seal::SigningKey;

use super::*;

/// Two shares of paper lead to every secret, and to keys of the days ahead.
#[test]
fn the_paper_opens_the_recovery_vault_and_a_key_store_comes_back_from_it() {
    let mut site = Site::new("2026-11-22").with_days("2026-11-22", 31);
    site.store.set_named("web/cookie", b"secret");
    let files = site.night(day("2026-11-22"), 1, 31, None, 0);
    let bytes = &file(&files, "keys/recovery-").bytes;
    let [one, _, three] = site.paper.split(&mut Dice(4));
    let paper = RecoverySecret::combine(&one, &three, &SITE, &site.card.recovery_key).unwrap();
    let kem = paper.kem_secret(&SITE);
    let recovered = open_recovery(bytes, &site.card, &site.certs, &kem).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(recovered.contents.days.len(), 32);
    let secrets = recovered.contents.secrets.as_ref().unwrap();
    assert_eq!(secrets.others[CENTRAL_KEY].as_slice(), site.store.signing_key().expose());
    assert_eq!(secrets.others[RECORDER_KEY].as_slice(), b"recorder key");

    let store = restored_keystore(&recovered, &site.card, SigningKey::from_seed(&[8; 32]), 40).unwrap();
    assert_eq!(store.catalogue_key(), site.store.catalogue_key());
    assert_eq!(store.all_named(), site.store.all_named());
    assert_eq!(store.days().len(), 32);
    assert_eq!((store.generation(), store.shredded()), (40, site.store.shredded()));
    assert!(store.secret(site.store.days()[7].key_id).is_some());

    let other = RecoverySecret::draw(&mut Dice(77)).kem_secret(&SITE);
    let refused = open_recovery(bytes, &site.card, &site.certs, &other).err().unwrap();
    assert!(matches!(refused, KeyFileFault::Login(LoginError::WrongPassword)), "{refused}");
}

#[test]
fn every_altered_byte_of_a_file_of_keys_is_found_without_a_key() {
    let mut site = Site::new("2026-11-22").with_days("2026-11-22", 2);
    let files = site.night(day("2026-11-22"), 1, 31, None, 2);
    for KeyFile { path, bytes } in files.files.iter().filter(|file| file.path.starts_with("keys/")) {
        let name = path.strip_prefix("keys/").unwrap();
        let judged = |bytes: &[u8]| judge(name, bytes, &site.card, &site.certs).unwrap();
        assert!(judged(bytes).is_ok(), "{name}");
        // A certificate's generation and white space are not signed, and prove nothing.
        for at in (0..bytes.len()).filter(|_| !name.starts_with("certs-")) {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            assert!(judged(&altered).is_err(), "{name}, byte {at}");
        }
        assert!(judged(&bytes[..bytes.len() - 2]).is_err(), "{name} cut");
    }
    assert!(judge("notes.txt", b"", &site.card, &site.certs).is_none());
}

/// Test 9 of the scheme.
fn check_seeds(behind: i32, ahead: u32, shred: &[i32]) {
    let today = day("2026-11-22");
    let from = today.plus_days(-behind).unwrap();
    let mut site = Site::new("2026-01-01").with_days(&from.to_string(), behind.unsigned_abs() + ahead);
    let gone: Vec<Day> = shred.iter().map(|n| today.plus_days(*n).unwrap()).collect();
    for day in &gone {
        site.store.shred_day(*day);
        // Somebody may seal to that day again: then it has a new key, and the old one stays destroyed.
    }
    let files = site.night(today, 1, 31, None, 0);
    let chain = site.secrets();
    let chain = chain.top.back_to(today, chain.of).unwrap();
    let vault = KeyVault::parse(&file(&files, "keys/keyvault-").bytes).unwrap();
    let contents = VaultContents::parse(&vault.open(&chain).unwrap()).unwrap();
    assert!(contents.secrets.is_none(), "a listener never gets what leads to all days");
    for kept in &contents.days {
        assert!(kept.day <= today && !gone.contains(&kept.day), "{}", kept.day);
        assert_eq!(kept.secret.public().unwrap().key_id(), kept.key_id);
    }
    let expected = site.store.days().iter().filter(|d| d.day <= today).count();
    assert_eq!(contents.days.len(), expected);
    assert_eq!(&contents.shredded, site.store.shredded());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_key_vault_holds_no_key_of_a_later_day_nor_of_a_destroyed_one(
        behind in 0..60_i32,
        ahead in 0..40_u32,
        shred in proptest::collection::vec(-60..40_i32, 0..6),
    ) {
        check_seeds(behind, ahead, &shred);
    }
}

#[test]
fn a_destroyed_key_is_left_out_even_if_the_store_still_had_it() {
    let site = Site::new("2026-01-01").with_days("2026-11-20", 3);
    let mut secrets = site.secrets();
    let gone = secrets.days[1].key_id;
    secrets.shredded.insert(gone, secrets.days[1].day);
    let night = Night { new_slots_max: 0, ..night_of(&site.card, &site.certs, &secrets, day("2026-11-22")) };
    let vault = vaults_of(&night);
    let chain = secrets.top.back_to(night.today, secrets.of).unwrap();
    let contents = VaultContents::parse(&vault.open(&chain).unwrap()).unwrap();
    assert!(contents.days.iter().all(|day| day.key_id != gone));
    assert_eq!(contents.days.len(), 2);
}

fn vaults_of(night: &Night<'_>) -> KeyVault {
    super::super::vaults::key_vault(night, &mut Dice(8)).unwrap()
}
