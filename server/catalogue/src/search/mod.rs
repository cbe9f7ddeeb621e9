//! Searching as people do it: filters, a scope, and pages both ways.

use std::fmt;
use std::str::FromStr;

use shared::{Direction, Method, Side, UtcMicros};

use crate::{ExtensionPattern, Recording};

/// A page of a search holds at most this many recordings.
pub const LIMIT_MAX: u32 = 1_000;
/// Counts stop here.
pub const COUNT_MAX: u64 = 10_000;

/// What to look for; all that is given must hold. The default finds everything, newest first, fifty a page.
///
/// Texts are compared without regard to case and accents; digits of any script count as digits. Empty texts ask for nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Search {
    /// Words that must each be found somewhere: as part of a number, or as the beginning of a word of a name, the reference,
    /// the external reference, the subject, the comment or a tag.
    pub words: Option<String>,
    /// Any part of a party's number; blanks, dashes, brackets and dots are overlooked.
    pub number: Option<String>,
    /// Beginnings of words of a party's name.
    pub name: Option<String>,
    /// The extension of a party.
    pub extension: Option<ExtensionPattern>,
    /// Begun at this instant or later.
    pub since: Option<UtcMicros>,
    /// Begun before this instant.
    pub until: Option<UtcMicros>,
    /// At least so long, in microseconds.
    pub min_us: Option<u64>,
    /// At most so long, in microseconds.
    pub max_us: Option<u64>,
    /// One of these directions; none: any.
    pub directions: Vec<Direction>,
    /// One of these methods; none: any.
    pub methods: Vec<Method>,
    /// One of these sides; none: any.
    pub sides: Vec<Side>,
    /// The name of the tap, whole.
    pub tap: Option<String>,
    /// A tag, whole.
    pub tag: Option<String>,
    /// The beginning of the reference, or beginnings of words of the external reference.
    pub reference: Option<String>,
    /// Beginnings of words of the subject.
    pub subject: Option<String>,
    /// Beginnings of words of the comment.
    pub comment: Option<String>,
    /// Samples are missing for another reason than silence suppression, or not.
    pub has_gap: Option<bool>,
    /// A legal hold is on, or not.
    pub held: Option<bool>,
    /// Oldest first instead of newest first.
    pub oldest_first: bool,
    /// Which page.
    pub place: Place,
    /// Recordings a page, 1 to [`LIMIT_MAX`].
    pub limit: u32,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            words: None,
            number: None,
            name: None,
            extension: None,
            since: None,
            until: None,
            min_us: None,
            max_us: None,
            directions: Vec::new(),
            methods: Vec::new(),
            sides: Vec::new(),
            tap: None,
            tag: None,
            reference: None,
            subject: None,
            comment: None,
            has_gap: None,
            held: None,
            oldest_first: false,
            place: Place::Start,
            limit: 50,
        }
    }
}

/// A place in the list of all recordings, as text for a client to bring back. It means the same in every search.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Cursor(pub(crate) i64);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

/// Says that a text is no place in a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("this is not a place in a list: begin again at the first page")]
pub struct CursorError;

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let shaped = !text.is_empty() && text.len() <= 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let key = if shaped { i64::from_str_radix(text, 16).ok() } else { None };
        key.map(Self).ok_or(CursorError)
    }
}

/// Which page of a search.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Place {
    /// The first.
    #[default]
    Start,
    /// The one behind this place: [`SearchPage::next`].
    After(Cursor),
    /// The one before this place: [`SearchPage::previous`].
    Before(Cursor),
}

/// Some recordings in the order that was asked for, and where the neighbours begin.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SearchPage {
    /// What was found, without events.
    pub recordings: Vec<Recording>,
    /// The page before this one; `None` on the first.
    pub previous: Option<Cursor>,
    /// The page behind this one; `None` on the last.
    pub next: Option<Cursor>,
}

/// How many recordings a search finds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Count {
    /// So many were counted, at most [`COUNT_MAX`].
    pub n: u64,
    /// There may be more: counting stopped at its limit, or before it would have taken long.
    pub more: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_and_nothing_else_is_one() {
        for key in [0, 1, i64::MAX] {
            assert_eq!(Cursor(key).to_string().parse(), Ok(Cursor(key)));
        }
        for text in ["", "-1", "+1", "g", "ffffffffffffffff", "00000000000000001", "' or 1=1"] {
            assert_eq!(text.parse::<Cursor>(), Err(CursorError), "{text}");
        }
    }
}
