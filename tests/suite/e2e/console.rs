//! The console as a person walks through it, in two real browsers: Chromium and the `WebKit` of GTK, both driven by
//! the one script that lives beside the console (`server/web/ui/e2e/console.mjs`).
//!
//! It signs in by a one-time link, sets a password and an authenticator, searches, plays (the sound is captured and compared
//! with what was said), sees a gap with its cause, labels, listens live, and finds it all in the audit log; axe judges every
//! page, and each leaves a picture in `target/console-shots/<engine>`.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::serve::{Server, inside, place, plan};
use super::site::{Site, drive, genpcap, run};
use crate::workspace::root;

#[test]
fn a_person_walks_through_the_console_in_a_real_browser() {
    walk("a_person_walks_through_the_console_in_a_real_browser", "chromium", &["chromium"], false);
}

/// Asked for by `AMETHYST_WEBKIT=1`: the page of `WebKitGTK` 2.50 dies now and then when sound begins on a machine of two cores,
/// and a walk that stops for the engine's sake must not keep a change from landing.
#[test]
fn webkit_shows_and_plays_what_chromium_does() {
    if std::env::var_os("AMETHYST_WEBKIT").is_none_or(|wanted| wanted != "1") {
        println!("skipped: the walk in WebKitGTK runs with AMETHYST_WEBKIT=1");
        return;
    }
    let needed = ["WebKitWebDriver", "Xvfb", "dbus-run-session"];
    walk("webkit_shows_and_plays_what_chromium_does", "webkit", &needed, false);
}

#[test]
fn the_whole_walk_passes_on_a_site_that_was_restored_from_its_archive() {
    let test = "the_whole_walk_passes_on_a_site_that_was_restored_from_its_archive";
    walk(test, "chromium", &["chromium"], true);
}

/// Archives a site, loses its machine, and restores it from the drive and two papers. Recordings stay on the drive: whoever plays one
/// has it fetched from there.
fn lose_and_restore(site: &Site, shares: &[String], drive: &Path) {
    let paper = site.path("papers.txt");
    std::fs::write(paper, format!("{}\n\n{}\n", shares[0], shares[2])).expect("a disk");
    let (drive, lost) = (drive.to_str().expect("plain names"), site.path("lost"));
    let well = |words: &[&str]| {
        let ran = run(words);
        assert_eq!(ran.code, Some(0), "{words:?}: {ran:?}");
    };
    let add =
        ["location", "add", "--kind", "folder", "--name", "Drive A", "--data", site.data(), "--path", drive];
    well(&add);
    // The backup of a run cannot know yet that this run is proven; that of the next one does.
    for _night in 0..2 {
        well(&["archive", "run", "--logins", "0", "--data", site.data()]);
    }
    std::fs::rename(site.data(), lost).expect("it is ours");
    well(&["restore", "--archive", drive, "--data", site.data(), "--share", paper]);
}

/// Walks through a site of its own in `engine`; the test's name is what runs once more inside the namespace.
fn walk(test: &str, engine: &str, needed: &[&str], restored: bool) {
    if !tools_are_there(needed) || !inside("console", test) {
        return;
    }
    let (site, shares) = Site::with_shares();
    // A call with lost packets, so that there is a gap to be seen.
    let lossy = site.path("lossy.pcap");
    let Some(made) = genpcap(&["gen", lossy, "--calls", "2", "--secs", "20", "--loss", "0.03"]) else {
        return;
    };
    assert_eq!(made.code, Some(0), "{made:?}");
    site.record(&[lossy]);
    let drive = drive();
    if restored {
        lose_and_restore(&site, &shares, drive.path());
    }
    // As it comes: an administrator must have an authenticator.
    let file = Path::new(site.data()).join("amethyst.toml");
    let tap = "\n[[tap]]\nname = \"loopback\"\ninterface = \"lo\"\nside = \"trunk\"\n";
    let text = std::fs::read_to_string(&file).expect("init wrote it");
    std::fs::write(&file, text.replace("internal_numbers = []", "internal_numbers = [\"2*****\"]") + tap)
        .expect("a disk");
    let server = Server::start(&site);
    let link = server.link.clone().expect("a first link");

    // Calls go on for as long as the walk lasts, so that there is always one to listen to.
    let over = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&over);
    let calls = thread::Builder::new().name("calls".to_owned()).spawn(move || {
        let mut first = 1;
        while !ended.load(Ordering::Relaxed) {
            let calls = place(&plan(first, 2, 12));
            first += 2;
            thread::sleep(Duration::from_secs(8));
            drop(calls.wait_with_output());
        }
    });
    let shots =
        std::env::var_os("AMETHYST_SHOTS").map_or_else(|| root().join("target/console-shots"), Into::into);
    let shots = shots.join(if restored { "restored" } else { engine });
    std::fs::create_dir_all(&shots).expect("a folder for the pictures");
    let walked = Command::new("node")
        .arg("e2e/console.mjs")
        .current_dir(root().join("server/web/ui"))
        .env("ENGINE", engine)
        .env("BASE_URL", format!("https://{}", server.address))
        .env("LINK", format!("https://{}{link}", server.address))
        .env("SHOTS", &shots)
        .env("TOTP", "1")
        .env("LIVE", "1")
        .env("GAP", "1")
        .env(if restored { "RESTORED" } else { "ARCHIVE_PATH" }, drive.path())
        .stdin(Stdio::null())
        .output()
        .expect("node starts");
    over.store(true, Ordering::Relaxed);
    drop(calls.map(thread::JoinHandle::join));
    let told =
        String::from_utf8_lossy(&walked.stdout).into_owned() + &String::from_utf8_lossy(&walked.stderr);
    println!("{told}");
    assert!(walked.status.success(), "{told}");
    server.end();
}

pub(crate) fn tools_are_there(browser: &[&str]) -> bool {
    let ui = root().join("server/web/ui");
    let known = |program: &str| {
        Command::new("sh")
            .args(["-c", &format!("command -v {program}")])
            .output()
            .is_ok_and(|o| o.status.success())
    };
    for program in ["node"].iter().chain(browser) {
        if !known(program) {
            println!("skipped: {program} is not installed");
            return false;
        }
    }
    if !ui.join("node_modules/playwright-core").exists() || !ui.join("dist/index.html").exists() {
        println!("skipped: the console is not built (scripts/console.sh build)");
        return false;
    }
    true
}
