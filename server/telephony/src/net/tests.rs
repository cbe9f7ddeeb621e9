//! From a frame to a datagram: links, tunnels, fragments and TCP, whole and hostile.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::missing_assert_message,
    clippy::cast_possible_wrap,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

use proptest::prelude::*;
use shared::{Stamp, UtcMicros};

use super::walk::{Layer, Walked, walk};
use super::*;

const PAYLOAD: &[u8] = b"OPTIONS sip:b SIP/2.0\r\n\r\n";

fn at(ms: u64) -> Stamp {
    Stamp { mono_ns: ms * 1_000_000, utc: UtcMicros(ms as i64 * 1_000), ..Stamp::default() }
}

fn cat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn udp(sport: u16, dport: u16, payload: &[u8]) -> Vec<u8> {
    let len = payload.len() as u16 + 8;
    cat(&[&sport.to_be_bytes(), &dport.to_be_bytes(), &len.to_be_bytes(), &[0xba, 0xd0], payload])
}

fn ipv4_part(protocol: u8, id: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let total = body.len() as u16 + 20;
    cat(&[
        &[0x45, 0],
        &total.to_be_bytes(),
        &id.to_be_bytes(),
        &flags.to_be_bytes(),
        &[64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2],
        body,
    ])
}

fn ipv4(protocol: u8, body: &[u8]) -> Vec<u8> {
    ipv4_part(protocol, 7, 0x4000, body)
}

fn ipv6(next: u8, body: &[u8]) -> Vec<u8> {
    let (mut src, mut dst) = ([0x20; 16], [0x20; 16]);
    (src[15], dst[15]) = (1, 2);
    cat(&[&[0x60, 0, 0, 0], &(body.len() as u16).to_be_bytes(), &[next, 64], &src, &dst, body])
}

fn ethernet(ethertype: u16, body: &[u8]) -> Vec<u8> {
    cat(&[&[2; 12], &ethertype.to_be_bytes(), body])
}

fn sip() -> Vec<u8> {
    ipv4(17, &udp(5060, 5062, PAYLOAD))
}

fn sip_frame() -> Vec<u8> {
    ethernet(0x0800, &sip())
}

/// What a datagram looks like in one line.
fn text(peeled: Peeled<'_>) -> String {
    match peeled {
        Peeled::Udp(Datagram { src, dst, payload, truncated }) => {
            format!("{src:?}>{dst:?} {}{}", payload.len(), if truncated { " cut" } else { "" })
        }
        other => format!("{other:?}"),
    }
}

fn peel(link: LinkType, frame: &[u8]) -> String {
    text(Peeler::default().peel(at(0), link, frame))
}

/// Holds that `frame` carries our datagram, with padding behind it and on a loopback link too.
fn carries_sip(frame: &[u8]) {
    let expected = "10.0.0.1:5060>10.0.0.2:5062 25";
    assert_eq!(peel(LinkType::Ethernet, frame), expected);
    assert_eq!(peel(LinkType::Ethernet, &cat(&[frame, &[0; 9]])), expected, "padded");
}

#[test]
fn plain_and_tagged_ethernet() {
    carries_sip(&sip_frame());
    for tags in [&[0x8100][..], &[0x88a8, 0x8100], &[0x9100, 0x8100], &[0x8100, 0x8100, 0x8100]] {
        let mut frame = ethernet(tags[0], &[]);
        for next in tags[1..].iter().chain(&[0x0800u16]) {
            frame.extend([0, 12]);
            frame.extend(next.to_be_bytes());
        }
        carries_sip(&cat(&[&frame, &sip()]));
    }
    carries_sip(&ethernet(40, &cat(&[&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &sip()])));
}

#[test]
fn every_link_layer() {
    let expected = "10.0.0.1:5060>10.0.0.2:5062 25";
    let sll = cat(&[&[0; 14], &[8, 0], &sip()]);
    let sll2 = cat(&[&[8, 0], &[0; 18], &sip()]);
    for (link, frame) in [
        (LinkType::Raw, sip()),
        (LinkType::Ipv4, sip()),
        (LinkType::Null, cat(&[&[2, 0, 0, 0], &sip()])),
        (LinkType::Null, cat(&[&[0, 0, 0, 2], &sip()])),
        (LinkType::LinuxSll, sll),
        (LinkType::LinuxSll2, sll2),
        (LinkType::Ppp, cat(&[&[0xff, 3, 0, 0x21], &sip()])),
        (LinkType::Ppp, cat(&[&[0x21], &sip()])),
        (LinkType::PppEther, cat(&[&[0x11, 0, 0, 1, 0, 55, 0, 0x21], &sip()])),
        (LinkType::CiscoHdlc, cat(&[&[0x0f, 0, 8, 0], &sip()])),
        (LinkType::Mpls, cat(&[&[0, 1, 0x01, 64], &sip()])),
    ] {
        assert_eq!(peel(link, &frame), expected, "{link:?}");
    }
}

