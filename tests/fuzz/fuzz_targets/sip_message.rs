//! SIP messages and all that is read of their headers and bodies: any bytes, no panic, and the quick look agrees.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telephony::sip::body::session_descriptions;
use telephony::sip::header::HeaderName;
use telephony::sip::uri::{NameAddr, Uri, asserted_identity, called_of, caller_of, diverted_from};
use telephony::sip::{Message, looks_like_sip};

fuzz_target!(|bytes: &[u8]| {
    let Ok(message) = Message::parse(bytes) else {
        return;
    };
    assert!(looks_like_sip(bytes), "what is read must be what is sorted out");
    let parties =
        (caller_of(&message), called_of(&message), asserted_identity(&message), diverted_from(&message));
    for header in message.headers() {
        let name = NameAddr::parse(&header.value);
        let uri = Uri::parse(name.address);
        assert!(uri.host.len() <= bytes.len() * 3, "borrowed");
    }
    for via in message.values(HeaderName::Via) {
        assert!(!via.is_empty(), "an empty item is none");
    }
    std::hint::black_box((parties, message.cseq(), session_descriptions(&message).len()));
});
