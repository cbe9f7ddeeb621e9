//! The laws of the folders without I/O: the three `clippy.toml` files are complete, and they bite.

use std::path::Path;
use std::process::Command;

use super::workspace::root;

const LAWFUL: [&str; 3] = ["clippy.toml", "shared/clippy.toml", "server/telephony/clippy.toml"];

fn law(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from).and_then(|(_, rest)| rest.split_once(to)).map_or("", |(inside, _)| inside)
}

#[test]
fn the_nearest_law_wins_whole_so_each_repeats_the_common_part() {
    let common = law(LAWFUL[0]);
    let common = between(&common, "# - common\n", "# - end of common");
    assert!(common.len() > 100, "the common part was not found");
    for file in &LAWFUL[1..] {
        let text = law(file);
        assert_eq!(between(&text, "# - common\n", "# - end of common"), common, "{file}");
        assert!(text.contains("std::thread::spawn"), "{file}: repeats the ban of unnamed threads");
    }
}

#[test]
fn both_folders_live_under_the_same_law() {
    let body = |file| law(file).split_once("# - end of common").map(|(_, rest)| rest.to_owned());
    assert_eq!(body(LAWFUL[1]), body(LAWFUL[2]));
}

/// Code that breaks the law once per line; clippy must find each.
const OUTLAW: &str = "//! Breaks every law.\n\
    /// .\npub fn clock() -> std::time::Instant { std::time::Instant::now() }\n\
    /// .\npub fn day() -> std::time::SystemTime { std::time::SystemTime::now() }\n\
    /// .\npub fn file() { drop(std::fs::read(\"x\")); }\n\
    /// .\npub fn open(f: std::fs::File) { drop(f) }\n\
    /// .\npub fn socket(s: std::net::UdpSocket) { drop(s) }\n\
    /// .\npub fn env() { drop(std::env::var(\"X\")); }\n\
    /// .\npub fn process() { std::process::exit(1) }\n\
    /// .\npub fn named() { drop(std::thread::Builder::new().spawn(|| ())); }\n\
    /// .\npub fn unnamed() { drop(std::thread::spawn(|| ())); }\n";

fn warnings_of(law: &str, home: &Path) -> Option<String> {
    std::fs::create_dir_all(home.join("src")).unwrap();
    std::fs::write(home.join("clippy.toml"), law).unwrap();
    std::fs::write(home.join("src/lib.rs"), OUTLAW).unwrap();
    let manifest = "[package]\nname = \"outlaw\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
    std::fs::write(home.join("Cargo.toml"), manifest).unwrap();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let out = Command::new(cargo)
        .args(["clippy", "--offline", "--quiet"])
        .current_dir(home)
        .env("CARGO_TARGET_DIR", home.join("target"))
        .env_remove("RUSTFLAGS")
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    if said.contains("no such command") || said.contains("is not installed") {
        println!("skipped: clippy is not installed (rustup component add clippy)");
        return None;
    }
    Some(said)
}

#[test]
fn the_law_of_the_pure_folders_bites() {
    let home = tempfile::tempdir().unwrap();
    let Some(said) = warnings_of(&law(LAWFUL[1]), home.path()) else { return };
    for outlawed in [
        "std::time::Instant::now",
        "std::time::SystemTime::now",
        "std::fs::read",
        "std::fs::File",
        "std::net::UdpSocket",
        "std::env::var",
        "std::process::exit",
        "std::thread::Builder::spawn",
        "std::thread::spawn",
    ] {
        assert!(said.contains(&format!("`{outlawed}`")), "{outlawed} is not caught:\n{said}");
    }
    assert!(!said.contains("error reading Clippy"), "the law itself is faulty:\n{said}");
}

#[test]
fn elsewhere_only_unnamed_threads_are_caught() {
    let home = tempfile::tempdir().unwrap();
    let Some(said) = warnings_of(&law(LAWFUL[0]), home.path()) else { return };
    assert!(said.contains("`std::thread::spawn`"), "{said}");
    assert_eq!(said.matches("use of a disallowed").count(), 1, "{said}");
}
