//! Lanes: who issues a login. The admin lane never leaves central; the helpdesk lane lies in the helpdesk's safe.
//!
//! A lane's secret gives a key for each month, that a key for each day, and that the login and password of the day. A front
//! desk gets month keys only.

use shared::{Day, SiteId};
use zeroize::Zeroizing;

use crate::chain::Chained;
use crate::kdf::{derive, expand};
use crate::spoken::{Login, Password};

const MONTH: &[u8] = b"amethyst/daily-login/month/v1";
const DAY: &[u8] = b"amethyst/daily-login/day/v1";
const LOGIN: &[u8] = b"amethyst/daily-login/login/v1";
const PASSWORD: &[u8] = b"amethyst/daily-login/password/v1";

/// Who issues.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Lane {
    /// Central's administrators.
    Admin = b'a',
    /// The helpdesk, when central is down.
    Helpdesk = b'h',
}

impl Lane {
    /// Finds a lane by its letter.
    #[must_use]
    pub const fn from_letter(letter: u8) -> Option<Self> {
        match letter {
            b'a' => Some(Self::Admin),
            b'h' => Some(Self::Helpdesk),
            _ => None,
        }
    }
}

/// The secret of a lane. Wiped when dropped.
#[allow(missing_debug_implementations, reason = "a secret is never printed")]
pub struct LaneSecret {
    lane: Lane,
    of: Chained,
    key: Zeroizing<[u8; 32]>,
}

/// What a lane may issue in one month. Wiped when dropped.
#[allow(missing_debug_implementations, reason = "a secret is never printed")]
pub struct MonthKey {
    lane: Lane,
    of: Chained,
    month: String,
    key: Zeroizing<[u8; 32]>,
}

/// What a listener types.
#[allow(missing_debug_implementations, reason = "a secret is never printed")]
pub struct Credentials {
    /// Which slot; no secret.
    pub login: Login,
    /// Opens it.
    pub password: Password,
}

impl LaneSecret {
    /// Takes the secret of a lane.
    #[must_use]
    pub const fn new(lane: Lane, of: Chained, key: Zeroizing<[u8; 32]>) -> Self {
        Self { lane, of, key }
    }

    /// Returns the lane.
    #[must_use]
    pub const fn lane(&self) -> Lane {
        self.lane
    }

    /// Returns the secret, for the stores that seal it.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.key
    }

    /// Derives the key of the month in which `day` falls.
    #[must_use]
    pub fn month(&self, day: Day) -> MonthKey {
        let month = month_of(day);
        let info = [MONTH, &[self.lane as u8], &self.of.generation.to_le_bytes(), month.as_bytes()];
        let key = derive(self.of.site_id.bytes(), self.key.as_slice(), &info);
        MonthKey { lane: self.lane, of: self.of, month, key }
    }

    /// Derives login and password of a day.
    #[must_use]
    pub fn credentials(&self, day: Day) -> Credentials {
        self.month(day).derive(day)
    }
}

impl MonthKey {
    /// Returns the key, to be sealed for a front desk.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.key
    }

    /// Returns the month, `2026-11`.
    #[must_use]
    pub fn month(&self) -> &str {
        &self.month
    }

    /// Derives login and password of a day of this month; `None` for another month's.
    #[must_use]
    pub fn credentials(&self, day: Day) -> Option<Credentials> {
        (month_of(day) == self.month).then(|| self.derive(day))
    }

    fn derive(&self, day: Day) -> Credentials {
        let date = day.to_string();
        let info = [DAY, &[self.lane as u8], &self.of.generation.to_le_bytes(), date.as_bytes()];
        let site: &SiteId = &self.of.site_id;
        let prk = derive(site.bytes(), self.key.as_slice(), &info);
        let login = expand::<8>(&prk, &[LOGIN]);
        let password = expand::<8>(&prk, &[PASSWORD]);
        Credentials {
            login: Login::new(self.lane, u64::from_be_bytes(*login)),
            password: Password::of_bits(u64::from_be_bytes(*password) >> 4),
        }
    }
}

fn month_of(day: Day) -> String {
    let n = day.yyyymmdd();
    format!("{:04}-{:02}", n / 10_000, n / 100 % 100)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn lane(lane: Lane) -> LaneSecret {
        let site_id = SiteId([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        LaneSecret::new(lane, Chained { site_id, generation: 1 }, Zeroizing::new([0x11; 32]))
    }

    fn day(n: u32) -> Day {
        Day::from_yyyymmdd(n).unwrap()
    }

    #[test]
    fn the_vectors_of_the_scheme() {
        let check = |of: Lane, date, login: &str, password: &str| {
            let made = lane(of).credentials(day(date));
            assert_eq!(made.login.to_string(), login);
            assert_eq!(made.password.grouped().as_str(), password);
        };
        check(Lane::Admin, 20_261_122, "a4469", "NVJ9-K565-K39Y-JY6Z");
        check(Lane::Helpdesk, 20_261_122, "h5208", "76AD-WYDA-QD3H-717B");
        check(Lane::Admin, 20_261_123, "a8798", "C66M-7EEB-P6BG-H1A5");
    }

    #[test]
    fn a_month_key_issues_its_month_and_no_other() {
        let november = lane(Lane::Helpdesk).month(day(20_261_130));
        assert_eq!(november.month(), "2026-11");
        assert!(november.credentials(day(20_261_201)).is_none());
        let (by_month, by_lane) = (
            november.credentials(day(20_261_101)).unwrap(),
            lane(Lane::Helpdesk).credentials(day(20_261_101)),
        );
        assert_eq!(by_month.password.grouped(), by_lane.password.grouped());
        let admin = lane(Lane::Admin).credentials(day(20_261_101));
        assert_ne!(admin.password.grouped(), by_lane.password.grouped());
    }
}
