//! Files that were proven on a medium and went bad there: a good copy takes their place, and what was bad is kept aside.

use archive::Outcome;
use shared::RecordingId;
use store::Disk as _;
use store::testing::{FaultyDisk, Manner, Share};
use vault::{BadPart, MediumState};

use super::world::{AT, Office, Site, location};
use super::{judge, paths, proven, read, speaks};
use crate::carrier::SyncRule;
use crate::{ArchiverError, Kind};

/// Six calls that are proven on a medium.
fn archived() -> (Office, Site, FaultyDisk) {
    let (office, site, medium) = (Office::new(), Site::new(), FaultyDisk::new());
    site.prepare(&office, &medium);
    site.record(&office, "2026-11-21", 1..4, false);
    site.record(&office, "2026-11-22", 4..7, false);
    let done = site.night(&office, &medium, SyncRule::Whole).unwrap();
    assert_eq!((done.outcome, done.parts), (Outcome::Complete, 6));
    (office, site, medium)
}

fn path(site: &Site, n: u8) -> String {
    site.vault().proofs_of(RecordingId([n; 16])).unwrap()[0].read_back.path.clone()
}

/// Somebody looked and found these bad.
fn found(site: &Site, calls: &[u8]) {
    let bad = |n: &u8| BadPart {
        recording_id: RecordingId([*n; 16]),
        part: 0,
        path: path(site, *n),
        why: "a test said so".into(),
    };
    let bad: Vec<BadPart> = calls.iter().map(bad).collect();
    let vault = site.vault();
    let medium = vault.media(location().location_id).unwrap()[0].media_id;
    vault.found_bad(medium, &bad, AT).unwrap();
    assert_eq!(vault.medium(medium).unwrap().unwrap().state, MediumState::Suspect);
}

/// A person verified all else and trusts it.
fn trusted(site: &Site) {
    let vault = site.vault();
    for row in vault.media(location().location_id).unwrap() {
        vault.set_medium_state(row.media_id, MediumState::Good).unwrap();
    }
}

fn bad(site: &Site) -> (u64, u64) {
    let vault = site.vault();
    vault.bad_totals(vault.media(location().location_id).unwrap()[0].media_id).unwrap()
}

/// What lies under a name or is kept aside.
fn holds(medium: &FaultyDisk, content: &[u8]) -> bool {
    medium.paths().iter().filter(|path| path.ends_with(".amx")).any(|path| read(medium, path) == content)
}

#[test]
fn cut_at_every_operation_what_was_bad_is_kept_and_a_good_copy_takes_its_place() {
    let (office, base, prepared) = archived();
    let (altered, gone) = (path(&base, 2), path(&base, 5));
    let good = read(&prepared, &altered);
    prepared.flip(&altered, 700);
    prepared.unlink(&gone).unwrap();
    prepared.sync_fs().unwrap();
    let bytes = read(&prepared, &altered);
    found(&base, &[2, 5]);
    assert_eq!(proven(&base.vault(), 1..7).len(), 4);
    assert_eq!(bad(&base), (2, 0));
    let refused = base.night(&office, &prepared, SyncRule::Whole).unwrap_err();
    assert!(refused.to_string().contains("suspect"), "{refused}");
    trusted(&base);
    for (rule, step) in [(SyncRule::Whole, 1), (SyncRule::Each, 5)] {
        for n in (0..).step_by(step) {
            let (site, medium) = (base.copied(), prepared.copied());
            medium.cut_after(n);
            let first = site.night(&office, &medium, rule);
            let survived = medium.reboot(n.wrapping_mul(31).wrapping_add(7));
            judge(&site, &office, &survived, 1..7);
            assert!(holds(&survived, &bytes), "cut {n}: what was bad is gone");
            trusted(&site);
            let done = site.night(&office, &survived, rule).unwrap_or_else(|e| panic!("cut {n}: {e}"));
            assert_eq!((done.outcome, done.left), (Outcome::Complete, 0), "cut {n}: {done:?}");
            assert_eq!((judge(&site, &office, &survived, 1..7), bad(&site)), (6, (0, 0)), "cut {n}");
            assert!(holds(&survived, &bytes) && read(&survived, &altered) == good, "cut {n}");
            assert_eq!(paths(&survived, "aside/2026-11-21/", ".amx").len(), 1, "cut {n}");
            speaks(&site, &office, &survived, &[("2026-11-21", 3), ("2026-11-22", 3)]);
            if first.is_ok() {
                assert!(n > 40, "{n} operations only");
                break;
            }
        }
    }
}

