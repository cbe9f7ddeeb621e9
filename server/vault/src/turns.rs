//! Turns: of several that want to do the same thing for the same name, one does it and the others wait, then find it done.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::vault::held;

/// Who is at work on which name.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    busy: Mutex<BTreeSet<String>>,
    free: Condvar,
}

/// A turn; it ends when this goes.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    turns: &'a Turns,
    name: &'a str,
}

impl Turns {
    /// Waits until nobody is at work on `name`, and takes the turn.
    pub(crate) fn take<'a>(&'a self, name: &'a str) -> Turn<'a> {
        let mut busy = held(&self.busy);
        while busy.contains(name) {
            busy = self.free.wait(busy).unwrap_or_else(PoisonError::into_inner);
        }
        busy.insert(name.to_owned());
        Turn { turns: self, name }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        held(&self.turns.busy).remove(self.name);
        self.turns.free.notify_all();
    }
}
