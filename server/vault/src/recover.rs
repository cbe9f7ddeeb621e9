//! Start-up: finishing what a crash left, without ever throwing sealed audio away. Procedure D of
//! `docs/design/recording-lifecycle.md`; the numbers below are its steps.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{BufReader, Read, Seek};

use catalogue::{LedgerEnding, LedgerRow, RecordingRow};
use seal::{
    KeyId, KeyRing, Part, RecipientSecret, RecipientType, SealError, SigningKey, Survey, Trailer,
    VerifyingKey,
};
use shared::{Day, LedgerEnd, LedgerNo, NotRecorded, Partly, RecordingId, UtcMicros};
use store::EntryKind;

use crate::admit::{AdmitReport, Closed};
use crate::incoming::{days_taken_in, forget_days};
use crate::journal::{OpenEntry, Replayed};
use crate::part::{SPOOL, spool_path};
use crate::shard::LIVE;
use crate::survey::{Surveyed, buffered, close_cut, survey};
use crate::vault::held;
use crate::{Left, Result, Vault, VaultError, row};

/// So many of the newest day folders are compared with the catalogue at every start; [`Vault::check`] compares all.
const DAYS_LOOKED_AT: usize = 3;

/// The keys of a start-up.
pub struct RecoverWith<'a> {
    /// Opens what was sealed, as far as the keystore is unlocked; an empty ring leaves rows for later.
    pub keys: &'a dyn KeyRing,
    /// Signs the trailers of recovered parts.
    pub signer: &'a SigningKey,
    /// The weakest recipient that the site allows.
    pub min_suite: RecipientType,
}

impl std::fmt::Debug for RecoverWith<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoverWith(..)")
    }
}

impl KeyRing for RecoverWith<'_> {
    fn secret(&self, id: KeyId) -> Option<RecipientSecret> {
        self.keys.secret(id)
    }

    fn verifying_key(&self, id: KeyId) -> Option<VerifyingKey> {
        let own = self.signer.verifying_key();
        if own.key_id() == id { Some(own) } else { self.keys.verifying_key(id) }
    }
}

/// A part that start-up entered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recovered {
    /// Whose part.
    pub recording_id: RecordingId,
    /// Which part.
    pub part: u16,
    /// Where it lies now.
    pub path: String,
    /// True if its trailer was made by recovery; false if its sealer had closed it and only the row was missing.
    pub recovered: bool,
    /// Damaged bytes stand between whole frames.
    pub damaged_inside: bool,
}

/// What start-up found and did. Whatever is in a list but `entered` and `removed_empty` deserves an operator's eye.
#[derive(Debug, Default)]
pub struct RecoveryReport {
    /// Parts that have a row now.
    pub entered: Vec<Recovered>,
    /// Parts closed here, by name, with the torn bytes cut off their ends.
    pub closed: Vec<(String, u64)>,
    /// Closed parts that no key at hand opens: unlock the keystore and recover again. They lie in the spool.
    pub awaiting_unlock: Vec<String>,
    /// Files in which not one frame had become durable.
    pub removed_empty: Vec<String>,
    /// Files that hold something but cannot be read or opened, and why. They stay where they are.
    pub unreadable: Vec<(String, String)>,
    /// Files whose digests differ from their own trailer: the disk lost or changed bytes. They are entered all the same.
    pub altered: Vec<String>,
    /// Rows whose file is not there.
    pub missing_files: Vec<String>,
    /// Parts that could not be moved or entered now.
    pub left: Vec<Left>,
    /// Ledger entries that were open, and how they were ended.
    pub ended: Vec<(LedgerNo, LedgerEnd)>,
    /// What the ledger's own replay found.
    pub ledger: Replayed,
    /// A trouble that concerns no single part.
    pub trouble: Option<VaultError>,
}

/// A part that is closed and lies somewhere, without a row.
struct Found {
    path: String,
    name: String,
    recording_id: RecordingId,
    trailer: Trailer,
}

