//! Steps 7 to 9: the report, the leaf, and then, in one transaction, everything that the run carried is proven.

use std::collections::BTreeMap;

use archive::layout::{ASIDE_FOLDER, BACKUP_FOLDER, was_at};
use archive::log::Act;
use archive::{Level, Outcome, RunProof, RunReport};
use shared::UtcMicros;
use vault::ReadBackRow;

use super::{Run, Summary};
use crate::Result;

/// Generations of `keys/` that are kept.
const KEYS_KEPT: usize = 3;
/// Backups that are kept: one a day, then one a week, then one a month.
const DAILY: usize = 14;
const WEEKLY: usize = 8;
const MONTHLY: usize = 24;

impl Run<'_> {
    /// Steps 7 to 9.
    pub(super) fn close(&mut self) -> Result<Summary> {
        let left = self.left()?;
        let outcome = match (&self.early, self.holes.is_empty()) {
            (Some(_), _) => Outcome::Early,
            (None, false) => Outcome::Holes,
            (None, true) => Outcome::Complete,
        };
        let listed = std::mem::take(&mut self.listed);
        let (files, bytes) = (
            seal::fields::len64(&listed),
            listed.iter().fold(0_u64, |sum, row| sum.saturating_add(row.size)),
        );
        let report = RunReport {
            head: self.head(),
            proofs: listed.into_iter().map(proof).collect(),
            ended: self.now(),
            outcome,
            checkpoint: self.row.checkpoint,
        };
        let signed = report.sign(self.world.central.signing_key())?;
        let digest = RunReport::digest(&signed);
        let RunReport { head, ended, proofs, .. } = report;
        // They are in the signed bytes, which are carried now.
        drop(proofs);
        self.put(vec![(format!("runs/{}", head.file_name()), signed)])?;
        // The leaf before the proofs: what is proven is in the log.
        self.log_act(Act::Run {
            location_id: self.location.location_id.0,
            media_id: self.medium.media_id.0,
            run_id: self.row.run_id.0,
            first: self.row.first,
            end: self.row.end,
            report: digest,
            result: outcome as u8,
        })?;
        self.row.ended_at = Some(ended);
        self.row.outcome = Some(outcome as u8);
        self.row.report_sha256 = Some(digest);
        self.row.files = files;
        self.row.bytes = bytes;
        self.row.message = self.message();
        for (day, generation, digest) in std::mem::take(&mut self.manifests) {
            self.world.vault.note_manifest(self.medium.media_id, day, generation, digest)?;
        }
        let holes: Vec<u64> = self.holes.iter().copied().collect();
        self.world.vault.prove_run(&self.row, self.row.end, &holes)?;
        self.sweep();
        Ok(Summary {
            run_id: self.row.run_id,
            outcome,
            parts: self.row.files,
            bytes,
            troubles: std::mem::take(&mut self.troubles),
            left,
            early: self.early.take().map(|e| e.text),
            checkpoint: self.row.checkpoint,
        })
    }

    fn left(&self) -> Result<u64> {
        // Rows of this run are read back already and count as done.
        Ok(self.world.vault.due_totals(self.medium.media_id)?.0)
    }

    fn message(&self) -> String {
        let early = self.early.iter().map(|e| e.text.clone());
        early.chain(self.troubles.iter().take(5).cloned()).collect::<Vec<_>>().join("; ")
    }

    /// Step 9. What cannot be removed today is removed tomorrow.
    fn sweep(&mut self) {
        let removed =
            self.sweep_keys().and_then(|()| self.sweep_shredded()).and_then(|()| self.sweep_backups());
        if let Err(e) = removed {
            tracing::warn!("archive {}: old generations stay for now: {e}", self.location.name);
        }
    }

    fn sweep_keys(&mut self) -> Result<()> {
        let found = self.carrier.list("keys").map_err(|e| self.failed(e))?.unwrap_or_default();
        let mut sorts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for name in found.into_iter().filter(|f| !f.is_folder).map(|f| f.name) {
            let sort = name.split('-').next().unwrap_or_default().to_owned();
            sorts.entry(sort).or_default().push(name);
        }
        let mut old = Vec::new();
        for (sort, mut names) in sorts {
            // Slots of days that were withdrawn must not linger, nor keys that were destroyed: only the newest is kept.
            let newest_only = sort == "slots" || (sort != "certs" && !self.shreds.is_empty());
            let kept = if newest_only { 1 } else { KEYS_KEPT };
            // By generation, which stands last in each name.
            names.sort_unstable_by_key(|name| {
                std::cmp::Reverse(name.rsplit('-').next().unwrap_or_default().to_owned())
            });
            old.extend(names.into_iter().skip(kept).map(|name| format!("keys/{name}")));
        }
        if old.is_empty() { Ok(()) } else { self.carrier.remove(&old).map_err(|e| self.failed(e)) }
    }

    /// What was destroyed leaves this medium: the vaults of keys before the newest are gone by now, files of recordings that were
    /// destroyed alone go here. Said only after a look that they are gone.
    fn sweep_shredded(&mut self) -> Result<()> {
        let shreds = std::mem::take(&mut self.shreds);
        if shreds.is_empty() {
            return Ok(());
        }
        let mut paths: Vec<String> = shreds.iter().flat_map(|shred| shred.paths.iter().cloned()).collect();
        paths.extend(self.aside_of(&paths)?);
        self.carrier.remove(&paths).map_err(|e| self.failed(e))?;
        let sizes = self.carrier.sizes(&paths).map_err(|e| self.failed(e))?;
        let names = self.carrier.list("keys").map_err(|e| self.failed(e))?.unwrap_or_default();
        let vaults = |sort: &str| names.iter().filter(|found| found.name.starts_with(sort)).count();
        if sizes.iter().any(Option::is_some) || vaults("keyvault-") != 1 || vaults("recovery-") != 1 {
            tracing::warn!(
                "archive {}: what was destroyed lies there still; the next run tries again",
                self.location.name
            );
            return Ok(());
        }
        let ids: Vec<u64> = shreds.iter().map(|shred| shred.shred_id).collect();
        self.world.vault.shredded_on(self.medium.media_id, &ids, self.now())?;
        tracing::info!("archive {}: {} destructions are done there, too", self.location.name, ids.len());
        Ok(())
    }

    /// Bad copies of these files that were kept aside.
    fn aside_of(&mut self, paths: &[String]) -> Result<Vec<String>> {
        let mut kept = Vec::new();
        for path in paths {
            let folder = format!("{ASIDE_FOLDER}/{}", path.split('/').next().unwrap_or_default());
            let found = self.carrier.list(&folder).map_err(|e| self.failed(e))?.unwrap_or_default();
            let of = found.into_iter().filter(|found| was_at(&found.name, path));
            kept.extend(of.map(|found| format!("{folder}/{}", found.name)));
        }
        Ok(kept)
    }

    fn sweep_backups(&mut self) -> Result<()> {
        let found = self.carrier.list(BACKUP_FOLDER).map_err(|e| self.failed(e))?.unwrap_or_default();
        let mut names: Vec<String> = found.into_iter().filter(|f| f.is_folder).map(|f| f.name).collect();
        names.sort_unstable();
        for name in too_old(&names) {
            let folder = format!("{BACKUP_FOLDER}/{name}");
            let files = self.carrier.list(&folder).map_err(|e| self.failed(e))?.unwrap_or_default();
            let mut files: Vec<String> = files.into_iter().map(|f| format!("{folder}/{}", f.name)).collect();
            // The configuration first: without it the backup is none any more.
            files.sort_unstable();
            files.push(format!("{folder}/"));
            self.carrier.remove(&files).map_err(|e| self.failed(e))?;
        }
        Ok(())
    }
}

