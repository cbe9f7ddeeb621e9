//! A satellite's data folder from the program's side. What lies in `spool` and `ledger` is the vault's.
//!
//! ```text
//! DIR/amethyst.toml             settings, sent by the central; written last at enrolment, so a folder without it is an unfinished one
//!     alarms.toml               ways out for alarms that only this machine knows; somebody writes it here, or nobody
//!     site/satellite.json       where the central is, what this satellite is called, its letter
//!     site/site.json, certs-<gen8>.json, daykeys-<gen8>.json, configuration.json, satellites.pem      public, all signed
//!     keys/recorder.key         identity and signing key; opens nothing
//!     keys/satellite.pem        key and certificate on the network; opens nothing
//! ```

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use archive::SiteJson;
use archive::certs::Certs;
use seal::DayKeyList;
use serde::{Deserialize, Serialize};
use shared::RecorderId;
use transfer::carrier::Address;
use transfer::document::{Configuration, Document, Trust};
use transfer::enrol::Enrolled;
use vault::{Outpost, VaultConfig};

use crate::alarms::settings::{Alarms, Local, Way};
use crate::config::Config;
use crate::disk;
use crate::failure::{Failure, Kind};
use crate::site::{Identity, newest_certs, read, refuse_used, unusable};

/// What tells a satellite's folder from a site's.
pub(crate) const FACTS: &str = "site/satellite.json";
pub(super) const NETWORK: &str = "keys/satellite.pem";
pub(super) const CONFIGURATION: &str = "site/configuration.json";
/// Ways out for alarms that only this machine knows: the central neither sees nor changes them.
const OWN_WAYS: &str = "alarms.toml";
const AUTHORITY: &str = "site/satellites.pem";

/// What never changes about a satellite, but for the address.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Facts {
    /// Where the central is.
    pub(crate) central: String,
    /// What the administrator calls this satellite.
    pub(crate) name: String,
    /// References of its recordings begin with it.
    pub(crate) letter: char,
}

/// An opened folder.
#[allow(missing_debug_implementations, reason = "it holds keys")]
pub(crate) struct Folder {
    pub(crate) dir: PathBuf,
    pub(crate) facts: Facts,
    pub(crate) address: Address,
    /// The settings in force.
    pub(crate) config: Config,
    /// The version of the central's document that they came from; 0: none.
    pub(crate) config_version: u64,
    pub(crate) trust: Trust,
    pub(crate) recorder: Identity,
    pub(crate) authority: String,
    pub(crate) day_keys: DayKeyList,
}

impl Folder {
    /// Refuses a folder that is used, before a code is spent on it.
    ///
    /// # Errors
    /// It is not empty.
    pub(crate) fn refuse_used(dir: &Path) -> anyhow::Result<()> {
        refuse_used(dir)
    }

