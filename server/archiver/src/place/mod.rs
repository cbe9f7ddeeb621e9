//! Places: what lies under the path of a location, and whether it is what belongs there.
//!
//! Whoever archives to a path must know that the medium is mounted there: an unmounted drive leaves an empty folder behind, and
//! the disk below would fill up with an archive that nobody finds. So the mount is compared with the one that was there when the
//! location was made, before anything inside is touched; the card inside then says which medium it is.
//!
//! Looking at a path may hang, for a share whose server is gone: so all of this runs in the carrier's own process.

mod bucket;
mod mounts;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::UtcMicros;
use store::LocalDisk;
use vault::{LocationKind, LocationRow};

pub use bucket::{BucketSettings, Credential};
pub use mounts::{Mount, Mounts};

use crate::ArchiverError;
use crate::carrier::{Carrier, DiskCarrier, SyncRule};

/// File systems whose `syncfs` keeps its word.
const WHOLE: [&str; 7] = ["ext2", "ext3", "ext4", "xfs", "btrfs", "vfat", "exfat"];

/// What is remembered of a place beside its path; the settings of a location, as JSON.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Where the file system that holds the path was mounted.
    pub mount: String,
    /// Its type.
    pub fs: String,
    /// What was mounted: a server's folder, for shares.
    pub source: String,
    /// The bucket, for object stores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<BucketSettings>,
}

/// What a carrier's process takes from the program it is part of.
#[derive(Clone, Copy, Debug)]
pub struct Around {
    /// Asks for the time.
    pub now: fn() -> UtcMicros,
    /// How long a store may say nothing.
    pub patience: Duration,
}

/// Which place a carrier goes to; all that its process must know.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Place {
    /// The kind, as its word.
    pub kind: String,
    /// The path of the location.
    pub path: PathBuf,
    /// What is remembered of it.
    pub settings: Settings,
    /// Make the archive's root folder if it is not there: only when a medium is prepared.
    pub make: bool,
    /// The access key, for object stores. The process gets it with the rest of this, by its input.
    pub credential: Option<Credential>,
}

/// Why a place cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PlaceError {
    /// Whether a person must change something; otherwise it is away for now.
    pub refused: bool,
    /// Why, and what to do.
    pub why: String,
}

impl PlaceError {
    fn away(why: impl Into<String>) -> Self {
        Self { refused: false, why: why.into() }
    }

    fn refused(why: impl Into<String>) -> Self {
        Self { refused: true, why: why.into() }
    }

    /// Says of which location it is.
    #[must_use]
    pub fn of(self, name: &str) -> ArchiverError {
        let name = name.to_owned();
        if self.refused {
            ArchiverError::OtherMedium { name, why: self.why }
        } else {
            ArchiverError::Away { name, why: self.why }
        }
    }
}

impl Place {
    /// Returns the place of a location.
    #[must_use]
    pub fn of(location: &LocationRow, make: bool) -> Self {
        Self {
            kind: location.kind.word().to_owned(),
            path: PathBuf::from(&location.path),
            settings: serde_json::from_str(&location.settings).unwrap_or_default(),
            make,
            credential: None,
        }
    }

    fn kind(&self) -> Result<LocationKind, PlaceError> {
        LocationKind::from_word(&self.kind)
            .ok_or_else(|| PlaceError::refused(format!("`{}` is no kind of location", self.kind)))
    }

    /// Looks at the path and returns what is to be remembered of it.
    ///
    /// # Errors
    /// It is not there, or not what such a location needs.
    pub fn look(&self, around: &Around) -> Result<Settings, PlaceError> {
        let kind = self.kind()?;
        if kind == LocationKind::S3 {
            return self.look_at_bucket(around).map(|_looked| self.settings.clone());
        }
        if !self.path.is_absolute() {
            return Err(PlaceError::refused(format!("`{}` is not an absolute path", self.path.display())));
        }
        let path = self.path.canonicalize().map_err(|e| unreachable(&self.path, &e))?;
        if !path.is_dir() {
            return Err(PlaceError::refused(format!("{} is no folder", path.display())));
        }
        let mounts = Mounts::read()
            .map_err(|e| PlaceError::away(format!("the list of mounts cannot be read: {e}")))?;
        let mount = mounts.of(&path).ok_or_else(|| PlaceError::away("nothing is mounted there"))?;
        fits(kind, &path, mount)?;
        Ok(Settings {
            mount: mount.point.display().to_string(),
            fs: mount.fs.clone(),
            source: if kind == LocationKind::Usb { String::new() } else { mount.source.clone() },
            bucket: None,
        })
    }

