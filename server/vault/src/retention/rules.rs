//! How long a call is kept, and whether a change could let something go earlier: pure judgements. When in doubt, longer.

use catalogue::{Listed, LocationRow, MediaSet, PolicyChange, RetentionClass};
use shared::UtcMicros;

const DAY_US: i64 = 24 * 3_600 * 1_000_000;

/// How long a call is kept, in days from its end.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Keep {
    /// Nobody may destroy it earlier.
    pub min_days: u32,
    /// It is to be destroyed then; `None`: never.
    pub max_days: Option<u32>,
}

impl Keep {
    /// The longer of each.
    fn and(self, other: &RetentionClass) -> Self {
        let max_days = self.max_days.zip(other.max_days).map(|(a, b)| a.max(b));
        Self { min_days: self.min_days.max(other.min_days), max_days }
    }

    /// Tells whether the time of a call that ended then is over. Minimum beats maximum.
    #[must_use]
    pub fn is_over(&self, ended_at: UtcMicros, now: UtcMicros) -> bool {
        let days = |days: u32| i64::from(days).saturating_mul(DAY_US);
        self.max_days.is_some_and(|max| now.since(ended_at) >= days(max.max(self.min_days)))
    }
}

/// Returns how long a call is kept: the longest of the classes that cover it. One that no class covers, or that nobody's extension had
/// part in, is kept as long as the longest of all classes says; without any class for ever.
pub(crate) fn keep(classes: &[RetentionClass], call: &Listed) -> Keep {
    let has_user = call.parties.iter().any(|party| !party.extension.is_empty());
    let covering = classes.iter().filter(|class| has_user && class.coverage.covers_listed(call));
    longest(covering).or_else(|| longest(classes.iter())).unwrap_or(Keep { min_days: 0, max_days: None })
}

fn longest<'a>(mut classes: impl Iterator<Item = &'a RetentionClass>) -> Option<Keep> {
    let first = classes.next()?;
    let keep = Keep { min_days: first.min_days, max_days: first.max_days };
    Some(classes.fold(keep, Keep::and))
}

/// Returns the classes as they would be.
pub(crate) fn changed(classes: &[RetentionClass], change: &PolicyChange) -> Vec<RetentionClass> {
    let object = change.object();
    match change {
        PolicyChange::PutClass(class) => {
            let others = classes.iter().filter(|known| known.name != object).cloned();
            others.chain([class.clone()]).collect()
        }
        PolicyChange::RemoveClass(_) => classes.iter().filter(|c| c.name != object).cloned().collect(),
        PolicyChange::RemoveLocation(_) | PolicyChange::SetMedia(..) => classes.to_vec(),
    }
}

/// Tells whether a change could let anything go earlier than before; a doubtful one could.
pub(crate) fn loosens(change: &PolicyChange, classes: &[RetentionClass], locations: &[LocationRow]) -> bool {
    match change {
        PolicyChange::PutClass(new) => match classes.iter().find(|class| class.name == new.name) {
            Some(old) => old.coverage != new.coverage || is_shorter(new, old.min_days, old.max_days),
            // What it covers may have been kept as long as the longest of all.
            None => longest(classes.iter())
                .map_or_else(|| new.max_days.is_some(), |all| is_shorter(new, all.min_days, all.max_days)),
        },
        PolicyChange::RemoveClass(_) | PolicyChange::RemoveLocation(_) => true,
        PolicyChange::SetMedia(id, set) => {
            let now = locations.iter().find(|location| location.location_id == *id).map(|l| l.set);
            now != Some(*set) && *set != MediaSet::All
        }
    }
}

fn is_shorter(new: &RetentionClass, min_days: u32, max_days: Option<u32>) -> bool {
    let is_max_shorter = match (new.max_days, max_days) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(new), Some(old)) => new < old,
    };
    is_max_shorter || new.min_days < min_days
}
