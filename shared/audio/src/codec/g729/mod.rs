//! G.729 with annexes A and B: 10-octet speech frames of 10 ms, a 2-octet noise description last (RFC 3551, 4.5.6).
//!
//! Written from the Recommendation (ITU-T G.729, 06/2012). It fixes the decoder to the bit, so the order in which numbers
//! are rounded and saturated is its own; nothing else is anybody else's. The postfilter is annex A's, which reads the same
//! bitstream as the base codec's and sounds very nearly the same.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::cast_lossless,
    reason = "fixed-point arithmetic of the Recommendation: what can leave its width goes through `fixed`, which saturates; \
              every index is masked to its table or bounded by the delay"
)]

mod excitation;
mod fixed;
mod lsp;
mod noise;
mod postfilter;
mod spectra;
mod synthesis;
mod tables;

use super::Damaged;
use crate::plc::faded;
use excitation::{DELAY_MAX, Delay, Gains, past, pulses};
use fixed::{plus, product, rounded, shifted};
use lsp::{Filter, Indices, Lines, Spectrum, filters};
use noise::{Noise, Random};
use postfilter::Postfilter;
use synthesis::Synthesis;

const SPEECH_BYTES: usize = 10;
const NOISE_BYTES: usize = 2;
/// Samples of a frame and of its halves.
pub(super) const FRAME: usize = 80;
const SUBFRAME: usize = FRAME / 2;
/// Coefficients of the prediction filter.
const ORDER: usize = 10;
/// Lost frames of speech that are made up for: 60 ms.
const LOST_MAX: usize = 6;
/// Samples of excitation that the longest delay and its interpolation look back.
const PAST: usize = 154;
/// The least sharpness of pulses, 0.2 in Q14.
const SHARPNESS_MIN: i16 = 3_277;

