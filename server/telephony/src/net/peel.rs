//! One captured frame in, the datagram or segment inside it out.

use shared::{Micros, Stamp};

use super::fragments::{Fragment, Fragments};
use super::walk::{self, Layer, Walked};
use super::{Endpoint, LinkType, fast};

/// A UDP datagram as it was on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Datagram<'a> {
    /// Who sent it.
    pub src: Endpoint,
    /// To whom.
    pub dst: Endpoint,
    /// The payload, as much of it as was captured.
    pub payload: &'a [u8],
    /// True when the wire carried more than was captured (a snapped capture).
    pub truncated: bool,
}

/// The flags of a TCP segment that a listener needs.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// The sender has nothing more to say.
    #[must_use]
    pub const fn fin(self) -> bool {
        self.0 & 0x01 != 0
    }

    /// The sequence number is the one before the first octet.
    #[must_use]
    pub const fn syn(self) -> bool {
        self.0 & 0x02 != 0
    }

    /// The connection is torn down.
    #[must_use]
    pub const fn rst(self) -> bool {
        self.0 & 0x04 != 0
    }

    /// The segment acknowledges.
    #[must_use]
    pub const fn ack(self) -> bool {
        self.0 & 0x10 != 0
    }
}

impl std::fmt::Debug for TcpFlags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TcpFlags({:#04x})", self.0)
    }
}

/// A TCP segment as it was on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TcpSegment<'a> {
    /// Who sent it.
    pub src: Endpoint,
    /// To whom.
    pub dst: Endpoint,
    /// The sequence number of the first octet of `payload` (of the SYN, when that flag is set).
    pub seq: u32,
    /// The flags.
    pub flags: TcpFlags,
    /// The payload, as much of it as was captured.
    pub payload: &'a [u8],
    /// True when the wire carried more than was captured.
    pub truncated: bool,
}

/// Why a frame holds neither datagram nor segment. None of these is an error of the frame's sender by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Other {
    /// Not IP: ARP, LLDP, spanning tree ... with the ethertype (0 where there is none).
    NotIp(u16),
    /// IP, but another protocol than UDP and TCP (ICMP is 1, ESP 50, SCTP 132).
    Protocol(u8),
    /// A fragment whose fellows are still to come (or that repeats what came before).
    Fragment,
    /// More tunnels in tunnels than [`Limits::depth`].
    TooDeep,
    /// Headers that contradict themselves or stop short; the word says which.
    Malformed(&'static str),
}

/// What a frame holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peeled<'a> {
    /// A UDP datagram, perhaps put together from fragments.
    Udp(Datagram<'a>),
    /// A TCP segment.
    Tcp(TcpSegment<'a>),
    /// Neither.
    Other(Other),
}

/// Bounds on what a [`Peeler`] holds and how deep it looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Tunnels inside tunnels that are followed.
    pub depth: u8,
    /// Octets of fragments held, over all unfinished datagrams, table included.
    pub fragment_bytes: usize,
    /// How long a fragment waits for its fellows, in microseconds.
    pub fragment_wait_us: Micros,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 4, fragment_bytes: 4 << 20, fragment_wait_us: 5_000_000 }
    }
}

/// What a [`Peeler`] met off the fast path.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PeelStats {
    /// Frames that were not the common kind.
    pub slow: u64,
    /// IP fragments seen.
    pub fragments: u64,
    /// Datagrams put together from fragments.
    pub reassembled: u64,
    /// Datagrams given up because a fragment never came or memory was short: each may have been signalling.
    pub reassembly_failed: u64,
    /// Frames with headers that contradict themselves.
    pub malformed: u64,
    /// Frames with too many tunnels.
    pub too_deep: u64,
    /// Datagrams and segments of which the capture holds the beginning only.
    pub truncated: u64,
}

/// Takes frames apart. Holds nothing but unfinished fragments, within its [`Limits`].
#[derive(Debug)]
pub struct Peeler {
    limits: Limits,
    fragments: Fragments,
    /// The payload of the last datagram that was put together; lives until the next one.
    whole: Vec<u8>,
    stats: PeelStats,
}

