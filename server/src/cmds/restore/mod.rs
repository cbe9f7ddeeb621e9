//! `amethyst restore`: from an archive and two shares of paper to a data folder that records again.
//!
//! The steps, as `docs/design/restore.md` numbers them: documents of the drive; two shares, compared with the drive; the newest
//! recovery vault; the newest backup that is whole; a new data folder with a new key of central, signed by the paper's root;
//! recordings that are newer than the backup are admitted, and with `--with-recordings` all others are copied back; and
//! `amethyst.toml`, last. A restore that was cut is begun again in another empty folder: the drive is only read.

mod backup;
mod drive;
mod folder;
mod paper;
mod recordings;
mod source;

use std::path::Path;

use serde_json::json;
use vault::{RecoverWith, RecoveryReport};

use self::backup::Backup;
use self::drive::Drive;
use self::folder::{Folder, SETTINGS_UNTIL_DONE};
use self::recordings::Told;
use self::source::Source;
use crate::cli::Restore;
use crate::site::refuse_used;
use crate::{disk, terminal, world};

/// What the end of it says.
struct Summary {
    name: String,
    backup: String,
    keys_of: String,
    days: usize,
    recordings: u64,
    leaves: u64,
    forgotten: u64,
    admitted: usize,
    told: Told,
    /// Parts of the database that are not proven to lie on this medium.
    elsewhere: u64,
    log_is_whole: bool,
    troubles: Vec<String>,
}

/// Runs the command. The exit code is 1 when something could not be restored; the folder can be used all the same.
///
/// # Errors
/// Nothing on the drive can be used, the paper does not fit, the folder is not empty, or the disk's.
pub(crate) fn run(words: &Restore) -> anyhow::Result<u8> {
    refuse_used(&words.dir)?;
    let mut drive = Drive::open(Source::of(words)?)?;
    terminal::say(&format!("Archive of site {}, zone {}.", drive.site.site_id, drive.site.zone.name()));
    let secret = paper::secret(&drive.site, &words.shares)?;
    let summary = restore(words, &mut drive, &secret).map_err(|e| {
        e.context(format!(
            "the restore did not end and {} is not a whole data folder: begin again in another empty folder (the drive was only \
             read)",
            words.dir.display()
        ))
    })?;
    if words.json {
        print_json(words, &summary);
    } else {
        print(words, &summary);
    }
    Ok(u8::from(!summary.is_whole()))
}

fn restore(
    words: &Restore,
    drive: &mut Drive,
    secret: &archive::recovery::RecoverySecret,
) -> anyhow::Result<Summary> {
    let paper = secret.kem_secret(&drive.site.site_id);
    let recovered = drive.recovery_vault(&paper)?;
    let backup = Backup::newest(drive, &paper)?;
    let folder = folder::make(&words.dir, drive, secret, &recovered, &backup, words.with_recordings)?;
    let known = folder.vault.leaves_of_parts()?;
    let mut told = recordings::bring(drive, &folder.vault, known, words.with_recordings)?;
    let report = admit(&folder, drive)?;
    told.troubles.extend(troubles_of(&report));
    finish(&words.dir)?;
    let elsewhere = drive.card.as_ref().map_or(Ok((0, 0)), |card| folder.vault.due_totals(card.media_id))?.0;
    let admitted = report.entered.len();
    Ok(Summary {
        name: folder.name.clone(),
        backup: backup.name,
        keys_of: recovered.date.to_string(),
        days: folder.days,
        recordings: folder.vault.counts()?.recordings,
        leaves: folder.leaves,
        forgotten: folder.forgotten,
        admitted,
        elsewhere: elsewhere.saturating_sub(u64::try_from(admitted).unwrap_or(0)),
        log_is_whole: folder.vault.check_log()?.1.is_none(),
        troubles: std::mem::take(&mut drive.troubles),
        told,
    })
}

/// Enters what was put into the spool, as after a crash.
fn admit(folder: &Folder, drive: &Drive) -> anyhow::Result<RecoveryReport> {
    let with = RecoverWith {
        keys: &folder.keys,
        signer: &folder.keys.recorder.key,
        min_suite: drive.site.min_suite,
    };
    Ok(folder.vault.recover(&with, world::now().utc)?)
}

