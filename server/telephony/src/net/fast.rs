//! The common packet first: Ethernet, at most one VLAN tag, IP without options or fragments, UDP, all of it captured.
//!
//! Nearly every packet of a voice network is one of these. Whatever is not exactly that says `None` here and takes the
//! long way through `walk`, which must give the same answer for those that are (a test holds the two against each other).

use super::{Addr, Datagram, Endpoint};

/// The ports on which tunnels travel: a datagram to or from one of them is looked into before it's taken for what it is.
#[inline]
pub(super) const fn may_be_tunnel(port: u16) -> bool {
    matches!(port, 1701 | 2152 | 4789 | 4790 | 6081 | 8472 | 9060 | 37008)
}

/// Reads the common Ethernet frame.
#[inline]
pub(super) fn ethernet_udp(frame: &[u8]) -> Option<Datagram<'_>> {
    let (head, rest) = frame.split_first_chunk::<14>()?;
    let [.., t0, t1] = *head;
    match u16::from_be_bytes([t0, t1]) {
        0x0800 => ipv4_udp(rest),
        0x86dd => ipv6_udp(rest),
        0x8100 => {
            let ([_, _, t0, t1], rest) = rest.split_first_chunk::<4>()?;
            match u16::from_be_bytes([*t0, *t1]) {
                0x0800 => ipv4_udp(rest),
                0x86dd => ipv6_udp(rest),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A UDP datagram between two IPv4 addresses in a few plain numbers, which stay in registers where a [`Datagram`] does not.
#[derive(Clone, Copy)]
pub(crate) struct Short<'a> {
    pub(crate) src: u32,
    pub(crate) dst: u32,
    pub(crate) sport: u16,
    pub(crate) dport: u16,
    pub(crate) payload: &'a [u8],
}

/// Reads the most common frame of all: Ethernet and IPv4. Whatever has an answer here has the same from `ethernet_udp`.
#[inline(always)]
pub(crate) fn ethernet_ipv4_udp(frame: &[u8]) -> Option<Short<'_>> {
    let (head, rest) = frame.split_first_chunk::<14>()?;
    let [.., t0, t1] = *head;
    match u16::from_be_bytes([t0, t1]) {
        0x0800 => ipv4_udp_short(rest),
        0x8100 => {
            let ([_, _, t0, t1], rest) = rest.split_first_chunk::<4>()?;
            if u16::from_be_bytes([*t0, *t1]) == 0x0800 { ipv4_udp_short(rest) } else { None }
        }
        _ => None,
    }
}

#[inline]
fn ipv4_udp(ip: &[u8]) -> Option<Datagram<'_>> {
    let short = ipv4_udp_short(ip)?;
    let end = |addr: u32, port| Endpoint { addr: Addr::v4(addr.to_be_bytes()), port };
    Some(Datagram {
        src: end(short.src, short.sport),
        dst: end(short.dst, short.dport),
        payload: short.payload,
        truncated: false,
    })
}

#[inline(always)]
fn ipv4_udp_short(ip: &[u8]) -> Option<Short<'_>> {
    let (head, rest) = ip.split_first_chunk::<20>()?;
    let [0x45, _, t0, t1, _, _, f0, f1, _, 17, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = *head else {
        return None;
    };
    let fragmented = (f0 & 0x3f) | f1 != 0; // all but "don't fragment"
    let room = u16::from_be_bytes([t0, t1]).checked_sub(20)?;
    if fragmented {
        return None;
    }
    let (sport, dport, payload) = udp(rest, room)?;
    let (src, dst) = (u32::from_be_bytes([s0, s1, s2, s3]), u32::from_be_bytes([d0, d1, d2, d3]));
    Some(Short { src, dst, sport, dport, payload })
}

#[inline]
fn ipv6_udp(ip: &[u8]) -> Option<Datagram<'_>> {
    let (head, rest) = ip.split_first_chunk::<8>()?;
    let [v, _, _, _, l0, l1, 17, _] = *head else { return None };
    if v >> 4 != 6 {
        return None;
    }
    let (src, rest) = rest.split_first_chunk::<16>()?;
    let (dst, rest) = rest.split_first_chunk::<16>()?;
    let (sport, dport, payload) = udp(rest, u16::from_be_bytes([l0, l1]))?;
    Some(Datagram {
        src: Endpoint { addr: Addr::v6(*src), port: sport },
        dst: Endpoint { addr: Addr::v6(*dst), port: dport },
        payload,
        truncated: false,
    })
}

/// The ports and the payload of a datagram that fits into `room` octets.
#[inline(always)]
fn udp(bytes: &[u8], room: u16) -> Option<(u16, u16, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<8>()?;
    let [s0, s1, d0, d1, l0, l1, _, _] = *head;
    let (sport, dport, len) =
        (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]), u16::from_be_bytes([l0, l1]));
    if len > room || may_be_tunnel(dport) || may_be_tunnel(sport) {
        return None;
    }
    Some((sport, dport, rest.get(..usize::from(len.checked_sub(8)?))?))
}
