//! The server archives by itself, and does what the command line asks of it while it runs.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::serve::{Server, inside};
use super::site::{Site, drive, genpcap, run};

/// A site with two recordings and a folder to archive to.
fn with_location() -> Option<(Site, Drive)> {
    let site = Site::new();
    let calls = site.path("calls.pcap");
    let made = genpcap(&["gen", calls, "--calls", "2", "--secs", "3"])?;
    assert_eq!(made.code, Some(0), "{made:?}");
    site.record(&[calls]);
    let drive = Drive { folder: drive() };
    std::fs::create_dir(drive.at("drive")).expect("a disk");
    let path = drive.at("drive").display().to_string();
    let words = ["location", "add", "--data", site.data(), "--kind", "folder", "--path", &path];
    let added = run(&[&words[..], &["--name", "Drive A"]].concat());
    assert_eq!(added.code, Some(0), "{added:?}");
    Some((site, drive))
}

/// A drive that can be pulled.
struct Drive {
    folder: TempDir,
}

impl Drive {
    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn pull(&self) {
        std::fs::rename(self.at("drive"), self.at("pulled")).expect("a disk");
    }

    fn put_back(&self) {
        std::fs::rename(self.at("pulled"), self.at("drive")).expect("a disk");
    }
}

fn archive(site: &Site, words: &[&str]) -> super::site::Ran {
    run(&[&["archive"], words, &["--data", site.data()]].concat())
}

fn change(site: &Site, from: &str, to: &str) {
    let file = std::path::Path::new(site.data()).join("amethyst.toml");
    let text = std::fs::read_to_string(&file).expect("init wrote it");
    assert!(text.contains(from), "{text}");
    std::fs::write(&file, text.replace(from, to)).expect("a disk");
}

#[test]
fn the_command_line_has_a_running_server_archive() {
    if !inside("archive_kept", "the_command_line_has_a_running_server_archive") {
        return;
    }
    let Some((site, drive)) = with_location() else { return };
    // Never by itself in this test.
    change(&site, "at = \"21:00\"", "at = \"23:59\"");
    let server = Server::start(&site);
    assert_eq!(archive(&site, &["status"]).code, Some(1), "nothing is archived yet");
    let ran = archive(&site, &["run", "--json", "--logins", "2"]).json();
    assert_eq!((&ran[0]["outcome"], &ran[0]["files"]), (&"complete".into(), &2.into()), "{ran}");
    let again = archive(&site, &["run", "--logins", "0", "--location", "Drive A"]);
    assert_eq!((again.code, again.out.trim()), (Some(0), "Drive A: everything was there already"));
    archive(&site, &["run", "--location", "Drive B"]).refused(3, &["no archive location `Drive B`"]);
    assert_eq!(archive(&site, &["status"]).code, Some(0), "all is safe");

    drive.pull();
    let away = archive(&site, &["run", "--logins", "0"]);
    assert_eq!(away.code, Some(1), "{away:?}");
    assert!(away.out.contains("Drive A is not connected"), "{away:?}");
    let said = server.end();
    assert!(said.contains("archive Drive A: 2 files"), "{said}");
    let left = std::path::Path::new(site.data()).join("run/control.sock");
    assert!(!left.exists(), "the socket goes with the server");
}

#[test]
fn what_is_due_is_archived_by_itself_when_its_drive_is_there() {
    if !inside("archive_kept", "what_is_due_is_archived_by_itself_when_its_drive_is_there") {
        return;
    }
    let Some((site, drive)) = with_location() else { return };
    change(&site, "at = \"21:00\"", "at = \"00:00\"");
    drive.pull();
    let server = Server::start(&site);
    until("the server misses the drive", || server.said().contains("ALARM archive Drive A: a run is due"));
    drive.put_back();
    until("it goes on by itself", || server.said().contains("archive Drive A is connected again"));
    let log = drive.at("drive/AMETHYST/log");
    until("the run comes to its end", || {
        std::fs::read_dir(&log).is_ok_and(|mut names| names.next().is_some())
    });
    // Logins of a year are being made now; whoever ends the server does not wait for them, and what was carried is proven.
    let said = server.end();
    let status = archive(&site, &["status", "--json"]).json();
    assert_eq!(status[0]["safe"], Value::Bool(true), "{status}\n{said}");
    assert_eq!(status[0]["runs"][0]["outcome"], "complete", "{status}");
}

#[test]
fn of_two_runs_at_once_one_does_the_work_and_the_other_says_so() {
    let Some((site, drive)) = with_location() else { return };
    let both = std::thread::scope(|scope| {
        let start = || scope.spawn(|| archive(&site, &["run", "--logins", "1"]));
        let (one, other) = (start(), start());
        [one, other].map(|run| run.join().expect("it waits for a process"))
    });
    let (well, refused): (Vec<_>, Vec<_>) = both.iter().partition(|ran| ran.code == Some(0));
    let whole = |text: &str| text.contains("2 files") || text.contains("everything was there already");
    assert!(well.iter().all(|ran| whole(&ran.out)) && !well.is_empty(), "{both:?}");
    refused.iter().for_each(|ran| ran.refused(5, &["another AMETHYST works on"]));
    let judged = run(&["verify", &drive.at("drive").display().to_string()]);
    assert_eq!(judged.code, Some(0), "{judged:?}");
    assert_eq!(archive(&site, &["status"]).code, Some(0), "all is safe");
}

/// Waits for what comes by itself within a poll or two of the server.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(180), "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
