//! The ledger: cut anywhere, spoilt anywhere, and still without holes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use proptest::prelude::*;
use shared::{NotRecorded, Partly};
use store::testing::FaultyDisk;

use super::*;

const OWNER: LedgerOwner = LedgerOwner { recorder_id: RecorderId([9; 16]), letter: 'A' };

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn open(disk: &FaultyDisk) -> (Ledger, Replayed) {
    Ledger::open(Arc::new(disk.clone()), OWNER).unwrap()
}

fn allot(ledger: &mut Ledger) -> LedgerNo {
    let id = RecordingId([u8::try_from(ledger.next_no % 251).unwrap(); 16]);
    ledger.allot(id, UtcMicros(1_000), day("2026-11-22")).unwrap().0
}

#[test]
fn numbers_count_from_one_and_references_from_one_a_day() {
    let (mut ledger, _) = open(&FaultyDisk::new());
    let mut next = |text| ledger.allot(RecordingId::default(), UtcMicros(0), day(text)).unwrap();
    assert_eq!(next("2026-11-22").1.to_string(), "A261122-000001");
    assert_eq!(next("2026-11-22").1.to_string(), "A261122-000002");
    let (no, reference) = next("2026-11-23");
    assert_eq!((no, reference.to_string().as_str()), (LedgerNo(3), "A261123-000001"));
    assert_eq!(
        next("2026-11-22").1.to_string(),
        "A261123-000002",
        "a day that steps back brings no reference twice"
    );
}

#[test]
fn nothing_is_durable_before_the_commit() {
    let disk = FaultyDisk::new();
    let (mut ledger, _) = open(&disk);
    allot(&mut ledger);
    assert_eq!(ledger.durable(), LedgerNo(0));
    assert_eq!(ledger.commit().unwrap(), LedgerNo(1));
    let (again, replayed) = open(&disk.reboot(1));
    assert_eq!(again.open_entries().count(), 1);
    assert_eq!(replayed, Replayed::default());
}

#[test]
fn an_end_survives_and_the_day_adds_up() {
    let disk = FaultyDisk::new();
    let (mut ledger, _) = open(&disk);
    let ends = [
        LedgerEnd::Recorded,
        LedgerEnd::Partly(Partly::OneDirection),
        LedgerEnd::NotRecorded(NotRecorded::Rule),
    ];
    for _ in 0..4 {
        allot(&mut ledger);
    }
    for (no, end) in (1..).zip(ends) {
        assert!(ledger.end(LedgerNo(no), end, Some(7), UtcMicros(5)).is_some(), "it was open");
    }
    assert!(ledger.end(LedgerNo(1), LedgerEnd::Recorded, None, UtcMicros(6)).is_none(), "it has ended");
    ledger.commit().unwrap();
    let expected = LedgerTotals { signalled: 4, recorded: 1, partly: 1, not_recorded: 1, open: 1 };
    assert_eq!(ledger.totals(day("2026-11-22")), expected);
    let (again, replayed) = open(&disk.reboot(7));
    assert_eq!(again.totals(day("2026-11-22")), expected);
    assert_eq!(replayed.ended.iter().map(|e| e.end).collect::<Vec<_>>(), ends);
    assert_eq!(replayed.ended[2].rule, Some(7));
}

/// A number whose record was torn off was never acknowledged: it is given again. One that was acknowledged never is.
#[test]
fn a_power_cut_at_any_operation_loses_no_acknowledged_number_and_gives_none_twice() {
    for cut in 0..30 {
        for dice in 0..20 {
            let disk = FaultyDisk::new();
            let (mut ledger, _) = open(&disk);
            disk.cut_after(cut);
            let mut acknowledged = 0;
            for round in 0..10 {
                for _ in 0..=round {
                    allot(&mut ledger);
                }
                match ledger.commit() {
                    Ok(no) => acknowledged = no.0,
                    Err(_) => break,
                }
            }
            let (mut again, replayed) = open(&disk.reboot(dice * 7_919 + 3));
            assert!(
                again.durable().0 >= acknowledged,
                "cut {cut} dice {dice}: {acknowledged} was acknowledged"
            );
            let known = again.open_entries().count() + replayed.ended.len();
            assert_eq!(known as u64, again.durable().0, "cut {cut} dice {dice}: no holes");
            assert_eq!(allot(&mut again).0, again.durable().0 + 1);
        }
    }
}

#[test]
fn a_failed_sync_begins_a_new_file_that_knows_everything() {
    let disk = FaultyDisk::new();
    let (mut ledger, _) = open(&disk);
    allot(&mut ledger);
    allot(&mut ledger);
    ledger.commit().unwrap();
    ledger.end(LedgerNo(1), LedgerEnd::Recorded, None, UtcMicros(5));
    allot(&mut ledger);
    ledger.end(LedgerNo(3), LedgerEnd::NotRecorded(NotRecorded::Limit), None, UtcMicros(6));
    disk.fail_sync_after(0);
    assert_eq!(ledger.commit().unwrap(), LedgerNo(3), "the next file took it");
    allot(&mut ledger);
    assert_eq!(ledger.commit().unwrap(), LedgerNo(4));
    let totals = ledger.totals(day("2026-11-22"));
    assert_eq!(totals, LedgerTotals { signalled: 4, recorded: 1, partly: 0, not_recorded: 1, open: 2 });
    for dice in 0..50 {
        let (again, replayed) = open(&disk.reboot(dice));
        assert_eq!(again.totals(day("2026-11-22")), totals);
        assert_eq!(again.open_entries().map(|e| e.ledger_no.0).collect::<Vec<_>>(), [2, 4]);
        assert_eq!(replayed.ended.len(), 2, "both ends, also that of the entry which the first file lost");
        assert!(!replayed.chain_broken, "the new file names what of the old one is durable");
    }
}

