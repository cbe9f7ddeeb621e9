//! The way in: from a login and a password to the keys of an archive, in the order of the scheme, each refusal with its own words.
//!
//! 1. What was typed is judged by its check symbols: the group that was misheard is named before anything costs time.
//! 2. `site.json`, certificates, slot file, key vault, location card: form and signatures, up to a root key that is still the medium's own
//!    word. What was altered is told here, and is no secret.
//! 3. The clock, against everything with a date.
//! 4. The slot: unknown, revoked and of another day are told apart, as the slot file tells anybody.
//! 5. One try by Argon2id. The slot authenticates `site.json`, so from here on the root key is the site's.
//! 6. The newest key vault, by the chain of days; its own certificates and checkpoint against those on the medium.
//!
//! A wrong password, an altered slot and a forged site fail alike in step 5, after the same work.

use std::collections::HashMap;

use archive::certs::Certs;
use archive::log::Checkpoint;
use archive::verify::{Fault, Finding, Known as KnownArchive, Medium};
use archive::{CARD_MAX, CARD_NAME, Card, SiteJson, VaultContents, layout};
use daily_login::clock::{self, Known};
use daily_login::slots::SLOT_FILE_MAX;
use daily_login::vaults::{self, VAULT_FILE_MAX};
use daily_login::{KeyVault, Login, Password, RecoveryVault, SlotFile};
use seal::{KeyId, KeyRing, RecipientSecret, VerifyingKey};
use shared::{Day, RecordingId, UtcMicros};

use crate::location::Location;
use crate::memory::{Seen, SeenMedium};
use crate::refusal::{Refusal, Result, altered};

/// `site.json` is some 3 kB.
const SITE_MAX: u64 = 64 << 10;
/// Ten thousand certificates of 500 bytes.
const CERTS_MAX: u64 = 16 << 20;

/// What was typed.
pub(crate) struct Typed {
    login: Login,
    password: Password,
}

impl Typed {
    /// Reads both, forgiving case, blanks and dashes.
    pub(crate) fn parse(login: &str, password: &str) -> Result<Self> {
        Ok(Self { login: Login::parse(login)?, password: Password::parse(password)? })
    }
}

/// An archive that was opened. Its keys are wiped when it is dropped.
pub(crate) struct Session {
    /// Whose archive; authenticated by the password.
    pub(crate) site: SiteJson,
    /// Which medium.
    pub(crate) card: Card,
    /// Whose signatures count.
    pub(crate) certs: Certs,
    /// The day of the login.
    pub(crate) day: Day,
    /// The login, which is no secret.
    pub(crate) login: String,
    /// From then on nothing more is opened.
    pub(crate) not_after: UtcMicros,
    /// The day up to which the archive was written.
    pub(crate) written: Day,
    /// What a person should know before trusting it.
    pub(crate) notes: Vec<String>,
    contents: VaultContents,
    places: HashMap<KeyId, usize>,
}

/// What can be read without a login: documents whose signatures hold together.
struct Documents {
    site: SiteJson,
    certs: Certs,
    card: Card,
    slots: SlotFile,
    vault: KeyVault,
}

/// Opens an archive. `seen` is what this PC remembers; on success it holds what was seen now.
pub(crate) fn open(location: &Location, typed: &Typed, now: UtcMicros, seen: &mut Seen) -> Result<Session> {
    let documents = documents(location)?;
    let site_name = documents.site.site_id.to_string();
    let known = Known { this_pc: seen.last(&site_name), ..Known::default() };
    let known = known.with_key_files(&documents.slots, documents.vault.head());
    clock::check(now, &known.with_medium(documents.card.created))?;
    let slot = documents.slots.find(typed.login, now)?;
    clock::check_day(slot.day(), documents.vault.head().date)?;
    // Pepper lies in the keyring of enrolled PCs, of which there are none yet.
    let chain = slot.open(documents.slots.head(), typed.login, &typed.password, None)?;
    let plain = documents.vault.open(&chain)?;
    let contents = VaultContents::parse(&plain).map_err(|e| altered("the key vault", e))?;
    let (day, not_after) = (slot.day(), slot.window().1);
    let Documents { site, certs, card, vault, .. } = documents;
    let sealed = Certs::parse(&contents.certificates, &site.site_id, &site.root_key)
        .map_err(|e| altered("the certificates in the key vault", e))?;
    let known = |key: &archive::certs::Cert| certs.all().contains(key);
    if sealed.generation() > certs.generation() || !sealed.all().iter().all(known) {
        return Err(altered(certs_path(&certs), "the key vault knows others: newer ones were taken away"));
    }
    let places = contents.days.iter().enumerate().map(|(place, day)| (day.key_id, place)).collect();
    let (login, written) = (typed.login.to_string(), vault.head().date);
    let notes = Vec::new();
    let mut session = Session { site, card, certs, day, login, not_after, written, notes, contents, places };
    session.remember(vault.head().generation, now, seen)?;
    seen.opened(location.root());
    Ok(session)
}

