//! The log over a disk that loses power, is full, or changes a bit.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use archive::log::{Tree, empty_root};
use store::testing::FaultyDisk;

use super::*;
use crate::VaultError;

fn leaves(from: u64, to: u64) -> Vec<Vec<u8>> {
    (from..to).map(|n| format!("leaf {n}").into_bytes()).collect()
}

fn read(disk: &FaultyDisk) -> Vec<Vec<u8>> {
    let mut leaves = Vec::new();
    files::each(disk, 0, |_index, leaf| {
        leaves.push(leaf);
        Ok(())
    })
    .unwrap();
    leaves
}

fn open(disk: &FaultyDisk, known: u64) -> Result<SiteLog> {
    SiteLog::open(Arc::new(disk.clone()), known, known)
}

/// The log must be exactly these leaves, and its hashes theirs.
fn holds(disk: &FaultyDisk, expected: &[Vec<u8>]) {
    assert_eq!(read(disk), expected);
    let mut edge = Frontier::default();
    expected.iter().for_each(|leaf| drop(edge.append(leaf_hash(leaf))));
    let count = u64::try_from(expected.len()).unwrap();
    assert_eq!(files::hashed(disk).unwrap(), count);
    let read = files::reader(disk.open_read(files::HASHES).unwrap());
    let root = Tree::new(count, read).root().unwrap();
    assert_eq!(root, if count == 0 { empty_root() } else { edge.root() });
    for (n, leaf) in (0..).zip(expected) {
        assert_eq!(files::leaf(disk, n).unwrap().as_ref(), Some(leaf));
    }
    assert_eq!(files::leaf(disk, count).unwrap(), None);
}

#[test]
fn leaves_come_back_over_files_and_starts() {
    let disk = FaultyDisk::new();
    for (from, to) in [(0, 3), (3, 9), (9, 10), (10, 40), (40, 41)] {
        let mut log = open(&disk, from).unwrap();
        assert_eq!(log.append(&leaves(from, to)).unwrap(), from);
        holds(&disk, &leaves(0, to));
    }
    assert!(disk.paths().iter().filter(|path| path.ends_with(".aml")).count() > 2, "several files");
}

#[test]
fn cut_at_every_step_what_was_acknowledged_is_there_and_the_rest_is_whole() {
    for cut in 0.. {
        let disk = FaultyDisk::new();
        disk.cut_after(cut);
        let mut acknowledged = 0;
        let mut is_done = true;
        if let Ok(mut log) = open(&disk, 0) {
            for (from, to) in [(0, 3), (3, 9), (9, 12), (12, 30)] {
                if log.append(&leaves(from, to)).is_err() {
                    is_done = false;
                    break;
                }
                acknowledged = to;
            }
        } else {
            is_done = false;
        }
        let disk = disk.reboot(cut * 31 + 7);
        let mut log = open(&disk, acknowledged).unwrap();
        let there = log.edge.leaves();
        assert!(there >= acknowledged, "cut {cut}: an acknowledged leaf is gone");
        holds(&disk, &leaves(0, there));
        log.append(&leaves(there, there + 2)).unwrap();
        holds(&disk, &leaves(0, there + 2));
        if is_done {
            break;
        }
    }
}

#[test]
fn hashes_are_made_again_from_the_leaves() {
    let disk = FaultyDisk::new();
    open(&disk, 0).unwrap().append(&leaves(0, 21)).unwrap();
    disk.unlink(files::HASHES).unwrap();
    open(&disk, 21).unwrap();
    holds(&disk, &leaves(0, 21));
}

#[test]
fn damage_that_no_crash_makes_is_refused_and_nothing_is_cut_off() {
    let disk = FaultyDisk::new();
    open(&disk, 0).unwrap().append(&leaves(0, 5)).unwrap();
    let before = disk.len("log/leaves-000000000000.aml").unwrap();
    disk.flip("log/leaves-000000000000.aml", 40);
    assert!(matches!(open(&disk, 5), Err(VaultError::LogDamaged { .. })));
    assert_eq!(disk.len("log/leaves-000000000000.aml").unwrap(), before);
}

/// A log of ten leaves in two files that no row names, as those of logins that were given out.
fn unnamed() -> FaultyDisk {
    let disk = FaultyDisk::new();
    let mut log = open(&disk, 0).unwrap();
    log.append(&leaves(0, 8)).unwrap();
    log.append(&leaves(8, 10)).unwrap();
    drop(log);
    disk
}

/// Their files were begun anew, as if nothing had been there.
#[test]
fn lost_leaves_that_no_row_names_are_missed_all_the_same() {
    let is_missed = |disk: &FaultyDisk| matches!(open(disk, 0), Err(VaultError::LogDamaged { .. }));
    assert!(!is_missed(&unnamed()));
    let newest = "log/leaves-000000000008.aml";
    for at in [3, 25] {
        let disk = unnamed();
        let before = disk.len(newest).unwrap();
        disk.flip(newest, at);
        assert!(is_missed(&disk), "octet {at} changed");
        assert_eq!(disk.len(newest).unwrap(), before, "nothing is cut off");
    }
    let disk = unnamed();
    disk.unlink(newest).unwrap();
    assert!(is_missed(&disk), "the newest file is gone");
    disk.unlink("log/leaves-000000000000.aml").unwrap();
    assert!(is_missed(&disk), "both are");
}
