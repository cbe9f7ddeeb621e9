//! Small files that are written once: created exclusively, readable by their owner only, durable when the call returns.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

/// Writes a new file: create, write, `fsync` of the file, `fsync` of its folder.
///
/// # Errors
/// A file of that name, or the system's.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        sync_folder(path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Replaces a file whole: write beside it, `fsync`, rename over it, `fsync` of the folder. Cut anywhere, the old or the new
/// one is there.
///
/// # Errors
/// The system's.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().with_context(|| format!("cannot write {}", path.display()))?;
    rename(&beside, path)
}

/// Gives a durable file another name, durably.
///
/// # Errors
/// The system's.
pub(crate) fn rename(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::rename(from, to)
        .and_then(|()| sync_folder(to))
        .with_context(|| format!("cannot write {}", to.display()))
}

/// Finds the file with the highest generation among `<prefix><digits><suffix>` in a folder.
///
/// # Errors
/// The folder cannot be read.
pub(crate) fn newest(folder: &Path, prefix: &str, suffix: &str) -> anyhow::Result<Option<PathBuf>> {
    let names = fs::read_dir(folder).with_context(|| format!("cannot look into {}", folder.display()))?;
    let mut best: Option<(u64, PathBuf)> = None;
    for entry in names {
        let entry = entry.with_context(|| format!("cannot look into {}", folder.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let number =
            name.strip_prefix(prefix).and_then(|n| n.strip_suffix(suffix)).and_then(|n| n.parse().ok());
        if let Some(number) = number
            && best.as_ref().is_none_or(|(known, _)| *known < number)
        {
            best = Some((number, entry.path()));
        }
    }
    Ok(best.map(|(_, path)| path))
}

/// Lists the files of a folder by name.
///
/// # Errors
/// The folder cannot be read.
pub(crate) fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let unreadable = || format!("cannot look into {}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        if entry.file_type().with_context(unreadable)?.is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Computes the SHA-256 and the length of a file, a block at a time.
///
/// # Errors
/// The system's.
pub(crate) fn sha256(path: &Path) -> std::io::Result<([u8; 32], u64)> {
    let mut file = File::open(path)?;
    let (mut digest, mut block, mut bytes) = (Sha256::new(), vec![0; 256 << 10], 0_u64);
    loop {
        let n = file.read(&mut block)?;
        if n == 0 {
            return Ok((digest.finalize().into(), bytes));
        }
        digest.update(block.get(..n).unwrap_or_default());
        bytes = bytes.saturating_add(u64::try_from(n).unwrap_or(0));
    }
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
