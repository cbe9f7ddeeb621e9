//! Hands on the world: network interfaces and capture files, as one kind of packet source.
//!
//! A source is polled by its owner's thread and hands each packet to a closure where it lies, in the ring or in the read
//! buffer: no channel, no copy. It decides nothing about calls. What goes wrong on the way is told in the order in which
//! it happened: packets lost by the kernel with the packet that came after them ([`Packet::lost_before`]), everything
//! else as a [`Warning`].
//!
//! * [`CaptureFile`] reads pcap, pcapng (also gzipped) and rtpproxy's recordings; [`Merge`] reads several by time.
//! * [`AfPacket`] listens on a network interface of Linux.
//! * [`Replay`] plays packets that were made here: the test call.
//!
//! **Invariant:** a stamp's monotonic part never runs backwards within one source, whatever the wall clock does.
#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

#[cfg(target_os = "linux")]
mod af_packet;
mod batch;
mod clock;
mod error;
mod file;
mod merge;
mod replay;
mod warning;

use std::time::Duration;

use shared::{Stamp, TapId};
use telephony::net::LinkType;

#[cfg(target_os = "linux")]
pub use af_packet::{AfPacket, Fanout, FanoutMode, FilterOp, LiveOptions};
pub use error::{CaptureError, ErrorKind};
pub use file::{CaptureFile, Timed};
pub use merge::Merge;
pub use replay::{Due, Replay};
pub use warning::{Damage, Warning};

/// One packet, where it lies; it is gone when the closure returns.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Which tap it came in by.
    pub tap: TapId,
    /// What `bytes` begin with.
    pub link: LinkType,
    /// When it was seen.
    pub stamp: Stamp,
    /// As much of the packet as was captured.
    pub bytes: &'a [u8],
    /// Octets that it had on the wire.
    pub orig_len: u32,
    /// The outermost VLAN tag (TCI: priority and id) that the network card took off; not in `bytes`.
    pub vlan: Option<u16>,
    /// Sent by this host itself.
    pub outgoing: bool,
    /// Packets that the capturing system dropped between the one before and this one, as far as it says.
    pub lost_before: u32,
}

/// What a poll came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Poll {
    /// Packets were handed over; there may be more at once.
    Progress,
    /// Nothing came within the wait.
    Idle,
    /// Nothing will ever come again: the end of a file.
    End,
}

/// Packets that never reached us, counted since the source was opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Drops {
    /// Packets that the source handed over.
    pub delivered: u64,
    /// Dropped because the ring was full (or the writer of the file said so).
    pub kernel: u64,
    /// Dropped by the network interface.
    pub interface: u64,
    /// Times the ring was found frozen: every block full.
    pub freezes: u64,
}

/// What a source is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceInfo {
    /// Which tap it feeds.
    pub tap: TapId,
    /// The interface's or file's name.
    pub name: String,
    /// A file ends and may be read as fast as it goes; an interface does neither.
    pub live: bool,
    /// The link layer, when all packets have the same one.
    pub link: Option<LinkType>,
    /// The descriptor to wait on for packets, where there is one.
    pub fd: Option<i32>,
}

/// Something that packets come from.
pub trait PacketSource: Send {
    /// Returns what this source is.
    fn info(&self) -> SourceInfo;

    /// Hands what is there to `sink`, at most one ring block or some thousand packets, in the order of arrival; waits at
    /// most `wait` when there is nothing.
    ///
    /// # Errors
    /// The source is gone or can't be read. What was handed over before stands.
    fn poll(&mut self, wait: Duration, sink: &mut dyn FnMut(&Packet<'_>)) -> Result<Poll, CaptureError>;

    /// Returns what was dropped so far.
    fn drops(&mut self) -> Drops;

    /// Takes what there is to say since the last call.
    fn warnings(&mut self) -> Vec<Warning>;
}
