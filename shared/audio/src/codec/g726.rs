//! G.726 at 16, 24, 32 and 40 kbit/s (and G.721, its 32 kbit/s ancestor), from the blocks of ITU-T G.726, section 4.
//!
//! Two packings are on the wire: RFC 3551, 4.5.4 puts the first code word into the least significant bits of an octet,
//! the AAL2 packing of I.366.2 annex E into the most significant. A payload does not tell which; its name does.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "fixed-point arithmetic of the recommendation: every value is held to its stated width, every table index \
              is masked to the table"
)]

/// Which end of an octet the first code word takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// RFC 3551: least significant bits first.
    Rtp,
    /// AAL2: most significant bits first.
    Aal2,
}

/// What differs from rate to rate, indexed by the magnitude of a code word (tables 3 to 6, 8, 9 of the recommendation).
struct Rate {
    /// Normalised log of the quantised difference.
    level: &'static [i32],
    /// Multiplier of the scale factor, W(I).
    scale: &'static [i32],
    /// Speed control, F(I).
    speed: &'static [i32],
    /// Leak of the zero predictor, as a shift.
    leak: u32,
}

static RATES: [Rate; 4] = [
    Rate { level: &[116, 365], scale: &[-22, 439], speed: &[0, 7], leak: 8 },
    Rate { level: &[-2048, 135, 273, 373], scale: &[-4, 30, 137, 582], speed: &[0, 1, 2, 7], leak: 8 },
    Rate {
        level: &[-2048, 4, 135, 213, 273, 323, 373, 425],
        scale: &[-12, 18, 41, 64, 112, 198, 355, 1122],
        speed: &[0, 0, 0, 1, 1, 1, 3, 7],
        leak: 8,
    },
    Rate {
        level: &[-2048, -66, 28, 104, 169, 224, 274, 318, 358, 395, 429, 459, 488, 514, 539, 566],
        scale: &[14, 14, 24, 39, 40, 41, 58, 100, 141, 179, 219, 280, 358, 440, 529, 696],
        speed: &[0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 3, 4, 5, 6, 6],
        leak: 9,
    },
];

/// A number as the predictors multiply it: sign, exponent, six bits of mantissa.
#[derive(Clone, Copy)]
struct Float {
    negative: bool,
    exponent: u32,
    mantissa: i32,
}

impl Float {
    const ZERO: Self = Self { negative: false, exponent: 0, mantissa: 32 };

    /// Blocks FLOATA and FLOATB.
    fn of(negative: bool, magnitude: i32) -> Self {
        let exponent = 32 - magnitude.leading_zeros();
        let mantissa = if magnitude == 0 { 32 } else { (magnitude << 6) >> exponent };
        Self { negative, exponent, mantissa }
    }

    /// Block FMULT: a coefficient times this number, truncated as the recommendation does.
    fn times(self, coefficient: i32) -> i32 {
        let other = Self::of(coefficient < 0, (coefficient >> 2).abs() & 0x1fff);
        let exponent = self.exponent + other.exponent;
        let mantissa = (self.mantissa * other.mantissa + 48) >> 4;
        let magnitude = if exponent <= 26 {
            (mantissa << 7) >> (26 - exponent)
        } else {
            ((mantissa << 7) << (exponent - 26)) & 0x7fff
        };
        if self.negative == other.negative { magnitude } else { -magnitude }
    }
}

/// The decoder's memory between two code words.
pub(super) struct G726 {
    bits: u32,
    packing: Packing,
    rate: &'static Rate,
    /// Coefficients of the pole predictor, a1 and a2.
    poles: [i32; 2],
    /// Coefficients of the zero predictor, b1 to b6.
    zeros: [i32; 6],
    /// Quantised differences, the latest first.
    differences: [Float; 6],
    /// Reconstructed signal, the latest first.
    signals: [Float; 2],
    /// Signs of the last two partial reconstructions.
    signs: [bool; 2],
    speed_short: i32,
    speed_long: i32,
    speed: i32,
    scale_fast: i32,
    scale_slow: i32,
    tone: bool,
}

impl G726 {
    /// Makes a decoder in the reset state for code words of `bits` (2 to 5).
    pub(super) fn new(bits: u8, packing: Packing) -> Self {
        let bits = u32::from(bits.clamp(2, 5));
        Self {
            bits,
            packing,
            rate: &RATES[bits as usize - 2],
            poles: [0; 2],
            zeros: [0; 6],
            differences: [Float::ZERO; 6],
            signals: [Float::ZERO; 2],
            signs: [false; 2],
            speed_short: 0,
            speed_long: 0,
            speed: 0,
            scale_fast: 544,
            scale_slow: 34_816,
            tone: false,
        }
    }

