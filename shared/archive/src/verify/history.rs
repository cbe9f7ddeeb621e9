//! Step 4: the log. Files of leaves laid end to end must give the root of every checkpoint and of whatever names one.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fault, Judge, NamedRoot};
use crate::log::{Act, Checkpoint, Frontier, Hash, Leaf, LeafFile, RecordingLeaf, Shred, leaf_hash};
use shared::{Day, RecordingId};

/// A night's leaves are some megabytes; a site of ten million calls that begins an archive writes several files.
const LEAVES_MAX: u64 = 4 << 30;
const NOTE_MAX: u64 = 64 << 10;

/// A file of leaves that continues the one before.
pub(super) struct Stretch {
    first: u64,
    end: u64,
    path: String,
}

/// What the log says was destroyed on purpose.
#[derive(Default)]
pub(super) struct Shredded {
    /// Days whose keys are gone.
    days: BTreeSet<Day>,
    /// Recordings that were destroyed alone.
    pub(super) alone: BTreeSet<RecordingId>,
}

impl Shredded {
    fn covers(&self, recording: &RecordingLeaf) -> bool {
        self.alone.contains(&recording.recording_id) || self.days.contains(&recording.day)
    }
}

/// The file of leaves that was read last.
#[derive(Default)]
pub(super) struct LeafCache {
    stretch: usize,
    file: Option<LeafFile>,
}

