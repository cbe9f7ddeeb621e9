//! `amethyst serve`: recorder and central in one process, with the console over HTTPS.
//!
//! | thread | does |
//! | --- | --- |
//! | `wire` | reads all taps and runs each packet to completion ([`watch`]); nobody makes it wait |
//! | those of the recorder | seal, account, admit |
//! | `health` | looks whether calls come as they always do ([`crate::health`]) |
//! | `alarms` | sends alarms by mail, webhook and syslog ([`crate::alarms`]) |
//! | `archive` | archives what is due, every evening ([`crate::archiving::keeper`]) |
//! | `room` | lets go from the live store what every place holds, announced a day before ([`room`]), and keeps rules and ends of retention ([`ended`]) |
//! | `board` | puts the calls of satellites beside those of this server ([`crate::satellites`]) |
//! | `intake` | verifies and makes durable what satellites send ([`crate::satellites`]) |
//! | `web-N` | the console's doors (tokio), and threads that may block for them |
//! | main | signals, settings read again, day keys ahead, systemd's watchdog |
//!
//! Should the wire thread end by itself the program ends with an error, so that whoever supervises it starts it again: pages
//! that answer while nothing is recorded are what users fear most.

mod archive;
mod archive_shown;
pub(crate) mod board;
mod certificate;
mod ended;
mod host;
mod interfaces;
mod metrics;
pub(crate) mod notify;
mod room;
mod settings;
pub(crate) mod taps;
mod test_call;
pub(crate) mod watch;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use recorder::{Recorder, Summary};
use telephony::engine::Engine;
use tokio::sync::watch as seat;
use vault::Use;

use crate::alarms::{self, Bell};
use crate::archiving::desk::Desk;
use crate::cli::Serve;
use crate::failure::{Failure, Kind, kind_of_io};
use crate::health::canary::Canaries;
use crate::recording::{
    engine_config, raise_file_limit, recorder_config, recover, stop_on_signals, tell_recovery,
};
use crate::satellites::{self, Front};
use crate::site::Site;
use crate::{health, terminal, wire, world};

use board::Channels;
use certificate::Certificate;
use host::Here;
use taps::Taps;
use watch::{Raise, Seen, Watch};

/// The first administrator's name.
const FIRST: &str = "admin";
/// How often main looks around.
const TURN: Duration = Duration::from_millis(100);
/// How often the days ahead are looked at.
const DAY_KEYS_EVERY: Duration = Duration::from_secs(3_600);
/// A demonstration whose user may not listen on an interface shows the test call so often.
const DEMO_CALL_EVERY: Duration = Duration::from_secs(30);
/// So long requests may go on after the end was asked for.
const GRACE: Duration = Duration::from_secs(3);

