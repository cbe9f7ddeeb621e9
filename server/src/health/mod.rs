//! Health that proves recording: not whether threads run, but whether calls come, are heard, and are kept.

//!
//! [`ear`] counts on the recording thread what passes anyway; the thread `health` ([`watchman`]) looks at the counts once a minute, holds
//! them against what a week is like ([`pattern`], [`quiet`]) and tells what stands. Calls that are heard from one side only, or not at
//! all, are marked while they go on ([`legs`]); that many are is told by tap, never by call. Where nothing comes for hours, [`canary`] shows
//! that what came would be kept.

pub(crate) mod canary;
pub(crate) mod ear;
mod legs;
mod pattern;
mod quiet;
pub(crate) mod settings;
pub(crate) mod watchman;
