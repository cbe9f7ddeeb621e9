//! Whether the clock of a PC may be believed: a login is for one day, and a clock that was set back would bring that day again.
//!
//! The caller gathers what it knows and says what its clock shows; nothing is read here. This is policy, not mathematics: a
//! changed player passes over it. What it can then reach is bounded all the same, because the chain key of an earlier day opens
//! no key vault that was written after that day, and the password of that very day is needed as well.

use std::ops::RangeInclusive;

use shared::{Day, UtcMicros};

use crate::slots::SlotFile;
use crate::vaults::VaultHead;

/// So far a clock may lie behind what is known, without a word: five minutes, in microseconds.
pub const TOLERANCE_US: i64 = 300_000_000;

/// The latest instants that a player knows to be over. What it does not know is `None` and refuses nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Known {
    /// The newest date that central signed on this medium: key vault, slot file, checkpoint, run report. See [`Self::with_medium`].
    pub medium: Option<UtcMicros>,
    /// When this PC last opened an archive, from its keyring.
    pub this_pc: Option<UtcMicros>,
    /// The last time that the server told this PC.
    pub server: Option<UtcMicros>,
}

/// Why the clock of this PC is not believed. Each says what the clock must at least show.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// The medium was written later than now.
    #[error(
        "this PC's clock is wrong: this archive was written at {0}, which would lie ahead. Set date and time right, then open it again"
    )]
    BehindMedium(UtcMicros),
    /// This PC opened an archive later than now.
    #[error(
        "this PC's clock was set back: an archive was opened here at {0}, which would lie ahead. Set date and time right, then open it again"
    )]
    BehindThisPc(UtcMicros),
    /// The server's time was later than now.
    #[error(
        "this PC's clock is wrong: the server said it was {0} already. Set date and time right, then open it again"
    )]
    BehindServer(UtcMicros),
    /// The key vault is of a later day than the login.
    #[error(
        "this archive is newer than this PC's date: it is of {0}. Ask for the login of today, and see to this PC's clock"
    )]
    BehindVault(Day),
}

impl Known {
    /// Takes one more signed date of the medium into account. Only dates whose signature was verified belong here: before that,
    /// a damaged drive could lock its reader out.
    #[must_use]
    pub fn with_medium(self, signed: UtcMicros) -> Self {
        Self { medium: self.medium.max(Some(signed)), ..self }
    }

    /// Takes the dates of a slot file and of a key vault, both verified, into account.
    #[must_use]
    pub fn with_key_files(self, slots: &SlotFile, vault: &VaultHead) -> Self {
        self.with_medium(slots.head().created).with_medium(vault.created)
    }
}

/// Returns the time that counts: the server's if it answered just now, this PC's otherwise.
#[must_use]
pub fn now(pc: UtcMicros, answered: Option<UtcMicros>) -> UtcMicros {
    answered.unwrap_or(pc)
}

/// Holds a clock against what is known: `now` may lie behind none of it by more than [`TOLERANCE_US`].
///
/// # Errors
/// The first that speaks against it: medium, this PC, server.
pub fn check(now: UtcMicros, known: &Known) -> Result<(), Refusal> {
    let behind = |at: &UtcMicros| now < at.plus(-TOLERANCE_US);
    let refused = [
        known.medium.filter(behind).map(Refusal::BehindMedium),
        known.this_pc.filter(behind).map(Refusal::BehindThisPc),
        known.server.filter(behind).map(Refusal::BehindServer),
    ];
    refused.into_iter().flatten().next().map_or(Ok(()), Err)
}

/// Holds the day of a login against the day on which the newest key vault was written. The chain says the same by mathematics
/// ([`crate::KeyVault::open`]); this says it in words before a second is spent on the password.
///
/// # Errors
/// [`Refusal::BehindVault`].
pub fn check_day(login: Day, vault: Day) -> Result<(), Refusal> {
    if vault > login { Err(Refusal::BehindVault(vault)) } else { Ok(()) }
}

/// Returns the days to which somebody who sets the clock of a disconnected PC can go back: from that of the newest key vault up
/// to today, and only with the login of that day. `None` if the medium is of a later day than today.
#[must_use]
pub fn roll_back(vault: Day, today: Day) -> Option<RangeInclusive<Day>> {
    (vault <= today).then_some(vault..=today)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const NOW: UtcMicros = UtcMicros(1_795_000_000_000_000);

    fn day(n: u32) -> Day {
        Day::from_yyyymmdd(n).unwrap()
    }

    /// The clock may lie five minutes behind `known`, and not a microsecond more.
    fn refuses(known: impl Fn(UtcMicros) -> Known, refusal: impl Fn(UtcMicros) -> Refusal) {
        for within in [NOW.plus(-1), NOW, NOW.plus(1), NOW.plus(TOLERANCE_US)] {
            assert_eq!(check(NOW, &known(within)), Ok(()), "{within}");
        }
        for ahead in [NOW.plus(TOLERANCE_US + 1), NOW.plus(86_400_000_000), UtcMicros(i64::MAX)] {
            assert_eq!(check(NOW, &known(ahead)), Err(refusal(ahead)), "{ahead}");
        }
    }

    #[test]
    fn what_is_signed_on_the_medium_refuses_alone() {
        refuses(|at| Known::default().with_medium(at), Refusal::BehindMedium);
    }

    #[test]
    fn what_this_pc_saw_refuses_alone() {
        refuses(|at| Known { this_pc: Some(at), ..Known::default() }, Refusal::BehindThisPc);
    }

    #[test]
    fn what_the_server_said_refuses_alone() {
        refuses(|at| Known { server: Some(at), ..Known::default() }, Refusal::BehindServer);
    }

    #[test]
    fn the_newest_date_of_a_medium_counts_in_whatever_order_they_are_read() {
        let (old, new) = (NOW.plus(-86_400_000_000), NOW.plus(86_400_000_000));
        for dates in [[old, new], [new, old]] {
            let known = dates.into_iter().fold(Known::default(), Known::with_medium);
            assert_eq!(check(NOW, &known), Err(Refusal::BehindMedium(new)));
        }
        assert_eq!(check(UtcMicros(i64::MIN), &Known::default()), Ok(()), "nothing known refuses nothing");
        let lowest = Known::default().with_medium(UtcMicros(i64::MIN));
        assert_eq!(check(UtcMicros(i64::MIN), &lowest), Ok(()));
    }

    #[test]
    fn a_server_that_answers_decides() {
        let known = Known { this_pc: Some(NOW), ..Known::default() };
        let slow = NOW.plus(-86_400_000_000);
        assert!(check(now(slow, None), &known).is_err(), "the PC's clock alone");
        assert_eq!(check(now(slow, Some(NOW)), &known), Ok(()), "the server's time counts, not the PC's");
        assert_eq!(
            check(now(NOW, Some(slow)), &known),
            Err(Refusal::BehindThisPc(NOW)),
            "its word is held against what was seen"
        );
    }

    #[test]
    fn a_clock_goes_back_to_the_day_of_the_key_vault_and_not_behind_it() {
        let (vault, today) = (day(20_261_120), day(20_261_122));
        assert_eq!(check_day(day(20_261_119), vault), Err(Refusal::BehindVault(vault)));
        assert_eq!((check_day(vault, vault), check_day(today, vault)), (Ok(()), Ok(())));
        assert_eq!(roll_back(vault, today), Some(vault..=today));
        assert_eq!(roll_back(today, vault), None);
    }
}
