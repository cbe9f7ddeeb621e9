//! Where things lie in an archive. Names are plain and short, so that every file system takes them and gives them back.

use shared::Day;

/// The one folder in the root of a medium.
pub const ROOT: &str = "AMETHYST";
/// What never changes about the site.
pub const SITE_NAME: &str = "site.json";
/// Who writes here now.
pub const LEASE_NAME: &str = "lease.json";
/// The words for people.
pub const README_NAME: &str = "README.txt";
/// Copies of database and configuration, a folder each.
pub const BACKUP_FOLDER: &str = "backup";
/// Names are no longer.
const NAME_MAX: usize = 40;
/// Paths have no more parts.
const DEPTH_MAX: usize = 6;
/// Names that Windows keeps for devices.
const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Returns the folder of a day.
#[must_use]
pub fn day_folder(day: Day) -> String {
    day.to_string()
}

/// Tells whether a name may stand in an archive: `[a-z0-9.-]`, at most 40 characters, no device of DOS.
#[must_use]
pub fn is_plain_name(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let is_port = (stem.starts_with("com") || stem.starts_with("lpt"))
        && stem.len() == 4
        && stem.ends_with(|c: char| c.is_ascii_digit());
    !name.is_empty()
        && name.len() <= NAME_MAX
        && !name.starts_with('.')
        && !name.ends_with('.')
        && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'))
        && !RESERVED.contains(&stem)
        && !is_port
}

/// Tells whether a path is made of plain names, without a way up or out.
#[must_use]
pub fn is_plain_path(path: &str) -> bool {
    path.split('/').count() <= DEPTH_MAX && path.split('/').all(is_plain_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_everywhere() {
        let check = |path: &str, expected| assert_eq!(is_plain_path(path), expected, "{path:?}");
        check("rec/14a/142233-fbyndbfbn6drc.amx", true);
        check("2026-11-22", true);
        check("../x", false);
        check("a/./b", false);
        check("/a", false);
        check("a//b", false);
        check("", false);
        check("A", false);
        check("aux.txt", false);
        check("com1", false);
        check("com", true);
        check("a b", false);
        check("a.", false);
        check("a\\b", false);
        check(&"a".repeat(41), false);
        check("a/b/c/d/e/f/g", false);
    }
}
