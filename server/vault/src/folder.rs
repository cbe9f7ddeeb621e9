//! The data folder itself: its format, and who may record into it.

use std::io::Read as _;

use store::Disk;

use crate::{Result, VaultError};

/// The format of data folders that this program makes and knows.
const FORMAT: u32 = 1;
const FORMAT_FILE: &str = "format";
const FIRST_LINE: &str = "amethyst data folder";

/// Makes the folders of a new data folder and, last, the file that says what it is.
///
/// 1. folders, each synced into the one above; 2. `format`, synced; 3. the root, synced. Cut before 3: no data folder yet.
pub(crate) fn make(disk: &dyn Disk, path: &str) -> Result<()> {
    if disk.exists(FORMAT_FILE)? {
        return Err(VaultError::Exists { path: path.to_owned() });
    }
    for folder in ["spool", "live", "run"] {
        disk.mkdir_all(folder)?;
    }
    let mut file = disk.create_new(FORMAT_FILE)?;
    file.append(&[format!("{FIRST_LINE}\nversion {FORMAT}\n").as_bytes()])?;
    file.sync()?;
    disk.sync_dir("")?;
    Ok(())
}

/// Checks that the folder is one of ours and not newer than this program.
pub(crate) fn check(disk: &dyn Disk, path: &str) -> Result<()> {
    let missing = || VaultError::NoDataFolder { path: path.to_owned() };
    if !disk.exists(FORMAT_FILE)? {
        return Err(missing());
    }
    let mut text = String::new();
    disk.open_read(FORMAT_FILE)?.take(1_024).read_to_string(&mut text).map_err(|_not_text| missing())?;
    let mut lines = text.lines();
    if lines.next() != Some(FIRST_LINE) {
        return Err(missing());
    }
    let found =
        lines.next().and_then(|line| line.strip_prefix("version ")?.parse().ok()).ok_or_else(missing)?;
    if found > FORMAT {
        return Err(VaultError::Newer { what: "data folder", found, known: FORMAT });
    }
    Ok(())
}
