//! Satellites under test: their programs, their enrolment over a line in the test's hands, and a witness of what they seal.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use amethyst_tests::https::Person;

use super::film::files_below;
use super::relay::Relay;
use super::serve::{PASSWORD, Server, in_background, until};
use super::site::{Site, amethyst, run};

/// A satellite's program.
pub(crate) struct Satellite {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Satellite {
    pub(crate) fn start(data: &str) -> Self {
        Self::start_by(Command::new(amethyst()), data)
    }

    /// Starts it by a command that has the program as its last word already.
    pub(crate) fn start_by(mut program: Command, data: &str) -> Self {
        let mut child = program
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

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    pub(crate) fn says(&self, words: &str) {
        let since = Instant::now();
        while !self.said().contains(words) {
            assert!(since.elapsed() < Duration::from_secs(60), "`{words}` was not said: {}", self.said());
            sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    pub(crate) fn end(mut self) -> String {
        self.signal("-TERM");
        let code = self.child.wait().expect("it ends").code();
        sleep(Duration::from_millis(100));
        assert_eq!(code, Some(0), "{}", self.said());
        self.said()
    }

    pub(crate) fn kill(mut self) {
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
pub(crate) struct House {
    pub(crate) site: Site,
    pub(crate) central: Option<Server>,
    pub(crate) relay: Relay,
    /// The satellite's folder.
    pub(crate) data: &'static str,
    pub(crate) code: String,
    pub(crate) port: SocketAddr,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// The same, with variables in the environment of the central.
    pub(crate) fn with(env: &[(&str, &str)]) -> Self {
        let site = Site::new();
        let central = Server::start_deaf_with(&site, "127.0.0.1:0", env);
        let port = central.address;
        let relay = Relay::to(port);
        let code = invited(&site, "south");
        let data = site.path("satellite");
        let enrolled = enrol(relay.address, &code, data).json();
        assert_eq!((enrolled["name"].as_str(), enrolled["letter"].as_str()), (Some("south"), Some("B")));
        Self { site, central: Some(central), relay, data, code, port }
    }

    pub(crate) fn admin(&self) -> Person {
        let central = self.central.as_ref().expect("it runs");
        let mut admin = central.person(&self.site);
        admin.enter_by_link(central.link.as_deref().expect("a first link"), PASSWORD);
        admin
    }

    pub(crate) fn kill_central(&mut self) {
        self.central.take().expect("it runs").kill();
    }

    pub(crate) fn start_central(&mut self) {
        self.central = Some(Server::start_deaf(&self.site, &self.port.to_string()));
    }

    /// Waits until nothing is left in the spool.
    pub(crate) fn drained(&self) {
        until("an empty spool", || parts(&self.spool()).is_empty().then_some(()));
    }

    pub(crate) fn spool(&self) -> PathBuf {
        Path::new(self.data).join("spool")
    }

    /// The parts that the central holds, by name.
    pub(crate) fn taken_over(&self) -> BTreeMap<String, PathBuf> {
        held_by(&self.site)
    }
}

/// The parts that a central holds, by name.
pub(crate) fn held_by(site: &Site) -> BTreeMap<String, PathBuf> {
    let live = Path::new(site.data()).join("live");
    let mut by_name = BTreeMap::new();
    for path in parts(&live) {
        let name = name_of(&path);
        assert!(by_name.insert(name.clone(), path).is_none(), "{name} is there twice");
    }
    by_name
}

/// The name of a part; in a spool its hour stands before it.
pub(crate) fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    name.rsplit('-').next().unwrap().to_owned()
}

pub(crate) fn invited(site: &Site, name: &str) -> String {
    let made = run(&["satellite", "invite", "--data", site.data(), "--name", name, "--json"]).json();
    made["code"].as_str().expect("a code").to_owned()
}

pub(crate) fn enrol(at: SocketAddr, code: &str, data: &str) -> super::site::Ran {
    let central = format!("https://{at}");
    run(&enrol_words(&central, code, data))
}

/// The words by which a machine enrols that records what it hears on loopback.
pub(crate) const fn enrol_words<'a>(central: &'a str, code: &'a str, data: &'a str) -> [&'a str; 11] {
    [
        "satellite",
        "enrol",
        "--central",
        central,
        "--code",
        code,
        "--data",
        data,
        "--interface",
        "lo",
        "--json",
    ]
}

/// The parts in a spool.
pub(crate) fn parts(spool: &Path) -> Vec<PathBuf> {
    files_below(spool).into_iter().filter(|path| path.extension().is_some_and(|e| e == "amx")).collect()
}

/// Holds a hard link to every file that ever lay in a spool.
pub(crate) struct Witness {
    pub(crate) folder: PathBuf,
    stop: Arc<std::sync::atomic::AtomicBool>,
    watching: Option<std::thread::JoinHandle<()>>,
}

impl Witness {
    pub(crate) fn of(house: &House) -> Self {
        Self::over(house.spool(), PathBuf::from(house.site.path("witness")))
    }

    /// Watches `spool`, and keeps its links in `folder` on the same disk.
    pub(crate) fn over(spool: PathBuf, folder: PathBuf) -> Self {
        fs::create_dir_all(&folder).unwrap();
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (to, asked) = (folder.clone(), Arc::clone(&stop));
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
    pub(crate) fn sealed(mut self) -> BTreeMap<String, Vec<u8>> {
        self.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        self.watching.take().unwrap().join().unwrap();
        let read = |path: PathBuf| (name_of(&path), fs::read(&path).unwrap());
        parts(&self.folder).into_iter().map(read).collect()
    }
}

/// Everything that was sealed at the satellite is at the central, once, byte for byte, and nothing else is.
pub(crate) fn arrived_byte_for_byte(taken: &BTreeMap<String, PathBuf>, sealed: &BTreeMap<String, Vec<u8>>) {
    for (name, bytes) in sealed {
        // A part in which nothing had become durable before a kill is withdrawn by its satellite.
        let Some(path) = taken.get(name) else {
            assert!(
                !is_sealed(bytes) && bytes.len() < 2_000,
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

/// Whether a trailer ends it: 256 bytes that begin with its magic.
fn is_sealed(bytes: &[u8]) -> bool {
    bytes.rchunks(256).next().is_some_and(|last| last.starts_with(b"AMXEND1\n"))
}

/// Parts in the spool whose trailer is there.
pub(crate) fn satellite_waits(house: &House) -> usize {
    waiting_in(&house.spool())
}

/// Parts that do not grow any more.
pub(crate) fn waiting_in(spool: &Path) -> usize {
    let sizes = |paths: Vec<PathBuf>| {
        paths.iter().filter_map(|p| fs::metadata(p).ok()).map(|m| m.len()).collect::<Vec<_>>()
    };
    let before = sizes(parts(spool));
    sleep(Duration::from_millis(1_500));
    let after = sizes(parts(spool));
    if before == after { after.len() } else { 0 }
}
