//! A throw-away site and the program `amethyst`, driven as a person would: by its command line.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::workspace::root;

/// The program: the one that `AMETHYST_PROGRAM` names, else built once with the profile of this test.
pub(crate) fn amethyst() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let named = || std::env::var_os("AMETHYST_PROGRAM").map(PathBuf::from);
    BUILT.get_or_init(|| named().unwrap_or_else(|| built("amethyst-server", "amethyst")))
}

/// Builds one program of the workspace and returns its path.
pub(crate) fn built(package: &str, program: &str) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .args(["build", "--locked", "-p", package, "--bin", program, "--message-format=json"])
        .current_dir(root());
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let out = build.output().expect("cargo runs: it started this test");
    assert!(out.status.success(), "building {program}: {}", String::from_utf8_lossy(&out.stderr));
    let lines = String::from_utf8(out.stdout).expect("cargo speaks JSON");
    let messages = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let path = messages.filter_map(|m| m["executable"].as_str().map(PathBuf::from)).next_back();
    path.unwrap_or_else(|| panic!("cargo built no program {program}"))
}

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Its exit code; `None` after a signal.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Ran {
    /// Returns standard output as JSON; the run must have ended well.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "out: {}\nerr: {}", self.out, self.err);
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("no JSON ({e}): {}", self.out))
    }

    /// Asserts the exit code and that standard error says each of `words`.
    pub(crate) fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "out: {}\nerr: {}", self.out, self.err);
        for word in words {
            assert!(self.err.contains(word), "`{word}` is missing in: {}", self.err);
        }
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Runs the program with these words.
pub(crate) fn run(words: &[&str]) -> Ran {
    Command::new(amethyst()).args(words).output().expect("the program starts").into()
}

/// A site in a folder that goes away with it.
#[derive(Debug)]
pub(crate) struct Site {
    folder: TempDir,
}

impl Site {
    /// Makes a site in Johannesburg.
    pub(crate) fn new() -> Self {
        Self::with_shares().0
    }

    /// Makes a site in Johannesburg and returns its three recovery shares with it.
    pub(crate) fn with_shares() -> (Self, Vec<String>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let site = Self { folder };
        let zone = "Africa/Johannesburg";
        let made =
            run(&["init", "--data", site.data(), "--site-name", "Test", "--zone", zone, "--json"]).json();
        let shares = made["shares"].as_array().expect("three shares");
        let shares = shares.iter().map(|share| share.as_str().expect("a text").to_owned());
        let shares = shares.collect();
        (site, shares)
    }

    /// The data folder.
    pub(crate) fn data(&self) -> &str {
        self.path("data")
    }

    /// A path in the throw-away folder; it lives as long as the test.
    pub(crate) fn path(&self, name: &str) -> &'static str {
        let path = self.folder.path().join(name);
        Box::leak(path.to_str().expect("plain names").to_owned().into_boxed_str())
    }

    /// Runs a command on this site's data folder.
    pub(crate) fn run(&self, command: &str, words: &[&str]) -> Ran {
        let mut all = vec![command, "--data", self.data()];
        all.extend_from_slice(words);
        run(&all)
    }

    /// Records capture files and returns the summary.
    pub(crate) fn record(&self, files: &[&str]) -> Value {
        let words: Vec<&str> = files.iter().flat_map(|file| ["--pcap", file]).collect();
        self.run("record", &words).json()
    }

    /// Exports everything as WAV into a folder of the site and returns the folder.
    pub(crate) fn export(&self, words: &[&str]) -> &'static str {
        let out = self.path("out");
        let mut all = vec!["--out", out, "--all"];
        all.extend_from_slice(words);
        let ran = self.run("export", &all);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        out
    }
}

/// The folder of captures beside the project, if it is there; says so if not.
pub(crate) fn captures() -> Option<PathBuf> {
    let folder = root().join("../shared/captures");
    if folder.join("manifest.tsv").is_file() {
        return Some(folder);
    }
    println!("skipped: no captures beside the project (../shared/captures)");
    None
}

/// A folder to archive to, on a file system of its own where there is one: a disk that other work nearly filled is no place for an
/// archive, and the program says so.
pub(crate) fn drive() -> TempDir {
    let in_memory = tempfile::tempdir_in("/dev/shm");
    in_memory.or_else(|_not_there| tempfile::tempdir()).expect("a temporary folder")
}

/// Runs the capture generator and judge; `None` when its Python has no numpy.
pub(crate) fn genpcap(words: &[&str]) -> Option<Ran> {
    let python = ["/usr/bin/python3", "python3"]
        .into_iter()
        .find(|p| Command::new(p).args(["-c", "import numpy"]).output().is_ok_and(|o| o.status.success()));
    let Some(python) = python else {
        println!("skipped: no python3 with numpy (Debian: python3-numpy)");
        return None;
    };
    let script = root().join("tests/tools/genpcap.py");
    Some(Command::new(python).arg(script).args(words).output().expect("python starts").into())
}
