//! pcapng: sections, interfaces with their own clocks and link layers, packets; other blocks are passed over.
//!
//! Source: draft-ietf-opsawg-pcapng. Obsolete packet blocks and simple packet blocks are read too.

use telephony::net::{LinkType, UnsupportedLink};

use super::input::Input;
use super::record::{Found, Next, PACKET_OCTETS_MAX, RESYNC_OCTETS, u16_at, u32_at, u64_at};

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const STATISTICS: u32 = 5;
const PACKET: u32 = 6;
/// Interfaces of one section.
const INTERFACES_MAX: usize = 4_096;
/// A block that we look into is at most this long: a packet, its head and generous options.
const BLOCK_OCTETS_MAX: usize = PACKET_OCTETS_MAX + 65_536;

/// A pcapng file.
#[derive(Debug, Default)]
pub(super) struct Pcapng {
    big_endian: bool,
    interfaces: Vec<Interface>,
    last_ns: i64,
    /// Drops that statistics blocks of earlier sections and of this one's interfaces told.
    dropped_before: u64,
}

#[derive(Debug)]
struct Interface {
    link: Result<LinkType, UnsupportedLink>,
    snap: u32,
    unit: Unit,
    offset_ns: i64,
    dropped: u64,
}

/// The unit of time stamps.
#[derive(Clone, Copy, Debug)]
enum Unit {
    /// So many nanoseconds.
    Times(u64),
    /// So many to a nanosecond.
    Over(u64),
    /// 2^-n seconds.
    Binary(u8),
}

impl Unit {
    const MICRO: Self = Self::Times(1_000);

    /// Reads `if_tsresol`; what can't be expressed is taken as the default.
    fn of(resolution: u8) -> Self {
        let power = u32::from(resolution & 0x7f);
        if resolution & 0x80 != 0 {
            return if power < 64 { Self::Binary(resolution & 0x7f) } else { Self::MICRO };
        }
        match power {
            0..=9 => Self::Times(10u64.pow(9u32.saturating_sub(power))),
            10..=27 => Self::Over(10u64.pow(power.saturating_sub(9))),
            _ => Self::MICRO,
        }
    }

    #[inline]
    fn nanos(self, units: u64) -> i64 {
        let ns = match self {
            Self::Times(n) => u128::from(units).wrapping_mul(u128::from(n)),
            Self::Over(n) => u128::from(units.checked_div(n).unwrap_or(0)),
            Self::Binary(n) => u128::from(units).wrapping_mul(1_000_000_000) >> n,
        };
        i64::try_from(ns).unwrap_or(i64::MAX)
    }
}

impl Pcapng {
    /// Tells whether a file begins with a section.
    pub(super) fn open(header: &[u8]) -> Option<Self> {
        (header.first_chunk() == Some(&SECTION.to_be_bytes())).then(Self::default)
    }

    /// Returns the packets that the writer of the file says it lost.
    pub(super) fn dropped(&self) -> u64 {
        self.interfaces.iter().fold(self.dropped_before, |sum, i| sum.saturating_add(i.dropped))
    }