/// Which backups go: names are `2026-11-22-210003`, sorted. Of each of the newest 14 days, 8 weeks and 24 months the last stays.
fn too_old(names: &[String]) -> Vec<String> {
    let mut kept = std::collections::BTreeSet::new();
    let day = |name: &str| name.get(..10).and_then(|day| day.parse::<shared::Day>().ok());
    let mut keep = |limit: usize, period: &dyn Fn(shared::Day) -> i64| {
        let mut seen = std::collections::BTreeSet::new();
        for name in names.iter().rev() {
            let Some(day) = day(name) else { continue };
            if seen.len() < limit && seen.insert(period(day)) {
                kept.insert(name.clone());
            }
        }
    };
    keep(DAILY, &|day| day.number().into());
    keep(WEEKLY, &|day| i64::from(day.number()).div_euclid(7));
    keep(MONTHLY, &|day| i64::from(day.yyyymmdd() / 100));
    // What has no date in its name is not ours.
    names.iter().filter(|name| day(name).is_some() && !kept.contains(*name)).cloned().collect()
}

fn proof(row: ReadBackRow) -> RunProof {
    RunProof {
        recording_id: row.recording_id,
        part: row.part,
        leaf: row.leaf,
        path: row.path,
        size: row.size,
        sha256: row.sha256,
        blake3: row.blake3,
        level: Level::from_number(row.level).unwrap_or(Level::None),
        manifest: row.manifest,
        read_at: UtcMicros(row.read_at.0),
    }
}

#[cfg(test)]
mod tests {
    use super::too_old;

    #[test]
    fn backups_thin_out_with_age() {
        let mut names: Vec<String> = Vec::new();
        for month in 1..=12 {
            for day in 1..=28 {
                names.push(format!("2026-{month:02}-{day:02}-210000"));
                names.push(format!("2026-{month:02}-{day:02}-230000"));
            }
        }
        names.push("strange".to_owned());
        let old = too_old(&names);
        let kept: Vec<&String> = names.iter().filter(|name| !old.contains(name)).collect();
        assert!(kept.iter().all(|name| name.ends_with("230000") || *name == "strange"), "the last of a day");
        let december = kept.iter().filter(|name| name.starts_with("2026-12")).count();
        assert!(december >= 14, "{december} of December");
        for month in 1..=11 {
            assert!(kept.iter().any(|name| name.starts_with(&format!("2026-{month:02}"))), "month {month}");
        }
        assert!(kept.len() <= 14 + 8 + 24 + 1, "{} kept", kept.len());
        assert!(too_old(&names[..10]).len() == 5, "of two on one day the later stays");
    }
}
