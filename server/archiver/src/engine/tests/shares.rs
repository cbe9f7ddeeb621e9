//! Runs on shares: what the server did and what the client hears are two things there.

use archive::Outcome;
use store::testing::{FaultyDisk, Manner, Share};
use vault::MediumState;

use super::world::{Office, Site, location};
use super::{judge, proven, speaks};
use crate::carrier::{CarryKind, SyncRule};
use crate::{ArchiverError, Kind};

/// A site of six calls and a medium that was prepared, before any run.
fn begun() -> (Office, Site, FaultyDisk) {
    let (office, site, medium) = (Office::new(), Site::new(), FaultyDisk::new());
    site.prepare(&office, &medium);
    site.record(&office, "2026-11-21", 1..4, false);
    site.record(&office, "2026-11-22", 4..7, false);
    (office, site, medium)
}

/// The next run, on a share in its right mind, completes.
fn completes(office: &Office, site: &Site, medium: &FaultyDisk, what: &str) {
    let done = site.night(office, medium, SyncRule::Each).unwrap_or_else(|e| panic!("{what}: {e}"));
    assert_eq!((done.outcome, done.left), (Outcome::Complete, 0), "{what}: {done:?}");
    assert_eq!(judge(site, office, medium, 1..7), 6, "{what}");
    speaks(site, office, medium, &[("2026-11-21", 3), ("2026-11-22", 3)]);
}

/// A sync that failed says nothing about the bytes and makes a medium suspect; a person verified it meanwhile.
fn cleared(site: &Site) {
    let vault = site.vault();
    for row in vault.media(location().location_id).unwrap() {
        vault.set_medium_state(row.media_id, MediumState::Good).unwrap();
    }
}

#[test]
fn a_server_that_was_restarted_at_any_call_ends_the_run_and_the_next_completes() {
    let (office, base, prepared) = begun();
    for (met, n) in (0..).step_by(3).enumerate() {
        let (site, medium) = (base.copied(), prepared.copied());
        let share = Share::new(&medium, Manner::Stale(n));
        let first = site.night_on(&office, &share, SyncRule::Each);
        judge(&site, &office, &medium, 1..7);
        if share.calls() <= n {
            assert!(first.is_ok() && met > 50, "{met} places only");
            break;
        }
        if let Err(error) = first {
            assert!(
                matches!(error, ArchiverError::Medium { .. } | ArchiverError::Away { .. }),
                "{n}: {error}"
            );
            cleared(&site);
        }
        completes(&office, &site, &medium, &format!("stale at {n}"));
    }
}

#[test]
fn answers_that_are_lost_do_no_harm() {
    let (office, base, prepared) = begun();
    for each in [1, 2, 3, 5, 7, 11] {
        let (site, medium) = (base.copied(), prepared.copied());
        let share = Share::new(&medium, Manner::LostAnswers(each));
        let first = site.night_on(&office, &share, SyncRule::Each);
        judge(&site, &office, &medium, 1..7);
        // Where hardly any is lost the run does not even notice.
        if each > 2 {
            let done = first.unwrap_or_else(|e| panic!("each {each}th lost: {e}"));
            assert_eq!(done.outcome, Outcome::Complete, "each {each}th lost: {done:?}");
        }
        completes(&office, &site, &medium, &format!("each {each}th lost"));
    }
}

#[test]
fn a_share_that_says_only_at_the_sync_that_it_is_full_is_full_and_not_suspect() {
    let (office, base, prepared) = begun();
    for quota in [false, true] {
        for n in 0.. {
            let (site, medium) = (base.copied(), prepared.copied());
            let share = Share::new(&medium, Manner::FullAtSync(n, quota));
            let first = site.night_on(&office, &share, SyncRule::Each);
            if share.calls() <= n {
                assert!(n > 10, "all syncs were met");
                break;
            }
            match &first {
                Ok(done) => assert!(done.outcome != Outcome::Complete || done.left == 0, "{n}: {done:?}"),
                Err(ArchiverError::Medium { error, .. }) => {
                    assert_eq!(error.kind, CarryKind::Full, "{n}: {error}");
                    assert_ne!(first.as_ref().unwrap_err().kind(), Kind::Suspect, "{n}");
                }
                Err(other) => panic!("{n}: {other}"),
            }
            judge(&site, &office, &medium, 1..7);
            completes(&office, &site, &medium, &format!("full at sync {n}"));
        }
    }
}

#[test]
fn without_a_sync_of_folders_and_past_no_cache_a_copy_is_made_and_counts_less() {
    let (office, site, medium) = begun();
    let share = Share::new(&medium, Manner::NoFolderSync);
    let done = site.night_on(&office, &share, SyncRule::Each).unwrap();
    assert_eq!((done.outcome, done.parts), (Outcome::Complete, 6), "{done:?}");
    let vault = site.vault();
    for n in 1..7 {
        let proofs = vault.proofs_of(shared::RecordingId([n; 16])).unwrap();
        assert_eq!(
            proofs[0].read_back.level,
            archive::Level::Written as u8,
            "nothing becomes purgeable by it"
        );
    }
    assert_eq!(proven(&vault, 1..7).len(), 6);
}

#[test]
fn names_without_case_and_names_of_removed_files_do_no_harm() {
    for manner in [Manner::FoldsCase, Manner::SillyNames] {
        let (office, site) = (Office::new(), Site::new());
        let medium = FaultyDisk::new();
        let share = Share::new(&medium, manner);
        site.prepare_on(&office, &share);
        for (day, calls) in [("2026-11-21", 1..4), ("2026-11-22", 4..6), ("2026-11-22", 6..7)] {
            let count = usize::from(calls.end - calls.start);
            site.record(&office, day, calls, false);
            let done =
                site.night_on(&office, &share, SyncRule::Each).unwrap_or_else(|e| panic!("{manner:?}: {e}"));
            assert_eq!((done.outcome, done.parts), (Outcome::Complete, count as u64), "{manner:?}: {done:?}");
        }
        assert_eq!(proven(&site.vault(), 1..7).len(), 6, "{manner:?}");
    }
}

#[test]
fn a_share_whose_server_dies_at_any_operation_loses_nothing_that_was_proven() {
    let (office, base, prepared) = begun();
    for n in (0..).step_by(5) {
        let (site, medium) = (base.copied(), prepared.copied());
        medium.cut_after(n);
        let share = Share::new(&medium, Manner::LostAnswers(4));
        let first = site.night_on(&office, &share, SyncRule::Each);
        let survived = medium.reboot(n.wrapping_mul(31));
        judge(&site, &office, &survived, 1..7);
        cleared(&site);
        completes(&office, &site, &survived, &format!("cut at {n}"));
        if first.is_ok() {
            assert!(n > 50, "{n} operations only");
            break;
        }
    }
}
