//! Satellites: real programs with a line between them that a test cuts, slows and mends; both are killed at random moments.
//!
//! What a satellite sealed is known to the byte: the test holds a hard link to each file of its spool, which still has the bytes
//! when the satellite has let its own name go. Needs root for a network namespace of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use amethyst_tests::calls::Side;
use amethyst_tests::https::Person;
use serde_json::json;

use super::film::files_below;
use super::relay::Relay;
use super::serve::{
    PASSWORD, Server, all_were_heard, channel, fed, in_background, inside, place, plan, recordings, until,
};
use super::site::{Site, amethyst, run};

/// A satellite's program.
struct Satellite {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Satellite {
    fn start(data: &str) -> Self {
        let mut child = Command::new(amethyst())
            .args(["satellite", "run", "--data", data])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(child.stderr.take().expect("it was asked for"));
        let said = Arc::new(Mutex::new(String::new()));
        let keep = Arc::clone(&said);
        in_background("satellite-says", move || {
            for line in lines.lines().map_while(Result::ok) {
                keep.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        let satellite = Self { child, said };
        satellite.says("recording on lo");
        satellite
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    fn says(&self, words: &str) {
        let since = Instant::now();
        while !self.said().contains(words) {
            assert!(since.elapsed() < Duration::from_secs(60), "`{words}` was not said: {}", self.said());
            sleep(Duration::from_millis(50));
        }
    }

    fn end(mut self) -> String {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let code = self.child.wait().expect("it ends").code();
        sleep(Duration::from_millis(100));
        assert_eq!(code, Some(0), "{}", self.said());
        self.said()
    }

    fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it is dead");
    }
}

impl Drop for Satellite {
    fn drop(&mut self) {
        drop(self.child.kill());
    }
}

/// A central without taps, a line to it, and a satellite's folder that is enrolled over that line.
struct House {
    site: Site,
    central: Option<Server>,
    relay: Relay,
    /// The satellite's folder.
    data: &'static str,
    code: String,
    port: SocketAddr,
}

impl House {
    fn new() -> Self {
        let site = Site::new();
        let central = Server::start_deaf(&site, "127.0.0.1:0");
        let port = central.address;
        let relay = Relay::to(port);
        let code = invited(&site, "south");
        let data = site.path("satellite");
        let enrolled = enrol(relay.address, &code, data).json();
        assert_eq!((enrolled["name"].as_str(), enrolled["letter"].as_str()), (Some("south"), Some("B")));
        Self { site, central: Some(central), relay, data, code, port }
    }

    fn admin(&self) -> Person {
        let central = self.central.as_ref().expect("it runs");
        let mut admin = central.person(&self.site);
        admin.enter_by_link(central.link.as_deref().expect("a first link"), PASSWORD);
        admin
    }

    fn kill_central(&mut self) {
        self.central.take().expect("it runs").kill();
    }

    fn start_central(&mut self) {
        self.central = Some(Server::start_deaf(&self.site, &self.port.to_string()));
    }

    /// Waits until nothing is left in the spool.
    fn drained(&self) {
        until("an empty spool", || parts(&self.spool()).is_empty().then_some(()));
    }

    fn spool(&self) -> PathBuf {
        Path::new(self.data).join("spool")
    }

    /// The parts that the central holds, by name.
    fn taken_over(&self) -> BTreeMap<String, PathBuf> {
        let live = Path::new(self.site.data()).join("live");
        let files =
            files_below(&live).into_iter().filter(|path| path.extension().is_some_and(|e| e == "amx"));
        let mut by_name = BTreeMap::new();
        for path in files {
            let name = name_of(&path);
            assert!(by_name.insert(name.clone(), path).is_none(), "{name} is there twice");
        }
        by_name
    }
}

/// The name of a part; in a spool its hour stands before it.
fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    name.rsplit('-').next().unwrap().to_owned()
}

fn invited(site: &Site, name: &str) -> String {
    let made = run(&["satellite", "invite", "--data", site.data(), "--name", name, "--json"]).json();
    made["code"].as_str().expect("a code").to_owned()
}

fn enrol(at: SocketAddr, code: &str, data: &str) -> super::site::Ran {
    let central = format!("https://{at}");
    let words = ["satellite", "enrol", "--central", &central, "--code", code, "--data", data];
    run(&[&words[..], &["--interface", "lo", "--json"]].concat())
}

/// The parts in a spool.
fn parts(spool: &Path) -> Vec<PathBuf> {
    files_below(spool).into_iter().filter(|path| path.extension().is_some_and(|e| e == "amx")).collect()
}

/// Holds a hard link to every file that ever lay in a spool.
struct Witness {
    folder: PathBuf,
    stop: Arc<std::sync::atomic::AtomicBool>,
    watching: Option<std::thread::JoinHandle<()>>,
}

impl Witness {
    fn of(house: &House) -> Self {
        let folder = PathBuf::from(house.site.path("witness"));
        fs::create_dir_all(&folder).unwrap();
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (spool, to, asked) = (house.spool(), folder.clone(), Arc::clone(&stop));
        let watching = in_background("witness", move || {
            while !asked.load(std::sync::atomic::Ordering::Relaxed) {
                for part in parts(&spool) {
                    // It is there already, or was let go this moment.
                    drop(fs::hard_link(&part, to.join(part.file_name().unwrap())));
                }
                sleep(Duration::from_millis(20));
            }
        });
        Self { folder, stop, watching: Some(watching) }
    }

    /// All that was sealed, by name.
    fn sealed(mut self) -> BTreeMap<String, Vec<u8>> {
        self.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        self.watching.take().unwrap().join().unwrap();
        let read = |path: PathBuf| (name_of(&path), fs::read(&path).unwrap());
        parts(&self.folder).into_iter().map(read).collect()
    }
}

/// Everything that was sealed at the satellite is at the central, once, byte for byte, and nothing else is.
fn arrived_byte_for_byte(house: &House, sealed: &BTreeMap<String, Vec<u8>>) {
    let taken = house.taken_over();
    for (name, bytes) in sealed {
        // A part in which nothing had become durable before a kill is withdrawn by its satellite.
        let Some(path) = taken.get(name) else {
            assert!(
                !bytes.ends_with(b"AMXEND") && bytes.len() < 2_000,
                "{name} of {} bytes never arrived",
                bytes.len()
            );
            continue;
        };
        assert!(fs::read(path).unwrap() == *bytes, "{name} differs at the central");
    }
    let known: BTreeSet<&String> = sealed.keys().collect();
    assert!(taken.keys().all(|name| known.contains(name)), "{taken:?}");
}

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
    arrived_byte_for_byte(&house, &witness.sealed());
    let listed = run(&["satellite", "list", "--data", house.site.data(), "--json"]).json();
    assert!(listed[0]["last_seen_at"].is_string(), "{listed}");
}

/// Parts in the spool whose trailer is there.
fn satellite_waits(house: &House) -> usize {
    let sizes = |paths: Vec<PathBuf>| {
        paths.iter().filter_map(|p| fs::metadata(p).ok()).map(|m| m.len()).collect::<Vec<_>>()
    };
    let before = sizes(parts(&house.spool()));
    sleep(Duration::from_millis(1_500));
    let after = sizes(parts(&house.spool()));
    if before == after { after.len() } else { 0 }
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
    arrived_byte_for_byte(&house, &witness.sealed());
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
    arrived_byte_for_byte(&house, &witness.sealed());
}
