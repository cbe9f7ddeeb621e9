//! The site's keys as the recorder and the reader see them: public day keys for the one, private ones for the other.
//!
//! A day that has no key yet gets one when central's key store is at hand, as it is in this program: the new store is
//! durable before anything is sealed to the key. Should that fail, recording goes on under the newest key there is.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use archive::SiteJson;
use archive::certs::{Cert, Certs, Claim, Role};
use archiver::keyfiles::Secrets;
use recorder::{Dice, KeySource, RecorderError};
use seal::keystore::{Keystore, UnlockKey};
use seal::{DayKey, KeyId, KeyRing, RecipientKey, RecipientSecret, RecipientType, SigningKey, VerifyingKey};
use shared::{Day, RecorderId, UtcMicros};
use vault::{CatalogueKey, DayKeys};

use crate::site::{CERT_US, DAYS_AHEAD, Identity};
use crate::{disk, world};

/// A capture file can name any day; it does not make us draw keys without end.
const DRAWN_DAYS_MAX: usize = 400;

/// All keys of a site.
#[allow(missing_debug_implementations, reason = "it holds keys")]
pub(crate) struct SiteKeys {
    dir: PathBuf,
    store: Mutex<Keystore>,
    unlock: UnlockKey,
    certs: Mutex<Arc<Certs>>,
    /// Who seals here.
    pub(crate) recorder: Identity,
    days: Mutex<Days>,
    /// Keys were destroyed in memory, and the disk has not taken that yet.
    is_owed: AtomicBool,
}

struct Days {
    public: BTreeMap<Day, RecipientKey>,
    drawn: usize,
}

impl SiteKeys {
    pub(crate) fn new(
        dir: PathBuf,
        store: Mutex<Keystore>,
        unlock: UnlockKey,
        certs: Certs,
        recorder: Identity,
    ) -> anyhow::Result<Self> {
        let first = Day::from_yyyymmdd(19_700_101)?;
        let list = held(&store).day_key_list(first, 0, UtcMicros(0))?;
        let public = list.keys.into_iter().map(|DayKey { day, key }| (day, key)).collect();
        Ok(Self {
            dir,
            store,
            unlock,
            certs: Mutex::new(Arc::new(certs)),
            recorder,
            days: Mutex::new(Days { public, drawn: 0 }),
            is_owed: AtomicBool::new(false),
        })
    }

    /// Returns the key of the database.
    pub(crate) fn catalogue_key(&self) -> CatalogueKey {
        CatalogueKey::new(*held(&self.store).catalogue_key())
    }

    /// Signs with central's key: the digests of an export, for whoever verifies it later.
    pub(crate) fn sign_as_central(&self, label: &str, bytes: &[u8]) -> (KeyId, [u8; 64]) {
        let store = held(&self.store);
        let key = store.signing_key();
        (key.key_id(), key.sign(label, bytes))
    }

    /// Returns the public half of the key with which central signs.
    pub(crate) fn central_key(&self) -> VerifyingKey {
        held(&self.store).signing_key().verifying_key()
    }

    /// Returns the key with which central signs, for a run of the archive.
    pub(crate) fn central_signing(&self) -> SigningKey {
        SigningKey::from_seed(held(&self.store).signing_key().expose())
    }

    /// Returns the site's certificates.
    pub(crate) fn certs(&self) -> Arc<Certs> {
        Arc::clone(&held(&self.certs))
    }

    /// Certifies the key of another recorder, durably: from now on what it seals is known here.
    ///
    /// # Errors
    /// The disk's; then it is not certified.
    pub(crate) fn certify(
        &self,
        card: &SiteJson,
        who: RecorderId,
        name: &str,
        key: VerifyingKey,
        now: UtcMicros,
    ) -> anyhow::Result<Arc<Certs>> {
        let mut certs = held(&self.certs);
        let (not_before, not_after) = (UtcMicros(0), now.plus(CERT_US));
        let (role, name) = (Role::Recorder, name.to_owned());
        let claim = Claim { role, subject: who, name, key, not_before, not_after };
        let mut all = certs.all().to_vec();
        all.push(Cert::sign(claim, &card.site_id, held(&self.store).signing_key()));
        let new = Certs::new(card.site_id, certs.generation().saturating_add(1), all, &card.root_key)?;
        disk::write_new(&self.dir.join("site").join(new.file_name()), &new.to_bytes())?;
        *certs = Arc::new(new);
        Ok(Arc::clone(&certs))
    }

    /// Returns the signed list of the days from `today` on, for a satellite.
    ///
    /// # Errors
    /// None that a key store can cause.
    pub(crate) fn day_key_list(&self, today: Day, created: UtcMicros) -> anyhow::Result<Vec<u8>> {
        let store = held(&self.store);
        let list = store.day_key_list(today, store.generation(), created)?;
        Ok(list.sign(store.signing_key())?)
    }

    /// Takes out what the files of the daily login are made from; `None` before [`Self::draw_logins`].
    pub(crate) fn login_secrets(&self, card: &SiteJson, recorder_key: &[u8]) -> Option<Secrets> {
        Secrets::of(&held(&self.store), card, recorder_key)
    }

