//! Addresses in headers: `"Alice" <sip:+27%31@example.org;user=phone>;tag=x`, `tel:` numbers, bare URIs, and the parties
//! that a message tells of.

use std::borrow::Cow;

use shared::Party;

use super::header::{HeaderName, find_outside, parameter};
use super::message::{Message, Start};

/// Longest text kept of a party, in characters: nobody has a longer name, and a hostile one must not fill the ledger.
const PARTY_CHARS_MAX: usize = 256;

/// A `sip:`, `sips:` or `tel:` address, or any other taken as it stands.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Uri<'a> {
    /// Scheme without its colon, as written.
    pub scheme: &'a str,
    /// User part with escapes resolved and without password or parameters; for `tel:` the number.
    pub user: Cow<'a, str>,
    /// Host, a name or an address; empty for `tel:`.
    pub host: &'a str,
    /// Parameters of the address, after the first `;`.
    pub params: &'a str,
    /// Headers to be put in a request to this address, after the `?`.
    pub headers: &'a str,
}

impl<'a> Uri<'a> {
    /// Reads an address; whatever has no scheme is taken for the user part of a SIP address.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let text = text.trim();
        let (scheme, rest) = match text.split_once(':') {
            Some((scheme, rest)) if is_scheme(scheme) => (scheme, rest),
            Some(_) | None => ("", text),
        };
        if scheme.eq_ignore_ascii_case("tel") {
            let (number, params) = rest.split_once(';').unwrap_or((rest, ""));
            return Self { scheme, user: plain_number(unescape(number)), host: "", params, headers: "" };
        }
        let (user, host_part) = match rest.split_once('?').map_or(rest, |(before, _)| before).rfind('@') {
            Some(at) => {
                (rest.get(..at).unwrap_or_default(), rest.get(at.saturating_add(1)..).unwrap_or_default())
            }
            None => ("", rest),
        };
        let (host_part, headers) = host_part.split_once('?').unwrap_or((host_part, ""));
        let (host_port, params) = host_part.split_once(';').unwrap_or((host_part, ""));
        let user = user.split_once(':').map_or(user, |(name, _password)| name);
        let user = user.split_once(';').map_or(user, |(number, _params)| number);
        Self { scheme, user: plain_number(unescape(user)), host: host_of(host_port), params, headers }
    }
}

/// A header's address: display name, URI and the parameters behind it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NameAddr<'a> {
    /// Display name, quotes and escapes resolved.
    pub display: Cow<'a, str>,
    /// The URI as written.
    pub address: &'a str,
    /// Parameters of the header, such as `tag`.
    pub params: &'a str,
}

impl<'a> NameAddr<'a> {
    /// Reads one value of `From`, `To`, `P-Asserted-Identity` and their like.
    #[must_use]
    pub fn parse(value: &'a str) -> Self {
        let value = value.trim();
        let Some(open) = find_outside(value, b'<') else {
            let (address, params) = value.split_once(';').unwrap_or((value, ""));
            return Self { display: Cow::Borrowed(""), address: address.trim(), params };
        };
        let display = display_name(value.get(..open).unwrap_or_default());
        let inside = value.get(open.saturating_add(1)..).unwrap_or_default();
        let (address, after) = inside.split_once('>').unwrap_or((inside, ""));
        let params = after.split_once(';').map_or("", |(_, params)| params);
        Self { display, address: address.trim(), params }
    }

    /// Returns the dialog tag, empty when there is none (RFC 2543 sets).
    #[must_use]
    pub fn tag(&self) -> &'a str {
        parameter(self.params, "tag").unwrap_or_default()
    }

    /// Returns what goes into the account of a call.
    #[must_use]
    pub fn party(&self) -> Party {
        let uri = Uri::parse(self.address);
        Party {
            display: bounded(&self.display),
            number: bounded(&uri.user),
            address: bounded(without_secret(self.address)),
        }
    }
}

