//! Real captures, where they are at hand: as many calls as were placed, no more and no less.
#![allow(clippy::disallowed_methods, reason = "tests read captures")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use shared::{Stamp, TapId, TimeQuality, UtcMicros};

use crate::net::{LinkType, Peeled, Peeler, StreamEvent, TcpStreams};
use crate::sip::{CallEventKind, Calls, Framer, looks_like_sip};

/// What a capture gave.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    sip: u64,
    calls: u64,
    ended: u64,
    agreed: usize,
}

fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?.join("../shared/captures");
    folder.is_dir().then_some(folder)
}

/// Walks the packets of a classic capture file.
fn packets(file: &[u8], mut each: impl FnMut(Stamp, LinkType, &[u8])) {
    let big = matches!(file[..4], [0xa1, ..]);
    let number = |at: &[u8]| {
        let four = at[..4].try_into().unwrap();
        if big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
    };
    let link = LinkType::from_dlt(number(&file[20..])).unwrap();
    let mut rest = &file[24..];
    while rest.len() >= 16 {
        let length = usize::try_from(number(&rest[8..])).unwrap();
        let us = u64::from(number(rest)) * 1_000_000 + u64::from(number(&rest[4..]));
        let stamp =
            Stamp { mono_ns: us * 1_000, utc: UtcMicros(us.cast_signed()), quality: TimeQuality::File };
        let Some(packet) = rest.get(16..16 + length) else { return };
        each(stamp, link, packet);
        rest = &rest[16 + length..];
    }
}

fn listen(file: &[u8]) -> Seen {
    let (mut peeler, mut streams, mut calls) = (Peeler::default(), TcpStreams::default(), Calls::default());
    let mut framers: BTreeMap<_, Framer> = BTreeMap::new();
    let mut seen = Seen::default();
    packets(file, |now, link, packet| match peeler.peel(now, link, packet) {
        Peeled::Udp(datagram) if looks_like_sip(datagram.payload) => {
            calls.handle_message(now, TapId(0), datagram.src, datagram.dst, datagram.payload);
        }
        Peeled::Tcp(segment) => streams.handle(now, &segment, &mut |id, event| {
            let framer = framers.entry(id).or_default();
            match event {
                StreamEvent::Data(bytes) => framer.push(bytes),
                StreamEvent::Hole | StreamEvent::End => framer.hole(),
            }
            while let Some(message) = framer.next_message() {
                calls.handle_message(now, TapId(0), id.src, id.dst, message);
            }
        }),
        Peeled::Udp(_) | Peeled::Other(_) => {}
    });
    let mut agreed = std::collections::BTreeSet::new();
    while let Some(event) = calls.poll_event() {
        if matches!(&event.kind, CallEventKind::Media(plan) if plan.agreed) {
            agreed.insert(event.call);
        }
    }
    let counters = calls.counters();
    (seen.sip, seen.calls, seen.ended, seen.agreed) =
        (counters.messages, counters.calls, counters.ended, agreed.len());
    seen
}

#[test]
fn real_captures_hold_as_many_calls_as_were_placed() {
    let Some(folder) = folder() else {
        println!("skipped: no captures at hand");
        return;
    };
    // Name, SIP messages, calls, calls ended, calls with both descriptions.
    let expected = [
        ("rtp-pcap__sip-rtp-gsm.pcap", 6, 1, 1, 1),
        ("rtp-pcap__sip-rtp-ilbc.pcap", 6, 1, 1, 1),
        ("rtp-pcap__sip-rtp-l16.pcap", 24, 4, 4, 4),
        ("rtp-pcap__sip-rtp-opus.pcap", 6, 1, 1, 1),
        ("rtp-pcap__nb6-telephone.pcap", 7, 1, 1, 1),
        ("PCAP_wireshark__SIP_CALL_RTP_G711", 14, 2, 0, 1),
        ("PCAP_wireshark__SIP_DTMF2.cap", 29, 2, 1, 1),
        ("sngrep__ipip.pcap", 4, 1, 1, 1),
        ("sngrep__ipv6frag.pcap", 32, 3, 2, 3),
        ("nDPI__FAX-Call-t38-CA-TDM-SIP-FB-1.pcap", 92, 2, 2, 2),
        ("suricata-verify__sip-options-method_input.pcap", 2, 0, 0, 0),
        ("suricata-verify__sip_compact_form.pcap", 1, 1, 0, 0),
        ("suricata-verify__sip_header_multi_val.pcap", 1, 1, 0, 0),
        ("suricata-verify__sip-tcp-pattern-matching_sip.pcap", 2, 0, 0, 0),
        ("suricata-verify__sip-sdp_sdp.pcap", 2, 1, 0, 1),
        ("suricata-verify__public-cloudshark-sip-s0.pcap", 10, 2, 0, 1),
        ("suricata-verify__sip-body-large.pcap", 2, 1, 0, 0),
        ("PcapPlusPlus__sip_non_default_port.pcap", 2, 2, 0, 0),
        ("PcapPlusPlus__sip_not_sdp.pcap", 1, 0, 0, 0),
        ("PcapPlusPlus__sip_reqs.pcap", 4, 1, 0, 0),
        ("PcapPlusPlus__sip_resp.pcap", 7, 1, 0, 0),
        ("pcaps__Forensic_challenge_4.pcap", 19, 1, 1, 1),
        ("nDPI__fuzz-2006-06-26-2594.pcap", 55, 4, 0, 0),
    ];
    let mut wrong = Vec::new();
    for (name, sip, calls, ended, agreed) in expected {
        let Ok(file) = std::fs::read(folder.join(name)) else {
            println!("skipped: {name}");
            continue;
        };
        let seen = listen(&file);
        if seen != (Seen { sip, calls, ended, agreed }) {
            wrong.push(format!("{name}: {seen:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