    /// Appends the samples of a payload; bits that make no whole code word at its end are padding.
    pub(super) fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) {
        let (mut held, mut count) = (0u32, 0u32);
        let mask = (1u32 << self.bits) - 1;
        out.reserve(payload.len() * 8 / self.bits as usize);
        for octet in payload {
            match self.packing {
                Packing::Rtp => held |= u32::from(*octet) << count,
                Packing::Aal2 => held = held << 8 | u32::from(*octet),
            }
            count += 8;
            while count >= self.bits {
                count -= self.bits;
                let code = match self.packing {
                    Packing::Rtp => {
                        let code = held & mask;
                        held >>= self.bits;
                        code
                    }
                    Packing::Aal2 => held >> count & mask,
                };
                let sample = self.step(code);
                out.push(sample);
            }
        }
    }

    /// Decodes one code word to a 16-bit sample (the recommendation's 14 bits, shifted up).
    fn step(&mut self, code: u32) -> i16 {
        let negative = code >> (self.bits - 1) == 1;
        let magnitude = (if negative { !code } else { code } & ((1 << (self.bits - 1)) - 1)) as usize;
        let slow = self.scale_slow >> 6;
        let mix = if self.speed >= 256 { 64 } else { self.speed >> 2 };
        let away = self.scale_fast - slow;
        let scale = slow + ((away.abs() * mix) >> 6) * away.signum();

        let size = antilog(self.rate.level[magnitude] + (scale >> 2));
        let difference = if negative { -size } else { size };
        let zero_part: i32 =
            self.differences.iter().zip(self.zeros).map(|(difference, b)| difference.times(b)).sum();
        let pole_part: i32 = self.signals.iter().zip(self.poles).map(|(signal, a)| signal.times(a)).sum();
        let estimate = wrap16(zero_part + pole_part) >> 1;
        let signal = wrap16(difference + estimate);
        let partial = wrap16(difference + (wrap16(zero_part) >> 1));

        self.adapt(negative, size, partial, signal, scale, magnitude);
        (signal * 4).clamp(-32_768, 32_767) as i16
    }

    fn adapt(&mut self, negative: bool, size: i32, partial: i32, signal: i32, scale: i32, magnitude: usize) {
        let jump = self.tone && size > self.jump_threshold();
        if jump {
            self.poles = [0; 2];
            self.zeros = [0; 6];
        } else {
            self.adapt_poles(partial);
            self.adapt_zeros(negative, size);
        }
        self.tone = !jump && self.poles[1] < -11_776;
        self.signs = [partial < 0, self.signs[0]];
        self.differences.rotate_right(1);
        self.differences[0] = Float::of(negative, size);
        self.signals = [Float::of(signal < 0, signal.abs() & 0x7fff), self.signals[0]];

        self.scale_fast = (scale + (((self.rate.scale[magnitude] << 5) - scale) >> 5)).clamp(544, 5_120);
        self.scale_slow += self.scale_fast + ((-self.scale_slow) >> 6);
        let speed = self.rate.speed[magnitude];
        self.speed_short += ((speed << 9) - self.speed_short) >> 5;
        self.speed_long += ((speed << 11) - self.speed_long) >> 7;
        let restless = ((self.speed_short << 2) - self.speed_long).abs() >= self.speed_long >> 3;
        let target = if scale < 1_536 || restless || self.tone { 512 } else { 0 };
        self.speed = if jump { 256 } else { self.speed + ((target - self.speed) >> 4) };
    }

    /// Block TRANS: how large a difference must be, after a tone, to mean that the signal changed.
    fn jump_threshold(&self) -> i32 {
        let (whole, part) = (self.scale_slow >> 15, self.scale_slow >> 10 & 31);
        let limit = if whole > 9 { 31 << 10 } else { (32 + part) << whole };
        (limit + (limit >> 1)) >> 1
    }

    /// Blocks UPA1, UPA2, LIMC and LIMD.
    fn adapt_poles(&mut self, partial: i32) {
        let [a1, a2] = self.poles;
        let (like1, like2) = ((partial < 0) == self.signs[0], (partial < 0) == self.signs[1]);
        let (gain1, gain2) = if partial == 0 {
            (0, 0)
        } else {
            let held = a1.clamp(-8_191, 8_191) << 2;
            let toward = if like2 { 16_384 } else { -16_384 };
            (if like1 { 192 } else { -192 }, (toward + if like1 { -held } else { held }) >> 7)
        };
        let a2 = (a2 + gain2 - (a2 >> 7)).clamp(-12_288, 12_288);
        let most = 15_360 - a2;
        self.poles = [(a1 + gain1 - (a1 >> 8)).clamp(-most, most), a2];
    }

    /// Blocks XOR and UPB.
    fn adapt_zeros(&mut self, negative: bool, size: i32) {
        for (b, difference) in self.zeros.iter_mut().zip(&self.differences) {
            let gain = match (size, difference.negative == negative) {
                (0, _) => 0,
                (_, true) => 128,
                (_, false) => -128,
            };
            *b = wrap16(*b + gain - (*b >> self.rate.leak));
        }
    }
}

/// Blocks ADDA and ANTILOG: from the logarithm, 12 bits in two's complement, to the magnitude.
fn antilog(log: i32) -> i32 {
    if log < 0 {
        return 0;
    }
    ((128 + (log & 127)) << 7) >> (14 - (log >> 7 & 15)).max(0)
}

fn wrap16(value: i32) -> i32 {
    i32::from(value as i16)
}
