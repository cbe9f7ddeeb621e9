//! Step 6, beside the days: the log and its checkpoint, the files of `keys/`, the backup.

use std::io::BufReader;

use archive::layout::BACKUP_FOLDER;
use archive::log::Checkpoint;
use seal::{Kind, PartSpec};
use shared::{RecordingId, UtcMicros};
use store::{Disk as _, EntryKind};

use super::{KeyFile, KeysAsked, Run, Step};
use crate::carrier::{Item, Source};
use crate::sealed;
use crate::{ArchiverError, Result};

/// Leaves of one file.
const LEAVES: u64 = 100_000;
/// Slot files are read back to be carried on.
const SLOTS_MAX: u64 = 8 << 20;
/// Where a backup is made before it is carried.
const SCRATCH: &str = "run/backup";

impl Run<'_> {
    /// Step 6. `more`: another run follows at once, and makes the backup.
    pub(super) fn describe(&mut self, more: bool) -> Result<()> {
        self.at(Step::Describe);
        let note = self.checkpoint()?;
        let checkpoint = Checkpoint::peek(&note)?;
        self.write_days(&checkpoint)?;
        self.write_log(&note, &checkpoint)?;
        self.row.checkpoint = checkpoint.leaves;
        self.write_keys(note)?;
        if !more {
            self.at(Step::Backup);
            self.write_backup()?;
        }
        Ok(())
    }

    fn checkpoint(&self) -> Result<String> {
        let key = self.world.central.signing_key();
        Ok(self.world.vault.checkpoint(&key.verifying_key(), |label, bytes| key.sign(label, bytes))?)
    }

    /// The log up to the checkpoint, behind what lies on the medium already.
    fn write_log(&mut self, note: &str, checkpoint: &Checkpoint) -> Result<()> {
        let found = self.carrier.list("log").map_err(|e| self.failed(e))?.unwrap_or_default();
        let ends = |name: &str| -> Option<(u64, u64)> {
            let (first, end) = name.strip_prefix("leaves-")?.strip_suffix(".bin")?.split_once('-')?;
            Some((first.parse().ok()?, end.parse().ok()?))
        };
        let stretches: Vec<(u64, u64)> = found.iter().filter_map(|f| ends(&f.name)).collect();
        let mut first = joined(stretches);
        if first > checkpoint.leaves {
            return Err(ArchiverError::OtherMedium {
                name: self.location.name.clone(),
                why: format!(
                    "the log on it has {first} leaves and the site's has {}: leaves of the site are missing. Nothing is purged; find \
                     out who shortened the log (`amethyst log check`)",
                    checkpoint.leaves
                ),
            });
        }
        while first < checkpoint.leaves {
            let end = checkpoint.leaves.min(first.saturating_add(LEAVES));
            let file = self.world.vault.leaf_file(first, end)?;
            self.put(vec![(format!("log/{}", file.file_name()), file.to_bytes())])?;
            first = end;
        }
        let path = format!("log/{}", checkpoint.file_name());
        if !found.iter().any(|f| f.name == checkpoint.file_name()) {
            self.put(vec![(path, note.as_bytes().to_vec())])?;
        }
        Ok(())
    }

    /// A new generation of the files of `keys/`, and the words for people.
    fn write_keys(&mut self, checkpoint: String) -> Result<()> {
        let now = self.now();
        let found = self.carrier.list("keys").map_err(|e| self.failed(e))?.unwrap_or_default();
        let newest = found.iter().map(|f| &f.name).filter(|name| name.starts_with("slots-")).max();
        let slots = match newest {
            None => None,
            Some(name) => {
                self.carrier.read(&format!("keys/{name}"), SLOTS_MAX).map_err(|e| self.failed(e))?
            }
        };
        // Before the keys are taken out: what is destroyed later than this is not promised to be gone from here.
        self.shreds = self.world.vault.shreds_on(self.medium.media_id)?;
        let asked = KeysAsked {
            generation: self.world.vault.next_generation("keys")?,
            today: self.world.central.site().zone.day_of(now),
            now,
            slots,
            checkpoint,
            tombstones: self.world.vault.tombstones()?,
        };
        let files = self.world.central.key_files(&asked)?;
        let (top, keys): (Vec<KeyFile>, Vec<KeyFile>) =
            files.into_iter().partition(|f| !f.path.contains('/'));
        self.put(keys.into_iter().map(|f| (f.path, f.bytes)).collect())?;
        // Words for people are written once; nothing proves them.
        for file in top {
            if self.carrier.read(&file.path, SLOTS_MAX).map_err(|e| self.failed(e))?.is_none() {
                self.put(vec![(file.path, file.bytes)])?;
            }
        }
        Ok(())
    }

    /// The database and the configuration, sealed to the recovery key only. The copy of the database was tried before it is sealed.
    fn write_backup(&mut self) -> Result<()> {
        let folder = self.backup_folder();
        self.clear_scratch()?;
        self.world.data.mkdir_all(SCRATCH)?;
        let copy = format!("{SCRATCH}/catalogue.db");
        let path = self.world.data.path().join(&copy);
        self.world.vault.backup_database(&path)?;
        self.keep()?;
        let tried = self.world.vault.check_backup(&path)?;
        tracing::info!("archive {}: the backup holds {} recordings", self.location.name, tried.recordings);
        let to = self.world.central.site().recovery_key.clone();
        let mut from = BufReader::with_capacity(1 << 20, self.world.data.open_read(&copy)?);
        let mut more = true;
        for number in 0_u16.. {
            if !more {
                break;
            }
            let name = if number == 0 { "db.amx".to_owned() } else { format!("db-{number:03}.amx") };
            let scratch = format!("{SCRATCH}/{name}");
            let spec = self.spec(Kind::DatabaseBackup);
            let (source, rest) = sealed::file(self.world, &spec, &to, &mut from, &scratch)?;
            more = rest;
            self.keep()?;
            // One at a time: the lease is renewed in between, and the scratch of one is all that lies here.
            self.carry_named(vec![Item { to: format!("{folder}/{name}"), source, aside: None }])?;
            self.world.data.unlink(&scratch)?;
        }
        let plain = self.world.central.configuration()?;
        let config = sealed::small(self.world, &self.spec(Kind::ConfigurationBackup), &to, &plain)?;
        // The configuration last: a backup with one is whole.
        let (to, source) = (format!("{folder}/config.amx"), Source::Bytes(config));
        self.carry_named(vec![Item { to, source, aside: None }])?;
        self.clear_scratch()
    }

    fn backup_folder(&self) -> String {
        let zone = &self.world.central.site().zone;
        let (h, m, s) = zone.hms_of(self.row.begun_at);
        format!("{BACKUP_FOLDER}/{}-{h:02}{m:02}{s:02}", zone.day_of(self.row.begun_at))
    }

    fn clear_scratch(&self) -> Result<()> {
        let data = self.world.data;
        if !data.exists(SCRATCH)? {
            return Ok(());
        }
        for entry in data.list(SCRATCH)?.into_iter().filter(|entry| entry.kind == EntryKind::File) {
            data.unlink(&format!("{SCRATCH}/{}", entry.name))?;
        }
        Ok(())
    }

    fn spec(&self, kind: Kind) -> PartSpec {
        let start: UtcMicros = self.row.begun_at;
        PartSpec {
            recording_id: RecordingId(self.world.central.draw_id()),
            site_id: self.world.central.site_id(),
            recorder_id: sealed::central_id(self.world.central.site_id()),
            start,
            day: self.world.central.site().zone.day_of(start),
            part: 0,
            kind,
            after_restart: false,
            prev_trailer: [0; 32],
        }
    }
}

/// Where stretches that begin at 0 end without a hole.
fn joined(mut stretches: Vec<(u64, u64)>) -> u64 {
    stretches.sort_unstable();
    stretches.into_iter().fold(0, |end, (first, next)| if first <= end { end.max(next) } else { end })
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn stretches_count_as_far_as_they_have_no_hole() {
        let check = |stretches: &[(u64, u64)], expected| assert_eq!(joined(stretches.to_vec()), expected);
        check(&[], 0);
        check(&[(0, 5), (5, 9)], 9);
        check(&[(5, 9), (0, 5), (0, 7)], 9);
        check(&[(0, 5), (6, 9)], 5);
        check(&[(1, 9)], 0);
    }
}
