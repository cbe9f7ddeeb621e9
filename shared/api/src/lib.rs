//! What the central server and its clients say to each other: one Rust type for each JSON body and query string.
//!
//! Types only: no I/O, no rules, no status codes. Keys are in snake case. Identities are the texts that `shared` prints,
//! instants are RFC 3339 in the site's zone, and spans say their unit in their name. A request with a word that is not
//! known is refused, so that a misspelt filter never widens a search; an answer may gain members within a version.
//!
//! With the feature `openapi` each type describes itself for `/api/v1/openapi.json`.
#![forbid(unsafe_code)]

mod archive;
mod archive_watch;
mod audit;
mod daily_login;
mod keeping;
mod ledger;
mod live;
mod me;
mod problem;
mod recordings;
mod satellites;
mod search;
mod settings;
mod sign_in;
mod users;

pub use archive::{
    Archive, ArchiveLocation, ArchiveOutcome, ArchiveProgress, ArchiveRun, ArchiveStep, ArchiveVerdict,
    LocationTest, LocationWord, MadeReady, MediaSetWord, Medium, MediumText, MediumWord, NewBucket,
    NewLocation, NewMedium, SeedWord,
};
pub use archive_watch::{
    ArchiveDay, ArchiveDays, ArchiveNotice, ArchiveNotices, CheckAsked, CheckWord, Checked, Checking,
    NoticeSeen, NoticeSeverity, ProofWord, Removal,
};
pub use audit::{AuditCheck, AuditEntry, AuditPage, AuditQuery};
pub use daily_login::{AskDailyLogin, DailyLogin};
pub use keeping::{
    ChangeHold, ChangeState, CountWhich, Covered, Destruction, DestructionOnMedium, DoneBy, HoldByOrder,
    Keeping, KeepingChange, KeepingPreview, KeptClass, NewDestruction, NewHold, Which, WishedChange,
};
pub use ledger::{LedgerDay, LedgerGap, LedgerLine, LedgerQuery, LedgerRecorder, LedgerTotals};
pub use live::{
    AudioEnd, AudioHead, AudioLoss, Board, Canary, Line, LineState, SatelliteLine, TapLine, TapState,
};
pub use me::{ChangeMe, ChangePassword, Me, MySite, MyUser, Scope, SessionInfo, Sessions};
pub use problem::Problem;
pub use recordings::{
    AudioQuery, ChangeRecording, Detail, Event, ExportRequest, Gap, Hold, HoldRequest, Integrity, Leg,
    Linked, Note, NoteText, Part, Party, PeaksQuery, ReleaseRequest, Row, SoundFormat, SoundLegs, TagText,
    Timeline, TimelineEvent, TimelineLeg,
};
pub use satellites::{
    ChangeSatelliteSettings, RevokeSatellite, Satellite, SatelliteCode, SatelliteInvitation, SatelliteName,
    SatelliteSettings, SatelliteState, SatelliteStatus, SatelliteTap, Satellites, SettingsState,
};
pub use search::{Count, Order, RecordingPage, RecordingQuery};
pub use settings::{
    IdleMinutes, InterfaceInfo, Interfaces, RecordingSettings, RuleSettings, Settings, SettingsAnswer, Setup,
    SetupSteps, SideWord, SiteSettings, TapSettings, TestCall, TotpRule, Version, WebSettings,
};
pub use sign_in::{LinkToken, NewPassword, Next, SignIn, SignInAnswer, TotpCode, TotpEnrolment};
pub use users::{ChangeUser, NewUser, OneTimeLink, Role, User, Users};

/// The prefix of all routes of this version.
pub const PREFIX: &str = "/api/v1";
