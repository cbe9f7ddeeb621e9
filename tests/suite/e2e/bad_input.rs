//! Bad input and bad days: each ends with a message that says what it means for the recordings and what to do, with the
//! exit code of the table in `docs`, and with everything that was sealed still there.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use amethyst_tests::calls::{Codec, Plan, Side};
use amethyst_tests::netns::is_root;
use serde_json::Value;

use super::film::{DAY, Film, Piped, call_of, files_below, heard, packets};
use super::site::{Ran, Site, amethyst, run};

fn film(calls: u32, seconds: u64) -> Film {
    let speech = Duration::from_secs(seconds);
    Film::shoot(Plan { calls, speech, codec: Codec::PCMA, ..Film::plan() }, 0)
}

#[test]
fn what_is_no_capture_is_refused_and_leaves_no_trace() {
    let site = Site::new();
    let noise: Vec<u8> = (0..40_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let header = |link: u32| {
        [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, link].map(u32::to_le_bytes).as_flattened().to_vec()
    };
    let wifi = [header(105), 7_u32.to_le_bytes().repeat(3), vec![0; 7]].concat();
    for (name, bytes, words) in [
        ("empty.pcap", Vec::new(), ["empty", "nothing to record"].as_slice()),
        ("zeros.pcap", vec![0; 100_000], &["no capture file", "zeros", "take the capture again"]),
        ("noise.pcap", noise, &["no capture file", "editcap"]),
        ("short.pcap", header(1)[..11].to_vec(), &["no capture file"]),
        ("wifi.pcap", wifi, &["105", "nothing of it is recorded"]),
    ] {
        let path = site.path(name);
        fs::write(path, bytes).unwrap();
        site.run("record", &["--pcap", path]).refused(3, words);
    }
    site.run("record", &["--pcap", site.path("missing.pcap")])
        .refused(3, &["missing.pcap", "nothing of it is recorded"]);
    site.run("record", &["--pcap", site.data()]).refused(3, &["directory"]);
    assert_eq!(site.run("list", &["--json"]).json(), Value::Array(Vec::new()));
}

#[test]
fn a_torn_capture_is_recorded_up_to_the_tear_and_a_damaged_one_around_the_damage() {
    let film = film(2, 3);
    let site = Site::new();
    let (torn, damaged) = (site.path("torn.pcap"), site.path("damaged.pcap"));
    let mut bytes = film.bytes.clone();
    fs::write(torn, &bytes[..bytes.len() / 2 + 5]).unwrap();
    let ran = site.run("record", &["--pcap", torn]);
    assert!(ran.err.contains("torn") && ran.err.contains("all before is recorded"), "{ran:?}");
    assert_eq!(ran.json()["recordings"], 2, "{ran:?}");
    for (call, legs) in heard(&site) {
        for (leg, side) in [Side::Caller, Side::Callee].into_iter().enumerate() {
            assert_eq!(
                legs[leg].len(),
                film.samples_sent(bytes.len() / 2 + 5, call, side),
                "call {call}, {side:?}"
            );
        }
    }
    let middle = bytes.len() / 2;
    bytes[middle..middle + 3_000].fill(0xa5);
    fs::write(damaged, &bytes).unwrap();
    let ran = Site::new().run("record", &["--pcap", damaged]);
    ran.refused(1, &["reading goes on", "missing from the recordings"]);
    let summary: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&summary["recordings"], &summary["ledger"]["partly"]), (&2.into(), &2.into()), "{ran:?}");
}

