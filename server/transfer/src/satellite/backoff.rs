//! How long to wait before the next attempt: longer each time, up to half a minute, and never in step with the others.

use std::time::Duration;

const FIRST_MS: u64 = 500;
const LONGEST_MS: u64 = 30_000;

#[derive(Debug)]
pub(super) struct Backoff {
    ms: u64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { ms: FIRST_MS }
    }
}

impl Backoff {
    /// Between half of the step and the whole of it, as the dice say: after a power cut forty satellites do not come at once.
    pub(super) fn next(&mut self, dice: u64) -> Duration {
        let half = self.ms / 2;
        let pause = half.saturating_add(dice.checked_rem(half.max(1)).unwrap_or(0));
        self.ms = self.ms.saturating_mul(2).min(LONGEST_MS);
        Duration::from_millis(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_half_a_minute_and_are_not_in_step() {
        let (mut one, mut other) = (Backoff::default(), Backoff::default());
        let (mut last, mut differ) = (Duration::ZERO, false);
        for _ in 0..12 {
            let (a, b) = (one.next(1), other.next(12_345_678));
            differ |= a != b;
            assert!(a >= last && a <= Duration::from_secs(30), "{a:?}");
            last = a;
        }
        assert!(differ && last >= Duration::from_secs(15), "{last:?}");
    }
}
