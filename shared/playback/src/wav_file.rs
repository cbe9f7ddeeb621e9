//! The WAV of a recording as a file that need not exist: any of its bytes is made when it is asked for.

use audio::WavFormat;
use audio::wav::WavSpec;

use crate::sealed::{Result, Sealed, Shape};

/// One WAV, PCM16, of known length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WavFile {
    shape: Shape,
    header: Vec<u8>,
}

impl WavFile {
    /// Describes the file.
    #[must_use]
    pub fn new(shape: Shape) -> Self {
        let Shape { rate_hz, channels, frames, .. } = shape;
        let spec = WavSpec { format: WavFormat::Pcm16, rate_hz, channels, frames };
        Self { shape, header: spec.header() }
    }

    /// Returns its length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.head().saturating_add(self.shape.frames.saturating_mul(self.frame_bytes()))
    }

    /// Tells whether it has no byte; it always has a header.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.header.is_empty()
    }

    /// Makes bytes from `from` on: up to `to`, the end of the file, or the end of the block that `from` lies in. Empty at the
    /// end only.
    ///
    /// # Errors
    /// A sealed frame that does not open.
    pub fn read(&self, sealed: &mut Sealed, from: u64, to: u64) -> Result<Vec<u8>> {
        let (head, to) = (self.head(), to.min(self.len()));
        let mut out = slice(&self.header, from, to.min(head)).to_vec();
        let from = from.max(head);
        if from >= to {
            return Ok(out);
        }
        let block_bytes = self.shape.block_frames().saturating_mul(self.frame_bytes());
        let n = from.saturating_sub(head) / block_bytes;
        let begin = head.saturating_add(n.saturating_mul(block_bytes));
        let (pcm, _report) = sealed.block(&self.shape, n)?;
        let bytes: Vec<u8> = pcm.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        out.extend_from_slice(slice(&bytes, from.saturating_sub(begin), to.saturating_sub(begin)));
        Ok(out)
    }

    fn head(&self) -> u64 {
        u64::try_from(self.header.len()).unwrap_or(0)
    }

    fn frame_bytes(&self) -> u64 {
        u64::from(self.shape.channels).saturating_mul(2)
    }
}

/// Returns `from..to` of `bytes`, as far as it exists.
fn slice(bytes: &[u8], from: u64, to: u64) -> &[u8] {
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
    bytes.get(place(from)..place(to)).unwrap_or_default()
}
