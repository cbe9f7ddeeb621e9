//! The keys of a satellite: the days' public halves, and its own signing key. There is nothing here that opens a recording.

use std::sync::{Mutex, MutexGuard, PoisonError};

use recorder::{Dice, KeySource, RecorderError};
use seal::{DayKeyList, RecipientKey, SigningKey};
use shared::Day;

use crate::site::Identity;
use crate::{terminal, world};

/// To whom this satellite seals, and with what it signs.
#[allow(missing_debug_implementations, reason = "it holds a private key")]
pub(crate) struct SatelliteKeys {
    pub(crate) recorder: Identity,
    days: Mutex<Days>,
}

struct Days {
    list: DayKeyList,
    /// The day for which people were told that there is no key.
    told: Option<Day>,
}

impl SatelliteKeys {
    pub(crate) fn new(recorder: Identity, list: DayKeyList) -> Self {
        Self { recorder, days: Mutex::new(Days { list, told: None }) }
    }

    /// True if a list says something that is not known yet.
    pub(crate) fn is_news(&self, list: &DayKeyList) -> bool {
        let days = self.held();
        list.generation > days.list.generation
            || (list.generation == days.list.generation && list.created > days.list.created)
    }

    /// Seals to these keys from now on.
    pub(crate) fn follow(&self, list: DayKeyList) {
        self.held().list = list;
    }

    /// Returns the last day that has a key.
    pub(crate) fn last_day(&self) -> Option<Day> {
        self.held().list.keys.iter().map(|k| k.day).max()
    }

    fn held(&self) -> MutexGuard<'_, Days> {
        self.days.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeySource for SatelliteKeys {
    fn recipient(&self, day: Day) -> Result<RecipientKey, RecorderError> {
        let mut days = self.held();
        let (key, has_run_out) = days
            .list
            .for_day(day)
            .map(|(found, has_run_out)| (found.key.clone(), has_run_out))
            .ok_or(RecorderError::NoDayKey(day))?;
        if has_run_out && days.told != Some(day) {
            days.told = Some(day);
            terminal::say(&format!(
                "ALARM {} there is no key for {day}: recording goes on under the newest one. The central was not reached for a \
                 month, or this clock is wrong",
                world::now().utc
            ));
        }
        Ok(key)
    }

    fn signer(&self) -> &SigningKey {
        &self.recorder.key
    }

    fn dice(&self) -> Dice {
        Box::new(world::dice())
    }
}
