//! The way back: from two shares of paper and a drive to a key store.

use archive::certs::Certs;
use archive::{SiteJson, VaultContents};
use daily_login::{KeyVault, LoginError, RecoveryVault, SlotFile, vaults};
use seal::keystore::{DaySeed, Keystore};
use seal::{KeyId, RecipientSecret, SealError, SigningKey, VerifyingKey};
use shared::{Day, UtcMicros};
use zeroize::Zeroizing;

use super::{CATALOGUE_KEY, restored_names};

/// A recovery vault that was opened. Secrets are wiped when it is dropped.
#[allow(missing_debug_implementations, reason = "it holds keys")]
pub struct Recovered {
    /// What it holds; [`VaultContents::secrets`] are there.
    pub contents: VaultContents,
    /// Which chain of days.
    pub chain_generation: u32,
    /// The vault's own generation: numbers up to it were given.
    pub generation: u64,
    /// The day on which it was written.
    pub date: Day,
    /// When it was written.
    pub created: UtcMicros,
}

/// Why a file of `keys/` is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileFault {
    /// It is damaged, or the paper does not open it.
    #[error("{0}")]
    Login(#[from] LoginError),
    /// Nobody whom the site knows signed it.
    #[error("its signature is not of a key that the site certified: it is forged or damaged")]
    Signature,
    /// It was made for another `site.json`.
    #[error("it belongs to another site, or to another `site.json`")]
    OtherSite,
    /// What it holds is damaged.
    #[error("{0}")]
    Contents(#[from] archive::ArchiveError),
    /// A key that is none.
    #[error("{0}")]
    Seal(#[from] SealError),
    /// A recovery vault without what a restore needs.
    #[error("it holds no secrets of the site: it is no recovery vault of this program")]
    NoSecrets,
}

/// Judges a file of `keys/` by its name, without a key: form, site and signature. Files of other names are nobody's.
///
/// # Errors
/// What is wrong with it. `None` for a name that no file of `keys/` has.
pub fn judge(name: &str, bytes: &[u8], site: &SiteJson, certs: &Certs) -> Option<Result<(), KeyFileFault>> {
    let judged = match name.split_once('-') {
        Some(("slots", rest)) if rest.ends_with(".amk") => judge_slots(bytes, site, certs),
        Some(("keyvault", rest)) if rest.ends_with(".amv") => KeyVault::parse(bytes)
            .map_err(KeyFileFault::from)
            .and_then(|v| judge_vault(bytes, v.head(), v.signer(), site, certs)),
        Some(("recovery", rest)) if rest.ends_with(".amr") => RecoveryVault::parse(bytes)
            .map_err(KeyFileFault::from)
            .and_then(|v| judge_vault(bytes, v.head(), v.signer(), site, certs)),
        Some(("certs", rest)) if rest.ends_with(".json") => {
            Certs::parse(bytes, &site.site_id, &site.root_key).map(drop).map_err(KeyFileFault::from)
        }
        Some(_) | None => return None,
    };
    Some(judged)
}

/// Opens a recovery vault with the key of the paper.
///
/// # Errors
/// It is damaged, forged, of another site, or sealed to another key.
pub fn open_recovery(
    bytes: &[u8],
    site: &SiteJson,
    certs: &Certs,
    paper: &RecipientSecret,
) -> Result<Recovered, KeyFileFault> {
    let vault = RecoveryVault::parse(bytes)?;
    judge_vault(bytes, vault.head(), vault.signer(), site, certs)?;
    let plain = vault.open(|info, aad, enc, ct| {
        paper.open_document(info, aad, &[enc, ct].concat()).ok_or(LoginError::WrongPassword)
    })?;
    let contents = VaultContents::parse(&plain)?;
    if contents.secrets.is_none() {
        return Err(KeyFileFault::NoSecrets);
    }
    let head = vault.head();
    let (chain_generation, generation) = (head.of.generation, head.generation);
    Ok(Recovered { contents, chain_generation, generation, date: head.date, created: head.created })
}

/// Puts the key store together again, with a new signing key of central. `generation` is one that lists of day keys have not
/// reached. Seal it and make it durable before it is used.
///
/// # Errors
/// A key of a day that is none, or no key of the database.
pub fn restored_keystore(
    recovered: &Recovered,
    site: &SiteJson,
    signing: SigningKey,
    generation: u64,
) -> Result<Keystore, KeyFileFault> {
    let contents = &recovered.contents;
    let secrets = contents.secrets.as_ref().ok_or(KeyFileFault::NoSecrets)?;
    let catalogue = secrets.others.get(CATALOGUE_KEY).and_then(|key| key.as_slice().try_into().ok());
    let catalogue = Zeroizing::new(catalogue.ok_or(KeyFileFault::NoSecrets)?);
    let seed = |d: &archive::DaySecret| {
        DaySeed::new(d.day, RecipientSecret::from_seed(d.secret.kind(), *d.secret.expose()))
    };
    let days = contents.days.iter().map(seed).collect::<Result<Vec<_>, _>>()?;
    let names = restored_names(secrets, recovered.chain_generation);
    let shredded = contents.shredded.clone();
    Ok(Keystore::restored(site.site_id, generation, signing, catalogue, days, shredded, names))
}

fn judge_slots(bytes: &[u8], site: &SiteJson, certs: &Certs) -> Result<(), KeyFileFault> {
    let file = SlotFile::parse(bytes)?;
    let key = certs.key(KeyId(file.head().signer)).ok_or(KeyFileFault::Signature)?;
    if !SlotFile::is_signed(bytes, |message, signature| verifies(&key, message, signature)) {
        return Err(KeyFileFault::Signature);
    }
    of_site(file.head().of.site_id, file.head().site_digest, site)
}

fn judge_vault(
    bytes: &[u8],
    head: &daily_login::VaultHead,
    signer: [u8; 8],
    site: &SiteJson,
    certs: &Certs,
) -> Result<(), KeyFileFault> {
    let key = certs.key(KeyId(signer)).ok_or(KeyFileFault::Signature)?;
    if !vaults::is_signed(bytes, |message, signature| verifies(&key, message, signature)) {
        return Err(KeyFileFault::Signature);
    }
    of_site(head.of.site_id, head.site_digest, site)
}

fn of_site(id: shared::SiteId, digest: [u8; 32], site: &SiteJson) -> Result<(), KeyFileFault> {
    if id == site.site_id && digest == site.digest() { Ok(()) } else { Err(KeyFileFault::OtherSite) }
}

/// The formats of `daily-login` hand out messages that begin with their label.
fn verifies(key: &VerifyingKey, message: &[u8], signature: &[u8; 64]) -> bool {
    key.verifies("", message, signature)
}
