//! The sidecar of an exported recording: what it is, what is missing and why, and what proves it. One shape for the command
//! line and the console.

use audio::{Legs, RenderReport};
use seal::{KeyRing, Signer, State};
use serde_json::{Map, Value, json};
use shared::Zone;
use vault::{Recording, Vault};

use super::gaps::{Gap, GapMap};
use super::sealed::{Result, Sealed, SoundError};
use super::view;

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedFile {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its digest.
    pub sha256: [u8; 32],
}

/// What was made of a recording.
#[derive(Debug, Clone, Default)]
pub struct Exported {
    /// The files.
    pub files: Vec<ExportedFile>,
    /// Which legs.
    pub legs: Legs,
    /// Rate and channels of the sound.
    pub sound: Option<(u32, u8)>,
    /// What rendering met.
    pub report: Option<RenderReport>,
    /// Where samples are missing.
    pub gaps: GapMap,
    /// What the seal of each part says.
    pub seals: Vec<SealSeen>,
}

/// How whole a part is and what its signature is worth, by reading all of it.
#[derive(Debug, Clone)]
pub struct SealSeen {
    /// The file.
    pub path: String,
    /// How whole it is.
    pub state: State,
    /// What was found without a key.
    pub report: seal::Report,
}

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
        let path = reader.row.path;
        let io = std::io::BufReader::with_capacity(256 << 10, reader.io);
        let report = seal::verify(io, &|id| keys.verifying_key(id));
        let report = report.map_err(|source| SoundError::Seal { path: path.clone(), source })?;
        seen.push(SealSeen { path, state, report });
    }
    Ok(seen)
}

/// Returns the word for which legs.
#[must_use]
pub fn legs_word(legs: Legs) -> &'static str {
    match legs {
        Legs::Near => "near",
        Legs::Far => "far",
        Legs::Both => "both",
        Legs::Leg(_) => "leg",
    }
}

/// Makes the sidecar.
#[must_use]
pub fn sidecar(recording: &Recording, zone: &Zone, site_id: &str, exported: &Exported) -> Value {
    let mut value = view::recording(recording, zone);
    if let Value::Object(members) = &mut value {
        members.insert("exported".into(), made(exported));
        members.insert("gap_map".into(), Value::Array(exported.gaps.iter().map(track_gaps).collect()));
        members.insert("seal".into(), Value::Array(exported.seals.iter().map(seal_of).collect()));
        members.insert("site_id".into(), json!(site_id));
    }
    value
}

/// Returns the sidecar as it is written to a file.
#[must_use]
pub fn text(value: &Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}

fn made(exported: &Exported) -> Value {
    let line = |f: &ExportedFile| json!({ "name": f.name, "bytes": f.bytes, "sha256": view::hex(&f.sha256) });
    let mut members = Map::new();
    members.insert("files".into(), Value::Array(exported.files.iter().map(line).collect()));
    members.insert("leg".into(), json!(legs_word(exported.legs)));
    if let Some((rate_hz, channels)) = exported.sound {
        members.insert("rate_hz".into(), json!(rate_hz));
        members.insert("channels".into(), json!(channels));
    }
    if let Some(report) = &exported.report {
        let silent: Vec<String> = report.no_decoder.iter().map(ToString::to_string).collect();
        members.insert("frames".into(), json!(report.frames));
        members.insert("silent_tracks".into(), json!(silent));
        members.insert("damaged_runs".into(), json!(report.damaged_runs));
    }
    Value::Object(members)
}

fn track_gaps(((part, track), gaps): (&(u16, u8), &Vec<Gap>)) -> Value {
    let line =
        |gap: &Gap| json!({ "from_sample": gap.from, "samples": gap.samples, "cause": gap.cause.word() });
    json!({ "part": part, "track": track, "gaps": gaps.iter().map(line).collect::<Vec<_>>() })
}

fn seal_of(seen: &SealSeen) -> Value {
    let state = match seen.state {
        State::Complete => "complete",
        State::Unfinished => "unfinished",
        State::Recovered => "recovered",
        State::DamagedInside => "damaged-inside",
    };
    let report = &seen.report;
    let signature = match report.signer {
        Some(Signer::Good(_)) => "good",
        Some(Signer::Bad(_)) => "BAD",
        Some(Signer::Unknown(_)) => "unknown signer",
        None => "none",
    };
    let findings: Vec<String> =
        report.findings.iter().map(|f| format!("byte {}: {}", f.offset, f.fault)).collect();
    json!({
        "path": seen.path,
        "state": state,
        "signature": signature,
        "digests_match": report.is_sound(),
        "sha256": report.facts.map(|f| view::hex(&f.sha256)),
        "blake3": report.facts.map(|f| view::hex(&f.blake3)),
        "findings": findings,
    })
}
