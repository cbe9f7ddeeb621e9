//! The public list of day keys, `site/daykeys-<gen8>.json`: to whom a recorder seals on which day. Signed by central.

use serde::{Deserialize, Serialize};
use shared::{Day, SiteId, UtcMicros};

use crate::fields::{hex, unhex};
use crate::keys::{KeyId, RecipientKey, RecipientType, SigningKey, VerifyingKey};
use crate::{Result, SealError, signed_json};

const LABEL: &str = "amethyst/seal/day-keys/v1";
const FORMAT: &str = "amethyst day keys 1";
/// Forty years of days, twice.
const KEYS_MAX: usize = 30_000;

/// The public key of one civil day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DayKey {
    /// The day in the site's zone.
    pub day: Day,
    /// To whom recordings of that day are sealed.
    pub key: RecipientKey,
}

/// A verified list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DayKeyList {
    /// Which site.
    pub site_id: SiteId,
    /// Counts up; a recorder keeps the highest.
    pub generation: u64,
    /// When it was made.
    pub created: UtcMicros,
    /// By day; several keys of one day are possible after a change of suite, the last counts.
    pub keys: Vec<DayKey>,
}

#[derive(Serialize, Deserialize)]
struct Body {
    format: String,
    site_id: String,
    generation: u64,
    created_us: i64,
    signer: String,
    keys: Vec<Line>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    day: String,
    #[serde(rename = "type")]
    kind: u8,
    key_id: String,
    public: String,
}

impl DayKeyList {
    /// Returns the file's name in `site/`.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("daykeys-{:08}.json", self.generation)
    }

    /// Writes and signs the list.
    ///
    /// # Errors
    /// None that a list of keys can cause.
    pub fn sign(&self, key: &SigningKey) -> Result<Vec<u8>> {
        let line = |k: &DayKey| Line {
            day: k.day.to_string(),
            kind: k.key.kind().number(),
            key_id: k.key.key_id().to_string(),
            public: hex(k.key.public()),
        };
        let body = Body {
            format: FORMAT.to_owned(),
            site_id: hex(self.site_id.bytes()),
            generation: self.generation,
            created_us: self.created.0,
            signer: key.key_id().to_string(),
            keys: self.keys.iter().map(line).collect(),
        };
        signed_json::sign(LABEL, &body, key)
    }

    /// Verifies and reads a list of this site.
    ///
    /// # Errors
    /// A signature that is not of `key`, another site, a key that is none or does not fit its id.
    pub fn open(bytes: &[u8], site: &SiteId, key: &VerifyingKey) -> Result<Self> {
        let body: Body = signed_json::open(LABEL, bytes, key)?;
        if body.format != FORMAT || body.keys.len() > KEYS_MAX {
            return Err(SealError::Document("it is no list of day keys of this format"));
        }
        let site_id = body.site_id.parse().map_err(|_no_id| SealError::Document("its site is wrong"))?;
        if site_id != *site {
            return Err(SealError::Document("it belongs to another site"));
        }
        let keys = body.keys.iter().map(read_line).collect::<Result<_>>()?;
        Ok(Self { site_id, generation: body.generation, created: UtcMicros(body.created_us), keys })
    }

    /// Returns the key for `day`; without one the newest there is. `true` says that the
    /// list has run out and an alarm is due.
    #[must_use]
    pub fn for_day(&self, day: Day) -> Option<(&DayKey, bool)> {
        let exact = self.keys.iter().rfind(|k| k.day == day).map(|k| (k, false));
        let newest = || self.keys.iter().max_by_key(|k| k.day).map(|k| (k, true));
        exact.or_else(newest)
    }
}

fn read_line(line: &Line) -> Result<DayKey> {
    let wrong = || SealError::Document("a key is wrong");
    let day = line.day.parse().map_err(|_no_day| wrong())?;
    let kind = RecipientType::from_number(line.kind).ok_or_else(wrong)?;
    let key = RecipientKey::from_public(kind, &unhex(&line.public).ok_or_else(wrong)?)?;
    let id: [u8; 8] = unhex(&line.key_id).and_then(|b| b.try_into().ok()).ok_or_else(wrong)?;
    if key.key_id() == KeyId(id) { Ok(DayKey { day, key }) } else { Err(wrong()) }
}
