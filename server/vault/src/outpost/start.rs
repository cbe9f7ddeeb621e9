//! Start-up of a satellite: what stands in its spool, and what a crash cut. Steps I1 to I3 of
//! `docs/design/recording-lifecycle.md`. No key is needed, nothing is asked of anybody, and recording need not wait for it: after weeks
//! without a central many files stand here.

use std::collections::{BTreeMap, HashMap};

use catalogue::{LedgerEnding, PartKey};
use shared::{LedgerEnd, LedgerNo, Partly, RecordingId, UtcMicros};
use store::{Disk, Entry, EntryKind};

use super::{OutFile, Outpost};
use crate::journal::{self, OpenEntry, Replayed};
use crate::part::{SPOOL, spool_path};
use crate::spool::Spool;
use crate::survey::{Surveyed, header_of, survey, trailer_of};
use crate::vault::held;
use crate::{Digests, Result, What};

/// What start-up found. Whatever is in a list deserves an operator's eye.
#[derive(Debug, Default)]
pub struct OutpostReport {
    /// Whole parts that wait for their receipt.
    pub sealed: u64,
    /// Parts that a crash cut: they are closed when the central has said what it holds of them.
    pub unfinished: Vec<What>,
    /// Files in which not one frame had become durable.
    pub removed_empty: Vec<String>,
    /// Files that hold something but cannot be read, and why. They stay where they are.
    pub unreadable: Vec<(String, String)>,
    /// Entries of the ledger that were open and whose parts are all whole, and how they were ended.
    pub ended: Vec<(LedgerNo, LedgerEnd)>,
    /// What the ledger's own replay found.
    pub ledger: Replayed,
}

/// What stood in the folder when it was opened: nothing of it belongs to this run.
#[derive(Default)]
pub(super) struct Found {
    names: Vec<String>,
    entries: Vec<OpenEntry>,
}

impl Found {
    pub(super) fn of(disk: &dyn Disk, spool: &Spool) -> Result<Self> {
        let parts = |entry: &Entry| entry.kind == EntryKind::File && entry.name.ends_with(".amx");
        let names = disk.list(SPOOL)?.into_iter().filter(parts).map(|entry| entry.name).collect();
        Ok(Self { names, entries: spool.open_entries()? })
    }
}

/// What is known of the parts of one recording.
#[derive(Default)]
struct Parts {
    /// The last whole one, and whether the recording goes on behind it.
    last: Option<(u16, bool)>,
    unfinished: bool,
}

impl Outpost {
    /// Finishes what a crash left, as far as that goes without the central. Call it once. It looks at nothing that this run began, so
    /// it may take its time while calls are recorded.
    ///
    /// Restartable at each step. Costs a look at the head and the end of each whole file, and one read of each other.
    ///
    /// # Errors
    /// The disk's.
    pub fn recover(&self, now: UtcMicros) -> Result<OutpostReport> {
        let Found { names, entries } = std::mem::take(&mut *held(&self.found));
        let mut report =
            OutpostReport { ledger: held(&self.spool.desk).replayed.clone(), ..OutpostReport::default() };
        let parts = self.find_parts(names, &mut report)?;
        self.sort_entries(entries, &parts, now, &mut report)?;
        Ok(report)
    }

    /// The files of the ledger, each as far as it is durable.
    pub(super) fn find_ledger(&self) -> Result<()> {
        let mut files = journal::files(&*self.disk)?;
        let (newest, bytes) = held(&self.spool.desk).ledger.as_ref().map_or((0, 0), |l| l.durable_file());
        files.retain(|(number, _)| *number < newest);
        files.push((newest, bytes));
        for (number, bytes) in files {
            let (what, name) = (What::Ledger(number), journal::file_name(number));
            let opened_at = UtcMicros::default();
            self.watch.put(OutFile { what, name, bytes, sealed: None, unfinished: false, opened_at });
        }
        Ok(())
    }

