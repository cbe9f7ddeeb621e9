//! What all routes share: the program behind the doors, threads that may wait, and the small tables kept in memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared::UtcMicros;
use tokio::sync::{Semaphore, SemaphorePermit};
use vault::{User, UserId, Vault};

use crate::limits::Limiter;
use crate::lockout::Lockout;
use crate::problem::Refusal;
use crate::sound::Shelf;
use crate::{Host, HostError};

/// Short calls into the vault at once: more wait in line.
const QUICK: usize = 16;
/// Long ones (decoding, exports, checks) at once.
const LONG: usize = 6;
/// Looks into growing recordings at once, for those who listen: each takes a moment, and waits for nothing longer.
const LIVE: usize = 8;
/// Passwords digested at once: each takes 64 MiB and a core for a tenth of a second, and recording comes first.
const PASSWORDS: usize = 2;
/// Sign-ins that may stand in line for that; more are sent away for a moment.
const PASSWORD_LINE: usize = 32;
/// Microseconds for which the settings are remembered.
const SETTINGS_REMEMBERED_US: i64 = 5_000_000;

/// The state of all routes. Clones share it.
#[derive(Clone)]
pub(crate) struct Doors {
    inner: Arc<Inner>,
}

struct Inner {
    host: Arc<dyn Host>,
    quick: Semaphore,
    long: Semaphore,
    live: Semaphore,
    password_line: Semaphore,
    passwords: Semaphore,
    alone: tokio::sync::Mutex<()>,
    accounts: Mutex<()>,
    limiter: Limiter,
    lockout: Lockout,
    settings: Mutex<Option<(UtcMicros, Arc<api::Settings>)>>,
    shelf: Shelf,
}

impl std::fmt::Debug for Doors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Doors")
    }
}

impl Doors {
    pub(crate) fn new(host: Arc<dyn Host>) -> Self {
        Self {
            inner: Arc::new(Inner {
                host,
                quick: Semaphore::new(QUICK),
                long: Semaphore::new(LONG),
                live: Semaphore::new(LIVE),
                password_line: Semaphore::new(PASSWORD_LINE),
                passwords: Semaphore::new(PASSWORDS),
                alone: tokio::sync::Mutex::default(),
                accounts: Mutex::default(),
                limiter: Limiter::default(),
                lockout: Lockout::default(),
                settings: Mutex::default(),
                shelf: Shelf::default(),
            }),
        }
    }

    /// Returns the program behind the doors.
    pub(crate) fn host(&self) -> &dyn Host {
        &*self.inner.host
    }

    /// Returns the wall clock.
    pub(crate) fn now(&self) -> UtcMicros {
        self.inner.host.now()
    }

    /// Returns the table of request rates.
    pub(crate) fn limiter(&self) -> &Limiter {
        &self.inner.limiter
    }

    /// Returns what is kept in memory between two requests about the same recording.
    pub(crate) fn shelf(&self) -> &Shelf {
        &self.inner.shelf
    }

    /// Returns the table of wrong passwords.
    pub(crate) fn lockout(&self) -> &Lockout {
        &self.inner.lockout
    }

