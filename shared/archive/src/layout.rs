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
/// What was found bad and made room for a good copy, a folder for each day. Nothing in it counts, and nobody removes it by himself.
pub const ASIDE_FOLDER: &str = "aside";
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

/// Returns where the file of a recording is kept aside that lies at `path` in an archive and is bad. `mark` tells it from others that were bad
/// before it. `None`: nothing of the kind lies at such a path.
#[must_use]
pub fn aside(path: &str, mark: &str) -> Option<String> {
    let (day, rest) = path.split_once("/rec/")?;
    let (stem, end) = rest.rsplit('/').next()?.rsplit_once('.')?;
    Some(format!("{ASIDE_FOLDER}/{day}/{stem}-{mark}.{end}")).filter(|aside| is_plain_path(aside))
}

/// Tells whether the name of a file in the folder of a day in [`ASIDE_FOLDER`] is that of a file that lay at `path`.
#[must_use]
pub fn was_at(aside: &str, path: &str) -> bool {
    let stem = path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(stem, _)| stem);
    stem.is_some_and(|stem| aside.strip_prefix(stem).is_some_and(|rest| rest.starts_with('-')))
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
    fn what_is_bad_is_kept_under_a_name_that_says_what_it_was() {
        let path = "2026-11-22/rec/14a/142233-fbyndbfbn6drc.amx";
        let kept = aside(path, "0a1b2c3d").unwrap();
        assert_eq!(kept, "aside/2026-11-22/142233-fbyndbfbn6drc-0a1b2c3d.amx");
        let name = kept.rsplit('/').next().unwrap();
        assert!(was_at(name, path) && !was_at(name, "2026-11-22/rec/14a/142233-fbyndbfbn6dr.amx"));
        assert_eq!((aside("2026-11-22/day-0001.amc", "0a"), aside(path, "0A")), (None, None));
    }

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
