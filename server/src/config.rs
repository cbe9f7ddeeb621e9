//! `amethyst.toml`: what an administrator may change, read strictly: a word that is not known is refused, not ignored.
//!
//! Secrets never stand here. The file that `amethyst init` writes explains every setting; `docs/ref/config.md` says more.

mod proxies;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use archiver::schedule::At;
use serde::Deserialize;

use crate::alarms;
use crate::alarms::settings::Way;
use crate::failure::{Failure, Kind};
pub(crate) use crate::health::settings::Health;
use proxies::ProxyHeaderWord;

/// The version of the data folder's layout that this program reads and writes.
pub(crate) const DATA_FORMAT: u32 = 1;

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "format is judged before the rest is read; the name is for screens to come")]
pub(crate) struct Config {
    /// Version of the data folder's layout.
    pub(crate) format: u32,
    /// The site.
    pub(crate) site: Site,
    /// How calls become recordings.
    #[serde(default)]
    pub(crate) recording: Recording,
    /// Which calls become recordings.
    #[serde(default)]
    pub(crate) rules: Rules,
    /// How packets are captured.
    #[serde(default)]
    pub(crate) capture: Capture,
    /// The taps: where we listen.
    #[serde(default, rename = "tap")]
    pub(crate) taps: Vec<Tap>,
    /// The console and its door.
    #[serde(default)]
    pub(crate) web: Web,
    /// When recordings are archived.
    #[serde(default)]
    pub(crate) archive: Archive,
    /// What happens at the end of retention.
    #[serde(default)]
    pub(crate) retention: Retention,
    /// What holds for all ways out for alarms.
    #[serde(default)]
    pub(crate) alarms: alarms::settings::Alarms,
    /// The ways out for alarms, as written.
    #[serde(default, rename = "alarm")]
    pub(crate) alarm_words: Vec<alarms::settings::Words>,
    /// When people are told that recording is not as it always is.
    #[serde(default)]
    pub(crate) health: Health,
    /// Groups of extensions, for what a person may hear.
    #[serde(default)]
    pub(crate) groups: BTreeMap<String, Vec<String>>,
}

/// The site.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "the name is for screens to come")]
pub(crate) struct Site {
    /// What people call it.
    pub(crate) name: String,
    /// The letter of references.
    #[serde(default = "letter_a")]
    pub(crate) letter: char,
    /// Patterns of the site's own numbers (`*` is exactly one character); they tell incoming from outgoing.
    #[serde(default)]
    pub(crate) internal_numbers: Vec<String>,
}

/// How calls become recordings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Recording {
    /// Seconds kept in memory before a late start event, 0 to 10.
    pub(crate) preroll_seconds: u32,
    /// Seconds without RTP after which a call without an end is closed.
    pub(crate) idle_seconds: u32,
    /// Record RTP that no signalling announced.
    pub(crate) orphans: bool,
    /// Seal events of digits without their digit (RFC 4733, SIP INFO); tones in the sound are not touched.
    pub(crate) mask_digits: bool,
    /// Calls followed at the same time; more are counted as not recorded(limit).
    pub(crate) calls_max: u32,
    /// Audio that may wait in memory for a slow disk, in MiB; beyond it live audio becomes a gap and an alarm.
    pub(crate) queue_mib: u32,
}

impl Default for Recording {
    fn default() -> Self {
        Self {
            preroll_seconds: 2,
            idle_seconds: 60,
            orphans: true,
            mask_digits: false,
            calls_max: 20_000,
            queue_mib: 48,
        }
    }
}

/// Which calls become recordings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Rules {
    /// Extensions to record; empty means all. `3115`, `3111-3118` or `3***`.
    pub(crate) include: Vec<String>,
    /// Extensions not to record.
    pub(crate) exclude: Vec<String>,
}

/// How packets are captured.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Capture {
    /// Kernel ring per interface, in MiB.
    pub(crate) ring_mib: u32,
    /// See all packets of the wire, not only those addressed to this machine.
    pub(crate) promiscuous: bool,
}

impl Default for Capture {
    fn default() -> Self {
        Self { ring_mib: 32, promiscuous: true }
    }
}

