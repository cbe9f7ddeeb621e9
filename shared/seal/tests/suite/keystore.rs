//! The key store: opens with its key only, keeps what it does not know, and its frozen bytes.

use seal::keystore::{Cost, Keystore, Lock, UnlockKey, lock_of};
use seal::{DayKeyList, RecipientType, SealError};
use shared::{Day, SiteId, UtcMicros};

use crate::build::Dice;
use crate::vectors::frozen;

const CHEAP: Cost = Cost { m_kib: 64, t: 1, p: 1 };

fn day() -> Day {
    Day::from_yyyymmdd(20_261_122).unwrap()
}

fn store(kind: RecipientType) -> Keystore {
    let mut store = Keystore::new(SiteId([0xaa; 16]), &mut Dice::new(70));
    assert_eq!(store.draw_days(day(), 2, kind, &mut Dice::new(71)).unwrap(), 3);
    store.set_named("K_T", &[7; 32]);
    store
}

fn key_file() -> UnlockKey {
    UnlockKey::from_key_file([9; 32])
}

#[test]
fn a_store_comes_back_and_draws_only_missing_days() {
    let mut first = store(RecipientType::XWing);
    let bytes = first.seal(&key_file(), &mut Dice::new(72)).unwrap();
    let mut again = Keystore::open(&bytes, &key_file()).unwrap();
    assert_eq!(again.generation(), 1);
    assert_eq!(again.signing_key().expose(), first.signing_key().expose());
    assert_eq!(again.catalogue_key(), first.catalogue_key());
    assert_eq!(again.named("K_T"), Some([7; 32].as_slice()));
    assert_eq!(again.days().len(), 3);
    let id = again.days()[1].key_id;
    assert_eq!(again.secret(id).unwrap().public().unwrap().key_id(), id);
    assert_eq!(again.draw_days(day(), 31, RecipientType::XWing, &mut Dice::new(73)).unwrap(), 29);
    assert_eq!(again.shred_day(day()), 1);
    let bytes = again.seal(&key_file(), &mut Dice::new(74)).unwrap();
    let third = Keystore::open(&bytes, &key_file()).unwrap();
    assert_eq!((third.generation(), third.days().len()), (2, 31));
}

#[test]
fn no_other_key_and_no_altered_byte_opens_it() {
    let bytes = store(RecipientType::X25519).seal(&key_file(), &mut Dice::new(75)).unwrap();
    let wrong = UnlockKey::from_key_file([8; 32]);
    assert!(matches!(Keystore::open(&bytes, &wrong), Err(SealError::Locked)));
    for i in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[i] ^= 1;
        assert!(Keystore::open(&altered, &key_file()).is_err(), "byte {i}");
        assert!(Keystore::open(&bytes[..i], &key_file()).is_err(), "cut at {i}");
    }
}

#[test]
fn a_passphrase_opens_it_again_after_each_writing() {
    let unlock = UnlockKey::new_passphrase("correct horse", CHEAP, &mut Dice::new(76)).unwrap();
    let mut first = store(RecipientType::X25519);
    let one = first.seal(&unlock, &mut Dice::new(77)).unwrap();
    let two = first.seal(&unlock, &mut Dice::new(78)).unwrap();
    assert!(matches!(lock_of(&two).unwrap(), Lock::Passphrase { cost: CHEAP, .. }));
    for bytes in [&one, &two] {
        let key = UnlockKey::passphrase_for(bytes, "correct horse").unwrap();
        assert!(Keystore::open(bytes, &key).is_ok());
        let wrong = UnlockKey::passphrase_for(bytes, "correct horse ").unwrap();
        assert!(matches!(Keystore::open(bytes, &wrong), Err(SealError::Locked)));
    }
    assert!(UnlockKey::passphrase_for(&first.seal(&key_file(), &mut Dice::new(79)).unwrap(), "x").is_err());
}

#[test]
fn recorders_learn_the_public_keys_only_from_central() {
    let store = store(RecipientType::XWing);
    let list = store.day_key_list(day().plus_days(1).unwrap(), 4, UtcMicros(5)).unwrap();
    assert_eq!(list.keys.len(), 2);
    let bytes = list.sign(store.signing_key()).unwrap();
    let key = store.signing_key().verifying_key();
    let read = DayKeyList::open(&bytes, &store.site_id(), &key).unwrap();
    assert_eq!(read, list);
    assert!(DayKeyList::open(&bytes, &SiteId([1; 16]), &key).is_err(), "another site");
    assert!(
        DayKeyList::open(&bytes, &store.site_id(), &crate::build::signing_key().verifying_key()).is_err()
    );
    let (found, ran_out) = read.for_day(day().plus_days(2).unwrap()).unwrap();
    assert!(!ran_out && found.day == day().plus_days(2).unwrap());
    assert!(
        read.for_day(day().plus_days(90).unwrap()).unwrap().1,
        "past its end the newest serves, with an alarm"
    );
}

#[test]
fn frozen_stores_are_made_and_opened_again() {
    let sealed = |unlock: &UnlockKey| store(RecipientType::XWing).seal(unlock, &mut Dice::new(80)).unwrap();
    frozen("keystore/key-file.amk", &sealed(&key_file()));
    let unlock = UnlockKey::new_passphrase("amethyst", CHEAP, &mut Dice::new(81)).unwrap();
    frozen("keystore/passphrase.amk", &sealed(&unlock));
    let list = store(RecipientType::XWing).day_key_list(day(), 1, UtcMicros(0)).unwrap();
    frozen("keystore/daykeys-00000001.json", &list.sign(store(RecipientType::XWing).signing_key()).unwrap());
}
