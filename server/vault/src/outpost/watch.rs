//! What stands in the spool of a satellite, and what of it has changed since somebody last asked.
//!
//! News is kept by file, not by event: however long nobody asks, it takes no more room than the files themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, PoisonError, RwLock};

use shared::UtcMicros;

use crate::journal::file_name;
use crate::log::now;
use crate::vault::held;
use crate::{Digests, What};

/// A file in the spool of a satellite.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutFile {
    /// Which.
    pub what: What,
    /// Its name in the spool. Empty: nothing stands here although the ledger says that there was something; the central may hold
    /// its beginning.
    pub name: String,
    /// Bytes that stand in it; of the ledger, bytes that survive a power cut.
    pub bytes: u64,
    /// Its digests, once it is whole and durable.
    pub sealed: Option<Digests>,
    /// A crash cut it: it waits for what the central holds of it.
    pub unfinished: bool,
    /// When it began; of files that an earlier run left, as far as their headers say.
    pub opened_at: UtcMicros,
}

/// What has changed about one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum News {
    /// This is how it stands now.
    Stands(OutFile),
    /// It is there no more: withdrawn, discarded by a rule, or let go.
    Gone(What),
}

type Wake = Box<dyn Fn() + Send + Sync>;

/// The files, and who is told.
#[derive(Default)]
pub(crate) struct Watch {
    state: Mutex<State>,
    wake: RwLock<Option<Wake>>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<What, OutFile>,
    changed: BTreeSet<What>,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch(..)")
    }
}

impl Watch {
    /// A part is created; nothing stands in it.
    pub(crate) fn begun(&self, what: What, name: &str) {
        let name = name.to_owned();
        let file = OutFile { what, name, bytes: 0, sealed: None, unfinished: false, opened_at: now() };
        held(&self.state).files.insert(what, file);
    }

    /// So many bytes stand in a part.
    pub(crate) fn grew(&self, what: What, bytes: u64) {
        self.change(what, |file| file.bytes = bytes);
    }

    /// A part is whole, and that is durable.
    pub(crate) fn sealed(&self, what: What, bytes: u64, digests: Digests) {
        self.change(what, |file| (file.bytes, file.sealed, file.unfinished) = (bytes, Some(digests), false));
    }

    /// So many bytes of a file of the ledger are durable.
    pub(crate) fn ledger(&self, (number, bytes): (u32, u64)) {
        let what = What::Ledger(number);
        let mut state = held(&self.state);
        state.files.entry(what).or_insert_with(|| {
            let name = file_name(number);
            OutFile { what, name, bytes: 0, sealed: None, unfinished: false, opened_at: now() }
        });
        drop(state);
        self.grew(what, bytes);
    }

    /// What start-up found, or what was made of it.
    pub(crate) fn put(&self, file: OutFile) {
        let what = file.what;
        held(&self.state).files.insert(what, file);
        self.change(what, |_as_it_is| ());
    }

    /// It is there no more.
    pub(crate) fn gone(&self, what: What) {
        let mut state = held(&self.state);
        let told = state.files.remove(&what).is_some() && state.changed.insert(what);
        drop(state);
        if told {
            self.wake();
        }
    }

    pub(crate) fn file(&self, what: What) -> Option<OutFile> {
        held(&self.state).files.get(&what).cloned()
    }

    pub(crate) fn files(&self) -> Vec<OutFile> {
        held(&self.state).files.values().cloned().collect()
    }

    /// Does something with each file, under the lock.
    pub(crate) fn each(&self, each: impl FnMut(&OutFile)) {
        held(&self.state).files.values().for_each(each);
    }

    pub(crate) fn news(&self) -> Vec<News> {
        let mut state = held(&self.state);
        let changed = std::mem::take(&mut state.changed);
        let news = |what| state.files.get(&what).cloned().map_or(News::Gone(what), News::Stands);
        changed.into_iter().map(news).collect()
    }

    pub(crate) fn wake_with(&self, wake: Wake) {
        *self.wake.write().unwrap_or_else(PoisonError::into_inner) = Some(wake);
        if !held(&self.state).changed.is_empty() {
            self.wake();
        }
    }

    fn change(&self, what: What, change: impl FnOnce(&mut OutFile)) {
        let mut state = held(&self.state);
        let Some(file) = state.files.get_mut(&what) else { return };
        change(file);
        let is_first = state.changed.is_empty();
        state.changed.insert(what);
        drop(state);
        if is_first {
            self.wake();
        }
    }

    fn wake(&self) {
        if let Some(wake) = &*self.wake.read().unwrap_or_else(PoisonError::into_inner) {
            wake();
        }
    }
}
