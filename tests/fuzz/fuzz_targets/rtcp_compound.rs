//! A compound RTCP packet: reading ends, and every list stays within its count.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telephony::rtp::rtcp::{self, RtcpPacket};

fuzz_target!(|compound: &[u8]| {
    let mut packets = 0;
    for packet in rtcp::packets(compound) {
        packets += 1;
        let listed = match packet {
            RtcpPacket::SenderReport { ntp, reports, .. } => {
                let _utc = ntp.utc();
                reports.count()
            }
            RtcpPacket::ReceiverReport { reports, .. } => reports.count(),
            RtcpPacket::SourceDescription(chunks) => chunks.count(),
            RtcpPacket::Bye { ssrcs, .. } => ssrcs.count(),
            RtcpPacket::Other { .. } => 0,
        };
        assert!(listed <= 31, "a list longer than its count can say");
    }
    assert!(packets <= compound.len() / 4, "more packets than heads");
});
