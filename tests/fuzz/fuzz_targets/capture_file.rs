//! Files of every format: reading ends, hands over no more octets than the file has, and time never runs backwards.
#![no_main]

use std::io::Cursor;
use std::time::Duration;

use capture::{CaptureFile, PacketSource as _, Poll};
use libfuzzer_sys::fuzz_target;
use shared::TapId;

fuzz_target!(|input: &[u8]| {
    if input.starts_with(&[0x1f, 0x8b]) {
        return; // unpacking is another's code, and grows
    }
    let reader = Box::new(Cursor::new(input.to_vec()));
    let Ok(mut file) = CaptureFile::from_reader("fuzz", reader, TapId(0)) else { return };
    let (mut octets, mut last_ns) = (0, 0);
    while let Ok(Poll::Progress) = file.poll(Duration::ZERO, &mut |packet| {
        assert!(packet.stamp.mono_ns >= last_ns, "backwards");
        last_ns = packet.stamp.mono_ns;
        octets += packet.bytes.len();
    }) {}
    assert!(octets <= input.len() + input.len() / 30 * 48, "more than the file has");
});
