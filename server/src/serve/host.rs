//! What the web crate may ask of this program: the site behind the console.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use daily_login::spoken::spelled;
use rand_core::Rng as _;
use shared::{LocationId, RecordingId, RunId, UtcMicros, Zone};
use tokio::sync::watch;
use vault::Vault;
use web::{Board, Health, Host, HostError, LoginAsked, ReportSignature, SiteInfo};

use super::metrics::{self, Around};
use super::settings::{self, File};
use super::test_call;
use super::watch::{Order, Seen, locked};
use super::{archive, archive_shown};
use crate::alarms;
use crate::archiving::desk::Desk;
use crate::archiving::keeper::Keeper;
use crate::config::Config;
use crate::keys::SiteKeys;
use crate::logins::{self, Giver};
use crate::satellites;
use crate::site::Site;
use crate::world;

/// So long the recording thread may be busy before it counts as hung.
const HUNG_NS: u64 = 10_000_000_000;
/// What central's signature of an export's digests is made for.
const REPORT_LABEL: &str = web::sound::report::REPORT_LABEL;
/// So long a test call may take until its recording is in the catalogue.
const TEST_CALL_MAX: Duration = Duration::from_secs(15);
/// Below this much free disk the server is not ready: an hour of a hundred calls.
const DISK_LOW_BYTES: u64 = 6 << 30;

/// The settings that are followed, and the text of their file.
pub(crate) type InForce = Arc<Mutex<(Config, String)>>;

/// The site behind the console.
pub(crate) struct Here {
    pub(crate) site: Arc<Site>,
    /// What the archive does.
    pub(crate) desk: Arc<Desk>,
    pub(crate) vault: Arc<Vault>,
    /// The satellites.
    pub(crate) satellites: satellites::Desk,
    pub(crate) keys: Arc<SiteKeys>,
    pub(crate) min_suite: seal::RecipientType,
    pub(crate) zone: Zone,
    pub(crate) site_id: String,
    pub(crate) fingerprint: String,
    pub(crate) demo: bool,
    pub(crate) file: File,
    /// The settings in force; the file may be newer until a reload.
    pub(crate) in_force: InForce,
    /// How the ways out for alarms are.
    pub(crate) alarm_ways: alarms::Health,
    /// What stands because this program saw it itself.
    pub(crate) standing: alarms::Stands,
    pub(crate) metrics_token: Option<String>,
    pub(crate) orders: Sender<Order>,
    pub(crate) board: watch::Receiver<Arc<Board>>,
    pub(crate) seen: Seen,
    pub(crate) started: Instant,
}

impl Here {
    /// Reads the file again and follows it.
    ///
    /// # Errors
    /// What is wrong with it; the settings in force stay.
    pub(crate) fn reload(&self) -> Result<(), HostError> {
        self.follow(self.file.read()?)
    }

    fn follow(&self, settings: (Config, String)) -> Result<(), HostError> {
        let order = Order::Follow(Box::new(settings.0.clone()));
        *locked(&self.in_force) = settings;
        self.orders.send(order).map_err(|_gone| HostError::Io("the recording thread has ended".into()))
    }

    /// What archives, and looks whether locations are there.
    pub(crate) fn keeper(&self) -> Keeper {
        let settings = Arc::clone(&self.in_force);
        Keeper {
            site: Arc::clone(&self.site),
            vault: Arc::clone(&self.vault),
            desk: Arc::clone(&self.desk),
            rules: Arc::new(move || locked(&settings).0.archive.clone()),
        }
    }

    /// Tells whether no tap is read.
    pub(crate) fn hears_nothing(&self) -> bool {
        locked(&self.seen).taps.iter().all(|tap| !tap.open)
    }

    /// Has a test call placed; returns what tells it from others.
    ///
    /// # Errors
    /// The recording thread has ended.
    pub(crate) fn place_test_call(&self) -> Result<u32, HostError> {
        let tag = world::dice().next_u32() % 100_000_000;
        let gone = |_gone| HostError::Io("the recording thread has ended; nothing is recorded".into());
        self.orders.send(Order::TestCall { tag }).map_err(gone)?;
        Ok(tag)
    }

    /// Returns how long ago the recording thread last looked around, in nanoseconds.
    fn look_age_ns(&self) -> u64 {
        world::now().mono_ns.saturating_sub(locked(&self.seen).looked_ns)
    }
}

