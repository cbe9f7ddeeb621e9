//! Finding, hearing, exporting and listening live: the routes under `/recordings`, `/exports`, `/live` and `/ledger`, and the
//! making of sound behind them.
//!
//! * `sealed` – how a recording of the vault is opened; what is made of it then is the matter of [`playback`].
//! * `timeline` – where audio is missing and why; `growing` – a call that is still going on.
//! * `zip`, `report`, `sidecar`, `view` – what an export is made of; the program's own commands use them too.
//! * `query`, `rows` – what a search asks and what it answers; `shelf` – what is kept in memory between two requests.
//! * `recordings`, `media`, `labels`, `exports`, `live`, `ledger` – the routes.
//!
//! What must hold: sound is made when it is taken, block by block, on threads that may wait; a client that is gone costs
//! nothing more. How to add a route is told in [`crate::routes`].

mod accounts;
mod export;
mod exports;
mod growing;
mod labels;
mod ledger;
mod live;
mod media;
mod query;
mod ranges;
mod recordings;
pub mod report;
mod rows;
pub mod sealed;
mod shelf;
pub mod sidecar;
mod timeline;
mod unfold;
pub mod view;
pub mod zip;

#[cfg(test)]
mod tests;

pub use playback::{encode, gaps, names, wav_file};
use seal::SealError;

use crate::problem::Refusal;
use crate::routes::Routes;

pub(crate) use shelf::Shelf;

use sealed::SoundError;

/// Registers the routes of this area.
pub(crate) fn register(routes: &mut Routes) {
    recordings::register(routes);
    media::register(routes);
    labels::register(routes);
    exports::register(routes);
    live::register(routes);
    ledger::register(routes);
}

impl From<SoundError> for Refusal {
    /// What cannot be heard is said with what can be done; what is wrong with a file or a disk is logged.
    fn from(error: SoundError) -> Self {
        use playback::SoundError as Heard;
        match error {
            SoundError::Sound(error) => match error {
                Heard::Render(audio::RenderError::NoDecoder(_)) => Self::not_acceptable(format!(
                    "{error}. The payload as received is kept: export it in the format `raw`."
                )),
                Heard::Render(_) | Heard::TooManyTracks => Self::not_acceptable(error.to_string()),
                Heard::Seal { source: SealError::NoKey(_), .. } => {
                    tracing::error!(%error, "a recording cannot be heard");
                    Self::not_now("The key of this recording is not at hand: the key store may be locked.")
                }
                Heard::Seal { .. } | Heard::Write(_) => {
                    tracing::error!(%error, "a recording cannot be heard");
                    Self::internal()
                }
            },
            SoundError::Vault(error) => error.into(),
            SoundError::Host(error) => error.into(),
        }
    }
}
