//! Exports of the console, judged by their signed report: one ZIP, or the folder that it was unpacked to.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

use anyhow::Context as _;
use archive::certs::{Certs, Role};
use seal::VerifyingKey;
use serde_json::{Value, json};
use web::sound::report::{Found, Judgement, REPORT_NAME, judge as judge_files, judge_zip};

use crate::failure::{Failure, Kind};
use crate::terminal;

/// Tells whether a path is an export rather than sealed files.
pub(crate) fn is_export(path: &Path) -> bool {
    let zip = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("zip"));
    zip && path.is_file() || path.join(REPORT_NAME).is_file()
}

/// Judges an export. Without certificates nobody's signature is known.
///
/// # Errors
/// It cannot be read, or is no ZIP of AMETHYST at all.
pub(crate) fn judge(path: &Path, certs: Option<&Certs>) -> anyhow::Result<Judgement> {
    let central = certs.into_iter().flat_map(Certs::all).filter(|cert| cert.role == Role::Central);
    let keys: Vec<VerifyingKey> = central.map(|cert| cert.key).collect();
    if path.is_dir() {
        return folder(path, &keys).with_context(|| format!("cannot read {}", path.display()));
    }
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    judge_zip(BufReader::with_capacity(256 << 10, file), &keys)
        .map_err(|error| Failure::new(Kind::Input, format!("{}: {error}", path.display())).into())
}

fn folder(path: &Path, keys: &[VerifyingKey]) -> anyhow::Result<Judgement> {
    let report = fs::read(path.join(REPORT_NAME))?;
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != REPORT_NAME && entry.file_type()?.is_file() {
            let mut file = BufReader::with_capacity(256 << 10, File::open(entry.path())?);
            found.insert(name, Found::read(&mut file)?);
        }
    }
    Ok(judge_files(&report, &found, keys))
}

pub(crate) fn print(path: &Path, judged: &Judgement) {
    let word = if judged.is_proven() { "ok   " } else { "WRONG" };
    let about = judged.report.as_ref().map_or_else(String::new, |report| {
        format!("{} files, exported at {} by {}", report.files.len(), report.made_at, report.by)
    });
    let signer =
        judged.signer.map_or_else(|| "no signature that holds".to_owned(), |id| format!("signed by {id}"));
    terminal::line(&format!("{word} {}  {about}, {signer}", path.display()));
    for fault in &judged.faults {
        terminal::line(&format!("        {fault}"));
    }
}

pub(crate) fn as_json(path: &Path, judged: &Judgement) -> Value {
    json!({
        "path": path,
        "proven": judged.is_proven(),
        "signer": judged.signer.map(|id| id.to_string()),
        "made_at": judged.report.as_ref().map(|report| report.made_at.clone()),
        "files": judged.report.as_ref().map(|report| report.files.len()),
        "recordings": judged.report.as_ref().map(|report| report.recordings.len()),
        "not_exported": judged.report.as_ref().map(|report| report.failed.len()),
        "findings": judged.faults,
    })
}
