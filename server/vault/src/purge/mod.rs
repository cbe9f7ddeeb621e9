//! Purging: the live copy of a recording goes when every configured location is proven to hold it. Procedure G of
//! `docs/design/recording-lifecycle.md`; the numbers below are its steps.
//!
//! [`Purgeable`] is the only key to the only deletion of admitted audio. Nobody can make one but [`Vault::purgeable`], and holding one
//! proves nothing later: the judgement is asked again in the transaction behind which the files are removed.

mod judge;

use std::collections::{BTreeMap, BTreeSet};

use archive::log::{Act, PurgeReason};
use catalogue::{
    AuditEntry, AuditObject, By, Cursor, MediumState, Outcome, ProofRow, PurgeRow, PurgeState, Standing,
};
use shared::{MediaId, RecordingId, UtcMicros};

pub(crate) use judge::GoingPart;
pub use judge::{Kept, PurgeRules};

use crate::{Result, Vault, elsewhere};

/// Between announcing and removing.
const GRACE_US: i64 = 24 * 3_600 * 1_000_000;
/// Recordings that are announced by one sync of the log and one transaction.
const BATCH: usize = 128;
/// Candidates fetched at a time.
const STRIDE: u32 = 500;

/// A recording that every configured location was proven to hold, with nothing that forbids its live copy to go.
#[derive(Debug)]
pub struct Purgeable {
    recording_id: RecordingId,
    parts: Vec<GoingPart>,
    rules: PurgeRules,
}

impl Purgeable {
    /// Returns which recording it is.
    #[must_use]
    pub const fn recording_id(&self) -> RecordingId {
        self.recording_id
    }

    /// Returns the bytes that its live files take.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(part.row.bytes))
    }
}

/// What a look at a medium found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fresh {
    /// The medium is not connected, or is not the one that its card should name.
    Away,
    /// The file has its size, and the piece that was looked at is as it was read back.
    Same,
    /// It has not, or is not there, or cannot be read, and what was found: the medium has it no more.
    Differs(String),
    /// What came back may have come from a cache and shows nothing, and why.
    Unsure(String),
}

/// Looks at media now. The archive's engine has one; the vault knows no medium.
pub trait FreshCheck {
    /// Looks at the file of a proof: verifies the medium's card, compares the file's size, and reads one piece of 1 MiB, **chosen at random
    /// and past all caches**, against its BLAKE3 in [`catalogue::ReadBackRow::pieces`] (`whole_blake3` if there is one piece).
    ///
    /// What cannot be read on a connected medium differs; that a cache may have answered leaves it unsure.
    fn look(&mut self, proof: &ProofRow) -> Fresh;
}

/// What became of recordings that were on the way out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PurgeReport {
    /// Their live files are gone.
    pub purged: Vec<RecordingId>,
    /// Bytes of these.
    pub bytes: u64,
    /// They stay for now, and why.
    pub kept: Vec<(RecordingId, Kept)>,
}

/// What [`Vault::plan_purge`] found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PurgePlan {
    /// Announced now: they go in 24 hours.
    pub intended: Vec<RecordingId>,
    /// Bytes of these.
    pub bytes: u64,
    /// How many stay, by [`Kept::word`].
    pub kept: BTreeMap<&'static str, u64>,
    /// Where to go on; `None`: nothing older is left to look at.
    pub next: Option<Cursor>,
}

