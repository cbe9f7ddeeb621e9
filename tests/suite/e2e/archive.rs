//! The archive as an administrator meets it: places, drives that come and go, runs that are killed, and what lies there afterwards.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use amethyst_tests::calls::{Plan, Voice, to_pcap};
use serde_json::Value;

use super::drive::{Drive, Mounted, until_a_copy_goes_on};
use super::film::files_below;
use super::site::{Ran, Site, amethyst, run};

/// 2026-11-20 08:00:00 UTC.
const MORNING: u64 = 1_795_161_600;
/// No logins: each costs most of a second.
const FEW: [&str; 2] = ["--logins", "0"];

/// Records `calls` calls of `seconds` seconds in the hour `nth` of the morning.
pub(super) fn record(site: &Site, calls: u32, seconds: u64, nth: u64) {
    let file = site.path("calls.pcap");
    let plan = Plan {
        calls,
        first: u32::try_from(nth).unwrap() * 1_000 + 1,
        speech: Duration::from_secs(seconds),
        voice: Voice::Synthetic,
        start_gap: Duration::from_millis(20),
        ..Plan::default()
    };
    to_pcap(&plan, file.as_ref(), Duration::from_secs(MORNING + 3_600 * nth)).expect("a capture of calls");
    let summary = site.record(&[file]);
    assert_eq!(summary["recordings"], calls, "{summary}");
}

pub(super) fn archive(site: &Site, command: &str, words: &[&str]) -> Ran {
    let mut all = vec!["archive", command, "--data", site.data(), "--json"];
    if command == "run" {
        all.extend(FEW);
    }
    all.extend_from_slice(words);
    run(&all)
}

pub(super) fn location(site: &Site, command: &str, words: &[&str]) -> Ran {
    let mut all = vec!["location", command, "--data", site.data()];
    all.extend_from_slice(words);
    run(&all)
}

fn add(site: &Site, kind: &str, path: &Path) {
    let added =
        location(site, "add", &["--kind", kind, "--path", path.to_str().unwrap(), "--name", "archive"]);
    assert_eq!(added.code, Some(0), "{added:?}");
}

/// What a run did on the one location.
pub(super) fn told(ran: &Ran) -> Value {
    let all: Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {ran:?}"));
    all[0].clone()
}

