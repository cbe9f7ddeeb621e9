//! Who may destroy what, and when: the permission, and why something stays.

use std::io::Read as _;

use catalogue::{
    AuditEntry, AuditObject, Listed, Outcome, Recording, RetentionClass, ShredJudged, ShredRow, ShredVerdict,
    ShredWhat,
};
use shared::{Day, RecordingId, UtcMicros};

use crate::part::{SPOOL, spool_path};
use crate::retention::rules;
use crate::vault::held;
use crate::{Result, Vault, VaultError, incoming};

/// Trailer flag: the recording goes on in a next part.
const CONTINUED: u32 = 4;
/// Calls that began on a day may go on into the next, and be entered after it.
const DAYS_BEHIND: i32 = 2;
/// Where a sealed file says its day: `docs/design/sealed-format.md`.
const DAY_AT: usize = 72;

/// Something that may be destroyed: its retention is over, or two persons ordered it; and no hold covers it. Only [`Vault::shreddable`]
/// and their like make one, and it proves nothing later: all is judged again when it is used.
#[derive(Debug)]
pub struct Shreddable {
    pub(super) what: ShredWhat,
    pub(super) recordings: u64,
    /// The order, if it is one.
    pub(super) order: Option<Box<ShredRow>>,
}

impl Shreddable {
    /// Returns what.
    #[must_use]
    pub const fn what(&self) -> ShredWhat {
        self.what
    }

    /// Returns which day.
    #[must_use]
    pub const fn day(&self) -> Day {
        self.what.day()
    }

    /// Returns how many recordings are concerned.
    #[must_use]
    pub const fn recordings(&self) -> u64 {
        self.recordings
    }
}

/// Why something is not destroyed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DayKept {
    /// Recordings that would have been destroyed although a hold is on them. To be told as an alarm.
    pub held: Vec<RecordingId>,
    /// Recordings whose time is not over, or whose call goes on.
    pub kept: u64,
}

impl Vault {
    /// Judges whether the keys of a day may be destroyed because the time of each of its recordings is over, and no hold covers any. What
    /// a rule would have destroyed in spite of a hold is written into the audit log.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn shreddable(&self, day: Day, now: UtcMicros) -> Result<std::result::Result<Shreddable, DayKept>> {
        self.judged_shred(ShredWhat::Day(day), None, now)
    }

    /// Judges whether one recording may be destroyed because its time is over, and no hold covers it.
    ///
    /// # Errors
    /// [`VaultError::NoSuchRecording`], or the catalogue's.
    pub fn shreddable_alone(
        &self,
        id: RecordingId,
        now: UtcMicros,
    ) -> Result<std::result::Result<Shreddable, DayKept>> {
        self.judged_shred(self.one_alone(id)?, None, now)
    }

    /// Judges whether what two persons ordered may be destroyed now: no hold covers any of it.
    ///
    /// # Errors
    /// [`VaultError::TwoPersons`] if it is no order of two, or the catalogue's.
    pub fn ordered_shred(
        &self,
        shred_id: u64,
        now: UtcMicros,
    ) -> Result<std::result::Result<Shreddable, DayKept>> {
        let row = self.catalogue.shred(shred_id)?;
        if !row.is_order || row.second.is_none() {
            return Err(VaultError::TwoPersons);
        }
        self.judged_shred(row.what, Some(Box::new(row)), now)
    }

    /// Names a recording for an order.
    ///
    /// # Errors
    /// [`VaultError::NoSuchRecording`], or the catalogue's.
    pub fn one_alone(&self, id: RecordingId) -> Result<ShredWhat> {
        let recording = self.catalogue.recording(id)?.ok_or(VaultError::NoSuchRecording(id))?;
        Ok(ShredWhat::Recording(recording.facts.day, id))
    }

    fn judged_shred(
        &self,
        what: ShredWhat,
        order: Option<Box<ShredRow>>,
        now: UtcMicros,
    ) -> Result<std::result::Result<Shreddable, DayKept>> {
        let is_order = order.is_some();
        let judge = move |classes: &[_], call: &_, is_held| verdict(is_order, classes, call, is_held, now);
        let judged = self.catalogue.judged_shred(what, judge)?;
        if judged.is_free() {
            return Ok(Ok(Shreddable { what, recordings: judged.recordings, order }));
        }
        Ok(Err(self.kept_back(what, judged, now)?))
    }

    /// Notes what a hold kept from being destroyed.
    pub(super) fn kept_back(&self, what: ShredWhat, judged: ShredJudged, now: UtcMicros) -> Result<DayKept> {
        if let Some(first) = judged.held.first() {
            let (day, held) = (what.day(), judged.held.len());
            tracing::warn!(%day, held, "a rule or an order would have destroyed recordings that are held: they stay");
            self.catalogue.audit(&AuditEntry {
                at: now,
                actor: None,
                actor_name: "retention".to_owned(),
                session: None,
                address: String::new(),
                act: "retention-blocked",
                object: Some(AuditObject::Recording(*first)),
                outcome: Outcome::Refused,
                details: serde_json::json!({ "day": day.to_string(), "held": held }).to_string(),
            })?;
        }
        Ok(judged.into())
    }

    /// A day must be over, and everything that was sealed on it must be a row that somebody can judge.
    pub(super) fn is_over(&self, what: ShredWhat, now: UtcMicros) -> Result<()> {
        let ShredWhat::Day(day) = what else { return Ok(()) };
        let today = self.config.zone.day_of(now);
        if day.plus_days(DAYS_BEHIND).is_none_or(|over| over > today) {
            return Err(VaultError::DayNotOver(day));
        }
        let owed = held(&self.owed)
            .recordings
            .iter()
            .find(|row| row.part.day == day)
            .map(|row| row.part.path.clone());
        match owed.map_or_else(|| self.spooled_on(day), |path| Ok(Some(path)))? {
            Some(path) => Err(VaultError::Unjudged { path }),
            None => Ok(()),
        }
    }

    /// Finds a file in the spool, or one that comes from a satellite, that was sealed on a day.
    fn spooled_on(&self, day: Day) -> Result<Option<String>> {
        let spool = self.disk.list(SPOOL)?.into_iter().map(|entry| spool_path(&entry.name));
        for path in spool.chain(incoming::growing(&*self.disk)?) {
            let mut file = match self.disk.open_read(&path) {
                Err(e) if e.is_not_found() => continue,
                opened => opened?,
            };
            let mut head = [0; DAY_AT + 4];
            // Too short for a header: nothing was sealed yet.
            if file.read_exact(&mut head).is_ok()
                && head.last_chunk().is_some_and(|said| u32::from_le_bytes(*said) == day.yyyymmdd())
            {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }
}

/// Judges one recording. An order of two persons beats retention; a hold beats both; a call that goes on stays.
pub(super) fn verdict(
    is_order: bool,
    classes: &[RetentionClass],
    call: &Recording,
    is_held: bool,
    now: UtcMicros,
) -> ShredVerdict {
    let goes_on = call.parts.last().is_none_or(|part| part.flags & CONTINUED != 0);
    let is_over = || rules::keep(classes, &Listed::from(call)).is_over(call.facts.ended_at, now);
    if goes_on || !(is_order || is_over()) {
        ShredVerdict::Kept
    } else if is_held {
        ShredVerdict::Held
    } else {
        ShredVerdict::Free
    }
}
