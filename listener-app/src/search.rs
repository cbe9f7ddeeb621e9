//! Search: the rows of one day or of many in which a text occurs, told day by day, so that a person sees the first ones at once and may
//! stop.

use std::ops::ControlFlow;

use archive::{DayCatalogue, DayRow};
use shared::Day;

use crate::days;
use crate::location::Location;
use crate::login::Session;
use crate::refusal::Refusal;

/// One day of a search.
pub(crate) struct Searched<'a> {
    /// Which day.
    pub(crate) day: Day,
    /// How many were searched with it.
    pub(crate) done: usize,
    /// Of so many.
    pub(crate) of: usize,
    /// The list of the day, or why it cannot be opened: the search goes on with the others.
    pub(crate) rows: Result<&'a DayCatalogue, Refusal>,
}

/// Opens day after day and gives each to `each`, until it breaks.
pub(crate) fn through(
    location: &Location,
    session: &Session,
    days: &[Day],
    mut each: impl FnMut(Searched<'_>) -> ControlFlow<()>,
) {
    for (n, day) in days.iter().enumerate() {
        let opened = days::open(location, session, *day);
        let rows = opened.as_ref().map_err(|_told| ());
        let rows = match rows {
            Ok(rows) => Ok(rows),
            Err(()) => Err(opened.err().unwrap_or(Refusal::NoDay(*day))),
        };
        if each(Searched { day: *day, done: n.saturating_add(1), of: days.len(), rows }).is_break() {
            return;
        }
    }
}

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sought {
    lower: String,
    digits: String,
}

impl Sought {
    /// Takes what was typed; nothing finds everything.
    pub(crate) fn new(text: &str) -> Self {
        let lower = text.trim().to_lowercase();
        let is_number = lower.chars().all(|c| c.is_ascii_digit() || " +-()/.".contains(c));
        let digits = lower.chars().filter(char::is_ascii_digit).collect();
        Self { digits: if is_number { digits } else { String::new() }, lower }
    }

    /// Tells whether the text occurs in parties, extension, user, reference or subject, in whatever case; a number also when it is written
    /// with other blanks and dashes.
    pub(crate) fn is_in(&self, row: &DayRow<&str>) -> bool {
        let texts = [row.near, row.far, row.extension, row.user, row.reference, row.subject];
        let found = |text: &&str| {
            let digits = || text.chars().filter(char::is_ascii_digit).collect::<String>();
            text.to_lowercase().contains(&self.lower)
                || !self.digits.is_empty() && digits().contains(&self.digits)
        };
        self.lower.is_empty() || texts.iter().any(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::{Direction, RecordingId, Side, UtcMicros};

    fn check(sought: &str, expected: bool) {
        let row = DayRow {
            recording_id: RecordingId([1; 16]),
            start: UtcMicros(0),
            duration_ms: 0,
            parts: 1,
            flags: 0,
            legs: 2,
            direction: Direction::In,
            side: Side::Trunk,
            tap: 0,
            near: "Thandi Élan 200",
            far: "+27 11 555-0100",
            extension: "200",
            user: "",
            reference: "A261122-000002",
            subject: "Water",
            path: "",
            bytes: 0,
            leaf: 0,
        };
        assert_eq!(Sought::new(sought).is_in(&row), expected, "{sought}");
    }

    #[test]
    fn names_numbers_and_references_are_found_however_they_are_typed() {
        for found in
            ["", "thandi", "éLAN", "115550100", "011 555".get(1..).unwrap_or(""), "water", "a261122", "5550"]
        {
            check(found, true);
        }
        for missed in ["peter", "999", "2027", "a261123"] {
            check(missed, false);
        }
    }
}
