//! Live: real calls over real sockets, recorded from the wire as they happen; what comes out is compared with what was fed.
//!
//! Every stream of a test has the same SSRC, so a recorder that told calls apart by it would be found out. Needs root: each
//! test has a wire of its own in two network namespaces.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::ops::Range;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use amethyst_tests::calls::{Codec, Fed, Plan, Side, Transport};
use amethyst_tests::{netns, oracle};
use serde_json::{Value, json};

use super::site::{Ran, Site, amethyst};
use crate::workspace::root;

const SSRC: u32 = 0xdead_beef;

#[test]
fn what_was_said_on_a_wire_is_in_the_right_file_byte_for_byte() {
    let Some(pair) = wire("wire") else { return };
    let plans = [
        Plan { digits: "19#".to_owned(), ..short(1, netns::A_IP, netns::B_IP) },
        Plan { transport: Transport::Tcp, ..short(11, netns::A_IP, netns::B_IP) },
        Plan { codec: Codec::PCMA, digits: "0".to_owned(), ..short(21, netns::A_IP, netns::B_IP) },
        Plan { codec: Codec::G722, transport: Transport::Tcp, ..short(31, netns::A_IP, netns::B_IP) },
    ];
    let site = Site::new();
    let recorder = Recorder::start(pair.in_b("env"), &site, &["vb"]);
    let callees: Vec<_> = plans.iter().map(|p| calls(pair.in_b(CALLS), p, Some("callees"))).collect();
    let callers: Vec<_> = plans.iter().map(|p| calls(pair.in_a(CALLS), p, Some("callers"))).collect();
    callees.into_iter().chain(callers).for_each(all_were_heard);
    let summary = recorder.end();
    judge(&site, &plans, &summary);
    judge_sound(&site, &plans);
}

#[test]
fn calls_on_loopback_and_on_a_wire_are_recorded_once_each_by_two_taps() {
    let Some(pair) = wire("taps") else { return };
    let plans = [
        short(1, netns::A_IP, netns::B_IP),
        Plan { digits: "7".to_owned(), ..short(11, "127.0.0.11", "127.0.0.12") },
    ];
    let site = Site::new();
    let recorder = Recorder::start(pair.in_b("env"), &site, &["vb", "lo"]);
    let callees = calls(pair.in_b(CALLS), &plans[0], Some("callees"));
    let callers = calls(pair.in_a(CALLS), &plans[0], Some("callers"));
    let on_loopback = calls(pair.in_b(CALLS), &plans[1], None);
    [callees, callers, on_loopback].into_iter().for_each(all_were_heard);
    let summary = recorder.end();
    judge(&site, &plans, &summary);
}

#[test]
fn a_recorder_that_is_told_to_end_in_mid_call_closes_what_it_has() {
    let Some(pair) = wire("end") else { return };
    let plan = Plan { speech: Duration::from_secs(6), ..short(1, "127.0.0.11", "127.0.0.12") };
    let site = Site::new();
    let recorder = Recorder::start(pair.in_a("env"), &site, &["lo"]);
    let on_loopback = calls(pair.in_a(CALLS), &plan, None);
    wait_for_octets(&site, 20_000);
    let summary = recorder.end();
    all_were_heard(on_loopback);
    assert_eq!(summary["calls"].as_u64(), Some(u64::from(plan.calls)), "{summary}");
    assert_eq!(summary["ledger"]["open"].as_u64(), Some(0), "nothing is left open: {summary}");
    for file in sidecars(&site, "raw") {
        assert_eq!(file.about["seal"][0]["state"], "complete", "{}", file.about);
        assert_eq!(file.about["seal"][0]["signature"], "good", "{}", file.about);
        for side in [Side::Caller, Side::Callee] {
            let (fed, got) = (plan.fed(file.call, side).payload, file.raw(side));
            assert!(!got.is_empty() && fed.starts_with(&got), "call {} {side:?}: {}", file.call, got.len());
        }
    }
}