/// What the sender had to say for 10 ms.
#[derive(Clone, Copy)]
enum Frame<'a> {
    Speech(&'a [u8; SPEECH_BYTES]),
    Noise(&'a [u8; NOISE_BYTES]),
    /// Nothing, on purpose or lost; what it stands for depends on the frame before.
    Nothing,
}

/// The state of the decoder.
pub(super) struct G729 {
    /// Past excitation, then that of the present frame.
    excitation: [i16; PAST + FRAME],
    synthesis: Synthesis,
    spectrum: Spectrum,
    /// The lines of the last frame, as cosines.
    lines: Lines,
    gains: Gains,
    sharpness: i16,
    /// Pitch delay of the last subframe.
    delay: i16,
    /// Chooses the pulses of lost frames.
    random: Random,
    noise: Noise,
    /// Whether the last frame was comfort noise.
    silent: bool,
    /// Frames of speech lost since the last that came.
    lost: usize,
    postfilter: Postfilter,
}

impl Default for G729 {
    fn default() -> Self {
        Self {
            excitation: [0; PAST + FRAME],
            synthesis: Synthesis::default(),
            spectrum: Spectrum::default(),
            lines: [30_000, 26_000, 21_000, 15_000, 8_000, 0, -8_000, -15_000, -21_000, -26_000],
            gains: Gains::default(),
            sharpness: SHARPNESS_MIN,
            delay: 60,
            random: Random(21_845),
            noise: Noise::default(),
            silent: false,
            lost: 0,
            postfilter: Postfilter::default(),
        }
    }
}

impl G729 {
    /// Appends 80 samples for each frame.
    pub(super) fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), Damaged> {
        let (speech, rest) = payload.as_chunks::<SPEECH_BYTES>();
        let noise: Option<&[u8; NOISE_BYTES]> = rest.try_into().ok();
        if payload.is_empty() || !rest.is_empty() && noise.is_none() {
            return Err(Damaged);
        }
        for frame in speech {
            out.extend(self.frame(Frame::Speech(frame)));
        }
        if let Some(noise) = noise {
            out.extend(self.frame(Frame::Noise(noise)));
        }
        Ok(())
    }

    /// Tells whether the sender last described noise: it is silent until it speaks again.
    pub(super) const fn is_silent(&self) -> bool {
        self.silent
    }

    /// Appends exactly `samples` in place of frames that did not come: comfort noise goes on, speech fades away as clause 4.4
    /// says, and faster: after 60 ms there is silence.
    pub(super) fn conceal(&mut self, samples: usize, out: &mut Vec<i16>) {
        let end = out.len().saturating_add(samples);
        while out.len() < end && (self.silent || self.lost < LOST_MAX) {
            let (from, frame) = (self.lost * FRAME, self.frame(Frame::Nothing));
            let fade =
                |(n, pcm)| if self.silent { pcm } else { faded(pcm, from + n, FRAME, LOST_MAX * FRAME) };
            out.extend(frame.into_iter().enumerate().map(fade));
        }
        out.resize(end, 0);
    }

    fn frame(&mut self, frame: Frame<'_>) -> [i16; FRAME] {
        let speech = match frame {
            Frame::Speech(_) => true,
            Frame::Noise(_) => false,
            Frame::Nothing => !self.silent,
        };
        let mut out = [0; FRAME];
        let (filters, delays) =
            if speech { self.speech(frame, &mut out) } else { self.silence(frame, &mut out) };
        self.excitation.copy_within(FRAME.., 0);
        self.silent = !speech;
        self.lost = if matches!(frame, Frame::Nothing) { self.lost.saturating_add(1) } else { 0 };
        self.postfilter.apply(&out, &filters, delays, speech)
    }

    /// Synthesises a frame of speech. Returns its filters and pitch delays.
    fn speech(&mut self, frame: Frame<'_>, out: &mut [i16; FRAME]) -> ([Filter; 2], [i16; 2]) {
        self.noise.interrupted();
        let bits = match frame {
            Frame::Speech(bits) => Some(bits),
            Frame::Noise(_) | Frame::Nothing => None,
        };
        let coded = bits.map(Coded::new);
        let lines = match &coded {
            Some(coded) => self.spectrum.speech(coded.lines),
            None => self.spectrum.repeated(),
        };
        let filters = filters(&self.lines, &lines);
        self.lines = lines;
        let mut delays = [0; 2];
        for (n, filter) in filters.iter().enumerate() {
            let coded = coded.as_ref().map(|coded| (coded, &coded.halves[n]));
            let delay = match coded {
                Some((coded, half)) if n == 1 || coded.delay_is_sound => {
                    let delay =
                        if n == 0 { Delay::absolute(half.delay) } else { Delay::near(delays[0], half.delay) };
                    self.delay = delay.samples;
                    delay
                }
                _ => {
                    let samples = self.delay;
                    self.delay = (self.delay + 1).min(DELAY_MAX);
                    Delay { samples, thirds: 0 }
                }
            };
            delays[n] = delay.samples;
            let from = PAST + n * SUBFRAME;
            past(&mut self.excitation, from, delay);
            let (places, signs) = match coded {
                Some((_, half)) => (half.places, half.signs),
                None => (self.random.next() as u16 & 0x1fff, self.random.next() as u8 & 15),
            };
            let code = pulses(places, signs, delay.samples, self.sharpness);
            match coded {
                Some((_, half)) => self.gains.decode(half.gain_1, half.gain_2, &code),
                None => self.gains.fade(),
            }
            self.sharpness = self.gains.sharpness();
            for (sample, pulse) in self.excitation[from..from + SUBFRAME].iter_mut().zip(code) {
                let sum = plus(product(*sample, self.gains.pitch), pulse, self.gains.code);
                *sample = rounded(shifted(sum, 1));
            }
            self.synthesise(n, filter, out);
        }
        (filters, delays)
    }

    /// Synthesises a frame of comfort noise.
    fn silence(&mut self, frame: Frame<'_>, out: &mut [i16; FRAME]) -> ([Filter; 2], [i16; 2]) {
        let begins = !self.silent;
        if let Frame::Noise(&[first, second]) = frame {
            // One bit of predictor, five and four of spectrum, five of level, one of nothing.
            self.noise.describe(second >> 1);
            let stages = (first >> 2 & 31, (first & 3) << 2 | second >> 6);
            self.noise.lines = self.spectrum.noise(first >> 7 == 1, stages.0, stages.1);
        }
        self.noise.advance(begins);
        self.noise.excite(&mut self.excitation, PAST);
        let filters = filters(&self.lines, &self.noise.lines);
        self.lines = self.noise.lines;
        for (n, filter) in filters.iter().enumerate() {
            self.synthesise(n, filter, out);
        }
        self.sharpness = SHARPNESS_MIN;
        (filters, [self.delay; 2])
    }

    /// Turns the excitation of one half into sound. If that saturates, all excitation is made quieter and it is done again.
    fn synthesise(&mut self, half: usize, filter: &Filter, out: &mut [i16; FRAME]) {
        let from = PAST + half * SUBFRAME;
        let input = |excitation: &[i16]| std::array::from_fn::<i16, SUBFRAME, _>(|n| excitation[from + n]);
        let before = self.synthesis;
        let (mut speech, saturated) = self.synthesis.try_run(filter, &input(&self.excitation));
        if saturated {
            self.excitation.iter_mut().for_each(|sample| *sample >>= 2);
            self.synthesis = before;
            speech = self.synthesis.run(filter, &input(&self.excitation));
        }
        out[half * SUBFRAME..(half + 1) * SUBFRAME].copy_from_slice(&speech);
    }
}

/// The 80 bits of a speech frame (table 8).
struct Coded {
    lines: Indices,
    /// Whether the parity of the first delay holds.
    delay_is_sound: bool,
    halves: [Half; 2],
}

struct Half {
    delay: u8,
    places: u16,
    signs: u8,
    gain_1: u8,
    gain_2: u8,
}

impl Coded {
    fn new(octets: &[u8; SPEECH_BYTES]) -> Self {
        let all = octets.iter().fold(0u128, |all, octet| all << 8 | u128::from(*octet));
        let mut left = 80u32;
        let mut take = |bits: u32| {
            left -= bits;
            (all >> left) as u16 & ((1 << bits) - 1)
        };
        let lines = Indices {
            predictor: take(1) as u8,
            first: take(7) as u8,
            lower: take(5) as u8,
            upper: take(5) as u8,
        };
        let delay = take(8) as u8;
        let parity = take(1) as u8;
        let mut half = |delay: Option<u8>| Half {
            delay: delay.unwrap_or_else(|| take(5) as u8),
            places: take(13),
            signs: take(4) as u8,
            gain_1: take(3) as u8,
            gain_2: take(4) as u8,
        };
        let halves = [half(Some(delay)), half(None)];
        Self { lines, delay_is_sound: Delay::parity_holds(delay, parity), halves }
    }
}