    /// Locks a small secret away, so that it can lie in the catalogue. `context` says what it is and whose.
    ///
    /// # Errors
    /// Never for a small one.
    pub(crate) fn lock(&self, context: &[u8], plain: &[u8]) -> anyhow::Result<Vec<u8>> {
        let store = held(&self.store);
        Ok(seal::locked::lock(store.catalogue_key(), context, plain, &mut world::dice())?)
    }

    /// Opens what [`Self::lock`] gave; `None` for anything else.
    pub(crate) fn unlock(&self, context: &[u8], locked: &[u8]) -> Option<zeroize::Zeroizing<Vec<u8>>> {
        seal::locked::unlock(held(&self.store).catalogue_key(), context, locked).ok()
    }

    /// Gives a site of an older version the secrets of the daily login, durably.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) fn draw_logins(&self) -> anyhow::Result<()> {
        let mut store = held(&self.store);
        let mut dice = world::dice();
        if archiver::keyfiles::draw_secrets(&mut store, &mut dice) {
            let sealed = store.seal(&self.unlock, &mut dice)?;
            disk::replace(&self.dir.join("keys/keystore.amk"), &sealed)?;
        }
        Ok(())
    }

    /// Returns the days up to this one that have private keys, the oldest first.
    pub(crate) fn days_until(&self, last: Day) -> Vec<Day> {
        let mut days: Vec<Day> =
            held(&self.store).days().iter().map(|seed| seed.day).filter(|day| *day <= last).collect();
        days.dedup();
        days
    }

    /// Makes sure that today and the days ahead have keys, durably.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) fn make_ahead(&self, today: Day) -> anyhow::Result<()> {
        self.draw(today, DAYS_AHEAD)
    }

    fn draw(&self, from: Day, ahead: u32) -> anyhow::Result<()> {
        let mut store = held(&self.store);
        let mut dice = world::dice();
        if store.draw_days(from, ahead, RecipientType::XWing, &mut dice)? == 0 {
            return Ok(());
        }
        let now = world::now().utc;
        let sealed = store.seal(&self.unlock, &mut dice)?;
        disk::replace(&self.dir.join("keys/keystore.amk"), &sealed)?;
        let list = store.day_key_list(from, store.generation(), now)?;
        disk::write_new(&self.dir.join("site").join(list.file_name()), &list.sign(store.signing_key())?)?;
        drop(store);
        held(&self.days).public.extend(list.keys.into_iter().map(|DayKey { day, key }| (day, key)));
        Ok(())
    }

    fn known(&self, day: Day) -> Option<RecipientKey> {
        held(&self.days).public.get(&day).cloned()
    }

    /// Counts one more drawn day; false once there were too many.
    fn may_draw(&self) -> bool {
        let mut days = held(&self.days);
        days.drawn = days.drawn.saturating_add(1);
        days.drawn <= DRAWN_DAYS_MAX
    }
}

impl DayKeys for SiteKeys {
    fn of_day(&self, day: Day) -> Vec<[u8; 8]> {
        held(&self.store).days().iter().filter(|seed| seed.day == day).map(|seed| seed.key_id.0).collect()
    }

    fn forget(&self, keys: &[[u8; 8]]) -> Result<(), String> {
        let ids: Vec<KeyId> = keys.iter().copied().map(KeyId).collect();
        // Nothing more is sealed to them, whether or not the disk takes the store.
        held(&self.days).public.retain(|_, key| !ids.contains(&key.key_id()));
        let mut store = held(&self.store);
        if store.shred_keys(&ids) == 0 && !self.is_owed.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.is_owed.store(true, Ordering::Relaxed);
        let sealed = store.seal(&self.unlock, &mut world::dice()).map_err(|e| e.to_string())?;
        disk::replace(&self.dir.join("keys/keystore.amk"), &sealed).map_err(|e| format!("{e:#}"))?;
        self.is_owed.store(false, Ordering::Relaxed);
        Ok(())
    }
}

impl KeySource for SiteKeys {
    fn recipient(&self, day: Day) -> Result<RecipientKey, RecorderError> {
        if let Some(key) = self.known(day) {
            return Ok(key);
        }
        if self.may_draw()
            && let Err(error) = self.draw(day, 0)
        {
            tracing::error!(
                "no key could be made for {day}, recording goes on under the newest one: {error:#}"
            );
        }
        let newest = || held(&self.days).public.values().next_back().cloned();
        self.known(day).or_else(newest).ok_or(RecorderError::NoDayKey(day))
    }

    fn signer(&self) -> &SigningKey {
        &self.recorder.key
    }

    fn dice(&self) -> Dice {
        Box::new(world::dice())
    }
}

impl KeyRing for SiteKeys {
    fn secret(&self, id: KeyId) -> Option<RecipientSecret> {
        held(&self.store).secret(id)
    }

    fn verifying_key(&self, id: KeyId) -> Option<VerifyingKey> {
        held(&self.certs).key(id)
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
