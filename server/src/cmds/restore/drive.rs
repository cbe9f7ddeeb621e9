//! What lies on the drive from which a site is restored: documents, the newest recovery vault, the log.

use std::sync::Arc;

use anyhow::Context as _;
use archive::certs::Certs;
use archive::log::{Checkpoint, Frontier, LeafFile, leaf_hash};
use archive::{CARD_NAME, Card, SiteJson, layout};
use archiver::keyfiles::{self, Recovered};
use seal::RecipientSecret;

use super::source::Source;
use crate::failure::{Failure, Kind};

/// An archive, opened as far as no key is needed.
pub(super) struct Drive {
    /// Where it lies.
    pub(super) source: Arc<Source>,
    /// Whose it is.
    pub(super) site: SiteJson,
    /// Who may seal and sign.
    pub(super) certs: Certs,
    /// Which medium it says to be.
    pub(super) card: Option<Card>,
    /// What was found to be wrong on the way.
    pub(super) troubles: Vec<String>,
}

/// The log as it lies on the drive, as far as a checkpoint of central vouches for it.
pub(super) struct LogOnDrive {
    source: Arc<Source>,
    files: Vec<String>,
    /// Leaves that the checkpoint vouches for.
    pub(super) leaves: u64,
}

impl Drive {
    /// Opens an archive.
    ///
    /// # Errors
    /// Its documents cannot be trusted.
    pub(super) fn open(source: Source) -> anyhow::Result<Self> {
        let site = SiteJson::parse(&source.document(layout::SITE_NAME)?).map_err(unusable)?;
        let mut troubles = Vec::new();
        let certs = newest_certs(&source, &site, &mut troubles)?;
        let card = source
            .document(CARD_NAME)
            .ok()
            .and_then(|bytes| certs.central_keys().find_map(|key| Card::open(&bytes, &key).ok()));
        if card.is_none() {
            troubles.push("the location card is missing or not one that central signed".to_owned());
        }
        Ok(Self { source: Arc::new(source), site, certs, card, troubles })
    }

    /// Opens the newest recovery vault that holds, with the key of the paper.
    ///
    /// # Errors
    /// None of them opens.
    pub(super) fn recovery_vault(&mut self, paper: &RecipientSecret) -> anyhow::Result<Recovered> {
        let mut names = self.source.names("keys")?;
        // By generation, which stands last in the name.
        names.retain(|name| name.starts_with("recovery-") && name.ends_with(".amr"));
        names.sort_unstable_by_key(|name| name.rsplit('-').next().unwrap_or_default().to_owned());
        for name in names.iter().rev() {
            let opened = self
                .source
                .document(&format!("keys/{name}"))
                .and_then(|bytes| Ok(keyfiles::open_recovery(&bytes, &self.site, &self.certs, paper)?));
            match opened {
                Ok(recovered) => return Ok(recovered),
                Err(e) => self.troubles.push(format!("keys/{name}: {e:#}")),
            }
        }
        let text = format!(
            "no recovery vault on this drive opens: {}. Try another location of this site",
            if names.is_empty() { "there is none".to_owned() } else { self.troubles.join("; ") }
        );
        Err(Failure::new(Kind::Input, text).into())
    }

    /// Lays the leaves end to end and compares them with the newest checkpoint. A log that cannot be trusted counts as empty.
    pub(super) fn log(&mut self) -> LogOnDrive {
        let nothing = LogOnDrive { source: Arc::clone(&self.source), files: Vec::new(), leaves: 0 };
        match self.trusted_log() {
            Ok(log) => log,
            Err(e) => {
                self.troubles.push(format!(
                    "the log on this drive cannot be used ({e:#}): a new one begins, and older proofs and checkpoints cannot be \
                     compared with it"
                ));
                nothing
            }
        }
    }

    fn trusted_log(&self) -> anyhow::Result<LogOnDrive> {
        let checkpoint = self.newest_checkpoint()?.context("no checkpoint on it verifies")?;
        let mut edge = Frontier::default();
        let mut files = Vec::new();
        while edge.leaves() < checkpoint.leaves {
            let path = longest_from(&self.source, edge.leaves())?
                .with_context(|| format!("it ends after {} leaves", edge.leaves()))?;
            let file = LeafFile::parse(&self.source.document(&path)?)?;
            anyhow::ensure!(
                file.first() == edge.leaves() && file.root_before() == edge.root(),
                "it was changed"
            );
            anyhow::ensure!(file.end() > file.first(), "a file of leaves is empty");
            for leaf in file.leaves() {
                if edge.leaves() < checkpoint.leaves {
                    edge.append(leaf_hash(leaf));
                }
            }
            files.push(path);
        }
        anyhow::ensure!(
            edge.root() == checkpoint.root,
            "its leaves do not give the root that central signed"
        );
        Ok(LogOnDrive { source: Arc::clone(&self.source), files, leaves: checkpoint.leaves })
    }

    fn newest_checkpoint(&self) -> anyhow::Result<Option<Checkpoint>> {
        let mut best: Option<Checkpoint> = None;
        let names = self.source.names("log")?;
        for name in names.into_iter().filter(|name| name.starts_with("checkpoint-")) {
            let note = String::from_utf8(self.source.document(&format!("log/{name}"))?).unwrap_or_default();
            let opened = self.certs.central_keys().find_map(|key| Checkpoint::open(&note, &key).ok());
            let longer = |c: &Checkpoint| best.is_none_or(|best| best.leaves < c.leaves);
            if let Some(found) = opened.filter(|c| c.site_id == self.site.site_id && longer(c)) {
                best = Some(found);
            }
        }
        Ok(best)
    }
}

impl LogOnDrive {
    /// Returns the leaves, from the first. A file that cannot be read any more ends them.
    pub(super) fn iter(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        let files =
            self.files.iter().map_while(|path| LeafFile::parse(&self.source.document(path).ok()?).ok());
        let leaves = files.flat_map(|file| file.leaves().to_vec());
        leaves.take(usize::try_from(self.leaves).unwrap_or(usize::MAX))
    }
}

/// The file that begins at leaf `first` and reaches farthest.
fn longest_from(source: &Source, first: u64) -> anyhow::Result<Option<String>> {
    let end = |name: &str| {
        let (from, end) = name.strip_prefix("leaves-")?.strip_suffix(".bin")?.split_once('-')?;
        (from.parse() == Ok(first)).then(|| end.parse::<u64>().ok())?
    };
    let best = source.names("log")?.into_iter().filter_map(|name| Some((end(&name)?, name))).max();
    Ok(best.map(|(_, name)| format!("log/{name}")))
}

fn newest_certs(source: &Source, site: &SiteJson, troubles: &mut Vec<String>) -> anyhow::Result<Certs> {
    let mut found = source.names("keys")?;
    found.retain(|name| name.starts_with("certs-") && name.ends_with(".json"));
    for name in found.iter().rev() {
        let read = source
            .document(&format!("keys/{name}"))
            .and_then(|bytes| Ok(Certs::parse(&bytes, &site.site_id, &site.root_key)?));
        match read {
            Ok(certs) => return Ok(certs),
            Err(e) => troubles.push(format!("keys/{name}: {e:#}")),
        }
    }
    let text = "no certificates on this drive verify up to the site's root key: it is damaged or forged. Try another location";
    Err(Failure::new(Kind::Input, text).into())
}

fn unusable(error: archive::ArchiveError) -> Failure {
    Failure::new(
        Kind::Input,
        format!("this drive cannot be trusted: {error}. Try another location of this site"),
    )
}
