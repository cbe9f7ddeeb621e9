//! BLAKE3 and SHA-256 of everything written so far.
//!
//! BLAKE3 hashes eight chunks of 1 KiB side by side, but only where they begin at a multiple of 8 KiB. Frames of audio are
//! a little longer than 8,000 bytes and begin anywhere, so what does not fill such a stretch waits for the next frame: half the
//! cost. What waits takes little more memory than its length, 4.5 KiB on average, because thousands of recordings grow at once.

use sha2::{Digest as _, Sha256};

use crate::trailer::TrailerFacts;

/// Eight chunks of BLAKE3.
const ALIGNED: usize = 8 << 10;

/// Memory for what waits is taken in steps of this.
const STEP: usize = 1 << 10;

/// Both digests.
#[derive(Clone, Default)]
pub(crate) struct Digests {
    blake3: blake3::Hasher,
    sha256: Sha256,
    /// What BLAKE3 has not seen yet: always less than [`ALIGNED`], and what it has seen is a multiple of that.
    waiting: Vec<u8>,
}

impl Digests {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        let mut rest = bytes;
        if !self.waiting.is_empty() {
            let mut stretch = [0; ALIGNED];
            let room = stretch.split_at_mut_checked(self.waiting.len()).and_then(|(begun, room)| {
                begun.copy_from_slice(&self.waiting);
                Some((rest.split_at_checked(room.len())?, room))
            });
            let Some(((head, tail), room)) = room else {
                self.waiting.reserve_exact(rest.len());
                self.waiting.extend_from_slice(rest);
                return;
            };
            room.copy_from_slice(head);
            self.blake3.update(&stretch);
            rest = tail;
        }
        let aligned = rest.len() & !(ALIGNED - 1);
        let (now, later) = rest.split_at(aligned);
        self.blake3.update(now);
        // In steps, so that what one recording gives back fits the next.
        let mut waiting = Vec::with_capacity(later.len().next_multiple_of(STEP));
        waiting.extend_from_slice(later);
        self.waiting = waiting;
    }

    pub(crate) fn facts(&self, frames: u32, final_offset: u64, body_len: u64) -> TrailerFacts {
        let blake3 = self.blake3.clone().update(&self.waiting).finalize().into();
        let sha256 = self.sha256.clone().finalize().into();
        TrailerFacts { frames, final_offset, body_len, blake3, sha256 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_any_size_give_the_digests_of_the_whole() {
        let bytes: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        let whole = (*blake3::hash(&bytes).as_bytes(), <[u8; 32]>::from(Sha256::digest(&bytes)));
        for size in [1, 63, 1_024, 8_118, 8_191, 8_192, 8_193, 16_384, 40_000, 100_000] {
            let mut digests = Digests::default();
            bytes.chunks(size).for_each(|piece| digests.update(piece));
            let facts = digests.facts(0, 0, 0);
            assert_eq!((facts.blake3, facts.sha256), whole, "pieces of {size}");
        }
    }
}