/// Returns who calls: `From`, or the identity that the network vouches for when `From` hides it.
#[must_use]
pub fn caller_of(message: &Message<'_>) -> Party {
    let mut caller =
        message.header(HeaderName::From).map(|value| NameAddr::parse(value).party()).unwrap_or_default();
    let Some(asserted) = asserted_identity(message) else {
        return caller;
    };
    if is_anonymous(&caller) {
        return asserted;
    }
    if caller.display.is_empty() {
        caller.display = asserted.display;
    }
    caller
}

/// Returns who is called: `To`, or the request's own target when `To` says nothing.
#[must_use]
pub fn called_of(message: &Message<'_>) -> Party {
    let to = message.header(HeaderName::To).map(|value| NameAddr::parse(value).party()).unwrap_or_default();
    match &message.start {
        Start::Request { uri, .. } if to.number.is_empty() => {
            let target = NameAddr { address: uri, ..NameAddr::default() }.party();
            if target.number.is_empty() { to } else { target }
        }
        Start::Request { .. } | Start::Response { .. } => to,
    }
}

/// Returns the identity of a message's sender that the network vouches for (RFC 3325, or its older form). A telephone
/// number is preferred where several are given.
#[must_use]
pub fn asserted_identity(message: &Message<'_>) -> Option<Party> {
    let of =
        |name| message.values(name).map(|value| NameAddr::parse(value).party()).filter(|p| !is_anonymous(p));
    let mut asserted: Vec<Party> = of(HeaderName::PAssertedIdentity).take(4).collect();
    let by_number = asserted.iter().position(|p| p.number.bytes().all(|b| b.is_ascii_digit() || b == b'+'));
    if !asserted.is_empty() {
        let mut best = asserted.swap_remove(by_number.unwrap_or(0));
        if best.display.is_empty() {
            best.display =
                asserted.into_iter().map(|p| p.display).find(|d| !d.is_empty()).unwrap_or_default();
        }
        return Some(best);
    }
    of(HeaderName::RemotePartyId).next().or_else(|| of(HeaderName::PPreferredIdentity).next())
}

/// Returns those whom the call was for before it was diverted (RFC 5806, RFC 7044), at most eight.
#[must_use]
pub fn diverted_from(message: &Message<'_>) -> Vec<Party> {
    let mut found: Vec<Party> = Vec::new();
    for name in [HeaderName::Diversion, HeaderName::HistoryInfo] {
        for value in message.values(name).take(8) {
            let party = NameAddr::parse(value).party();
            if !party.number.is_empty() && !found.iter().any(|known| known.number == party.number) {
                found.push(party);
            }
        }
    }
    found.truncate(8);
    found
}

fn is_anonymous(party: &Party) -> bool {
    let user = party.number.to_ascii_lowercase();
    matches!(
        user.as_str(),
        "" | "anonymous" | "unavailable" | "restricted" | "unknown" | "private" | "withheld"
    ) || party.address.to_ascii_lowercase().contains("anonymous.invalid")
}

fn is_scheme(text: &str) -> bool {
    let known = ["sip", "sips", "tel", "urn", "http", "https", "mailto", "im", "pres", "cid", "callto"];
    known.iter().any(|scheme| scheme.eq_ignore_ascii_case(text))
}

fn host_of(host_port: &str) -> &str {
    if let Some(inside) = host_port.strip_prefix('[') {
        return inside.split_once(']').map_or(inside, |(host, _)| host);
    }
    host_port.split_once(':').map_or(host_port, |(host, _)| host).trim()
}

/// An address may carry a password (RFC 3261, 19.1.1); it is never kept.
fn without_secret(address: &str) -> Cow<'_, str> {
    let Some(at) = address.rfind('@') else {
        return Cow::Borrowed(address);
    };
    let (before, host) = address.split_at(at);
    let user_from = before.find(':').map_or(0, |colon| colon.saturating_add(1));
    match before.get(user_from..).and_then(|user| user.find(':')) {
        Some(colon) => {
            let user = before.get(..user_from.saturating_add(colon)).unwrap_or_default();
            Cow::Owned(format!("{user}{host}"))
        }
        None => Cow::Borrowed(address),
    }
}

