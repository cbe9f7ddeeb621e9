//! The new data folder: keys, documents, database and log. `amethyst.toml` comes last, so that a folder without it is an
//! unfinished one.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Mutex;

use anyhow::Context as _;
use archive::certs::{Cert, Certs, Claim, Role};
use archive::recovery::RecoverySecret;
use archiver::keyfiles::{Recovered, restored_keystore};
use rand_core::Rng as _;
use seal::SigningKey;
use seal::keystore::{Keystore, UnlockKey};
use shared::{RecorderId, UtcMicros};
use vault::{CatalogueKey, Use, Vault, VaultConfig};
use zeroize::Zeroizing;

use super::backup::Backup;
use super::drive::Drive;
use crate::config::Config;
use crate::keys::SiteKeys;
use crate::site::{CERT_US, Identity, write_secrets};
use crate::{disk, world};

/// The settings until everything else is done.
pub(super) const SETTINGS_UNTIL_DONE: &str = "amethyst.toml.restored";
/// What names the server's certificate. Its private half is in no backup, so a new one is made at the first start.
const TLS: &str = "site/tls.pem";

/// What was put into the folder.
pub(super) struct Folder {
    /// Leaves of the log.
    pub(super) leaves: u64,
    /// Parts of the database whose leaf the log on the drive does not reach.
    pub(super) forgotten: u64,
    /// Keys of days.
    pub(super) days: usize,
    /// What people call the site.
    pub(super) name: String,
    /// The site's keys, as a running server holds them.
    pub(super) keys: SiteKeys,
    /// The vault, open to record.
    pub(super) vault: Vault,
}

/// Makes the folder: 1. folders, 2. the database, 3. documents and settings, 4. log and the vault's own folders, 5. keys. Then
/// opens the vault. `all_live`: all recordings are about to be copied back.
///
/// # Errors
/// The disk's, or a backup that does not fit the keys.
pub(super) fn make(
    dir: &Path,
    drive: &mut Drive,
    secret: &RecoverySecret,
    recovered: &Recovered,
    backup: &Backup,
    all_live: bool,
) -> anyhow::Result<Folder> {
    for folder in [dir.to_owned(), dir.join("keys"), dir.join("site")] {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let now = world::now().utc;
    let mut dice = world::dice();
    let paper = secret.kem_secret(&drive.site.site_id);
    backup.write_database(drive, &paper, &dir.join("catalogue.db"))?;

    let mut seed = Zeroizing::new([0; 32]);
    dice.fill_bytes(seed.as_mut_slice());
    let signing = SigningKey::from_seed(&seed);
    let mut store = restored_keystore(recovered, &drive.site, signing, lists_before(backup))?;
    // A new recorder: the ledger of the old one is gone with its machine, and its numbers must not be given again.
    let recorder = Identity::draw(&mut dice);
    let certs = new_certs(drive, secret, &store, &recorder, now)?;
    write_documents(dir, drive, backup, &certs)?;

    let log = drive.log();
    let key = CatalogueKey::new(*store.catalogue_key());
    let (leaves, forgotten) = vault::restore_folder(dir, log.iter(), &key, all_live, now)
        .context("the database of the backup cannot be used")?;
    anyhow::ensure!(
        leaves == log.leaves,
        "the drive gave fewer leaves of the log than a moment ago: it is failing"
    );

    let days = store.days().len();
    write_secrets(dir, &mut store, &recorder, &mut dice)?;
    let list = store.day_key_list(drive.site.zone.day_of(now), store.generation(), now)?;
    disk::write_new(&dir.join("site").join(list.file_name()), &list.sign(store.signing_key())?)?;
    let unlock = std::fs::read(dir.join("keys/unlock.key")).context("cannot read the new unlock key")?;
    let unlock: Zeroizing<[u8; 32]> = Zeroizing::new(unlock.try_into().unwrap_or_default());

    let settings = Config::read(&dir.join(SETTINGS_UNTIL_DONE))?;
    let config = VaultConfig {
        site_id: drive.site.site_id,
        zone: drive.site.zone.clone(),
        recorder_id: recorder.id,
        letter: settings.site.letter,
    };
    let unlock = UnlockKey::from_key_file(*unlock);
    let keys = SiteKeys::new(dir.to_owned(), Mutex::new(store), unlock, certs, recorder)?;
    let vault = Vault::open(dir, config, &key, now, Use::Record)?;
    Ok(Folder { leaves, forgotten, days, name: settings.site.name, keys, vault })
}

/// The site's certificates and two new ones: the root, which comes from the paper, vouches for the new key of central, and that
/// for the new recorder. The old ones stay, because they vouch for what was sealed before.
fn new_certs(
    drive: &Drive,
    secret: &RecoverySecret,
    store: &Keystore,
    recorder: &Identity,
    now: UtcMicros,
) -> anyhow::Result<Certs> {
    let site = drive.site.site_id;
    let (root, central) = (secret.root_key(&site), store.signing_key());
    let claim = |role, subject, name: &str, key: &SigningKey| Claim {
        role,
        subject,
        name: name.to_owned(),
        key: key.verifying_key(),
        not_before: UtcMicros(0),
        not_after: now.plus(CERT_US),
    };
    let central_claim = claim(Role::Central, RecorderId(*site.bytes()), "central, restored", central);
    let recorder_claim = claim(Role::Recorder, recorder.id, "recorder of the restored server", &recorder.key);
    let mut all = drive.certs.all().to_vec();
    all.push(Cert::sign(central_claim, &site, &root));
    all.push(Cert::sign(recorder_claim, &site, central));
    let generation = drive.certs.generation().saturating_add(1);
    Ok(Certs::new(site, generation, all, &drive.site.root_key)?)
}

fn write_documents(dir: &Path, drive: &Drive, backup: &Backup, certs: &Certs) -> anyhow::Result<()> {
    disk::write_new(&dir.join("site/site.json"), &drive.site.to_bytes())?;
    disk::write_new(&dir.join("site").join(certs.file_name()), &certs.to_bytes())?;
    for (name, bytes) in backup.settings.files() {
        let path = match name.as_str() {
            "amethyst.toml" => dir.join(SETTINGS_UNTIL_DONE),
            // Names of a bundle are plain; what is not public about a site is not taken from one.
            other if other.starts_with("site/") && !other.starts_with(TLS) => dir.join(other),
            _ => continue,
        };
        if !path.exists() {
            disk::write_new(&path, bytes)?;
        }
    }
    let settings = dir.join(SETTINGS_UNTIL_DONE);
    anyhow::ensure!(settings.is_file(), "the backup holds no settings (amethyst.toml)");
    Ok(())
}

/// The highest number among the lists of day keys in the backup, and some that may have been made since.
fn lists_before(backup: &Backup) -> u64 {
    let number =
        |name: &String| name.strip_prefix("site/daykeys-")?.strip_suffix(".json")?.parse::<u64>().ok();
    backup.settings.files().keys().filter_map(number).max().unwrap_or(0).saturating_add(1_000)
}