    /// Looks at the block at the head of the window.
    pub(super) fn find(&mut self, input: &mut Input) -> std::io::Result<Found> {
        let seen = input.want(12)?;
        if seen.len() < 12 {
            return Ok(if seen.is_empty() { Found::End } else { Found::Torn });
        }
        // A section says its own byte order.
        let big_endian = match (u32_at(seen, 0, true), seen.get(8..12)) {
            (Some(SECTION), Some([0x1a, 0x2b, 0x3c, 0x4d])) => true,
            (Some(SECTION), Some([0x4d, 0x3c, 0x2b, 0x1a])) => false,
            (Some(SECTION), _) => return Ok(Found::Damage("a section without byte order")),
            _ => self.big_endian,
        };
        let (kind, length) = (u32_at(seen, 0, big_endian), u32_at(seen, 4, big_endian));
        let (Some(kind), Some(length)) = (kind, length) else { return Ok(Found::Torn) };
        let length = length as usize;
        if length < 12 || !length.is_multiple_of(4) {
            return Ok(Found::Damage("a block of impossible length"));
        }
        if !matches!(kind, SECTION | INTERFACE | OBSOLETE_PACKET | SIMPLE_PACKET | STATISTICS | PACKET) {
            return passed_over(input, length, big_endian);
        }
        if length > BLOCK_OCTETS_MAX {
            return Ok(Found::Damage("a block of impossible length"));
        }
        let seen = input.want(length)?;
        let Some(block) = seen.get(..length) else { return Ok(Found::Torn) };
        if u32_at(block, length.saturating_sub(4), big_endian) != u32::try_from(length).ok() {
            return Ok(Found::Damage("a block whose two lengths differ"));
        }
        self.big_endian = big_endian;
        let body = block.get(8..length.saturating_sub(4)).unwrap_or_default();
        Ok(self.block(kind, length, body).unwrap_or(Found::Damage("a block that contradicts itself")))
    }

    /// Looks for the next place where a block stands whose two lengths agree; returns how far it is.
    pub(super) fn resync(&self, input: &mut Input) -> std::io::Result<Option<usize>> {
        let seen = input.want(RESYNC_OCTETS)?;
        let stands = |at: usize| {
            let bytes = seen.get(at..)?;
            let section = u32_at(bytes, 0, true)? == SECTION;
            let big_endian =
                if section { bytes.get(8..12)? == [0x1a, 0x2b, 0x3c, 0x4d] } else { self.big_endian };
            let kind = u32_at(bytes, 0, big_endian)?;
            let length = u32_at(bytes, 4, big_endian)?;
            let sane = (section || (1..=6).contains(&kind))
                && length >= 12
                && length % 4 == 0
                && length as usize <= BLOCK_OCTETS_MAX;
            (sane && u32_at(bytes, (length as usize).checked_sub(4)?, big_endian)? == length).then_some(())
        };
        Ok((1..seen.len().saturating_sub(11)).find(|at| stands(*at).is_some()))
    }

    fn block(&mut self, kind: u32, length: usize, body: &[u8]) -> Option<Found> {
        match kind {
            SECTION => {
                self.dropped_before = self.dropped();
                self.interfaces.clear();
            }
            INTERFACE => {
                if self.interfaces.len() >= INTERFACES_MAX {
                    return Some(Found::Damage("too many interfaces"));
                }
                let interface = self.interface(body)?;
                self.interfaces.push(interface);
            }
            STATISTICS => self.statistics(body),
            PACKET => {
                let interface = u32_at(body, 0, self.big_endian)? as usize;
                return self.packet(interface, 0, length, body);
            }
            OBSOLETE_PACKET => {
                let interface = usize::from(u16_at(body, 0, self.big_endian)?);
                let lost = u16_at(body, 2, self.big_endian).filter(|lost| *lost != u16::MAX);
                return self.packet(interface, u32::from(lost.unwrap_or(0)), length, body);
            }
            _ => return self.simple_packet(length, body),
        }
        Some(Found::Pass(length))
    }

    fn interface(&self, body: &[u8]) -> Option<Interface> {
        let link = LinkType::from_dlt(u32::from(u16_at(body, 0, self.big_endian)?));
        let snap = u32_at(body, 4, self.big_endian)?;
        let mut interface = Interface { link, snap, unit: Unit::MICRO, offset_ns: 0, dropped: 0 };
        self.options(body.get(8..)?, |code, value| match (code, value) {
            (9, [resolution, ..]) => interface.unit = Unit::of(*resolution),
            (14, _) => {
                let seconds = u64_at(value, 0, self.big_endian).unwrap_or(0).cast_signed();
                interface.offset_ns = seconds.saturating_mul(1_000_000_000);
            }
            _ => {}
        });
        Some(interface)
    }

