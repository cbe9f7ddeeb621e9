//! Stamps: wall times of packets turned into pairs whose monotonic part never runs backwards.

use shared::{Stamp, TimeQuality, UtcMicros};

/// Packets may stand this much out of order in a file before it counts as a step of its clock.
const FILE_DISORDER_NS: i64 = 2_000_000_000;

/// The clock of a capture file: the wall time of its packets, bent where it would run backwards.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FileClock {
    last_ns: u64,
    /// What is added to the wall time since the file's clock was set back.
    shift_ns: i64,
}

impl FileClock {
    /// Tells whether a packet that was captured at `utc_ns` lies before the last one.
    #[inline]
    pub(crate) fn runs_back(&self, utc_ns: i64) -> bool {
        u64::try_from(utc_ns.saturating_add(self.shift_ns)).unwrap_or(0) < self.last_ns
    }

    /// Stamps a packet that was captured at `utc_ns`; tells by how much the clock was set back, if it was.
    #[inline]
    pub(crate) fn stamp(&mut self, utc_ns: i64) -> (Stamp, Option<i64>) {
        let mut step = None;
        let mut mono_ns = u64::try_from(utc_ns.saturating_add(self.shift_ns)).unwrap_or(0);
        let back_ns = self.last_ns.saturating_sub(mono_ns);
        if back_ns > 0 {
            if back_ns > FILE_DISORDER_NS.unsigned_abs() {
                let back_ns = i64::try_from(back_ns).unwrap_or(i64::MAX);
                self.shift_ns = self.shift_ns.saturating_add(back_ns);
                step = Some(back_ns.wrapping_neg());
            }
            mono_ns = self.last_ns;
        }
        self.last_ns = mono_ns;
        (Stamp { mono_ns, utc: UtcMicros(utc_ns.div_euclid(1_000)), quality: TimeQuality::File }, step)
    }
}

/// A difference between the clocks that changes by more than this at once is a step of the wall clock.
#[cfg(target_os = "linux")]
const STEP_NS: i64 = 100_000_000;
/// A packet lies in the ring no longer than this, unless the whole program stood still.
#[cfg(target_os = "linux")]
const RING_NS: i64 = 10 * 1_000_000_000;

/// The clocks of this machine: turns the kernel's wall time of a packet into a stamp by pairs of readings.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LiveClock {
    paired: bool,
    /// Wall minus monotonic, now and before the last step.
    offset_ns: i64,
    before_ns: i64,
    last_ns: u64,
    quality: TimeQuality,
}

#[cfg(target_os = "linux")]
impl LiveClock {
    /// Takes a pair read at one moment; tells by how much the wall clock was set since the last one, if it was.
    pub(crate) fn pair(&mut self, mono_ns: u64, utc_ns: i64) -> Option<i64> {
        let offset_ns = utc_ns.saturating_sub_unsigned(mono_ns);
        let by_ns = offset_ns.saturating_sub(self.offset_ns);
        let stepped = self.paired && by_ns.saturating_abs() > STEP_NS;
        if stepped || !self.paired {
            self.before_ns = if self.paired { self.offset_ns } else { offset_ns };
        }
        (self.paired, self.offset_ns) = (true, offset_ns);
        stepped.then_some(by_ns)
    }

    /// Sets how far the wall clock may be trusted.
    pub(crate) const fn quality(&mut self, quality: TimeQuality) {
        self.quality = quality;
    }

    /// Stamps a packet that the kernel took at the wall time `utc_ns`; it is now `now_ns` by the monotonic clock.
    ///
    /// A packet may have been taken before the wall clock was set and be read after; it was never taken in the future, and
    /// it hardly waited for longer than a ring lasts, so the two offsets can be told apart.
    #[inline]
    pub(crate) fn stamp(&mut self, utc_ns: i64, now_ns: u64) -> Stamp {
        let now = i64::try_from(now_ns).unwrap_or(i64::MAX);
        let likely = |mono: i64| mono <= now && now.saturating_sub(mono) < RING_NS;
        let mut mono = utc_ns.saturating_sub(self.offset_ns);
        if !likely(mono) {
            let before = utc_ns.saturating_sub(self.before_ns);
            mono = if likely(before) { before } else { mono.min(now) };
        }
        self.last_ns = u64::try_from(mono).unwrap_or(0).max(self.last_ns);
        Stamp { mono_ns: self.last_ns, utc: UtcMicros(utc_ns.div_euclid(1_000)), quality: self.quality }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::cast_sign_loss, reason = "tests with times after 1970")]

    use super::*;

    fn monos(times_ns: &[i64]) -> Vec<u64> {
        let mut clock = FileClock::default();
        times_ns.iter().map(|ns| clock.stamp(*ns).0.mono_ns).collect()
    }

    #[test]
    fn small_disorder_is_held_and_a_step_back_bends_no_later_distance() {
        let second = 1_000_000_000;
        assert_eq!(monos(&[5, 3, 7]), [5, 5, 7]);
        let hour = 3_600 * second;
        let held = (hour as u64, hour as u64 + second as u64);
        assert_eq!(monos(&[hour, 0, second]), [held.0, held.0, held.1]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_wall_clock_set_by_an_hour_bends_no_distance() {
        let (second, hour) = (1_000_000_000, 3_600_000_000_000_i64);
        for by in [hour, -hour] {
            let mut clock = LiveClock::default();
            assert_eq!(clock.pair(second as u64, hour + second), None);
            assert_eq!(clock.stamp(hour + second - 5, second as u64).mono_ns, second as u64 - 5);
            assert_eq!(clock.pair(2 * second as u64, hour + 2 * second + by), Some(by));
            // Still in the ring from before the step, then one from after it.
            let late = clock.stamp(hour + 2 * second - 7, 2 * second as u64);
            let new = clock.stamp(hour + 2 * second - 3 + by, 2 * second as u64);
            assert_eq!((late.mono_ns, new.mono_ns), (2 * second as u64 - 7, 2 * second as u64 - 3));
            assert_eq!(new.utc.0, (hour + 2 * second - 3 + by).div_euclid(1_000));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_slewing_clock_is_no_step_and_time_never_runs_backwards() {
        let mut clock = LiveClock::default();
        clock.pair(0, 0);
        let mut last = 0;
        for i in 1..100_u64 {
            let mono = i * 1_000_000;
            let utc = i64::try_from(mono - i * 10_000).unwrap_or(0);
            assert_eq!(clock.pair(mono, utc), None);
            let stamp = clock.stamp(utc, mono);
            assert!(stamp.mono_ns >= last, "runs backwards");
            last = stamp.mono_ns;
        }
    }
}
