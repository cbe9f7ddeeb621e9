//! Judges an archive without any key: is everything here that was proven to lie here, is it what was sealed, is nothing else
//! here, and was the log never cut or changed?
//!
//! 1. `site.json`, certificates up to the root, the location card.
//! 2. Manifests of each day: signatures, chain, no generation missing.
//! 3. Run reports: signatures, chain, every proof's file in a manifest.
//! 4. The log: leaves laid end to end give the root of every checkpoint, manifest and report; every run of this medium that
//!    it tells of has its report here, and all that such a run carried is listed.
//! 5. Every file: size, digests, pieces, and the leaf that tells of it; files that no manifest lists.
//! 6. Backups: their own signatures.
//!
//! What it cannot see: whether `site.json` is the true one, if the reader brings none to compare with; and another history
//! signed by a lying operator, for which a checkpoint that was kept elsewhere is needed. What lies in `keys/` is judged by whoever
//! knows those formats.
//!
//! Over a [`Medium`], so that a folder, a share and a test look alike. Memory: one manifest, one file of leaves, and some
//! twenty bytes for each recording.

mod days;
mod fault;
mod files;
mod history;
mod reports;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read};

use shared::{Day, UtcMicros};

use crate::certs::Certs;
use crate::layout::{ASIDE_FOLDER, LEASE_NAME, README_NAME, SITE_NAME};
use crate::log::{Checkpoint, Hash, RecordingLeaf};
use crate::{CARD_MAX, CARD_NAME, Card, SiteJson};

pub use fault::{Fault, Finding};

/// Findings that are kept; more are counted.
const FINDINGS_MAX: usize = 1_000;
/// `site.json` is some 3 kB, certificates 500 bytes each.
const SMALL_MAX: u64 = 64 << 20;

/// Something in a folder of an archive.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// It is a folder. What is neither file nor folder is left out, or shown as a file that cannot be read.
    pub is_folder: bool,
}

/// The folder of an archive, wherever it lies. Paths begin at its root and use `/`; the root is the empty path.
pub trait Medium {
    /// Lists a folder.
    ///
    /// # Errors
    /// The system's.
    fn list(&self, folder: &str) -> io::Result<Vec<Entry>>;

    /// Opens a file for reading from its beginning.
    ///
    /// # Errors
    /// The system's.
    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>>;
}

/// What was looked at, and what is wrong.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// Which medium, if its card is good.
    pub card: Option<Card>,
    /// Days that have a folder.
    pub days: u64,
    /// Manifests that verify.
    pub manifests: u64,
    /// Run reports that verify.
    pub runs: u64,
    /// End of the last run.
    pub last_run: Option<UtcMicros>,
    /// Leaves that hang together from the first.
    pub leaves: u64,
    /// Leaves of the newest checkpoint that verifies.
    pub checkpoint: Option<u64>,
    /// Files of recordings that are what was sealed.
    pub recordings: u64,
    /// Files that are gone because their recordings were destroyed on purpose, as the log says.
    pub destroyed: u64,
    /// Bytes read to know that.
    pub bytes: u64,
    /// Backups that verify.
    pub backups: u64,
    /// Bad files that were kept aside when good copies took their places. They count for nothing.
    pub aside: u64,
    /// What is wrong, in the order in which it was found.
    pub findings: Vec<Finding>,
    /// More of the same, beyond the first thousand.
    pub more_findings: u64,
    /// Nothing could be judged for want of `site.json` or certificates.
    pub is_blind: bool,
}

impl Report {
    /// Tells whether everything is here and as it was sealed.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        !self.is_blind && self.more_findings == 0 && !self.findings.iter().any(|f| f.fault.is_grave())
    }
}

/// What is told on the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress<'a> {
    /// So many bytes were read so far.
    Bytes(u64),
    /// The file of this recording is here, and is what was sealed.
    Whole(&'a RecordingLeaf),
}

