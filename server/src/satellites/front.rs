//! The central's front for satellites: the door behind the console's port, and the thread that looks after what came in.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustls::ServerConfig;
use rustls::server::ClientHello;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;
use transfer::carrier::{Door, House};
use transfer::central::{Intake, Keeper};
use vault::{Incoming, IncomingLimits, Severity, Vault};

use super::silence::{News, Silences};
use super::stands::{self, Stands};
use super::{Books, Present, authority};
use crate::serve::watch::Raise;
use crate::site::Site;
use crate::world;

/// How often new frames are verified.
const VERIFY_EVERY: Duration = Duration::from_secs(1);
/// How often what was written is made durable.
const SYNC_EVERY: Duration = Duration::from_secs(5);

/// The door for satellites, and the thread behind it.
pub(crate) struct Front {
    door: Arc<Door>,
    intake: Arc<Intake>,
    tending: JoinHandle<()>,
}

/// The door as the console's listener sees it.
struct Beside(Arc<Door>);

impl Front {
    /// Opens it.
    ///
    /// # Errors
    /// The authority's files, or the disk's.
    pub(crate) fn open(
        site: &Arc<Site>,
        vault: &Arc<Vault>,
        people: &Raise,
        present: Arc<Present>,
        stop: &Arc<AtomicBool>,
    ) -> anyhow::Result<Self> {
        let authority = Arc::new(authority(&site.dir, &site.card.site_id)?);
        let books = Arc::new(Books {
            site: Arc::clone(site),
            vault: Arc::clone(vault),
            authority: Arc::clone(&authority),
            people: people.clone(),
            present,
            told: Mutex::default(),
        });
        let incoming = Incoming::new(Arc::clone(vault), IncomingLimits::default())?;
        let keeper: Arc<dyn Keeper> = Arc::<Books>::clone(&books);
        let intake = Arc::new(Intake::new(site.card.site_id, incoming, keeper));
        let house: Arc<dyn House> = books;
        let door = Arc::new(Door::new(authority, house, Arc::<Intake>::clone(&intake))?);
        let (vault, people, stop) = (Arc::clone(vault), people.clone(), Arc::clone(stop));
        let (tended, site) = (Arc::clone(&intake), Arc::clone(site));
        let tend = move || tend(&tended, &site, &vault, &people, &stop);
        let thread = std::thread::Builder::new().name("intake".to_owned());
        let tending = thread.spawn(tend).context("the system gives no thread for satellites")?;
        Ok(Self { door, intake, tending })
    }

    /// Returns what the console's listener hands satellites to.
    pub(crate) fn beside(&self) -> Arc<dyn web::Beside> {
        Arc::new(Beside(Arc::clone(&self.door)))
    }

    /// Returns what takes in what satellites bring.
    pub(crate) fn intake(&self) -> Arc<Intake> {
        Arc::clone(&self.intake)
    }

    /// Waits for the thread, once the end was asked for and the doors are closed.
    pub(crate) fn join(self) {
        if self.tending.join().is_err() {
            tracing::error!("the thread of the satellites died");
        }
    }
}

impl web::Beside for Beside {
    fn is_meant(&self, hello: &ClientHello<'_>) -> bool {
        let protocols = hello.alpn().into_iter().flatten().map(<[u8]>::to_vec);
        Door::is_meant(hello.server_name(), protocols)
    }

    fn config(&self) -> Arc<ServerConfig> {
        self.0.config()
    }

    fn handshake_failed(&self, from: IpAddr, error: &std::io::Error) {
        self.0.handshake_failed(from, error);
    }

    fn attend(&self, stream: TlsStream<TcpStream>, stop: watch::Receiver<bool>) -> web::Attended {
        Box::pin(Arc::clone(&self.0).attend(stream, stop))
    }
}

/// Looks after what came in until the end; then makes it durable once more.
fn tend(intake: &Intake, site: &Site, vault: &Vault, people: &Raise, stop: &AtomicBool) {
    let (mut synced, mut silences, mut stand) = (Instant::now(), Silences::default(), Stands::default());
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(VERIFY_EVERY);
        intake.verify();
        if synced.elapsed() >= SYNC_EVERY {
            synced = Instant::now();
            intake.sync();
            miss(site, vault, people, &mut silences, &mut stand);
        }
    }
    intake.sync();
}

/// Tells which satellites have fallen silent and which are heard again, and what stands there because they saw it themselves.
fn miss(site: &Site, vault: &Vault, people: &Raise, silences: &mut Silences, stand: &mut Stands) {
    let rows = match vault.satellites() {
        Ok(rows) => rows,
        // Whoever else needs the catalogue says so; silence cannot be judged without it.
        Err(e) => return tracing::warn!("whether satellites are heard cannot be looked up: {e}"),
    };
    for (key, news) in silences.look(&rows, world::now().mono_ns, &site.card.zone) {
        match news {
            News::Silent(text) => people.bell.stands(&key, Severity::Urgent, &text),
            News::Heard(text) => people.bell.over(&key, &text),
        }
    }
    for (key, news) in stand.look(&rows) {
        match news {
            stands::News::Stands(severity, text) => people.bell.stands(&key, severity, &text),
            stands::News::Over(text) => people.bell.over(&key, &text),
        }
    }
}
