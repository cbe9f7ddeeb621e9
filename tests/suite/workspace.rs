//! What `cargo metadata` says of this workspace, and where its files are.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// The project's root folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root")
}

/// A package and the packages of this workspace that it may use.
#[derive(Debug)]
pub(crate) struct Package {
    /// Name without the `amethyst-` before it: `seal`.
    pub(crate) name: String,
    /// Folder, relative to the root.
    pub(crate) folder: PathBuf,
    /// Our own packages that its code names (not in tests, not in build scripts), short names.
    pub(crate) names: Vec<String>,
    /// Our own packages that only its tests name.
    pub(crate) names_in_tests: Vec<String>,
    /// Packages from elsewhere that its code names.
    pub(crate) foreign: Vec<String>,
}

/// All packages of the workspace, sorted by name.
pub(crate) fn packages() -> Vec<Package> {
    let meta = metadata(&["--no-deps"]);
    let mut all: Vec<Package> = list(&meta["packages"]).iter().map(package).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!all.is_empty(), "cargo metadata lists no package");
    all
}

/// Everything that is built for Linux, with licences and sources; dependencies included.
pub(crate) fn everything() -> &'static Value {
    static ALL: OnceLock<Value> = OnceLock::new();
    ALL.get_or_init(|| metadata(&["--filter-platform", "x86_64-unknown-linux-gnu"]))
}

/// The members of a JSON list; empty if it is none.
pub(crate) fn list(v: &Value) -> &[Value] {
    v.as_array().map_or(&[], Vec::as_slice)
}

/// The files that git tracks, or those on disk that it would, relative to the root.
pub(crate) fn tracked_files() -> Vec<PathBuf> {
    let out = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git runs: the suite is part of a clone");
    assert!(out.status.success(), "git ls-files: {}", String::from_utf8_lossy(&out.stderr));
    let names = String::from_utf8(out.stdout).expect("our file names are plain");
    names.lines().map(PathBuf::from).filter(|f| root().join(f).is_file()).collect()
}

fn metadata(args: &[&str]) -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let out = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(args)
        .current_dir(root())
        .output()
        .expect("cargo runs: it started this test");
    assert!(out.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).expect("cargo metadata speaks JSON")
}

fn package(p: &Value) -> Package {
    let manifest = Path::new(p["manifest_path"].as_str().expect("a package has a manifest"));
    let folder = manifest.parent().expect("a manifest lies in a folder");
    let of_kind = |kind: Option<&str>, ours: bool| -> Vec<String> {
        let mut names: Vec<String> = list(&p["dependencies"])
            .iter()
            .filter(|d| d["kind"].as_str() == kind && d["path"].is_string() == ours)
            .map(|d| short(d["name"].as_str().expect("a dependency has a name")))
            .collect();
        names.sort();
        names.dedup();
        names
    };
    Package {
        name: short(p["name"].as_str().expect("a package has a name")),
        folder: folder.strip_prefix(root()).unwrap_or(folder).to_path_buf(),
        names: of_kind(None, true),
        names_in_tests: of_kind(Some("dev"), true),
        foreign: of_kind(None, false),
    }
}

fn short(name: &str) -> String {
    name.strip_prefix("amethyst-").unwrap_or(name).to_owned()
}
