//! Purging: it fires when all is well, never when one thing is wrong, and goes on after a cut at any step.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "tests"
)]

mod model;
pub(crate) mod world;

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use archive::log::Leaf;
use catalogue::{Catalogue, CatalogueError, MediaSet, ProofRow};
use shared::LocationId;
use store::Disk as _;

use super::*;
use crate::tests::{Site, all};
use crate::{Elsewhere, Level, VaultError};
use world::*;

fn by() -> By {
    By { user: None, name: "Thandi".into(), at: LATER }
}

fn announce(vault: &Vault) -> PurgePlan {
    vault.plan_purge(u64::MAX, PurgeReason::Age, RULES, LATER, None, 1_000).unwrap()
}

fn purge(vault: &Vault, shelf: &Shelf, now: UtcMicros) -> Result<PurgeReport> {
    vault.purge_announced(RULES, now, &mut shelf.clone(), 100)
}

fn live(site: &Site) -> usize {
    site.disk.paths().iter().filter(|path| path.starts_with("live/") && path.ends_with(".amx")).count()
}

#[test]
fn what_every_location_holds_leaves_the_live_store_and_is_heard_all_the_same() {
    let (site, vault, shelf) = archived();
    let size = part_of(&vault, 1).bytes;
    // Only as much as is wanted, the oldest first.
    let plan = vault.plan_purge(size + 1, PurgeReason::Space, RULES, LATER, None, 1_000).unwrap();
    assert_eq!((plan.intended.len(), plan.bytes), (2, 2 * size));
    assert_eq!(
        purge(&vault, &shelf, LATER.plus(DAY - 1)).unwrap(),
        PurgeReport::default(),
        "24 hours to object"
    );
    vault.cancel_purge(plan.intended[1], &by()).unwrap();
    let report = purge(&vault, &shelf, LATER.plus(DAY)).unwrap();
    assert_eq!((report.purged, report.bytes), (vec![plan.intended[0]], size));
    assert_eq!(live(&site), 2);
    let gone = plan.intended[0];

    // Its rows, proofs and leaves stay; nobody misses it.
    assert!(vault.check(Level::Hash).unwrap().is_clean());
    assert_eq!(site.recover(&vault, true).missing_files, Vec::<String>::new());
    assert_eq!((all(&vault).len(), vault.proofs_of(gone).unwrap().len()), (3, 2));
    let mut said = Vec::new();
    for n in 0..vault.check_log().unwrap().0 {
        if let Act::Purge { recording_id, proven, reason, .. } =
            Leaf::parse(&vault.leaf(n).unwrap().unwrap()).unwrap().act
        {
            said.push((recording_id, proven.len(), reason));
        }
    }
    assert_eq!(said, [0, 1].map(|n| (plan.intended[n], 2, PurgeReason::Space)), "said before it was done");
    let history = vault.label_history(plan.intended[1]).unwrap();
    assert_eq!((history[0].what.as_str(), history[0].by.name.as_str()), ("purge", "Thandi"));
    assert!(matches!(
        vault.cancel_purge(gone, &by()),
        Err(VaultError::Catalogue(CatalogueError::NotThere { .. }))
    ));

    // Heard from a medium, and then without.
    let away = vault.open_recording(gone).unwrap_err();
    assert!(
        matches!(&away, VaultError::Away { media } if media == "disk 1 (the safe), disk 2 (the safe)"),
        "{away}"
    );
    vault.look_elsewhere(Arc::new(shelf.clone()));
    let from = |id| vault.fetched_from(&vault.recording(id).unwrap().unwrap()).unwrap();
    assert_eq!((from(gone), from(plan.intended[1])), (Some(String::new()), None));
    for _ in 0..2 {
        let file = vault.open_recording(gone).unwrap().remove(0);
        assert!(seal::verify(file.io, &|_| Some(site.signer.verifying_key())).unwrap().is_proven());
        shelf.with(BTreeMap::clear);
        assert_eq!(from(gone), Some("place-1".into()));
    }
    // After a week it goes, unless a medium that holds it is doubtful.
    let today = vault.config.zone.day_of(crate::log::now());
    let cached = || site.disk.paths().iter().filter(|path| path.starts_with("cache/")).count();
    vault.forget_fetched(today.plus_days(6).unwrap(), false).unwrap();
    assert_eq!(cached(), 1);
    vault.set_medium_state(medium(1), MediumState::Suspect).unwrap();
    vault.forget_fetched(today.plus_days(9).unwrap(), true).unwrap();
    assert_eq!(cached(), 1, "it may be the last good copy");
    vault.set_medium_state(medium(1), MediumState::Good).unwrap();
    vault.forget_fetched(today.plus_days(7).unwrap(), false).unwrap();
    assert_eq!(cached(), 0);
}

