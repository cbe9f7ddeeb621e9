//! Step 2: the manifests of each day, their signatures and their chain.

use sha2::{Digest as _, Sha256};
use shared::Day;

use super::{Fault, Judge, NamedRoot};
use crate::Manifest;
use crate::layout::day_folder;
use crate::manifest::MANIFEST_MAX;

impl Judge<'_> {
    /// Opens every manifest once, and remembers what the other steps need of it.
    pub(super) fn days(&mut self) {
        for entry in self.list("").into_iter().filter(|entry| entry.is_folder) {
            let Ok(day) = entry.name.parse::<Day>() else { continue };
            if day_folder(day) == entry.name {
                self.report.days = self.report.days.saturating_add(1);
                self.day(day);
            }
        }
    }

    fn day(&mut self, day: Day) {
        let folder = day_folder(day);
        let mut generations: Vec<u32> =
            self.list(&folder).iter().filter_map(|entry| generation_of(&entry.name)).collect();
        generations.sort_unstable();
        let last = generations.last().copied().unwrap_or(0);
        for missing in (1..=last).filter(|n| generations.binary_search(n).is_err()) {
            let path = format!("{folder}/{}", Manifest::file_name(missing));
            self.find(path, Fault::Missing(format!("generation {last} of this day is here")));
        }
        let mut before: Option<[u8; 32]> = None;
        for generation in generations {
            let path = format!("{folder}/{}", Manifest::file_name(generation));
            let Some(bytes) = self.read(&path, MANIFEST_MAX) else {
                before = None;
                continue;
            };
            if let Some(manifest) = self.manifest(day, generation, &path, &bytes) {
                let chained = manifest.previous == before || generation > 1 && before.is_none();
                if !chained || (generation == 1) != manifest.previous.is_none() {
                    let name = Manifest::file_name(generation.saturating_sub(1));
                    self.find(path.clone(), Fault::Broken { before: name });
                }
                self.remember(&path, &manifest);
            }
            before = Some(Sha256::digest(&bytes).into());
        }
        self.seen.days.entry(day).or_default();
    }

    /// Opens a manifest and sees that it is of this place.
    pub(super) fn manifest(
        &mut self,
        day: Day,
        generation: u32,
        path: &str,
        bytes: &[u8],
    ) -> Option<Manifest> {
        let manifest = match Manifest::open(bytes, |id| self.certs.key(id)) {
            Ok(manifest) => manifest,
            Err(e) => {
                self.find(path, Fault::Document(e.to_string()));
                return None;
            }
        };
        let foreign = if manifest.site_id != self.site.site_id {
            Some("site")
        } else if self.report.card.as_ref().is_some_and(|card| card.location_id != manifest.location_id) {
            Some("location")
        } else if manifest.day != day {
            Some("day")
        } else if manifest.generation != generation {
            Some("generation")
        } else {
            None
        };
        if let Some(what) = foreign {
            self.find(path, Fault::Foreign(what));
            return None;
        }
        Some(manifest)
    }

    fn remember(&mut self, path: &str, manifest: &Manifest) {
        let folder = day_folder(manifest.day);
        for line in &manifest.lines {
            self.seen.paths.insert(short(&format!("{folder}/{}", line.path)));
            if let Some(leaf) = line.leaf {
                self.seen.note_leaf(leaf);
            }
        }
        let (leaves, root) = (manifest.log_leaves, Some(manifest.log_root));
        self.seen.roots.push(NamedRoot { leaves, root, path: path.to_owned() });
        self.seen.days.entry(manifest.day).or_default().push(manifest.generation);
        self.report.manifests = self.report.manifests.saturating_add(1);
    }
}

impl super::Seen {
    fn note_leaf(&mut self, leaf: u64) {
        // A manifest that names a leaf beyond any log is found by its root; it does not make us take memory.
        let Some(at) = usize::try_from(leaf / 64).ok().filter(|at| *at < 1 << 26) else { return };
        if self.leaves.len() <= at {
            self.leaves.resize(at.saturating_add(1), 0);
        }
        if let Some(word) = self.leaves.get_mut(at) {
            *word |= 1 << (leaf % 64);
        }
    }

    /// Tells whether a manifest lists this leaf.
    pub(super) fn lists_leaf(&self, leaf: u64) -> bool {
        let word = usize::try_from(leaf / 64).ok().and_then(|at| self.leaves.get(at));
        word.is_some_and(|word| word >> (leaf % 64) & 1 == 1)
    }
}

/// Eight bytes that stand for a path: enough to tell ten million paths apart.
pub(super) fn short(path: &str) -> u64 {
    Sha256::digest(path).first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn generation_of(name: &str) -> Option<u32> {
    let n: u32 = name.strip_prefix("manifest-")?.strip_suffix(".txt")?.parse().ok()?;
    (n > 0 && Manifest::file_name(n) == name).then_some(n)
}
