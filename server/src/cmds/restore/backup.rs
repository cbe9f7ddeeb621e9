//! The newest backup on the drive that is whole: the database and the settings, sealed to the key on paper.

use std::fs::OpenOptions;
use std::io::{BufReader, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use archive::Bundle;
use archive::bundle::BUNDLE_MAX;
use archive::layout::BACKUP_FOLDER;
use seal::{KeyId, KeyRing, Kind as SealKind, Part, RecipientSecret, RecipientType, VerifyingKey};

use super::drive::Drive;

/// A backup that is whole.
pub(super) struct Backup {
    /// The name of its folder, which says when it was made.
    pub(super) name: String,
    /// Settings, and what is public about the site.
    pub(super) settings: Bundle,
    database: Vec<String>,
}

impl Backup {
    /// Finds the newest backup whose files central signed, and opens its settings. What is wrong with newer ones is noted.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn newest(drive: &mut Drive, paper: &RecipientSecret) -> anyhow::Result<Self> {
        for name in drive.source.names(BACKUP_FOLDER).unwrap_or_default().into_iter().rev() {
            match Self::open(drive, paper, &format!("{BACKUP_FOLDER}/{name}"), &name) {
                Ok(backup) => return Ok(backup),
                Err(e) => drive.troubles.push(format!("the backup of {name} cannot be used: {e:#}")),
            }
        }
        let text = "no backup on this drive can be used, so the database cannot be restored. Try another location of this site";
        Err(crate::failure::Failure::new(crate::failure::Kind::Input, text).into())
    }

    fn open(drive: &Drive, paper: &RecipientSecret, folder: &str, name: &str) -> anyhow::Result<Self> {
        let there = drive.source.names(folder)?;
        let database: Vec<String> = there
            .iter()
            .filter(|name| name.starts_with("db") && name.ends_with(".amx"))
            .map(|name| format!("{folder}/{name}"))
            .collect();
        anyhow::ensure!(!database.is_empty(), "it holds no copy of the database");
        for path in &database {
            proven(drive, path)?;
        }
        let path = format!("{folder}/config.amx");
        proven(drive, &path)?;
        let mut plain = Vec::new();
        unsealed(drive, paper, &path, SealKind::ConfigurationBackup, &mut |bytes| {
            plain.extend_from_slice(bytes);
            anyhow::ensure!(plain.len() <= BUNDLE_MAX, "its settings are longer than any");
            Ok(())
        })?;
        Ok(Self { name: name.to_owned(), settings: Bundle::parse(&plain)?, database })
    }

    /// Writes the database to a new file; it is encrypted under its own key.
    ///
    /// # Errors
    /// A copy that does not open, or the disk's.
    pub(super) fn write_database(
        &self,
        drive: &Drive,
        paper: &RecipientSecret,
        to: &Path,
    ) -> anyhow::Result<()> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
        let file = file.with_context(|| format!("cannot write {}", to.display()))?;
        let mut out = BufWriter::with_capacity(1 << 20, file);
        for path in &self.database {
            unsealed(drive, paper, path, SealKind::DatabaseBackup, &mut |bytes| {
                out.write_all(bytes).with_context(|| format!("cannot write {}", to.display()))
            })?;
        }
        let file = out.into_inner().with_context(|| format!("cannot write {}", to.display()))?;
        file.sync_all().with_context(|| format!("cannot write {}", to.display()))
    }
}

/// Anybody can seal to a public key; only central's signature makes a backup of it.
fn proven(drive: &Drive, path: &str) -> anyhow::Result<()> {
    let file = drive.source.open(path)?;
    let report = seal::verify(BufReader::with_capacity(256 << 10, file), &|id| drive.certs.key(id))?;
    let why =
        report.findings.first().map_or_else(|| "nobody known signed it".to_owned(), |f| f.fault.to_string());
    anyhow::ensure!(report.is_proven(), "{path}: {why}");
    Ok(())
}

fn unsealed(
    drive: &Drive,
    paper: &RecipientSecret,
    path: &str,
    kind: SealKind,
    each: &mut dyn FnMut(&[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let file = drive.source.open(path)?;
    let ring = Paper { drive, key: paper, id: drive.site.recovery_key.key_id() };
    let io = BufReader::with_capacity(256 << 10, file);
    let mut part = Part::open(io, &ring, RecipientType::XWing)
        .with_context(|| format!("{path} does not open with the paper"))?;
    let spec = &part.header().spec;
    anyhow::ensure!(spec.kind == kind && spec.site_id == drive.site.site_id, "{path} is something else");
    let mut done = Ok(());
    part.data(|bytes| {
        if done.is_ok() {
            done = each(bytes);
        }
    })
    .with_context(|| format!("{path} is damaged"))?;
    done
}

/// Opens what is sealed to the paper, and nothing else.
struct Paper<'a> {
    drive: &'a Drive,
    key: &'a RecipientSecret,
    id: KeyId,
}

impl KeyRing for Paper<'_> {
    fn secret(&self, id: KeyId) -> Option<RecipientSecret> {
        (id == self.id).then(|| RecipientSecret::from_seed(self.key.kind(), *self.key.expose()))
    }

    fn verifying_key(&self, id: KeyId) -> Option<VerifyingKey> {
        self.drive.certs.key(id)
    }
}
