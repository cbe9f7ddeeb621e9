//! `[health]` in `amethyst.toml`.

use serde::Deserialize;

/// When people are told that something about recording is not as it always is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Health {
    /// On a satellite: seconds without the central after which this is told by its own ways; 0: never.
    pub(crate) central_silent_seconds: u32,
}

impl Default for Health {
    fn default() -> Self {
        Self { central_silent_seconds: 300 }
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
        Ok(())
    }
}