#[test]
fn a_restart_does_not_forget_from_where_a_recording_was_fetched() {
    let (site, vault, shelf) = archived();
    announce(&vault);
    assert_eq!(purge(&vault, &shelf, LATER.plus(DAY)).unwrap().purged.len(), 3);
    vault.look_elsewhere(Arc::new(shelf));
    let from = |vault: &Vault| vault.fetched_from(&vault.recording(id(2)).unwrap().unwrap()).unwrap();
    assert_eq!(from(&vault), Some(String::new()), "not fetched yet");
    vault.open_recording(id(2)).unwrap();
    assert_eq!(from(&vault), Some("place-1".into()));
    drop(vault);
    assert_eq!(from(&site.vault()), Some("place-1".into()));
}

#[test]
fn what_was_fetched_is_held_against_what_was_read_back() {
    let (_site, vault, shelf) = archived();
    announce(&vault);
    assert_eq!(purge(&vault, &shelf, LATER.plus(DAY)).unwrap().purged.len(), 3);
    shelf.with(|media| media.get_mut(&medium(1)).unwrap().values_mut().for_each(|bytes| bytes[900] ^= 1));
    vault.look_elsewhere(Arc::new(shelf.clone()));
    let mut io = vault.open_recording(id(2)).unwrap().remove(0).io;
    let mut bytes = Vec::new();
    Read::read_to_end(&mut io, &mut bytes).unwrap();
    let good = shelf.with(|media| media[&medium(2)].values().any(|file| *file == bytes));
    assert!(good, "the other location's is heard");
    assert_eq!(vault.medium(medium(1)).unwrap().unwrap().state, MediumState::Suspect);
    // It is due again there, and what was fetched stays: it may have to serve for it.
    let due = |n| {
        vault.due(medium(n), None, 9).unwrap().into_iter().map(|part| part.recording_id).collect::<Vec<_>>()
    };
    assert_eq!((due(1), due(2)), (vec![id(2)], vec![]));
    assert_eq!(vault.bad_totals(medium(1)).unwrap(), (1, 0), "the other location has it");
    let today = vault.config.zone.day_of(crate::log::now());
    vault.forget_fetched(today.plus_days(9).unwrap(), true).unwrap();
    shelf.with(BTreeMap::clear);
    assert!(vault.fetched_path(id(2), 0).unwrap().starts_with("cache/"));
}

#[test]
fn a_copy_that_is_gone_is_due_again_and_one_whose_medium_went_is_not() {
    let (_site, vault, shelf) = archived();
    announce(&vault);
    assert_eq!(purge(&vault, &shelf, LATER.plus(DAY)).unwrap().purged.len(), 3);
    vault.look_elsewhere(Arc::new(Failing(ErrorKind::Other)));
    assert!(matches!(vault.open_recording(id(1)), Err(VaultError::Away { .. })));
    assert_eq!(vault.bad_totals(medium(1)).unwrap(), (0, 0));
    vault.look_elsewhere(Arc::new(Failing(ErrorKind::NotFound)));
    assert!(vault.open_recording(id(1)).is_err());
    for n in 1..=2 {
        assert_eq!(vault.bad_totals(medium(n)).unwrap(), (1, 1), "nobody knows a good copy");
        assert_eq!(vault.due(medium(n), None, 9).unwrap().len(), 1);
        assert_eq!(vault.medium(medium(n)).unwrap().unwrap().state, MediumState::Suspect);
    }
}

