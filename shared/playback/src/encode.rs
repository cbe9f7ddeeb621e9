//! A recording as a file to keep, made a block at a time: WAV, FLAC, Opus, or the payload as it came from the wire.
//!
//! All of them hold the same samples (see [`super::sealed`]); Opus is lossy and says so by being Opus.

use std::io::{self, Write};
use std::sync::{Arc, MutexGuard, PoisonError};

use audio::flac::FlacWriter;
use audio::ogg_opus::{OpusWriter, input_rate_hz};
use audio::raw::{RawFormat, RawWriter};
use audio::wav::WavSpec;
use audio::{Legs, PcmSink as _, RenderReport, WavFormat, WavWriter};
use shared::Track;

use crate::sealed::{BLOCK_US, Result, Sealed, Shape, Share};

/// Formats of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// PCM16.
    Wav,
    /// Lossless, about half the size.
    Flac,
    /// Lossy, a twentieth.
    Opus,
}

impl Format {
    /// Returns the usual end of a file's name.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Flac => "flac",
            Self::Opus => "opus",
        }
    }

    /// Returns the media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Wav => "audio/wav",
            Self::Flac => "audio/flac",
            Self::Opus => "audio/ogg",
        }
    }
}

/// A sound file in the making.
#[derive(Debug)]
pub struct Encoding {
    shape: Shape,
    next: u64,
    encoder: Option<Encoder>,
    spout: Spout,
    report: RenderReport,
}

#[derive(Debug)]
enum Encoder {
    Wav(WavWriter<Spout>),
    Flac(FlacWriter<Spout>),
    Opus(Box<OpusWriter<Spout>>),
}

impl Encoding {
    /// Begins a file.
    ///
    /// # Errors
    /// No such leg, no decoder.
    pub fn new(sealed: &Sealed, format: Format, legs: Legs) -> Result<Self> {
        let mut shape = sealed.shape(legs, None)?;
        if format == Format::Opus {
            shape = sealed.shape(legs, Some(input_rate_hz(shape.rate_hz)))?;
        }
        let Shape { rate_hz, channels, frames, .. } = shape;
        let spout = Spout::default();
        let encoder = match format {
            Format::Wav => {
                let spec = WavSpec { format: WavFormat::Pcm16, rate_hz, channels, frames };
                Encoder::Wav(WavWriter::new(spout.clone(), spec)?)
            }
            Format::Flac => Encoder::Flac(FlacWriter::new(spout.clone(), rate_hz, channels, frames)?),
            Format::Opus => {
                Encoder::Opus(Box::new(OpusWriter::new(spout.clone(), rate_hz, channels, frames)?))
            }
        };
        Ok(Self { shape, next: 0, encoder: Some(encoder), spout, report: RenderReport::default() })
    }

    /// Returns what the sound looks like.
    #[must_use]
    pub const fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Returns more bytes than the file will have.
    #[must_use]
    pub fn bytes_max(&self) -> u64 {
        let frame_bytes = u64::from(self.shape.channels).saturating_mul(2);
        // FLAC of noise is a little larger than PCM.
        let pcm = self.shape.frames.saturating_mul(frame_bytes);
        pcm.saturating_add(pcm / 50).saturating_add(1 << 16)
    }

    /// Makes the next piece; `None` after the last. A piece may be empty.
    ///
    /// # Errors
    /// A sealed frame that does not open.
    pub fn step(&mut self, sealed: &mut Sealed) -> Result<Option<Vec<u8>>> {
        let Some(encoder) = &mut self.encoder else { return Ok(None) };
        if self.next < self.shape.blocks() {
            let (pcm, met) = sealed.block(&self.shape, self.next)?;
            self.next = self.next.saturating_add(1);
            merge(&mut self.report, met);
            match encoder {
                Encoder::Wav(wav) => wav.write_frames(&pcm)?,
                Encoder::Flac(flac) => flac.write_frames(&pcm)?,
                Encoder::Opus(opus) => opus.write_frames(&pcm)?,
            }
        } else {
            match self.encoder.take() {
                Some(Encoder::Wav(wav)) => drop(wav.finish()?),
                Some(Encoder::Flac(flac)) => drop(flac.finish()?),
                Some(Encoder::Opus(opus)) => drop(opus.finish()?),
                None => {}
            }
        }
        Ok(Some(self.spout.take()))
    }

    /// Returns what was met on the way.
    #[must_use]
    pub fn into_report(self) -> RenderReport {
        self.report
    }
}

/// Adds what one block met. A damaged run on the border of two blocks is met by both.
fn merge(all: &mut RenderReport, one: RenderReport) {
    all.frames = all.frames.saturating_add(one.frames);
    for (sum, n) in all.gap_frames.iter_mut().zip(one.gap_frames) {
        *sum = sum.saturating_add(n);
    }
    all.unknown_frames = all.unknown_frames.saturating_add(one.unknown_frames);
    all.overlap_frames = all.overlap_frames.saturating_add(one.overlap_frames);
    all.damaged_runs = all.damaged_runs.saturating_add(one.damaged_runs);
    all.odd_length_runs = all.odd_length_runs.saturating_add(one.odd_length_runs);
    all.no_decoder = one.no_decoder;
}

/// The payload of one track as it came, in the making.
#[derive(Debug)]
pub struct RawTake {
    track: Track,
    at_us: u64,
    writer: Option<RawWriter<Spout>>,
    spout: Spout,
}

impl RawTake {
    /// Begins the file of a track, which is one of [`Sealed::tracks`].
    ///
    /// # Errors
    /// None that a track of a recording gives.
    pub fn new(track: &Track) -> Result<Self> {
        let spout = Spout::default();
        let writer = Some(RawWriter::new(spout.clone(), track)?);
        Ok(Self { track: track.clone(), at_us: 0, writer, spout })
    }

    /// Returns the end of the file's name: `track0-near.ulaw`.
    #[must_use]
    pub fn name_end(&self) -> String {
        let Track { track, role, .. } = &self.track;
        format!("track{track}-{}.{}", role.word(), RawFormat::of(&self.track).extension())
    }

    /// Makes the next piece; `None` after the last. A piece may be empty.
    ///
    /// # Errors
    /// A sealed frame that does not open.
    pub fn step(&mut self, sealed: &mut Sealed) -> Result<Option<Vec<u8>>> {
        let Some(writer) = &mut self.writer else { return Ok(None) };
        // A little behind the end, since the last run ends inside a microsecond.
        let end_us = sealed.length_us().saturating_add(BLOCK_US);
        if self.at_us < end_us {
            let to_us = self.at_us.saturating_add(BLOCK_US);
            for run in sealed.runs(Legs::Leg(self.track.leg), self.at_us, to_us, Share::Ending)? {
                if run.leg_run().track == self.track.track {
                    writer.push(&run.leg_run())?;
                }
            }
            self.at_us = to_us;
        } else if let Some(writer) = self.writer.take() {
            drop(writer.finish()?);
        }
        Ok(Some(self.spout.take()))
    }
}

/// A writer that panicked left whole bytes behind.
fn held(bytes: &Bytes) -> MutexGuard<'_, Vec<u8>> {
    bytes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Encoders own their writer and are moved between threads with it; nobody ever waits for the lock.
#[allow(clippy::disallowed_types, reason = "shared by one encoder and its reader, which are one owner's")]
type Bytes = std::sync::Mutex<Vec<u8>>;

/// Where an encoder's bytes wait until they are taken.
#[derive(Debug, Clone, Default)]
struct Spout(Arc<Bytes>);

impl Spout {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *held(&self.0))
    }
}

impl Write for Spout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        held(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
