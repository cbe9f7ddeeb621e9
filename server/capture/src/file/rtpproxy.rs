//! rtpproxy's own recordings: what one side of a session sent, each packet after a head of 30 octets.
//!
//! Head, as found in its recordings: 20 octets of address (family in the order of the writing host, port and address in
//! network order, IPv4 padded), 8 octets of time (little-endian double, seconds since 1970), 2 octets of length. The
//! receiver is not written; packets are handed on as raw IP to the documentation addresses 192.0.2.1 and `2001:db8::1`,
//! port 5004, where they can't be mistaken for somebody's.

use telephony::net::LinkType;

use super::input::Input;
use super::record::{Found, Next, u16_at, u64_at};

const HEAD_OCTETS: usize = 30;
/// A packet that rtpproxy received fits an Ethernet frame, or a jumbo one.
const PAYLOAD_OCTETS_MAX: usize = 9_000;
/// Enough to see two heads.
pub(super) const BEGINNING_OCTETS: usize = 2 * HEAD_OCTETS + PAYLOAD_OCTETS_MAX;
const RECEIVER_PORT: u16 = 5_004;
/// Times that are believed. Some builds of rtpproxy wrote seconds since the machine was started; such files are read, and
/// their calls are dated 1970.
const SECONDS: std::ops::Range<f64> = 1.0..4_102_444_800.0;

/// A recording of rtpproxy.
#[derive(Debug, Default)]
pub(super) struct Rtpproxy {
    /// The packet at hand, with an IP and a UDP header before it.
    pub(super) packet: Vec<u8>,
}

struct Head {
    address: Address,
    port: u16,
    utc_ns: i64,
    len: usize,
}

enum Address {
    V4([u8; 4]),
    V6([u8; 16]),
}

impl Rtpproxy {
    /// Tells whether two heads stand one after the other at the beginning (or one that ends the file).
    pub(super) fn open(beginning: &[u8]) -> Option<Self> {
        let first = head(beginning)?;
        let after = beginning.get(HEAD_OCTETS.checked_add(first.len)?..)?;
        (after.is_empty() || head(after).is_some()).then(Self::default)
    }

    pub(super) const fn link(&self) -> LinkType {
        LinkType::Raw
    }

    /// Looks at the packet at the head of the window and builds it.
    pub(super) fn find(&mut self, input: &mut Input) -> std::io::Result<Found> {
        let seen = input.want(HEAD_OCTETS.saturating_add(PAYLOAD_OCTETS_MAX))?;
        if seen.len() < HEAD_OCTETS {
            return Ok(if seen.is_empty() { Found::End } else { Found::Torn });
        }
        let Some(head) = head(seen) else {
            return Ok(Found::Damage("no address where a packet should begin"));
        };
        let take = HEAD_OCTETS.saturating_add(head.len);
        let Some(payload) = seen.get(HEAD_OCTETS..take) else { return Ok(Found::Torn) };
        build(&mut self.packet, &head, payload);
        Ok(Found::Packet(Next {
            skip: 0,
            len: self.packet.len(),
            take,
            utc_ns: head.utc_ns,
            orig_len: u32::try_from(self.packet.len()).unwrap_or(u32::MAX),
            link: LinkType::Raw,
            outgoing: false,
            lost_before: 0,
        }))
    }

    /// Looks for the next head that is followed by another; returns how far it is.
    pub(super) fn resync(input: &mut Input) -> std::io::Result<Option<usize>> {
        let seen = input.want(super::record::RESYNC_OCTETS)?;
        Ok((1..seen.len()).find(|at| seen.get(*at..).and_then(Self::open).is_some()))
    }
}

fn head(bytes: &[u8]) -> Option<Head> {
    let (family, port) = (bytes.first_chunk::<2>()?, u16_at(bytes, 2, true)?);
    let address = match family {
        // Linux writes 16 bits, the BSDs a length and 8 bits.
        [2, 0] | [0, 2] | [16, 2] => {
            if bytes.get(8..20)? != [0; 12] {
                return None;
            }
            Address::V4(*bytes.get(4..)?.first_chunk()?)
        }
        [10, 0] | [0, 10] | [28, 28 | 30 | 24] => Address::V6(*bytes.get(4..)?.first_chunk()?),
        _ => return None,
    };
    let seconds = f64::from_bits(u64_at(bytes, 20, false)?);
    let len = usize::from(u16_at(bytes, 28, false)?);
    if !SECONDS.contains(&seconds) || len > PAYLOAD_OCTETS_MAX {
        return None;
    }
    #[allow(clippy::cast_possible_truncation, reason = "within a century, so microseconds fit")]
    let utc_ns = ((seconds * 1e6).round() as i64).checked_mul(1_000)?;
    Some(Head { address, port, utc_ns, len })
}

fn build(out: &mut Vec<u8>, head: &Head, payload: &[u8]) {
    let udp_len = u16::try_from(payload.len().saturating_add(8)).unwrap_or(u16::MAX);
    out.clear();
    match head.address {
        Address::V4(src) => {
            out.extend_from_slice(&[0x45, 0]);
            out.extend_from_slice(&udp_len.saturating_add(20).to_be_bytes());
            out.extend_from_slice(&[0, 0, 0x40, 0, 64, 17, 0, 0]);
            out.extend_from_slice(&src);
            out.extend_from_slice(&[192, 0, 2, 1]);
        }
        Address::V6(src) => {
            out.extend_from_slice(&[0x60, 0, 0, 0]);
            out.extend_from_slice(&udp_len.to_be_bytes());
            out.extend_from_slice(&[17, 64]);
            out.extend_from_slice(&src);
            out.extend_from_slice(&[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        }
    }
    out.extend_from_slice(&head.port.to_be_bytes());
    out.extend_from_slice(&RECEIVER_PORT.to_be_bytes());
    out.extend_from_slice(&udp_len.to_be_bytes());
    out.extend_from_slice(&[0, 0]); // no checksum
    out.extend_from_slice(payload);
}
