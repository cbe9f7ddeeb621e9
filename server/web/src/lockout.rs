//! Wrong passwords of names that do not exist, and of addresses: what the catalogue keeps for accounts, kept in memory.
//!
//! After five wrong attempts a name or an address waits half a minute, then twice as long for each further one, up to a
//! quarter of an hour. Names that nobody has wait just as real ones do, or the waiting would tell which are real.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

use shared::UtcMicros;

use crate::doors::held;

/// Wrong attempts that cost nothing.
const FREE: u32 = 5;
/// Wrong attempts of one address that cost nothing: several people may sit behind it.
const FREE_ADDRESS: u32 = 20;
/// The first wait.
const FIRST_US: i64 = 30_000_000;
/// The longest wait.
const LONGEST_US: i64 = 900_000_000;
/// After so long without an attempt everything is forgiven.
const FORGIVEN_US: i64 = 86_400_000_000;
/// Entries kept in memory.
const ENTRIES_MAX: usize = 20_000;

/// Returns until when an account waits after `failures` wrong attempts in a row, the last of them now.
pub(crate) fn locked_until(failures: u32, now: UtcMicros) -> Option<UtcMicros> {
    wait_us(failures, FREE).map(|us| now.plus(us))
}

fn wait_us(failures: u32, free: u32) -> Option<i64> {
    let over = failures.checked_sub(free)?;
    let doubled = FIRST_US.checked_shl(over.min(16)).unwrap_or(LONGEST_US);
    Some(doubled.min(LONGEST_US))
}

/// Whose attempts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Attempt {
    /// A name that no account has.
    Name(String),
    /// An address.
    Address(IpAddr),
}

impl Attempt {
    const fn free(&self) -> u32 {
        match self {
            Self::Name(_) => FREE,
            Self::Address(_) => FREE_ADDRESS,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    failures: u32,
    last: UtcMicros,
    until: Option<UtcMicros>,
}

/// The table.
#[derive(Debug, Default)]
pub(crate) struct Lockout {
    entries: Mutex<HashMap<Attempt, Entry>>,
}

impl Lockout {
    /// Returns the seconds still to wait, if there are any.
    pub(crate) fn wait_s(&self, who: &Attempt, now: UtcMicros) -> Option<u64> {
        let until = held(&self.entries).get(who)?.until?;
        seconds_left(until, now)
    }

    /// Counts a wrong attempt.
    pub(crate) fn wrong(&self, who: Attempt, now: UtcMicros) {
        let mut entries = held(&self.entries);
        if entries.len() >= ENTRIES_MAX && !entries.contains_key(&who) {
            make_room(&mut entries, now);
        }
        let free = who.free();
        let entry = entries.entry(who).or_insert(Entry { failures: 0, last: now, until: None });
        if now.since(entry.last) > FORGIVEN_US {
            entry.failures = 0;
        }
        entry.failures = entry.failures.saturating_add(1);
        entry.last = now;
        entry.until = wait_us(entry.failures, free).map(|us| now.plus(us));
    }

    /// Forgets the attempts, because the right password came.
    pub(crate) fn right(&self, who: &Attempt) {
        held(&self.entries).remove(who);
    }
}

/// Returns the whole seconds from `now` to `until`, `None` when it has passed; a clock that stepped back counts as the longest
/// wait at most.
pub(crate) fn seconds_left(until: UtcMicros, now: UtcMicros) -> Option<u64> {
    let left = until.since(now).min(LONGEST_US);
    if left <= 0 {
        return None;
    }
    u64::try_from(left / 1_000_000 + 1).ok()
}

fn make_room(entries: &mut HashMap<Attempt, Entry>, now: UtcMicros) {
    entries.retain(|_, e| now.since(e.last) <= FORGIVEN_US && e.until.is_some_and(|until| until > now));
    if entries.len() >= ENTRIES_MAX
        && let Some(oldest) = entries.iter().min_by_key(|(_, e)| e.last).map(|(who, _)| who.clone())
    {
        entries.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: UtcMicros = UtcMicros(1_800_000_000_000_000);

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour() {
        let seconds = |failures| locked_until(failures, T0).map(|until| until.since(T0) / 1_000_000);
        assert_eq!(seconds(0), None);
        assert_eq!(seconds(4), None);
        assert_eq!(seconds(5), Some(30));
        assert_eq!(seconds(6), Some(60));
        assert_eq!(seconds(9), Some(480));
        assert_eq!(seconds(10), Some(900));
        assert_eq!(seconds(u32::MAX), Some(900));
    }

    #[test]
    fn a_name_that_nobody_has_waits_like_a_real_one_and_is_forgiven() {
        let lockout = Lockout::default();
        let who = Attempt::Name("nobody".into());
        for _ in 0..5 {
            assert_eq!(lockout.wait_s(&who, T0), None);
            lockout.wrong(who.clone(), T0);
        }
        assert_eq!(lockout.wait_s(&who, T0), Some(31));
        assert_eq!(lockout.wait_s(&who, T0.plus(30_000_000)), None);
        lockout.right(&who);
        lockout.wrong(who.clone(), T0);
        assert_eq!(lockout.wait_s(&who, T0), None, "counted from the beginning");
    }

    #[test]
    fn the_table_is_bounded() {
        let lockout = Lockout::default();
        for n in 0..ENTRIES_MAX + 100 {
            lockout.wrong(Attempt::Name(n.to_string()), T0);
        }
        assert!(held(&lockout.entries).len() <= ENTRIES_MAX, "a flood of names does not grow it");
    }
}
