//! From one sampling rate to another by a polyphase windowed sinc, for legs and tracks whose rates differ.
//!
//! Not used where rates are equal: then samples pass untouched. Output frame `k` stands for the input moment
//! `k * in / out`, counted from the recording's start, so a range and the whole give the same samples.
//! Stop band and passband ripple: 80 dB, passband to 0.84 of the lower half rate.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "rates are held below 2^18 and indices below the length of the filter; no wire bytes are read here"
)]

use std::f64::consts::PI;

/// Zero crossings of the sinc on each side, at the lower of both rates.
const CROSSINGS: f64 = 32.0;
/// Cut-off as a share of the lower half rate, so that the transition ends about where aliasing would begin.
const CUT_OFF: f64 = 0.92;
/// Kaiser's beta for 80 dB.
const BETA: f64 = 7.86;
/// Rates without a common divisor share this many phases; the error stays below that of 16 bits for speech.
const PHASES_MAX: u64 = 1_024;

/// Turns a stream of samples at one rate into a stream at another.
pub struct Resampler {
    up: u64,
    down: u64,
    phases: u64,
    half: usize,
    taps: Vec<f32>,
    history: Vec<f32>,
    /// Input index of `history[0]`, biased by `half` so that it never goes below zero.
    base: u64,
    next_out: u64,
}

impl std::fmt::Debug for Resampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Resampler({}/{})", self.up, self.down)
    }
}

impl Resampler {
    /// Makes a resampler whose first input sample has the index `first_in`. Rates of 0 count as 1.
    #[must_use]
    pub fn new(in_hz: u32, out_hz: u32, first_in: u64) -> Self {
        let (in_hz, out_hz) = (u64::from(in_hz.max(1)), u64::from(out_hz.max(1)));
        let common = gcd(in_hz, out_hz);
        let (up, down) = (out_hz / common, in_hz / common);
        let stretch = (down as f64 / up as f64).max(1.0);
        let half = (CROSSINGS * stretch).ceil() as usize;
        let phases = up.min(PHASES_MAX);
        let next_out = scaled_up(first_in, up, down);
        let taps = design(phases, half, CUT_OFF / stretch);
        // Before the first sample there is silence, as much as the filter looks back.
        let history = vec![0.0; half];
        Self { up, down, phases, half, taps, history, base: first_in, next_out }
    }

    /// Returns the index of the next output frame.
    #[must_use]
    pub const fn next_out(&self) -> u64 {
        self.next_out
    }

    /// Takes samples and appends every output frame that they complete.
    pub fn push(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        self.history.extend(samples.iter().map(|pcm| f32::from(*pcm)));
        let taps = self.half * 2;
        loop {
            // Index of the last input at or before the output's moment; its window begins `half - 1` before.
            let at = u128::from(self.next_out) * u128::from(self.down);
            let (whole, part) = (at / u128::from(self.up), (at % u128::from(self.up)) as u64);
            let from = (whole as u64).saturating_add(1).saturating_sub(self.base) as usize;
            let Some(window) = self.history.get(from..from.saturating_add(taps)) else { break };
            let phase = (part * self.phases / self.up) as usize;
            let filter = &self.taps[phase * taps..][..taps];
            out.push(dot(window, filter).round_ties_even().clamp(-32_768.0, 32_767.0) as i16);
            self.next_out += 1;
        }
        self.forget();
    }

    /// Appends the output frames that still lean on samples after the last, taken as silence.
    pub fn finish(&mut self, out: &mut Vec<i16>) {
        let end_in = self.base + self.history.len() as u64 - self.half as u64;
        let end_out = scaled_up(end_in, self.up, self.down);
        let missing = (end_out - self.next_out.min(end_out)) as usize;
        let before = out.len();
        self.push(&vec![0; self.half + 1], out);
        out.truncate(before + missing);
    }

    /// Lets go of input that no later output looks at.
    fn forget(&mut self) {
        let whole = (u128::from(self.next_out) * u128::from(self.down) / u128::from(self.up)) as u64;
        let unused = (whole.saturating_add(1).saturating_sub(self.base) as usize).min(self.history.len());
        if unused > 4_096 {
            self.history.drain(..unused);
            self.base += unused as u64;
        }
    }
}

/// Returns the first output index at or after input index `n`.
fn scaled_up(n: u64, up: u64, down: u64) -> u64 {
    u64::try_from((u128::from(n) * u128::from(up)).div_ceil(u128::from(down))).unwrap_or(u64::MAX)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Eight sums at once, which the compiler turns into vector instructions.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    for (a, b) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest = a.as_chunks::<8>().1.iter().zip(b.as_chunks::<8>().1).map(|(a, b)| a * b).sum::<f32>();
    sums.iter().sum::<f32>() + rest
}

