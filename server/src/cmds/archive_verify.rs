//! `amethyst archive verify`: reads everything on a connected medium again and says how far it may be trusted from now on.
//!
//! What is whole is proven anew (level 4), so that a restore's lowered proofs count again and a medium that was suspect is
//! cleared. If anything that was proven is missing or altered, the medium is suspect: nothing is archived to it and nothing is
//! purged because of it until a person has seen to it.

use std::path::Path;

use archive::log::RecordingLeaf;
use archive::verify::{Fault, Known, Progress, Report, verify};
use archive::{Level, layout};
use archiver::judged::{Judged, Mounted, Reached};
use serde_json::Value;
use shared::{MediaId, RecordingId, UtcMicros};
use vault::{CheckKind, CheckRow, LocationKind, LocationRow, MediumState, Use, Vault};

use super::archived;
use crate::archiving::checks::Steps;
use crate::archiving::{chosen, launch, reach};
use crate::cli::ArchiveVerify;
use crate::failure::{Failure, Kind};
use crate::site::Site;
use crate::{terminal, world};

/// Proofs noted in one transaction.
const AT_ONCE: usize = 1_000;
/// Findings that are kept; the medium has them all.
const FINDINGS_KEPT: usize = 50;

/// Runs the command. The exit code is 1 when something is wrong on a medium, or could not be proven.
///
/// # Errors
/// The data folder cannot be used, or no medium of the location is connected.
pub(crate) fn run(words: &ArchiveVerify) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Look)?;
    let (mut documents, mut well) = (Vec::new(), true);
    for location in chosen(&vault, words.location.as_deref())? {
        well &= one(&site, &vault, &location, words, &mut documents)?;
    }
    if words.json {
        terminal::json(&Value::Array(documents));
    }
    Ok(u8::from(!well))
}

fn one(
    site: &Site,
    vault: &Vault,
    location: &LocationRow,
    words: &ArchiveVerify,
    documents: &mut Vec<Value>,
) -> anyhow::Result<bool> {
    let root = Path::new(&location.path).join(layout::ROOT);
    let medium = opened(site, location, &root)?;
    let begun_at = world::now().utc;
    let known = Known { site: Some(site.card.clone()), checkpoint: None };
    let mut whole: Vec<(RecordingId, u16)> = Vec::new();
    let bar = terminal::reading(&location.name);
    let mut steps = Steps::new(words.for_server);
    let mut note = |recording: &RecordingLeaf| whole.push((recording.recording_id, recording.part));
    let mut report = verify(&*medium, &known, &mut |progress| match progress {
        Progress::Bytes(read) => {
            bar.set_position(read);
            steps.tell(read);
        }
        Progress::Whole(recording) => note(recording),
    });
    bar.finish_and_clear();
    report.findings.extend(archived::keys(&*medium, &known));
    let card = report.card.as_ref().filter(|card| card.location_id == location.location_id);
    let media_id = card.map(|card| card.media_id);
    let proven = !medium.was_cached();
    if let Some(media_id) = media_id {
        keep(vault, location, media_id, &report, begun_at)?;
        settle(vault, media_id, &report, &whole, proven, !words.for_server)?;
    }
    if words.for_server {
        // What was found stands in the catalogue.
    } else if words.json {
        documents.push(archived::as_json(&root, &report));
    } else {
        archived::print(&root, &report, true);
        say(location, media_id, &report, proven);
    }
    Ok(report.is_proven() && proven && media_id.is_some())
}

fn opened(site: &Site, location: &LocationRow, root: &Path) -> anyhow::Result<Box<dyn Judged>> {
    if location.kind == LocationKind::S3 {
        return Ok(Box::new(Reached::new(reach(&launch(site)?, location, false)?)));
    }
    let medium = Mounted::open(root).map_err(|e| {
        let text = format!("{} is not connected ({e}): connect its medium and mount it", location.name);
        Failure::new(Kind::Input, text)
    })?;
    Ok(Box::new(medium))
}

/// Notes what was seen, for purge and archive runs to go by.
fn settle(
    vault: &Vault,
    media_id: MediaId,
    report: &Report,
    whole: &[(RecordingId, u16)],
    proven: bool,
    clears: bool,
) -> anyhow::Result<()> {
    let Some(row) = vault.medium(media_id)? else { return Ok(()) };
    if proven {
        for some in whole.chunks(AT_ONCE) {
            vault.set_level(media_id, some, Level::Again as u8)?;
        }
    }
    let state = match row.state {
        MediumState::Retired => MediumState::Retired,
        MediumState::Good | MediumState::Suspect if is_damaged(report) => MediumState::Suspect,
        MediumState::Suspect if clears && proven && report.is_proven() => MediumState::Good,
        same @ (MediumState::Good | MediumState::Suspect) => same,
    };
    if state != row.state {
        vault.set_medium_state(media_id, state)?;
    }
    Ok(())
}

/// Keeps what was found, for the console and for whoever is asked to trust the medium.
fn keep(
    vault: &Vault,
    location: &LocationRow,
    media_id: MediaId,
    report: &Report,
    begun_at: UtcMicros,
) -> anyhow::Result<()> {
    let Some(medium) = vault.medium(media_id)? else { return Ok(()) };
    let grave = report.findings.iter().filter(|finding| finding.fault.is_grave());
    let told: Vec<String> = grave.take(FINDINGS_KEPT).map(|f| format!("{}: {}", f.path, f.fault)).collect();
    vault.note_check(&CheckRow {
        location_id: location.location_id,
        media_id: Some(media_id),
        what: CheckKind::Verify,
        begun_at,
        ended_at: world::now().utc,
        was_suspect: medium.state == MediumState::Suspect,
        well: report.is_proven(),
        mends: false,
        files: report.recordings,
        bytes: report.bytes,
        findings: serde_json::to_string(&told)?,
    })?;
    Ok(())
}

/// A stranger's file on a medium takes nothing from what lies there; all else does.
fn is_damaged(report: &Report) -> bool {
    report.is_blind || report.findings.iter().any(|f| f.fault.is_grave() && f.fault != Fault::Stranger)
}

fn say(location: &LocationRow, media_id: Option<MediaId>, report: &Report, proven: bool) {
    let name = &location.name;
    terminal::line(&match media_id {
        None => format!("{name}: the medium there is not one of this location; nothing was noted"),
        Some(_) if is_damaged(report) => format!(
            "{name}: the medium is suspect from now on. Nothing is archived to it, and nothing is purged because of it. Replace it, or \
             mend what is named and verify again"
        ),
        Some(_) if !proven => {
            format!(
                "{name}: what was read may have come from a cache, so nothing is proven anew: mount it again without one"
            )
        }
        Some(_) => format!("{name}: {} recordings are proven anew", report.recordings),
    });
}