/// The console and its door.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Web {
    /// Where HTTPS is served.
    pub(crate) listen: SocketAddr,
    /// Where plain HTTP is answered with the address of HTTPS, and nothing else; absent: nowhere.
    pub(crate) redirect_from: Option<SocketAddr>,
    /// A file with the token that `/metrics` wants; absent: only this machine may read them.
    pub(crate) metrics_token_file: Option<PathBuf>,
    /// Reverse proxies, by address or net: what they say of where a request comes from is believed, nobody else's word.
    #[serde(deserialize_with = "proxies::nets")]
    pub(crate) trusted_proxies: Vec<web::Net>,
    /// The header in which they say it.
    pub(crate) proxy_header: ProxyHeaderWord,
    /// Who must have an authenticator.
    pub(crate) totp: TotpWord,
    /// Minutes without a request after which a session ends, by role.
    pub(crate) idle_minutes: IdleMinutes,
}

impl Default for Web {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 8_443)),
            redirect_from: None,
            metrics_token_file: None,
            trusted_proxies: Vec::new(),
            proxy_header: ProxyHeaderWord::default(),
            totp: TotpWord::Required,
            idle_minutes: IdleMinutes::default(),
        }
    }
}

/// When recordings are archived.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Archive {
    /// From this time of day on, in the site's zone, the night's run is due.
    #[serde(deserialize_with = "time_of_day")]
    pub(crate) at: At,
    /// Archive as soon as something was sealed, too.
    pub(crate) continuous: bool,
    /// A recording stays in the live store at least so many days after its end, however safe it is elsewhere.
    pub(crate) keep_live_days: KeepLive,
}

/// What happens at the end of retention.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Retention {
    /// Who destroys days whose retention is over.
    pub(crate) shred: AtTheEnd,
}

/// Who destroys days whose retention is over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AtTheEnd {
    /// An administrator is told and does it.
    #[default]
    Ask,
    /// The server, every day.
    ByItself,
}

impl AtTheEnd {
    /// Returns the word of the file.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::ByItself => "by-itself",
        }
    }
}

/// Days, 30 if nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct KeepLive(pub(crate) u32);

impl Default for KeepLive {
    fn default() -> Self {
        Self(30)
    }
}

fn time_of_day<'de, D: serde::Deserializer<'de>>(from: D) -> Result<At, D::Error> {
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}

/// Who must have an authenticator, as written in the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TotpWord {
    /// Administrators must, others may.
    #[default]
    Required,
    /// Everybody may.
    Optional,
}

/// Minutes without a request after which a session ends.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct IdleMinutes {
    /// Administrators.
    pub(crate) administrator: u32,
    /// Supervisors.
    pub(crate) supervisor: u32,
    /// Auditors.
    pub(crate) auditor: u32,
    /// Agents.
    pub(crate) agent: u32,
}

impl Default for IdleMinutes {
    fn default() -> Self {
        Self { administrator: 15, supervisor: 60, auditor: 60, agent: 60 }
    }
}

/// One tap.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tap {
    /// What people call it.
    pub(crate) name: String,
    /// The interface it listens on.
    pub(crate) interface: String,
    /// Which side of the exchange it sees: `trunk` or `extension`.
    #[serde(default)]
    pub(crate) side: SideWord,
    /// Minutes without a call that are told while its week is not known yet; absent: `health.quiet_minutes`.
    #[serde(default)]
    pub(crate) quiet_minutes: Option<u32>,
    /// The tap of the test call: no rule hides a call of it. Never in the file.
    #[serde(skip)]
    pub(crate) every_call: bool,
}

impl Tap {
    /// A tap on an interface of which nothing else was said.
    pub(crate) fn on(name: &str, interface: &str) -> Self {
        Self {
            name: name.to_owned(),
            interface: interface.to_owned(),
            side: SideWord::Trunk,
            quiet_minutes: None,
            every_call: false,
        }
    }
}

/// A side of the exchange, as written in the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SideWord {
    /// Lines into the exchange.
    #[default]
    Trunk,
    /// Extensions behind it.
    Extension,
}

impl From<SideWord> for shared::Side {
    fn from(word: SideWord) -> Self {
        match word {
            SideWord::Trunk => Self::Trunk,
            SideWord::Extension => Self::Extension,
        }
    }
}

