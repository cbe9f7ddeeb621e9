//! Settings that the console changes, and the first steps of a new site.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SiteSettings {
    /// What people call it.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub name: String,
    /// Patterns of the site's own numbers (`*` is exactly one character); they tell incoming from outgoing.
    pub internal_numbers: Vec<String>,
}

/// How calls become recordings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecordingSettings {
    /// Seconds kept in memory before a late start event, 0 to 10.
    pub preroll_seconds: u32,
    /// Seconds without RTP after which a call without an end is closed, at least 5.
    pub idle_seconds: u32,
    /// Record RTP that no signalling announced.
    pub orphans: bool,
    /// Calls followed at the same time.
    pub calls_max: u32,
    /// Audio that may wait in memory for a slow disk, in MiB.
    pub queue_mib: u32,
    /// Leave keyed digits out: their time becomes a pause and their events carry no digit.
    pub mask_digits: bool,
}

/// Which calls become recordings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RuleSettings {
    /// Extensions to record; empty means all. `3115`, `3111-3118` or `3***`.
    pub include: Vec<String>,
    /// Extensions not to record.
    pub exclude: Vec<String>,
}

/// A side of the exchange.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SideWord {
    /// Lines into the exchange.
    #[default]
    Trunk,
    /// Extensions behind it.
    Extension,
}

/// One tap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TapSettings {
    /// What people call it.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub name: String,
    /// The interface that it listens on.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub interface: String,
    /// Which side of the exchange it sees.
    pub side: SideWord,
}

/// Minutes without a request after which a session ends, by role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IdleMinutes {
    /// Administrators.
    pub administrator: u32,
    /// Supervisors.
    pub supervisor: u32,
    /// Auditors.
    pub auditor: u32,
    /// Agents.
    pub agent: u32,
}

impl Default for IdleMinutes {
    fn default() -> Self {
        Self { administrator: 15, supervisor: 60, auditor: 60, agent: 60 }
    }
}

/// Who must have an authenticator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TotpRule {
    /// Administrators must; others may.
    #[default]
    Required,
    /// Everybody may.
    Optional,
}

/// The console's door.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebSettings {
    /// When an unused session ends.
    pub idle_minutes: IdleMinutes,
    /// Who must have an authenticator.
    #[serde(default)]
    pub totp: TotpRule,
}

/// All that the console changes. What else stands in `amethyst.toml` is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Settings {
    /// The site.
    pub site: SiteSettings,
    /// How calls become recordings.
    pub recording: RecordingSettings,
    /// Which calls become recordings.
    pub rules: RuleSettings,
    /// Where we listen.
    pub taps: Vec<TapSettings>,
    /// The console's door.
    pub web: WebSettings,
    /// Groups of extensions for scopes, by name.
    pub groups: BTreeMap<String, Vec<String>>,
}

/// The settings and their version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SettingsAnswer {
    /// Goes into the header `If-Match` of a change.
    pub version: String,
    /// The settings.
    pub settings: Settings,
}

/// The version of the settings after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Version {
    /// Goes into the header `If-Match` of the next change.
    pub version: String,
}

/// One network interface of the recorder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InterfaceInfo {
    /// Its name.
    pub name: String,
    /// True when its link is up.
    pub up: bool,
    /// Its address, if it has one.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub address: Option<String>,
    /// Packets that it received since the machine started.
    pub packets_seen: u64,
}

/// The network interfaces of the recorder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Interfaces {
    /// The interfaces.
    pub interfaces: Vec<InterfaceInfo>,
}

/// What the built-in test call became.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TestCall {
    /// Its recording, once it is known.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub recording_id: Option<String>,
}

/// The steps of a new site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetupSteps {
    /// An administrator has signed in: always true for who can read this.
    pub signed_in: bool,
    /// There is a tap.
    pub source: bool,
    /// A test call was recorded.
    pub test_call: bool,
}

/// How far a new site is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Setup {
    /// True when nothing is left to do.
    pub done: bool,
    /// The steps.
    pub steps: SetupSteps,
}
