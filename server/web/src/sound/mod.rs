//! Finding, hearing, exporting and listening live: the routes under `/recordings`, `/exports`, `/live` and `/ledger`, and the
//! making of sound behind them.
//!
//! * `sealed` – an opened recording, sound of any stretch; `wav_file` – any byte of its WAV; `encode` – files to keep.
//! * `gaps`, `timeline` – where audio is missing and why; `growing` – a call that is still going on.
//! * `zip`, `report`, `sidecar`, `view`, `names` – what an export is made of; the program's own commands use them too.
//! * `shelf` – what is kept in memory between two requests.
//!
//! What must hold: sound is made when it is taken, block by block, on threads that may wait; a client that is gone costs
//! nothing more. How to add a route is told in [`crate::routes`].

pub mod encode;
pub mod gaps;
mod growing;
pub mod names;
pub mod report;
pub mod sealed;
mod shelf;
pub mod sidecar;
mod timeline;
mod unfold;
pub mod view;
pub mod wav_file;
pub mod zip;

#[cfg(test)]
mod tests;

use crate::routes::Routes;

/// Registers the routes of this area.
pub(crate) fn register(_routes: &mut Routes) {}
