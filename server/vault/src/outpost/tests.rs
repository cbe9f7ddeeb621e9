//! A satellite over a disk that loses power: cut at every operation, started again, with a central that holds nothing or all that ever
//! stood in its files.
#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::panic_in_result_fn,
    reason = "tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use seal::{SigningKey, Survey};
use shared::{LedgerTotals, NotRecorded};
use store::testing::FaultyDisk;

use super::*;
use crate::tests::{AT, Site, config};
use crate::{Receipt, folder};

fn disk() -> FaultyDisk {
    let disk = FaultyDisk::new();
    folder::make(&disk, "memory").unwrap();
    disk
}

fn outpost(disk: &FaultyDisk) -> Outpost {
    Outpost::assemble(Arc::new(disk.clone()), config(), "memory".into(), None).unwrap()
}

fn what(n: u8) -> What {
    What::Part(RecordingId([n; 16]), 0)
}

fn signer() -> SigningKey {
    SigningKey::from_seed(&[4; 32])
}

/// What a central holds: every byte that ever stood in the satellite's files.
#[derive(Default)]
struct Central(BTreeMap<What, Vec<u8>>);

impl Central {
    /// Takes over what stands there now. Bytes that a central holds never change.
    fn take(&mut self, outpost: &Outpost) {
        for news in outpost.take_news() {
            let News::Stands(file) = news else { continue };
            let bytes = outpost.read(file.what, 0, 1 << 20).unwrap();
            assert_eq!(bytes.len() as u64, file.bytes, "what is told stands in the file");
            let held = self.0.entry(file.what).or_default();
            assert!(bytes.starts_with(held), "{:?} changed where it was sent", file.what);
            *held = bytes;
        }
    }

    /// Answers for everything that a crash cut, as the central does: a torn tail goes first.
    fn answer(&mut self, outpost: &Outpost) -> Result<()> {
        for file in outpost.unfinished() {
            let held = self.0.entry(file.what).or_default();
            if let Ok(survey) = Survey::of(Cursor::new(&*held))
                && survey.trailer.is_none()
            {
                held.truncate(survey.valid_end as usize);
            }
            let (length, digest) = (held.len() as u64, blake3::hash(held).into());
            let mut next = outpost.central_holds(file.what, length, Some(digest), &signer())?;
            while let Resume::Fetch { offset, length } = next {
                // In small pieces.
                let end = (offset as usize + length.min(1_000) as usize).min(held.len());
                let bytes = &held[offset as usize..end];
                next = outpost.append_from_central(file.what, offset, bytes, &signer())?;
            }
            assert_eq!(next, Resume::Closed);
        }
        Ok(())
    }
}

/// Three calls, from their beginning until they are whole; the central takes over after each step.
fn live_three_calls(site: &Site, outpost: &Outpost, central: &mut Central) -> (LedgerNo, bool, bool) {
    let mut open = Vec::new();
    for n in 1..=3 {
        let Ok(part) = site.record(outpost, n) else {
            return (outpost.durable_ledger_no(), false, false);
        };
        central.take(outpost);
        open.push(part);
    }
    let known = outpost.durable_ledger_no();
    if outpost.sync_all().is_err() {
        return (known, false, false);
    }
    let report = outpost.admit(open.into_iter().map(|part| site.close(part)).collect());
    if report.left.is_empty() && report.trouble.is_none() {
        central.take(outpost);
        return (known, true, true);
    }
    (known, true, false)
}

fn totals(outpost: &Outpost) -> LedgerTotals {
    let desk = held(&outpost.spool);
    desk.ledger.as_ref().unwrap().totals("2026-11-22".parse().unwrap())
}

fn held(spool: &Spool) -> std::sync::MutexGuard<'_, Desk> {
    crate::vault::held(&spool.desk)
}

fn sealed(outpost: &Outpost) -> Vec<OutFile> {
    let parts = outpost.files().into_iter().filter(|file| matches!(file.what, What::Part(..)));
    let parts: Vec<OutFile> = parts.collect();
    for file in &parts {
        let digests = file.sealed.unwrap();
        let bytes = outpost.read(file.what, 0, 1 << 20).unwrap();
        let report = seal::verify(Cursor::new(&bytes), &|_| Some(signer().verifying_key())).unwrap();
        assert!(report.is_proven(), "{report:?}");
        assert_eq!(report.trailer.unwrap().facts.blake3, digests.blake3);
        assert_eq!(bytes.len() as u64, file.bytes);
    }
    parts
}

