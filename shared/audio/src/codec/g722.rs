//! G.722 at 64 kbit/s: two ADPCM bands and their quadrature mirror filter, from ITU-T G.722, sections 4 and 6.
//!
//! One octet is one tick of the RTP clock (8,000 by a historical accident) and two samples at 16 kHz.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "fixed-point arithmetic of the recommendation: every value is saturated to its stated width, every table \
              index is masked to the table"
)]

/// Quantiser levels of the 6-bit lower band (table 9, `QM6`).
static LEVELS_6: [i32; 64] = [
    -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360,
    -8576, -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688,
    -1360, -1040, -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856,
    7192, 6576, 6000, 5456, 4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136,
    -432, -136,
];
/// Its four upper bits, which alone steer the adaptation (`QM4`).
static LEVELS_4: [i32; 16] =
    [0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0];
/// Quantiser levels of the 2-bit higher band (`QM2`).
static LEVELS_2: [i32; 4] = [-7408, -1616, 7408, 1616];
/// Scale multipliers of the lower band by code word (`WL` by way of `RL42`).
static SCALE_LOW: [i32; 16] =
    [-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60];
/// Scale multipliers of the higher band by code word (`WH` by way of `RH2`).
static SCALE_HIGH: [i32; 4] = [798, -214, 798, -214];
/// 2048 times two to the power of n/32 (`ILB`).
static POWERS: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896,
    2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];
/// Half of the symmetric mirror filter (table 11).
static MIRROR: [i32; 12] = [3, -11, -11, 53, 12, -156, 32, 362, -210, -805, 951, 3876];

/// One band's predictor and scale.
#[derive(Default)]
struct Band {
    /// Prediction for the next sample, and the part of it that the zeros give.
    predicted: i32,
    predicted_zeros: i32,
    poles: [i32; 2],
    zeros: [i32; 6],
    /// Quantised differences, the latest first.
    differences: [i32; 6],
    /// Reconstructed samples, the latest first.
    signals: [i32; 2],
    /// Signs of the last two partial reconstructions.
    signs: [bool; 2],
    scale_log: i32,
    scale: i32,
}

impl Band {
    /// Blocks LOGSCL/LOGSCH and SCALEL/SCALEH: the scale for the next sample.
    fn rescale(&mut self, multiplier: i32, log_max: i32, shift: i32) {
        self.scale_log = (((self.scale_log * 127) >> 7) + multiplier).clamp(0, log_max);
        let (power, whole) = (POWERS[(self.scale_log >> 6 & 31) as usize], shift - (self.scale_log >> 11));
        self.scale = if whole < 0 { power << -whole } else { power >> whole } << 2;
    }

    /// Block 4 of the recommendation: adapts the predictor to a difference and predicts the next sample.
    fn adapt(&mut self, difference: i32) {
        let signal = saturated(self.predicted + difference);
        let negative = saturated(self.predicted_zeros + difference) < 0;
        let (like1, like2) = (negative == self.signs[0], negative == self.signs[1]);
        let [a1, a2] = self.poles;
        let held = saturated(a1 << 2);
        let toward = if like1 { saturated(-held) } else { held } >> 7;
        let a2 = (toward + if like2 { 128 } else { -128 } + ((a2 * 32_512) >> 15)).clamp(-12_288, 12_288);
        let most = saturated(15_360 - a2);
        let a1 = saturated(if like1 { 192 } else { -192 } + ((a1 * 32_640) >> 15)).clamp(-most, most);
        let gain = if difference == 0 { 0 } else { 128 };
        for (b, old) in self.zeros.iter_mut().zip(&self.differences) {
            let gain = if (*old < 0) == (difference < 0) { gain } else { -gain };
            *b = saturated(gain + ((*b * 32_640) >> 15));
        }
        self.poles = [a1, a2];
        self.differences.rotate_right(1);
        self.differences[0] = difference;
        self.signals = [signal, self.signals[0]];
        self.signs = [negative, self.signs[0]];

        let by_zeros: i32 =
            self.zeros.iter().zip(&self.differences).map(|(b, d)| (b * saturated(d + d)) >> 15).sum();
        self.predicted_zeros = saturated(by_zeros);
        let by_poles: i32 =
            self.poles.iter().zip(&self.signals).map(|(a, r)| (a * saturated(r + r)) >> 15).sum();
        self.predicted = saturated(saturated(by_poles) + self.predicted_zeros);
    }
}

/// The decoder's memory between two octets.
pub(super) struct G722 {
    low: Band,
    high: Band,
    /// Twelve pairs of sums and differences of both bands, the oldest first.
    mirror: [[i32; 2]; 12],
}

impl Default for G722 {
    fn default() -> Self {
        let low = Band { scale: 32, ..Band::default() };
        let high = Band { scale: 8, ..Band::default() };
        Self { low, high, mirror: [[0; 2]; 12] }
    }
}

impl G722 {
    /// Appends two samples per octet.
    pub(super) fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) {
        out.reserve(payload.len() * 2);
        for octet in payload {
            out.extend(self.step(*octet));
        }
    }

    fn step(&mut self, octet: u8) -> [i16; 2] {
        let (low_code, high_code) = (usize::from(octet & 0x3f), usize::from(octet >> 6));
        let low = (self.low.predicted + ((self.low.scale * LEVELS_6[low_code]) >> 15)).clamp(-16_384, 16_383);
        let steering = (self.low.scale * LEVELS_4[low_code >> 2]) >> 15;
        self.low.rescale(SCALE_LOW[low_code >> 2], 18_432, 8);
        self.low.adapt(steering);

        let difference = (self.high.scale * LEVELS_2[high_code]) >> 15;
        let high = (self.high.predicted + difference).clamp(-16_384, 16_383);
        self.high.rescale(SCALE_HIGH[high_code], 22_528, 10);
        self.high.adapt(difference);
        self.mix(low, high)
    }

    /// The receive mirror filter: both bands become two samples at the double rate.
    fn mix(&mut self, low: i32, high: i32) -> [i16; 2] {
        self.mirror.rotate_left(1);
        self.mirror[11] = [low + high, low - high];
        let (mut first, mut second) = (0, 0);
        for (n, [sum, difference]) in self.mirror.iter().enumerate() {
            // Even taps weigh the sums, odd taps the differences; the filter is symmetric.
            let (even, odd) = (tap(2 * n), tap(2 * n + 1));
            second += sum * even;
            first += difference * odd;
        }
        [saturated(first >> 11) as i16, saturated(second >> 11) as i16]
    }
}

fn tap(n: usize) -> i32 {
    if n < 12 { MIRROR[n] } else { MIRROR[23 - n] }
}

fn saturated(value: i32) -> i32 {
    value.clamp(-32_768, 32_767)
}
