//! The second factor: time-based one-time passwords (RFC 6238), six digits, thirty seconds, HMAC-SHA-1 as authenticators do.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use shared::UtcMicros;
use subtle::ConstantTimeEq as _;

const STEP_S: u64 = 30;

/// Returns the step at which `typed` is right: the one of `now`, the one before or the one after, and later than `last`, so that
/// no code is taken twice. Spaces are overlooked.
pub(crate) fn accept(secret: &[u8], typed: &str, now: UtcMicros, last: Option<u64>) -> Option<u64> {
    let typed: String = typed.chars().filter(|c| !c.is_whitespace()).take(7).collect();
    let now = u64::try_from(now.0 / 1_000_000).ok()? / STEP_S;
    let mut found = None;
    for step in [now.saturating_sub(1), now, now.saturating_add(1)] {
        let right = bool::from(code(secret, step).as_bytes().ct_eq(typed.as_bytes()));
        if right && last.is_none_or(|last| step > last) {
            found = Some(step);
        }
    }
    found
}

/// Returns the code of a step (RFC 4226, 5.3).
pub(crate) fn code(secret: &[u8], step: u64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).expect("HMAC takes keys of any length (RFC 2104)");
    mac.update(&step.to_be_bytes());
    let digest: [u8; 20] = mac.finalize().into_bytes().into();
    let [.., last] = digest;
    let four = digest.get(usize::from(last & 0x0f)..).and_then(|rest| rest.first_chunk::<4>());
    let number = four.map_or(0, |four| u32::from_be_bytes(*four) & 0x7fff_ffff);
    format!("{:06}", number % 1_000_000)
}

/// Writes a secret in base 32 (RFC 4648), as authenticators want it.
pub(crate) fn base32(bytes: &[u8]) -> String {
    const SYMBOLS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::new();
    let (mut held, mut bits) = (0u32, 0u32);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(SYMBOLS[(held >> bits & 31) as usize]));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(SYMBOLS[(held << (5 - bits) & 31) as usize]));
    }
    text
}

/// Writes the `otpauth://` address that authenticators read.
pub(crate) fn uri(site: &str, name: &str, secret: &[u8]) -> String {
    let issuer = percent(&format!("AMETHYST {site}"));
    format!(
        "otpauth://totp/{issuer}:{}?secret={}&issuer={issuer}&algorithm=SHA1&digits=6&period=30",
        percent(name),
        base32(secret)
    )
}

/// Draws an address as a QR code.
pub(crate) fn picture(uri: &str) -> Option<String> {
    let code = qrcode::QrCode::with_error_correction_level(uri, qrcode::EcLevel::M).ok()?;
    Some(code.render::<qrcode::render::svg::Color<'_>>().min_dimensions(200, 200).build())
}

fn percent(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, SHA-1; the last six of its eight digits.
        for (second, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(SECRET, second / 30), expected, "{second}");
        }
    }

    #[test]
    fn a_code_is_taken_once_and_near_its_time() {
        let at = |second: i64| UtcMicros(second * 1_000_000);
        assert_eq!(accept(SECRET, "287 082", at(59), None), Some(1));
        assert_eq!(accept(SECRET, "287082", at(59), Some(1)), None, "a second time");
        assert_eq!(accept(SECRET, "287082", at(89), None), Some(1), "half a minute late");
        assert_eq!(accept(SECRET, "287082", at(90), None), None, "a minute late");
        for odd in ["", "28708", "2870820", "abcdef", "٢٨٧٠٨٢"] {
            assert_eq!(accept(SECRET, odd, at(59), None), None, "{odd}");
        }
    }

    #[test]
    fn base_32_is_that_of_the_standard() {
        for (plain, expected) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(plain.as_bytes()), expected);
        }
    }

    #[test]
    fn the_picture_is_drawn() {
        let uri = uri("Town hall", "alice@x", SECRET);
        assert!(uri.starts_with("otpauth://totp/AMETHYST%20Town%20hall:alice%40x?secret=GEZDGNBV"), "{uri}");
        assert!(picture(&uri).unwrap().contains("<svg"), "an SVG picture");
    }
}
