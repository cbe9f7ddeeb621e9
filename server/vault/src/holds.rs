//! Legal holds: on one recording, or by order on all calls that a rule covers, those to come included. A hold outranks everything.
//!
//! Each stands in the transparency log before it takes effect. **A log in trouble keeps nobody from placing a hold** (it is told in the
//! program's log), but without its leaf none is released.

use archive::log::{Act, HoldAct};
use catalogue::{By, Count, Coverage, HoldOrder};
use sha2::Digest as _;
use shared::{Day, RecordingId};

use crate::{Result, Vault};

impl Vault {
    /// Puts a legal hold on a recording, in place of an earlier one.
    ///
    /// # Errors
    /// The catalogue's: no such recording, no reason; [`crate::VaultError::Shredded`]: there is nothing left to hold.
    pub fn hold(&self, id: RecordingId, reason: &str, review: Option<Day>, by: &By) -> Result<()> {
        self.not_shredded(id)?;
        if self.is_held(id)?.is_some() && !reason.trim().is_empty() {
            self.log_hold_if_possible(self.act_on_one(id, HoldAct::Place, review), by);
        }
        Ok(self.catalogue.hold(id, reason, review, by)?)
    }

    /// Takes the legal hold off a recording. A hold by order that covers it stays.
    ///
    /// # Errors
    /// The log's: then the hold stays. The catalogue's: there is no hold, no reason.
    pub fn release(&self, id: RecordingId, reason: &str, by: &By) -> Result<()> {
        if self.is_held(id)? == Some(true) && !reason.trim().is_empty() {
            self.append_act(self.act_on_one(id, HoldAct::Release, None), actor_of(by))?;
        }
        Ok(self.catalogue.release(id, reason, by)?)
    }

    /// Places a hold by order. It covers from this moment on, also what will be recorded.
    ///
    /// # Errors
    /// The catalogue's: no reason, no owner, a condition that says nothing, an identity that is taken.
    pub fn place_hold(&self, order: &HoldOrder) -> Result<()> {
        self.log_hold_if_possible(act_on(order, HoldAct::Place, None), &order.placed);
        Ok(self.catalogue.place_hold(order)?)
    }

    /// Says who answers for a hold now, and when somebody should ask again whether it is needed.
    ///
    /// # Errors
    /// The log's or the catalogue's: no such standing hold; then nothing has changed.
    pub fn change_hold(&self, hold_id: [u8; 16], owner: &str, review: Option<Day>, by: &By) -> Result<()> {
        if let Some(order) = self.standing_hold(hold_id)? {
            let order = HoldOrder { review, ..order };
            self.append_act(act_on(&order, HoldAct::Change, None), actor_of(by))?;
        }
        Ok(self.catalogue.change_hold(hold_id, owner, review)?)
    }

    /// Releases a hold by order. `second` is the second person, where the site asks for one.
    ///
    /// # Errors
    /// The log's or the catalogue's: no such standing hold, no reason; then it stands.
    pub fn release_hold(&self, hold_id: [u8; 16], reason: &str, by: &By, second: Option<&By>) -> Result<()> {
        if let Some(order) = self.standing_hold(hold_id)?
            && !reason.trim().is_empty()
        {
            self.append_act(act_on(&order, HoldAct::Release, second), actor_of(by))?;
        }
        Ok(self.catalogue.release_hold(hold_id, reason, by)?)
    }

    /// Returns all holds by order, standing ones first, then the newest.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn hold_orders(&self) -> Result<Vec<HoldOrder>> {
        Ok(self.catalogue.hold_orders()?)
    }

    /// Returns the standing holds by order that cover a recording.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn holds_on(&self, id: RecordingId) -> Result<Vec<HoldOrder>> {
        let Some(recording) = self.catalogue.recording(id)? else { return Ok(Vec::new()) };
        let mut orders = self.standing_holds()?;
        orders.retain(|order| order.coverage.covers(&recording));
        Ok(orders)
    }

    /// Returns the standing holds by order that somebody should have asked about by `day`.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn holds_to_review(&self, day: Day) -> Result<Vec<HoldOrder>> {
        let mut orders = self.standing_holds()?;
        orders.retain(|order| order.review.is_some_and(|review| review <= day));
        Ok(orders)
    }

    /// Counts what a hold or a class would cover of what is recorded already.
    ///
    /// # Errors
    /// As [`Vault::search`].
    pub fn count_covered(&self, coverage: &Coverage) -> Result<Count> {
        let (scope, search) = coverage.asked();
        self.count(&search, &scope)
    }

    pub(crate) fn standing_holds(&self) -> Result<Vec<HoldOrder>> {
        let mut orders = self.catalogue.hold_orders()?;
        orders.retain(|order| order.released.is_none());
        Ok(orders)
    }

    fn standing_hold(&self, hold_id: [u8; 16]) -> Result<Option<HoldOrder>> {
        Ok(self.standing_holds()?.into_iter().find(|order| order.hold_id == hold_id))
    }

    /// Tells whether a hold of its own is on a recording; `None`: there is no such recording.
    fn is_held(&self, id: RecordingId) -> Result<Option<bool>> {
        Ok(self.catalogue.recording(id)?.map(|recording| recording.labels.hold.is_some()))
    }

    /// What the log says of a hold on one recording: its identity is the recording's, which other leaves name too.
    fn act_on_one(&self, id: RecordingId, action: HoldAct, review: Option<Day>) -> Act {
        Act::Hold {
            hold_id: id.0,
            action,
            review_day: review.map_or(0, Day::yyyymmdd),
            scope: sha2::Sha256::digest(id.bytes()).into(),
            second: [0; 16],
        }
    }

    fn log_hold_if_possible(&self, act: Act, by: &By) {
        if let Err(error) = self.append_act(act, actor_of(by)) {
            tracing::error!(%error, "a legal hold is placed, but the transparency log does not say so");
        }
    }
}

fn act_on(order: &HoldOrder, action: HoldAct, second: Option<&By>) -> Act {
    Act::Hold {
        hold_id: order.hold_id,
        action,
        review_day: order.review.map_or(0, Day::yyyymmdd),
        scope: salted(&order.salt, &order.coverage.to_json()),
        second: second.map_or([0; 16], actor_of),
    }
}

/// Returns what stands for a text in the log.
pub(crate) fn salted(salt: &[u8; 32], text: &str) -> [u8; 32] {
    sha2::Sha256::new().chain_update(salt).chain_update(text).finalize().into()
}

/// Returns what stands for a person in the log: the user's number; zeros for a program.
pub(crate) fn actor_of(by: &By) -> [u8; 16] {
    by.user.map_or([0; 16], |user| u128::from(user.0).to_be_bytes())
}
