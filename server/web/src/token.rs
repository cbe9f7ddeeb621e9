//! Secrets that travel: session cookies and one-time links. The catalogue keeps only their SHA-256.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Thirty-two random octets that open something to whoever brings them.
#[derive(Clone)]
pub(crate) struct Token(Zeroizing<[u8; 32]>);

impl Token {
    /// Takes fresh dice.
    pub(crate) fn new(dice: [u8; 32]) -> Self {
        Self(Zeroizing::new(dice))
    }

    /// Reads the text form: 43 symbols of base 64 for addresses.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut octets = Zeroizing::new([0; 32]);
        let read = Base64UrlUnpadded::decode(text, octets.as_mut_slice()).ok()?;
        (read.len() == 32).then_some(Self(octets))
    }

    /// Returns the text form.
    pub(crate) fn expose(&self) -> String {
        Base64UrlUnpadded::encode_string(self.0.as_slice())
    }

    /// Returns what the catalogue keeps.
    pub(crate) fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_slice()).into()
    }

    /// Returns what `purpose` derives from it; knowing one says nothing about another or about the token.
    pub(crate) fn derive(&self, purpose: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice())
            .expect("HMAC takes keys of any length (RFC 2104)");
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// Returns the value that every changing request of this session must carry.
    pub(crate) fn csrf(&self) -> String {
        Base64UrlUnpadded::encode_string(&self.derive("amethyst csrf 1"))
    }
}

/// Writes octets in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_its_text_and_nothing_else_is_one() {
        let token = Token::new([0xfb; 32]);
        let text = token.expose();
        assert_eq!(text.len(), 43);
        assert_eq!(Token::parse(&text).unwrap().digest(), token.digest());
        for odd in ["", "x", &text[1..], &format!("{text}A"), &text.replace('-', "+")] {
            assert!(Token::parse(odd).is_none(), "{odd}");
        }
    }

    #[test]
    fn purposes_do_not_tell_of_each_other() {
        let token = Token::new([7; 32]);
        assert_ne!(token.derive("a"), token.derive("b"));
        assert_ne!(token.csrf(), Token::new([8; 32]).csrf());
    }
}
