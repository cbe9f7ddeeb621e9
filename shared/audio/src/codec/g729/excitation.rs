//! What drives the synthesis filter: the past excitation at the pitch delay, four pulses, and their gains (clauses 3.7 to
//! 3.9 and 4.1.3 to 4.1.5; 4.4 where a frame is lost).

use super::SUBFRAME;
use super::fixed::{Split, held, log2, plus, pow2, product, rounded, shifted, times, upper};
use super::tables::{GAIN_1, GAIN_2, GAIN_PREDICTION, THIRDS};

/// The shortest and the longest pitch delay.
const DELAY_MIN: i16 = 20;
pub(super) const DELAY_MAX: i16 = 143;
/// Least of the logarithmic code gains, Q10 dB: what is remembered before the first frame.
const ENERGY_MIN: i16 = -14_336;

/// A pitch delay in samples and thirds (-1, 0, 1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Delay {
    pub(super) samples: i16,
    pub(super) thirds: i16,
}

impl Delay {
    /// The delay of the first subframe: thirds up to 84 2/3, whole samples above.
    pub(super) const fn absolute(index: u8) -> Self {
        let index = index as i16;
        if index < 197 {
            let samples = times(index + 2, 10_923) + 19;
            Self { samples, thirds: index - samples * 3 + 58 }
        } else {
            Self { samples: index - 112, thirds: 0 }
        }
    }

    /// The delay of the second subframe, near that of the first.
    pub(super) fn near(first: i16, index: u8) -> Self {
        let index = i16::from(index & 31);
        let lowest = (first - 5).clamp(DELAY_MIN, DELAY_MAX - 9);
        let above = times(index + 2, 10_923) - 1;
        Self { samples: lowest + above, thirds: index - 2 - 3 * above }
    }

    /// Whether the parity bit agrees with the six upper bits of the first delay's index.
    pub(super) const fn parity_holds(index: u8, parity: u8) -> bool {
        ((index >> 2).count_ones() + parity as u32) & 1 == 1
    }
}

/// Fills `line[at..at + 40]` with the line itself, `delay` earlier, read between the samples.
///
/// The line holds at least 154 samples before `at`. A delay shorter than the subframe reads what was just written.
pub(super) fn past(line: &mut [i16], at: usize, delay: Delay) {
    let thirds = if delay.thirds > 0 { 3 - delay.thirds } else { -delay.thirds };
    let whole = delay.samples + i16::from(delay.thirds > 0);
    let (whole, thirds) = (usize::try_from(whole).unwrap_or(0), usize::try_from(thirds).unwrap_or(0));
    for n in at..at + SUBFRAME {
        let here = n - whole;
        let sum = (0..10).fold(0, |sum, k| {
            let sum = plus(sum, line[here - k], THIRDS[thirds + 3 * k]);
            plus(sum, line[here + 1 + k], THIRDS[3 - thirds + 3 * k])
        });
        line[n] = rounded(sum);
    }
}

/// Four pulses of one, Q13, repeated at the pitch delay with `sharpness` (Q14) if the delay is short.
pub(super) fn pulses(places: u16, signs: u8, delay: i16, sharpness: i16) -> [i16; SUBFRAME] {
    let place = |shift: u32| usize::from(places >> shift & 7) * 5;
    let track = 3 + usize::from(places >> 9 & 1);
    let at = [place(0), place(3) + 1, place(6) + 2, place(10) + track];
    let mut code = [0i16; SUBFRAME];
    for (n, at) in at.into_iter().enumerate() {
        code[at] = if signs >> n & 1 == 1 { 8191 } else { -8192 };
    }
    let sharpness = held(i32::from(sharpness) << 1);
    for n in usize::try_from(delay).unwrap_or(0)..SUBFRAME {
        code[n] = code[n].saturating_add(times(code[n - usize::try_from(delay).unwrap_or(0)], sharpness));
    }
    code
}

/// The gains of the last subframe, and the energies that predict the next code gain.
pub(super) struct Gains {
    /// Gain of the past excitation, Q14.
    pub(super) pitch: i16,
    /// Gain of the pulses, Q1.
    pub(super) code: i16,
    /// The last four corrections in dB, Q10, the latest first.
    energies: [i16; 4],
}

impl Default for Gains {
    fn default() -> Self {
        Self { pitch: 0, code: 0, energies: [ENERGY_MIN; 4] }
    }
}

impl Gains {
    /// Decodes the gains of a subframe whose pulses are known.
    pub(super) fn decode(&mut self, first: u8, second: u8, code: &[i16; SUBFRAME]) {
        let ([pitch_1, code_1], [pitch_2, code_2]) =
            (GAIN_1[usize::from(first & 7)], GAIN_2[usize::from(second & 15)]);
        self.pitch = pitch_1.saturating_add(pitch_2);
        let correction = i32::from(code_1) + i32::from(code_2);
        let (predicted, exponent) = self.predicted(code);
        let gain = product((correction >> 1) as i16, predicted);
        self.code = upper(shifted(gain, 4 - exponent));

        let log = log2(correction);
        let level = upper(shifted(Split::of(log.whole() - 13, log.fraction()).joined(), 13));
        self.learn(times(level, 24_660)); // 20 log10(2)
    }

    /// Lets the gains fade in place of those that were lost.
    pub(super) fn fade(&mut self) {
        self.pitch = times(self.pitch, 29_491).min(29_491);
        self.code = times(self.code, 32_111);
        let mean = self.energies.iter().map(|e| i32::from(*e)).sum::<i32>() >> 2;
        self.learn(held(mean - 4096).max(ENERGY_MIN));
    }

    /// How strongly short pitch delays repeat the next subframe's pulses: the pitch gain, held between 0.2 and 0.8.
    pub(super) fn sharpness(&self) -> i16 {
        self.pitch.clamp(super::SHARPNESS_MIN, 13_017)
    }

    /// The code gain expected from the last four and the energy of the pulses: a mantissa and its exponent.
    fn predicted(&self, code: &[i16; SUBFRAME]) -> (i16, i32) {
        let energy = code.iter().fold(0, |sum, c| plus(sum, *c, *c));
        // Mean energy of 36 dB, less that of these pulses: 127.298 = 36 + 10 log10(40) + 10 log10(2^27).
        let level = plus(log2(energy).times(-24_660), 32_588, 32);
        let level = self
            .energies
            .iter()
            .zip(GAIN_PREDICTION)
            .fold(shifted(level, 10), |sum, (e, weight)| plus(sum, weight, *e));
        let log = Split::new(product(upper(level), 5439) >> 8); // log2(10) / 20
        (pow2(14, log.fraction()) as i16, 14 - i32::from(log.whole()))
    }

    fn learn(&mut self, energy: i16) {
        self.energies.rotate_right(1);
        self.energies[0] = energy;
    }
}
