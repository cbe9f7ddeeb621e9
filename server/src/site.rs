//! A site's data folder from the program's side: identity, certificates, keys. What lies in `spool`, `live` and the
//! catalogue is the vault's.
//!
//! ```text
//! DIR/amethyst.toml             settings; written last by `init`, so a folder without it is an unfinished one
//!     site/                     public: site.json, certs-<gen8>.json, daykeys-<gen8>.json
//!     keys/unlock.key           opens the key store; whoever has it and the store can hear everything
//!     keys/keystore.amk         central's secrets, sealed under the unlock key
//!     keys/recorder.key         the recorder's own identity and signing key; opens nothing
//! ```

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use archive::SiteJson;
use archive::certs::{Cert, Certs, Claim, Role};
use archive::recovery::RecoverySecret;
use archiver::elsewhere::Looker;
use rand_core::{CryptoRng, Rng as _};
use seal::keystore::{Keystore, UnlockKey};
use seal::{RecipientType, SigningKey};
use shared::{Day, RecorderId, SiteId, UtcMicros, Zone};
use vault::{CatalogueKey, Use, Vault, VaultConfig};
use zeroize::Zeroizing;

use crate::config::{self, Config};
use crate::failure::{Failure, Kind};
use crate::keys::SiteKeys;
use crate::{archiving, disk, world};

/// Day keys are made so many days ahead.
pub(crate) const DAYS_AHEAD: u32 = 31;
/// A certificate holds for twenty years; it ends earlier by replacing it.
pub(crate) const CERT_US: i64 = 20 * 366 * 86_400 * 1_000_000;

/// An opened site.
#[allow(missing_debug_implementations, reason = "it reaches keys")]
pub(crate) struct Site {
    /// The data folder.
    pub(crate) dir: PathBuf,
    /// Its settings.
    pub(crate) config: Config,
    /// What never changes about it.
    pub(crate) card: SiteJson,
    /// Its keys and certificates.
    pub(crate) keys: Arc<SiteKeys>,
}

/// A site that was just made.
#[allow(missing_debug_implementations, reason = "it holds the shares")]
pub(crate) struct Made {
    /// Its identity.
    pub(crate) site_id: SiteId,
    /// The three recovery shares, to be printed once.
    pub(crate) shares: Vec<Zeroizing<String>>,
}

impl Site {
    /// Makes a site in `dir`, which must not exist or be empty.
    ///
    /// # Errors
    /// A folder that is not empty, an unknown zone, or a disk that does not take it. A folder left by a failure may be removed.
    pub(crate) fn make(dir: &Path, name: &str, zone: &str, letter: char) -> anyhow::Result<Made> {
        let zone = Zone::named(zone).map_err(|e| Failure::new(Kind::Usage, e.to_string()))?;
        if !letter.is_ascii_uppercase() {
            return Err(Failure::new(Kind::Usage, format!("`{letter}` is no letter from A to Z")).into());
        }
        refuse_used(dir)?;
        for folder in [dir.to_owned(), dir.join("keys"), dir.join("site")] {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
            made.with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        let now = world::now().utc;
        let mut dice = world::dice();
        let mut id = [0; 16];
        dice.fill_bytes(&mut id);
        let site_id = SiteId(id);
        let secret = RecoverySecret::draw(&mut dice);
        let shares = secret.split(&mut dice).iter().map(archive::recovery::Share::text).collect();
        let recorder = Identity::draw(&mut dice);
        let mut store = Keystore::new(site_id, &mut dice);
        store.draw_days(zone.day_of(now), DAYS_AHEAD, RecipientType::XWing, &mut dice)?;
        archiver::keyfiles::draw_secrets(&mut store, &mut dice);
        write_public(dir, &secret, &store, &recorder, &zone, site_id, name, now)?;
        let catalogue_key = CatalogueKey::new(*store.catalogue_key());
        write_secrets(dir, &mut store, &recorder, &mut dice)?;
        let vault = VaultConfig { site_id, zone, recorder_id: recorder.id, letter };
        drop(Vault::create(dir, vault, &catalogue_key, now)?);
        disk::write_new(&dir.join("amethyst.toml"), config::template(name, letter).as_bytes())?;
        Ok(Made { site_id, shares })
    }

    /// Opens a site: reads its settings, verifies its certificates, unlocks its key store.
    ///
    /// # Errors
    /// No site, one of a newer version, one that is damaged or locked.
    pub(crate) fn open(dir: &Path) -> anyhow::Result<Self> {
        Self::open_with(dir, &dir.join("amethyst.toml"))
    }

    /// Opens a site whose settings are read from `settings`.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn open_with(dir: &Path, settings: &Path) -> anyhow::Result<Self> {
        if let Err(e) = fs::metadata(dir.join("amethyst.toml")) {
            if e.kind() == std::io::ErrorKind::PermissionDenied {
                let text = format!(
                    "no permission to use the data folder {}: it belongs to another user. Run as that user (the service's, \
                     as a rule) or as root; nothing was changed and nothing is recorded",
                    dir.display()
                );
                return Err(Failure::new(Kind::Permission, text).into());
            }
            let text = format!(
                "{} is no data folder of a site (amethyst.toml is missing). Make one with `amethyst init --data {0} \
                 --site-name NAME --zone Area/City`",
                dir.display()
            );
            return Err(Failure::new(Kind::Data, text).into());
        }
        if dir.join(crate::satellite::folder::FACTS).is_file() {
            let text = format!(
                "{} is the folder of a satellite: it holds no keys that open recordings, and has no console. Run it with \
                 `amethyst satellite run --data {0}`; lists, search and playing are at the central",
                dir.display()
            );
            return Err(Failure::new(Kind::Usage, text).into());
        }
        let config = Config::read(settings)?;
        let card = card(dir)?;
        let certs = newest_certs(&dir.join("site"), &card)?;
        let unlock = unlock_key(dir)?;
        let store = Keystore::open(&key_file(&dir.join("keys/keystore.amk"))?, &unlock).map_err(|e| {
            Failure::new(Kind::Data, format!("the key store cannot be opened: {e}. Restore keys/ from its backup; what is recorded stays sealed and safe"))
        })?;
        let recorder = Identity::read(&dir.join("keys/recorder.key"))?;
        let keys = SiteKeys::new(dir.to_owned(), Mutex::new(store), unlock, certs, recorder)?;
        Ok(Self { dir: dir.to_owned(), config, card, keys: Arc::new(keys) })
    }

