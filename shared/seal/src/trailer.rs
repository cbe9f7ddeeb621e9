//! The trailer: the last 256 bytes of a part. Digests of everything before it, signed; without it a part is unfinished.

use shared::{RecordingId, UtcMicros};

use crate::Result;
use crate::error::SealError;
use crate::fields::Fields;
use crate::keys::{KeyId, SigningKey, VerifyingKey};

/// Length of the trailer in bytes.
pub const TRAILER_LEN: usize = 256;
pub(crate) const TRAILER_MAGIC: [u8; 8] = *b"AMXEND1\n";
const LABEL: &str = "amethyst/seal/trailer/v1";
const FLAG_RECOVERED: u32 = 1;
const FLAG_DAMAGED: u32 = 2;
const FLAG_CONTINUED: u32 = 4;

/// The digests and counts of a part that was closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TrailerFacts {
    /// Number of frames.
    pub frames: u32,
    /// Where FINAL begins; 0 in a recovered part.
    pub final_offset: u64,
    /// Bytes before the trailer.
    pub body_len: u64,
    /// BLAKE3 of those bytes.
    pub blake3: [u8; 32],
    /// SHA-256 of those bytes.
    pub sha256: [u8; 32],
}

/// A parsed trailer. What it says is worth what its signature is worth.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trailer {
    /// Closed by recovery after a crash, not by its sealer.
    pub recovered: bool,
    /// Has damaged bytes between whole frames.
    pub damaged_inside: bool,
    /// The recording goes on in a next part.
    pub continued: bool,
    /// Digests and counts.
    pub facts: TrailerFacts,
    /// When the part ended.
    pub end: UtcMicros,
    /// Who signed.
    pub signer: KeyId,
    /// The signature.
    pub signature: [u8; 64],
}

/// What a signature is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signer {
    /// It verifies under the known key of this id.
    Good(KeyId),
    /// It does not verify: somebody altered the trailer or pretends to be the signer.
    Bad(KeyId),
    /// No key of this id is known, so it says nothing.
    Unknown(KeyId),
}

impl Trailer {
    /// Parses the last 256 bytes of a file of `file_len` bytes.
    ///
    /// # Errors
    /// Bytes that no sealer writes there.
    pub fn parse(bytes: &[u8; TRAILER_LEN], file_len: u64) -> Result<Self> {
        let trailer = parse_fields(Fields(bytes)).ok_or(SealError::Trailer("it is no trailer"))?;
        let trailer = trailer.map_err(SealError::Trailer)?;
        if trailer.facts.body_len.checked_add(256) != Some(file_len) {
            return Err(SealError::Trailer("the file is not as long as it says"));
        }
        if (trailer.facts.final_offset == 0) != trailer.recovered {
            return Err(SealError::Trailer("only a recovered part is without FINAL"));
        }
        if trailer.damaged_inside && !trailer.recovered {
            return Err(SealError::Trailer("only a recovered part may be damaged inside"));
        }
        Ok(trailer)
    }

    /// Builds and signs a trailer.
    #[must_use]
    pub fn build(&mut self, recording: &RecordingId, part: u16, key: &SigningKey) -> [u8; TRAILER_LEN] {
        self.signer = key.key_id();
        self.signature = key.sign(LABEL, &self.message(recording, part));
        let mut out = [0; TRAILER_LEN];
        for (to, from) in out.iter_mut().zip(self.unsigned().into_iter().chain(self.signature)) {
            *to = from;
        }
        out
    }

    /// Judges the signature with the key that `known` has for its id.
    pub fn judge(
        &self,
        recording: &RecordingId,
        part: u16,
        known: &dyn Fn(KeyId) -> Option<VerifyingKey>,
    ) -> Signer {
        match known(self.signer) {
            None => Signer::Unknown(self.signer),
            Some(key) if key.key_id() != self.signer => Signer::Bad(self.signer),
            Some(key) if key.verifies(LABEL, &self.message(recording, part), &self.signature) => {
                Signer::Good(self.signer)
            }
            Some(_) => Signer::Bad(self.signer),
        }
    }

    fn message(&self, recording: &RecordingId, part: u16) -> Vec<u8> {
        [recording.bytes().as_slice(), &part.to_le_bytes(), &self.unsigned()].concat()
    }

    /// The first 192 bytes.
    fn unsigned(&self) -> Vec<u8> {
        let flag = |on, bit| if on { bit } else { 0 };
        let flags = flag(self.recovered, FLAG_RECOVERED)
            | flag(self.damaged_inside, FLAG_DAMAGED)
            | flag(self.continued, FLAG_CONTINUED);
        let mut out = Vec::with_capacity(TRAILER_LEN);
        out.extend_from_slice(&TRAILER_MAGIC);
        out.extend_from_slice(&flags.to_le_bytes());
        out.extend_from_slice(&self.facts.frames.to_le_bytes());
        out.extend_from_slice(&self.facts.final_offset.to_le_bytes());
        out.extend_from_slice(&self.facts.body_len.to_le_bytes());
        out.extend_from_slice(&self.facts.blake3);
        out.extend_from_slice(&self.facts.sha256);
        out.extend_from_slice(&self.end.0.to_le_bytes());
        out.extend_from_slice(&self.signer.0);
        out.resize(192, 0);
        out
    }
}

/// Returns the digest of a part's trailer, which the header of the next part names.
#[must_use]
pub fn trailer_digest(trailer: &[u8; TRAILER_LEN]) -> [u8; 32] {
    blake3::hash(trailer).into()
}

fn parse_fields(mut fields: Fields<'_>) -> Option<std::result::Result<Trailer, &'static str>> {
    if fields.array()? != TRAILER_MAGIC {
        return None;
    }
    let flags = fields.u32()?;
    let facts = TrailerFacts {
        frames: fields.u32()?,
        final_offset: fields.u64()?,
        body_len: fields.u64()?,
        blake3: fields.array()?,
        sha256: fields.array()?,
    };
    let end = UtcMicros(fields.i64()?);
    let signer = KeyId(fields.array()?);
    if !fields.zeros(80)? {
        return Some(Err("bytes 112 to 191 are reserved"));
    }
    if flags & !(FLAG_RECOVERED | FLAG_DAMAGED | FLAG_CONTINUED) != 0 {
        return Some(Err("unknown flags"));
    }
    Some(Ok(Trailer {
        recovered: flags & FLAG_RECOVERED != 0,
        damaged_inside: flags & FLAG_DAMAGED != 0,
        continued: flags & FLAG_CONTINUED != 0,
        facts,
        end,
        signer,
        signature: fields.array()?,
    }))
}