#[test]
fn a_clock_that_steps_back_an_hour_shortens_nothing_and_is_said() {
    let film = film(2, 4);
    let site = Site::new();
    let mut bytes = film.bytes.clone();
    let (mut at, middle) = (24, bytes.len() / 2);
    while at < bytes.len() {
        let word = |at: usize| u32::from_le_bytes(film.bytes[at..at + 4].try_into().unwrap());
        if at > middle {
            bytes[at..at + 4].copy_from_slice(&(word(at) - 3_600).to_le_bytes());
        }
        at += 16 + word(at + 8) as usize;
    }
    let path = site.path("stepped.pcap");
    fs::write(path, &bytes).unwrap();
    let ran = site.run("record", &["--pcap", path]);
    assert!(ran.err.contains("The clock stepped by -3599"), "{ran:?}");
    assert!(ran.err.contains("Recordings keep their length and order"), "{ran:?}");
    assert_eq!(ran.json()["recordings"], 2, "{ran:?}");
    for (call, legs) in heard(&site) {
        assert!(legs == film.said[&call], "call {call} is whole");
    }
}

#[test]
fn an_interface_that_does_not_exist_is_named_beside_those_that_do() {
    if !is_root() {
        println!("skipped: needs the right to open a raw socket (root)");
        return;
    }
    let site = Site::new();
    site.run("record", &["--interface", "amx-none"]).refused(3, &["amx-none", "this machine has", "lo"]);
}

#[test]
fn without_the_right_it_says_which_right_is_missing() {
    if !is_root() {
        println!("skipped: only root may become somebody else (setpriv)");
        return;
    }
    let site = Site::new();
    let as_nobody = |words: &[&str]| -> Ran {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]);
        command.arg(site.path("amethyst")).args(words).output().expect("setpriv is of util-linux").into()
    };
    // The program's own folder may be closed to others, and so is a temporary one.
    fs::copy(amethyst(), site.path("amethyst")).unwrap();
    let above = Path::new(site.data()).parent().unwrap();
    assert!(Command::new("chmod").arg("711").arg(above).status().unwrap().success());
    as_nobody(&["record", "--data", site.data(), "--interface", "lo"]).refused(4, &["permi", "data"]);
    as_nobody(&["list", "--data", site.data()]).refused(4, &["permi", "data"]);
    let owned = Command::new("chown").args(["-R", "65534:65534", site.data()]).status().unwrap();
    assert!(owned.success(), "{owned}");
    as_nobody(&["record", "--data", site.data(), "--interface", "lo"])
        .refused(4, &["setcap cap_net_raw", "nothing is recorded"]);
}

#[test]
fn a_data_folder_of_a_newer_version_is_not_touched() {
    let site = Site::new();
    let settings = format!("{}/amethyst.toml", site.data());
    let format = format!("{}/format", site.data());
    let wire = site.path("wire.pcap");
    fs::write(wire, film(1, 1).bytes).unwrap();
    let refused = || {
        for words in [["record", "--pcap", wire].as_slice(), &["list"], &["check"]] {
            site.run(words[0], &words[1..]).refused(5, &["newer"]);
        }
    };
    let old = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, old.replace("format = 1 ", "format = 2 ")).unwrap();
    refused();
    fs::write(&settings, old).unwrap();
    let old = fs::read_to_string(&format).unwrap();
    fs::write(&format, old.replace("version 1", "version 2")).unwrap();
    refused();
    fs::write(&format, old).unwrap();
    assert_eq!(site.record(&[wire])["recordings"], 1, "the right version goes on");
}

