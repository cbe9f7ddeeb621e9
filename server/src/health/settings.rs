//! `[health]` in `amethyst.toml`.

use serde::Deserialize;
use shared::Day;

use super::quiet::QuietDay;

/// When people are told that something about recording is not as it always is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Health {
    /// On a satellite: seconds without the central after which this is told by its own ways; 0: never.
    pub(crate) central_silent_seconds: u32,
    /// Minutes without a call on a tap that are told while its week is not known yet; 0: never. A tap may have its own.
    pub(crate) quiet_minutes: u32,
    /// Days on which it is no news that no calls come, and that are not learnt from.
    pub(crate) quiet_days: Vec<String>,
    /// A side of a call that is silent for so many seconds while the other speaks makes it one-way; 0: no call is marked.
    pub(crate) one_way_seconds: u32,
    /// So many marked calls of the last twenty of a tap are told; 0: never.
    pub(crate) one_way_calls: u32,
    /// Minutes between two canaries of a tap; 0: none is placed.
    pub(crate) canary_min: u32,
    /// Groups of extensions that are watched like taps.
    pub(crate) groups: Vec<String>,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            central_silent_seconds: 300,
            quiet_minutes: 1_440,
            quiet_days: Vec::new(),
            one_way_seconds: 20,
            one_way_calls: 5,
            canary_min: 15,
            groups: Vec::new(),
        }
    }
}

impl Health {
    /// Judges what stands in the file.
    ///
    /// # Errors
    /// What is wrong, and what to write.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !matches!(self.central_silent_seconds, 0 | 15..=604_800) {
            return Err("health.central_silent_seconds must be 15 to 604800, or 0 for never: the central answers every ten seconds"
                .to_owned());
        }
        if !matches!(self.one_way_seconds, 0 | 5..=3_600) {
            return Err("health.one_way_seconds must be 5 to 3600, or 0 to mark no call".to_owned());
        }
        if self.one_way_calls > 20 {
            return Err(
                "health.one_way_calls is over 20: it is counted of the last twenty; give 0 to 20".to_owned()
            );
        }
        if self.canary_min > 1_440 {
            return Err("health.canary_min must be 1 to 1440, or 0 to place no canary".to_owned());
        }
        self.quiet_days.iter().try_for_each(|text| QuietDay::parse(text).map(drop))
    }

    /// True on a day of `quiet_days`.
    pub(crate) fn is_quiet_day(&self, day: Day) -> bool {
        // They were checked when they were read.
        self.quiet_days.iter().filter_map(|text| QuietDay::parse(text).ok()).any(|quiet| quiet.is(day))
    }
}
