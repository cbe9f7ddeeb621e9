//! G.729 with annexes A and B: 10-octet speech frames of 10 ms, a 2-octet noise description last (RFC 3551, 4.5.6).
//!
//! The decoder is annex A's, which reads the same bitstream as the base codec and sounds very nearly the same.

use codec_core::codecs::g729::G729Codec;
use codec_core::types::{AudioCodec as _, CodecConfig};

use super::Damaged;

const SPEECH_BYTES: usize = 10;
const NOISE_BYTES: usize = 2;

/// The state of the vocoder.
pub(super) struct G729(G729Codec);

impl G729 {
    pub(super) fn new() -> Option<Self> {
        G729Codec::new(CodecConfig::g729ba()).ok().map(Self)
    }

    /// Appends 80 samples for each frame.
    pub(super) fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), Damaged> {
        let (speech, noise) = payload.as_chunks::<SPEECH_BYTES>();
        if payload.is_empty() || !(noise.is_empty() || noise.len() == NOISE_BYTES) {
            return Err(Damaged);
        }
        for frame in speech {
            out.extend(self.0.decode(frame).map_err(|_reason| Damaged)?);
        }
        if !noise.is_empty() {
            out.extend(self.0.decode(noise).map_err(|_reason| Damaged)?);
        }
        Ok(())
    }
}
