//! Small signed documents in JSON: one object whose last member is the signature of all bytes before it.
//!
//! The file is what was signed, byte for byte, so nobody has to agree on a canonical form: the signature covers the
//! label and everything before the last `,"signature":"`. What stands behind is 128 hexadecimal digits and `"}` with one
//! line feed.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fields::{hex, unhex};
use crate::keys::{SigningKey, VerifyingKey};
use crate::{Result, SealError};

const MARK: &str = ",\"signature\":\"";
const END: &str = "\"}\n";

/// Writes `body`, which must be a JSON object with at least one member, and signs it.
///
/// # Errors
/// A body that is no such object.
pub fn sign(label: &str, body: &impl Serialize, key: &SigningKey) -> Result<Vec<u8>> {
    let open = unsigned(body)?;
    Ok(signed(&open, &key.sign(label, open.as_bytes())))
}

/// Writes `body` as far as the signature covers it, for a key that is elsewhere; [`signed`] completes the document.
///
/// # Errors
/// A body that is no JSON object with at least one member.
pub fn unsigned(body: &impl Serialize) -> Result<String> {
    let mut text =
        serde_json::to_string(body).map_err(|_not_json| SealError::Document("it cannot be written"))?;
    if text.pop() != Some('}') || text.len() <= 1 {
        return Err(SealError::Document("it is no object"));
    }
    Ok(text)
}

/// Puts the signature of what [`unsigned`] wrote behind it.
#[must_use]
pub fn signed(unsigned: &str, signature: &[u8; 64]) -> Vec<u8> {
    format!("{unsigned}{MARK}{}{END}", hex(signature)).into_bytes()
}

/// Verifies a document and reads its body. Members that `T` does not know are ignored.
///
/// # Errors
/// A damaged document, or a signature that is not of `key`.
pub fn open<T: DeserializeOwned>(label: &str, bytes: &[u8], key: &VerifyingKey) -> Result<T> {
    let (open, signature) = split(bytes)?;
    if !key.verifies(label, open.as_bytes(), &signature) {
        return Err(SealError::Document("its signature does not verify"));
    }
    body(open)
}

/// Reads the body without judging the signature: to find out which key must verify it.
///
/// # Errors
/// A damaged document.
pub fn peek<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    body(split(bytes)?.0)
}

fn split(bytes: &[u8]) -> Result<(&str, [u8; 64])> {
    let damaged = SealError::Document("it is damaged: no signature at its end");
    let parts = std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.strip_suffix(END))
        .and_then(|text| text.rsplit_once(MARK))
        .and_then(|(open, digits)| Some((open, unhex(digits)?.try_into().ok()?, digits)));
    match parts {
        // One form only, so that two different files are never the same document.
        Some((open, signature, digits)) if !digits.contains(|c: char| c.is_ascii_uppercase()) => {
            Ok((open, signature))
        }
        Some(_) | None => Err(damaged),
    }
}

fn body<T: DeserializeOwned>(open: &str) -> Result<T> {
    serde_json::from_str(&format!("{open}}}"))
        .map_err(|_not_json| SealError::Document("its members are wrong"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn every_altered_byte_is_refused() {
        let key = SigningKey::from_seed(&[1; 32]);
        let body = BTreeMap::from([("a", 1), ("b", 2)]);
        let bytes = sign("label", &body, &key).unwrap();
        let read: BTreeMap<String, i32> = open("label", &bytes, &key.verifying_key()).unwrap();
        assert_eq!(read.len(), 2);
        for i in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[i] ^= 1;
            assert!(
                open::<BTreeMap<String, i32>>("label", &altered, &key.verifying_key()).is_err(),
                "byte {i}"
            );
        }
        assert!(open::<BTreeMap<String, i32>>("other", &bytes, &key.verifying_key()).is_err());
    }
}
