//! The sidecar of an exported recording: what the catalogue knows of it, and what proves it. One shape for the command line and the
//! console.

use playback::proof::add_to;
pub use playback::proof::{Exported, ExportedFile, SealSeen, legs_word, text};
use seal::KeyRing;
use serde_json::{Value, json};
use shared::Zone;
use vault::{Recording, Vault};

use super::sealed::{Result, Sealed};
use super::view;

/// Reads every part from end to end and judges it by its heads, digests and signature.
///
/// # Errors
/// A file that is not there or cannot be read; what is wrong with one stands in its report.
pub fn seals(
    vault: &Vault,
    keys: &dyn KeyRing,
    recording: &Recording,
    sealed: &Sealed,
) -> Result<Vec<SealSeen>> {
    let readers = vault.open_recording(recording.facts.recording_id)?;
    let mut seen = Vec::with_capacity(readers.len());
    for (reader, (_, state)) in readers.into_iter().zip(sealed.states()) {
        seen.push(SealSeen::read(reader.row.path, state, reader.io, keys)?);
    }
    Ok(seen)
}

/// Makes the sidecar.
#[must_use]
pub fn sidecar(recording: &Recording, zone: &Zone, site_id: &str, exported: &Exported) -> Value {
    let mut value = view::recording(recording, zone);
    if let Value::Object(members) = &mut value {
        add_to(members, exported);
        members.insert("site_id".into(), json!(site_id));
    }
    value
}
