//! The engine: packets in, commands for the recorder out, run to completion.
//!
//! One call of [`Engine::handle_packet`] does everything up to the leg's buffer; nothing waits, locks or is asked. Time is
//! brought by the packets and by [`Engine::handle_timeout`]. The same packets give the same commands, always.
//!
//! What must hold: each segment that is signalled is closed, once; each sample of a leg is in a run or in a gap with a
//! cause; no table grows without a limit, and a limit that is met raises an alarm.
//!
//! | file | holds |
//! |---|---|
//! | `media` | RTP: from a datagram to its leg |
//! | `usual` | the next packet of a stream that runs: nearly all of them |
//! | `twins` | one stream that two calls announce |
//! | `protected` | SRTP: packets are opened before they are written |
//! | `orphans` | RTP that no signalling announced |
//! | `joins` | an orphan whose signalling comes late |
//! | `refusal` | what there is no room for is accounted for all the same |
//! | `calls` | what the signalling says, turned into segments and claims |
//! | `delivery` | what legs give, turned into commands; timers |
//! | `listened` | segments that somebody listens to while they grow |
//! | `ending` | how a segment ends and what its ledger entry says |

mod calls;
mod clock;
mod config;
mod delivery;
mod ending;
mod flows;
mod joins;
mod listened;
mod media;
mod orphans;
mod protected;
mod refusal;
mod report;
mod segs;
mod slab;
#[cfg(test)]
mod tests;
mod twins;
mod usual;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use shared::{FrameBuf, Stamp, TapId};

use crate::cmd::SegCmd;
use crate::net::{self, Endpoint, LinkType, Peeled, Peeler, StreamEvent, StreamId, TcpLimits, TcpStreams};
use crate::rtp::leg::{Leg, Out};
use crate::rtp::writer::Pool;
use crate::sip::{self, CallKey, Calls, Framer};

pub use config::{EngineConfig, EngineLimits, TapConfig};
pub use report::{Alarm, AlarmKind, Counters};

use flows::{FlowKey, Flows};
use orphans::Candidate;
use protected::{Crypto, KeyAgreements};
use segs::{Beside, Call, Seg};
use slab::Slab;

/// Alarms that may wait; further ones of the same kind are dropped until these are read.
const ALARMS_MAX: usize = 256;
/// Nanoseconds between two looks at what has no timer of its own.
const HOUSEKEEPING_NS: u64 = 1_000_000_000;

/// The engine of one capture worker.
pub struct Engine {
    config: EngineConfig,
    /// Steps aside while what it took apart is at work.
    peeler: Option<Box<Peeler>>,
    flows: Flows,
    legs: Slab<Leg>,
    beside: Vec<Beside>,
    segs: Slab<Seg>,
    pool: Pool,
    /// What the leg at hand has given, on its way to commands.
    out: Vec<Out>,
    commands: VecDeque<SegCmd>,
    /// The earliest moment at which time has something to do.
    due_ns: u64,
    timers: BinaryHeap<Reverse<(u64, u32)>>,
    housekeeping_ns: u64,
    counters: Counters,
    /// Packets dropped on each tap, wrapping: only change matters.
    drops: Vec<u32>,
    sip: Calls,
    tcp: TcpStreams,
    framers: BTreeMap<StreamId, Framer>,
    calls: BTreeMap<CallKey, Box<Call>>,
    candidates: Slab<Candidate>,
    /// Where packets of orphans arrive, and the leg that takes them.
    orphan_ends: BTreeMap<Endpoint, u32>,
    crypto: BTreeMap<u32, Crypto>,
    agreements: KeyAgreements,
    /// Where packets are opened; holds no sound between two packets.
    clear: Vec<u8>,
    preroll_bytes: usize,
    /// Flows that were refused for want of room, and when they may try again.
    refused: VecDeque<(u64, FlowKey)>,
    next_seg: u64,
    alarms: VecDeque<Alarm>,
    clock: clock::Clock,
    /// Calls in a row that had one direction only, by tap.
    one_way: BTreeMap<TapId, u32>,
    /// Segments that somebody listens to.
    listened: Vec<listened::Listened>,
    finished: bool,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("counters", &self.counters).finish_non_exhaustive()
    }
}

