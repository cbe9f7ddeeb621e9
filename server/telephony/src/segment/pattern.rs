//! One pattern over extensions or numbers: an individual, a range, or a wildcard.

use std::fmt;

/// The longest pattern accepted, in characters.
const LEN_MAX: usize = 64;

/// Says why a text is no rule and how to write it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Nothing, or blanks inside, or too long.
    #[error("`{0}` is not a pattern: write an extension (3115), a range (3111-3118) or a wildcard (3***)")]
    Pattern(String),
    /// The ends of a range do not fit each other.
    #[error(
        "`{0}` is not a range: both ends must be digits of one length, the lower one first, as in 3111-3118"
    )]
    Range(String),
    /// A condition of a call rule is not understood.
    #[error(
        "`{0}` is not a condition: write caller=, called=, number=, direction=in|out|internal, days=mon-fri, \
         time=08:00-17:00 or percent=25"
    )]
    Condition(String),
    /// A call rule begins with neither of its verbs.
    #[error("`{0}` is not a call rule: begin with `record` or `skip`")]
    Verb(String),
    /// There are too many rules.
    #[error("more than {0} rules: put ranges or wildcards in place of individual extensions")]
    TooMany(usize),
}

/// How narrowly a pattern names an extension; the narrower wins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Rank {
    /// No list at all: everything.
    Everything = 0,
    /// A wildcard.
    Wildcard = 1,
    /// A range.
    Range = 2,
    /// One extension.
    Individual = 3,
}

/// A pattern over extensions.
///
/// `3115` is an individual. `3111-3118` is a range: both ends have one length, and only numbers of that length are in it.
/// `3***` is a wildcard: each `*` is exactly one character, so lengths must be equal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pattern(Kind);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Kind {
    Individual(String),
    Range { low: String, high: String },
    Wildcard(String),
}

impl Pattern {
    /// Reads a pattern. A dash makes a range and a star a wildcard; write `*` in place of a dash that belongs to a name.
    ///
    /// # Errors
    /// Says which of the forms the text comes near to and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let text = text.trim();
        let shown = || text.chars().take(LEN_MAX).collect::<String>();
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == ',';
        if text.is_empty() || text.chars().count() > LEN_MAX || text.contains(is_odd) {
            return Err(RuleError::Pattern(shown()));
        }
        if let Some((low, high)) = text.split_once('-') {
            let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
            if !digits(low) || !digits(high) || low.len() != high.len() || low > high {
                return Err(RuleError::Range(shown()));
            }
            return Ok(Self(Kind::Range { low: low.to_owned(), high: high.to_owned() }));
        }
        let kind = if text.contains('*') { Kind::Wildcard } else { Kind::Individual };
        Ok(Self(kind(text.to_owned())))
    }

    /// Tells how narrow the pattern is.
    #[must_use]
    pub const fn rank(&self) -> Rank {
        match self.0 {
            Kind::Individual(_) => Rank::Individual,
            Kind::Range { .. } => Rank::Range,
            Kind::Wildcard(_) => Rank::Wildcard,
        }
    }

    /// Tells whether `extension` is named by the pattern.
    #[must_use]
    pub fn matches(&self, extension: &str) -> bool {
        match &self.0 {
            Kind::Individual(one) => one == extension,
            // Digits of one length sort as their numbers do.
            Kind::Range { low, high } => {
                extension.len() == low.len()
                    && extension.bytes().all(|b| b.is_ascii_digit())
                    && (low.as_str()..=high.as_str()).contains(&extension)
            }
            Kind::Wildcard(mask) => {
                let mut rest = extension.chars();
                mask.chars().all(|m| rest.next().is_some_and(|c| m == '*' || m == c)) && rest.next().is_none()
            }
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Individual(text) | Kind::Wildcard(text) => f.write_str(text),
            Kind::Range { low, high } => write!(f, "{low}-{high}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_star_is_exactly_one_character() {
        let check = |pattern: &str, extension: &str, expected| {
            assert_eq!(
                Pattern::parse(pattern).unwrap().matches(extension),
                expected,
                "{pattern} {extension}"
            );
        };
        check("3***", "3111", true);
        check("3***", "311", false);
        check("3***", "31111", false);
        check("3***", "4111", false);
        check("3*", "31", true);
        check("3*", "3111", false);
        check("*", "é", true);
        check("**é", "abé", true);
        check("3115", "3115", true);
        check("3115", "31150", false);
        check("3111-3118", "3111", true);
        check("3111-3118", "3118", true);
        check("3111-3118", "3119", false);
        check("3111-3118", "31115", false);
        check("3111-3118", "311a", false);
        check("0090-0110", "0100", true);
        check("0090-0110", "100", false);
        check("3***", "", false);
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_advice() {
        for text in ["", "  ", "31 11", "3111,3112"] {
            assert!(matches!(Pattern::parse(text), Err(RuleError::Pattern(_))), "{text:?}");
        }
        for text in ["3111-312", "3118-3111", "3111-", "-3111", "311*-3119", "a-b", "1-2-3"] {
            assert!(matches!(Pattern::parse(text), Err(RuleError::Range(_))), "{text:?}");
        }
        assert!(Pattern::parse(&"3".repeat(65)).is_err(), "too long");
    }
}
