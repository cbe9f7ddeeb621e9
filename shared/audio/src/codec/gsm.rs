//! GSM full rate, 13 kbit/s: the decoder of GSM 06.10 (ETS 300 961), framed for RTP by RFC 3551, 4.5.8.1.
//!
//! 33 octets, the first four bits `1101`, then 260 bits of parameters, most significant first: 160 samples.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "fixed-point arithmetic of the recommendation: every value is saturated to 16 bits, every index comes from a \
              bit field no wider than its table"
)]

use super::Damaged;

/// Octets of one frame.
pub(crate) const FRAME_BYTES: usize = 33;
const FRAME_SAMPLES: usize = 160;
/// The longest lag of the long-term predictor.
const LAG_MAX: usize = 120;

/// Table 4.1: bits, smallest code and the scaling of each log area ratio.
static RATIOS: [(u32, i32, i32, i32); 8] = [
    (6, -32, 0, 13_107),
    (6, -32, 0, 13_107),
    (5, -16, 2_048, 13_107),
    (5, -16, -2_560, 13_107),
    (4, -8, 94, 19_223),
    (4, -8, -1_792, 17_476),
    (3, -4, -341, 31_454),
    (3, -4, -1_144, 29_708),
];
/// Table 4.3b: gains of the long-term predictor.
static GAINS: [i32; 4] = [3_277, 11_469, 21_299, 32_767];
/// Table 4.6: normalised mantissas of the block amplitude.
static MANTISSAS: [i32; 8] = [18_431, 20_479, 22_527, 24_575, 26_623, 28_671, 30_719, 32_767];

/// The decoder's memory between two frames.
pub(super) struct Gsm {
    /// Excitation of the last 120 samples.
    past: [i32; LAG_MAX],
    lag: usize,
    ratios: [i32; 8],
    lattice: [i32; 9],
    emphasis: i32,
}

impl Default for Gsm {
    fn default() -> Self {
        Self { past: [0; LAG_MAX], lag: 40, ratios: [0; 8], lattice: [0; 9], emphasis: 0 }
    }
}

impl Gsm {
    /// Appends 160 samples per frame of 33 octets.
    pub(super) fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), Damaged> {
        let (frames, rest) = payload.as_chunks::<FRAME_BYTES>();
        if frames.is_empty() || !rest.is_empty() || frames.iter().any(|frame| frame[0] >> 4 != 0xd) {
            return Err(Damaged);
        }
        for frame in frames {
            self.decode_frame(frame, out);
        }
        Ok(())
    }

    fn decode_frame(&mut self, frame: &[u8; FRAME_BYTES], out: &mut Vec<i16>) {
        let mut bits = Bits { octets: frame, at: 4 };
        let ratios = RATIOS.map(|(width, least, offset, inverse)| {
            let scaled = sub(add(bits.take(width), least) << 10, offset << 1);
            let ratio = mult_r(inverse, scaled);
            add(ratio, ratio)
        });
        let mut excitation = [0; FRAME_SAMPLES];
        for subframe in excitation.as_chunks_mut::<40>().0 {
            self.excite(&mut bits, subframe);
        }
        let old = std::mem::replace(&mut self.ratios, ratios);
        let mut coefficients = [0; 8];
        for (n, sample) in excitation.iter().enumerate() {
            // The ratios glide from the old to the new ones in three steps (table 4.7 of the recommendation).
            let glide = |i: usize| match n {
                0..13 => add(add(old[i] >> 2, ratios[i] >> 2), old[i] >> 1),
                13..27 => add(old[i] >> 1, ratios[i] >> 1),
                27..40 => add(add(old[i] >> 2, ratios[i] >> 2), ratios[i] >> 1),
                _ => ratios[i],
            };
            if matches!(n, 0 | 13 | 27 | 40) {
                coefficients = std::array::from_fn(|i| reflection(glide(i)));
            }
            out.push(self.synthesise(*sample, &coefficients));
        }
    }

    /// Sections 5.3.1 and 5.3.2: the pulses of a subframe, upon the long-term prediction.
    fn excite(&mut self, bits: &mut Bits<'_>, subframe: &mut [i32; 40]) {
        let (lag, gain, grid, amplitude) = (bits.take(7), bits.take(2), bits.take(2), bits.take(6));
        if (40..=LAG_MAX as i32).contains(&lag) {
            self.lag = lag as usize;
        }
        let (exponent, mantissa) = amplitude_parts(amplitude);
        let shift = 6 - exponent;
        let rounding = if shift == 0 { 0 } else { 1 << (shift - 1) };
        for pulse in 0..13 {
            let code = bits.take(3);
            let level = mult_r(MANTISSAS[mantissa as usize], (2 * code - 7) << 12);
            subframe[grid as usize + 3 * pulse] = add(level, rounding) >> shift;
        }
        let gain = GAINS[gain as usize];
        for (n, sample) in subframe.iter_mut().enumerate() {
            // A lag is never shorter than a subframe, so only the past is looked at.
            let past = self.past[LAG_MAX + n - self.lag];
            *sample = add(*sample, mult_r(gain, past));
        }
        self.past.rotate_left(40);
        self.past[LAG_MAX - 40..].copy_from_slice(subframe);
    }

    /// Sections 5.3.4 and 5.3.5: the lattice filter and the de-emphasis.
    fn synthesise(&mut self, excitation: i32, coefficients: &[i32; 8]) -> i16 {
        let mut signal = excitation;
        for i in (0..8).rev() {
            signal = sub(signal, mult_r(coefficients[i], self.lattice[i]));
            self.lattice[i + 1] = add(self.lattice[i], mult_r(coefficients[i], signal));
        }
        self.lattice[0] = signal;
        self.emphasis = add(signal, mult_r(self.emphasis, 28_180));
        (add(self.emphasis, self.emphasis) & !7) as i16
    }
}

/// Section 5.2.15: exponent and mantissa of the block amplitude.
fn amplitude_parts(code: i32) -> (i32, i32) {
    let exponent = if code > 15 { (code >> 3) - 1 } else { 0 };
    let mantissa = code - (exponent << 3);
    if mantissa == 0 {
        return (-4, 7);
    }
    let (mut exponent, mut mantissa) = (exponent, mantissa);
    while mantissa <= 7 {
        mantissa = mantissa << 1 | 1;
        exponent -= 1;
    }
    (exponent, mantissa - 8)
}

/// Section 5.2.9.2: from the log area ratio to the reflection coefficient, in three straight lines.
fn reflection(ratio: i32) -> i32 {
    let size = ratio.abs().min(32_767);
    let size = match size {
        0..11_059 => size << 1,
        11_059..20_070 => size + 11_059,
        _ => add(size >> 2, 26_112),
    };
    if ratio < 0 { -size } else { size }
}

struct Bits<'a> {
    octets: &'a [u8; FRAME_BYTES],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, width: u32) -> i32 {
        (0..width).fold(0, |value, _bit| {
            let bit = self.octets[self.at / 8] >> (7 - self.at % 8) & 1;
            self.at += 1;
            value << 1 | i32::from(bit)
        })
    }
}

fn add(a: i32, b: i32) -> i32 {
    (a + b).clamp(-32_768, 32_767)
}

fn sub(a: i32, b: i32) -> i32 {
    (a - b).clamp(-32_768, 32_767)
}

fn mult_r(a: i32, b: i32) -> i32 {
    ((a * b + 16_384) >> 15).min(32_767)
}