/// Runs the server until it is asked to end.
///
/// # Errors
/// The data folder, the configuration or the address cannot be used; or the recording thread ended.
pub(crate) fn run(words: &Serve) -> anyhow::Result<u8> {
    let settings_at = words.config.clone().unwrap_or_else(|| words.data.dir.join("amethyst.toml"));
    let site = Arc::new(Site::open_with(&words.data.dir, &settings_at)?);
    let listen = words.listen.unwrap_or(site.config.web.listen);
    // The door first: an address that is taken must not touch the data folder.
    let door = bind(listen)?;
    // Port 0 asks the system for one.
    let listen = door.local_addr().unwrap_or(listen);
    let redirect = site.config.web.redirect_from.map(bind).transpose()?;
    let certificate = Certificate::of(&site.dir, &site.config.site.name, listen)?;
    let stop = stop_on_signals()?;
    let reload = flag_on(signal_hook::consts::SIGHUP)?;

    let vault = Arc::new(site.vault(Use::Record)?);
    raise_file_limit();
    let seen = Seen::default();
    let file = settings::File::new(settings_at, site.card.zone.clone());
    let in_force = file.read().map_err(|e| Failure::new(Kind::Usage, e.to_string()))?;
    let in_force = Arc::new(Mutex::new(in_force));
    let alarm_ways = alarms::Health::default();
    let (bell, ringer) = ring(&site, &vault, &in_force, &alarm_ways, &seen)?;
    tell_recovery(&recover(&site, &vault)?, &bell);
    site.keys.make_ahead(site.today())?;

    let (orders, taken) = channel();
    let (channels, board) = Channels::new();
    let satellites = satellites::Desk::new(&site, &vault);
    let (board, boards) =
        satellites::join(board, satellites.present(), Arc::clone(&vault), Arc::clone(&stop))?;
    let here = Arc::new(Here {
        site: Arc::clone(&site),
        desk: Arc::new(Desk::default()),
        vault: Arc::clone(&vault),
        satellites,
        keys: Arc::clone(&site.keys),
        min_suite: site.card.min_suite,
        zone: site.card.zone.clone(),
        site_id: site.card.site_id.to_string(),
        fingerprint: certificate.fingerprint.clone(),
        demo: words.demo,
        metrics_token: token(site.config.web.metrics_token_file.as_ref())?,
        in_force,
        alarm_ways,
        standing: ringer.standing(),
        file,
        orders,
        board,
        seen: Arc::clone(&seen),
        started: Instant::now(),
    });
    let taps = Taps::new(&site.config);
    let zone = site.card.zone.clone();
    let listener =
        Watch::new(taken, Arc::clone(&stop), taps, channels, Arc::clone(&seen), zone, bell.clone())
            .mind(&site.config);
    let canaries = canaries(&site, &vault, &bell);
    let listener = listener.feed(canaries.as_ref().map(|(canaries, _)| canaries));
    let (canaries, aside) = canaries.unzip();
    let recording = record(&site, &vault, aside, listener, bell.clone())?;
    let archiving = here.keeper().start(Box::new(bell.clone()))?;
    let rules = Arc::clone(&here);
    let keeping = move || {
        let settings = watch::locked(&rules.in_force);
        (settings.0.archive.keep_live_days.0, settings.0.retention.shred)
    };
    // What it is cut in is gone on with at the next start: nobody waits for its end.
    let desk = Arc::clone(&here.desk);
    drop(room::keep(Arc::clone(&site), Arc::clone(&vault), desk, keeping, bell.clone(), Arc::clone(&stop))?);
    let people = Raise { bell: bell.clone(), seen: Arc::clone(&seen) };
    let zone = site.card.zone.clone();
    let watchman = health::watchman::start(&site.dir, zone, people.clone(), canaries, Arc::clone(&stop))?;
    let front = Front::open(&site, &vault, &people, here.satellites.present(), &stop);
    let doors = Doors::open(&here, &certificate, door, redirect, front.as_ref().ok())?;
    if let Ok(front) = &front {
        here.satellites.attend(front.intake());
    }
    if let Err(e) = &front {
        people.alarm(&format!("satellites are not let in: {e:#}. Everything else goes on"));
    }

    let url = page(listen);
    announce(&here, &url, &certificate.fingerprint, site.config.taps.is_empty())?;
    let ended = attend(&here, &stop, &reload, &recording, &url, &bell);
    notify::stopping();
    stop.store(true, Ordering::Relaxed);
    archiving.stop();
    doors.close();
    let (summary, lost) = recording.join().map_err(|_panic| {
        Failure::new(Kind::Data, "the recording thread died; start-up closes what it left open")
    })?;
    tell(&summary);
    drop(watchman.join());
    // Recordings are closed by now; a run may take a little longer.
    archiving.join();
    if let Ok(front) = front {
        front.join();
    }
    if boards.join().is_err() {
        tracing::error!("the thread of the board died");
    }
    if let Err(e) = &ended {
        bell.alarm(&format!("{e:#}"));
    }
    ringer.end();
    ended?;
    Ok(u8::from(lost))
}

/// Starts the thread that passes alarms on.
fn ring(
    site: &Site,
    vault: &Arc<vault::Vault>,
    in_force: &host::InForce,
    ways: &alarms::Health,
    seen: &Seen,
) -> anyhow::Result<(Bell, alarms::Ringer)> {
    let (in_force, seen) = (Arc::clone(in_force), Arc::clone(seen));
    let configured = move || {
        let settings = watch::locked(&in_force);
        (settings.0.alarms.clone(), settings.0.alarm_ways())
    };
    let around = alarms::Around {
        sender: alarms::Sender::new(
            &site.config.site.name,
            site.card.site_id.to_string(),
            site.card.zone.clone(),
        ),
        vault: Some(Arc::clone(vault)),
        configured: Arc::new(configured),
        health: Arc::clone(ways),
        show: Box::new(move |text| watch::show(&seen, text)),
    };
    alarms::start(&site.dir, around)
}