#[test]
fn mpls_with_ip_or_a_pseudowire_under_it() {
    let labels = [0, 1, 0, 64, 0, 2, 1, 64];
    carries_sip(&ethernet(0x8847, &cat(&[&labels, &sip()])));
    carries_sip(&ethernet(0x8847, &cat(&[&labels, &[0, 0, 0, 9], &sip_frame()])));
    carries_sip(&ethernet(0x8848, &cat(&[&labels, &sip_frame()])));
}

#[test]
fn pppoe_inside_two_tags() {
    let pppoe = cat(&[&[0x11, 0, 0, 1], &(sip().len() as u16 + 2).to_be_bytes(), &[0, 0x21], &sip()]);
    carries_sip(&ethernet(0x88a8, &cat(&[&[0, 1, 0x81, 0, 0, 2, 0x88, 0x64], &pppoe])));
}

#[test]
fn gre_with_each_of_its_options() {
    let gre = |head: &[u8], inner: &[u8]| ethernet(0x0800, &ipv4(47, &cat(&[head, inner])));
    carries_sip(&gre(&[0, 0, 8, 0], &sip()));
    carries_sip(&gre(&[0x80, 0, 8, 0, 0, 0, 0, 0], &sip()));
    carries_sip(&gre(&[0x20, 0, 8, 0, 0, 0, 0, 5], &sip()));
    carries_sip(&gre(&[0xb0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1], &sip()));
    carries_sip(&gre(&[0x40, 0, 8, 0, 0, 0, 0, 0, 8, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0, 0], &sip()));
    carries_sip(&gre(&[0, 0, 0x65, 0x58], &sip_frame()));
    carries_sip(&gre(
        &[0x30, 0x81, 0x88, 0x0b, 0, 60, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xff, 3, 0, 0x21],
        &sip(),
    ));
    carries_sip(&gre(&[0, 0, 0x88, 0x47, 0, 1, 1, 64], &sip()));
}

#[test]
fn erspan_of_each_type() {
    let gre = |head: &[u8], inner: &[u8]| ethernet(0x0800, &ipv4(47, &cat(&[head, inner])));
    carries_sip(&gre(&[0, 0, 0x88, 0xbe], &sip_frame()));
    carries_sip(&gre(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 9, 0x10, 1, 0, 2, 0, 0, 0, 3], &sip_frame()));
    let three = [0x10, 0, 0x22, 0xeb, 0, 0, 0, 9, 0x20, 1, 0, 2, 0, 0, 0, 3, 0, 0];
    carries_sip(&gre(&cat(&[&three, &[0, 0]]), &sip_frame()));
    carries_sip(&gre(&cat(&[&three, &[0, 1], &[7; 8]]), &sip_frame()));
    carries_sip(&gre(&cat(&[&three, &[0x08, 0]]), &sip()));
}