impl Engine {
    /// Makes an engine that has seen nothing.
    #[must_use]
    pub fn new(config: EngineConfig) -> Self {
        let taps = config.taps.len().max(1);
        Self {
            peeler: Some(Box::new(Peeler::new(net::Limits::default()))),
            flows: Flows::new(config.seed, config.limits.flows),
            agreements: KeyAgreements::new(config.seed),
            legs: Slab::default(),
            beside: Vec::new(),
            segs: Slab::default(),
            pool: Pool::default(),
            out: Vec::new(),
            commands: VecDeque::new(),
            due_ns: 0,
            timers: BinaryHeap::new(),
            housekeeping_ns: 0,
            counters: Counters::default(),
            drops: vec![0; taps],
            sip: Calls::new(sip::Limits { octets: config.limits.signalling_bytes, ..sip::Limits::default() }),
            tcp: TcpStreams::new(TcpLimits::default()),
            framers: BTreeMap::new(),
            calls: BTreeMap::new(),
            candidates: Slab::default(),
            orphan_ends: BTreeMap::new(),
            crypto: BTreeMap::new(),
            clear: Vec::new(),
            preroll_bytes: 0,
            refused: VecDeque::new(),
            next_seg: 1,
            alarms: VecDeque::new(),
            clock: clock::Clock::default(),
            one_way: BTreeMap::new(),
            listened: Vec::new(),
            finished: false,
            config,
        }
    }

    /// Takes one captured frame. `vlan` is the outer tag where the card took it off.
    pub fn handle_packet(&mut self, now: Stamp, tap: TapId, link: LinkType, vlan: Option<u16>, bytes: &[u8]) {
        let _outer_tag = vlan; // addresses alone tell calls apart; the tag is kept in the signature for those who need it
        if now.mono_ns >= self.due_ns {
            self.handle_timeout(now);
        }
        if tap.is_canary() {
            return self.count_nothing(|engine| engine.take(now, tap, link, bytes));
        }
        self.take(now, tap, link, bytes);
    }

    #[inline(always)]
    fn take(&mut self, now: Stamp, tap: TapId, link: LinkType, bytes: &[u8]) {
        self.counters.packets = self.counters.packets.wrapping_add(1);
        if link == LinkType::Ethernet && self.usual(&now, tap, bytes) {
            return;
        }
        let Some(mut peeler) = self.peeler.take() else { return };
        match peeler.peel(now, link, bytes) {
            Peeled::Udp(datagram) => self.udp(&now, tap, &datagram),
            Peeled::Tcp(segment) => self.tcp(now, tap, &segment),
            _ => self.counters.ignored = self.counters.ignored.wrapping_add(1),
        }
        self.peeler = Some(peeler);
    }

    /// Does something for a canary: it takes the way of all packets, and stands in no figure that people read, but for limits.
    #[cold]
    fn count_nothing(&mut self, act: impl FnOnce(&mut Self)) {
        let before = self.counters;
        act(self);
        self.counters = Counters { limits: self.counters.limits, ..before };
    }

    /// Takes the news that a tap lost packets; the packets handed in from now on came after them.
    pub fn handle_drops(&mut self, now: Stamp, tap: TapId, packets_lost: u64) {
        if packets_lost == 0 {
            return;
        }
        let place = usize::from(tap.0);
        if self.drops.len() <= place {
            self.drops.resize(place.saturating_add(1), 0);
        }
        if let Some(drops) = self.drops.get_mut(place) {
            *drops = drops.wrapping_add(1);
        }
        self.counters.kernel_drops = self.counters.kernel_drops.saturating_add(packets_lost);
        let text = format!(
            "{packets_lost} packets were lost inside this machine before the recorder saw them; recordings that were \
             running have gaps marked \"lost by recorder\". Give the recorder more CPU or a larger capture ring, and \
             look for other programs that use the same cores."
        );
        self.alarm(now, Some(tap), AlarmKind::KernelDrops, text);
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Stamp) {
        while let Some(Reverse((at, seg))) = self.timers.peek().copied() {
            if at > now.mono_ns {
                break;
            }
            self.timers.pop();
            if self.segs.at(seg).is_some_and(|s| s.timer_ns == at) {
                self.serve(seg, &now);
            }
        }
        if now.mono_ns >= self.housekeeping_ns {
            self.housekeeping_ns = now.mono_ns.saturating_add(HOUSEKEEPING_NS);
            self.housekeep(now);
        }
        self.next_due();
    }

