//! `amethyst log`: the transparency log of the site, from the side of whoever must trust it.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::Context as _;
use archive::certs::{Certs, Role};
use archive::log::{Act, Checkpoint, Leaf, Proof, RecordingLeaf};
use seal::VerifyingKey;
use serde_json::json;
use shared::SiteId;
use vault::Use;

use super::{found, verify};
use crate::cli::{Log, LogCheckpoint, LogProve, LogVerify};
use crate::failure::{Failure, Kind};
use crate::site::{Site, read};
use crate::{terminal, view};

/// Runs the command. The exit code is 1 when something does not hold.
///
/// # Errors
/// The data folder cannot be used, or a file cannot be read.
pub(crate) fn run(words: &Log) -> anyhow::Result<u8> {
    match words {
        Log::Checkpoint(words) => checkpoint(words),
        Log::Prove(words) => prove(words),
        Log::Verify(words) => verify(words),
        Log::Check(words) => check(words),
    }
}

fn checkpoint(words: &LogCheckpoint) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let note = signed(&site, &site.vault(Use::Look)?)?;
    if words.json {
        let checkpoint = Checkpoint::peek(&note)?;
        terminal::json(&json!({
            "leaves": checkpoint.leaves,
            "root": view::hex(&checkpoint.root),
            "note": note,
        }));
    } else {
        terminal::line(note.trim_end());
    }
    Ok(0)
}

fn prove(words: &LogProve) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Look)?;
    let recordings = found::by_name(&vault, &words.id)?;
    let [recording] = recordings.as_slice() else {
        let text = format!("`{}` names several recordings: give the id of one (amethyst show)", words.id);
        return Err(Failure::new(Kind::Input, text).into());
    };
    let note = signed(&site, &vault)?;
    let part = (recording.facts.recording_id, words.part);
    let Some(proof) = vault.prove(part, &note)? else {
        let text = format!(
            "part {} of {} is not in the log: there is no such part, or its leaf waits for the next start of the recorder",
            words.part, recording.facts.reference
        );
        return Err(Failure::new(Kind::Data, text).into());
    };
    terminal::line(proof.to_string().trim_end());
    Ok(0)
}

fn check(words: &LogCheckpoint) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Look)?;
    let (leaves, damaged) = vault.check_log()?;
    // Signing is refused if the log is not the one that was signed last.
    let continues = signed(&site, &vault);
    let is_clean = damaged.is_none() && continues.is_ok();
    let trouble = continues.as_ref().err().map(ToString::to_string);
    if words.json {
        terminal::json(&json!({ "leaves": leaves, "damaged_leaf": damaged, "trouble": trouble }));
    } else {
        if let Some(index) = damaged {
            terminal::line(&format!(
                "LEAF {index} IS MISSING OR NOT AS IT WAS HASHED: compare with the log in the archive"
            ));
        }
        if let Some(text) = &trouble {
            terminal::line(text);
        }
        let found = if is_clean { "nothing is wrong" } else { "something is wrong" };
        terminal::line(&format!("{leaves} leaves: {found}"));
    }
    Ok(u8::from(!is_clean))
}

fn verify(words: &LogVerify) -> anyhow::Result<u8> {
    let bytes = read(&words.file)?;
    let text = String::from_utf8(bytes).unwrap_or_default();
    let proof: Option<Proof> = text.parse().ok();
    let note = proof.as_ref().map_or(text.as_str(), |proof| proof.checkpoint.as_str());
    let claimed = Checkpoint::peek(note).map_err(|_no_note| {
        Failure::new(
            Kind::Input,
            format!("{} is neither a checkpoint nor a proof of a log", words.file.display()),
        )
    })?;
    let folder = words.site.clone().or_else(|| words.dir.as_ref().map(|dir| dir.join("site")));
    let Some(folder) = folder else {
        let text = "give --site DIR (the `site` folder, for the certificates) or --data DIR";
        return Err(Failure::new(Kind::Usage, text).into());
    };
    let key = central(&verify::trusted(&folder)?, claimed.site_id, note)?;
    let mut troubles: Vec<String> = Vec::new();
    let told = match &proof {
        Some(proof) => proof.verify(&key).map(|(leaf, _)| Some(leaf)),
        None => Checkpoint::open(note, &key).map(|_| None),
    };
    let leaf = told.unwrap_or_else(|e| {
        troubles.push(e.to_string());
        None
    });
    if let (Some(path), Some(proof)) = (&words.recording, &proof) {
        troubles.extend(differs(path, &Leaf::parse(&proof.leaf)?)?);
    }
    if let Some(dir) = &words.dir
        && !Site::open(dir)?.vault(Use::Look)?.continues(&claimed)?
    {
        troubles.push(
            "the log in the data folder does not continue this checkpoint: it was changed or cut".to_owned(),
        );
    }
    say(words, &claimed, proof.as_ref(), leaf.as_ref(), &troubles);
    Ok(u8::from(!troubles.is_empty()))
}