#[test]
fn tunnels_inside_udp() {
    let tunnel = |port: u16, head: &[u8], inner: &[u8]| {
        ethernet(0x0800, &ipv4(17, &udp(40_000, port, &cat(&[head, inner]))))
    };
    carries_sip(&tunnel(4789, &[8, 0, 0, 0, 0, 0, 9, 0], &sip_frame()));
    carries_sip(&tunnel(8472, &[8, 0, 0, 0, 0, 0, 9, 0], &sip_frame()));
    carries_sip(&tunnel(4790, &[0x0c, 0, 0, 1, 0, 0, 9, 0], &sip()));
    carries_sip(&tunnel(6081, &[0, 0, 0x65, 0x58, 0, 0, 9, 0], &sip_frame()));
    carries_sip(&tunnel(6081, &[1, 0, 8, 0, 0, 0, 9, 0, 1, 2, 3, 0], &sip()));
    carries_sip(&tunnel(2152, &[0x30, 255, 0, 53, 0, 0, 0, 1], &sip()));
    carries_sip(&tunnel(2152, &[0x34, 255, 0, 61, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0x10, 1, 0], &sip()));
    carries_sip(&tunnel(1701, &[0, 2, 0, 1, 0, 2, 0xff, 3, 0, 0x21], &sip()));
    carries_sip(&tunnel(
        1701,
        &[0x4a, 2, 0, 70, 0, 1, 0, 2, 0, 0, 0, 0, 0, 2, 9, 9, 0xff, 3, 0, 0x21],
        &sip(),
    ));
    carries_sip(&tunnel(37008, &[1, 0, 0, 1, 10, 1, 9, 0, 1], &sip_frame()));
    let chunk =
        |kind: u8, value: &[u8]| cat(&[&[0, 0, 0, kind], &(value.len() as u16 + 6).to_be_bytes(), value]);
    let chunks = cat(&[
        &chunk(1, &[2]),
        &chunk(2, &[17]),
        &chunk(3, &[10, 0, 0, 1]),
        &chunk(4, &[10, 0, 0, 2]),
        &chunk(7, &5060u16.to_be_bytes()),
        &chunk(8, &5062u16.to_be_bytes()),
        &chunk(11, &[1]),
        &chunk(15, PAYLOAD),
    ]);
    let total = (chunks.len() as u16 + 6).to_be_bytes();
    carries_sip(&tunnel(9060, &cat(&[b"HEP3", &total]), &chunks));
}

#[test]
fn a_voice_packet_on_a_tunnels_port_stays_a_voice_packet() {
    let rtp = [&[0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4][..], &[0xd5; 160]].concat();
    for port in [1701, 2152, 4789, 4790, 6081, 8472, 9060, 37008] {
        for payload in [&rtp[..], PAYLOAD] {
            let frame = ethernet(0x0800, &ipv4(17, &udp(port, port, payload)));
            let expected = format!("10.0.0.1:{port}>10.0.0.2:{port} {}", payload.len());
            assert_eq!(peel(LinkType::Ethernet, &frame), expected);
        }
    }
}

