//! Which satellites are on the line at this moment, in memory: after a start nobody is until they come.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use shared::RecorderId;

/// Who is here.
#[derive(Debug, Default)]
pub(crate) struct Present {
    here: Mutex<BTreeSet<RecorderId>>,
}

impl Present {
    /// A satellite was heard.
    pub(super) fn came(&self, who: RecorderId) {
        self.held().insert(who);
    }

    /// Its connection ended.
    pub(super) fn left(&self, who: RecorderId) {
        self.held().remove(&who);
    }

    /// Tells whether its line is up.
    pub(super) fn is_here(&self, who: RecorderId) -> bool {
        self.held().contains(&who)
    }

    fn held(&self) -> MutexGuard<'_, BTreeSet<RecorderId>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
