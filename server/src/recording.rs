//! What every way of recording has in common: settings for the engine and the recorder, start-up after a crash, limits of the
//! system, and what a source that cannot be used means.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use archive::SiteJson;
use capture::{AfPacket, CaptureError, LiveOptions};
use recorder::RecorderConfig;
use shared::{RecorderId, TapId, Zone};
use telephony::engine::{EngineConfig, EngineLimits, TapConfig};
use telephony::segment::rules::{RuleSet, Rules};
use vault::{RecoverWith, RecoveryReport, Vault};

use crate::alarms::Bell;
use crate::config::{Capture, Config, Tap};
use crate::failure::{Failure, Kind, kind_of_io};
use crate::site::Site;
use crate::{terminal, world};

/// Says why a source cannot be used, with its exit code.
pub(crate) fn unusable(error: &CaptureError) -> Failure {
    Failure::new(kind_of(error), error.to_string())
}

/// Finds out whether a source was forbidden: by its own word or the system's.
pub(crate) fn kind_of(error: &CaptureError) -> Kind {
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

/// Opens an interface.
///
/// # Errors
/// It is not there, is no network interface, or may not be listened to.
pub(crate) fn open_interface(name: &str, tap: TapId, capture: &Capture) -> Result<AfPacket, CaptureError> {
    let ring = usize::try_from(capture.ring_mib).unwrap_or(32);
    let options =
        LiveOptions { promiscuous: capture.promiscuous, ..LiveOptions::new(name, tap).ring_mib(ring) };
    AfPacket::open(&options)
}

/// Turns the settings of a site into those of an engine.
///
/// # Errors
/// A rule that makes no sense.
pub(crate) fn engine_config(config: &Config, zone: &Zone, taps: &[Tap]) -> anyhow::Result<EngineConfig> {
    let extensions = RuleSet::parse(&config.rules.include, &config.rules.exclude)
        .map_err(|e| Failure::new(Kind::Usage, format!("[rules] in amethyst.toml: {e}")))?;
    let mut seed = [0; 8];
    rand_core::Rng::fill_bytes(&mut world::dice(), &mut seed);
    Ok(EngineConfig {
        taps: taps
            .iter()
            .map(|tap| TapConfig {
                name: tap.name.clone(),
                side: tap.side.into(),
                every_call: tap.every_call,
            })
            .collect(),
        internal_numbers: config.site.internal_numbers.clone(),
        rules: Rules { extensions, calls: Vec::new() },
        zone: zone.clone(),
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

/// Turns the settings of a site into those of its recorder.
pub(crate) fn recorder_config(site: &Site, taps: &[Tap], offline: bool) -> RecorderConfig {
    recorder_of(&site.card, site.keys.recorder.id, &site.config, taps, offline)
}

/// Turns settings into those of the recorder `recorder_id`.
pub(crate) fn recorder_of(
    card: &SiteJson,
    recorder_id: RecorderId,
    config: &Config,
    taps: &[Tap],
    offline: bool,
) -> RecorderConfig {
    RecorderConfig {
        site_id: card.site_id,
        recorder_id,
        zone: card.zone.clone(),
        build: build_hash(),
        tap_names: taps.iter().map(|tap| tap.name.clone()).collect(),
        sealers: 1,
        queue_octets_max: usize::try_from(config.recording.queue_mib).unwrap_or(48).saturating_mul(1 << 20),
        offline,
    }
}

/// SHA-256 of the running program, sealed into every recording; empty if it cannot be read.
fn build_hash() -> Vec<u8> {
    let program = std::env::current_exe().and_then(|path| crate::disk::sha256(&path));
    program.map(|(digest, _bytes)| digest.to_vec()).unwrap_or_default()
}

/// Finishes what the last run left open.
///
/// # Errors
/// The vault's; nothing was removed then.
pub(crate) fn recover(site: &Site, vault: &Vault) -> anyhow::Result<RecoveryReport> {
    let with =
        RecoverWith { keys: &*site.keys, signer: &site.keys.recorder.key, min_suite: site.card.min_suite };
    let now = world::now().utc;
    let report = vault
        .recover(&with, now)
        .context("finishing what the last run left open failed; nothing was removed")?;
    // Recording does not hang on it: what is to be destroyed is opened by nobody meanwhile.
    match vault.go_on_shredding(&*site.keys, now) {
        Ok(finished) => {
            for row in finished {
                terminal::say(&format!(
                    "start-up: what was to be destroyed on {} is destroyed",
                    row.what.day()
                ));
            }
        }
        Err(e) => terminal::say(&format!("ALARM start-up: what is to be destroyed is not yet: {e}")),
    }
    Ok(report)
}

/// Says what start-up found, if it found anything.
pub(crate) fn tell_recovery(report: &RecoveryReport, bell: &Bell) {
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
        bell.alarm(&format!("start-up: {path} cannot be used and stays where it is: {why}"));
    }
    for path in &report.altered {
        bell.alarm(&format!("start-up: {path} is not what was sealed; restore it from the archive"));
    }
    for path in &report.missing_files {
        bell.alarm(&format!("start-up: {path} is missing; restore it from the archive"));
    }
    if let Some(trouble) = &report.trouble {
        bell.alarm(&format!("start-up: {trouble}"));
    }
}

/// Returns a flag that SIGINT and SIGTERM raise.
///
/// # Errors
/// The system's.
pub(crate) fn stop_on_signals() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // A second signal of the same kind ends the program at once; start-up then closes what was open.
        signal_hook::flag::register_conditional_default(signal, Arc::clone(&stop))?;
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}

/// Raises the number of files that may be open: one is for each recording under way.
pub(crate) fn raise_file_limit() {
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
