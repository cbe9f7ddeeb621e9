//! How much may be under way: enough to fill the line, little enough that a second of a live call does not wait behind a backlog.
//!
//! The line's rate and its shortest round trip are measured by the acknowledgements, as BBR does (Cardwell et al., 2016); what
//! may be under way is twice their product and a fifth of a second of the rate. TCP below does the rest; this keeps its queue short.

use std::collections::VecDeque;

use super::CHUNK_MAX;

/// So much may always be under way.
const FLOOR: u64 = 16 << 10;
/// While the shortest trip is looked for again.
const LOW: u64 = 8 << 10;
/// So many parts of a second of the rate may wait in the line's queue: room for a rate that was guessed too low.
const SLACK: u64 = 5;
/// The smallest chunk worth a message.
const CHUNK_MIN: u64 = 4 << 10;
/// A chunk takes about a tenth of a second of the line.
const CHUNKS_A_SECOND: u64 = 10;
/// What was measured longer ago than this counts no more: ten seconds.
const MEMORY_US: u64 = 10_000_000;
const SECOND_US: u64 = 1_000_000;

#[derive(Debug, Clone, Copy)]
struct Sent {
    /// Sum of bytes sent when it was.
    end: u64,
    at: u64,
    /// Sum of bytes acknowledged when it was sent, and when that was heard.
    acked: u64,
}

/// What is known about a line.
#[derive(Debug)]
pub struct Flow {
    window: u64,
    /// Bytes a second that an administrator allows; `None`: no limit.
    limit: Option<u64>,
    sent: u64,
    acked: u64,
    under_way: VecDeque<Sent>,
    /// The best of the last seconds: (when, bytes a second), falling.
    rates: VecDeque<(u64, u64)>,
    /// When the shortest round trip was seen.
    trip_at: u64,
    /// It, in microseconds.
    trip: u64,
    /// When the next byte may go because of the limit.
    free_at: u64,
}

impl Flow {
    /// Begins on a new line, with what the central allows (`rate` 0: no limit) and the round trip of the greeting, which nothing
    /// stood in the way of.
    #[must_use]
    pub fn new(window: u32, rate: u64, trip_us: u64, now: u64) -> Self {
        Self {
            window: u64::from(window).max(FLOOR),
            limit: (rate > 0).then_some(rate),
            sent: 0,
            acked: 0,
            under_way: VecDeque::new(),
            rates: VecDeque::new(),
            trip_at: now,
            trip: trip_us.max(1),
            free_at: 0,
        }
    }

    /// Notes bytes sent.
    pub fn sent(&mut self, bytes: u64, now: u64) {
        self.sent = self.sent.saturating_add(bytes);
        self.under_way.push_back(Sent { end: self.sent, at: now, acked: self.acked });
        if let Some(limit) = self.limit {
            let from = self.free_at.max(now);
            self.free_at = from.saturating_add(share(bytes, SECOND_US, limit));
        }
    }

    /// Notes bytes acknowledged.
    pub fn acked(&mut self, bytes: u64, now: u64) {
        self.acked = self.acked.saturating_add(bytes).min(self.sent);
        while let Some(first) = self.under_way.front().copied().filter(|first| first.end <= self.acked) {
            self.under_way.pop_front();
            let trip = now.saturating_sub(first.at).max(1);
            let rate = share(self.acked.saturating_sub(first.acked), SECOND_US, trip);
            self.keep_rate(now, rate);
            // Of a line whose queue was let run empty the next trip counts, whatever it is: the way may have become longer.
            let is_empty_line = self.is_old(first.at) && first.end.saturating_sub(first.acked) <= LOW;
            if is_empty_line || trip <= self.trip {
                (self.trip_at, self.trip) = (now, trip);
            }
        }
    }

    /// Returns bytes sent and not acknowledged.
    #[must_use]
    pub const fn in_flight(&self) -> u64 {
        self.sent.saturating_sub(self.acked)
    }

    /// Returns bytes a second that the line was seen to carry; 0 before the first acknowledgement.
    #[must_use]
    pub fn rate(&self) -> u64 {
        self.rates.front().map_or(0, |(_, rate)| *rate)
    }

