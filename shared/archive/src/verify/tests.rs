//! An archive in memory, as two nights leave it, broken in each way that somebody could think of.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

mod made;

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};

use self::made::{Made, central};
use super::*;
use crate::Manifest;
use crate::log::{Act, Checkpoint, Frontier, Leaf, LeafFile, Shred};

/// Files by their paths.
#[derive(Clone, Default)]
struct Memory(BTreeMap<String, Vec<u8>>);

impl Medium for Memory {
    fn list(&self, folder: &str) -> io::Result<Vec<Entry>> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
        for path in self.0.keys() {
            let Some(rest) = path.strip_prefix(&prefix) else { continue };
            let (name, is_folder) = rest.split_once('/').map_or((rest, false), |(name, _)| (name, true));
            entries.insert(name.to_owned(), Entry { name: name.to_owned(), is_folder });
        }
        if entries.is_empty() {
            Err(io::ErrorKind::NotFound.into())
        } else {
            Ok(entries.into_values().collect())
        }
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>> {
        let bytes = self.0.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Cursor::new(bytes)))
    }
}

fn judged(medium: &Memory) -> Report {
    verify(medium, &Known::default(), &mut |_bytes| ())
}

/// Breaks a whole archive and looks for one finding; there may be more.
#[track_caller]
fn check(path: &str, expected: impl Fn(&Fault) -> bool, damage: impl FnOnce(&mut Made)) {
    let mut made = Made::new();
    damage(&mut made);
    let report = judged(&made.medium);
    let found = report.findings.iter().any(|f| f.path.ends_with(path) && expected(&f.fault));
    assert!(found, "{:#?}", report.findings);
    assert!(!report.is_proven());
    for finding in &report.findings {
        assert!(finding.fault.to_string().len() > 30, "a sentence for people: {}", finding.fault);
    }
}

const FIRST: &str = "2026-11-21/rec/14a/140000-a.amx";
const LONG: &str = "2026-11-22/rec/09a/090000-b.amx";
const LATE: &str = "2026-11-21/rec/23a/230000-c.amx";

#[test]
fn a_whole_archive_is_proven_and_counted() {
    let report = judged(&Made::new().medium);
    assert_eq!(report.findings, []);
    assert!(report.is_proven());
    let counts = (report.days, report.manifests, report.runs, report.recordings, report.leaves);
    assert_eq!(counts, (2, 3, 2, 3, 4));
    assert_eq!((report.checkpoint, report.card.map(|card| card.media_gen)), (Some(4), Some(1)));
}

#[test]
fn every_altered_byte_of_every_file_is_found() {
    let made = Made::new();
    // What proves nothing: words for people, and white space and numbers that no signature covers in the certificates.
    let unproven = ["README.txt", "keys/certs-00000001.json"];
    for (path, bytes) in made.medium.0.iter().filter(|(path, _)| !unproven.contains(&path.as_str())) {
        // Of a long file its ends, the border of its pieces, and some between.
        let step = bytes.len().div_ceil(60).max(1);
        for at in (0..bytes.len()).step_by(step).chain([bytes.len() - 1]) {
            let mut medium = made.medium.clone();
            medium.0.get_mut(path).unwrap()[at] ^= 1;
            // Nobody signs site.json: it is held against the one that the reader has, or against what lies in `keys`.
            let known = Known { site: Some(made.site.clone()), checkpoint: None };
            let report = verify(&medium, &known, &mut |_bytes| ());
            assert!(!report.is_proven(), "{path}, byte {at}");
        }
        for cut in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut medium = made.medium.clone();
            medium.0.get_mut(path).unwrap().truncate(cut);
            assert!(!judged(&medium).is_proven(), "{path} cut at {cut}");
        }
    }
}

