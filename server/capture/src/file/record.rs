//! What the readers of the formats have in common: where the next packet lies, or why there is none.

use telephony::net::{LinkType, UnsupportedLink};

/// The longest packet that is believed: libpcap's own greatest snapshot length.
pub(super) const PACKET_OCTETS_MAX: usize = 262_144;

/// Octets that are searched for the next good record after a damage.
pub(super) const RESYNC_OCTETS: usize = 512 << 10;

/// The next packet: it lies `skip` octets ahead, is `len` long, and the record takes `take` octets in all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Next {
    pub(super) skip: usize,
    pub(super) len: usize,
    pub(super) take: usize,
    pub(super) utc_ns: i64,
    pub(super) orig_len: u32,
    pub(super) link: LinkType,
    pub(super) outgoing: bool,
    pub(super) lost_before: u32,
}

/// What stands at the head of the window.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found {
    /// A packet.
    Packet(Next),
    /// Something else that takes so many octets.
    Pass(usize),
    /// A packet of a link layer that isn't read, and how many octets it takes.
    Foreign(UnsupportedLink, usize),
    /// No record: the reason.
    Damage(&'static str),
    /// The record is longer than what is left of the file.
    Torn,
    /// The end, exactly after a record.
    End,
}

/// Reads 32 bits in the file's byte order.
#[inline]
pub(super) fn u32_at(bytes: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let octets = *bytes.get(at..)?.first_chunk()?;
    Some(if big_endian { u32::from_be_bytes(octets) } else { u32::from_le_bytes(octets) })
}

/// Reads 16 bits in the file's byte order.
#[inline]
pub(super) fn u16_at(bytes: &[u8], at: usize, big_endian: bool) -> Option<u16> {
    let octets = *bytes.get(at..)?.first_chunk()?;
    Some(if big_endian { u16::from_be_bytes(octets) } else { u16::from_le_bytes(octets) })
}

/// Reads 64 bits in the file's byte order.
pub(super) fn u64_at(bytes: &[u8], at: usize, big_endian: bool) -> Option<u64> {
    let octets = *bytes.get(at..)?.first_chunk()?;
    Some(if big_endian { u64::from_be_bytes(octets) } else { u64::from_le_bytes(octets) })
}
