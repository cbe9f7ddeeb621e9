//! Destroying: what may not go does not, and what goes goes for good, also when it is cut at any step.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use std::collections::BTreeSet;
use std::io::Read as _;
use std::sync::Mutex;

use archive::log::Leaf;
use catalogue::{AuditFilter, Coverage, HoldOrder, PolicyChange, PolicyStep, RetentionClass, UserId};
use seal::keystore::{Keystore, UnlockKey};
use seal::{KeyId, RecipientType};
use shared::SiteId;
use store::Disk as _;
use store::testing::FaultyDisk;

use super::*;
use crate::purge::tests::world::{DAY, LATER, archived, id, medium, part_of};
use crate::tests::Site;
use crate::{Level, VaultError};

const STORE: &str = "keys/keystore.amk";

fn by(user: u64) -> By {
    By { user: Some(UserId(user)), name: format!("user {user}"), at: LATER }
}

fn words() -> ShredWords {
    ShredWords { reason: "asked for by the person".into(), salt: [5; 32], by: by(1) }
}

fn day() -> Day {
    "2026-11-22".parse().unwrap()
}

/// A real key store, on the disk that is cut.
struct Keys {
    disk: FaultyDisk,
    store: Mutex<Keystore>,
}

impl Keys {
    fn new(site: &Site) -> Self {
        let mut dice = dice();
        let mut store = Keystore::new(SiteId([1; 16]), &mut dice);
        store.draw_days(day(), 2, RecipientType::X25519, &mut dice).unwrap();
        let keys = Self { disk: site.disk.clone(), store: Mutex::new(store) };
        site.disk.mkdir_all("keys").unwrap();
        keys.write().unwrap();
        keys
    }

    /// What a start finds.
    fn found(site: &Site) -> Self {
        let mut bytes = Vec::new();
        site.disk.open_read(STORE).unwrap().read_to_end(&mut bytes).unwrap();
        let store = Keystore::open(&bytes, &unlock()).unwrap();
        Self { disk: site.disk.clone(), store: Mutex::new(store) }
    }

    fn write(&self) -> std::result::Result<(), store::StoreError> {
        let bytes = self.sealed();
        let beside = "keys/keystore.new";
        if self.disk.exists(beside)? {
            self.disk.unlink(beside)?;
        }
        let mut file = self.disk.create_new(beside)?;
        file.append(&[&bytes])?;
        file.sync()?;
        drop(file);
        if self.disk.exists(STORE)? {
            self.disk.unlink(STORE)?;
        }
        self.disk.rename(beside, STORE)?;
        self.disk.sync_dir("keys")
    }

    fn sealed(&self) -> Vec<u8> {
        self.store.lock().unwrap().seal(&unlock(), &mut dice()).unwrap()
    }

    fn dropped(&self, ids: &[KeyId]) -> usize {
        self.store.lock().unwrap().shred_keys(ids)
    }

    fn has(&self, day: Day) -> bool {
        !self.of_day(day).is_empty()
    }
}

impl DayKeys for Keys {
    fn of_day(&self, day: Day) -> Vec<[u8; 8]> {
        self.store.lock().unwrap().days().iter().filter(|d| d.day == day).map(|d| d.key_id.0).collect()
    }

    fn forget(&self, keys: &[[u8; 8]]) -> std::result::Result<(), String> {
        let ids: Vec<KeyId> = keys.iter().copied().map(KeyId).collect();
        if self.dropped(&ids) == 0 {
            return Ok(());
        }
        self.write().map_err(|e| e.to_string())
    }
}

fn unlock() -> UnlockKey {
    UnlockKey::from_key_file([6; 32])
}

fn dice() -> impl rand_core::CryptoRng {
    rand_core::UnwrapErr(getrandom::SysRng)
}

