//! Canaries on a live interface: recorded whole and judged so, told when the disk takes nothing, and among calls nowhere.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use amethyst_tests::https::Person;
use serde_json::{Value, json};

use super::film::files_below;
use super::outpost::{House, Satellite};
use super::serve::{Server, all_were_heard, inside, metric, place, plan, recordings, until, within};
use super::site::Site;

/// The first canary comes after ten seconds, one that failed is followed by another after a minute.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the page says of the canary of the tap on loopback: 1 whole, 0 failed, none yet.
fn canary(person: &mut Person) -> Option<u64> {
    let page = person.get("/metrics");
    let text = String::from_utf8_lossy(&page.body).into_owned();
    let line = text.lines().find_map(|l| l.strip_prefix("amethyst_tap_canary_up{tap=\"loopback\"} "))?;
    line.parse().ok()
}

fn nothing_lies_in(data: &str) {
    let left = files_below(&Path::new(data).join("canary"));
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn beside_calls_a_canary_is_recorded_whole_and_stands_in_no_list_ledger_or_count() {
    if !inside("canary", "beside_calls_a_canary_is_recorded_whole_and_stands_in_no_list_ledger_or_count") {
        return;
    }
    let site = Site::new();
    let (server, mut admin) = Server::signed_in(&site);
    // Calls that go on while the canary is placed.
    let calls = place(&plan(1, 3, 14));
    let whole = within(PATIENCE, "a canary", || canary(&mut admin));
    assert_eq!(whole, 1, "{}", server.said());
    all_were_heard(calls);
    let found = until("three recordings", || Some(recordings(&mut admin, "")).filter(|r| r.len() == 3));
    assert!(found.iter().all(|r| r["end"] == json!("recorded") && r["has_gap"] == json!(false)), "{found:?}");
    for (name, count) in [
        ("amethyst_calls_total", 3),
        ("amethyst_recordings_total", 3),
        ("amethyst_ledger_signalled_total", 3),
        ("amethyst_tap_calls_total{tap=\"loopback\"}", 3),
        ("amethyst_orphans_total", 0),
        ("amethyst_calls_now", 0),
    ] {
        // The page is a second old at most.
        until(name, || (metric(&mut admin, name) == count).then_some(()));
    }
    assert!(metric(&mut admin, "amethyst_tap_canary_age_seconds{tap=\"loopback\"}") < 120);
    nothing_lies_in(site.data());
    let said = server.end();
    assert!(said.contains("3 recordings; 3 signalled = 3 recorded"), "{said}");
    assert!(!said.to_lowercase().contains("canary"), "all is well, so nothing is said: {said}");
    let checked = site.run("check", &["--price", "hash"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert_eq!(files_below(&Path::new(site.data()).join("live")).len(), 3);
}

/// What the server saw itself and stands in the console.
fn notices(person: &mut Person) -> Vec<Value> {
    let all = person.get("/api/v1/archive/notices").json();
    let all = all["notices"].as_array().expect("a list").clone();
    all.into_iter().filter(|notice| notice["kind"] == json!("observed")).collect()
}

/// Acknowledges the one notice that stands, and returns it as it stands then.
fn acknowledged(admin: &mut Person) -> Value {
    let [notice] = notices(admin).try_into().expect("one notice");
    assert_eq!((&notice["severity"], &notice["seen_by"]), (&json!("urgent"), &json!(null)), "{notice}");
    assert_eq!(notice["key"], json!("canary/tap/loopback"));
    let seen = json!({ "key": notice["key"] });
    // Nothing is done that the audit log does not take, and a moment ago there was no space for it.
    until("it is noted", || {
        (admin.send("POST", "/api/v1/archive/notices/seen", &seen).status == 204).then_some(())
    });
    let none = json!({ "key": "canary/tap/none" });
    assert_eq!(admin.send("POST", "/api/v1/archive/notices/seen", &none).status, 404);
    let [notice] = notices(admin).try_into().expect("it stands until it is over");
    assert!(notice["seen_by"].as_str().is_some_and(|name| !name.is_empty()), "{notice}");
    notice
}

/// Puts a small disk of its own under a site's folder, in the mount namespace of this process.
fn on_a_small_disk(site: &Site, size: &str) -> bool {
    let (data, aside) = (site.data(), site.path("aside"));
    fs::rename(data, aside).unwrap();
    fs::create_dir(data).unwrap();
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs", data]).status();
    if !mounted.is_ok_and(|status| status.success()) {
        println!("skipped: a small disk can't be mounted here");
        return false;
    }
    let copied = Command::new("cp").args(["-a", &format!("{aside}/."), data]).status();
    copied.is_ok_and(|status| status.success())
}

#[test]
fn on_a_full_disk_the_canary_is_an_alarm_with_tap_and_reason_and_so_is_its_end() {
    let name = "on_a_full_disk_the_canary_is_an_alarm_with_tap_and_reason_and_so_is_its_end";
    if !inside("canary", name) {
        return;
    }
    let site = Site::new();
    if !on_a_small_disk(&site, "24m") {
        return;
    }
    let (server, mut admin) = Server::signed_in(&site);
    // Nobody calls: without the canary nobody would know.
    let ballast = Path::new(site.data()).join("ballast");
    let mut file = fs::File::create(&ballast).unwrap();
    while std::io::Write::write_all(&mut file, &[0; 4_096]).is_ok() {}
    let told = within(PATIENCE, "the alarm", || {
        let said = server.said();
        said.lines().find(|line| line.contains("its canary")).map(str::to_owned)
    });
    assert!(
        told.contains("ALARM") && told.contains("tap \"loopback\"") && told.contains("disk-full"),
        "{told}"
    );
    assert_eq!(until("it is shown", || canary(&mut admin)), 0);
    drop(file);
    fs::remove_file(&ballast).unwrap();
    // It still stands: the next canary comes a minute later.
    let notice = acknowledged(&mut admin);
    assert!(notice["why"].as_str().is_some_and(|why| why.contains("its canary")), "{notice}");
    within(PATIENCE, "its end", || {
        server.said().contains("its canary is recorded whole again").then_some(())
    });
    assert_eq!(until("it is shown", || canary(&mut admin).filter(|up| *up == 1)), 1);
    assert_eq!(notices(&mut admin), Vec::<Value>::new(), "it stands no more");
    assert!(recordings(&mut admin, "").is_empty());
    assert_eq!(metric(&mut admin, "amethyst_ledger_signalled_total"), 0);
    nothing_lies_in(site.data());
    server.end();
}

#[test]
fn a_satellite_judges_its_canaries_without_a_key_and_the_central_shows_them() {
    if !inside("canary", "a_satellite_judges_its_canaries_without_a_key_and_the_central_shows_them") {
        return;
    }
    let house = House::new();
    let satellite = Satellite::start(house.data);
    satellite.says("connected to central");
    let mut admin = house.admin();
    let tap = within(PATIENCE, "a canary of the satellite", || {
        let answer = admin.get("/api/v1/satellites").json();
        let tap = answer["satellites"][0]["status"]["taps"][0].clone();
        (!tap["canary"].is_null()).then_some(tap)
    });
    assert_eq!(tap["canary"]["failed"], json!(null), "{tap}");
    assert!(tap["canary"]["at"].as_str().is_some_and(|at| at.ends_with("+02:00")), "{tap}");
    assert!(recordings(&mut admin, "").is_empty(), "it is no call");
    nothing_lies_in(house.data);
    let said = satellite.end();
    assert!(said.contains("0 recordings; 0 signalled"), "{said}");
}
