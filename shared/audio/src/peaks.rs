//! What a waveform shows: minimum, maximum and RMS of every stretch of a recording, small enough to send whole.
//!
//! The number of buckets is bounded; when a recording has more, each two are joined and the stretch doubles, so a call of
//! ten seconds and one of ten hours cost the same.
//!
//! # Format (`AMXP`, little-endian)
//! | offset | bytes | field |
//! | --- | --- | --- |
//! | 0 | 4 | `AMXP` |
//! | 4 | 1 | version, 1 |
//! | 5 | 1 | channels, 1 or 2 |
//! | 6 | 2 | 0 |
//! | 8 | 4 | frames a second |
//! | 12 | 4 | frames in a bucket; the last may hold fewer |
//! | 16 | 8 | frames in all |
//! | 24 | 6 each | buckets in order, the channels of one side by side: minimum i16, maximum i16, RMS u16 |

use std::io;

use crate::render::PcmSink;

const MAGIC: &[u8; 4] = b"AMXP";
const HEAD_BYTES: usize = 24;
const BUCKET_BYTES: usize = 6;
/// Buckets at the most: two for every pixel of a wide screen.
pub const BUCKETS_MAX: usize = 8_192;

/// One stretch of one channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Peak {
    /// Smallest sample.
    pub min: i16,
    /// Greatest sample.
    pub max: i16,
    /// Root of the mean square, 0 to 32,768.
    pub rms: u16,
}

impl Peak {
    /// Returns the loudness in dB below a full-scale square wave; `None` for digital silence.
    #[must_use]
    pub fn level_dbfs(&self) -> Option<f32> {
        level_dbfs(self.rms)
    }

    fn push_to(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.min.to_le_bytes());
        out.extend_from_slice(&self.max.to_le_bytes());
        out.extend_from_slice(&self.rms.to_le_bytes());
    }
}

/// Returns an RMS value in dB below a full-scale square wave; `None` for digital silence.
#[must_use]
pub fn level_dbfs(rms: u16) -> Option<f32> {
    (rms > 0).then(|| 20.0 * (f32::from(rms) / 32_768.0).log10())
}

/// Returns the root of the mean square of samples, 0 to 32,768.
#[must_use]
pub fn rms(samples: &[i16]) -> u16 {
    let mut sum = Sum::default();
    sum.take(samples.iter().copied());
    sum.peak().rms
}

/// Says why bytes are no peaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these are not waveform peaks of a version known here: compute them again from the recording")]
pub struct NotPeaks;

#[derive(Clone, Copy, Default)]
struct Sum {
    min: i16,
    max: i16,
    squares: u64,
    count: u64,
}

impl Sum {
    fn take(&mut self, samples: impl Iterator<Item = i16>) {
        let (mut min, mut max) = if self.count == 0 { (i16::MAX, i16::MIN) } else { (self.min, self.max) };
        let (mut squares, mut count) = (0u64, 0u64);
        for pcm in samples {
            min = min.min(pcm);
            max = max.max(pcm);
            let size = u64::from(pcm.unsigned_abs());
            squares = squares.wrapping_add(size.wrapping_mul(size)); // 2^30 times at most 2^32 samples
            count = count.wrapping_add(1);
        }
        if count > 0 {
            (self.min, self.max) = (min, max);
            self.squares = self.squares.saturating_add(squares);
            self.count = self.count.saturating_add(count);
        }
    }

    fn joined(self, other: Self) -> Self {
        match (self.count, other.count) {
            (_, 0) => self,
            (0, _) => other,
            _ => Self {
                min: self.min.min(other.min),
                max: self.max.max(other.max),
                squares: self.squares.saturating_add(other.squares),
                count: self.count.saturating_add(other.count),
            },
        }
    }

    fn peak(&self) -> Peak {
        let mean = self.squares.checked_div(self.count).unwrap_or(0);
        Peak { min: self.min, max: self.max, rms: u16::try_from(mean.isqrt()).unwrap_or(u16::MAX) }
    }
}

