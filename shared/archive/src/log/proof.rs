//! A proof that something is in the log, as a file that anybody may keep and verify without the server (C2SP tlog-proof).
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra <the leaf, base64>
//! index 41
//! <hashes of the way to the root, base64, one a line>
//!
//! <the checkpoint, a signed note>
//! ```

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64, Encoding as _};
use seal::VerifyingKey;

use super::checkpoint::Checkpoint;
use super::leaf::{LEAF_MAX, Leaf};
use super::tree::{Hash, leaf_hash, verifies_inclusion};
use crate::{ArchiveError, Result};

const FIRST: &str = "c2sp.org/tlog-proof@v1";
/// No way to a root is longer.
const PATH_MAX: usize = 63;
/// Longer texts are no proofs.
const LEN_MAX: usize = 128 << 10;

/// Shows that a leaf is in the log of a checkpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proof {
    /// The leaf's place.
    pub index: u64,
    /// The leaf.
    pub leaf: Vec<u8>,
    /// The way from the leaf to the root (RFC 6962, section 2.1.1).
    pub path: Vec<Hash>,
    /// The signed length and root.
    pub checkpoint: String,
}

impl Proof {
    /// Verifies the proof for its checkpoint, which `key` must have signed, and returns what it proves.
    ///
    /// # Errors
    /// A signature or a way that does not hold, or a leaf that is none.
    pub fn verify(&self, key: &VerifyingKey) -> Result<(Leaf, Checkpoint)> {
        let signed = Checkpoint::open(&self.checkpoint, key)?;
        if !verifies_inclusion(&leaf_hash(&self.leaf), self.index, signed.leaves, &signed.root, &self.path) {
            return Err(wrong("it does not lead to the root of its checkpoint"));
        }
        Ok((Leaf::parse(&self.leaf)?, signed))
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST}\nextra {}\nindex {}", Base64::encode_string(&self.leaf), self.index)?;
        for hash in &self.path {
            writeln!(f, "{}", Base64::encode_string(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for Proof {
    type Err = ArchiveError;

    fn from_str(text: &str) -> Result<Self> {
        let (head, checkpoint) = text.split_once("\n\n").ok_or_else(|| wrong("its form"))?;
        let mut lines = head.lines();
        let read = (text.len() <= LEN_MAX && lines.next() == Some(FIRST)).then(|| {
            let leaf = Base64::decode_vec(lines.next()?.strip_prefix("extra ")?).ok()?;
            let index = lines.next()?.strip_prefix("index ")?.parse().ok()?;
            let hash = |line: &str| Base64::decode_vec(line).ok()?.try_into().ok();
            let path: Vec<Hash> = lines.take(PATH_MAX.saturating_add(1)).map(hash).collect::<Option<_>>()?;
            let fits = leaf.len() <= LEAF_MAX && path.len() <= PATH_MAX;
            fits.then(|| Self { index, leaf, path, checkpoint: checkpoint.to_owned() })
        });
        read.flatten().ok_or_else(|| wrong("its form"))
    }
}

const fn wrong(what: &'static str) -> ArchiveError {
    ArchiveError::Document("the proof", what)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::super::leaf::{Act, HoldAct};
    use super::super::tree::Frontier;
    use super::*;
    use seal::SigningKey;
    use shared::{SiteId, UtcMicros};

    #[test]
    fn a_proof_comes_back_as_text_and_every_altered_byte_is_refused() {
        let key = SigningKey::from_seed(&[9; 32]);
        let (hold_id, scope, second) = ([1; 16], [2; 32], [3; 16]);
        let act = Act::Hold { hold_id, action: HoldAct::Place, review_day: 0, scope, second };
        let leaf = Leaf { at: UtcMicros(1), actor: [4; 16], act };
        let mut edge = Frontier::default();
        edge.append([7; 32]);
        let bytes = leaf.to_bytes();
        edge.append(leaf_hash(&bytes));
        let site = SiteId([1; 16]);
        let signed = Checkpoint { site_id: site, leaves: 2, root: edge.root() };
        let checkpoint =
            signed.sign_after(&Checkpoint::empty(site), &[], &key.verifying_key(), |label, bytes| {
                key.sign(label, bytes)
            });
        let checkpoint = checkpoint.unwrap();
        let proof = Proof { index: 1, leaf: bytes, path: vec![[7; 32]], checkpoint };
        let text = proof.to_string();
        let read: Proof = text.parse().unwrap();
        assert_eq!(read, proof);
        assert_eq!(read.verify(&key.verifying_key()).unwrap(), (leaf, signed));
        for at in 0..text.len() {
            let mut altered = text.clone().into_bytes();
            if let Some(byte) = altered.get_mut(at) {
                *byte ^= 1;
            }
            let Ok(altered) = String::from_utf8(altered) else { continue };
            let holds = altered.parse::<Proof>().and_then(|proof| proof.verify(&key.verifying_key()));
            assert!(holds.is_err(), "byte {at}");
        }
    }
}