    /// Opens the vault of this site.
    ///
    /// # Errors
    /// The vault's: in use by another recorder, of a newer version, a full disk.
    pub(crate) fn vault(&self, wanted: Use) -> anyhow::Result<Vault> {
        let config = self.vault_config();
        let vault = Vault::open(&self.dir, config, &self.keys.catalogue_key(), world::now().utc, wanted)?;
        // What left the live store is fetched back from an archive that is connected.
        vault.look_elsewhere(Arc::new(self.looker()));
        Ok(vault)
    }

    /// Returns what looks at media beside runs of the archive.
    pub(crate) fn looker(&self) -> Looker {
        let (dir, config, keys) = (self.dir.clone(), self.vault_config(), Arc::clone(&self.keys));
        let open = move || {
            Ok(Vault::open(&dir, config.clone(), &keys.catalogue_key(), world::now().utc, Use::Look)?)
        };
        archiving::looker(&self.dir, &self.keys, open)
    }

    fn vault_config(&self) -> VaultConfig {
        VaultConfig {
            site_id: self.card.site_id,
            zone: self.card.zone.clone(),
            recorder_id: self.keys.recorder.id,
            letter: self.config.site.letter,
        }
    }

    /// Returns today in the site's zone.
    pub(crate) fn today(&self) -> Day {
        self.card.zone.day_of(world::now().utc)
    }
}

/// Who seals: a recorder's id and its signing key.
pub(crate) struct Identity {
    /// Its id in file headers.
    pub(crate) id: RecorderId,
    /// Its signing key.
    pub(crate) key: SigningKey,
}

impl Identity {
    /// Draws a new recorder.
    pub(crate) fn draw(dice: &mut impl CryptoRng) -> Self {
        let (mut id, mut seed) = ([0; 16], Zeroizing::new([0; 32]));
        dice.fill_bytes(&mut id);
        dice.fill_bytes(seed.as_mut_slice());
        Self { id: RecorderId(id), key: SigningKey::from_seed(&seed) }
    }

    /// Reads a recorder's file.
    ///
    /// # Errors
    /// It is missing or damaged.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = Zeroizing::new(key_file(path)?);
        let wrong =
            || Failure::new(Kind::Data, format!("{} is damaged: restore it from its backup", path.display()));
        let (id, rest) = bytes.split_first_chunk::<16>().ok_or_else(wrong)?;
        let seed: &[u8; 32] = rest.try_into().map_err(|_length| wrong())?;
        Ok(Self { id: RecorderId(*id), key: SigningKey::from_seed(seed) })
    }

    /// Writes it for a recorder's file.
    pub(crate) fn bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([self.id.bytes().as_slice(), self.key.expose()].concat())
    }
}

/// Reads who a site is; needs no key.
///
/// # Errors
/// It is no data folder of a site, or the card is damaged.
pub(crate) fn card(dir: &Path) -> anyhow::Result<SiteJson> {
    Ok(SiteJson::parse(&read(&dir.join("site/site.json"))?).map_err(unusable)?)
}