const fn letter_a() -> char {
    'A'
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// The file is missing, is no TOML, has an unknown or impossible setting, or belongs to a newer version.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| {
            Failure::new(
                Kind::Data,
                format!(
                    "cannot read {}: {e}. Is this the data folder of a site? `amethyst init` makes one",
                    path.display()
                ),
            )
        })?;
        Self::parse(&text)
            .map_err(|failure| anyhow::Error::from(failure).context(format!("in {}", path.display())))
    }

    /// Reads and checks the text of a file.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        refuse_newer(text)?;
        let config: Self = toml::from_str(text).map_err(|e| Failure::new(Kind::Usage, e.to_string()))?;
        config.check().map_err(|what| Failure::new(Kind::Usage, what))?;
        Ok(config)
    }

    /// The ways out for alarms.
    pub(crate) fn alarm_ways(&self) -> Vec<Way> {
        // They were checked when they were read.
        Way::all(&self.alarm_words).unwrap_or_default()
    }

    fn check(&self) -> Result<(), String> {
        if !self.site.letter.is_ascii_uppercase() {
            return Err(format!("site.letter is `{}`: give one letter from A to Z", self.site.letter));
        }
        if self.recording.preroll_seconds > 10 {
            return Err(
                "recording.preroll_seconds is over 10: the pre-roll is kept in memory; give 0 to 10".into()
            );
        }
        if self.recording.idle_seconds < 5 {
            return Err(
                "recording.idle_seconds is under 5: calls would be cut in pauses; give 5 or more".into()
            );
        }
        if !(1..=4_096).contains(&self.capture.ring_mib) {
            return Err("capture.ring_mib must be 1 to 4096".into());
        }
        if !(8..=65_536).contains(&self.recording.queue_mib) {
            return Err("recording.queue_mib must be 8 to 65536".into());
        }
        Way::all(&self.alarm_words)?;
        self.health.check()?;
        if let Some(name) = self.health.groups.iter().find(|name| !self.groups.contains_key(*name)) {
            return Err(format!("health.groups names `{name}`, and there is no such group in [groups]"));
        }
        let idle = self.web.idle_minutes;
        for minutes in [idle.administrator, idle.supervisor, idle.auditor, idle.agent] {
            if !(1..=720).contains(&minutes) {
                return Err("web.idle_minutes must be 1 to 720 for every role".into());
            }
        }
        let mut interfaces: Vec<&str> = self.taps.iter().map(|tap| tap.interface.as_str()).collect();
        interfaces.sort_unstable();
        if let Some([twice, _]) = interfaces.windows(2).find(|pair| matches!(pair, [a, b] if a == b)) {
            return Err(format!("two taps listen on the interface {twice}: every call would be there twice"));
        }
        if self.taps.iter().any(|tap| tap.name.trim().is_empty() || tap.interface.trim().is_empty()) {
            return Err("a tap needs a name and an interface".into());
        }
        if self.recording.calls_max == 0 {
            return Err("recording.calls_max is 0: nothing could be recorded".into());
        }
        Ok(())
    }
}

/// A folder of a newer version may have settings that this program does not know: say that, not "unknown field".
fn refuse_newer(text: &str) -> Result<(), Failure> {
    let format = toml::from_str::<toml::Table>(text).ok().and_then(|t| t.get("format")?.as_integer());
    match format {
        Some(found) if found > i64::from(DATA_FORMAT) => Err(Failure::new(
            Kind::Data,
            format!(
                "this data folder has format {found}, this program knows formats up to {DATA_FORMAT}: it was used by a newer \
                 version of amethyst. Nothing was touched; the recordings in it are safe. Install the newer version again"
            ),
        )),
        _ => Ok(()),
    }
}

