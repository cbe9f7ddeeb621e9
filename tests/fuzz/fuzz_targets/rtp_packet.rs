//! One datagram as RTP: no octets panic, no part exceeds the datagram.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telephony::rtp::packet::{Protocol, RtpPacket};

fuzz_target!(|datagram: &[u8]| {
    let _kind = Protocol::of(datagram);
    let Some(packet) = RtpPacket::parse(datagram) else { return };
    assert!(packet.header_len() + packet.payload.len() <= datagram.len(), "the parts exceed the datagram");
    assert!(packet.csrc().count() <= 15, "too many sources");
    if let Some(extension) = packet.extension() {
        let octets: usize = extension.elements().map(|(_, data)| data.len()).sum();
        assert!(octets <= extension.data.len(), "the elements exceed their extension");
    }
});
