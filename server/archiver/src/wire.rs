//! Bytes inside JSON lines, as base64.

/// For `#[serde(with = "...")]`.
pub(crate) mod base64 {
    use base64ct::{Base64, Encoding as _};
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&Base64::encode_string(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        Base64::decode_vec(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}
