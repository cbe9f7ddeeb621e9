//! What a run needs of the site: who it is, who signs, to whom files are sealed. No key that opens recordings passes here.

use archive::SiteJson;
use rand_core::CryptoRng;
use seal::{KeyId, RecipientKey, SigningKey, VerifyingKey};
use shared::{Day, RecordingId, SiteId, UtcMicros};

use crate::Result;

/// A small file of the archive's root folder or of `keys/`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyFile {
    /// Its path from the root folder.
    pub path: String,
    /// Its content, public or sealed.
    pub bytes: Vec<u8>,
}

/// What the site is told when it makes the files of `keys/`.
#[derive(Clone, Debug)]
pub struct KeysAsked {
    /// A number that no other run of this site ever got.
    pub generation: u64,
    /// The day in the site's zone.
    pub today: Day,
    /// The time.
    pub now: UtcMicros,
    /// The newest slot file on the medium, to be carried on.
    pub slots: Option<Vec<u8>>,
    /// The checkpoint that lies there.
    pub checkpoint: String,
    /// Recordings that were destroyed alone, with their days.
    pub tombstones: Vec<(RecordingId, Day)>,
}

/// The site, as far as archiving needs it.
pub trait Central: Sync {
    /// Returns what never changes about the site.
    fn site(&self) -> &SiteJson;
    /// Returns the bytes of `site.json`.
    fn site_json(&self) -> &[u8];
    /// Returns central's signing key.
    fn signing_key(&self) -> &SigningKey;
    /// Returns every key that the root certified for central. Cards and checkpoints of before a restore were signed by older ones.
    fn central_keys(&self) -> Vec<VerifyingKey> {
        vec![self.signing_key().verifying_key()]
    }
    /// Finds a certified key.
    fn certified(&self, id: KeyId) -> Option<VerifyingKey>;
    /// Returns the public key of a day.
    ///
    /// # Errors
    /// None could be made.
    fn recipient(&self, day: Day) -> Result<RecipientKey>;
    /// Makes slot file, key vault, recovery vault and certificates of one generation, and `README.txt`.
    ///
    /// # Errors
    /// What they are made of is not there.
    fn key_files(&self, asked: &KeysAsked) -> Result<Vec<KeyFile>>;
    /// Returns what a restore needs beside the database: configuration and public documents, as a bundle.
    ///
    /// # Errors
    /// They cannot be read.
    fn configuration(&self) -> Result<Vec<u8>>;
    /// Draws an identity.
    fn draw_id(&self) -> [u8; 16];
    /// Returns dice for sealing.
    fn dice(&self) -> Box<dyn CryptoRng>;
    /// Returns whose archive it is.
    fn site_id(&self) -> SiteId {
        self.site().site_id
    }
}