/// Collects peaks from rendered frames.
pub struct Peaks {
    rate_hz: u32,
    channels: u8,
    bucket_frames: u32,
    frames: u64,
    /// Frames in the last bucket.
    in_last: u32,
    /// Bucket by bucket, the channels of one side by side.
    sums: Vec<Sum>,
}

impl std::fmt::Debug for Peaks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Peaks({} frames, {} in a bucket)", self.frames, self.bucket_frames)
    }
}

impl Peaks {
    /// Begins with buckets of 5 ms.
    #[must_use]
    pub fn new(rate_hz: u32, channels: u8) -> Self {
        let bucket_frames = rate_hz.div_ceil(200).max(1);
        Self {
            rate_hz,
            channels: channels.max(1),
            bucket_frames,
            frames: 0,
            in_last: bucket_frames,
            sums: Vec::new(),
        }
    }

    /// Returns the frames that a bucket holds; the last may hold fewer.
    #[must_use]
    pub const fn bucket_frames(&self) -> u32 {
        self.bucket_frames
    }

    /// Returns the peaks of one channel, bucket by bucket.
    pub fn channel(&self, channel: u8) -> impl Iterator<Item = Peak> + '_ {
        self.sums.iter().skip(usize::from(channel)).step_by(usize::from(self.channels)).map(Sum::peak)
    }

    /// Writes the peaks in the format described at the top of this module.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out =
            Vec::with_capacity(HEAD_BYTES.saturating_add(self.sums.len().saturating_mul(BUCKET_BYTES)));
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&[1, self.channels, 0, 0]);
        out.extend_from_slice(&self.rate_hz.to_le_bytes());
        out.extend_from_slice(&self.bucket_frames.to_le_bytes());
        out.extend_from_slice(&self.frames.to_le_bytes());
        for peak in self.sums.iter().map(Sum::peak) {
            peak.push_to(&mut out);
        }
        out
    }

    /// Makes buckets twice as long.
    fn double(&mut self) {
        let width = usize::from(self.channels);
        let pair = width.saturating_mul(2);
        let joined = self.sums.chunks(pair).flat_map(|two| {
            let (first, second) = two.split_at_checked(width).unwrap_or((two, &[]));
            let none = Sum::default();
            first.iter().enumerate().map(move |(n, sum)| sum.joined(*second.get(n).unwrap_or(&none)))
        });
        let odd = self.sums.len().checked_rem(pair).is_some_and(|rest| rest > 0);
        self.sums = joined.collect();
        // An odd last bucket is the first half of its pair.
        self.in_last = if odd { self.in_last } else { self.in_last.saturating_add(self.bucket_frames) };
        self.bucket_frames = self.bucket_frames.saturating_mul(2);
    }
}

impl PcmSink for Peaks {
    fn write_frames(&mut self, interleaved: &[i16]) -> io::Result<()> {
        let width = usize::from(self.channels);
        let mut rest = interleaved;
        while !rest.is_empty() {
            if self.in_last >= self.bucket_frames {
                if self.sums.len() >= BUCKETS_MAX.saturating_mul(width) {
                    self.double();
                    continue;
                }
                self.sums.resize(self.sums.len().saturating_add(width), Sum::default());
                self.in_last = 0;
            }
            let room = usize::try_from(self.bucket_frames.saturating_sub(self.in_last)).unwrap_or(usize::MAX);
            let (now, later) = rest.split_at_checked(room.saturating_mul(width)).unwrap_or((rest, &[]));
            let last = self.sums.len().saturating_sub(width);
            for (channel, sum) in self.sums.iter_mut().skip(last).enumerate() {
                sum.take(now.iter().skip(channel).step_by(width).copied());
            }
            let taken = u32::try_from(now.len().checked_div(width).unwrap_or(0)).unwrap_or(u32::MAX);
            self.in_last = self.in_last.saturating_add(taken);
            self.frames = self.frames.saturating_add(u64::from(taken));
            rest = later;
        }
        Ok(())
    }
}

