//! Where the archive lies that a site is restored from: a folder of a drive or share, or a bucket, which nobody can mount.
//!
//! Files of a bucket are fetched whole into a file without a name beside the new data folder, because sealed files are read to and fro.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use archive::layout;
use archive::verify::Medium as _;
use archiver::judged::Reached;
use archiver::place::{BucketSettings, Place, Settings};
use archiver::remote::RemoteCarrier;
use vault::LocationKind;

use crate::archiving::{access, launch_beside};
use crate::cli::Restore;
use crate::failure::{Failure, Kind};

/// Longer documents are none of ours.
const DOCUMENT_MAX: u64 = 4 << 30;
/// How a bucket is written.
const BUCKET: &str = "s3://";

/// An archive that can be read. Paths begin at the folder that holds `site.json`.
pub(super) enum Source {
    /// A folder that is mounted here.
    Folder(PathBuf),
    /// A bucket, and the folder in which what is fetched has its place for a moment.
    Bucket(Box<Reached>, PathBuf),
}

impl Source {
    /// Opens the archive that the command names.
    ///
    /// # Errors
    /// There is none, or the bucket does not open.
    pub(super) fn of(words: &Restore) -> anyhow::Result<Self> {
        if words.archive.to_str().is_some_and(|from| from.starts_with(BUCKET)) {
            return Self::bucket(words);
        }
        let candidates = [words.archive.join(layout::ROOT), words.archive.clone()];
        let root = candidates.into_iter().find(|root| root.join(layout::SITE_NAME).is_file());
        root.map(Self::Folder).ok_or_else(|| {
            let text = format!(
                "{} holds no archive: give the folder in which AMETHYST lies, or AMETHYST itself",
                words.archive.display()
            );
            Failure::new(Kind::Input, text).into()
        })
    }

    fn bucket(words: &Restore) -> anyhow::Result<Self> {
        let read = |path: &PathBuf| {
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
        };
        let bucket = BucketSettings {
            endpoint: words.endpoint.clone().unwrap_or_default(),
            region: words.region.clone(),
            ca: words.ca.as_ref().map(read).transpose()?.unwrap_or_default(),
            ..BucketSettings::default()
        };
        let place = Place {
            kind: LocationKind::S3.word().to_owned(),
            path: words.archive.clone(),
            settings: Settings { bucket: Some(bucket), ..Settings::default() },
            make: false,
            credential: Some(access::read(words.credentials.as_deref())?),
        };
        // Nothing is carried, so nothing is read from here; but there must be a place for what is fetched.
        let beside = std::path::absolute(&words.dir)?;
        let beside = beside.parent().unwrap_or_else(|| Path::new("/")).to_owned();
        fs::create_dir_all(&beside).with_context(|| format!("cannot make {}", beside.display()))?;
        let carrier = RemoteCarrier::reach(&launch_beside(&beside)?, place);
        let carrier = carrier.map_err(|e| e.of(&words.archive.display().to_string()))?;
        let reached = Reached::new(Box::new(carrier));
        let is_there = reached.open(layout::SITE_NAME).is_ok();
        let there = Self::Bucket(Box::new(reached), beside);
        if is_there {
            return Ok(there);
        }
        let text = format!(
            "{} holds no archive: give the bucket, and the folder in it, as the location was configured (the folder in which \
             AMETHYST lies)",
            words.archive.display()
        );
        Err(Failure::new(Kind::Input, text).into())
    }

    /// Lists the names of a folder, in order; `""` is the archive's root.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(super) fn names(&self, folder: &str) -> anyhow::Result<Vec<String>> {
        let listed: io::Result<Vec<String>> = match self {
            Self::Folder(root) => fs::read_dir(root.join(folder)).and_then(|entries| {
                entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
            }),
            Self::Bucket(reached, _) => {
                reached.list(folder).map(|found| found.into_iter().map(|entry| entry.name).collect())
            }
        };
        let mut names = listed.with_context(|| format!("cannot look into `{folder}` of the archive"))?;
        names.sort_unstable();
        Ok(names)
    }

    /// Opens a file, at its beginning.
    ///
    /// # Errors
    /// It cannot be read, or fetched.
    pub(super) fn open(&self, path: &str) -> anyhow::Result<File> {
        match self {
            Self::Folder(root) => File::open(root.join(path)),
            Self::Bucket(reached, beside) => fetched(reached, path, beside),
        }
        .with_context(|| format!("cannot read {path}"))
    }

    /// Reads a whole document.
    ///
    /// # Errors
    /// It cannot be read, or is longer than any of ours.
    pub(super) fn document(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = self.open(path)?.take(DOCUMENT_MAX).read_to_end(&mut bytes);
        read.with_context(|| format!("cannot read {path}"))?;
        Ok(bytes)
    }
}

/// Fetches an object into a file that has no name any more. It stays sealed.
fn fetched(reached: &Reached, path: &str, beside: &Path) -> io::Result<File> {
    let mut from = reached.open(path)?;
    let name = beside.join(format!(".amethyst-restore-{}", std::process::id()));
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&name)?;
    fs::remove_file(&name)?;
    io::copy(&mut from, &mut file)?;
    file.rewind()?;
    Ok(file)
}
