//! Comfort noise of annex B: while nobody speaks the sender says now and then how loud and of what colour the silence is,
//! and the decoder makes an excitation of that loudness (B.4.4): a random mixture of past excitation, Gaussian noise and
//! four pulses whose size makes the energy right.

use super::excitation::{Delay, past};
use super::fixed::{
    Split, headroom, held, inverse_root, plus, product, shifted, shifted_rounded, times_rounded, upper,
};
use super::lsp::Lines;
use super::tables::NOISE_GAIN;
use super::{FRAME, SUBFRAME};

/// Where the random numbers of each stretch of silence begin.
const SEED: i16 = 11_111;
/// The largest pulse.
const PULSE_MAX: i16 = 5_000;

/// The random numbers of the Recommendation.
pub(super) struct Random(pub(super) i16);

impl Random {
    pub(super) const fn next(&mut self) -> i16 {
        self.0 = self.0.wrapping_mul(31_821).wrapping_add(13_849);
        self.0
    }

    /// The sum of twelve, which is Gaussian enough.
    fn gaussian(&mut self) -> i16 {
        let sum: i32 = (0..12).map(|_n| i32::from(self.next())).sum();
        (sum >> 7) as i16
    }
}

/// The noise last described.
pub(super) struct Noise {
    random: Random,
    /// The level told, and the level that follows it smoothly; both Q3.
    told: i16,
    level: i16,
    pub(super) lines: Lines,
}

impl Default for Noise {
    fn default() -> Self {
        let lines = [31_441, 27_566, 21_458, 13_612, 4_663, -4_663, -13_612, -21_458, -27_566, -31_441];
        Self { random: Random(SEED), told: 0, level: 0, lines }
    }
}

impl Noise {
    /// Takes note that somebody speaks.
    pub(super) const fn interrupted(&mut self) {
        self.random = Random(SEED);
    }

    /// Takes the level of a description.
    pub(super) fn describe(&mut self, level: u8) {
        self.told = NOISE_GAIN[usize::from(level & 31)];
    }

    /// Moves the level on by a frame; at the begin of a silence it is what was told.
    pub(super) fn advance(&mut self, begins: bool) {
        self.level = if begins {
            self.told
        } else {
            times_rounded(self.level, 28_672).saturating_add(times_rounded(self.told, 4_096))
        };
    }

    /// Writes the excitation of a frame into `line[at..at + 80]`.
    pub(super) fn excite(&mut self, line: &mut [i16], at: usize) {
        if self.level == 0 {
            line[at..at + FRAME].fill(0);
            return;
        }
        for at in [at, at + SUBFRAME] {
            self.subframe(line, at);
        }
    }

    fn subframe(&mut self, line: &mut [i16], at: usize) {
        let dice = self.cast();
        let gaussian = self.gaussian();
        past(line, at, dice.delay);
        for (sample, noise) in line[at..at + SUBFRAME].iter_mut().zip(gaussian) {
            *sample = times_rounded(*sample, dice.gain).saturating_add(noise);
        }
        let wanted = product(self.level, (product(self.level, 40) >> 6) as i16); // energy of a subframe, times four
        let (pulse, keeps_past) = self.pulse(&line[at..at + SUBFRAME], &gaussian, &dice, wanted);
        if !keeps_past {
            line[at..at + SUBFRAME].copy_from_slice(&gaussian);
        }
        for (place, positive) in dice.pulses {
            let sample = &mut line[at + place];
            *sample = if positive { sample.saturating_add(pulse) } else { sample.saturating_sub(pulse) };
        }
    }

