//! The key vault and the recovery vault of one night.

use archive::{DaySecret, VaultContents};
use daily_login::{KeyVault, LoginError, RecoveryVault, VaultHead};
use rand_core::CryptoRng;
use seal::{RecipientSecret, SealError};

use super::{KeyFilesError, Night, Result};

/// Seals the keys of days up to today under today's chain key.
pub(super) fn key_vault(night: &Night<'_>, dice: &mut impl CryptoRng) -> Result<KeyVault> {
    let secrets = night.secrets;
    let chain = secrets.top.back_to(night.today, secrets.of).ok_or(KeyFilesError::ChainEnds(night.today))?;
    let plain = contents(night, |day| day.day <= night.today).to_bytes();
    Ok(KeyVault::seal(head(night), &plain, &chain, secrets.signing.key_id().0, dice)?)
}

/// Seals everything to the key on paper.
pub(super) fn recovery_vault(night: &Night<'_>, dice: &mut impl CryptoRng) -> Result<RecoveryVault> {
    let mut contents = contents(night, |_any| true);
    contents.secrets = night.secrets.for_recovery();
    let plain = contents.to_bytes();
    let to = &night.card.recovery_key;
    let seal = |info: &[u8], aad: &[u8]| to.seal_document(info, aad, &plain, dice).map_err(Refused::Seal);
    let sealed = RecoveryVault::seal(head(night), plain.len(), night.secrets.signing.key_id().0, seal);
    sealed.map_err(|refused| match refused {
        Refused::Seal(e) => e.into(),
        Refused::Login(e) => e.into(),
    })
}

fn head(night: &Night<'_>) -> VaultHead {
    VaultHead {
        of: night.secrets.of,
        generation: night.generation,
        date: night.today,
        created: night.now,
        site_digest: night.card.digest(),
    }
}

/// What both vaults hold; of the keys of days those that `holds` says, and never a destroyed one.
fn contents(night: &Night<'_>, holds: impl Fn(&DaySecret) -> bool) -> VaultContents {
    let secrets = night.secrets;
    let days = secrets.days.iter().filter(|day| holds(day) && !secrets.shredded.contains_key(&day.key_id));
    let copy = |day: &DaySecret| DaySecret {
        day: day.day,
        key_id: day.key_id,
        secret: RecipientSecret::from_seed(day.secret.kind(), *day.secret.expose()),
    };
    VaultContents {
        days: days.map(copy).collect(),
        certificates: night.certs.to_bytes(),
        shredded: secrets.shredded.clone(),
        tombstones: night.tombstones.iter().copied().collect(),
        checkpoint: night.checkpoint.to_owned(),
        slot_generation: night.generation,
        secrets: None,
    }
}

/// Either half of what can refuse a recovery vault.
enum Refused {
    Seal(SealError),
    Login(LoginError),
}

impl From<LoginError> for Refused {
    fn from(error: LoginError) -> Self {
        Self::Login(error)
    }
}
