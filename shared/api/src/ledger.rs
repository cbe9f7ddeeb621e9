//! The ledger: the account of every signalled call of a day.

use serde::{Deserialize, Serialize};

/// Which part of the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct LedgerQuery {
    /// The day, `2026-11-22`; today when left out.
    #[cfg_attr(feature = "openapi", param(min_length = 1, max_length = 10))]
    pub day: Option<String>,
    /// One recorder only, by its identity: this server or a satellite.
    #[cfg_attr(feature = "openapi", param(max_length = 64))]
    pub recorder: Option<String>,
    /// One tap only.
    #[cfg_attr(feature = "openapi", param(max_length = 100))]
    pub tap: Option<String>,
    /// `1`: all entries; else the exceptions only.
    #[cfg_attr(feature = "openapi", param(minimum = 0, maximum = 1))]
    pub all: Option<u8>,
    /// Go on after this place.
    #[cfg_attr(feature = "openapi", param(min_length = 1, max_length = 80))]
    pub after: Option<String>,
    /// Entries a page, at most 200.
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 200))]
    pub limit: Option<u32>,
}

/// The account of a day: `signalled` is the sum of the other four.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LedgerTotals {
    /// Calls signalled, and segments without signalling.
    pub signalled: u64,
    /// Recorded whole.
    pub recorded: u64,
    /// Recorded in part.
    pub partly: u64,
    /// Not recorded.
    pub not_recorded: u64,
    /// Not ended yet.
    pub open: u64,
}

/// One entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LedgerLine {
    /// Its number; they have no holes.
    pub ledger_no: u64,
    /// The reference shown to people.
    pub reference: String,
    /// When the call was first seen.
    pub opened_at: String,
    /// When it ended; none while it is up.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub ended_at: Option<String>,
    /// `recorded`, `partly` or `not recorded`; none while it is up.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub end: Option<String>,
    /// Why it is not whole, as a word such as `crash` or `rule`.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub why: Option<String>,
    /// The rule that decided, for `not recorded` by rule.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub rule: Option<u32>,
    /// The caller's number.
    pub caller: String,
    /// The called number.
    pub called: String,
    /// Its recording, if there is one.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub recording_id: Option<String>,
}

/// Numbers of a day that nobody accounts for, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LedgerGap {
    /// The first.
    pub from: u32,
    /// The last.
    pub to: u32,
}

/// The account of one recorder on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LedgerRecorder {
    /// Its identity.
    pub id: String,
    /// The letter of its references.
    pub letter: String,
    /// The satellite's name; none: this server.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub name: Option<String>,
    /// The sums.
    pub totals: LedgerTotals,
    /// True when the sums agree and no number is missing.
    pub balanced: bool,
    /// Numbers of the day that nobody accounts for: references count from 1 without a hole.
    pub missing: u64,
    /// Which, the first hundred stretches.
    pub gaps: Vec<LedgerGap>,
}

/// The account of one day, exceptions first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LedgerDay {
    /// The day in the site's zone.
    pub day: String,
    /// The sums, of the recorder that was asked for or of all.
    pub totals: LedgerTotals,
    /// True when the sums agree and no number is missing.
    pub balanced: bool,
    /// The accounts of all recorders, each for itself.
    pub recorders: Vec<LedgerRecorder>,
    /// The entries.
    pub entries: Vec<LedgerLine>,
    /// Where the next page begins; none at the end.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub next: Option<String>,
}