    /// Returns when [`Engine::handle_timeout`] should be called at the latest, in nanoseconds of the monotonic clock.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<u64> {
        if self.finished { None } else { Some(self.due_ns) }
    }

    /// Returns the next command, in the order in which commands must be obeyed.
    #[inline]
    pub fn poll_cmd(&mut self) -> Option<SegCmd> {
        self.commands.pop_front()
    }

    /// Returns the next alarm.
    pub fn poll_alarm(&mut self) -> Option<Alarm> {
        self.alarms.pop_front()
    }

    /// Ends everything: no packet comes any more. Every segment is closed; take the commands that this gives.
    pub fn finish(&mut self, now: Stamp) {
        self.handle_timeout(now);
        self.finish_streams(now);
        self.promote_all();
        for seg in self.segs.places() {
            self.close(seg, &now, "end-of-input");
        }
        self.calls.clear();
        self.finished = true;
    }

    /// Changes settings while packets flow. Calls in progress keep what was decided about them; the next ones follow the new
    /// settings. A tap keeps its number for the life of the engine, so `config.taps` may only grow or be renamed; the seed
    /// stays.
    pub fn reconfigure(&mut self, config: EngineConfig) {
        let seed = self.config.seed;
        self.config = EngineConfig { seed, ..config };
        self.drops.resize(self.config.taps.len().max(self.drops.len()), 0);
    }

    /// Takes a frame buffer back for later use.
    pub fn recycle(&mut self, buf: FrameBuf) {
        self.pool.give(buf);
    }

    /// Returns what went through so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let is_canary = |place: &u32| self.segs.at(*place).is_some_and(|seg| seg.tap.is_canary());
        let canaries = self.segs.places().iter().filter(|place| is_canary(place)).count();
        let canaries = u64::try_from(canaries).unwrap_or(u64::MAX);
        Counters { segments_now: self.segs.len().saturating_sub(canaries), ..self.counters }
    }

    fn drops_of(&self, tap: TapId) -> u32 {
        self.drops.get(usize::from(tap.0)).copied().unwrap_or(0)
    }

    /// Looks after what has no timer of its own, once a second.
    fn housekeep(&mut self, now: Stamp) {
        self.watch_clock(&now);
        self.sip.handle_timeout(now);
        self.hear_calls(&now);
        let mut tcp = std::mem::take(&mut self.tcp);
        tcp.handle_timeout(now, &mut |id, event| self.stream(now, TapId(0), id, event));
        self.tcp = tcp;
        self.look_at_candidates(&now);
        self.let_refused_try_again(&now);
    }

    fn alarm(&mut self, at: Stamp, tap: Option<TapId>, kind: AlarmKind, text: String) {
        if self.alarms.len() < ALARMS_MAX {
            self.alarms.push_back(Alarm { at, tap, kind, text });
        }
    }

    fn tcp(&mut self, now: Stamp, tap: TapId, segment: &net::TcpSegment<'_>) {
        self.counters.tcp = self.counters.tcp.wrapping_add(1);
        let sip_port = |port: u16| matches!(port, 5060..=5080);
        let speaks = sip_port(segment.src.port)
            || sip_port(segment.dst.port)
            || sip::looks_like_sip(segment.payload)
            || self.follows(segment.src, segment.dst);
        if !speaks {
            return;
        }
        let mut tcp = std::mem::take(&mut self.tcp);
        tcp.handle(now, segment, &mut |id, event| self.stream(now, tap, id, event));
        self.tcp = tcp;
        self.hear_calls(&now);
    }

    /// Tells whether this direction of a connection has spoken SIP before.
    fn follows(&self, src: Endpoint, dst: Endpoint) -> bool {
        let of = |serial| StreamId { src, dst, serial };
        self.framers.range(of(0)..=of(u64::MAX)).next().is_some()
    }

    fn stream(&mut self, now: Stamp, tap: TapId, id: StreamId, event: StreamEvent<'_>) {
        if let StreamEvent::End = event {
            self.framers.remove(&id);
            return;
        }
        let mut framer = self.framers.remove(&id).unwrap_or_default();
        match event {
            StreamEvent::Data(octets) => {
                framer.push(octets);
                while let Some(message) = framer.next_message() {
                    self.counters.sip = self.counters.sip.wrapping_add(1);
                    self.sip.handle_message(now, tap, id.src, id.dst, message);
                }
            }
            StreamEvent::Hole => framer.hole(),
            StreamEvent::End => {}
        }
        self.framers.insert(id, framer);
    }

    fn finish_streams(&mut self, now: Stamp) {
        let mut tcp = std::mem::take(&mut self.tcp);
        tcp.finish(&mut |id, event| self.stream(now, TapId(0), id, event));
        self.tcp = tcp;
        self.hear_calls(&now);
    }
}
