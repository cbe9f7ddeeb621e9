//! The long way through a frame: one layer after another, until a datagram, a segment, a fragment or an end.
//!
//! Pure: nothing is kept. Each layer eats at least one octet or one of `depth`, so every walk ends.

use super::fragments::Fragment;
use super::tunnel::{self, Inner};
use super::wire::{at_most, be16, skip};
use super::{Addr, Datagram, Endpoint, LinkType, Other, Peeled, TcpFlags, TcpSegment, fast};

/// Headers in a row (tags, labels, extension headers, tunnels) before a frame counts as nonsense.
const HEADERS_MAX: u8 = 32;

/// What the bytes at hand begin with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Layer {
    Ethernet,
    EtherType(u16),
    Null,
    Sll,
    Sll2,
    CiscoHdlc,
    Ppp,
    Pppoe,
    Mpls,
    /// IPv4 or IPv6, by the version in the first octet.
    Ip,
    Payload(Payload),
}

/// What an IP packet carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Payload {
    pub(super) protocol: u8,
    pub(super) src: Addr,
    pub(super) dst: Addr,
    /// The IP header promised more octets than are there.
    pub(super) cut: bool,
}

impl Layer {
    pub(super) const fn of(link: LinkType) -> Self {
        match link {
            LinkType::Ethernet => Self::Ethernet,
            LinkType::Null => Self::Null,
            LinkType::Raw | LinkType::Ipv4 | LinkType::Ipv6 => Self::Ip,
            LinkType::LinuxSll => Self::Sll,
            LinkType::LinuxSll2 => Self::Sll2,
            LinkType::Ppp => Self::Ppp,
            LinkType::PppEther => Self::Pppoe,
            LinkType::CiscoHdlc => Self::CiscoHdlc,
            LinkType::Mpls => Self::Mpls,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Ethernet => "Ethernet",
            Self::EtherType(_) => "VLAN",
            Self::Null => "loopback",
            Self::Sll | Self::Sll2 => "Linux cooked",
            Self::CiscoHdlc => "Cisco HDLC",
            Self::Ppp => "PPP",
            Self::Pppoe => "PPPoE",
            Self::Mpls => "MPLS",
            Self::Ip => "IP",
            Self::Payload(Payload { protocol: 6, .. }) => "TCP",
            Self::Payload(Payload { protocol: 17, .. }) => "UDP",
            Self::Payload(Payload { protocol: 47, .. }) => "GRE",
            Self::Payload(_) => "IP extension",
        }
    }
}

/// Where a walk ended.
pub(super) enum Walked<'a> {
    Done(Peeled<'a>),
    /// At a fragment, with so many tunnels still allowed.
    Fragment(Fragment<'a>, u8),
}

/// What one layer led to.
pub(super) enum Step<'a> {
    /// To the next header.
    Next(Layer, &'a [u8]),
    /// Into a tunnel.
    Tunnel(Layer, &'a [u8]),
    Done(Peeled<'a>),
    Fragment(Fragment<'a>),
}

impl Step<'_> {
    pub(super) const fn other(why: Other) -> Option<Self> {
        Some(Self::Done(Peeled::Other(why)))
    }
}

/// Walks from `layer` at the beginning of `bytes` through at most `depth` tunnels.
pub(super) fn walk<'a>(mut layer: Layer, mut bytes: &'a [u8], mut depth: u8) -> Walked<'a> {
    for _ in 0..HEADERS_MAX {
        match step(layer, bytes) {
            Some(Step::Next(next, rest)) => (layer, bytes) = (next, rest),
            Some(Step::Tunnel(next, rest)) => {
                let Some(left) = depth.checked_sub(1) else {
                    return Walked::Done(Peeled::Other(Other::TooDeep));
                };
                (layer, bytes, depth) = (next, rest, left);
            }
            Some(Step::Done(peeled)) => return Walked::Done(peeled),
            Some(Step::Fragment(fragment)) => return Walked::Fragment(fragment, depth),
            None => return Walked::Done(Peeled::Other(Other::Malformed(layer.name()))),
        }
    }
    Walked::Done(Peeled::Other(Other::TooDeep))
}

/// Reads one layer; `None` when it stops short or contradicts itself.
fn step(layer: Layer, bytes: &[u8]) -> Option<Step<'_>> {
    match layer {
        Layer::Ethernet => ethernet(bytes),
        Layer::EtherType(ethertype) => by_ethertype(ethertype, bytes),
        Layer::Null => Some(Step::Next(Layer::Ip, skip(bytes, 4)?)),
        Layer::Sll => Some(Step::Next(Layer::EtherType(be16(bytes, 14)?), skip(bytes, 16)?)),
        Layer::Sll2 => Some(Step::Next(Layer::EtherType(be16(bytes, 0)?), skip(bytes, 20)?)),
        Layer::CiscoHdlc => Some(Step::Next(Layer::EtherType(be16(bytes, 2)?), skip(bytes, 4)?)),
        Layer::Ppp => ppp(bytes),
        Layer::Pppoe => pppoe(bytes),
        Layer::Mpls => mpls(bytes),
        Layer::Ip => match bytes.first()? >> 4 {
            4 => ipv4(bytes),
            6 => ipv6(bytes),
            _ => None,
        },
        Layer::Payload(payload) => by_protocol(payload, bytes),
    }
}

