//! Request rates: a bucket for each session and each address, generous for sound, narrow at the sign-in.
//!
//! What must hold: the table is bounded. When it is full the buckets that have filled up again go first, and then the one
//! that was not used for the longest time; a flood of addresses costs memory for [`BUCKETS_MAX`] buckets and no more.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

use shared::UtcMicros;

use crate::doors::held;

/// Buckets kept in memory.
const BUCKETS_MAX: usize = 20_000;

/// How many requests at once, and how many a second in the long run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Rate {
    /// Names, passwords, codes, links: 20 at once, one in three seconds.
    SignIn,
    /// Everything else: 200 at once, 40 a second.
    Plain,
    /// Sound, its ranges and the console's own files: 1,000 at once, 200 a second.
    Sound,
}

impl Rate {
    /// Capacity, and microseconds until one more request is allowed.
    const fn shape(self) -> (i64, i64) {
        match self {
            Self::SignIn => (20, 3_000_000),
            Self::Plain => (200, 25_000),
            Self::Sound => (1_000, 5_000),
        }
    }
}

/// Whose bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Whose {
    /// A session, by the first octets of its digest.
    Session([u8; 8]),
    /// An address; the buckets of addresses are five times as large, since many people may sit behind one.
    Address(IpAddr),
}

/// The table of buckets.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    /// For each bucket the time at which it will be full again.
    full_at: Mutex<HashMap<(Whose, Rate), UtcMicros>>,
}

impl Limiter {
    /// Takes one request out of a bucket.
    ///
    /// # Errors
    /// The bucket is empty: seconds until there is one more.
    pub(crate) fn take(&self, whose: Whose, rate: Rate, now: UtcMicros) -> Result<(), u64> {
        let (mut capacity, mut step_us) = rate.shape();
        if let (Whose::Address(_), Rate::Plain | Rate::Sound) = (whose, rate) {
            (capacity, step_us) = (capacity * 5, step_us / 5);
        }
        let mut table = held(&self.full_at);
        if table.len() >= BUCKETS_MAX && !table.contains_key(&(whose, rate)) {
            make_room(&mut table, now);
        }
        let slot = table.entry((whose, rate)).or_insert(now);
        // A clock that stepped back must not shut anybody out for longer than an empty bucket would.
        let full_at = (*slot).clamp(now, now.plus(capacity * step_us));
        let after = full_at.plus(step_us);
        let wait_us = after.since(now) - capacity * step_us;
        if wait_us > 0 {
            return Err(u64::try_from(wait_us / 1_000_000 + 1).unwrap_or(1));
        }
        *slot = after;
        Ok(())
    }
}

fn make_room(table: &mut HashMap<(Whose, Rate), UtcMicros>, now: UtcMicros) {
    table.retain(|_, full_at| *full_at > now);
    if table.len() >= BUCKETS_MAX
        && let Some(oldest) = table.iter().min_by_key(|(_, full_at)| **full_at).map(|(key, _)| *key)
    {
        table.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: UtcMicros = UtcMicros(1_800_000_000_000_000);
    const A: Whose = Whose::Session([1; 8]);

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let limiter = Limiter::default();
        for n in 0..20 {
            assert_eq!(limiter.take(A, Rate::SignIn, T0), Ok(()), "attempt {n}");
        }
        assert_eq!(limiter.take(A, Rate::SignIn, T0), Err(4));
        assert_eq!(
            limiter.take(Whose::Session([2; 8]), Rate::SignIn, T0),
            Ok(()),
            "another's bucket is full"
        );
        assert_eq!(limiter.take(A, Rate::SignIn, T0.plus(3_000_000)), Ok(()), "one more after three seconds");
        assert!(limiter.take(A, Rate::SignIn, T0.plus(3_000_000)).is_err(), "and only one");
    }

    #[test]
    fn a_clock_that_steps_back_shuts_nobody_out_for_long() {
        let limiter = Limiter::default();
        for _ in 0..20 {
            limiter.take(A, Rate::SignIn, T0).unwrap();
        }
        let earlier = T0.plus(-86_400_000_000);
        assert_eq!(limiter.take(A, Rate::SignIn, earlier), Err(4), "not a day");
    }

    #[test]
    fn a_flood_of_addresses_does_not_grow_the_table() {
        let limiter = Limiter::default();
        for n in 0..u32::try_from(BUCKETS_MAX).unwrap() + 500 {
            let whose = Whose::Address(IpAddr::from(n.to_be_bytes()));
            limiter.take(whose, Rate::Plain, T0).unwrap();
        }
        assert!(held(&limiter.full_at).len() <= BUCKETS_MAX, "the table is bounded");
    }
}