    /// The pulse size x that makes the energy right: 4x² + 2bx + c = 0, where b is the sum of the excitation under the
    /// pulses and c what its energy lacks. Where no x does, the past excitation is left out, and there is one.
    fn pulse(&self, mixed: &[i16], gaussian: &[i16; SUBFRAME], dice: &Dice, wanted: i32) -> (i16, bool) {
        let most = mixed.iter().map(|s| s.saturating_abs()).max().unwrap_or(0);
        let right = if most == 0 { 0 } else { (3 - headroom(i32::from(most) << 16)).max(0) };
        let scaled: [i16; SUBFRAME] = std::array::from_fn(|n| mixed[n] >> right);
        let energy = scaled.iter().fold(0, |sum, s| plus(sum, *s, *s));
        let b = dice.under(|place| scaled[place]) >> 1;
        let lacking = shifted(wanted, -(1 + 2 * right)).saturating_sub(energy);
        let discriminant = plus(lacking, b, b);
        if discriminant >= 0 {
            return (root(discriminant, b, right + 1), true);
        }
        let large = dice.pulses.iter().fold(0, |bits, (place, _)| bits | gaussian[*place].saturating_abs());
        let right = if large & 0x4000 == 0 { 1 } else { 2 };
        let b = dice.under(|place| gaussian[place] >> right);
        // Gaussian noise has half of the amplitude, so three quarters of the energy are left to the pulses.
        let lacking = shifted(Split::new(wanted).times(24_576), 1 - 2 * right);
        (root(plus(lacking, b, b), b, right), false)
    }

    /// Casts the dice for a subframe: delay, places and signs of the pulses, gain of the past.
    fn cast(&mut self) -> Dice {
        let (one, two) = (self.random.next(), self.random.next());
        let thirds = (one & 3) - 1;
        let delay = Delay { samples: ((one >> 2) & 63) + 40, thirds: if thirds == 2 { 0 } else { thirds } };
        let place = |bits: i16| usize::try_from(bits & 7).unwrap_or(0) * 5;
        let track = 3 + usize::from(two >> 4 & 1 == 1);
        let pulses = [
            (place(one >> 8), one >> 11 & 1 == 1),
            (place(one >> 12) + 1, one < 0),
            (place(two) + 2, two >> 3 & 1 == 1),
            (place(two >> 5) + track, two >> 8 & 1 == 1),
        ];
        let gain = self.random.next() & 0x1fff;
        Dice { delay, pulses, gain: gain << 1 }
    }

    /// Noise of half the wanted amplitude.
    fn gaussian(&mut self) -> [i16; SUBFRAME] {
        let raw: [i16; SUBFRAME] = std::array::from_fn(|_n| self.random.gaussian());
        let energy = raw.iter().fold(0, |sum, s| plus(sum, *s, *s));
        let inverse = Split::new(inverse_root(energy >> 1));
        let wanted = self.level.saturating_add(times_rounded(self.level, 19_043)); // sqrt(40) / 4 is 1.58
        let factor = inverse.times(wanted);
        let left = headroom(factor);
        let factor = upper(shifted(factor, left));
        raw.map(|s| held(shifted_rounded(i32::from(times_rounded(s, factor)), left - 14)))
    }
}

/// What chance decides of a subframe of noise.
struct Dice {
    delay: Delay,
    /// Place of each pulse, and whether it is positive.
    pulses: [(usize, bool); 4],
    /// Gain of the past excitation, Q15.
    gain: i16,
}

impl Dice {
    /// Sums what is under the pulses, with their signs.
    fn under(&self, sample: impl Fn(usize) -> i16) -> i16 {
        self.pulses.iter().fold(0i16, |sum, (place, positive)| {
            if *positive { sum.saturating_add(sample(*place)) } else { sum.saturating_sub(sample(*place)) }
        })
    }
}

/// The smaller of both solutions, from the discriminant and b scaled by `2^-right`.
fn root(discriminant: i32, b: i16, right: i32) -> i16 {
    let root = square_root(discriminant);
    let (one, other) = (root.saturating_sub(b), b.saturating_add(root).saturating_neg());
    let smaller = if other.saturating_abs() < one.saturating_abs() { other } else { one };
    held(shifted_rounded(i32::from(smaller), 2 - right)).clamp(-PULSE_MAX, PULSE_MAX)
}

/// The largest number of 14 bits (and a lowest bit that stays 0) whose doubled square is not above `value`.
fn square_root(value: i32) -> i16 {
    (1..15).rev().fold(0i16, |found, bit| {
        let tried = found.saturating_add(1 << bit);
        if product(tried, tried) <= value { tried } else { found }
    })
}
