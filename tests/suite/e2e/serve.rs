//! The server: records and answers at the same time, in one process, and neither harms the other.
//!
//! Each test runs this binary once more inside a network namespace of its own, where the server's taps hear nothing but the
//! calls of the test and the person with the browser is on the same loopback. Needs root. The walks through the console in
//! real browsers are in `console.rs`.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use amethyst_tests::calls::{Codec, Plan, Side, ulaw_decode};
use amethyst_tests::https::{Message, Person};
use amethyst_tests::netns;
use serde_json::{Value, json};

use super::site::{Site, amethyst};

const CALLS: &str = env!("CARGO_BIN_EXE_amethyst-calls");
const INSIDE: &str = "AMETHYST_TEST_INSIDE";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Runs the test `name` in a namespace of its own; true in the process that is inside, and has to do it.
pub(crate) fn inside(module: &str, name: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let tag: String = name.chars().filter(char::is_ascii_lowercase).take(5).collect();
    let pair = match netns::Pair::new(&tag) {
        Ok(pair) => pair,
        Err(why) => {
            println!("{why}");
            return false;
        }
    };
    let me = std::env::current_exe().expect("a running program has a file");
    let mut again = pair.in_a(me.to_str().expect("plain names"));
    again.args(["--exact", &format!("e2e::{module}::{name}"), "--nocapture"]).env(INSIDE, "1");
    let ran = again.env("AMETHYST_PROGRAM", amethyst()).output().expect("the suite runs itself");
    let told = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && told.contains("1 passed"), "inside the namespace:\n{told}");
    println!("{told}");
    false
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Path of the first one-time link.
    pub(crate) link: Option<String>,
    said: Arc<Mutex<String>>,
}

impl Server {
    /// Gives the site a tap on loopback and optional authenticators, and starts it on any port.
    pub(crate) fn start(site: &Site) -> Self {
        Self::start_with(site, &[])
    }

    /// The same, with variables in its environment.
    pub(crate) fn start_with(site: &Site, env: &[(&str, &str)]) -> Self {
        let file = Path::new(site.data()).join("amethyst.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        if !text.contains("interface = \"lo\"") {
            let text = text.replace("totp = \"required\"", "totp = \"optional\"");
            let tap = "\n[[tap]]\nname = \"loopback\"\ninterface = \"lo\"\nside = \"trunk\"\n";
            let text = text.replace("internal_numbers = []", "internal_numbers = [\"2*****\"]");
            // What goes on after a kill has lost its signalling, and ends by falling silent.
            std::fs::write(&file, text.replace("idle_seconds = 60", "idle_seconds = 5") + tap).unwrap();
        }
        Self::start_on(site, "127.0.0.1:0", env)
    }

    /// Starts it without a tap: a central that records nothing itself.
    pub(crate) fn start_deaf(site: &Site, listen: &str) -> Self {
        Self::start_deaf_with(site, listen, &[])
    }

    /// The same, with variables in its environment.
    pub(crate) fn start_deaf_with(site: &Site, listen: &str, env: &[(&str, &str)]) -> Self {
        let file = Path::new(site.data()).join("amethyst.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let text = text.replace("totp = \"required\"", "totp = \"optional\"");
        let text = text.replace("internal_numbers = []", "internal_numbers = [\"2*****\"]");
        std::fs::write(&file, text.replace("idle_seconds = 60", "idle_seconds = 5")).unwrap();
        Self::start_until(site, listen, env, &["the console is at"])
    }

    fn start_on(site: &Site, listen: &str, env: &[(&str, &str)]) -> Self {
        Self::start_until(site, listen, env, &["recording on lo", "the console is at"])
    }