fn ethernet(bytes: &[u8]) -> Option<Step<'_>> {
    Some(Step::Next(Layer::EtherType(be16(bytes, 12)?), skip(bytes, 14)?))
}

fn by_ethertype(ethertype: u16, bytes: &[u8]) -> Option<Step<'_>> {
    Some(match ethertype {
        0x0800 | 0x86dd => Step::Next(Layer::Ip, bytes),
        0x8100 | 0x88a8 | 0x9100 | 0x9200 => Step::Next(Layer::EtherType(be16(bytes, 2)?), skip(bytes, 4)?),
        0x8847 | 0x8848 => Step::Next(Layer::Mpls, bytes),
        0x8864 => Step::Next(Layer::Pppoe, bytes),
        0x8926 => Step::Next(Layer::EtherType(be16(bytes, 4)?), skip(bytes, 6)?), // VN-Tag
        0x88e7 => Step::Next(Layer::Ethernet, skip(bytes, 4)?),                   // provider backbone, I-TAG
        0x6558 => Step::Tunnel(Layer::Ethernet, bytes),
        // IEEE 802.3 with a length: LLC, then SNAP with an ethertype if it is IP at all.
        0..0x0600 => match bytes.first_chunk::<6>() {
            Some([0xaa, 0xaa, 0x03, 0, 0, 0]) => {
                Step::Next(Layer::EtherType(be16(bytes, 6)?), skip(bytes, 8)?)
            }
            _ => return Step::other(Other::NotIp(0)),
        },
        other => return Step::other(Other::NotIp(other)),
    })
}

/// PPP in its framings (RFC 1661, 1662): address and control may be left out, and so may the protocol's zero octet.
fn ppp(bytes: &[u8]) -> Option<Step<'_>> {
    let bytes = bytes.strip_prefix(&[0xff, 0x03]).unwrap_or(bytes);
    let first = *bytes.first()?;
    let (protocol, rest) =
        if first & 1 == 1 { (u16::from(first), skip(bytes, 1)?) } else { (be16(bytes, 0)?, skip(bytes, 2)?) };
    Some(match protocol {
        0x0021 | 0x0057 => Step::Next(Layer::Ip, rest),
        0x0281 | 0x0283 => Step::Next(Layer::Mpls, rest),
        _ => return Step::other(Other::NotIp(0)),
    })
}

/// A `PPPoE` session packet (RFC 2516); its length trims Ethernet's padding.
fn pppoe(bytes: &[u8]) -> Option<Step<'_>> {
    let ([0x11, 0, _, _, l0, l1], rest) = bytes.split_first_chunk::<6>()? else { return None };
    Some(Step::Next(Layer::Ppp, at_most(rest, usize::from(u16::from_be_bytes([*l0, *l1])))))
}

