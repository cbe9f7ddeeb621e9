//! The files by which an archive is opened: made anew each night, written to every location.
//!
//! ```text
//! site.json  README.txt                          for whoever finds the drive; never change
//! keys/certs-<gen8>.json                         who may seal; changes when a key does
//! keys/slots-<gen8>.amk                          a day's login leads to that day's chain key
//! keys/keyvault-<yyyymmdd>-<gen8>.amv            the chain key leads to the private keys of days up to this one
//! keys/recovery-<yyyymmdd>-<gen8>.amr            the paper shares lead to everything
//! ```
//! A pure function of its inputs: no file, no clock, no dice of its own. The caller writes the files, reads them back and then
//! deletes older generations. Files whose name is on the medium already, with the same bytes, need not be written.
//!
//! What must hold: the key vault holds no key of a day behind its own, nor one that was destroyed. The secrets that lead to all
//! days, and the logins of all days, are in the recovery vault only. A generation is never used twice in a site.

mod error;
mod readme;
mod recovery;
mod secrets;
mod slots;
mod vaults;

#[cfg(test)]
mod tests;

use archive::SiteJson;
use archive::certs::Certs;
use archive::layout::{README_NAME, SITE_NAME};
use rand_core::CryptoRng;
use shared::{Day, RecordingId, UtcMicros};

pub use daily_login::Cost;
pub use error::KeyFilesError;
pub use recovery::{KeyFileFault, Recovered, judge, open_recovery, restored_keystore};
pub use secrets::{CATALOGUE_KEY, CENTRAL_KEY, NAMED, RECORDER_KEY, Secrets, draw_secrets, restored_names};

/// The result of this module.
pub type Result<T> = std::result::Result<T, KeyFilesError>;

/// So far ahead a helpdesk can serve a location that does not come back, if nothing else is configured.
pub const AHEAD_DAYS: u32 = 400;
/// The least that may be configured.
pub const AHEAD_DAYS_MIN: u32 = 31;
/// The most that may be configured.
pub const AHEAD_DAYS_MAX: u32 = 3_660;

/// What the files of one night are made from.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, reason = "it reaches keys")]
pub struct Night<'a> {
    /// What never changes about the site, its zone included.
    pub card: &'a SiteJson,
    /// What people call the site; it stands in `README.txt`.
    pub site_name: &'a str,
    /// The civil day in the site's zone.
    pub today: Day,
    /// When the files are made.
    pub now: UtcMicros,
    /// From a counter that never gives a number twice in a site, restored or not.
    pub generation: u64,
    /// Logins are made for today and so many days behind it, in both lanes; held between [`AHEAD_DAYS_MIN`] and
    /// [`AHEAD_DAYS_MAX`].
    pub ahead_days: u32,
    /// At most so many slots are made now, the nearest days first; the next run goes on. One costs 0.8 s of CPU and 256 MiB.
    pub new_slots_max: usize,
    /// What one try at a password costs. A change of it makes all slots anew.
    pub cost: Cost,
    /// The newest slot file of the site, whose slots are carried over. One that is damaged or not signed by central is passed
    /// over, and all its slots are made anew.
    pub previous_slots: Option<&'a [u8]>,
    /// The site's keys, taken by [`Secrets::of`].
    pub secrets: &'a Secrets,
    /// The site's certificates.
    pub certs: &'a Certs,
    /// The newest checkpoint of the log, a signed note; empty if there is none.
    pub checkpoint: &'a str,
    /// Recordings that were destroyed alone, with their days.
    pub tombstones: &'a [(RecordingId, Day)],
}

/// A file for the archive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyFile {
    /// Where it lies, from the archive's root folder.
    pub path: String,
    /// What it says: public, or sealed already.
    pub bytes: Vec<u8>,
}

/// The files of one night.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyFiles {
    /// In the order in which they are to be written: whatever opens a file stands before it.
    pub files: Vec<KeyFile>,
    /// Logins work for every day up to this one; `None` if not even for today, because too few slots may be made at once.
    pub logins_until: Option<Day>,
    /// Slots made now.
    pub slots_made: usize,
    /// Slots that are still to be made by later runs.
    pub slots_missing: usize,
}

/// Makes the files of one night. Takes the time of `new_slots_max` slots at most.
///
/// # Errors
/// A day outside the calendar or behind the end of the chain, memory that Argon2id cannot have, a key that a cipher refuses.
pub fn key_files(night: &Night<'_>, dice: &mut impl CryptoRng) -> Result<KeyFiles> {
    let slots = slots::next(night, dice)?;
    let signer = &night.secrets.signing;
    let slot_bytes = slots.file.to_bytes(|message| sign(signer, message));
    let file = |path: String, bytes: Vec<u8>| KeyFile { path, bytes };
    let keys = |name: String, bytes: Vec<u8>| file(format!("keys/{name}"), bytes);
    let key_vault = vaults::key_vault(night, dice)?;
    let recovery_vault = vaults::recovery_vault(night, dice)?;
    let files = vec![
        file(SITE_NAME.to_owned(), night.card.to_bytes()),
        file(README_NAME.to_owned(), readme::text(night.site_name)),
        keys(night.certs.file_name(), night.certs.to_bytes()),
        keys(key_vault.file_name(), key_vault.to_bytes(|message| sign(signer, message))),
        keys(recovery_vault.file_name(), recovery_vault.to_bytes(|message| sign(signer, message))),
        keys(slots.file.file_name(), slot_bytes),
    ];
    let (slots_made, slots_missing) = (slots.made, slots.missing);
    Ok(KeyFiles { files, logins_until: slots.until, slots_made, slots_missing })
}

/// Signs a message that begins with its label, as the formats of `daily-login` hand it out.
fn sign(key: &seal::SigningKey, message: &[u8]) -> [u8; 64] {
    key.sign("", message)
}