#[test]
fn every_missing_file_is_found() {
    let made = Made::new();
    for path in made.medium.0.keys().filter(|path| *path != "README.txt") {
        let mut medium = made.medium.clone();
        medium.0.remove(path);
        let report = judged(&medium);
        // The log learns of a run's report only when it is over: the last one is missed when the next run ends.
        let is_last_report = *path == made.last_report;
        assert_eq!(report.is_proven(), is_last_report, "{path}: {:#?}", report.findings);
    }
}

#[test]
fn a_recording_that_was_altered_exchanged_or_taken_is_named() {
    check(FIRST, |f| *f == Fault::Altered("SHA-256"), |made| made.file(FIRST)[50] ^= 1);
    check(LONG, |f| *f == Fault::Altered("SHA-256"), |made| made.file(LONG)[1_200_000] ^= 1);
    check(LONG, |f| *f == Fault::Altered("length"), |made| made.file(LONG).push(0));
    check(LATE, |f| matches!(f, Fault::Missing(_)), |made| made.remove(LATE));
    check(FIRST, |f| matches!(f, Fault::Altered(_)), |made| *made.file(FIRST) = made.file(LATE).clone());
}

#[test]
fn days_and_lists_that_were_taken_away_are_missed() {
    let manifest = |day: &str, generation| format!("{day}/{}", Manifest::file_name(generation));
    let day = "2026-11-22";
    check(day, |f| *f == Fault::MissingDay { proofs: 1 }, |made| made.remove(&format!("{day}/")));
    check(day, |f| matches!(f, Fault::Unlisted { leaf: 1, .. }), |made| made.remove(&format!("{day}/")));
    let first = manifest("2026-11-21", 1);
    check(&first, |f| matches!(f, Fault::Missing(_)), |made| made.remove(&first));
    // The newest list and its recording: the report still knows.
    check(
        LATE,
        |f| matches!(f, Fault::Missing(_)),
        |made| {
            made.remove(&manifest("2026-11-21", 2));
            made.remove(LATE);
        },
    );
    let second = manifest("2026-11-21", 2);
    check(
        &second,
        |f| matches!(f, Fault::Foreign("generation")),
        |made| {
            *made.file(&second) = made.file(&first).clone();
        },
    );
    let sums = "2026-11-22/sha256sums-0001.txt";
    check(sums, |f| *f == Fault::Altered("list"), |made| made.file(sums)[3] ^= 1);
}

#[test]
fn a_log_that_was_shortened_changed_or_put_back_is_found() {
    let short = |f: &Fault| matches!(f, Fault::ShortLog { there: 2, named: 4, .. });
    check("log", short, |made| made.remove("log/leaves-2-4.bin"));
    check("log", short, |made| {
        made.remove("log/leaves-2-4.bin");
        made.remove("log/checkpoint-4.txt");
    });
    let old = |f: &Fault| matches!(f, Fault::OldCheckpoint { newest: 2, named: 4, .. });
    check("log", old, |made| made.remove("log/checkpoint-4.txt"));
    // The first stretch taken away: the second says what stood before it, and the lists name what is gone.
    check(FIRST, |f| matches!(f, Fault::Missing(_)), |made| made.remove("log/leaves-0-2.bin"));
    // Another history, laid out with care: nobody signed its root.
    let rewritten = |made: &mut Made| {
        let mut leaves = made.leaves[..2].to_vec();
        leaves.swap(0, 1);
        let file = LeafFile::new(Frontier::default(), leaves).unwrap();
        *made.file("log/leaves-0-2.bin") = file.to_bytes();
    };
    check("log/checkpoint-2.txt", |f| *f == Fault::Root { leaves: 2 }, rewritten);
    check("log/leaves-2-4.bin", |f| matches!(f, Fault::Broken { .. }), rewritten);
    check("log/leaves-0-2.bin", |f| matches!(f, Fault::Leaves { .. }), rewritten);
    let last = |made: &mut Made| *made.file("log/leaves-2-4.bin").last_mut().unwrap() ^= 1;
    check("log/leaves-2-4.bin", |f| matches!(f, Fault::Leaves { .. }), last);
}

