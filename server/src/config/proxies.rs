//! `[web]`: the reverse proxies in front of the console, as the file says them.

use serde::{Deserialize, Deserializer};

use super::Web;

/// The header in which proxies say whom they had in front of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ProxyHeaderWord {
    /// As most write it.
    #[default]
    XForwardedFor,
    /// As RFC 7239 says.
    Forwarded,
}

impl Web {
    /// Returns the proxies in front of the console.
    pub(crate) fn proxies(&self) -> web::Proxies {
        let said = match self.proxy_header {
            ProxyHeaderWord::XForwardedFor => web::ProxyHeader::XForwardedFor,
            ProxyHeaderWord::Forwarded => web::ProxyHeader::Forwarded,
        };
        web::Proxies { trusted: self.trusted_proxies.clone(), said }
    }
}

/// Reads addresses and nets.
pub(super) fn nets<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<web::Net>, D::Error> {
    let all = Vec::<String>::deserialize(from)?;
    let read = |text: &String| {
        text.parse::<web::Net>().map_err(|e| serde::de::Error::custom(format!("`{text}`: {e}")))
    };
    all.iter().map(read).collect()
}