/// Computes `phases` filters of `2 * half` taps; each passes a constant unchanged.
fn design(phases: u64, half: usize, cut_off: f64) -> Vec<f32> {
    let mut taps = Vec::with_capacity(half * 2 * phases as usize);
    for phase in 0..phases {
        let part = phase as f64 / phases as f64;
        // Tap j weighs the input j - (half - 1) samples after the one at or before the output's moment.
        let weight = |j: usize| {
            let distance = part + (half as f64 - 1.0) - j as f64;
            sinc(cut_off * distance) * kaiser(distance / half as f64)
        };
        let sum: f64 = (0..half * 2).map(weight).sum();
        taps.extend((0..half * 2).map(|j| (weight(j) / sum) as f32));
    }
    taps
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

fn kaiser(x: f64) -> f64 {
    if x.abs() >= 1.0 { 0.0 } else { bessel(BETA * (1.0 - x * x).sqrt()) / bessel(BETA) }
}

/// The modified Bessel function of order zero, by its series.
fn bessel(x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0, 1.0, 1.0);
    while term > sum * 1e-12 {
        term *= (x / (2.0 * n)) * (x / (2.0 * n));
        sum += term;
        n += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hz: f64, rate: f64, from: u64, count: u64) -> Vec<i16> {
        (from..from + count)
            .map(|n| (20_000.0 * (2.0 * PI * hz * n as f64 / rate).sin()).round() as i16)
            .collect()
    }

    /// Resamples one second of a tone in uneven pieces and compares the middle with the tone itself, in dB.
    fn check(in_hz: u32, out_hz: u32, hz: f64, snr_db_min: f64) {
        let input = tone(hz, f64::from(in_hz), 0, u64::from(in_hz));
        let (mut resampler, mut out) = (Resampler::new(in_hz, out_hz, 0), Vec::new());
        for piece in input.chunks(333) {
            resampler.push(piece, &mut out);
        }
        resampler.finish(&mut out);
        assert_eq!(out.len(), out_hz as usize, "{in_hz} to {out_hz}: one second stays one second");
        let expected = tone(hz, f64::from(out_hz), 0, u64::from(out_hz));
        let middle = out.len() / 4..out.len() * 3 / 4;
        let (mut signal, mut noise) = (0.0, 1e-9);
        for (found, expected) in out[middle.clone()].iter().zip(&expected[middle]) {
            signal += f64::from(*expected).powi(2);
            noise += (f64::from(*found) - f64::from(*expected)).powi(2);
        }
        let snr_db = 10.0 * f64::log10(signal / noise);
        assert!(snr_db >= snr_db_min, "{in_hz} to {out_hz} at {hz} Hz: {snr_db:.1} dB");
    }

    #[test]
    fn a_tone_stays_the_tone() {
        check(8_000, 16_000, 1_000.0, 75.0);
        check(8_000, 16_000, 3_300.0, 70.0);
        check(8_000, 48_000, 3_000.0, 75.0);
        check(48_000, 8_000, 1_000.0, 75.0);
        check(16_000, 8_000, 3_000.0, 75.0);
        check(44_100, 48_000, 5_000.0, 75.0);
        check(11_025, 8_000, 1_000.0, 75.0);
        check(8_001, 7_999, 1_000.0, 50.0);
    }

    #[test]
    fn what_the_lower_rate_cannot_carry_is_gone() {
        let (mut resampler, mut out) = (Resampler::new(16_000, 8_000, 0), Vec::new());
        resampler.push(&tone(5_000.0, 16_000.0, 0, 16_000), &mut out);
        let loudest = out[1_000..7_000].iter().map(|pcm| pcm.abs()).max();
        assert!(loudest <= Some(4), "5 kHz folded back as {loudest:?}");
    }

    #[test]
    fn beginning_later_gives_the_same_samples() {
        let input = tone(700.0, 8_000.0, 0, 8_000);
        let (mut whole, mut late) = (Vec::new(), Vec::new());
        Resampler::new(8_000, 44_100, 0).push(&input, &mut whole);
        let mut resampler = Resampler::new(8_000, 44_100, 1_234);
        let first = resampler.next_out() as usize;
        resampler.push(&input[1_234..], &mut late);
        assert_eq!(late[500..], whole[first + 500..], "once the filter has filled");
    }
}