/// Puts one class over everything.
fn class(vault: &Vault, min_days: u32, max_days: u32) {
    let class = RetentionClass {
        name: "all".into(),
        min_days,
        max_days: Some(max_days),
        coverage: Coverage::default(),
    };
    let at = LATER.plus(-20 * DAY);
    let row = vault.change_policy(&PolicyChange::PutClass(class), [7; 32], &by(1), at).unwrap();
    assert_eq!(row.step(), PolicyStep::Proposed);
    vault.confirm_policy(row.change_id, &by(2), at).unwrap();
    vault.apply_policies(LATER).unwrap();
}

fn live(site: &Site, vault: &Vault) -> usize {
    (1..=3).filter(|n| site.disk.exists(&part_of(vault, *n).path).unwrap()).count()
}

fn last_leaf(vault: &Vault) -> Act {
    Leaf::parse(&vault.leaf(vault.check_log().unwrap().0 - 1).unwrap().unwrap()).unwrap().act
}

fn order_of_two(vault: &Vault, what: ShredWhat) -> ShredRow {
    let row = vault.ask_shred(what, &words()).unwrap();
    vault.confirm_shred(row.shred_id, &by(2)).unwrap()
}

#[test]
fn a_day_whose_time_is_over_is_destroyed_for_good() {
    let (site, vault, _shelf) = archived();
    let keys = Keys::new(&site);
    class(&vault, 0, 5);
    let permission = vault.shreddable(day(), LATER).unwrap().unwrap();
    assert_eq!((permission.day(), permission.recordings()), (day(), 3));
    let row = vault.shred(permission, &words(), &keys, LATER).unwrap().unwrap();
    assert_eq!((row.state, row.recordings, row.keys.len()), (ShredState::Done, 3, 1));
    assert!(row.media.iter().all(|medium| medium.done_at.is_none()), "copies lie on media: {:?}", row.media);
    assert_eq!(row.media.len(), 2);

    assert!(!keys.has(day()) && !Keys::found(&site).has(day()), "in memory and on disk");
    assert!(keys.has(day().plus_days(1).unwrap()), "other days stay");
    assert_eq!(live(&site, &vault), 0);
    assert!(matches!(last_leaf(&vault), Act::Shred { what: Shred::Day(of), .. } if of == day()));
    assert!(matches!(vault.open_recording(id(1)), Err(VaultError::Shredded { since }) if since == LATER));
    assert!(vault.recording(id(1)).unwrap().is_some(), "its row stays");
    assert!(vault.check(Level::Hash).unwrap().is_clean(), "and nobody misses its file");
    assert!(matches!(vault.hold(id(1), "too late", None, &by(1)), Err(VaultError::Shredded { .. })));

    // On each medium the copies go when it is there.
    let there = vault.shreds_on(medium(1)).unwrap();
    assert_eq!((there.len(), &there[0].keys, there[0].paths.len()), (1, &row.keys, 0));
    vault.shredded_on(medium(1), &[row.shred_id], LATER.plus(DAY)).unwrap();
    assert_eq!(vault.shreds_on(medium(1)).unwrap(), []);
    let row = vault.shreds(9).unwrap().remove(0);
    let done: Vec<_> = row.media.iter().map(|medium| medium.done_at).collect();
    assert_eq!(done.iter().flatten().count(), 1, "{done:?}");
}

#[test]
fn an_older_key_store_that_was_put_back_loses_the_key_again_and_a_new_one_stays() {
    let (site, vault, _shelf) = archived();
    let keys = Keys::new(&site);
    let old = Keys::found(&site);
    class(&vault, 0, 5);
    vault.shred(vault.shreddable(day(), LATER).unwrap().unwrap(), &words(), &keys, LATER).unwrap().unwrap();
    assert!(old.has(day()));
    vault.go_on_shredding(&old, LATER).unwrap();
    assert!(!old.has(day()));
    // A recording of that day that comes late gets a key of its own.
    old.store.lock().unwrap().draw_days(day(), 0, RecipientType::X25519, &mut dice()).unwrap();
    vault.go_on_shredding(&old, LATER).unwrap();
    assert!(old.has(day()));
}

