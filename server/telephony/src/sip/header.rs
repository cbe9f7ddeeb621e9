//! Header names in their long and compact forms, and the two small grammars all values share: lists and parameters.

/// The headers that a listener of calls reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord, Hash)]
pub enum HeaderName {
    /// Identity of a call, `i`.
    CallId,
    /// The originator of a request, `f`.
    From,
    /// Its target, `t`.
    To,
    /// The way that responses take, `v`.
    Via,
    /// Number and method of a transaction.
    CSeq,
    /// Where a party is reached directly, `m`.
    Contact,
    /// Kind of body, `c`.
    ContentType,
    /// Octets of body, `l`.
    ContentLength,
    /// Identity that the network vouches for (RFC 3325).
    PAssertedIdentity,
    /// Identity that a set would like to be vouched for (RFC 3325).
    PPreferredIdentity,
    /// Older form of an asserted identity.
    RemotePartyId,
    /// Who diverted the call (RFC 5806).
    Diversion,
    /// Whom the call was for before (RFC 7044).
    HistoryInfo,
    /// The dialog that an INVITE takes over (RFC 3891).
    Replaces,
    /// Whom to call instead, `r` (RFC 3515).
    ReferTo,
    /// Who asked for the call, `b` (RFC 3892).
    ReferredBy,
    /// How long a session lives without refresh, `x` (RFC 4028).
    SessionExpires,
    /// Any other.
    Other,
}

impl HeaderName {
    /// Reads a name, long or compact, in any letter case.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Self {
        if let [letter] = name {
            return Self::from_compact(letter.to_ascii_lowercase());
        }
        // Lengths first: a message has two dozen headers and most are none of these.
        let candidates: &[(&str, Self)] = match name.len() {
            2 => &[("to", Self::To)],
            3 => &[("via", Self::Via)],
            4 => &[("from", Self::From), ("cseq", Self::CSeq)],
            7 => &[("call-id", Self::CallId), ("contact", Self::Contact)],
            8 => &[("replaces", Self::Replaces), ("refer-to", Self::ReferTo)],
            9 => &[("diversion", Self::Diversion)],
            11 => &[("referred-by", Self::ReferredBy)],
            12 => &[("content-type", Self::ContentType), ("history-info", Self::HistoryInfo)],
            14 => &[("content-length", Self::ContentLength)],
            15 => &[("remote-party-id", Self::RemotePartyId), ("session-expires", Self::SessionExpires)],
            19 => &[("p-asserted-identity", Self::PAssertedIdentity)],
            20 => &[("p-preferred-identity", Self::PPreferredIdentity)],
            _ => &[],
        };
        let same = |known: &str| known.as_bytes().eq_ignore_ascii_case(name);
        candidates.iter().find(|(known, _)| same(known)).map_or(Self::Other, |(_, found)| *found)
    }

    const fn from_compact(letter: u8) -> Self {
        match letter {
            b'i' => Self::CallId,
            b'f' => Self::From,
            b't' => Self::To,
            b'v' => Self::Via,
            b'm' => Self::Contact,
            b'c' => Self::ContentType,
            b'l' => Self::ContentLength,
            b'r' => Self::ReferTo,
            b'b' => Self::ReferredBy,
            b'x' => Self::SessionExpires,
            _ => Self::Other,
        }
    }
}

/// Splits a header's value at commas that stand neither in quotes nor in angle brackets; empty items are passed over.
pub fn split_list(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = value;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let at = find_outside(rest, b',').unwrap_or(rest.len());
            let (item, after) = rest.split_at_checked(at)?;
            rest = after.get(1..).unwrap_or_default();
            if !item.trim().is_empty() {
                return Some(item.trim());
            }
        }
        None
    })
}

/// Finds one of `;name=value` parameters, its quotes removed; a parameter without value is found as an empty text.
#[must_use]
pub fn parameter<'a>(params: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = params;
    while !rest.is_empty() {
        let at = find_outside(rest, b';').unwrap_or(rest.len());
        let (item, after) = rest.split_at_checked(at)?;
        rest = after.get(1..).unwrap_or_default();
        let (key, value) = item.split_once('=').unwrap_or((item, ""));
        if key.trim().eq_ignore_ascii_case(name) {
            let value = value.trim();
            return Some(value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value));
        }
    }
    None
}

/// Finds a byte that stands outside quotes and angle brackets. A quote that never closes counts as no quote.
pub(super) fn find_outside(text: &str, wanted: u8) -> Option<usize> {
    let closes = text.bytes().filter(|byte| *byte == b'"').count() >= 2;
    let (mut quoted, mut escaped, mut bracket) = (false, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if closes => quoted = !quoted,
            _ if quoted => {}
            byte if byte == wanted && !bracket => return Some(at),
            b'<' => bracket = true,
            b'>' => bracket = false,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_and_long_names_in_any_case_are_the_same() {
        for (name, expected) in [
            ("i", HeaderName::CallId),
            ("CALL-ID", HeaderName::CallId),
            ("F", HeaderName::From),
            ("tO", HeaderName::To),
            ("l", HeaderName::ContentLength),
            ("p-ASSERTED-identity", HeaderName::PAssertedIdentity),
            ("X-Call-Id", HeaderName::Other),
            ("", HeaderName::Other),
        ] {
            assert_eq!(HeaderName::from_name(name.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn commas_in_quotes_and_brackets_do_not_split() {
        let check = |value: &str, expected: &[&str]| {
            assert_eq!(split_list(value).collect::<Vec<_>>(), expected, "{value}");
        };
        check(
            r#""Doe, J" <sip:a@b>, <sip:c,d@e>;x=1 ,, z"#,
            &[r#""Doe, J" <sip:a@b>"#, "<sip:c,d@e>;x=1", "z"],
        );
        check(r#""a\",b", c"#, &[r#""a\",b""#, "c"]);
        check("", &[]);
        check("\"open, b", &["\"open", "b"]);
    }

    #[test]
    fn parameters_are_found_by_name() {
        assert_eq!(parameter(";tag=a;x", "TAG"), Some("a"));
        assert_eq!(parameter(";tag=a;lr", "lr"), Some(""));
        assert_eq!(parameter(";boundary=\"a;b\"; z = 1", "boundary"), Some("a;b"));
        assert_eq!(parameter(";boundary=\"a;b\"; z = 1", "z"), Some("1"));
        assert_eq!(parameter("", "tag"), None);
    }
}
