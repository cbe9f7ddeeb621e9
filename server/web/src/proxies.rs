//! Whom a request comes from when a reverse proxy brings it: the proxies that are trusted to say so, and what they say.
//!
//! Without this all people behind a proxy have one address: they share its request rate, one who mistypes a password locks out all,
//! and the audit log names the proxy. With it, a trusted proxy's word counts and nobody else's. Each proxy writes behind what it was
//! given whom it had in front of it, so the list is read from its end: the last address that is not a trusted proxy's is the caller,
//! whatever stands before it, for that the caller may have written themselves. One header is read, the one the proxies write: the
//! other would be passed on as it came from the caller.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::doors::Doors;
use crate::guard::Peer;

/// Proxies in a row that are looked through.
const HOPS_MAX: usize = 32;

/// Addresses that begin with the same bits: `10.0.0.5`, `10.1.0.0/16`, `fd00::/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Net {
    address: IpAddr,
    bits: u8,
}

/// Says that a text names no addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write an address (`10.0.0.5`, `fd00::5`) or the first of a net with its bits (`10.1.0.0/16`)")]
pub struct NetError;

impl FromStr for Net {
    type Err = NetError;

    fn from_str(text: &str) -> Result<Self, NetError> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_no_address| NetError)?;
        let whole = whole(address);
        let bits = match bits {
            Some(bits) if bits.bytes().all(|b| b.is_ascii_digit()) => {
                bits.parse().map_err(|_too_many| NetError)?
            }
            Some(_) => return Err(NetError),
            None => whole,
        };
        // Bits behind the net's own were meant for something else: 10.0.0.5/8 is no net.
        let net = Self { address, bits };
        if bits > whole || (bits < whole && number(address) & !net.mask() != 0) {
            Err(NetError)
        } else {
            Ok(net)
        }
    }
}

impl Net {
    fn mask(self) -> u128 {
        let behind = u32::from(whole(self.address).saturating_sub(self.bits));
        u128::MAX.checked_shl(behind).unwrap_or(0)
    }

    fn has(self, address: IpAddr) -> bool {
        let same_kind = address.is_ipv4() == self.address.is_ipv4();
        same_kind && number(address) & self.mask() == number(self.address)
    }
}

const fn whole(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// The header in which proxies say whom they had in front of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Said {
    /// `X-Forwarded-For: 192.0.2.7, 10.0.0.5`, as most proxies write.
    #[default]
    XForwardedFor,
    /// `Forwarded: for=192.0.2.7;proto=https` (RFC 7239).
    Forwarded,
}

/// The proxies in front of this server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proxies {
    /// Whose word counts; nobody's if empty.
    pub trusted: Vec<Net>,
    /// Where they write it.
    pub said: Said,
}

impl Proxies {
    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|net| net.has(address))
    }

    /// Returns the caller's address: the peer's own, or what trusted proxies say of theirs.
    fn caller(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut caller = peer.to_canonical();
        if !self.trusts(caller) {
            return caller;
        }
        let name = match self.said {
            Said::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
            Said::Forwarded => header::FORWARDED,
        };
        let lines: Vec<&str> = headers.get_all(name).iter().map(|v| v.to_str().unwrap_or_default()).collect();
        // Quotes are not looked at: what a proxy writes has no comma in them, and a caller's lone quote would hide what follows.
        for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')).take(HOPS_MAX) {
            // A proxy that does not tell leaves us with itself.
            let Some(before) = self.address_in(hop) else { return caller };
            caller = before;
            if !self.trusts(caller) {
                return caller;
            }
        }
        caller
    }

    fn address_in(&self, hop: &str) -> Option<IpAddr> {
        match self.said {
            Said::XForwardedFor => address(hop.trim()),
            Said::Forwarded => hop.split(';').find_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                let value = value.trim();
                let bare = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
                name.trim().eq_ignore_ascii_case("for").then(|| address(bare))?
            }),
        }
    }
}

/// Reads an address, with or without a port: `192.0.2.7`, `192.0.2.7:4711`, `2001:db8::7`, `[2001:db8::7]:4711`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let alone = bare.unwrap_or(text).parse::<IpAddr>().ok();
    alone.or_else(|| text.parse::<SocketAddr>().ok().map(|both| both.ip())).map(|ip| ip.to_canonical())
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
