//! The rules about keeping, and the brakes on changing them.
//!
//! A change that could let anything go earlier (a shorter class, a location or a medium less) is proposed by one person, confirmed by
//! **another**, stands in the log before that, and is applied 14 days later; until then the old rules hold. Anybody may cancel it. A
//! change that only lengthens is applied at once.
//!
//! The end of retention is no purge: it is the destruction of keys, see `shred`.

pub(crate) mod rules;

use archive::log::{Act, PolicyKind};
use catalogue::{By, Listed, Place, PolicyChange, PolicyRow, PolicyStep, RetentionClass, Scope, Search};
use shared::{RecordingId, UtcMicros};

pub use rules::Keep;

use crate::holds::{actor_of, salted};
use crate::{Result, Vault, VaultError};

/// Between the second person's word and the effect.
const DELAY_US: i64 = 14 * 24 * 3_600 * 1_000_000;
/// Recordings that a preview looks at.
const PREVIEW_MAX: u64 = 200_000;
/// Recordings fetched at a time.
const PAGE: u32 = 1_000;

/// What a change would do to recordings that are there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PolicyPreview {
    /// So many would reach the end of their retention by it when it takes effect, or would need one copy less.
    pub affected: u64,
    /// So many of these are held: whatever the rule says, they stay.
    pub held: u64,
    /// There may be more: counting stopped.
    pub more: bool,
}

impl Vault {
    /// Returns the classes in force, by name.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn classes(&self) -> Result<Vec<RetentionClass>> {
        Ok(self.catalogue.classes()?)
    }

    /// Returns the last changes of rules, the newest first.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn policies(&self, limit: u32) -> Result<Vec<PolicyRow>> {
        Ok(self.catalogue.policies(limit)?)
    }

    /// Says what a change would do, for whoever is asked to propose or confirm it.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn preview_policy(&self, change: &PolicyChange, now: UtcMicros) -> Result<PolicyPreview> {
        match change {
            PolicyChange::PutClass(_) | PolicyChange::RemoveClass(_) => self.preview_classes(change, now),
            PolicyChange::RemoveLocation(_) | PolicyChange::SetMedia(..) => {
                Ok(PolicyPreview { affected: self.catalogue.counts()?.recordings, held: 0, more: false })
            }
        }
    }

    /// Proposes a change. One that only lengthens is applied at once; any other waits for a second person. `salt` is drawn by the caller.
    ///
    /// # Errors
    /// The log's or the catalogue's: what it changes is not there, a rule that makes no sense.
    pub fn change_policy(
        &self,
        change: &PolicyChange,
        salt: [u8; 32],
        by: &By,
        now: UtcMicros,
    ) -> Result<PolicyRow> {
        let affected = self.preview_policy(change, now)?.affected;
        let loosens = rules::loosens(change, &self.catalogue.classes()?, &self.catalogue.locations()?);
        let row = self.catalogue.propose_policy(change, affected, salt, by)?;
        if loosens {
            return Ok(row);
        }
        self.log_policy(&row, now, by, None)?;
        self.catalogue.confirm_policy(row.change_id, affected, by, now)?;
        self.catalogue.apply_policies(now)?;
        Ok(self.catalogue.policy(row.change_id)?)
    }

    /// Confirms a change that another person proposed: it takes effect in 14 days. The caller tells all administrators.
    ///
    /// # Errors
    /// [`VaultError::TwoPersons`]; the log's, or the catalogue's: it does not wait for confirmation. Then nothing has changed.
    pub fn confirm_policy(&self, change_id: u64, by: &By, now: UtcMicros) -> Result<PolicyRow> {
        let row = self.catalogue.policy(change_id)?;
        let are_two = by.user.is_some() && row.proposed.user.is_some() && by.user != row.proposed.user;
        if !are_two {
            return Err(VaultError::TwoPersons);
        }
        let affected = self.preview_policy(&row.change, now)?.affected;
        let effective = now.plus(DELAY_US);
        if row.step() == PolicyStep::Proposed {
            self.log_policy(&PolicyRow { affected, ..row }, effective, by, Some(by))?;
        }
        Ok(self.catalogue.confirm_policy(change_id, affected, by, effective)?)
    }

    /// Cancels a change that is not in force yet.
    ///
    /// # Errors
    /// The catalogue's: it is in force, or cancelled.
    pub fn cancel_policy(&self, change_id: u64, by: &By) -> Result<PolicyRow> {
        Ok(self.catalogue.cancel_policy(change_id, by)?)
    }

    /// Puts confirmed changes into force whose 14 days are over: call it daily, and at start. Returns them.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn apply_policies(&self, now: UtcMicros) -> Result<Vec<PolicyRow>> {
        Ok(self.catalogue.apply_policies(now)?)
    }

    /// Returns how long a recording is kept by the rules in force; `None`: there is no such recording. Holds are not asked.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn keep_of(&self, id: RecordingId) -> Result<Option<Keep>> {
        let classes = self.catalogue.classes()?;
        let recording = self.catalogue.recording(id)?;
        Ok(recording.map(|recording| rules::keep(&classes, &Listed::from(&recording))))
    }

    /// Leaf 7, before the change may take effect.
    fn log_policy(&self, row: &PolicyRow, effective: UtcMicros, by: &By, second: Option<&By>) -> Result<u64> {
        let what = match row.change {
            PolicyChange::PutClass(_) | PolicyChange::RemoveClass(_) => PolicyKind::Retention,
            PolicyChange::RemoveLocation(_) => PolicyKind::LocationRemoved,
            PolicyChange::SetMedia(..) => PolicyKind::VerifyLevel,
        };
        let act = Act::Policy {
            what,
            old: salted(&row.salt, &row.before),
            new: salted(&row.salt, &row.change.after()),
            affected: row.affected,
            effective,
            second: second.map_or([0; 16], actor_of),
        };
        let first = if second.is_some() { &row.proposed } else { by };
        self.append_act(act, actor_of(first))
    }

    /// Walks through what is old enough, the oldest first, and counts whose time would be over by the change alone.
    fn preview_classes(&self, change: &PolicyChange, now: UtcMicros) -> Result<PolicyPreview> {
        let old = self.catalogue.classes()?;
        let new = rules::changed(&old, change);
        let orders = self.standing_holds()?;
        let then = now.plus(DELAY_US);
        let mut preview = PolicyPreview::default();
        let mut search = Search { oldest_first: true, until: Some(then), limit: PAGE, ..Search::default() };
        let mut looked_at = 0_u64;
        loop {
            let page = self.catalogue.search(&search, &Scope::default())?;
            for call in &page.recordings {
                looked_at = looked_at.saturating_add(1);
                let over = |classes| rules::keep(classes, call).is_over(call.facts.ended_at, then);
                if over(&new) && !over(&old) {
                    preview.affected = preview.affected.saturating_add(1);
                    let is_held = call.held || orders.iter().any(|order| order.coverage.covers_listed(call));
                    preview.held = preview.held.saturating_add(u64::from(is_held));
                }
            }
            let Some(next) = page.next else { return Ok(preview) };
            if looked_at >= PREVIEW_MAX {
                return Ok(PolicyPreview { more: true, ..preview });
            }
            search.place = Place::After(next);
        }
    }
}

#[cfg(test)]
mod tests;
