//! Session descriptions: any bytes, no panic, limits hold.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telephony::sip::sdp::{FORMATS_MAX, MEDIA_MAX, Session};

fuzz_target!(|bytes: &[u8]| {
    if let Some(session) = Session::parse(bytes) {
        assert!((1..=MEDIA_MAX).contains(&session.media.len()), "between one line and the limit");
        for media in &session.media {
            assert!(media.formats.len() <= FORMATS_MAX, "formats");
            assert!(media.formats.iter().all(|format| format.payload_type < 128), "seven bits");
        }
    }
});
