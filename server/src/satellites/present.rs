//! Which satellites are on the line at this moment, and the calls that they tell of. In memory: after a start nobody is until they come.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use shared::{RecorderId, RecordingId};
use web::BoardLine;

use crate::calls::Known;

/// Who is here.
#[derive(Debug, Default)]
pub(crate) struct Present {
    held: Mutex<Here>,
}

#[derive(Debug, Default)]
struct Here {
    satellites: BTreeMap<RecorderId, Known>,
    /// Counts changes, so that whoever looks knows whether there is anything new.
    changes: u64,
}

impl Present {
    /// A satellite was heard.
    pub(super) fn came(&self, who: RecorderId) {
        let mut here = self.held();
        let before = here.satellites.len();
        here.satellites.entry(who).or_default();
        if here.satellites.len() > before {
            here.changes = here.changes.wrapping_add(1);
        }
    }

    /// Its connection ended: what it does now nobody knows here.
    pub(super) fn left(&self, who: RecorderId) {
        let mut here = self.held();
        if here.satellites.remove(&who).is_some() {
            here.changes = here.changes.wrapping_add(1);
        }
    }

    /// It told of its calls; false if what it says is none of that.
    pub(super) fn told(&self, who: RecorderId, json: &[u8]) -> bool {
        let mut here = self.held();
        here.changes = here.changes.wrapping_add(1);
        here.satellites.get_mut(&who).is_none_or(|known| known.take(json))
    }

    /// Tells whether its line is up.
    pub(super) fn is_here(&self, who: RecorderId) -> bool {
        self.held().satellites.contains_key(&who)
    }

    /// Returns how often anything changed.
    pub(super) fn changes(&self) -> u64 {
        self.held().changes
    }

    /// Returns its calls for the board and how many it has in all; `None`: its line is not up.
    pub(super) fn calls(&self, who: RecorderId, name: &str, letter: char) -> Option<(Vec<BoardLine>, u64)> {
        let here = self.held();
        here.satellites.get(&who).map(|known| (known.shown(who, name, letter), known.count))
    }

    /// Finds the satellite that records this now.
    pub(super) fn recorder_of(&self, id: RecordingId) -> Option<RecorderId> {
        let id = id.to_string();
        let here = self.held();
        here.satellites.iter().find_map(|(who, known)| known.records(&id).then_some(*who))
    }

    fn held(&self) -> MutexGuard<'_, Here> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
