//! A code for a new machine, made for the console and for the command line alike.

use anyhow::Context as _;
use rand_core::Rng as _;
use shared::{SiteId, UtcMicros};
use transfer::enrol::{Code, Secret};
use vault::{By, InvitationRow, Vault};

use crate::world;

/// A code works for a quarter of an hour.
const CODE_US: i64 = 15 * 60 * 1_000_000;

/// A code that works from now on.
pub(crate) struct Invited {
    /// Which.
    pub(crate) id: [u8; 16],
    /// The code; kept nowhere.
    pub(crate) code: Code,
    /// It works until then.
    pub(crate) until: UtcMicros,
}

/// Makes a code for a satellite of this name. It is in the audit log already. Takes a tenth of a second and 64 MiB.
///
/// # Errors
/// The database's.
pub(crate) fn invite(site: &SiteId, vault: &Vault, name: &str, by: &By) -> anyhow::Result<Invited> {
    let mut dice = world::dice();
    // Codes that are open together have one salt: whoever asks for it cannot say yet which code is meant.
    let open = vault.invitations(by.at)?;
    let mut salt = [0; 16];
    dice.fill_bytes(&mut salt);
    let salt = open.first().and_then(|row| Secret::from_bytes(&row.secret)).map_or(salt, |one| one.salt());
    let code = Code::draw(&mut dice);
    let secret = Secret::of(&code, site, salt).context("the code's key")?;
    let mut id = [0; 16];
    dice.fill_bytes(&mut id);
    let until = by.at.plus(CODE_US);
    vault.invite(&InvitationRow {
        invitation_id: id,
        secret: secret.expose().to_vec(),
        name: name.to_owned(),
        made: by.clone(),
        expires_at: until,
        tries: 0,
    })?;
    Ok(Invited { id, code, until })
}
