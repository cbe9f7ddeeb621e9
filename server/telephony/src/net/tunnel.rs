//! Tunnels that mirror ports, carriers and clouds put around a voice packet: GRE and ERSPAN, and those inside UDP.
//!
//! A UDP port proves nothing: each header is checked as far as its specification fixes it, and what fails stays an
//! ordinary datagram. No SIP or RTP packet passes these checks.

use super::walk::{Layer, Step};
use super::wire::{be16, be32, skip};
use super::{Addr, Datagram, Endpoint, Other};

/// What a tunnel inside UDP carries.
pub(super) enum Inner<'a> {
    Layer(Layer, &'a [u8]),
    /// HEP brings the payload without its headers.
    Datagram(Datagram<'a>),
}

/// GRE (RFC 2784, 2890; version 1 of RFC 2637) with what it carries, ERSPAN among it.
pub(super) fn gre(bytes: &[u8]) -> Option<Step<'_>> {
    let (flags, protocol) = (be16(bytes, 0)?, be16(bytes, 2)?);
    let has = |bit: u16| usize::from(flags & bit != 0).wrapping_mul(4);
    let (checksum, routing) = (flags & 0x8000 != 0, flags & 0x4000 != 0);
    let acknowledged = if flags & 0x0007 == 1 { has(0x0080) } else { 0 };
    let octets = 4usize
        .checked_add(if checksum || routing { 4 } else { 0 })?
        .checked_add(has(0x2000))?
        .checked_add(has(0x1000))?
        .checked_add(acknowledged)?;
    let mut rest = skip(bytes, octets)?;
    if routing {
        rest = after_source_routes(rest)?;
    }
    Some(match protocol {
        0x0800 | 0x86dd => Step::Tunnel(Layer::Ip, rest),
        0x880b => Step::Tunnel(Layer::Ppp, rest),
        0x8847 | 0x8848 => Step::Tunnel(Layer::Mpls, rest),
        // ERSPAN: type I has no header and no sequence number, type II has both.
        0x88be if flags & 0x1000 == 0 => Step::Tunnel(Layer::Ethernet, rest),
        0x88be => Step::Tunnel(Layer::Ethernet, skip(rest, 8)?),
        0x22eb => return erspan3(rest),
        0x6558 | 0x8100 | 0x88a8 => Step::Tunnel(Layer::EtherType(protocol), rest),
        other => return Step::other(Other::NotIp(other)),
    })
}

/// Source route entries of RFC 1701: family, offset, length; an entry of zeros ends them.
fn after_source_routes(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let (family, length) = (be16(rest, 0)?, usize::from(*rest.get(3)?));
        rest = skip(rest, length.checked_add(4)?)?;
        if family == 0 && length == 0 {
            return Some(rest);
        }
    }
}

/// ERSPAN type III (draft-foschiano-erspan): 12 octets, 8 more when the O bit is set; frame type 0 is Ethernet, 2 is IP.
fn erspan3(bytes: &[u8]) -> Option<Step<'_>> {
    let last = be16(bytes, 10)?;
    let rest = skip(bytes, if last & 1 == 1 { 20 } else { 12 })?;
    Some(match last >> 10 & 0x1f {
        0 => Step::Tunnel(Layer::Ethernet, rest),
        2 => Step::Tunnel(Layer::Ip, rest),
        _ => return Step::other(Other::NotIp(0x22eb)),
    })
}

/// Looks into a datagram on a tunnel's port; `None` when it's none.
pub(super) fn in_udp(sport: u16, dport: u16, payload: &[u8]) -> Option<Inner<'_>> {
    match (sport, dport) {
        (_, 4789 | 8472) => vxlan(payload),
        (_, 4790) => vxlan_gpe(payload),
        (_, 6081) => geneve(payload),
        (2152, _) | (_, 2152) => gtp_u(payload),
        (_, 37008) => tzsp(payload),
        (_, 9060) => hep3(payload).map(Inner::Datagram),
        (1701, _) | (_, 1701) => l2tp(payload),
        _ => None,
    }
}

/// RFC 7348; the G bit of the group policy extension may be set too.
fn vxlan(payload: &[u8]) -> Option<Inner<'_>> {
    let ([0x08 | 0x88, _, _, _, _, _, _, 0], rest) = payload.split_first_chunk::<8>()? else { return None };
    Some(Inner::Layer(Layer::Ethernet, rest))
}

/// The generic protocol extension of VXLAN: the last octet of the first word says what follows.
fn vxlan_gpe(payload: &[u8]) -> Option<Inner<'_>> {
    let ([flags, 0, 0, protocol, _, _, _, 0], rest) = payload.split_first_chunk::<8>()? else { return None };
    match (flags, protocol) {
        (0x08, 0) | (0x0c, 3) => Some(Inner::Layer(Layer::Ethernet, rest)),
        (0x0c, 1 | 2) => Some(Inner::Layer(Layer::Ip, rest)),
        (0x0c, 5) => Some(Inner::Layer(Layer::Mpls, rest)),
        _ => None,
    }
}

