//! The account by day, kept while the process runs and carried over from file to file.

use std::collections::BTreeMap;

use shared::{Day, LedgerEnd, LedgerTotals};

/// So many days are carried; an older day is asked of the catalogue.
const DAYS_KEPT: usize = 40;

/// Totals by day. `open` is not kept here: it is counted from the open entries.
#[derive(Debug, Default, Clone)]
pub(crate) struct Totals(BTreeMap<Day, LedgerTotals>);

impl Totals {
    pub(crate) fn set(&mut self, day: Day, totals: LedgerTotals) {
        self.0.insert(day, totals);
    }

    pub(crate) fn opened(&mut self, day: Day) {
        let totals = self.0.entry(day).or_default();
        totals.signalled = totals.signalled.saturating_add(1);
        while self.0.len() > DAYS_KEPT {
            self.0.pop_first();
        }
    }

    pub(crate) fn ended(&mut self, day: Day, end: LedgerEnd) {
        let Some(totals) = self.0.get_mut(&day) else { return };
        let slot = match end {
            LedgerEnd::Recorded => &mut totals.recorded,
            LedgerEnd::Partly(_) => &mut totals.partly,
            LedgerEnd::NotRecorded(_) => &mut totals.not_recorded,
        };
        *slot = slot.saturating_add(1);
    }

    pub(crate) fn of(&self, day: Day, open: u64) -> LedgerTotals {
        LedgerTotals { open, ..self.0.get(&day).copied().unwrap_or_default() }
    }

    pub(crate) fn days(&self) -> impl Iterator<Item = (Day, LedgerTotals)> {
        self.0.iter().map(|(day, totals)| (*day, *totals))
    }
}
