//! Mean locations: junk, links, giants.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

/// A folder that looks like an archive.
fn made() -> (tempfile::TempDir, Location) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("AMETHYST/keys")).unwrap();
    fs::write(folder.path().join("AMETHYST/site.json"), b"{}").unwrap();
    let location = Location::open(folder.path()).unwrap();
    (folder, location)
}

#[test]
fn the_location_and_its_folder_are_one_archive_and_anything_else_is_none() {
    let (folder, location) = made();
    let inner = Location::open(&folder.path().join("AMETHYST")).unwrap();
    assert_eq!(inner.root(), location.root());
    let none = Location::open(&folder.path().join("AMETHYST/keys"));
    assert!(none.unwrap_err().to_string().contains("is no archive"));
}

#[test]
fn junk_and_names_with_escapes_are_passed_over_and_never_opened() {
    let (folder, location) = made();
    for name in ["\u{1b}[31mred", "Thumbs.db", ".Spotlight", "a b"] {
        fs::write(folder.path().join("AMETHYST/keys").join(name), b"x").unwrap();
        assert!(matches!(location.file(&format!("keys/{name}")), Err(Refusal::NotPlain(_))), "{name}");
    }
    fs::write(folder.path().join("AMETHYST/keys/certs-00000001.json"), b"x").unwrap();
    let names: Vec<String> = location.names("keys").unwrap().into_iter().map(|e| e.name).collect();
    assert_eq!(names, ["certs-00000001.json"]);
    assert_eq!(location.list("keys").unwrap().len(), 5, "the judge sees all of them");
    assert!(location.names("nowhere").unwrap().is_empty());
    for out in ["../x", "keys/../../x", "/etc/passwd", "keys//x", ""] {
        assert!(matches!(location.file(out), Err(Refusal::NotPlain(_))), "{out}");
    }
}

#[test]
fn what_is_longer_than_its_kind_is_refused_before_it_is_read() {
    let (folder, location) = made();
    let file = File::create(folder.path().join("AMETHYST/keys/slots-00000001.amk")).unwrap();
    file.set_len(1 << 40).unwrap();
    let refused = location.read("keys/slots-00000001.amk", 1_000).unwrap_err();
    assert!(matches!(refused, Refusal::TooLong { max: 1_000, .. }), "{refused}");
    assert_eq!(location.read("site.json", 2).unwrap(), b"{}");
    assert!(matches!(location.read("keys/none", 2), Err(Refusal::Missing(_))));
}

#[cfg(unix)]
#[test]
fn a_link_below_the_root_is_refused_as_what_it_is() {
    let (folder, location) = made();
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join("AMETHYST/keys/certs-1.json")).unwrap();
    assert!(matches!(location.read("keys/certs-1.json", 100), Err(Refusal::NotPlain(_))));
    std::os::unix::fs::symlink("/etc", folder.path().join("AMETHYST/2026-11-22")).unwrap();
    assert!(matches!(location.names("2026-11-22"), Err(Refusal::NotPlain(_))));
}
