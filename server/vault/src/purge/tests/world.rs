//! A site with recordings, locations and media in memory, and a hand that breaks one thing at a time.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::{Arc, Mutex};

use catalogue::{
    ArchiveRunRow, LocationKind, LocationRow, MediaSet, MediumRow, MediumState, PartRow, ProofRow,
    ReadBackRow,
};
use shared::{LocationId, MediaId, RecordingId, RunId, UtcMicros};

use crate::tests::{AT, Site};
use crate::{Elsewhere, Fresh, FreshCheck, PurgeRules, Vault};

pub(crate) const HOUR: i64 = 3_600_000_000;
pub(crate) const DAY: i64 = 24 * HOUR;
pub(crate) const RULES: PurgeRules = PurgeRules { min_live_us: 30 * DAY };
/// The recordings are old enough.
pub(crate) const LATER: UtcMicros = UtcMicros(AT.0 + 31 * DAY);

/// Files on all media by medium and path; a medium that is not in it is not connected.
#[derive(Clone, Default)]
pub(crate) struct Shelf(pub(crate) Arc<Mutex<BTreeMap<MediaId, BTreeMap<String, Vec<u8>>>>>);

impl Shelf {
    pub(crate) fn with<T>(
        &self,
        act: impl FnOnce(&mut BTreeMap<MediaId, BTreeMap<String, Vec<u8>>>) -> T,
    ) -> T {
        act(&mut self.0.lock().unwrap())
    }
}

impl FreshCheck for Shelf {
    fn look(&mut self, proof: &ProofRow) -> Fresh {
        let Some(files) = self.with(|media| media.get(&proof.media_id).cloned()) else { return Fresh::Away };
        match files.get(&proof.read_back.path) {
            None => Fresh::Differs("it is not there".into()),
            Some(bytes) if *blake3::hash(bytes).as_bytes() == proof.read_back.whole_blake3 => Fresh::Same,
            Some(_) => Fresh::Differs("a piece is another".into()),
        }
    }
}

impl Elsewhere for Shelf {
    fn open(&self, proof: &ProofRow) -> std::io::Result<Option<Box<dyn Read + Send>>> {
        let found = self.with(|media| media.get(&proof.media_id)?.get(&proof.read_back.path).cloned());
        Ok(found.map(|bytes| Box::new(Cursor::new(bytes)) as Box<dyn Read + Send>))
    }
}

pub(crate) fn id(n: u8) -> RecordingId {
    RecordingId([n; 16])
}

pub(crate) fn medium(n: u8) -> MediaId {
    MediaId([n; 16])
}

/// Records and admits calls 1 to `n`.
pub(crate) fn recorded(site: &Site, vault: &Vault, n: u8) {
    let parts = (1..=n).map(|n| site.close(site.record(vault, n).unwrap())).collect();
    let report = vault.admit(parts);
    assert_eq!(report.admitted.len(), usize::from(n), "{report:?}");
}

pub(crate) fn add_location(vault: &Vault, n: u8, set: MediaSet) {
    let row = LocationRow {
        location_id: LocationId([n; 16]),
        name: format!("place-{n}"),
        kind: LocationKind::Folder,
        path: String::new(),
        settings: "{}".into(),
        set,
        added_at: AT,
        removed_at: None,
    };
    vault.add_location(&row).unwrap();
}

pub(crate) fn add_medium(vault: &Vault, n: u8, location: u8) {
    let row = MediumRow {
        media_id: medium(n),
        location_id: LocationId([location; 16]),
        media_gen: 0,
        label: format!("disk {n}"),
        lies_in: "the safe".into(),
        added_at: AT,
        next_leaf: 0,
        last_report: None,
        last_run_at: None,
        last_seen_at: Some(LATER),
        state: MediumState::Good,
    };
    vault.add_medium(&row).unwrap();
}

/// How a run on a medium goes.
#[derive(Clone, Copy)]
pub(crate) struct How {
    pub(crate) level: u8,
    pub(crate) has_report: bool,
    pub(crate) manifest: u32,
    pub(crate) checkpoint: u64,
    /// One bit of what was read back is another.
    pub(crate) is_wrong: bool,
}

pub(crate) const WELL: How = How { level: 3, has_report: true, manifest: 1, checkpoint: 3, is_wrong: false };

/// Copies all that is due to a medium.
pub(crate) fn archive(vault: &Vault, shelf: &Shelf, n: u8, how: How) {
    let location = vault.medium(medium(n)).unwrap().unwrap().location_id;
    let run_id = RunId([n; 16]);
    let run = ArchiveRunRow {
        run_id,
        location_id: location,
        media_id: medium(n),
        begun_at: AT,
        ended_at: Some(LATER),
        first: 0,
        end: 1_000,
        outcome: Some(1),
        report_sha256: Some([n; 32]),
        checkpoint: how.checkpoint,
        files: 0,
        bytes: 0,
        message: String::new(),
    };
    vault.begin_run(&run).unwrap();
    let due = vault.due(medium(n), None, 1_000).unwrap();
    let mut rows = Vec::new();
    for part in &due {
        let mut bytes = Vec::new();
        vault.disk.open_read(&part.path).unwrap().read_to_end(&mut bytes).unwrap();
        if how.is_wrong {
            bytes[700] ^= 1;
        }
        rows.push(read_back(part.recording_id, part.part, part.leaf, &bytes, how));
        let path = rows.last().unwrap().path.clone();
        shelf.with(|media| media.entry(medium(n)).or_default().insert(path, bytes));
    }
    vault.read_back(run_id, medium(n), &rows).unwrap();
    if how.has_report {
        vault.prove_run(&run, 1_000, &[]).unwrap();
    }
}

fn read_back(recording_id: RecordingId, part: u16, leaf: u64, bytes: &[u8], how: How) -> ReadBackRow {
    let sha = |bytes: &[u8]| <sha2::Sha256 as sha2::Digest>::digest(bytes).into();
    let (content, _trailer) = bytes.split_at(bytes.len() - 256);
    ReadBackRow {
        recording_id,
        part,
        leaf,
        path: format!("2026-11-22/rec/14a/{leaf}.amx"),
        size: bytes.len() as u64,
        sha256: sha(content),
        blake3: *blake3::hash(content).as_bytes(),
        whole_sha256: sha(bytes),
        whole_blake3: *blake3::hash(bytes).as_bytes(),
        pieces: vec![],
        level: how.level,
        manifest: how.manifest,
        read_at: AT,
    }
}

pub(crate) fn part_of(vault: &Vault, n: u8) -> PartRow {
    vault.recording(id(n)).unwrap().unwrap().parts[0].clone()
}

/// Two locations with a disk each hold three recordings.
pub(crate) fn archived() -> (Site, Vault, Shelf) {
    let (site, shelf) = (Site::new(), Shelf::default());
    let vault = site.vault();
    recorded(&site, &vault, 3);
    for n in [1, 2] {
        add_location(&vault, n, MediaSet::One);
        add_medium(&vault, n, n);
        archive(&vault, &shelf, n, WELL);
    }
    (site, vault, shelf)
}
