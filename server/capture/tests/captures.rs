//! Real captures of many makers: each is read to its end, and what is inside the tunnels is what tshark saw there.
//!
//! The captures aren't part of this repository; where they are absent this says so.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::missing_assert_message, reason = "tests")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use amethyst_capture::{CaptureError, CaptureFile, PacketSource as _, Poll, Warning};
use shared::TapId;
use telephony::net::{Other, Peeled, Peeler, StreamEvent, StreamId, TcpStreams};

fn captures() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no captures at {}", folder.display());
    None
}

#[derive(Default, Debug, PartialEq)]
struct Count {
    packets: usize,
    udp: usize,
    tcp: usize,
    other: usize,
    malformed: usize,
    fragments_left: usize,
    sip: usize,
    udp_octets: usize,
    tcp_octets: usize,
    streams: BTreeMap<StreamId, usize>,
    warnings: Vec<Warning>,
}

fn add(streams: &mut BTreeMap<StreamId, usize>, id: StreamId, event: StreamEvent<'_>) {
    if let StreamEvent::Data(data) = event {
        *streams.entry(id).or_default() += data.len();
    }
}

fn count(path: &Path) -> Result<Count, CaptureError> {
    let mut file = CaptureFile::open(path, TapId(1))?;
    let (mut peeler, mut streams, mut count) = (Peeler::default(), TcpStreams::default(), Count::default());
    loop {
        let poll = file.poll(Duration::ZERO, &mut |packet| {
            count.packets += 1;
            match peeler.peel(packet.stamp, packet.link, packet.bytes) {
                Peeled::Udp(datagram) => {
                    count.udp += 1;
                    count.udp_octets += datagram.payload.len();
                    let first = datagram.payload.split(|b| *b == b'\n').next().unwrap_or_default();
                    count.sip += usize::from(first.windows(7).any(|w| w == b"SIP/2.0"));
                }
                Peeled::Tcp(segment) => {
                    count.tcp += 1;
                    count.tcp_octets += segment.payload.len();
                    streams
                        .handle(packet.stamp, &segment, &mut |id, event| add(&mut count.streams, id, event));
                }
                Peeled::Other(Other::Malformed(_)) => count.malformed += 1,
                Peeled::Other(Other::Fragment) => count.fragments_left += 1,
                Peeled::Other(Other::NotIp(_) | Other::Protocol(_) | Other::TooDeep) => count.other += 1,
            }
        })?;
        if poll == Poll::End {
            streams.finish(&mut |id, event| add(&mut count.streams, id, event));
            count.warnings = file.warnings();
            return Ok(count);
        }
    }
}

/// One line of what tshark 4.0 saw: packets, UDP and TCP carriers, SIP over UDP, payload octets of UDP and TCP, and octets
/// of TCP streams without repetitions.
fn check(name: &str, expected: [usize; 7]) {
    let Some(folder) = captures() else { return };
    let path = folder.join(name);
    if !path.exists() {
        eprintln!("skipped: no {name}");
        return;
    }
    let c = count(&path).unwrap();
    let streams = c.streams.values().sum();
    assert_eq!(
        [c.packets, c.udp, c.tcp, c.sip, c.udp_octets, c.tcp_octets, streams],
        expected,
        "{name}: {c:?}"
    );
    assert_eq!(c.warnings, [], "{name}");
}

#[test]
fn tunnels_and_fragments_hold_what_tshark_saw_in_them() {
    check("sngrep__ipip.pcap", [4, 0, 4, 0, 0, 2_749, 2_749]);
    check("sngrep__ipv6frag.pcap", [34, 32, 0, 32, 28_569, 0, 0]);
    check("nDPI__gre.pcapng", [1, 1, 0, 1, 298, 0, 0]);
    // Four datagrams of 5,000 octets come together from 313 fragments each; two have TCP headers of impossible length.
    check("nDPI__ip_fragmented_garbage.pcap", [1_252, 0, 2, 0, 0, 9_948, 9_948]);
    check("zeek__pppoe-over-qinq.pcap", [86, 0, 86, 0, 0, 34_520, 16_336]);
    check("zeek__erspan.pcap", [287, 48, 106, 0, 2_452, 84_065, 84_065]);
    check("zeek__vxlan.pcap", [10, 0, 0, 0, 0, 0, 0]); // ARP and ICMP inside
    check("rtp-pcap__nb6-telephone.pcap", [527, 516, 0, 7, 92_048, 0, 0]); // 6 of tshark's 522 carry L2TP with LCP inside
    check("suricata-verify__sip-body-large.pcap", [16, 0, 16, 0, 0, 66_000, 66_000]);
    check("PcapPlusPlus__sip_reqs.pcap", [4, 4, 0, 4, 2_216, 0, 0]); // two of them over PPPoE
    check("PCAP_wireshark__rtp_example.raw.gz", [499, 466, 33, 0, 117_232, 618, 618]);
    check("pcaps__ipfragments.pcap", [24, 0, 0, 0, 0, 0, 0]); // ICMP in three fragments each
}

#[test]
fn recordings_of_rtpproxy_are_read_to_their_last_octet() {
    check("rtpproxy__call1_ulaw.a.rtp", [593, 593, 0, 0, 593 * 172, 0, 0]);
    check("rtpproxy__call1_g729.o.rtp", [519, 519, 0, 0, 519 * 32, 0, 0]);
    check("rtpproxy__sipit31.o.rtp", [10_164, 10_164, 0, 0, 1_180_648 - 10_164 * 30, 0, 0]);
    check("rtpproxy__DLT_NULL.a.rtp", [600, 600, 0, 0, 27_000, 0, 0]);
}

#[test]
fn every_capture_is_read_to_its_end_or_refused_with_a_sentence() {
    let Some(folder) = captures() else { return };
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    for path in names {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let no_capture = [".tsv", ".args", ".checksums", ".output"].iter().any(|end| name.ends_with(end));
        match count(&path) {
            Ok(count) => {
                assert!(!no_capture && count.packets > 0, "{name}: {count:?}");
                let damaged = count.warnings.iter().any(|w| matches!(w, Warning::Damage { .. }));
                assert_eq!(damaged, name == "rtpproxy__corrupted_g722.a.rtp", "{name}: {:?}", count.warnings);
            }
            Err(error) => assert!(no_capture && matches!(error, CaptureError::NotACapture { .. }), "{error}"),
        }
    }
}
