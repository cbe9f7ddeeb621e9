//! The real clock and the operating system's dice: made here, handed inwards.

use std::time::{SystemTime, UNIX_EPOCH};

use rand_core::UnwrapErr;
use shared::{Stamp, TimeQuality, UtcMicros};

/// Returns both clocks now. The monotonic one is the system's `CLOCK_MONOTONIC`, as capture uses it.
pub(crate) fn now() -> Stamp {
    let mono = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let ns = u64::try_from(mono.tv_sec).unwrap_or(0).saturating_mul(1_000_000_000);
    let mono_ns = ns.saturating_add(u64::try_from(mono.tv_nsec).unwrap_or(0));
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let utc = UtcMicros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
    Stamp { mono_ns, utc, quality: TimeQuality::Free }
}

/// Returns the operating system's dice. They end the program if the system has none: nothing may be sealed then.
pub(crate) fn dice() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}
