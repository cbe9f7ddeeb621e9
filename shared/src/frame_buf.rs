//! The buffer in which audio travels from the wire to the sealed frame without being copied again.
//!
//! A payload is copied once, out of the capture ring, into a `FrameBuf`. The buffer keeps room in front of it for the
//! frame head and the run list, and behind it for the tag, so that the sealer works in place.

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
        self.bytes.extend_from_slice(payload);
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