/// The whole life of three calls, cut after every operation. With a central that holds nothing what was synced is closed; with one that
/// holds all that stood here, all of that is in the closed parts. The answers are cut at each step, too.
#[test]
fn a_power_cut_at_every_step_loses_nothing_that_was_synced_or_sent() {
    for with_central in [false, true] {
        let mut stages = BTreeSet::new();
        for cut in 0.. {
            let site = Site::new();
            let disk = disk();
            let first = outpost(&disk);
            first.recover(AT).unwrap();
            drop(first.take_news());
            disk.cut_after(cut);
            let mut central = Central::default();
            let (known, synced, finished) = live_three_calls(&site, &first, &mut central);
            drop(first);
            if !with_central {
                central.0.clear();
            }
            let again = until_closed(disk.reboot(cut * 31 + 7), &mut central, cut);
            let parts = sealed(&again);
            if synced {
                let found: BTreeSet<What> = parts.iter().map(|file| file.what).collect();
                assert!((1..=3).all(|n| found.contains(&what(n))), "cut {cut}: synced audio is gone");
            }
            for (of, sent) in &central.0 {
                let here = again.read(*of, 0, 1 << 20).unwrap_or_default();
                let is_part = matches!(of, What::Part(..));
                let frames = Survey::of(Cursor::new(sent)).map_or(0, |survey| survey.frames);
                assert!(
                    !is_part || frames == 0 || here.starts_with(sent),
                    "cut {cut}: what was sent and what is here part ways"
                );
            }
            let totals = totals(&again);
            assert_eq!(totals.open, 0, "cut {cut}: every entry has ended");
            assert!(totals.signalled >= known.0, "cut {cut}: a call is not accounted for");
            assert!(parts.len() as u64 <= totals.recorded + totals.partly, "cut {cut}: {totals:?}");
            assert!(again.unfinished().is_empty());
            stages.insert((parts.len(), totals.recorded, totals.partly, totals.not_recorded));
            if finished {
                assert_eq!((parts.len(), totals.recorded), (3, 3));
                break;
            }
        }
        assert!(stages.len() >= 5, "the cuts met several stages: {stages:?}");
    }
}

/// Starts again and lets the central answer, cut after every operation until it goes through.
fn until_closed(disk: FaultyDisk, central: &mut Central, seed: u64) -> Outpost {
    let mut disk = disk;
    for cut in 0.. {
        let trial = disk.copied();
        trial.cut_after(cut);
        let done = Outpost::assemble(Arc::new(trial.clone()), config(), "memory".into(), None)
            .and_then(|outpost| {
                outpost.recover(AT)?;
                central.answer(&outpost)?;
                Ok(outpost)
            })
            .is_ok();
        let next = trial.reboot(seed + cut);
        if done {
            // What was made of it is durable: after another cut nothing is left to do.
            let outpost = outpost(&next);
            let report = outpost.recover(AT).unwrap();
            assert_eq!((report.unfinished.as_slice(), report.unreadable.as_slice()), (&[][..], &[][..]));
            return outpost;
        }
        // Every third trial goes on from where it was cut.
        if cut % 3 == 2 {
            disk = next;
        }
    }
    unreachable!()
}

#[test]
fn only_a_receipt_over_the_own_file_lets_it_go() {
    let (site, disk) = (Site::new(), disk());
    let central = SigningKey::from_seed(&[8; 32]);
    for cut in 0.. {
        let disk = disk.copied();
        let outpost = outpost(&disk);
        outpost.recover(AT).unwrap();
        let parts = (1..=2).map(|n| site.close(site.record(&outpost, n).unwrap())).collect();
        let rows = outpost.admit(parts).admitted;
        let open = site.record(&outpost, 3).unwrap();
        let receipt = |n: usize| Receipt {
            site_id: config().site_id,
            recorder_id: config().recorder_id,
            recording_id: rows[n].row.facts.recording_id,
            part: 0,
            size: rows[n].row.part.bytes,
            sha256: rows[n].row.part.sha256,
            blake3: rows[n].row.part.blake3,
            leaf: 7,
        };
        let judge = |n: u8, leaf, signature: &[u8; 64]| {
            outpost.released(what(n), leaf, signature, &central.verifying_key()).unwrap()
        };
        let good = receipt(0).sign(&central);
        assert!(judge(1, 8, &good).is_none(), "another leaf");
        assert!(judge(2, 7, &good).is_none(), "another part");
        assert!(judge(1, 7, &receipt(0).sign(&signer())).is_none(), "not the central");
        assert!(judge(3, 7, &good).is_none(), "it still grows");
        assert!(judge(9, 7, &good).is_none(), "there is none");
        drop(outpost.take_news());
        let released = judge(1, 7, &good).unwrap();
        disk.cut_after(cut);
        let done = outpost.let_go(vec![released]).is_ok();
        if done {
            assert_eq!(outpost.take_news(), [News::Gone(what(1))]);
            assert_eq!(outpost.backlog().parts, 2);
        }
        drop((outpost, open));
        for dice in 0..4 {
            let next = self::outpost(&disk.reboot(dice));
            next.recover(AT).unwrap();
            assert!(next.files().iter().any(|file| file.what == what(2) && file.sealed.is_some()));
            let is_there = next.files().iter().any(|file| file.what == what(1));
            assert!(!done || !is_there, "gone for good");
        }
        if done {
            break;
        }
    }
}

