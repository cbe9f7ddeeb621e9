//! The receipt: the central's signature that it holds a part, durable, in its catalogue and in the transparency log.

use seal::{SigningKey, VerifyingKey};
use shared::{RecorderId, RecordingId, SiteId};

const LABEL: &str = "amethyst/transfer/receipt/v1";

/// What the central signs for. The satellite fills it from **its own** file and key store and takes nothing but `leaf` and the
/// signature from the wire, so a receipt for other bytes, another part or another satellite does not verify.
///
/// Signed bytes: label || site 16 || recorder 16 || recording 16 || part u16 || size u64 || sha256 32 || blake3 32 || leaf u64,
/// numbers little-endian. The digests are those of the trailer: of everything before it; the trailer is signed by the satellite.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// The site.
    pub site_id: SiteId,
    /// Who sealed the part.
    pub recorder_id: RecorderId,
    /// Whose part.
    pub recording_id: RecordingId,
    /// Which part.
    pub part: u16,
    /// Its length in bytes, trailer included.
    pub size: u64,
    /// SHA-256 of everything before the trailer.
    pub sha256: [u8; 32],
    /// BLAKE3 of the same.
    pub blake3: [u8; 32],
    /// The index of its leaf in the transparency log.
    pub leaf: u64,
}

impl Receipt {
    /// Signs it with the central's key.
    #[must_use]
    pub fn sign(&self, central: &SigningKey) -> [u8; 64] {
        central.sign(LABEL, &self.message())
    }

    /// Says whether the central signed exactly this.
    #[must_use]
    pub fn verifies(&self, signature: &[u8; 64], central: &VerifyingKey) -> bool {
        central.verifies(LABEL, &self.message(), signature)
    }

    fn message(&self) -> Vec<u8> {
        [
            self.site_id.bytes().as_slice(),
            self.recorder_id.bytes(),
            self.recording_id.bytes(),
            &self.part.to_le_bytes(),
            &self.size.to_le_bytes(),
            &self.sha256,
            &self.blake3,
            &self.leaf.to_le_bytes(),
        ]
        .concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_for_one_part_of_one_satellite_in_one_place_of_the_log() {
        let key = SigningKey::from_seed(&[7; 32]);
        let receipt = Receipt {
            site_id: SiteId([1; 16]),
            recorder_id: RecorderId([2; 16]),
            recording_id: RecordingId([3; 16]),
            part: 4,
            size: 5,
            sha256: [6; 32],
            blake3: [7; 32],
            leaf: 8,
        };
        let signature = receipt.sign(&key);
        let holds = |receipt: Receipt| receipt.verifies(&signature, &key.verifying_key());
        assert!(holds(receipt));
        let others = [
            Receipt { site_id: SiteId([9; 16]), ..receipt },
            Receipt { recorder_id: RecorderId([9; 16]), ..receipt },
            Receipt { recording_id: RecordingId([9; 16]), ..receipt },
            Receipt { part: 9, ..receipt },
            Receipt { size: 9, ..receipt },
            Receipt { sha256: [9; 32], ..receipt },
            Receipt { blake3: [9; 32], ..receipt },
            Receipt { leaf: 9, ..receipt },
        ];
        for other in others {
            assert!(!holds(other), "{other:?}");
        }
        assert!(
            !receipt.verifies(&signature, &SigningKey::from_seed(&[8; 32]).verifying_key()),
            "another central"
        );
    }
}
