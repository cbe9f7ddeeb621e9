//! Steps 5 and 6: every file of every day against its manifest and its leaf, strangers, and the backups.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use seal::{TRAILER_LEN, fields};
use sha2::{Digest as _, Sha256};
use shared::Day;

use super::history::LeafCache;
use super::{Entry, Fault, Judge, Progress};
use crate::layout::{ASIDE_FOLDER, day_folder};
use crate::log::RecordingLeaf;
use crate::manifest::MANIFEST_MAX;
use crate::{Manifest, ManifestLine, Pieces};

/// Bytes read at a time.
const BLOCK: usize = 256 << 10;
/// Depth of folders below a day.
const DEPTH_MAX: u8 = 4;

/// The digests of a file, made in one pass.
struct Sums {
    size: u64,
    sha256: [u8; 32],
    blake3: [u8; 32],
    pieces: Vec<[u8; 32]>,
    /// Of everything before the trailer.
    body: Option<([u8; 32], [u8; 32])>,
}

impl Judge<'_> {
    /// Every file that a manifest lists, day by day.
    pub(super) fn files(&mut self) {
        let mut cache = LeafCache::default();
        let days = std::mem::take(&mut self.seen.days);
        for (day, generations) in &days {
            let mut listed = BTreeMap::new();
            for generation in generations {
                self.listed_files(*day, *generation, &mut listed, &mut cache);
            }
            self.day_strangers(*day, generations, &listed);
        }
        self.seen.days = days;
    }

    fn listed_files(
        &mut self,
        day: Day,
        generation: u32,
        listed: &mut BTreeMap<String, [u8; 32]>,
        cache: &mut LeafCache,
    ) {
        let folder = day_folder(day);
        let path = format!("{folder}/{}", Manifest::file_name(generation));
        let Ok(bytes) = super::read(self.medium, &path, MANIFEST_MAX) else { return };
        let Some(manifest) = self.manifest(day, generation, &path, &bytes) else { return };
        self.twin(&folder, &manifest);
        for line in &manifest.lines {
            let path = format!("{folder}/{}", line.path);
            // A run lists again what a cut one before it listed; two lists that differ cannot both be right.
            if listed.get(&path) == Some(&line.sha256) {
                continue;
            }
            match self.judge(&path, line, cache) {
                Ok(true) => self.report.recordings = self.report.recordings.saturating_add(1),
                Ok(false) => {}
                Err(fault) => self.find(path.clone(), fault),
            }
            listed.insert(path, line.sha256);
        }
    }

    /// The twin for `sha256sum -c` must say the same.
    fn twin(&mut self, folder: &str, manifest: &Manifest) {
        let path = format!("{folder}/{}", Manifest::sums_name(manifest.generation));
        if let Some(bytes) = self.read(&path, MANIFEST_MAX)
            && bytes != manifest.sha256sums()
        {
            self.find(path, Fault::Altered("list"));
        }
    }

    /// Judges one file; tells whether it is a recording.
    fn judge(&mut self, path: &str, line: &ManifestLine, cache: &mut LeafCache) -> Result<bool, Fault> {
        let sums = match self.sums(path, line.size) {
            Err(Fault::Missing(_)) if self.was_destroyed(line, cache) => {
                self.report.destroyed = self.report.destroyed.saturating_add(1);
                return Ok(false);
            }
            sums => sums?,
        };
        let differs = if sums.size != line.size {
            Some("length")
        } else if sums.sha256 != line.sha256 {
            Some("SHA-256")
        } else if sums.blake3 != line.blake3 {
            Some("BLAKE3")
        } else if !line.pieces.is_empty() && sums.pieces != line.pieces {
            Some("BLAKE3 by pieces")
        } else {
            None
        };
        if let Some(what) = differs {
            return Err(Fault::Altered(what));
        }
        let Some(leaf) = line.leaf else { return Ok(false) };
        let told = self.recording_leaf(leaf, cache);
        let told =
            told.ok_or_else(|| Fault::Missing(format!("leaf {leaf} of the log, which tells of it")))?;
        match differs_from_leaf(&sums, &told) {
            Some(what) => Err(Fault::NotItsLeaf { leaf, what }),
            None => {
                (self.watch)(Progress::Whole(&told));
                Ok(true)
            }
        }
    }

    /// The log says that this recording alone was destroyed on purpose: its file is removed. Files of a day whose keys were destroyed stay.
    fn was_destroyed(&self, line: &ManifestLine, cache: &mut LeafCache) -> bool {
        let told = line.leaf.and_then(|leaf| self.recording_leaf(leaf, cache));
        told.is_some_and(|told| self.seen.shredded.alone.contains(&told.recording_id))
    }

    /// Reads a file once and makes all its digests. `size` is what the manifest says; a longer file is not read to its end.
    fn sums(&mut self, path: &str, size: u64) -> Result<Sums, Fault> {
        let sorted = |e: std::io::Error| {
            if e.kind() == std::io::ErrorKind::NotFound {
                Fault::Missing("the manifest of its day lists it".to_owned())
            } else {
                Fault::Unreadable(e.to_string())
            }
        };
        let io = self.medium.open(path).map_err(sorted)?;
        let mut summing = Summing::new(size);
        let mut block = vec![0; BLOCK];
        let mut io = io.take(size.saturating_add(1));
        loop {
            let n = match io.read(&mut block) {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                read => read.map_err(sorted)?,
            };
            if n == 0 {
                return Ok(summing.done());
            }
            summing.add(block.get(..n).unwrap_or_default());
            self.report.bytes = self.report.bytes.saturating_add(u64::try_from(n).unwrap_or(0));
            (self.watch)(Progress::Bytes(self.report.bytes));
        }
    }

    /// What lies in the folder of a day and in no list.
    fn day_strangers(&mut self, day: Day, generations: &[u32], listed: &BTreeMap<String, [u8; 32]>) {
        let folder = day_folder(day);
        let mut known: BTreeSet<String> = BTreeSet::new();
        for generation in generations {
            known.insert(format!("{folder}/{}", Manifest::file_name(*generation)));
            known.insert(format!("{folder}/{}", Manifest::sums_name(*generation)));
        }
        let is_manifest = |path: &str| path.starts_with(&format!("{folder}/manifest-"));
        for path in self.walk(&folder, DEPTH_MAX) {
            // A manifest that does not verify was found already.
            if !listed.contains_key(&path) && !known.contains(&path) && !is_manifest(&path) {
                self.stranger(path);
            }
        }
    }

    /// Lists all files below a folder, in order.
    fn walk(&mut self, folder: &str, depth: u8) -> Vec<String> {
        let mut files = Vec::new();
        for Entry { name, is_folder } in self.list(folder) {
            let path = format!("{folder}/{name}");
            match depth.checked_sub(1).filter(|_| is_folder) {
                Some(depth) => files.extend(self.walk(&path, depth)),
                None => files.push(path),
            }
        }
        files
    }

    /// What was kept aside is counted, so that somebody looks at it.
    pub(super) fn aside(&mut self) {
        self.report.aside = fields::len64(&self.walk(ASIDE_FOLDER, 2));
    }

    /// Step 6: backups are sealed files that central signed; what is in them, only the paper opens.
    pub(super) fn backups(&mut self) {
        for path in self.walk("backup", 2) {
            if !path.ends_with(".amx") {
                self.stranger(path);
                continue;
            }
            let judged =
                self.medium.open(&path).map_err(|e| Fault::Unreadable(e.to_string())).and_then(|io| {
                    let report = seal::verify(io, &|id| self.certs.key(id));
                    report.map_err(|e| Fault::Unreadable(e.to_string()))
                });
            match judged {
                Ok(report) if report.is_proven() => {
                    self.report.backups = self.report.backups.saturating_add(1);
                }
                Ok(report) => {
                    let first = report.findings.first().map(|finding| finding.fault.to_string());
                    let what = first.unwrap_or_else(|| "nobody known signed it".to_owned());
                    self.find(path, Fault::Document(what));
                }
                Err(fault) => self.find(path, fault),
            }
        }
    }
}

