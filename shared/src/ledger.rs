//! The words of the ledger: the account of every signalled call, from its number to its end.
//!
//! The list of ends is closed. A new one is added here, in the catalogue's `check` and in `docs/design`, in one commit.

use std::fmt;
use std::str::FromStr;

use crate::Day;

/// Number of a ledger entry: counts up by one per recorder, never resets, has no holes. The first is 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct LedgerNo(pub u64);

/// Why a recording is not whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Partly {
    /// The call was under way when we first saw it.
    StartMissed = 1,
    /// No sign of its end: 60 s without media.
    EndUnknown = 2,
    /// Two directions were signalled, one never arrived: a fault of the mirror, not a bad call.
    OneDirection = 3,
    /// The recorder lost samples.
    RecorderLoss = 4,
    /// Media were encrypted and we have no key.
    EncryptedMedia = 5,
    /// Signalling was encrypted.
    EncryptedSignalling = 6,
    /// The call turned to fax (T.38).
    FaxT38 = 7,
    /// The CTI link was down.
    CtiLost = 8,
    /// The source restarted during the call.
    SourceRestart = 9,
    /// The recorder was killed or lost power during the call.
    Crash = 10,
    /// The disk was full.
    DiskFull = 11,
    /// The clock stepped during the call.
    ClockDoubt = 12,
    /// A mask was on at the end.
    MaskedToEnd = 13,
}

crate::party::words!(Partly {
    StartMissed = "start-missed",
    EndUnknown = "end-unknown",
    OneDirection = "one-direction",
    RecorderLoss = "recorder-loss",
    EncryptedMedia = "encrypted-media",
    EncryptedSignalling = "encrypted-signalling",
    FaxT38 = "fax-t38",
    CtiLost = "cti-lost",
    SourceRestart = "source-restart",
    Crash = "crash",
    DiskFull = "disk-full",
    ClockDoubt = "clock-doubt",
    MaskedToEnd = "masked-to-end",
});

/// Why there is no recording.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum NotRecorded {
    /// A rule said so; the rule's number is kept beside it.
    Rule = 1,
    /// The source was down.
    SourceDown = 2,
    /// The call was answered but no media ever came.
    NoMedia = 3,
    /// Its signalling is not understood.
    UnsupportedSignalling = 4,
    /// Media were encrypted and nothing of them was kept.
    EncryptedMedia = 5,
    /// The disk was full.
    DiskFull = 6,
    /// A limit of the recorder was reached.
    Limit = 7,
    /// The recorder was killed or lost power before any audio was sealed.
    Crash = 8,
    /// The call was never answered and had no early media: there was nothing to record.
    Unanswered = 9,
}

crate::party::words!(NotRecorded {
    Rule = "rule",
    SourceDown = "source-down",
    NoMedia = "no-media",
    UnsupportedSignalling = "unsupported-signalling",
    EncryptedMedia = "encrypted-media",
    DiskFull = "disk-full",
    Limit = "limit",
    Crash = "crash",
    Unanswered = "unanswered",
});

/// How a ledger entry ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LedgerEnd {
    /// Whole.
    Recorded,
    /// There is a recording, and something is missing.
    Partly(Partly),
    /// There is no recording.
    NotRecorded(NotRecorded),
}

impl LedgerEnd {
    /// Returns the pair (class, reason) kept in files and in the catalogue: class 1 recorded, 2 partly, 3 not recorded.
    #[must_use]
    pub const fn numbers(self) -> (u8, u8) {
        match self {
            Self::Recorded => (1, 0),
            Self::Partly(why) => (2, why.number()),
            Self::NotRecorded(why) => (3, why.number()),
        }
    }

    /// Finds an end by its pair of numbers.
    #[must_use]
    pub fn from_numbers(class: u8, reason: u8) -> Option<Self> {
        match (class, reason) {
            (1, 0) => Some(Self::Recorded),
            (2, why) => Partly::from_number(why).map(Self::Partly),
            (3, why) => NotRecorded::from_number(why).map(Self::NotRecorded),
            _ => None,
        }
    }
}

impl fmt::Display for LedgerEnd {
    /// Writes `recorded`, `partly(crash)` or `not recorded(no-media)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recorded => f.write_str("recorded"),
            Self::Partly(why) => write!(f, "partly({})", why.word()),
            Self::NotRecorded(why) => write!(f, "not recorded({})", why.word()),
        }
    }
}

/// The account of a span of time: `signalled` must equal the sum of the other four.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LedgerTotals {
    /// Calls signalled, and segments without signalling.
    pub signalled: u64,
    /// Recorded whole.
    pub recorded: u64,
    /// Recorded in part.
    pub partly: u64,
    /// Not recorded.
    pub not_recorded: u64,
    /// Not ended yet.
    pub open: u64,
}

/// Says that a text is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a reference: it looks like A261122-000002")]
pub struct ReferenceError(pub String);

/// The reference shown to people, `A261122-000002`: recorder's letter, day, sequence in that day. For display only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Reference {
    /// The recorder's letter, `A` to `Z`.
    pub letter: char,
    /// The civil day in the site's zone on which the entry was made.
    pub day: Day,
    /// Counts from 1 within the day.
    pub sequence: u32,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:06}-{:06}", self.letter, self.day.yyyymmdd() % 1_000_000, self.sequence)
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let refused = || ReferenceError(text.chars().take(32).collect());
        let (head, tail) = text.split_once('-').ok_or_else(refused)?;
        let mut rest = head.chars();
        let letter = rest.next().filter(char::is_ascii_uppercase).ok_or_else(refused)?;
        let six = rest.as_str();
        let digits = |t: &str| t.len() >= 6 && t.len() <= 9 && t.bytes().all(|b| b.is_ascii_digit());
        if six.len() != 6 || !digits(six) || !digits(tail) {
            return Err(refused());
        }
        let day = format!("20{six}").parse().map_err(|_no_such_day| refused())?;
        let sequence = tail.parse().map_err(|_too_large| refused())?;
        Ok(Self { letter, day, sequence })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_survives_its_numbers() {
        let partly = (1..=13).filter_map(Partly::from_number).map(LedgerEnd::Partly);
        let not = (1..=9).filter_map(NotRecorded::from_number).map(LedgerEnd::NotRecorded);
        let all: Vec<_> = partly.chain(not).chain([LedgerEnd::Recorded]).collect();
        assert_eq!(all.len(), 23);
        for end in all {
            let (class, reason) = end.numbers();
            assert_eq!(LedgerEnd::from_numbers(class, reason), Some(end));
        }
        assert_eq!(LedgerEnd::from_numbers(1, 1), None);
    }

    #[test]
    fn a_reference_survives_its_text() {
        let text = "A261122-000002";
        let reference: Reference = text.parse().expect("a reference");
        assert_eq!(reference.to_string(), text);
        for bad in ["A261122", "a261122-000002", "A261322-000002", "A261122-2", ""] {
            assert!(bad.parse::<Reference>().is_err(), "{bad} must be refused");
        }
    }
}
