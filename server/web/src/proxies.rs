//! Whom a request comes from when a reverse proxy brings it: the proxies that are trusted to say so, and what they say.
//!
//! Without this all people behind a proxy have one address: they share its request rate, one who mistypes a password locks out all,
//! and the audit log names the proxy. With it, a trusted proxy's word counts and nobody else's. Each proxy writes behind what it was
//! given whom it had in front of it, so the list is read from its end: the last address that is not a trusted proxy's is the caller,
//! whatever stands before it, for that the caller may have written themselves. One header is read, the one the proxies write: the
//! other would be passed on as it came from the caller.

mod hops;

use std::net::{IpAddr, SocketAddr};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::doors::Doors;
use crate::guard::Peer;

pub use hops::{Net, NetError, Proxies, Said};

impl Proxies {
    /// Returns the caller's address: the peer's own, or what trusted proxies say of theirs.
    fn caller(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let name = match self.said {
            Said::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
            Said::Forwarded => header::FORWARDED,
        };
        let lines: Vec<&str> = headers.get_all(name).iter().map(|v| v.to_str().unwrap_or_default()).collect();
        self.caller_behind(peer, &lines)
    }
}

/// Puts the caller's address on a request in place of the proxy's, before anybody looks at it.
pub(crate) async fn look_behind(State(doors): State<Doors>, mut request: Request, next: Next) -> Response {
    let proxies = doors.host().proxies();
    if let Some(Peer(peer)) = request.extensions().get::<Peer>().copied() {
        let caller = proxies.caller(peer.ip(), request.headers());
        if caller != peer.ip().to_canonical() {
            // The port was the proxy's.
            request.extensions_mut().insert(Peer(SocketAddr::new(caller, 0)));
        }
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn proxies(trusted: &[&str], said: Said) -> Proxies {
        Proxies { trusted: trusted.iter().map(|net| net.parse().unwrap()).collect(), said }
    }

    fn caller(of: &Proxies, peer: &str, lines: &[(&'static str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        of.caller(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn a_net_is_an_address_or_begins_with_its_bits() {
        let has = |net: &str, address: &str| net.parse::<Net>().unwrap().has(address.parse().unwrap());
        assert!(has("10.0.0.5", "10.0.0.5") && !has("10.0.0.5", "10.0.0.6"));
        assert!(has("10.1.0.0/16", "10.1.255.9") && !has("10.1.0.0/16", "10.2.0.0"));
        assert!(has("0.0.0.0/0", "192.0.2.7") && !has("0.0.0.0/0", "::1"));
        assert!(has("fd00::/8", "fdff::1") && !has("fd00::/8", "fe00::1"));
        assert!(has("::/0", "::1") && !has("::/0", "10.0.0.5"));
        for odd in [
            "",
            "10.0.0.5/8",
            "10.0.0.0/33",
            "fd00::/129",
            "10.0.0.0/+8",
            "10.0.0.0/",
            "proxy",
            "10.0.0.0/8/8",
        ] {
            assert_eq!(odd.parse::<Net>(), Err(NetError), "{odd}");
        }
    }

    #[test]
    fn the_last_address_that_no_trusted_proxy_has_is_the_caller() {
        let two = proxies(&["10.0.0.5", "10.1.0.0/16", "::1"], Said::XForwardedFor);
        let xff = "x-forwarded-for";
        let check = |peer: &str, lines: &[&str], expected: &str| {
            let lines: Vec<_> = lines.iter().map(|line| (xff, *line)).collect();
            assert_eq!(caller(&two, peer, &lines), expected, "{peer} {lines:?}");
        };
        check("10.0.0.5", &["192.0.2.7"], "192.0.2.7");
        check("10.0.0.5", &["192.0.2.7:4711"], "192.0.2.7");
        check("10.0.0.5", &["1.1.1.1, 192.0.2.7, 10.1.2.3"], "192.0.2.7");
        check("10.0.0.5", &["1.1.1.1", "192.0.2.7, 10.1.2.3"], "192.0.2.7");
        check("::ffff:10.0.0.5", &["::ffff:192.0.2.7"], "192.0.2.7");
        check("::1", &["[2001:db8::7]:4711"], "2001:db8::7");
        // What a caller writes about themselves stands before what the proxy saw.
        check("10.0.0.5", &["10.1.0.1, 192.0.2.7"], "192.0.2.7");
        // Nothing that tells: the nearest that is known.
        check("10.0.0.5", &[], "10.0.0.5");
        check("10.0.0.5", &["unknown"], "10.0.0.5");
        check("10.0.0.5", &["192.0.2.7, _hidden, 10.1.2.3"], "10.1.2.3");
        check("10.0.0.5", &["10.1.0.1, 10.1.0.2"], "10.1.0.1");
        // Nobody else is believed.
        check("192.0.2.9", &["192.0.2.7"], "192.0.2.9");
        check("10.0.0.6", &["192.0.2.7"], "10.0.0.6");
        assert_eq!(caller(&Proxies::default(), "127.0.0.1", &[(xff, "192.0.2.7")]), "127.0.0.1");
        assert_eq!(
            caller(&two, "10.0.0.5", &[("forwarded", "for=192.0.2.7")]),
            "10.0.0.5",
            "the other header"
        );
    }

    #[test]
    fn the_header_of_rfc_7239_is_read_with_its_quotes() {
        let one = proxies(&["10.0.0.5"], Said::Forwarded);
        let check = |line: &str, expected: &str| {
            assert_eq!(caller(&one, "10.0.0.5", &[("forwarded", line)]), expected, "{line}");
        };
        check("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60");
        check("proto=https; For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17");
        check("for=1.1.1.1, for=192.0.2.43", "192.0.2.43");
        check("for=\"1.1.1.1, for=192.0.2.43", "192.0.2.43");
        check("for=\"_gazonk\"", "10.0.0.5");
        check("by=192.0.2.43", "10.0.0.5");
        let x = [("x-forwarded-for", "192.0.2.7")];
        assert_eq!(caller(&one, "10.0.0.5", &x), "10.0.0.5", "the other header");
    }

    proptest! {
        /// Whatever stands there: an address of the list or of a proxy comes out, and an untrusted peer stays itself.
        #[test]
        fn any_header_is_read_without_harm(line in "[ -~]{0,200}", forwarded: bool, trusted: bool) {
            let said = if forwarded { Said::Forwarded } else { Said::XForwardedFor };
            let all = proxies(if trusted { &["10.0.0.5"] } else { &[] }, said);
            let name = if forwarded { "forwarded" } else { "x-forwarded-for" };
            let found = caller(&all, "10.0.0.5", &[(name, &line)]);
            prop_assert!(trusted || found == "10.0.0.5");
        }

        #[test]
        fn the_last_hop_counts_whatever_stands_before_it(before in "[ -~]{0,100}", a: u8, b: u8) {
            let one = proxies(&["10.0.0.5"], Said::XForwardedFor);
            let line = format!("{before}, 192.0.{a}.{b}");
            prop_assert_eq!(caller(&one, "10.0.0.5", &[("x-forwarded-for", &line)]), format!("192.0.{a}.{b}"));
        }
    }
}