/// Who watches.
pub type Watch<'a> = &'a mut dyn FnMut(Progress<'_>);

/// What the reader knows from elsewhere, to hold the medium against.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The site's own `site.json`; without it the one on the medium is taken at its word.
    pub site: Option<SiteJson>,
    /// A checkpoint that was kept apart; without it a medium that was put back as a whole to an older night looks whole.
    pub checkpoint: Option<Checkpoint>,
}

/// Reads what every other file of an archive is judged by, for whoever judges more than [`verify`](verify()) does. `None` if it cannot
/// be trusted; [`verify`](verify()) says why.
pub fn documents(medium: &dyn Medium, known: &Known) -> Option<(SiteJson, Certs)> {
    trusted(medium, known.site.as_ref(), &mut Report::default())
}

/// Judges an archive.
pub fn verify(medium: &dyn Medium, known: &Known, watch: Watch<'_>) -> Report {
    let mut report = Report::default();
    let Some((site, certs)) = trusted(medium, known.site.as_ref(), &mut report) else {
        report.is_blind = true;
        return report;
    };
    let mut judge = Judge { medium, site, certs, report, watch, seen: Seen::default() };
    if let Some(kept) = &known.checkpoint {
        let path = "the checkpoint that was kept".to_owned();
        judge.seen.roots.push(NamedRoot { leaves: kept.leaves, root: Some(kept.root), path });
    }
    judge.card();
    judge.days();
    judge.reports();
    judge.history();
    judge.files();
    judge.strangers();
    judge.backups();
    judge.aside();
    judge.report
}

/// Everything at work.
struct Judge<'a> {
    medium: &'a dyn Medium,
    site: SiteJson,
    certs: Certs,
    report: Report,
    watch: Watch<'a>,
    seen: Seen,
}

/// What one step leaves for the others.
#[derive(Default)]
struct Seen {
    /// Days with the generations of their manifests, of those that verify.
    days: BTreeMap<Day, Vec<u32>>,
    /// Short names of the paths that manifests list.
    paths: HashSet<u64>,
    /// Leaves that manifests list, a bit each.
    leaves: Vec<u64>,
    /// Roots that signed files name, with the files.
    roots: Vec<NamedRoot>,
    /// The reports of this medium.
    runs: Vec<reports::SeenRun>,
    /// Stretches of the log that hang together.
    stretches: Vec<history::Stretch>,
    /// What the log says was destroyed on purpose.
    shredded: history::Shredded,
    /// Recordings that a run should have listed; a later leaf may say that they were destroyed.
    unlisted: Vec<(RecordingLeaf, Fault)>,
}

/// A signed file that names a length of the log, and its root if it says it.
struct NamedRoot {
    leaves: u64,
    root: Option<Hash>,
    path: String,
}

impl Judge<'_> {
    fn find(&mut self, path: impl Into<String>, fault: Fault) {
        add(&mut self.report, path, fault);
    }

    /// Lists a folder in order; a folder that is not there is empty.
    fn list(&mut self, folder: &str) -> Vec<Entry> {
        match self.medium.list(folder) {
            Ok(mut entries) => {
                entries.sort();
                entries
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(e) => {
                self.find(folder, Fault::Unreadable(e.to_string()));
                Vec::new()
            }
        }
    }

    /// Reads a whole file of at most `max` bytes; says so if it cannot.
    fn read(&mut self, path: &str, max: u64) -> Option<Vec<u8>> {
        match read(self.medium, path, max) {
            Ok(bytes) => {
                self.report.bytes = self.report.bytes.saturating_add(seal::fields::len64(&bytes));
                (self.watch)(Progress::Bytes(self.report.bytes));
                Some(bytes)
            }
            Err(fault) => {
                self.find(path, fault);
                None
            }
        }
    }

    fn card(&mut self) {
        let Some(bytes) = self.read(CARD_NAME, CARD_MAX as u64) else { return };
        let opened = self.certs.central_keys().find_map(|key| Card::open(&bytes, &key).ok());
        match opened {
            Some(card) if card.site_id == self.site.site_id => self.report.card = Some(card),
            Some(_other) => self.find(CARD_NAME, Fault::Foreign("site")),
            None => {
                let what = "the location card is not one that central signed".to_owned();
                self.find(CARD_NAME, Fault::Document(what));
            }
        }
    }

    /// What the root folder holds besides the folders that have a step of their own.
    fn strangers(&mut self) {
        let known = [CARD_NAME, SITE_NAME, README_NAME, LEASE_NAME];
        let folders = ["keys", "log", "runs", "backup", "audit", ASIDE_FOLDER];
        for entry in self.list("") {
            let is_day = entry.name.parse::<Day>().is_ok_and(|day| day.to_string() == entry.name);
            let belongs = if entry.is_folder {
                is_day || folders.contains(&entry.name.as_str())
            } else {
                known.contains(&entry.name.as_str())
            };
            if !belongs {
                self.stranger(entry.name);
            }
        }
    }

    /// Something that no list knows; what a cut run left is none.
    fn stranger(&mut self, path: String) {
        let fault = if path.ends_with(".part") { Fault::Leftover } else { Fault::Stranger };
        self.find(path, fault);
    }
}

