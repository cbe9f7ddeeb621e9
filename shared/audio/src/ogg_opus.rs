//! Ogg Opus with its length known up front (RFC 7845): a twentieth of the size of WAV, for download. Lossy, so never a proof.
//!
//! Pages are made here, packets by libopus. The first samples of an encoder are its own delay; the file says how many to
//! skip (pre-skip), and its last page says where the sound ends, so that a player gives exactly the frames that were put
//! in. Bounded memory: a page holds a second.

use std::io::{self, Write};

use crate::render::PcmSink;

/// The clock of granule positions, whatever the rate of the input (RFC 7845, 4).
const GRANULE_HZ: u64 = 48_000;
/// Packets of 20 ms on a page.
const PACKETS_PER_PAGE: usize = 50;
/// Segments that the head of a page can list (RFC 3533, 6).
const SEGMENTS_MAX: usize = 255;
/// The largest packet that one frame of Opus can make (RFC 6716, 3.2).
const PACKET_BYTES_MAX: usize = 1_276;
/// Voice in wideband is clear at this rate.
const BITS_PER_CHANNEL: i32 = 24_000;
/// There is one stream in the file, so any number names it.
const SERIAL: u32 = 0x414d_5831;
const VENDOR: &[u8] = b"AMETHYST";

/// Returns the rate that must be rendered for Opus, given the highest rate of the recording: 8, 12, 16, 24 or 48 kHz.
#[must_use]
pub const fn input_rate_hz(native_hz: u32) -> u32 {
    match native_hz {
        0..=8_000 => 8_000,
        8_001..=12_000 => 12_000,
        12_001..=16_000 => 16_000,
        16_001..=24_000 => 24_000,
        24_001.. => 48_000,
    }
}

/// Writes one Ogg Opus file of 16-bit samples.
pub struct OpusWriter<W> {
    out: W,
    encoder: opus::Encoder,
    rate_hz: u32,
    channels: usize,
    samples_left: u64,
    /// Samples that wait for a whole packet.
    pending: Vec<i16>,
    pre_skip: u64,
    /// Granule position at the end of the file.
    end: u64,
    /// Granule position after the last packet made.
    at: u64,
    page: Page,
}

impl<W> std::fmt::Debug for OpusWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OpusWriter({} samples left)", self.samples_left)
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

