//! Frames of every link layer, several in a row so that fragments meet: nothing panics, payloads lie inside the input.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::Stamp;
use telephony::net::{Limits, LinkType, Peeled, Peeler};

fuzz_target!(|input: &[u8]| {
    let Some((link, mut rest)) = input.split_first() else { return };
    let links = [1, 0, 9, 51, 101, 104, 113, 219, 228, 229, 276];
    let link = LinkType::from_dlt(links[usize::from(*link) % links.len()]).expect("of the list");
    let mut peeler = Peeler::new(Limits { fragment_bytes: 4_096, ..Limits::default() });
    let mut mono_ns = 0;
    while let Some((len, after)) = rest.split_first_chunk::<2>() {
        let (frame, next) = after.split_at(usize::from(u16::from_be_bytes(*len)).min(after.len()));
        mono_ns += 1_000_000;
        let payload = match peeler.peel(Stamp { mono_ns, ..Stamp::default() }, link, frame) {
            Peeled::Udp(datagram) => datagram.payload.len(),
            Peeled::Tcp(segment) => segment.payload.len(),
            Peeled::Other(_) => 0,
        };
        assert!(payload <= input.len(), "more than came in");
        rest = next;
    }
});