impl Host for Here {
    fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }

    fn keys(&self) -> &(dyn seal::KeyRing + Send + Sync) {
        &*self.keys
    }

    fn min_suite(&self) -> seal::RecipientType {
        self.min_suite
    }

    fn zone(&self) -> &Zone {
        &self.zone
    }

    fn site(&self) -> SiteInfo {
        SiteInfo {
            name: locked(&self.in_force).0.site.name.clone(),
            site_id: self.site_id.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            fingerprint: self.fingerprint.clone(),
            demo: self.demo,
        }
    }

    fn now(&self) -> UtcMicros {
        world::now().utc
    }

    fn dice(&self, bytes: &mut [u8]) {
        world::dice().fill_bytes(bytes);
    }

    fn settings(&self) -> Result<(api::Settings, String), HostError> {
        // The file's version, so that a change is never made on top of an edit that nobody saw here.
        let (config, version) = self.file.read()?;
        Ok((settings::shown(&config), version))
    }

    fn change_settings(&self, settings: &api::Settings, version: &str) -> Result<String, HostError> {
        let changed = self.file.change(settings, version)?;
        let version = changed.1.clone();
        self.follow(changed)?;
        Ok(version)
    }

    fn board(&self) -> watch::Receiver<Arc<Board>> {
        self.board.clone()
    }

    fn listening(&self, id: RecordingId) {
        if !self.satellites.listening(id) {
            // The recording thread has ended: then there is nothing to hear either.
            drop(self.orders.send(Order::Listen(id)));
        }
    }

    fn interfaces(&self) -> Vec<api::InterfaceInfo> {
        super::interfaces::all()
    }

    fn test_call(&self) -> Result<Option<RecordingId>, HostError> {
        let since = self.now();
        let tag = self.place_test_call()?;
        let waited = Instant::now();
        while waited.elapsed() < TEST_CALL_MAX {
            std::thread::sleep(Duration::from_millis(250));
            let query = vault::Query {
                number_begins: Some(test_call::CALLER_NUMBER.into()),
                call_id: Some(test_call::call_id(tag)),
                since: Some(UtcMicros(since.0.saturating_sub(1_000_000))),
                limit: 1,
                ..vault::Query::default()
            };
            let page = self.vault.find(&query).map_err(|e| HostError::Io(e.to_string()))?;
            if let Some(recording) = page.recordings.first() {
                return Ok(Some(recording.facts.recording_id));
            }
        }
        Ok(None)
    }

    fn archive(&self) -> Result<api::Archive, HostError> {
        archive_shown::shown(self).map_err(|e| HostError::Io(e.to_string()))
    }

    fn add_location(&self, wanted: &api::NewLocation) -> Result<api::MadeReady, HostError> {
        archive::add(self, wanted)
    }

    fn prepare_location(&self, id: LocationId, wanted: &api::NewMedium) -> Result<api::MadeReady, HostError> {
        archive::prepare(self, id, wanted)
    }

    fn test_location(&self, id: LocationId) -> Result<api::LocationTest, HostError> {
        archive::test(self, id)
    }

    fn run_archive(&self, id: LocationId) {
        archive::run(self, id);
    }

    fn stop_archive(&self, id: LocationId) -> bool {
        self.desk.stop(id)
    }

    fn check_archive(&self, id: LocationId, what: vault::CheckKind) -> Result<bool, HostError> {
        archive::check(self, id, what)
    }

    fn stop_check(&self, id: LocationId) -> bool {
        self.desk.stop_check(id)
    }

    fn run_report(&self, id: RunId) -> Result<Option<Vec<u8>>, HostError> {
        archive::report(self, id)
    }

    fn satellites(&self) -> &dyn web::Satellites {
        &self.satellites
    }

    fn daily_login(&self, asked: &LoginAsked) -> Result<api::DailyLogin, HostError> {
        let LoginAsked { receiver, reason, by, session, address } = asked.clone();
        let giver = Giver { by, session, address };
        let shown = logins::give(&self.site, &self.vault, giver, &receiver, &reason)
            .map_err(|e| HostError::Io(format!("{e:#}")))?;
        Ok(api::DailyLogin {
            login: shown.login.clone(),
            password: shown.password.clone(),
            login_spoken: spelled(&shown.login).to_string(),
            password_spoken: shown.password.split('-').map(|group| spelled(group).to_string()).collect(),
            valid_from: shown.valid_from.clone(),
            valid_until: shown.valid_until.clone(),
            zone: shown.zone.clone(),
        })
    }

    fn day_keys(&self) -> &dyn vault::DayKeys {
        &*self.keys
    }

    fn at_the_end(&self) -> &'static str {
        locked(&self.in_force).0.retention.shred.word()
    }

    fn metrics(&self) -> String {
        let around = Around {
            disk_free_bytes: self.vault.free_bytes().unwrap_or(0),
            up_seconds: self.started.elapsed().as_secs(),
            look_age_seconds: Duration::from_nanos(self.look_age_ns()).as_secs_f64(),
        };
        let vitals = locked(&self.seen).clone();
        let notices = self.vault.notices().unwrap_or_default();
        metrics::text(&vitals, around, &notices, &locked(&self.alarm_ways))
    }

    fn observed(&self) -> Vec<vault::NoticeRow> {
        self.standing.notices()
    }

    fn observed_seen(&self, key: &str, by: &vault::By) -> bool {
        self.standing.seen(key, by)
    }

    fn metrics_token(&self) -> Option<String> {
        self.metrics_token.clone()
    }

    fn proxies(&self) -> web::Proxies {
        locked(&self.in_force).0.web.proxies()
    }

    fn health(&self) -> Health {
        let live = self.look_age_ns() < HUNG_NS;
        let mut reasons = Vec::new();
        if !live {
            reasons.push("the recording thread does not answer".to_owned());
        }
        let taps = locked(&self.seen).taps.clone();
        for tap in taps.iter().filter(|tap| !tap.open) {
            let why = tap.error.as_deref().unwrap_or("it is being opened");
            reasons.push(format!("nothing is recorded on the tap {}: {why}", tap.name));
        }
        match self.vault.free_bytes() {
            Ok(free) if free < DISK_LOW_BYTES => {
                reasons.push(format!("only {} MiB are free on the disk of the recordings", free >> 20));
            }
            Ok(_) => {}
            Err(e) => reasons.push(format!("the disk of the recordings cannot be asked: {e}")),
        }
        if self.desk.has_died() {
            reasons.push("nothing is archived any more by itself: start the server again".to_owned());
        }
        Health { live, ready: reasons.is_empty(), reasons }
    }

    fn sign_report(&self, bytes: &[u8]) -> Result<ReportSignature, HostError> {
        let (key_id, signature) = self.keys.sign_as_central(REPORT_LABEL, bytes);
        Ok(ReportSignature { key_id, signature })
    }
}
