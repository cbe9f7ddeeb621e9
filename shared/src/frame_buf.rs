//! The buffer in which audio travels from the wire to the sealed frame without being copied again.
//!
//! A payload is copied once, out of the capture ring, into a `FrameBuf`. The buffer keeps room in front of it for the
//! frame head and the run list, and behind it for the tag, so that the sealer works in place.

use zeroize::Zeroize as _;

/// Octets kept free in front of the payload: frame head (32) and the run list of the usual case.
pub const HEADROOM: usize = 96;
/// Octets kept free behind the payload: the authentication tag.
pub const TAILROOM: usize = 16;

/// An owned byte buffer with [`HEADROOM`] in front and [`TAILROOM`] behind its payload.
#[derive(Default, Clone, PartialEq, Eq)]
pub struct FrameBuf {
    /// Empty, or `HEADROOM` octets followed by the payload; the tail room is spare capacity.
    bytes: Vec<u8>,
}

impl Drop for FrameBuf {
    /// Overwrites it: what lies in memory that was given back lies there for hours.
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl std::fmt::Debug for FrameBuf {
    /// Shows the length only: audio is never printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FrameBuf({} bytes)", self.len())
    }
}

impl FrameBuf {
    /// Makes a buffer with room for `payload` octets before it has to grow.
    #[must_use]
    pub fn with_capacity(payload: usize) -> Self {
        let mut bytes = Vec::with_capacity(HEADROOM + payload + TAILROOM);
        bytes.resize(HEADROOM, 0);
        Self { bytes }
    }

    /// Appends payload octets.
    #[inline]
    pub fn push(&mut self, payload: &[u8]) {
        if self.bytes.is_empty() {
            self.bytes.resize(HEADROOM, 0);
        }
        if self.bytes.capacity().saturating_sub(self.bytes.len()) < payload.len() {
            self.grow(payload.len());
        }
        self.bytes.extend_from_slice(payload);
    }

    /// Makes room, and leaves nothing of what was said in the memory that is given back.
    #[cold]
    fn grow(&mut self, octets: usize) {
        let wanted = self.bytes.len().saturating_add(octets).saturating_add(TAILROOM);
        let mut larger = Vec::with_capacity(wanted.max(self.bytes.capacity().saturating_mul(2)));
        larger.extend_from_slice(&self.bytes);
        self.bytes.zeroize();
        self.bytes = larger;
    }

    /// Asks the processor to have the place of the next `octets` of payload at hand when they come.
    ///
    /// A second of sound of a thousand calls does not fit into a cache, so each packet is written to memory that is far away;
    /// between two packets of a call there is all the time in the world to fetch it. Costs three instructions, changes nothing.
    #[inline]
    pub fn await_push(&self, octets: usize) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
            const LINE: usize = 64;
            let at = self.bytes.as_ptr().wrapping_add(self.bytes.len()).cast::<i8>();
            let most = octets.min(self.bytes.capacity().saturating_sub(self.bytes.len())).min(4 * LINE);
            for ahead in (0..most).step_by(LINE) {
                #[allow(unsafe_code, reason = "the only way to prefetch; it reads and writes nothing")]
                // SAFETY: a prefetch is a hint: whatever the address, it touches no memory that the program can see.
                unsafe {
                    _mm_prefetch::<_MM_HINT_ET0>(at.wrapping_add(ahead));
                }
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _where_it_is_not_known_how = octets;
    }

    /// Returns the payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.bytes.get(HEADROOM..).unwrap_or_default()
    }

    /// Returns the number of payload octets.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len().saturating_sub(HEADROOM)
    }

    /// Returns the octets of payload for which there is room without growing.
    #[must_use]
    pub fn room(&self) -> usize {
        self.bytes.capacity().saturating_sub(HEADROOM + TAILROOM)
    }

    /// Tells whether there is no payload.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets the payload (overwriting nothing) and keeps the memory, ready to be filled again.
    pub fn clear(&mut self) {
        self.bytes.truncate(HEADROOM);
    }

    /// Returns the whole storage: `HEADROOM` octets, then the payload. The sealer grows it by the tag.
    pub fn storage_mut(&mut self) -> &mut Vec<u8> {
        if self.bytes.is_empty() {
            self.bytes.resize(HEADROOM, 0);
        }
        &mut self.bytes
    }

    /// Returns the whole storage for reading.
    #[must_use]
    pub fn storage(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_grows_behind_the_head_room() {
        let mut buf = FrameBuf::default();
        assert!(buf.is_empty(), "a new buffer has no payload");
        buf.push(b"abc");
        buf.push(b"def");
        assert_eq!(buf.payload(), b"abcdef");
        assert_eq!(buf.storage_mut().len(), HEADROOM + 6);
        buf.clear();
        assert_eq!(buf.len(), 0);
    }
}
