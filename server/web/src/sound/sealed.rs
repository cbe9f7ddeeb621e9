//! What the doors add to a recording that is heard: where its parts come from, and what can go wrong there.

use audio::RenderError;
use playback::PartSource;
pub use playback::sealed::{BLOCK_US, Ring, Sealed, SealedRun, Shape, Share, micros, us};
use seal::{KeyRing, RecipientType};
use shared::Track;
use vault::{Recording, RecordingReader};

/// Why there is no sound.
#[derive(Debug, thiserror::Error)]
pub enum SoundError {
    /// The sealed files, or what is in them.
    #[error(transparent)]
    Sound(#[from] playback::SoundError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] vault::VaultError),
    /// The program behind the doors.
    #[error(transparent)]
    Host(#[from] crate::HostError),
}

/// The result of this module.
pub type Result<T> = std::result::Result<T, SoundError>;

impl From<RenderError> for SoundError {
    fn from(error: RenderError) -> Self {
        Self::Sound(error.into())
    }
}

impl From<std::io::Error> for SoundError {
    fn from(error: std::io::Error) -> Self {
        Self::Sound(error.into())
    }
}

/// Opens the parts of a recording. `readers` are those of [`vault::Vault::open_recording`].
///
/// # Errors
/// A part that does not open with these keys.
pub fn open(
    recording: &Recording,
    readers: Vec<RecordingReader>,
    keys: &dyn KeyRing,
    min_suite: RecipientType,
) -> Result<Sealed> {
    let parts = readers.into_iter().map(|RecordingReader { row, io }| {
        let tracks = recording.legs.iter().filter(|leg| leg.part == row.part).map(|leg| leg.track.clone());
        PartSource {
            number: row.part,
            offset_us: us(row.started_at.since(recording.facts.started_at)),
            tracks: Some(tracks.collect::<Vec<Track>>()),
            path: row.path,
            io: Box::new(io),
        }
    });
    Ok(Sealed::open(parts, keys, min_suite)?)
}