/// Writes a TOML basic string.
fn quoted(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|c| match c {
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}

/// Returns the commented file that `amethyst init` writes.
pub(crate) fn template(site_name: &str, letter: char) -> String {
    let name = quoted(site_name);
    format!(
        r#"# Configuration of one AMETHYST site. `amethyst serve` follows changes on SIGHUP or from its console, without losing a call;
# `amethyst record` reads it when it starts.
# Secrets never stand here. Every setting is explained in docs/ref/config.md.
format = {DATA_FORMAT}                      # version of this data folder; do not change

[site]
name = {name}
letter = "{letter}"                    # references begin with it: {letter}261122-000002
# Patterns of your own numbers tell incoming from outgoing calls; * is exactly one character.
internal_numbers = []             # for example ["3***", "0115550***"]

[recording]
preroll_seconds = 2               # kept in memory for segments whose start is learned late (0 to 10)
idle_seconds = 60                 # a call without an end is closed after so long without RTP (never while on hold)
orphans = true                    # record RTP that no signalling announced
mask_digits = false               # true: digits dialled are sealed as events without their digit (not tones in the sound)
calls_max = 20000                 # calls followed at once; more are counted as not recorded(limit)
queue_mib = 48                    # audio that may wait in memory for a slow disk

[rules]
# Extensions: individual ("3115") beats range ("3111-3118") beats wildcard ("3***", * is exactly one character).
# An empty include list means all; when an include and an exclude are equally exact, the exclude wins.
include = []
exclude = []

[capture]
ring_mib = 32                     # kernel ring per interface; larger survives longer stalls
promiscuous = true                # see all packets of the wire

[web]
# `amethyst serve`: the console in the browser, over HTTPS only.
listen = "0.0.0.0:8443"
# redirect_from = "0.0.0.0:8080"  # plain HTTP is answered with the address of HTTPS and nothing else
# metrics_token_file = "/etc/amethyst/metrics.token"   # without it only this machine may read /metrics
# trusted_proxies = ["10.0.0.5"]  # reverse proxies in front: who is behind them is believed from their header, and from nobody else's
# proxy_header = "x-forwarded-for"   # or "forwarded": the one that the proxies write
totp = "required"                 # required: administrators must have an authenticator; optional: everybody may

[web.idle_minutes]                # an unused session ends
administrator = 15
supervisor = 60
auditor = 60
agent = 60

[archive]
# Where to is configured in the console (Archive), or by `amethyst location add`.
at = "21:00"                      # every evening from this time on, in the site's zone
continuous = false                # true: also by day, soon after a recording was sealed
keep_live_days = 30               # so long a recording stays on this disk at least, however safe it is elsewhere

[retention]
# How long calls are kept is decided in the console (Keeping), or by `amethyst retention`; until then: for ever.
shred = "ask"                     # at the end of retention: ask = administrators are told; by-itself = the server destroys the day

[alarms]
# Ways out for alarms: [[alarm]] blocks of mail, webhook or syslog, in docs/ref/alarms.md. Try them with `amethyst alarm test`.
repeat_hours = 24                 # what stands and nobody has acknowledged is told again
alive_hours = 0                   # a way without news says so often that it works; 0: never

[health]
# Whether calls really are recorded: docs/ref/alarms.md.
central_silent_seconds = 300      # a satellite tells by its own ways that the central was not heard for so long; 0: never
quiet_minutes = 1440              # no call on a tap for so long is told, until its own week is known (two weeks); 0: never
quiet_days = []                   # days on which no calls are no news: ["12-25", "2026-12-24"]
one_way_seconds = 20              # a call is marked when one side sends nothing for so long while the other does; 0: never
one_way_calls = 5                 # so many marked calls of a tap's last twenty are told; 0: never
canary_min = 15                   # minutes between two calls that the recorder places itself on each tap, to show that it records; 0: none
groups = []                       # groups of extensions ([groups]) whose calls are watched like those of a tap

[groups]
# Groups of extensions, for what a person may hear:  sales = ["200-219", "3***"]

# One block per tap. An interface that is not named here can still be given to `amethyst record --interface`.
# [[tap]]
# name = "main trunk"
# interface = "eth1"
# side = "trunk"                  # trunk: lines into the exchange; extension: behind it
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_init_writes_is_accepted_and_means_the_defaults() {
        let config = Config::parse(&template("Town \"hall\"", 'B')).expect("our own template");
        assert_eq!((config.site.name.as_str(), config.site.letter), ("Town \"hall\"", 'B'));
        assert_eq!(config.recording.queue_mib, Recording::default().queue_mib);
        assert_eq!((config.archive.at, config.archive.continuous), (At::EVENING, false));
    }

    #[test]
    fn a_newer_format_is_refused_as_such() {
        let error = Config::parse("format = 2\nnew_thing = 1\n").expect_err("newer");
        assert_eq!(error.kind, Kind::Data);
        assert!(error.to_string().contains("newer version"), "{error}");
    }

    #[test]
    fn an_unknown_or_impossible_setting_is_refused() {
        let base = template("x", 'A');
        for (from, to) in [
            ("preroll_seconds = 2", "preroll_secnods = 2"),
            ("preroll_seconds = 2", "preroll_seconds = 11"),
            ("letter = \"A\"", "letter = \"a\""),
            ("ring_mib = 32", "ring_mib = 0"),
            ("queue_mib = 48", "queue_mib = 1"),
            ("at = \"21:00\"", "at = \"9 pm\""),
        ] {
            assert!(Config::parse(&base.replace(from, to)).is_err(), "{to} must be refused");
        }
    }
}
