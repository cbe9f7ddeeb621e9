//! What every disk must do, whatever it is made of. Each disk's tests call [`run`] with a maker of empty disks.
#![allow(clippy::unwrap_used, clippy::missing_assert_message, reason = "a suite of tests")]

use std::io::{Read as _, Seek as _, SeekFrom};

use crate::{Disk, Entry, EntryKind, StoreError};

/// Runs every case, each on an empty disk of its own.
pub fn run(make: &mut dyn FnMut() -> Box<dyn Disk>) {
    for case in CASES {
        case(&*make());
    }
}

const CASES: [fn(&dyn Disk); 10] = [
    what_is_appended_is_read,
    empty_parts_are_harmless,
    a_file_is_never_overwritten,
    a_rename_never_replaces,
    folders_are_made_with_those_above,
    a_list_is_sorted_and_tells_folders_from_files,
    a_truncated_file_goes_on_at_its_new_end,
    what_is_missing_is_said_so,
    what_was_made_durable_is_read_past_the_cache,
    a_folder_goes_only_when_it_is_empty,
];

fn read(disk: &dyn Disk, path: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    disk.open_read(path).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

fn write(disk: &dyn Disk, path: &str, bytes: &[u8]) {
    disk.create_new(path).unwrap().append(&[bytes]).unwrap();
}

fn what_is_appended_is_read(disk: &dyn Disk) {
    let mut file = disk.create_new("x").unwrap();
    file.append(&[b"ab", b"", b"cde"]).unwrap();
    file.append(&[b"f"]).unwrap();
    file.sync().unwrap();
    disk.sync_dir("").unwrap();
    disk.sync_fs().unwrap();
    assert_eq!(file.len(), 6);
    assert_eq!(disk.len("x").unwrap(), 6);
    assert_eq!(read(disk, "x"), b"abcdef");
    let mut reader = disk.open_read("x").unwrap();
    reader.seek(SeekFrom::Start(4)).unwrap();
    let mut tail = Vec::new();
    reader.read_to_end(&mut tail).unwrap();
    assert_eq!(tail, b"ef");
    let mut many = disk.open_append("x").unwrap();
    assert_eq!(many.len(), 6);
    let parts: Vec<&[u8]> = (0..3_000).map(|_| b"z".as_slice()).collect();
    many.append(&parts).unwrap();
    assert_eq!(disk.len("x").unwrap(), 3_006, "more parts than one system call takes");
}

fn empty_parts_are_harmless(disk: &dyn Disk) {
    let mut file = disk.create_new("x").unwrap();
    file.append(&[]).unwrap();
    file.append(&[b"", b""]).unwrap();
    file.append(&[b"", b"a", b""]).unwrap();
    assert_eq!(read(disk, "x"), b"a");
}

fn a_file_is_never_overwritten(disk: &dyn Disk) {
    write(disk, "x", b"old");
    assert!(matches!(disk.create_new("x"), Err(StoreError::Exists { .. })), "the name is taken");
    assert_eq!(read(disk, "x"), b"old");
}

fn a_rename_never_replaces(disk: &dyn Disk) {
    disk.mkdir_all("a").unwrap();
    disk.mkdir_all("b").unwrap();
    write(disk, "a/x", b"one");
    write(disk, "b/x", b"two");
    assert!(matches!(disk.rename("a/x", "b/x"), Err(StoreError::Exists { .. })), "the name is taken");
    assert_eq!((read(disk, "a/x"), read(disk, "b/x")), (b"one".to_vec(), b"two".to_vec()));
    disk.rename("a/x", "b/y").unwrap();
    assert!(!disk.exists("a/x").unwrap(), "it moved");
    assert_eq!(read(disk, "b/y"), b"one");
    disk.sync_dir("a").unwrap();
    disk.sync_dir("b").unwrap();
}

fn folders_are_made_with_those_above(disk: &dyn Disk) {
    disk.mkdir_all("live/2026-11-22/14a").unwrap();
    disk.mkdir_all("live/2026-11-22/14a").unwrap();
    write(disk, "live/2026-11-22/14a/x.amx", b"1");
    assert!(disk.exists("live/2026-11-22").unwrap(), "made on the way");
    assert!(matches!(disk.create_new("nowhere/x"), Err(StoreError::NotFound { .. })), "no such folder");
}

fn a_list_is_sorted_and_tells_folders_from_files(disk: &dyn Disk) {
    disk.mkdir_all("m/k").unwrap();
    for name in ["m/z", "m/a"] {
        write(disk, name, b"");
    }
    let entry = |name: &str, kind| Entry { name: name.to_owned(), kind };
    let expected = [entry("a", EntryKind::File), entry("k", EntryKind::Folder), entry("z", EntryKind::File)];
    assert_eq!(disk.list("m").unwrap(), expected);
    assert_eq!(disk.list("").unwrap(), [entry("m", EntryKind::Folder)]);
    disk.unlink("m/z").unwrap();
    assert_eq!(disk.list("m").unwrap().len(), 2);
}

fn a_truncated_file_goes_on_at_its_new_end(disk: &dyn Disk) {
    write(disk, "x", b"abcdef");
    let mut file = disk.open_append("x").unwrap();
    file.truncate(3).unwrap();
    assert!(file.truncate(4).is_err(), "that would make it longer");
    file.append(&[b"XY"]).unwrap();
    file.sync().unwrap();
    assert_eq!(read(disk, "x"), b"abcXY");
}

fn what_is_missing_is_said_so(disk: &dyn Disk) {
    assert!(disk.open_read("x").is_err_and(|e| e.is_not_found()), "no such file");
    assert!(disk.open_append("x").is_err_and(|e| e.is_not_found()), "no such file");
    assert!(disk.len("x").is_err_and(|e| e.is_not_found()), "no such file");
    assert!(disk.unlink("x").is_err_and(|e| e.is_not_found()), "no such file");
    assert!(disk.list("x").is_err_and(|e| e.is_not_found()), "no such folder");
    assert!(!disk.exists("x").unwrap(), "no such file");
    assert!(disk.free_bytes().unwrap() > 0, "room");
}

fn what_was_made_durable_is_read_past_the_cache(disk: &dyn Disk) {
    // Ends neither with a sector nor with a buffer.
    let bytes: Vec<u8> = (0..2_500_001_u32).map(|n| n.to_le_bytes()[usize::from(n % 7 == 0)]).collect();
    disk.mkdir_all("a/b").unwrap();
    let mut file = disk.create_new("a/b/x").unwrap();
    file.append(&[&bytes]).unwrap();
    file.sync().unwrap();
    let Some(mut reader) = disk.open_uncached("a/b/x", 0).unwrap() else { return };
    let mut read = Vec::new();
    reader.read_to_end(&mut read).unwrap();
    assert!(read == bytes, "{} bytes of {}", read.len(), bytes.len());
    let mut tail = Vec::new();
    disk.open_uncached("a/b/x", 1 << 20).unwrap().unwrap().read_to_end(&mut tail).unwrap();
    assert!(tail == bytes[1 << 20..], "{} bytes behind the first piece", tail.len());
    assert!(disk.open_uncached("a/b/y", 0).is_err_and(|e| e.is_not_found()));
    assert!(disk.total_bytes().unwrap() >= disk.free_bytes().unwrap());
}

fn a_folder_goes_only_when_it_is_empty(disk: &dyn Disk) {
    disk.mkdir_all("a/b").unwrap();
    write(disk, "a/b/x", b"x");
    assert!(disk.remove_folder("a/b").is_err());
    disk.unlink("a/b/x").unwrap();
    disk.remove_folder("a/b").unwrap();
    assert!(!disk.exists("a/b").unwrap() && disk.exists("a").unwrap());
    assert!(disk.remove_folder("a/b").is_err_and(|e| e.is_not_found()));
}
