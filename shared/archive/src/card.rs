//! `AMETHYST-ARCHIVE.json`, the location card: which location of which site this medium serves. Signed by central.
//!
//! A card is written once. Another medium of the same location has another `media_id`; the same medium formatted or adopted
//! again has a higher generation, so that a clone or an old copy of a drive is told from the drive itself.

use seal::{SigningKey, VerifyingKey, signed_json};
use serde::{Deserialize, Serialize};
use shared::{LocationId, MediaId, SiteId, UtcMicros};

use crate::{ArchiveError, Result, hex};

/// The card's name, in the root of the archive.
pub const CARD_NAME: &str = "AMETHYST-ARCHIVE.json";

const LABEL: &str = "amethyst/archive/card/v1";
const FORMAT: &str = "amethyst archive 1";
/// A card is a few hundred bytes.
pub const CARD_MAX: usize = 16 << 10;

/// Which medium of which location of which site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Card {
    /// Whose archive.
    pub site_id: SiteId,
    /// Which configured place.
    pub location_id: LocationId,
    /// Which drive, share or bucket.
    pub media_id: MediaId,
    /// Raised each time the medium is formatted or adopted; from 1.
    pub media_gen: u32,
    /// When it was prepared.
    pub created: UtcMicros,
}

#[derive(Serialize, Deserialize)]
struct Body {
    format: String,
    site_id: String,
    location_id: String,
    media_id: String,
    media_gen: u32,
    created_us: i64,
}

impl Card {
    /// Writes and signs the card.
    ///
    /// # Errors
    /// None that a card can cause.
    pub fn sign(&self, key: &SigningKey) -> Result<Vec<u8>> {
        let body = Body {
            format: FORMAT.to_owned(),
            site_id: hex(self.site_id.bytes()),
            location_id: hex(self.location_id.bytes()),
            media_id: hex(self.media_id.bytes()),
            media_gen: self.media_gen,
            created_us: self.created.0,
        };
        Ok(signed_json::sign(LABEL, &body, key)?)
    }

    /// Reads a card and verifies its signature.
    ///
    /// # Errors
    /// A damaged card, one of a newer version, or one that `key` did not sign.
    pub fn open(bytes: &[u8], key: &VerifyingKey) -> Result<Self> {
        let wrong = |what| ArchiveError::Document("the location card", what);
        if bytes.len() > CARD_MAX {
            return Err(wrong("it is too long"));
        }
        let body: Body = signed_json::open(LABEL, bytes, key)?;
        if body.format != FORMAT {
            return Err(wrong("its format"));
        }
        Ok(Self {
            site_id: body.site_id.parse().map_err(|_no_id| wrong("the site id"))?,
            location_id: body.location_id.parse().map_err(|_no_id| wrong("the location id"))?,
            media_id: body.media_id.parse().map_err(|_no_id| wrong("the medium id"))?,
            media_gen: body.media_gen,
            created: UtcMicros(body.created_us),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn a_card_comes_back_and_every_altered_byte_is_refused() {
        let key = SigningKey::from_seed(&[1; 32]);
        let card = Card {
            site_id: SiteId([2; 16]),
            location_id: LocationId([3; 16]),
            media_id: MediaId([4; 16]),
            media_gen: 5,
            created: UtcMicros(6),
        };
        let bytes = card.sign(&key).unwrap();
        assert_eq!(Card::open(&bytes, &key.verifying_key()).unwrap(), card);
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            assert!(Card::open(&altered, &key.verifying_key()).is_err(), "byte {at}");
        }
        assert!(Card::open(&bytes, &SigningKey::from_seed(&[9; 32]).verifying_key()).is_err());
    }
}