impl<W: Write> OpusWriter<W> {
    /// Writes the head for `frames` frames of 1 or 2 channels at a rate of [`input_rate_hz`].
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] for another rate or number of channels; what `out` refuses.
    pub fn new(out: W, rate_hz: u32, channels: u8, frames: u64) -> io::Result<Self> {
        let wide = match channels {
            1 => opus::Channels::Mono,
            2 => opus::Channels::Stereo,
            _ => return Err(invalid("Opus export takes one or two channels")),
        };
        if input_rate_hz(rate_hz) != rate_hz {
            return Err(invalid("Opus takes 8, 12, 16, 24 or 48 kHz: render at one of these rates"));
        }
        let refused = |_reason| invalid("the Opus encoder refuses its settings");
        let mut encoder = opus::Encoder::new(rate_hz, wide, opus::Application::Voip).map_err(refused)?;
        let bits = BITS_PER_CHANNEL.saturating_mul(i32::from(channels));
        encoder.set_bitrate(opus::Bitrate::Bits(bits)).map_err(refused)?;
        let delay = u64::try_from(encoder.get_lookahead().map_err(refused)?).unwrap_or(0);
        let pre_skip = granules(delay, rate_hz);
        let end = granules(frames, rate_hz).saturating_add(pre_skip);
        let samples_left = frames.saturating_mul(u64::from(channels));
        let mut writer = Self {
            out,
            encoder,
            rate_hz,
            channels: usize::from(channels),
            samples_left,
            pending: Vec::new(),
            pre_skip,
            end,
            at: 0,
            page: Page::default(),
        };
        writer.write_head(channels)?;
        Ok(writer)
    }

    /// Writes what is left and the last page, flushes, and gives back what was written to.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] if fewer frames came than the head promises; what `out` refuses.
    pub fn finish(mut self) -> io::Result<W> {
        if self.samples_left > 0 {
            return Err(invalid("the Opus file lacks samples that its head promises"));
        }
        // What the encoder still holds back comes out with as much silence as its delay.
        let packet = self.packet_samples();
        while self.at < self.end || self.at == 0 {
            let mut last = std::mem::take(&mut self.pending);
            last.resize(packet, 0);
            self.encode(&last)?;
        }
        self.page.write(&mut self.out, self.end, true)?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// `OpusHead` and `OpusTags`, each on a page of its own (RFC 7845, 5).
    fn write_head(&mut self, channels: u8) -> io::Result<()> {
        let pre_skip = u16::try_from(self.pre_skip).unwrap_or(u16::MAX);
        let mut head = b"OpusHead\x01".to_vec();
        head.push(channels);
        head.extend_from_slice(&pre_skip.to_le_bytes());
        head.extend_from_slice(&self.rate_hz.to_le_bytes());
        head.extend_from_slice(&[0, 0, 0]); // no gain; one stream, mono or left and right
        self.page.push(&head);
        self.page.write(&mut self.out, 0, false)?;
        let mut tags = b"OpusTags".to_vec();
        tags.extend_from_slice(&u32::try_from(VENDOR.len()).unwrap_or(0).to_le_bytes());
        tags.extend_from_slice(VENDOR);
        tags.extend_from_slice(&0u32.to_le_bytes());
        self.page.push(&tags);
        self.page.write(&mut self.out, 0, false)
    }

    /// Makes one packet. A page goes out only when another packet follows it, so that the last page is never empty.
    fn encode(&mut self, samples: &[i16]) -> io::Result<()> {
        if self.page.packets >= PACKETS_PER_PAGE || !self.page.has_room() {
            self.page.write(&mut self.out, self.at, false)?;
        }
        let mut packet = [0; PACKET_BYTES_MAX];
        let len = self
            .encoder
            .encode(samples, &mut packet)
            .map_err(|_reason| invalid("the Opus encoder refused a packet"))?;
        self.page.push(packet.get(..len).unwrap_or_default());
        self.at = self.at.saturating_add(GRANULE_HZ / 50);
        Ok(())
    }

    /// Samples of all channels in 20 ms.
    fn packet_samples(&self) -> usize {
        usize::try_from(self.rate_hz / 50).unwrap_or(0).saturating_mul(self.channels)
    }
}

impl<W: Write> PcmSink for OpusWriter<W> {
    fn write_frames(&mut self, interleaved: &[i16]) -> io::Result<()> {
        let count = u64::try_from(interleaved.len()).unwrap_or(u64::MAX);
        let left = self.samples_left.checked_sub(count);
        self.samples_left = left.ok_or_else(|| invalid("more samples than the Opus head promises"))?;
        let packet = self.packet_samples();
        let mut rest = interleaved;
        while !rest.is_empty() {
            let room = packet.saturating_sub(self.pending.len());
            let (now, later) = rest.split_at_checked(room).unwrap_or((rest, &[]));
            self.pending.extend_from_slice(now);
            if self.pending.len() == packet {
                let mut whole = std::mem::take(&mut self.pending);
                self.encode(&whole)?;
                whole.clear();
                self.pending = whole;
            }
            rest = later;
        }
        Ok(())
    }
}

fn granules(frames: u64, rate_hz: u32) -> u64 {
    let wide = u128::from(frames).saturating_mul(u128::from(GRANULE_HZ)).div_ceil(u128::from(rate_hz.max(1)));
    u64::try_from(wide).unwrap_or(u64::MAX)
}

/// A page that is being filled (RFC 3533, 6).
#[derive(Default)]
struct Page {
    sequence: u32,
    packets: usize,
    lacing: Vec<u8>,
    body: Vec<u8>,
}