#[test]
fn what_is_listed_twice_counts_once_and_two_lists_that_differ_do_not_pass() {
    let mut made = Made::new();
    let path = "2026-11-21/manifest-0003.txt";
    let third = |made: &mut Made, damage: &dyn Fn(&mut crate::ManifestLine)| {
        let second = made.file("2026-11-21/manifest-0002.txt").clone();
        let mut manifest = Manifest::open(&second, |_| Some(central().verifying_key())).unwrap();
        (manifest.generation, manifest.previous) = (3, Some(Manifest::digest(&second)));
        damage(&mut manifest.lines[0]);
        made.put(path, &manifest.sign(&central()));
        made.put("2026-11-21/sha256sums-0003.txt", &manifest.sha256sums());
    };
    third(&mut made, &|_same| ());
    let report = judged(&made.medium);
    assert!(report.is_proven(), "{:#?}", report.findings);
    assert_eq!((report.recordings, report.manifests), (3, 4));
    check(LATE, |f| matches!(f, Fault::Altered(_)), |made| third(made, &|line| line.sha256[0] ^= 1));
}

#[test]
fn after_a_restore_two_reports_may_follow_one() {
    let mut made = Made::new();
    let first = crate::RunReport::digest(made.file(&made.first_report.clone()));
    let third = made.report(3, Some(first), 2, 4, &[]);
    made.put(&format!("runs/{}", third.head.file_name()), &third.sign(&central()).unwrap());
    assert!(judged(&made.medium).is_proven());
}

#[test]
fn reports_that_were_taken_away_or_exchanged_are_missed() {
    let first = Made::new().first_report;
    let second = Made::new().last_report;
    check(&second, |f| matches!(f, Fault::Broken { .. }), |made| made.remove(&first));
    check("runs", |f| matches!(f, Fault::Missing(_)), |made| made.remove(&first));
    // Another report under its name, signed by central: the log knows better.
    check(
        &first,
        |f| *f == Fault::NotInLog,
        |made| {
            let report = made.report(1, None, 0, 2, &[]);
            *made.file(&first) = report.sign(&central()).unwrap();
        },
    );
}

#[test]
fn a_recording_that_the_log_says_was_destroyed_is_not_missed_and_no_other_is_excused() {
    let destroyed = |made: &mut Made| {
        let recording = |leaf: &Vec<u8>| {
            let Act::Recording(told) = Leaf::parse(leaf).unwrap().act else { return None };
            Some((told.day.to_string(), told.recording_id))
        };
        let (_, id) = made.leaves.iter().filter_map(recording).rfind(|(day, _)| day == "2026-11-21").unwrap();
        let what = Shred::Recording("2026-11-21".parse().unwrap(), id);
        let act = Act::Shred { what, reason: [0; 32], second: [1; 16] };
        let leaf = Leaf { at: UtcMicros(9), actor: [2; 16], act };
        let before = made.leaves.len();
        made.leaves.push(leaf.to_bytes());
        made.log(before, before + 1);
    };
    let mut made = Made::new();
    let whole = judged(&made.medium).recordings;
    destroyed(&mut made);
    made.remove(LATE);
    let report = judged(&made.medium);
    assert_eq!(report.findings, [], "the log says why");
    assert_eq!((report.recordings, report.destroyed), (whole - 1, 1));
    check(
        FIRST,
        |f| matches!(f, Fault::Missing(_)),
        |made| {
            destroyed(made);
            made.remove(FIRST);
        },
    );
    // While it lies there it is judged like any other.
    check(
        LATE,
        |f| matches!(f, Fault::Altered(_)),
        |made| {
            destroyed(made);
            *made.file(LATE).last_mut().unwrap() ^= 1;
        },
    );
}

