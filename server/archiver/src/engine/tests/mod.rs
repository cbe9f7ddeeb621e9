//! Runs on a disk that loses power, fills up and lies, with real recordings and a real catalogue.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::default_trait_access,
    reason = "tests"
)]

mod bad;
mod shares;
mod world;

use std::collections::BTreeMap;
use std::io::Read as _;

use archive::log::{Checkpoint, LeafFile};
use archive::{DayCatalogue, Manifest, Outcome, RunReport};
use seal::Part;
use shared::RecordingId;
use store::Disk as _;
use store::testing::FaultyDisk;
use vault::{MediumState, Vault};

use self::world::{Office, Site, location};
use crate::carrier::SyncRule;
use crate::engine::{Central as _, Progress, Step};
use crate::{ArchiverError, Kind};

fn read(medium: &FaultyDisk, path: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    medium.open_read(path).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

fn paths(medium: &FaultyDisk, prefix: &str, suffix: &str) -> Vec<String> {
    medium.paths().into_iter().filter(|path| path.starts_with(prefix) && path.ends_with(suffix)).collect()
}

/// What the catalogue says is proven: path on the medium and digest of the content, by recording.
fn proven(vault: &Vault, of: impl Iterator<Item = u8>) -> BTreeMap<u8, (String, [u8; 32])> {
    let row = |n: u8| {
        let proofs = vault.proofs_of(RecordingId([n; 16])).unwrap();
        let proof = proofs.into_iter().find(|proof| proof.report_sha256.is_some())?;
        Some((n, (proof.read_back.path, proof.read_back.sha256)))
    };
    of.filter_map(row).collect()
}

/// Nothing is said to be proven that does not lie on the medium as it was recorded, in a manifest and in a signed report.
fn judge(site: &Site, office: &Office, medium: &FaultyDisk, calls: impl Iterator<Item = u8>) -> usize {
    let vault = site.vault();
    let proven = proven(&vault, calls);
    let reports: Vec<RunReport> = paths(medium, "runs/", ".jsonl")
        .iter()
        .filter_map(|path| RunReport::open(&read(medium, path), |id| office.certified(id)).ok())
        .collect();
    for (path, sum) in proven.values() {
        let bytes = read(medium, path);
        let content = &bytes[..bytes.len() - seal::TRAILER_LEN];
        assert_eq!(<[u8; 32]>::from(<sha2::Sha256 as sha2::Digest>::digest(content)), *sum, "{path}");
        let reported = |r: &RunReport| r.proofs.iter().any(|p| p.path == *path && p.sha256 == *sum);
        assert!(reports.iter().any(reported), "{path} is in no report");
        let day = path.split('/').next().unwrap();
        let within = path.strip_prefix(&format!("{day}/")).unwrap();
        let listed = |m: &String| {
            let manifest = Manifest::open(&read(medium, m), |id| office.certified(id)).unwrap();
            manifest.lines.iter().any(|line| line.path == within && line.size == bytes.len() as u64)
        };
        assert!(paths(medium, day, ".txt").iter().filter(|p| p.contains("manifest")).any(listed), "{path}");
    }
    proven.len()
}

/// The whole archive speaks for itself: each day's newest catalogue opens and lists the calls, the log is the site's, the backup is
/// there.
fn speaks(site: &Site, office: &Office, medium: &FaultyDisk, days: &[(&str, usize)]) {
    for (day, calls) in days {
        let newest = paths(medium, day, ".amc").pop().unwrap();
        let keys = (
            |id| {
                (office.day_key.public().unwrap().key_id() == id)
                    .then(|| seal::RecipientSecret::from_seed(seal::RecipientType::X25519, [3; 32]))
            },
            |id| office.certified(id),
        );
        let sealed = std::io::Cursor::new(read(medium, &newest));
        let mut part = Part::open(sealed, &keys, seal::RecipientType::X25519).unwrap();
        let mut plain = Vec::new();
        part.data(|bytes| plain.extend_from_slice(bytes)).unwrap();
        assert_eq!(DayCatalogue::parse(&plain).unwrap().rows().count(), *calls, "{day}");
    }
    let mut stretches: Vec<LeafFile> = paths(medium, "log/leaves-", ".bin")
        .iter()
        .map(|p| LeafFile::parse(&read(medium, p)).unwrap())
        .collect();
    stretches.sort_by_key(LeafFile::first);
    let root = stretches.last().unwrap().root();
    let key = office.signing_key().verifying_key();
    let newest = paths(medium, "log/checkpoint-", ".txt")
        .iter()
        .map(|p| Checkpoint::open(&String::from_utf8(read(medium, p)).unwrap(), &key).unwrap())
        .max_by_key(|c| c.leaves)
        .unwrap();
    assert_eq!((newest.leaves, newest.root), (stretches.last().unwrap().end(), root));
    assert!(site.vault().continues(&newest).unwrap(), "the log is the site's");
    assert_eq!(paths(medium, "backup/", "config.amx").len(), paths(medium, "backup/", "db.amx").len());
    assert!(paths(medium, "", ".part").is_empty(), "nothing is left unfinished");
}

#[test]
fn a_night_is_carried_and_proven_and_the_next_adds_what_is_new() {
    let (office, site, medium) = (Office::new(), Site::new(), FaultyDisk::new());
    site.prepare(&office, &medium);
    site.record(&office, "2026-11-21", 1..4, false);
    site.record(&office, "2026-11-22", 4..6, true);
    let done = site.night(&office, &medium, SyncRule::Whole).unwrap();
    assert_eq!((done.outcome, done.parts, done.left), (Outcome::Complete, 5, 0), "{done:?}");
    assert_eq!(judge(&site, &office, &medium, 1..10), 5);
    speaks(&site, &office, &medium, &[("2026-11-21", 3), ("2026-11-22", 2)]);
    let pieces = site.vault().proofs_of(RecordingId([4; 16])).unwrap();
    assert_eq!(pieces[0].read_back.pieces.len(), 3 * 32, "two megabytes and a bit are three pieces");

    // Late calls join their day in a further generation; what lies there is not touched.
    let before: BTreeMap<String, Vec<u8>> =
        paths(&medium, "2026", "").into_iter().map(|p| (p.clone(), read(&medium, &p))).collect();
    site.record(&office, "2026-11-21", 6..8, false);
    let done = site.night(&office, &medium, SyncRule::Each).unwrap();
    assert_eq!((done.outcome, done.parts), (Outcome::Complete, 2), "{done:?}");
    assert_eq!(judge(&site, &office, &medium, 1..10), 7);
    speaks(&site, &office, &medium, &[("2026-11-21", 5), ("2026-11-22", 2)]);
    assert!(
        medium.exists("2026-11-21/manifest-0002.txt").unwrap()
            && medium.exists("2026-11-21/day-0002.amc").unwrap()
    );
    for (path, bytes) in before {
        assert!(read(&medium, &path) == bytes, "{path} was changed");
    }
    let idle = site.night(&office, &medium, SyncRule::Whole).unwrap();
    assert_eq!((idle.outcome, idle.parts), (Outcome::Complete, 0), "nothing was due");
}

/// Carries a site of six calls to a medium that dies after `cut` operations, and goes on on what survived.
fn cut(base: &Site, office: &Office, prepared: &FaultyDisk, cut: u64, seed: u64, rule: SyncRule) -> bool {
    let site = base.copied();
    let medium = prepared.copied();
    medium.cut_after(cut);
    let first = site.night(office, &medium, rule);
    let survived = medium.reboot(seed.wrapping_mul(31).wrapping_add(cut));
    judge(&site, office, &survived, 1..7);
    if let Err(error) = &first {
        assert!(!matches!(error, ArchiverError::Vault(_) | ArchiverError::Archive(_)), "cut {cut}: {error}");
        let vault = site.vault();
        for medium in vault.media(location().location_id).unwrap() {
            // A sync that failed makes it suspect; a person verified it meanwhile.
            vault.set_medium_state(medium.media_id, MediumState::Good).unwrap();
        }
    }
    let done = site.night(office, &survived, rule).unwrap_or_else(|e| panic!("cut {cut}, seed {seed}: {e}"));
    assert_eq!((done.outcome, done.left), (Outcome::Complete, 0), "cut {cut}, seed {seed}: {done:?}");
    assert_eq!(judge(&site, office, &survived, 1..7), 6, "cut {cut}, seed {seed}");
    speaks(&site, office, &survived, &[("2026-11-21", 3), ("2026-11-22", 3)]);
    first.is_ok()
}

#[test]
fn cut_at_every_operation_nothing_is_lost_nothing_is_falsely_proven_and_the_next_run_completes() {
    let (office, base, medium) = (Office::new(), Site::new(), FaultyDisk::new());
    base.prepare(&office, &medium);
    base.record(&office, "2026-11-21", 1..4, false);
    base.record(&office, "2026-11-22", 4..7, false);
    // More throws of the dice by which what was not synced survives or not: AMETHYST_THROWS=10 makes well over a thousand points.
    let throws: u64 = std::env::var("AMETHYST_THROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let mut points = 0;
    for (rule, step) in [(SyncRule::Whole, 1), (SyncRule::Each, if throws > 1 { 1 } else { 3 })] {
        for n in (0..).step_by(step) {
            let done =
                (1..=throws).map(|throw| cut(&base, &office, &medium, n, n * throws + throw, rule)).last();
            points += throws;
            if done == Some(true) {
                break;
            }
        }
    }
    assert!(points > 100, "{points} points only");
    println!("{points} points");
}

#[test]
fn a_failed_sync_voids_the_batch_and_the_medium_is_suspect() {
    let (office, base, medium) = (Office::new(), Site::new(), FaultyDisk::new());
    base.prepare(&office, &medium);
    base.record(&office, "2026-11-21", 1..4, false);
    for n in 0.. {
        let (site, medium) = (base.copied(), medium.copied());
        medium.fail_sync_after(n);
        let done = site.night(&office, &medium, SyncRule::Whole);
        let vault = site.vault();
        let row = vault.media(location().location_id).unwrap().remove(0);
        let Err(error) = done else {
            assert!(n > 5, "all syncs were seen");
            break;
        };
        // The lease is the one file that nothing hangs on.
        if error.kind() == Kind::Suspect && row.state == MediumState::Suspect {
            assert_eq!(proven(&vault, 1..4).len(), 0, "sync {n}: {error}");
            drop(vault);
            let refused = site.night(&office, &medium, SyncRule::Whole).unwrap_err();
            assert!(refused.to_string().contains("suspect"), "{refused}");
        }
    }
}

#[test]
fn what_is_bad_in_the_live_store_is_never_archived_and_stays_due() {
    let (office, site, medium) = (Office::new(), Site::new(), FaultyDisk::new());
    site.prepare(&office, &medium);
    site.record(&office, "2026-11-22", 1..5, false);
    let path = |n: u8| {
        let recording = site.vault().recording(RecordingId([n; 16])).unwrap().unwrap();
        site.folder.path().join(&recording.parts[0].path)
    };
    let (bad, gone) = (path(2), path(3));
    let mut bytes = std::fs::read(&bad).unwrap();
    bytes[1_000] ^= 1;
    std::fs::write(&bad, &bytes).unwrap();
    let kept = std::fs::read(&gone).unwrap();
    std::fs::remove_file(&gone).unwrap();
    let done = site.night(&office, &medium, SyncRule::Whole).unwrap();
    assert_eq!(
        (done.outcome, done.parts, done.left, done.troubles.len()),
        (Outcome::Holes, 2, 2, 2),
        "{done:?}"
    );
    assert_eq!(judge(&site, &office, &medium, 1..5), 2);
    assert_eq!(paths(&medium, "2026-11-22/rec/", ".amx").len(), 2, "nothing bad lies there");
    // They come back: the holes are filled.
    bytes[1_000] ^= 1;
    std::fs::write(&bad, &bytes).unwrap();
    std::fs::write(&gone, kept).unwrap();
    let done = site.night(&office, &medium, SyncRule::Whole).unwrap();
    assert_eq!((done.outcome, done.parts, done.left), (Outcome::Complete, 2, 0), "{done:?}");
    speaks(&site, &office, &medium, &[("2026-11-22", 4)]);
}

#[test]
fn another_file_under_a_name_is_left_alone_and_makes_the_medium_suspect() {
    let (office, site, medium) = (Office::new(), Site::new(), FaultyDisk::new());
    site.prepare(&office, &medium);
    site.record(&office, "2026-11-22", 1..3, false);
    let live = site.vault().recording(RecordingId([1; 16])).unwrap().unwrap().parts[0].path.clone();
    let (_, rest) = live.strip_prefix("live/").unwrap().split_once('/').unwrap();
    let path = format!("2026-11-22/rec/{rest}");
    medium.mkdir_all(path.rsplit_once('/').unwrap().0).unwrap();
    medium.create_new(&path).unwrap().append(&[b"somebody else's"]).unwrap();
    let error = site.night(&office, &medium, SyncRule::Whole).unwrap_err();
    assert_eq!(error.kind(), Kind::Suspect, "{error}");
    assert_eq!(read(&medium, &path), b"somebody else's");
    assert_eq!(judge(&site, &office, &medium, 1..3), 0);
}

#[test]
fn a_full_medium_keeps_what_is_proven_and_goes_on_when_there_is_room() {
    let (office, site, medium) = (Office::new(), Site::new(), FaultyDisk::new());
    site.prepare(&office, &medium);
    site.record(&office, "2026-11-21", 1..4, false);
    medium.be_as_large_as(8 << 20);
    medium.leave_space(6 << 20);
    let done = site.night(&office, &medium, SyncRule::Whole).unwrap();
    assert_eq!(done.outcome, Outcome::Complete);
    site.record(&office, "2026-11-22", 4..9, true);
    let done = site.night(&office, &medium, SyncRule::Whole).unwrap();
    assert_eq!((done.outcome, done.left), (Outcome::Early, 5), "{done:?}");
    assert!(done.early.as_ref().is_some_and(|why| why.contains("full")), "{done:?}");
    assert_eq!(judge(&site, &office, &medium, 1..9), 3);
    medium.be_as_large_as(64 << 20);
    medium.leave_space(60 << 20);
    let done = site.night(&office, &medium, SyncRule::Whole).unwrap();
    assert_eq!((done.outcome, done.parts, done.left), (Outcome::Complete, 5, 0), "{done:?}");
    assert_eq!(judge(&site, &office, &medium, 1..9), 8);
}

#[test]
fn space_that_runs_out_in_mid_write_voids_the_batch_only() {
    let (office, site, medium) = (Office::new(), Site::new(), FaultyDisk::new());
    site.prepare(&office, &medium);
    site.record(&office, "2026-11-21", 1..9, false);
    // The size is a lie, so that the reserve does not help.
    medium.be_as_large_as(0);
    for space in [1_000_u64, 20_000, 60_000, 100_000] {
        let site = site.copied();
        let medium = medium.copied();
        medium.be_as_large_as(0);
        medium.leave_space(space);
        let first = site.night(&office, &medium, SyncRule::Whole);
        assert!(first.is_err() || first.is_ok_and(|s| s.outcome == Outcome::Early), "{space}");
        judge(&site, &office, &medium, 1..9);
        medium.leave_space(64 << 20);
        let done = site.night(&office, &medium, SyncRule::Whole).unwrap();
        assert_eq!((done.outcome, done.left), (Outcome::Complete, 0), "{space}: {done:?}");
        assert_eq!(judge(&site, &office, &medium, 1..9), 8);
    }
}

#[test]
fn a_copy_of_a_medium_and_another_medium_are_told_from_it() {
    let (office, site, medium) = (Office::new(), Site::new(), FaultyDisk::new());
    site.prepare(&office, &medium);
    site.record(&office, "2026-11-21", 1..3, false);
    site.night(&office, &medium, SyncRule::Whole).unwrap();
    let old = medium.copied();
    site.record(&office, "2026-11-22", 3..5, false);
    site.night(&office, &medium, SyncRule::Whole).unwrap();
    let before = old.paths();
    let error = site.night(&office, &old, SyncRule::Whole).unwrap_err();
    assert!(error.to_string().contains("copy"), "{error}");
    let empty = FaultyDisk::new();
    let error = site.night(&office, &empty, SyncRule::Whole).unwrap_err();
    assert!(matches!(error, ArchiverError::Away { .. }), "{error}");
    let strange = Site::new();
    let theirs = FaultyDisk::new();
    strange.prepare(&Office::new(), &theirs);
    let error = site.night(&office, &theirs, SyncRule::Whole).unwrap_err();
    assert!(matches!(error, ArchiverError::OtherMedium { .. }), "{error}");
    assert_eq!(old.paths(), before, "nothing was written to the copy");
    assert_eq!(empty.paths(), Vec::<String>::new(), "nor below an empty mount point");
    // The copy may be adopted: then all of it is looked at again, and the old proofs count no more.
    site.prepare(&office, &old);
    assert_eq!(proven(&site.vault(), 1..5).len(), 0);
    let done = site.night(&office, &old, SyncRule::Whole).unwrap();
    assert_eq!((done.outcome, done.parts), (Outcome::Complete, 4), "{done:?}");
    assert_eq!(judge(&site, &office, &old, 1..5), 4);
    let error = site.night(&office, &medium, SyncRule::Whole).unwrap_err();
    assert!(error.to_string().contains("generation"), "{error}");
}

#[test]
fn another_machine_s_lease_keeps_us_out_until_it_is_old() {
    let (office, site, medium) = (Office::new(), Site::new(), FaultyDisk::new());
    site.prepare(&office, &medium);
    site.record(&office, "2026-11-21", 1..3, false);
    let now = site.clock.0.get();
    let lease = format!("{{\"host\":\"other\",\"pid\":7,\"boot\":\"b\",\"at_us\":{}}}", now.0);
    medium.create_new("lease.json").unwrap().append(&[lease.as_bytes()]).unwrap();
    let error = site.night(&office, &medium, SyncRule::Whole).unwrap_err();
    assert!(error.to_string().contains("process 7 on other") && error.kind() == Kind::Wait, "{error}");
    site.clock.0.set(now.plus(31 * 60 * 1_000_000));
    let done = site.night(&office, &medium, SyncRule::Whole).unwrap();
    assert_eq!(done.outcome, Outcome::Complete);
    assert!(!medium.exists("lease.json").unwrap(), "ours is taken back");
}

#[test]
fn the_lease_is_renewed_while_a_run_describes_and_one_that_was_taken_ends_it() {
    let (office, site, medium) = (Office::new(), Site::new(), FaultyDisk::new());
    site.prepare(&office, &medium);
    site.record(&office, "2026-11-21", 1..3, false);
    let minute = 61 * 1_000_000;
    site.clock.1.set(minute);
    let begun = site.clock.0.get().0;
    let taken = |progress: &Progress| {
        if progress.step == Step::Backup {
            let ours: serde_json::Value = serde_json::from_slice(&read(&medium, "lease.json")).unwrap();
            assert!(ours["at_us"].as_i64().unwrap() > begun + 5 * minute, "renewed: {ours}");
            let other = br#"{"host":"other","pid":7,"boot":"b","at_us":1}"#;
            medium.unlink("lease.json").unwrap();
            medium.create_new("lease.json").unwrap().append(&[other]).unwrap();
        }
    };
    let error = site.told(&office, &medium, SyncRule::Whole, &taken).unwrap_err();
    assert!(error.to_string().contains("took it from us"), "{error}");
    assert!(paths(&medium, "backup/", "").is_empty(), "seen before the backup, not after it");
    assert_eq!(judge(&site, &office, &medium, 1..3), 0, "nothing is proven");
    assert!(medium.exists("lease.json").unwrap(), "theirs stays");
}

#[test]
fn a_run_that_is_stopped_proves_what_it_has_and_the_next_goes_on() {
    let (office, site, medium) = (Office::new(), Site::new(), FaultyDisk::new());
    site.prepare(&office, &medium);
    site.record(&office, "2026-11-21", 1..3, false);
    site.stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let done = site.night(&office, &medium, SyncRule::Whole).unwrap();
    assert_eq!((done.outcome, done.parts, done.left), (Outcome::Early, 0, 2), "{done:?}");
    site.stop.store(false, std::sync::atomic::Ordering::Relaxed);
    let done = site.night(&office, &medium, SyncRule::Whole).unwrap();
    assert_eq!((done.outcome, done.parts, done.left), (Outcome::Complete, 2, 0), "{done:?}");
}

#[test]
fn what_was_destroyed_leaves_each_medium_with_its_next_run() {
    let (office, site, medium) = (Office::new(), Site::new(), FaultyDisk::new());
    site.prepare(&office, &medium);
    site.record(&office, "2026-11-21", 1..4, false);
    for _night in 0..3 {
        site.night(&office, &medium, SyncRule::Whole).unwrap();
    }
    let vaults = |sort| paths(&medium, &format!("keys/{sort}-"), "").len();
    assert_eq!((vaults("keyvault"), vaults("recovery")), (3, 3), "some generations are kept");
    let vault = site.vault();
    let at = shared::UtcMicros(1_795_400_000_000_000);
    let by = |n| vault::By { user: Some(vault::UserId(n)), name: format!("user {n}"), at };
    let words = vault::ShredWords { reason: "asked for".into(), salt: [1; 32], by: by(1) };
    let id = RecordingId([2; 16]);
    let row = vault.ask_shred(vault.one_alone(id).unwrap(), &words).unwrap();
    vault.confirm_shred(row.shred_id, &by(2)).unwrap();
    let permission = vault.ordered_shred(row.shred_id, at).unwrap().unwrap();
    let row = vault.shred(permission, &words, &NoKeys, at).unwrap().unwrap();
    let gone = proven(&vault, 2..3).remove(&2).unwrap().0;
    assert!(medium.exists(&gone).unwrap() && row.media.iter().all(|m| m.done_at.is_none()));
    drop(vault);

    // The medium comes back: its file goes, and every vault of keys but the one of tonight.
    let done = site.night(&office, &medium, SyncRule::Whole).unwrap();
    assert_eq!((done.outcome, done.parts, done.left), (Outcome::Complete, 0, 0), "{done:?}");
    assert!(!medium.exists(&gone).unwrap());
    assert_eq!((vaults("keyvault"), vaults("recovery")), (1, 1));
    let row = site.vault().shreds(1).unwrap().remove(0);
    assert!(row.media.len() == 1 && row.media[0].done_at.is_some(), "{row:?}");
    assert_eq!(proven(&site.vault(), 1..4).len(), 2, "nobody claims that it lies there");
    // The nights after it keep some generations again, and carry it nowhere.
    for _night in 0..2 {
        assert_eq!(site.night(&office, &medium, SyncRule::Whole).unwrap().parts, 0);
    }
    assert_eq!(vaults("keyvault"), 3);
}

/// One recording is destroyed without any key.
struct NoKeys;

impl vault::DayKeys for NoKeys {
    fn of_day(&self, _day: shared::Day) -> Vec<[u8; 8]> {
        Vec::new()
    }

    fn forget(&self, _keys: &[[u8; 8]]) -> Result<(), String> {
        Ok(())
    }
}