#[test]
fn what_a_look_before_the_purge_finds_bad_is_due_again_and_nothing_leaves() {
    let (site, vault, shelf) = archived();
    announce(&vault);
    shelf.with(|media| media.get_mut(&medium(2)).unwrap().values_mut().for_each(|bytes| bytes[900] ^= 1));
    let report = purge(&vault, &shelf, LATER.plus(DAY)).unwrap();
    assert_eq!((report.purged.len(), live(&site)), (0, 3));
    // The first that was looked at; then the medium is suspect and nobody looks further.
    assert_eq!(vault.bad_totals(medium(2)).unwrap(), (1, 0));
    let due = vault.due(medium(2), None, 9).unwrap();
    assert!(due.len() == 1 && due[0].is_live, "{due:?}");
}

/// A medium that is there and gives no file.
struct Failing(ErrorKind);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(self.0.into())
    }
}

impl Elsewhere for Failing {
    fn open(&self, _: &ProofRow) -> std::io::Result<Option<Box<dyn Read + Send>>> {
        Ok(Some(Box::new(Self(self.0))))
    }
}

/// A shelf that takes its time, and counts who came.
struct Slow(Shelf, AtomicUsize);

impl Elsewhere for Slow {
    fn open(&self, proof: &ProofRow) -> std::io::Result<Option<Box<dyn Read + Send>>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(std::time::Duration::from_millis(50));
        self.0.open(proof)
    }
}

#[test]
fn of_many_that_want_the_same_recording_at_once_one_fetches_it() {
    let (_site, vault, shelf) = archived();
    announce(&vault);
    assert_eq!(purge(&vault, &shelf, LATER.plus(DAY)).unwrap().purged.len(), 3);
    let slow = Arc::new(Slow(shelf, AtomicUsize::new(0)));
    vault.look_elsewhere(slow.clone());
    std::thread::scope(|scope| {
        let ask = || scope.spawn(|| vault.open_recording(id(2)).map(|files| files.len()));
        let asked: Vec<_> = (0..8).map(|_| ask()).collect();
        asked.into_iter().for_each(|one| assert_eq!(one.join().unwrap().unwrap(), 1));
    });
    assert_eq!(slow.1.load(Ordering::Relaxed), 1);
}

