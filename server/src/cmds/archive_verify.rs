//! `amethyst archive verify`: reads everything on a connected medium again and says how far it may be trusted from now on.
//!
//! What is whole is proven anew (level 4), so that a restore's lowered proofs count again. What was proven and is missing or altered is
//! due again there, and the medium is suspect: nothing is archived to it and nothing is purged because of it until a named person
//! trusts it again, here or in the console. That is possible when nothing is wrong but what is due again.

use std::collections::{HashMap, HashSet};
use std::io::Read as _;
use std::path::Path;

use archive::log::RecordingLeaf;
use archive::verify::{Fault, Known, Progress, Report, verify};
use archive::{CARD_MAX, CARD_NAME, Level, layout};
use archiver::judged::{Judged, Mounted, Reached};
use serde_json::{Value, json};
use shared::{MediaId, UtcMicros};
use vault::{
    AuditEntry, AuditObject, BadPart, By, CheckKind, CheckRow, LocationKind, LocationRow, MediumState,
    Outcome, PartKey, Use, Vault,
};

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
    let (begun_at, begun_with) = (world::now().utc, card(&*medium));
    let known = Known { site: Some(site.card.clone()), checkpoint: None };
    let mut whole: HashSet<PartKey> = HashSet::new();
    let bar = terminal::reading(&location.name);
    let mut steps = Steps::new(words.for_server);
    let mut note = |recording: &RecordingLeaf| {
        whole.insert((recording.recording_id, recording.part));
    };
    let mut report = verify(&*medium, &known, &mut |progress| match progress {
        Progress::Bytes(read) => {
            bar.set_position(read);
            steps.tell(read);
        }
        Progress::Whole(recording) => note(recording),
    });
    bar.finish_and_clear();
    report.findings.extend(archived::keys(&*medium, &known));
    let ours = report.card.as_ref().filter(|card| card.location_id == location.location_id);
    let media_id = ours.map(|card| card.media_id);
    let proven = !medium.was_cached();
    let mut cleared = false;
    if let Some(media_id) = media_id {
        let judged = Judgement { report: &report, whole: &whole, proven, begun_at };
        settle(vault, media_id, &judged, begun_with.is_some() && card(&*medium) == begun_with)?;
        keep(vault, location, media_id, &judged)?;
        cleared = clear(vault, media_id, words)?;
    }
    if words.for_server {
        // What was found stands in the catalogue.
    } else if words.json {
        documents.push(archived::as_json(&root, &report));
    } else {
        archived::print(&root, &report, true);
        say(vault, location, media_id, &report, proven)?;
        if cleared {
            terminal::line(&format!(
                "{}: trusted again; the next run brings what is due there",
                location.name
            ));
        }
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

/// What a verification found on a medium of ours.
struct Judgement<'a> {
    report: &'a Report,
    /// Parts that are there as they were sealed.
    whole: &'a HashSet<PartKey>,
    /// Nothing came from a cache.
    proven: bool,
    begun_at: UtcMicros,
}

/// The card, as it lies there now. Of a medium that went in the meantime nothing is missing.
fn card(medium: &dyn Judged) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = medium.open(CARD_NAME).and_then(|io| io.take(CARD_MAX as u64).read_to_end(&mut bytes));
    read.is_ok().then_some(bytes)
}

/// Notes what was seen, for purge and archive runs to go by.
fn settle(vault: &Vault, media_id: MediaId, judged: &Judgement<'_>, is_there: bool) -> anyhow::Result<()> {
    let Some(row) = vault.medium(media_id)? else { return Ok(()) };
    if judged.proven {
        let whole: Vec<PartKey> = judged.whole.iter().copied().collect();
        for some in whole.chunks(AT_ONCE) {
            vault.set_level(media_id, some, Level::Again as u8)?;
        }
    }
    if is_damaged(judged.report) && row.state == MediumState::Good {
        vault.set_medium_state(media_id, MediumState::Suspect)?;
    }
    if is_there && !judged.report.is_blind {
        take_back(vault, media_id, judged)?;
    }
    Ok(())
}

/// What runs had proven before and was not confirmed is due again.
fn take_back(vault: &Vault, media_id: MediaId, judged: &Judgement<'_>) -> anyhow::Result<()> {
    let why: HashMap<&str, String> =
        judged.report.findings.iter().map(|f| (f.path.as_str(), f.fault.to_string())).collect();
    let mut after = None;
    loop {
        let some = vault.proven_on(media_id, judged.begun_at, after, u32::try_from(AT_ONCE)?)?;
        let Some(last) = some.last() else { return Ok(()) };
        after = Some(last.leaf);
        let bad = some.into_iter().filter(|part| !judged.whole.contains(&part.key())).map(|part| BadPart {
            why: why.get(part.path.as_str()).cloned().unwrap_or_else(|| {
                "a verification could not confirm it: what proves it there is damaged or missing".to_owned()
            }),
            recording_id: part.recording_id,
            part: part.part,
            path: part.path,
        });
        let bad: Vec<BadPart> = bad.collect();
        if !bad.is_empty() {
            vault.found_bad(media_id, &bad, world::now().utc)?;
        }
    }
}

