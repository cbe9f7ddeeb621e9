//! FLAC with its length known up front: lossless, about half the size of WAV, written block by block in bounded memory.
//!
//! The frames come from `flacenc`; the stream header is ours, since it is written before the first frame. Its MD5 is left
//! zero, which the format (RFC 9639, 8.2) means as "not known": the proof of a recording is its seal, not this sum.

use std::io::{self, Write};

use flacenc::bitsink::ByteSink;
use flacenc::component::{BitRepr as _, StreamInfo};
use flacenc::config::Encoder;
use flacenc::error::{Verified, Verify as _};
use flacenc::source::{Fill as _, FrameBuf};

use crate::render::PcmSink;

/// Frames in a block; every block but the last has as many.
const BLOCK_FRAMES: usize = 4_096;
/// Fewer frames than this are no block for the encoder; a shorter end is written verbatim.
const ENCODED_FRAMES_MIN: usize = 64;
/// What 36 bits of the stream header can count.
const FRAMES_MAX: u64 = (1 << 36) - 1;

/// Writes one FLAC file of 16-bit samples.
pub struct FlacWriter<W> {
    out: W,
    config: Verified<Encoder>,
    info: StreamInfo,
    channels: usize,
    samples_left: u64,
    blocks: u32,
    pending: Vec<i32>,
}

impl<W> std::fmt::Debug for FlacWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FlacWriter({} samples left)", self.samples_left)
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

impl<W: Write> FlacWriter<W> {
    /// Writes the stream header for `frames` frames of 1 or 2 channels.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] for a rate, channel count or length that FLAC cannot say; what `out` refuses.
    pub fn new(mut out: W, rate_hz: u32, channels: u8, frames: u64) -> io::Result<Self> {
        let width = usize::from(channels);
        if !(1..=2).contains(&channels) || frames > FRAMES_MAX {
            return Err(invalid("FLAC export takes one or two channels and at most 2^36 frames"));
        }
        let rate = usize::try_from(rate_hz).unwrap_or(usize::MAX);
        let info = StreamInfo::new(rate, width, 16)
            .map_err(|_reason| invalid("FLAC cannot say this sampling rate"))?;
        let mut config = Encoder::default();
        config.block_size = BLOCK_FRAMES;
        config.multithread = false;
        let config =
            config.into_verified().map_err(|_reason| invalid("the FLAC encoder refuses its settings"))?;
        out.write_all(&stream_header(rate_hz, channels, frames))?;
        let samples_left = frames.saturating_mul(u64::from(channels));
        Ok(Self { out, config, info, channels: width, samples_left, blocks: 0, pending: Vec::new() })
    }

    /// Writes the last block, flushes, and gives back what was written to.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] if fewer frames came than the header says; what `out` refuses.
    pub fn finish(mut self) -> io::Result<W> {
        if self.samples_left > 0 {
            return Err(invalid("the FLAC lacks samples that its header promises"));
        }
        let last = std::mem::take(&mut self.pending);
        if !last.is_empty() {
            self.write_block(&last)?;
        }
        self.out.flush()?;
        Ok(self.out)
    }

    fn write_block(&mut self, block: &[i32]) -> io::Result<()> {
        let frames = block.len().checked_div(self.channels).unwrap_or(0);
        if frames < ENCODED_FRAMES_MIN {
            let bytes = verbatim_block(block, self.channels, self.blocks);
            self.blocks = self.blocks.saturating_add(1);
            return self.out.write_all(&bytes);
        }
        let refused = |_reason| invalid("the FLAC encoder refused a block");
        let mut buffer = FrameBuf::with_size(self.channels, frames).map_err(refused)?;
        buffer.fill_interleaved(block).map_err(|_reason| invalid("the FLAC encoder refused a block"))?;
        let number = usize::try_from(self.blocks).unwrap_or(usize::MAX);
        let frame = flacenc::encode_fixed_size_frame(&self.config, &buffer, number, &self.info)
            .map_err(|_reason| invalid("the FLAC encoder refused a block"))?;
        let mut bytes = ByteSink::new();
        frame.write(&mut bytes).map_err(|_reason| invalid("the FLAC encoder could not write a block"))?;
        self.blocks = self.blocks.saturating_add(1);
        self.out.write_all(bytes.as_slice())
    }
}

