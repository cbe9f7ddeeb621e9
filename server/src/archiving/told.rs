//! What a run did, told: a sentence for people, a document for programs. The same whether the command line ran it or the server.

use archive::Outcome;
use archiver::engine::Summary;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vault::LocationRow;

use crate::cmds::location::location_json;
use crate::failure::code_of;

/// What a run on one location did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Told {
    /// Everything that was due is there.
    pub(crate) well: bool,
    /// For people: what happened, then what could not be carried.
    pub(crate) lines: Vec<String>,
    /// For programs.
    pub(crate) document: Value,
    /// The exit code of its error, if it did not do its work at all.
    pub(crate) code: Option<u8>,
}

/// Tells it.
pub(crate) fn told(location: &LocationRow, done: &anyhow::Result<Summary>) -> Told {
    let mut lines = vec![sentence(location, done)];
    if let Ok(summary) = done {
        lines.extend(summary.troubles.iter().map(|trouble| format!("  {trouble}")));
    }
    Told {
        well: done.as_ref().is_ok_and(|summary| summary.outcome == Outcome::Complete),
        lines,
        document: document(location, done),
        code: done.as_ref().err().map(code_of),
    }
}

fn sentence(location: &LocationRow, done: &anyhow::Result<Summary>) -> String {
    let name = &location.name;
    match done {
        Err(error) => format!("{name}: {error:#}"),
        Ok(s) => {
            let proven = format!("{} files ({} MiB) proven", s.parts, s.bytes >> 20);
            match (s.outcome, &s.early) {
                (Outcome::Complete, _) if s.parts == 0 => format!("{name}: everything was there already"),
                (Outcome::Complete, _) => format!("{name}: {proven}; everything is there"),
                (Outcome::Holes, _) => {
                    format!("{name}: {proven}; {} could not be carried and stay due", s.troubles.len())
                }
                (Outcome::Early, why) => {
                    let why = why.as_deref().unwrap_or("it was stopped");
                    format!("{name}: {proven}, {} stay due: {why}", s.left)
                }
            }
        }
    }
}

fn document(location: &LocationRow, done: &anyhow::Result<Summary>) -> Value {
    match done {
        Err(error) => json!({ "location": location_json(location), "error": format!("{error:#}") }),
        Ok(s) => json!({
            "location": location_json(location),
            "run_id": s.run_id.to_string(),
            "outcome": s.outcome.word(),
            "files": s.parts,
            "bytes": s.bytes,
            "left": s.left,
            "early": s.early,
            "troubles": s.troubles,
            "checkpoint": s.checkpoint,
        }),
    }
}
