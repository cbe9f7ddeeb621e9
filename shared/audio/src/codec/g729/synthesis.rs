//! Prediction filters at work: from excitation to speech and back (clauses 4.1.6 and A.4.2.2).

use super::ORDER;
use super::fixed::{minus, plus, product, rounded, shifted};
use super::lsp::Filter;

/// The memory of a synthesis filter: its last ten samples, the latest last.
#[derive(Clone, Copy, Default)]
pub(super) struct Synthesis([i16; ORDER]);

impl Synthesis {
    /// Filters a piece, saturating.
    pub(super) fn run<const N: usize>(&mut self, filter: &Filter, input: &[i16; N]) -> [i16; N] {
        self.try_run(filter, input).0
    }

    /// Filters a piece and tells whether anything saturated on the way.
    pub(super) fn try_run<const N: usize>(&mut self, filter: &Filter, input: &[i16; N]) -> ([i16; N], bool) {
        let (mut past, mut saturated) = (self.0, false);
        let out = input.map(|sample| {
            let mut sum = product(sample, filter[0]);
            for (n, a) in filter[1..].iter().enumerate() {
                let taken = i64::from(sum) - i64::from(*a) * i64::from(past[ORDER - 1 - n]) * 2;
                sum = minus(sum, *a, past[ORDER - 1 - n]);
                saturated |= i64::from(sum) != taken;
            }
            let scaled = shifted(sum, 3);
            saturated |= scaled >> 3 != sum || scaled > i32::MAX - 0x8000;
            let out = rounded(scaled);
            past.rotate_left(1);
            past[ORDER - 1] = out;
            out
        });
        self.0 = past;
        (out, saturated)
    }
}

/// Takes the prediction out of a piece; `line` has the ten samples before it too.
pub(super) fn residual<const N: usize>(filter: &Filter, line: &[i16]) -> [i16; N] {
    std::array::from_fn(|at| {
        let own = product(line[ORDER + at], filter[0]);
        let sum = (1..=ORDER).fold(own, |sum, n| plus(sum, filter[n], line[ORDER + at - n]));
        rounded(shifted(sum, 3))
    })
}

/// The filter with each coefficient weighted by the next power of `gamma`, Q15.
pub(super) fn weighted(filter: &Filter, gamma: i16) -> Filter {
    let (mut out, mut power) = (*filter, gamma);
    for coefficient in &mut out[1..] {
        *coefficient = rounded(product(*coefficient, power));
        power = rounded(product(power, gamma));
    }
    out
}
