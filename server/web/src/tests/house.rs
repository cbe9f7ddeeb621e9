//! A site for tests: a real vault, a clock and dice that the test brings, and visitors with a cookie jar.
#![allow(clippy::unwrap_used, clippy::unwrap_in_result, reason = "tests")]

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use api::Role;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use shared::{LocationId, RecorderId, RecordingId, SiteId, UtcMicros, Zone};
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt as _;
use vault::{By, CatalogueKey, InvitationRow, User, UserId, Vault, VaultConfig};

use crate::doors::{Doors, held};
use crate::host::{Board, Health, Host, HostError, ReportSignature, SiteInfo};
use crate::people::{scope_text, user_role};
use crate::routes::Route;

/// The first instant of every test: 2026-11-21T21:59:59Z.
pub(crate) const T0: UtcMicros = UtcMicros(1_795_298_399_000_000);
pub(crate) const PASSWORD: &str = "four words or five";
/// `PASSWORD` under a cheap Argon2id, so that tests need not wait for an expensive one.
pub(crate) const CHEAP_PHC: &str =
    "$argon2id$v=19$m=8,t=1,p=1$BwcHBwcHBwcHBwcHBwcHBw$PbxPHg0g6EjQ5K/VjWpnHbXqGHSW2e3ppjpUY6K+GQQ";

/// One site.
#[derive(Clone)]
pub(crate) struct House {
    pub(crate) host: Arc<TestHost>,
    pub(crate) app: Router,
    /// Every route of the API, as it was registered.
    pub(crate) table: Arc<Vec<Route>>,
}

/// The program behind the doors.
pub(crate) struct TestHost {
    vault: Arc<Vault>,
    zone: Zone,
    now_us: AtomicI64,
    dice: AtomicU64,
    settings: Mutex<(api::Settings, u64)>,
    pub(crate) well: AtomicBool,
    pub(crate) proxies: Mutex<crate::Proxies>,
    board: watch::Sender<Arc<Board>>,
    satellites: Desk,
    /// Removed with the house.
    folder: TempDir,
}