#[test]
fn one_recording_is_destroyed_by_two_persons_and_its_neighbours_are_heard() {
    let (site, vault, _shelf) = archived();
    let keys = Keys::new(&site);
    class(&vault, 1_000, 2_000);
    assert_eq!(
        vault.shreddable_alone(id(2), LATER).unwrap().unwrap_err().kept,
        1,
        "a minimum wins over one person"
    );
    let row = vault.ask_shred(vault.one_alone(id(2)).unwrap(), &words()).unwrap();
    let refused = |error: Result<_>| matches!(error, Err(VaultError::TwoPersons));
    assert!(refused(vault.ordered_shred(row.shred_id, LATER).map(drop)), "one alone");
    assert!(refused(vault.confirm_shred(row.shred_id, &by(1)).map(drop)), "twice the same");
    let program = By { user: None, ..by(2) };
    assert!(refused(vault.confirm_shred(row.shred_id, &program).map(drop)), "a program");
    vault.confirm_shred(row.shred_id, &by(2)).unwrap();
    let permission = vault.ordered_shred(row.shred_id, LATER).unwrap().unwrap();
    let row = vault.shred(permission, &words(), &keys, LATER).unwrap().unwrap();
    assert_eq!((row.state, row.keys.len(), live(&site, &vault)), (ShredState::Done, 0, 2));
    assert!(keys.has(day()), "the day's key opens its neighbours");
    vault.open_recording(id(1)).unwrap();
    assert!(matches!(vault.open_recording(id(2)), Err(VaultError::Shredded { .. })));
    assert_eq!(vault.tombstones().unwrap(), [(id(2), day())]);
    let Act::Shred { what: Shred::Recording(_, of), second, .. } = last_leaf(&vault) else {
        panic!("another leaf")
    };
    assert_eq!((of, second[15]), (id(2), 2));
    // Its file on a medium goes, and then nobody claims that it lies there.
    let there = vault.shreds_on(medium(1)).unwrap();
    assert_eq!(there[0].paths.len(), 1);
    vault.shredded_on(medium(1), &[row.shred_id], LATER).unwrap();
    let left = vault.catalogue.proofs_of(id(2)).unwrap();
    assert!(left.iter().all(|proof| proof.media_id != medium(1)));
    assert_eq!(vault.due(medium(1), None, 9).unwrap(), [], "and it is not carried there again");
    assert_eq!(vault.due_totals(medium(1)).unwrap(), (0, 0));
}

#[test]
fn a_hold_wins_over_the_end_of_retention_and_over_two_persons() {
    let (site, vault, _shelf) = archived();
    let keys = Keys::new(&site);
    class(&vault, 0, 5);
    let permission = vault.shreddable(day(), LATER).unwrap().unwrap();
    vault
        .place_hold(&HoldOrder {
            hold_id: [9; 16],
            reason: "a case".into(),
            owner: "the lawyers".into(),
            review: None,
            coverage: Coverage::default(),
            salt: [9; 32],
            placed: by(3),
            released: None,
            release_reason: String::new(),
        })
        .unwrap();
    // The permission was given before the hold; it is judged again.
    let kept = vault.shred(permission, &words(), &keys, LATER).unwrap().unwrap_err();
    assert_eq!(kept.held.len(), 3);
    assert_eq!(vault.shreddable(day(), LATER).unwrap().unwrap_err().held.len(), 3);
    let order = order_of_two(&vault, ShredWhat::Day(day()));
    assert_eq!(vault.ordered_shred(order.shred_id, LATER).unwrap().unwrap_err().held.len(), 3);
    assert!(keys.has(day()));
    assert_eq!(live(&site, &vault), 3);
    let blocked = AuditFilter { act: Some("retention-blocked".into()), ..AuditFilter::default() };
    assert_eq!(vault.audit_page(&blocked, None, 9).unwrap().rows.len(), 3, "each try is told");
    // Released by hand, the order of the two is carried out.
    vault.release_hold([9; 16], "closed", &by(3), None).unwrap();
    let permission = vault.ordered_shred(order.shred_id, LATER).unwrap().unwrap();
    assert!(vault.shred(permission, &words(), &keys, LATER).unwrap().is_ok());
    assert_eq!(live(&site, &vault), 0);
}