impl Session {
    /// Refuses to go on when the day of the login is over.
    pub(crate) fn still_valid(&self, now: UtcMicros) -> Result<()> {
        if now < self.not_after { Ok(()) } else { Err(Refusal::Over(self.day)) }
    }

    /// Refuses what was destroyed on purpose.
    pub(crate) fn may_open(&self, recording: RecordingId) -> Result<()> {
        let gone = self.contents.tombstones.contains_key(&recording);
        if gone { Err(Refusal::Tombstone(recording)) } else { Ok(()) }
    }

    /// Tells whether the keys of a day were destroyed on purpose and none is left.
    pub(crate) fn is_shredded(&self, day: Day) -> bool {
        let gone = self.contents.shredded.values().any(|gone| *gone == day);
        gone && !self.contents.days.iter().any(|known| known.day == day)
    }

    /// Returns the checkpoint of the log that the key vault names, if there is one.
    pub(crate) fn checkpoint(&self) -> Result<Option<Checkpoint>> {
        self.opened_checkpoint(&self.contents.checkpoint)
    }

    fn opened_checkpoint(&self, note: &str) -> Result<Option<Checkpoint>> {
        if note.is_empty() {
            return Ok(None);
        }
        let opened = self.certs.central_keys().find_map(|key| Checkpoint::open(note, &key).ok());
        match opened.filter(|checkpoint| checkpoint.site_id == self.site.site_id) {
            Some(checkpoint) => Ok(Some(checkpoint)),
            None => Err(altered("the checkpoint", "central did not sign it")),
        }
    }

    /// Holds the medium against what this PC saw of it, and notes what it is now.
    fn remember(&mut self, generation: u64, now: UtcMicros, seen: &mut Seen) -> Result<()> {
        let checkpoint = self.checkpoint()?;
        let site = seen.sites.entry(self.site.site_id.to_string()).or_default();
        let medium = site.media.entry(self.card.media_id.to_string()).or_default();
        let before = self.opened_checkpoint(&medium.checkpoint)?;
        if let (Some(before), Some(now)) = (before, checkpoint)
            && before.leaves == now.leaves
            && before.root != now.root
        {
            return Err(Refusal::Forked(now.leaves));
        }
        let shorter = before.is_some_and(|b| checkpoint.is_none_or(|now| now.leaves < b.leaves));
        if generation < medium.vault_generation || shorter {
            self.notes.push(format!(
                "this is an older state of the medium than this PC saw before (night {generation}, seen {}): what was archived \
                 since is missing. That is right for an old copy, and wrong for the drive itself",
                medium.vault_generation
            ));
        } else {
            *medium =
                SeenMedium { vault_generation: generation, checkpoint: self.contents.checkpoint.clone() };
        }
        site.last_us = site.last_us.max(now.0);
        Ok(())
    }
}

impl KeyRing for Session {
    fn secret(&self, id: KeyId) -> Option<RecipientSecret> {
        let secret = &self.contents.days.get(*self.places.get(&id)?)?.secret;
        Some(RecipientSecret::from_seed(secret.kind(), *secret.expose()))
    }

    fn verifying_key(&self, id: KeyId) -> Option<VerifyingKey> {
        self.certs.key(id)
    }
}

fn documents(location: &Location) -> Result<Documents> {
    let bytes = location.read(layout::SITE_NAME, SITE_MAX)?;
    let site = SiteJson::parse(&bytes).map_err(|e| altered(layout::SITE_NAME, e))?;
    let names: Vec<String> =
        location.names("keys")?.into_iter().filter(|entry| !entry.is_folder).map(|e| e.name).collect();
    let newest = |before: &str, behind: &str| {
        let numbered = names.iter().filter_map(|name| Some((generation(name, before, behind)?, name)));
        let newest = numbered.max().map(|(_, name)| format!("keys/{name}"));
        newest.ok_or_else(|| Refusal::Missing(format!("keys/{before}*{behind}")))
    };
    let path = newest("certs-", ".json")?;
    let certs = Certs::parse(&location.read(&path, CERTS_MAX)?, &site.site_id, &site.root_key)
        .map_err(|e| altered(path, e))?;
    let card = location.read(CARD_NAME, CARD_MAX as u64)?;
    let card = certs.central_keys().find_map(|key| Card::open(&card, &key).ok());
    let card = card.filter(|card| card.site_id == site.site_id);
    let card = card.ok_or_else(|| altered(CARD_NAME, "central of this site did not sign it"))?;
    let slots = slots(location, &newest("slots-", ".amk")?, &site, &certs)?;
    let vault = vault(location, &newest("keyvault-", ".amv")?, &site, &certs)?;
    Ok(Documents { site, certs, card, slots, vault })
}