impl House {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vault = Arc::new(vault_in(folder.path()));
        let satellites = Desk { vault: Arc::clone(&vault), settings: Mutex::new(("format = 1\n".into(), 1)) };
        let host = Arc::new(TestHost {
            vault,
            zone: Zone::named("Africa/Johannesburg").unwrap(),
            now_us: AtomicI64::new(T0.0),
            dice: AtomicU64::new(1),
            settings: Mutex::new((settings(), 1)),
            well: AtomicBool::new(true),
            proxies: Mutex::default(),
            board: watch::Sender::new(Arc::default()),
            satellites,
            folder,
        });
        Self::over(host)
    }

    fn over(host: Arc<TestHost>) -> Self {
        let (_, table) = crate::table(&Doors::new(Arc::clone(&host) as Arc<dyn Host>));
        Self { app: crate::app(Arc::clone(&host) as Arc<dyn Host>), host, table: Arc::new(table) }
    }

    /// The same site after a restart of the program: nothing in memory is left.
    pub(crate) fn restarted(&self) -> Self {
        Self::over(Arc::clone(&self.host))
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.host.vault
    }

    /// Lets time pass.
    pub(crate) fn wait(&self, seconds: i64) {
        self.host.now_us.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }

    /// Makes a user with [`PASSWORD`].
    pub(crate) fn user(&self, name: &str, role: Role, scope: &api::Scope) -> UserId {
        let user = User {
            name: name.to_owned(),
            display: name.to_owned(),
            role: user_role(role),
            scope: scope_text(scope),
            password_phc: Some(CHEAP_PHC.to_owned()),
            created_at: self.host.now(),
            locale: "en".to_owned(),
            ..User::default()
        };
        self.vault().put_user(&user).unwrap()
    }

    /// A visitor who is signed in as a new user of this role without limits (an agent of extension 200).
    pub(crate) async fn signed_in(&self, role: Role) -> Visitor {
        let name = format!("{role:?}").to_lowercase();
        let extensions = if role == Role::Agent { vec!["200".to_owned()] } else { Vec::new() };
        self.user(&name, role, &api::Scope { extensions, ..api::Scope::default() });
        let mut visitor = self.visitor();
        visitor.sign_in(&name).await;
        visitor
    }

    pub(crate) fn visitor(&self) -> Visitor {
        let table = Arc::clone(&self.table);
        Visitor {
            app: self.app.clone(),
            table,
            cookie: None,
            csrf: None,
            address: [127, 0, 0, 1],
            forwarded_for: None,
        }
    }

    /// The acts of the audit log in the order of writing, `act outcome`.
    pub(crate) fn audited(&self) -> Vec<String> {
        let page = self.vault().audit_page(&vault::AuditFilter::default(), None, 200).unwrap();
        page.rows.iter().rev().map(|row| format!("{} {}", row.act, row.outcome.word())).collect()
    }

    /// Lets another program take the database's write lock, so that no entry of the audit log can be written any more.
    ///
    /// The database locks the byte 120 of the file `-shm` for whoever writes; POSIX locks hold against other processes only, so the
    /// other program is a real one. `None`: there is no Python here to be it.
    pub(crate) fn break_the_audit_log(&self) -> Option<Intruder> {
        let file = self.host.folder.path().join("catalogue.db-shm");
        let code = "import fcntl,sys\nf=open(sys.argv[1],'r+b')\nfcntl.lockf(f,fcntl.LOCK_EX,1,120)\nprint('held',flush=True)\nsys.stdin.read()";
        let mut python = Command::new("python3");
        python.args(["-c", code]).arg(file).stdin(Stdio::piped()).stdout(Stdio::piped());
        let Ok(mut child) = python.spawn() else {
            println!("skipped: python3 is not installed, nobody can hold the database");
            return None;
        };
        let mut told = [0; 4];
        child.stdout.as_mut().unwrap().read_exact(&mut told).unwrap();
        Some(Intruder(child))
    }

    pub(crate) fn change_settings(&self, change: impl FnOnce(&mut api::Settings)) {
        let mut held = self.host.settings.lock().unwrap();
        change(&mut held.0);
        held.1 += 1;
    }
}

/// A program that holds the database until it is dropped.
pub(crate) struct Intruder(Child);

impl Drop for Intruder {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

/// Somebody with a browser.
#[derive(Clone)]
pub(crate) struct Visitor {
    pub(crate) app: Router,
    table: Arc<Vec<Route>>,
    pub(crate) cookie: Option<String>,
    pub(crate) csrf: Option<String>,
    pub(crate) address: [u8; 4],
    /// What a proxy on the way says of them.
    pub(crate) forwarded_for: Option<&'static str>,
}

/// What came back.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.bytes)))
    }
}

