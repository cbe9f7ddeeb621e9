//! What arrives, and what crashes of either side make of it.

use std::collections::BTreeSet;
use std::io::Read as _;

use shared::{LedgerEnd, Partly};

use super::*;
use crate::tests::all;
use crate::{Level, Resume};

#[test]
fn recordings_of_a_satellite_arrive_once_and_as_they_were() {
    let (central, satellite) = (Central::new(), Satellite::new(WHO, 'B'));
    let rows = satellite.record_whole(1..=3);
    let incoming = central.incoming();
    // Calls of the central's own with the same numbers.
    for n in 91..=93 {
        incoming.vault.allot(RecordingId([n; 16]), AT).unwrap();
    }
    let whole = satellite.send(&incoming).unwrap();
    assert_eq!(whole.len(), 3);
    incoming.sync().unwrap();
    let leaves: Vec<u64> = central.take_in(&incoming, &whole).into_iter().map(Answer::unwrap).collect();
    assert_eq!(leaves, [0, 1, 2]);
    let again: Vec<u64> = central.take_in(&incoming, &whole).into_iter().map(Answer::unwrap).collect();
    assert_eq!(again, leaves, "asked again, the same leaves");
    let vault = &incoming.vault;
    let found = all(vault);
    assert_eq!(found.len(), 3);
    for (recording, admitted) in found.iter().zip(&rows.admitted) {
        assert_eq!(recording.facts.recorder_id, WHO);
        assert_eq!(recording.facts.end, LedgerEnd::Recorded, "as the satellite's ledger says");
        let What::Part(id, _) = part(recording.facts.recording_id.bytes()[0]) else { unreachable!() };
        let mut bytes = Vec::new();
        vault.open_recording(id).unwrap().remove(0).io.read_to_end(&mut bytes).unwrap();
        let sent = satellite.outpost.read(What::Part(id, 0), 0, 1 << 20).unwrap();
        assert!(bytes == sent && admitted.row.part.bytes == bytes.len() as u64);
        let held = incoming.look(WHO, What::Part(id, 0), true).unwrap();
        assert_eq!(held, Held { length: bytes.len() as u64, blake3: Some(blake3::hash(&bytes).into()) });
    }
    let day = "2026-11-22".parse().unwrap();
    let ledger: Vec<_> =
        vault.ledger_day(day).unwrap().into_iter().filter(|row| row.recorder_id == WHO).collect();
    assert_eq!(ledger.len(), 3);
    assert!(ledger.iter().all(|row| row.reference.letter == 'B'));
    assert!(ledger.iter().all(|row| row.caller.starts_with("2711555") && row.ending.is_some()));
    assert_eq!(vault.ledger_totals(day).unwrap().recorded, 3);
    assert_eq!(vault.open_entries().unwrap().len(), 3, "the central's own ledger knows nothing of them");
    assert!(vault.check(Level::Hash).unwrap().is_clean());
    assert!(growing(&*vault.disk).unwrap().is_empty());
}

