//! The machine is gone; an archive and two of three papers are left.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use amethyst_tests::calls::{Plan, Voice, to_pcap};
use serde_json::Value;

use super::film::files_below;
use super::site::{Ran, Site, run};

/// 2026-11-20 08:00:00 UTC.
const MORNING: Duration = Duration::from_secs(1_795_161_600);

/// A site with a location, and its three papers.
struct Archived {
    site: Site,
    shares: Vec<String>,
    drive: &'static str,
}

impl Archived {
    fn new() -> Self {
        let (site, shares) = Site::with_shares();
        let drive = site.path("drive");
        fs::create_dir(drive).unwrap();
        let words = ["location", "add", "--data", site.data(), "--kind", "folder", "--path", drive];
        let added = run(&words);
        assert_eq!(added.code, Some(0), "{added:?}");
        Self { site, shares, drive }
    }

    /// Records `calls` calls that begin `hours` after the morning, and archives them.
    fn call_and_archive(&self, calls: u32, hours: u64) {
        let plan = Plan { calls, speech: Duration::from_secs(1), voice: Voice::Synthetic, ..Plan::default() };
        let wire = self.site.path("wire.pcap");
        to_pcap(&plan, wire.as_ref(), MORNING + Duration::from_secs(hours * 3_600)).expect("calls");
        self.site.record(&[wire]);
        self.archive();
    }

    fn archive(&self) {
        let ran = archive(self.site.data());
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }

    /// The papers with these numbers in a file, as printed.
    fn paper(&self, numbers: &[usize]) -> &'static str {
        let file = self.site.path(&format!("paper{numbers:?}.txt"));
        let text: String =
            numbers.iter().map(|n| format!("Share {n} of 3\n{}\n\n", self.shares[n - 1])).collect();
        fs::write(file, text).unwrap();
        file
    }

    fn restore(&self, to: &str, words: &[&str]) -> Ran {
        let mut all = vec!["restore", "--archive", self.drive, "--data", to];
        all.extend_from_slice(words);
        run(&all)
    }

    /// The only file whose path below the archive contains `part`.
    fn on_drive(&self, part: &str) -> PathBuf {
        let mut found = files_below(self.drive.as_ref());
        found.retain(|path| path.to_str().unwrap().contains(part));
        found.sort_unstable();
        found.pop().unwrap_or_else(|| panic!("no {part} on the drive"))
    }
}

fn archive(data: &str) -> Ran {
    run(&["archive", "run", "--data", data, "--logins", "0"])
}

/// Every WAV that is exported, by name.
fn sounds(data: &str, out: &str) -> Vec<(String, Vec<u8>)> {
    let ran = run(&["export", "--data", data, "--all", "--out", out]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let mut wavs = files_below(out.as_ref());
    wavs.retain(|path| path.extension().is_some_and(|e| e == "wav"));
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut sounds: Vec<_> = wavs.iter().map(|path| (name(path), fs::read(path).unwrap())).collect();
    sounds.sort_unstable();
    sounds
}

fn told(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("no JSON ({e}): {ran:?}"))
}