#[test]
fn ip_in_ip_and_extension_headers() {
    carries_sip(&ethernet(0x0800, &ipv4(4, &sip())));
    carries_sip(&ethernet(0x86dd, &ipv6(4, &sip())));
    carries_sip(&ethernet(0x0800, &ipv4(97, &cat(&[&[0x30, 0], &sip_frame()]))));
    let chain = cat(&[
        &[60, 0, 1, 4, 0, 0, 0, 0],
        &[43, 0, 1, 4, 0, 0, 0, 0],
        &[51, 0, 0, 0, 0, 0, 0, 0],
        &[44, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &[17, 0, 0, 0, 0, 0, 0, 9],
        &udp(5060, 5062, PAYLOAD),
    ]);
    let expected =
        "[2020:2020:2020:2020:2020:2020:2020:2001]:5060>[2020:2020:2020:2020:2020:2020:2020:2002]:5062 25";
    assert_eq!(peel(LinkType::Ethernet, &ethernet(0x86dd, &ipv6(0, &chain))), expected);
    assert_eq!(peel(LinkType::Ethernet, &ethernet(0x86dd, &ipv6(17, &udp(5060, 5062, PAYLOAD)))), expected);
}

#[test]
fn tunnels_are_followed_to_the_depth_and_no_further() {
    let mut inner = sip();
    for depth in 1..=5 {
        inner = ipv4(4, &inner);
        let frame = ethernet(0x0800, &inner);
        if depth <= 4 {
            carries_sip(&frame);
        } else {
            assert_eq!(peel(LinkType::Ethernet, &frame), "Other(TooDeep)");
        }
    }
    let tags = ethernet(0x8100, &[0x81, 0, 0x81, 0].repeat(200));
    assert_eq!(peel(LinkType::Ethernet, &tags), "Other(TooDeep)");
}

#[test]
fn lengths_that_lie_are_held_to_the_bytes_that_are_there() {
    let good = sip_frame();
    let said = |at: usize, value: u16| {
        let mut frame = good.clone();
        frame[at..at + 2].copy_from_slice(&value.to_be_bytes());
        peel(LinkType::Ethernet, &frame)
    };
    let whole = "10.0.0.1:5060>10.0.0.2:5062 25";
    assert_eq!(said(16, 0), whole, "segmentation offload");
    assert_eq!(said(16, 9_000), whole, "IP longer than the frame");
    assert_eq!(said(16, 10), "Other(Malformed(\"IP\"))");
    assert_eq!(said(16, 24), "Other(Malformed(\"UDP\"))");
    assert_eq!(said(38, 0), whole, "UDP without length");
    assert_eq!(said(38, 7), "Other(Malformed(\"UDP\"))");
    assert_eq!(said(38, 20), "10.0.0.1:5060>10.0.0.2:5062 12");
    assert_eq!(said(38, 9_000), "10.0.0.1:5060>10.0.0.2:5062 25 cut");
    assert_eq!(peel(LinkType::Ethernet, &good[..50]), "10.0.0.1:5060>10.0.0.2:5062 8 cut");
    for octets in 14..42 {
        assert!(peel(LinkType::Ethernet, &good[..octets]).contains("Malformed"), "{octets} octets");
    }
}

#[test]
fn what_is_no_ip_is_named() {
    assert_eq!(peel(LinkType::Ethernet, &ethernet(0x0806, &[0; 28])), "Other(NotIp(2054))");
    assert_eq!(peel(LinkType::Ethernet, &ethernet(0x0800, &ipv4(1, &[8; 16]))), "Other(Protocol(1))");
    assert_eq!(peel(LinkType::Ethernet, &ethernet(0x0800, &ipv4(50, &[8; 16]))), "Other(Protocol(50))");
}

#[test]
fn a_segment_has_its_flags_and_payload() {
    let mut tcp =
        vec![0x13, 0xc4, 0x13, 0xc6, 0, 0, 1, 0, 0, 0, 2, 0, 0x60, 0x18, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1];
    tcp.extend(PAYLOAD);
    let frame = ethernet(0x0800, &ipv4(6, &tcp));
    let mut peeler = Peeler::default();
    let Peeled::Tcp(segment) = peeler.peel(at(0), LinkType::Ethernet, &frame) else { panic!("no segment") };
    assert_eq!((segment.seq, segment.flags, segment.payload), (256, TcpFlags(0x18), PAYLOAD));
    assert_eq!((segment.src.port, segment.dst.port, segment.truncated), (5060, 5062, false));
}

/// Cuts the body of our datagram into IPv4 fragments of `octets`.
fn ipv4_fragments(id: u16, octets: usize) -> Vec<Vec<u8>> {
    let body = udp(5060, 5062, &[7; 100]);
    let last = body.len().div_ceil(octets) - 1;
    let part = |(i, chunk): (usize, &[u8])| {
        let flags = (i * octets / 8) as u16 | if i == last { 0 } else { 0x2000 };
        ethernet(0x0800, &ipv4_part(17, id, flags, chunk))
    };
    body.chunks(octets).enumerate().map(part).collect()
}

fn whole_after(peeler: &mut Peeler, frames: &[&Vec<u8>]) -> Vec<usize> {
    let mut whole = Vec::new();
    for (i, frame) in frames.iter().enumerate() {
        match peeler.peel(at(i as u64), LinkType::Ethernet, frame) {
            Peeled::Udp(datagram) if datagram.payload == [7; 100] && !datagram.truncated => whole.push(i),
            Peeled::Other(Other::Fragment) => {}
            other => panic!("{other:?}"),
        }
    }
    whole
}

#[test]
fn fragments_come_together_in_any_order_and_doubled() {
    let f = ipv4_fragments(1, 40);
    assert_eq!(f.len(), 3);
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let frames: Vec<_> = order.iter().map(|i| &f[*i]).collect();
        assert_eq!(whole_after(&mut Peeler::default(), &frames), [2], "{order:?}");
    }
    assert_eq!(whole_after(&mut Peeler::default(), &[&f[0], &f[0], &f[1], &f[1], &f[2], &f[2]]), [4]);
    let g = ipv4_fragments(2, 40);
    assert_eq!(whole_after(&mut Peeler::default(), &[&f[0], &g[0], &f[1], &g[1], &g[2], &f[2]]), [4, 5]);
}

#[test]
fn ipv6_fragments_come_together_and_may_hide_a_tunnel() {
    let inner = ipv4(17, &udp(5060, 5062, &[7; 100]));
    let frames: Vec<_> = inner
        .chunks(64)
        .enumerate()
        .map(|(i, chunk)| {
            let flags = (i as u16 * 64) | u16::from(i == 0);
            ethernet(0x86dd, &ipv6(44, &cat(&[&[4, 0], &flags.to_be_bytes(), &[0, 0, 0, 9], chunk])))
        })
        .collect();
    assert_eq!(whole_after(&mut Peeler::default(), &frames.iter().collect::<Vec<_>>()), [frames.len() - 1]);
}

