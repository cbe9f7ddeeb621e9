//! Searching: the query string, and a page of what was found.

use serde::{Deserialize, Serialize};

use crate::Row;

/// In which order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Order {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
}

/// What to look for; all that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct RecordingQuery {
    /// Words: part of a number, name, reference, subject, comment or tag.
    #[cfg_attr(feature = "openapi", param(max_length = 500))]
    pub q: Option<String>,
    /// Any part of a party's number.
    #[cfg_attr(feature = "openapi", param(max_length = 100))]
    pub number: Option<String>,
    /// Part of a party's name.
    #[cfg_attr(feature = "openapi", param(max_length = 100))]
    pub name: Option<String>,
    /// A party's extension: `200`, `3111-3118` or `3***`.
    #[cfg_attr(feature = "openapi", param(max_length = 100))]
    pub extension: Option<String>,
    /// Begun at this time or later: RFC 3339, or `2026-11-22` or `2026-11-22T16:00` in the site's zone.
    #[cfg_attr(feature = "openapi", param(min_length = 1, max_length = 40))]
    pub since: Option<String>,
    /// Begun before this time. A bare day means its end.
    #[cfg_attr(feature = "openapi", param(min_length = 1, max_length = 40))]
    pub until: Option<String>,
    /// At least so many seconds long.
    #[cfg_attr(feature = "openapi", param(format = Int64, maximum = 4294967295_u64))]
    pub min_seconds: Option<u32>,
    /// At most so many seconds long.
    #[cfg_attr(feature = "openapi", param(format = Int64, maximum = 4294967295_u64))]
    pub max_seconds: Option<u32>,
    /// `in`, `out`, `internal`, `unknown`; several with commas.
    #[cfg_attr(feature = "openapi", param(max_length = 100))]
    pub direction: Option<String>,
    /// `voip`, `isdn`, `analogue`, `digital`, `radio`; several with commas.
    #[cfg_attr(feature = "openapi", param(max_length = 100))]
    pub method: Option<String>,
    /// `trunk`, `extension`; several with commas.
    #[cfg_attr(feature = "openapi", param(max_length = 100))]
    pub side: Option<String>,
    /// The tap's name.
    #[cfg_attr(feature = "openapi", param(max_length = 100))]
    pub tap: Option<String>,
    /// A tag.
    #[cfg_attr(feature = "openapi", param(max_length = 100))]
    pub tag: Option<String>,
    /// Part of the reference, ours or the external one.
    #[cfg_attr(feature = "openapi", param(max_length = 100))]
    pub reference: Option<String>,
    /// Words of the subject.
    #[cfg_attr(feature = "openapi", param(max_length = 200))]
    pub subject: Option<String>,
    /// Words of the comment.
    #[cfg_attr(feature = "openapi", param(max_length = 200))]
    pub comment: Option<String>,
    /// With gaps, or without.
    pub has_gap: Option<bool>,
    /// Under legal hold, or not.
    pub held: Option<bool>,
    /// In which order.
    #[cfg_attr(feature = "openapi", param(inline))]
    pub order: Option<Order>,
    /// Go on after this place: `next` of a page.
    #[cfg_attr(feature = "openapi", param(min_length = 1, max_length = 100))]
    pub after: Option<String>,
    /// Go back before this place: `previous` of a page.
    #[cfg_attr(feature = "openapi", param(min_length = 1, max_length = 100))]
    pub before: Option<String>,
    /// Recordings a page, at most 200; 50 when left out.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 200))]
    pub limit: Option<u32>,
}

/// Some recordings, and where to go on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecordingPage {
    /// What was found.
    pub recordings: Vec<Row>,
    /// Where the page after this one begins; none at the end.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub next: Option<String>,
    /// Where the page before this one ends; none at the start.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub previous: Option<String>,
}

/// How many were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Count {
    /// At most 10,000.
    pub count: u64,
    /// True when there are more.
    pub more: bool,
}