/// Cuts the last bytes off a part, as a power cut does with what was not synced.
fn shorten(disk: &FaultyDisk, what: What, by: u64) {
    let outpost = outpost(disk);
    outpost.recover(AT).unwrap();
    let file = outpost.files().into_iter().find(|file| file.what == what).unwrap();
    let mut open = disk.open_append(&spool_path(&file.name)).unwrap();
    open.truncate(file.bytes - by).unwrap();
    open.sync().unwrap();
}

#[test]
fn what_differs_at_the_central_is_not_taken_over() {
    let (site, disk) = (Site::new(), disk());
    let first = outpost(&disk);
    drop(site.record(&first, 1).unwrap());
    first.sync_all().unwrap();
    let mut held = first.read(what(1), 0, 1 << 20).unwrap();
    drop(first);
    // Here the last frame is gone; there it stands, and is right, but not all before it is as it is here.
    shorten(&disk, what(1), 10);
    held[100] ^= 1;
    let again = outpost(&disk.reboot(1));
    again.recover(AT).unwrap();
    let before = again.unfinished().remove(0).bytes;
    let missing = (held.len() as u64 - before) as u32;
    let next = again.central_holds(what(1), held.len() as u64, Some(blake3::hash(&held).into()), &signer());
    assert_eq!(next.unwrap(), Resume::Fetch { offset: before, length: missing });
    let frame = &held[before as usize..];
    assert_eq!(again.append_from_central(what(1), before + 1, frame, &signer()).unwrap(), Resume::NotWaiting);
    assert_eq!(again.append_from_central(what(1), before, frame, &signer()).unwrap(), Resume::Closed);
    assert_eq!(sealed(&again)[0].bytes, before + 256, "with what was here");
    assert_eq!(again.central_holds(what(1), 9, None, &signer()).unwrap(), Resume::NotWaiting);
}

#[test]
fn a_part_whose_end_only_the_central_has_is_whole_again() {
    for dice in 0..4 {
        let (site, disk) = (Site::new(), disk());
        let first = outpost(&disk);
        let part = site.close(site.record(&first, 1).unwrap());
        assert_eq!(first.admit(vec![part]).admitted.len(), 1);
        let mut central = Central::default();
        central.take(&first);
        drop(first);
        shorten(&disk, what(1), 300);
        let disk = disk.reboot(dice);
        let again = outpost(&disk);
        assert_eq!(again.recover(AT).unwrap().unfinished, [what(1)]);
        central.answer(&again).unwrap();
        // What is closed is durable.
        let last = outpost(&disk.reboot(dice));
        assert_eq!(last.recover(AT).unwrap().unfinished, []);
        assert_eq!(sealed(&last).len(), 1);
        assert_eq!(last.read(what(1), 0, 1 << 20).unwrap(), central.0[&what(1)], "with its own trailer");
    }
}

#[test]
fn what_a_killed_process_left_in_memory_is_durable_before_it_is_told() {
    for dice in 0..4 {
        let (site, disk) = (Site::new(), disk());
        let first = outpost(&disk);
        let mut part = site.close(site.record(&first, 1).unwrap());
        part.file.append(&[&part.tail, &part.trailer]).unwrap();
        drop((first, part));
        let again = outpost(&disk);
        assert_eq!(again.recover(AT).unwrap().sealed, 1);
        let last = outpost(&disk.reboot(dice));
        assert_eq!(last.recover(AT).unwrap().sealed, 1, "dice {dice}");
        assert_eq!(sealed(&last).len(), 1);
    }
}

