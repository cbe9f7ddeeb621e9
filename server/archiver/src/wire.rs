//! Bytes inside JSON lines, as base64: a number for each would be four times as long.
//!
//! Neither way makes a text of its own of the bytes: a catalogue of a day is tens of MiB.

use std::fmt;

use base64ct::{Base64, Encoding as _};
use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};

/// Bytes made base64 of at a time, and what becomes of them.
const STEP: usize = 768;
const STEP_TEXT: usize = STEP / 3 * 4;

struct Shown<'a>(&'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; STEP_TEXT];
        for some in self.0.chunks(STEP) {
            f.write_str(Base64::encode(some, &mut text).map_err(|_too_long| fmt::Error)?)?;
        }
        Ok(())
    }
}

/// Reads base64 into what `made` makes of it.
struct Read<F>(F);

impl<T, F: FnOnce(&str) -> Option<T>> Visitor<'_> for Read<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("base64")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).ok_or_else(|| E::custom("no base64 of so many bytes"))
    }
}

/// For `#[serde(with = "...")]`.
pub(crate) mod base64 {
    use base64ct::{Base64, Encoding as _};

    use super::{Deserializer, Read, Serializer, Shown};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&Shown(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        from.deserialize_str(Read(|text: &str| Base64::decode_vec(text).ok()))
    }
}

/// For a digest.
pub(crate) mod digest {
    use base64ct::{Base64, Encoding as _};

    use super::{Deserializer, Read, Serializer, Shown};

    pub(crate) fn serialize<S: Serializer>(digest: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&Shown(digest))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        from.deserialize_str(Read(|text: &str| {
            let mut digest = [0; 32];
            let len = Base64::decode(text, &mut digest).ok()?.len();
            (len == digest.len()).then_some(digest)
        }))
    }
}

/// For digests, one behind the other.
pub(crate) mod digests {
    use base64ct::{Base64, Encoding as _};

    use super::{Deserializer, Read, Serializer, Shown};

    pub(crate) fn serialize<S: Serializer>(digests: &[[u8; 32]], to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&Shown(digests.as_flattened()))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<[u8; 32]>, D::Error> {
        from.deserialize_str(Read(|text: &str| {
            let bytes = Base64::decode_vec(text).ok()?;
            let (digests, rest) = bytes.as_chunks();
            rest.is_empty().then(|| digests.to_vec())
        }))
    }
}
