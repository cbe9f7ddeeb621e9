//! Satellites: recorders elsewhere that send what they seal, as administrators see and govern them.

use serde::{Deserialize, Serialize};

/// How a satellite stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SatelliteState {
    /// Its line is up.
    Connected,
    /// It was here, and is not heard now: it may be recording and cut off, or not recording at all.
    Silent,
    /// It was enrolled and never came.
    Never,
    /// It is not let in any more.
    Revoked,
}

/// Whether a satellite follows the settings that stand here for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SettingsState {
    /// It follows just these.
    Followed,
    /// It has not said so yet.
    Waiting,
    /// They make no sense and are not sent: `why` says what is wrong.
    Faulty,
    /// It was sent them and does not follow them: `why` is its own word.
    Refused,
}

/// A tap of a satellite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SatelliteTap {
    /// Its name.
    pub name: String,
    /// The interface that it listens on.
    pub interface: String,
    /// Whether it is read.
    pub open: bool,
    /// Packets since the satellite's program started.
    pub packets: u64,
    /// Packets that its kernel dropped since then.
    pub kernel_drops: u64,
    /// Its last canary, as the satellite judged it; none before the first one, and where none is placed.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub canary: Option<crate::Canary>,
}

/// What a satellite said of itself when it was last heard. It is not verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SatelliteStatus {
    /// The version of its program.
    pub version: String,
    /// Calls that it is recording.
    pub calls: u64,
    /// Parts that wait there.
    pub waiting_parts: u64,
    /// Their bytes.
    pub waiting_bytes: u64,
    /// When the oldest of them began.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub oldest_at: Option<String>,
    /// Free bytes on its disk.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub free_bytes: Option<u64>,
    /// The size of its disk.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub total_bytes: Option<u64>,
    /// By how much its clock is behind the central's, negative when it is ahead.
    pub clock_offset_ms: i64,
    /// Alarms since its program started.
    pub alarms: u64,
    /// The last day for which it has a key, `2026-12-24`.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub last_day_key: Option<String>,
    /// Its taps.
    pub taps: Vec<SatelliteTap>,
}

/// One satellite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Satellite {
    /// The recorder's identity.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// References of its recordings begin with it.
    pub letter: String,
    /// How it stands.
    pub state: SatelliteState,
    /// When it was enrolled.
    pub enrolled_at: String,
    /// When it was last heard.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub last_seen_at: Option<String>,
    /// The end of its certificate, which it renews by itself a month before.
    pub certificate_until: String,
    /// When it was revoked.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub revoked_at: Option<String>,
    /// Who revoked it.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub revoked_by: Option<String>,
    /// What it said of itself; none when it never came.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub status: Option<SatelliteStatus>,
    /// Whether it follows its settings.
    pub settings: SettingsState,
    /// When the settings that stand here were changed; that is their version.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub settings_changed_at: Option<String>,
    /// The version that the satellite follows.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub settings_followed_at: Option<String>,
    /// What is wrong with the settings, if something is.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub settings_why: Option<String>,
}

/// A code that waits for its machine. The code itself is kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SatelliteInvitation {
    /// Which.
    pub id: String,
    /// The name that the satellite will have.
    pub name: String,
    /// Who made it.
    pub by: String,
    /// It works until then.
    pub until: String,
    /// Wrong codes that came while it was open; the fifth closes it.
    pub wrong: u32,
}

/// All satellites, and the codes that wait.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Satellites {
    /// The satellites by letter, those that were revoked included.
    pub satellites: Vec<Satellite>,
    /// The codes.
    pub invitations: Vec<SatelliteInvitation>,
}

/// A name for a satellite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SatelliteName {
    /// What people will call it, 1 to 60 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 60))]
    pub name: String,
}

/// A new code. It is shown once: nobody can ask for it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SatelliteCode {
    /// Which invitation.
    pub id: String,
    /// The code for people, `ABCD-EFGH`.
    pub code: String,
    /// It works until then, once.
    pub until: String,
}

/// The settings of a satellite, in the words of `amethyst.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SatelliteSettings {
    /// Which version this is, for `If-Match`.
    pub version: String,
    /// The text.
    pub text: String,
}

/// Other settings for a satellite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeSatelliteSettings {
    /// The whole text, at most 64 KiB.
    #[cfg_attr(feature = "openapi", schema(max_length = 65_536))]
    pub text: String,
}

/// Why a satellite is revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RevokeSatellite {
    /// Its name, typed by whoever revokes it: letters are easily mistaken.
    #[cfg_attr(feature = "openapi", schema(max_length = 200))]
    pub name: String,
    /// Why; it stands in the audit log.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 1_000))]
    pub reason: String,
}
