//! Satellites: real programs with a line between them that a test cuts, slows and mends; both are killed at random moments.
//!
//! What a satellite sealed is known to the byte: the test holds a hard link to each file of its spool, which still has the bytes
//! when the satellite has let its own name go. Needs root for a network namespace of its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use amethyst_tests::calls::Side;
use serde_json::json;

use super::film::files_below;
use super::outpost::{House, Satellite, Witness, arrived_byte_for_byte, enrol, parts, satellite_waits};
use super::serve::{all_were_heard, channel, fed, inside, place, plan, recordings, until};
use super::site::run;

#[test]
fn what_a_satellite_records_while_the_line_is_cut_is_at_the_central_byte_for_byte_and_plays() {
    if !inside(
        "satellite",
        "what_a_satellite_records_while_the_line_is_cut_is_at_the_central_byte_for_byte_and_plays",
    ) {
        return;
    }
    let house = House::new();
    enrol(house.relay.address, &house.code, house.site.path("again")).refused(4, &["the code is not open"]);
    let mut admin = house.admin();
    let satellite = Satellite::start(house.data);
    satellite.says("connected to central");
    let witness = Witness::of(&house);

    // With the line up.
    let first = plan(1, 3, 3);
    all_were_heard(place(&first));
    until("three recordings", || Some(recordings(&mut admin, "number=20000")).filter(|r| r.len() == 3));
    house.drained();

    // Cut: recording goes on, and nothing is let go.
    house.relay.cut();
    let second = plan(11, 4, 3);
    all_were_heard(place(&second));
    until("four closed parts", || Some(()).filter(|()| satellite_waits(&house) == 4));
    sleep(Duration::from_secs(1));
    assert_eq!(parts(&house.spool()).len(), 4, "what is not receipted stays");
    nothing_opens(&house, &witness.folder);
    house.relay.mend();
    let all = until("seven recordings", || Some(recordings(&mut admin, "")).filter(|r| r.len() == 7));
    house.drained();

    for (plan, calls) in [(&first, 1..=3_u32), (&second, 11..=14)] {
        for call in calls {
            let number = format!("2{call:05}");
            let row = all.iter().find(|row| row["called"]["number"] == json!(number));
            let row = row.unwrap_or_else(|| panic!("{number} is missing in {all:?}"));
            assert!(row["reference"].as_str().unwrap().starts_with('B'), "{row}");
            let id = row["id"].as_str().unwrap();
            let wav = admin.get(&format!("/api/v1/recordings/{id}/audio?legs=both&format=wav"));
            assert_eq!(wav.status, 200);
            for (which, side) in [(0, Side::Callee), (1, Side::Caller)] {
                let (heard, fed) = (channel(&wav.body, which), fed(plan, call, side));
                assert!(
                    heard.windows(fed.len()).any(|w| w == fed),
                    "call {call}, {side:?}, sample for sample"
                );
            }
        }
    }
    let said = satellite.end();
    // The disk that the tests run on may be as full as it likes.
    let alarms: Vec<&str> =
        said.lines().filter(|l| l.contains("ALARM") && !l.contains("disk of the spool")).collect();
    assert!(alarms.is_empty(), "{alarms:?}");
    arrived_byte_for_byte(&house.taken_over(), &witness.sealed());
    let listed = run(&["satellite", "list", "--data", house.site.data(), "--json"]).json();
    assert!(listed[0]["last_seen_at"].is_string(), "{listed}");
}