#[test]
fn keys_that_are_missing_damaged_or_of_another_site_are_said_and_cost_nothing() {
    let site = Site::new();
    let wire = site.path("wire.pcap");
    fs::write(wire, film(1, 1).bytes).unwrap();
    let _summary = site.record(&[wire]);
    let other = Site::new();
    for (name, spoil) in [
        ("unlock.key", "missing"),
        ("unlock.key", "short"),
        ("unlock.key", "foreign"),
        ("keystore.amk", "missing"),
        ("keystore.amk", "short"),
        ("keystore.amk", "foreign"),
        ("recorder.key", "missing"),
        ("recorder.key", "short"),
    ] {
        let path = format!("{}/keys/{name}", site.data());
        let right = fs::read(&path).unwrap();
        match spoil {
            "missing" => fs::remove_file(&path).unwrap(),
            "short" => fs::write(&path, &right[..right.len() / 2]).unwrap(),
            _ => fs::write(&path, fs::read(format!("{}/keys/{name}", other.data())).unwrap()).unwrap(),
        }
        site.run("record", &["--pcap", wire]).refused(5, &["key", "estore"]);
        fs::write(&path, right).unwrap();
    }
    let ran = site.run("check", &["--price", "hash"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn a_second_recorder_on_the_same_folder_is_refused_and_the_first_goes_on() {
    let film = film(2, 3);
    let site = Site::new();
    let wire = site.path("wire.pcap");
    fs::write(wire, &film.bytes).unwrap();
    let mut first = Piped::start(&site);
    let (now, later) = film.bytes.split_at(film.bytes.len() / 2);
    first.hear(now);
    first.settle();
    site.run("record", &["--pcap", wire]).refused(5, &["another AMETHYST works on", "stop it"]);
    assert_eq!(site.run("list", &[]).code, Some(0), "looking is allowed beside it");
    first.hear(later);
    let ended = first.finish();
    assert_eq!(ended.json()["recordings"], 2, "{ended:?}");
}

#[test]
fn an_export_overwrites_nothing_and_says_where_it_cannot_write() {
    let site = Site::new();
    let wire = site.path("wire.pcap");
    fs::write(wire, film(2, 1).bytes).unwrap();
    let _summary = site.record(&[wire]);
    let out = site.export(&[]);
    let before: Vec<_> = files_below(Path::new(out)).iter().map(|f| fs::read(f).unwrap()).collect();
    let again = site.run("export", &["--out", out, "--all"]);
    again.refused(1, &["not overwritten", "--out"]);
    let after: Vec<_> = files_below(Path::new(out)).iter().map(|f| fs::read(f).unwrap()).collect();
    assert!(before == after && before.len() == 4, "two files of sound and their sidecars, as they were");
    let below_a_file = format!("{wire}/out");
    let ran = site.run("export", &["--out", &below_a_file, "--all"]);
    assert!(matches!(ran.code, Some(3 | 6)) && ran.err.contains("cannot make the folder"), "{ran:?}");
    let elsewhere = site.path("elsewhere");
    site.run("export", &["--out", elsewhere, "--id", "A261120-000099"])
        .refused(3, &["no recording", "amethyst list"]);
    site.run("export", &["--out", elsewhere, "--id", "yesterday"])
        .refused(2, &["neither a reference", "amethyst list"]);
    site.run("show", &["A261120-000099"]).refused(3, &["no recording"]);
    site.run("ledger", &["--day", "soon"]).refused(2, &["soon"]);
}

#[test]
fn a_folder_that_is_no_site_is_said_to_be_none() {
    let site = Site::new();
    let nowhere = site.path("nowhere");
    for command in ["list", "check", "ledger"] {
        run(&[command, "--data", nowhere]).refused(5, &["nowhere", "amethyst init"]);
    }
    let init = |zone: &str, data: &str| run(&["init", "--data", data, "--site-name", "Test", "--zone", zone]);
    init("Africa/Johannesburg", site.data()).refused(5, &["already holds a site", "nothing was changed"]);
    init("Mars/Olympus", nowhere).refused(2, &["Mars/Olympus"]);
    run(&["verify", nowhere]).refused(3, &["nowhere"]);
}

#[test]
fn a_disk_that_fills_up_in_mid_call_costs_what_did_not_fit_and_nothing_else() {
    let Some(room) = Room::new("2752k") else { return };
    let film = film(6, 40);
    let (now, later) = film.bytes.split_at(film.bytes.len() * 3 / 4);
    let mut recorder = room.recorder_that_fills_it_with(now);
    room.resize("64m");
    recorder.hear(later);
    let ended = recorder.finish();
    ended.refused(1, &["ALARM", "disk", "full", "what was sealed so far is safe", "free some"]);

    let copy = room.started_again();
    let ledger = copy.run("ledger", &["--json", "--day", DAY]).json();
    for entry in ledger["entries"].as_array().unwrap() {
        assert_eq!(entry["end"], "partly(disk-full)", "{ledger}");
    }
    assert_eq!((&ledger["signalled"], &ledger["partly"]), (&6.into(), &6.into()), "{ledger}");
    each_call_has_its_beginning_and_its_end(&copy, &film);
}

#[test]
fn calls_that_begin_on_a_full_disk_are_in_the_ledger_as_not_recorded() {
    let Some(room) = Room::new("2752k") else { return };
    let long = film(6, 40);
    let ends: Vec<usize> = packets(&long.bytes).map(|(end, _from)| end).collect();
    let mut recorder = room.recorder_that_fills_it_with(&long.bytes[..ends[ends.len() * 3 / 4]]);
    // More entries than the last page of the ledger has room for.
    let gap = Duration::from_millis(20);
    let speech = Duration::from_secs(1);
    let many = Film::shoot(Plan { calls: 70, first: 101, speech, start_gap: gap, ..Film::plan() }, 1);
    recorder.hear(&many.bytes[24..]);
    recorder.settle();
    room.resize("64m");
    let ended = recorder.finish();
    ended.refused(1, &["ALARM", "full", "free some"]);
    let copy = room.started_again();
    let ledger = copy.run("ledger", &["--json", "--day", DAY]).json();
    let entries = ledger["entries"].as_array().unwrap();
    let numbers: Vec<u64> = entries.iter().map(|e| e["ledger_no"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=76).collect::<Vec<_>>(), "every call has its number");
    let recordings = copy.run("list", &["--json", "--limit", "1000"]).json();
    let kept = |number: &Value| recordings.as_array().unwrap().iter().any(|r| r["ledger_no"] == *number);
    let mut without = 0;
    for entry in entries {
        // The last free pages may still hold a second of a late call; then its entry says that it was kept in part.
        let some = kept(&entry["ledger_no"]);
        let expected = if some { "partly(disk-full)" } else { "not recorded(disk-full)" };
        assert_eq!(entry["end"], expected, "{entry}");
        without += usize::from(!some);
    }
    let first_kept = entries.iter().take(6).filter(|entry| kept(&entry["ledger_no"])).count();
    assert_eq!(first_kept, 6, "those that filled the disk are kept in part");
    assert!(without > 35, "only {without} of 70 calls found no space: the disk was not full");
}

fn each_call_has_its_beginning_and_its_end(site: &Site, film: &Film) {
    let recordings = site.run("list", &["--json"]).json();
    let mut of_call: std::collections::BTreeMap<u32, Vec<&Value>> = std::collections::BTreeMap::new();
    for recording in recordings.as_array().unwrap() {
        of_call.entry(call_of(recording)).or_default().push(recording);
    }
    assert_eq!(of_call.len(), film.said.len(), "every call has a recording: {recordings}");
    for (call, mut recordings) in of_call {
        recordings.sort_by_key(|r| r["started_at"].as_str().unwrap().to_owned());
        assert!(recordings.len() > 1, "call {call} went on in another recording when there was space");
        let words = |recording: &Value| -> [Vec<u8>; 2] {
            let out = site.path("one");
            let id = recording["id"].as_str().unwrap();
            let ran = site.run("export", &["--out", out, "--format", "raw", "--id", id]);
            assert_eq!(ran.code, Some(0), "{ran:?}");
            let mut legs = [Vec::new(), Vec::new()];
            for file in files_below(Path::new(out)) {
                let name = file.file_name().unwrap().to_str().unwrap();
                if !name.ends_with(".json") {
                    legs[usize::from(!name.contains("-near"))] = fs::read(&file).unwrap();
                }
            }
            fs::remove_dir_all(out).unwrap();
            legs
        };
        let (first, last) = (words(recordings[0]), words(recordings[recordings.len() - 1]));
        for (leg, said) in film.said[&call].iter().enumerate() {
            assert!(
                !first[leg].is_empty() && said.starts_with(&first[leg]),
                "call {call}, leg {leg}: its beginning"
            );
            assert!(last[leg].len() > 8_000 && said.ends_with(&last[leg]), "call {call}, leg {leg}: its end");
        }
    }
}

/// A disk of a few megabytes in a mount namespace of its own (`/mnt` there), gone with the process that holds it.
struct Room {
    holder: std::process::Child,
}

impl Room {
    fn new(size: &str) -> Option<Self> {
        if !is_root() {
            println!("skipped: needs root for a small disk of its own");
            return None;
        }
        let script = format!("mount -t tmpfs -o size={size} tmpfs /mnt && echo ready && exec sleep 3600");
        let holder = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", &script])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("unshare is of util-linux");
        let mut room = Self { holder };
        let mut word = [0; 6];
        let out = room.holder.stdout.as_mut();
        if out.is_none_or(|out| std::io::Read::read_exact(out, &mut word).is_err()) {
            println!("skipped: a small disk can't be mounted here");
            return None;
        }
        Some(room)
    }

    fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--mount", "--target", &self.holder.id().to_string(), "--", program]);
        command
    }

    /// The program, to be started in the room.
    fn command(&self) -> Command {
        self.inside(amethyst().to_str().unwrap())
    }

    fn run(&self, words: &[&str]) -> Ran {
        self.command().args(words).output().expect("nsenter is of util-linux").into()
    }

    /// Makes a site in the room and lets it hear more than there is room for.
    fn recorder_that_fills_it_with(&self, wire: &[u8]) -> Piped {
        let words = ["init", "--data", "/mnt/site", "--site-name", "Small", "--zone", "Africa/Johannesburg"];
        let made = self.run(&words);
        assert_eq!(made.code, Some(0), "{made:?}");
        let mut recorder = Piped::begin(self.command(), "/mnt/site");
        recorder.watch(Path::new(&self.seen_from_here()).join("site/spool").as_path());
        // Read as fast as a file goes, one call could wait for its entry while the others take all the space: so each is on
        // disk before the rest comes.
        let (beginnings, rest) = wire.split_at(wire.len() / 4);
        for octets in [beginnings, rest] {
            recorder.hear(octets);
            recorder.settle();
        }
        recorder
    }

    /// Copies the site to where there is space and starts a recorder there on an empty wire: what lies in the spool is closed.
    fn started_again(&self) -> Site {
        let copy = Site::new();
        fs::remove_dir_all(copy.data()).unwrap();
        let from = format!("{}/site", self.seen_from_here());
        assert!(Command::new("cp").args(["-r", &from, copy.data()]).status().unwrap().success());
        let empty = copy.path("empty.pcap");
        fs::write(empty, &film(1, 1).bytes[..24]).unwrap();
        let _summary = copy.record(&[empty]);
        let checked = copy.run("check", &["--price", "hash"]);
        assert_eq!(checked.code, Some(0), "{checked:?}");
        let verified = run(&["verify", &format!("{}/live", copy.data())]);
        assert_eq!(verified.code, Some(0), "{verified:?}");
        copy
    }

    fn resize(&self, size: &str) {
        let option = format!("remount,size={size}");
        let done = self.inside("mount").args(["-o", &option, "/mnt"]).status().expect("mount is everywhere");
        assert!(done.success(), "{done}");
    }

    /// The disk as it is seen from outside.
    fn seen_from_here(&self) -> String {
        format!("/proc/{}/root/mnt", self.holder.id())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // Dead already is as good.
        drop(self.holder.kill());
        drop(self.holder.wait());
    }
}
