//! An archive in a bucket: what holds for drives holds there, and a store that hangs, refuses or lies is told from a good one.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::archive::{archive, complete, location, record, told, whole};
use super::bucket::Bucket;
use super::site::{Ran, Site, amethyst, run};

const ROOT: &str = "site-a/AMETHYST/";

/// Writes an access key as a file of the usual form.
fn key(site: &Site, id: &str, secret: &str) -> &'static str {
    let path = site.path(&format!("{id}-{secret}.key"));
    let text = format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn add_with(site: &Site, bucket: &Bucket, key: &str, more: &[&str]) -> Ran {
    let endpoint = bucket.endpoint();
    let words = [
        "--kind",
        "s3",
        "--path",
        "s3://tower/site-a",
        "--endpoint",
        &endpoint,
        "--credentials",
        key,
        "--name",
        "archive",
    ];
    location(site, "add", &[&words[..], more].concat())
}

fn add(site: &Site, bucket: &Bucket) {
    let added = add_with(site, bucket, key(site, "full", "full-secret"), &[]);
    assert_eq!(added.code, Some(0), "{added:?}");
}

fn recordings(bucket: &Bucket) -> Vec<String> {
    bucket.objects().into_iter().filter(|name| name.contains("/rec/")).collect()
}

/// Judged from outside, and by the program from a copy.
fn whole_there(site: &Site, bucket: &Bucket) {
    let copy = tempfile::tempdir().unwrap();
    bucket.synced("site-a/", copy.path());
    whole(site, copy.path());
    let judged = run(&["verify", copy.path().to_str().unwrap()]);
    assert_eq!(judged.code, Some(0), "a copy made by any tool is an archive: {judged:?}");
}