/// Makes room for canaries, which are opened and compared here; without room calls are recorded all the same, and it is said.
fn canaries(
    site: &Site,
    vault: &vault::Vault,
    bell: &Bell,
) -> Option<(Arc<Canaries>, Arc<dyn vault::Depot>)> {
    let signer = site.keys.recorder.key.verifying_key();
    let (keys, min_suite) = (Some(Arc::clone(&site.keys)), site.card.min_suite);
    let canaries = Canaries::new(health::canary::Judge { signer, keys, min_suite });
    match vault.canaries(canaries.listener()) {
        Ok(depot) => Some((canaries, Arc::new(depot))),
        Err(e) => {
            bell.alarm(&format!("no canary can be placed, so nothing shows that calls are recorded: {e}"));
            None
        }
    }
}

/// Starts recording: the thread that reads the wire returns the figures and whether anything was lost.
fn record(
    site: &Site,
    vault: &Arc<vault::Vault>,
    canaries: Option<Arc<dyn vault::Depot>>,
    listener: Watch,
    bell: Bell,
) -> anyhow::Result<JoinHandle<(Summary, bool)>> {
    let taps = listener.taps().settings();
    let engine = Engine::new(engine_config(&site.config, &site.card.zone, &taps)?);
    let keys: Arc<dyn recorder::KeySource> = Arc::<crate::keys::SiteKeys>::clone(&site.keys);
    let depot: Arc<dyn vault::Depot> = Arc::<vault::Vault>::clone(vault);
    let recorder = Recorder::start_with(recorder_config(site, &taps, false), depot, canaries, keys)?;
    read_wire(engine, recorder, listener, bell)
}

/// Starts the thread that reads the wire.
///
/// # Errors
/// The system gives none.
pub(crate) fn read_wire(
    mut engine: Engine,
    mut recorder: Recorder,
    mut listener: Watch,
    bell: Bell,
) -> anyhow::Result<JoinHandle<(Summary, bool)>> {
    let thread = std::thread::Builder::new().name("wire".to_owned());
    let run = move || {
        let mut sources = Vec::new();
        wire::run(&mut sources, &mut engine, &mut recorder, &mut listener, &world::now);
        let drops = engine.counters().kernel_drops;
        let (summary, faults) = recorder.finish();
        for fault in &faults {
            bell.alarm(&fault.to_string());
        }
        (summary, drops > 0 || !faults.is_empty())
    };
    thread.spawn(run).context("the system gives no thread for recording")
}

/// Looks after signals, keys and the watchdog until the end is asked for or the recording thread is gone.
fn attend(
    here: &Here,
    stop: &AtomicBool,
    reload: &AtomicBool,
    recording: &JoinHandle<(Summary, bool)>,
    url: &str,
    bell: &Bell,
) -> anyhow::Result<()> {
    let watchdog = notify::watchdog();
    let (mut fed, mut keyed, mut shown) = (Instant::now(), Instant::now(), Instant::now());
    notify::ready(&format!("recording; the console is at {url}"));
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(TURN);
        // The same signal ends the recording thread, which may be quicker than we are.
        if recording.is_finished() && !stop.load(Ordering::Relaxed) {
            let text = "the recording thread ended by itself: nothing is recorded any more. The program ends so that it can be \
                        started again; start-up closes what was open";
            return Err(Failure::new(Kind::Data, text).into());
        }
        if reload.swap(false, Ordering::Relaxed) {
            match here.reload() {
                Ok(()) => {
                    terminal::say("the configuration was read again and is followed");
                    notify::reloaded("the configuration was read again");
                }
                Err(e) => bell
                    .alarm(&format!("the configuration is not followed, the one before stays in force: {e}")),
            }
        }
        if watchdog.is_some_and(|every| fed.elapsed() >= every) && web::Host::health(here).live {
            notify::alive();
            fed = Instant::now();
        }
        if here.demo && shown.elapsed() >= DEMO_CALL_EVERY && here.hears_nothing() {
            shown = Instant::now();
            here.place_test_call()?;
        }
        if keyed.elapsed() >= DAY_KEYS_EVERY {
            keyed = Instant::now();
            if let Err(e) = here.site.keys.make_ahead(here.site.today()) {
                bell.alarm(&format!("the keys of the days ahead could not be made: {e:#}"));
            }
        }
    }
    Ok(())
}

/// The console's doors, open.
struct Doors {
    runtime: tokio::runtime::Runtime,
    shut: seat::Sender<bool>,
    serving: Vec<tokio::task::JoinHandle<()>>,
}