/// RFC 8926: version 0, options counted in words.
fn geneve(payload: &[u8]) -> Option<Inner<'_>> {
    let ([first, flags, p0, p1, _, _, _, 0], rest) = payload.split_first_chunk::<8>()? else { return None };
    if first >> 6 != 0 || flags & 0x3f != 0 {
        return None;
    }
    let inner = skip(rest, usize::from(first & 0x3f).checked_mul(4)?)?;
    match u16::from_be_bytes([*p0, *p1]) {
        0x6558 => Some(Inner::Layer(Layer::Ethernet, inner)),
        0x0800 | 0x86dd => Some(Inner::Layer(Layer::Ip, inner)),
        _ => None,
    }
}

/// A G-PDU of GTP-U (3GPP TS 29.281, 5.1), with its chain of extension headers.
fn gtp_u(payload: &[u8]) -> Option<Inner<'_>> {
    let ([flags, 255, ..], rest) = payload.split_first_chunk::<8>()? else { return None };
    if flags >> 4 != 0x3 {
        return None;
    }
    let mut inner = rest;
    if flags & 0x07 != 0 {
        let (optional, after) = rest.split_first_chunk::<4>()?;
        let [.., mut next] = *optional;
        if flags & 0x04 == 0 {
            next = 0;
        }
        inner = after;
        while next != 0 {
            let octets = usize::from(*inner.first()?).checked_mul(4).filter(|octets| *octets > 0)?;
            next = *inner.get(octets.checked_sub(1)?)?;
            inner = skip(inner, octets)?;
        }
    }
    matches!(inner.first()? >> 4, 4 | 6).then_some(Inner::Layer(Layer::Ip, inner))
}

/// A data message of `L2TPv2` (RFC 2661, 3.1), which carries PPP.
fn l2tp(payload: &[u8]) -> Option<Inner<'_>> {
    let flags = be16(payload, 0)?;
    if flags & 0x800f != 0x0002 || flags & 0x34f0 != 0 {
        return None; // control message, other version, or reserved bits set
    }
    let mut octets = 2usize;
    if flags & 0x4000 != 0 {
        octets = octets.checked_add(2)?;
    }
    octets = octets.checked_add(4)?; // tunnel and session
    if flags & 0x0800 != 0 {
        octets = octets.checked_add(4)?; // sequence numbers
    }
    if flags & 0x0200 != 0 {
        octets = octets.checked_add(2)?.checked_add(usize::from(be16(payload, octets)?))?;
    }
    Some(Inner::Layer(Layer::Ppp, skip(payload, octets)?))
}

/// `TaZmen` Sniffer Protocol, as mirroring routers and access points send it: Ethernet after a list of tags.
fn tzsp(payload: &[u8]) -> Option<Inner<'_>> {
    let ([1, 0, 0, 1], mut rest) = payload.split_first_chunk::<4>()? else { return None };
    loop {
        let (tag, after) = rest.split_first()?;
        match tag {
            0 => rest = after,
            1 => return Some(Inner::Layer(Layer::Ethernet, after)),
            _ => {
                let (length, after) = after.split_first()?;
                rest = skip(after, usize::from(*length))?;
            }
        }
    }
}

/// HEP version 3: addresses, ports and the payload as chunks of (vendor, type, length). Compressed payloads are left alone.
fn hep3(payload: &[u8]) -> Option<Datagram<'_>> {
    let body = payload.strip_prefix(b"HEP3")?;
    let total = usize::from(be16(body, 0)?);
    let mut rest = payload.get(6..total.min(payload.len()))?;
    let (mut src, mut dst) = (Endpoint::default(), Endpoint::default());
    let mut inner = None;
    while rest.len() > 6 {
        let (vendor, kind, length) = (be16(rest, 0)?, be16(rest, 2)?, usize::from(be16(rest, 4)?));
        let cut = rest.len() < length;
        let value = rest.get(6..length.min(rest.len()))?;
        if vendor == 0 {
            match kind {
                3 => src.addr = Addr::v4(be32(value, 0)?.to_be_bytes()),
                4 => dst.addr = Addr::v4(be32(value, 0)?.to_be_bytes()),
                5 => src.addr = Addr::v6(*value.first_chunk()?),
                6 => dst.addr = Addr::v6(*value.first_chunk()?),
                7 => src.port = be16(value, 0)?,
                8 => dst.port = be16(value, 0)?,
                15 => inner = Some((value, cut)),
                _ => {}
            }
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    let (payload, truncated) = inner?;
    Some(Datagram { src, dst, payload, truncated })
}
