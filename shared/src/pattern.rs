//! One pattern over extensions: an individual, a range, or a wildcard. Rules of recording and scopes of people are written so.

use std::fmt;
use std::str::FromStr;

/// The longest pattern accepted, in characters.
const LEN_MAX: usize = 64;

/// Says why a text is no pattern over extensions and how to write one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PatternError {
    /// Nothing, or blanks inside, or too long.
    #[error("`{0}` is not a pattern: write an extension (3115), a range (3111-3118) or a wildcard (3***)")]
    Shape(String),
    /// The ends of a range do not fit each other.
    #[error(
        "`{0}` is not a range: both ends must be digits of one length, the lower one first, as in 3111-3118"
    )]
    Range(String),
}

/// A pattern over extensions.
///
/// `3115` is an individual. `3111-3118` is a range: both ends have one length, and only numbers of that length are in it.
/// `3***` is a wildcard: each `*` is exactly one character, so lengths must be equal. A dash makes a range and a star a
/// wildcard; write `*` in place of a dash that belongs to a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExtensionPattern(Kind);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Kind {
    Individual(String),
    Range { low: String, high: String },
    Wildcard(String),
}

/// What a pattern is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PatternForm<'a> {
    /// One extension.
    Individual(&'a str),
    /// Digits of one length, both ends with it.
    Range {
        /// The first of the range.
        low: &'a str,
        /// The last of the range.
        high: &'a str,
    },
    /// A mask with at least one `*`.
    Wildcard(&'a str),
}

impl ExtensionPattern {
    /// Returns what the pattern is made of.
    #[must_use]
    pub const fn form(&self) -> PatternForm<'_> {
        match &self.0 {
            Kind::Individual(one) => PatternForm::Individual(one.as_str()),
            Kind::Range { low, high } => PatternForm::Range { low: low.as_str(), high: high.as_str() },
            Kind::Wildcard(mask) => PatternForm::Wildcard(mask.as_str()),
        }
    }

    /// Tells whether `extension` is named by the pattern. The empty extension never is.
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

impl FromStr for ExtensionPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let text = text.trim();
        let shown = || text.chars().take(LEN_MAX).collect::<String>();
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == ',';
        if text.is_empty() || text.chars().count() > LEN_MAX || text.contains(is_odd) {
            return Err(PatternError::Shape(shown()));
        }
        if let Some((low, high)) = text.split_once('-') {
            let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
            if !digits(low) || !digits(high) || low.len() != high.len() || low > high {
                return Err(PatternError::Range(shown()));
            }
            return Ok(Self(Kind::Range { low: low.to_owned(), high: high.to_owned() }));
        }
        let kind = if text.contains('*') { Kind::Wildcard } else { Kind::Individual };
        Ok(Self(kind(text.to_owned())))
    }
}

impl fmt::Display for ExtensionPattern {
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
            let parsed: ExtensionPattern = pattern.parse().unwrap();
            assert_eq!(parsed.matches(extension), expected, "{pattern} {extension}");
            assert_eq!(parsed.to_string(), pattern);
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
        check("*", "", false);
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_advice() {
        for text in ["", "  ", "31 11", "3111,3112"] {
            assert!(matches!(text.parse::<ExtensionPattern>(), Err(PatternError::Shape(_))), "{text:?}");
        }
        for text in ["3111-312", "3118-3111", "3111-", "-3111", "311*-3119", "a-b", "1-2-3"] {
            assert!(matches!(text.parse::<ExtensionPattern>(), Err(PatternError::Range(_))), "{text:?}");
        }
        assert!("3".repeat(65).parse::<ExtensionPattern>().is_err(), "too long");
    }
}
