//! An archive that `verify` is pointed at: the folder on a drive or share, judged without any key.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use archive::certs::Certs;
use archive::log::Checkpoint;
use archive::verify::{Entry, Fault, Finding, Known, Medium, Progress, Report, documents, verify};
use archive::{CARD_NAME, SiteJson, layout};
use archiver::keyfiles;
use serde_json::{Value, json};

use crate::failure::{Failure, Kind};
use crate::site::read;
use crate::terminal;

/// Files of `keys/` are shorter.
const KEY_FILE_MAX: u64 = 64 << 20;

/// Returns the root folder of an archive if `path` is one, or holds one.
pub(crate) fn root_of(path: &Path) -> Option<PathBuf> {
    // Either document and any of the folders: an archive from which one was taken away must not pass for none.
    let is_root = |root: &Path| {
        [layout::SITE_NAME, CARD_NAME].iter().any(|name| root.join(name).is_file())
            && ["keys", "log", "runs"].iter().any(|name| root.join(name).is_dir())
    };
    [path.join(layout::ROOT), path.to_owned()].into_iter().find(|root| is_root(root))
}

/// Judges the archive in `root`.
///
/// # Errors
/// `site.json` or the checkpoint to compare with cannot be read.
pub(crate) fn judge(root: &Path, site: Option<&Path>, checkpoint: Option<&Path>) -> anyhow::Result<Report> {
    let medium = Folder(root.to_owned());
    let known_site = site.map(known_site).transpose()?;
    let mut known = Known { site: known_site, checkpoint: None };
    let trusted = documents(&medium, &known);
    if let (Some(path), Some((site, certs))) = (checkpoint, &trusted) {
        known.checkpoint = Some(kept(path, site, certs)?);
    }
    let bar = terminal::reading("reading");
    let mut report = verify(&medium, &known, &mut |progress| match progress {
        Progress::Bytes(read) => bar.set_position(read),
        Progress::Whole(_recording) => {}
    });
    bar.finish_and_clear();
    report.findings.extend(keys(&medium, &known));
    Ok(report)
}

fn known_site(folder: &Path) -> anyhow::Result<SiteJson> {
    let path = folder.join(layout::SITE_NAME);
    let site = SiteJson::parse(&read(&path)?);
    Ok(site.map_err(|e| Failure::new(Kind::Input, format!("{}: {e}", path.display())))?)
}

/// A checkpoint that was kept apart must be central's too, or it would accuse a medium of anything.
fn kept(path: &Path, site: &SiteJson, certs: &Certs) -> anyhow::Result<Checkpoint> {
    let note = String::from_utf8(read(path)?).unwrap_or_default();
    let opened = certs.central_keys().find_map(|key| Checkpoint::open(&note, &key).ok());
    let text = || format!("{} is no checkpoint that central of this site signed", path.display());
    Ok(opened.filter(|c| c.site_id == site.site_id).ok_or_else(|| Failure::new(Kind::Input, text()))?)
}

/// What lies in `keys/`: form, site and signature.
pub(super) fn keys(medium: &dyn Medium, known: &Known) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some((site, certs)) = &documents(medium, known) else { return findings };
    let mut has = [("slots-", false), ("keyvault-", false), ("recovery-", false)];
    for entry in medium.list("keys").unwrap_or_default() {
        let path = format!("keys/{}", entry.name);
        has.iter_mut().for_each(|(prefix, there)| *there |= entry.name.starts_with(*prefix));
        let read = medium.open(&path).and_then(|io| {
            let mut bytes = Vec::new();
            io.take(KEY_FILE_MAX).read_to_end(&mut bytes).map(|_len| bytes)
        });
        let fault = match read.map(|bytes| keyfiles::judge(&entry.name, &bytes, site, certs)) {
            Ok(Some(Ok(()))) => continue,
            Ok(Some(Err(e))) => Fault::Document(e.to_string()),
            Ok(None) if entry.name.ends_with(".part") => Fault::Leftover,
            Ok(None) => Fault::Stranger,
            Err(e) => Fault::Unreadable(e.to_string()),
        };
        findings.push(Finding { path, fault });
    }
    for (prefix, _) in has.iter().filter(|(_, there)| !there) {
        let what = match *prefix {
            "recovery-" => "without it nobody can restore the site from this medium",
            _ => "without it nobody can listen to what lies on this medium",
        };
        findings.push(Finding { path: format!("keys/{prefix}*"), fault: Fault::Missing(what.to_owned()) });
    }
    findings
}

