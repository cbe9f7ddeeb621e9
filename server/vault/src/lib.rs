//! The order in which things become true: bytes, then names, then rows, then the word of the ledger.
//!
//! A [`Vault`] owns one data folder's `spool`, `live` and catalogue. The recorder writes parts into the spool
//! ([`Vault::begin_part`]), closes them in batches ([`Vault::admit`]) and accounts for every call ([`Vault::allot`],
//! [`Vault::end_entry`]). After a crash [`Vault::recover`] finishes whatever was under way. The numbered procedures, with each
//! sync and what is lost when the power goes after it, are in `docs/design/recording-lifecycle.md`; the code follows their
//! numbers, and the tests cut it at each step.
//!
//! What must hold:
//! 1. A row of a part is in the catalogue only if its file is durable under the name in the row.
//! 2. A ledger entry is durable before the first sealed byte of its call, and ends after the row is durable.
//! 3. No sealed audio is ever deleted here, except by [`Vault::discard`], which a rule must ask for, [`Vault::purge`], for which
//!    every configured location must be proven to hold it, and [`Vault::shred`], for which its retention must be over or two persons
//!    must say so, and no hold may stand.
//! 4. A key is never needed to close what a crash left; it is needed only to say who spoke.

#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod account;
mod admit;
mod canary;
mod check;
mod depot;
mod elsewhere;
mod error;
mod folder;
mod growing;
mod holds;
mod incoming;
pub mod journal;
mod labels;
mod locations;
mod log;
mod look;
mod outpost;
mod part;
mod people;
mod purge;
mod receipt;
mod recover;
mod releases;
mod restore;
mod retention;
mod row;
mod satellites;
mod shard;
mod shred;
mod spool;
mod survey;
mod turns;
mod vault;
mod what;

#[cfg(test)]
mod tests;

pub use account::LedgerEntry;
pub use admit::{AdmitReport, Admitted, Left};
pub use archive::log::{Proof, PurgeReason};
pub use canary::{Canaries, CanaryEnd, Judge};
pub use catalogue::{
    ArchiveRunRow, ArchivedPart, AuditCheck, AuditEntry, AuditFilter, AuditObject, AuditPage, AuditRow,
    BadPart, By, COUNT_MAX, Candidate, CaptureRun, CatalogueError, CatalogueKey, CheckKind, CheckRow, Count,
    Counts, Coverage, Cursor, CursorError, DayCount, DayEntry, DuePart, ExtensionPattern, Facts, Field,
    Heard, Hold, HoldOrder, InvitationRow, LIMIT_MAX, LabelChange, Labels, LedgerEnding, LedgerRow, LegRow,
    Listed, ListedParty, ListedTrack, LocationKind, LocationRow, MediaSet, MediumRow, MediumState, Note,
    NoteId, Noted, NoticeRow, NoticesChanged, Outcome, PacketCounts, Page, PartKey, PartRow, PartyRole,
    PartyRow, PartySeen, PatternError, Place, PolicyChange, PolicyRow, PolicyStep, ProofRow, ProvenPart,
    PurgeRow, PurgeState, Query, ReadBackRow, Recording, RecordingRow, RetentionClass, SatelliteRow, Scope,
    Search, SearchPage, Session, SessionStep, Severity, ShredMedium, ShredOnMedium, ShredRow, ShredState,
    ShredWhat, Standing, User, UserId, UserRole, extension,
};
pub use check::{CheckReport, Level, Problem, Trouble};
pub use depot::Depot;
pub use elsewhere::Elsewhere;
pub use error::{Kind, VaultError};
pub use growing::GrowingPart;
pub use incoming::{Alarm, Answer, Held, Incoming, IncomingLimits, NotTaken, TakeWith, Whole};
pub use look::RecordingReader;
pub use outpost::{Backlog, News, OutFile, Outpost, OutpostReport, Released, Resume};
pub use part::{ClosedPart, PartFile};
pub use purge::{Fresh, FreshCheck, Kept, PurgePlan, PurgeReport, PurgeRules, Purgeable};
pub use receipt::Receipt;
pub use recover::{RecoverWith, Recovered, RecoveryReport};
pub use releases::{LoginRelease, RELEASE_ACT, ReleasedLogin};
pub use restore::{Brought, restore_folder};
pub use retention::{Keep, PolicyPreview};
pub use shred::{DayKept, DayKeys, ShredWords, Shreddable};
pub use store::ReadSeek;
pub use vault::{Use, Vault, VaultConfig};
pub use what::{Digests, Refusal, What};

/// The result of this crate.
pub type Result<T> = std::result::Result<T, VaultError>;