    fn start_until(site: &Site, listen: &str, env: &[(&str, &str)], words: &[&str]) -> Self {
        let mut child = Command::new(amethyst())
            .envs(env.iter().copied())
            .args(["serve", "--data", site.data(), "--listen", listen])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stderr.take().expect("it was asked for"));
        let mut heard = String::new();
        while !words.iter().all(|word| heard.contains(word)) {
            let n = lines.read_line(&mut heard).expect("it speaks UTF-8");
            assert!(n > 0, "the server ended: {heard}");
        }
        let after = |mark: &str| {
            heard.lines().find_map(|l| l.split_once(mark)).map(|(_, rest)| rest.trim().to_owned())
        };
        let url = after("the console is at https://").expect("it says where");
        // The link comes after the address.
        let said = Arc::new(Mutex::new(heard.clone()));
        let keep = Arc::clone(&said);
        let (tell, told) = std::sync::mpsc::channel();
        in_background("server-says", move || {
            for line in lines.lines().map_while(Result::ok) {
                if let Some((_, link)) = line.split_once("first sign-in") {
                    drop(tell.send(link.to_owned()));
                }
                keep.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        let link = after("first sign-in").or_else(|| told.recv_timeout(Duration::from_millis(1_500)).ok());
        let link = link.and_then(|l| l.rsplit_once(&url).map(|(_, path)| path.to_owned()));
        Self { child, address: url.parse().expect("an address"), link, said }
    }

    /// Starts it, and an administrator comes in by the first link.
    pub(crate) fn signed_in(site: &Site) -> (Self, Person) {
        let server = Self::start(site);
        let mut admin = server.person(site);
        admin.enter_by_link(server.link.as_deref().expect("a first link"), PASSWORD);
        (server, admin)
    }

    pub(crate) fn person(&self, site: &Site) -> Person {
        let pem = std::fs::read(Path::new(site.data()).join("site/tls.pem")).expect("the server made it");
        Person::new(self.address, &pem).expect("a certificate")
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    pub(crate) fn signal(&self, name: &str) {
        let told =
            Command::new("kill").args([name, &self.child.id().to_string()]).status().expect("kill runs");
        assert!(told.success(), "it ended by itself: {}", self.said());
    }

    /// Ends it as a supervisor does; it must have nothing to complain about.
    pub(crate) fn end(mut self) -> String {
        self.signal("-TERM");
        let status = self.child.wait().expect("it ends");
        sleep(Duration::from_millis(100)); // the last line is on its way
        let said = self.said();
        assert_eq!(status.code(), Some(0), "{said}");
        said
    }

    pub(crate) fn kill(mut self) {
        self.signal("-KILL");
        self.child.wait().expect("it is dead");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After a failed assertion; a server that has ended has nothing to be killed.
        drop(self.child.kill());
    }
}

/// A new site, its running server, and an administrator who is signed in.
fn signed_in() -> (Site, Server, Person) {
    let site = Site::new();
    let (server, admin) = Server::signed_in(&site);
    (site, server, admin)
}

pub(crate) fn in_background<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    thread::Builder::new().name(name.to_owned()).spawn(work).expect("a thread")
}

pub(crate) fn place(plan: &Plan) -> Child {
    place_by(Command::new(CALLS), plan)
}

/// The program that places calls, as a word of a command.
pub(crate) const fn caller() -> &'static str {
    CALLS
}

/// Places calls by a command that has the program as its last word already.
pub(crate) fn place_by(mut calls: Command, plan: &Plan) -> Child {
    calls.args(["--quiet", "--calls", &plan.calls.to_string(), "--first", &plan.first.to_string()]);
    calls.args([
        "--seconds",
        &plan.speech.as_secs().to_string(),
        "--rate",
        "10",
        "--run",
        &plan.run.to_string(),
        "--hum",
    ]);
    calls.args(["--digits", &plan.digits]);
    calls.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the generator starts")
}

pub(crate) fn all_were_heard(calls: Child) {
    let out = calls.wait_with_output().expect("it ends");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

pub(crate) fn plan(first: u32, calls: u32, seconds: u64) -> Plan {
    Plan {
        calls,
        first,
        speech: Duration::from_secs(seconds),
        codec: Codec::PCMU,
        voice: amethyst_tests::calls::Voice::Synthetic,
        ..Plan::default()
    }
}

/// Asks until `found` says so; the answer is what it found.
pub(crate) fn until<T>(what: &str, found: impl FnMut() -> Option<T>) -> T {
    within(Duration::from_secs(60), what, found)
}

/// The same, for what takes longer.
pub(crate) fn within<T>(limit: Duration, what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(since.elapsed() < limit, "waited {limit:?} for {what}");
        sleep(Duration::from_millis(200));
    }
}

pub(crate) fn recordings(person: &mut Person, query: &str) -> Vec<Value> {
    let answer = person.get(&format!("/api/v1/recordings?limit=200&{query}"));
    assert_eq!(answer.status, 200, "{}", answer.json());
    answer.json()["recordings"].as_array().expect("a list").clone()
}

/// What was fed to one party of a call, as PCM.
pub(crate) fn fed(plan: &Plan, call: u32, side: Side) -> Vec<i16> {
    plan.fed(call, side).payload.iter().map(|&octet| ulaw_decode(octet)).collect()
}

/// The samples of one channel of a stereo WAV.
pub(crate) fn channel(wav: &[u8], which: usize) -> Vec<i16> {
    let data = wav.get(44..).expect("a header of 44 octets");
    data.as_chunks::<4>().0.iter().map(|f| i16::from_le_bytes([f[2 * which], f[2 * which + 1]])).collect()
}

#[test]
fn what_was_said_is_found_and_heard_in_the_browser_and_is_in_the_audit_log() {
    if !inside("serve", "what_was_said_is_found_and_heard_in_the_browser_and_is_in_the_audit_log") {
        return;
    }
    let (site, server, mut admin) = signed_in();
    let mut stranger = server.person(&site);
    assert_eq!(stranger.get("/api/v1/recordings").status, 401, "nobody finds anything without signing in");
    let plan = plan(1, 3, 3);
    all_were_heard(place(&plan));
    let found =
        until("three recordings", || Some(recordings(&mut admin, "number=20000")).filter(|r| r.len() == 3));
    for row in &found {
        let call: u32 = row["called"]["number"].as_str().unwrap()[1..].parse().unwrap();
        assert_eq!((row["end"].as_str(), row["direction"].as_str()), (Some("recorded"), Some("in")), "{row}");
        let id = row["id"].as_str().unwrap();
        let wav = admin.get(&format!("/api/v1/recordings/{id}/audio?legs=both&format=wav"));
        assert_eq!((wav.status, wav.header("cache-control")), (200, Some("no-store")), "{:?}", wav.headers);
        // The call came in, so the site's own party is the one that was called: near, on the left.
        for (which, side) in [(0, Side::Callee), (1, Side::Caller)] {
            let (heard, fed) = (channel(&wav.body, which), fed(&plan, call, side));
            let place = heard.windows(fed.len()).position(|w| w == fed);
            assert!(place.is_some(), "call {call}, {side:?}: what was said is in the WAV, sample for sample");
        }
        // A stretch from the middle is the same octets.
        let range = format!("bytes={}-{}", 44 + 4 * 8_000, 44 + 4 * 12_000 - 1);
        let part = admin.ask(
            "GET",
            &format!("/api/v1/recordings/{id}/audio?legs=both&format=wav"),
            &[("range", &range)],
            &[],
        );
        let part = part.expect("an answer");
        assert_eq!(part.status, 206, "{:?}", part.headers);
        assert!(part.body == wav.body[44 + 4 * 8_000..44 + 4 * 12_000], "a range is the same octets");
    }
    let audit = admin.get("/api/v1/audit").json();
    let acts: Vec<&str> =
        audit["entries"].as_array().unwrap().iter().filter_map(|e| e["act"].as_str()).collect();
    for act in ["sign-in", "search", "play"] {
        assert!(acts.contains(&act), "{act} is missing in {acts:?}");
    }
    assert_eq!(admin.get("/api/v1/audit/check").json()["ok"], json!(true), "the chain holds");
    until("the counters", || (metric(&mut admin, "amethyst_recordings_total") == 3).then_some(()));
    assert_eq!(admin.get("/healthz").status, 200);
    server.end();
}

#[test]
fn settings_change_while_calls_go_on_and_not_a_sample_is_lost() {
    if !inside("serve", "settings_change_while_calls_go_on_and_not_a_sample_is_lost") {
        return;
    }
    let (_site, server, mut admin) = signed_in();
    let plan = plan(1, 5, 6);
    let calls = place(&plan);
    until("calls on the wire", || (metric(&mut admin, "amethyst_calls_now") >= 5).then_some(()));
    for seconds in [61, 62, 63] {
        let known = admin.get("/api/v1/settings").json();
        let mut settings = known["settings"].clone();
        settings["recording"]["idle_seconds"] = json!(seconds);
        settings["taps"].as_array_mut().unwrap().truncate(1);
        let second = json!({ "name": "wire", "interface": if seconds == 62 { "va" } else { "no-such-if" }, "side": "extension" });
        settings["taps"].as_array_mut().unwrap().push(second);
        let version = known["version"].as_str().unwrap().to_owned();
        let headers = [("if-match", version.as_str()), ("content-type", "application/json")];
        let mut change = || admin.ask("PUT", "/api/v1/settings", &headers, settings.to_string().as_bytes());
        let put = change().expect("an answer");
        assert_eq!(put.status, 200, "{}", put.json());
        let again = change().expect("an answer");
        assert_eq!(again.status, 412, "whoever is second is told: {}", again.json());
        server.signal("-HUP");
        sleep(Duration::from_millis(700));
    }
    all_were_heard(calls);
    let found = until("five recordings", || Some(recordings(&mut admin, "")).filter(|r| r.len() == 5));
    for row in &found {
        assert_eq!((row["end"].as_str(), row["has_gap"].as_bool()), (Some("recorded"), Some(false)), "{row}");
    }
    let said = server.end();
    assert!(said.contains("the configuration was read again"), "{said}");
    assert!(
        said.contains("nothing is recorded on no-such-if"),
        "an interface that is not there is an alarm: {said}"
    );
}

pub(crate) fn metric(person: &mut Person, name: &str) -> u64 {
    let page = person.get("/metrics");
    let text = String::from_utf8_lossy(&page.body).into_owned();
    let line = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
}

#[test]
fn killed_with_fifty_calls_and_twenty_listeners_it_comes_back_and_people_stay_signed_in() {
    if !inside(
        "serve",
        "killed_with_fifty_calls_and_twenty_listeners_it_comes_back_and_people_stay_signed_in",
    ) {
        return;
    }
    let (site, server, mut admin) = signed_in();
    let calls = place(&plan(1, 50, 20));
    // Twenty people listen to twenty calls that are going on.
    let growing = until("fifty calls that can be heard", || {
        let ids = live_ids(&admin);
        (ids.len() >= 50).then_some(ids)
    });
    let heard: Vec<_> = growing
        .iter()
        .take(20)
        .map(|id| {
            let (admin, path) = (admin.clone(), format!("/api/v1/live/{id}/audio"));
            in_background("listener", move || listen(&admin, &path))
        })
        .collect();
    sleep(Duration::from_secs(3));
    // What somebody marked while they listened must not be lost with the call's beginning.
    let notes = format!("/api/v1/recordings/{}/notes", growing[0]);
    let mark = admin.send("POST", &notes, &json!({ "at_ms": 500, "text": "before the end" }));
    assert_eq!(mark.status, 201, "a call that goes on is marked");
    let port = server.address;
    server.kill();
    let began = Instant::now();
    let server = Server::start_on(&site, &port.to_string(), &[]);
    // What is promised: a call that begins meanwhile is not recorded, and that must not last.
    assert!(began.elapsed() < Duration::from_secs(5), "start-up took {:?}", began.elapsed());
    for listener in heard {
        let octets = listener.join().expect("a listener is no panic");
        assert!(octets > 16_000, "each of twenty heard at least half a second: {octets}");
    }
    assert_eq!(admin.get("/api/v1/me").status, 200, "the session is still good");
    drop(calls.wait_with_output());
    let found = until("recordings from before and after", || {
        let all = recordings(&mut admin, "");
        let recovered = all.iter().filter(|r| r["integrity"] == "recovered").count();
        (recovered > 0 && live_ids(&admin).is_empty()).then_some(all)
    });
    let integrity = |word: &str| found.iter().filter(|r| r["integrity"] == word).count();
    assert!(
        integrity("recovered") >= 20,
        "what was listened to was cut, and is there: {}",
        integrity("recovered")
    );
    assert!(found.len() >= 50 && integrity("recovered") + integrity("sealed") == found.len(), "{found:?}");
    let marked = admin.get(&format!("/api/v1/recordings/{}", growing[0])).json();
    assert_eq!(marked["notes"][0]["text"], json!("before the end"), "the mark hangs on what was recovered");
    let day = today(&mut admin);
    let ledger = admin.get(&format!("/api/v1/ledger?all=1&day={day}")).json();
    assert_eq!(ledger["balanced"], json!(true), "{}", ledger["totals"]);
    server.end();
    let ledger = site.run("ledger", &["--json"]).json();
    assert_eq!(ledger["missing_numbers"], json!([]), "no number is missing");
}

/// Listens until the server is gone; returns the octets of sound.
fn listen(person: &Person, path: &str) -> usize {
    let mut socket = match person.socket(path) {
        Ok(socket) => socket,
        Err(e) => panic!("{path}: {e}"),
    };
    let mut octets = 0;
    loop {
        match socket.next_message() {
            Ok(Message::Binary(sound)) => octets += sound.len(),
            Ok(Message::Text(_)) => {}
            Ok(Message::Close) | Err(_) => return octets,
        }
    }
}

/// Recordings that grow and can be listened to, from the first event of the board.
fn live_ids(person: &Person) -> Vec<String> {
    let board = board(person);
    let lines = board["lines"].as_array().cloned().unwrap_or_default();
    let audible = lines.iter().filter(|l| l["listenable"] == json!(true));
    audible.filter_map(|l| l["recording_id"].as_str().map(str::to_owned)).collect()
}

fn board(person: &Person) -> Value {
    use std::io::Read as _;
    let mut line = person.clone();
    let request = line.event_stream("/api/v1/live").expect("an event stream");
    let mut text = String::new();
    let mut reader = BufReader::new(request);
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(20) {
        let mut octets = vec![0; 4_096];
        let n = reader.read(&mut octets).expect("it speaks");
        text.push_str(&String::from_utf8_lossy(&octets[..n]));
        if let Some(data) =
            text.lines().find_map(|l| l.strip_prefix("data:").filter(|_| text.contains("\n\n")))
            && let Ok(board) = serde_json::from_str(data.trim())
        {
            return board;
        }
    }
    panic!("no board: {text}")
}

fn today(person: &mut Person) -> String {
    let rows = recordings(person, "");
    rows[0]["started_at"].as_str().unwrap()[..10].to_owned()
}

#[test]
fn floods_and_nonsense_at_the_door_cost_no_packet_and_no_listener() {
    if !inside("serve", "floods_and_nonsense_at_the_door_cost_no_packet_and_no_listener") {
        return;
    }
    let (site, server, mut admin) = signed_in();
    let calls = place(&plan(1, 20, 10));
    let id = until("a call that can be heard", || live_ids(&admin).into_iter().next());
    let listener = {
        let (admin, path) = (admin.clone(), format!("/api/v1/live/{id}/audio"));
        in_background("listener", move || listen(&admin, &path))
    };

    // Ten thousand connections that never say anything whole.
    let mut half_open = Vec::new();
    for n in 0..10_000_u32 {
        let Ok(mut stream) = TcpStream::connect_timeout(&server.address, Duration::from_secs(5)) else {
            continue;
        };
        if n % 2 == 0 {
            drop(stream.write_all(&[0x16, 3, 1, 2]));
        }
        half_open.push(stream);
        if n % 1_000 == 999 {
            assert_eq!(admin.get("/api/v1/me").status, 200, "with {n} half-open connections");
        }
    }

    // Wrong passwords.
    let mut stranger = server.person(&site);
    let mut statuses: BTreeMap<u16, u32> = BTreeMap::new();
    for n in 0..60 {
        let body = json!({ "name": format!("admin{}", n % 3), "password": "guess" });
        *statuses.entry(stranger.send("POST", "/api/v1/sign-in", &body).status).or_default() += 1;
    }
    assert!(statuses.contains_key(&429) && statuses.keys().all(|s| matches!(s, 401 | 429)), "{statuses:?}");

    // Nonsense.
    let long = "x".repeat(1 << 20);
    let answered = admin.ask("GET", &format!("/api/v1/recordings?q={long}"), &[], &[]);
    assert!(
        answered.map_or(true, |a| matches!(a.status, 400 | 414 | 431)),
        "a search of a megabyte is refused"
    );
    let row = until("a recording", || recordings(&mut admin, "").into_iter().next());
    let audio = format!("/api/v1/recordings/{}/audio", row["id"].as_str().unwrap());
    for (range, expected) in
        [("bytes=9-2", 416), ("bytes=99999999999-", 416), ("octets=1-2", 200), ("bytes=-", 416)]
    {
        let answer = admin.ask("GET", &audio, &[("range", range)], &[]).expect("an answer");
        assert!(answer.status == expected || answer.status == 200, "{range}: {}", answer.status);
    }
    drop(half_open);
    all_were_heard(calls);
    let octets = listener.join().expect("no panic");
    assert!(octets > 100_000, "the listener heard on: {octets}");
    let found = until("twenty recordings", || Some(recordings(&mut admin, "")).filter(|r| r.len() == 20));
    assert!(found.iter().all(|r| r["end"] == "recorded" && r["has_gap"] == json!(false)), "{found:?}");
    assert_eq!(metric(&mut admin, "amethyst_kernel_drops_total"), 0, "no packet was lost");
    server.end();
}

#[test]
fn a_test_call_goes_through_everything_whatever_the_rules_say() {
    if !inside("serve", "a_test_call_goes_through_everything_whatever_the_rules_say") {
        return;
    }
    let site = Site::new();
    let file = Path::new(site.data()).join("amethyst.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("exclude = []", "exclude = [\"****\"]")).unwrap();
    let (server, mut admin) = Server::signed_in(&site);
    let placed = admin.send("POST", "/api/v1/test-call", &json!({}));
    assert_eq!(placed.status, 200, "{}", placed.json());
    let id = placed.json()["recording_id"].as_str().expect("it is recorded").to_owned();
    let wav = admin.get(&format!("/api/v1/recordings/{id}/audio?legs=both&format=wav"));
    for which in [0, 1] {
        let sound = channel(&wav.body, which);
        let loud = sound.iter().filter(|s| s.unsigned_abs() > 2_000).count();
        assert!(loud > 8_000, "channel {which} holds the scale: {loud} loud samples");
    }
    server.end();
}

#[test]
fn whoever_lost_password_and_authenticator_gets_in_again_by_the_command_line() {
    if !inside("serve", "whoever_lost_password_and_authenticator_gets_in_again_by_the_command_line") {
        return;
    }
    let (site, server, _admin) = signed_in();
    super::site::run(&["user"]).refused(2, &["link"]);
    let link = |name: &str| {
        super::site::run(&["user", "link", "--data", site.data(), name, "--lost-authenticator", "--json"])
    };
    link("nobody").refused(3, &["there is no account `nobody`"]);
    let path = link("admin").json()["path"].as_str().expect("a path").to_owned();
    let mut again = server.person(&site);
    again.enter_by_link(&path, "another battery, another horse");
    let acts = again.get("/api/v1/audit").json();
    for act in ["user-link", "user-totp-removed"] {
        assert!(
            acts["entries"].as_array().unwrap().iter().any(|e| e["act"] == act),
            "{act} is missing: {acts}"
        );
    }
    let mut thief = server.person(&site);
    let used = thief.send("POST", "/api/v1/sign-in/link", &json!({ "token": path.rsplit('#').next() }));
    assert_ne!(used.status, 200, "a link works once: {}", used.json());
    server.end();
}

#[test]
fn an_address_that_is_taken_is_said_and_nothing_is_touched() {
    let site = Site::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let ran = site.run("serve", &["--listen", &listen]);
    ran.refused(2, &["cannot serve on", "Is the server already running"]);
    assert!(!Path::new(site.data()).join("site/tls.pem").exists(), "nothing was made");
}
