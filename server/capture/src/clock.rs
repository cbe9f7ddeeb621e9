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
    /// Stamps a packet that was captured at `utc_ns`; tells by how much the clock was set back, if it was.
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

#[cfg(test)]
mod tests {
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
}
