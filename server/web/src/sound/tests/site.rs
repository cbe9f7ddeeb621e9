//! The whole router over a bench: callers with real sessions, requests as a browser sends them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use api::Role;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use shared::{LocationId, RecordingId, UtcMicros, Zone};
use tokio::sync::watch;
use tower::ServiceExt as _;
use vault::{Session, SessionStep, User, Vault};

use super::super::report::REPORT_LABEL;
use super::bench::{Bench, START};
use crate::host::{Board, Health, Host, HostError, ReportSignature, SiteInfo};
use crate::people::{scope_text, user_role};
use crate::token::Token;

/// A site whose calls were made by a bench.
pub(crate) struct Site {
    pub(crate) bench: Arc<Bench>,
    pub(crate) host: Arc<BenchHost>,
    pub(crate) app: Router,
}

pub(crate) struct BenchHost {
    bench: Arc<Bench>,
    now_us: AtomicI64,
    dice: AtomicU64,
    pub(crate) board: watch::Sender<Arc<Board>>,
    /// How often somebody said that they listen.
    pub(crate) listening: AtomicU64,
}

impl Site {
    pub(crate) fn over(bench: Bench) -> Self {
        let bench = Arc::new(bench);
        let host = Arc::new(BenchHost {
            bench: Arc::clone(&bench),
            now_us: AtomicI64::new(START.plus(86_400_000_000).0),
            dice: AtomicU64::new(1),
            board: watch::Sender::new(Arc::default()),
            listening: AtomicU64::new(0),
        });
        let app = crate::app(Arc::clone(&host) as Arc<dyn Host>);
        Self { bench, host, app }
    }

    pub(crate) fn wait(&self, seconds: i64) {
        self.host.now_us.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }

    /// Somebody who is signed in.
    pub(crate) fn caller(&self, role: Role, extensions: &[&str]) -> Who {
        let own = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        self.scoped(role, &api::Scope { extensions: own(extensions), ..api::Scope::default() })
    }

    pub(crate) fn scoped(&self, role: Role, scope: &api::Scope) -> Who {
        let n = self.host.dice.fetch_add(1, Ordering::Relaxed);
        let token = Token::new([u8::try_from(n % 250).unwrap(); 32]);
        let now = self.host.now();
        let user = User {
            name: format!("user{n}"),
            role: user_role(role),
            scope: scope_text(scope),
            created_at: now,
            locale: "en".into(),
            ..User::default()
        };
        let user = self.bench.vault.put_user(&user).unwrap();
        let session = Session {
            digest: token.digest(),
            user,
            created_at: now,
            seen_at: now,
            ends_at: now.plus(12 * 3_600_000_000),
            step: SessionStep::Complete,
            address: "127.0.0.1".into(),
            agent: "test".into(),
        };
        self.bench.vault.put_session(&session).unwrap();
        Who { app: self.app.clone(), token }
    }

    /// Acts of the audit log in the order of writing, with their objects.
    pub(crate) fn audited(&self) -> Vec<(String, String)> {
        let page = self.bench.vault.audit_page(&vault::AuditFilter::default(), None, 200).unwrap();
        let entry = |row: &vault::AuditRow| (row.act.clone(), row.object.clone().unwrap_or_default());
        page.rows.iter().rev().map(entry).collect()
    }

    pub(crate) fn acts(&self) -> Vec<String> {
        self.audited().into_iter().map(|(act, _)| act).collect()
    }
}

/// A session.
#[derive(Clone)]
pub(crate) struct Who {
    app: Router,
    pub(crate) token: Token,
}

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

    pub(crate) fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Who {
    pub(crate) fn cookie(&self) -> String {
        format!("{}={}", crate::guard::COOKIE, self.token.expose())
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.ask(Method::GET, path, &[], None).await
    }

    pub(crate) async fn range(&self, path: &str, range: &str) -> Reply {
        self.ask(Method::GET, path, &[("range", range)], None).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Value) -> Reply {
        self.ask(method, path, &[], Some(body)).await
    }

    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: Option<Value>,
    ) -> Reply {
        let response = self.app.clone().oneshot(self.request(method, path, headers, body)).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Reply { status: parts.status, headers: parts.headers, bytes }
    }

    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: Option<Value>,
    ) -> Request<Body> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", api::PREFIX))
            .header(header::COOKIE, self.cookie())
            .header("x-csrf-token", self.token.csrf());
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string()))).unwrap()
    }
}

