//! Step 6, for each day that the run added to: the day's catalogue, sealed to the day's key, and the manifest that lists what was
//! added, with its twin for `sha256sum -c`.

use std::collections::{BTreeMap, BTreeSet};

use archive::log::Checkpoint;
use archive::{DayCatalogue, DayRow, GAPS, HELD, MASKED, Manifest, ManifestLine, RECOVERED};
use seal::{Kind, PartSpec};
use shared::{Day, Direction, RecordingId};
use vault::{DayEntry, ListedParty, PartyRole, ReadBackRow};

use super::Run;
use crate::carrier::{CarryError, CarryKind, Digests, Fate, Item, Source};
use crate::sealed;
use crate::{ArchiverError, Result};

/// Bytes of one batch of small files. They are in memory in both processes, and on the line between them.
const BATCH: usize = 4 << 20;
/// Recordings that are asked for at a time.
const ENTRIES: usize = 1_000;
/// Digits of a generation in names.
const NAME_DIGITS: usize = 4;

impl Run<'_> {
    /// Writes catalogues and manifests of all days of the run.
    pub(super) fn write_days(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        let mut days: BTreeMap<Day, Vec<ReadBackRow>> = BTreeMap::new();
        for row in std::mem::take(&mut self.carried) {
            // Every path begins with its day.
            let day = row.path.split('/').next().and_then(|day| day.parse().ok());
            days.entry(day.unwrap_or_else(|| self.today())).or_default().push(row);
        }
        for (day, mut rows) in days {
            rows.sort_by_key(|row| row.leaf);
            let before = self.newest_manifest(day)?;
            let generation = before.map_or(1, |(generation, _)| generation.saturating_add(1));
            // What is in a manifest is found by its generation; the catalogue's is the same.
            let catalogue = self.day_catalogue(day)?;
            let path = format!("{day}/day-{generation:0NAME_DIGITS$}.amc");
            let put = self.put(vec![(path, catalogue)])?;
            let mut lines: Vec<ManifestLine> = rows.iter().map(|row| line(day, row)).collect();
            lines.extend(put.iter().map(|(path, digests)| line_of(day, path, digests)));
            let manifest = Manifest {
                site_id: self.world.central.site_id(),
                location_id: self.location.location_id,
                day,
                generation,
                previous: before.map(|(_, digest)| digest),
                log_leaves: checkpoint.leaves,
                log_root: checkpoint.root,
                lines,
            };
            let (sums, signed) = (manifest.sha256sums(), manifest.sign(self.world.central.signing_key()));
            drop(manifest);
            let digest = Manifest::digest(&signed);
            self.put(vec![
                (format!("{day}/{}", Manifest::sums_name(generation)), sums),
                (format!("{day}/{}", Manifest::file_name(generation)), signed),
            ])?;
            let leaf = |row: Option<&ReadBackRow>| row.map_or(0, |row| row.leaf);
            let leaves = (leaf(rows.first()), leaf(rows.last()));
            self.world.vault.set_manifest(self.row.run_id, day, leaves, generation)?;
            self.manifests.push((day, generation, digest));
            rows.iter_mut().for_each(|row| row.manifest = generation);
            self.listed.extend(rows);
        }
        Ok(())
    }

    /// Writes small files and returns their digests.
    pub(super) fn put(&mut self, files: Vec<(String, Vec<u8>)>) -> Result<Vec<(String, Digests)>> {
        let mut put = Vec::with_capacity(files.len());
        let mut rest = files.into_iter().peekable();
        while rest.peek().is_some() {
            let mut size = 0_usize;
            let mut items = Vec::new();
            while let Some((to, bytes)) =
                rest.next_if(|(_, bytes)| items.is_empty() || size.saturating_add(bytes.len()) <= BATCH)
            {
                size = size.saturating_add(bytes.len());
                items.push(Item { to, source: Source::Bytes(bytes), aside: None });
            }
            put.extend(self.carry_named(items)?);
        }
        Ok(put)
    }

    /// Carries files that must all be there.
    pub(super) fn carry_named(&mut self, items: Vec<Item>) -> Result<Vec<(String, Digests)>> {
        self.keep()?;
        let fates = self.carrier.carry(&items, &mut |_bytes| ()).map_err(|e| self.failed(e))?;
        let proven = |(item, fate): (Item, Fate)| match fate {
            Fate::Proven { digests, .. } => Ok((item.to, digests)),
            Fate::Taken | Fate::Misread | Fate::SourceBad | Fate::SourceGone => {
                let text = format!("{} could not be written and read back ({fate:?})", item.to);
                Err(self.failed(CarryError { kind: CarryKind::Doubtful, text }))
            }
        };
        items.into_iter().zip(fates).map(proven).collect()
    }

    /// The newest generation of a day's manifest on the medium that holds, and its digest.
    fn newest_manifest(&mut self, day: Day) -> Result<Option<(u32, [u8; 32])>> {
        let known = self.world.vault.manifest_of(self.medium.media_id, day)?;
        let folder = archive::layout::day_folder(day);
        let found = self.carrier.list(&folder).map_err(|e| self.failed(e))?.unwrap_or_default();
        let number = |name: &str, before: &str, behind: &str| -> Option<u32> {
            name.strip_prefix(before)?.strip_suffix(behind)?.parse().ok()
        };
        let highest = found.iter().filter_map(|f| number(&f.name, "manifest-", ".txt")).max();
        // What a cut run wrote before its manifest is in no manifest and proves nothing.
        let loose = found.iter().filter(|f| {
            let generation =
                number(&f.name, "day-", ".amc").or_else(|| number(&f.name, "sha256sums-", ".txt"));
            generation.is_some_and(|g| Some(g) > highest)
        });
        let loose: Vec<String> = loose.map(|f| format!("{folder}/{}", f.name)).collect();
        if !loose.is_empty() {
            self.carrier.remove(&loose).map_err(|e| self.failed(e))?;
        }
        let lost = |text: String| ArchiverError::OtherMedium { name: self.location.name.clone(), why: text };
        let Some(generation) = highest else {
            return match known {
                None => Ok(None),
                Some((generation, _)) => Err(lost(format!(
                    "the manifest of generation {generation} of {day} is not there any more"
                ))),
            };
        };
        let path = format!("{folder}/{}", Manifest::file_name(generation));
        let bytes = self.carrier.read(&path, archive::manifest::MANIFEST_MAX).map_err(|e| self.failed(e))?;
        let digest = Manifest::digest(&bytes.unwrap_or_default());
        match known {
            Some((g, _)) if g > generation => {
                Err(lost(format!("the manifest of generation {g} of {day} is not there any more")))
            }
            Some((g, sum)) if g == generation && sum != digest => {
                Err(lost(format!("{path} is not the one that was written there")))
            }
            _ => Ok(Some((generation, digest))),
        }
    }

    /// The catalogue of all recordings of a day that lie on the medium, sealed to the day's key.
    fn day_catalogue(&self, day: Day) -> Result<Vec<u8>> {
        let mut first: BTreeMap<RecordingId, (u16, String, u64)> = BTreeMap::new();
        let mut bytes: BTreeMap<RecordingId, (u16, u64)> = BTreeMap::new();
        for row in self.world.vault.archived_of_day(self.medium.media_id, day)? {
            let sum = bytes.entry(row.recording_id).or_default();
            *sum = (sum.0.saturating_add(1), sum.1.saturating_add(row.size));
            let entry =
                first.entry(row.recording_id).or_insert_with(|| (row.part, row.path.clone(), row.leaf));
            if row.part < entry.0 {
                *entry = (row.part, row.path, row.leaf);
            }
        }
        let ids: Vec<RecordingId> = first.keys().copied().collect();
        let mut rows = Vec::with_capacity(ids.len());
        for some in ids.chunks(ENTRIES) {
            for entry in self.world.vault.day_entries(some)? {
                let id = entry.listed.facts.recording_id;
                let Some((_, path, leaf)) = first.remove(&id) else { continue };
                let (parts, bytes) = bytes.get(&id).copied().unwrap_or_default();
                let path = path.strip_prefix(&format!("{day}/")).unwrap_or(&path).to_owned();
                rows.push(day_row(&entry, parts, bytes, leaf, path));
            }
        }
        let plain = DayCatalogue::write(rows)?;
        let spec = PartSpec {
            recording_id: RecordingId(self.world.central.draw_id()),
            site_id: self.world.central.site_id(),
            recorder_id: sealed::central_id(self.world.central.site_id()),
            start: self.row.begun_at,
            day,
            part: 0,
            kind: Kind::DayCatalogue,
            after_restart: false,
            prev_trailer: [0; 32],
        };
        sealed::small(self.world, &spec, &self.world.central.recipient(day)?, &plain)
    }
}