    /// Returns how many bytes may go now: at most a chunk, 0 if none.
    #[must_use]
    pub fn may_send(&self, now: u64) -> u64 {
        if now < self.free_at {
            return 0;
        }
        let room = self.allowed(now).saturating_sub(self.in_flight());
        let most = u64::try_from(CHUNK_MAX).unwrap_or(u64::MAX);
        let pace = self.limit.unwrap_or(u64::MAX).min(if self.rate() > 0 { self.rate() } else { u64::MAX });
        let chunk = (pace / CHUNKS_A_SECOND).clamp(CHUNK_MIN, most);
        if room < chunk.min(CHUNK_MIN) { 0 } else { room.min(chunk) }
    }

    /// When something may go that may not now because of the limit.
    #[must_use]
    pub fn free_at(&self, now: u64) -> Option<u64> {
        (now < self.free_at).then_some(self.free_at)
    }

    fn allowed(&self, now: u64) -> u64 {
        if self.is_old(now) {
            return LOW;
        }
        let product = share(self.rate(), self.trip, SECOND_US);
        product.saturating_mul(2).saturating_add(FLOOR.max(self.rate() / SLACK)).min(self.window)
    }

    /// True if the shortest trip was seen so long ago that the line's queue is let run empty once, to see it again.
    fn is_old(&self, now: u64) -> bool {
        self.trip_at.saturating_add(MEMORY_US) < now
    }

    /// Keeps the best rates in front: what is worse and older than `rate` can never be the best again.
    fn keep_rate(&mut self, now: u64, rate: u64) {
        while self.rates.back().is_some_and(|(_, last)| *last <= rate) {
            self.rates.pop_back();
        }
        self.rates.push_back((now, rate));
        while self.rates.front().is_some_and(|(at, _)| at.saturating_add(MEMORY_US) < now) {
            self.rates.pop_front();
        }
    }
}

/// `a * b / c`, whatever the size; 0 if `c` is.
fn share(a: u64, b: u64, c: u64) -> u64 {
    let product = u128::from(a).saturating_mul(u128::from(b));
    product.checked_div(u128::from(c)).and_then(|share| u64::try_from(share).ok()).unwrap_or(if c == 0 {
        0
    } else {
        u64::MAX
    })
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "tests"
    )]
    use super::*;

    /// Sends for some seconds over a line of `rate` bytes a second and `delay` round trip; returns bytes acknowledged and the
    /// longest wait in the line's queue, in microseconds.
    fn through(flow: &mut Flow, rate: u64, delay: u64, seconds: u64) -> (u64, u64) {
        let (mut free, mut longest) = (0, 0);
        let mut acks: VecDeque<(u64, u64)> = VecDeque::new();
        for now in (0..seconds * 1_000_000).step_by(1_000) {
            while let Some((_, bytes)) = acks.pop_front_if(|(at, _)| *at <= now) {
                flow.acked(bytes, now);
            }
            while let bytes @ 1.. = flow.may_send(now) {
                flow.sent(bytes, now);
                let begins = now.max(free);
                longest = longest.max(begins - now);
                free = begins + bytes * 1_000_000 / rate;
                acks.push_back((free + delay, bytes));
            }
        }
        (flow.acked, longest)
    }

    #[test]
    fn a_line_is_filled_and_its_queue_stays_short() {
        for (rate, delay) in [(125_000, 300_000), (12_500_000, 20_000), (500_000_000, 200), (40_000, 50_000)]
        {
            let mut flow = Flow::new(u32::MAX, 0, delay, 0);
            let (carried, longest) = through(&mut flow, rate, delay, 30);
            let full = rate * 30;
            assert!(carried * 100 > full * 85, "{rate} B/s, {delay} us: {carried} of {full}");
            // The floor alone is 0.4 s of the slowest line here.
            let floor = FLOOR * 1_000_000 / rate;
            assert!(
                longest <= 2 * delay + 2 * floor + 300_000,
                "{rate} B/s, {delay} us: waited {longest} us"
            );
        }
    }

    #[test]
    fn a_limit_holds() {
        let mut flow = Flow::new(u32::MAX, 100_000, 10_000, 0);
        let (carried, _) = through(&mut flow, 10_000_000, 10_000, 20);
        assert!((1_800_000..=2_100_000).contains(&carried), "{carried}");
    }

    #[test]
    fn nothing_goes_beyond_the_window() {
        let mut flow = Flow::new(100_000, 0, 1_000, 0);
        let mut most = 0;
        for now in 0..100 {
            while let bytes @ 1.. = flow.may_send(now) {
                flow.sent(bytes, now);
            }
            most = most.max(flow.in_flight());
            flow.acked(1_000, now);
        }
        assert!(most <= 100_000, "{most}");
    }
}