impl Vault {
    /// Finishes what a crash left. Call it once after opening to record, before recording; call it again after an unlock.
    ///
    /// Restartable at each step. Costs one read of each file in the spool.
    ///
    /// # Errors
    /// The disk's or the catalogue's, where going on would hide something.
    pub fn recover(&self, with: &RecoverWith<'_>, now: UtcMicros) -> Result<RecoveryReport> {
        let mut report =
            RecoveryReport { ledger: held(&self.spool.desk).replayed.clone(), ..RecoveryReport::default() };
        let ends: BTreeMap<LedgerNo, LedgerEnd> =
            report.ledger.ended.iter().map(|e| (e.entry.ledger_no, e.end)).collect();
        let mut taken_in = held(&self.taking);
        let found = self.close_spool(with, &mut report)?; // D1 to D4
        let sealed: HashSet<RecordingId> = found.iter().map(|part| part.recording_id).collect();
        let rows = self.open_all(found, with, &ends, &mut report); // D5
        self.admit_recovered(rows, &mut report); // D6
        self.adopt(with, &ends, &mut report)?; // D7
        let waits = report.awaiting_unlock.iter().any(|path| path.starts_with(LIVE));
        if !waits && report.left.is_empty() && report.trouble.is_none() {
            forget_days(&*self.disk)?;
            taken_in.clear();
        }
        self.ends_to_catalogue(&report.ledger)?; // D8
        self.end_open_entries(&sealed, now, &mut report)?; // D9
        if let Err(e) = self.log_waiting() {
            // D10 is tried again behind each batch, and told there if another trouble hides it here.
            self.unlogged.store(true, std::sync::atomic::Ordering::Relaxed);
            report.trouble = report.trouble.take().or(Some(e));
        }
        if report.trouble.is_none() {
            report.trouble = held(&self.log_trouble).take();
        }
        Ok(report)
    }

    /// D1 to D4: gives each part in the spool its trailer, or finds that nothing of it ever became durable.
    fn close_spool(&self, with: &RecoverWith<'_>, report: &mut RecoveryReport) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        let mut changed = false;
        for entry in self.disk.list(SPOOL)? {
            if entry.kind != EntryKind::File || !entry.name.ends_with(".amx") {
                continue;
            }
            let path = spool_path(&entry.name);
            let survey = match survey(&*self.disk, &path)? {
                Surveyed::Walked(survey) => survey,
                Surveyed::Empty => {
                    self.disk.unlink(&path)?;
                    changed = true;
                    report.removed_empty.push(entry.name);
                    continue;
                }
                Surveyed::Damaged(why) => {
                    report.unreadable.push((path, why));
                    continue;
                }
            };
            let trailer = self.closed(&path, &entry.name, &survey, with, report)?;
            found.push(Found {
                path,
                name: entry.name,
                recording_id: survey.header.spec.recording_id,
                trailer,
            });
        }
        if changed {
            self.disk.sync_dir(SPOOL)?;
        }
        Ok(found)
    }

    /// Returns the trailer of a part; makes it if there is none: D2 truncate, D3 sync, D4 append the trailer and sync.
    fn closed(
        &self,
        path: &str,
        name: &str,
        survey: &Survey,
        with: &RecoverWith<'_>,
        report: &mut RecoveryReport,
    ) -> Result<Trailer> {
        if let Some(trailer) = &survey.trailer {
            if trailer.facts.blake3 != survey.facts().blake3 {
                report.altered.push(name.to_owned());
            }
            // It may be in memory only: the process was killed between its writing and its sync.
            self.disk.open_append(path)?.sync()?;
            return Ok(trailer.clone());
        }
        report.closed.push((name.to_owned(), survey.torn_bytes));
        close_cut(&*self.disk, path, survey, with.signer)
    }

