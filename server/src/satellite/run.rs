//! `amethyst satellite run`: records like `serve`, without a console, and moves what it sealed to the central.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rand_core::Rng as _;
use recorder::Recorder;
use telephony::engine::Engine;
use transfer::proto::Order as First;
use transfer::satellite::{Courier, CourierConfig, Home};
use vault::{Depot, Outpost};

use super::alone::Alone;
use super::folder::{Folder, ways_of};
use super::home::{Here, Ways, held};
use crate::alarms::{self, Bell};
use crate::cli::satellite::Run;
use crate::config::{Config, Tap};
use crate::failure::{Failure, Kind};
use crate::health::canary::Canaries;
use crate::recording::{engine_config, raise_file_limit, recorder_of, stop_on_signals};
use crate::serve::board::Channels;
use crate::serve::taps::Taps;
use crate::serve::watch::{Raise, Seen, Watch, show};
use crate::serve::{flag_on, notify, read_wire, tell};
use crate::{health, terminal, world};

/// How often main looks around.
const TURN: Duration = Duration::from_millis(100);
/// How often it looks at the disk.
const DISK_EVERY: Duration = Duration::from_secs(10);
/// At the end what was just closed may still go out for so long.
const FAREWELL: Duration = Duration::from_secs(5);
/// Per cent of the disk that are told when they are reached.
const FULL: [u64; 3] = [70, 85, 95];

/// Runs a satellite until it is asked to end.
///
/// # Errors
/// The folder cannot be used, or the recording thread ended.
pub(crate) fn run(words: &Run) -> anyhow::Result<u8> {
    let mut folder = Folder::open(&words.dir)?;
    also(&mut folder.config, &words.interfaces);
    let stop = stop_on_signals()?;
    let reload = flag_on(signal_hook::consts::SIGHUP)?;
    let outpost = Arc::new(Outpost::open(&words.dir, folder.vault_config())?);
    raise_file_limit();

    let (orders, taken) = channel();
    let seen = Seen::default();
    let (channels, board) = Channels::new();
    let (card, config) = (folder.trust.site.clone(), folder.config.clone());
    let (address, name, recorder_id) =
        (folder.address.clone(), folder.facts.name.clone(), folder.recorder.id);
    let ways = ways_of(&words.dir, &folder.config).map_err(|e| Failure::new(Kind::Usage, e))?;
    let ways: Ways = Arc::new(Mutex::new(ways));
    let (bell, ringer) = ring(&folder, &ways, &seen)?;
    let people = Raise { bell, seen: Arc::clone(&seen) };
    let bell = people.bell.clone();
    let here =
        Arc::new(Here::new(folder, Arc::clone(&outpost), orders, board, (people, ringer.standing()), ways));
    let taps = Taps::new(&config);
    let watch = Watch::new(
        taken,
        Arc::clone(&stop),
        taps,
        channels,
        Arc::clone(&seen),
        card.zone.clone(),
        bell.clone(),
    )
    .mind(&config);
    let canaries = canaries(&here);
    let watch = watch.feed(canaries.as_ref().map(|(canaries, _)| canaries));
    let (canaries, aside) = canaries.unzip();
    let taps = watch.taps().settings();
    let engine = Engine::new(engine_config(&config, &card.zone, &taps)?);
    let keys: Arc<dyn recorder::KeySource> = Arc::<super::keys::SatelliteKeys>::clone(&here.keys);
    let depot: Arc<dyn Depot> = Arc::<Outpost>::clone(&outpost);
    let recorder = recorder_of(&card, recorder_id, &config, &taps, false);
    let recorder = Recorder::start_with(recorder, depot, aside, keys)?;
    let recording = read_wire(engine, recorder, watch, bell)?;

    let zone = card.zone.clone();
    let watchman =
        health::watchman::start(&words.dir, zone, here.people.clone(), canaries, Arc::clone(&stop))?;
    look_back(&outpost, &here)?;
    let mut boot = [0; 16];
    world::dice().fill_bytes(&mut boot);
    let courier =
        CourierConfig { site_id: card.site_id, recorder_id, boot, address, order: First::LiveFirst };
    let home: Arc<dyn Home> = Arc::<Here>::clone(&here);
    let courier = Courier::start(courier, Arc::clone(&outpost), home)?;
    terminal::say(&format!("satellite \"{name}\" of {}: recording", card.zone.name()));
    if config.taps.is_empty() {
        terminal::say(
            "no tap is configured: nothing is recorded. Give one with --interface, or in this satellite's file at the central",
        );
    }
    notify::ready("recording");
    let ended = attend(words, &here, &stop, &reload, || recording.is_finished());
    notify::stopping();
    stop.store(true, Ordering::Relaxed);
    let (summary, lost) = recording.join().map_err(|_panic| {
        Failure::new(
            Kind::Data,
            "the recording thread died; what it left open is closed after the next start",
        )
    })?;
    tell(&summary);
    drop(watchman.join());
    let since = Instant::now();
    while outpost.backlog().parts > 0 && since.elapsed() < FAREWELL {
        std::thread::sleep(TURN);
    }
    courier.stop();
    let left = outpost.backlog();
    if left.parts > 0 {
        terminal::say(&format!(
            "{} parts wait for the central; they are sent after the next start",
            left.parts
        ));
    }
    if let Err(e) = &ended {
        here.alarm(&format!("{e:#}"));
    }
    ringer.end();
    ended?;
    Ok(u8::from(lost))
}