impl Judge<'_> {
    /// Lays the leaves end to end and compares every root.
    pub(super) fn history(&mut self) {
        self.checkpoints();
        let mut roots = std::mem::take(&mut self.seen.roots);
        roots.sort_by_key(|named| named.leaves);
        let computed = self.leaves(&roots);
        let there = self.report.leaves;
        self.name_changed_leaves(&roots, &computed);
        for named in &roots {
            match (computed.get(&named.leaves), named.root) {
                (Some(root), Some(expected)) if *root != expected => {
                    self.find(named.path.clone(), Fault::Root { leaves: named.leaves });
                }
                (None, Some(_)) if named.leaves < there => {
                    let before = format!("any leaf file here that reaches back to {} leaves", named.leaves);
                    self.find(named.path.clone(), Fault::Broken { before });
                }
                (Some(_) | None, Some(_) | None) => {}
            }
        }
        if let Some(longest) = roots.last().filter(|named| named.leaves > there) {
            let (named, by) = (longest.leaves, longest.path.clone());
            self.find("log", Fault::ShortLog { there, named, by });
        }
        let newest = self.report.checkpoint.unwrap_or(0);
        // Manifests and reports are written before or with the checkpoint of their run, never with a longer one.
        if let Some(longest) = roots.last().filter(|named| named.leaves > newest) {
            let (named, by) = (longest.leaves, longest.path.clone());
            self.find("log", Fault::OldCheckpoint { newest, named, by });
        }
    }

    /// The first root that is not given lies within the stretch that was changed: those before it were given.
    fn name_changed_leaves(&mut self, roots: &[NamedRoot], computed: &BTreeMap<u64, Hash>) {
        let is_wrong = |named: &&NamedRoot| {
            named.root.zip(computed.get(&named.leaves)).is_some_and(|(expected, found)| expected != *found)
        };
        let Some(named) = roots.iter().find(is_wrong) else { return };
        let holds = |stretch: &&Stretch| stretch.first < named.leaves && named.leaves <= stretch.end;
        if let Some(stretch) = self.seen.stretches.iter().find(holds) {
            let (path, by) = (stretch.path.clone(), named.path.clone());
            self.find(path, Fault::Leaves { by });
        }
    }

    /// Opens every checkpoint that central signed, and misses those that runs wrote.
    fn checkpoints(&mut self) {
        let entries = self.list("log");
        let written: BTreeMap<u64, String> =
            self.seen.runs.iter().map(|run| (run.checkpoint, run.name.clone())).collect();
        for (leaves, run) in written {
            let name = format!("checkpoint-{leaves}.txt");
            if !entries.iter().any(|entry| entry.name == name) {
                self.find(format!("log/{name}"), Fault::Missing(format!("{run} was written with it")));
            }
        }
        for entry in entries {
            let path = format!("log/{}", entry.name);
            if entry.name.starts_with("leaves-") && entry.name.ends_with(".bin") {
                continue;
            }
            if !entry.name.starts_with("checkpoint-") || !entry.name.ends_with(".txt") {
                self.stranger(path);
                continue;
            }
            let Some(bytes) = self.read(&path, NOTE_MAX) else { continue };
            let note = String::from_utf8(bytes).unwrap_or_default();
            let opened = self.certs.central_keys().find_map(|key| Checkpoint::open(&note, &key).ok());
            match opened {
                Some(point) if point.site_id == self.site.site_id && point.file_name() == entry.name => {
                    self.report.checkpoint = self.report.checkpoint.max(Some(point.leaves));
                    let (leaves, root) = (point.leaves, Some(point.root));
                    self.seen.roots.push(NamedRoot { leaves, root, path });
                }
                Some(_other) => self.find(path, Fault::Foreign("log")),
                None => {
                    let what = "the checkpoint is not one that central signed".to_owned();
                    self.find(path, Fault::Document(what));
                }
            }
        }
    }

    /// Reads all leaves once, in order; returns the roots at the lengths that somebody names.
    fn leaves(&mut self, wanted: &[NamedRoot]) -> BTreeMap<u64, Hash> {
        let mut files = self.leaf_files();
        let mut edge = self.beginning(&files);
        let mut roots = BTreeMap::new();
        let mut wanted = wanted.iter().map(|named| named.leaves).peekable();
        note_roots(&edge, &mut wanted, &mut roots);
        while let Some((first, end, path)) = next_stretch(&mut files, edge.leaves()) {
            let Some(file) = self.leaf_file(&path) else { continue };
            if (file.first(), file.end()) != (first, end) || file.root_before() != edge.root() {
                self.find(path, Fault::Broken { before: format!("the leaves before leaf {first}") });
                continue;
            }
            for (index, leaf) in (first..).zip(file.leaves()) {
                self.leaf(&path, index, leaf);
                edge.append(leaf_hash(leaf));
                note_roots(&edge, &mut wanted, &mut roots);
            }
            self.seen.stretches.push(Stretch { first, end, path });
        }
        for (_, _, path) in files.into_iter().filter(|(first, _, _)| *first > edge.leaves()) {
            let before = format!("the log, which ends here after {} leaves", edge.leaves());
            self.find(path, Fault::Broken { before });
        }
        self.unlisted();
        self.report.leaves = edge.leaves();
        roots
    }

    /// A medium that came into use later begins within the log: its first file says what stood before. Whoever takes away older
    /// files is found by the leaves and roots that manifests name.
    fn beginning(&mut self, files: &[(u64, u64, String)]) -> Frontier {
        let first = files.iter().map(|(first, _, path)| (*first, path.clone())).min();
        let Some((_, path)) = first.filter(|(first, _)| *first > 0) else { return Frontier::default() };
        self.leaf_file(&path).map_or_else(Frontier::default, |file| file.before().clone())
    }

    fn leaf_files(&mut self) -> Vec<(u64, u64, String)> {
        let range = |name: &str| {
            let (first, end) = name.strip_prefix("leaves-")?.strip_suffix(".bin")?.split_once('-')?;
            Some((first.parse().ok()?, end.parse().ok()?, format!("log/{name}")))
        };
        let mut files: Vec<(u64, u64, String)> =
            self.list("log").iter().filter_map(|entry| range(&entry.name)).collect();
        files.sort_unstable();
        files
    }

    fn leaf_file(&mut self, path: &str) -> Option<LeafFile> {
        let bytes = self.read(path, LEAVES_MAX)?;
        match LeafFile::parse(&bytes) {
            Ok(file) => Some(file),
            Err(e) => {
                self.find(path, Fault::Document(e.to_string()));
                None
            }
        }
    }

    /// What a leaf says about this medium must be so.
    fn leaf(&mut self, path: &str, index: u64, bytes: &[u8]) {
        let Ok(leaf) = Leaf::parse(bytes) else {
            let what = format!("leaf {index} is damaged or of a newer version");
            return self.find(path, Fault::Document(what));
        };
        #[allow(clippy::wildcard_enum_match_arm, reason = "the other acts say nothing about a medium")]
        match leaf.act {
            Act::Recording(recording) => self.must_be_listed(index, &recording),
            Act::Shred { what: Shred::Day(day), .. } => drop(self.seen.shredded.days.insert(day)),
            Act::Shred { what: Shred::Recording(_, id), .. } => drop(self.seen.shredded.alone.insert(id)),
            Act::Run { media_id, run_id, report, .. } => self.must_have_report(media_id, run_id, report),
            _ => {}
        }
    }

    fn must_be_listed(&mut self, leaf: u64, recording: &RecordingLeaf) {
        if self.seen.lists_leaf(leaf) {
            return;
        }
        let covers = |run: &&super::reports::SeenRun| run.is_complete && (run.first..run.end).contains(&leaf);
        let fault = self.seen.runs.iter().find(covers).map(|run| Fault::Unlisted {
            run: run.name.clone(),
            first: run.first,
            end: run.end,
            leaf,
            day: recording.day,
        });
        if let Some(fault) = fault {
            self.seen.unlisted.push((*recording, fault));
        }
    }

    /// What was destroyed before it was carried is listed nowhere. Known only when the whole log was read.
    fn unlisted(&mut self) {
        for (recording, fault) in std::mem::take(&mut self.seen.unlisted) {
            if !self.seen.shredded.covers(&recording) {
                self.find(recording.day.to_string(), fault);
            }
        }
    }

    fn must_have_report(&mut self, media_id: [u8; 16], run_id: [u8; 16], report: [u8; 32]) {
        let is_ours = self.report.card.as_ref().is_some_and(|card| card.media_id.0 == media_id);
        if !is_ours || self.seen.runs.iter().any(|run| run.digest == report) {
            return;
        }
        let known = self.seen.runs.iter().find(|run| run.run_id.0 == run_id).map(|run| run.name.clone());
        let fault = if known.is_some() {
            Fault::NotInLog
        } else {
            Fault::Missing(format!("the log tells of run {} on this medium", crate::hex(&run_id)))
        };
        self.find(known.unwrap_or_else(|| "runs".to_owned()), fault);
    }

    /// Finds the recording of a leaf, through `cache`.
    pub(super) fn recording_leaf(&self, leaf: u64, cache: &mut LeafCache) -> Option<RecordingLeaf> {
        let at = self.seen.stretches.partition_point(|stretch| stretch.end <= leaf);
        let stretch = self.seen.stretches.get(at).filter(|stretch| stretch.first <= leaf)?;
        if cache.file.is_none() || cache.stretch != at {
            let path = stretch.path.clone();
            cache.file = super::read(self.medium, &path, LEAVES_MAX)
                .ok()
                .and_then(|bytes| LeafFile::parse(&bytes).ok());
            cache.stretch = at;
        }
        let file = cache.file.as_ref()?;
        let bytes = file.leaves().get(usize::try_from(leaf.checked_sub(file.first())?).ok()?)?;
        #[allow(clippy::wildcard_enum_match_arm, reason = "only recordings lie in folders of days")]
        match Leaf::parse(bytes).ok()?.act {
            Act::Recording(recording) => Some(recording),
            _ => None,
        }
    }
}

/// Takes the longest file that goes on at `at`, and drops those that only repeat.
fn next_stretch(files: &mut Vec<(u64, u64, String)>, at: u64) -> Option<(u64, u64, String)> {
    files.retain(|(first, end, _)| *first >= at && *end > at);
    let best = files.iter().rposition(|(first, _, _)| *first == at)?;
    Some(files.remove(best))
}

fn note_roots(
    edge: &Frontier,
    wanted: &mut std::iter::Peekable<impl Iterator<Item = u64>>,
    roots: &mut BTreeMap<u64, Hash>,
) {
    while wanted.next_if(|leaves| *leaves <= edge.leaves()).is_some_and(|leaves| {
        if leaves == edge.leaves() {
            roots.insert(leaves, edge.root());
        }
        true
    }) {}
}
