//! The sidecar of an exported file: what it is, what is missing and why, and what proves it.

use std::path::PathBuf;

use seal::{Signer, State};
use serde_json::{Map, Value, json};
use vault::Recording;

use super::Job;
use super::render::{Gap, Notes, OpenPart};
use crate::cli::LegChoice;
use crate::{disk, view};

/// Makes the sidecar of a recording that was exported to `files`.
pub(crate) fn of(
    job: &Job<'_>,
    recording: &Recording,
    files: &[PathBuf],
    notes: &Notes,
    parts: &[OpenPart],
) -> anyhow::Result<Value> {
    let whole = job.vault.recording(recording.facts.recording_id)?;
    let mut value = view::recording(whole.as_ref().unwrap_or(recording), &job.site.card.zone);
    if let Value::Object(members) = &mut value {
        members.insert("exported".into(), exported(job, files, notes)?);
        members.insert("gap_map".into(), Value::Array(notes.gaps.iter().map(track_gaps).collect()));
        members.insert(
            "seal".into(),
            Value::Array(parts.iter().map(|p| seal_of(job, p)).collect::<Result<_, _>>()?),
        );
        members.insert("site_id".into(), json!(job.site.card.site_id.to_string()));
    }
    Ok(value)
}

fn exported(job: &Job<'_>, files: &[PathBuf], notes: &Notes) -> anyhow::Result<Value> {
    let mut list = Vec::new();
    for path in files {
        let (sha256, bytes) = disk::sha256(path)?;
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
        list.push(json!({ "name": name, "bytes": bytes, "sha256": view::hex(&sha256) }));
    }
    let leg = match job.words.leg {
        LegChoice::Near => "near",
        LegChoice::Far => "far",
        LegChoice::Both => "both",
    };
    let mut members = Map::new();
    members.insert("files".into(), Value::Array(list));
    members.insert("leg".into(), json!(leg));
    if let Some((rate_hz, channels)) = notes.sound {
        members.insert("rate_hz".into(), json!(rate_hz));
        members.insert("channels".into(), json!(channels));
    }
    if let Some(report) = &notes.report {
        members.insert("frames".into(), json!(report.frames));
        members.insert(
            "silent_tracks".into(),
            json!(report.no_decoder.iter().map(ToString::to_string).collect::<Vec<_>>()),
        );
        members.insert("damaged_runs".into(), json!(report.damaged_runs));
    }
    Ok(Value::Object(members))
}

fn track_gaps(((part, track), gaps): (&(u16, u8), &Vec<Gap>)) -> Value {
    let line =
        |gap: &Gap| json!({ "from_sample": gap.from, "samples": gap.samples, "cause": gap.cause.word() });
    json!({ "part": part, "track": track, "gaps": gaps.iter().map(line).collect::<Vec<_>>() })
}

/// Says how whole a part is and what its signature is worth. The digests are computed anew from the file.
fn seal_of(job: &Job<'_>, open: &OpenPart) -> anyhow::Result<Value> {
    let state = match open.part.state() {
        State::Complete => "complete",
        State::Unfinished => "unfinished",
        State::Recovered => "recovered",
        State::DamagedInside => "damaged-inside",
    };
    let file = std::fs::File::open(job.site.dir.join(&open.row.path))?;
    let report = seal::verify(std::io::BufReader::with_capacity(256 << 10, file), &|id| {
        seal::KeyRing::verifying_key(&*job.site.keys, id)
    })?;
    let signature = match report.signer {
        Some(Signer::Good(_)) => "good",
        Some(Signer::Bad(_)) => "BAD",
        Some(Signer::Unknown(_)) => "unknown signer",
        None => "none",
    };
    let findings: Vec<String> =
        report.findings.iter().map(|f| format!("byte {}: {}", f.offset, f.fault)).collect();
    Ok(json!({
        "path": open.row.path,
        "state": state,
        "signature": signature,
        "digests_match": report.is_sound(),
        "sha256": report.facts.map(|f| view::hex(&f.sha256)),
        "blake3": report.facts.map(|f| view::hex(&f.blake3)),
        "findings": findings,
    }))
}