fn differs_from_leaf(sums: &Sums, leaf: &RecordingLeaf) -> Option<&'static str> {
    if leaf.size != sums.size {
        Some("length")
    } else if sums.body.map(|(sha256, _)| sha256) != Some(leaf.sha256) {
        Some("SHA-256")
    } else if sums.body.map(|(_, blake3)| blake3) != Some(leaf.blake3) {
        Some("BLAKE3")
    } else {
        None
    }
}

/// Digests under way. The whole file and the file without its trailer are hashed in one go.
struct Summing {
    size: u64,
    body_len: u64,
    sha256: Sha256,
    pieces: Pieces,
    body: Option<([u8; 32], [u8; 32])>,
}

impl Summing {
    fn new(size: u64) -> Self {
        let body_len = size.saturating_sub(u64::try_from(TRAILER_LEN).unwrap_or(0));
        Self { size: 0, body_len, sha256: Sha256::new(), pieces: Pieces::default(), body: None }
    }

    /// Takes bytes, split where the body ends.
    fn add(&mut self, bytes: &[u8]) {
        let body_left = self.body_len.checked_sub(self.size).filter(|left| *left > 0);
        let body_left = body_left.and_then(|left| usize::try_from(left).ok());
        match body_left.and_then(|left| bytes.split_at_checked(left)) {
            Some((body, rest)) => {
                self.take(body);
                self.body = Some((self.sha256.clone().finalize().into(), self.pieces.whole()));
                self.take(rest);
            }
            None => self.take(bytes),
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.pieces.update(bytes);
        self.size = self.size.saturating_add(fields::len64(bytes));
    }

    fn done(self) -> Sums {
        let (blake3, pieces) = self.pieces.finish();
        Sums { size: self.size, sha256: self.sha256.finalize().into(), blake3, pieces, body: self.body }
    }
}