/// Makes room for canaries, which a satellite judges without a key; without room it records all the same, and says so.
fn canaries(here: &Here) -> Option<(Arc<Canaries>, Arc<dyn Depot>)> {
    let signer = here.keys.recorder.key.verifying_key();
    let min_suite = held(&here.trust).site.min_suite;
    let canaries = Canaries::new(health::canary::Judge { signer, keys: None, min_suite });
    match here.outpost.canaries(canaries.listener()) {
        Ok(depot) => Some((canaries, Arc::new(depot))),
        Err(e) => {
            here.alarm(&format!("no canary can be placed, so nothing shows that calls are recorded: {e}"));
            None
        }
    }
}

/// Finishes what the last run left, beside recording: after weeks alone many files stand here.
fn look_back(outpost: &Arc<Outpost>, here: &Arc<Here>) -> anyhow::Result<()> {
    let (outpost, here) = (Arc::clone(outpost), Arc::clone(here));
    let run = move || {
        match outpost.recover(world::now().utc) {
        Ok(report) => tell_start(&report),
        Err(e) => here.alarm(&format!(
            "what the last run left could not be looked at: {e}. It stays where it is; start the satellite again"
        )),
    }
    };
    let thread = std::thread::Builder::new().name("start-up".to_owned());
    // Nobody waits for its end: what it is cut in is looked at again at the next start.
    drop(thread.spawn(run).context("the system gives no thread for what the last run left")?);
    Ok(())
}

/// Starts the thread that passes alarms on: a satellite that is cut off has ways of its own.
fn ring(folder: &Folder, ways: &Ways, seen: &Seen) -> anyhow::Result<(Bell, alarms::Ringer)> {
    let (ways, seen) = (Arc::clone(ways), Arc::clone(seen));
    let site = format!("{}, satellite {}", folder.config.site.name, folder.facts.name);
    let around = alarms::Around {
        sender: alarms::Sender::new(
            &site,
            folder.trust.site.site_id.to_string(),
            folder.trust.site.zone.clone(),
        ),
        vault: None,
        configured: Arc::new(move || held(&ways).clone()),
        health: alarms::Health::default(),
        show: Box::new(move |text| show(&seen, text)),
    };
    alarms::start(&folder.dir, around)
}

/// Looks after signals and the disk until the end is asked for or the recording thread is gone.
fn attend(
    words: &Run,
    here: &Here,
    stop: &AtomicBool,
    reload: &AtomicBool,
    is_over: impl Fn() -> bool,
) -> anyhow::Result<()> {
    let watchdog = notify::watchdog();
    let (mut fed, mut looked, mut told, mut alone) = (Instant::now(), None, 0, Alone::default());
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(TURN);
        if is_over() && !stop.load(Ordering::Relaxed) {
            let text = "the recording thread ended by itself: nothing is recorded any more. The program ends so that it can be \
                        started again; start-up closes what was open";
            return Err(Failure::new(Kind::Data, text).into());
        }
        if reload.swap(false, Ordering::Relaxed) {
            let read = Config::read(&words.dir.join("amethyst.toml")).and_then(|mut config| {
                also(&mut config, &words.interfaces);
                here.obey(config).map_err(anyhow::Error::msg)
            });
            match read {
                Ok(()) => terminal::say("the configuration was read again and is followed"),
                Err(e) => here.alarm(&format!(
                    "the configuration is not followed, the one before stays in force: {e:#}"
                )),
            }
        }
        if watchdog.is_some_and(|every| fed.elapsed() >= every) {
            notify::alive();
            fed = Instant::now();
        }
        if looked.is_none_or(|at: Instant| at.elapsed() >= DISK_EVERY) {
            looked = Some(Instant::now());
            told = look_at_disk(here, told);
        }
        alone.look(here);
    }
    Ok(())
}

/// Tells when the disk fills; returns the mark that was told last. Nothing is removed to make room: what is not receipted stays.
fn look_at_disk(here: &Here, told: u64) -> u64 {
    let (Ok(free), Ok(total)) = (here.outpost.free_bytes(), here.outpost.total_bytes()) else { return told };
    let used = total.saturating_sub(free).saturating_mul(100).checked_div(total).unwrap_or(0);
    let mark = FULL.into_iter().rfind(|mark| used >= *mark).unwrap_or(0);
    if mark > told {
        let waiting = here.outpost.backlog();
        here.alarm(&format!(
            "the disk of the spool is {used} % full; {} parts of {} MB wait for the central. When it is full, calls are counted as \
             not recorded; what is sealed stays",
            waiting.parts,
            waiting.bytes / 1_000_000
        ));
    }
    mark
}

/// Interfaces of the command line are recorded whatever the central's settings say.
fn also(config: &mut Config, interfaces: &[String]) {
    for interface in interfaces {
        if !config.taps.iter().any(|tap| tap.interface == *interface) {
            config.taps.push(Tap::on(interface, interface));
        }
    }
}

fn tell_start(report: &vault::OutpostReport) {
    let say = |n: usize, what: &str| {
        if n > 0 {
            terminal::say(&format!("start-up: {n} {what}"));
        }
    };
    say(usize::try_from(report.sealed).unwrap_or(usize::MAX), "recordings wait for the central");
    say(
        report.unfinished.len(),
        "recordings that a crash cut are closed when the central has said what it holds of them",
    );
    say(report.removed_empty.len(), "empty files of calls that had no audio yet were removed");
    say(report.ended.len(), "open ledger entries were ended");
    for (path, why) in &report.unreadable {
        terminal::say(&format!("ALARM start-up: {path} cannot be used and stays where it is: {why}"));
    }
}