/// Sending and taking in, cut after every operation of the central's disk; then everything is offered again. What was acknowledged
/// may be lost, what was answered with a leaf may not, and nothing comes twice.
#[test]
fn a_power_cut_of_the_central_at_every_step_ends_with_each_recording_once() {
    let satellite = Satellite::new(WHO, 'B');
    drop(satellite.record_whole(1..=2));
    let mut stages = BTreeSet::new();
    for cut in 0.. {
        let central = Central::new();
        // Three newer days: the one of these calls is not among those that every start looks at.
        for day in ["2026-12-01", "2026-12-02", "2026-12-03"] {
            Disk::mkdir_all(&central.site.disk, &format!("live/{day}")).unwrap();
        }
        let incoming = central.incoming();
        central.site.disk.cut_after(cut);
        let sent = satellite.send(&incoming).ok().filter(|_| incoming.sync().is_ok());
        let sent: Vec<Whole> = sent.unwrap_or_default();
        let first: Vec<Answer<u64>> = central.take_in(&incoming, &sent);
        drop(incoming);

        let central = central.rebooted(cut * 17 + 5);
        let vault = central.site.vault();
        let report = central.site.recover(&vault, true);
        assert!(report.unreadable.is_empty() && report.missing_files.is_empty(), "cut {cut}: {report:?}");
        drop(vault);
        let incoming = central.incoming();
        what_was_answered_stands(&incoming, &satellite, &sent, &first, cut);
        let whole = satellite.send(&incoming).unwrap();
        let leaves: Vec<u64> =
            central.take_in(&incoming, &whole).into_iter().map(|leaf| leaf.unwrap()).collect();
        for (before, now) in first.iter().zip(&leaves) {
            assert!(before.as_ref().is_err() || before.as_ref() == Ok(now), "cut {cut}: another leaf");
        }
        let vault = &incoming.vault;
        let found = all(vault);
        assert_eq!(found.len(), 2, "cut {cut}");
        assert!(found.iter().all(|r| r.facts.end == LedgerEnd::Recorded && r.parts.len() == 1), "cut {cut}");
        assert!(vault.check(Level::Hash).unwrap().is_clean(), "cut {cut}");
        let (logged, damage) = vault.check_log().unwrap();
        assert!(logged == 2 && damage.is_none() && leaves[0] != leaves[1], "cut {cut}: {logged} leaves");
        let day = "2026-11-22".parse().unwrap();
        assert_eq!(vault.ledger_totals(day).unwrap().recorded, 2, "cut {cut}");
        assert!(growing(&*vault.disk).unwrap().is_empty(), "cut {cut}: nothing is left over");
        stages.insert((report.entered.len(), first.iter().filter(|answer| answer.is_ok()).count()));
        if first.len() == 2 && first.iter().all(Answer::is_ok) {
            break;
        }
    }
    assert!(stages.contains(&(2, 0)), "some were found in live without a row: {stages:?}");
}

/// More parts at once than are synced one by one: the same, for the one sync for all of them.
#[test]
fn a_power_cut_while_many_are_taken_in_at_once_leaves_no_answer_without_its_bytes() {
    let satellite = Satellite::new(WHO, 'B');
    drop(satellite.record_whole(1..=10));
    let mut answered = BTreeSet::new();
    for cut in 0.. {
        let central = Central::with(16);
        let incoming = central.incoming();
        let sent = satellite.send(&incoming).unwrap();
        assert_eq!(sent.len(), 10);
        central.site.disk.cut_after(cut);
        let first = central.take_in(&incoming, &sent);
        drop(incoming);
        let central = central.rebooted(cut * 29 + 3);
        let vault = central.site.vault();
        let report = central.site.recover(&vault, true);
        assert!(report.unreadable.is_empty() && report.missing_files.is_empty(), "cut {cut}: {report:?}");
        drop(vault);
        let incoming = central.incoming();
        what_was_answered_stands(&incoming, &satellite, &sent, &first, cut);
        answered.insert(first.iter().filter(|answer| answer.is_ok()).count());
        let again = satellite.send(&incoming).unwrap();
        assert!(central.take_in(&incoming, &again).iter().all(Answer::is_ok), "cut {cut}");
        assert_eq!(all(&incoming.vault).len(), 10, "cut {cut}");
        if first.iter().all(Answer::is_ok) {
            break;
        }
    }
    assert!(answered.contains(&0) && answered.contains(&10), "{answered:?}");
}