fn day_row(entry: &DayEntry, parts: u16, bytes: u64, leaf: u64, path: String) -> DayRow {
    let (listed, facts) = (&entry.listed, &entry.listed.facts);
    let has = |yes: bool, flag: u16| if yes { flag } else { 0 };
    let party = |role: PartyRole| listed.parties.iter().find(|p| p.role == role).cloned().unwrap_or_default();
    let (caller, called) = (party(PartyRole::Caller), party(PartyRole::Called));
    let (near, far) = match facts.direction {
        Direction::In => (called, caller),
        Direction::Unknown | Direction::Out | Direction::Internal => (caller, called),
    };
    let legs: BTreeSet<u8> = listed.tracks.iter().map(|track| track.leg).collect();
    DayRow {
        recording_id: facts.recording_id,
        start: facts.started_at,
        duration_ms: u32::try_from(facts.ended_at.since(facts.started_at) / 1_000).unwrap_or(0),
        parts,
        flags: has(listed.held, HELD)
            | has(listed.flags & 1 != 0, RECOVERED)
            | has(listed.has_gap(), GAPS)
            | has(entry.masked, MASKED),
        legs: u8::try_from(legs.len()).unwrap_or(u8::MAX),
        direction: facts.direction,
        side: facts.side,
        tap: u8::try_from(facts.tap.0).unwrap_or(u8::MAX),
        near: shown(&near),
        far: shown(&far),
        extension: near.extension,
        user: String::new(),
        reference: facts.reference.to_string(),
        subject: listed.subject.clone(),
        path,
        bytes,
        leaf,
    }
}

fn shown(party: &ListedParty) -> String {
    match (party.display.as_str(), party.number.as_str()) {
        (name, "") => name.to_owned(),
        ("", number) => number.to_owned(),
        (name, number) => format!("{name} {number}"),
    }
}

fn line(day: Day, row: &ReadBackRow) -> ManifestLine {
    ManifestLine {
        sha256: row.whole_sha256,
        size: row.size,
        blake3: row.whole_blake3,
        leaf: Some(row.leaf),
        pieces: row.pieces.as_chunks().0.to_vec(),
        path: within(day, &row.path),
    }
}

fn line_of(day: Day, path: &str, digests: &Digests) -> ManifestLine {
    ManifestLine {
        sha256: digests.sha256,
        size: digests.size,
        blake3: digests.blake3,
        leaf: None,
        pieces: digests.pieces.clone(),
        path: within(day, path),
    }
}

fn within(day: Day, path: &str) -> String {
    path.strip_prefix(&format!("{day}/")).unwrap_or(path).to_owned()
}