    /// Writes what enrolment gave into an empty folder. A folder left by a failure may be removed; the code is used then.
    ///
    /// # Errors
    /// The disk's, or settings that this version does not understand.
    pub(crate) fn make(
        dir: &Path,
        recorder: &Identity,
        home: &Enrolled,
        central: &Address,
    ) -> anyhow::Result<()> {
        let settings = home.configuration.0.settings.as_str();
        Config::parse(settings).context("the configuration that the central sent")?;
        for folder in [dir.to_owned(), dir.join("keys"), dir.join("site")] {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
            made.with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        let facts = Facts { central: central.to_string(), name: home.name.clone(), letter: home.letter };
        let certs = &home.trust.certs;
        disk::write_new(&dir.join("keys/recorder.key"), &recorder.bytes())?;
        disk::write_new(&dir.join(NETWORK), home.identity.expose_pem().as_bytes())?;
        disk::write_new(&dir.join("site/site.json"), home.site.as_bytes())?;
        disk::write_new(&dir.join("site").join(certs.file_name()), home.certs.as_bytes())?;
        disk::write_new(&dir.join("site").join(home.day_keys.0.file_name()), home.day_keys.1.as_bytes())?;
        disk::write_new(&dir.join(AUTHORITY), home.authority.as_bytes())?;
        disk::write_new(&dir.join(CONFIGURATION), home.configuration.1.as_bytes())?;
        disk::write_new(&dir.join(FACTS), &serde_json::to_vec_pretty(&facts)?)?;
        drop(Outpost::create(dir, vault_config(&home.trust.site, recorder.id, &facts))?);
        disk::write_new(&dir.join("amethyst.toml"), settings.as_bytes())
    }

    /// Opens the folder and verifies everything in it up to the site's root.
    ///
    /// # Errors
    /// It is no satellite's folder, or damaged.
    pub(crate) fn open(dir: &Path) -> anyhow::Result<Self> {
        if !dir.join(FACTS).is_file() || !dir.join("amethyst.toml").is_file() {
            let text = format!(
                "{} is no folder of a satellite. Make one with `amethyst satellite enrol --data {0} --central https://HOST:8443 \
                 --code ABCD-EFGH`; the code comes from `amethyst satellite invite` at the central",
                dir.display()
            );
            return Err(Failure::new(Kind::Data, text).into());
        }
        let facts: Facts = serde_json::from_slice(&read(&dir.join(FACTS))?)
            .map_err(|e| Failure::new(Kind::Data, format!("{FACTS} is damaged: {e}")))?;
        let address =
            facts.central.parse::<Address>().map_err(|e| Failure::new(Kind::Data, e.to_string()))?;
        let site = SiteJson::parse(&read(&dir.join("site/site.json"))?).map_err(unusable)?;
        let recorder = Identity::read(&dir.join("keys/recorder.key"))?;
        let certs = newest_certs(&dir.join("site"), &site)?;
        let trust = Trust { site, certs, who: recorder.id };
        let day_keys = newest_day_keys(dir, &trust)?;
        let config_version = configuration(dir, &trust).map_or(0, |c| c.version);
        let config = Config::read(&dir.join("amethyst.toml"))?;
        let authority = String::from_utf8_lossy(&read(&dir.join(AUTHORITY))?).into_owned();
        let dir = dir.to_owned();
        Ok(Self { dir, facts, address, config, config_version, trust, recorder, authority, day_keys })
    }

    /// Returns what the spool is opened with.
    pub(crate) fn vault_config(&self) -> VaultConfig {
        vault_config(&self.trust.site, self.recorder.id, &self.facts)
    }
}

/// The ways out for alarms: those of the settings, and those of this machine's own file, which go before them.
///
/// # Errors
/// The own file makes no sense, and what to write.
pub(crate) fn ways_of(dir: &Path, config: &Config) -> Result<(Alarms, Vec<Way>), String> {
    let local = Local::read(&dir.join(OWN_WAYS))?;
    Ok(local.with(config.alarms.clone(), config.alarm_ways()))
}

/// Keeps newer certificates.
pub(super) fn keep_certs(dir: &Path, certs: &Certs, bytes: &[u8]) -> anyhow::Result<()> {
    disk::replace(&dir.join("site").join(certs.file_name()), bytes)
}

/// Keeps newer day keys.
pub(super) fn keep_day_keys(dir: &Path, list: &DayKeyList, bytes: &[u8]) -> anyhow::Result<()> {
    disk::replace(&dir.join("site").join(list.file_name()), bytes)
}

/// Keeps newer settings: 1. those that are read, 2. the document they came in. Cut between the two the document is sent again.
pub(super) fn keep_settings(dir: &Path, settings: &Configuration, bytes: &[u8]) -> anyhow::Result<()> {
    disk::replace(&dir.join("amethyst.toml"), settings.settings.as_bytes())?;
    disk::replace(&dir.join(CONFIGURATION), bytes)
}

fn vault_config(site: &SiteJson, recorder_id: RecorderId, facts: &Facts) -> VaultConfig {
    VaultConfig { site_id: site.site_id, zone: site.zone.clone(), recorder_id, letter: facts.letter }
}

fn newest_day_keys(dir: &Path, trust: &Trust) -> anyhow::Result<DayKeyList> {
    let newest = disk::newest(&dir.join("site"), "daykeys-", ".json")?;
    let path = newest.ok_or_else(|| Failure::new(Kind::Data, "site/ has no day keys: enrol again"))?;
    match trust.open(&read(&path)?) {
        Ok(Document::DayKeys(list)) => Ok(list),
        Ok(Document::Configuration(_) | Document::Certs(_)) => {
            Err(Failure::new(Kind::Data, format!("{} is no list of day keys", path.display())).into())
        }
        Err(e) => Err(Failure::new(Kind::Data, format!("{}: {e}", path.display())).into()),
    }
}

/// The document that the settings came in, if it is there and holds.
fn configuration(dir: &Path, trust: &Trust) -> Option<Configuration> {
    match trust.open(&fs::read(dir.join(CONFIGURATION)).ok()?) {
        Ok(Document::Configuration(configuration)) => Some(configuration),
        Ok(Document::DayKeys(_) | Document::Certs(_)) | Err(_) => None,
    }
}
