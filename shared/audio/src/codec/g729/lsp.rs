//! The spectrum of a frame: from its codebook indices to two prediction filters (clauses 3.2.4 to 3.2.6, 4.1.1 and, for
//! noise, B.4.2.2).

use super::ORDER;
use super::fixed::{Split, minus, plus, product, shifted, shifted_rounded, times, upper};
use super::spectra::{
    COSINE, COSINE_SLOPE, FRESH, FRESH_INVERSE, NOISE_FRESH, NOISE_STAGE_1, NOISE_STAGE_2, PREDICTION,
    STAGE_1, STAGE_2,
};

/// Line spectral frequencies in Q13 radians, or their cosines in Q15.
pub(super) type Lines = [i16; ORDER];
/// A prediction filter, Q12; the first coefficient is one.
pub(super) type Filter = [i16; ORDER + 1];

/// Frequencies spread evenly, i·π/11: what the predictor believes before the first frame.
const EVEN: Lines = [2339, 4679, 7018, 9358, 11_698, 14_037, 16_377, 18_717, 21_056, 23_396];
/// Bounds of the lowest and the highest line, and the least distance of two.
const LOWEST: i16 = 40;
const HIGHEST: i16 = 25_681;
const APART: i16 = 321;

type Weights = [Lines; 4];

/// The indices of a frame: which predictor, the first stage, and the two halves of the second.
#[derive(Clone, Copy)]
pub(super) struct Indices {
    pub(super) predictor: u8,
    pub(super) first: u8,
    pub(super) lower: u8,
    pub(super) upper: u8,
}

/// What the predictor remembers of the last four frames, speech and noise alike.
pub(super) struct Spectrum {
    /// The new parts of the last four frames, the latest first.
    past: Weights,
    /// The last frequencies of speech, and which predictor made them.
    last: Lines,
    last_predictor: usize,
}

impl Default for Spectrum {
    fn default() -> Self {
        Self { past: [EVEN; 4], last: EVEN, last_predictor: 0 }
    }
}

impl Spectrum {
    /// Decodes the lines of a speech frame, as cosines.
    pub(super) fn speech(&mut self, at: Indices) -> Lines {
        let predictor = usize::from(at.predictor & 1);
        let (lower, upper) = (&STAGE_2[usize::from(at.lower & 31)], &STAGE_2[usize::from(at.upper & 31)]);
        let mut fresh = halves(&STAGE_1[usize::from(at.first & 127)], lower, upper);
        spread(&mut fresh, 10);
        spread(&mut fresh, 5);
        self.last = self.settled(fresh, &PREDICTION[predictor], &FRESH[predictor]);
        self.last_predictor = predictor;
        cosines(&self.last)
    }

    /// Repeats the last speech frame in place of a lost one, and teaches the predictor what would have made it.
    pub(super) fn repeated(&mut self) -> Lines {
        let (weights, inverse) = (&PREDICTION[self.last_predictor], &FRESH_INVERSE[self.last_predictor]);
        let fresh = std::array::from_fn(|n| {
            let whole = i32::from(self.last[n]) << 16;
            let rest = self.past.iter().zip(weights).fold(whole, |sum, (past, w)| minus(sum, past[n], w[n]));
            upper(shifted(product(upper(rest), inverse[n]), 3))
        });
        self.learn(fresh);
        cosines(&self.last)
    }

    /// Decodes the lines of a description of noise, as cosines.
    pub(super) fn noise(&mut self, predictor: bool, first: u8, second: u8) -> Lines {
        let second = usize::from(second & 15);
        let [lower, upper] = NOISE_STAGE_2.each_ref().map(|list| &STAGE_2[usize::from(list[second])]);
        let mut fresh = halves(&STAGE_1[usize::from(NOISE_STAGE_1[usize::from(first & 31)])], lower, upper);
        spread(&mut fresh, 10);
        let weights = if predictor { mixed() } else { PREDICTION[0] };
        let lines = self.settled(fresh, &weights, &NOISE_FRESH[usize::from(predictor)]);
        cosines(&lines)
    }

