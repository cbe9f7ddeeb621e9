//! The site as the archive engine sees it: documents, public keys, and central's signature.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use archive::{Bundle, SiteJson};
use archiver::engine::{Central, KeyFile, KeysAsked};
use archiver::keyfiles::{self, Cost, Night, Secrets};
use archiver::{ArchiverError, Result};
use rand_core::{CryptoRng, Rng as _};
use recorder::KeySource as _;
use seal::{KeyId, KeyRing as _, RecipientKey, SigningKey, VerifyingKey};
use shared::Day;
use zeroize::Zeroizing;

use crate::site::Site;
use crate::{disk, world};

/// The site, held for a run.
pub(crate) struct Office<'a> {
    site: &'a Site,
    site_json: Vec<u8>,
    signing: SigningKey,
    logins_max: usize,
    hurried: Option<&'a AtomicBool>,
    logins_until: Mutex<Option<Day>>,
}

/// Logins made in one go, between two looks whether the run was stopped; each takes most of a second. A run that was stopped
/// makes these still: those of the next days.
const LOGINS_AT_ONCE: usize = 4;

impl<'a> Office<'a> {
    /// Takes what a run needs of the site. Sites of older versions get the secrets of the daily login here, durably.
    ///
    /// # Errors
    /// Documents that cannot be read, or the disk's.
    pub(crate) fn new(site: &'a Site, logins_max: usize) -> anyhow::Result<Self> {
        site.keys.draw_logins()?;
        let path = site.dir.join("site/site.json");
        let site_json = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self {
            site,
            site_json,
            signing: site.keys.central_signing(),
            logins_max,
            hurried: None,
            logins_until: Mutex::default(),
        })
    }

    /// Makes only a few logins once `stop` is set: whoever stops a run does not wait for those of a year.
    pub(crate) const fn unless(mut self, stop: &'a AtomicBool) -> Self {
        self.hurried = Some(stop);
        self
    }

    /// Returns up to which day all logins lie on the medium of the run; `None`: none were made yet.
    pub(crate) fn logins_until(&self) -> Option<Day> {
        *self.logins_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn in_haste(&self) -> bool {
        self.hurried.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// Returns the site.
    pub(crate) const fn site(&self) -> &Site {
        self.site
    }

    /// Returns the data folder.
    pub(crate) fn dir(&self) -> &std::path::Path {
        &self.site.dir
    }
}

impl Central for Office<'_> {
    fn site(&self) -> &SiteJson {
        &self.site.card
    }

    fn site_json(&self) -> &[u8] {
        &self.site_json
    }

    fn signing_key(&self) -> &SigningKey {
        &self.signing
    }

    fn central_keys(&self) -> Vec<VerifyingKey> {
        self.site.keys.certs().central_keys().collect()
    }

    fn certified(&self, id: KeyId) -> Option<VerifyingKey> {
        self.site.keys.verifying_key(id)
    }

    fn recipient(&self, day: Day) -> Result<RecipientKey> {
        self.site.keys.recipient(day).map_err(|e| ArchiverError::Refused(e.to_string()))
    }

    fn key_files(&self, asked: &KeysAsked) -> Result<Vec<KeyFile>> {
        let refused = |text: String| ArchiverError::Refused(text);
        let recorder_key = Zeroizing::new(
            fs::read(self.site.dir.join("keys/recorder.key"))
                .map_err(|e| refused(format!("keys/recorder.key cannot be read: {e}")))?,
        );
        let secrets: Secrets = self
            .site
            .keys
            .login_secrets(&self.site.card, &recorder_key)
            .ok_or_else(|| refused("the key store has no secrets for the daily login".to_owned()))?;
        let certs = self.site.keys.certs();
        let make = |previous: Option<&[u8]>, logins: usize| {
            let night = Night {
                card: &self.site.card,
                site_name: &self.site.config.site.name,
                today: asked.today,
                now: asked.now,
                generation: asked.generation,
                ahead_days: keyfiles::AHEAD_DAYS,
                new_slots_max: logins.min(LOGINS_AT_ONCE),
                cost: Cost::default(),
                previous_slots: previous,
                secrets: &secrets,
                certs: &certs,
                checkpoint: &asked.checkpoint,
                tombstones: &asked.tombstones,
            };
            keyfiles::key_files(&night, &mut world::dice()).map_err(|e| refused(e.to_string()))
        };
        let mut made = make(asked.slots.as_deref(), self.logins_max)?;
        let mut left = self.logins_max.saturating_sub(made.slots_made);
        while made.slots_missing > 0 && left > 0 && !self.in_haste() {
            let slots = made.files.iter().find(|file| file.path.starts_with("keys/slots-"));
            made = make(slots.map(|file| file.bytes.as_slice()), left)?;
            left = left.saturating_sub(made.slots_made.max(1));
        }
        if made.slots_missing > 0 {
            tracing::info!("{} logins ahead are still to be made by later runs", made.slots_missing);
        }
        *self.logins_until.lock().unwrap_or_else(PoisonError::into_inner) = made.logins_until;
        let files = made.files.into_iter();
        Ok(files.map(|file| KeyFile { path: file.path, bytes: file.bytes }).collect())
    }

    fn configuration(&self) -> Result<Vec<u8>> {
        let mut bundle = Bundle::default();
        let mut add = |name: String, path: &std::path::Path| -> Result<()> {
            let bytes = fs::read(path).map_err(|e| {
                ArchiverError::Refused(format!("{} cannot be read for the backup: {e}", path.display()))
            })?;
            bundle.add(&name, bytes).map_err(ArchiverError::Archive)
        };
        add("amethyst.toml".to_owned(), &self.site.dir.join("amethyst.toml"))?;
        let folder = self.site.dir.join("site");
        for name in disk::names(&folder).map_err(|e| ArchiverError::Refused(format!("{e:#}")))? {
            add(format!("site/{name}"), &folder.join(&name))?;
        }
        Ok(bundle.to_bytes())
    }

    fn draw_id(&self) -> [u8; 16] {
        let mut id = [0; 16];
        world::dice().fill_bytes(&mut id);
        id
    }

    fn dice(&self) -> Box<dyn CryptoRng> {
        Box::new(world::dice())
    }
}