/// Says what was found, for people.
pub(crate) fn print(root: &Path, report: &Report, knows_site: bool) {
    terminal::line(&format!("archive {}", root.display()));
    if let Some(card) = &report.card {
        terminal::line(&format!(
            "        site {}, location {}, medium {} of generation {}",
            card.site_id, card.location_id, card.media_id, card.media_gen
        ));
    }
    for finding in &report.findings {
        let word = if finding.fault.is_grave() { "WRONG" } else { "note " };
        terminal::line(&format!("{word} {}: {}", finding.path, finding.fault));
    }
    if report.more_findings > 0 {
        terminal::line(&format!("        and {} more", report.more_findings));
    }
    if report.is_blind {
        return terminal::line("NOTHING COULD BE JUDGED: what everything hangs on is missing or forged");
    }
    let word = if report.is_proven() { "ok   " } else { "WRONG" };
    terminal::line(&format!(
        "{word} {} recordings of {} days are what was sealed; {} manifests, {} run reports, {} backups; a log of {} leaves",
        report.recordings, report.days, report.manifests, report.runs, report.backups, report.leaves
    ));
    if report.aside > 0 {
        terminal::line(&format!(
            "note  aside: {} bad files were kept when good copies took their places; they count for nothing",
            report.aside
        ));
    }
    if !knows_site {
        terminal::say(
            "site.json on the medium was taken at its word: give --site DIR (the `site` folder of the data folder) to be sure whose it is",
        );
    }
}

/// Says what was found, for programs.
pub(crate) fn as_json(root: &Path, report: &Report) -> Value {
    let finding =
        |f: &Finding| json!({ "path": f.path, "what": f.fault.to_string(), "grave": f.fault.is_grave() });
    let card = report.card.as_ref().map(|card| {
        json!({
            "site_id": card.site_id.to_string(),
            "location_id": card.location_id.to_string(),
            "media_id": card.media_id.to_string(),
            "media_gen": card.media_gen,
        })
    });
    json!({
        "path": root,
        "archive": card,
        "proven": report.is_proven(),
        "blind": report.is_blind,
        "days": report.days,
        "manifests": report.manifests,
        "runs": report.runs,
        "last_run_us": report.last_run.map(|at| at.0),
        "leaves": report.leaves,
        "checkpoint": report.checkpoint,
        "recordings": report.recordings,
        "backups": report.backups,
        "aside": report.aside,
        "bytes_read": report.bytes,
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "more_findings": report.more_findings,
    })
}

/// A folder of the file system. Links are not followed: what is none of ours is shown, and opened by nobody.
struct Folder(PathBuf);

impl Medium for Folder {
    fn list(&self, folder: &str) -> io::Result<Vec<Entry>> {
        let path = if folder.is_empty() { self.0.clone() } else { self.0.join(folder) };
        let mut entries = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            entries.push(Entry { name, is_folder: entry.file_type()?.is_dir() });
        }
        Ok(entries)
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>> {
        let path = self.0.join(path);
        if !fs::symlink_metadata(&path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file"));
        }
        Ok(Box::new(File::open(path)?))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_link_is_seen_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), b"x").unwrap();
        std::os::unix::fs::symlink("file", folder.path().join("link")).unwrap();
        let medium = Folder(folder.path().to_owned());
        assert_eq!(medium.list("").unwrap().len(), 2);
        assert!(medium.open("file").is_ok() && medium.open("link").is_err());
    }

    #[test]
    fn an_archive_is_told_from_a_data_folder() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("AMETHYST/keys")).unwrap();
        assert_eq!(root_of(folder.path()), None);
        fs::write(folder.path().join("AMETHYST/site.json"), b"{}").unwrap();
        let root = folder.path().join("AMETHYST");
        assert_eq!(root_of(folder.path()), Some(root.clone()));
        assert_eq!(root_of(&root), Some(root));
    }
}