/// Reads the newest certificates of a `site` folder.
///
/// # Errors
/// None are there, or they do not hold under the site's root key.
pub(crate) fn newest_certs(folder: &Path, card: &SiteJson) -> anyhow::Result<Certs> {
    let newest = disk::newest(folder, "certs-", ".json")?;
    let path = newest
        .ok_or_else(|| Failure::new(Kind::Data, format!("{} has no certificates", folder.display())))?;
    Ok(Certs::parse(&read(&path)?, &card.site_id, &card.root_key).map_err(unusable)?)
}

/// Reads a whole small file.
///
/// # Errors
/// It is not there or cannot be read.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).map_err(|e| unreadable(path, &e, "").into())
}

/// Reads a file of `keys/`, or says what its absence means.
fn key_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let then = ". Without it nothing can be recorded or heard; what is recorded stays sealed and safe. Restore keys/ from its backup";
    fs::read(path).map_err(|e| unreadable(path, &e, then).into())
}

fn unreadable(path: &Path, error: &std::io::Error, then: &str) -> Failure {
    let denied = error.kind() == std::io::ErrorKind::PermissionDenied;
    let kind = if denied { Kind::Permission } else { Kind::Data };
    Failure::new(kind, format!("cannot read {}: {error}{then}", path.display()))
}

pub(crate) fn unusable(error: archive::ArchiveError) -> Failure {
    Failure::new(
        Kind::Data,
        format!("this data folder cannot be trusted: {error}. Restore site/ from its backup"),
    )
}

pub(crate) fn refuse_used(dir: &Path) -> anyhow::Result<()> {
    let used = match fs::read_dir(dir) {
        Ok(mut names) => names.next().is_some(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => false,
        Err(e) => return Err(e).with_context(|| format!("cannot look into {}", dir.display())),
    };
    if !used {
        return Ok(());
    }
    let what = if dir.join("amethyst.toml").is_file() { "already holds a site" } else { "is not empty" };
    let text = format!(
        "{} {what}; nothing was changed. Give a folder that does not exist yet or is empty",
        dir.display()
    );
    Err(Failure::new(Kind::Data, text).into())
}

fn unlock_key(dir: &Path) -> anyhow::Result<UnlockKey> {
    let path = dir.join("keys/unlock.key");
    let bytes = Zeroizing::new(key_file(&path)?);
    let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_length| {
        Failure::new(Kind::Data, format!("{} is damaged: restore it from its backup", path.display()))
    })?;
    Ok(UnlockKey::from_key_file(key))
}

#[allow(clippy::too_many_arguments, reason = "all that is public about a new site, once")]
fn write_public(
    dir: &Path,
    secret: &RecoverySecret,
    store: &Keystore,
    recorder: &Identity,
    zone: &Zone,
    site_id: SiteId,
    name: &str,
    now: UtcMicros,
) -> anyhow::Result<()> {
    let root = secret.root_key(&site_id);
    let today = zone.day_of(now);
    let card = SiteJson {
        site_id,
        zone: zone.clone(),
        root_key: root.verifying_key(),
        recovery_key: secret.kem_secret(&site_id).public()?,
        min_suite: RecipientType::XWing,
        commissioned: today,
    };
    let central = store.signing_key();
    let claim = |role, subject, name: &str, key: &SigningKey| Claim {
        role,
        subject,
        name: name.to_owned(),
        key: key.verifying_key(),
        // An hour earlier, for capture files and clocks that were just set right.
        not_before: UtcMicros(0),
        not_after: now.plus(CERT_US),
    };
    let certs = vec![
        Cert::sign(claim(Role::Central, RecorderId(*site_id.bytes()), name, central), &site_id, &root),
        Cert::sign(
            claim(Role::Recorder, recorder.id, "recorder of this server", &recorder.key),
            &site_id,
            central,
        ),
    ];
    let certs = Certs::new(site_id, 1, certs, &card.root_key)?;
    let days = store.day_key_list(today, 1, now)?;
    disk::write_new(&dir.join("site/site.json"), &card.to_bytes())?;
    disk::write_new(&dir.join("site").join(certs.file_name()), &certs.to_bytes())?;
    disk::write_new(&dir.join("site").join(days.file_name()), &days.sign(central)?)
}

/// Writes the files of `keys/`: a new unlock key, the store sealed under it, the recorder's own key.
///
/// # Errors
/// The disk's.
pub(crate) fn write_secrets(
    dir: &Path,
    store: &mut Keystore,
    recorder: &Identity,
    dice: &mut impl CryptoRng,
) -> anyhow::Result<()> {
    let mut key = Zeroizing::new([0; 32]);
    dice.fill_bytes(key.as_mut_slice());
    let unlock = UnlockKey::from_key_file(*key);
    disk::write_new(&dir.join("keys/unlock.key"), key.as_slice())?;
    disk::write_new(&dir.join("keys/keystore.amk"), &store.seal(&unlock, dice)?)?;
    disk::write_new(&dir.join("keys/recorder.key"), &recorder.bytes())
}
