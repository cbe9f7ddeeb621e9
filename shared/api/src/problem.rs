//! The one shape of all refusals.

use serde::{Deserialize, Serialize};

/// Says what went wrong, what it means for the recordings, and what to do (RFC 9457, `application/problem+json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// A stable word for programs, such as `about:amethyst/not-found`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A few words for people, the same for each problem of this type.
    pub title: String,
    /// The HTTP status once more.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// What it means for the recordings.
    pub what_it_means: String,
    /// What a person can do now.
    pub what_to_do: String,
}