    /// D5: reads the rows out of the parts. What no key opens waits in the spool, closed.
    fn open_all(
        &self,
        found: Vec<Found>,
        with: &RecoverWith<'_>,
        ends: &BTreeMap<LedgerNo, LedgerEnd>,
        report: &mut RecoveryReport,
    ) -> Vec<(Found, RecordingRow)> {
        let mut rows = Vec::new();
        for part in found {
            match self.row_of(&part.path, &part.trailer, with, ends) {
                Ok(row) => rows.push((part, row)),
                Err(VaultError::Seal { source: SealError::NoKey(_), .. }) => {
                    report.awaiting_unlock.push(part.path);
                }
                Err(why) => report.unreadable.push((part.path, why.to_string())),
            }
        }
        rows
    }

    fn row_of(
        &self,
        path: &str,
        trailer: &Trailer,
        with: &RecoverWith<'_>,
        ends: &BTreeMap<LedgerNo, LedgerEnd>,
    ) -> Result<RecordingRow> {
        let sealed = |source| VaultError::Seal { path: path.to_owned(), source };
        let mut part = Part::open(self.buffered(path)?, with, with.min_suite).map_err(sealed)?;
        let mut row = self.row_in(&mut part, path, trailer)?;
        if row.facts.recorder_id == self.config.recorder_id
            && let Some(end) = ends.get(&row.facts.ledger_no)
        {
            row.facts.end = *end;
        }
        Ok(row)
    }

    /// Reads the row out of an open part. How the entry of another recorder ended its ledger has said, or will
    /// ([`crate::Incoming`]); until then the call counts as cut.
    pub(crate) fn row_in<R: Read + Seek>(
        &self,
        part: &mut Part<R>,
        path: &str,
        trailer: &Trailer,
    ) -> Result<RecordingRow> {
        let sealed = |source| VaultError::Seal { path: path.to_owned(), source };
        let mut row =
            row::of_part(part, trailer, &self.config, LedgerEnd::Partly(Partly::Crash)).map_err(sealed)?;
        let (recorder_id, ledger_no) = (row.facts.recorder_id, row.facts.ledger_no);
        if recorder_id != self.config.recorder_id {
            let entry = self.catalogue.ledger_entry(recorder_id, ledger_no)?;
            row.facts.end = entry.and_then(|entry| entry.ending).map_or(row.facts.end, |ending| ending.end);
        }
        Ok(row)
    }

    /// D6: into the day folders, folders synced, rows in one transaction, the ledger's ends: C5 to C8.
    fn admit_recovered(&self, rows: Vec<(Found, RecordingRow)>, report: &mut RecoveryReport) {
        let mut admitted = AdmitReport::default();
        let closed = rows.into_iter().map(|(Found { path, name, .. }, row)| Closed { from: path, name, row });
        let moved = self.move_to_live(closed, &mut admitted);
        report.left.append(&mut admitted.left);
        match admitted.trouble {
            Some(e) => report.trouble = Some(e),
            None if moved.is_empty() => {}
            None => self.enter_recovered(moved, report),
        }
    }

    fn enter_recovered(&self, rows: Vec<RecordingRow>, report: &mut RecoveryReport) {
        let mut admitted = AdmitReport::default();
        self.enter(rows, &mut admitted);
        report.trouble = report.trouble.take().or(admitted.trouble);
        report.entered.extend(admitted.admitted.into_iter().map(|a| Recovered {
            recording_id: a.row.facts.recording_id,
            part: a.row.part.part,
            recovered: a.row.part.flags & 1 != 0,
            damaged_inside: a.row.part.flags & 2 != 0,
            path: a.row.part.path,
        }));
    }

