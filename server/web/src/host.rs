//! What the doors need of the program behind them: the vault, keys, time, dice, settings, and what goes on right now.
//!
//! The program implements [`Host`]; this crate opens no file, knows no interface and asks no clock of its own. Calls may
//! block (settings are a file, a test call takes seconds): this crate makes them on threads that may wait.

use std::sync::Arc;

use shared::{Direction, LocationId, RecorderId, RecordingId, RunId, Side, UtcMicros, Zone};
use tokio::sync::watch;
use vault::{By, Vault};

use crate::proxies::Proxies;

/// What the program offers to its doors.
pub trait Host: Send + Sync + 'static {
    /// Returns the vault.
    fn vault(&self) -> &Arc<Vault>;
    /// Returns the keys that open recordings and verify them.
    fn keys(&self) -> &(dyn seal::KeyRing + Send + Sync);
    /// Returns the weakest recipient that a sealed file may have; a weaker file is not opened.
    fn min_suite(&self) -> seal::RecipientType;
    /// Returns the site's time zone.
    fn zone(&self) -> &Zone;
    /// Returns what the console shows of the site.
    fn site(&self) -> SiteInfo;
    /// Returns the wall clock.
    fn now(&self) -> UtcMicros;
    /// Fills `bytes` with the operating system's dice.
    fn dice(&self, bytes: &mut [u8]);
    /// Wraps a small secret (an authenticator's) for the catalogue, which is itself encrypted.
    fn seal_secret(&self, secret: &[u8]) -> Vec<u8> {
        secret.to_vec()
    }
    /// Opens what [`Host::seal_secret`] wrapped; `None` when it was not made here.
    fn open_secret(&self, wrapped: &[u8]) -> Option<Vec<u8>> {
        Some(wrapped.to_vec())
    }
    /// Returns the settings in force and their version.
    ///
    /// # Errors
    /// The configuration cannot be read.
    fn settings(&self) -> Result<(api::Settings, String), HostError>;
    /// Puts settings in force and keeps them, if `version` is still the one in force. Returns the new version.
    ///
    /// # Errors
    /// [`HostError::Conflict`] if somebody was faster, [`HostError::Invalid`] with a sentence, or the disk's.
    fn change_settings(&self, settings: &api::Settings, version: &str) -> Result<String, HostError>;
    /// Returns the board of channels as it changes.
    fn board(&self) -> watch::Receiver<Arc<Board>>;
    /// Says that somebody listens to a recording that is under way, for the next few seconds: it is then written more often
    /// than once a second, so that what they hear is fresh. Never waits; one that is not under way is passed over.
    fn listening(&self, id: RecordingId);
    /// Returns the machine's network interfaces.
    fn interfaces(&self) -> Vec<api::InterfaceInfo>;
    /// Places the built-in test call through the whole pipeline and waits for its recording; `None` if it is not known yet.
    ///
    /// # Errors
    /// It could not be placed, and why.
    fn test_call(&self) -> Result<Option<RecordingId>, HostError>;
    /// Returns how safe recordings are, and what the archive does.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    fn archive(&self) -> Result<api::Archive, HostError>;
    /// Configures a location of the archive and prepares its medium. A share that does not answer may take minutes.
    ///
    /// # Errors
    /// [`HostError::Invalid`] with a sentence that says what is wrong with the place; then nothing has changed.
    fn add_location(&self, wanted: &api::NewLocation) -> Result<api::MadeReady, HostError>;
    /// Makes the medium that is connected now one of the location's.
    ///
    /// # Errors
    /// [`HostError::Invalid`] with a sentence that says what is wrong with it.
    fn prepare_location(&self, id: LocationId, wanted: &api::NewMedium) -> Result<api::MadeReady, HostError>;
    /// Looks whether a location is there with its right medium.
    ///
    /// # Errors
    /// There is no such location.
    fn test_location(&self, id: LocationId) -> Result<api::LocationTest, HostError>;
    /// Asks for a run there, and does not wait for it.
    fn run_archive(&self, id: LocationId);
    /// Ends the run there early; false if there is none.
    fn stop_archive(&self, id: LocationId) -> bool;
    /// Begins a verification or a drill there, and does not wait for it; false if one goes on, or a run does.
    ///
    /// # Errors
    /// There is no such location.
    fn check_archive(&self, id: LocationId, what: vault::CheckKind) -> Result<bool, HostError>;
    /// Ends the verification or drill there; false if there is none.
    fn stop_check(&self, id: LocationId) -> bool;
    /// Reads the report of a run from its medium; `None`: no such run proved anything.
    ///
    /// # Errors
    /// [`HostError::Invalid`] with a sentence: its medium is not connected, as a rule.
    fn run_report(&self, id: RunId) -> Result<Option<Vec<u8>>, HostError>;
    /// Returns what the program knows of its satellites and does for them.
    fn satellites(&self) -> &dyn Satellites;
    /// Enters in the logs that today's login is given out, durably, then shows it.
    ///
    /// # Errors
    /// It could not be entered: then nobody saw it.
    fn daily_login(&self, asked: &LoginAsked) -> Result<api::DailyLogin, HostError>;
    /// Returns the key store, as far as destroying goes.
    fn day_keys(&self) -> &dyn vault::DayKeys;
    /// Returns what is done with days whose retention is over: `ask` or `by-itself`.
    fn at_the_end(&self) -> &'static str;
    /// Returns the counters in Prometheus' text format.
    fn metrics(&self) -> String;
    /// Returns what stands because the server saw it itself, such as a satellite that is silent: its `filled` has the sentence as `why`.
    fn observed(&self) -> Vec<vault::NoticeRow>;
    /// Notes that somebody has seen what stands under a key; false if nothing that the server saw itself stands there.
    fn observed_seen(&self, key: &str, by: &By) -> bool;
    /// Returns the token that reads `/metrics` from elsewhere; `None`: only from this machine.
    fn metrics_token(&self) -> Option<String> {
        None
    }
    /// Returns the reverse proxies whose word about their callers counts; by default nobody's.
    fn proxies(&self) -> Proxies {
        Proxies::default()
    }
    /// Returns whether the program is well.
    fn health(&self) -> Health;
    /// Signs the digest list of an export with central's key.
    ///
    /// # Errors
    /// The keystore is locked.
    fn sign_report(&self, bytes: &[u8]) -> Result<ReportSignature, HostError>;
}