fn say(
    words: &LogVerify,
    checkpoint: &Checkpoint,
    proof: Option<&Proof>,
    leaf: Option<&Leaf>,
    troubles: &[String],
) {
    let recording = leaf.and_then(recording_of);
    if words.json {
        terminal::json(&json!({
            "holds": troubles.is_empty(),
            "leaves": checkpoint.leaves,
            "root": view::hex(&checkpoint.root),
            "index": proof.map(|proof| proof.index),
            "recording_id": recording.map(|r| r.recording_id.to_string()),
            "part": recording.map(|r| r.part),
            "sha256": recording.map(|r| view::hex(&r.sha256)),
            "entered_us": leaf.map(|leaf| leaf.at.0),
            "troubles": troubles,
        }));
        return;
    }
    troubles.iter().for_each(|text| terminal::line(&format!("WRONG: {text}")));
    if troubles.is_empty() {
        terminal::line(&format!("ok: a log of {} leaves, signed by central", checkpoint.leaves));
        if let (Some(proof), Some(r)) = (proof, recording) {
            terminal::line(&format!(
                "recording {} part {} was entered as leaf {}; SHA-256 of its sealed bytes is {}",
                r.recording_id,
                r.part,
                proof.index,
                view::hex(&r.sha256)
            ));
        }
    }
}

/// Signs a checkpoint of the log as it is now.
fn signed(site: &Site, vault: &vault::Vault) -> anyhow::Result<String> {
    let key = site.keys.central_key();
    Ok(vault.checkpoint(&key, |label, bytes| site.keys.sign_as_central(label, bytes).1)?)
}

/// The key of central that signed a note: of the certified ones the first whose signature holds.
fn central(certs: &Certs, site: SiteId, note: &str) -> anyhow::Result<VerifyingKey> {
    let mut keys = certs.all().iter().filter(|cert| cert.role == Role::Central).map(|cert| cert.key);
    let first = keys.clone().next().context("these certificates name no central")?;
    let fits = keys.find(|key| Checkpoint::open(note, key).is_ok_and(|signed| signed.site_id == site));
    Ok(fits.unwrap_or(first))
}

/// Says in what a sealed file differs from what a leaf tells.
fn differs(path: &Path, leaf: &Leaf) -> anyhow::Result<Option<String>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let report = seal::verify(BufReader::with_capacity(256 << 10, file), &|_| None)?;
    let there = report.header.as_ref().zip(report.facts.as_ref());
    let is_same = recording_of(leaf).zip(there).is_some_and(|(told, (header, facts))| {
        told.recording_id == header.spec.recording_id
            && told.part == header.spec.part
            && told.sha256 == facts.sha256
            && told.blake3 == facts.blake3
    });
    Ok((!is_same).then(|| format!("{} is not the file that was entered into the log", path.display())))
}

const fn recording_of(leaf: &Leaf) -> Option<&RecordingLeaf> {
    match &leaf.act {
        Act::Recording(recording) => Some(recording),
        Act::Purge { .. }
        | Act::Hold { .. }
        | Act::KeyRelease { .. }
        | Act::Start { .. }
        | Act::Shred { .. }
        | Act::Policy { .. }
        | Act::Run { .. } => None,
    }
}
