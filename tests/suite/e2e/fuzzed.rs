//! The interface, asked by somebody who knows only its description: schemathesis makes requests that fit it and requests that do
//! not, follows answers into further requests, and holds every answer against what was promised.
//!
//! Runs where schemathesis is installed (`pipx install schemathesis`), and says so where it is not.

use std::process::{Command, Stdio};

use super::serve::{Server, inside};
use super::site::{Site, genpcap};

#[test]
fn no_request_that_fits_the_description_or_does_not_brings_out_a_fault() {
    let version = Command::new("schemathesis").arg("--version").stderr(Stdio::null()).output();
    if !version.is_ok_and(|told| told.status.success()) {
        println!("skipped: schemathesis is not installed (pipx install schemathesis)");
        return;
    }
    if !inside("fuzzed", "no_request_that_fits_the_description_or_does_not_brings_out_a_fault") {
        return;
    }
    let site = Site::new();
    // Something to be found, so that the answers are more than refusals.
    let pcap = site.path("calls.pcap");
    if genpcap(&["gen", pcap, "--calls", "2", "--secs", "5"]).is_some_and(|made| made.code == Some(0)) {
        site.record(&[pcap]);
    }
    let (server, admin) = Server::signed_in(&site);
    let base = format!("https://{}", server.address);
    let mut asker = Command::new("schemathesis");
    asker.args(["run", &format!("{base}/api/v1/openapi.json"), "--url", &base, "--tls-verify=false"]);
    for proof in admin.proofs() {
        asker.args(["-H", &proof]);
    }
    asker.args(["--generation-with-security-parameters=false", "--generation-deterministic", "--no-color"]);
    asker.args(["--phases=coverage,fuzzing,stateful", "--max-examples=10", "--suppress-health-check=all"]);
    // A description does not say all that makes a value acceptable, such as that an agent has an extension; and whoever
    // leaves If-Match out is told so by 428, which the second check does not know. That strangers pass no door is held by the
    // tests of the doors; asked so fast, the sign-in answers 429 before it comes to that.
    // And a user who is removed stays as a name that can do nothing, since the audit log speaks of them.
    let beyond = "positive_data_acceptance,missing_required_header,ignored_auth,use_after_free";
    asker.args(["--exclude-checks", beyond, "--max-time=40"]);
    // What ends the asker's own session, and streams that do not end.
    let ending = ["/sign-out", "/me/sessions/{id}", "/users/{id}/sessions", "/users/{id}/sessions/{session}"];
    for path in ending.iter().chain(&["/users/{id}/totp", "/live", "/live/{id}/audio"]) {
        asker.args(["--exclude-path", &format!("/api/v1{path}")]);
    }
    let asked = asker.current_dir(site.path("")).stdin(Stdio::null()).output().expect("schemathesis starts");
    let told = String::from_utf8_lossy(&asked.stdout).into_owned() + &String::from_utf8_lossy(&asked.stderr);
    println!("{told}");
    assert!(asked.status.success(), "{told}");
    server.end();
}
