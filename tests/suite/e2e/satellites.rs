//! Several satellites of one central, each in a network of its own with a line of its own: what happens to one harms no other.
//! And a satellite whose clock is wrong. Needs root.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use amethyst_tests::calls::Side;
use amethyst_tests::netns::Spoke;

use super::outpost::{
    House, Satellite, Witness, arrived_byte_for_byte, enrol_words, held_by, invited, name_of, parts,
    waiting_in,
};
use super::relay::Relay;
use super::serve::{
    Server, all_were_heard, caller, channel, fed, in_background, inside, place, place_by, plan, recordings,
    until,
};
use super::site::{Site, amethyst, run};

/// One of several: its network, its line, its folder.
struct One {
    spoke: Spoke,
    relay: Relay,
    data: &'static str,
    name: &'static str,
}

impl One {
    fn new(site: &Site, port: u16, number: u8, name: &'static str) -> Self {
        let spoke = Spoke::new(number).expect("root, as `inside` has seen");
        let relay = Relay::between(&spoke.here, ([127, 0, 0, 1], port).into());
        let (code, data) = (invited(site, name), site.path(name));
        let central = format!("https://{}", relay.address);
        let out = spoke.run(amethyst()).args(enrol_words(&central, &code, data)).output().unwrap();
        assert!(out.status.success(), "{name}: {}", String::from_utf8_lossy(&out.stderr));
        Self { spoke, relay, data, name }
    }

    fn start(&self) -> Satellite {
        let satellite = Satellite::start_by(self.spoke.run(amethyst()), self.data);
        satellite.says("connected to central");
        satellite
    }

    fn spool(&self) -> PathBuf {
        Path::new(self.data).join("spool")
    }
}

/// Three calls in the network of each satellite at the same time; they last six seconds.
fn calls_everywhere(all: &[One], first: u32) {
    let placed: Vec<_> = (0..)
        .zip(all)
        .map(|(n, one)| place_by(one.spoke.run(caller()), &plan(first + n * 10, 3, 6)))
        .collect();
    placed.into_iter().for_each(all_were_heard);
}

