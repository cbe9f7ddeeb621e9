//! The manners of the house that a machine can hold. The rest is in CONTRIBUTING.md and in the eye of the reader.

use std::path::{Path, PathBuf};

use super::workspace::{packages, root, tracked_files};

/// Lines after which a file is no longer read but searched. No law of beauty: the one file that grows must be carved.
const LINES_MAX: usize = 1_000;

fn text(file: &Path) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

fn rust_files() -> Vec<PathBuf> {
    let files: Vec<PathBuf> =
        tracked_files().into_iter().filter(|f| f.extension().is_some_and(|e| e == "rs")).collect();
    assert!(files.len() > 20, "only {} Rust files found: the search is broken", files.len());
    files
}

#[test]
fn every_file_greets_its_reader() {
    // A fuzz target begins with an attribute of the compiler; the greeting comes right after it.
    let greets = |f: &Path| {
        text(f).lines().find(|l| !l.starts_with("#!") && !l.is_empty()).is_some_and(|l| l.starts_with("//!"))
    };
    let silent: Vec<PathBuf> = rust_files().into_iter().filter(|f| !greets(f)).collect();
    assert_eq!(
        silent,
        Vec::<PathBuf>::new(),
        "these files do not begin with `//!`: what they are, are not, what must hold"
    );
}

#[test]
fn no_file_is_too_long_to_be_read() {
    for f in rust_files() {
        let lines = text(&f).lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines: carve it", f.display());
    }
}

#[test]
fn every_crate_inherits_the_lints_of_the_house() {
    for p in packages() {
        let manifest = text(&p.folder.join("Cargo.toml"));
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{}: no [lints] workspace = true",
            p.folder.display()
        );
        assert!(
            !manifest.contains("version = \""),
            "{}: versions are kept in the root Cargo.toml",
            p.folder.display()
        );
    }
}

#[test]
fn no_test_is_switched_off() {
    let mark = ["#[", "ignore"].concat();
    for f in rust_files() {
        let off = text(&f).lines().any(|l| l.trim_start().starts_with(&mark));
        assert!(
            !off,
            "{}: a test that is never run proves nothing; let it say `skipped:` and why",
            f.display()
        );
    }
}

#[test]
fn the_makefile_lists_its_targets() {
    let makefile = text(Path::new("Makefile"));
    for target in ["demo", "test", "lint", "bench", "fuzz", "installers"] {
        assert!(
            makefile.lines().any(|l| l.starts_with(&format!("{target}: ## "))),
            "make {target} is missing or has no `## ` description"
        );
    }
    let ci = text(Path::new(".ci/run"));
    assert!(ci.contains("\nmake lint\n") && ci.contains("\nmake test\n"), ".ci/run runs both lint and test");
}

#[test]
fn every_fuzz_target_is_listed_so_that_it_is_run() {
    let folder = Path::new("tests/fuzz/fuzz_targets");
    let manifest = text(Path::new("tests/fuzz/Cargo.toml"));
    let targets: Vec<PathBuf> = rust_files().into_iter().filter(|f| f.starts_with(folder)).collect();
    for name in targets.iter().filter_map(|f| f.file_stem()?.to_str()) {
        assert!(
            manifest.contains(&format!("name = \"{name}\"")),
            "tests/fuzz/Cargo.toml has no [[bin]] for {name}"
        );
    }
    assert_eq!(manifest.matches("\n[[bin]]").count(), targets.len(), "a [[bin]] without its file");
}

#[test]
fn the_code_map_names_every_crate() {
    let map = text(Path::new("ARCHITECTURE.md"));
    for p in packages() {
        let folder = format!("`{}/`", p.folder.display());
        assert!(map.contains(&folder), "ARCHITECTURE.md does not name {folder}");
    }
    assert!(map.matches("**Architecture Invariant:**").count() >= 5, "ARCHITECTURE.md states what must hold");
}

#[test]
fn relative_links_of_the_documents_lead_somewhere() {
    let mut dead = Vec::new();
    for f in tracked_files().into_iter().filter(|f| f.extension().is_some_and(|e| e == "md")) {
        let folder = root().join(f.parent().unwrap_or_else(|| Path::new("")));
        for link in text(&f).split("](").skip(1).filter_map(|s| s.split(')').next()) {
            let path = link.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
                continue;
            }
            if !folder.join(path).exists() {
                dead.push(format!("{}: {link}", f.display()));
            }
        }
    }
    assert_eq!(dead, Vec::<String>::new());
}