#[test]
fn sipp_and_its_streams_are_recorded_like_any_telephone() {
    if !netns::is_root() {
        return println!("skipped: network namespaces need root");
    }
    for tool in ["sipp", "espeak-ng", "sox", "tcpdump", "ip"] {
        let known = Command::new("sh").args(["-c", &format!("command -v {tool}")]).output().unwrap();
        if !known.status.success() {
            return println!("skipped: {tool} is not installed (see tests/tools/mkcalls.sh)");
        }
    }
    for (name, options) in [("udp", ["-t", "u1", "-d", "1"]), ("tcp", ["-t", "t1", "-l", "a"])] {
        let site = Site::new();
        let out = site.path(name);
        let record = format!("{} record --data {} --interface", amethyst().display(), site.data());
        let mut mkcalls = tool("mkcalls.sh");
        mkcalls.args(["-n", "3", "-s", "3", "-o", out, "-x", &record]).args(options);
        let placed: Ran = mkcalls.output().expect("bash starts").into();
        assert_eq!(placed.code, Some(0), "{placed:?}");
        let exported = site.export(&["--format", "raw"]);
        let mut compare = tool("cmpcalls.py");
        let judged: Ran = compare.args([out, exported]).output().expect("python starts").into();
        assert_eq!(judged.code, Some(0), "{judged:?}");
    }
}

const CALLS: &str = env!("CARGO_BIN_EXE_amethyst-calls");

fn tool(name: &str) -> Command {
    let shell = if name.ends_with(".py") { "python3" } else { "bash" };
    let mut command = Command::new(shell);
    command.arg(root().join("tests/tools").join(name));
    command
}

fn wire(tag: &str) -> Option<netns::Pair> {
    netns::Pair::new(tag).map_err(|why| println!("{why}")).ok()
}

/// Two calls of four seconds.
fn short(first: u32, from: &str, to: &str) -> Plan {
    Plan {
        calls: 2,
        first,
        speech: Duration::from_secs(4),
        start_gap: Duration::from_millis(50),
        ring: Duration::from_millis(50),
        caller_ip: from.parse().unwrap(),
        callee_ip: to.parse().unwrap(),
        same_ssrc: Some(SSRC),
        run: first,
        ..Plan::default()
    }
}

/// Starts the program that places the calls of a plan, or plays one side of them.
fn calls(mut program: Command, plan: &Plan, only: Option<&str>) -> Child {
    let text = |n: u32| n.to_string();
    program.args(["--calls", &text(plan.calls), "--first", &text(plan.first), "--run", &text(plan.run)]);
    program.args(["--seconds", &plan.speech.as_secs_f64().to_string()]);
    program.args(["--rate", &(1.0 / plan.start_gap.as_secs_f64()).to_string()]);
    program.args(["--ring", &plan.ring.as_millis().to_string(), "--codec", plan.codec.name]);
    program.args(["--from", &plan.caller_ip.to_string(), "--to", &plan.callee_ip.to_string(), "--same-ssrc"]);
    if plan.transport == Transport::Tcp {
        program.arg("--tcp");
    }
    if !plan.digits.is_empty() {
        program.args(["--digits", &plan.digits]);
    }
    if let Some(role) = only {
        program.args(["--only", role]);
    }
    program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the generator starts")
}

fn all_were_heard(generator: Child) {
    let ran: Ran = generator.wait_with_output().expect("it ends").into();
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

/// Waits until so many octets lie in the spool. The calls last long enough; if nothing came, what follows says so.
fn wait_for_octets(site: &Site, least: u64) {
    let octets = || -> u64 {
        let entries = fs::read_dir(format!("{}/spool", site.data())).expect("the spool is there");
        entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|m| m.len()).sum()
    };
    for _ in 0..1_000 {
        if octets() >= least {
            return;
        }
        sleep(Duration::from_millis(5));
    }
}

/// `amethyst record --interface` at work.
struct Recorder {
    child: Child,
    said: BufReader<ChildStderr>,
    heard: String,
}

impl Recorder {
    /// Starts it, by way of `env` in some namespace, and waits until it listens.
    fn start(mut env: Command, site: &Site, interfaces: &[&str]) -> Self {
        env.arg(amethyst()).args(["record", "--json", "--data", site.data()]);
        for interface in interfaces {
            env.args(["--interface", interface]);
        }
        let mut child = env.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut said = BufReader::new(child.stderr.take().expect("it was asked for"));
        let mut heard = String::new();
        for interface in interfaces {
            while !heard.contains(&format!("recording on {interface}")) {
                let n = said.read_line(&mut heard).expect("it speaks UTF-8");
                assert!(n > 0, "it ended before it recorded on {interface}: {heard}");
            }
        }
        Self { child, said, heard }
    }

