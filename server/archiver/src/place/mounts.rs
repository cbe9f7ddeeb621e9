//! What is mounted where: `/proc/self/mountinfo` (proc(5)).

use std::path::{Path, PathBuf};

/// One mounted file system.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mount {
    /// Where.
    pub point: PathBuf,
    /// Its type: `ext4`, `nfs4`, `cifs`.
    pub fs: String,
    /// What is mounted: a device, a server's folder.
    pub source: String,
    /// Options of the mount and of the file system.
    pub options: Vec<String>,
}

impl Mount {
    /// Tells whether an option is set.
    #[must_use]
    pub fn has(&self, option: &str) -> bool {
        self.options.iter().any(|o| o == option)
    }
}

/// All mounts, in the order in which they were made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mounts(Vec<Mount>);

impl Mounts {
    /// Reads the mounts that this process sees.
    ///
    /// # Errors
    /// The system's.
    pub fn read() -> std::io::Result<Self> {
        Ok(Self::parse(&std::fs::read_to_string("/proc/self/mountinfo")?))
    }

    fn parse(text: &str) -> Self {
        Self(text.lines().filter_map(line).collect())
    }

    /// Returns the mount on which a path lies; the last one mounted at the same point counts.
    #[must_use]
    pub fn of(&self, path: &Path) -> Option<&Mount> {
        let over = self.0.iter().enumerate().filter(|(_, mount)| path.starts_with(&mount.point));
        over.max_by_key(|(n, mount)| (mount.point.components().count(), *n)).map(|(_, mount)| mount)
    }
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`
fn line(line: &str) -> Option<Mount> {
    let (left, right) = line.split_once(" - ")?;
    let mut left = left.split(' ').skip(4);
    let (point, options) = (left.next()?, left.next()?);
    let mut right = right.split(' ');
    let (fs, source, more) = (right.next()?, right.next()?, right.next().unwrap_or_default());
    let options = options.split(',').chain(more.split(',')).map(str::to_owned).collect();
    Some(Mount {
        point: PathBuf::from(unescaped(point)),
        fs: fs.to_owned(),
        source: unescaped(source),
        options,
    })
}

/// Spaces and the like stand as `\040`.
fn unescaped(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let octal = after.first_chunk::<3>().filter(|_| *first == b'\\');
        let code = octal.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        if let Some(code) = code {
            out.push(code);
            rest = after.get(3..).unwrap_or_default();
        } else {
            out.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_deepest_and_newest_mount_is_the_one() {
        let mounts = Mounts::parse(
            "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n\
             30 22 8:17 / /media/my\\040drive rw shared:1 master:2 - vfat /dev/sdb1 rw,uid=0\n\
             31 22 0:50 /sub /mnt/n rw - nfs4 nas:/a rw,hard,proto=tcp\n\
             32 22 0:51 / /mnt/n rw - nfs4 nas:/b rw,soft\n\
             nonsense\n",
        );
        let check = |path: &str, source: &str| {
            assert_eq!(mounts.of(Path::new(path)).unwrap().source, source, "{path}");
        };
        check("/", "/dev/sda1");
        check("/media/my drive/x", "/dev/sdb1");
        check("/media/my", "/dev/sda1");
        check("/mnt/n", "nas:/b");
        assert!(mounts.of(Path::new("/mnt/n/x")).unwrap().has("soft"));
        assert_eq!(Mounts::parse("").of(Path::new("/")), None);
    }

    #[test]
    fn this_machine_has_a_root() {
        assert!(Mounts::read().unwrap().of(Path::new("/")).is_some());
    }
}
