//! What a satellite says of itself, read as the word of a stranger: what is not there is nothing, what is too long is cut.

use serde::Deserialize;
use shared::{UtcMicros, Zone};
use vault::Severity;

/// Longest texts that are shown, in characters.
const NAME_MAX: usize = 100;
const FAULT_MAX: usize = 600;
/// Taps that are shown.
const TAPS_MAX: usize = 64;
/// What stands there and is told here.
const STANDS_MAX: usize = 32;

/// The status as the satellite writes it (`crate::satellite::home`).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    version: String,
    calls: u64,
    parts: u64,
    bytes: u64,
    oldest_us: Option<i64>,
    free_bytes: Option<u64>,
    total_bytes: Option<u64>,
    /// The version of the settings that it follows.
    pub(super) configuration: u64,
    /// Settings that it was sent and does not follow.
    pub(super) refused: Option<Refused>,
    clock_offset_us: i64,
    last_day_key: Option<String>,
    alarms: u64,
    taps: Vec<Tap>,
    stands: Vec<Stands>,
}

/// Settings that are not followed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refused {
    /// Their version.
    pub(super) version: u64,
    /// Why.
    pub(super) why: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tap {
    name: String,
    interface: String,
    open: bool,
    packets: u64,
    kernel_drops: u64,
    canary: Option<Canary>,
}

/// The last canary of a tap.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Canary {
    at_us: i64,
    failed: Option<String>,
}

/// Something that stands there.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Stands {
    key: String,
    severity: u8,
    why: String,
}

/// Something that stands at a satellite: under which key, how much it matters, and why.
pub(super) type Standing = (String, Severity, String);

impl Said {
    /// Reads a status; `None`: it never said anything, or nothing that can be read.
    pub(super) fn read(status: &str) -> Option<Self> {
        let mut said: Self = serde_json::from_str(status).ok()?;
        if said.version.is_empty() {
            return None;
        }
        if let Some(refused) = &mut said.refused {
            refused.why = brief(&refused.why, FAULT_MAX);
        }
        Some(said)
    }

    /// What stands there and is told here, too.
    pub(super) fn stands(self) -> Vec<Standing> {
        let one = |of: Stands| {
            let severity = Severity::from_number(of.severity).unwrap_or(Severity::Warning);
            (brief(&of.key, NAME_MAX), severity, brief(&of.why, FAULT_MAX))
        };
        self.stands.into_iter().take(STANDS_MAX).map(one).filter(|(key, ..)| !key.is_empty()).collect()
    }

    /// Writes it for the console.
    pub(super) fn shown(self, zone: &Zone) -> api::SatelliteStatus {
        let tap = |tap: Tap| api::SatelliteTap {
            name: brief(&tap.name, NAME_MAX),
            interface: brief(&tap.interface, NAME_MAX),
            open: tap.open,
            packets: tap.packets,
            kernel_drops: tap.kernel_drops,
            canary: tap.canary.map(|canary| api::Canary {
                at: zone.rfc3339(UtcMicros(canary.at_us)),
                failed: canary.failed.map(|why| brief(&why, FAULT_MAX)),
            }),
        };
        api::SatelliteStatus {
            version: brief(&self.version, NAME_MAX),
            calls: self.calls,
            waiting_parts: self.parts,
            waiting_bytes: self.bytes,
            oldest_at: self.oldest_us.map(|us| zone.rfc3339(UtcMicros(us))),
            free_bytes: self.free_bytes,
            total_bytes: self.total_bytes,
            clock_offset_ms: self.clock_offset_us / 1_000,
            alarms: self.alarms,
            last_day_key: self.last_day_key.map(|day| brief(&day, NAME_MAX)),
            taps: self.taps.into_iter().take(TAPS_MAX).map(tap).collect(),
        }
    }
}

/// Cuts a stranger's text to what may stand on a screen.
pub(super) fn brief(text: &str, max: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(max).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_status_is_read_as_the_word_of_a_stranger() {
        let zone = Zone::named("Africa/Johannesburg").unwrap();
        assert!(Said::read("{}").is_none(), "it never said anything");
        assert!(Said::read("[1").is_none());
        assert!(Said::read("{\"version\":\"1\",\"taps\":7}").is_none());
        let long = "x".repeat(5_000);
        let taps = format!("[{}]", vec![format!("{{\"name\":\"{long}\\u0007\"}}"); 100].join(","));
        let text =
            format!("{{\"version\":\"0.1.0\",\"oldest_us\":{},\"unknown\":[1],\"taps\":{taps}}}", i64::MAX);
        let shown = Said::read(&text).unwrap().shown(&zone);
        assert_eq!((shown.version.as_str(), shown.taps.len()), ("0.1.0", TAPS_MAX));
        assert!(shown.taps.iter().all(|tap| tap.name.len() == NAME_MAX));
    }
}
