//! A carrier in a process of its own: a share that hangs must not hang the server.
//!
//! The parent starts its own program again, writes one line of JSON for each request and reads lines: progress, then the answer.
//! If no line comes for a long time the child is given up; a process that hangs in the kernel cannot be killed, but nobody waits
//! for it.

mod child;
mod lines;
mod parent;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::carrier::{Carried, Digests, Fate, Found, Holder, Item, Piece, Space};
use crate::place::{Place, PlaceError, Settings};

pub use child::serve;
pub use lines::heard_the_same;
pub use parent::{Launch, RemoteCarrier, look};

/// What the child is asked.
#[derive(Debug, Serialize, Deserialize)]
enum Request<'a> {
    Look(Place),
    Reach(Place),
    Do(Deed<'a>),
}

/// What it is asked to do at the place that it reached.
#[derive(Debug, Serialize, Deserialize)]
enum Deed<'a> {
    List(String),
    Read(String, u64),
    Sizes(Vec<String>),
    Digest(String, u64),
    Piece(String, u64),
    Space,
    Carry(Cow<'a, [Item]>),
    Remove(Vec<String>),
    PutLease(#[serde(with = "crate::wire::base64")] Vec<u8>),
    KeepLease(Option<Holder>),
}

/// What the child says.
#[derive(Debug, Serialize, Deserialize)]
enum Reply {
    /// So many bytes were handled since the last line.
    Progress(u64),
    Looked(Result<Settings, PlaceError>),
    Reached(Result<(), PlaceError>),
    Listed(Carried<Option<Vec<Found>>>),
    Read(Carried<Option<Bytes>>),
    Sizes(Carried<Vec<Option<u64>>>),
    Digested(Carried<Option<(Digests, bool)>>),
    Piece(Carried<Option<Piece>>),
    Space(Carried<Space>),
    Carried(Carried<Vec<Fate>>),
    Done(Carried<()>),
}

#[derive(Debug, Serialize, Deserialize)]
struct Bytes(#[serde(with = "crate::wire::base64")] Vec<u8>);
