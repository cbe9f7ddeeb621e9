//! The list of hops in front of this server, as proxies write it: read from its end, by who is trusted.
//!
//! Knows nothing of HTTP: the lines of the header are brought (fuzzed as it stands, `tests/fuzz/fuzz_targets/proxy_hops.rs`).

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

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

    pub(super) fn has(self, address: IpAddr) -> bool {
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

    /// Returns the caller's address: the peer's own, or what trusted proxies say of theirs in the lines of their header, in order.
    pub(crate) fn caller_behind(&self, peer: IpAddr, lines: &[&str]) -> IpAddr {
        let mut caller = peer.to_canonical();
        if !self.trusts(caller) {
            return caller;
        }
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
