//! What the console is shown of keeping, and what it says of it.

use api::{
    ChangeState, Destruction, DestructionOnMedium, DoneBy, HoldByOrder, KeepingChange, KeptClass, Which,
};
use shared::{UtcMicros, Zone};
use vault::{By, Coverage, HoldOrder, PolicyChange, PolicyRow, PolicyStep, RetentionClass, ShredRow, UserId};

use super::day;
use crate::caller::Caller;
use crate::problem::Refusal;
use crate::take::Answer;
use crate::token::hex;

/// Extensions and taps of one rule.
const LIST_MAX: usize = 1_000;

/// How one person sees it.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) zone: &'a Zone,
    you: UserId,
}

pub(super) fn seen(caller: &Caller) -> Seen<'_> {
    Seen { zone: caller.doors.host().zone(), you: caller.user.id }
}

impl Seen<'_> {
    fn at(&self, at: UtcMicros) -> String {
        self.zone.rfc3339(at)
    }

    fn by(&self, by: &By) -> DoneBy {
        DoneBy { name: by.name.clone(), at: self.at(by.at), you: by.user == Some(self.you) }
    }

    pub(super) fn change(&self, row: &PolicyRow) -> KeepingChange {
        let (what, put) = match &row.change {
            PolicyChange::PutClass(class) => ("class", Some(class_shown(class, self.zone))),
            PolicyChange::RemoveClass(_) => ("class_removed", None),
            PolicyChange::RemoveLocation(_) => ("location_removed", None),
            PolicyChange::SetMedia(..) => ("media", None),
        };
        let state = match row.step() {
            PolicyStep::Proposed => ChangeState::Proposed,
            PolicyStep::Confirmed => ChangeState::Confirmed,
            PolicyStep::Applied => ChangeState::Applied,
            PolicyStep::Cancelled => ChangeState::Cancelled,
        };
        KeepingChange {
            id: row.change_id,
            object: row.change.object(),
            put,
            before: row.class_before().map(|class| class_shown(&class, self.zone)),
            what: what.to_owned(),
            state,
            affected: row.affected,
            proposed: self.by(&row.proposed),
            confirmed: row.confirmed.as_ref().map(|by| self.by(by)),
            cancelled: row.cancelled.as_ref().map(|by| self.by(by)),
            effective_at: row.effective_at.map(|at| self.at(at)),
        }
    }

    pub(super) fn hold(&self, order: &HoldOrder) -> HoldByOrder {
        HoldByOrder {
            id: hex(&order.hold_id),
            which: which(&order.coverage, self.zone),
            reason: order.reason.clone(),
            owner: order.owner.clone(),
            review: order.review.map(|day| day.to_string()),
            placed: self.by(&order.placed),
            released: order.released.as_ref().map(|by| self.by(by)),
            release_reason: order.release_reason.clone(),
        }
    }

    pub(super) fn destruction(&self, row: &ShredRow) -> Destruction {
        let medium = |medium: &vault::ShredMedium| DestructionOnMedium {
            id: medium.media_id.to_string(),
            label: medium.label.clone(),
            lies_in: medium.lies_in.clone(),
            done_at: medium.done_at.map(|at| self.at(at)),
        };
        Destruction {
            id: row.shred_id,
            day: row.what.day().to_string(),
            recording: row.what.recording().map(|id| id.to_string()),
            state: row.state.word().to_owned(),
            order: row.is_order,
            reason: row.reason.clone(),
            recordings: row.recordings,
            asked: self.by(&row.asked),
            second: row.second.as_ref().map(|by| self.by(by)),
            changed_at: self.at(row.changed_at),
            media: row.media.iter().map(medium).collect(),
        }
    }
}

pub(super) fn class_shown(class: &RetentionClass, zone: &Zone) -> KeptClass {
    KeptClass {
        name: class.name.clone(),
        min_days: class.min_days,
        max_days: class.max_days,
        which: which(&class.coverage, zone),
    }
}

fn which(coverage: &Coverage, zone: &Zone) -> Which {
    Which {
        extensions: coverage.extensions.iter().map(ToString::to_string).collect(),
        taps: coverage.taps.clone(),
        number: coverage.number.clone(),
        tag: coverage.tag.clone(),
        since: coverage.since.map(|at| zone.day_of(at).to_string()),
        // It ends before the first moment of the next day.
        until: coverage.until.map(|at| zone.day_of(at.plus(-1)).to_string()),
    }
}

/// Reads which calls are meant.
pub(super) fn coverage(which: &Which, zone: &Zone) -> Answer<Coverage> {
    if which.extensions.len() > LIST_MAX || which.taps.len() > LIST_MAX {
        return Err(Refusal::bad("A rule names at most 1000 extensions and taps."));
    }
    let pattern = |text: &String| {
        let refused =
            |_odd| Refusal::bad("One of `extensions` is no pattern: write 3115, 3111-3118 or 3***.");
        text.trim().parse().map_err(refused)
    };
    let start = |day: shared::Day| {
        zone.start_of(day).ok_or_else(|| Refusal::bad("A day does not begin in the site's zone."))
    };
    let until = which.until.as_deref().map(|text| {
        let last = day("until", text)?;
        start(last.plus_days(1).unwrap_or(last))
    });
    Ok(Coverage {
        extensions: which.extensions.iter().map(pattern).collect::<Answer<_>>()?,
        taps: which.taps.clone(),
        number: which.number.clone(),
        tag: which.tag.clone(),
        since: which.since.as_deref().map(|text| start(day("since", text)?)).transpose()?,
        until: until.transpose()?,
    })
}