impl Page {
    /// Tells whether the largest packet would still fit.
    const fn has_room(&self) -> bool {
        self.lacing.len().saturating_add(PACKET_BYTES_MAX / 255).saturating_add(1) <= SEGMENTS_MAX
    }

    fn push(&mut self, packet: &[u8]) {
        for piece in packet.chunks(255) {
            self.lacing.push(u8::try_from(piece.len()).unwrap_or(255));
        }
        if packet.len().is_multiple_of(255) {
            self.lacing.push(0);
        }
        self.body.extend_from_slice(packet);
        self.packets = self.packets.saturating_add(1);
    }

    fn write(&mut self, out: &mut impl Write, granule: u64, last: bool) -> io::Result<()> {
        let flags = u8::from(self.sequence == 0) << 1 | u8::from(last) << 2;
        let mut page = b"OggS\0".to_vec();
        page.push(flags);
        page.extend_from_slice(&granule.to_le_bytes());
        page.extend_from_slice(&SERIAL.to_le_bytes());
        page.extend_from_slice(&self.sequence.to_le_bytes());
        page.extend_from_slice(&[0; 4]);
        page.push(u8::try_from(self.lacing.len()).unwrap_or(u8::MAX));
        page.append(&mut self.lacing);
        page.append(&mut self.body);
        let sum = crc32(&page).to_le_bytes();
        if let Some(place) = page.get_mut(22..26) {
            place.copy_from_slice(&sum);
        }
        self.sequence = self.sequence.saturating_add(1);
        self.packets = 0;
        out.write_all(&page)
    }
}

/// The sum of RFC 3533: polynomial 0x04c11db7, not reflected, beginning with 0.
fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |crc, octet| {
        let slot = usize::from(crc.to_be_bytes().first().copied().unwrap_or(0) ^ octet);
        crc << 8 ^ CRC_TABLE.get(slot).copied().unwrap_or(0)
    })
}

