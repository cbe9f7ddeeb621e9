//! The sealed recording AMX1: what makes it, what opens it, and what shows without a key that nobody touched it.
//!
//! [`Writer`] turns runs of codec payload, events and call details into encrypted frames; [`Part`] opens them again with
//! the private key of their day; [`verify`](verify()) judges a file by its heads, digests and signature alone;
//! [`Survey`] finds what a crash left whole and closes it, also without a key; [`keystore`] keeps central's secrets.
//!
//! What must hold: bytes come in and bytes go out. No file is named here, no clock asked, no dice thrown: the caller
//! brings [`std::io::Read`], instants and a random source. A pair of file key and frame number is used once. No sample
//! leaves this crate before the tag of its frame was verified. The format is in `docs/design/sealed-format.md`; a change
//! of one byte is a new suite number, never an edit.
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod aead;
pub mod cbor;
mod cipher;
mod day_keys;
mod digests;
mod error;
mod event;
pub mod fields;
mod final_table;
mod frame;
mod header;
mod hpke_box;
mod keys;
pub mod keystore;
pub mod locked;
mod meta;
mod name;
mod reader;
mod runs;
pub mod signed_json;
mod source;
mod survey;
mod trailer;
mod verify;
mod walk;
mod writer;

pub use day_keys::{DayKey, DayKeyList};
pub use error::{SealError, WriteRule};
pub use final_table::{ClockEvidence, FinalInfo, FinalTable, PacketCounts, TrackTotals};
pub use frame::{FrameHead, FrameType, HEAD_LEN, MAX_PLAIN, TAG_LEN};
pub use header::{Header, Kind, PartSpec, RecipientEntry};
pub use keys::{KeyId, RecipientKey, RecipientSecret, RecipientType, SigningKey, VerifyingKey};
pub use meta::{Meta, PartyRole, Tap};
pub use name::{file_name, name_symbols};
pub use reader::{KeyRing, Part, Run, RunIter, State};
pub use runs::{RunRef, Runs, parse_runs};
pub use survey::Survey;
pub use trailer::{Signer, TRAILER_LEN, Trailer, TrailerFacts, trailer_digest};
pub use verify::{Fault, Finding, Report, verify};
pub use writer::{Closing, MustClose, SealedAudio, Writer};

/// The result of this crate.
pub type Result<T> = std::result::Result<T, SealError>;
