//! A line that is cut for minutes, a satellite that is rebooted meanwhile, and a central that is killed at any moment: every recording
//! arrives once, byte for byte and sample for sample, and whatever the satellite let go is at the central at the moment of each kill.
//!
//! `AMETHYST_CUT` says for how many seconds the line is cut (180 for the full proof), `AMETHYST_KILLS` how often the central is killed
//! (200 for the full proof), `AMETHYST_SEED` at which moments. Needs root for a network namespace of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use amethyst_tests::calls::{Plan, Side};
use amethyst_tests::https::Person;

use super::outpost::{House, Satellite, Witness, arrived_byte_for_byte, name_of, parts};
use super::serve::{
    all_were_heard, channel, fed, in_background, inside, place, plan, recordings, until, within,
};
use super::site::{Site, amethyst, run};

/// How long the line is cut, and how often the central is killed, unless somebody says otherwise.
const CUT_S: u64 = 20;
const KILLS: u64 = 12;
/// Calls of two seconds take less than this.
const STOOD_STILL: Duration = Duration::from_secs(6);
/// For a backlog to drain beside kills.
const DRAINED: Duration = Duration::from_secs(300);

#[test]
fn after_a_long_cut_with_a_reboot_in_it_every_recording_arrives_once() {
    if !inside("satellite_cut", "after_a_long_cut_with_a_reboot_in_it_every_recording_arrives_once") {
        return;
    }
    let cut = Duration::from_secs(number_in("AMETHYST_CUT").unwrap_or(CUT_S));
    let mut house = House::new();
    let mut admin = house.admin();
    let mut satellite = Satellite::start(house.data);
    satellite.says("connected to central");
    let witness = Witness::of(&house);
    let before = plan(1, 3, 3);
    all_were_heard(place(&before));
    house.drained();
    let came = house.taken_over().len();

    // Calls one behind the other, for half of the time; then the power goes in the middle of some, and calls again.
    house.relay.cut();
    let began = Instant::now();
    let mut whole = vec![before];
    whole.extend(calls_until(10, began + cut / 2));
    let broken = place(&plan(2_001, 4, 6));
    sleep(Duration::from_secs(2));
    satellite.kill();
    satellite = Satellite::start(house.data);
    whole.extend(calls_until(3_001, began + cut));
    // What went on in the power cut has lost its signalling, and ends by falling silent.
    drop(broken.wait_with_output());
    sleep(Duration::from_secs(6));
    let waiting = parts(&house.spool()).len();
    assert_eq!(house.taken_over().len(), came, "nothing goes through a cut line");
    assert!(waiting >= 4 + 2 * (whole.len() - 1), "and nothing was let go: {waiting} parts wait");

    // While it drains, the central loses its power a few times, too.
    house.relay.mend();
    let mut ledger = Ledger::new(&house, &witness.folder);
    let mut dice = dice();
    for _ in 0..3 {
        ledger.kill(&mut house, &mut dice, 1_500);
    }
    within(DRAINED, "an empty spool", || parts(&house.spool()).is_empty().then_some(()));
    heard_once(&mut admin, &whole);
    println!(
        "cut for {:?}: {} calls, {waiting} parts waited, {} let go at the last kill",
        began.elapsed(),
        whole.iter().map(|plan| plan.calls).sum::<u32>() + 4,
        ledger.judged.len()
    );
    nothing_to_complain(satellite.end());
    all_is_proven(house, witness);
}

#[test]
fn a_central_killed_at_any_moment_loses_nothing_that_its_satellite_let_go() {
    if !inside("satellite_cut", "a_central_killed_at_any_moment_loses_nothing_that_its_satellite_let_go") {
        return;
    }
    let kills = number_in("AMETHYST_KILLS").unwrap_or(KILLS);
    let mut house = House::new();
    let mut admin = house.admin();
    let satellite = Satellite::start(house.data);
    satellite.says("connected to central");
    let witness = Witness::of(&house);
    let callers = Callers::from(1);
    let mut ledger = Ledger::new(&house, &witness.folder);
    let mut dice = dice();
    while ledger.kills < kills {
        ledger.kill(&mut house, &mut dice, 3_000);
    }
    let whole = callers.end();
    within(DRAINED, "an empty spool", || parts(&house.spool()).is_empty().then_some(()));
    heard_once(&mut admin, &whole);
    println!(
        "{} kills, {} of them before it had started: {} calls, {} let go before the last kill",
        ledger.kills,
        ledger.early,
        whole.iter().map(|plan| plan.calls).sum::<u32>(),
        ledger.judged.len()
    );
    assert!(!ledger.judged.is_empty(), "some were let go between two kills");
    nothing_to_complain(satellite.end());
    all_is_proven(house, witness);
}

/// Two calls of two seconds at a time until `end`; all of them are heard.
fn calls_until(first: u32, end: Instant) -> Vec<Plan> {
    let mut placed = Vec::new();
    for first in (first..).step_by(2) {
        if Instant::now() >= end {
            break;
        }
        placed.extend(heard(plan(first, 2, 2)));
    }
    placed
}

/// Places calls of two seconds. Of a generator that stood still itself (this machine had other things to do) nobody knows what was
/// on the wire: after five seconds of silence a call counts as ended. What it placed must arrive, but is not held to be whole.
fn heard(plan: Plan) -> Option<Plan> {
    let began = Instant::now();
    let out = place(&plan).wait_with_output().expect("it ends");
    let stood_still = !out.status.success() || began.elapsed() > STOOD_STILL;
    if stood_still {
        println!("placed in {:?}: {}", began.elapsed(), String::from_utf8_lossy(&out.stderr));
    }
    (!stood_still).then_some(plan)
}