#[test]
fn a_full_file_is_followed_by_the_next_and_the_chain_holds() {
    let disk = FaultyDisk::new();
    let (mut ledger, _) = open(&disk);
    ledger.bytes_max = 1_000;
    for _ in 0..100 {
        let no = allot(&mut ledger);
        ledger.commit().unwrap();
        if !no.0.is_multiple_of(3) {
            ledger.end(no, LedgerEnd::Recorded, None, UtcMicros(9));
        }
    }
    ledger.commit().unwrap();
    assert!(ledger.file_no > 3, "several files");
    let totals = ledger.totals(day("2026-11-22"));
    let file_no = ledger.file_no;
    let disk = disk.reboot(5);
    let (again, replayed) = open(&disk);
    assert_eq!((again.totals(day("2026-11-22")), again.durable()), (totals, LedgerNo(100)));
    assert!(!replayed.chain_broken, "nobody touched the files");
    drop(again);
    disk.flip(&file_path(file_no - 1), 200);
    assert!(open(&disk).1.chain_broken, "the file before was altered");
}

#[test]
fn a_cut_while_the_next_file_begins_leaves_the_one_before() {
    for cut in 0..4 {
        for dice in 0..40 {
            let disk = FaultyDisk::new();
            let (mut ledger, _) = open(&disk);
            allot(&mut ledger);
            ledger.commit().unwrap();
            ledger.bytes_max = 0;
            allot(&mut ledger);
            disk.cut_after(cut);
            let done = ledger.commit().is_ok();
            let (again, _) = open(&disk.reboot(dice));
            let numbers: Vec<u64> = again.open_entries().map(|e| e.ledger_no.0).collect();
            assert!(numbers == [1, 2] || (!done && numbers == [1]), "cut {cut} dice {dice}: {numbers:?}");
        }
    }
}

#[test]
fn a_spoilt_record_is_counted_and_its_number_filled_for_ever() {
    let disk = FaultyDisk::new();
    let (mut ledger, _) = open(&disk);
    for _ in 0..5 {
        allot(&mut ledger);
    }
    ledger.commit().unwrap();
    disk.flip(&file_path(1), HEADER_LEN + 2 * RECORD_LEN + 9);
    let (again, replayed) = open(&disk);
    assert_eq!((replayed.spoilt_records, replayed.missing.as_slice()), (1, [LedgerNo(3)].as_slice()));
    assert_eq!(replayed.ended.len(), 1);
    let totals = LedgerTotals { signalled: 5, recorded: 0, partly: 0, not_recorded: 1, open: 4 };
    assert_eq!(again.totals(day("2026-11-22")), totals);
    drop(again);
    let (again, replayed) = open(&disk.reboot(3));
    assert_eq!((again.totals(day("2026-11-22")), replayed.missing.len()), (totals, 0));
}

#[test]
fn a_full_disk_keeps_what_waits_for_the_next_commit() {
    let disk = FaultyDisk::new();
    let (mut ledger, _) = open(&disk);
    allot(&mut ledger);
    disk.leave_space(10);
    assert!(ledger.commit().unwrap_err().is_no_space(), "full");
    assert_eq!(ledger.durable(), LedgerNo(0));
    disk.leave_space(1 << 20);
    assert_eq!(ledger.commit().unwrap(), LedgerNo(1));
    assert_eq!(open(&disk.reboot(1)).0.open_entries().count(), 1);
}

#[test]
fn the_ledger_of_another_recorder_is_refused() {
    let disk = FaultyDisk::new();
    drop(open(&disk));
    let other = LedgerOwner { letter: 'B', ..OWNER };
    let refused = Ledger::open(Arc::new(disk), other).unwrap_err();
    assert!(matches!(refused, VaultError::LedgerOwner { .. }), "{refused}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is done, cut and started again: numbers have no holes, and each day adds up.
    #[test]
    fn the_account_always_adds_up(steps in proptest::collection::vec((0_u8..4, any::<u64>()), 1..60)) {
        let mut disk = FaultyDisk::new();
        let (mut ledger, _) = open(&disk);
        for (what, dice) in steps {
            match what {
                0 => { allot(&mut ledger); }
                1 => {
                    let first = ledger.open_entries().next().map(|e| e.ledger_no);
                    if let Some(no) = first {
                        ledger.end(no, LedgerEnd::Recorded, None, UtcMicros(1));
                    }
                }
                2 => { ledger.commit().unwrap(); }
                _ => {
                    let durable = ledger.durable();
                    disk = disk.reboot(dice);
                    ledger = open(&disk).0;
                    prop_assert!(ledger.durable() >= durable);
                }
            }
            let t = ledger.totals(day("2026-11-22"));
            prop_assert_eq!(t.signalled, t.recorded + t.partly + t.not_recorded + t.open);
            prop_assert_eq!(t.signalled, ledger.next_no - 1);
        }
    }
}
