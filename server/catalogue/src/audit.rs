//! The audit log: who did what to which recording, chained by hash so that a row changed or taken out shows.

use std::fmt;

use shared::{RecordingId, UtcMicros};

use crate::UserId;

/// How an act ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Outcome {
    /// It was done.
    Ok = 0,
    /// It was not allowed.
    Refused = 1,
    /// It did not work.
    Failed = 2,
}

impl Outcome {
    /// Returns the word for people and for JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// Finds an outcome by its number in the catalogue.
    #[must_use]
    pub const fn from_number(n: u8) -> Option<Self> {
        match n {
            0 => Some(Self::Ok),
            1 => Some(Self::Refused),
            2 => Some(Self::Failed),
            _ => None,
        }
    }
}

/// What was acted upon.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AuditObject {
    /// A recording.
    Recording(RecordingId),
    /// Anything else, by name.
    Named(String),
}

impl fmt::Display for AuditObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recording(id) => write!(f, "{id}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

/// One act, to be written before anything of it leaves the house.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditEntry {
    /// When.
    pub at: UtcMicros,
    /// Who; `None` for a stranger or a program.
    pub actor: Option<UserId>,
    /// Their name as given or shown then.
    pub actor_name: String,
    /// The first octets of the session's digest: enough to tell sessions apart, too few to forge one.
    pub session: Option<[u8; 8]>,
    /// From where.
    pub address: String,
    /// What, as a word: `search`, `play`, `export` ...
    pub act: &'static str,
    /// To what.
    pub object: Option<AuditObject>,
    /// With what outcome.
    pub outcome: Outcome,
    /// Particulars as a JSON object.
    pub details: String,
}

/// One act as it stands in the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditRow {
    /// Its number, from 1, without holes.
    pub number: u64,
    /// When.
    pub at: UtcMicros,
    /// Who.
    pub actor: Option<UserId>,
    /// Their name then.
    pub actor_name: String,
    /// Which session.
    pub session: Option<[u8; 8]>,
    /// From where.
    pub address: String,
    /// What.
    pub act: String,
    /// To what, as text.
    pub object: Option<String>,
    /// With what outcome.
    pub outcome: Outcome,
    /// Particulars as a JSON object.
    pub details: String,
    /// SHA-256 over the digest before and this row.
    pub digest: [u8; 32],
}

/// Which acts to show; the default shows all, newest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuditFilter {
    /// At this instant or later.
    pub since: Option<UtcMicros>,
    /// Before this instant.
    pub until: Option<UtcMicros>,
    /// By this name, whole.
    pub actor: Option<String>,
    /// This act.
    pub act: Option<String>,
    /// To this object, as text.
    pub object: Option<String>,
}

/// Some acts, newest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuditPage {
    /// The acts.
    pub rows: Vec<AuditRow>,
    /// Where to go on: acts with lower numbers; `None` at the end.
    pub next: Option<u64>,
}

/// What a check of the chain found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AuditCheck {
    /// Rows read.
    pub checked: u64,
    /// The first row that does not follow from the one before; `None`: the chain holds.
    pub broken_at: Option<u64>,
    /// The digest of the last row; zeros when there is none.
    pub head: [u8; 32],
}