    /// Ends it as Ctrl-C does; returns its summary. It must have had nothing to complain about.
    fn end(mut self) -> Value {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").args(["-INT", &pid]).status().expect("kill runs");
        assert!(told.success(), "it ended by itself");
        self.said.read_to_string(&mut self.heard).expect("it speaks UTF-8");
        let ran: Ran = self.child.wait_with_output().expect("it ends").into();
        assert_eq!(ran.code, Some(0), "{ran:?} {}", self.heard);
        assert!(!self.heard.contains("ALARM"), "{}", self.heard);
        ran.json()
    }
}

/// A recording as it was exported.
struct Exported {
    call: u32,
    about: Value,
    stem: String,
}

impl Exported {
    /// The role of a party: in calls without a direction the caller is near.
    fn role(side: Side) -> &'static str {
        if side == Side::Caller { "near" } else { "far" }
    }

    fn track(&self, side: Side) -> &Value {
        let tracks: Vec<_> = self.about["tracks"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|t| t["role"] == Self::role(side))
            .collect();
        assert_eq!(tracks.len(), 1, "one track of call {} {side:?}: {}", self.call, self.about);
        tracks[0]
    }

    /// The octets of a party's raw file.
    fn raw(&self, side: Side) -> Vec<u8> {
        let start = format!("{}_track{}-", self.stem.rsplit('/').next().unwrap(), self.track(side)["track"]);
        let files = self.about["exported"]["files"].as_array().unwrap();
        let name = files.iter().filter_map(|f| f["name"].as_str()).find(|name| name.starts_with(&start));
        let folder = self.stem.rsplit_once('/').unwrap().0;
        fs::read(format!("{folder}/{}", name.expect("a file for each track"))).unwrap()
    }

    /// Gaps of a party's track, as (first sample, samples), each of which must have this cause.
    fn gaps(&self, side: Side, cause: &str) -> Vec<(u64, u64)> {
        let number = &self.track(side)["track"];
        let maps = self.about["gap_map"].as_array().unwrap();
        let gaps =
            maps.iter().filter(|map| map["track"] == *number).flat_map(|map| map["gaps"].as_array().unwrap());
        let read = |gap: &Value| {
            assert_eq!(gap["cause"], cause, "call {}: {}", self.call, self.about["gap_map"]);
            (gap["from_sample"].as_u64().unwrap(), gap["samples"].as_u64().unwrap())
        };
        gaps.map(read).collect()
    }
}

/// Exports all recordings in a format and reads what lies beside them.
fn sidecars(site: &Site, format: &str) -> Vec<Exported> {
    let out = site.path(format);
    let ran = site.run("export", &["--all", "--format", format, "--out", out]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let mut all = Vec::new();
    for entry in fs::read_dir(out).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_str().unwrap();
        let Some(stem) = name.strip_suffix(".json") else { continue };
        let about: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let caller = about["caller"]["number"].as_str().unwrap();
        all.push(Exported { call: caller[1..].parse().unwrap(), about, stem: stem.to_owned() });
    }
    all
}

