//! The transparency log as an auditor meets it: a proof kept with a sealed file, a checkpoint kept elsewhere, and what each
//! notices.

use std::fs;
use std::time::Duration;

use amethyst_tests::calls::{Plan, Voice, to_pcap};

use super::film::files_below;
use super::site::{Ran, Site, run};

/// 2026-11-20 08:00:00 UTC.
const MORNING: Duration = Duration::from_secs(1_795_161_600);

fn calls(site: &Site, calls: u32, name: &str) -> &'static str {
    let file = site.path(name);
    let plan = Plan { calls, speech: Duration::from_secs(1), voice: Voice::Synthetic, ..Plan::default() };
    to_pcap(&plan, file.as_ref(), MORNING).expect("a capture of calls");
    file
}

/// Runs `amethyst log` with these words and this site's data folder.
fn log(site: &Site, command: &str, words: &[&str]) -> Ran {
    let mut all = vec!["log", command, "--data", site.data()];
    all.extend_from_slice(words);
    run(&all)
}

fn ids(site: &Site) -> Vec<String> {
    let listed = site.run("list", &["--json"]).json();
    let rows = listed.as_array().cloned().unwrap_or_else(|| listed["recordings"].as_array().unwrap().clone());
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_recording_is_proven_and_only_by_its_own_file() {
    let site = Site::new();
    site.record(&[calls(&site, 3, "calls.pcap")]);
    let files = files_below(site.path("data/live").as_ref());
    let sealed: Vec<_> =
        files.into_iter().filter(|path| path.extension().is_some_and(|e| e == "amx")).collect();
    assert_eq!(sealed.len(), 3, "{sealed:?}");
    let public = site.path("data/site");
    let mut matched = 0;
    for id in ids(&site) {
        let proof = log(&site, "prove", &[&id]).out;
        let kept = site.path("proof.txt");
        fs::write(kept, &proof).unwrap();
        // Without the data folder: the proof, the certificates and the file are enough.
        for file in &sealed {
            let file = file.to_str().unwrap();
            let out = run(&["log", "verify", kept, "--site", public, "--recording", file, "--json"]);
            let told: serde_json::Value = serde_json::from_str(&out.out).unwrap();
            matched += usize::from(out.code == Some(0));
            assert_eq!(told["holds"], out.code == Some(0), "{out:?}");
            assert_eq!(told["recording_id"], id.as_str());
        }
        let altered = proof.replacen("index ", "index 1", 1);
        fs::write(kept, altered).unwrap();
        assert_eq!(run(&["log", "verify", kept, "--site", public]).code, Some(1));
    }
    assert_eq!(matched, 3, "each file is that of one proof");
}

#[test]
fn a_log_that_goes_on_continues_its_checkpoint_and_a_changed_one_does_not() {
    let site = Site::new();
    site.record(&[calls(&site, 2, "first.pcap")]);
    let kept = site.path("checkpoint.txt");
    fs::write(kept, log(&site, "checkpoint", &[]).out).unwrap();
    site.record(&[calls(&site, 3, "second.pcap")]);
    let report = log(&site, "verify", &[kept, "--json"]).json();
    assert_eq!((&report["holds"], &report["leaves"]), (&true.into(), &2.into()), "{report}");
    assert_eq!(log(&site, "check", &["--json"]).json()["leaves"], 5);

    // Somebody takes the log away: it is told, nothing is signed, and calls are recorded all the same.
    fs::remove_dir_all(site.path("data/log")).unwrap();
    let ran = site.run("record", &["--pcap", calls(&site, 1, "third.pcap")]);
    assert!(ran.err.contains("transparency log"), "{ran:?}");
    assert_eq!(ids(&site).len(), 6, "{ran:?}");
    let ran = log(&site, "verify", &[kept]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("does not continue"), "{ran:?}");
    assert_eq!(log(&site, "check", &[]).code, Some(1));
    assert_ne!(log(&site, "checkpoint", &[]).code, Some(0));
}
