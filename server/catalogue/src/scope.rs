//! What a person may see: patterns over extensions, taps, and how far back. Resolved once per request, applied in one place.

use shared::{ExtensionPattern, UtcMicros};

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
}
