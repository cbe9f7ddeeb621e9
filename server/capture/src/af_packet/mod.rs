//! Live capture: a TPACKET_V3 ring on a network interface of Linux.
//!
//! The kernel fills blocks, this source hands their packets over where they lie and gives the blocks back. A ring that
//! was full is told in order: the packets lost stand in [`Packet::lost_before`] of the first one after them.
//!
//! Order of dropping: the kernel marks the block that follows a loss, so its counters (which reset when read) are read at
//! such a block or when the ring is empty, never while unmarked blocks wait; else a loss would be told too early.

mod block;
mod system;

use std::io::ErrorKind;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::Duration;

use shared::{TapId, TimeQuality};
use telephony::net::{LinkType, UnsupportedLink};

use crate::batch::Batch;
use crate::clock::LiveClock;
use crate::{CaptureError, Drops, Packet, PacketSource, Poll, SourceInfo, Warning};
use block::Packets;
pub use system::FilterOp;
use system::Ring;

/// `ARPHRD_*`: what the kernel calls the link layers that are read here.
const HARDWARE_ETHERNET: u16 = 1;
const HARDWARE_LOOPBACK: u16 = 772;
/// PPP, raw IP, IP tunnels and TUN devices hand over bare IP.
const HARDWARE_RAW: [u16; 7] = [512, 519, 768, 769, 776, 778, 65_534];
const PACKET_OUTGOING: u8 = 4;
const BLOCK_LOSING: u32 = 1 << 2;
const SECOND_NS: u64 = 1_000_000_000;
/// A block is handed over after `block_wait_ms` however little is in it, so a ring never bridges more than its number of
/// blocks times that: small blocks bridge a longer stall. This one is about full after 10 ms of 1,000 calls.
const BLOCK_BYTES: usize = 256 << 10;
const BLOCKS_IN_MIB: usize = 4;

/// How packets are shared out to several sockets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FanoutMode {
    /// By flow, so that a stream stays with one worker. Tunnelled packets and fragments hash by their outer headers.
    Hash,
    /// By the processor that the packet arrived on.
    Cpu,
    /// One after the other.
    RoundRobin,
}

/// A group of sockets that share the packets of one interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fanout {
    /// The group's number, the same for all its sockets.
    pub group: u16,
    /// Who gets what; the same for all.
    pub mode: FanoutMode,
}

/// What to listen on and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LiveOptions {
    /// The interface's name.
    pub interface: String,
    /// The tap it is.
    pub tap: TapId,
    /// Octets of one block of the ring; a multiple of the page size.
    pub block_bytes: usize,
    /// Blocks of the ring.
    pub blocks: usize,
    /// A block that isn't full is handed over after this time, in milliseconds.
    pub block_wait_ms: u32,
    /// Take packets that are for others, as on a mirror port.
    pub promiscuous: bool,
    /// Share the packets with other sockets.
    pub fanout: Option<Fanout>,
    /// A program that chooses packets in the kernel; empty takes all. It must let fragments pass.
    pub filter: Vec<FilterOp>,
}

impl LiveOptions {
    /// Listens on `interface` promiscuously with a ring of 32 MiB: about a second of 1,000 calls.
    #[must_use]
    pub fn new(interface: &str, tap: TapId) -> Self {
        Self {
            interface: interface.to_owned(),
            tap,
            block_bytes: BLOCK_BYTES,
            blocks: 32 * BLOCKS_IN_MIB,
            block_wait_ms: 10,
            promiscuous: true,
            fanout: None,
            filter: Vec::new(),
        }
    }

    /// Sets the size of the ring; at least two mebibytes.
    #[must_use]
    pub fn ring_mib(mut self, mib: usize) -> Self {
        (self.block_bytes, self.blocks) = (BLOCK_BYTES, mib.max(2).saturating_mul(BLOCKS_IN_MIB));
        self
    }
}

/// A network interface that is listened on.
#[derive(Debug)]
pub struct AfPacket {
    // The ring goes before the socket that it belongs to.
    ring: Ring,
    socket: OwnedFd,
    tap: TapId,
    name: String,
    index: i32,
    link: LinkType,
    /// Every packet of a loopback interface passes twice, on its way out and on its way in.
    loopback: bool,
    block: usize,
    clock: LiveClock,
    ticked_ns: u64,
    drops: Drops,
    /// Lost since the last packet that was handed over.
    lost: u32,
    down: bool,
    missed_before: u64,
    warnings: Vec<Warning>,
}