#[test]
fn strangers_are_named_and_leftovers_are_harmless() {
    for path in
        ["2026-11-21/rec/14a/140000-x.amx", "secret.txt", "log/notes.txt", "runs/a.txt", "backup/x/a.txt"]
    {
        check(path, |f| *f == Fault::Stranger, |made| made.put(path, b"?"));
    }
    check("evil", |f| *f == Fault::Stranger, |made| made.put("evil/a.exe", b"?"));
    let mut made = Made::new();
    made.put("2026-11-21/rec/14a/140000-d.amx.part", b"half");
    made.put("lease.json", b"{}");
    let report = judged(&made.medium);
    assert!(report.is_proven());
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].fault, Fault::Leftover);
}

#[test]
fn an_insider_with_centrals_key_cannot_put_one_recording_in_the_place_of_another() {
    let path = "2026-11-22/manifest-0001.txt";
    check(
        LONG,
        |f| matches!(f, Fault::NotItsLeaf { leaf: 0, .. }),
        |made| {
            let mut manifest = Manifest::open(made.file(path), |_| Some(central().verifying_key())).unwrap();
            manifest.lines[0].leaf = Some(0);
            let (signed, sums) = (manifest.sign(&central()), manifest.sha256sums());
            *made.file(path) = signed;
            *made.file("2026-11-22/sha256sums-0001.txt") = sums;
        },
    );
}

#[test]
fn a_medium_of_others_is_told_from_ours() {
    check(CARD_NAME, |f| matches!(f, Fault::Document(_)), |made| made.file(CARD_NAME)[20] ^= 1);
    check(
        "manifest-0001.txt",
        |f| *f == Fault::Foreign("location"),
        |made| {
            let card = Card { location_id: shared::LocationId([0x77; 16]), ..made.card.clone() };
            *made.file(CARD_NAME) = card.sign(&central()).unwrap();
        },
    );
    check(
        "runs/20261121t190000z-01010101.jsonl",
        |f| *f == Fault::Foreign("medium"),
        |made| {
            let card = Card { media_id: shared::MediaId([0x77; 16]), ..made.card.clone() };
            *made.file(CARD_NAME) = card.sign(&central()).unwrap();
        },
    );
    // Nothing can be judged without what everything hangs on.
    for path in [SITE_NAME, "keys/certs-00000001.json"] {
        let mut made = Made::new();
        made.remove(path);
        let report = judged(&made.medium);
        assert!(report.is_blind && !report.findings.is_empty(), "{path}");
    }
    let made = Made::new();
    let other = SiteJson { commissioned: "2020-01-01".parse().unwrap(), ..made.site.clone() };
    let known = Known { site: Some(other), checkpoint: None };
    let report = verify(&made.medium, &known, &mut |_bytes| ());
    assert!(report.is_blind);
    assert_eq!(report.findings[0].fault, Fault::Foreign("site"));
}

/// Without this a medium could be put back as a whole to an older night, and would be whole.
#[test]
fn an_older_state_of_the_whole_medium_is_found_by_a_checkpoint_that_was_kept_elsewhere() {
    let mut made = Made::new();
    let kept = made.checkpoint(4);
    for path in ["log/leaves-2-4.bin", "log/checkpoint-4.txt", LATE, "2026-11-21/manifest-0002.txt"] {
        made.remove(path);
    }
    let last = made.last_report.clone();
    made.remove(&last);
    made.remove("2026-11-21/sha256sums-0002.txt");
    assert!(judged(&made.medium).is_proven(), "it is what the medium was after the first night");
    let known = Known { site: Some(made.site.clone()), checkpoint: Some(kept) };
    let report = verify(&made.medium, &known, &mut |_bytes| ());
    assert!(report.findings.iter().any(|f| matches!(f.fault, Fault::ShortLog { there: 2, named: 4, .. })));
    // A checkpoint of another history is found too.
    let other = Checkpoint { root: [9; 32], ..made.checkpoint(2) };
    let known = Known { site: None, checkpoint: Some(other) };
    let report = verify(&made.medium, &known, &mut |_bytes| ());
    assert!(report.findings.iter().any(|f| f.fault == Fault::Root { leaves: 2 }));
}
