//! Orders families by what they wait for and by how long they have been quiet, so that neither a timeout nor making room
//! ever has to look at all of them.

use std::collections::{BTreeMap, BTreeSet};

use super::family::FamilyId;

/// Where one family stands in the orders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// When it wants to be looked at, nanoseconds of the monotonic clock; none: never by itself.
    pub(super) due_ns: Option<u64>,
    /// When its last message came.
    pub(super) seen_ns: u64,
    /// Whether a call of it is up. Those are pushed out last.
    pub(super) talking: bool,
}

/// The orders.
#[derive(Default)]
pub(super) struct Index {
    places: BTreeMap<FamilyId, Place>,
    due: BTreeSet<(u64, FamilyId)>,
    waiting: BTreeSet<(u64, FamilyId)>,
    talking: BTreeSet<(u64, FamilyId)>,
}

impl Index {
    pub(super) fn put(&mut self, id: FamilyId, place: Place) {
        if self.places.get(&id) == Some(&place) {
            return;
        }
        self.remove(id);
        if let Some(due_ns) = place.due_ns {
            self.due.insert((due_ns, id));
        }
        let quiet = if place.talking { &mut self.talking } else { &mut self.waiting };
        quiet.insert((place.seen_ns, id));
        self.places.insert(id, place);
    }

    pub(super) fn remove(&mut self, id: FamilyId) {
        if let Some(place) = self.places.remove(&id) {
            if let Some(due_ns) = place.due_ns {
                self.due.remove(&(due_ns, id));
            }
            self.waiting.remove(&(place.seen_ns, id));
            self.talking.remove(&(place.seen_ns, id));
        }
    }

    /// Returns a family that is due at `now_ns`.
    pub(super) fn due(&self, now_ns: u64) -> Option<FamilyId> {
        self.due.first().filter(|(due_ns, _)| *due_ns <= now_ns).map(|(_, id)| *id)
    }

    pub(super) fn next_due(&self) -> Option<(u64, FamilyId)> {
        self.due.first().copied()
    }

    /// Returns the family that is missed least: the quietest without a call that is up, else one that has been quiet since
    /// before `long_ago_ns`.
    pub(super) fn least_missed(&self, long_ago_ns: u64) -> Option<FamilyId> {
        let waiting = self.waiting.first();
        waiting
            .or_else(|| self.talking.first().filter(|(seen_ns, _)| *seen_ns < long_ago_ns))
            .map(|(_, id)| *id)
    }
}
