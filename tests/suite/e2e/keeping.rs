//! How long calls are kept, as those meet it who were fined for it: one person who destroys by mistake, a rule that meets a hold, a
//! call that belongs to nobody; and what is destroyed stays destroyed, on every medium.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use amethyst_tests::calls::{Plan, Voice, to_pcap};
use amethyst_tests::https::Person;
use serde_json::{Value, json};

use super::film::files_below;
use super::serve::{Server, inside};
use super::site::{Ran, Site, amethyst, drive, run};

/// 2026-11-20 08:00:00 UTC.
const MORNING: u64 = 1_795_161_600;
const DAY: &str = "2026-11-20";
const SECRET: &str = "another battery, another horse";

fn record(site: &Site, calls: u32) {
    let file = site.path("calls.pcap");
    let plan = Plan {
        calls,
        speech: Duration::from_secs(1),
        voice: Voice::Synthetic,
        start_gap: Duration::from_millis(20),
        ..Plan::default()
    };
    to_pcap(&plan, file.as_ref(), Duration::from_secs(MORNING)).expect("a capture of calls");
    let summary = site.record(&[file]);
    assert_eq!(summary["recordings"], calls, "{summary}");
}

/// Makes a second administrator, who comes in by the link.
fn second(server: &Server, site: &Site, admin: &mut Person) -> Person {
    let user = json!({
        "name": "peter", "display": "Peter", "role": "administrator",
        "scope": { "extensions": [], "groups": [], "taps": [], "days_back": null },
    });
    let made = admin.send("POST", "/api/v1/users", &user);
    assert_eq!(made.status, 201, "{}", made.json());
    let link = run(&["user", "link", "--data", site.data(), "peter", "--json"]).json()["path"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut peter = server.person(site);
    peter.enter_by_link(&link, SECRET);
    peter
}

fn answered(person: &mut Person, path: &str, body: &Value) -> (u16, Value) {
    let answer = person.send("POST", &format!("/api/v1/keeping{path}"), body);
    (answer.status, answer.json())
}

fn keeping(person: &mut Person) -> Value {
    person.get("/api/v1/keeping").json()
}

fn audited(person: &mut Person, act: &str) -> usize {
    person.get(&format!("/api/v1/audit?act={act}")).json()["entries"].as_array().unwrap().len()
}

/// Runs a command with a password on its standard input.
fn with_password(words: &[&str], password: &str) -> Ran {
    let mut child = Command::new(amethyst())
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("it was asked for");
    writeln!(stdin, "{password}").expect("it reads");
    drop(stdin);
    child.wait_with_output().expect("it ends").into()
}

/// It ended with 0.
#[track_caller]
fn well(ran: &Ran) {
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

fn recordings(person: &mut Person) -> Vec<String> {
    let page = person.get("/api/v1/recordings").json();
    let of = |row: &Value| row["id"].as_str().unwrap().to_owned();
    page["recordings"].as_array().unwrap_or_else(|| panic!("{page}")).iter().map(of).collect()
}

#[test]
fn what_one_administrator_decides_destroys_nothing_and_what_is_held_stays() {
    if !inside("keeping", "what_one_administrator_decides_destroys_nothing_and_what_is_held_stays") {
        return;
    }
    let site = Site::new();
    record(&site, 4);
    let (server, mut admin) = Server::signed_in(&site);
    let mut peter = second(&server, &site, &mut admin);

    // "Retention one day", by one administrator.
    let class = json!({ "put": { "name": "all", "min_days": 0, "max_days": 1, "which": {} } });
    let (status, preview) = answered(&mut admin, "/preview", &class);
    assert_eq!(
        (status, &preview["affected"]),
        (200, &json!(4)),
        "it is said before anybody decides: {preview}"
    );
    let (status, change) = answered(&mut admin, "/changes", &class);
    assert_eq!((status, &change["state"]), (201, &json!("proposed")), "{change}");
    let confirm = format!("/changes/{}/confirm", change["id"]);
    let (status, refused) = answered(&mut admin, &confirm, &json!({}));
    assert_eq!(status, 409, "one person is not two: {refused}");
    let (status, refused) = answered(
        &mut admin,
        "/destructions",
        &json!({ "day": DAY, "recording": null, "order": false, "reason": "old" }),
    );
    assert!(status == 409 && refused["detail"].as_str().unwrap().contains("not over"), "{refused}");
    let (status, change) = answered(&mut peter, &confirm, &json!({}));
    assert_eq!((status, &change["state"]), (200, &json!("confirmed")), "{change}");
    let told = keeping(&mut peter);
    assert_eq!(told["classes"], json!([]), "not before 14 days are over: {told}");
    let (status, _refused) = answered(
        &mut peter,
        "/destructions",
        &json!({ "day": DAY, "recording": null, "order": false, "reason": "old" }),
    );
    assert_eq!(status, 409);
    assert_eq!(recordings(&mut admin).len(), 4);

    // An order of two meets a hold, also one whose calls nobody of the site took part in.
    let hold = json!({ "which": {}, "reason": "case 12", "owner": "the lawyers", "review": "2027-01-31" });
    let (status, hold) = answered(&mut peter, "/holds", &hold);
    assert_eq!(status, 201, "{hold}");
    let wanted = json!({ "day": DAY, "recording": null, "order": true, "reason": "a mistake" });
    let (status, order) = answered(&mut admin, "/destructions", &wanted);
    assert_eq!((status, &order["state"]), (201, &json!("asked")), "{order}");
    let confirm = format!("/destructions/{}/confirm", order["id"]);
    let (status, own) = answered(&mut admin, &confirm, &json!({}));
    assert_eq!(status, 409, "one person is not two: {own}");
    let (status, blocked) = answered(&mut peter, &confirm, &json!({}));
    assert!(
        status == 409 && blocked["detail"].as_str().unwrap().contains("4 recordings are held"),
        "{blocked}"
    );
    assert_eq!(audited(&mut admin, "retention-blocked"), 1);
    let id = recordings(&mut admin).remove(0);
    assert_eq!(admin.get(&format!("/api/v1/recordings/{id}/audio")).status, 200, "it is heard as before");
    let said = server.end();
    assert!(said.contains("recordings that are held: they stay"), "the alarm is told: {said}");

    // Through a start, with the command line: the same.
    let list = run(&["policy", "list", "--data", site.data(), "--json"]).json();
    assert_eq!(list[0]["state"], "confirmed", "{list}");
    let dry = run(&["shred", "--data", site.data(), "--day", DAY, "--dry-run", "--json"]);
    assert_eq!(dry.code, Some(1), "{dry:?}");
    let number = order["id"].to_string();
    let words = [
        "shred",
        "--data",
        site.data(),
        "--confirm",
        &number,
        "--user",
        "peter",
        "--password-stdin",
        "--json",
    ];
    let wrong = with_password(&words, "guessed");
    wrong.refused(4, &["name, password or code is not right"]);
    let held = with_password(&words, SECRET);
    assert_eq!(
        (held.code, serde_json::from_str::<Value>(&held.out).unwrap()["held"].as_u64()),
        (Some(1), Some(4)),
        "{held:?}"
    );
    well(&run(&["check", "--data", site.data()]));
}

#[test]
fn a_day_that_two_ordered_to_be_destroyed_is_gone_here_and_from_each_medium() {
    if !inside("keeping", "a_day_that_two_ordered_to_be_destroyed_is_gone_here_and_from_each_medium") {
        return;
    }
    let (site, shelf) = (Site::new(), drive());
    record(&site, 3);
    let path = shelf.path().to_str().unwrap();
    let words =
        ["location", "add", "--data", site.data(), "--kind", "folder", "--path", path, "--name", "archive"];
    let added = run(&[&words[..], &["--label", "Drive A", "--lies-in", "the safe"]].concat());
    well(&added);
    let archive = || run(&["archive", "run", "--data", site.data(), "--logins", "0", "--json"]);
    for _night in 0..2 {
        well(&archive());
    }
    assert_eq!(vaults(shelf.path()), 2, "a generation of vaults each night");
    let (server, mut admin) = Server::signed_in(&site);
    let mut peter = second(&server, &site, &mut admin);
    let ids = recordings(&mut admin);

    // One alone first: its neighbours are heard.
    let one = json!({ "day": null, "recording": ids[0], "order": true, "reason": "asked for by the caller" });
    let (_, order) = answered(&mut admin, "/destructions", &one);
    let (status, done) = answered(&mut peter, &format!("/destructions/{}/confirm", order["id"]), &json!({}));
    assert_eq!(
        (status, &done["state"], &done["media"][0]["done_at"]),
        (200, &json!("done"), &Value::Null),
        "{done}"
    );
    let audio = |person: &mut Person, id: &str| person.get(&format!("/api/v1/recordings/{id}/audio"));
    let gone = audio(&mut admin, &ids[0]);
    assert_eq!((gone.status, &gone.json()["type"]), (410, &json!("about:amethyst/destroyed")));
    assert_eq!(audio(&mut admin, &ids[1]).status, 200);
    server.end();

    let pending = run(&["shred", "--list", "--data", site.data()]);
    assert!(pending.out.contains("pending on Drive A (lies in the safe)"), "{pending:?}");
    well(&archive());
    assert_eq!(
        (vaults(shelf.path()), sealed(shelf.path())),
        (1, 2),
        "its file and the older vaults left the medium"
    );
    let verified = run(&["verify", path]);
    assert_eq!(verified.code, Some(0), "the log says why one is not there: {verified:?}");

    // Now the whole day, on the command line.
    let shred = |words: &[&str], user: &str, password: &str| {
        let all = ["shred", "--data", site.data(), "--user", user, "--password-stdin", "--json"];
        with_password(&[&all[..], words].concat(), password)
    };
    let order = shred(&["--day", DAY, "--order", "--reason", "order 7"], "peter", SECRET).json();
    let number = order["number"].to_string();
    shred(&["--confirm", &number], "peter", SECRET).refused(4, &["second person"]);
    let done = shred(&["--confirm", &number], "admin", super::serve::PASSWORD).json();
    assert_eq!((&done["state"], &done["recordings"]), (&json!("done"), &json!(2)), "{done}");
    assert_eq!(files_below(&Path::new(site.data()).join("live")).len(), 0);
    well(&run(&["check", "--data", site.data()]));
    let out = site.path("out");
    let export = run(&["export", "--data", site.data(), "--out", out, "--id", &ids[1]]);
    assert!(export.code != Some(0) && export.err.contains("destroyed on purpose"), "{export:?}");
    well(&archive());
    assert_eq!((vaults(shelf.path()), sealed(shelf.path())), (1, 2), "what lies there is noise now");
    let list = run(&["shred", "--list", "--data", site.data(), "--json"]).json();
    assert!(list.as_array().unwrap().iter().all(|row| row["media"][0]["done_at_us"].is_u64()), "{list}");
    assert_eq!(run(&["verify", path]).code, Some(0));
    assert_eq!(run(&["log", "check", "--data", site.data()]).code, Some(0));
    fs::remove_dir_all(shelf.path().join("AMETHYST")).expect("a disk");
}

/// Vaults of keys on a medium.
fn vaults(root: &Path) -> usize {
    files_below(root).iter().filter(|path| path.extension().is_some_and(|e| e == "amv")).count()
}

/// Sealed recordings on a medium.
fn sealed(root: &Path) -> usize {
    let is_one = |path: &&std::path::PathBuf| {
        path.to_str().is_some_and(|text| text.contains("/rec/"))
            && path.extension().is_some_and(|e| e == "amx")
    };
    files_below(root).iter().filter(is_one).count()
}
