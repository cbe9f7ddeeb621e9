//! One recording: its row, its particulars, its sound, and what people wrote on it.

use serde::{Deserialize, Serialize};

/// One party of a call. Empty when nothing told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Party {
    /// The number.
    pub number: String,
    /// The name.
    pub name: String,
    /// The site's extension, if the party is one.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub extension: Option<String>,
}

/// What the seal says of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Integrity {
    /// Closed and signed by the recorder.
    Sealed,
    /// Closed by recovery after a crash; what was written is whole.
    Recovered,
    /// Something inside is damaged.
    Damaged,
}

/// A recording in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Row {
    /// Identity.
    pub id: String,
    /// The reference shown to people, `A261122-000002`.
    pub reference: String,
    /// The reference that another system gave.
    pub external_reference: String,
    /// Start, RFC 3339 in the site's zone.
    pub started_at: String,
    /// Start, microseconds since 1970 in UTC.
    pub started_at_us: i64,
    /// Length.
    pub duration_ms: u64,
    /// `in`, `out`, `internal` or `unknown`.
    pub direction: String,
    /// `voip`, `isdn`, `analogue`, `digital` or `radio`.
    pub method: String,
    /// `trunk` or `extension`.
    pub side: String,
    /// The tap's name.
    pub tap: String,
    /// Who called.
    pub caller: Party,
    /// Who was called.
    pub called: Party,
    /// Anybody else.
    pub others: Vec<Party>,
    /// How the ledger entry ended: `recorded` or `partly(..)`.
    pub end: String,
    /// Why the recording ended, as a word: `bye`, `rtp-idle` and so on.
    pub end_reason: String,
    /// True when no signalling announced it.
    pub orphan: bool,
    /// True when samples are missing for another reason than that their sender was silent.
    pub has_gap: bool,
    /// How much is missing on the worst leg.
    pub gap_ms: u64,
    /// `both`; `one-way`: one side sent nothing for long while the other did; `silent`: nothing but digital silence came.
    pub heard: String,
    /// True while a legal hold keeps it.
    pub held: bool,
    /// Tags.
    pub tags: Vec<String>,
    /// Subject.
    pub subject: String,
    /// Comment.
    pub comment: String,
    /// Names of the codecs.
    pub codecs: Vec<String>,
    /// True when this server can make sound of it.
    pub playable: bool,
    /// What the seal says.
    pub integrity: Integrity,
}

/// One track of a recording with its account of samples.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Leg {
    /// Number of the track.
    pub track: u8,
    /// Number of the leg.
    pub leg: u8,
    /// `near`, `far`, `joint`, `radio` or `unknown`.
    pub role: String,
    /// The codec's name.
    pub codec: String,
    /// Ticks a second.
    pub clock_hz: u32,
    /// Samples present.
    pub samples: u64,
    /// Samples missing, by cause.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub gaps: std::collections::BTreeMap<String, u64>,
}

/// One sealed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Part {
    /// Number of the part, from 0.
    pub part: u16,
    /// Start.
    pub started_at: String,
    /// Length of the file.
    pub bytes: u64,
    /// SHA-256 of everything before the trailer, in hexadecimal.
    pub sha256: String,
    /// BLAKE3 of the same.
    pub blake3: String,
    /// True when recovery closed it.
    pub recovered: bool,
    /// True when something inside is damaged.
    pub damaged: bool,
    /// The key that signed it, in hexadecimal.
    pub signing_key_id: String,
}

/// What happened during a recording besides audio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Event {
    /// Position.
    pub at_ms: i64,
    /// What, as a word: `digit`, `held` and so on.
    pub kind: String,
    /// Particulars by name.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub members: std::collections::BTreeMap<String, String>,
}

/// A note, on the whole recording or at one place (then also called a bookmark).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Note {
    /// Identity.
    pub id: String,
    /// The place.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub at_ms: Option<u64>,
    /// The text.
    pub text: String,
    /// Who wrote it.
    pub author: String,
    /// When.
    pub written_at: String,
    /// True when it was changed since.
    pub edited: bool,
}

/// A legal hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hold {
    /// Why.
    pub reason: String,
    /// Who took it.
    pub by: String,
    /// When.
    pub at: String,
    /// The day to look at it again.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub review: Option<String>,
}

/// Another recording of the same call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Linked {
    /// Identity.
    pub id: String,
    /// The reference shown to people.
    pub reference: String,
}

