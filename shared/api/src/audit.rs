//! The audit log: who did what, when, from where; written before data leaves.

use serde::{Deserialize, Serialize};

/// Which entries of the audit log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct AuditQuery {
    /// At this time or later: RFC 3339, or `2026-11-22` or `2026-11-22T16:00` in the site's zone.
    #[cfg_attr(feature = "openapi", param(min_length = 1, max_length = 40))]
    pub since: Option<String>,
    /// Before this time.
    #[cfg_attr(feature = "openapi", param(min_length = 1, max_length = 40))]
    pub until: Option<String>,
    /// By the user of this name.
    #[cfg_attr(feature = "openapi", param(max_length = 100))]
    pub actor: Option<String>,
    /// Of this kind, such as `play` or `sign-in-refused`.
    #[cfg_attr(feature = "openapi", param(max_length = 40))]
    pub act: Option<String>,
    /// Concerning this object: a recording, a user.
    #[cfg_attr(feature = "openapi", param(max_length = 100))]
    pub object: Option<String>,
    /// Go on after this place: `next` of the page before.
    #[cfg_attr(feature = "openapi", param(min_length = 1, max_length = 40))]
    pub after: Option<String>,
    /// Entries a page, at most 200.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 200))]
    pub limit: Option<u32>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// Its number; they have no holes.
    pub number: u64,
    /// When.
    pub at: String,
    /// Identity of whoever did it, if they were known.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub actor: Option<String>,
    /// The name they had, or tried to sign in with.
    pub actor_name: String,
    /// The first digits of the session's digest, to tell browsers apart.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub session: Option<String>,
    /// The network address that it came from.
    pub address: String,
    /// What was done.
    pub act: String,
    /// To what.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub object: Option<String>,
    /// `ok`, `refused` or `failed`.
    pub outcome: String,
    /// Particulars by name.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub details: std::collections::BTreeMap<String, String>,
}

/// Some entries, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// Where the next page begins; none at the end.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub next: Option<String>,
}

/// Whether the chain of entries is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditCheck {
    /// True when each entry carries the digest of the one before it.
    pub ok: bool,
    /// How many entries were checked.
    pub checked: u64,
    /// The digest of the newest entry, in hexadecimal: write it down to compare later.
    pub head: String,
    /// What is wrong, if something is.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub fault: Option<String>,
}
