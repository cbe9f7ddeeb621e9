//! From sealed parts to files: the same blocks of sound that the console plays, one after the other.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use audio::Legs;
use shared::Role;
use web::sound::encode::{Encoding, Format as Sound, RawTake};
use web::sound::sealed::{self, Sealed};
use web::sound::sidecar::Exported;

use super::whole_file;
use crate::failure::{Failure, Kind};

/// Writes the sound of a recording; returns its length in microseconds.
pub(crate) fn to_sound(
    sealed: &mut Sealed,
    format: Sound,
    legs: Legs,
    path: &Path,
    exported: &mut Exported,
) -> anyhow::Result<u64> {
    let mut encoding = Encoding::new(sealed, format, legs).map_err(no_sound)?;
    let shape = *encoding.shape();
    exported.sound = Some((shape.rate_hz, shape.channels));
    whole_file(path, |out| {
        while let Some(piece) = encoding.step(sealed)? {
            out.write_all(&piece)?;
        }
        Ok(())
    })?;
    exported.report = Some(encoding.into_report());
    Ok(sealed.length_us())
}

/// Writes the octets of each wanted track to a file of its own; returns the files.
pub(crate) fn to_raw(
    sealed: &mut Sealed,
    legs: Legs,
    out: &Path,
    stem: &str,
) -> anyhow::Result<Vec<PathBuf>> {
    let wanted = |role| match legs {
        Legs::Near => role == Role::Near,
        Legs::Far => role == Role::Far,
        Legs::Both | Legs::Leg(_) => true,
    };
    let tracks: Vec<_> = sealed.tracks().iter().filter(|track| wanted(track.role)).cloned().collect();
    let mut files = Vec::new();
    for track in &tracks {
        let mut raw = RawTake::new(track)?;
        let path = out.join(format!("{stem}_{}", raw.name_end()));
        whole_file(&path, |file: &mut BufWriter<File>| {
            while let Some(piece) = raw.step(sealed)? {
                file.write_all(&piece)?;
            }
            Ok(())
        })?;
        files.push(path);
    }
    Ok(files)
}

/// Says why there is no sound, and what can be had instead.
fn no_sound(error: playback::SoundError) -> anyhow::Error {
    if let playback::SoundError::Render(audio::RenderError::NoDecoder(_)) = &error {
        let text =
            format!("{error}. The octets as received are kept: `amethyst export --format raw` gives them");
        return Failure::new(Kind::Input, text).into();
    }
    anyhow::Error::from(error)
}

/// Opens the sealed files of a recording.
pub(crate) fn open(job: &super::Job<'_>, recording: &vault::Recording) -> anyhow::Result<Sealed> {
    let readers = job.vault.open_recording(recording.facts.recording_id)?;
    sealed::open(recording, readers, &*job.site.keys, job.site.card.min_suite)
        .with_context(|| format!("{} cannot be opened", recording.facts.reference))
}
