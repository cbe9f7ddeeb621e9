//! What central says about keys and settings: signed documents, each worth what its signature is worth up to the site's root.
//!
//! A satellite that was handed a document by a captured central does nothing that the root has not certified: keys to seal to come
//! from a list signed by a key that the root certified for central, certificates are verified from the root down, and nothing
//! older replaces something newer.

use archive::SiteJson;
use archive::certs::Certs;
use seal::{DayKeyList, SigningKey, VerifyingKey, signed_json};
use serde::{Deserialize, Serialize};
use shared::{RecorderId, SiteId};

const LABEL: &str = "amethyst/transfer/configuration/v1";
const FORMAT: &str = "amethyst configuration 1";

/// A document that verified.
#[derive(Clone, Debug)]
pub enum Document {
    /// To whom is sealed on which day.
    DayKeys(DayKeyList),
    /// How this satellite records.
    Configuration(Configuration),
    /// Who is who at the site.
    Certs(Certs),
}

/// How one satellite records: what it listens on, which calls, how.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Configuration {
    format: String,
    site_id: String,
    recorder_id: String,
    /// Counts up; a satellite keeps the highest.
    pub version: u64,
    /// The text of its `amethyst.toml`.
    pub settings: String,
}

/// Why a document is not followed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is none that this version knows.
    #[error("central sent a document that this version does not know: {0}")]
    Unknown(String),
    /// It does not verify.
    #[error(
        "central sent {what} that the site's root does not vouch for: {why}. It is not followed, and recording goes on as it was. \
         If nobody knows why, treat the central as captured"
    )]
    Unproven {
        /// Which.
        what: &'static str,
        /// Why.
        why: String,
    },
}

/// What a satellite believes.
#[derive(Clone, Debug)]
pub struct Trust {
    /// What never changes about the site.
    pub site: SiteJson,
    /// The newest certificates.
    pub certs: Certs,
    /// Who it is itself.
    pub who: RecorderId,
}

#[derive(Deserialize)]
struct Head {
    format: String,
}

impl Configuration {
    /// Makes a configuration for one satellite.
    #[must_use]
    pub fn new(site: &SiteId, who: RecorderId, version: u64, settings: String) -> Self {
        let hex = |bytes: &[u8]| seal::fields::hex(bytes);
        let (site_id, recorder_id) = (hex(site.bytes()), hex(who.bytes()));
        Self { format: FORMAT.to_owned(), site_id, recorder_id, version, settings }
    }

    /// Signs it with central's key.
    ///
    /// # Errors
    /// None that a configuration can cause.
    pub fn sign(&self, central: &SigningKey) -> Result<Vec<u8>, seal::SealError> {
        signed_json::sign(LABEL, self, central)
    }
}

impl Trust {
    /// Verifies a document.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn open(&self, bytes: &[u8]) -> Result<Document, DocumentError> {
        let unknown = |what: &str| DocumentError::Unknown(what.chars().take(60).collect());
        let head: Head = serde_json::from_slice(bytes).map_err(|_not_json| unknown("it is not JSON"))?;
        match head.format.as_str() {
            "amethyst day keys 1" => self.day_keys(bytes).map(Document::DayKeys),
            FORMAT => self.configuration(bytes).map(Document::Configuration),
            "amethyst certificates 1" => self.new_certs(bytes).map(Document::Certs),
            other => Err(unknown(other)),
        }
    }

    /// The keys that the root certified for central.
    pub fn central_keys(&self) -> impl Iterator<Item = VerifyingKey> + '_ {
        self.certs.central_keys()
    }

    fn day_keys(&self, bytes: &[u8]) -> Result<DayKeyList, DocumentError> {
        let what = "day keys";
        let list = self.signed(what, |key| DayKeyList::open(bytes, &self.site.site_id, key))?;
        if list.keys.is_empty() {
            return Err(DocumentError::Unproven { what, why: "there are none in it".into() });
        }
        if list.keys.iter().any(|day| day.key.kind() < self.site.min_suite) {
            let why = "one is of a kind that the site does not accept".into();
            return Err(DocumentError::Unproven { what, why });
        }
        Ok(list)
    }

    fn configuration(&self, bytes: &[u8]) -> Result<Configuration, DocumentError> {
        let what = "a configuration";
        let read: Configuration = self.signed(what, |key| signed_json::open(LABEL, bytes, key))?;
        let is_ours =
            read.site_id.parse() == Ok(self.site.site_id) && read.recorder_id.parse() == Ok(self.who);
        if read.format != FORMAT || !is_ours {
            return Err(DocumentError::Unproven { what, why: "it is meant for somebody else".into() });
        }
        Ok(read)
    }

    fn new_certs(&self, bytes: &[u8]) -> Result<Certs, DocumentError> {
        let unproven = |why: String| DocumentError::Unproven { what: "certificates", why };
        let certs = Certs::parse(bytes, &self.site.site_id, &self.site.root_key);
        let certs = certs.map_err(|e| unproven(e.to_string()))?;
        if certs.generation() < self.certs.generation() {
            return Err(unproven("they are older than those here".into()));
        }
        Ok(certs)
    }

    /// Tries each key that the root certified for central: there is one, and after a restore some more.
    fn signed<T>(
        &self,
        what: &'static str,
        open: impl Fn(&VerifyingKey) -> Result<T, seal::SealError>,
    ) -> Result<T, DocumentError> {
        let mut why = "no key of central is certified".to_owned();
        for key in self.central_keys() {
            match open(&key) {
                Ok(opened) => return Ok(opened),
                Err(e) => why = e.to_string(),
            }
        }
        Err(DocumentError::Unproven { what, why })
    }
}