/// An MPLS label stack (RFC 3032). Nothing on the wire says what is under the last label, so it's guessed.
fn mpls(bytes: &[u8]) -> Option<Step<'_>> {
    let ([_, _, low, _], rest) = bytes.split_first_chunk::<4>()?;
    if low & 1 == 0 {
        return Some(Step::Next(Layer::Mpls, rest));
    }
    Some(match rest.first()? >> 4 {
        4 | 6 if ip_is_plausible(rest) => Step::Next(Layer::Ip, rest),
        // A pseudowire's control word (RFC 4385), then Ethernet.
        0 if be16(rest, 16).is_some_and(is_known_ethertype) => Step::Tunnel(Layer::Ethernet, skip(rest, 4)?),
        _ => Step::Tunnel(Layer::Ethernet, rest),
    })
}

fn ip_is_plausible(bytes: &[u8]) -> bool {
    let fits = |len: Option<u16>, head: usize| {
        len.is_some_and(|len| usize::from(len).saturating_add(head) <= bytes.len().saturating_add(64))
    };
    match bytes.first() {
        Some(0x45..=0x4f) => fits(be16(bytes, 2), 0),
        Some(0x60..=0x6f) => fits(be16(bytes, 4), 40),
        _ => false,
    }
}

const fn is_known_ethertype(ethertype: u16) -> bool {
    matches!(ethertype, 0x0800 | 0x86dd | 0x8100 | 0x88a8 | 0x9100 | 0x8847 | 0x8864 | 0x0806)
}

fn ipv4(bytes: &[u8]) -> Option<Step<'_>> {
    let head = bytes.first_chunk::<20>()?;
    let [vhl, _, t0, t1, i0, i1, f0, f1, _, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = *head;
    let head_len = usize::from(vhl & 0x0f).checked_mul(4).filter(|len| *len >= 20)?;
    let total = match usize::from(u16::from_be_bytes([t0, t1])) {
        0 => bytes.len(), // segmentation left to the network card
        said => said,
    };
    let said = total.checked_sub(head_len)?;
    let body = at_most(skip(bytes, head_len)?, said);
    let payload = Payload {
        protocol,
        src: Addr::v4([s0, s1, s2, s3]),
        dst: Addr::v4([d0, d1, d2, d3]),
        cut: body.len() < said,
    };
    let flags = u16::from_be_bytes([f0, f1]);
    let (more, offset) = (flags & 0x2000 != 0, u32::from(flags & 0x1fff).checked_mul(8)?);
    if !more && offset == 0 {
        return Some(Step::Next(Layer::Payload(payload), body));
    }
    let id = u32::from(u16::from_be_bytes([i0, i1]));
    Some(fragment(payload, id, offset, more, said, body))
}

fn ipv6(bytes: &[u8]) -> Option<Step<'_>> {
    let (head, rest) = bytes.split_first_chunk::<8>()?;
    let [_, _, _, _, l0, l1, protocol, _] = *head;
    let (src, rest) = rest.split_first_chunk::<16>()?;
    let (dst, rest) = rest.split_first_chunk::<16>()?;
    let said = match usize::from(u16::from_be_bytes([l0, l1])) {
        0 => rest.len(), // jumbogram or segmentation offload
        said => said,
    };
    let body = at_most(rest, said);
    let (src, dst) = (Addr::v6(*src), Addr::v6(*dst));
    Some(Step::Next(Layer::Payload(Payload { protocol, src, dst, cut: body.len() < said }), body))
}

fn fragment<'a>(payload: Payload, id: u32, offset: u32, more: bool, said: usize, body: &'a [u8]) -> Step<'a> {
    let whole = Payload { cut: false, ..payload };
    Step::Fragment(Fragment {
        layer: Layer::Payload(whole),
        payload: whole,
        id,
        offset,
        more,
        said_octets: u32::try_from(said).unwrap_or(u32::MAX),
        body,
    })
}