fn no_archive() -> HostError {
    HostError::Io("this bench archives nothing".to_owned())
}

/// A bench has no satellites.
impl crate::Satellites for BenchHost {
    fn shown(&self) -> Result<Vec<api::Satellite>, HostError> {
        Ok(Vec::new())
    }

    fn invite(&self, _name: &str, _by: &vault::By) -> Result<api::SatelliteCode, HostError> {
        Err(HostError::Io("a bench lets no satellite in".into()))
    }

    fn settings(&self, _id: shared::RecorderId) -> Result<api::SatelliteSettings, HostError> {
        Err(HostError::Io("a bench has no satellites".into()))
    }

    fn change_settings(&self, _id: shared::RecorderId, _text: &str, _v: &str) -> Result<String, HostError> {
        Err(HostError::Io("a bench has no satellites".into()))
    }
}

impl Host for BenchHost {
    fn vault(&self) -> &Arc<Vault> {
        &self.bench.vault
    }

    fn keys(&self) -> &(dyn seal::KeyRing + Send + Sync) {
        &self.bench.keys
    }

    fn min_suite(&self) -> seal::RecipientType {
        seal::RecipientType::X25519
    }

    fn zone(&self) -> &Zone {
        &self.bench.zone
    }

    fn site(&self) -> SiteInfo {
        SiteInfo {
            name: "Town hall".into(),
            site_id: "01".repeat(16),
            version: "0.1.0".into(),
            fingerprint: "AA".into(),
            demo: false,
        }
    }

    fn now(&self) -> UtcMicros {
        UtcMicros(self.now_us.load(Ordering::Relaxed))
    }

    fn dice(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let n = self.dice.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            chunk.copy_from_slice(&n.to_le_bytes()[..chunk.len()]);
        }
    }

    fn settings(&self) -> Result<(api::Settings, String), HostError> {
        Ok((crate::tests::settings(), "1".into()))
    }

    fn change_settings(&self, _settings: &api::Settings, _version: &str) -> Result<String, HostError> {
        Err(HostError::Conflict)
    }

    fn board(&self) -> watch::Receiver<Arc<Board>> {
        self.board.subscribe()
    }

    fn listening(&self, _id: RecordingId) {
        self.listening.fetch_add(1, Ordering::Relaxed);
    }

    fn interfaces(&self) -> Vec<api::InterfaceInfo> {
        Vec::new()
    }

    fn test_call(&self) -> Result<Option<RecordingId>, HostError> {
        Ok(None)
    }

    fn archive(&self) -> Result<api::Archive, HostError> {
        Err(no_archive())
    }

    fn add_location(&self, _wanted: &api::NewLocation) -> Result<api::MadeReady, HostError> {
        Err(no_archive())
    }

    fn prepare_location(
        &self,
        _id: LocationId,
        _wanted: &api::NewMedium,
    ) -> Result<api::MadeReady, HostError> {
        Err(no_archive())
    }

    fn test_location(&self, _id: LocationId) -> Result<api::LocationTest, HostError> {
        Err(no_archive())
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
        self
    }

    fn daily_login(&self, _asked: &crate::LoginAsked) -> Result<api::DailyLogin, HostError> {
        Err(HostError::Io("there are no keys on this bench".into()))
    }

    fn day_keys(&self) -> &dyn vault::DayKeys {
        &crate::tests::NoKeys
    }

    fn at_the_end(&self) -> &'static str {
        "ask"
    }

    fn metrics(&self) -> String {
        String::new()
    }

    fn observed(&self) -> Vec<vault::NoticeRow> {
        Vec::new()
    }

    fn observed_seen(&self, _key: &str, _by: &vault::By) -> bool {
        false
    }

    fn health(&self) -> Health {
        Health { live: true, ready: true, reasons: Vec::new() }
    }

    fn sign_report(&self, bytes: &[u8]) -> Result<ReportSignature, HostError> {
        let key = &self.bench.keys.signer;
        Ok(ReportSignature { key_id: key.key_id(), signature: key.sign(REPORT_LABEL, bytes) })
    }
}