impl AfPacket {
    /// Begins to listen.
    ///
    /// # Errors
    /// No permission, no such interface, an interface that is down or whose link layer isn't read, no memory for the ring.
    pub fn open(options: &LiveOptions) -> Result<Self, CaptureError> {
        let name = options.interface.clone();
        let failed = |call| {
            let name = name.clone();
            move |source| CaptureError::System { name, call, source }
        };
        let index = system::interface_index(&name).ok_or_else(|| CaptureError::NoInterface {
            name: name.clone(),
            existing: system::interface_names().join(", "),
        })?;
        let socket = system::open_socket().map_err(|source| {
            if source.kind() == ErrorKind::PermissionDenied {
                return no_permission(&name);
            }
            CaptureError::System { name: name.clone(), call: "socket(AF_PACKET)", source }
        })?;
        if !system::is_up(&socket, &name).map_err(failed("SIOCGIFFLAGS"))? {
            return Err(CaptureError::SourceDown { name, what: "is down" });
        }
        let hardware = system::hardware_type(&socket, &name).map_err(failed("SIOCGIFHWADDR"))?;
        let link = link_of(hardware).map_err(|link| CaptureError::Link { name: name.clone(), link })?;
        let ring = make_ring(&socket, options)?;
        if !options.filter.is_empty() {
            system::attach_filter(&socket, &options.filter).map_err(failed("SO_ATTACH_FILTER"))?;
        }
        let loopback = hardware == HARDWARE_LOOPBACK;
        if loopback {
            system::ignore_outgoing(&socket);
        }
        if options.promiscuous && !loopback {
            system::promiscuous(&socket, index).map_err(failed("PACKET_ADD_MEMBERSHIP"))?;
        }
        system::bind(&socket, index).map_err(failed("bind"))?;
        if let Some(fanout) = options.fanout {
            system::fan_out(&socket, fanout.group, mode_and_flags(fanout.mode))
                .map_err(failed("PACKET_FANOUT"))?;
        }
        let mut source = Self {
            ring,
            socket,
            tap: options.tap,
            missed_before: missed_by_interface(&name),
            name,
            index,
            link,
            loopback,
            block: 0,
            clock: LiveClock::default(),
            ticked_ns: 0,
            drops: Drops::default(),
            lost: 0,
            down: false,
            warnings: Vec::new(),
        };
        source.warn_of_merging();
        source.read_clocks();
        Ok(source)
    }

    fn warn_of_merging(&mut self) {
        let features = system::merging_features(&self.socket, &self.name);
        if !self.loopback && !features.is_empty() {
            self.warnings.push(Warning::Offload { name: self.name.clone(), features });
        }
    }

    /// Takes the time; returns the monotonic part.
    fn read_clocks(&mut self) -> u64 {
        let (mono_ns, utc_ns) = system::clock_pair();
        if let Some(by_ns) = self.clock.pair(mono_ns, utc_ns) {
            self.warnings.push(Warning::ClockStep { name: self.name.clone(), by_ms: by_ns / 1_000_000 });
        }
        if mono_ns.saturating_sub(self.ticked_ns) > 60 * SECOND_NS || self.ticked_ns == 0 {
            let disciplined = system::clock_is_disciplined();
            self.clock.quality(if disciplined { TimeQuality::Ntp } else { TimeQuality::Free });
        }
        mono_ns
    }

    /// Reads the kernel's counters, which resets them.
    fn count_drops(&mut self) {
        let Ok((dropped, freezes)) = system::statistics(&self.socket) else { return };
        self.drops.kernel = self.drops.kernel.saturating_add(u64::from(dropped));
        self.drops.freezes = self.drops.freezes.saturating_add(u64::from(freezes));
        self.lost = self.lost.saturating_add(dropped);
        if dropped > 0 {
            self.warnings.push(Warning::Dropped { name: self.name.clone(), packets: u64::from(dropped) });
        }
    }

