//! What the engine tells about itself: counters, and alarms in words that say what to do.

use shared::{Stamp, TapId};

/// What went through the engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Packets handed in.
    pub packets: u64,
    /// RTP taken by a leg.
    pub rtp: u64,
    /// RTP of calls that a rule excludes or a limit refuses.
    pub rtp_excluded: u64,
    /// RTP that no leg took: too few packets, no sound, or beyond a limit.
    pub rtp_unclaimed: u64,
    /// RTCP packets.
    pub rtcp: u64,
    /// SIP messages, over UDP and TCP.
    pub sip: u64,
    /// TCP segments.
    pub tcp: u64,
    /// Other UDP datagrams.
    pub other_udp: u64,
    /// Packets that are neither UDP nor TCP, or broken.
    pub ignored: u64,
    /// SRTP packets that failed authentication.
    pub srtp_failed: u64,
    /// Packets that the kernel says it dropped.
    pub kernel_drops: u64,
    /// Calls signalled.
    pub calls: u64,
    /// Segments without signalling.
    pub orphans: u64,
    /// Recordings begun.
    pub opened: u64,
    /// Legs that carried sound.
    pub legs: u64,
    /// Times a limit was met.
    pub limits: u64,
    /// Segments open now.
    pub segments_now: u64,
}

/// What kind of alarm.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AlarmKind {
    /// The kernel dropped packets before we saw them.
    KernelDrops,
    /// Call after call has one direction only.
    OneDirection,
    /// Media without any signalling.
    Orphans,
    /// A limit was reached.
    Limit,
    /// The wall clock stepped.
    ClockStep,
}

/// Something a person should know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alarm {
    /// When.
    pub at: Stamp,
    /// Where, if it concerns one tap.
    pub tap: Option<TapId>,
    /// What kind.
    pub kind: AlarmKind,
    /// What it means and what to do.
    pub text: String,
}