/// Whoever takes the satellite's disk can open nothing, and reads no number.
fn nothing_opens(house: &House, _witness: &Path) {
    run(&["list", "--data", house.data]).refused(2, &["folder of a satellite"]);
    let out = house.site.path("stolen");
    run(&["export", "--data", house.data, "--out", out, "--all"]).refused(2, &["folder of a satellite"]);
    let names: Vec<String> = files_below(&Path::new(house.data).join("keys"))
        .iter()
        .map(|p| p.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(
        names.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        BTreeSet::from(["recorder.key", "satellite.pem"])
    );
    for file in files_below(Path::new(house.data)) {
        let bytes = fs::read(&file).unwrap();
        for number in ["200011", "200012", "200013", "200014"] {
            let is_there = bytes.windows(number.len()).any(|w| w == number.as_bytes());
            assert!(!is_there, "{number} is readable in {}", file.display());
        }
    }
}

#[test]
fn a_revoked_satellite_is_cut_off_and_goes_on_recording_for_itself() {
    if !inside("satellite", "a_revoked_satellite_is_cut_off_and_goes_on_recording_for_itself") {
        return;
    }
    let house = House::new();
    let satellite = Satellite::start(house.data);
    satellite.says("connected to central");
    run(&["satellite", "revoke", "--data", house.site.data(), "north"]).refused(3, &["names no satellite"]);
    let revoked = run(&["satellite", "revoke", "--data", house.site.data(), "south"]);
    assert_eq!(revoked.code, Some(0), "{revoked:?}");
    satellite.says("this satellite was revoked at the central");
    let central = house.central.as_ref().unwrap();
    until("an alarm", || central.said().contains("was not let in: this satellite was revoked").then_some(()));
    all_were_heard(place(&plan(1, 2, 2)));
    until("two closed parts", || (satellite_waits(&house) == 2).then_some(()));
    assert!(house.taken_over().is_empty(), "nothing of it is taken");
    satellite.end();
    assert_eq!(parts(&house.spool()).len(), 2, "and nothing is let go");
}

#[test]
fn settings_of_a_satellite_follow_the_central() {
    if !inside("satellite", "settings_of_a_satellite_follow_the_central") {
        return;
    }
    let house = House::new();
    let satellite = Satellite::start(house.data);
    satellite.says("connected to central");
    let theirs = files_below(&Path::new(house.site.data()).join("satellites"));
    let [file] = theirs.as_slice() else { panic!("{theirs:?}") };
    let text = fs::read_to_string(file).unwrap();
    let central = house.central.as_ref().unwrap();
    fs::write(file, text.replace("exclude = []", "exclude = [oops")).unwrap();
    until("an alarm", || central.said().contains("keeps what it has").then_some(()));
    fs::write(file, text.replace("exclude = []", "exclude = [\"******\"]")).unwrap();
    satellite.says("settings came from the central and are followed");
    // The thread that reads the wire takes them up when it looks up from it: twenty times a second.
    sleep(Duration::from_millis(500));
    all_were_heard(place(&plan(1, 2, 2)));
    sleep(Duration::from_secs(2));
    house.drained();
    assert!(house.taken_over().is_empty(), "the rule excludes them");
    let said = satellite.end();
    assert!(said.contains("2 signalled = 0 recorded + 0 partly + 2 not recorded"), "{said}");
}

#[test]
fn both_are_killed_and_the_line_is_cut_at_random_and_every_recording_arrives_once() {
    if !inside("satellite", "both_are_killed_and_the_line_is_cut_at_random_and_every_recording_arrives_once")
    {
        return;
    }
    let rounds: u32 = std::env::var("AMETHYST_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(6);
    let mut house = House::new();
    let mut dice = 0x9E37_79B9_7F4A_7C15_u64;
    let mut below = |n: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % n
    };
    let mut satellite = Satellite::start(house.data);
    let witness = Witness::of(&house);
    for round in 0..rounds {
        let calls = place(&plan(round * 10 + 1, 8, 4));
        sleep(Duration::from_millis(500 + below(5_000)));
        match round % 3 {
            0 => {
                house.kill_central();
                sleep(Duration::from_millis(below(800)));
                house.start_central();
            }
            1 => {
                satellite.kill();
                satellite = Satellite::start(house.data);
            }
            _ => {
                house.relay.cut();
                sleep(Duration::from_millis(below(2_000)));
                house.relay.mend();
            }
        }
        drop(calls.wait_with_output());
    }
    // What went on after a kill has lost its signalling, and ends by falling silent.
    sleep(Duration::from_secs(6));
    house.drained();
    let said = satellite.end();
    assert!(!said.contains("refuses") && !said.contains("receipt"), "{said}");
    arrived_byte_for_byte(&house.taken_over(), &witness.sealed());
    house.central.take().unwrap().end();
    let checked = house.site.run("check", &["--json"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

#[test]
fn over_a_far_thin_line_with_losses_a_backlog_drains() {
    if !inside("satellite", "over_a_far_thin_line_with_losses_a_backlog_drains") {
        return;
    }
    let house = House::new();
    house.relay.cut();
    let satellite = Satellite::start(house.data);
    let witness = Witness::of(&house);
    all_were_heard(place(&plan(1, 6, 3)));
    // 1 Mbit/s, 150 ms each way, one piece in ten late.
    house.relay.worsen(150, 100, 125_000);
    house.relay.mend();
    house.drained();
    assert!(house.relay.carried() > 100_000, "it went over the line");
    satellite.end();
    arrived_byte_for_byte(&house.taken_over(), &witness.sealed());
}