/// Keeps what was found, for the console and for whoever is asked to trust the medium.
fn keep(
    vault: &Vault,
    location: &LocationRow,
    media_id: MediaId,
    judged: &Judgement<'_>,
) -> anyhow::Result<()> {
    let Some(medium) = vault.medium(media_id)? else { return Ok(()) };
    let report = judged.report;
    let grave = || report.findings.iter().filter(|finding| finding.fault.is_grave());
    let told: Vec<String> = grave().take(FINDINGS_KEPT).map(|f| format!("{}: {}", f.path, f.fault)).collect();
    let due: HashSet<String> = vault.bad_parts(media_id)?.into_iter().map(|bad| bad.path).collect();
    let all_due = !due.is_empty() && report.more_findings == 0 && grave().all(|f| due.contains(&f.path));
    vault.note_check(&CheckRow {
        location_id: location.location_id,
        media_id: Some(media_id),
        what: CheckKind::Verify,
        begun_at: judged.begun_at,
        ended_at: world::now().utc,
        // Whatever made it suspect, this verification or something before it: all of it was read since.
        was_suspect: medium.state == MediumState::Suspect,
        well: report.is_proven() && judged.proven,
        mends: all_due && !report.is_blind && judged.proven,
        files: report.recordings,
        bytes: report.bytes,
        findings: serde_json::to_string(&told)?,
    })?;
    Ok(())
}

/// Trusts a suspect medium again, on the word of a person; tells whether it did.
fn clear(vault: &Vault, media_id: MediaId, words: &ArchiveVerify) -> anyhow::Result<bool> {
    let (Some(name), Some(reason)) = (&words.by, &words.reason) else { return Ok(false) };
    let medium = vault.medium(media_id)?.filter(|medium| medium.state == MediumState::Suspect);
    let Some(medium) = medium else { return Ok(false) };
    let by = By { user: None, name: name.trim().to_owned(), at: world::now().utc };
    let audit = |outcome| {
        vault.audit(&AuditEntry {
            at: by.at,
            actor: None,
            actor_name: by.name.clone(),
            session: None,
            address: "this machine".to_owned(),
            act: "archive-medium-trust",
            object: Some(AuditObject::Named(media_id.to_string())),
            outcome,
            details: json!({ "label": medium.label, "reason": reason }).to_string(),
        })
    };
    audit(Outcome::Ok)?;
    let trusted = vault.trust_medium(media_id, &by)?;
    if !trusted {
        audit(Outcome::Failed)?;
    }
    Ok(trusted)
}

/// A stranger's file on a medium takes nothing from what lies there; all else does.
fn is_damaged(report: &Report) -> bool {
    report.is_blind || report.findings.iter().any(|f| f.fault.is_grave() && f.fault != Fault::Stranger)
}

fn say(
    vault: &Vault,
    location: &LocationRow,
    media_id: Option<MediaId>,
    report: &Report,
    proven: bool,
) -> anyhow::Result<()> {
    let name = &location.name;
    let Some(media_id) = media_id else {
        terminal::line(&format!("{name}: the medium there is not one of this location; nothing was noted"));
        return Ok(());
    };
    if !proven {
        terminal::line(&format!(
            "{name}: what was read may have come from a cache, so nothing is proven anew: mount it again without one"
        ));
    } else if !is_damaged(report) {
        terminal::line(&format!("{name}: {} recordings are proven anew", report.recordings));
    }
    let (bad, lost) = vault.bad_totals(media_id)?;
    if bad > 0 {
        terminal::line(&format!("{name}: {bad} files are bad there and due again"));
    }
    if lost > 0 {
        terminal::line(&format!(
            "{name}: OF {lost} OF THEM NO GOOD COPY IS KNOWN: they left the live store and no other medium is proven to hold them. Remove \
             nothing, and connect every medium that may have them"
        ));
    }
    if vault.medium(media_id)?.is_some_and(|medium| medium.state == MediumState::Suspect) {
        terminal::line(&format!(
            "{name}: the medium is suspect from now on. Nothing is archived to it, and nothing is purged because of it. Replace it; or, if \
             nothing else is wrong and you know why it was, trust it again: `amethyst archive verify --by NAME --reason TEXT`"
        ));
    }
    Ok(())
}