#[test]
fn an_overlapping_fragment_never_rewrites_what_came_first() {
    let f = ipv4_fragments(1, 40);
    let mut liar = f[1].clone();
    liar[21] = 0x04; // moved back by one unit: overlaps the first
    liar[34..].fill(0xee);
    let mut peeler = Peeler::default();
    assert_eq!(whole_after(&mut peeler, &[&f[0], &f[1], &liar, &f[2]]), [3]);
}

#[test]
fn a_fragment_whose_fellows_never_come_is_given_up_and_counted() {
    let f = ipv4_fragments(1, 40);
    let mut peeler = Peeler::default();
    for (ms, frame) in [(0, &f[0]), (1, &f[1]), (5_002, &f[2])] {
        assert_eq!(text(peeler.peel(at(ms), LinkType::Ethernet, frame)), "Other(Fragment)");
    }
    assert_eq!(peeler.stats().reassembly_failed, 1);
}

#[test]
fn a_flood_of_fragments_stays_within_the_limit_and_the_newest_survive() {
    let mut peeler = Peeler::new(Limits { fragment_bytes: 10_000, ..Limits::default() });
    for id in 0..10_000 {
        peeler.peel(at(0), LinkType::Ethernet, &ipv4_fragments(id, 40)[0]);
    }
    assert!(peeler.stats().reassembly_failed > 9_900);
    let f = ipv4_fragments(9_999, 40);
    assert_eq!(whole_after(&mut peeler, &[&f[1], &f[2]]), [1]);
}

proptest! {
    /// The fast path and the long way agree wherever the fast path has an answer.
    #[test]
    fn the_fast_path_gives_what_the_long_way_gives(
        flips in prop::collection::vec((0..90usize, any::<u8>()), 0..4),
        cut in 0..90usize,
        shape in 0..4usize,
    ) {
        let bodies = [sip(), ipv6(17, &udp(5060, 5062, PAYLOAD))];
        let mut frame = match shape {
            0 => sip_frame(),
            1 => ethernet(0x86dd, &bodies[1]),
            2 => ethernet(0x8100, &cat(&[&[0, 12, 8, 0], &bodies[0]])),
            _ => ethernet(0x8100, &cat(&[&[0, 12, 0x86, 0xdd], &bodies[1]])),
        };
        for (at, value) in flips {
            if let Some(octet) = frame.get_mut(at) {
                *octet = value;
            }
        }
        frame.truncate(frame.len().saturating_sub(cut / 4));
        if let Some(short) = ethernet_ipv4_udp(&frame) {
            let Some(datagram) = fast::ethernet_udp(&frame) else { panic!("only the short way has an answer") };
            let end = |addr: u32, port| Endpoint { addr: Addr::v4(addr.to_be_bytes()), port };
            prop_assert_eq!(datagram.src, end(short.src, short.sport));
            prop_assert_eq!(datagram.dst, end(short.dst, short.dport));
            prop_assert_eq!(datagram.payload, short.payload);
        }
        if let Some(datagram) = fast::ethernet_udp(&frame) {
            let Walked::Done(slow) = walk(Layer::Ethernet, &frame, 4) else { panic!("a fragment on the fast path") };
            prop_assert_eq!(slow, Peeled::Udp(datagram));
        }
    }

    /// Nothing that can be on a wire panics, and payloads lie inside what was given.
    #[test]
    fn no_frame_breaks_the_peeler(
        mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        head in 0..9usize,
        link in 0..11usize,
    ) {
        let heads = [
            vec![], sip_frame(), ethernet(0x8847, &[]), ethernet(0x8864, &[0x11, 0]), ethernet(0x0800, &ipv4(47, &[])),
            ethernet(0x0800, &ipv4(17, &udp(1, 4789, &[8]))), ethernet(0x0800, &ipv4(17, &udp(1, 2152, &[0x34, 255]))),
            ethernet(0x86dd, &ipv6(44, &[])), ethernet(0x0800, &ipv4(17, &udp(1, 9060, b"HEP3"))),
        ];
        let head = &heads[head];
        if bytes.len() > head.len() {
            bytes[..head.len()].copy_from_slice(head);
        }
        let links = [0, 1, 9, 51, 101, 104, 113, 219, 228, 229, 276];
        let link = LinkType::from_dlt(links[link]).unwrap();
        let mut peeler = Peeler::default();
        for ms in 0..2 {
            if let Peeled::Udp(datagram) = peeler.peel(at(ms), link, &bytes) {
                prop_assert!(datagram.payload.len() <= bytes.len());
            }
        }
    }
}

