//! The days into whose folders parts of satellites go: `incoming/days.txt`, a line each.
//!
//! A satellite may bring calls of weeks ago. Start-up compares the newest days with the catalogue; what a crash left in the folder of an
//! older one without a row is found because its day stands here **before** a file goes there. Start-up forgets them when all is entered.

use std::collections::BTreeSet;

use shared::Day;
use store::Disk;

use super::INCOMING;
use crate::Result;
use crate::outpost::read_at;

/// A line is `2026-11-22`; so many of them are read.
const LINES_MAX: u64 = 1 << 16;

fn path() -> String {
    format!("{INCOMING}/days.txt")
}

/// J4: notes days that are not noted yet: **append, sync file**, and **sync folder** for a new file.
pub(super) fn note_days(disk: &dyn Disk, days: &BTreeSet<Day>, noted: &mut BTreeSet<Day>) -> Result<()> {
    let new: BTreeSet<Day> = days.difference(noted).copied().collect();
    if new.is_empty() {
        return Ok(());
    }
    let (mut file, is_new) = match disk.open_append(&path()) {
        Ok(file) => (file, false),
        Err(e) if e.is_not_found() => (disk.create_new(&path())?, true),
        Err(e) => return Err(e.into()),
    };
    // A line that a crash cut ends here.
    let lines: String = new.iter().map(|day| format!("\n{day}")).collect();
    file.append(&[lines.as_bytes()])?;
    file.sync()?;
    if is_new || noted.is_empty() {
        disk.sync_dir(INCOMING)?;
        disk.sync_dir("")?;
    }
    noted.extend(new);
    Ok(())
}

/// Returns the days that are noted.
pub(crate) fn days_taken_in(disk: &dyn Disk) -> Result<BTreeSet<Day>> {
    if !disk.exists(&path())? {
        return Ok(BTreeSet::new());
    }
    let bytes = read_at(disk, &path(), 0, LINES_MAX.saturating_mul(11))?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
}

/// Forgets the days: everything in their folders has its row.
pub(crate) fn forget_days(disk: &dyn Disk) -> Result<()> {
    if disk.exists(&path())? {
        disk.unlink(&path())?;
        disk.sync_dir(INCOMING)?;
    }
    Ok(())
}
