//! The vocabulary of AMETHYST: the words that more than one crate says.
//!
//! Identities, times, parties, media runs and the words of the ledger, as plain values. Nothing here opens a file, asks
//! a clock or throws dice; whoever builds a value brings the bytes and the time. A word that only one crate uses lives in
//! that crate.

mod event;
mod frame_buf;
mod ids;
mod ledger;
mod media;
mod party;
mod pattern;
mod time;

pub use event::{Event, GapCorrection, Value};
pub use frame_buf::{FrameBuf, HEADROOM, TAILROOM};
pub use ids::{IdError, LocationId, MediaId, RecorderId, RecordingId, RunId, SiteId, TapId};
pub use ledger::{LedgerEnd, LedgerNo, LedgerTotals, NotRecorded, Partly, Reference, ReferenceError};
pub use media::{Chunk, GapCause, GapTotals, Role, RunHead, Track};
pub use party::{Direction, Method, Party, Side};
pub use pattern::{ExtensionPattern, PatternError, PatternForm};
pub use time::{Bytes, Day, DayError, Micros, Stamp, TimeQuality, UtcMicros, Zone, ZoneError};