    /// Hands over the block at hand, if the kernel has filled it.
    fn take_block(&mut self, sink: &mut dyn FnMut(&Packet<'_>)) -> bool {
        let Some((status, _)) = self.ring.block(self.block) else { return false };
        if status & BLOCK_LOSING != 0 {
            self.count_drops();
        }
        let now_ns = self.read_clocks();
        let Some((_, block)) = self.ring.block(self.block) else { return false };
        let mut batch = Batch::new();
        for framed in Packets::of(block) {
            let outgoing = framed.kind == PACKET_OUTGOING;
            if outgoing && self.loopback {
                continue;
            }
            self.drops.delivered = self.drops.delivered.saturating_add(1);
            batch.put(Packet {
                tap: self.tap,
                link: self.link,
                stamp: self.clock.stamp(framed.utc_ns, now_ns),
                bytes: framed.bytes,
                orig_len: framed.orig_len,
                vlan: framed.vlan,
                outgoing,
                lost_before: std::mem::take(&mut self.lost),
            });
            if batch.is_full() {
                batch.hand_over(sink);
            }
        }
        batch.hand_over(sink);
        self.ring.release(self.block);
        self.block = self.block.wrapping_add(1);
        true
    }

    /// Once a second, with nothing in the ring: counters, and whether the interface is still there.
    fn tick(&mut self) -> Result<(), CaptureError> {
        let now_ns = self.read_clocks();
        if now_ns.saturating_sub(self.ticked_ns) < SECOND_NS {
            return Ok(());
        }
        self.ticked_ns = now_ns;
        self.count_drops();
        let what = match system::interface_index(&self.name) {
            Some(index) if index == self.index => {
                if system::is_up(&self.socket, &self.name).unwrap_or(false) {
                    self.down = false;
                    return Ok(());
                }
                "is down"
            }
            Some(_) | None => "has vanished",
        };
        self.went_down(what)
    }

    /// Says once that the interface is down; that it has vanished is said each second, since this socket is of no more use.
    fn went_down(&mut self, what: &'static str) -> Result<(), CaptureError> {
        let told = std::mem::replace(&mut self.down, true);
        if told && what == "is down" {
            return Ok(());
        }
        Err(CaptureError::SourceDown { name: self.name.clone(), what })
    }

    fn take_error(&mut self) -> Result<(), CaptureError> {
        let Some(source) = system::pending_error(&self.socket) else { return Ok(()) };
        match source.raw_os_error() {
            Some(libc::ENETDOWN | libc::ENODEV | libc::ENXIO) => {
                let there = system::interface_index(&self.name) == Some(self.index);
                self.went_down(if there { "is down" } else { "has vanished" })
            }
            _ => Err(CaptureError::System { name: self.name.clone(), call: "poll", source }),
        }
    }
}

impl PacketSource for AfPacket {
    fn info(&self) -> SourceInfo {
        SourceInfo {
            tap: self.tap,
            name: self.name.clone(),
            live: true,
            link: Some(self.link),
            fd: Some(self.socket.as_raw_fd()),
        }
    }

    fn poll(&mut self, wait: Duration, sink: &mut dyn FnMut(&Packet<'_>)) -> Result<Poll, CaptureError> {
        if self.take_block(sink) {
            return Ok(Poll::Progress);
        }
        self.tick()?;
        let wait_ms = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        match system::wait(&self.socket, wait_ms) {
            Ok(true) => self.take_error()?,
            Ok(false) => {}
            Err(source) => {
                return Err(CaptureError::System { name: self.name.clone(), call: "poll", source });
            }
        }
        Ok(if self.take_block(sink) { Poll::Progress } else { Poll::Idle })
    }

    fn drops(&mut self) -> Drops {
        if self.ring.block(self.block).is_none() {
            self.count_drops();
        }
        self.drops.interface = missed_by_interface(&self.name).saturating_sub(self.missed_before);
        self.drops
    }

    fn warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }
}

fn make_ring(socket: &OwnedFd, options: &LiveOptions) -> Result<Ring, CaptureError> {
    let (block_bytes, blocks) = (options.block_bytes, options.blocks);
    let refused = |source| CaptureError::Ring {
        name: options.interface.clone(),
        bytes: block_bytes.saturating_mul(blocks),
        source,
    };
    let number = |n: usize| u32::try_from(n).map_err(|_too_large| refused(ErrorKind::InvalidInput.into()));
    system::request_ring(socket, number(block_bytes)?, number(blocks)?, options.block_wait_ms)
        .map_err(refused)?;
    Ring::map(socket, block_bytes, blocks).map_err(refused)
}

fn link_of(hardware: u16) -> Result<LinkType, UnsupportedLink> {
    match hardware {
        HARDWARE_ETHERNET | HARDWARE_LOOPBACK => Ok(LinkType::Ethernet),
        raw if HARDWARE_RAW.contains(&raw) => Ok(LinkType::Raw),
        801 => Err(UnsupportedLink { dlt: 105 }),
        802 => Err(UnsupportedLink { dlt: 119 }),
        803 => Err(UnsupportedLink { dlt: 127 }),
        other => Err(UnsupportedLink { dlt: u32::from(other).saturating_add(0x1_0000) }),
    }
}

const fn mode_and_flags(mode: FanoutMode) -> u16 {
    let number = match mode {
        FanoutMode::Hash => libc::PACKET_FANOUT_HASH,
        FanoutMode::Cpu => libc::PACKET_FANOUT_CPU,
        FanoutMode::RoundRobin => libc::PACKET_FANOUT_LB,
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "constants below 2^16")]
    let word = (number | libc::PACKET_FANOUT_FLAG_DEFRAG) as u16;
    word
}

fn no_permission(name: &str) -> CaptureError {
    let program =
        std::env::current_exe().map_or_else(|_unknown| "amethyst".into(), |path| path.display().to_string());
    CaptureError::NoPermission { name: name.to_owned(), program }
}

/// Packets that the card itself had to drop, as far as the kernel publishes it.
fn missed_by_interface(name: &str) -> u64 {
    ["rx_missed_errors", "rx_fifo_errors"].iter().fold(0u64, |sum, counter| {
        let text = std::fs::read_to_string(format!("/sys/class/net/{name}/statistics/{counter}"));
        sum.saturating_add(text.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0))
    })
}

#[cfg(test)]
mod tests;