    /// Adds the prediction to the new part and holds the lines in order and apart.
    fn settled(&mut self, fresh: Lines, weights: &Weights, share: &Lines) -> Lines {
        let mut lines: Lines = std::array::from_fn(|n| {
            let own = product(fresh[n], share[n]);
            upper(self.past.iter().zip(weights).fold(own, |sum, (past, w)| plus(sum, past[n], w[n])))
        });
        self.learn(fresh);
        for n in 1..ORDER {
            if lines[n] < lines[n - 1] {
                lines.swap(n - 1, n);
            }
        }
        lines[0] = lines[0].max(LOWEST);
        for n in 1..ORDER {
            if i32::from(lines[n]) - i32::from(lines[n - 1]) < i32::from(APART) {
                lines[n] = lines[n - 1].saturating_add(APART);
            }
        }
        lines[ORDER - 1] = lines[ORDER - 1].min(HIGHEST);
        lines
    }

    fn learn(&mut self, fresh: Lines) {
        self.past.rotate_right(1);
        self.past[0] = fresh;
    }
}

/// The weights of the second predictor for noise: 0.6 of the first for speech and 0.4 of the second.
fn mixed() -> Weights {
    let [first, second] = &PREDICTION;
    std::array::from_fn(|back| {
        std::array::from_fn(|n| upper(plus(product(first[back][n], 19_660), second[back][n], 13_107)))
    })
}

fn halves(whole: &Lines, lower: &Lines, upper: &Lines) -> Lines {
    std::array::from_fn(|n| whole[n].saturating_add(if n < ORDER / 2 { lower[n] } else { upper[n] }))
}

/// Pushes neighbours apart that are closer than `gap`, half of the way each.
fn spread(lines: &mut Lines, gap: i16) {
    for n in 1..ORDER {
        let push = lines[n - 1].saturating_sub(lines[n]).saturating_add(gap) >> 1;
        if push > 0 {
            lines[n - 1] = lines[n - 1].saturating_sub(push);
            lines[n] = lines[n].saturating_add(push);
        }
    }
}

/// Frequencies to cosines by a table of 64 steps.
fn cosines(lines: &Lines) -> Lines {
    lines.map(|line| {
        let turn = times(line, 20_861); // 2^15 is half a turn
        let step = usize::try_from(turn >> 8).unwrap_or(0).min(63);
        let on = product(COSINE_SLOPE[step], turn & 0xff) >> 13;
        COSINE[step].saturating_add(on as i16)
    })
}

/// The filters of both subframes: the first half-way between the last frame's lines and these, the second of these.
pub(super) fn filters(before: &Lines, now: &Lines) -> [Filter; 2] {
    let between = std::array::from_fn(|n| (now[n] >> 1).saturating_add(before[n] >> 1));
    [filter(&between), filter(now)]
}

/// Lines (as cosines) to a prediction filter, by the sum and the difference polynomial.
fn filter(lines: &Lines) -> Filter {
    let (mut sums, mut differences) = (polynomial(&lines[..]), polynomial(&lines[1..]));
    for n in (1..=ORDER / 2).rev() {
        sums[n] = sums[n].saturating_add(sums[n - 1]);
        differences[n] = differences[n].saturating_sub(differences[n - 1]);
    }
    let mut out = [4096; ORDER + 1];
    for n in 1..=ORDER / 2 {
        out[n] = shifted_rounded(sums[n].saturating_add(differences[n]), 13) as i16;
        out[ORDER + 1 - n] = shifted_rounded(sums[n].saturating_sub(differences[n]), 13) as i16;
    }
    out
}

/// Multiplies 1 - 2·line·z + z² for every other line, Q24.
fn polynomial(lines: &[i16]) -> [i32; ORDER / 2 + 1] {
    let mut f = [0i32; ORDER / 2 + 1];
    f[0] = product(4096, 2048);
    f[1] = minus(0, lines[0], 512);
    for n in 2..=ORDER / 2 {
        let line = lines[2 * n - 2];
        f[n] = f[n - 2];
        for k in (1..=n).rev() {
            if k > 1 {
                let turned = shifted(Split::new(f[k - 1]).times(line), 1);
                f[k] = f[k].saturating_add(f[k - 2]).saturating_sub(turned);
            } else {
                f[1] = minus(f[1], line, 512);
            }
        }
    }
    f
}