const CRC_TABLE: [u32; 256] = crc_table();

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "computed by the compiler")]
const fn crc_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut n = 0;
    let mut word: u32 = 0;
    while n < 256 {
        let (mut crc, mut bit) = (word << 24, 0);
        while bit < 8 {
            crc = if crc & 0x8000_0000 == 0 { crc << 1 } else { crc << 1 ^ 0x04c1_1db7 };
            bit += 1;
        }
        table[n] = crc;
        n += 1;
        word += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        reason = "tests"
    )]
    use super::*;

    /// A page taken apart: granule position, flags, packets.
    struct Read {
        granule: u64,
        flags: u8,
        packets: Vec<Vec<u8>>,
    }

    fn pages(mut bytes: &[u8]) -> Vec<Read> {
        let mut pages = Vec::new();
        while !bytes.is_empty() {
            assert_eq!(&bytes[..5], b"OggS\0");
            let segments = usize::from(bytes[26]);
            let (lacing, rest) = bytes[27..].split_at(segments);
            let len: usize = lacing.iter().map(|n| usize::from(*n)).sum();
            let mut page = bytes[..27 + segments + len].to_vec();
            let sum = u32::from_le_bytes(page[22..26].try_into().unwrap());
            page[22..26].fill(0);
            assert_eq!(crc32(&page), sum, "page {}", pages.len());
            assert_eq!(u32::from_le_bytes(page[18..22].try_into().unwrap()) as usize, pages.len());
            let (mut packets, mut packet, mut body) = (Vec::new(), Vec::new(), &rest[..len]);
            for n in lacing {
                let (piece, after) = body.split_at(usize::from(*n));
                packet.extend_from_slice(piece);
                body = after;
                if *n < 255 {
                    packets.push(std::mem::take(&mut packet));
                }
            }
            let granule = u64::from_le_bytes(page[6..14].try_into().unwrap());
            pages.push(Read { granule, flags: page[5], packets });
            bytes = &rest[len..];
        }
        pages
    }

    fn tone(frames: usize, channels: usize, rate_hz: u32) -> Vec<i16> {
        let step = 440.0 * std::f64::consts::TAU / f64::from(rate_hz);
        let wave = |n: usize| (f64::from(u32::try_from(n).unwrap()) * step).sin() * 12_000.0;
        (0..frames).flat_map(|n| std::iter::repeat_n(wave(n) as i16, channels)).collect()
    }

    /// Encodes a tone in odd pieces, decodes it again and compares length and shape.
    fn check(rate_hz: u32, channels: u8, frames: usize) {
        let width = usize::from(channels);
        let pcm = tone(frames, width, rate_hz);
        let mut writer =
            OpusWriter::new(Vec::new(), rate_hz, channels, u64::try_from(frames).unwrap()).unwrap();
        for piece in pcm.chunks(777 * width) {
            writer.write_frames(piece).unwrap();
        }
        let pages = pages(&writer.finish().unwrap());
        assert_eq!((pages[0].flags, pages[1].flags, pages.last().unwrap().flags & 4), (2, 0, 4));
        let skip = usize::from(u16::from_le_bytes(pages[0].packets[0][10..12].try_into().unwrap()));
        let end = usize::try_from(pages.last().unwrap().granule).unwrap();
        let per_frame = 48_000 / usize::try_from(rate_hz).unwrap();
        assert_eq!(end - skip, frames * per_frame, "the file says its length");
        let wide = if channels == 1 { opus::Channels::Mono } else { opus::Channels::Stereo };
        let mut decoder = opus::Decoder::new(48_000, wide).unwrap();
        let mut heard = Vec::new();
        for packet in pages[2..].iter().flat_map(|page| &page.packets) {
            let mut out = vec![0; 5_760 * width];
            let len = decoder.decode(packet, &mut out, false).unwrap();
            heard.extend_from_slice(&out[..len * width]);
        }
        assert!(heard.len() >= end * width, "all of it is there");
        let heard: Vec<f64> = heard[skip * width..end * width]
            .iter()
            .step_by(width * per_frame)
            .map(|s| f64::from(*s))
            .collect();
        let sent: Vec<f64> = pcm.iter().step_by(width).map(|s| f64::from(*s)).collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        let likeness = |a: &[f64], b: &[f64]| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
        // The filters of the codec turn the phase of a tone a little: by less than half a millisecond.
        let late = usize::try_from(rate_hz).unwrap() / 2_000;
        let shifted = (0..=late).flat_map(|n| {
            let whole = sent.len() - n;
            [likeness(&heard[n..], &sent[..whole]), likeness(&heard[..whole], &sent[n..])]
        });
        let alike = shifted.fold(0.0, f64::max);
        assert!(alike > 0.97, "{rate_hz} Hz, {channels}: {alike}");
    }

    #[test]
    fn what_comes_out_is_as_long_as_what_went_in_and_sounds_like_it() {
        check(8_000, 1, 8_000 * 3 + 77);
        check(8_000, 2, 8_000);
        check(16_000, 2, 16_000 * 2);
        check(48_000, 1, 48_000 + 345);
    }

    #[test]
    fn nothing_at_all_is_a_file_too() {
        let pages = pages(&OpusWriter::new(Vec::new(), 8_000, 1, 0).unwrap().finish().unwrap());
        assert_eq!((pages.len(), pages[2].flags), (3, 4));
    }

    #[test]
    fn too_few_and_too_many_frames_are_errors() {
        assert!(OpusWriter::new(Vec::new(), 8_000, 1, 3).unwrap().finish().is_err());
        let mut writer = OpusWriter::new(Vec::new(), 8_000, 1, 3).unwrap();
        assert!(writer.write_frames(&[0; 4]).is_err(), "one frame too many");
        assert!(OpusWriter::new(Vec::new(), 11_025, 1, 3).is_err(), "no rate of Opus");
        assert!(OpusWriter::new(Vec::new(), 8_000, 3, 3).is_err(), "three channels");
    }

    #[test]
    fn the_sum_of_a_page_is_that_of_the_format() {
        assert_eq!(crc32(b"123456789"), 0x89a1_897f);
    }
}
