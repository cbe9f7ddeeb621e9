//! What annex A does to the synthesised speech before it is heard: pitch and formant postfilter, tilt compensation, gain
//! control (A.4.2), and the high-pass filter of clause 4.2.5.

use super::excitation::DELAY_MAX;
use super::fixed::{Split, headroom, inverse_root, plus, product, ratio, rounded, shifted, times, upper};
use super::lsp::Filter;
use super::synthesis::{Synthesis, residual, weighted};
use super::{FRAME, ORDER, SUBFRAME};

/// The weights of both formant filters, 0.55 and 0.70 in Q15.
const NUMERATOR: i16 = 18_022;
const DENOMINATOR: i16 = 22_938;
/// How much of the tilt is taken back, 0.8.
const TILT: i16 = 26_214;
/// How slowly the gain follows, 0.9, and the rest to one.
const INERTIA: i16 = 29_491;
const AGILITY: i16 = 3_276;
/// Samples of an impulse response that its tilt is taken from.
const RESPONSE: usize = 22;
const PAST: usize = DELAY_MAX as usize;

/// The memory of all filters.
pub(super) struct Postfilter {
    /// The last samples of the speech before the postfilter.
    speech: [i16; ORDER],
    /// The past residual, whole and in quarters (which cannot overflow a correlation).
    residual: [i16; PAST + SUBFRAME],
    quarters: [i16; PAST + SUBFRAME],
    tilt: i16,
    formants: Synthesis,
    /// Gain, Q12.
    gain: i16,
    high_pass: HighPass,
}

impl Default for Postfilter {
    fn default() -> Self {
        Self {
            speech: [0; ORDER],
            residual: [0; PAST + SUBFRAME],
            quarters: [0; PAST + SUBFRAME],
            tilt: 0,
            formants: Synthesis::default(),
            gain: 4096,
            high_pass: HighPass::default(),
        }
    }
}

impl Postfilter {
    /// Makes a frame of synthesised speech fit to be heard. Noise has no pitch to be stressed.
    pub(super) fn apply(
        &mut self,
        frame: &[i16; FRAME],
        filters: &[Filter; 2],
        delays: [i16; 2],
        speech: bool,
    ) -> [i16; FRAME] {
        let mut line = [0; ORDER + FRAME];
        line[..ORDER].copy_from_slice(&self.speech);
        line[ORDER..].copy_from_slice(frame);
        let mut out = [0; FRAME];
        for (n, (filter, delay)) in filters.iter().zip(delays).enumerate() {
            let from = n * SUBFRAME;
            let made = self.subframe(&line[from..from + ORDER + SUBFRAME], filter, speech.then_some(delay));
            out[from..from + SUBFRAME].copy_from_slice(&made);
        }
        self.speech.copy_from_slice(&line[FRAME..]);
        out.map(|sample| self.high_pass.step(sample))
    }

    /// One subframe; `line` has the ten samples before it too.
    fn subframe(&mut self, line: &[i16], filter: &Filter, delay: Option<i16>) -> [i16; SUBFRAME] {
        let (numerator, denominator) = (weighted(filter, NUMERATOR), weighted(filter, DENOMINATOR));
        let rest = residual(&numerator, line);
        self.residual[PAST..].copy_from_slice(&rest);
        self.quarters[PAST..].copy_from_slice(&rest.map(|sample| sample >> 2));
        let pitched = delay.map_or(rest, |delay| self.pitched(delay));
        let flat = self.levelled(pitched, tilt_of(&numerator, &denominator));
        let mut out = self.formants.run(&denominator, &flat);
        self.follow(&line[ORDER..], &mut out);
        self.residual.copy_within(SUBFRAME.., 0);
        self.quarters.copy_within(SUBFRAME.., 0);
        out
    }

