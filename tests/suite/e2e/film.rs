//! A film: calls as a capture whose every octet is known, shown to a recorder through its standard input.
//!
//! A recorder that reads a pipe hears exactly what it was shown and waits for more, so a test may stop it anywhere, look
//! around, and go on, without a clock.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use amethyst_tests::calls::{Fed, Plan, Side, Voice, to_pcap};
use serde_json::Value;

use super::site::{Ran, Site, amethyst};

/// 2026-11-20 08:00:00 UTC; each film of a test happens in an hour of its own of that day.
const MORNING_UTC_S: u64 = 1_795_161_600;
/// The day of all films in the zone of the site.
pub(crate) const DAY: &str = "2026-11-20";

/// A capture of calls, and who said what in which of its packets.
pub(crate) struct Film {
    /// The capture file.
    pub(crate) bytes: Vec<u8>,
    /// Where each audio packet ends in the file, and whose it is.
    audio: Vec<(usize, u32, Side)>,
    /// What caller and callee of each call said, as octets of their codec.
    pub(crate) said: BTreeMap<u32, [Vec<u8>; 2]>,
}

impl Film {
    /// What all films have in common.
    pub(crate) fn plan() -> Plan {
        Plan {
            ring: Duration::from_millis(100),
            caller_ip: IpAddr::from([10, 9, 0, 1]),
            callee_ip: IpAddr::from([10, 9, 0, 2]),
            voice: Voice::Synthetic,
            run: 7,
            ..Plan::default()
        }
    }

    /// Writes the calls of a plan, in the hour `nth` of the morning.
    pub(crate) fn shoot(plan: Plan, nth: u32) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("film.pcap");
        let start = Duration::from_secs(MORNING_UTC_S + 3_600 * u64::from(nth));
        let placed = to_pcap(&plan, &file, start).expect("a plan of IPv4 and UDP");
        let bytes = fs::read(&file).expect("it was written");
        let payload = |fed: Option<Fed>| fed.map(|fed| fed.payload).unwrap_or_default();
        let said = placed.into_iter().map(|p| (p.call, [payload(p.caller), payload(p.callee)]));
        let whose: BTreeMap<SocketAddr, (u32, Side)> = plan
            .numbers()
            .flat_map(|call| [Side::Caller, Side::Callee].map(|s| (plan.media_addr(call, s), (call, s))))
            .collect();
        let audio = packets(&bytes).filter_map(|(end, from)| whose.get(&from).map(|w| (end, w.0, w.1)));
        Self { audio: audio.collect(), said: said.collect(), bytes }
    }

    /// How many samples of a party had been sent whole with the first `sent` octets.
    pub(crate) fn samples_sent(&self, sent: usize, call: u32, side: Side) -> usize {
        let mine = |p: &&(usize, u32, Side)| p.0 <= sent && p.1 == call && p.2 == side;
        self.audio.iter().filter(mine).count() * 160
    }
}

/// The end in the file and the sender of each packet of a capture (Ethernet, IPv4, UDP).
pub(crate) fn packets(pcap: &[u8]) -> impl Iterator<Item = (usize, SocketAddr)> {
    let mut at = 24;
    std::iter::from_fn(move || {
        let len = u32::from_le_bytes(pcap.get(at + 8..at + 12)?.try_into().unwrap()) as usize;
        let frame = pcap.get(at + 16..at + 16 + len)?;
        at += 16 + len;
        let ip: [u8; 4] = frame[26..30].try_into().unwrap();
        Some((at, SocketAddr::from((ip, u16::from_be_bytes([frame[34], frame[35]])))))
    })
}

/// A recorder at work on a pipe.
#[derive(Debug)]
pub(crate) struct Piped {
    program: Child,
    wire: Option<ChildStdin>,
    spool: PathBuf,
}

impl Piped {
    /// Starts the recorder of a site on an empty wire.
    pub(crate) fn start(site: &Site) -> Self {
        Self::begin(Command::new(amethyst()), site.data())
    }

