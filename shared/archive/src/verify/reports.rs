//! Step 3: the reports of all runs on this medium, their signatures and their chain, and that what they proved is listed.

use std::collections::{BTreeMap, BTreeSet};

use shared::{Day, RunId};

use super::days::short;
use super::{Fault, Judge, NamedRoot};
use crate::RunReport;
use crate::run_report::{Outcome, REPORT_MAX, RunProof};

/// What other steps need of a report.
pub(super) struct SeenRun {
    pub(super) name: String,
    pub(super) run_id: RunId,
    pub(super) digest: [u8; 32],
    pub(super) first: u64,
    pub(super) end: u64,
    pub(super) is_complete: bool,
    /// Leaves of the checkpoint that was written with it.
    pub(super) checkpoint: u64,
}

impl Judge<'_> {
    /// Opens every report, the oldest first.
    pub(super) fn reports(&mut self) {
        let mut before: BTreeSet<[u8; 32]> = BTreeSet::new();
        for entry in self.list("runs") {
            let path = format!("runs/{}", entry.name);
            if entry.is_folder || !entry.name.ends_with(".jsonl") {
                self.stranger(path);
                continue;
            }
            let Some(bytes) = self.read(&path, REPORT_MAX) else { continue };
            let digest = RunReport::digest(&bytes);
            let Some(report) = self.opened(&path, &bytes) else { continue };
            // After a restore from an older backup two reports may follow the same one: nothing is gone then.
            let follows = report.head.previous.map_or(before.is_empty(), |named| before.contains(&named));
            if !follows {
                let name = "the report that it names as the one before".to_owned();
                self.find(path.clone(), Fault::Broken { before: name });
            }
            before.insert(digest);
            self.note(path, &report, digest);
        }
    }

    fn opened(&mut self, path: &str, bytes: &[u8]) -> Option<RunReport> {
        let report = match RunReport::open(bytes, |id| self.certs.key(id)) {
            Ok(report) => report,
            Err(e) => {
                self.find(path, Fault::Document(e.to_string()));
                return None;
            }
        };
        let card = self.report.card.as_ref();
        let foreign = if report.head.site_id != self.site.site_id {
            Some("site")
        } else if card.is_some_and(|card| card.location_id != report.head.location_id) {
            Some("location")
        } else if card.is_some_and(|card| card.media_id != report.head.media_id) {
            Some("medium")
        } else {
            None
        };
        if let Some(what) = foreign {
            self.find(path, Fault::Foreign(what));
        }
        Some(report)
    }

    fn note(&mut self, path: String, report: &RunReport, digest: [u8; 32]) {
        self.proofs(&path, &report.proofs);
        self.report.runs = self.report.runs.saturating_add(1);
        self.report.last_run = self.report.last_run.max(Some(report.ended));
        self.seen.roots.push(NamedRoot { leaves: report.checkpoint, root: None, path: path.clone() });
        let (first, end, run_id) = (report.head.first, report.head.end, report.head.run_id);
        let (is_complete, checkpoint) = (report.outcome == Outcome::Complete, report.checkpoint);
        self.seen.runs.push(SeenRun { name: path, run_id, digest, first, end, is_complete, checkpoint });
    }

    /// What was proven to lie here must be listed by a manifest; that it is there and whole, the listing's own step sees.
    fn proofs(&mut self, run: &str, proofs: &[RunProof]) {
        let mut missing_days: BTreeMap<String, u64> = BTreeMap::new();
        for proof in proofs.iter().filter(|proof| !self.seen.paths.contains(&short(&proof.path))) {
            let folder = proof.path.split('/').next().unwrap_or_default();
            let is_there = folder.parse::<Day>().is_ok_and(|day| self.seen.days.contains_key(&day));
            if is_there {
                let why = format!("{run} proved it to lie here, and no manifest lists it any more");
                super::add(&mut self.report, proof.path.clone(), Fault::Missing(why));
            } else {
                let count = missing_days.entry(folder.to_owned()).or_default();
                *count = count.saturating_add(1);
            }
        }
        for (folder, proofs) in missing_days {
            self.find(folder, Fault::MissingDay { proofs });
        }
    }
}