    /// Adds the residual one pitch period earlier, in proportion to its likeness (A.4.2.1).
    fn pitched(&self, delay: i16) -> [i16; SUBFRAME] {
        let to = (delay + 3).min(DELAY_MAX);
        let of = |lag: i16| PAST - usize::try_from(lag).unwrap_or(0);
        let now = &self.quarters[PAST..];
        let dot = |seed, a: &[i16], b: &[i16]| a.iter().zip(b).fold(seed, |sum, (a, b)| plus(sum, *a, *b));
        let mut best = (i32::MIN, to - 6);
        for lag in to - 6..=to {
            let likeness = dot(0, now, &self.quarters[of(lag)..]);
            if likeness > best.0 {
                best = (likeness, lag);
            }
        }
        let (likeness, from) = (best.0.max(0), of(best.1));
        let then = &self.quarters[from..from + SUBFRAME];
        let (energy, energy_now) = (dot(1, then, then), dot(1, now, now));
        let left = headroom(likeness.max(energy).max(energy_now));
        let [likeness, energy, energy_now] =
            [likeness, energy, energy_now].map(|value| rounded(shifted(value, left)));

        // Below 3 dB of prediction gain there is no pitch worth stressing.
        let gained = minus_half(product(likeness, likeness), product(energy, energy_now));
        let rest: [i16; SUBFRAME] = std::array::from_fn(|n| self.residual[PAST + n]);
        if gained < 0 {
            return rest;
        }
        let (own, earlier) = if likeness > energy {
            (21_845, 10_923)
        } else {
            let (likeness, energy) = (likeness >> 2, energy >> 1);
            let whole = likeness.saturating_add(energy);
            if whole > 0 {
                let earlier = ratio(likeness, whole);
                (i16::MAX - earlier, earlier)
            } else {
                (i16::MAX, 0)
            }
        };
        std::array::from_fn(|n| times(own, rest[n]).saturating_add(times(earlier, self.residual[from + n])))
    }

    /// Takes back the tilt that the formant filters give.
    fn levelled(&mut self, samples: [i16; SUBFRAME], tilt: i16) -> [i16; SUBFRAME] {
        let mut before = self.tilt;
        self.tilt = samples[SUBFRAME - 1];
        samples.map(|sample| {
            let out = sample.saturating_sub(times(tilt, before));
            before = sample;
            out
        })
    }

    /// Brings the loudness back to what it was before the filters, slowly.
    fn follow(&mut self, before: &[i16], after: &mut [i16; SUBFRAME]) {
        let energy = |samples: &[i16]| samples.iter().fold(0, |sum, s| plus(sum, s >> 2, s >> 2));
        let energy_after = energy(after);
        if energy_after == 0 {
            self.gain = 0;
            return;
        }
        let left = headroom(energy_after) - 1;
        let mantissa_after = rounded(shifted(energy_after, left));
        let energy_before = energy(before);
        let step = if energy_before == 0 {
            0
        } else {
            let left_before = headroom(energy_before);
            let mantissa_before = rounded(shifted(energy_before, left_before));
            let quotient = i32::from(ratio(mantissa_after, mantissa_before)) << 7;
            let root = inverse_root(shifted(quotient, left_before - left));
            times(rounded(shifted(root, 9)), AGILITY)
        };
        for sample in after {
            self.gain = times(self.gain, INERTIA).saturating_add(step);
            *sample = upper(shifted(product(*sample, self.gain), 3));
        }
    }
}

/// `a - b / 2`.
const fn minus_half(a: i32, b: i32) -> i32 {
    a.saturating_sub(b >> 1)
}

/// The tilt of the formant filters: how much of their impulse response goes on into the next sample (A.4.2.3).
fn tilt_of(numerator: &Filter, denominator: &Filter) -> i16 {
    let mut response = [0; RESPONSE];
    response[..=ORDER].copy_from_slice(numerator);
    let response: [i16; RESPONSE] = Synthesis::default().run(denominator, &response);
    let whole = response.iter().fold(0, |sum, h| plus(sum, *h, *h));
    let next = response.iter().zip(&response[1..]).fold(0, |sum, (a, b)| plus(sum, *a, *b));
    if upper(next) <= 0 { 0 } else { ratio(times(upper(next), TILT), upper(whole)) }
}

/// The high-pass filter at 100 Hz, which also doubles.
#[derive(Default)]
struct HighPass {
    x: [i16; 2],
    y: [Split; 2],
}

impl HighPass {
    fn step(&mut self, sample: i16) -> i16 {
        let [x1, x2] = self.x;
        let sum = self.y[0].times(15_836).saturating_add(self.y[1].times(-7_667));
        let sum = plus(plus(plus(sum, sample, 7_699), x1, -15_398), x2, 7_699);
        let out = shifted(sum, 2);
        self.x = [sample, x1];
        self.y = [Split::new(out), self.y[0]];
        rounded(shifted(out, 1))
    }
}
