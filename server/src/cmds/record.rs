//! `amethyst record`: calls on interfaces or in capture files become sealed recordings.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use capture::{CaptureError, CaptureFile, Merge, PacketSource};
use recorder::{Fault, Recorder, Summary};
use serde_json::{Value, json};
use shared::TapId;
use telephony::cmd::SegCmd;
use telephony::engine::{Alarm, Counters, Engine};
use vault::{Use, Vault};

use crate::alarms::Bell;
use crate::cli::Record;
use crate::config::{Config, Tap};
use crate::failure::Failure;
use crate::health::ear::Ear;
use crate::recording::{
    engine_config, kind_of, open_interface, raise_file_limit, recorder_config, recover, stop_on_signals,
    tell_recovery, unusable,
};
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
    let mut settings = engine_config(&site.config, &site.card.zone, &taps)?;
    if let Some(path) = &words.srtp_keys {
        settings.orphan_keys = crate::srtp_keys::read(path)?;
    }
    let mut engine = Engine::new(settings);
    // Sources are opened first: a wrong name must not touch the data folder.
    let mut sources = open_sources(words, &site.config)?;
    let vault = Arc::new(site.vault(Use::Record)?);
    raise_file_limit();
    tell_recovery(&recover(&site, &vault)?, &Bell::default());
    site.keys.make_ahead(site.today())?;

    let config = recorder_config(&site, &taps, !words.pcaps.is_empty());
    let keys: Arc<dyn recorder::KeySource> = Arc::<crate::keys::SiteKeys>::clone(&site.keys);
    let mut recorder = Recorder::start(config, Arc::<Vault>::clone(&vault), keys)?;
    let mut voice = Voice { stop: stop_on_signals()?, lost: false, drops: 0, ear: Ear::default() };
    voice.ear.follow(&site.config);
    for interface in &words.interfaces {
        terminal::say(&format!("recording on {interface}; Ctrl-C ends and closes all recordings"));
    }
    let ending = wire::run(&mut sources, &mut engine, &mut recorder, &mut voice, &world::now);
    let counters = engine.counters();
    let drops = sources.iter_mut().fold(voice.drops, |sum, s| sum.saturating_add(s.drops().kernel));
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
    /// Packets that sources which are over lost to the kernel.
    drops: u64,
    ear: Ear,
}

impl Listener for Voice {
    fn command(&mut self, command: &SegCmd) -> Option<SegCmd> {
        self.ear.note(command)
    }

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

    fn ended(&mut self, mut source: Box<dyn PacketSource>, error: Option<&CaptureError>, others: bool) {
        self.drops = self.drops.saturating_add(source.drops().kernel);
        if let Some(error) = error
            && others
        {
            self.warning(&format!("{error}. The other taps are still recorded"));
        }
    }
}

/// A tap for each source, in their order.
fn taps_of(words: &Record, config: &Config) -> Vec<Tap> {
    let file_name = |path: &PathBuf| {
        path.file_name().map_or_else(|| "capture".into(), |n| n.to_string_lossy().into_owned())
    };
    let names = words.interfaces.iter().cloned().chain(words.pcaps.iter().map(file_name));
    let known = |name: &String| config.taps.iter().find(|tap| tap.interface == *name).cloned();
    let plain = |name: String| Tap::on(&name, &name);
    names.map(|name| known(&name).unwrap_or_else(|| plain(name))).collect()
}

fn open_sources(words: &Record, config: &Config) -> anyhow::Result<Vec<Box<dyn PacketSource>>> {
    let tap = |n: usize| TapId::at(n);
    let mut sources: Vec<Box<dyn PacketSource>> = Vec::new();
    for (n, interface) in words.interfaces.iter().enumerate() {
        let source = open_interface(interface, tap(n), &config.capture);
        sources.push(Box::new(source.map_err(|e| unusable(&e))?));
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