fn troubles_of(report: &RecoveryReport) -> Vec<String> {
    let unreadable = report.unreadable.iter().map(|(path, why)| format!("{path}: {why}"));
    let locked = report
        .awaiting_unlock
        .iter()
        .map(|path| format!("{path}: no key of its day is left; was the day shredded?"));
    let left = report.left.iter().map(|left| format!("recording {}: {}", left.recording_id, left.why));
    let trouble = report.trouble.iter().map(ToString::to_string);
    unreadable.chain(locked).chain(left).chain(trouble).collect()
}

/// Step 7: from here on it is a data folder.
fn finish(dir: &Path) -> anyhow::Result<()> {
    disk::rename(&dir.join(SETTINGS_UNTIL_DONE), &dir.join("amethyst.toml"))
}

impl Summary {
    fn is_whole(&self) -> bool {
        self.troubles.is_empty() && self.told.troubles.is_empty() && self.elsewhere == 0 && self.log_is_whole
    }
}

fn print(words: &Restore, s: &Summary) {
    let dir = words.dir.display();
    terminal::line(&format!("The site \"{}\" is restored in {dir}.\n", s.name));
    terminal::line(&format!(
        "  keys        {} days, as of {}; central has a new key, the recorder too",
        s.days, s.keys_of
    ));
    terminal::line(&format!("  database    {} recordings, from the backup of {}", s.recordings, s.backup));
    terminal::line(&format!(
        "  log         {} leaves{}",
        s.leaves,
        if s.log_is_whole { "" } else { ", DAMAGED" }
    ));
    terminal::line(&format!("  admitted    {} parts that were newer than the backup", s.admitted));
    if words.with_recordings {
        terminal::line(&format!(
            "  copied back {} of {} files on this drive, each as its row says",
            s.told.back, s.told.listed
        ));
    } else {
        terminal::line(&format!(
            "  recordings  {} files stay on this drive; --with-recordings copies them back",
            s.told.listed
        ));
    }
    print_missing(s);
    terminal::line(&format!(
        "\nNEXT\n  1. amethyst check --data {dir}\n  2. Connect every archive location and verify it whole (amethyst archive verify). Until then nothing is\n     \
         purged: proofs of before the restore count as presence only.\n  3. amethyst serve --data {dir}; the console has a new certificate, so compare its fingerprint.\n  4. Put the \
         paper back where it was, apart."
    ));
}

fn print_missing(s: &Summary) {
    let mut lines = s.troubles.clone();
    lines.extend(s.told.troubles.iter().cloned());
    if s.told.more_troubles > 0 {
        lines.push(format!("and {} files more", s.told.more_troubles));
    }
    if s.elsewhere > 0 {
        lines.push(format!(
            "{} parts that the database knows are not proven to lie on this drive: look for them on the other locations; what was \
             recorded after the last archive run is lost with the old machine",
            s.elsewhere
        ));
    }
    if s.forgotten > 0 {
        lines.push(format!(
            "{} parts have a new place in the log, because the log on this drive ends before them",
            s.forgotten
        ));
    }
    if lines.is_empty() {
        return terminal::line("\nNothing is missing.");
    }
    terminal::line("\nMISSING, OR TO BE LOOKED AT");
    lines.iter().for_each(|line| terminal::line(&format!("  {line}")));
}

fn print_json(words: &Restore, s: &Summary) {
    terminal::json(&json!({
        "data": words.dir,
        "site_name": s.name,
        "backup": s.backup,
        "keys_as_of": s.keys_of,
        "days_with_keys": s.days,
        "recordings": s.recordings,
        "log_leaves": s.leaves,
        "log_is_whole": s.log_is_whole,
        "relogged_parts": s.forgotten,
        "admitted_parts": s.admitted,
        "listed_files": s.told.listed,
        "copied_back": s.told.back,
        "not_on_this_medium": s.elsewhere,
        "whole": s.is_whole(),
        "troubles": s.troubles.iter().chain(&s.told.troubles).collect::<Vec<_>>(),
        "more_troubles": s.told.more_troubles,
    }));
}
