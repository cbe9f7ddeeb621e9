//! The day chain: `K_N` gives every earlier `K` and no later one.
//!
//! `K_{N-1} = BLAKE3-derive_key("amethyst/daily-login/chain/v1", K_N || site_id || gen)`, N being the days since 1970-01-01 in
//! the site's zone. The top lies 40 years behind commissioning and never leaves central.

use shared::{Day, SiteId};
use zeroize::Zeroizing;

const CONTEXT: &str = "amethyst/daily-login/chain/v1";
/// Forty years: so far ahead lies the top.
pub const LENGTH_DAYS: i32 = 14_610;

/// A key of the chain, with the day it belongs to. Wiped when dropped.
#[allow(missing_debug_implementations, reason = "a secret is never printed")]
pub struct ChainKey {
    day: Day,
    key: Zeroizing<[u8; 32]>,
}

/// Which chain: a site replaces it as a whole when it was betrayed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Chained {
    /// Whose chain.
    pub site_id: SiteId,
    /// From 1; raised when chain and lanes are replaced.
    pub generation: u32,
}

impl ChainKey {
    /// Takes the key of a day.
    #[must_use]
    pub const fn new(day: Day, key: Zeroizing<[u8; 32]>) -> Self {
        Self { day, key }
    }

    /// Returns its day.
    #[must_use]
    pub const fn day(&self) -> Day {
        self.day
    }

    /// Returns the key.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.key
    }

    /// Derives the key of an earlier day, or of the same one. `None` for a later day: there is no way forward.
    #[must_use]
    pub fn back_to(&self, day: Day, of: Chained) -> Option<Self> {
        let steps = self.day.number().checked_sub(day.number()).filter(|steps| *steps >= 0)?;
        let generation = of.generation.to_le_bytes();
        let mut key = self.key.clone();
        for _ in 0..steps {
            let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
            hasher.update(key.as_slice()).update(of.site_id.bytes()).update(&generation);
            *key = hasher.finalize().into();
        }
        Some(Self { day, key })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_chain_runs_backwards_only_and_each_step_is_the_published_one() {
        let of = Chained { site_id: SiteId([7; 16]), generation: 3 };
        let day = |n| Day::from_yyyymmdd(n).unwrap();
        let top = ChainKey::new(day(20_261_122), Zeroizing::new([9; 32]));
        let input = [[9; 32].as_slice(), &[7; 16], &3_u32.to_le_bytes()].concat();
        let before = top.back_to(day(20_261_121), of).unwrap();
        assert_eq!(before.expose(), &blake3::derive_key(CONTEXT, &input));
        let far = top.back_to(day(20_261_001), of).unwrap();
        assert_eq!(before.back_to(day(20_261_001), of).unwrap().expose(), far.expose());
        assert_eq!(top.back_to(top.day(), of).unwrap().expose(), top.expose());
        assert!(top.back_to(day(20_261_123), of).is_none());
        let other = Chained { generation: 4, ..of };
        assert_ne!(top.back_to(day(20_261_121), other).unwrap().expose(), before.expose());
    }
}