#[test]
fn four_satellites_with_four_fates_do_each_other_no_harm() {
    if !inside("satellites", "four_satellites_with_four_fates_do_each_other_no_harm") {
        return;
    }
    let site = Site::new();
    let central = Server::start_deaf(&site, "127.0.0.1:0");
    let port = central.address.port();
    let mut admin = central.person(&site);
    admin.enter_by_link(central.link.as_deref().expect("a first link"), super::serve::PASSWORD);
    let names = ["north", "south", "east", "west"];
    let all: Vec<One> = (1..).zip(names).map(|(n, name)| One::new(&site, port, n, name)).collect();
    let [north, south, east, west] = all.as_slice() else { panic!("four") };
    let witnesses: Vec<Witness> = all
        .iter()
        .map(|one| Witness::over(one.spool(), site.path(&format!("of-{}", one.name)).into()))
        .collect();
    let mut running: Vec<Satellite> = all.iter().map(One::start).collect();

    // North has a good line, south a far, thin and losing one; east's is cut in mid-call, west is revoked.
    south.relay.worsen(100, 100, 60_000);
    let cut = east.relay.clone();
    let cutter = in_background("cutter", move || {
        sleep(Duration::from_secs(3));
        cut.cut();
    });
    calls_everywhere(&all, 1);
    cutter.join().unwrap();
    assert_eq!(run(&["satellite", "revoke", "--data", site.data(), "west"]).code, Some(0));
    running[3].says("this satellite was revoked at the central");
    calls_everywhere(&all, 101);

    // The good line has brought its six while the others could not, or not yet.
    let letters = |admin: &mut amethyst_tests::https::Person, letter: char| {
        let rows = recordings(admin, "");
        rows.iter().filter(|row| row["reference"].as_str().is_some_and(|r| r.starts_with(letter))).count()
    };
    until("six of the good line", || (letters(&mut admin, 'B') == 6).then_some(()));
    assert_eq!(letters(&mut admin, 'D'), 0, "what was going on when the line was cut ends elsewhere");
    assert!(waiting_in(&east.spool()) == 6 && parts(&north.spool()).is_empty());

    // East is killed and started again, and its line is mended: all of it arrives.
    running.remove(2).kill();
    east.relay.mend();
    running.insert(2, Satellite::start_by(east.spoke.run(amethyst()), east.data));
    for one in [north, south, east] {
        until(one.name, || parts(&one.spool()).is_empty().then_some(()));
    }
    assert_eq!([letters(&mut admin, 'B'), letters(&mut admin, 'C'), letters(&mut admin, 'D')], [6, 6, 6]);

    // Of the one that was revoked, what came before is here; it keeps the rest, and its own bytes of all.
    let kept = parts(&west.spool());
    let said: Vec<String> = running.into_iter().map(Satellite::end).collect();
    for quiet in [&said[0], &said[1]] {
        let alarms: Vec<&str> =
            quiet.lines().filter(|l| l.contains("ALARM") && !l.contains("disk of the spool")).collect();
        assert!(alarms.is_empty(), "{alarms:?}");
    }
    let held = held_by(&site);
    let mut sealed = std::collections::BTreeMap::new();
    for (number, witness) in witnesses.into_iter().enumerate() {
        let theirs = witness.sealed();
        assert_eq!(theirs.len(), 6, "{}", names[number]);
        if number == 3 {
            for (name, bytes) in &theirs {
                let is_kept = kept.iter().any(|path| name_of(path) == *name);
                let is_held = held.get(name).is_some_and(|path| std::fs::read(path).unwrap() == *bytes);
                assert!(is_kept || is_held, "{name} is nowhere");
            }
            sealed.extend(theirs.into_iter().filter(|(name, _)| held.contains_key(name)));
        } else {
            sealed.extend(theirs);
        }
    }
    arrived_byte_for_byte(&held, &sealed);
    central.end();
    let checked = site.run("check", &["--json"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

#[test]
fn a_satellite_whose_clock_is_an_hour_wrong_is_told_of_and_its_calls_are_marked() {
    if !inside("satellites", "a_satellite_whose_clock_is_an_hour_wrong_is_told_of_and_its_calls_are_marked") {
        return;
    }
    // Two clocks on one machine: the kernel stamps packets by its own, so it is the central that lives in another time.
    let Some(other_time) = ["x86_64", "aarch64"]
        .map(|machine| format!("/usr/lib/{machine}-linux-gnu/faketime/libfaketime.so.1"))
        .into_iter()
        .find(|library| Path::new(library).exists())
    else {
        println!("skipped: needs libfaketime (Debian package faketime)");
        return;
    };
    let env =
        [("LD_PRELOAD", other_time.as_str()), ("FAKETIME", "-1h"), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
    let house = House::with(&env);
    let mut admin = house.admin();
    let satellite = Satellite::start(house.data);
    satellite.says("this machine's clock is 3600 s ahead of the central's");
    let central = house.central.as_ref().unwrap();
    until("an alarm", || central.said().contains("the clock of satellite").then_some(()));
    sleep(Duration::from_millis(500));
    let plan = plan(1, 2, 3);
    all_were_heard(place(&plan));
    let rows = until("two recordings", || Some(recordings(&mut admin, "")).filter(|rows| rows.len() == 2));
    for row in &rows {
        assert_eq!(row["end"], "partly(clock-doubt)", "{row}");
        let ms = row["duration_ms"].as_u64().unwrap_or_else(|| panic!("{row}"));
        assert!((2_900..4_500).contains(&ms), "the wrong clock bends no duration: {row}");
    }
    let row = rows.iter().find(|row| row["called"]["number"] == "200001").expect("the first call");
    let wav =
        admin.get(&format!("/api/v1/recordings/{}/audio?legs=both&format=wav", row["id"].as_str().unwrap()));
    let (heard, fed) = (channel(&wav.body, 1), fed(&plan, 1, Side::Caller));
    assert!(heard.windows(fed.len()).any(|w| w == fed), "sample for sample");
    satellite.end();
}