/// A leaf is what a receipt is made of, and after a receipt the satellite has nothing more: without any word from it the central has
/// the bytes, the row and the leaf.
fn what_was_answered_stands(
    incoming: &Incoming,
    satellite: &Satellite,
    sent: &[Whole],
    answers: &[Answer<u64>],
    cut: u64,
) {
    let vault = &incoming.vault;
    for (whole, answer) in sent.iter().zip(answers) {
        let (Ok(leaf), What::Part(id, number)) = (answer, whole.what) else { continue };
        let row = vault.recording(id).unwrap().unwrap_or_else(|| panic!("cut {cut}: no row for {id}"));
        assert_eq!(row.parts.len(), 1, "cut {cut}");
        assert_eq!(vault.catalogue.leaf_of((id, number)).unwrap(), Some(*leaf), "cut {cut}");
        let mut bytes = Vec::new();
        vault.open_recording(id).unwrap().remove(0).io.read_to_end(&mut bytes).unwrap();
        assert!(bytes == satellite.outpost.read(whole.what, 0, 1 << 20).unwrap(), "cut {cut}: other bytes");
        assert!(vault.check_log().unwrap().0 > *leaf, "cut {cut}: the leaf is not in the log");
    }
}

/// The satellite loses power while it sends; what the central received beyond its disk comes back, a torn end goes.
#[test]
fn what_a_crash_of_the_satellite_took_comes_back_from_the_central() {
    for torn in [0, 5_000] {
        let (central, satellite) = (Central::new(), Satellite::new(WHO, 'B'));
        let incoming = central.incoming();
        let mut open = satellite.maker.record(&satellite.outpost, 1).unwrap();
        satellite.outpost.sync_all().unwrap();
        // Half a frame that was sent before the power went, or nothing of the kind.
        let (file, ..) = &mut open;
        let frame: Vec<u8> = [b"AMXF".as_slice(), &[1; 5_000]].concat();
        file.append(&[&frame[..torn]]).unwrap();
        drop(satellite.send(&incoming).unwrap());
        let before = incoming.look(WHO, part(1), false).unwrap().length;
        drop(open);
        let disk = satellite.disk.reboot(3);
        // The disk lost the last second: its file ends behind META.
        let name = satellite.outpost.files().into_iter().find(|file| file.what == part(1)).unwrap().name;
        let mut short = Disk::open_append(&disk, &format!("spool/{name}")).unwrap();
        short.truncate(before - torn as u64 - 100).unwrap();
        short.sync().unwrap();
        let again = outpost(&disk, WHO, 'B');
        incoming.gone(WHO);
        let held = incoming.look(WHO, part(1), true).unwrap();
        assert_eq!(held.length, before - torn as u64, "whole frames");
        let key = satellite_key(WHO);
        let mut next = again.central_holds(part(1), held.length, held.blake3, &key).unwrap();
        while let Resume::Fetch { offset, length } = next {
            let bytes = incoming.read(WHO, part(1), offset, length as usize).unwrap();
            next = again.append_from_central(part(1), offset, &bytes, &key).unwrap();
        }
        assert_eq!(next, Resume::Closed);
        let satellite = Satellite { outpost: again, ..satellite };
        incoming.gone(WHO);
        let whole = satellite.send(&incoming).unwrap();
        assert_eq!(central.take_in(&incoming, &whole), [Ok(0)]);
        let found = all(&incoming.vault);
        assert_eq!((found[0].legs[0].samples, found[0].facts.end), (8_000, LedgerEnd::Partly(Partly::Crash)));
    }
}

#[test]
fn after_a_failed_sync_it_is_asked_for_from_its_beginning() {
    let (central, satellite) = (Central::new(), Satellite::new(WHO, 'B'));
    drop(satellite.record_whole(1..=1));
    let incoming = central.incoming();
    drop(satellite.send(&incoming).unwrap());
    central.site.disk.fail_sync_after(0);
    assert!(incoming.sync().is_err());
    assert_eq!(incoming.look(WHO, part(1), false).unwrap().length, 0);
    drop(satellite.send(&incoming).unwrap());
    incoming.sync().unwrap();
    // The log had its file open, too, and was given up: that takes a new start.
    drop(incoming);
    let incoming = central.incoming();
    let whole = satellite.send(&incoming).unwrap();
    assert_eq!(central.take_in(&incoming, &whole), [Ok(0)]);
}
