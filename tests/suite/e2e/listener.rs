//! The listener's program as an auditor meets it: an archive that was carried away, the server gone, and the login of the day.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use amethyst_tests::calls::{Plan, Voice, to_pcap};
use archive::SiteJson;
use daily_login::{Chained, Lane, LaneSecret, SlotFile};
use seal::SigningKey;
use seal::keystore::{Keystore, UnlockKey};
use serde_json::Value;
use shared::{Day, UtcMicros};
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::archive::record;
use super::film::files_below;
use super::site::{Ran, Site, built, run};

/// The program: the one that `AMTLISTEN_PROGRAM` names, else built once.
fn amtlisten() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let named = || std::env::var_os("AMTLISTEN_PROGRAM").map(PathBuf::from);
    BUILT.get_or_init(|| named().unwrap_or_else(|| built("amethyst-listener-app", "amtlisten")))
}

/// What issues logins and signs, taken from a key store as its helpdesk or its thief would.
struct Keys {
    site: SiteJson,
    lanes: [LaneSecret; 2],
    signing: SigningKey,
}

impl Keys {
    fn of(site: &Site) -> Self {
        let read = |name: &str| fs::read(site.path(&format!("data/{name}"))).unwrap();
        let key = UnlockKey::from_key_file(read("keys/unlock.key").try_into().unwrap());
        let store = Keystore::open(&read("keys/keystore.amk"), &key).unwrap();
        let card = SiteJson::parse(&read("site/site.json")).unwrap();
        let number = |name| u32::from_le_bytes(store.named(name).unwrap().try_into().unwrap());
        let of = Chained { site_id: card.site_id, generation: number("daily-login/chain-generation") };
        let lane = |lane, name| {
            LaneSecret::new(lane, of, Zeroizing::new(store.named(name).unwrap().try_into().unwrap()))
        };
        Self {
            lanes: [
                lane(Lane::Admin, "daily-login/lane-admin"),
                lane(Lane::Helpdesk, "daily-login/lane-helpdesk"),
            ],
            signing: SigningKey::from_seed(store.signing_key().expose()),
            site: card,
        }
    }

    /// Login and password of a day, as they are read out.
    fn of_day(&self, lane: Lane, days: i32) -> Login {
        let secret = self.lanes.iter().find(|secret| secret.lane() == lane).unwrap();
        let typed = secret.credentials(self.day(days));
        Login { login: typed.login.to_string(), password: typed.password.grouped().to_string() }
    }

    fn day(&self, days: i32) -> Day {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
        self.site.zone.day_of(UtcMicros(now.try_into().unwrap())).plus_days(days).unwrap()
    }
}

#[derive(Clone)]
struct Login {
    login: String,
    password: String,
}

/// A PC with an archive that was brought to it.
struct Pc {
    folder: TempDir,
}

impl Pc {
    /// Carries an archive to a new PC.
    fn with(place: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let copied = Command::new("cp").arg("-a").arg(place).arg(folder.path().join("drive")).status();
        assert!(copied.expect("cp is everywhere").success());
        Self { folder }
    }

