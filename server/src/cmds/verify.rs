//! `amethyst verify`: what can be judged about sealed files without any private key.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use archive::SiteJson;
use archive::certs::Certs;
use seal::{Report, Signer};
use serde_json::{Value, json};

use super::{archived, exported};
use crate::cli::Verify;
use crate::failure::{Failure, Kind};
use crate::site::{newest_certs, read};
use crate::{terminal, view};

/// Runs the command. The exit code is 1 when a file is not proven: something is wrong with it, or nobody known signed it.
///
/// # Errors
/// A path that is not there, certificates that do not hold.
pub(crate) fn run(words: &Verify) -> anyhow::Result<u8> {
    let (mut files, mut exports, mut archives) = (Vec::new(), Vec::new(), Vec::new());
    for path in &words.paths {
        if let Some(root) = archived::root_of(path) {
            archives.push(root);
        } else if exported::is_export(path) {
            exports.push(path.clone());
        } else {
            gather(path, &mut files).with_context(|| format!("cannot look at {}", path.display()))?;
        }
    }
    if files.is_empty() && exports.is_empty() && archives.is_empty() {
        let text = "there is no archive, no sealed file (.amx) and no export (.zip, or a folder with report.json) at the given paths";
        return Err(Failure::new(Kind::Input, text).into());
    }
    let (mut lines, mut bad) = (Vec::new(), 0_u64);
    for root in &archives {
        let report = archived::judge(root, words.site.as_deref(), words.checkpoint.as_deref())?;
        bad = bad.saturating_add(u64::from(!report.is_proven()));
        if words.json {
            lines.push(archived::as_json(root, &report));
        } else {
            archived::print(root, &report, words.site.is_some());
        }
    }
    let bad_archives = bad;
    let certs = words
        .site
        .clone()
        .or_else(|| words.paths.iter().find_map(|p| site_above(p)))
        .map(|site| trusted(&site));
    let certs = certs.transpose()?;
    if certs.is_none() && !(files.is_empty() && exports.is_empty()) {
        terminal::say(
            "no certificates found near the files: signatures cannot be judged. Give --site DIR, the `site` folder of the data folder",
        );
    }
    for path in &exports {
        let judged = exported::judge(path, certs.as_ref())?;
        bad = bad.saturating_add(u64::from(!judged.is_proven()));
        if words.json { lines.push(exported::as_json(path, &judged)) } else { exported::print(path, &judged) }
    }
    for path in &files {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let key = |id| certs.as_ref().and_then(|c| c.key(id));
        let report = seal::verify(BufReader::with_capacity(256 << 10, file), &key)?;
        bad = bad.saturating_add(u64::from(!report.is_proven()));
        if words.json { lines.push(as_json(path, &report)) } else { print(path, &report) }
    }
    if words.json {
        terminal::json(&Value::Array(lines));
    } else if !(files.is_empty() && exports.is_empty()) {
        let all = files.len().saturating_add(exports.len());
        let proven = u64::try_from(all).unwrap_or(u64::MAX).saturating_sub(bad.saturating_sub(bad_archives));
        let by = if files.is_empty() { "central" } else { "a known recorder" };
        terminal::line(&format!("{proven} of {all} files proven whole and signed by {by}"));
    }
    Ok(u8::from(bad > 0))
}

/// Reads the certificates of a `site` folder, verified up to the root.
///
/// # Errors
/// They are not there or do not hold.
pub(crate) fn trusted(site: &Path) -> anyhow::Result<Certs> {
    let card = SiteJson::parse(&read(&site.join("site.json"))?)
        .map_err(|e| Failure::new(Kind::Input, format!("{}: {e}", site.join("site.json").display())))?;
    newest_certs(site, &card)
}

/// Finds the `site` folder beside or above a path.
fn site_above(path: &Path) -> Option<PathBuf> {
    let whole = path.canonicalize().ok()?;
    let sites = whole.ancestors().map(|folder| folder.join("site"));
    sites.take(8).find(|site| site.join("site.json").is_file())
}

fn gather(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !fs::metadata(path)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut names: Vec<PathBuf> =
        fs::read_dir(path)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    names.sort();
    for name in names {
        if name.is_dir() || name.extension().is_some_and(|e| e == "amx") {
            gather(&name, files)?;
        }
    }
    Ok(())
}

fn signature(report: &Report) -> String {
    match report.signer {
        Some(Signer::Good(id)) => format!("signed by {id}"),
        Some(Signer::Bad(id)) => format!("THE SIGNATURE BY {id} IS FALSE"),
        Some(Signer::Unknown(id)) => format!("signed by {id}, whom no certificate here knows"),
        None => "not signed".to_owned(),
    }
}

fn print(path: &Path, report: &Report) {
    let word = if report.is_proven() { "ok   " } else { "WRONG" };
    let recovered = report.trailer.as_ref().is_some_and(|t| t.recovered);
    let how = if recovered { ", closed by recovery after a crash" } else { "" };
    terminal::line(&format!(
        "{word} {}  {} frames, {}{how}",
        path.display(),
        report.frames,
        signature(report)
    ));
    for finding in &report.findings {
        terminal::line(&format!("        at byte {}: {}", finding.offset, finding.fault));
    }
    if report.more_findings > 0 {
        terminal::line(&format!("        and {} more", report.more_findings));
    }
}

fn as_json(path: &Path, report: &Report) -> Value {
    let findings = report.findings.iter().map(|f| json!({ "offset": f.offset, "what": f.fault.to_string() }));
    json!({
        "path": path,
        "proven": report.is_proven(),
        "sound": report.is_sound(),
        "recording_id": report.header.as_ref().map(|h| h.spec.recording_id.to_string()),
        "part": report.header.as_ref().map(|h| h.spec.part),
        "frames": report.frames,
        "recovered": report.trailer.as_ref().map(|t| t.recovered),
        "signature": signature(report),
        "sha256": report.facts.map(|f| view::hex(&f.sha256)),
        "blake3": report.facts.map(|f| view::hex(&f.blake3)),
        "findings": findings.collect::<Vec<_>>(),
        "more_findings": report.more_findings,
    })
}
