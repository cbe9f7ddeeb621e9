//! What goes on at this moment: the board of channels, and the words around live sound.

use serde::{Deserialize, Serialize};

use crate::{Party, SideWord};

/// What a channel does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum LineState {
    /// Signalled, not answered.
    Ringing,
    /// Being recorded.
    Recording,
    /// Paused or masked.
    Paused,
    /// Something is wrong: `fault` says what.
    Fault,
    /// Nothing.
    Idle,
}

/// One call on the board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Line {
    /// The recording that grows, if there is one.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub recording_id: Option<String>,
    /// The reference shown to people.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub reference: Option<String>,
    /// The satellite that records it; none: this server.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub satellite: Option<String>,
    /// The tap's name.
    pub tap: String,
    /// Which side of the exchange.
    pub side: SideWord,
    /// What it does.
    pub state: LineState,
    /// When it began.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub started_at: Option<String>,
    /// For how many seconds it has been going on.
    pub seconds: u64,
    /// Who called.
    pub caller: Party,
    /// Who was called.
    pub called: Party,
    /// `in`, `out`, `internal` or `unknown`.
    pub direction: String,
    /// Names of the codecs.
    pub codecs: Vec<String>,
    /// Level of near and far party in dB below full scale; none while nothing is heard.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub level_dbfs: Option<[f32; 2]>,
    /// True when it can be listened to.
    pub listenable: bool,
    /// What is wrong, if something is.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub fault: Option<String>,
}

/// What a tap does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TapState {
    /// Packets arrive.
    Up,
    /// The interface is down or gone.
    Down,
    /// Up, and silent.
    Idle,
}

/// How the last canary of a tap went: a call of two seconds that its recorder places itself, to show that calls are recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Canary {
    /// When it began.
    pub at: String,
    /// What was wrong, or what it waited for when it was late; none: it was recorded whole.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub failed: Option<String>,
}

/// One tap on the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TapLine {
    /// Its name.
    pub name: String,
    /// The interface that it listens on.
    pub interface: String,
    /// What it does.
    pub state: TapState,
    /// Packets in the last second.
    pub packets_per_s: u64,
    /// Packets that the kernel dropped since the start.
    pub kernel_drops: u64,
    /// Its last canary; none before the first one, and where none is placed.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub canary: Option<Canary>,
}

/// A satellite on the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SatelliteLine {
    /// Its name.
    pub name: String,
    /// Whether its line is up. If not, its calls are not seen here, whether it records them or not.
    pub connected: bool,
    /// When it was last heard, if its line is not up; none when it never came.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub seen_at: Option<String>,
    /// Calls that it has beyond those on the board, because there are too many of them to be told one by one.
    pub more: u64,
}

/// The whole board: the data of each event `board`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Board {
    /// The calls that the listener may know of.
    pub lines: Vec<Line>,
    /// The taps of this server that the listener may know of.
    pub taps: Vec<TapLine>,
    /// The satellites.
    #[serde(default)]
    pub satellites: Vec<SatelliteLine>,
}

/// The first text message of live sound: what the binary messages of 20 ms each hold (PCM16, little endian, interleaved).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AudioHead {
    /// Samples a second.
    pub rate_hz: u32,
    /// 2: near left, far right.
    pub channels: u8,
    /// Position of the first sample in the recording.
    pub at_ms: u64,
}

/// A text message of live sound between others: audio is missing. Silence of its length is heard in its place, except where
/// it was skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AudioLoss {
    /// Position in the recording.
    pub at_ms: u64,
    /// How much.
    pub lost_ms: u64,
    /// Why: as in a time line, or `skipped` because the listener was slow.
    pub cause: String,
}

/// The last text message of live sound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AudioEnd {
    /// Why it ended: `call-ended`, `no-sound`, `not-playable`, `signed-out`, `too-slow`.
    pub end: String,
}
