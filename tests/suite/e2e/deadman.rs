//! The dead man's switch: a central that stands still is told by the satellite's own mail, a satellite that stands still by the
//! central's; and both say when it is over, also when the one that told it was killed in between.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::alarms::{Post, configure, free_port, mail_block};
use super::outpost::{House, Satellite};
use super::serve::{all_were_heard, inside, place, plan, until, within};
use super::site::run;

/// A silence of a minute, and the looks around it.
const SILENCE: Duration = Duration::from_secs(120);

#[test]
fn each_side_tells_by_its_own_ways_that_the_other_is_silent_and_when_it_is_back() {
    if !inside("deadman", "each_side_tells_by_its_own_ways_that_the_other_is_silent_and_when_it_is_back")
        || !Post::is_there()
    {
        return;
    }
    let mut house = House::new();
    let (theirs, ours) = (free_port(), free_port());
    // The satellite's own file: the central neither knows nor changes it.
    let own = Path::new(house.data).join("alarms.toml");
    fs::write(&own, mail_block(&house.site, theirs, "open sesame")).unwrap();
    let settings = Path::new(house.data).join("amethyst.toml");
    let text = fs::read_to_string(&settings).unwrap();
    assert!(text.contains("central_silent_seconds = 300"), "{text}");
    fs::write(&settings, text.replace("central_silent_seconds = 300", "central_silent_seconds = 15"))
        .unwrap();
    configure(&house.site, &mail_block(&house.site, ours, "open sesame"));
    house.kill_central();
    house.start_central();
    let (branch, office) =
        (Post::open_in(&house.site, theirs, "branch"), Post::open_in(&house.site, ours, "office"));
    let satellite = Satellite::start(house.data);
    satellite.says("connected to central");
    let tried = run(&["alarm", "test", "--data", house.data]);
    assert_eq!(tried.out.trim(), "operations: sent", "{tried:?}");

    // The central stands still. The line is up: only silence tells.
    let central = house.central.as_ref().unwrap();
    central.signal("-STOP");
    all_were_heard(place(&plan(1, 2, 2)));
    let silent = |letter: &String| letter.contains("the central has not been heard for");
    let letter = within(SILENCE, "the satellite's mail", || branch.letters().into_iter().find(silent));
    assert!(letter.contains("URGENT") || letter.contains("urgent"), "{letter}");
    assert!(letter.contains("satellite south") && letter.contains("2 parts of"), "{letter}");
    central.signal("-CONT");
    within(SILENCE, "the satellite's mail that it is over", || {
        branch.letters().into_iter().find(|l| l.contains("over:") && l.contains("the central is heard again"))
    });
    assert_eq!(branch.letters().iter().filter(|l| silent(l)).count(), 1, "it was told once");

    // The satellite stands still. The central is killed meanwhile and started again: what stood still stands.
    satellite.signal("-STOP");
    let silent = |letter: &String| letter.contains("has been silent for a minute");
    let letter = within(SILENCE, "the central's mail", || office.letters().into_iter().find(silent));
    assert!(letter.contains("(\"south\")"), "{letter}");
    house.kill_central();
    house.start_central();
    satellite.signal("-CONT");
    let letter = within(SILENCE, "the central's mail that it is over", || {
        office.letters().into_iter().find(|l| l.contains("is heard again"))
    });
    assert!(letter.contains("over:"), "{letter}");
    assert_eq!(office.letters().iter().filter(|l| silent(l)).count(), 1, "it was told once");
    until("it is said, too", || {
        house.central.as_ref().unwrap().said().contains("is heard again").then_some(())
    });
    satellite.end();
}
