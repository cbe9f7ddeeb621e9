//! What a person may see: patterns over extensions, taps, and how far back. Resolved once per request, applied in one place.

use std::fmt;
use std::str::FromStr;

use shared::UtcMicros;

/// The longest pattern, in characters.
const LEN_MAX: usize = 64;

/// Says why a text is no pattern over extensions and how to write one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is not a pattern: write an extension (3115), a range (3111-3118) or a wildcard (3***)")]
pub struct PatternError(pub String);

/// A pattern over extensions, read as the rules of recording read theirs.
///
/// `3115` is an individual. `3111-3118` is a range: both ends have one length, and only digits of that length are in it.
/// `3***` is a wildcard: each `*` is exactly one character.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExtensionPattern(pub(crate) Form);

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    Individual(String),
    Range { low: String, high: String },
    Wildcard(String),
}

impl ExtensionPattern {
    /// Tells whether `extension` is named by the pattern. The empty extension never is.
    #[must_use]
    pub fn matches(&self, extension: &str) -> bool {
        match &self.0 {
            Form::Individual(one) => one == extension,
            // Digits of one length sort as their numbers do.
            Form::Range { low, high } => {
                extension.len() == low.len()
                    && extension.bytes().all(|b| b.is_ascii_digit())
                    && (low.as_str()..=high.as_str()).contains(&extension)
            }
            Form::Wildcard(mask) => {
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
        let refused = || PatternError(text.chars().take(LEN_MAX).collect());
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == ',';
        if text.is_empty() || text.chars().count() > LEN_MAX || text.contains(is_odd) {
            return Err(refused());
        }
        if let Some((low, high)) = text.split_once('-') {
            let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
            if !digits(low) || !digits(high) || low.len() != high.len() || low > high {
                return Err(refused());
            }
            return Ok(Self(Form::Range { low: low.to_owned(), high: high.to_owned() }));
        }
        let form = if text.contains('*') { Form::Wildcard } else { Form::Individual };
        Ok(Self(form(text.to_owned())))
    }
}

impl fmt::Display for ExtensionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Individual(text) | Form::Wildcard(text) => f.write_str(text),
            Form::Range { low, high } => write!(f, "{low}-{high}"),
        }
    }
}

/// What of the catalogue may be seen. The default sees all of it.
///
/// A recording is visible if a party's extension matches one of the patterns (or there are none), its tap is one of the taps
/// (or there are none), and it began at `since` or later. What is not visible answers as what does not exist.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Scope {
    /// Patterns over extensions; none: every extension, and recordings whose extension is not known.
    pub extensions: Vec<ExtensionPattern>,
    /// Names of taps; none: every tap.
    pub taps: Vec<String>,
    /// The earliest start; `None`: from the first recording.
    pub since: Option<UtcMicros>,
}

impl Scope {
    /// Tells whether everything is visible.
    #[must_use]
    pub const fn is_all(&self) -> bool {
        self.extensions.is_empty() && self.taps.is_empty() && self.since.is_none()
    }

    /// Tells whether a call may be seen whose parties sat at `extensions`: what the catalogue asks of a recording, for a call
    /// that is not in it yet.
    pub fn covers<'a>(
        &self,
        extensions: impl IntoIterator<Item = &'a str>,
        tap: &str,
        started_at: UtcMicros,
    ) -> bool {
        let named = |extension: &str| self.extensions.iter().any(|pattern| pattern.matches(extension));
        (self.extensions.is_empty() || extensions.into_iter().any(named))
            && (self.taps.is_empty() || self.taps.iter().any(|known| known == tap))
            && self.since.is_none_or(|since| started_at >= since)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_rules() {
        let check = |pattern: &str, extension: &str, expected| {
            let parsed: ExtensionPattern = pattern.parse().unwrap();
            assert_eq!(parsed.matches(extension), expected, "{pattern} {extension}");
            assert_eq!(parsed.to_string(), pattern);
        };
        check("3115", "3115", true);
        check("3115", "31150", false);
        check("3111-3118", "3111", true);
        check("3111-3118", "3118", true);
        check("3111-3118", "3119", false);
        check("3111-3118", "31115", false);
        check("3***", "3115", true);
        check("3***", "311", false);
        check("3***", "31155", false);
        check("*", "", false);
    }

    #[test]
    fn a_scope_covers_a_call_only_if_all_of_it_does() {
        let at = UtcMicros(1_000);
        let scope = |extensions: &[&str], taps: &[&str], since| Scope {
            extensions: extensions.iter().map(|text| text.parse().unwrap()).collect(),
            taps: taps.iter().map(|&tap| tap.to_owned()).collect(),
            since,
        };
        let check = |scope: Scope, extensions: &[&str], expected| {
            assert_eq!(
                scope.covers(extensions.iter().copied(), "trunk", at),
                expected,
                "{scope:?} {extensions:?}"
            );
        };
        check(scope(&[], &[], None), &[], true);
        check(scope(&["200"], &[], None), &[], false);
        check(scope(&["200"], &[], None), &["201", "200"], true);
        check(scope(&["200"], &[], None), &["201", ""], false);
        check(scope(&["200"], &["other"], None), &["200"], false);
        check(scope(&[], &["other", "trunk"], None), &[], true);
        check(scope(&[], &[], Some(at)), &[], true);
        check(scope(&[], &[], Some(at.plus(1))), &[], false);
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", " ", "3118-3111", "311-3118", "a-b", "31 15", "31,15", &"3".repeat(65)] {
            assert!(text.parse::<ExtensionPattern>().is_err(), "{text:?}");
        }
    }
}