impl Visitor {
    pub(crate) async fn sign_in(&mut self, name: &str) {
        let reply = self.post("/sign-in", json!({ "name": name, "password": PASSWORD })).await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.bytes));
        assert_eq!(reply.json()["next"], "done");
        self.learn_csrf().await;
    }

    pub(crate) async fn learn_csrf(&mut self) {
        self.csrf = self.ask(Method::GET, "/me", None).await.json()["csrf"].as_str().map(str::to_owned);
    }

    pub(crate) async fn get(&mut self, path: &str) -> Reply {
        self.ask(Method::GET, path, None).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: Value) -> Reply {
        self.ask(Method::POST, path, Some(body)).await
    }

    /// Sends a request under the prefix of the API, with cookie and token if there are any, and keeps the cookie that comes.
    pub(crate) async fn ask(&mut self, method: Method, path: &str, body: Option<Value>) -> Reply {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", api::PREFIX));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.body(body).unwrap()).await
    }

    /// Sends any request.
    pub(crate) async fn send(&mut self, mut request: Request<Body>) -> Reply {
        if let Some(cookie) = &self.cookie {
            request.headers_mut().insert(header::COOKIE, cookie.parse().unwrap());
        }
        if let Some(csrf) = &self.csrf
            && !request.headers().contains_key("x-csrf-token")
        {
            request.headers_mut().insert("x-csrf-token", csrf.parse().unwrap());
        }
        if let Some(said) = self.forwarded_for {
            request.headers_mut().insert("x-forwarded-for", said.parse().unwrap());
        }
        request.extensions_mut().insert(crate::Peer((self.address, 40_000).into()));
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        if let Some(cookie) = parts.headers.get(header::SET_COOKIE) {
            self.cookie = Some(cookie.to_str().unwrap().split(';').next().unwrap().to_owned());
        }
        self.is_documented(&method, &path, parts.status.as_u16());
        // A stream of events never ends: its head has to do.
        let endless = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
        let body = if endless { Body::empty() } else { body };
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Reply { status: parts.status, headers: parts.headers, bytes }
    }
}

impl Visitor {
    /// Holds what is answered against what the description says of the route.
    fn is_documented(&self, method: &Method, path: &str, status: u16) {
        let Some(path) = path.strip_prefix(api::PREFIX) else { return };
        let fits = |route: &&Route| {
            let (wanted, given): (Vec<_>, Vec<_>) =
                (route.path.split('/').collect(), path.split('/').collect());
            let same = |(w, g): (&&str, &&str)| w == g || w.starts_with('{') && !g.is_empty();
            route.method == *method && wanted.len() == given.len() && wanted.iter().zip(&given).all(same)
        };
        // A fixed path comes before one with parameters, as in the router.
        let Some(route) = self.table.iter().filter(fits).min_by_key(|route| route.path.matches('{').count())
        else {
            return;
        };
        let own = route.spec.answers.iter().any(|answer| answer.status == status);
        assert!(
            own || route.problems().contains(&status),
            "{method} {}: {status} is not documented",
            route.path
        );
    }
}

fn vault_in(folder: &Path) -> Vault {
    let config = VaultConfig {
        site_id: SiteId([1; 16]),
        zone: Zone::named("Africa/Johannesburg").unwrap(),
        recorder_id: RecorderId([2; 16]),
        letter: 'A',
    };
    Vault::create(folder, config, &CatalogueKey::new([3; 32]), T0).unwrap()
}

pub(crate) fn settings() -> api::Settings {
    api::Settings {
        site: api::SiteSettings { name: "Town hall".into(), internal_numbers: vec!["3***".into()] },
        recording: api::RecordingSettings {
            preroll_seconds: 2,
            idle_seconds: 60,
            orphans: true,
            calls_max: 20_000,
            queue_mib: 48,
            mask_digits: false,
        },
        rules: api::RuleSettings::default(),
        taps: Vec::new(),
        web: api::WebSettings { totp: api::TotpRule::Optional, ..api::WebSettings::default() },
        groups: [("sales".to_owned(), vec!["3***".to_owned()])].into(),
    }
}

