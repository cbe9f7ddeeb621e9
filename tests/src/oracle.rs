//! The judge: reads WAV files and compares them, sample for sample, with what was fed.
//!
//! It shares no code with the product: a fault in a writer must not be forgiven by a reader of the same hand.

use crate::calls::{alaw_decode, ulaw_decode};

/// A WAV file as 16-bit samples, one list per channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wav {
    /// Samples per second of each channel.
    pub rate_hz: u32,
    /// Samples of each channel.
    pub channels: Vec<Vec<i16>>,
}

/// Why a file is no WAV that we can read, or why audio is not what was fed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Verdict(String);

impl Verdict {
    fn of<T>(text: impl Into<String>) -> Result<T, Self> {
        Err(Self(text.into()))
    }
}

/// Reads PCM16, A-law or µ-law; a data chunk that says it is longer than the file (a stream) is read to the end.
///
/// # Errors
/// What is wrong with the file.
pub fn read_wav(file: &[u8]) -> Result<Wav, Verdict> {
    if file.get(0..4) != Some(b"RIFF") || file.get(8..12) != Some(b"WAVE") {
        return Verdict::of("no RIFF/WAVE at the beginning");
    }
    let (mut rest, mut format) = (file.get(12..).unwrap_or_default(), None);
    while let Some((name, length, body)) = chunk(rest) {
        match name {
            b"fmt " => format = Format::read(body),
            b"data" => return format.map_or_else(|| Verdict::of("data before fmt"), |f| f.samples(body)),
            _ => {}
        }
        rest = rest.get(8 + length + (length & 1)..).unwrap_or_default();
    }
    Verdict::of("no data chunk")
}

fn chunk(rest: &[u8]) -> Option<(&[u8; 4], usize, &[u8])> {
    let (name, rest) = rest.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    Some((name, length, rest.get(..length).unwrap_or(rest)))
}

#[derive(Clone, Copy)]
struct Format {
    tag: u16,
    channels: usize,
    rate_hz: u32,
    bits: u16,
}

impl Format {
    fn read(body: &[u8]) -> Option<Self> {
        let u16_at = |at: usize| body.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes);
        let rate = body.get(4..8)?.try_into().ok()?;
        Some(Self {
            tag: u16_at(0)?,
            channels: usize::from(u16_at(2)?),
            rate_hz: u32::from_le_bytes(rate),
            bits: u16_at(14)?,
        })
    }

    fn samples(self, body: &[u8]) -> Result<Wav, Verdict> {
        if self.channels == 0 {
            return Verdict::of("no channels");
        }
        let all: Vec<i16> = match (self.tag, self.bits) {
            (1 | 0xfffe, 16) => body.as_chunks::<2>().0.iter().map(|&b| i16::from_le_bytes(b)).collect(),
            (6, 8) => body.iter().map(|&b| alaw_decode(b)).collect(),
            (7, 8) => body.iter().map(|&b| ulaw_decode(b)).collect(),
            (tag, bits) => return Verdict::of(format!("format {tag} with {bits} bits is not read here")),
        };
        let channel = |c: usize| all.iter().skip(c).step_by(self.channels).copied().collect();
        Ok(Wav { rate_hz: self.rate_hz, channels: (0..self.channels).map(channel).collect() })
    }
}

/// Holds that `expected` lies in `got` exactly, in one piece, and that all around it is silence of at most `slack`
/// samples. Returns where it begins.
///
/// # Errors
/// Where the first difference is.
pub fn expect_exact(got: &[i16], expected: &[i16], slack: usize) -> Result<usize, Verdict> {
    if expected.is_empty() {
        return Verdict::of("nothing was expected: the test is broken");
    }
    let Some(at) = find(got, expected) else {
        return Verdict::of(difference(got, expected));
    };
    let after = got.len() - at - expected.len();
    if at > slack || after > slack {
        return Verdict::of(format!(
            "found, but with {at} samples before and {after} after it ({slack} allowed)"
        ));
    }
    Ok(at)
}

/// Where `expected` begins in `got`.
#[must_use]
pub fn find(got: &[i16], expected: &[i16]) -> Option<usize> {
    // Speech begins with silence, which is found everywhere: look for its loudest second, then compare all.
    let probe = loudest(expected, 400);
    let needle = expected.get(probe..(probe + 400).min(expected.len()))?;
    let last = got.len().checked_sub(expected.len())?;
    (0..=last).find(|&at| {
        got.get(at + probe..at + probe + needle.len()) == Some(needle)
            && got.get(at..at + expected.len()) == Some(expected)
    })
}

fn loudest(pcm: &[i16], window: usize) -> usize {
    let power = |from: usize| -> u64 {
        pcm.iter().skip(from).take(window).map(|s| u64::from(s.unsigned_abs())).sum()
    };
    (0..pcm.len().saturating_sub(window)).step_by(window).max_by_key(|&from| power(from)).unwrap_or(0)
}

fn difference(got: &[i16], expected: &[i16]) -> String {
    let probe = loudest(expected, 400);
    let needle = expected.get(probe..(probe + 400).min(expected.len())).unwrap_or_default();
    let Some(hit) = got.windows(needle.len().max(1)).position(|w| w == needle) else {
        return format!(
            "not found: {} samples, none of them resembles the {} expected",
            got.len(),
            expected.len()
        );
    };
    let shift = |i: usize| (hit + i).checked_sub(probe).and_then(|at| got.get(at));
    let first = expected.iter().enumerate().find(|(i, e)| shift(*i) != Some(e)).map(|(i, _)| i);
    let same = expected.iter().enumerate().filter(|(i, e)| shift(*i) == Some(e)).count();
    format!(
        "{same} of {} samples are in place, the first that is not is number {first:?}; {} samples in all",
        expected.len(),
        got.len()
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::missing_assert_message, reason = "tests")]
    use super::*;

    fn voice(n: i32) -> Vec<i16> {
        (0..n).map(|i| i16::try_from((i * i * 7 + i) % 20_011 - 10_000).unwrap()).collect()
    }

    #[test]
    fn exact_audio_is_found_with_silence_around_it() {
        let fed = voice(5_000);
        let got = [vec![0; 80], fed.clone(), vec![0; 40]].concat();
        assert_eq!(expect_exact(&got, &fed, 100), Ok(80));
        assert!(expect_exact(&got, &fed, 50).is_err());
    }

    #[test]
    fn one_wrong_sample_is_found_and_named() {
        let fed = voice(5_000);
        let mut got = fed.clone();
        *got.get_mut(4_321).unwrap() += 1;
        let said = expect_exact(&got, &fed, 0).unwrap_err().to_string();
        assert!(said.contains("4999 of 5000") && said.contains("4321"), "{said}");
    }

    #[test]
    fn a_missing_sample_is_no_match() {
        let fed = voice(5_000);
        let mut got = fed.clone();
        got.remove(3_000);
        assert!(expect_exact(&got, &fed, 1_000).is_err());
    }

    #[test]
    fn stereo_is_taken_apart() {
        let mut file =
            b"RIFF\x30\0\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0\x40\x1f\0\0\0\x7d\0\0\x04\0\x10\0data\x08\0\0\0"
                .to_vec();
        file.extend([1, 0, 2, 0, 3, 0, 4, 0]);
        assert_eq!(read_wav(&file), Ok(Wav { rate_hz: 8_000, channels: vec![vec![1, 3], vec![2, 4]] }));
        assert!(read_wav(b"RIFF....WAVX").is_err());
    }
}
