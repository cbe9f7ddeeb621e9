//! `a=crypto` (RFC 4568): keys for SRTP that pass by in the clear.

use zeroize::Zeroizing;

use crate::sip::event::SdesKey;

/// Longest key with its salt, in octets; AES-256 needs 46.
const KEY_BYTES_MAX: usize = 128;
/// Longest master key identifier in a packet, in octets (RFC 3711).
const MKI_BYTES_MAX: u8 = 128;

/// Reads `1 AES_CM_128_HMAC_SHA1_80 inline:KEY|2^20|1:4 UNENCRYPTED_SRTCP`. Nothing when there is no usable key in it.
///
/// Of several keys in one line the first is taken: no set is known that sends more.
pub(super) fn parse(value: &str) -> Option<SdesKey> {
    let mut words = value.split_ascii_whitespace();
    let tag = words.next()?.parse().ok()?;
    let suite = words.next()?.to_ascii_uppercase();
    let first = words.next()?.split(';').next()?;
    let inline =
        first.get(..7).filter(|start| start.eq_ignore_ascii_case("inline:")).and_then(|_| first.get(7..))?;
    let mut parts = inline.split('|');
    let key_and_salt = base64(parts.next()?)?;
    // Lifetime (`2^20` or a number) and MKI (`1:4`) may both be missing.
    let mki = parts.find_map(read_mki);
    let parameters = words
        .map(str::to_ascii_uppercase)
        .filter(|word| {
            matches!(word.as_str(), "UNENCRYPTED_SRTP" | "UNENCRYPTED_SRTCP" | "UNAUTHENTICATED_SRTP")
        })
        .take(3)
        .collect();
    (suite.len() <= 64).then_some(SdesKey { tag, suite, key_and_salt, mki, parameters })
}

impl SdesKey {
    /// Reads a crypto suite and the base64 of master key and salt, as people note them down, or `None` when the second is
    /// no base64. Whether the suite is known and the length fits it tells [`crate::rtp::srtp::SrtpReceiver::new`].
    #[must_use]
    pub fn of_suite(suite: &str, key_and_salt: &str) -> Option<Self> {
        let key_and_salt = base64(key_and_salt)?;
        let suite = suite.to_ascii_uppercase();
        (suite.len() <= 64).then_some(Self { tag: 1, suite, key_and_salt, mki: None, parameters: Vec::new() })
    }
}

fn read_mki(part: &str) -> Option<(u64, u8)> {
    let (value, length) = part.split_once(':')?;
    let length = length.parse().ok().filter(|bytes| (1..=MKI_BYTES_MAX).contains(bytes))?;
    Some((value.parse().ok()?, length))
}

/// Decodes base64, its padding optional; white space or another alphabet is refused.
fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    if text.len() > KEY_BYTES_MAX.saturating_mul(4) / 3 || text.len() % 4 == 1 || text.is_empty() {
        return None;
    }
    let mut out = Zeroizing::new(Vec::with_capacity(KEY_BYTES_MAX));
    for group in text.as_bytes().chunks(4) {
        let mut bits = 0u32;
        for at in 0..4 {
            let six = group.get(at).map_or(Some(0), |byte| six_bits(*byte))?;
            bits = bits << 6 | six;
        }
        let [_, bytes @ ..] = bits.to_be_bytes();
        out.extend(bytes.iter().take(group.len().saturating_sub(1)));
    }
    Some(out.to_vec())
}

fn six_bits(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte.wrapping_sub(b'A'),
        b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(26),
        b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(52),
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn base64_is_read_with_and_without_padding() {
        for (text, expected) in [
            ("Zg==", Some("f")),
            ("Zg", Some("f")),
            ("Zm8=", Some("fo")),
            ("Zm9vYmFy", Some("foobar")),
            ("Z", None),
            ("Zm 8", None),
            ("", None),
        ] {
            assert_eq!(base64(text).as_deref(), expected.map(str::as_bytes), "{text}");
        }
    }

    #[test]
    fn a_crypto_line_gives_suite_key_lifetime_and_mki() {
        let line = "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4 UNENCRYPTED_SRTCP";
        let key = parse(line).unwrap();
        assert_eq!((key.tag, key.suite.as_str(), key.mki), (1, "AES_CM_128_HMAC_SHA1_80", Some((1, 4))));
        assert_eq!(key.key_and_salt, b"YS___semctl () {\t220;}\n}\nunles");
        assert_eq!(key.parameters, ["UNENCRYPTED_SRTCP"]);
        let bare =
            parse("2 aes_cm_128_hmac_sha1_32 INLINE:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|1:32").unwrap();
        assert_eq!((bare.mki, bare.key_and_salt.len()), (Some((1, 32)), 30));
        for bad in ["", "1", "1 X", "1 X inline:", "1 X inline:****", "x X inline:Zg==", "1 X mikey:Zg=="] {
            assert!(parse(bad).is_none(), "{bad} has no key");
        }
    }
}