fn by_protocol(payload: Payload, bytes: &[u8]) -> Option<Step<'_>> {
    let next = |protocol, rest| Some(Step::Next(Layer::Payload(Payload { protocol, ..payload }), rest));
    match payload.protocol {
        17 => udp(payload, bytes),
        6 => tcp(payload, bytes),
        4 | 41 => Some(Step::Tunnel(Layer::Ip, bytes)),
        47 => tunnel::gre(bytes),
        97 => Some(Step::Tunnel(Layer::Ethernet, skip(bytes, 2)?)), // EtherIP, RFC 3378
        137 => Some(Step::Next(Layer::Mpls, bytes)),
        // IPv6 extension headers (RFC 8200, 4.1; 135, 139, 140 alike) and the authentication header, which hides nothing.
        0 | 43 | 60 | 135 | 139 | 140 => {
            let octets = usize::from(*bytes.get(1)?).checked_add(1)?.checked_mul(8)?;
            next(*bytes.first()?, skip(bytes, octets)?)
        }
        51 => {
            let octets = usize::from(*bytes.get(1)?).checked_add(2)?.checked_mul(4)?;
            next(*bytes.first()?, skip(bytes, octets)?)
        }
        44 => ipv6_fragment(payload, bytes),
        other => Step::other(Other::Protocol(other)),
    }
}

fn ipv6_fragment(payload: Payload, bytes: &[u8]) -> Option<Step<'_>> {
    let ([protocol, _, f0, f1, i0, i1, i2, i3], body) = bytes.split_first_chunk::<8>()?;
    let flags = u16::from_be_bytes([*f0, *f1]);
    let (more, offset) = (flags & 1 != 0, u32::from(flags & 0xfff8));
    let payload = Payload { protocol: *protocol, ..payload };
    if !more && offset == 0 {
        return Some(Step::Next(Layer::Payload(payload), body)); // an atomic fragment, RFC 6946
    }
    let said = if payload.cut { body.len().saturating_add(1) } else { body.len() };
    Some(fragment(payload, u32::from_be_bytes([*i0, *i1, *i2, *i3]), offset, more, said, body))
}

fn udp(ip: Payload, bytes: &[u8]) -> Option<Step<'_>> {
    let ([s0, s1, d0, d1, l0, l1, _, _], rest) = bytes.split_first_chunk::<8>()?;
    let (sport, dport) = (u16::from_be_bytes([*s0, *s1]), u16::from_be_bytes([*d0, *d1]));
    let (payload, truncated) = match usize::from(u16::from_be_bytes([*l0, *l1])) {
        0 => (rest, ip.cut),
        said => {
            let said = said.checked_sub(8)?;
            (at_most(rest, said), rest.len() < said)
        }
    };
    let datagram = Datagram {
        src: Endpoint { addr: ip.src, port: sport },
        dst: Endpoint { addr: ip.dst, port: dport },
        payload,
        truncated,
    };
    if fast::may_be_tunnel(dport) || fast::may_be_tunnel(sport) {
        match tunnel::in_udp(sport, dport, payload) {
            Some(Inner::Layer(layer, inner)) => return Some(Step::Tunnel(layer, inner)),
            Some(Inner::Datagram(inner)) => return Some(Step::Done(Peeled::Udp(inner))),
            None => {}
        }
    }
    Some(Step::Done(Peeled::Udp(datagram)))
}

fn tcp(ip: Payload, bytes: &[u8]) -> Option<Step<'_>> {
    let head = bytes.first_chunk::<20>()?;
    let [s0, s1, d0, d1, q0, q1, q2, q3, _, _, _, _, offset, flags, ..] = *head;
    let head_len = usize::from(offset >> 4).checked_mul(4).filter(|len| *len >= 20)?;
    Some(Step::Done(Peeled::Tcp(TcpSegment {
        src: Endpoint { addr: ip.src, port: u16::from_be_bytes([s0, s1]) },
        dst: Endpoint { addr: ip.dst, port: u16::from_be_bytes([d0, d1]) },
        seq: u32::from_be_bytes([q0, q1, q2, q3]),
        flags: TcpFlags(flags),
        payload: skip(bytes, head_len)?,
        truncated: ip.cut,
    })))
}
