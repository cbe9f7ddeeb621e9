//! How narrowly a rule names an extension, and what is wrong with a text that is no rule.

use shared::{ExtensionPattern, PatternError, PatternForm};

/// Says why a text is no rule and how to write it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// It is no pattern over extensions or numbers.
    #[error(transparent)]
    Pattern(#[from] PatternError),
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

impl Rank {
    /// Tells how narrow a pattern is.
    #[must_use]
    pub const fn of(pattern: &ExtensionPattern) -> Self {
        match pattern.form() {
            PatternForm::Individual(_) => Self::Individual,
            PatternForm::Range { .. } => Self::Range,
            PatternForm::Wildcard(_) => Self::Wildcard,
        }
    }
}