#[test]
fn two_papers_and_a_drive_bring_everything_back_and_recording_goes_on() {
    let lost = Archived::new();
    lost.call_and_archive(2, 0);
    let backup = lost.site.path("older backup");
    copy(&format!("{}/AMETHYST/backup", lost.drive), backup);
    lost.call_and_archive(3, 1);

    let new = lost.site.path("new");
    let ran = lost.restore(new, &["--share", lost.paper(&[3, 1]), "--with-recordings", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let summary = told(&ran);
    assert_eq!((&summary["recordings"], &summary["copied_back"]), (&5.into(), &5.into()), "{summary}");
    let before = sounds(lost.site.data(), lost.site.path("out of old"));
    assert_eq!(before.len(), 5);
    assert_eq!(sounds(new, lost.site.path("out of new")), before);
    assert_eq!(run(&["check", "--data", new, "--price", "hash"]).code, Some(0));
    assert_eq!(run(&["log", "check", "--data", new]).code, Some(0));
    assert_eq!(run(&["verify", new]).code, Some(0), "old and new certificates vouch for all");

    let status = run(&["archive", "status", "--data", new]);
    assert_eq!(status.code, Some(1), "nobody calls it safe before it was looked at: {status:?}");

    // It records on, under a new ledger and new keys, and archives to the drive that it knows.
    let wire = lost.site.path("wire.pcap");
    let recorded = run(&["record", "--data", new, "--pcap", wire]);
    assert_eq!(recorded.code, Some(0), "{recorded:?}");
    let carried = archive(new);
    assert_eq!(carried.code, Some(0), "{carried:?}");
    assert_eq!(told(&run(&["list", "--data", new, "--json"])).as_array().unwrap().len(), 8);

    // A backup that is older than the drive: what came later is admitted from its files.
    let drive = format!("{}/AMETHYST/backup", lost.drive);
    fs::remove_dir_all(&drive).unwrap();
    copy(backup, &drive);
    let third = lost.site.path("third");
    let ran = lost.restore(
        third,
        &["--share", lost.paper(&[2]), "--share", lost.paper(&[3]), "--with-recordings", "--json"],
    );
    let summary = told(&ran);
    assert_eq!((&summary["admitted_parts"], &summary["copied_back"]), (&6.into(), &2.into()), "{summary}");
    assert_eq!(sounds(third, lost.site.path("out of third")).len(), 8);
    assert_eq!(run(&["check", "--data", third, "--price", "hash"]).code, Some(0));
}

#[test]
fn recordings_may_stay_in_the_archive() {
    let lost = Archived::new();
    lost.call_and_archive(2, 0);
    let new = lost.site.path("new");
    let ran = lost.restore(new, &["--share", lost.paper(&[1, 2])]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("2 files stay on this drive"), "{}", ran.out);
    assert_eq!(told(&run(&["list", "--data", new, "--json"])).as_array().unwrap().len(), 2);
    assert!(files_below(format!("{new}/live").as_ref()).is_empty());
}

#[test]
fn one_paper_a_misread_one_and_those_of_others_open_nothing() {
    let lost = Archived::new();
    lost.call_and_archive(1, 0);
    let new = lost.site.path("new");
    let refused = |file: &str, code: i32, words: &[&str]| {
        lost.restore(new, &["--share", file]).refused(code, words);
        assert!(!Path::new(new).exists(), "nothing was made");
    };
    refused(lost.paper(&[2]), 3, &["one recovery share alone opens nothing"]);
    refused(lost.paper(&[]), 3, &["two of the three are needed"]);
    refused(lost.paper(&[2, 2]), 3, &["two different shares of one set"]);
    let misread = lost.site.path("misread.txt");
    let second = lost.shares[1].replacen(lost.shares[1].chars().nth(12).unwrap(), "Z", 1);
    fs::write(misread, format!("{}\n{}\n", lost.shares[0], second.replacen("ZZ", "YZ", 1))).unwrap();
    refused(misread, 3, &["share 2 is wrong", "group by group"]);
    let (_other, theirs) = Site::with_shares();
    let others = lost.site.path("others.txt");
    fs::write(others, format!("{}\n{}\n", theirs[0], theirs[1])).unwrap();
    refused(others, 3, &["of another site"]);
}

#[test]
fn what_cannot_be_used_is_named_and_the_one_before_it_is_taken() {
    let lost = Archived::new();
    lost.call_and_archive(1, 0);
    lost.archive();
    let paper = lost.paper(&[1, 3]);
    let full = lost.site.path("full");
    fs::create_dir(full).unwrap();
    fs::write(format!("{full}/mine.txt"), "mine").unwrap();
    lost.restore(full, &["--share", paper]).refused(5, &["is not empty"]);
    let nothing = lost.site.path("nothing");
    fs::create_dir(nothing).unwrap();
    run(&["restore", "--archive", nothing, "--data", lost.site.path("a"), "--share", paper])
        .refused(3, &["holds no archive"]);

    // The newest recovery vault is damaged: the one before it opens, and the exit code says that something was odd.
    let newest = lost.on_drive("/recovery-");
    flip(&newest, 2_000);
    let ran = lost.restore(lost.site.path("b"), &["--share", paper, "--with-recordings", "--json"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let name = newest.file_name().unwrap().to_str().unwrap();
    assert!(told(&ran)["troubles"][0].as_str().unwrap().contains(name), "{ran:?}");
    assert_eq!(told(&ran)["copied_back"], 1);

    // A recording that was altered is not brought back, and is named.
    let recording = lost.on_drive("/rec/");
    flip(&recording, 5_000);
    let ran = lost.restore(lost.site.path("c"), &["--share", paper, "--with-recordings"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("is not the recording that the database knows"), "{}", ran.out);

    // Without a whole backup there is no database: refused, in words that lead on.
    flip(&lost.on_drive("/db.amx"), 3_000);
    lost.restore(lost.site.path("d"), &["--share", paper])
        .refused(3, &["no backup on this drive can be used", "begin again in another empty folder"]);
    // Certificates that do not hold: the drive is not trusted at all.
    for path in files_below(lost.drive.as_ref()) {
        if path.to_str().unwrap().contains("/certs-") {
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, text.replacen("\"signature\": \"", "\"signature\": \"00", 1)).unwrap();
        }
    }
    lost.restore(lost.site.path("e"), &["--share", paper]).refused(3, &["damaged or forged"]);
}

#[test]
fn an_auditor_judges_the_drive_without_a_key() {
    let lost = Archived::new();
    lost.call_and_archive(2, 0);
    lost.call_and_archive(1, 1);
    let public = lost.site.path("data/site");
    let verify = |words: &[&str]| run(&[&["verify", lost.drive, "--site", public], words].concat());
    let whole = verify(&["--json"]);
    assert_eq!(whole.code, Some(0), "{whole:?}");
    let summary = &told(&whole)[0];
    assert_eq!(
        (&summary["recordings"], &summary["runs"], &summary["proven"]),
        (&3.into(), &2.into(), &true.into())
    );
    // Somebody else's documents: nothing is judged by them.
    let (other, _) = Site::with_shares();
    let stranger = run(&["verify", lost.drive, "--site", other.path("data/site")]);
    assert_eq!(stranger.code, Some(1), "{stranger:?}");
    assert!(stranger.out.contains("NOTHING COULD BE JUDGED"), "{}", stranger.out);

    let named = |path: &Path| {
        let ran = verify(&[]);
        let name = path.file_name().unwrap().to_str().unwrap();
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let line = ran.out.lines().find(|line| line.starts_with("WRONG") && line.contains(name));
        assert!(line.is_some(), "{name} is not named: {}", ran.out);
    };
    for part in [
        "/rec/",
        "/manifest-",
        "/leaves-",
        "/checkpoint-",
        "/runs/",
        "/keyvault-",
        "/slots-",
        "/db.amx",
        "/day-",
    ] {
        let path = lost.on_drive(part);
        let bytes = fs::read(&path).unwrap();
        flip(&path, bytes.len() / 2);
        named(&path);
        fs::write(&path, &bytes).unwrap();
    }
    let stray = PathBuf::from(format!("{}/AMETHYST/2026-11-20/rec/stray.amx", lost.drive));
    fs::write(&stray, "?").unwrap();
    named(&stray);
    fs::remove_file(&stray).unwrap();

    // The whole drive put back to an older night is whole, but for what was kept elsewhere.
    let kept = lost.site.path("kept.txt");
    let older = lost.site.path("older");
    copy(lost.drive, older);
    lost.call_and_archive(1, 2);
    fs::write(kept, run(&["log", "checkpoint", "--data", lost.site.data()]).out).unwrap();
    assert_eq!(run(&["verify", older, "--site", public]).code, Some(0));
    let found = run(&["verify", older, "--site", public, "--checkpoint", kept]);
    assert_eq!(found.code, Some(1), "{found:?}");
    assert!(found.out.contains("it was shortened"), "{}", found.out);
}

#[test]
fn a_medium_that_changed_is_suspect_until_it_was_read_again() {
    let lost = Archived::new();
    lost.call_and_archive(2, 0);
    let verify = || run(&["archive", "verify", "--data", lost.site.data()]);
    assert_eq!(verify().code, Some(0), "{:?}", verify());
    let recording = lost.on_drive("/rec/");
    let bytes = fs::read(&recording).unwrap();
    flip(&recording, 5_000);
    let found = verify();
    assert_eq!(found.code, Some(1), "{found:?}");
    assert!(found.out.contains("the medium is suspect from now on"), "{}", found.out);
    assert!(archive(lost.site.data()).out.contains("it is suspect"), "nothing is carried to it");
    // A second look clears nothing by itself; a person does, by name, and may because nothing else is wrong.
    assert!(found.out.contains("1 files are bad there and due again"), "{}", found.out);
    assert_eq!(verify().code, Some(1));
    assert_eq!(run(&["archive", "verify", "--data", lost.site.data(), "--by", "Thandi"]).code, Some(2));
    let by = ["--by", "Thandi", "--reason", "cable exchanged"];
    let cleared = run(&[&["archive", "verify", "--data", lost.site.data()][..], &by].concat());
    assert!(cleared.code == Some(1) && cleared.out.contains("trusted again"), "{cleared:?}");
    // The next run brings a good copy, and nothing was overwritten.
    lost.archive();
    assert_eq!(fs::read(&recording).unwrap(), bytes);
    let aside = lost.on_drive("/aside/");
    assert!(fs::read(&aside).unwrap() != bytes && fs::metadata(&aside).unwrap().len() == bytes.len() as u64);
    let mended = verify();
    assert_eq!(mended.code, Some(0), "{mended:?}");
    assert!(mended.out.contains("2 recordings are proven anew"), "{}", mended.out);
    assert!(mended.out.contains("1 bad files were kept"), "{}", mended.out);
    let alone = run(&["verify", lost.drive]);
    assert_eq!(alone.code, Some(0), "{alone:?}");
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    let at = at.min(bytes.len() / 2);
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn copy(from: &str, to: &str) {
    let copied = Command::new("cp").args(["-r", from, to]).status().expect("cp is everywhere");
    assert!(copied.success(), "{copied}");
}