    fn look_at_bucket(&self, around: &Around) -> Result<bucket::Looked, PlaceError> {
        bucket::look(&self.path, &self.settings, self.credential.as_ref(), around.patience, around.now)
    }

    /// Reaches the place: compares what is mounted, and opens the archive's root folder.
    ///
    /// # Errors
    /// The medium is not mounted, or something else is.
    pub fn reach(&self, data: &Path, around: &Around) -> Result<Box<dyn Carrier>, PlaceError> {
        if self.kind()? == LocationKind::S3 {
            return self.look_at_bucket(around)?.reach(data, self.make);
        }
        let now = self.look(around)?;
        let then = &self.settings;
        if !self.make && now.mount != then.mount {
            return Err(PlaceError::away(format!(
                "nothing is mounted at {}: the folder there is the one below. Mount it",
                then.mount
            )));
        }
        if !self.make && !now.source.is_empty() && now.source != then.source {
            return Err(PlaceError::refused(format!(
                "{} is mounted there, and it was {} when the location was made",
                now.source, then.source
            )));
        }
        let root = self.path.join(archive::layout::ROOT);
        if self.make && !root.exists() {
            std::fs::create_dir(&root).map_err(|e| unwritable(&root, &e))?;
        }
        let medium = LocalDisk::open_strict(&root).map_err(|e| {
            if e.is_not_found() {
                PlaceError::away(format!(
                    "there is no folder {} in it: the medium is not mounted, or it is another one",
                    root.display()
                ))
            } else {
                PlaceError::away(e.to_string())
            }
        })?;
        let live = LocalDisk::open(data).map_err(|e| PlaceError::refused(e.to_string()))?;
        let rule = if WHOLE.contains(&now.fs.as_str()) { SyncRule::Whole } else { SyncRule::Each };
        Ok(Box::new(DiskCarrier::new(Arc::new(medium), Arc::new(live), rule, around.now)))
    }
}

/// Tells whether a mount is one for such a location.
fn fits(kind: LocationKind, path: &Path, mount: &Mount) -> Result<(), PlaceError> {
    let refused = |text: String| Err(PlaceError::refused(text));
    let (at, fs) = (mount.point.display(), mount.fs.as_str());
    match kind {
        LocationKind::Folder => Ok(()),
        LocationKind::Usb if mount.point != path => Err(PlaceError::away(format!(
            "no drive is mounted at {}; what is there belongs to {at}. Mount the drive, and give its mount point",
            path.display()
        ))),
        LocationKind::Usb if !mount.source.starts_with("/dev/") => {
            refused(format!("{at} is no drive but {fs} from {}: use another kind of location", mount.source))
        }
        LocationKind::Usb => Ok(()),
        LocationKind::Nfs if !matches!(fs, "nfs" | "nfs4") => Err(PlaceError::away(format!(
            "no NFS share is mounted at {}; what is there is {fs}. Mount the share (nfs4, hard)",
            path.display()
        ))),
        LocationKind::Nfs if mount.has("soft") || mount.has("softerr") => refused(format!(
            "{at} is mounted `soft`: after a pause of the network writes would be lost without a word. Mount it `hard`"
        )),
        LocationKind::Nfs => Ok(()),
        LocationKind::Smb if !matches!(fs, "cifs" | "smb3" | "smb2") => Err(PlaceError::away(format!(
            "no Windows share is mounted at {}; what is there is {fs}. Mount the share (cifs, vers=3.1.1)",
            path.display()
        ))),
        LocationKind::Smb => Ok(()),
        LocationKind::S3 => refused("an object store has no path".to_owned()),
    }
}

