//! Finding the recording that a person names: by reference or by id.

use shared::{RecordingId, Reference};
use vault::{Query, Recording, Vault};

use crate::failure::{Failure, Kind};

/// Returns the recordings named `text`: one by id; by reference usually one, more when the disk failed in mid-call.
///
/// # Errors
/// It is neither a reference nor an id, or there is no such recording.
pub(crate) fn by_name(vault: &Vault, text: &str) -> anyhow::Result<Vec<Recording>> {
    let found: Vec<Recording> = if let Ok(id) = text.parse::<RecordingId>() {
        vault.recording(id)?.into_iter().collect()
    } else if let Ok(reference) = text.parse::<Reference>() {
        let page = vault.find(&Query { reference: Some(reference), ..Query::default() })?;
        let whole = page.recordings.iter().map(|r| vault.recording(r.facts.recording_id));
        whole.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect()
    } else {
        let what = format!(
            "`{text}` is neither a reference like A261122-000002 nor an id; `amethyst list` shows both"
        );
        return Err(Failure::new(Kind::Usage, what).into());
    };
    if found.is_empty() {
        return Err(Failure::new(
            Kind::Input,
            format!("there is no recording {text}; `amethyst list` shows what there is"),
        )
        .into());
    }
    Ok(found)
}