fn slots(location: &Location, path: &str, site: &SiteJson, certs: &Certs) -> Result<SlotFile> {
    let bytes = location.read(path, SLOT_FILE_MAX as u64)?;
    let file = SlotFile::parse(&bytes).map_err(|e| altered(path, e))?;
    let head = file.head();
    let key = central(certs, head.signer);
    if !key.is_some_and(|key| SlotFile::is_signed(&bytes, |text, sum| key.verifies("", text, sum))) {
        return Err(altered(path, NOT_SIGNED));
    }
    if head.of.site_id == site.site_id && head.site_digest == site.digest() {
        Ok(file)
    } else {
        Err(altered(path, OTHER_SITE))
    }
}

fn vault(location: &Location, path: &str, site: &SiteJson, certs: &Certs) -> Result<KeyVault> {
    let bytes = location.read(path, VAULT_FILE_MAX as u64)?;
    let vault = KeyVault::parse(&bytes).map_err(|e| altered(path, e))?;
    let head = vault.head();
    let key = central(certs, vault.signer());
    if !key.is_some_and(|key| vaults::is_signed(&bytes, |text, sum| key.verifies("", text, sum))) {
        return Err(altered(path, NOT_SIGNED));
    }
    if head.of.site_id == site.site_id && head.site_digest == site.digest() {
        Ok(vault)
    } else {
        Err(altered(path, OTHER_SITE))
    }
}

/// Judges every file of `keys/` without a key: form, site, signature.
pub(crate) fn judge_keys(location: &Location) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some((site, certs)) = archive::verify::documents(location, &KnownArchive::default()) else {
        return findings;
    };
    for entry in Medium::list(location, "keys").unwrap_or_default() {
        let path = format!("keys/{}", entry.name);
        let judged = match entry.name.split_once('-') {
            Some(("slots", rest)) if rest.ends_with(".amk") => {
                slots(location, &path, &site, &certs).map(drop)
            }
            Some(("keyvault", rest)) if rest.ends_with(".amv") => {
                vault(location, &path, &site, &certs).map(drop)
            }
            Some(("recovery", rest)) if rest.ends_with(".amr") => recovery(location, &path, &site, &certs),
            // Certificates were judged with what else is public.
            Some(("certs", rest)) if rest.ends_with(".json") => continue,
            Some(_) | None => {
                let left = entry.name.ends_with(".part");
                let fault = if left { Fault::Leftover } else { Fault::Stranger };
                findings.push(Finding { path, fault });
                continue;
            }
        };
        if let Err(refusal) = judged {
            findings.push(Finding { path, fault: Fault::Document(refusal.to_string()) });
        }
    }
    findings
}

fn recovery(location: &Location, path: &str, site: &SiteJson, certs: &Certs) -> Result<()> {
    let bytes = location.read(path, VAULT_FILE_MAX as u64)?;
    let vault = RecoveryVault::parse(&bytes).map_err(|e| altered(path, e))?;
    let key = central(certs, vault.signer());
    if !key.is_some_and(|key| vaults::is_signed(&bytes, |text, sum| key.verifies("", text, sum))) {
        return Err(altered(path, NOT_SIGNED));
    }
    let head = vault.head();
    let ours = head.of.site_id == site.site_id && head.site_digest == site.digest();
    if ours { Ok(()) } else { Err(altered(path, OTHER_SITE)) }
}

const NOT_SIGNED: &str = "its signature is not one of central of this site";
const OTHER_SITE: &str = "it belongs to another site, or to another `site.json`";

/// A recorder's key signs recordings, never what opens an archive.
fn central(certs: &Certs, id: [u8; 8]) -> Option<VerifyingKey> {
    certs.central_keys().find(|key| key.key_id().0 == id)
}

fn certs_path(certs: &Certs) -> String {
    format!("keys/{}", certs.file_name())
}

/// The generation in the name of a file of `keys/`: what stands last before its end.
fn generation(name: &str, before: &str, behind: &str) -> Option<u64> {
    name.strip_prefix(before)?.strip_suffix(behind)?.rsplit('-').next()?.parse().ok()
}

#[cfg(test)]
impl Session {
    /// A session as a login would have opened it, for tests of what comes behind.
    pub(crate) fn made(site: SiteJson, certs: Certs, contents: VaultContents) -> Self {
        let places = contents.days.iter().enumerate().map(|(place, day)| (day.key_id, place)).collect();
        let card = Card {
            site_id: site.site_id,
            location_id: shared::LocationId([1; 16]),
            media_id: shared::MediaId([2; 16]),
            media_gen: 1,
            created: UtcMicros(0),
        };
        let day = site.commissioned;
        let (login, not_after, notes) = ("a0000".to_owned(), UtcMicros(i64::MAX), Vec::new());
        Self { site, card, certs, day, login, not_after, written: day, notes, contents, places }
    }
}