/// One thing at a time is wrong, and the live copy stays. Each with the word that an operator is told.
#[test]
fn one_thing_wrong_and_nothing_goes() {
    type Wrong = (&'static str, fn(&Site, &Vault, &Shelf));
    let before: [Wrong; 17] = [
        ("held", |_, v, _| v.hold(id(1), "a case", None, &by()).unwrap()),
        ("suspect", |_, v, _| v.set_suspect(id(1), "odd", LATER).unwrap()),
        ("unproven", |_, v, _| add_location(v, 3, MediaSet::One)),
        ("unproven", |_, v, _| {
            add_location(v, 3, MediaSet::Any);
            add_medium(v, 3, 3);
        }),
        ("unproven", |_, v, s| {
            add_location(v, 3, MediaSet::All);
            add_medium(v, 3, 3);
            add_medium(v, 4, 3);
            archive(v, s, 3, WELL);
        }),
        ("unproven", |_, v, s| third(v, s, How { level: 2, ..WELL })),
        ("unproven", |_, v, s| third(v, s, How { has_report: false, ..WELL })),
        ("unproven", |_, v, s| third(v, s, How { manifest: 0, ..WELL })),
        ("unproven", |_, v, s| third(v, s, How { checkpoint: 0, ..WELL })),
        ("differs", |_, v, s| third(v, s, How { is_wrong: true, ..WELL })),
        ("differs", |_, v, s| third(v, s, How { is_wrong: true, has_report: false, ..WELL })),
        ("suspect-medium", |_, v, _| v.set_medium_state(medium(2), MediumState::Suspect).unwrap()),
        ("unproven", |_, v, _| v.set_medium_state(medium(2), MediumState::Retired).unwrap()),
        ("unproven", |_, v, _| v.set_level(medium(1), &[(id(1), 0), (id(2), 0), (id(3), 0)], 1).unwrap()),
        ("not-connected", |_, _, s| s.with(BTreeMap::clear)),
        ("suspect-medium", |_, _, s| {
            s.with(|m| m.get_mut(&medium(1)).unwrap().values_mut().for_each(|b| b[900] ^= 1));
        }),
        ("suspect-medium", |_, _, s| s.with(|m| m.get_mut(&medium(2)).unwrap().clear())),
    ];
    for (n, (word, wrong)) in before.into_iter().enumerate() {
        for when in ["before it is announced", "behind"] {
            let (site, vault, shelf) = archived();
            if when == "behind" {
                assert_eq!(announce(&vault).intended.len(), 3);
            }
            wrong(&site, &vault, &shelf);
            let plan = announce(&vault);
            let report = purge(&vault, &shelf, LATER.plus(DAY)).unwrap();
            assert!(!report.purged.contains(&id(1)), "{n} {word} {when}");
            let is_told = plan.kept.contains_key(word)
                || report.kept.iter().any(|(which, kept)| *which == id(1) && kept.word() == word)
                || (word == "held" && plan.intended.len() == 2);
            assert!(is_told, "{n} {word} {when}: {plan:?} {report:?}");
            assert!(vault.check(Level::Hash).unwrap().is_clean(), "{n} {word} {when}");
            assert!(site.disk.exists(&part_of(&vault, 1).path).unwrap(), "{n} {word} {when}");
        }
    }
}

/// A third location, filled so.
fn third(vault: &Vault, shelf: &Shelf, how: How) {
    add_location(vault, 3, MediaSet::One);
    add_medium(vault, 3, 3);
    archive(vault, shelf, 3, how);
}

#[test]
fn too_young_not_seen_without_a_location_or_in_no_log_it_stays() {
    let (_site, vault, _shelf) = archived();
    let word = |now| vault.purgeable(id(1), RULES, now).unwrap().map(|_| ()).map_err(|kept| kept.word());
    assert_eq!(word(LATER), Ok(()));
    assert_eq!(word(AT_PLUS_29_DAYS), Err("too-young"));
    assert_eq!(word(LATER.plus(14 * DAY + 1)), Err("not-seen"));
    assert_eq!(word(LATER.plus(-HOUR)), Err("not-seen"), "a clock that stepped back is not believed");
    assert_eq!(vault.purgeable(id(9), RULES, LATER).unwrap().unwrap_err(), Kept::Unknown);
    let site = Site::new();
    let vault = site.vault();
    recorded(&site, &vault, 1);
    assert_eq!(vault.purgeable(id(1), RULES, LATER).unwrap().unwrap_err(), Kept::NoLocation);
    assert_eq!(vault.media(LocationId([1; 16])).unwrap(), []);
}

const AT_PLUS_29_DAYS: UtcMicros = UtcMicros(LATER.0 - 2 * DAY);

#[test]
fn a_live_file_that_is_not_what_was_archived_is_never_removed() {
    let (site, vault, shelf) = archived();
    announce(&vault);
    let path = part_of(&vault, 1).path;
    let end = site.disk.len(&path).unwrap() as usize;
    site.disk.flip(&path, end - 3); // in the trailer, which the digests of its row do not cover
    site.disk.flip(&part_of(&vault, 2).path, 500);
    site.disk.unlink(&part_of(&vault, 3).path).unwrap();
    let report = purge(&vault, &shelf, LATER.plus(DAY)).unwrap();
    let words: BTreeSet<(RecordingId, &str)> =
        report.kept.iter().map(|(id, kept)| (*id, kept.word())).collect();
    assert_eq!(words, [(id(1), "suspect"), (id(2), "suspect"), (id(3), "missing")].into());
    assert_eq!(live(&site), 2);
    // It stays so until somebody says why it may go on.
    assert!(vault.clear_suspect(id(2), " ", &by()).is_err(), "with a reason only");
    vault.clear_suspect(id(2), "compared with the archive", &by()).unwrap();
    assert_eq!(vault.label_history(id(2)).unwrap()[0].what, "suspect");
}

/// Cut after every single operation of the disk, and started again.
#[test]
fn cut_at_every_step_it_goes_on_and_nothing_goes_without_its_proofs() {
    let mut seen = BTreeSet::new();
    for cut in 0.. {
        let (site, vault, shelf) = archived();
        site.disk.cut_after(cut);
        let planned = vault.plan_purge(u64::MAX, PurgeReason::Age, RULES, LATER, None, 1_000);
        let done = planned.is_ok_and(|plan| plan.intended.len() == 3)
            && purge(&vault, &shelf, LATER.plus(DAY)).is_ok();
        drop(vault);
        let site = Site { disk: site.disk.reboot(cut * 31 + 7), ..site };
        let vault = site.vault();
        let report = site.recover(&vault, true);
        assert_eq!((report.missing_files, report.entered), (vec![], vec![]), "cut {cut}");
        assert!(vault.check(Level::Hash).unwrap().is_clean(), "cut {cut}");
        seen.insert(live(&site));
        let (leaves, damaged) = vault.check_log().unwrap();
        assert_eq!(damaged, None, "cut {cut}");
        for n in 1..=3 {
            let standing = vault.catalogue.standing(id(n)).unwrap().unwrap();
            let is_live = site.disk.exists(&part_of(&vault, n).path).unwrap();
            let state = standing.purge.map(|purge| purge.state);
            assert!(is_live || state >= Some(PurgeState::Unlinking), "cut {cut}: gone without a row");
            assert!(!is_live || state <= Some(PurgeState::Unlinking), "cut {cut}: there although it went");
            assert!(
                standing.purge.is_none_or(|purge| purge.leaf < leaves),
                "cut {cut}: a row without its leaf"
            );
        }
        // A hold that comes now wins, whatever was begun.
        vault.hold(id(3), "a case", None, &by()).unwrap();
        let was_live = site.disk.exists(&part_of(&vault, 3).path).unwrap();
        announce(&vault);
        purge(&vault, &shelf, LATER.plus(DAY)).unwrap();
        assert_eq!(site.disk.exists(&part_of(&vault, 3).path).unwrap(), was_live, "cut {cut}: on hold");
        vault.release(id(3), "closed", &by()).unwrap();
        announce(&vault);
        purge(&vault, &shelf, LATER.plus(2 * DAY)).unwrap();
        assert_eq!(live(&site), 0, "cut {cut}: it went on");
        for n in 1..=3 {
            let standing = vault.catalogue.standing(id(n)).unwrap().unwrap();
            assert_eq!(standing.purge.map(|purge| purge.state), Some(PurgeState::Purged), "cut {cut}");
        }
        assert!(vault.check(Level::Hash).unwrap().is_clean(), "cut {cut}");
        if done {
            break;
        }
    }
    assert!(seen.len() >= 3, "the cuts met several stages: {seen:?}");
}

#[test]
fn a_hold_placed_by_another_process_between_look_and_removal_wins() {
    struct Holds<'a>(&'a Site, Shelf);
    impl FreshCheck for Holds<'_> {
        fn look(&mut self, proof: &ProofRow) -> Fresh {
            let path = self.0.catalogue.path().join("c.db");
            let beside = Catalogue::open(&path, &crate::tests::key(), LATER).unwrap();
            beside.hold(proof.read_back.recording_id, "a case", None, &by()).unwrap();
            self.1.look(proof)
        }
    }
    let (site, vault, shelf) = archived();
    announce(&vault);
    let report = vault.purge_announced(RULES, LATER.plus(DAY), &mut Holds(&site, shelf), 100).unwrap();
    assert_eq!((report.purged.len(), report.kept.len(), live(&site)), (0, 3, 3));
    assert!(report.kept.iter().all(|(_, kept)| *kept == Kept::Held), "{report:?}");
}

#[test]
fn a_log_that_lost_what_it_said_of_a_purge_is_told_at_the_next_start() {
    let (site, vault, _shelf) = archived();
    announce(&vault);
    drop(vault);
    let path = "log/leaves-000000000000.aml";
    let end = site.disk.len(path).unwrap() as usize;
    site.disk.flip(path, end - 9);
    let vault = site.vault();
    let trouble = site.recover(&vault, true).trouble;
    assert!(matches!(trouble, Some(VaultError::LogDamaged { .. })), "{trouble:?}");
}