mod streams {
    use super::*;

    fn end(port: u16) -> Endpoint {
        Endpoint { addr: Addr::v4([10, 0, 0, 1]), port }
    }

    fn segment(seq: u32, flags: u8, payload: &[u8]) -> TcpSegment<'_> {
        TcpSegment {
            src: end(5060),
            dst: end(40_000),
            seq,
            flags: TcpFlags(flags),
            payload,
            truncated: false,
        }
    }

    /// Runs (milliseconds, sequence, flags, payload) and writes down what comes out: `[..]` for holes, `$` for ends.
    fn run(limits: TcpLimits, segments: &[(u64, u32, u8, &[u8])]) -> String {
        let (mut streams, mut text) = (TcpStreams::new(limits), String::new());
        let mut sink = |id: StreamId, event: StreamEvent<'_>| {
            text.push_str(&match event {
                StreamEvent::Data(data) => String::from_utf8_lossy(data).into_owned(),
                StreamEvent::Hole => "[..]".into(),
                StreamEvent::End => format!("${} ", id.serial),
            });
        };
        for (ms, seq, flags, payload) in segments {
            streams.handle(at(*ms), &segment(*seq, *flags, payload), &mut sink);
        }
        streams.finish(&mut sink);
        text
    }

    fn check(segments: &[(u64, u32, u8, &[u8])], expected: &str) {
        assert_eq!(run(TcpLimits::default(), segments), expected);
    }

    const SYN: u8 = 2;
    const ACK: u8 = 0x10;
    const FIN: u8 = 0x11;
    const RST: u8 = 4;

    #[test]
    fn segments_in_order_repeated_overlapping_and_early() {
        check(
            &[(0, 99, SYN, b""), (1, 100, ACK, b"abc"), (2, 103, ACK, b"def"), (3, 106, FIN, b"g")],
            "abcdefg$1 ",
        );
        check(
            &[(0, 99, SYN, b""), (1, 100, ACK, b"abc"), (2, 100, ACK, b"abc"), (3, 101, ACK, b"bcde")],
            "abcde$1 ",
        );
        check(
            &[(0, 99, SYN, b""), (1, 103, ACK, b"def"), (2, 106, ACK, b"g"), (3, 100, ACK, b"abc")],
            "abcdefg$1 ",
        );
        check(
            &[(0, 99, SYN, b""), (1, 104, ACK, b"ef"), (2, 102, ACK, b"XcdeXg"), (3, 100, ACK, b"ab")],
            "abXcefXg$1 ",
        );
    }

    #[test]
    fn sequence_numbers_run_over_the_end_of_their_range() {
        check(
            &[(0, u32::MAX - 2, SYN, b""), (1, 1, ACK, b"def"), (2, u32::MAX - 1, ACK, b"abc")],
            "abcdef$1 ",
        );
    }

    #[test]
    fn a_hole_is_told_after_its_time_and_at_the_end() {
        check(&[(0, 99, SYN, b""), (1, 103, ACK, b"def"), (1_500, 106, ACK, b"g")], "[..]defg$1 ");
        check(&[(0, 99, SYN, b""), (1, 103, ACK, b"def")], "[..]def$1 ");
        check(
            &[(0, 99, SYN, b""), (1, 100, ACK, b"a"), (2, 103, ACK, b"d"), (3, 105, ACK, b"f")],
            "a[..]d[..]f$1 ",
        );
    }

    #[test]
    fn a_full_window_does_not_wait() {
        let limits = TcpLimits { window_bytes: 8, ..TcpLimits::default() };
        let segments: &[(u64, u32, u8, &[u8])] =
            &[(0, 99, SYN, b""), (1, 102, ACK, b"cdef"), (2, 106, ACK, b"ghijk"), (3, 111, ACK, b"l")];
        assert_eq!(run(limits, segments), "[..]cdefghijkl$1 ");
        let jump: &[(u64, u32, u8, &[u8])] = &[(0, 99, SYN, b""), (1, 100, ACK, b"a"), (2, 9_000, ACK, b"z")];
        assert_eq!(run(limits, jump), "a[..]z$1 ");
    }

    #[test]
    fn a_stream_joined_late_begins_with_a_hole_and_bare_acknowledgements_begin_none() {
        check(&[(0, 500, ACK, b"abc")], "[..]abc$1 ");
        check(&[(0, 500, ACK, b""), (1, 500, RST, b""), (2, 500, FIN, b"")], "");
    }

    #[test]
    fn ports_used_again_are_another_stream() {
        check(
            &[
                (0, 99, SYN, b""),
                (1, 100, FIN, b"a"),
                (2, 100, FIN, b"a"),
                (9, 700, SYN, b""),
                (10, 701, ACK, b"b"),
            ],
            "a$1 b$2 ",
        );
        check(
            &[(0, 99, SYN, b""), (1, 100, ACK, b"a"), (2, 1 << 31, SYN, b""), (3, (1 << 31) + 1, ACK, b"b")],
            "a$1 b$2 ",
        );
        check(&[(0, 99, SYN, b""), (1, 100, ACK, b"a"), (1, 101, RST, b""), (2, 101, ACK, b"x")], "a$1 ");
        check(&[(0, 1 << 30, SYN, b""), (1, (1 << 30) + 1, ACK, b"a"), (2, 5, ACK, b"b")], "a$1 [..]b$2 ");
    }

    #[test]
    fn nothing_is_delivered_after_the_end() {
        check(
            &[(0, 99, SYN, b""), (1, 110, ACK, b"liar"), (2, 100, FIN, b"abc"), (2_000, 103, ACK, b"d")],
            "abc$1 ",
        );
        let (mut streams, mut text) = (TcpStreams::default(), String::new());
        let mut sink = |_: StreamId, event: StreamEvent<'_>| text.push_str(&format!("{event:?} "));
        for (seq, flags, payload) in [(99, SYN, &b""[..]), (101, FIN, b"b"), (110, ACK, b"liar")] {
            streams.handle(at(0), &segment(seq, flags, payload), &mut sink);
        }
        streams.handle_timeout(at(1_500), &mut sink);
        streams.handle_timeout(at(3_000), &mut sink);
        streams.finish(&mut sink);
        assert_eq!(text, "Hole Data([98]) End ");
    }

    #[test]
    fn idle_streams_are_forgotten_and_a_full_table_gives_up_the_oldest() {
        let mut streams = TcpStreams::new(TcpLimits { streams: 8, ..TcpLimits::default() });
        let mut ends = Vec::new();
        for port in 0..20u16 {
            let segment = TcpSegment { src: end(port), ..segment(1, ACK, b"x") };
            streams.handle(at(u64::from(port)), &segment, &mut |id, event| {
                if event == StreamEvent::End {
                    ends.push(id.src.port);
                }
            });
        }
        assert_eq!(ends, (0..12).collect::<Vec<_>>());
        streams.handle_timeout(at(400_000), &mut |id, event| {
            if event == StreamEvent::End {
                ends.push(id.src.port);
            }
        });
        assert_eq!(ends, (0..20).collect::<Vec<_>>());
    }

    proptest! {
        /// Whatever order segments come in and however they overlap, a stream without loss comes out as it was sent.
        #[test]
        fn any_order_of_all_segments_gives_the_stream(
            seq in any::<u32>(),
            mut cuts in prop::collection::vec((0..60usize, 1..20usize), 0..30),
            turn in 0..30usize,
        ) {
            let sent: Vec<u8> = (0..80u8).collect();
            cuts.extend((0..80).step_by(10).map(|at| (at, 10)));
            let places = cuts.len();
            cuts.rotate_left(turn % places);
            let mut streams = TcpStreams::default();
            let (mut got, mut holes) = (Vec::new(), 0);
            let mut sink = |_: StreamId, event: StreamEvent<'_>| match event {
                StreamEvent::Data(data) => got.extend_from_slice(data),
                StreamEvent::Hole => holes += 1,
                StreamEvent::End => {}
            };
            streams.handle(at(0), &segment(seq.wrapping_sub(1), SYN, b""), &mut sink);
            for (from, len) in cuts {
                let part = &sent[from..(from + len).min(80)];
                streams.handle(at(1), &segment(seq.wrapping_add(from as u32), ACK, part), &mut sink);
            }
            prop_assert_eq!((got, holes), (sent, 0));
        }
    }
}