/// Peaks read back from bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeaksView<'a> {
    /// Frames a second.
    pub rate_hz: u32,
    /// Channels.
    pub channels: u8,
    /// Frames in a bucket.
    pub bucket_frames: u32,
    /// Frames in all.
    pub frames: u64,
    buckets: &'a [[u8; BUCKET_BYTES]],
}

impl<'a> PeaksView<'a> {
    /// Reads what [`Peaks::to_bytes`] wrote.
    ///
    /// # Errors
    /// Bytes that are not whole peaks of version 1.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NotPeaks> {
        let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>().ok_or(NotPeaks)?;
        let [m0, m1, m2, m3, 1, channels @ 1..=2, 0, 0, r0, r1, r2, r3, b0, b1, b2, b3, frames @ ..] = *head
        else {
            return Err(NotPeaks);
        };
        let (buckets, torn) = rest.as_chunks::<BUCKET_BYTES>();
        let whole = buckets.len().checked_rem(usize::from(channels)) == Some(0);
        if [m0, m1, m2, m3] != *MAGIC || !torn.is_empty() || !whole {
            return Err(NotPeaks);
        }
        Ok(Self {
            rate_hz: u32::from_le_bytes([r0, r1, r2, r3]),
            channels,
            bucket_frames: u32::from_le_bytes([b0, b1, b2, b3]),
            frames: u64::from_le_bytes(frames),
            buckets,
        })
    }

    /// Returns the peaks of one channel, bucket by bucket.
    pub fn channel(&self, channel: u8) -> impl Iterator<Item = Peak> + 'a {
        let one = |[a, b, c, d, e, f]: &[u8; BUCKET_BYTES]| Peak {
            min: i16::from_le_bytes([*a, *b]),
            max: i16::from_le_bytes([*c, *d]),
            rms: u16::from_le_bytes([*e, *f]),
        };
        self.buckets.iter().skip(usize::from(channel)).step_by(usize::from(self.channels)).map(one)
    }

    /// Writes the same peaks with at most `columns` buckets: neighbours are joined, so that no extreme is left out.
    #[must_use]
    pub fn narrowed(&self, columns: u32) -> Vec<u8> {
        let width = usize::from(self.channels.max(1));
        let buckets = self.buckets.len().checked_div(width).unwrap_or(0);
        let columns = usize::try_from(columns.max(1)).unwrap_or(usize::MAX);
        let joined = buckets.div_ceil(columns).max(1);
        let voices: Vec<Vec<Peak>> = (0..self.channels).map(|n| self.channel(n).collect()).collect();
        let mut out = Vec::new();
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&[1, self.channels, 0, 0]);
        out.extend_from_slice(&self.rate_hz.to_le_bytes());
        let frames = self.bucket_frames.saturating_mul(u32::try_from(joined).unwrap_or(u32::MAX));
        out.extend_from_slice(&frames.to_le_bytes());
        out.extend_from_slice(&self.frames.to_le_bytes());
        for from in (0..buckets).step_by(joined) {
            for voice in &voices {
                let some = voice.get(from..from.saturating_add(joined).min(voice.len())).unwrap_or_default();
                join(some).push_to(&mut out);
            }
        }
        out
    }
}