/// What the program knows of its satellites and does for them. What is only a row is the vault's business.
pub trait Satellites: Send + Sync {
    /// Returns all of them by letter, as they stand now.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    fn shown(&self) -> Result<Vec<api::Satellite>, HostError>;
    /// Makes a code with which one new machine may become a satellite of this name. Takes a tenth of a second and 64 MiB.
    ///
    /// # Errors
    /// The catalogue cannot be written; there is no code then.
    fn invite(&self, name: &str, by: &By) -> Result<api::SatelliteCode, HostError>;
    /// Returns the settings that stand here for a satellite, whether they make sense or not.
    ///
    /// # Errors
    /// The file cannot be read.
    fn settings(&self, id: RecorderId) -> Result<api::SatelliteSettings, HostError>;
    /// Puts settings in the place of `version`, durably; they are signed and sent within half a minute. Returns their version.
    ///
    /// # Errors
    /// [`HostError::Conflict`] if somebody was faster, [`HostError::Invalid`] with a sentence that names the line, or the disk's.
    fn change_settings(&self, id: RecorderId, text: &str, version: &str) -> Result<String, HostError>;
}

/// The site as the console shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteInfo {
    /// What people call it.
    pub name: String,
    /// Its identity as text.
    pub site_id: String,
    /// The version of the program.
    pub version: String,
    /// SHA-256 of the server's certificate, for people to compare.
    pub fingerprint: String,
    /// True for the demonstration.
    pub demo: bool,
}

/// Who is to be shown today's login, to whom they give it, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginAsked {
    /// To whom it is given.
    pub receiver: String,
    /// Why.
    pub reason: String,
    /// Who gives it.
    pub by: By,
    /// The first octets of their session's digest.
    pub session: Option<[u8; 8]>,
    /// From where they ask.
    pub address: String,
}

/// Why the program did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Somebody else changed the settings meanwhile.
    #[error("somebody else changed the settings meanwhile: look at theirs, then change them again")]
    Conflict,
    /// A value is not acceptable; the sentence says which and why.
    #[error("{0}")]
    Invalid(String),
    /// The disk, the network, a locked keystore; the sentence says what to do.
    #[error("{0}")]
    Io(String),
}

/// Whether the program is well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// It runs and its parts answer; if not, it should be started again.
    pub live: bool,
    /// It records and can be asked.
    pub ready: bool,
    /// What is not well, in sentences without numbers or names of callers.
    pub reasons: Vec<String>,
}

/// A signature by central's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportSignature {
    /// Which key.
    pub key_id: seal::KeyId,
    /// Ed25519.
    pub signature: [u8; 64],
}

/// What goes on at this moment. The lead writes one a second; what a listener may see of it is decided in this crate.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Board {
    /// The calls.
    pub lines: Vec<BoardLine>,
    /// The taps.
    pub taps: Vec<api::TapLine>,
    /// The satellites that were not revoked.
    pub satellites: Vec<BoardSatellite>,
}

/// A satellite on the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardSatellite {
    /// Its name.
    pub name: String,
    /// Whether its line is up.
    pub connected: bool,
    /// When it was last heard, if it is not.
    pub seen_at: Option<UtcMicros>,
    /// Calls in all, as it says.
    pub calls: u64,
}

/// Which satellite records a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfSatellite {
    /// Its identity: only what it brought itself is heard as this call.
    pub id: RecorderId,
    /// Its name.
    pub name: String,
}

/// One call on the board.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardLine {
    /// Tells it from the other calls of its recorder.
    pub key: u64,
    /// The satellite that records it; `None`: this server.
    pub satellite: Option<OfSatellite>,
    /// The recording that grows, if there is one.
    pub recording_id: Option<RecordingId>,
    /// Name of the sealed file that grows, as the recorder gave it; what live listening reads.
    pub part: Option<String>,
    /// The reference shown to people.
    pub reference: Option<String>,
    /// The tap's name.
    pub tap: String,
    /// Which side of the exchange.
    pub side: Side,
    /// What it does.
    pub state: api::LineState,
    /// When it began; none for an idle line.
    pub started_at: Option<UtcMicros>,
    /// Who called.
    pub caller: api::Party,
    /// Who was called.
    pub called: api::Party,
    /// Which way.
    pub direction: Direction,
    /// Names of the codecs.
    pub codecs: Vec<String>,
    /// Level of near and far party in dB below full scale.
    pub level_dbfs: Option<[f32; 2]>,
    /// What is wrong, if something is.
    pub fault: Option<String>,
}