fn unreachable(path: &Path, error: &std::io::Error) -> PlaceError {
    #[allow(clippy::wildcard_enum_match_arm, reason = "ErrorKind is non-exhaustive")]
    match error.kind() {
        std::io::ErrorKind::NotFound => PlaceError::away(format!("{} is not there", path.display())),
        std::io::ErrorKind::PermissionDenied => {
            PlaceError::refused(format!("no permission to look into {}", path.display()))
        }
        _ => PlaceError::away(format!("{} does not answer: {error}", path.display())),
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> PlaceError {
    #[allow(clippy::wildcard_enum_match_arm, reason = "ErrorKind is non-exhaustive")]
    let why = match error.kind() {
        std::io::ErrorKind::ReadOnlyFilesystem => {
            "it is read-only: mount it for writing, or look at the drive's switch".to_owned()
        }
        std::io::ErrorKind::PermissionDenied => {
            format!("no permission to write: give the service's user the right ({error})")
        }
        std::io::ErrorKind::StorageFull => "it is full".to_owned(),
        _ => error.to_string(),
    };
    PlaceError::refused(format!("the folder {} cannot be made: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const AROUND: Around = Around { now: || UtcMicros(0), patience: Duration::from_secs(1) };

    fn mount(point: &str, fs: &str, source: &str, options: &str) -> Mount {
        Mount {
            point: point.into(),
            fs: fs.to_owned(),
            source: source.to_owned(),
            options: options.split(',').map(str::to_owned).collect(),
        }
    }

    #[test]
    fn a_mount_must_be_of_the_location_s_kind() {
        let check = |kind, path: &str, mount: &Mount, expected: Option<&str>| {
            let found = fits(kind, Path::new(path), mount).err().map(|e| e.why);
            match expected {
                None => assert_eq!(found, None, "{kind:?} {path} {mount:?}"),
                Some(word) => {
                    assert!(found.clone().is_some_and(|w| w.contains(word)), "{kind:?} {path}: {found:?}");
                }
            }
        };
        let drive = mount("/media/a", "ext4", "/dev/sdb1", "rw");
        check(LocationKind::Usb, "/media/a", &drive, None);
        check(LocationKind::Usb, "/media/a/b", &drive, Some("no drive is mounted at /media/a/b"));
        check(LocationKind::Usb, "/media/a", &mount("/", "ext4", "/dev/sda1", "rw"), Some("belongs to /"));
        check(
            LocationKind::Usb,
            "/media/a",
            &mount("/media/a", "tmpfs", "tmpfs", "rw"),
            Some("no drive but tmpfs"),
        );
        let share = mount("/mnt/n", "nfs4", "nas:/a", "rw,hard");
        check(LocationKind::Nfs, "/mnt/n/x", &share, None);
        check(LocationKind::Nfs, "/mnt/n", &mount("/mnt/n", "nfs4", "nas:/a", "rw,soft"), Some("`hard`"));
        check(LocationKind::Nfs, "/mnt/n", &drive, Some("no NFS share"));
        check(LocationKind::Smb, "/mnt/s", &mount("/mnt/s", "cifs", "//nas/a", "rw"), None);
        check(LocationKind::Smb, "/mnt/s", &drive, Some("no Windows share"));
        check(LocationKind::Folder, "/srv/a", &drive, None);
    }

    #[test]
    fn a_folder_that_is_not_there_is_away_and_a_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let place = |path: PathBuf| Place {
            kind: "folder".to_owned(),
            path,
            settings: Settings::default(),
            make: false,
            credential: None,
        };
        let gone = place(folder.path().join("gone")).look(&AROUND).unwrap_err();
        assert!(!gone.refused && gone.why.contains("is not there"), "{gone:?}");
        std::fs::write(folder.path().join("file"), b"").unwrap();
        assert!(place(folder.path().join("file")).look(&AROUND).unwrap_err().refused);
        assert!(place(PathBuf::from("here")).look(&AROUND).unwrap_err().refused);
        let known = place(folder.path().to_owned()).look(&AROUND).unwrap();
        let moved = Place {
            settings: Settings { mount: "/nowhere".to_owned(), ..known },
            ..place(folder.path().to_owned())
        };
        let away = moved.reach(folder.path(), &AROUND).err().unwrap();
        assert!(!away.refused && away.why.contains("nothing is mounted at /nowhere"), "{away:?}");
    }
}
