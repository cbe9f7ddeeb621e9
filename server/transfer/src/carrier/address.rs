//! Where a central is reached: `https://HOST:8443`.

use std::fmt;
use std::str::FromStr;

/// The port of the console, and of the transfer.
const PORT: u16 = 8_443;
const HOST_MAX: usize = 253;

/// A host and a port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Address {
    host: String,
    port: u16,
}

/// A text that is no address.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is no address of a central: give https://HOST:8443, without a path")]
pub struct AddressError(String);

impl Address {
    /// Returns host and port as a resolver wants them.
    #[must_use]
    pub fn parts(&self) -> (&str, u16) {
        (&self.host, self.port)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            return write!(f, "https://[{}]:{}", self.host, self.port);
        }
        write!(f, "https://{}:{}", self.host, self.port)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    /// Reads `https://HOST`, `https://HOST:PORT` or `https://[IPV6]:PORT`; `https://` may be left out.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        read(text).ok_or_else(|| AddressError(text.chars().take(80).collect()))
    }
}

fn read(text: &str) -> Option<Address> {
    let rest = text.strip_prefix("https://").unwrap_or(text);
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = match rest.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, after.strip_prefix(':').or_else(|| after.is_empty().then_some("")))
        }
        None => rest.split_once(':').map_or((rest, Some("")), |(host, port)| (host, Some(port))),
    };
    let port = match port? {
        "" => PORT,
        digits => digits.parse().ok().filter(|port| *port > 0)?,
    };
    let is_odd = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
    if host.is_empty() || host.len() > HOST_MAX || host.contains(is_odd) {
        return None;
    }
    Some(Address { host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(text.parse::<Address>().ok().map(|a| a.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn an_address_is_read_as_people_write_it() {
        check("https://central.example:8443", Some("https://central.example:8443"));
        check("https://10.1.2.3/", Some("https://10.1.2.3:8443"));
        check("central.example", Some("https://central.example:8443"));
        check("https://[fd00::1]:9", Some("https://[fd00::1]:9"));
        check("https://[fd00::1]", Some("https://[fd00::1]:8443"));
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            "https://",
            "http://a",
            "https://a/b",
            "https://a:0",
            "https://a:x",
            "https://[x]",
            "https://a b",
        ] {
            check(text, None);
        }
    }
}