    /// Options 5 and 7 of an interface statistics block: dropped by the interface, dropped by the operating system.
    fn statistics(&mut self, body: &[u8]) {
        let (Some(index), Some(options)) = (u32_at(body, 0, self.big_endian), body.get(12..)) else { return };
        let mut dropped = 0u64;
        self.options(options, |code, value| {
            if matches!(code, 5 | 7) {
                dropped = dropped.saturating_add(u64_at(value, 0, self.big_endian).unwrap_or(0));
            }
        });
        if let Some(interface) = self.interfaces.get_mut(index as usize) {
            interface.dropped = interface.dropped.max(dropped);
        }
    }

    fn options(&self, mut bytes: &[u8], mut each: impl FnMut(u16, &[u8])) {
        while let (Some(code @ 1..), Some(length)) =
            (u16_at(bytes, 0, self.big_endian), u16_at(bytes, 2, self.big_endian))
        {
            let length = usize::from(length);
            let Some(value) = bytes.get(4..length.saturating_add(4)) else { return };
            each(code, value);
            bytes = bytes.get(length.next_multiple_of(4).saturating_add(4)..).unwrap_or_default();
        }
    }

    #[inline]
    fn packet(&mut self, interface: usize, lost: u32, length: usize, body: &[u8]) -> Option<Found> {
        let order = self.big_endian;
        let (high, low) = (u32_at(body, 4, order)?, u32_at(body, 8, order)?);
        let (len, orig_len) = (u32_at(body, 12, order)?, u32_at(body, 16, order)?);
        let data_end = (len as usize).checked_add(20).filter(|end| *end <= body.len())?;
        let Interface { link, unit, offset_ns, .. } = self.interfaces.get(interface)?;
        let utc_ns = unit.nanos(u64::from(high) << 32 | u64::from(low)).saturating_add(*offset_ns);
        let link = match *link {
            Ok(link) => link,
            Err(unsupported) => return Some(Found::Foreign(unsupported, length)),
        };
        let (mut outgoing, mut lost) = (false, lost);
        if let Some(options) = body.get(data_end.next_multiple_of(4)..).filter(|o| !o.is_empty()) {
            self.options(options, |code, value| match code {
                2 => outgoing = u32_at(value, 0, order).is_some_and(|flags| flags & 3 == 2),
                4 => lost = u64_at(value, 0, order).and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
                _ => {}
            });
        }
        self.last_ns = utc_ns;
        Some(Found::Packet(Next {
            skip: 28,
            len: len as usize,
            take: length,
            utc_ns,
            orig_len: orig_len.max(len),
            link,
            outgoing,
            lost_before: lost,
        }))
    }

    /// A simple packet block has no time of its own: it gets that of the packet before.
    fn simple_packet(&self, length: usize, body: &[u8]) -> Option<Found> {
        let orig_len = u32_at(body, 0, self.big_endian)?;
        let Interface { link, snap, .. } = self.interfaces.first()?;
        let snap = if *snap == 0 { usize::MAX } else { *snap as usize };
        let len = (orig_len as usize).min(snap).min(body.len().checked_sub(4)?);
        let link = match *link {
            Ok(link) => link,
            Err(unsupported) => return Some(Found::Foreign(unsupported, length)),
        };
        Some(Found::Packet(Next {
            skip: 12,
            len,
            take: length,
            utc_ns: self.last_ns,
            orig_len,
            link,
            outgoing: false,
            lost_before: 0,
        }))
    }
}

/// Passes over a block that holds no packet; a short one is held against its second length first.
fn passed_over(input: &mut Input, length: usize, big_endian: bool) -> std::io::Result<Found> {
    if length > BLOCK_OCTETS_MAX {
        return Ok(if length > 1 << 30 {
            Found::Damage("a block of impossible length")
        } else {
            Found::Pass(length)
        });
    }
    let seen = input.want(length)?;
    let Some(block) = seen.get(..length) else { return Ok(Found::Torn) };
    let again = u32_at(block, length.saturating_sub(4), big_endian);
    Ok(if again == u32::try_from(length).ok() {
        Found::Pass(length)
    } else {
        Found::Damage("a block whose two lengths differ")
    })
}
