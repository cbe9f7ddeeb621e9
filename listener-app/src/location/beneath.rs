//! Opening strictly below a folder. Linux does it in one call that follows no link; elsewhere each part of the way is looked at first.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Opens a plain file for reading. `path` is made of plain names and `/`.
pub(super) fn open(root: &Path, path: &str) -> io::Result<File> {
    #[cfg(target_os = "linux")]
    match strictly(root, path) {
        // A kernel or a sandbox without this call.
        Err(e) if matches!(e.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied) => {}
        done => return done,
    }
    step_by_step(root, path)
}

/// Returns the path of a folder below `root`, no part of which is a link.
pub(super) fn folder(root: &Path, folder: &str) -> io::Result<PathBuf> {
    let mut at = root.to_owned();
    for name in folder.split('/').filter(|name| !name.is_empty()) {
        at.push(name);
        if !fs::symlink_metadata(&at)?.is_dir() {
            return Err(no_plain());
        }
    }
    Ok(at)
}

#[cfg(target_os = "linux")]
fn strictly(root: &Path, path: &str) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, ResolveFlags};
    use rustix::io::Errno;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let root = rustix::fs::open(root, flags | OFlags::DIRECTORY, Mode::empty())?;
    let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    // Nonblocking, or a pipe among the files would hold the program for ever.
    match rustix::fs::openat2(&root, path, flags | OFlags::NONBLOCK | OFlags::NOCTTY, Mode::empty(), within) {
        Ok(fd) => plain(File::from(fd)),
        Err(Errno::LOOP | Errno::XDEV | Errno::NXIO) => Err(no_plain()),
        Err(Errno::NOSYS) => Err(io::ErrorKind::Unsupported.into()),
        Err(e) => Err(e.into()),
    }
}

fn step_by_step(root: &Path, path: &str) -> io::Result<File> {
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    let path = folder(root, above)?.join(name);
    if !fs::symlink_metadata(&path)?.is_file() {
        return Err(no_plain());
    }
    plain(File::open(path)?)
}

fn plain(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() { Ok(file) } else { Err(no_plain()) }
}

fn no_plain() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is a link or no plain file")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[cfg(unix)]
    #[test]
    fn both_ways_of_opening_refuse_what_leads_out() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let (root, secret) = (folder.path().join("archive"), folder.path().join("secret"));
        fs::create_dir_all(root.join("keys")).unwrap();
        fs::write(&secret, b"not of the archive").unwrap();
        fs::write(root.join("keys/file"), b"x").unwrap();
        symlink(&secret, root.join("keys/link")).unwrap();
        symlink(folder.path(), root.join("up")).unwrap();
        symlink("keys", root.join("within")).unwrap();
        for way in [open, step_by_step] {
            assert!(way(&root, "keys/file").is_ok());
            for bad in ["keys/link", "up/secret", "within/file", "keys"] {
                assert_eq!(way(&root, bad).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{bad}");
            }
            assert_eq!(way(&root, "keys/none").unwrap_err().kind(), io::ErrorKind::NotFound);
        }
    }
}