pub(super) fn complete(site: &Site) -> Value {
    let ran = archive(site, "run", &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let told = told(&ran);
    assert_eq!((&told["outcome"], &told["left"]), (&"complete".into(), &0.into()), "{told}");
    told
}

/// Sealed recordings below an archive, by name, without those that are not finished.
pub(super) fn recordings(root: &Path) -> BTreeSet<String> {
    let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    let rec = |path: &PathBuf| {
        path.to_str().unwrap().contains("/rec/") && path.extension().is_some_and(|e| e == "amx")
    };
    files_below(root).into_iter().filter(rec).map(name).collect()
}

/// Judged from outside: each day's files are what their sums say, and everything recorded is there.
pub(super) fn whole(site: &Site, place: &Path) {
    let root = place.join("AMETHYST");
    let mut sums = 0;
    for file in files_below(&root) {
        if file.file_name().is_some_and(|name| name.to_str().unwrap().starts_with("sha256sums")) {
            let out = Command::new("sha256sum")
                .args(["--check", "--quiet", "--strict"])
                .arg(&file)
                .current_dir(file.parent().unwrap())
                .output()
                .expect("sha256sum is everywhere");
            assert!(out.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&out.stderr));
            sums += 1;
        }
    }
    assert!(sums > 0, "no sums below {}", root.display());
    let live = Path::new(site.path("data/live"));
    let all: BTreeSet<String> =
        files_below(live).iter().map(|p| p.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(recordings(&root), all);
    assert!(
        !files_below(&root).iter().any(|path| path.extension().is_some_and(|e| e == "part")),
        "nothing is unfinished"
    );
    let status = archive(site, "status", &[]);
    assert_eq!(status.code, Some(0), "{status:?}");
}

#[test]
fn what_was_recorded_lies_in_the_archive_proven_and_the_next_run_adds_what_is_new() {
    let site = Site::new();
    let place = PathBuf::from(site.path("nas"));
    fs::create_dir(&place).unwrap();
    let none = archive(&site, "status", &[]);
    none.refused(2, &["no archive location", "amethyst location add"]);
    add(&site, "folder", &place);
    record(&site, 12, 2, 0);
    let due = archive(&site, "status", &[]);
    assert_eq!((due.code, &told(&due)["due_files"]), (Some(1), &12.into()), "{due:?}");
    let first = complete(&site);
    assert_eq!(first["files"], 12, "{first}");
    whole(&site, &place);
    record(&site, 3, 2, 1);
    assert_eq!(complete(&site)["files"], 3);
    whole(&site, &place);
    let names: Vec<String> =
        files_below(&place).iter().map(|p| p.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    for name in [
        "manifest-0001.txt",
        "manifest-0002.txt",
        "day-0002.amc",
        "db.amx",
        "config.amx",
        "README.txt",
        "site.json",
    ] {
        assert!(names.iter().any(|n| n == name), "{name} is missing among {names:?}");
    }
    assert_eq!(complete(&site)["files"], 0);
    // A drill fetches and opens what it draws; one flipped byte is found.
    let drilled = archive(&site, "drill", &["--sample", "30"]);
    assert_eq!((drilled.code, &told(&drilled)["opened"]), (Some(0), &15.into()), "{drilled:?}");
    for file in files_below(&place).into_iter().filter(|p| p.to_str().unwrap().contains("/rec/")) {
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&file, bytes).unwrap();
    }
    let drilled = archive(&site, "drill", &["--sample", "3"]);
    assert_eq!(
        (drilled.code, told(&drilled)["wrong"].as_array().unwrap().len()),
        (Some(1), 3),
        "{drilled:?}"
    );
    let removed = location(&site, "remove", &["archive"]);
    removed.refused(4, &["two administrators", "14 days"]);
}

#[test]
fn places_that_cannot_be_archives_are_refused_in_words() {
    let site = Site::new();
    let add = |kind: &str, path: &str| location(&site, "add", &["--kind", kind, "--path", path]);
    add("folder", site.path("nowhere")).refused(3, &["not connected", "is not there"]);
    let inside = site.path("data/live");
    fs::create_dir_all(inside).unwrap();
    add("folder", inside).refused(2, &["inside the data folder"]);
    let folder = site.path("folder");
    fs::create_dir(folder).unwrap();
    add("usb", folder).refused(3, &["no drive is mounted"]);
    add("nfs", folder).refused(3, &["no NFS share"]);
    add("smb", folder).refused(3, &["no Windows share"]);
    assert!(fs::read_dir(folder).unwrap().next().is_none(), "nothing was made there");
    assert_eq!(location(&site, "list", &["--json"]).json(), Value::Array(vec![]));
    // Another site's archive is left alone.
    let other = Site::new();
    let added = location(&other, "add", &["--kind", "folder", "--path", folder]);
    assert_eq!(added.code, Some(0), "{added:?}");
    add("folder", folder).refused(3, &["another site"]);
    let tested = location(&other, "test", &[&format!("folder {folder}")]);
    assert_eq!(tested.code, Some(0), "{tested:?}");
}

#[test]
fn a_drive_comes_and_goes_and_nothing_is_written_where_it_is_not() {
    let site = Site::new();
    let at = PathBuf::from(site.path("drive"));
    let Some(mut drive) = Drive::new(site.path("drive.img").as_ref(), 64, Mounted::Ext4) else { return };
    if !drive.mount(&at, false) {
        return;
    }
    add(&site, "usb", &at);
    record(&site, 4, 2, 0);
    complete(&site);
    whole(&site, &at);
    // Unmounted, the empty folder stays behind.
    drive.unmount();
    record(&site, 4, 2, 1);
    let away = archive(&site, "run", &[]);
    assert_eq!(away.code, Some(1), "{away:?}");
    assert!(told(&away)["error"].as_str().unwrap().contains("not connected"), "{away:?}");
    assert!(fs::read_dir(&at).unwrap().next().is_none(), "nothing was written below the mount point");
    // Another drive under the same mount point.
    let Some(mut other) = Drive::new(site.path("other.img").as_ref(), 64, Mounted::Ext4) else { return };
    assert!(other.mount(&at, false));
    let wrong = archive(&site, "run", &[]);
    assert!(told(&wrong)["error"].as_str().unwrap().contains("not connected"), "{wrong:?}");
    assert!(!at.join("AMETHYST").exists(), "nothing was written to it");
    other.unmount();
    // The drive, but read-only.
    assert!(drive.mount(&at, true));
    let locked = archive(&site, "run", &[]);
    assert!(told(&locked)["error"].as_str().unwrap().contains("ead-only"), "{locked:?}");
    drive.unmount();
    // A copy of the drive, made before its last run.
    fs::copy(site.path("drive.img"), site.path("copy.img")).unwrap();
    assert!(drive.mount(&at, false));
    assert_eq!(complete(&site)["files"], 4, "it goes on where it stood");
    whole(&site, &at);
    drive.unmount();
    fs::rename(site.path("drive.img"), site.path("true.img")).unwrap();
    fs::rename(site.path("copy.img"), site.path("drive.img")).unwrap();
    record(&site, 1, 2, 2);
    assert!(drive.mount(&at, false));
    let copied = archive(&site, "run", &[]);
    assert!(told(&copied)["error"].as_str().unwrap().contains("copy"), "{copied:?}");
    assert_eq!(recordings(&at).len(), 4, "nothing was added to it");
}

#[test]
fn a_drive_that_is_full_keeps_what_is_proven_and_a_larger_one_goes_on() {
    let site = Site::new();
    let at = PathBuf::from(site.path("drive"));
    let Some(mut drive) = Drive::new(site.path("drive.img").as_ref(), 16, Mounted::Ext4) else { return };
    if !drive.mount(&at, false) {
        return;
    }
    add(&site, "usb", &at);
    record(&site, 2, 2, 0);
    complete(&site);
    record(&site, 24, 40, 1);
    let full = archive(&site, "run", &[]);
    let early = told(&full);
    assert_eq!((full.code, &early["outcome"]), (Some(1), &"early".into()), "{full:?}");
    assert!(early["early"].as_str().unwrap().contains("full"), "{early}");
    assert!(early["left"].as_u64().unwrap() > 0, "{early}");
    drive.unmount();
    let Some(mut larger) = Drive::new(site.path("larger.img").as_ref(), 128, Mounted::Ext4) else { return };
    assert!(larger.mount(&at, false));
    let prepared = location(&site, "prepare", &["archive", "--label", "drive B"]);
    assert_eq!(prepared.code, Some(0), "{prepared:?}");
    assert_eq!(complete(&site)["files"], 26, "everything, on the new drive");
    let listed = location(&site, "list", &["--json"]).json();
    assert_eq!(listed[0]["media"].as_array().unwrap().len(), 2, "{listed}");
}

#[test]
fn a_drive_that_is_pulled_in_mid_copy_is_noticed_and_finished_later() {
    let site = Site::new();
    let at = PathBuf::from(site.path("drive"));
    let Some(mut drive) = Drive::new(site.path("drive.img").as_ref(), 256, Mounted::Pullable) else { return };
    if !drive.mount(&at, false) {
        return;
    }
    add(&site, "folder", &at);
    record(&site, 200, 30, 0);
    let child = Command::new(amethyst())
        .args(["archive", "run", "--data", site.data(), "--json"])
        .args(FEW)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    until_a_copy_goes_on(&at);
    drive.pull();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let error = told(&ran)["error"].as_str().unwrap().to_owned();
    assert!(error.contains("failed") && error.contains("stays due"), "{error}");
    assert!(fs::read_dir(&at).unwrap().next().is_none(), "nothing was written below the mount point");
    let away = archive(&site, "run", &[]);
    assert!(told(&away)["error"].as_str().unwrap().contains("not connected"), "{away:?}");
    // What a drive of FUSE that died says of its file system is mended as a person would.
    let mended = Command::new("e2fsck")
        .args(["-p", "-f", site.path("drive.img")])
        .output()
        .expect("e2fsck is of e2fsprogs");
    assert!(mended.status.code().is_some_and(|code| code < 4), "{mended:?}");
    assert!(drive.mount(&at, false));
    complete(&site);
    whole(&site, &at);
}

#[test]
fn a_drive_with_exfat_as_they_are_sold_is_as_good() {
    let site = Site::new();
    let at = PathBuf::from(site.path("drive"));
    let Some(mut drive) = Drive::new(site.path("drive.img").as_ref(), 64, Mounted::Exfat) else { return };
    if !drive.mount(&at, false) {
        return;
    }
    add(&site, "usb", &at);
    record(&site, 6, 2, 0);
    complete(&site);
    whole(&site, &at);
    drive.unmount();
    assert!(drive.mount(&at, false), "mounted again");
    record(&site, 2, 2, 1);
    assert_eq!(complete(&site)["files"], 2);
    whole(&site, &at);
}

#[test]
fn killed_at_any_moment_a_run_says_nothing_false_and_the_next_completes() {
    let kills: u64 = std::env::var("AMETHYST_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(12);
    let site = Site::new();
    let place = PathBuf::from(site.path("nas"));
    fs::create_dir(&place).unwrap();
    add(&site, "folder", &place);
    record(&site, 60, 5, 0);
    let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
    let mut finished = 0;
    for kill in 0..kills {
        if finished > 2 {
            finished = 0;
            record(&site, 20, 5, kill + 1);
        }
        let mut child = Command::new(amethyst())
            .args(["archive", "run", "--data", site.data(), "--json"])
            .args(FEW)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        std::thread::sleep(Duration::from_millis(dice >> 33 & 0xfff));
        // Killed, not told: the carrier's process ends by its own pipe.
        child.kill().expect("it is ours to kill");
        finished += u64::from(child.wait().unwrap().code().is_some());
        let proven = archive(&site, "status", &[]);
        assert!(matches!(proven.code, Some(0 | 1)), "kill {kill}: {proven:?}");
        let due = told(&proven)["due_files"].as_u64().unwrap();
        let all = u64::try_from(files_below(Path::new(site.path("data/live"))).len()).unwrap();
        let there = u64::try_from(recordings(&place).len()).unwrap();
        assert!(all - due <= there, "kill {kill}: {} said to be there, {there} are", all - due);
    }
    complete(&site);
    whole(&site, &place);
}

#[test]
fn what_is_not_in_the_live_store_any_more_is_brought_to_a_new_place_from_another() {
    let site = Site::new();
    let (old, new) = (PathBuf::from(site.path("old")), PathBuf::from(site.path("new")));
    [&old, &new].into_iter().for_each(|place| fs::create_dir(place).unwrap());
    record(&site, 6, 2, 0);
    add(&site, "folder", &old);
    complete(&site);
    files_below(Path::new(site.path("data/live"))).iter().for_each(|path| fs::remove_file(path).unwrap());
    fs::create_dir(site.path("away")).unwrap();
    let added =
        ["location", "add", "--data", site.data(), "--kind", "folder", "--path", new.to_str().unwrap()];
    assert_eq!(run(&added).code, Some(0));
    // The other place away: nothing can be had, nothing is said to be proven, and it is told.
    let away = PathBuf::from(site.path("away/old"));
    fs::rename(&old, &away).unwrap();
    let cut = archive(&site, "run", &[]);
    assert!(cut.code == Some(1) && recordings(&new).is_empty(), "{cut:?}");
    assert!(cut.out.contains("cannot be fetched from elsewhere"), "{cut:?}");
    fs::rename(&away, &old).unwrap();
    let ran = archive(&site, "run", &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!((recordings(&new), recordings(&new).len()), (recordings(&old), 6));
    assert_eq!(run(&["verify", new.to_str().unwrap()]).code, Some(0), "it speaks for itself");
    assert_eq!(archive(&site, "status", &[]).code, Some(0));
}

#[test]
fn a_recording_leaves_the_live_store_only_after_a_day_and_comes_back_from_the_archive() {
    let site = Site::new();
    let place = PathBuf::from(site.path("nas"));
    fs::create_dir(&place).unwrap();
    record(&site, 6, 2, 0);
    let purge = |words: &[&str]| {
        let mut all = vec!["archive", "purge", "--data", site.data(), "--json", "--announce", "1000"];
        all.extend_from_slice(words);
        run(&all)
    };
    // Younger than the site wants it, and nothing holds it.
    assert_eq!(purge(&["--older-than", "36500"]).json()["announced"], Value::Array(vec![]));
    purge(&["--older-than", "29"]).refused(2, &["30 days", "keep_live_days"]);
    let settings = site.path("data/amethyst.toml");
    let text = fs::read_to_string(settings).unwrap();
    fs::write(settings, text.replace("keep_live_days = 30", "keep_live_days = 0")).unwrap();
    assert_eq!(purge(&[]).json()["announced"], Value::Array(vec![]), "no place holds anything");
    add(&site, "folder", &place);
    assert_eq!(purge(&[]).json()["announced"], Value::Array(vec![]), "nothing is proven yet");
    complete(&site);
    let announced = purge(&[]).json();
    assert_eq!(announced["announced"].as_array().unwrap().len(), 6, "{announced}");
    assert_eq!(announced["removed"], Value::Array(vec![]));
    let again = purge(&[]).json();
    assert_eq!(again["removed"], Value::Array(vec![]), "not within 24 hours: {again}");
    let live = Path::new(site.path("data/live"));
    assert_eq!(files_below(live).len(), 6);
    // What is not in the live store any more is played from the archive, byte for byte.
    let before = site.export(&["--format", "wav"]);
    let heard = |out: &str| -> Vec<Vec<u8>> {
        let wav = |p: &PathBuf| p.extension().is_some_and(|e| e == "wav");
        files_below(Path::new(out)).into_iter().filter(wav).map(|p| fs::read(p).unwrap()).collect()
    };
    let first = heard(before);
    fs::remove_dir_all(before).unwrap();
    files_below(live).iter().for_each(|path| fs::remove_file(path).unwrap());
    let back = site.export(&["--format", "wav"]);
    assert!(first == heard(back) && first.len() == 6, "the same sound");
    fs::remove_dir_all(back).unwrap();
    // With the archive away the words name it.
    fs::remove_dir_all(site.path("data/cache")).unwrap();
    fs::rename(&place, site.path("safe")).unwrap();
    let away = run(&["export", "--data", site.data(), "--all", "--out", site.path("out")]);
    assert!(away.code != Some(0) && away.err.contains("archive"), "{away:?}");
}