#[test]
fn a_share_that_loses_answers_puts_aside_once() {
    let (office, site, medium) = archived();
    let altered = path(&site, 4);
    medium.flip(&altered, 700);
    let bytes = read(&medium, &altered);
    found(&site, &[4]);
    trusted(&site);
    let share = Share::new(&medium, Manner::LostAnswers(3));
    let done = site.night_on(&office, &share, SyncRule::Each).unwrap();
    assert_eq!((done.outcome, done.parts), (Outcome::Complete, 1), "{done:?}");
    let aside = paths(&medium, "aside/", ".amx");
    assert!(aside.len() == 1 && read(&medium, &aside[0]) == bytes, "{aside:?}");
    judge(&site, &office, &medium, 1..7);
}

#[test]
fn what_a_run_finds_under_a_name_is_put_aside_when_a_person_trusts_the_medium_again() {
    let (office, site, medium) = (Office::new(), Site::new(), FaultyDisk::new());
    site.prepare(&office, &medium);
    site.record(&office, "2026-11-22", 1..3, false);
    let live = site.vault().recording(RecordingId([1; 16])).unwrap().unwrap().parts[0].path.clone();
    let (_, rest) = live.strip_prefix("live/").unwrap().split_once('/').unwrap();
    let name = format!("2026-11-22/rec/{rest}");
    medium.mkdir_all(name.rsplit_once('/').unwrap().0).unwrap();
    medium.create_new(&name).unwrap().append(&[b"somebody else's"]).unwrap();
    let error = site.night(&office, &medium, SyncRule::Whole).unwrap_err();
    assert_eq!((error.kind(), bad(&site)), (Kind::Suspect, (1, 0)), "{error}");
    trusted(&site);
    let done = site.night(&office, &medium, SyncRule::Whole).unwrap();
    assert_eq!((done.outcome, done.parts), (Outcome::Complete, 2), "{done:?}");
    assert_eq!((judge(&site, &office, &medium, 1..3), bad(&site)), (2, (0, 0)));
    assert!(holds(&medium, b"somebody else's"), "nothing was overwritten");
}

#[test]
fn without_a_live_copy_the_medium_is_asked_first_and_what_nobody_has_is_said_aloud() {
    let (office, site, medium) = archived();
    let (well, broken) = (path(&site, 3), path(&site, 6));
    found(&site, &[3, 6]);
    trusted(&site);
    for n in [3, 6] {
        let recording = site.vault().recording(RecordingId([n; 16])).unwrap().unwrap();
        std::fs::remove_file(site.folder.path().join(&recording.parts[0].path)).unwrap();
    }
    medium.flip(&broken, 700);
    let bytes = (read(&medium, &well), read(&medium, &broken));
    for _night in 0..2 {
        let done = site.night(&office, &medium, SyncRule::Whole).unwrap();
        assert_eq!((done.outcome, done.left, done.troubles.len()), (Outcome::Holes, 1, 1), "{done:?}");
        assert!(done.troubles[0].contains("NO GOOD COPY"), "{done:?}");
        assert_eq!((judge(&site, &office, &medium, 1..7), bad(&site).0), (5, 1));
        assert_eq!((read(&medium, &well), read(&medium, &broken)), bytes, "both were left as they are");
    }
    let error = site.vault().fetched_path(RecordingId([6; 16]), 0).unwrap_err();
    assert!(!matches!(error, vault::VaultError::Away { .. }), "{error}");
    assert!(!matches!(site.night(&office, &medium, SyncRule::Each), Err(ArchiverError::Medium { .. })));
}
