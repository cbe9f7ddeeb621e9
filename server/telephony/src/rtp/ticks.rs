//! From ticks to time and back: sequence numbers on their circle, positions in other clocks. Nothing here can overflow.

use shared::Stamp;

/// Returns how far `a` is ahead of `b` on the circle of sequence numbers.
pub(super) const fn distance(a: u16, b: u16) -> i16 {
    a.wrapping_sub(b).cast_signed()
}

/// Returns the ticks of a clock in some nanoseconds.
pub(crate) fn ticks_of(ns: u64, hz: u32) -> u64 {
    let ticks = u128::from(ns).saturating_mul(u128::from(hz)) / 1_000_000_000;
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

/// Returns the microseconds of some ticks, for events.
pub(super) fn us_of(ticks: u64, hz: u32) -> i64 {
    let us = u128::from(ticks).saturating_mul(1_000_000).checked_div(u128::from(hz)).unwrap_or(0);
    i64::try_from(us).unwrap_or(i64::MAX)
}

/// Returns a position in another clock.
pub(super) fn convert(pos: u64, from_hz: u32, to_hz: u32) -> u64 {
    let there = u128::from(pos).saturating_mul(u128::from(to_hz)).checked_div(u128::from(from_hz.max(1)));
    u64::try_from(there.unwrap_or(0)).unwrap_or(u64::MAX)
}

/// Returns the microseconds from the segment's start.
pub(crate) fn micros(at: &Stamp, start: &Stamp) -> i64 {
    i64::try_from(at.micros_since(start)).unwrap_or(i64::MAX)
}