    /// Starts it by a command that has the program's name already, on a data folder.
    pub(crate) fn begin(mut command: Command, data: &str) -> Self {
        command.args(["record", "--data", data, "--pcap", "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut program = command.spawn().expect("the program starts");
        let wire = program.stdin.take();
        Self { program, wire, spool: Path::new(data).join("spool") }
    }

    /// Says where the spool is seen from here, for a recorder that sees another tree of files.
    pub(crate) fn watch(&mut self, spool: &Path) {
        spool.clone_into(&mut self.spool);
    }

    /// Puts octets of a capture on the wire.
    pub(crate) fn hear(&mut self, octets: &[u8]) {
        self.wire.as_mut().expect("the wire is there").write_all(octets).expect("the recorder reads");
    }

    /// Waits until it has read all of its standard input, sleeps in all its threads and its files have stopped to grow.
    pub(crate) fn settle(&mut self) {
        let (mut calm, mut before) = (0, 0);
        while calm < 8 {
            assert!(self.program.try_wait().expect("it is ours").is_none(), "the recorder ended by itself");
            sleep(Duration::from_millis(5));
            let now = octets_of(&self.spool);
            calm = if reads_and_sleeps(self.program.id()) && now == before { calm + 1 } else { 0 };
            before = now;
        }
    }

    /// Takes the wire away: the capture has ended.
    pub(crate) fn end_of_wire(&mut self) {
        self.wire = None;
    }

    /// Ends it as the kernel does when memory runs out. It may have ended well just before.
    pub(crate) fn kill(mut self) {
        self.program.kill().expect("it is ours to kill");
        let status = self.program.wait().expect("it was killed");
        assert!(status.code().is_none_or(|code| code == 0), "it ended by itself with {status}");
    }

    /// Takes the wire away and waits for its end.
    pub(crate) fn finish(mut self) -> Ran {
        self.end_of_wire();
        self.program.wait_with_output().expect("it ends").into()
    }
}

/// Tells from the kernel's word whether the first thread waits in `read` of standard input and all threads sleep.
fn reads_and_sleeps(pid: u32) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    let sleeps = |thread: PathBuf| {
        let stat = fs::read_to_string(thread.join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S'))
    };
    let call = fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
    let words: Vec<&str> = call.split(' ').collect();
    let reads = ["0", "63"].contains(&words[0]); // read(2) on x86-64 and on AArch64
    let of_stdin = words.get(1) == Some(&"0x0");
    reads && of_stdin && threads.flatten().all(|thread| sleeps(thread.path()))
}

fn octets_of(folder: &Path) -> u64 {
    let sealed = |path: &PathBuf| path.extension().is_some_and(|e| e == "amx");
    let files = files_below(folder).into_iter().filter(sealed);
    files.filter_map(|path| fs::metadata(path).ok()).map(|m| m.len()).sum()
}

/// Counts the octets of the sealed files in a folder of a site; the ledger lies in the spool too and is not counted.
pub(crate) fn octets_sealed(site: &Site, folder: &str) -> u64 {
    octets_of(&Path::new(site.data()).join(folder))
}

/// Exports the octets of all recordings: what each call's caller and callee are heard to say.
pub(crate) fn heard(site: &Site) -> BTreeMap<u32, [Vec<u8>; 2]> {
    let out = site.export(&["--format", "raw"]);
    let mut heard: BTreeMap<u32, [Vec<u8>; 2]> = BTreeMap::new();
    for path in files_below(Path::new(out)).into_iter().filter(|p| p.extension().is_some_and(|e| e == "json"))
    {
        let sidecar: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert!(sidecar["seal"].as_array().unwrap().iter().all(|s| s["signature"] == "good"), "{sidecar}");
        let legs = heard.entry(call_of(&sidecar)).or_default();
        for file in sidecar["exported"]["files"].as_array().unwrap() {
            let name = file["name"].as_str().unwrap();
            let leg = usize::from(!name.contains("-near"));
            legs[leg].extend(fs::read(Path::new(out).join(name)).unwrap());
        }
    }
    fs::remove_dir_all(out).expect("it is ours");
    heard
}

/// Returns the number of a recording's call in its plan.
pub(crate) fn call_of(recording: &Value) -> u32 {
    let number = recording["caller"]["number"].as_str().unwrap();
    number.strip_prefix('1').and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("caller {number}"))
}

/// Returns all files below a folder.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there").flatten() {
        if entry.path().is_dir() {
            files.extend(files_below(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files
}
