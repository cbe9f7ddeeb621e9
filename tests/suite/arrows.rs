//! The arrows: which crate may name which. A new arrow is drawn here and in ARCHITECTURE.md in the same commit.
//!
//! Most promises of the design are held by absence: the recorder cannot open a socket it cannot name, nobody reorders
//! file and row but the one crate that knows both.

use super::workspace::{Package, packages};

/// Who may name whom, besides `shared`, which all may name and which names nobody.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("shared", &[]),
    ("audio", &[]),
    ("seal", &[]),
    ("archive", &["seal"]),
    ("daily-login", &[]),
    ("playback", &["audio", "seal"]),
    ("api", &[]),
    ("telephony", &[]),
    ("capture", &["telephony"]),
    ("store", &[]),
    ("catalogue", &[]),
    ("vault", &["archive", "catalogue", "seal", "store"]),
    ("recorder", &["seal", "telephony", "vault"]),
    ("transfer", &["archive", "seal", "vault"]),
    ("archiver", &["archive", "daily-login", "seal", "store", "vault"]),
    // The doors never name telephony or the recorder: what goes on now comes through the trait `web::Host`.
    ("web", &["api", "audio", "playback", "seal", "vault"]),
    // The program wires everything: telephony for the engine that it runs, audio for what `export` writes, archive for the
    // site's card and certificates, daily-login for what a person is shown. It reaches store and catalogue through the vault alone.
    (
        "server",
        &[
            "api",
            "archive",
            "archiver",
            "audio",
            "capture",
            "daily-login",
            "playback",
            "recorder",
            "seal",
            "telephony",
            "transfer",
            "vault",
            "web",
        ],
    ),
    // The listener's program stands on the formats alone: no crate of the server's.
    ("listener-app", &["archive", "audio", "daily-login", "playback", "seal"]),
    // The bench speaks to the product as a stranger does: over sockets, files and the command line. It reads sealed
    // files and archives with the crates that own the formats, and never looks behind the vault. Its tests name transfer, too:
    // what a captured satellite does is done with a satellite's own words; and daily-login: a login is made as a helpdesk makes it.
    ("tests", &["archive", "audio", "seal", "telephony"]),
];

/// Names of crates that would bring sockets, files of their own or a runtime into a crate that must not have them.
const RUNTIMES: &[&str] =
    &["tokio", "async-std", "smol", "mio", "socket2", "reqwest", "hyper", "rustix", "nix", "libc"];

fn allowed(name: &str) -> Option<&'static [&'static str]> {
    MAY_NAME.iter().find(|(crate_name, _)| *crate_name == name).map(|(_, may)| *may)
}

/// Every arrow that nobody drew, as a sentence.
fn undrawn_arrows(packages: &[Package]) -> Vec<String> {
    let mut faults = Vec::new();
    for p in packages {
        let Some(may) = allowed(&p.name) else {
            faults.push(format!("{} ({}) is not in the list of arrows", p.name, p.folder.display()));
            continue;
        };
        for n in p.names.iter().filter(|n| *n != "shared" && !may.contains(&n.as_str())) {
            faults.push(format!("{} names {n}: no such arrow", p.name));
        }
    }
    faults
}

fn who_names(target: &str) -> Vec<String> {
    packages().into_iter().filter(|p| p.names.iter().any(|n| n == target)).map(|p| p.name).collect()
}

fn package(name: &str) -> Package {
    packages().into_iter().find(|p| p.name == name).unwrap_or_else(|| panic!("no crate {name}"))
}

#[test]
fn no_crate_draws_an_arrow_that_is_not_in_the_list() {
    assert_eq!(undrawn_arrows(&packages()), Vec::<String>::new());
}

#[test]
fn an_arrow_that_nobody_drew_is_found() {
    let stranger = |name: &str, names: &[&str]| Package {
        name: name.to_owned(),
        folder: name.into(),
        names: names.iter().map(|&n| n.to_owned()).collect(),
        names_in_tests: Vec::new(),
        foreign: Vec::new(),
    };
    assert_eq!(
        undrawn_arrows(&[stranger("recorder", &["capture", "shared"])]),
        ["recorder names capture: no such arrow"]
    );
    assert_eq!(undrawn_arrows(&[stranger("shared", &["seal"])]), ["shared names seal: no such arrow"]);
    assert_eq!(
        undrawn_arrows(&[stranger("newcomer", &[])]),
        ["newcomer (newcomer) is not in the list of arrows"]
    );
}

#[test]
fn every_crate_of_the_list_exists() {
    let have: Vec<String> = packages().into_iter().map(|p| p.name).collect();
    for (name, _) in MAY_NAME {
        assert!(have.iter().any(|h| h == name), "{name} is in the list of arrows but not in the workspace");
    }
}

#[test]
fn an_arrow_that_the_product_does_not_use_is_erased() {
    for p in packages().iter().filter(|p| p.name != "tests") {
        for may in allowed(&p.name).unwrap_or_default() {
            assert!(
                p.names.iter().any(|n| n == may),
                "{} may name {may} and does not: erase the arrow",
                p.name
            );
        }
    }
}

#[test]
fn shared_names_nobody() {
    assert_eq!(package("shared").names, Vec::<String>::new());
}

#[test]
fn the_recorder_never_names_capture() {
    assert_eq!(who_names("capture"), ["server"]);
}

#[test]
fn what_is_captured_and_sealed_is_never_decoded_on_the_way() {
    assert_eq!(who_names("audio"), ["listener-app", "playback", "server", "web"]);
}

#[test]
fn nobody_but_the_vault_names_the_catalogue_and_but_the_archiver_the_store() {
    assert_eq!(who_names("catalogue"), ["vault"]);
    assert_eq!(who_names("store"), ["archiver", "vault"]);
}

#[test]
fn no_crate_tests_itself_through_a_crate_above_it() {
    // A test may use what its crate may use, and what lies below that; an upward arrow in a test is still an arrow.
    let reachable = |start: &str| {
        let mut seen: Vec<&str> = vec!["shared"];
        let mut todo: Vec<&str> = allowed(start).unwrap_or_default().to_vec();
        while let Some(next) = todo.pop() {
            if !seen.contains(&next) {
                seen.push(next);
                todo.extend(allowed(next).unwrap_or_default());
            }
        }
        seen
    };
    for p in packages().iter().filter(|p| p.name != "tests") {
        let below = reachable(&p.name);
        for n in p.names_in_tests.iter().filter(|n| **n != p.name) {
            assert!(below.contains(&n.as_str()), "the tests of {} name {n}, which is not below it", p.name);
        }
    }
}

#[test]
fn the_pure_crates_bring_no_sockets_and_no_runtime() {
    for p in packages().iter().filter(|p| p.folder.starts_with("shared") || p.name == "telephony") {
        for n in RUNTIMES {
            assert!(
                !p.foreign.iter().any(|f| f == n),
                "{} names {n}: the crates under shared/ and telephony do no I/O",
                p.name
            );
        }
    }
}

#[test]
fn sql_is_spoken_in_the_catalogue_only() {
    for p in packages().iter().filter(|p| p.name != "catalogue") {
        for sql in ["sqlx", "sqlx-core", "sqlx-sqlite", "libsqlite3-sys", "rusqlite"] {
            assert!(
                !p.foreign.iter().any(|f| f == sql),
                "{} names {sql}: all SQL lives in the catalogue",
                p.name
            );
        }
    }
}