    /// I1, I2: each part in the spool is whole, cut, or empty.
    fn find_parts(
        &self,
        names: Vec<String>,
        report: &mut OutpostReport,
    ) -> Result<HashMap<RecordingId, Parts>> {
        let mut parts: HashMap<RecordingId, Parts> = HashMap::new();
        // What is whole may be in memory only: its process was killed between a trailer and its sync.
        self.disk.sync_fs()?;
        for name in names {
            let Some((file, goes_on)) = self.look_at(&name, report)? else { continue };
            let What::Part(id, part) = file.what else { continue };
            let of = parts.entry(id).or_default();
            if file.unfinished {
                of.unfinished = true;
                report.unfinished.push(file.what);
            } else {
                of.last = of.last.max(Some((part, goes_on)));
                report.sealed = report.sealed.saturating_add(1);
            }
            self.watch.put(file);
        }
        if !report.removed_empty.is_empty() {
            self.disk.sync_dir(SPOOL)?;
        }
        Ok(parts)
    }

    /// Looks at one file; also returns whether its recording goes on behind it.
    fn look_at(&self, name: &str, report: &mut OutpostReport) -> Result<Option<(OutFile, bool)>> {
        let path = spool_path(name);
        let name = name.to_owned();
        let file = |(id, part): PartKey, bytes, sealed: Option<Digests>, opened_at| {
            let (what, unfinished) = (What::Part(id, part), sealed.is_none());
            OutFile { what, name: name.clone(), bytes, sealed, unfinished, opened_at }
        };
        let header = header_of(&*self.disk, &path)?;
        if let (Some(header), Some((size, trailer))) = (&header, trailer_of(&*self.disk, &path)?) {
            let spec = &header.spec;
            let facts = trailer.facts;
            let digests = Digests { sha256: facts.sha256, blake3: facts.blake3 };
            let whole = file((spec.recording_id, spec.part), size, Some(digests), spec.start);
            return Ok(Some((whole, trailer.continued)));
        }
        match survey(&*self.disk, &path)? {
            Surveyed::Walked(survey) => {
                let mut open = self.disk.open_append(&path)?;
                open.truncate(survey.valid_end)?;
                open.sync()?;
                let spec = &survey.header.spec;
                Ok(Some((file((spec.recording_id, spec.part), survey.valid_end, None, spec.start), false)))
            }
            // Its call is in the ledger: if the central holds more of it than stood here, it is asked for by that.
            Surveyed::Empty => {
                self.disk.unlink(&path)?;
                report.removed_empty.push(name);
                Ok(None)
            }
            Surveyed::Damaged(why) => {
                report.unreadable.push((path, why));
                Ok(None)
            }
        }
    }

    /// I3: an open entry whose parts are all whole has ended; one that goes on in a part that is cut, or not even here, waits.
    fn sort_entries(
        &self,
        entries: Vec<OpenEntry>,
        parts: &HashMap<RecordingId, Parts>,
        now: UtcMicros,
        report: &mut OutpostReport,
    ) -> Result<()> {
        let none = Parts::default();
        let mut waiting: BTreeMap<RecordingId, OpenEntry> = BTreeMap::new();
        for entry in entries {
            let of = parts.get(&entry.recording_id).unwrap_or(&none);
            let next = match of.last {
                Some((part, goes_on)) => goes_on.then(|| part.saturating_add(1)),
                None => Some(0),
            };
            let Some(next) = next.filter(|_| !of.unfinished) else {
                if of.unfinished {
                    waiting.insert(entry.recording_id, entry);
                } else {
                    let end = LedgerEnd::Partly(Partly::Crash);
                    let at = now.max(entry.opened_at);
                    self.spool.end(entry.ledger_no, LedgerEnding { end, rule: None, at })?;
                    report.ended.push((entry.ledger_no, end));
                }
                continue;
            };
            let what = What::Part(entry.recording_id, next);
            let (name, opened_at) = (String::new(), entry.opened_at);
            self.watch.put(OutFile { what, name, bytes: 0, sealed: None, unfinished: true, opened_at });
            report.unfinished.push(what);
            waiting.insert(entry.recording_id, entry);
        }
        held(&self.cut).extend(waiting);
        self.spool.commit()?;
        Ok(())
    }
}