#[test]
fn without_the_central_it_waits_and_other_calls_do_not() {
    let (site, disk) = (Site::new(), disk());
    let first = outpost(&disk);
    drop(site.record(&first, 1).unwrap());
    first.sync_all().unwrap();
    drop(first);
    let mut disk = disk.reboot(1);
    for n in 2..=3 {
        let outpost = outpost(&disk);
        // A call of this run begins before what is left is looked at.
        let open = site.record(&outpost, n).unwrap();
        outpost.recover(AT).unwrap();
        assert_eq!(outpost.unfinished().len(), 1, "asked again at each start");
        let report = outpost.admit(vec![site.close(open)]);
        assert_eq!(report.admitted.len(), 1);
        assert_eq!((totals(&outpost).open, totals(&outpost).recorded), (1, u64::from(n) - 1));
        drop(outpost);
        disk = disk.reboot(u64::from(n));
    }
}

#[test]
fn numbers_of_callers_are_nowhere_readable() {
    let (site, disk) = (Site::new(), disk());
    let outpost = outpost(&disk);
    let id = RecordingId([1; 16]);
    let entry = outpost.allot(id, AT).unwrap();
    let ending =
        LedgerEnding { end: shared::LedgerEnd::NotRecorded(NotRecorded::Rule), rule: Some(3), at: AT };
    outpost.end_entry(entry.ledger_no, ending, "27115550001", "27115559999").unwrap();
    let (file, _, row) = site.record(&outpost, 2).unwrap();
    outpost.discard(file, row.facts.ledger_no, ending, "27115550002", "27115559999").unwrap();
    let part = site.close(site.record(&outpost, 3).unwrap());
    assert_eq!(outpost.admit(vec![part]).admitted.len(), 1);
    for path in disk.paths() {
        let bytes = read_at(&disk, &path, 0, 1 << 20).unwrap();
        assert!(!bytes.windows(7).any(|w| w == b"2711555"), "a number stands in {path}");
    }
    assert_eq!(disk.paths().iter().filter(|path| path.ends_with(".amx")).count(), 1, "one was discarded");
}

#[test]
fn a_full_disk_stops_new_audio_and_keeps_what_is_sealed() {
    let (site, disk) = (Site::new(), disk());
    let outpost = outpost(&disk);
    let part = site.close(site.record(&outpost, 1).unwrap());
    assert_eq!(outpost.admit(vec![part]).admitted.len(), 1);
    let open = site.record(&outpost, 2).unwrap();
    disk.leave_space(100);
    let report = outpost.admit(vec![site.close(open)]);
    assert!(report.left[0].why.is_no_space(), "{report:?}");
    let full = |n| site.record(&outpost, n).err().is_some_and(|e| e.is_no_space());
    assert!(full(3));
    assert!(outpost.files().iter().any(|file| file.what == what(1) && file.sealed.is_some()));
    disk.leave_space(1 << 20);
    assert!(site.record(&outpost, 4).is_ok(), "it goes on when there is space");
}

#[test]
fn news_is_kept_by_file_and_wakes_once() {
    let (site, disk) = (Site::new(), disk());
    let outpost = outpost(&disk);
    let woken = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let bell = Arc::clone(&woken);
    outpost.wake_with(Box::new(move || {
        bell.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }));
    assert_eq!(woken.load(std::sync::atomic::Ordering::SeqCst), 1, "the ledger stands there");
    drop(outpost.take_news());
    let (mut file, _writer, _row) = site.record(&outpost, 1).unwrap();
    let before = file.len();
    for _ in 0..100 {
        file.append(&[b"x"]).unwrap();
    }
    assert_eq!(woken.load(std::sync::atomic::Ordering::SeqCst), 2);
    let news = outpost.take_news();
    let grown = |n: &News| matches!(n, News::Stands(f) if f.what == what(1) && f.bytes == before + 100);
    assert!(news.len() == 2 && news.iter().any(grown), "{news:?}");
    assert!(outpost.take_news().is_empty());
    let empty = outpost.begin_part((RecordingId([2; 16]), 0), "120000-x.amx").unwrap();
    outpost.withdraw(empty).unwrap();
    assert!(outpost.files().iter().all(|file| file.what != what(2)));
    assert!(outpost.read(what(2), 0, 9).is_err());
}
