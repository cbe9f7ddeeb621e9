//! What somebody should know about the archive, what each day of it holds, how it was looked at, and a place that is to go.

use serde::{Deserialize, Serialize};

/// The notices that stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ArchiveNotices {
    /// The worst first.
    pub notices: Vec<ArchiveNotice>,
}

/// A notice: what it is about, and what its sentence is filled in with. What a kind does not need is empty or `null`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ArchiveNotice {
    /// Tells it from all others.
    pub key: String,
    /// What it is about, as a word: `away`, `fills`, `behind` ...
    pub kind: String,
    /// How much it matters.
    pub severity: NoticeSeverity,
    /// Since when it stands.
    pub since: String,
    /// Who has seen it.
    pub seen_by: Option<String>,
    /// The place's identity.
    pub location: Option<String>,
    /// The place's name, or that of whoever proposed a change.
    pub name: String,
    /// What is written on the medium.
    pub medium: String,
    /// Where that lies.
    pub lies_in: String,
    /// Why, in words of the server.
    pub why: String,
    /// A moment that it is about.
    pub at: Option<String>,
    /// A day that it is about.
    pub day: Option<String>,
    /// How many: days, files, hours, parts in a hundred.
    pub count: Option<u64>,
    /// Bytes, or bytes a second.
    pub bytes: Option<u64>,
}

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NoticeSeverity {
    /// Somebody may want to know.
    Told,
    /// Something goes wrong unless somebody acts in the next days.
    Warning,
    /// Somebody must act now.
    Urgent,
}

/// Which notice somebody has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NoticeSeen {
    /// Its key.
    pub key: String,
}

/// What the last days hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ArchiveDays {
    /// So many places are configured.
    pub places: u32,
    /// Sixty days, the oldest first; the last is today.
    pub days: Vec<ArchiveDay>,
}

/// A day, by what was recorded on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ArchiveDay {
    /// In the site's zone.
    pub day: String,
    /// Files recorded.
    pub files: u64,
    /// Places that hold all of it, proven.
    pub proven_in: u32,
    /// Files that the place which lacks most lacks.
    pub lacking: u64,
    /// Files that left the live store.
    pub purged: u64,
}

/// How recordings are looked at beside a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckWord {
    /// Everything on the medium is read again.
    Verify,
    /// Some recordings are fetched, opened and held against the log.
    Drill,
}

/// Asks for a verification or a drill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CheckAsked {
    /// Which.
    pub what: CheckWord,
}

/// A verification or a drill that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Checking {
    /// Which.
    pub what: CheckWord,
    /// When it began.
    pub since: String,
    /// Bytes read.
    pub bytes: u64,
    /// Bytes that lie there, as far as that is known.
    pub bytes_due: Option<u64>,
    /// It was asked to end.
    pub stopping: bool,
}

/// A verification or a drill that came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Checked {
    /// When it ended.
    pub at: String,
    /// Everything was as it should be.
    pub well: bool,
    /// It was not, but all that was wrong is files that are due again there: the medium may be trusted to get them.
    pub mends: bool,
    /// Files that were.
    pub files: u64,
    /// Bytes read.
    pub bytes: u64,
    /// What was wrong; not all of it if there is much.
    pub findings: Vec<String>,
}

/// Whether what lies on a medium is proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ProofWord {
    /// It is.
    Counts,
    /// What was read back may have come from a cache: nothing there may leave the live store.
    Cached,
    /// After a restore: nothing there counts until it was verified.
    Lowered,
}

/// A place that is to go, or may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Removal {
    /// Its number; `null` while nobody proposed it.
    pub change: Option<u64>,
    /// Nothing was ever proven there: it goes at once.
    pub at_once: bool,
    /// So many recordings would need one copy less before they may leave the live store.
    pub affected: u64,
    /// Who proposed it.
    pub proposed_by: Option<String>,
    /// When it takes effect; `null` until another administrator confirms it.
    pub effective: Option<String>,
    /// Whoever asks may confirm it.
    pub may_confirm: bool,
}