/// A recording with all that is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Detail {
    /// What the list shows.
    #[serde(flatten)]
    pub row: Row,
    /// Its number in the ledger.
    pub ledger_no: u64,
    /// Keys that tie it to others of the same call.
    pub call_ids: Vec<String>,
    /// Its tracks.
    pub legs: Vec<Leg>,
    /// Its sealed files.
    pub parts: Vec<Part>,
    /// What happened.
    pub events: Vec<Event>,
    /// Notes, in the order of their places.
    pub notes: Vec<Note>,
    /// The legal hold, if one keeps it.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub hold: Option<Hold>,
    /// Other recordings of the same call that the reader may know of.
    pub linked: Vec<Linked>,
}

/// A stretch without audio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Gap {
    /// First millisecond.
    pub from_ms: u64,
    /// First millisecond after it.
    pub to_ms: u64,
    /// Why: `lost-in-network`, `lost-by-recorder`, `paused`, `silence-suppressed`, `undecodable`, or `none` for a step of the
    /// sender.
    pub cause: String,
}

/// One row of the waveform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TimelineLeg {
    /// `near`, `far`, `joint`, `radio` or `unknown`.
    pub role: String,
    /// Who it is, for people.
    pub label: String,
    /// The codec's name.
    pub codec: String,
    /// Stretches without audio.
    pub gaps: Vec<Gap>,
}

/// Something that happened, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TimelineEvent {
    /// Position.
    pub at_ms: i64,
    /// What, as a word.
    pub kind: String,
    /// The same for people.
    pub text: String,
}

/// What the player draws besides the waveform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Timeline {
    /// Length.
    pub length_ms: u64,
    /// The legs.
    pub legs: Vec<TimelineLeg>,
    /// The events.
    pub events: Vec<TimelineEvent>,
    /// It left the live store: the name of the archive's place that it was fetched from; empty if that is not known any more.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub fetched_from: Option<String>,
}

/// How fine the waveform is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct PeaksQuery {
    /// Columns, 1 to 4,000; 1,000 when left out.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 4000))]
    pub columns: Option<u32>,
}

/// Whose voice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SoundLegs {
    /// The near party.
    Near,
    /// The far party.
    Far,
    /// Stereo: near left, far right.
    #[default]
    Both,
}

/// In which format.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SoundFormat {
    /// PCM16 in WAV: known length, ranges.
    #[default]
    Wav,
    /// FLAC, for download.
    Flac,
    /// Opus in Ogg, for download.
    Opus,
    /// The payload as received, one file for each track: for exports, and for codecs that nobody decodes.
    Raw,
}

/// Which sound, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct AudioQuery {
    /// Whose voice.
    #[cfg_attr(feature = "openapi", param(inline))]
    pub legs: Option<SoundLegs>,
    /// In which format.
    #[cfg_attr(feature = "openapi", param(inline))]
    pub format: Option<SoundFormat>,
    /// `1`: as a file to keep, which is an export and asks for that permission.
    #[cfg_attr(feature = "openapi", param(minimum = 0, maximum = 1))]
    pub download: Option<u8>,
}

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TagText {
    /// The tag itself.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 60))]
    pub tag: String,
}

/// The text of a note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NoteText {
    /// The place; left out for a note on the whole recording, or to leave it as it was.
    #[serde(default)]
    pub at_ms: Option<u64>,
    /// The text.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 4000))]
    pub text: String,
}

/// Changes of what people wrote on a recording. What is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeRecording {
    /// Subject.
    #[cfg_attr(feature = "openapi", schema(max_length = 200))]
    pub subject: Option<String>,
    /// Comment.
    #[cfg_attr(feature = "openapi", schema(max_length = 4000))]
    pub comment: Option<String>,
    /// The reference that another system gave.
    #[cfg_attr(feature = "openapi", schema(max_length = 200))]
    pub external_reference: Option<String>,
}

/// Takes a legal hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HoldRequest {
    /// Why.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 1000))]
    pub reason: String,
    /// The day to look at it again, `2027-01-31`.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 10))]
    pub review: Option<String>,
}

/// Releases a legal hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReleaseRequest {
    /// Why.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 1000))]
    pub reason: String,
}

/// Which recordings to take out, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExportRequest {
    /// Identities, 1 to 1,000.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 1000))]
    pub ids: Vec<String>,
    /// In which format.
    #[serde(default)]
    pub format: SoundFormat,
    /// Whose voice.
    #[serde(default)]
    pub legs: SoundLegs,
}
