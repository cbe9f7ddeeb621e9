//! Where rendered frames go.

use std::io;

/// Takes interleaved PCM16 in blocks.
pub trait PcmSink {
    /// Takes whole frames: one sample per channel, left first.
    ///
    /// # Errors
    /// Whatever keeps the sink from taking them; rendering stops there.
    fn write_frames(&mut self, interleaved: &[i16]) -> io::Result<()>;
}

impl PcmSink for Vec<i16> {
    fn write_frames(&mut self, interleaved: &[i16]) -> io::Result<()> {
        self.extend_from_slice(interleaved);
        Ok(())
    }
}

/// Feeds two sinks with the same frames, such as a file and its peaks.
impl<A: PcmSink, B: PcmSink> PcmSink for (A, B) {
    fn write_frames(&mut self, interleaved: &[i16]) -> io::Result<()> {
        self.0.write_frames(interleaved)?;
        self.1.write_frames(interleaved)
    }
}

impl<S: PcmSink + ?Sized> PcmSink for &mut S {
    fn write_frames(&mut self, interleaved: &[i16]) -> io::Result<()> {
        (**self).write_frames(interleaved)
    }
}