/// Reads what every other file is judged by.
fn trusted(medium: &dyn Medium, known: Option<&SiteJson>, report: &mut Report) -> Option<(SiteJson, Certs)> {
    let site = read(medium, SITE_NAME, SMALL_MAX)
        .and_then(|bytes| SiteJson::parse(&bytes).map_err(|e| Fault::Document(e.to_string())));
    let site = site.map_err(|fault| add(report, SITE_NAME, fault)).ok()?;
    if known.is_some_and(|known| known.digest() != site.digest()) {
        add(report, SITE_NAME, Fault::Foreign("site"));
        return None;
    }
    let certs = newest_certs(medium, &site, report);
    if certs.is_none() {
        add(report, "keys", Fault::Missing("no certificates verify up to the site's root key".to_owned()));
    }
    Some((site, certs?))
}

/// Finds the newest certificates that verify up to the root; those that do not are found.
fn newest_certs(medium: &dyn Medium, site: &SiteJson, report: &mut Report) -> Option<Certs> {
    let names = medium.list("keys").unwrap_or_default();
    let generation = |name: &str| name.strip_prefix("certs-")?.strip_suffix(".json")?.parse::<u64>().ok();
    let mut names: Vec<(u64, String)> =
        names.into_iter().filter_map(|entry| Some((generation(&entry.name)?, entry.name))).collect();
    names.sort_unstable();
    let mut newest = None;
    for (_, name) in names {
        let path = format!("keys/{name}");
        let read = read(medium, &path, SMALL_MAX).and_then(|bytes| {
            Certs::parse(&bytes, &site.site_id, &site.root_key).map_err(|e| Fault::Document(e.to_string()))
        });
        match read {
            Ok(certs) => newest = Some(certs),
            Err(fault) => add(report, path, fault),
        }
    }
    newest
}

fn add(report: &mut Report, path: impl Into<String>, fault: Fault) {
    if report.findings.len() < FINDINGS_MAX {
        report.findings.push(Finding { path: path.into(), fault });
    } else {
        report.more_findings = report.more_findings.saturating_add(1);
    }
}

/// Reads a whole file of at most `max` bytes.
fn read(medium: &dyn Medium, path: &str, max: u64) -> Result<Vec<u8>, Fault> {
    let sorted = |e: io::Error| {
        if e.kind() == io::ErrorKind::NotFound {
            Fault::Missing("every archive has it".to_owned())
        } else {
            Fault::Unreadable(e.to_string())
        }
    };
    let mut bytes = Vec::new();
    let limit = max.saturating_add(1);
    medium.open(path).map_err(sorted)?.take(limit).read_to_end(&mut bytes).map_err(sorted)?;
    if seal::fields::len64(&bytes) > max {
        return Err(Fault::Document(format!("it is longer than {max} bytes, which no such file is")));
    }
    Ok(bytes)
}
