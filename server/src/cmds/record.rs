//! `amethyst record`: calls on interfaces or in capture files become sealed recordings.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use capture::{AfPacket, CaptureError, CaptureFile, LiveOptions, Merge, PacketSource};
use recorder::{Fault, Recorder, RecorderConfig, Summary};
use serde_json::{Value, json};
use shared::TapId;
use telephony::engine::{Alarm, Counters, Engine, EngineConfig, EngineLimits, TapConfig};
use telephony::segment::rules::{RuleSet, Rules};
use vault::{RecoverWith, RecoveryReport, Use, Vault};

use crate::cli::Record;
use crate::config::{Config, Tap};
use crate::failure::{Failure, Kind, kind_of_io};
use crate::site::Site;
use crate::wire::{self, Ending, Listener};
use crate::{terminal, view, world};

/// Runs the command. The exit code is 1 when something was lost between the wire and the disk.
///
/// # Errors
/// The data folder or a source cannot be used. What was recorded before is closed and kept.
pub(crate) fn run(words: &Record) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let taps = taps_of(words, &site.config);
    let mut settings = engine_config(&site, &taps)?;
    if let Some(path) = &words.srtp_keys {
        settings.orphan_keys = crate::srtp_keys::read(path)?;
    }
    let mut engine = Engine::new(settings);
    // Sources are opened first: a wrong name must not touch the data folder.
    let mut sources = open_sources(words, &site.config)?;
    let vault = Arc::new(site.vault(Use::Record)?);
    raise_file_limit();
    tell_recovery(&recover(&site, &vault)?);
    site.keys.make_ahead(site.today())?;

    let config = recorder_config(&site, &taps, !words.pcaps.is_empty());
    let keys: Arc<dyn recorder::KeySource> = Arc::<crate::keys::SiteKeys>::clone(&site.keys);
    let mut recorder = Recorder::start(config, Arc::clone(&vault), keys)?;
    let mut voice = Voice { stop: stop_on_signals()?, lost: false };
    for interface in &words.interfaces {
        terminal::say(&format!("recording on {interface}; Ctrl-C ends and closes all recordings"));
    }
    let ending = wire::run(&mut sources, &mut engine, &mut recorder, &mut voice, &world::now);
    let counters = engine.counters();
    let drops: u64 = sources.iter_mut().map(|s| s.drops().kernel).sum();
    drop(sources);
    drop(engine);
    let (summary, faults) = recorder.finish();
    faults.iter().for_each(|fault| voice.fault(fault));

    if words.json || !words.pcaps.is_empty() {
        terminal::json(&as_json(&counters, &summary, drops));
    } else {
        print(&counters, &summary, drops);
    }
    if let Ending::Broken(error) = ending {
        let text = format!("{error}. What came before is recorded and closed");
        return Err(Failure::new(kind_of(&error), text).into());
    }
    Ok(u8::from(voice.lost || drops > 0))
}

/// Speaks to the operator while it runs.
struct Voice {
    stop: Arc<AtomicBool>,
    lost: bool,
}

impl Listener for Voice {
    fn alarm(&mut self, alarm: &Alarm) {
        terminal::say(&format!("ALARM {}: {}", alarm.at.utc, alarm.text));
    }

    fn warning(&mut self, text: &str) {
        terminal::say(&format!("warning: {text}"));
    }

    fn fault(&mut self, fault: &Fault) {
        self.lost = true;
        terminal::say(&format!("ALARM {}: {fault}", world::now().utc));
    }

