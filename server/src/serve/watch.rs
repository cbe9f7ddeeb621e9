//! The recording half of the server: the thread that reads the wire, and what it is asked while it does.
//!
//! Orders come through a channel and are obeyed between two polls, so a change of settings costs no packet of a call in
//! progress. What the thread sees it puts on the board and into the counters; it never waits for anybody who looks.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use capture::{CaptureError, PacketSource, Replay};
use recorder::{Fault, Summary};
use shared::{RecordingId, Stamp, TapId, Zone};
use telephony::cmd::SegCmd;
use telephony::engine::{Alarm, Counters};

use super::board::Channels;
use super::taps::{Change, TEST_TAP, Taps, number};
use super::test_call;
use crate::alarms::Bell;
use crate::config::{Config, Health};
use crate::health::canary::{Canaries, Feeder, Last};
use crate::health::ear::{Ear, Tally};
use crate::recording::engine_config;
use crate::wire::{Hands, Listener};
use crate::{terminal, world};

/// Nanoseconds between two looks at what changes slowly: board, counters, interfaces.
const LOOK_NS: u64 = 1_000_000_000;
/// So long a recording is written quickly for one who said that they listen; they say so once a second.
const LISTEN_NS: u64 = 3_000_000_000;
/// Alarms that are kept for the screen.
const ALARMS_KEPT: usize = 200;

/// Something the recording thread is asked to do.
#[derive(Debug)]
pub(crate) enum Order {
    /// Follow these settings from now on.
    Follow(Box<Config>),
    /// Somebody listens to this recording.
    Listen(RecordingId),
    /// The wall clock is so many microseconds behind a better one.
    ClockIsBehind(i64),
    /// Place a test call.
    TestCall {
        /// Tells it from others.
        tag: u32,
    },
}

/// What the recording thread tells, for metrics and health. Written once a second.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vitals {
    /// What went through the engine.
    pub(crate) counters: Counters,
    /// What the recorder made of it.
    pub(crate) summary: Summary,
    /// Monotonic time of the last look, in nanoseconds: a thread that hangs is seen by it.
    pub(crate) looked_ns: u64,
    /// The settings of health that are in force.
    pub(crate) health: Health,
    /// Groups of extensions that are watched, with their calls since the start.
    pub(crate) groups: Vec<(String, u64)>,
    /// Taps by number: name, interface, open, packets, kernel drops.
    pub(crate) taps: Vec<TapVitals>,
    /// The last alarms, oldest first, each with its time.
    pub(crate) alarms: Vec<String>,
    /// Alarms since the start.
    pub(crate) alarms_total: u64,
}

/// One tap's vitals.
#[derive(Debug, Clone, Default)]
pub(crate) struct TapVitals {
    /// Its name.
    pub(crate) name: String,
    /// Its interface.
    pub(crate) interface: String,
    /// Whether it is read.
    pub(crate) open: bool,
    /// Why not.
    pub(crate) error: Option<String>,
    /// Packets since the start.
    pub(crate) packets: u64,
    /// Packets in the second before the last look.
    pub(crate) packets_per_s: u64,
    /// Packets that the kernel dropped since the start.
    pub(crate) kernel_drops: u64,
    /// What was heard of its calls since the start.
    pub(crate) heard: Tally,
    /// Of the last calls that could be judged: those that were marked, and all.
    pub(crate) marked: (u32, u32),
    /// Its own minutes without a call that are told.
    pub(crate) quiet_minutes: Option<u32>,
    /// How its last canary went.
    pub(crate) canary: Option<Last>,
}

/// Shared between the recording thread and those who look.
pub(crate) type Seen = Arc<Mutex<Vitals>>;

/// The listener of a server's wire.
pub(crate) struct Watch {
    orders: Receiver<Order>,
    stop: Arc<AtomicBool>,
    taps: Taps,
    channels: Channels,
    seen: Seen,
    zone: Zone,
    bell: Bell,
    ear: Ear,
    health: Health,
    feeder: Option<Feeder>,
    look_ns: u64,
}

impl Watch {
    pub(crate) fn new(
        orders: Receiver<Order>,
        stop: Arc<AtomicBool>,
        taps: Taps,
        channels: Channels,
        seen: Seen,
        zone: Zone,
        bell: Bell,
    ) -> Self {
        let (ear, health) = (Ear::default(), Health::default());
        Self { orders, stop, taps, channels, seen, zone, bell, ear, health, feeder: None, look_ns: 0 }
    }

    /// Follows what settings say of health.
    pub(crate) fn mind(mut self, config: &Config) -> Self {
        self.ear.follow(config);
        self.health = config.health.clone();
        self
    }

    /// Places canaries on the taps that are read.
    pub(crate) fn feed(self, canaries: Option<&Arc<Canaries>>) -> Self {
        Self { feeder: canaries.map(Feeder::new), ..self }
    }

    /// Returns the taps as they are now.
    pub(crate) const fn taps(&self) -> &Taps {
        &self.taps
    }

    fn alarm_text(&self, text: &str) {
        self.bell.alarm(text);
        show(&self.seen, text);
    }

    fn obey(&mut self, order: Order, hands: &mut Hands<'_>) {
        match order {
            Order::Follow(config) => self.follow(&config, hands),
            Order::Listen(id) => {
                // One that has ended meanwhile, or beyond the engine's limit, is heard as it is written: once a second.
                if let Some(seg) = self.channels.seg_of(id) {
                    hands.engine.listen(world::now(), seg, LISTEN_NS);
                }
            }
            Order::ClockIsBehind(us) => {
                hands.engine.clock_is_behind(us);
                hands.recorder.clock_is_behind(us);
            }
            Order::TestCall { tag } => {
                hands.sources.push(Box::new(Replay::new(
                    TapId(0),
                    TEST_TAP,
                    test_call::packets(tag),
                    world::now,
                )));
            }
        }
    }