    /// D7: files that reached `live` without a row get one; rows whose file is gone are told.
    fn adopt(
        &self,
        with: &RecoverWith<'_>,
        ends: &BTreeMap<LedgerNo, LedgerEnd>,
        report: &mut RecoveryReport,
    ) -> Result<()> {
        let mut rows = Vec::new();
        for day in self.days_to_look_at()? {
            let (orphans, missing) = self.compare_day(&day)?;
            report.missing_files.extend(missing);
            for path in orphans {
                let survey = match Survey::of(self.buffered(&path)?) {
                    Ok(survey) => survey,
                    Err(why) => {
                        report.unreadable.push((path, why.to_string()));
                        continue;
                    }
                };
                let Some(trailer) = survey.trailer else {
                    report.unreadable.push((path, "it has no trailer".to_owned()));
                    continue;
                };
                match self.row_of(&path, &trailer, with, ends) {
                    Ok(mut row) => {
                        row.part.path = path;
                        rows.push(row);
                    }
                    Err(VaultError::Seal { source: SealError::NoKey(_), .. }) => {
                        report.awaiting_unlock.push(path);
                    }
                    Err(why) => report.unreadable.push((path, why.to_string())),
                }
            }
        }
        if !rows.is_empty() {
            self.disk.sync_fs()?; // their names may be in memory only: the crash came between C5 and C6
            self.enter_recovered(rows, report);
        }
        Ok(())
    }

    /// The newest day folders, and those of calls whose entries are open.
    fn days_to_look_at(&self) -> Result<BTreeSet<String>> {
        let mut days: Vec<String> = self.disk.list(LIVE)?.into_iter().map(|entry| entry.name).collect();
        days.sort_unstable();
        let there: BTreeSet<String> = days.iter().cloned().collect();
        let mut wanted: BTreeSet<String> = days.into_iter().rev().take(DAYS_LOOKED_AT).collect();
        wanted.extend(days_taken_in(&*self.disk)?.iter().map(Day::to_string));
        for entry in self.open_entries()? {
            let next = entry.reference.day.plus_days(1);
            wanted.extend(
                [Some(entry.reference.day), next].into_iter().flatten().map(|day: Day| day.to_string()),
            );
        }
        Ok(wanted.intersection(&there).cloned().collect())
    }

    /// D8: ends that the ledger knows and the catalogue does not.
    fn ends_to_catalogue(&self, replayed: &Replayed) -> Result<()> {
        let Some(first) = replayed.ended.iter().map(|e| e.entry.ledger_no).min() else { return Ok(()) };
        let known: HashSet<LedgerNo> =
            self.catalogue.ledger_ended_since(self.config.recorder_id, first)?.into_iter().collect();
        let missing = replayed.ended.iter().filter(|e| !known.contains(&e.entry.ledger_no));
        let rows: Vec<LedgerRow> = missing
            .map(|e| self.ledger_row(&e.entry, Some(LedgerEnding { end: e.end, rule: e.rule, at: e.at })))
            .collect();
        Ok(self.catalogue.ledger_upsert(rows)?)
    }

    /// D9: whatever is still open belongs to a call that the crash cut off.
    fn end_open_entries(
        &self,
        sealed: &HashSet<RecordingId>,
        now: UtcMicros,
        report: &mut RecoveryReport,
    ) -> Result<()> {
        for entry in self.open_entries()? {
            let end = self.end_of_cut_call(&entry, sealed)?;
            let ending = LedgerEnding { end, rule: None, at: now.max(entry.opened_at) };
            self.end_entry(entry.ledger_no, ending, "", "")?;
            report.ended.push((entry.ledger_no, end));
        }
        self.settle()
    }

    fn end_of_cut_call(&self, entry: &OpenEntry, sealed: &HashSet<RecordingId>) -> Result<LedgerEnd> {
        if let Some(recording) = self.catalogue.recording(entry.recording_id)? {
            let goes_on = recording.parts.last().is_some_and(|part| part.flags & 4 != 0);
            return Ok(if goes_on { LedgerEnd::Partly(Partly::Crash) } else { recording.facts.end });
        }
        Ok(if sealed.contains(&entry.recording_id) {
            LedgerEnd::Partly(Partly::Crash)
        } else {
            LedgerEnd::NotRecorded(NotRecorded::Crash)
        })
    }

    pub(crate) fn buffered(&self, path: &str) -> Result<BufReader<Box<dyn store::ReadSeek>>> {
        buffered(&*self.disk, path)
    }
}