/// Compares every direction of every call with what was fed, octet by octet, and where digits took its place.
fn judge(site: &Site, plans: &[Plan], summary: &Value) {
    let calls: u64 = plans.iter().map(|p| u64::from(p.calls)).sum();
    assert_eq!(
        (summary["calls"].as_u64(), summary["legs"].as_u64()),
        (Some(calls), Some(2 * calls)),
        "{summary}"
    );
    assert_eq!(summary["recordings"].as_u64(), Some(calls), "{summary}");
    assert_eq!(summary["ledger"]["recorded"].as_u64(), Some(calls), "{summary}");
    assert_eq!(summary["kernel_drops"].as_u64(), Some(0), "{summary}");
    let mut left: BTreeMap<u32, Exported> = sidecars(site, "raw").into_iter().map(|e| (e.call, e)).collect();
    for (plan, call) in plans.iter().flat_map(|plan| plan.numbers().map(move |call| (plan, call))) {
        let found = left.remove(&call).unwrap_or_else(|| panic!("call {call} is not there"));
        let about = &found.about;
        assert_eq!(about["called"]["number"], plan.number(call, Side::Callee), "{about}");
        assert_eq!(about["call_ids"], json!([plan.call_id(call)]), "{about}");
        assert_eq!((&about["end"], &about["end_reason"]), (&json!("recorded"), &json!("bye")), "{about}");
        assert_eq!(about["seal"][0]["signature"], "good", "{about}");
        for side in [Side::Caller, Side::Callee] {
            let fed = plan.fed(call, side);
            assert_eq!(found.track(side)["codec"], plan.codec.name, "{about}");
            assert!(found.raw(side) == fed.spoken_payload(), "call {call} {side:?} is not as fed: {about}");
            same_gaps(&found.gaps(side, "silence-suppressed"), &fed, call);
        }
        judge_digits(site, plan, about);
    }
    assert!(left.is_empty(), "recordings of calls that nobody placed: {:?}", left.keys());
}

/// Each digit left a gap of its own length at its own place; a track begins where its party began to speak.
fn same_gaps(got: &[(u64, u64)], fed: &Fed, call: u32) {
    let from_first = |gaps: &[(u64, u64)]| -> Vec<(u64, u64)> {
        let first = gaps.first().map_or(0, |gap| gap.0);
        gaps.iter().map(|(from, samples)| (from - first, *samples)).collect()
    };
    assert_eq!(from_first(got), from_first(&silences(fed)), "call {call}");
}

/// Where digits took the place of audio, as (first sample, samples).
fn silences(fed: &Fed) -> Vec<(u64, u64)> {
    fed.spoken_ticks().windows(2).map(|pair| (pair[0].end, pair[1].start - pair[0].end)).collect()
}

/// The digits dialled are told once each, in their order, by the caller.
fn judge_digits(site: &Site, plan: &Plan, about: &Value) {
    let shown = site.run("show", &["--json", about["id"].as_str().unwrap()]).json();
    let events = shown["events"].as_array().unwrap().iter().filter(|e| e["kind"] == "digit");
    let told: Vec<_> =
        events.map(|e| (e["members"]["digit"].as_str().unwrap(), &e["members"]["leg"])).collect();
    let dialled: Vec<String> = plan.digits.chars().map(String::from).collect();
    let caller = json!(0);
    let expected: Vec<_> = dialled.iter().map(|digit| (digit.as_str(), &caller)).collect();
    assert_eq!(told, expected, "{}", shown["events"]);
}

/// The same calls as sound: both channels of every WAV hold what was fed, digits as silence of their length.
fn judge_sound(site: &Site, plans: &[Plan]) {
    for file in sidecars(site, "wav") {
        let plan = plans.iter().find(|p| p.numbers().any(|n| n == file.call)).unwrap();
        let wav = oracle::read_wav(&fs::read(format!("{}.wav", file.stem)).unwrap()).unwrap();
        assert_eq!(wav.channels.len(), 2, "near and far");
        for (side, channel) in [Side::Caller, Side::Callee].into_iter().zip(&wav.channels) {
            let fed = plan.fed(file.call, side);
            // Noise in a codec that the bench does not decode: its octets were compared.
            let Some(pcm) = plan.codec.decode(&fed.payload) else { continue };
            let place_of = |spoken: &Range<u64>| {
                let (from, to) =
                    (usize::try_from(spoken.start).unwrap(), usize::try_from(spoken.end).unwrap());
                let at = oracle::find(channel, &pcm[from..to]);
                at.unwrap_or_else(|| panic!("call {} {side:?} {spoken:?} is not there", file.call)) - from
            };
            let shifts: BTreeSet<_> = fed.spoken_ticks().iter().map(place_of).collect();
            assert_eq!(
                shifts.len(),
                1,
                "call {} {side:?}: a digit shifted what follows: {shifts:?}",
                file.call
            );
            let begun = u64::try_from(*shifts.first().unwrap()).unwrap();
            let silent: Vec<_> = silences(&fed).iter().map(|(from, n)| (from + begun, *n)).collect();
            assert_eq!(file.gaps(side, "silence-suppressed"), silent, "call {}: the gap map", file.call);
        }
    }
}
