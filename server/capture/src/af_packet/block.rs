//! One block of the ring as the kernel filled it (`linux/if_packet.h`, `tpacket_hdr_v1` and `tpacket3_hdr`).
//!
//! The kernel is trusted to keep its format, but read like anybody else's bytes: a wrong offset ends the block.

const PACKETS_AT: usize = 12;
const FIRST_AT: usize = 16;
const USED_AT: usize = 20;
/// The block's own head.
pub(super) const HEAD: usize = 48;
/// Where the link-layer address lies behind a packet's head, and the packet type in it.
const TYPE_AT: usize = 48 + 10;
const STATUS_VLAN: u32 = 1 << 4;

/// One packet of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Framed<'a> {
    pub(super) utc_ns: i64,
    pub(super) bytes: &'a [u8],
    pub(super) orig_len: u32,
    pub(super) vlan: Option<u16>,
    /// `PACKET_HOST`, `PACKET_OUTGOING` ...
    pub(super) kind: u8,
}

/// The packets of a block, in their order.
#[derive(Debug)]
pub(super) struct Packets<'a> {
    block: &'a [u8],
    at: usize,
    left: u32,
}

impl<'a> Packets<'a> {
    pub(super) fn of(block: &'a [u8]) -> Self {
        let left = word(block, PACKETS_AT).unwrap_or(0);
        Self { block, at: word(block, FIRST_AT).unwrap_or(0) as usize, left }
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Framed<'a>;

    #[inline]
    fn next(&mut self) -> Option<Framed<'a>> {
        self.left = self.left.checked_sub(1)?;
        let packet = self.block.get(self.at..)?;
        let captured = word(packet, 12)? as usize;
        let start = usize::from(half(packet, 24)?);
        let status = word(packet, 20)?;
        let tag = u16::try_from(word(packet, 32)? & 0xffff).ok();
        let seconds = i64::from(word(packet, 4)?);
        let framed = Framed {
            utc_ns: seconds.wrapping_mul(1_000_000_000).wrapping_add(i64::from(word(packet, 8)?)),
            bytes: packet.get(start..start.checked_add(captured)?)?,
            orig_len: word(packet, 16)?,
            vlan: tag.filter(|_| status & STATUS_VLAN != 0),
            kind: *packet.get(TYPE_AT)?,
        };
        self.at = self.at.saturating_add(word(packet, 0)? as usize);
        Some(framed)
    }
}

/// How much of a block the kernel has written, its head included.
pub(super) fn used(block: &[u8]) -> usize {
    word(block, USED_AT).map_or(block.len(), |used| used as usize)
}

#[allow(clippy::host_endian_bytes, reason = "the kernel's own structures, never written to disk")]
#[inline]
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|octets| u32::from_ne_bytes(*octets))
}

#[allow(clippy::host_endian_bytes, reason = "the kernel's own structures, never written to disk")]
#[inline]
fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|octets| u16::from_ne_bytes(*octets))
}
