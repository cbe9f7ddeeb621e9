//! `site.json`: what never changes about a site. Written once; its hash stands in every slot of the daily login.

use seal::{RecipientKey, RecipientType, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shared::{Day, SiteId, Zone};

use crate::{ArchiveError, Result, hex, unhex};

const FORMAT: &str = "amethyst site 1";

/// What never changes about a site.
#[derive(Clone, Debug)]
pub struct SiteJson {
    /// Which site.
    pub site_id: SiteId,
    /// Its zone: all civil days are days of this zone.
    pub zone: Zone,
    /// The key that signs central's certificate; its private half is on paper.
    pub root_key: VerifyingKey,
    /// To whom backups are sealed; always X-Wing. Its private half is on paper.
    pub recovery_key: RecipientKey,
    /// The weakest recipient that files of this site may have.
    pub min_suite: RecipientType,
    /// The day on which the site was made.
    pub commissioned: Day,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    format: String,
    site_id: String,
    zone: String,
    root_public_key: String,
    recovery_public_key: String,
    min_suite: u8,
    commissioned: String,
}

impl SiteJson {
    /// Writes the file: one form only, so that its hash names it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let body = Body {
            format: FORMAT.to_owned(),
            site_id: hex(self.site_id.bytes()),
            zone: self.zone.name().to_owned(),
            root_public_key: hex(&self.root_key.to_bytes()),
            recovery_public_key: hex(self.recovery_key.public()),
            min_suite: self.min_suite.number(),
            commissioned: self.commissioned.to_string(),
        };
        let mut bytes = serde_json::to_vec_pretty(&body).expect("texts and a number are always JSON");
        bytes.push(b'\n');
        bytes
    }

    /// Reads the file. Bytes that [`SiteJson::to_bytes`] would not have written are refused.
    ///
    /// # Errors
    /// The member that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let wrong = |what| ArchiveError::Document("site.json", what);
        let body: Body = serde_json::from_slice(bytes).map_err(|_not_json| wrong("its members"))?;
        if body.format != FORMAT {
            return Err(wrong("its format"));
        }
        let root: Option<[u8; 32]> = unhex(&body.root_public_key).and_then(|b| b.try_into().ok());
        let recovery = unhex(&body.recovery_public_key).ok_or_else(|| wrong("the recovery key"))?;
        let site = Self {
            site_id: body.site_id.parse().map_err(|_no_id| wrong("the site id"))?,
            zone: Zone::named(&body.zone).map_err(|_unknown| wrong("the zone"))?,
            root_key: VerifyingKey::from_bytes(&root.ok_or_else(|| wrong("the root key"))?)?,
            recovery_key: RecipientKey::from_public(RecipientType::XWing, &recovery)?,
            min_suite: RecipientType::from_number(body.min_suite).ok_or_else(|| wrong("min_suite"))?,
            commissioned: body.commissioned.parse().map_err(|_no_day| wrong("the day"))?,
        };
        if site.to_bytes() == bytes { Ok(site) } else { Err(wrong("its form; it was edited")) }
    }

    /// Returns the hash by which slots and vaults name the file.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.to_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use seal::{RecipientSecret, SigningKey};

    fn site() -> SiteJson {
        SiteJson {
            site_id: SiteId([3; 16]),
            zone: Zone::named("Africa/Johannesburg").unwrap(),
            root_key: SigningKey::from_seed(&[4; 32]).verifying_key(),
            recovery_key: RecipientSecret::from_seed(RecipientType::XWing, [5; 32]).public().unwrap(),
            min_suite: RecipientType::XWing,
            commissioned: Day::from_yyyymmdd(20_261_122).unwrap(),
        }
    }

    #[test]
    fn it_comes_back_and_has_one_form() {
        let bytes = site().to_bytes();
        let read = SiteJson::parse(&bytes).unwrap();
        assert_eq!(read.digest(), site().digest());
        assert_eq!(read.to_bytes(), bytes);
        let text = String::from_utf8(bytes).unwrap();
        for edited in [
            text.replace(": ", ":"),
            text.replace("\"min_suite\": 2", "\"min_suite\": 3"),
            text.replace("Johannesburg", "Nowhere"),
            format!("{text} "),
        ] {
            assert!(SiteJson::parse(edited.as_bytes()).is_err(), "{edited}");
        }
    }
}