/// Calls that go on whatever happens to the central: some begin while others end.
pub(crate) struct Callers {
    over: Arc<AtomicBool>,
    lanes: Vec<JoinHandle<Vec<Plan>>>,
}

impl Callers {
    /// Starts them; the numbers of their calls begin with `first`.
    pub(crate) fn from(first: u32) -> Self {
        let (over, next) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(first)));
        let lane = |_| {
            let (over, next) = (Arc::clone(&over), Arc::clone(&next));
            sleep(Duration::from_millis(700));
            in_background("callers", move || {
                let mut placed = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    let plan = plan(next.fetch_add(2, Ordering::Relaxed), 2, 2);
                    placed.extend(heard(plan));
                }
                placed
            })
        };
        let lanes = (0..2).map(lane).collect();
        Self { over, lanes }
    }

    /// Ends them; returns what was placed and heard.
    pub(crate) fn end(self) -> Vec<Plan> {
        self.over.store(true, Ordering::Relaxed);
        self.lanes.into_iter().flat_map(|lane| lane.join().expect("all calls were heard")).collect()
    }
}

/// What the satellite has let go, held against what the central has when it is dead.
struct Ledger<'a> {
    spool: std::path::PathBuf,
    witness: &'a Path,
    judged: BTreeSet<String>,
    kills: u64,
    early: u64,
}

impl<'a> Ledger<'a> {
    fn new(house: &House, witness: &'a Path) -> Self {
        Self { spool: house.spool(), witness, judged: BTreeSet::new(), kills: 0, early: 0 }
    }

    /// Kills the central at a random moment of its first `most_ms` at work, looks, and starts it; one time in four it is killed in that
    /// start, too.
    fn kill(&mut self, house: &mut House, dice: &mut impl FnMut(u64) -> u64, most_ms: u64) {
        sleep(Duration::from_millis(dice(most_ms)));
        house.kill_central();
        self.kills += 1;
        self.judge(&house.site);
        if dice(4) == 0 {
            start_and_kill(house, Duration::from_millis(dice(600)));
            self.kills += 1;
            self.early += 1;
            self.judge(&house.site);
        }
        house.start_central();
    }

    /// What was sealed and lies in the spool no more is at the central: nothing there changes while it is dead.
    fn judge(&mut self, site: &Site) {
        let sealed: BTreeMap<String, _> =
            parts(self.witness).into_iter().map(|path| (name_of(&path), path)).collect();
        let waiting: BTreeSet<String> = parts(&self.spool).iter().map(|path| name_of(path)).collect();
        let held = super::outpost::held_by(site);
        for (name, path) in sealed {
            if waiting.contains(&name) || !self.judged.insert(name.clone()) {
                continue;
            }
            let there = held.get(&name).unwrap_or_else(|| panic!("{name} was let go and is nowhere"));
            assert!(fs::read(path).unwrap() == fs::read(there).unwrap(), "{name} differs");
        }
    }
}

/// Starts the central and kills it so long after, wherever it is then.
fn start_and_kill(house: &House, after: Duration) {
    let mut central = Command::new(amethyst())
        .args(["serve", "--data", house.site.data(), "--listen", &house.port.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    sleep(after);
    central.kill().expect("it runs");
    central.wait().expect("it is dead");
}

/// Each call is there once, whole, and says what was said.
pub(crate) fn heard_once(admin: &mut Person, plans: &[Plan]) {
    for plan in plans {
        for call in plan.first..plan.first + plan.calls {
            let number = format!("2{call:05}");
            let rows = until("its row", || {
                let rows = recordings(admin, &format!("number={number}"));
                Some(rows).filter(|rows| rows.iter().any(|row| row["called"]["number"] == number.as_str()))
            });
            let rows: Vec<_> = rows.iter().filter(|row| row["called"]["number"] == number.as_str()).collect();
            let [row] = rows.as_slice() else { panic!("{number} is there {} times: {rows:?}", rows.len()) };
            assert_eq!(
                (row["end"].as_str(), row["has_gap"].as_bool()),
                (Some("recorded"), Some(false)),
                "{row}"
            );
            let id = row["id"].as_str().unwrap();
            let wav = admin.get(&format!("/api/v1/recordings/{id}/audio?legs=both&format=wav"));
            assert_eq!(wav.status, 200, "{number}");
            for (which, side) in [(0, Side::Callee), (1, Side::Caller)] {
                let (heard, fed) = (channel(&wav.body, which), fed(plan, call, side));
                assert!(
                    heard.windows(fed.len()).any(|w| w == fed),
                    "call {call}, {side:?}, sample for sample"
                );
            }
        }
    }
}

fn nothing_to_complain(said: String) {
    // The disk that the tests run on may be as full as it likes.
    let alarms: Vec<&str> =
        said.lines().filter(|l| l.contains("ALARM") && !l.contains("disk of the spool")).collect();
    assert!(alarms.is_empty(), "{alarms:?}");
}

/// Every byte that was sealed is at the central, once; all of it verifies, is in the log, and in the account.
fn all_is_proven(mut house: House, witness: Witness) {
    arrived_byte_for_byte(&house.taken_over(), &witness.sealed());
    house.central.take().expect("it runs").end();
    let verified = run(&["verify", &format!("{}/live", house.site.data())]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let checked = house.site.run("check", &["--json", "--price", "hash"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let ledger = house.site.run("ledger", &["--json"]).json();
    assert_eq!(ledger["missing_numbers"], serde_json::json!([]), "no number is missing");
}

fn number_in(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Random moments, the same for the same seed.
fn dice() -> impl FnMut(u64) -> u64 {
    let mut dice = number_in("AMETHYST_SEED").unwrap_or(0x9E37_79B9_7F4A_7C15);
    move |below| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % below.max(1)
    }
}
