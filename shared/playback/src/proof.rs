//! What is said of a recording that left its seal: the files, where samples are missing and why, and what proves it. One shape for
//! the command line, the console and the listener's program.

use audio::{Legs, RenderReport};
use seal::{KeyRing, Signer, State};
use serde_json::{Map, Value, json};
use shared::{Event, GapCause, GapTotals};

use crate::gaps::{Gap, GapMap};
use crate::sealed::{ReadSeek, Result, SoundError};

/// All causes in the order of their numbers.
pub const CAUSES: [GapCause; 6] = [
    GapCause::None,
    GapCause::LostInNetwork,
    GapCause::LostByRecorder,
    GapCause::Paused,
    GapCause::SilenceSuppressed,
    GapCause::Undecodable,
];

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

impl SealSeen {
    /// Reads a part from end to end and judges it by its heads, digests and signature. `state` is what its keys showed.
    ///
    /// # Errors
    /// A failed read; what is wrong with the file stands in the report.
    pub fn read(path: String, state: State, io: impl ReadSeek, keys: &dyn KeyRing) -> Result<Self> {
        let io = std::io::BufReader::with_capacity(256 << 10, io);
        match seal::verify(io, &|id| keys.verifying_key(id)) {
            Ok(report) => Ok(Self { path, state, report }),
            Err(source) => Err(SoundError::Seal { path, source }),
        }
    }
}

/// Adds to the members of a sidecar what was made, where samples are missing and what the seals say.
pub fn add_to(members: &mut Map<String, Value>, exported: &Exported) {
    members.insert("exported".into(), made(exported));
    members.insert("gap_map".into(), Value::Array(exported.gaps.iter().map(track_gaps).collect()));
    members.insert("seal".into(), Value::Array(exported.seals.iter().map(seal_of).collect()));
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

/// Returns samples missing by cause, under the causes' names.
#[must_use]
pub fn gaps(totals: &GapTotals) -> Value {
    let named = CAUSES.iter().zip(totals.0).map(|(cause, samples)| (cause.word().to_owned(), json!(samples)));
    Value::Object(named.collect::<Map<_, _>>())
}

/// Returns an event.
#[must_use]
pub fn event(event: &Event) -> Value {
    let members = event.members.iter().map(|(name, value)| (name.clone(), member(value)));
    json!({
        "kind": event.kind,
        "t_us": event.t_us,
        "track": event.track,
        "members": Value::Object(members.collect()),
    })
}

/// Writes octets as hexadecimal digits.
#[must_use]
pub fn hex(octets: &[u8]) -> String {
    use std::fmt::Write as _;
    octets.iter().fold(String::with_capacity(octets.len().saturating_mul(2)), |mut text, octet| {
        // Writing to a String cannot fail.
        let _always_ok = write!(text, "{octet:02x}");
        text
    })
}

fn member(value: &shared::Value) -> Value {
    match value {
        shared::Value::Int(n) => json!(n),
        shared::Value::Text(text) => json!(text),
        shared::Value::Octets(octets) => json!(hex(octets)),
        shared::Value::Bool(yes) => json!(yes),
    }
}

/// Returns the sidecar as it is written to a file.
#[must_use]
pub fn text(value: &Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}

fn made(exported: &Exported) -> Value {
    let line = |f: &ExportedFile| json!({ "name": f.name, "bytes": f.bytes, "sha256": hex(&f.sha256) });
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
        "sha256": report.facts.map(|f| hex(&f.sha256)),
        "blake3": report.facts.map(|f| hex(&f.blake3)),
        "findings": findings,
    })
}
