//! Scripts: one file per behaviour, each a line-by-line play of messages and what the tracker says to them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

mod answers;
mod bodies;
mod captures;
mod endings;
mod forks;
mod frames;
mod hold;
mod hostile;
mod joins;
mod limits;
mod messages;
mod protection;
mod proxies;
mod script;
mod sessions;
mod torture;
mod transfer;