/// Joins neighbours: smallest, greatest, and the root of the mean of their squares.
fn join(some: &[Peak]) -> Peak {
    let squares = some.iter().fold(0_u64, |sum, peak| {
        let rms = u64::from(peak.rms);
        sum.saturating_add(rms.saturating_mul(rms))
    });
    let mean = squares.checked_div(u64::try_from(some.len()).unwrap_or(1)).unwrap_or(0);
    Peak {
        min: some.iter().map(|peak| peak.min).min().unwrap_or(0),
        max: some.iter().map(|peak| peak.max).max().unwrap_or(0),
        rms: u16::try_from(mean.isqrt()).unwrap_or(u16::MAX),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]
    use super::*;

    #[test]
    fn a_bucket_holds_minimum_maximum_and_rms_of_its_channel() {
        let mut peaks = Peaks::new(400, 2); // two frames in a bucket
        peaks.write_frames(&[3, 100, -4, 100]).unwrap();
        peaks.write_frames(&[5, -7]).unwrap();
        let left: Vec<Peak> = peaks.channel(0).collect();
        assert_eq!(left, [Peak { min: -4, max: 3, rms: 3 }, Peak { min: 5, max: 5, rms: 5 }]);
        assert_eq!(peaks.channel(1).map(|peak| peak.rms).collect::<Vec<_>>(), [100, 7]);
        let bytes = peaks.to_bytes();
        let view = PeaksView::parse(&bytes).unwrap();
        assert_eq!((view.rate_hz, view.channels, view.bucket_frames, view.frames), (400, 2, 2, 3));
        assert_eq!(view.channel(0).collect::<Vec<_>>(), left);
    }

    #[test]
    fn a_long_recording_has_longer_buckets_not_more() {
        let mut peaks = Peaks::new(200, 1); // one frame in a bucket
        let samples: Vec<i16> = (0..100_001).map(|n| i16::try_from(n % 30_000).unwrap()).collect();
        for piece in samples.chunks(777) {
            peaks.write_frames(piece).unwrap();
        }
        assert_eq!(peaks.bucket_frames(), 16);
        let bucket = usize::try_from(peaks.bucket_frames()).unwrap();
        let expected: Vec<i16> = samples.chunks(bucket).map(|piece| *piece.iter().max().unwrap()).collect();
        assert_eq!(peaks.channel(0).map(|peak| peak.max).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn fewer_columns_keep_every_extreme() {
        let mut peaks = Peaks::new(200, 2); // one frame in a bucket
        peaks.write_frames(&[1, -1, 9, -9, 3, -3, 4, -4, 5, -5]).unwrap();
        let whole = peaks.to_bytes();
        let narrow = PeaksView::parse(&whole).unwrap().narrowed(3);
        let view = PeaksView::parse(&narrow).unwrap();
        assert_eq!((view.bucket_frames, view.frames, view.channels), (2, 5, 2));
        assert_eq!(
            view.channel(0).map(|peak| (peak.min, peak.max)).collect::<Vec<_>>(),
            [(1, 9), (3, 4), (5, 5)]
        );
        assert_eq!(view.channel(1).map(|peak| peak.min).collect::<Vec<_>>(), [-9, -4, -5]);
        assert_eq!(view.channel(0).next().unwrap().rms, 6, "the root of (1 + 81) / 2");
        assert_eq!(PeaksView::parse(&whole).unwrap().narrowed(5), whole, "enough columns change nothing");
        let none = Peaks::new(8_000, 1).to_bytes();
        assert_eq!(PeaksView::parse(&none).unwrap().narrowed(7), none);
    }

    #[test]
    fn full_scale_is_0_dbfs_and_silence_has_no_level() {
        assert_eq!(level_dbfs(rms(&[i16::MIN; 8])), Some(0.0));
        assert_eq!(level_dbfs(rms(&[0; 8])), None);
        let half = level_dbfs(rms(&[16_384; 8])).unwrap();
        assert!((half + 6.02).abs() < 0.01, "half the voltage is {half} dB");
    }

    #[test]
    fn other_bytes_are_no_peaks() {
        let mut bytes = Peaks::new(8_000, 1).to_bytes();
        assert!(PeaksView::parse(&bytes).is_ok(), "no bucket yet");
        bytes.push(0);
        assert_eq!(PeaksView::parse(&bytes), Err(NotPeaks));
        assert_eq!(PeaksView::parse(b"AMXP"), Err(NotPeaks));
    }
}