    fn stop(&mut self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// A tap for each source, in their order.
fn taps_of(words: &Record, config: &Config) -> Vec<Tap> {
    let file_name = |path: &PathBuf| {
        path.file_name().map_or_else(|| "capture".into(), |n| n.to_string_lossy().into_owned())
    };
    let names = words.interfaces.iter().cloned().chain(words.pcaps.iter().map(file_name));
    let known = |name: &String| config.taps.iter().find(|tap| tap.interface == *name).cloned();
    let plain =
        |name: String| Tap { name: name.clone(), interface: name, side: crate::config::SideWord::Trunk };
    names.map(|name| known(&name).unwrap_or_else(|| plain(name))).collect()
}

fn open_sources(words: &Record, config: &Config) -> anyhow::Result<Vec<Box<dyn PacketSource>>> {
    let tap = |n: usize| TapId(u16::try_from(n).unwrap_or(u16::MAX));
    let mut sources: Vec<Box<dyn PacketSource>> = Vec::new();
    for (n, interface) in words.interfaces.iter().enumerate() {
        let ring = usize::try_from(config.capture.ring_mib).unwrap_or(32);
        let options = LiveOptions {
            promiscuous: config.capture.promiscuous,
            ..LiveOptions::new(interface, tap(n)).ring_mib(ring)
        };
        sources.push(Box::new(AfPacket::open(&options).map_err(|e| unusable(&e))?));
    }
    let mut files = Vec::new();
    for (n, path) in words.pcaps.iter().enumerate() {
        let file = CaptureFile::open(path, tap(words.interfaces.len().saturating_add(n)));
        files.push(file.map_err(|e| unusable(&e))?);
    }
    match (files.pop(), files.is_empty()) {
        (None, _) => {}
        (Some(one), true) => sources.push(Box::new(one)),
        (Some(last), false) => {
            files.push(last);
            sources.push(Box::new(Merge::new(files)));
        }
    }
    Ok(sources)
}

fn unusable(error: &CaptureError) -> Failure {
    Failure::new(kind_of(error), error.to_string())
}

/// Finds out whether a source was forbidden: by its own word or the system's.
fn kind_of(error: &CaptureError) -> Kind {
    if matches!(error, CaptureError::NoPermission { .. }) {
        return Kind::Permission;
    }
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(e) = cause {
        if let Some(io) = e.downcast_ref::<std::io::Error>() {
            return match kind_of_io(io) {
                Kind::Permission => Kind::Permission,
                Kind::Usage | Kind::Input | Kind::Data | Kind::Disk => Kind::Input,
            };
        }
        cause = e.source();
    }
    Kind::Input
}

fn engine_config(site: &Site, taps: &[Tap]) -> anyhow::Result<EngineConfig> {
    let config = &site.config;
    let extensions = RuleSet::parse(&config.rules.include, &config.rules.exclude)
        .map_err(|e| Failure::new(Kind::Usage, format!("[rules] in amethyst.toml: {e}")))?;
    let mut seed = [0; 8];
    rand_core::Rng::fill_bytes(&mut world::dice(), &mut seed);
    Ok(EngineConfig {
        taps: taps.iter().map(|tap| TapConfig { name: tap.name.clone(), side: tap.side.into() }).collect(),
        internal_numbers: config.site.internal_numbers.clone(),
        rules: Rules { extensions, calls: Vec::new() },
        zone: site.card.zone.clone(),
        record_orphans: config.recording.orphans,
        mask_digits: config.recording.mask_digits,
        preroll_ms: config.recording.preroll_seconds.saturating_mul(1_000),
        idle_ms: config.recording.idle_seconds.saturating_mul(1_000),
        limits: EngineLimits {
            segments: usize::try_from(config.recording.calls_max).unwrap_or(usize::MAX),
            ..EngineLimits::default()
        },
        seed: u64::from_le_bytes(seed),
        ..EngineConfig::default()
    })
}

fn recorder_config(site: &Site, taps: &[Tap], offline: bool) -> RecorderConfig {
    RecorderConfig {
        site_id: site.card.site_id,
        recorder_id: site.keys.recorder.id,
        zone: site.card.zone.clone(),
        build: build_hash(),
        tap_names: taps.iter().map(|tap| tap.name.clone()).collect(),
        sealers: 1,
        queue_octets_max: usize::try_from(site.config.recording.queue_mib)
            .unwrap_or(48)
            .saturating_mul(1 << 20),
        offline,
    }
}

/// SHA-256 of the running program, sealed into every recording; empty if it cannot be read.
fn build_hash() -> Vec<u8> {
    let program = std::env::current_exe().and_then(|path| crate::disk::sha256(&path));
    program.map(|(digest, _bytes)| digest.to_vec()).unwrap_or_default()
}

fn recover(site: &Site, vault: &Vault) -> anyhow::Result<RecoveryReport> {
    let with =
        RecoverWith { keys: &*site.keys, signer: &site.keys.recorder.key, min_suite: site.card.min_suite };
    vault
        .recover(&with, world::now().utc)
        .context("finishing what the last run left open failed; nothing was removed")
}

/// Says what start-up found, if it found anything.
fn tell_recovery(report: &RecoveryReport) {
    let say = |what: &str, n: usize| {
        if n > 0 {
            terminal::say(&format!("start-up: {n} {what}"));
        }
    };
    say("recordings that were cut off are closed and kept", report.closed.len());
    say("recordings entered into the database", report.entered.len());
    say("recordings wait for the key store to be unlocked", report.awaiting_unlock.len());
    say("empty files of calls that had no audio yet were removed", report.removed_empty.len());
    say("open ledger entries were ended", report.ended.len());
    for (path, why) in &report.unreadable {
        terminal::say(&format!("ALARM start-up: {path} cannot be used and stays where it is: {why}"));
    }
    for path in &report.altered {
        terminal::say(&format!("ALARM start-up: {path} is not what was sealed; restore it from the archive"));
    }
    for path in &report.missing_files {
        terminal::say(&format!("ALARM start-up: {path} is missing; restore it from the archive"));
    }
    if let Some(trouble) = &report.trouble {
        terminal::say(&format!("ALARM start-up: {trouble}"));
    }
}

fn stop_on_signals() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // A second signal of the same kind ends the program at once; start-up then closes what was open.
        signal_hook::flag::register_conditional_default(signal, Arc::clone(&stop))?;
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}

/// One file is open for each recording under way.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let now = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    if raised.is_err() || now < 4_096 {
        terminal::say(&format!(
            "warning: only {now} files may be open at once, so no more than about {} calls can be recorded at the same time; \
             raise the limit (ulimit -n, or LimitNOFILE= in the service)",
            now.saturating_sub(64)
        ));
    }
}

