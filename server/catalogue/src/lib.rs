//! All SQL of AMETHYST: what was recorded, from whom to whom, where its sealed file lies, and the account of every call.
//!
//! One `SQLite` database encrypted as a whole by SQLCipher (page by page, AES-256 and HMAC-SHA512, under a raw 32-byte key that the
//! caller brings). One writer groups rows into transactions, readers have a pool; WAL, `synchronous = FULL`: what a call to
//! [`Catalogue`] reported as written survives a power cut. Calls block their caller; the database works on threads of its own.
//!
//! The text of every statement is meant for PostgreSQL too: `$1` parameters, `on conflict`, times as BIGINT microseconds, and
//! identities as sixteen bytes. Nothing here logs a number, a name or a key.
//!
//! Only the vault may name this crate: it alone knows when a row may come true.

#![forbid(unsafe_code)]

mod among;
mod archived;
mod audit;
mod backup;
mod bad;
#[cfg(feature = "bench")]
pub mod bench;
mod bulk;
mod by_day;
mod copy;
mod coverage;
mod dialect;
mod due;
mod early;
mod error;
mod find;
mod glance;
mod held;
mod index;
mod labels;
mod listed;
mod location;
mod logged;
mod met;
mod migrate;
mod open;
mod orders;
mod packed;
mod people;
mod policy;
mod proof;
mod purge;
mod read;
mod restore;
mod rows;
mod runs;
mod satellites;
mod scope;
mod search;
mod shred;
mod sql;
mod text;
mod varint;
mod watched;
mod write;

#[cfg(test)]
mod plans;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod upgrade;

pub use archived::{ArchivedPart, DayEntry};
pub use audit::{AuditCheck, AuditEntry, AuditFilter, AuditObject, AuditPage, AuditRow, Outcome};
pub use bad::{BadPart, ProvenPart};
pub use by_day::DayCount;
pub use coverage::Coverage;
pub use due::DuePart;
pub use early::Noted;
pub use error::{CatalogueError, Kind};
pub use find::{Page, Query};
pub use held::Hold;
pub use index::extension;
pub use labels::{By, Field, LabelChange, Labels, Note, NoteId};
pub use listed::{Heard, Listed, ListedParty, ListedTrack};
pub use location::{LocationKind, LocationRow, MediaSet, MediumRow, MediumState};
pub use logged::PartKey;
pub use open::{Catalogue, CatalogueKey};
pub use orders::HoldOrder;
pub use people::{Session, SessionStep, User, UserId, UserRole};
pub use policy::{PolicyChange, PolicyRow, PolicyStep, RetentionClass};
pub use proof::{ProofRow, ReadBackRow};
pub use purge::{Candidate, PurgeRow, PurgeState, Standing};
pub use read::{Counts, PartPlace};
pub use rows::{
    CaptureRun, Facts, LedgerEnding, LedgerRow, LegRow, PacketCounts, PartRow, PartyRole, PartyRow,
    PartySeen, Recording, RecordingRow,
};
pub use runs::ArchiveRunRow;
pub use satellites::{InvitationRow, SatelliteRow};
pub use scope::Scope;
pub use search::{COUNT_MAX, Count, Cursor, CursorError, LIMIT_MAX, Place, Search, SearchPage};
pub use shared::{ExtensionPattern, PatternError};
pub use shred::{
    NewShred, ShredJudged, ShredMedium, ShredOnMedium, ShredRow, ShredState, ShredVerdict, ShredWhat,
};
pub use watched::{CheckKind, CheckRow, NoticeRow, NoticesChanged, Severity};

/// The result of this crate.
pub type Result<T> = std::result::Result<T, CatalogueError>;