impl Host for TestHost {
    fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }

    fn keys(&self) -> &(dyn seal::KeyRing + Send + Sync) {
        &NoKeys
    }

    fn min_suite(&self) -> seal::RecipientType {
        seal::RecipientType::XWing
    }

    fn zone(&self) -> &Zone {
        &self.zone
    }

    fn site(&self) -> SiteInfo {
        let name = self.settings.lock().unwrap().0.site.name.clone();
        SiteInfo {
            name,
            site_id: "1".into(),
            version: "0.1.0".into(),
            fingerprint: "AA:BB".into(),
            demo: false,
        }
    }

    fn now(&self) -> UtcMicros {
        UtcMicros(self.now_us.load(Ordering::Relaxed))
    }

    fn proxies(&self) -> crate::Proxies {
        self.proxies.lock().unwrap().clone()
    }

    fn dice(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let n = self.dice.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            chunk.copy_from_slice(&n.to_le_bytes()[..chunk.len()]);
        }
    }

    fn settings(&self) -> Result<(api::Settings, String), HostError> {
        let held = held(&self.settings);
        Ok((held.0.clone(), held.1.to_string()))
    }

    fn change_settings(&self, settings: &api::Settings, version: &str) -> Result<String, HostError> {
        let mut held = held(&self.settings);
        if held.1.to_string() != version {
            return Err(HostError::Conflict);
        }
        if settings.recording.preroll_seconds > 10 {
            return Err(HostError::Invalid("preroll_seconds is over 10".into()));
        }
        *held = (settings.clone(), held.1 + 1);
        Ok(held.1.to_string())
    }

    fn board(&self) -> watch::Receiver<Arc<Board>> {
        self.board.subscribe()
    }

    fn listening(&self, _id: RecordingId) {}

    fn interfaces(&self) -> Vec<api::InterfaceInfo> {
        vec![api::InterfaceInfo {
            name: "lo".into(),
            up: true,
            address: Some("127.0.0.1".into()),
            packets_seen: 7,
        }]
    }

    fn test_call(&self) -> Result<Option<RecordingId>, HostError> {
        Ok(None)
    }

    fn archive(&self) -> Result<api::Archive, HostError> {
        Ok(api::Archive {
            verdict: api::ArchiveVerdict::None,
            safe_until: None,
            due_files: 0,
            next_run: None,
            at: "21:00".into(),
            continuous: false,
            locations: Vec::new(),
        })
    }

    fn add_location(&self, wanted: &api::NewLocation) -> Result<api::MadeReady, HostError> {
        Err(HostError::Invalid(format!("{} is not there", wanted.path)))
    }

    fn prepare_location(
        &self,
        _id: LocationId,
        _wanted: &api::NewMedium,
    ) -> Result<api::MadeReady, HostError> {
        Err(HostError::Invalid("no drive is connected to this house".into()))
    }

    fn test_location(&self, _id: LocationId) -> Result<api::LocationTest, HostError> {
        let why = Some("no drive is connected to this house".into());
        Ok(api::LocationTest { connected: false, why, free_bytes: None, total_bytes: None })
    }

    fn run_archive(&self, _id: LocationId) {}

    fn stop_archive(&self, _id: LocationId) -> bool {
        false
    }

    fn check_archive(&self, _id: LocationId, _what: vault::CheckKind) -> Result<bool, HostError> {
        Ok(false)
    }

    fn stop_check(&self, _id: LocationId) -> bool {
        false
    }

    fn run_report(&self, _id: shared::RunId) -> Result<Option<Vec<u8>>, HostError> {
        Ok(None)
    }

    fn satellites(&self) -> &dyn crate::Satellites {
        &self.satellites
    }

    fn daily_login(&self, asked: &crate::LoginAsked) -> Result<api::DailyLogin, HostError> {
        let crate::LoginAsked { receiver, reason, by, session, address } = asked.clone();
        let (day, salt) = (self.zone.day_of(by.at), [5; 32]);
        let release = vault::LoginRelease { day, lane: b'a', receiver, reason, salt, by, session, address };
        let released = self.vault.release_login(&release).map_err(|e| HostError::Io(e.to_string()))?;
        // There are no keys in this house.
        Ok(api::DailyLogin {
            login: format!("a{:04}", released.leaf()),
            password: "NVJ9-K565-K39Y-JY6Z".into(),
            login_spoken: String::new(),
            password_spoken: Vec::new(),
            valid_from: released.day().to_string(),
            valid_until: String::new(),
            zone: self.zone.name().to_owned(),
        })
    }

    fn day_keys(&self) -> &dyn vault::DayKeys {
        &NoKeys
    }

    fn at_the_end(&self) -> &'static str {
        "ask"
    }

    fn metrics(&self) -> String {
        "amethyst_up 1\n".into()
    }

    fn observed(&self) -> Vec<vault::NoticeRow> {
        Vec::new()
    }

    fn observed_seen(&self, _key: &str, _by: &By) -> bool {
        false
    }

    fn health(&self) -> Health {
        let ready = self.well.load(Ordering::Relaxed);
        let reasons = if ready { Vec::new() } else { vec!["the tap is down".to_owned()] };
        Health { live: true, ready, reasons }
    }

    fn sign_report(&self, _bytes: &[u8]) -> Result<ReportSignature, HostError> {
        Err(HostError::Io("there are no keys in this house".into()))
    }
}