impl<W: Write> PcmSink for FlacWriter<W> {
    fn write_frames(&mut self, interleaved: &[i16]) -> io::Result<()> {
        let count = u64::try_from(interleaved.len()).unwrap_or(u64::MAX);
        let left = self.samples_left.checked_sub(count);
        self.samples_left = left.ok_or_else(|| invalid("more samples than the FLAC header promises"))?;
        let whole = BLOCK_FRAMES.saturating_mul(self.channels);
        let mut rest = interleaved;
        while !rest.is_empty() {
            let room = whole.saturating_sub(self.pending.len());
            let (now, later) = rest.split_at_checked(room).unwrap_or((rest, &[]));
            self.pending.extend(now.iter().map(|pcm| i32::from(*pcm)));
            if self.pending.len() == whole {
                let block = std::mem::take(&mut self.pending);
                self.write_block(&block)?;
                self.pending = block;
                self.pending.clear();
            }
            rest = later;
        }
        Ok(())
    }
}

/// `fLaC` and a STREAMINFO block, the only metadata (RFC 9639, 8.2).
fn stream_header(rate_hz: u32, channels: u8, frames: u64) -> Vec<u8> {
    let block = u16::try_from(BLOCK_FRAMES).unwrap_or(u16::MAX).to_be_bytes();
    let mut out = b"fLaC\x80\0\0\x22".to_vec();
    out.extend_from_slice(&block);
    out.extend_from_slice(&block);
    out.extend_from_slice(&[0; 6]); // smallest and largest frame: not known
    // 20 bits of rate, 3 of channels less one, 5 of bits per sample less one, 36 of frames.
    let packed = u64::from(rate_hz) << 44 | u64::from(channels.saturating_sub(1)) << 41 | 15 << 36 | frames;
    out.extend_from_slice(&packed.to_be_bytes());
    out.extend_from_slice(&[0; 16]);
    out
}

/// A block of at most 64 frames without compression (RFC 9639, 9.1 and 9.2).
fn verbatim_block(samples: &[i32], channels: usize, number: u32) -> Vec<u8> {
    let frames = samples.len().checked_div(channels).unwrap_or(0);
    // Block size in the next octet; rate and bits per sample (16) as in the stream header.
    let assignment = u8::try_from(channels.saturating_sub(1)).unwrap_or(0) << 4;
    let mut out = vec![0xff, 0xf8, 0x60, assignment | 0x08];
    out.extend_from_slice(&coded_number(number));
    out.push(u8::try_from(frames.saturating_sub(1)).unwrap_or(0));
    out.push(crc8(&out));
    for channel in 0..channels {
        out.push(0x02); // subframe: verbatim, no wasted bits
        for sample in samples.iter().skip(channel).step_by(channels) {
            out.extend_from_slice(&i16::try_from(*sample).unwrap_or(0).to_be_bytes());
        }
    }
    out.extend_from_slice(&crc16(&out).to_be_bytes());
    out
}

/// A number up to 2^31 in the extended UTF-8 of FLAC.
fn coded_number(number: u32) -> Vec<u8> {
    let octet = |shift: u32| u8::try_from(number >> shift & 0x3f).unwrap_or(0) | 0x80;
    let (lead, tails): (u8, u32) = match number {
        0..0x80 => return vec![u8::try_from(number).unwrap_or(0)],
        0x80..0x800 => (0xc0, 1),
        0x800..0x1_0000 => (0xe0, 2),
        0x1_0000..0x20_0000 => (0xf0, 3),
        0x20_0000..0x400_0000 => (0xf8, 4),
        _ => (0xfc, 5),
    };
    let high = number.checked_shr(tails.saturating_mul(6)).unwrap_or(0);
    let mut out = vec![lead | u8::try_from(high).unwrap_or(0)];
    out.extend((0..tails).rev().map(|n| octet(n.saturating_mul(6))));
    out
}

fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, octet| {
        (0..8).fold(crc ^ octet, |crc, _bit| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 })
    })
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, octet| {
        let mixed = crc ^ u16::from(*octet) << 8;
        (0..8).fold(mixed, |crc, _bit| if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x8005 })
    })
}