fn as_json(counters: &Counters, summary: &Summary, drops: u64) -> Value {
    let ledger = &summary.ledger;
    json!({
        "packets": counters.packets,
        "rtp": counters.rtp,
        "rtcp": counters.rtcp,
        "sip": counters.sip,
        "calls": counters.calls,
        "orphans": counters.orphans,
        "legs": counters.legs,
        "recordings": summary.recordings,
        "parts": summary.parts,
        "tracks": summary.tracks,
        "sealed_bytes": summary.sealed_octets,
        "samples": summary.samples,
        "gap_samples": view::gaps(&summary.gaps),
        "kernel_drops": drops.max(counters.kernel_drops),
        "recorder_overrun_bytes": summary.overrun_octets,
        "limits_met": counters.limits,
        "srtp_failed": counters.srtp_failed,
        "ledger": {
            "signalled": ledger.signalled,
            "recorded": ledger.recorded,
            "partly": ledger.partly,
            "not_recorded": ledger.not_recorded,
            "open": ledger.open,
        },
    })
}

fn print(counters: &Counters, summary: &Summary, drops: u64) {
    let ledger = &summary.ledger;
    terminal::line(&format!(
        "{} packets, {} calls, {} recordings; {} signalled = {} recorded + {} partly + {} not recorded; {} packets lost by the kernel",
        counters.packets,
        counters.calls,
        summary.recordings,
        ledger.signalled,
        ledger.recorded,
        ledger.partly,
        ledger.not_recorded,
        drops.max(counters.kernel_drops),
    ));
}
