//! What a caller and the proxies in front of the server may write into `X-Forwarded-For` or `Forwarded`: any lines. Nothing panics; who is
//! not trusted is believed nothing; and whatever stands before it, the address that a trusted proxy saw last is the caller's.
//!
//! The list is compiled in by its path, so that no web server is built to fuzz a hundred lines that know no HTTP.
#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "what the web server uses of it")]
#[path = "../../../server/web/src/proxies/hops.rs"]
mod hops;

use hops::{Net, Proxies, Said};

/// A header is at most so long (`server/web/src/limits.rs` allows less).
const LINE_MAX: usize = 16 << 10;

fuzz_target!(|bytes: &[u8]| {
    let Some((how, rest)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest.get(..LINE_MAX).unwrap_or(rest)) else { return };
    let said = if how & 1 == 0 { Said::XForwardedFor } else { Said::Forwarded };
    let proxy = IpAddr::from(Ipv4Addr::new(10, 0, 0, 5));
    let lines: Vec<&str> = text.split('\n').collect();

    let nobody = Proxies { trusted: Vec::new(), said };
    assert_eq!(nobody.caller_behind(proxy, &lines), proxy);
    let one = Proxies { trusted: vec!["10.0.0.5".parse().expect("an address")], said };
    let caller = one.caller_behind(proxy, &lines);
    assert_eq!(caller, caller.to_canonical());
    let seen = IpAddr::from(Ipv4Addr::new(192, 0, 2, how >> 1));
    let last = if how & 1 == 0 { format!("{text}, {seen}") } else { format!("{text}, for={seen}") };
    let lines: Vec<&str> = last.split('\n').collect();
    assert_eq!(one.caller_behind(proxy, &lines), seen);

    // The same text as a net in the settings.
    drop(text.parse::<Net>());
});