    fn drive(&self) -> PathBuf {
        self.folder.path().join("drive")
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// Runs the program at a clock that is off by `clock` (`+1d`), or right.
    fn listen_at(&self, clock: Option<&str>, words: &[&str], login: &Login) -> Ran {
        let mut program = match clock {
            None => Command::new(amtlisten()),
            Some(off) => {
                let mut program = Command::new("faketime");
                program.args(["-f", off]).arg(amtlisten());
                program
            }
        };
        program.arg(words[0]).arg(self.drive()).args(&words[1..]);
        program.args(["--login", &login.login, "--password-stdin"]);
        program.env("XDG_CONFIG_HOME", self.folder.path().join("settings"));
        let mut child = program
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts (faketime is of Debian's faketime)");
        // It may refuse before it reads.
        drop(writeln!(child.stdin.take().unwrap(), "{}", login.password));
        child.wait_with_output().unwrap().into()
    }

    fn listen(&self, words: &[&str], login: &Login) -> Ran {
        self.listen_at(None, words, login)
    }

    /// Every file below the drive with what it says.
    fn bytes(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        files_below(&self.drive()).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }

    /// The one file of the archive whose name begins so.
    fn file(&self, begins: &str) -> PathBuf {
        let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(begins);
        let mut found: Vec<PathBuf> = files_below(&self.drive()).into_iter().filter(name).collect();
        found.sort();
        found.pop().unwrap_or_else(|| panic!("no {begins}"))
    }

    /// Flips a bit in the middle of a file, runs, and puts it back.
    fn with_altered(&self, begins: &str, work: impl FnOnce() -> Ran) -> Ran {
        let path = self.file(begins);
        let good = fs::read(&path).unwrap();
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 1;
        fs::write(&path, bad).unwrap();
        let ran = work();
        fs::write(&path, good).unwrap();
        ran
    }
}

/// Archives what was recorded to `place`, at a clock that is off by `clock`, with logins for so many days in both lanes.
fn archived(site: &Site, clock: Option<&str>, days: u32) {
    let logins = (days * 2).to_string();
    let ran = at(clock, &["archive", "run", "--data", site.data(), "--json", "--logins", &logins]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

/// Runs the server's program at a clock that is off by `clock`.
fn at(clock: Option<&str>, words: &[&str]) -> Ran {
    let Some(off) = clock else { return run(words) };
    let faked = Command::new("faketime").args(["-f", off]).arg(super::site::amethyst()).args(words).output();
    faked.expect("faketime is of Debian's faketime").into()
}

fn has_faketime() -> bool {
    let there = Command::new("faketime").arg("--version").output().is_ok();
    if !there {
        println!("skipped: no faketime (Debian: faketime)");
    }
    there
}

/// A site that recorded `calls` calls and has a place for an archive.
fn recorded(calls: u32) -> (Site, PathBuf) {
    recorded_with_place_of(None, calls)
}

/// The same with a place that was prepared at a clock that is off by `clock`.
fn recorded_with_place_of(clock: Option<&str>, calls: u32) -> (Site, PathBuf) {
    let site = Site::new();
    let place = PathBuf::from(site.path("nas"));
    fs::create_dir(&place).unwrap();
    let path = place.to_str().unwrap();
    let words =
        ["location", "add", "--data", site.data(), "--kind", "folder", "--path", path, "--name", "nas"];
    let added = at(clock, &words);
    assert_eq!(added.code, Some(0), "{added:?}");
    record(&site, calls, 3, 0);
    (site, place)
}

/// Sound files of a folder by their names.
fn sounds(folder: &Path, end: &str) -> BTreeMap<String, Vec<u8>> {
    let wav = |path: &PathBuf| path.extension().is_some_and(|found| found == end);
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    files_below(folder).into_iter().filter(wav).map(|path| (name(&path), fs::read(&path).unwrap())).collect()
}

#[test]
fn an_archive_is_heard_without_its_server_by_the_login_of_either_lane() {
    let (site, place) = recorded(4);
    let heard = sounds(Path::new(site.export(&["--format", "wav"])), "wav");
    let (shown, keys) = (site.run("list", &["--json"]).json(), Keys::of(&site));
    archived(&site, None, 1);
    // One is the login that the server shows, the other what a helpdesk derives.
    let shown_login = site.run("daily-login", &["--for", "the auditor", "--json"]).json();
    let text = |name: &str| shown_login[name].as_str().unwrap().to_owned();
    let admin = Login { login: text("login"), password: text("password") };
    let pc = Pc::with(&place);
    let before = pc.bytes();
    // The server and the drive that it wrote to are gone.
    drop(site);
    assert!(!place.exists());
    for today in [admin, keys.of_day(Lane::Helpdesk, 0)] {
        let list = pc.listen(&["list", "--json"], &today).json();
        let of = |all: &Value, name: &str| -> Vec<String> {
            let mut texts: Vec<String> =
                all.as_array().unwrap().iter().map(|row| row[name].as_str().unwrap().to_owned()).collect();
            texts.sort();
            texts
        };
        assert_eq!((of(&list, "id"), of(&list, "reference")), (of(&shown, "id"), of(&shown, "reference")));
        let out = pc.out();
        let ran = pc.listen(&["export", "--day", "2026-11-20", "--out", out.to_str().unwrap()], &today);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let exported = sounds(&out, "wav");
        assert_eq!(exported.keys().collect::<Vec<_>>(), heard.keys().collect::<Vec<_>>());
        assert!(exported == heard && heard.len() == 4, "every sample as the server gives it");
        // What proves it: the digest of the sound, and the seal that it came from.
        let stem = heard.keys().next().unwrap().trim_end_matches(".wav");
        let sidecar: Value =
            serde_json::from_slice(&fs::read(out.join(format!("{stem}.json"))).unwrap()).unwrap();
        assert_eq!(sidecar["seal"][0]["signature"], "good", "{sidecar}");
        assert_eq!(sidecar["integrity"], "sealed and signed");
        let report: Value = serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).unwrap();
        assert_eq!(report["files"].as_array().unwrap().len(), 8, "{report}");
        fs::remove_dir_all(&out).unwrap();
    }
    let verified = pc.listen(&["verify", "--json"], &keys.of_day(Lane::Helpdesk, 0)).json();
    assert_eq!((&verified["proven"], &verified["opened"]), (&true.into(), &4.into()), "{verified}");
    assert!(pc.bytes() == before, "nothing was written to the archive");
    let refused = pc.listen(
        &["export", "--day", "2026-11-20", "--out", pc.drive().join("x").to_str().unwrap()],
        &keys.of_day(Lane::Admin, 0),
    );
    refused.refused(6, &["inside the archive", "--out"]);
    assert!(pc.bytes() == before, "nor where somebody asked for it");
}

#[test]
fn a_call_over_midnight_is_one_recording_whichever_of_its_days_is_asked_for() {
    let (site, place) = recorded(1);
    // 2026-11-20 23:59:55 in Johannesburg.
    let (start, file) = (Duration::from_secs(1_795_161_600 + 14 * 3_600 - 5), site.path("midnight.pcap"));
    let plan =
        Plan { first: 9_001, speech: Duration::from_secs(12), voice: Voice::Synthetic, ..Plan::default() };
    to_pcap(&plan, file.as_ref(), start).expect("a capture of a call");
    site.record(&[file]);
    let heard = sounds(Path::new(site.export(&["--format", "flac"])), "flac");
    let keys = Keys::of(&site);
    archived(&site, None, 1);
    let (pc, today) = (Pc::with(&place), keys.of_day(Lane::Admin, 0));
    let rows = pc.listen(&["list", "--json"], &today).json();
    let of = |row: &&Value| row["started_at_local"].as_str().unwrap().starts_with("2026-11-20T23:59:5");
    let over: Vec<Value> = rows.as_array().unwrap().iter().filter(of).cloned().collect();
    assert!(!over.is_empty(), "{rows}");
    for row in over {
        let (out, reference) = (pc.out(), row["reference"].as_str().unwrap());
        let words = ["export", reference, "--day", row["day"].as_str().unwrap(), "--format", "flac", "--out"];
        let ran = pc.listen(&[&words[..], &[out.to_str().unwrap()]].concat(), &today);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let ours = sounds(&out, "flac");
        let (name, bytes) = ours.iter().next().unwrap();
        assert!(ours.len() == 1 && heard.get(name) == Some(bytes), "{name} of {}: {row}", row["parts"]);
        println!("parts: {}", row["parts"]);
        fs::remove_dir_all(&out).unwrap();
    }
}

#[test]
fn every_login_but_todays_is_refused_with_words_of_its_own() {
    let (site, place) = recorded(1);
    let (keys, other) = (Keys::of(&site), Keys::of(&Site::new()));
    archived(&site, None, 2);
    let pc = Pc::with(&place);
    let today = keys.of_day(Lane::Admin, 0);
    let check = |login: &Login, code, words: &[&str]| pc.listen(&["list"], login).refused(code, words);
    check(&keys.of_day(Lane::Admin, 1), 4, &["not for today"]);
    check(&keys.of_day(Lane::Admin, -1), 4, &["unknown here"]);
    check(&other.of_day(Lane::Admin, 0), 4, &["unknown here"]);
    // Right by its check symbols, and not the password of this login.
    let crossed = Login { password: keys.of_day(Lane::Admin, 1).password, ..today.clone() };
    check(&crossed, 4, &["does not open"]);
    check(&Login { login: "x1234".into(), ..today.clone() }, 4, &["letter a or h"]);
    // What was misheard is told before anything else is looked at, so also before anything costs time.
    let mut misheard: Vec<char> = today.password.chars().collect();
    misheard[6] = if misheard[6] == '7' { '8' } else { '7' };
    let misheard = Login { password: misheard.into_iter().collect(), ..today.clone() };
    let told = pc.with_altered("slots-", || pc.listen(&["list"], &misheard));
    told.refused(4, &["group 2 was misheard"]);
    let loud = Login {
        login: today.login.to_uppercase(),
        password: today.password.replace('-', " ").to_lowercase(),
    };
    assert_eq!(pc.listen(&["list"], &loud).code, Some(0), "case, blanks and dashes are forgiven");
    // Taken back: central writes a new slot file.
    let path = pc.file("slots-");
    let file = SlotFile::parse(&fs::read(&path).unwrap()).unwrap();
    let mut slots = file.slots().to_vec();
    slots.iter_mut().for_each(daily_login::Slot::revoke);
    let head = daily_login::SlotHead { generation: file.head().generation + 1, ..*file.head() };
    let revoked = SlotFile::new(head, slots).unwrap();
    fs::write(path.with_file_name(revoked.file_name()), revoked.to_bytes(|text| keys.signing.sign("", text)))
        .unwrap();
    check(&today, 4, &["was revoked"]);
}

#[test]
fn whatever_was_altered_is_refused_by_its_name() {
    let (site, place) = recorded(2);
    let keys = Keys::of(&site);
    archived(&site, None, 1);
    let pc = Pc::with(&place);
    let today = keys.of_day(Lane::Admin, 0);
    for begins in ["slots-", "keyvault-", "certs-", "AMETHYST-ARCHIVE", "site.json", "day-"] {
        let ran = pc.with_altered(begins, || pc.listen(&["list", "--day", "2026-11-20"], &today));
        ran.refused(3, &[begins, "altered"]);
        assert_eq!(ran.out, "", "nothing is shown of it");
    }
    let sealed = pc.file("10");
    let name = sealed.file_name().unwrap().to_str().unwrap().to_owned();
    let out = pc.out();
    let export = ["export", "--day", "2026-11-20", "--out", out.to_str().unwrap()];
    let ran = pc.with_altered(&name, || pc.listen(&export, &today));
    ran.refused(1, &[&name, "altered"]);
    assert_eq!(sounds(&out, "wav").len(), 1, "the other one is whole");
    let judged = pc.with_altered(&name, || pc.listen(&["verify", "--json"], &today));
    assert!(judged.code == Some(1) && judged.out.contains(&name), "{judged:?}");
    // One recording under the name of another, both of them good.
    let other = files_below(sealed.parent().unwrap()).into_iter().find(|path| *path != sealed).unwrap();
    let good = fs::read(&sealed).unwrap();
    fs::copy(&other, &sealed).unwrap();
    fs::remove_dir_all(&out).unwrap();
    pc.listen(&export, &today).refused(1, &[&name, "another recording"]);
    fs::write(&sealed, good).unwrap();
    // A catalogue that was taken away, and one that is a giant.
    let list = pc.file("day-");
    let good = fs::read(&list).unwrap();
    fs::remove_file(&list).unwrap();
    pc.listen(&["list", "--day", "2026-11-20"], &today).refused(3, &["day-0001.amc is missing"]);
    fs::File::create(&list).unwrap().set_len(1 << 40).unwrap();
    pc.listen(&["list", "--day", "2026-11-20"], &today).refused(3, &["day-0001.amc is longer than"]);
    fs::write(&list, good).unwrap();
    assert_eq!(pc.listen(&["list"], &today).code, Some(0), "and as it was, it opens");
}

#[test]
fn a_clock_that_is_wrong_opens_nothing_that_is_not_of_its_day() {
    if !has_faketime() {
        return;
    }
    let (site, place) = recorded_with_place_of(Some("-1d"), 1);
    let keys = Keys::of(&site);
    // Written yesterday, with logins of yesterday and today; the drive did not come back since.
    archived(&site, Some("-1d"), 2);
    let pc = Pc::with(&place);
    let (yesterday, today) = (keys.of_day(Lane::Helpdesk, -1), keys.of_day(Lane::Helpdesk, 0));
    pc.listen(&["list"], &yesterday).refused(4, &["not for today"]);
    pc.listen_at(Some("+1d"), &["list"], &today).refused(4, &["not for today"]);
    pc.listen_at(Some("-3d"), &["list"], &yesterday).refused(5, &["clock is wrong", "was written at"]);
    assert_eq!(pc.listen(&["list"], &today).code, Some(0));
    // Yesterday's login on a clock of yesterday: this PC has seen today.
    pc.listen_at(Some("-1d"), &["list"], &yesterday).refused(5, &["clock was set back"]);
    let memory = pc.folder.path().join("settings/amtlisten/memory.json");
    let kept = fs::read_to_string(&memory).unwrap();
    fs::write(&memory, kept.replace("last_us\\\":1", "last_us\\\":0")).unwrap();
    assert_ne!(fs::read_to_string(&memory).unwrap(), kept, "the test edits what it means to");
    pc.listen(&["list"], &today).refused(3, &["was altered"]);
}

#[cfg(unix)]
#[test]
fn a_mean_location_is_read_to_its_edge_and_no_further() {
    let (site, place) = recorded(1);
    let keys = Keys::of(&site);
    archived(&site, None, 1);
    let pc = Pc::with(&place);
    let (root, today) = (pc.drive().join("AMETHYST"), keys.of_day(Lane::Admin, 0));
    for n in 0..5_000 {
        fs::write(root.join(format!("junk {n}\u{1b}[31m")), b"").unwrap();
        fs::write(root.join("keys").join(format!("junk-{n}.tmp")), b"").unwrap();
    }
    let deep = "d/".repeat(200);
    fs::create_dir_all(root.join(deep)).unwrap();
    let listed = pc.listen(&["list", "--json"], &today).json();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    // A day that leads out of the tree, to a good copy of the same day.
    fs::rename(root.join("2026-11-20"), pc.folder.path().join("outside")).unwrap();
    std::os::unix::fs::symlink("../../outside", root.join("2026-11-20")).unwrap();
    pc.listen(&["list", "--day", "2026-11-20"], &today).refused(3, &["no recordings of 2026-11-20"]);
    // A pipe in the place of a file holds nobody.
    let card = root.join("AMETHYST-ARCHIVE.json");
    fs::remove_file(&card).unwrap();
    assert!(Command::new("mkfifo").arg(&card).status().expect("mkfifo is of coreutils").success());
    pc.listen(&["list"], &today).refused(3, &["no plain file"]);
}
