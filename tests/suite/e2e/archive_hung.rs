//! A share that hangs in the middle of a copy: recording goes on, the console answers, the run is given up and finished later.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::archive::{archive, location, record, told, whole};
use super::drive::{Drive, Mounted, until_a_copy_goes_on};
use super::serve::{Server, all_were_heard, inside, metric, place, plan, recordings, until};
use super::site::{Ran, Site, amethyst};

const PASSWORD: &str = "correct horse battery staple";

#[test]
fn a_share_that_hangs_in_mid_copy_harms_no_recording_and_nobody_waits_for_it() {
    if !inside("archive_hung", "a_share_that_hangs_in_mid_copy_harms_no_recording_and_nobody_waits_for_it") {
        return;
    }
    let site = Site::new();
    let at = PathBuf::from(site.path("share"));
    let Some(mut drive) = Drive::new(site.path("share.img").as_ref(), 256, Mounted::Pullable) else { return };
    if !drive.mount(&at, false) {
        return;
    }
    let added =
        location(&site, "add", &["--kind", "folder", "--path", at.to_str().unwrap(), "--name", "archive"]);
    assert_eq!(added.code, Some(0), "{added:?}");
    record(&site, 80, 20, 0);
    let file = std::path::Path::new(site.data()).join("amethyst.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("at = \"21:00\"", "at = \"23:59\"")).unwrap();
    let server = Server::start_with(&site, &[("AMETHYST_STALLED_S", "4")]);
    let mut admin = server.person(&site);
    admin.enter_by_link(server.link.as_deref().expect("a first link"), PASSWORD);
    let run = Command::new(amethyst())
        .args(["archive", "run", "--data", site.data(), "--json", "--logins", "0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    until_a_copy_goes_on(&at);
    drive.hang();
    // Nobody but the copy waits for it.
    let calls = place(&plan(501, 5, 6));
    until("the calls on the wire", || (metric(&mut admin, "amethyst_calls_now") >= 5).then_some(()));
    for _ in 0..10 {
        let asked = Instant::now();
        assert_eq!(admin.get("/healthz").status, 200);
        let page = admin.get("/api/v1/archive");
        assert_eq!(page.status, 200, "{}", page.json());
        assert!(asked.elapsed() < Duration::from_secs(5), "the console waited for the share");
        std::thread::sleep(Duration::from_millis(300));
    }
    all_were_heard(calls);
    let found =
        until("five recordings", || Some(recordings(&mut admin, "number=20050")).filter(|r| r.len() == 5));
    for row in &found {
        assert_eq!((row["end"].as_str(), &row["has_gap"]), (Some("recorded"), &json!(false)), "{row}");
    }
    let given_up = Ran::from(run.wait_with_output().unwrap());
    assert_eq!(given_up.code, Some(1), "{given_up:?}");
    let error = told(&given_up)["error"].as_str().unwrap().to_owned();
    assert!(error.contains("does not answer any more") && error.contains("stays due"), "{error}");
    assert!(server.said().contains("stalled"), "{}", server.said());
    // The server behind it lives again.
    drive.go_on();
    until("the run that completes", || (archive(&site, "run", &[]).code == Some(0)).then_some(()));
    whole(&site, &at);
    server.end();
}