#[test]
fn a_day_that_is_hardly_over_or_not_all_entered_stays() {
    let (site, vault, _shelf) = archived();
    let keys = Keys::new(&site);
    class(&vault, 0, 1);
    let soon = |days: i64| LATER.plus((days - 31) * DAY);
    let refused =
        vault.ask_shred(ShredWhat::Day(day()), &ShredWords { by: By { at: soon(1), ..by(1) }, ..words() });
    assert!(matches!(refused, Err(VaultError::DayNotOver(of)) if of == day()));
    // A file in the spool that nobody has judged.
    let open = site.record(&vault, 7).unwrap();
    let permission = vault.shreddable(day(), LATER).unwrap().unwrap();
    assert!(matches!(vault.shred(permission, &words(), &keys, LATER), Err(VaultError::Unjudged { .. })));
    assert_eq!(vault.admit(vec![site.close(open)]).admitted.len(), 1);
    let permission = vault.shreddable(day(), LATER).unwrap().unwrap();
    assert_eq!(permission.recordings(), 4);
    assert!(vault.shred(permission, &words(), &keys, LATER).unwrap().is_ok());
}

/// Cut after every single operation of the disk, and started again.
#[test]
fn cut_at_every_step_nothing_goes_without_its_leaf_and_the_rest_follows() {
    let mut seen = BTreeSet::new();
    for cut in 0.. {
        let (site, vault, _shelf) = archived();
        let keys = Keys::new(&site);
        class(&vault, 0, 5);
        let permission = vault.shreddable(day(), LATER).unwrap().unwrap();
        site.disk.cut_after(cut);
        let done = vault.shred(permission, &words(), &keys, LATER).is_ok();
        drop(vault);
        let site = Site { disk: site.disk.reboot(cut * 31 + 7), ..site };
        let vault = site.vault();
        let keys = Keys::found(&site);
        let report = site.recover(&vault, true);
        assert_eq!((report.missing_files, report.entered), (vec![], vec![]), "cut {cut}");
        let (leaves, damaged) = vault.check_log().unwrap();
        assert_eq!(damaged, None, "cut {cut}");
        let intended = vault.catalogue.shreds_intended().unwrap();
        let state = intended.first().map(|row| row.state);
        assert!(intended.iter().all(|row| row.leaf.is_some_and(|leaf| leaf < leaves)), "cut {cut}: no leaf");
        let (has_key, files) = (keys.has(day()), live(&site, &vault));
        seen.insert((state, has_key, files));
        assert!(state.is_some() || (has_key && files == 3), "cut {cut}: gone without an intent");
        assert!(state < Some(ShredState::Keyless) || !has_key, "cut {cut}: a key that came back");
        assert!(files == 3 || !has_key, "cut {cut}: files before the key");
        if state.is_some() {
            assert!(matches!(vault.open_recording(id(1)), Err(VaultError::Shredded { .. })), "cut {cut}");
            vault.go_on_shredding(&keys, LATER).unwrap();
        } else {
            let permission = vault.shreddable(day(), LATER).unwrap().unwrap();
            vault.shred(permission, &words(), &keys, LATER).unwrap().unwrap();
        }
        assert!(!keys.has(day()) && !Keys::found(&site).has(day()), "cut {cut}");
        assert_eq!(live(&site, &vault), 0, "cut {cut}");
        assert_eq!(vault.catalogue.shreds_intended().unwrap()[0].state, ShredState::Done, "cut {cut}");
        assert!(vault.check(Level::Hash).unwrap().is_clean(), "cut {cut}");
        if done {
            break;
        }
    }
    assert!(seen.len() >= 4, "the cuts met several stages: {seen:?}");
}