/// Removes the visual separators of a number (RFC 3966, 5.1.1); a name stays as it is.
fn plain_number(user: Cow<'_, str>) -> Cow<'_, str> {
    let separator = |c: char| matches!(c, '-' | '.' | '(' | ')');
    let number = user.starts_with(|c: char| c.is_ascii_digit() || c == '+' || c == '(')
        && user.chars().all(|c| c.is_ascii_digit() || separator(c) || matches!(c, '+' | '*' | '#'));
    if number && user.contains(separator) { Cow::Owned(user.replace(separator, "")) } else { user }
}

/// Resolves `%41` and its like (RFC 3261, 19.1.2).
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let hex = |b: u8| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match (byte, after) {
            (b'%', [high, low, tail @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                out.push(hex(*high).unwrap_or_default() << 4 | hex(*low).unwrap_or_default());
                rest = tail;
            }
            (byte, _) => out.push(*byte),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

fn display_name(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    let Some(inside) = text.strip_prefix('"') else {
        return Cow::Borrowed(text);
    };
    let inside = inside.strip_suffix('"').unwrap_or(inside);
    if !inside.contains('\\') {
        return Cow::Borrowed(inside);
    }
    let mut out = String::with_capacity(inside.len());
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    Cow::Owned(out)
}

fn bounded(text: impl AsRef<str>) -> String {
    text.as_ref().chars().filter(|c| !c.is_control()).take(PARTY_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_give_name_number_and_address() {
        let check = |value: &str, display: &str, number: &str, address: &str, tag: &str| {
            let parsed = NameAddr::parse(value);
            let party = parsed.party();
            assert_eq!((party.display.as_str(), party.number.as_str()), (display, number), "{value}");
            assert_eq!((party.address.as_str(), parsed.tag()), (address, tag), "{value}");
        };
        check(r#""Alice" <sip:3115@10.0.0.5>;tag=88"#, "Alice", "3115", "sip:3115@10.0.0.5", "88");
        check("sip:3115@10.0.0.5;tag=88", "", "3115", "sip:3115@10.0.0.5", "88");
        check(
            "<tel:+27-11-555.0100;phone-context=x>",
            "",
            "+27115550100",
            "tel:+27-11-555.0100;phone-context=x",
            "",
        );
        check(
            "Bob Smith <sips:bob@[2001:db8::1]:5061;lr>",
            "Bob Smith",
            "bob",
            "sips:bob@[2001:db8::1]:5061;lr",
            "",
        );
        check(r#""J \"Rock\" <x>" <sip:a@b>; tag=1"#, "J \"Rock\" <x>", "a", "sip:a@b", "1");
        check("<sip:%61lice%20b@h>", "", "alice b", "sip:%61lice%20b@h", "");
        check("<sip:100%@h>", "", "100%", "sip:100%@h", "");
        check("<sip:bob:secret@h;x=1>", "", "bob", "sip:bob@h;x=1", "");
        check(
            "<sip:1234;phone-context=+27@h;user=phone>",
            "",
            "1234",
            "sip:1234;phone-context=+27@h;user=phone",
            "",
        );
        check("<sip:h>", "", "", "sip:h", "");
        check("\"never closed <sip:a@b>;tag=9", "never closed", "a", "sip:a@b", "9");
        check("", "", "", "", "");
    }

    #[test]
    fn a_host_is_found_without_its_port() {
        for (uri, host) in [
            ("sip:a@h:5060;x", "h"),
            ("sip:[::1]:5060", "::1"),
            ("sip:a@h?Replaces=c%40d", "h"),
            ("sip:h?x=a@b", "h"),
            ("tel:1", ""),
        ] {
            assert_eq!(Uri::parse(uri).host, host, "{uri}");
        }
        assert_eq!(
            Uri::parse("sip:a@h;p?Replaces=c%40d%3Bto-tag%3D1").headers,
            "Replaces=c%40d%3Bto-tag%3D1"
        );
    }
}
