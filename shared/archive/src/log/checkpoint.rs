//! A checkpoint: how long the log is and its root, signed by central (C2SP tlog-checkpoint, a C2SP signed note).
//!
//! ```text
//! amethyst-log/000102030405060708090a0b0c0d0e0f
//! 20852163
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//!
//! — amethyst-log/000102030405060708090a0b0c0d0e0f Az3grlgt...
//! ```
//! Other witnesses may add lines below central's; they are kept as they stand, and central's alone is judged here.

use base64ct::{Base64, Encoding as _};
use seal::VerifyingKey;
use sha2::{Digest as _, Sha256};
use shared::SiteId;

use super::tree::{Hash, LEAVES_MAX, empty_root, verifies_consistency};
use crate::{ArchiveError, Result, hex};

/// Every origin begins so. It is also the label under which central signs: the signed text begins with it.
const ORIGIN: &str = "amethyst-log/";
const DASH: &str = "\u{2014} ";
/// A checkpoint with hundreds of witnesses is shorter.
const LEN_MAX: usize = 64 << 10;
/// Ed25519 in signed notes.
const ALGORITHM: u8 = 1;

/// The length of the log and its root at some time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// Whose log.
    pub site_id: SiteId,
    /// So many leaves.
    pub leaves: u64,
    /// The root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// Returns the checkpoint of a log without leaves.
    #[must_use]
    pub fn empty(site_id: SiteId) -> Self {
        Self { site_id, leaves: 0, root: empty_root() }
    }

    /// Signs the checkpoint as the one behind `last`: `proof` must show that the log was continued and not changed. `sign` signs
    /// a label followed by bytes with central's key, whose public half is `key`.
    ///
    /// # Errors
    /// [`ArchiveError::Inconsistent`] if it does not. Nothing is signed then: two histories must never both have a signature.
    pub fn sign_after(
        &self,
        last: &Self,
        proof: &[Hash],
        key: &VerifyingKey,
        sign: impl FnOnce(&str, &[u8]) -> [u8; 64],
    ) -> Result<String> {
        if !self.continues(last, proof) {
            return Err(ArchiveError::Inconsistent { old: last.leaves, new: self.leaves });
        }
        let text = self.text();
        let signature = sign(ORIGIN, text.get(ORIGIN.len()..).unwrap_or_default().as_bytes());
        let origin = self.origin();
        let signed = [key_hash(&origin, key).as_slice(), &signature].concat();
        Ok(format!("{text}\n{DASH}{origin} {}\n", Base64::encode_string(&signed)))
    }

    /// Tells whether `proof` shows that this log is the one of `old`, continued.
    #[must_use]
    pub fn continues(&self, old: &Self, proof: &[Hash]) -> bool {
        self.site_id == old.site_id
            && verifies_consistency((old.leaves, &old.root), (self.leaves, &self.root), proof)
    }

    /// Reads a checkpoint and verifies central's signature.
    ///
    /// # Errors
    /// A text that is no checkpoint, another site's, or one that central's key did not sign.
    pub fn open(note: &str, key: &VerifyingKey) -> Result<Self> {
        let wrong = |what| ArchiveError::Document("the checkpoint", what);
        let (checkpoint, signatures) = split(note).ok_or_else(|| wrong("its form"))?;
        let (text, origin) = (checkpoint.text(), checkpoint.origin());
        let id = key_hash(&origin, key);
        let by_central = signatures.lines().find_map(|line| {
            let (name, sum) = line.strip_prefix(DASH)?.rsplit_once(' ')?;
            let signed = Base64::decode_vec(sum).ok()?;
            let (known, signature) = signed.split_first_chunk::<4>()?;
            (name == origin && *known == id).then(|| signature.try_into().ok())?
        });
        let signature: [u8; 64] = by_central.ok_or_else(|| wrong("it has no signature of central"))?;
        if key.verifies(ORIGIN, text.get(ORIGIN.len()..).unwrap_or_default().as_bytes(), &signature) {
            Ok(checkpoint)
        } else {
            Err(wrong("its signature does not verify"))
        }
    }

    /// Reads a checkpoint without judging who signed it, to compare two.
    ///
    /// # Errors
    /// A text that is no checkpoint.
    pub fn peek(note: &str) -> Result<Self> {
        let read = split(note).map(|(checkpoint, _)| checkpoint);
        read.ok_or(ArchiveError::Document("the checkpoint", "its form"))
    }

    /// Returns the name of its file in an archive.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("checkpoint-{}.txt", self.leaves)
    }

    fn origin(&self) -> String {
        format!("{ORIGIN}{}", hex(self.site_id.bytes()))
    }

    fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin(), self.leaves, Base64::encode_string(&self.root))
    }
}