    /// Draws `N` random octets.
    pub(crate) fn dice<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.inner.host.dice(&mut bytes);
        bytes
    }

    /// Does a short piece of blocking work, such as one call into the vault, on a thread that may wait.
    pub(crate) async fn blocking<T, E>(
        &self,
        work: impl FnOnce(&dyn Host) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Refusal>
    where
        T: Send + 'static,
        E: Into<Refusal> + Send + 'static,
    {
        self.wait(&self.inner.quick, work).await
    }

    /// Does a long piece of blocking work (decoding, a whole export, a check of a chain) without keeping short ones waiting.
    pub(crate) async fn blocking_long<T, E>(
        &self,
        work: impl FnOnce(&dyn Host) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Refusal>
    where
        T: Send + 'static,
        E: Into<Refusal> + Send + 'static,
    {
        self.wait(&self.inner.long, work).await
    }

    /// Does what somebody who listens to a running call waits for.
    pub(crate) async fn blocking_live<T, E>(
        &self,
        work: impl FnOnce(&dyn Host) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Refusal>
    where
        T: Send + 'static,
        E: Into<Refusal> + Send + 'static,
    {
        self.wait(&self.inner.live, work).await
    }

    /// Calls the vault.
    pub(crate) async fn vault<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Vault) -> vault::Result<T> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.blocking(move |host| work(host.vault())).await
    }

    async fn wait<T, E>(
        &self,
        line: &Semaphore,
        work: impl FnOnce(&dyn Host) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Refusal>
    where
        T: Send + 'static,
        E: Into<Refusal> + Send + 'static,
    {
        let _place = line.acquire().await.map_err(|_closed| Refusal::internal())?;
        let host = Arc::clone(&self.inner.host);
        match tokio::task::spawn_blocking(move || work(&*host)).await {
            Ok(done) => done.map_err(Into::into),
            Err(error) => {
                tracing::error!(%error, "a blocking task ended badly");
                Err(Refusal::internal())
            }
        }
    }

    /// Takes a place among those whose password is being judged, and keeps it until the outcome is counted.
    ///
    /// # Errors
    /// The line is too long: 429.
    pub(crate) async fn password_place(&self) -> Result<(SemaphorePermit<'_>, SemaphorePermit<'_>), Refusal> {
        let line = self.inner.password_line.try_acquire().map_err(|_too_long| Refusal::too_many(5))?;
        let place = self.inner.passwords.acquire().await.map_err(|_closed| Refusal::internal())?;
        Ok((line, place))
    }

    /// Digests on a thread that may wait; the caller holds a [`Self::password_place`].
    pub(crate) async fn digesting<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        tokio::task::spawn_blocking(work).await.map_err(|error| {
            tracing::error!(%error, "a digest ended badly");
            Refusal::internal()
        })
    }

    /// Reads an account, changes it and keeps it, as one step: no change of another request is lost in between.
    ///
    /// # Errors
    /// 404: there is no such account; the vault's.
    pub(crate) async fn amend(
        &self,
        id: UserId,
        change: impl FnOnce(&mut User) + Send + 'static,
    ) -> Result<User, Refusal> {
        let inner = Arc::clone(&self.inner);
        let amended = self.vault(move |vault| {
            let _alone = held(&inner.accounts);
            let Some(mut user) = vault.user(id)? else { return Ok(None) };
            change(&mut user);
            Ok(vault.change_user(&user)?.then_some(user))
        });
        amended.await?.ok_or_else(Refusal::not_found)
    }

    /// Waits until nobody else reads and changes an account: codes, links and accounts are taken one at a time.
    pub(crate) async fn one_at_a_time(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.inner.alone.lock().await
    }

    /// Returns the settings in force, at most five seconds old.
    pub(crate) async fn settings(&self) -> Result<Arc<api::Settings>, Refusal> {
        let now = self.now();
        if let Some((at, settings)) = &*held(&self.inner.settings)
            && now.since(*at).abs() < SETTINGS_REMEMBERED_US
        {
            return Ok(Arc::clone(settings));
        }
        let (settings, _version) = self.blocking(|host| host.settings()).await?;
        let settings = Arc::new(settings);
        *held(&self.inner.settings) = Some((now, Arc::clone(&settings)));
        Ok(settings)
    }

    /// Forgets the settings, because they were changed.
    pub(crate) fn forget_settings(&self) {
        *held(&self.inner.settings) = None;
    }
}

impl From<HostError> for Refusal {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Conflict => Self::changed_meanwhile(),
            HostError::Invalid(why) => Self::not_acceptable(why),
            HostError::Io(why) => {
                tracing::error!(%why, "the program could not do what the console asked");
                Self::not_now(why)
            }
        }
    }
}

/// Locks, whatever another thread died of: every table under these locks may be read at any time.
pub(crate) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