/// The satellites of this house: rows of the vault, and one text of settings for all.
struct Desk {
    vault: Arc<Vault>,
    settings: Mutex<(String, u64)>,
}

impl crate::Satellites for Desk {
    fn shown(&self) -> Result<Vec<api::Satellite>, HostError> {
        let rows = self.vault.satellites().map_err(|e| HostError::Io(e.to_string()))?;
        let shown = |row: vault::SatelliteRow| api::Satellite {
            id: row.recorder_id.to_string(),
            name: row.name,
            letter: row.letter.into(),
            state: api::SatelliteState::Never,
            enrolled_at: String::new(),
            last_seen_at: None,
            certificate_until: String::new(),
            revoked_at: None,
            revoked_by: row.revoked.map(|by| by.name),
            status: None,
            settings: api::SettingsState::Waiting,
            settings_changed_at: None,
            settings_followed_at: None,
            settings_why: None,
        };
        Ok(rows.into_iter().map(shown).collect())
    }

    fn invite(&self, name: &str, by: &By) -> Result<api::SatelliteCode, HostError> {
        // A name is invited once in a test.
        let id = std::array::from_fn(|place| name.as_bytes().get(place).copied().unwrap_or(0));
        let row = InvitationRow {
            invitation_id: id,
            secret: vec![1; 32],
            name: name.to_owned(),
            made: by.clone(),
            expires_at: by.at.plus(900_000_000),
            tries: 0,
        };
        self.vault.invite(&row).map_err(|e| HostError::Io(e.to_string()))?;
        Ok(api::SatelliteCode { id: crate::token::hex(&id), code: "7KPM-3XQ9".into(), until: String::new() })
    }

    fn settings(&self, _id: RecorderId) -> Result<api::SatelliteSettings, HostError> {
        let held = held(&self.settings);
        Ok(api::SatelliteSettings { version: held.1.to_string(), text: held.0.clone() })
    }

    fn change_settings(&self, _id: RecorderId, text: &str, version: &str) -> Result<String, HostError> {
        let mut held = held(&self.settings);
        if held.1.to_string() != version {
            return Err(HostError::Conflict);
        }
        if text.contains("oops") {
            return Err(HostError::Invalid("Line 2: oops".into()));
        }
        *held = (text.to_owned(), held.1 + 1);
        Ok(held.1.to_string())
    }
}

pub(crate) struct NoKeys;

impl vault::DayKeys for NoKeys {
    fn of_day(&self, _day: shared::Day) -> Vec<[u8; 8]> {
        Vec::new()
    }

    fn forget(&self, _keys: &[[u8; 8]]) -> Result<(), String> {
        Ok(())
    }
}

impl seal::KeyRing for NoKeys {
    fn secret(&self, _id: seal::KeyId) -> Option<seal::RecipientSecret> {
        None
    }

    fn verifying_key(&self, _id: seal::KeyId) -> Option<seal::VerifyingKey> {
        None
    }
}

#[test]
fn the_cheap_digest_is_that_of_the_password() {
    assert!(
        crate::password::fits(PASSWORD, Some(CHEAP_PHC)),
        "{}",
        crate::password::digest_cheaply(PASSWORD)
    );
}