    fn follow(&mut self, config: &Config, hands: &mut Hands<'_>) {
        self.ear.follow(config);
        self.health = config.health.clone();
        let gone = self.taps.follow(config);
        self.taps.close(&gone, hands.sources);
        let taps = self.taps.settings();
        match engine_config(config, &self.zone, &taps) {
            Ok(settings) => {
                hands.engine.reconfigure(settings);
                hands.recorder.name_taps(taps.into_iter().map(|tap| tap.name).collect());
            }
            // It was checked before it came here.
            Err(error) => self.alarm_text(&format!("the new settings are not followed: {error:#}")),
        }
    }

    fn look(&mut self, hands: &mut Hands<'_>) {
        let now = world::now();
        if now.mono_ns < self.look_ns {
            return;
        }
        self.look_ns = now.mono_ns.saturating_add(LOOK_NS);
        let mut changes = Vec::new();
        self.taps.open_wanted(&now, hands.sources, &mut |change| changes.push(change));
        for change in changes {
            match change {
                Change::Up(interface) => terminal::say(&format!("recording on {interface}")),
                Change::Down(interface, why) => self.alarm_text(&format!(
                    "nothing is recorded on {interface}: {why}. It is tried again every few seconds"
                )),
            }
        }
        self.taps.count(hands.sources);
        let canaries = self.attend_canaries(&now, hands);
        let mut seen = locked(&self.seen);
        seen.counters = hands.engine.counters();
        seen.summary = hands.recorder.summary();
        seen.looked_ns = now.mono_ns;
        let before = std::mem::take(&mut seen.taps);
        seen.health.clone_from(&self.health);
        seen.groups = self.ear.groups().map(|(name, calls)| (name.to_owned(), calls)).collect();
        let wanted = self.taps.all().iter().enumerate().filter(|(_, entry)| entry.wanted);
        let vitals = wanted.map(|(place, entry)| {
            let packets = entry.counted.delivered;
            let known =
                before.iter().find(|b| b.interface == entry.tap.interface).map_or(packets, |b| b.packets);
            TapVitals {
                name: entry.tap.name.clone(),
                interface: entry.tap.interface.clone(),
                open: entry.open,
                error: entry.error.clone(),
                packets,
                packets_per_s: packets.saturating_sub(known),
                kernel_drops: entry.counted.kernel,
                heard: self.ear.on(number(place)),
                marked: self.ear.marked_on(number(place)),
                quiet_minutes: entry.tap.quiet_minutes,
                canary: canaries.get(&entry.tap.name).cloned(),
            }
        });
        seen.taps = vitals.collect();
        let taps = seen.taps.clone();
        drop(seen);
        self.channels.publish(&now, hands.recorder, &self.taps, &taps, &self.zone);
    }

    /// Begins a canary if one is due; returns the last one of each tap.
    fn attend_canaries(&self, now: &Stamp, hands: &mut Hands<'_>) -> BTreeMap<String, Last> {
        let Some(feeder) = &self.feeder else { return BTreeMap::new() };
        let open = self.taps.all().iter().enumerate().filter(|(_, entry)| entry.wanted && entry.open);
        let open: Vec<_> = open.map(|(place, entry)| (number(place), entry.tap.name.as_str())).collect();
        feeder.attend(now, self.health.canary_min, &open, hands.sources);
        feeder.canaries().last()
    }
}

impl Listener for Watch {
    fn alarm(&mut self, alarm: &Alarm) {
        self.alarm_text(&alarm.text);
    }

    fn warning(&mut self, text: &str) {
        terminal::say(&format!("warning: {text}"));
    }

    fn fault(&mut self, fault: &Fault) {
        self.alarm_text(&fault.to_string());
    }

    fn stop(&mut self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn command(&mut self, command: &SegCmd) -> Option<SegCmd> {
        if self.feeder.as_mut().is_some_and(|feeder| feeder.is_canary(command)) {
            return None;
        }
        self.channels.note(command);
        self.ear.note(command)
    }

    fn attend(&mut self, hands: &mut Hands<'_>) {
        while let Ok(order) = self.orders.try_recv() {
            self.obey(order, hands);
        }
        self.look(hands);
    }

    fn ended(&mut self, mut source: Box<dyn PacketSource>, error: Option<&CaptureError>, _others: bool) {
        let info = source.info();
        self.taps.ended(info.tap, source.drops(), error);
        if let Some(error) = error {
            self.alarm_text(&format!(
                "the tap on {} stopped: {error}. It is tried again every few seconds; the other taps are recorded",
                info.name
            ));
        }
    }

    fn endless(&self) -> bool {
        true
    }
}

/// Puts an alarm on the screen.
pub(crate) fn show(seen: &Seen, text: &str) {
    let mut seen = locked(seen);
    seen.alarms_total = seen.alarms_total.saturating_add(1);
    seen.alarms.push(format!("{} {text}", world::now().utc));
    let too_many = seen.alarms.len().saturating_sub(ALARMS_KEPT);
    seen.alarms.drain(..too_many);
}

/// How people are told: by every way out, and on the screen.
#[derive(Clone)]
pub(crate) struct Raise {
    /// The ways out.
    pub(crate) bell: Bell,
    /// The screen.
    pub(crate) seen: Seen,
}

impl Raise {
    /// Tells people what they must know.
    pub(crate) fn alarm(&self, text: &str) {
        self.bell.alarm(text);
        show(&self.seen, text);
    }
}

/// Locks, whatever another thread died of: what is inside is always whole.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