impl Doors {
    fn open(
        here: &Arc<Here>,
        certificate: &Certificate,
        door: TcpListener,
        redirect: Option<TcpListener>,
        front: Option<&Front>,
    ) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(32)
            .thread_name("web")
            .enable_all()
            .build()
            .context("the system gives no threads for the console")?;
        let tls = web::tls(&certificate.chain_pem, &certificate.key_pem)
            .map_err(|e| Failure::new(Kind::Data, format!("site/tls.pem and keys/tls.key: {e}")))?;
        let (shut, asked) = seat::channel(false);
        let shut_asked = || {
            let mut asked = asked.clone();
            async move { drop(asked.wait_for(|shut| *shut).await) }
        };
        let tls = web::Tls { console: tls, beside: front.map(Front::beside) };
        let host: Arc<dyn web::Host> = Arc::<Here>::clone(here);
        let app = web::app(host);
        let mut serving = Vec::new();
        let port = door.local_addr().map_or(8_443, |a| a.port());
        {
            let _inside = runtime.enter();
            let door = tokio::net::TcpListener::from_std(door)?;
            serving.push(runtime.spawn(web::serve(door, Some(tls), app, limits(), shut_asked())));
            if let Some(redirect) = redirect {
                let redirect = tokio::net::TcpListener::from_std(redirect)?;
                serving.push(runtime.spawn(web::redirect(redirect, port, shut_asked())));
            }
        }
        Ok(Self { runtime, shut, serving })
    }

    fn close(self) {
        self.shut.send_replace(true);
        self.runtime.block_on(async {
            for task in self.serving {
                drop(tokio::time::timeout(GRACE + Duration::from_secs(1), task).await);
            }
        });
        self.runtime.shutdown_timeout(Duration::from_millis(500));
    }
}

/// So that browsers never take the files that recordings need.
fn limits() -> web::Limits {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    let room = usize::try_from(files / 4).unwrap_or(usize::MAX);
    let usual = web::Limits::default();
    web::Limits {
        connections_max: usual.connections_max.min(room),
        waiting_max: usual.waiting_max.min(room / 2),
        farewell: GRACE,
        ..usual
    }
}

fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).and_then(|door| door.set_nonblocking(true).map(|()| door));
    bound.map_err(|e| {
        let kind = if kind_of_io(&e) == Kind::Permission { Kind::Permission } else { Kind::Usage };
        let hint = if e.kind() == std::io::ErrorKind::AddrInUse {
            ". Is the server already running? Give another address with --listen"
        } else {
            ""
        };
        Failure::new(
            kind,
            format!("cannot serve on {address}: {e}{hint}. Nothing was changed and nothing is recorded"),
        )
        .into()
    })
}

pub(crate) fn flag_on(signal: i32) -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal, Arc::clone(&flag))?;
    Ok(flag)
}

/// Reads the token for `/metrics`.
fn token(file: Option<&PathBuf>) -> anyhow::Result<Option<String>> {
    let Some(path) = file else { return Ok(None) };
    let text = std::fs::read_to_string(path).map_err(|e| {
        Failure::new(kind_of_io(&e), format!("web.metrics_token_file: cannot read {}: {e}", path.display()))
    })?;
    let token = text.trim().to_owned();
    if token.len() < 16 {
        let text = format!("web.metrics_token_file: the token in {} is under 16 characters", path.display());
        return Err(Failure::new(Kind::Usage, text).into());
    }
    Ok(Some(token))
}

/// The address for people: a machine that listens everywhere is named.
fn page(listen: SocketAddr) -> String {
    if listen.ip().is_unspecified() {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        return format!("https://{host}:{}", listen.port());
    }
    format!("https://{listen}")
}

fn announce(here: &Here, url: &str, fingerprint: &str, no_taps: bool) -> anyhow::Result<()> {
    terminal::say(&format!("the console is at {url}"));
    terminal::say(&format!("certificate, SHA-256: {fingerprint}"));
    terminal::say(
        "the browser warns about the certificate at the first visit: compare it with this line, then accept it",
    );
    if no_taps {
        terminal::say(
            "no tap is configured yet: nothing is recorded. The console's first page helps to choose one",
        );
    }
    if here.vault.users()?.iter().all(|user| user.password_phc.is_none()) {
        let mut dice = [0; 32];
        web::Host::dice(here, &mut dice);
        if let Some(link) = web::one_time_link(&here.vault, FIRST, world::now().utc, dice)? {
            terminal::say(&format!("first sign-in, once and within 24 hours: {url}{}", link.path));
        }
    }
    Ok(())
}

pub(crate) fn tell(summary: &Summary) {
    let ledger = &summary.ledger;
    terminal::say(&format!(
        "ended: {} recordings; {} signalled = {} recorded + {} partly + {} not recorded",
        summary.recordings, ledger.signalled, ledger.recorded, ledger.partly, ledger.not_recorded
    ));
}
