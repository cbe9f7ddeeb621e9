//! What the engine is told at its start.

use shared::{Side, TapId, UtcMicros, Zone};

use crate::cmd::CallInfo;
use crate::segment::rules::{Decision, Rules};
use crate::sip::SdesKey;

/// One place where we listen; its number is its place in [`EngineConfig::taps`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TapConfig {
    /// The name people gave it.
    pub name: String,
    /// On which side of the exchange it sits.
    pub side: Side,
    /// Records whatever the rules say: the tap of the test call, which no rule of the site may hide.
    pub every_call: bool,
}

/// How much of everything the engine keeps at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EngineLimits {
    /// Segments open at once; what comes beyond is signalled and closed as *not recorded(limit)*.
    pub segments: usize,
    /// Flows (address and port pairs) known at once.
    pub flows: usize,
    /// Flows that may wait as candidates for orphans.
    pub candidates: usize,
    /// Octets of early packets, over all candidates.
    pub preroll_bytes: usize,
    /// Octets of signalling kept over all calls: addresses, names, session descriptions.
    pub signalling_bytes: usize,
    /// Commands that may wait for `poll_cmd` before new segments are refused.
    pub commands: usize,
}

impl Default for EngineLimits {
    fn default() -> Self {
        Self {
            segments: 20_000,
            flows: 200_000,
            candidates: 4_096,
            preroll_bytes: 24 << 20,
            signalling_bytes: 256 << 20,
            commands: 1 << 20,
        }
    }
}

/// Settings of an engine.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The taps, by number. Packets of a tap that is not listed count as trunk side.
    ///
    /// All taps of one engine look into one network: signalling on one and media on another make one call. Networks whose
    /// addresses overlap must not meet, neither in flows nor in fragments, connections and Call-IDs: give each its engine.
    pub taps: Vec<TapConfig>,
    /// Numbers of the site's own extensions: digits, `*` for one character; they decide the direction of a call.
    pub internal_numbers: Vec<String>,
    /// Which calls are recorded.
    pub rules: Rules,
    /// The site's time zone, in which rules speak of hours and days.
    pub zone: Zone,
    /// Whether RTP that no signalling announced is recorded.
    pub record_orphans: bool,
    /// Digits that are dialled become events without their digit, whichever way they are signalled, and what was sent for
    /// them in place of sound becomes a gap of cause *paused*. Tones that are heard in the sound are not touched.
    pub mask_digits: bool,
    /// How long unannounced RTP waits for its signalling before it becomes a segment of its own; at most 10 s.
    pub preroll_ms: u32,
    /// How long after its end a call still owns its media.
    pub linger_ms: u32,
    /// How long media may be absent, without hold, before a segment ends.
    pub idle_ms: u32,
    /// SRTP keys tried on encrypted media that no signalling announced.
    pub orphan_keys: Vec<SdesKey>,
    /// How much of everything.
    pub limits: EngineLimits,
    /// Seeds the hash tables, so that a stranger cannot aim at one bucket. Same seed or not: same output.
    pub seed: u64,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            taps: Vec::new(),
            internal_numbers: Vec::new(),
            rules: Rules::default(),
            zone: Zone::named("UTC").expect("UTC is in every tz database"),
            record_orphans: true,
            mask_digits: false,
            preroll_ms: 2_000,
            linger_ms: 500,
            idle_ms: 60_000,
            orphan_keys: Vec::new(),
            limits: EngineLimits::default(),
            seed: 0x9e37_79b9_7f4a_7c15,
        }
    }
}

impl EngineConfig {
    /// Returns the side of a tap.
    pub(super) fn side(&self, tap: TapId) -> Side {
        self.taps.get(usize::from(tap.tap().0)).map_or(Side::Trunk, |t| t.side)
    }

    /// Decides whether a call that began at `at` is recorded.
    pub(super) fn decide(&self, info: &CallInfo, at: UtcMicros) -> Decision {
        let every_call = self.taps.get(usize::from(info.tap.0)).is_some_and(|tap| tap.every_call);
        // What proves that calls are recorded is hidden by no rule.
        if every_call || info.tap.is_canary() {
            return Decision {
                record: true,
                rule: None,
                why: "every call of this tap is recorded".to_owned(),
            };
        }
        self.rules.decide_call(info, at, &self.zone)
    }

    /// Tells whether a number is one of the site's own extensions.
    pub(super) fn is_internal(&self, number: &str) -> bool {
        !number.is_empty() && self.internal_numbers.iter().any(|pattern| fits(pattern, number))
    }
}

/// `*` is exactly one character; lengths must match.
fn fits(pattern: &str, number: &str) -> bool {
    let same = |(p, n): (char, char)| p == '*' || p == n;
    pattern.chars().count() == number.chars().count() && pattern.chars().zip(number.chars()).all(same)
}