fn begin(site: &Site) -> Child {
    Command::new(amethyst())
        .args(["archive", "run", "--data", site.data(), "--json", "--logins", "0"])
        .env("AMETHYST_STALLED_S", "4")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

fn until_copied(bucket: &Bucket, files: usize) {
    let since = Instant::now();
    while recordings(bucket).len() < files {
        assert!(since.elapsed() < Duration::from_secs(120), "the copy never began");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_was_recorded_lies_in_a_bucket_proven_and_comes_back_from_there() {
    let Some(bucket) = Bucket::new(false) else { return };
    let site = Site::new();
    add(&site, &bucket);
    record(&site, 12, 2, 0);
    assert_eq!(complete(&site)["files"], 12);
    whole_there(&site, &bucket);
    record(&site, 3, 2, 1);
    assert_eq!(complete(&site)["files"], 3);
    assert_eq!(complete(&site)["files"], 0);
    whole_there(&site, &bucket);
    let tested = location(&site, "test", &["archive", "--json"]).json();
    assert_eq!(tested["free_bytes"], Value::Null, "there is no telling: {tested}");
    let verified = archive(&site, "verify", &[]);
    assert_eq!((verified.code, &told(&verified)["recordings"]), (Some(0), &15.into()), "{verified:?}");
    let drilled = archive(&site, "drill", &["--sample", "15"]);
    assert_eq!(told(&drilled)["opened"], 15, "{drilled:?}");
    // What is not in the live store any more is played from the bucket.
    std::fs::remove_dir_all(site.path("data/live")).unwrap();
    let out = site.export(&["--format", "wav"]);
    assert_eq!(
        super::film::files_below(Path::new(out))
            .iter()
            .filter(|p| p.extension().is_some_and(|e| e == "wav"))
            .count(),
        15
    );
}

#[test]
fn one_flipped_byte_in_a_bucket_is_found_and_another_s_object_is_left_alone() {
    let Some(bucket) = Bucket::new(false) else { return };
    let site = Site::new();
    add(&site, &bucket);
    record(&site, 3, 2, 0);
    complete(&site);
    let victim = recordings(&bucket).remove(1);
    let (_, good) = bucket.get(&victim);
    let mut bytes = good.clone();
    bytes[good.len() / 2] ^= 1;
    bucket.put(&victim, &bytes);
    let verified = archive(&site, "verify", &[]);
    assert_eq!(verified.code, Some(1), "{verified:?}");
    assert!(verified.out.contains(victim.rsplit('/').next().unwrap()), "{verified:?}");
    record(&site, 1, 2, 1);
    let suspect = archive(&site, "run", &[]);
    assert!(told(&suspect)["error"].as_str().unwrap().contains("suspect"), "{suspect:?}");
    // Nothing else is wrong, so a person may trust it; a good copy takes its place, and what was bad is kept.
    let trust = || archive(&site, "verify", &["--by", "Thandi", "--reason", "the store said why"]);
    assert_eq!(trust().code, Some(1));
    assert_eq!(complete(&site)["files"], 2);
    assert!(bucket.get(&victim).1 == good);
    let kept = |name: &str| -> Vec<u8> {
        let stem = name.rsplit('/').next().unwrap().trim_end_matches(".amx");
        let all = bucket.objects();
        let aside = all.iter().find(|n| n.contains("/aside/") && n.contains(stem));
        bucket.get(aside.unwrap_or_else(|| panic!("{stem} is not kept in {all:?}"))).1
    };
    assert!(kept(&victim) == bytes);
    assert_eq!(archive(&site, "verify", &[]).code, Some(0));
    // A name that is taken by another content stays as it is, and no proof says otherwise.
    record(&site, 1, 2, 2);
    let live = super::film::files_below(Path::new(site.path("data/live")));
    let names = recordings(&bucket);
    let new =
        live.iter().find(|p| !names.iter().any(|n| n.ends_with(p.file_name().unwrap().to_str().unwrap())));
    let rest = new.unwrap().strip_prefix(site.path("data/live")).unwrap().to_str().unwrap().to_owned();
    let (day, rest) = rest.split_once('/').unwrap();
    let taken = format!("{ROOT}{day}/rec/{rest}");
    bucket.put(&taken, b"somebody else's");
    let ran = archive(&site, "run", &[]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(bucket.get(&taken).1, b"somebody else's");
    assert_eq!(archive(&site, "status", &[]).code, Some(1), "it is due");
    assert_eq!(trust().code, Some(1));
    assert_eq!(complete(&site)["files"], 1);
    assert_eq!(kept(&taken), b"somebody else's");
    assert!(bucket.get(&taken).1 == std::fs::read(new.unwrap()).unwrap());
}

#[test]
fn an_object_that_a_store_does_not_give_any_more_gets_a_good_copy_and_keeps_no_other_waiting() {
    let Some(bucket) = Bucket::new(false) else { return };
    let site = Site::new();
    add(&site, &bucket);
    record(&site, 4, 2, 0);
    complete(&site);
    let names = recordings(&bucket);
    let word = |n: usize| names[n].rsplit('/').next().unwrap().trim_end_matches(".amx").to_owned();
    for (n, how) in [(0, "frozen"), (2, "broken")] {
        bucket.be(&format!("{how}={}", word(n)));
        let verified = archive(&site, "verify", &[]);
        assert_eq!(verified.code, Some(1), "{verified:?}");
        assert!(verified.out.contains(&word(n)), "{verified:?}");
        assert_eq!(told(&archive(&site, "status", &[]))["due_files"], 1, "no more than that one");
        let trusted = archive(&site, "verify", &["--by", "Thandi", "--reason", "a rule of the bucket"]);
        assert_eq!(trusted.code, Some(1), "{trusted:?}");
        // The good copy takes its place, and what is new goes there in the same night.
        record(&site, 1, 2, u64::try_from(n).unwrap() + 1);
        assert_eq!(complete(&site)["files"], 2, "{how}");
        assert_eq!(archive(&site, "verify", &[]).code, Some(0), "{how}");
    }
    bucket.be("ok");
    whole_there(&site, &bucket);
}

#[test]
fn what_a_store_refuses_is_told_in_words() {
    let Some(bucket) = Bucket::new(false) else { return };
    let site = Site::new();
    let full = key(&site, "full", "full-secret");
    let add = |key: &str, more: &[&str]| add_with(&site, &bucket, key, more);
    add(key(&site, "full", "wrong"), &[]).refused(3, &["access key"]);
    add(key(&site, "nobody", "full-secret"), &[]).refused(3, &["access key"]);
    add(full, &["--object-lock-days", "3"]).refused(3, &["no object lock"]);
    let at = |path: &str, endpoint: &str| {
        location(
            &site,
            "add",
            &["--kind", "s3", "--path", path, "--endpoint", endpoint, "--credentials", full],
        )
    };
    at("s3://elsewhere", &bucket.endpoint()).refused(3, &["no bucket of this name"]);
    at("tower", &bucket.endpoint()).refused(3, &["s3://BUCKET"]);
    at("s3://tower", "http://127.0.0.1:1").refused(3, &["not connected"]);
    at("s3://tower", "http://192.0.2.1").refused(3, &["https://"]);
    bucket.be("overwrite");
    add(full, &[]).refused(3, &["If-None-Match"]);
    bucket.be("ok");
    assert_eq!(location(&site, "list", &["--json"]).json(), Value::Array(vec![]), "nothing was configured");
    // Nothing that the program keeps or says holds the key.
    assert_eq!(add(full, &[]).code, Some(0));
    let listed = location(&site, "list", &["--json"]);
    assert!(!listed.out.contains("secret"), "{listed:?}");
    for file in super::film::files_below(Path::new(site.data())) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(11).any(|w| w == b"full-secret"), "{}", file.display());
    }
    // Another key, once it works.
    let change = |key: &str| location(&site, "credentials", &["archive", "--credentials", key]);
    change(key(&site, "full", "old")).refused(3, &["access key"]);
    assert_eq!(change(key(&site, "nodelete", "nodelete-secret")).code, Some(0));
    record(&site, 2, 2, 0);
    bucket.be("denied");
    let denied = archive(&site, "run", &[]);
    assert!(told(&denied)["error"].as_str().unwrap().contains("no right"), "{denied:?}");
    bucket.be("slow");
    let slow = archive(&site, "run", &[]);
    assert!(told(&slow)["error"].as_str().unwrap().contains("busy"), "{slow:?}");
    bucket.be("ok");
    // A key that may not delete is a good one.
    complete(&site);
    whole_there(&site, &bucket);
    assert!(bucket.objects().contains(&format!("{ROOT}lease.json")), "the lease stays, which harms nobody");
}

#[test]
fn a_store_that_lies_about_what_it_keeps_proves_nothing() {
    let Some(bucket) = Bucket::new(false) else { return };
    let site = Site::new();
    add(&site, &bucket);
    record(&site, 3, 2, 0);
    bucket.be("mangle");
    let ran = archive(&site, "run", &[]);
    assert!(told(&ran)["error"].as_str().unwrap().contains("not what was written"), "{ran:?}");
    let status = archive(&site, "status", &[]);
    assert_eq!((status.code, &told(&status)["due_files"]), (Some(1), &3.into()), "{status:?}");
}

#[test]
fn a_store_that_hangs_or_goes_away_in_mid_copy_is_given_up_and_finished_later() {
    let Some(mut bucket) = Bucket::new(false) else { return };
    let site = Site::new();
    add(&site, &bucket);
    record(&site, 100, 5, 0);
    let child = begin(&site);
    until_copied(&bucket, 10);
    bucket.hang();
    let since = Instant::now();
    let hung = Ran::from(child.wait_with_output().unwrap());
    let error = told(&hung)["error"].as_str().unwrap().to_owned();
    assert!(error.contains("does not answer") && error.contains("stays due"), "{error}");
    assert!(since.elapsed() < Duration::from_secs(60), "somebody waited for it");
    bucket.go_on();
    let child = begin(&site);
    until_copied(&bucket, 40);
    bucket.be("drop");
    let cut = Ran::from(child.wait_with_output().unwrap());
    assert!(told(&cut)["error"].as_str().unwrap().contains("connection"), "{cut:?}");
    bucket.be("ok");
    complete(&site);
    whole_there(&site, &bucket);
    // Gone for good, another comes under its name: it is not the one.
    bucket.end();
    record(&site, 1, 2, 1);
    let away = archive(&site, "run", &[]);
    assert!(told(&away)["error"].as_str().unwrap().contains("not connected"), "{away:?}");
}

#[test]
fn killed_at_any_moment_a_run_to_a_bucket_says_nothing_false_and_the_next_completes() {
    let Some(bucket) = Bucket::new(false) else { return };
    let site = Site::new();
    add(&site, &bucket);
    record(&site, 60, 5, 0);
    bucket.be("lag=30");
    for kill in 0..5_u64 {
        let mut child = begin(&site);
        until_copied(&bucket, usize::try_from(kill * 10).unwrap());
        std::thread::sleep(Duration::from_millis(kill * 137));
        child.kill().expect("it is ours to kill");
        child.wait().unwrap();
        let due = told(&archive(&site, "status", &[]))["due_files"].as_u64().unwrap();
        let there = u64::try_from(recordings(&bucket).len()).unwrap();
        assert!(60 - due <= there, "kill {kill}: {} said to be there, {there} are", 60 - due);
    }
    bucket.be("ok");
    complete(&site);
    whole_there(&site, &bucket);
}

#[test]
fn with_an_object_lock_nobody_deletes_what_lies_there() {
    let Some(bucket) = Bucket::new(true) else { return };
    let site = Site::new();
    let full = key(&site, "full", "full-secret");
    let added =
        add_with(&site, &bucket, full, &["--object-lock-days", "3", "--object-lock-mode", "compliance"]);
    assert_eq!(added.code, Some(0), "{added:?}");
    record(&site, 2, 2, 0);
    complete(&site);
    for name in recordings(&bucket) {
        let (head, _) = bucket.get(&name);
        assert!(head.contains("x-amz-object-lock-mode: compliance"), "{head}");
        let version =
            head.lines().find_map(|l| l.strip_prefix("x-amz-version-id: ")).expect("it has versions");
        assert_eq!(bucket.delete(&name, version), 403, "{name}");
    }
    // Runs go on: what is replaced or removed there is not locked, or only hidden.
    record(&site, 1, 2, 1);
    complete(&site);
    whole_there(&site, &bucket);
    assert_eq!(archive(&site, "verify", &[]).code, Some(0));
}

#[test]
fn the_machine_is_gone_and_a_bucket_and_two_papers_are_left() {
    let Some(bucket) = Bucket::new(false) else { return };
    let (site, shares) = Site::with_shares();
    add(&site, &bucket);
    record(&site, 5, 2, 0);
    complete(&site);
    let paper = site.path("paper.txt");
    std::fs::write(paper, format!("{}\n\n{}\n", shares[0], shares[2])).unwrap();
    let (endpoint, full) = (bucket.endpoint(), key(&site, "full", "full-secret"));
    let restore = |from: &str, key: &str, to: &str| {
        let words = ["restore", "--archive", from, "--endpoint", &endpoint, "--credentials", key];
        run(&[&words[..], &["--data", site.path(to), "--share", paper, "--with-recordings"]].concat())
    };
    restore("s3://tower/site-b", full, "no").refused(3, &["holds no archive"]);
    restore("s3://tower/site-a", key(&site, "full", "wrong"), "no").refused(3, &["access key"]);
    assert!(!Path::new(site.path("no")).exists(), "nothing was begun");
    let before = bucket.objects();
    let restored = restore("s3://tower/site-a", full, "new");
    assert_eq!(restored.code, Some(0), "{restored:?}");
    assert!(restored.out.contains("Nothing is missing"), "{}", restored.out);
    let live = |of: &str| super::film::files_below(Path::new(site.path(&format!("{of}/live")))).len();
    assert_eq!((live("new"), live("data")), (5, 5));
    let checked = run(&["check", "--data", site.path("new"), "--price", "hash"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert_eq!(bucket.objects(), before, "the archive was only read");
    let left: Vec<_> =
        std::fs::read_dir(Path::new(site.path("new")).parent().unwrap()).unwrap().flatten().collect();
    assert!(
        left.iter().all(|e| !e.file_name().to_string_lossy().starts_with(".amethyst-restore")),
        "{left:?}"
    );
}
