//! The arithmetic of ITU-T G.729, clause 5: 16 and 32 bits, saturating. A decoder conforms only if every sample agrees, so
//! where the Recommendation rounds, cuts or saturates, these do.
//!
//! Qn is a number with n bits behind the point. A product of Qa and Qb is Q(a+b+1), as in the Recommendation.

use super::tables::{INVERSE_ROOT, LOG2, POW2};

/// The product, doubled.
pub(super) const fn product(a: i16, b: i16) -> i32 {
    (a as i32 * b as i32).saturating_mul(2)
}

/// `sum + product(a, b)`.
pub(super) const fn plus(sum: i32, a: i16, b: i16) -> i32 {
    sum.saturating_add(product(a, b))
}

/// `sum - product(a, b)`.
pub(super) const fn minus(sum: i32, a: i16, b: i16) -> i32 {
    sum.saturating_sub(product(a, b))
}

/// `a` times a fraction in Q15, cut.
pub(super) const fn times(a: i16, fraction: i16) -> i16 {
    held((a as i32 * fraction as i32) >> 15)
}

/// `a` times a fraction in Q15, rounded.
pub(super) const fn times_rounded(a: i16, fraction: i16) -> i16 {
    held((a as i32 * fraction as i32 + 0x4000) >> 15)
}

/// Saturates to 16 bits.
pub(super) const fn held(value: i32) -> i16 {
    if value > i16::MAX as i32 {
        i16::MAX
    } else if value < i16::MIN as i32 {
        i16::MIN
    } else {
        value as i16
    }
}

/// The upper half.
pub(super) const fn upper(value: i32) -> i16 {
    (value >> 16) as i16
}

/// The upper half, rounded.
pub(super) const fn rounded(value: i32) -> i16 {
    upper(value.saturating_add(0x8000))
}

/// Shifts left, saturating; a negative count shifts right.
pub(super) const fn shifted(value: i32, left: i32) -> i32 {
    if left < 0 {
        return value >> if left < -31 { 31 } else { -left };
    }
    let wide = (value as i64) << if left > 32 { 32 } else { left };
    if wide > i32::MAX as i64 {
        i32::MAX
    } else if wide < i32::MIN as i64 {
        i32::MIN
    } else {
        wide as i32
    }
}

/// Shifts right and rounds half up; a negative count shifts left.
pub(super) const fn shifted_rounded(value: i32, right: i32) -> i32 {
    if right <= 0 {
        shifted(value, -right)
    } else if right > 31 {
        0
    } else {
        (value >> right) + ((value >> (right - 1)) & 1)
    }
}

/// How far a number can be shifted left before it saturates; 0 for 0.
pub(super) const fn headroom(value: i32) -> i32 {
    let folded = if value < 0 { !value } else { value };
    if value == 0 { 0 } else { folded.leading_zeros() as i32 - 1 }
}

/// `part / whole` in Q15 for `0 <= part <= whole`.
pub(super) const fn ratio(part: i16, whole: i16) -> i16 {
    if part >= whole || whole <= 0 { i16::MAX } else { (((part as i32) << 15) / whole as i32) as i16 }
}

/// A 32-bit number as two of 16 and 15 bits, for products with 16 bits.
#[derive(Clone, Copy, Default)]
pub(super) struct Split {
    high: i16,
    low: i16,
}

impl Split {
    pub(super) const fn new(value: i32) -> Self {
        Self { high: upper(value), low: ((value >> 1) & 0x7fff) as i16 }
    }

    pub(super) const fn of(high: i16, low: i16) -> Self {
        Self { high, low }
    }

    /// The number times a Q15 fraction.
    pub(super) const fn times(self, fraction: i16) -> i32 {
        plus(product(self.high, fraction), times(self.low, fraction), 1)
    }

    /// The whole number again.
    pub(super) const fn joined(self) -> i32 {
        plus((self.high as i32) << 16, self.low, 1)
    }
}

/// A value between two points of a curve: `point` counts them, `between` is Q15.
fn on_curve(curve: &[i16], point: usize, between: i16) -> i32 {
    let (here, next) = (curve[point], curve[point + 1]);
    minus(i32::from(here) << 16, here - next, between)
}

/// The logarithm to base two: whole part and fraction in Q15. Nothing has a logarithm of 0 here.
pub(super) fn log2(value: i32) -> Split {
    if value <= 0 {
        return Split::default();
    }
    let left = headroom(value);
    let normal = value << left;
    let between = ((normal >> 10) & 0x7fff) as i16;
    Split::of((30 - left) as i16, upper(on_curve(&LOG2, (normal >> 25) as usize - 32, between)))
}

impl Split {
    /// Whole part of a logarithm.
    pub(super) const fn whole(self) -> i16 {
        self.high
    }

    /// Fraction of a logarithm, Q15.
    pub(super) const fn fraction(self) -> i16 {
        self.low
    }
}

/// Two to the power of `exponent` and a fraction in Q15.
pub(super) fn pow2(exponent: i32, fraction: i16) -> i32 {
    let (point, between) = ((fraction >> 10) as usize, (fraction & 0x3ff) << 5);
    shifted_rounded(on_curve(&POW2, point, between), 30 - exponent)
}

/// One over the square root of Q0, in Q30.
pub(super) fn inverse_root(value: i32) -> i32 {
    if value <= 0 {
        return 0x3fff_ffff;
    }
    let left = headroom(value);
    let exponent = 30 - left;
    let normal = (value << left) >> (1 - (exponent & 1));
    let between = ((normal >> 10) & 0x7fff) as i16;
    on_curve(&INVERSE_ROOT, (normal >> 25) as usize - 16, between) >> (exponent / 2 + 1)
}