/// The key's id in signed notes: the first four bytes of SHA-256(name || "\n" || algorithm || public key).
fn key_hash(name: &str, key: &VerifyingKey) -> [u8; 4] {
    let sum = Sha256::new()
        .chain_update(name)
        .chain_update(b"\n")
        .chain_update([ALGORITHM])
        .chain_update(key.to_bytes())
        .finalize();
    sum.first_chunk().copied().unwrap_or_default()
}

fn split(note: &str) -> Option<(Checkpoint, &str)> {
    if note.len() > LEN_MAX {
        return None;
    }
    let (text, signatures) = note.split_once("\n\n")?;
    let mut lines = text.split('\n');
    let site_id = lines.next()?.strip_prefix(ORIGIN)?.parse().ok()?;
    let leaves = lines.next()?.parse().ok().filter(|n| *n <= LEAVES_MAX)?;
    let root = Base64::decode_vec(lines.next()?).ok()?.try_into().ok()?;
    let checkpoint = Checkpoint { site_id, leaves, root };
    // One form only: what was read is what is written. Central adds no extension lines.
    let whole = checkpoint.text().strip_suffix('\n') == Some(text);
    (whole && signatures.ends_with('\n')).then_some((checkpoint, signatures))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use seal::SigningKey;

    fn key() -> SigningKey {
        SigningKey::from_seed(&[9; 32])
    }

    fn first() -> Checkpoint {
        Checkpoint { site_id: SiteId([1; 16]), leaves: 1, root: [2; 32] }
    }

    fn signed(new: &Checkpoint, last: &Checkpoint) -> Result<String> {
        new.sign_after(last, &[], &key().verifying_key(), |label, bytes| key().sign(label, bytes))
    }

    fn note() -> String {
        signed(&first(), &Checkpoint::empty(SiteId([1; 16]))).unwrap()
    }

    #[test]
    fn it_comes_back_signed_and_every_altered_byte_is_refused() {
        let (note, public) = (note(), key().verifying_key());
        assert_eq!(Checkpoint::open(&note, &public).unwrap(), first());
        for at in 0..note.len() {
            let mut bytes = note.clone().into_bytes();
            let Some(byte) = bytes.get_mut(at) else { continue };
            *byte ^= 1;
            let Ok(altered) = String::from_utf8(bytes) else { continue };
            assert!(Checkpoint::open(&altered, &public).is_err(), "byte {at}");
        }
        assert!(Checkpoint::open(&note, &SigningKey::from_seed(&[8; 32]).verifying_key()).is_err());
    }

    #[test]
    fn a_witness_may_add_a_line() {
        let text = format!("{}{DASH}witness.example AAAAAAAA\n", note());
        assert_eq!(Checkpoint::open(&text, &key().verifying_key()).unwrap(), first());
    }

    #[test]
    fn another_history_is_never_signed() {
        let other = Checkpoint { root: [3; 32], ..first() };
        let shorter = Checkpoint::empty(SiteId([1; 16]));
        for new in [other, shorter, Checkpoint { site_id: SiteId([2; 16]), ..first() }] {
            assert!(matches!(signed(&new, &first()), Err(ArchiveError::Inconsistent { .. })));
        }
    }
}