impl Default for Peeler {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Peeler {
    /// Makes a peeler that keeps within `limits`.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let fragments = Fragments::new(limits.fragment_bytes, limits.fragment_wait_us);
        Self { limits, fragments, whole: Vec::new(), stats: PeelStats::default() }
    }

    /// Takes one frame apart. `now` is the frame's own stamp; it ages fragments.
    ///
    /// What comes back borrows from `bytes`, or from this peeler when it was put together from fragments.
    #[inline]
    pub fn peel<'a>(&'a mut self, now: Stamp, link: LinkType, bytes: &'a [u8]) -> Peeled<'a> {
        if link == LinkType::Ethernet
            && let Some(datagram) = fast::ethernet_udp(bytes)
        {
            return Peeled::Udp(datagram);
        }
        self.peel_slowly(now, link, bytes)
    }

    /// Returns what was met so far.
    #[must_use]
    pub const fn stats(&self) -> PeelStats {
        let mut stats = self.stats;
        stats.reassembly_failed = self.fragments.given_up();
        stats
    }

    #[inline(never)]
    fn peel_slowly<'a>(&'a mut self, now: Stamp, link: LinkType, bytes: &'a [u8]) -> Peeled<'a> {
        self.stats.slow = self.stats.slow.wrapping_add(1);
        let peeled = match walk::walk(Layer::of(link), bytes, self.limits.depth) {
            Walked::Done(peeled) => peeled,
            Walked::Fragment(fragment, depth) => return self.join(now, &fragment, depth),
        };
        count_into(&mut self.stats, &peeled);
        peeled
    }

    /// Puts a fragment to its fellows; the last one brings out what they carried, which may again be a fragment.
    fn join(&mut self, now: Stamp, fragment: &Fragment<'_>, depth: u8) -> Peeled<'_> {
        let (mut layer, mut left) = (fragment.layer, depth);
        self.stats.fragments = self.stats.fragments.wrapping_add(1);
        let Some(whole) = self.fragments.take(now.mono_ns, fragment) else {
            return Peeled::Other(Other::Fragment);
        };
        self.whole = whole;
        self.stats.reassembled = self.stats.reassembled.wrapping_add(1);
        while let Walked::Fragment(inner, depth) = walk::walk(layer, &self.whole, left) {
            self.stats.fragments = self.stats.fragments.wrapping_add(1);
            let Some(depth) = depth.checked_sub(1) else {
                self.stats.too_deep = self.stats.too_deep.wrapping_add(1);
                return Peeled::Other(Other::TooDeep);
            };
            (layer, left) = (inner.layer, depth);
            let Some(whole) = self.fragments.take(now.mono_ns, &inner) else {
                return Peeled::Other(Other::Fragment);
            };
            self.whole = whole;
            self.stats.reassembled = self.stats.reassembled.wrapping_add(1);
        }
        // Walked once more, so that what is returned borrows from `whole` as it now stays.
        let peeled = match walk::walk(layer, &self.whole, left) {
            Walked::Done(peeled) => peeled,
            Walked::Fragment(..) => Peeled::Other(Other::Fragment),
        };
        count_into(&mut self.stats, &peeled);
        peeled
    }
}

fn count_into(stats: &mut PeelStats, peeled: &Peeled<'_>) {
    let counter = match peeled {
        Peeled::Udp(Datagram { truncated: true, .. }) | Peeled::Tcp(TcpSegment { truncated: true, .. }) => {
            &mut stats.truncated
        }
        Peeled::Other(Other::Malformed(_)) => &mut stats.malformed,
        Peeled::Other(Other::TooDeep) => &mut stats.too_deep,
        Peeled::Udp(_)
        | Peeled::Tcp(_)
        | Peeled::Other(Other::NotIp(_) | Other::Protocol(_) | Other::Fragment) => return,
    };
    *counter = counter.wrapping_add(1);
}