impl Vault {
    /// Judges whether the live copy of a recording may go, in one transaction; or says why it stays.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn purgeable(
        &self,
        id: RecordingId,
        rules: PurgeRules,
        now: UtcMicros,
    ) -> Result<std::result::Result<Purgeable, Kept>> {
        let judged = self.catalogue.judged(id, move |standing| judge::may_go(standing, &rules, now))?;
        Ok(judged.map(|parts| Purgeable { recording_id: id, parts, rules }))
    }

    /// G1, G2: walks through recordings, the oldest first, behind `after`, and announces those that may go until they make up
    /// `wanted_bytes`, or `look_at_max` were looked at.
    ///
    /// # Errors
    /// The log's or the catalogue's: what was announced before stays announced.
    pub fn plan_purge(
        &self,
        wanted_bytes: u64,
        reason: PurgeReason,
        rules: PurgeRules,
        now: UtcMicros,
        after: Option<Cursor>,
        look_at_max: u32,
    ) -> Result<PurgePlan> {
        let mut plan = PurgePlan { next: after, ..PurgePlan::default() };
        let (mut going, mut sum, mut left) = (Vec::new(), 0_u64, look_at_max);
        'walk: while left > 0 && sum < wanted_bytes {
            let some = self.catalogue.purge_candidates(plan.next, STRIDE.min(left))?;
            if some.is_empty() {
                plan.next = None;
                break;
            }
            for candidate in some {
                left = left.saturating_sub(1);
                match self.purgeable(candidate.recording_id, rules, now)? {
                    Ok(purgeable) => {
                        sum = sum.saturating_add(purgeable.bytes());
                        going.push(purgeable);
                    }
                    Err(kept) => {
                        let count = plan.kept.entry(kept.word()).or_default();
                        *count = count.saturating_add(1);
                    }
                }
                plan.next = Some(candidate.place);
                if sum >= wanted_bytes {
                    break 'walk;
                }
            }
        }
        let bytes: BTreeMap<RecordingId, u64> = going.iter().map(|p| (p.recording_id, p.bytes())).collect();
        plan.intended = self.intend_purge(going, reason, now)?;
        let of = |id: &RecordingId| bytes.get(id).copied().unwrap_or_default();
        plan.bytes = plan.intended.iter().fold(0, |sum, id| sum.saturating_add(of(id)));
        Ok(plan)
    }

    /// G2: announces that recordings will go: first in the log, then in the catalogue, where each is judged again. Returns those
    /// that were entered.
    ///
    /// # Errors
    /// [`crate::VaultError::NoLog`], the log's or the catalogue's: what was announced before stays announced.
    pub fn intend_purge(
        &self,
        some: Vec<Purgeable>,
        reason: PurgeReason,
        now: UtcMicros,
    ) -> Result<Vec<RecordingId>> {
        let mut entered = Vec::new();
        for batch in some.chunks(BATCH) {
            let acts = batch.iter().flat_map(|purgeable| acts(purgeable, reason)).collect();
            let mut leaf = self.append_acts(acts, [0; 16])?;
            let mut leaves = Vec::with_capacity(batch.len());
            for purgeable in batch {
                leaves.push((purgeable.recording_id, leaf));
                leaf = leaf.saturating_add(u64::try_from(purgeable.parts.len()).unwrap_or(0));
            }
            let Some(rules) = batch.first().map(|purgeable| purgeable.rules) else { break };
            let judge = move |standing: &Standing| judge::may_go(Some(standing), &rules, now).is_ok();
            entered.extend(self.catalogue.intend_purge(leaves, reason as u8, now, judge)?);
        }
        Ok(entered)
    }

    /// G3: takes back that a recording will go. Who did it stands in its history; who may is decided at the doors.
    ///
    /// # Errors
    /// The catalogue's: it is not intended, or its removal began.
    pub fn cancel_purge(&self, id: RecordingId, by: &By) -> Result<()> {
        Ok(self.catalogue.cancel_purge(id, by)?)
    }

    /// Returns recordings on the way out, those intended at `until` or before and those whose removal began, the oldest intent first,
    /// behind `after`, at most `limit`.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn purges(
        &self,
        until: UtcMicros,
        after: Option<(UtcMicros, RecordingId)>,
        limit: u32,
    ) -> Result<Vec<PurgeRow>> {
        Ok(self.catalogue.purges(until, after, limit)?)
    }

    /// G4 to G6 for whatever was announced 24 hours ago, and for what a crash left half removed, until `purged_max` are gone: call it at
    /// start, too. One that must stay for now keeps no other back.
    ///
    /// # Errors
    /// The disk's or the catalogue's: what was under way is gone on with at the next call.
    pub fn purge_announced(
        &self,
        rules: PurgeRules,
        now: UtcMicros,
        fresh: &mut dyn FreshCheck,
        purged_max: usize,
    ) -> Result<PurgeReport> {
        let (mut report, mut after) = (PurgeReport::default(), None);
        loop {
            let some = self.catalogue.purges(now.plus(-GRACE_US), after, STRIDE)?;
            if some.is_empty() {
                return Ok(report);
            }
            for row in some {
                if report.purged.len() >= purged_max {
                    return Ok(report);
                }
                after = Some((row.intent_at, row.recording_id));
                match self.go_on(row, rules, now, fresh)? {
                    Ok(bytes) => {
                        report.purged.push(row.recording_id);
                        report.bytes = report.bytes.saturating_add(bytes);
                    }
                    Err(kept) => report.kept.push((row.recording_id, kept)),
                }
            }
        }
    }

    /// Goes on with one that was announced; returns the bytes that were freed.
    fn go_on(
        &self,
        row: PurgeRow,
        rules: PurgeRules,
        now: UtcMicros,
        fresh: &mut dyn FreshCheck,
    ) -> Result<std::result::Result<u64, Kept>> {
        if row.state == PurgeState::Unlinked {
            self.finish_purge(row.recording_id, now)?;
            return Ok(Ok(0));
        }
        match self.purgeable(row.recording_id, rules, now)? {
            Ok(purgeable) => {
                let bytes = purgeable.bytes();
                Ok(self.purge(purgeable, now, fresh)?.map(|()| bytes))
            }
            Err(kept) => Ok(Err(kept)),
        }
    }

    /// G4 to G6: the only deletion of admitted audio there is. Removes the live files of a recording that was announced 24 hours ago, or
    /// says why they stay.
    ///
    /// # Errors
    /// The disk's or the catalogue's: some files may be gone then, and the next call goes on.
    pub fn purge(
        &self,
        purgeable: Purgeable,
        now: UtcMicros,
        fresh: &mut dyn FreshCheck,
    ) -> Result<std::result::Result<(), Kept>> {
        let Purgeable { recording_id: id, parts, rules } = purgeable;
        // G4
        if let Err(kept) = self.look_at_media(id, &parts, now, fresh)? {
            return Ok(Err(kept));
        }
        // G5 the live file is what was proven.
        let has_begun = self.catalogue.standing(id)?.and_then(|s| s.purge).map(|p| p.state)
            == Some(PurgeState::Unlinking);
        if let Err(kept) = self.look_at_live(id, &parts, has_begun, now)? {
            return Ok(Err(kept));
        }
        // G5 again, in the transaction behind which files go.
        let expected = parts.clone();
        let judge = move |standing: &Standing| {
            if !is_announced(standing, now) {
                return Err(Kept::NotIntended);
            }
            let again = judge::may_go(Some(standing), &rules, now)?;
            if rows(&again).eq(rows(&expected)) { Ok(()) } else { Err(Kept::GoesOn) }
        };
        if let Err(kept) = self.catalogue.step_purge(id, PurgeState::Unlinking, now, judge)? {
            return Ok(Err(kept));
        }
        // G6
        let mut folders = BTreeSet::new();
        for part in &parts {
            if self.disk.exists(&part.row.path)? {
                self.disk.unlink(&part.row.path)?;
            }
            folders.extend(part.row.path.rsplit_once('/').map(|(folder, _)| folder.to_owned()));
        }
        self.sync_folders(&folders)?;
        self.step(id, PurgeState::Unlinked, now)?;
        self.finish_purge(id, now)?;
        Ok(Ok(()))
    }

    /// G4: each part is looked at on every medium that is connected, and there is one at least.
    fn look_at_media(
        &self,
        id: RecordingId,
        parts: &[GoingPart],
        now: UtcMicros,
        fresh: &mut dyn FreshCheck,
    ) -> Result<std::result::Result<(), Kept>> {
        for part in parts {
            let mut is_there = false;
            for proof in &part.proofs {
                match fresh.look(proof) {
                    Fresh::Away => {}
                    Fresh::Same => is_there = true,
                    Fresh::Differs(what) => {
                        self.found_bad(proof.media_id, &[elsewhere::bad(proof, &what)], now)?;
                        return self.doubted(id, proof, &what, now);
                    }
                    Fresh::Unsure(what) => {
                        self.catalogue.set_medium_state(proof.media_id, MediumState::Suspect)?;
                        return self.doubted(id, proof, &what, now);
                    }
                }
            }
            if !is_there {
                return Ok(Err(Kept::NotConnected));
            }
        }
        Ok(Ok(()))
    }

    fn doubted(
        &self,
        id: RecordingId,
        proof: &ProofRow,
        what: &str,
        now: UtcMicros,
    ) -> Result<std::result::Result<(), Kept>> {
        let medium = proof.media_id;
        self.catalogue.set_suspect(id, &format!("on the medium {medium}: {what}"), now)?;
        Ok(Err(Kept::SuspectMedium { medium }))
    }

    /// G5: the live files are, bit by bit, those that were read back. Only what an earlier try removed may be missing.
    fn look_at_live(
        &self,
        id: RecordingId,
        parts: &[GoingPart],
        has_begun: bool,
        now: UtcMicros,
    ) -> Result<std::result::Result<(), Kept>> {
        for part in parts {
            if !self.disk.exists(&part.row.path)? {
                if has_begun {
                    continue;
                }
                return Ok(Err(Kept::Missing));
            }
            let digests = self.digests(&part.row.path)?;
            let whole = part.proofs.first().map(|p| (p.read_back.whole_sha256, p.read_back.whole_blake3));
            if digests.content != (part.row.sha256, part.row.blake3) || Some(digests.whole) != whole {
                let why = format!("the live file {} is not what was sealed and archived", part.row.path);
                self.catalogue.set_suspect(id, &why, now)?;
                return Ok(Err(Kept::Suspect(why)));
            }
        }
        Ok(Ok(()))
    }

    fn finish_purge(&self, id: RecordingId, now: UtcMicros) -> Result<()> {
        self.step(id, PurgeState::Purged, now)
    }

    fn step(&self, id: RecordingId, to: PurgeState, now: UtcMicros) -> Result<()> {
        let free = |_: &Standing| Ok::<(), std::convert::Infallible>(());
        self.catalogue.step_purge(id, to, now, free)?.map_or_else(|never| match never {}, Ok)
    }

    /// Says that a medium that was suspect may be trusted again. Who did it and why is in the audit log before.
    ///
    /// # Errors
    /// The catalogue's: no such medium.
    pub fn clear_medium(&self, id: MediaId, reason: &str, by: &By) -> Result<()> {
        self.catalogue.audit(&AuditEntry {
            at: by.at,
            actor: by.user,
            actor_name: by.name.clone(),
            session: None,
            address: String::new(),
            act: "clear-medium",
            object: Some(AuditObject::Named(id.to_string())),
            outcome: Outcome::Ok,
            details: serde_json::json!({ "reason": reason }).to_string(),
        })?;
        Ok(self.catalogue.set_medium_state(id, MediumState::Good)?)
    }

    /// Notes that something of a recording was not as it should be: its live copy stays until somebody clears it.
    ///
    /// # Errors
    /// The catalogue's: no such recording.
    pub fn set_suspect(&self, id: RecordingId, reason: &str, at: UtcMicros) -> Result<()> {
        Ok(self.catalogue.set_suspect(id, reason, at)?)
    }

    /// Clears a suspect recording; who did it and why stands in its history.
    ///
    /// # Errors
    /// The catalogue's: nothing is the matter with it, or no reason was given.
    pub fn clear_suspect(&self, id: RecordingId, reason: &str, by: &By) -> Result<()> {
        Ok(self.catalogue.clear_suspect(id, reason, by)?)
    }
}

fn rows(parts: &[GoingPart]) -> impl Iterator<Item = &catalogue::PartRow> {
    parts.iter().map(|part| &part.row)
}

/// Everybody had 24 hours to object, or its removal began after that.
fn is_announced(standing: &Standing, now: UtcMicros) -> bool {
    standing.purge.is_some_and(|purge| match purge.state {
        PurgeState::Intent => now.since(purge.intent_at) >= GRACE_US,
        PurgeState::Unlinking => true,
        PurgeState::Unlinked | PurgeState::Purged => false,
    })
}

/// What the log says before anything is announced: one leaf for each part.
fn acts(purgeable: &Purgeable, reason: PurgeReason) -> impl Iterator<Item = Act> {
    purgeable.parts.iter().map(move |part| Act::Purge {
        recording_id: purgeable.recording_id,
        part: part.row.part,
        sha256: part.row.sha256,
        reason,
        proven: part.proven_at(),
    })
}

#[cfg(test)]
pub(crate) mod tests;
