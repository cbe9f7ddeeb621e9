//! Which calls a rule speaks of, those of today and those to come: legal holds and classes of retention.
//!
//! What it covers is said here, once; a search by the same conditions finds the same.

use serde_json::{Value, json};
use shared::{ExtensionPattern, UtcMicros};

use crate::read::damaged;
use crate::text::{fold, fold_number};
use crate::{CatalogueError, Listed, Recording, Result, Scope, Search};

/// Names and patterns of one rule.
const LIST_MAX: usize = 1_000;
/// Characters of a number, name or tag.
const TEXT_MAX: usize = 128;

/// Conditions on a call; all that are given must hold, and none cover every call.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Coverage {
    /// A party sat at an extension that one of these names.
    pub extensions: Vec<ExtensionPattern>,
    /// It was heard at one of these taps.
    pub taps: Vec<String>,
    /// A party's number contains this.
    pub number: Option<String>,
    /// It has this tag.
    pub tag: Option<String>,
    /// It began at this instant or later.
    pub since: Option<UtcMicros>,
    /// It began before this instant.
    pub until: Option<UtcMicros>,
}

impl Coverage {
    /// Tells whether a recording is covered.
    #[must_use]
    pub fn covers(&self, recording: &Recording) -> bool {
        let (scope, _) = self.asked();
        let numbers = recording.parties.iter().map(|p| p.party.number.as_str());
        scope.sees(recording) && self.names(numbers, &recording.labels.tags, recording.facts.started_at)
    }

    /// Tells whether a recording of a list is covered.
    #[must_use]
    pub fn covers_listed(&self, listed: &Listed) -> bool {
        let (scope, _) = self.asked();
        let numbers = listed.parties.iter().map(|p| p.number.as_str());
        scope.lists(listed) && self.names(numbers, &listed.tags, listed.facts.started_at)
    }

    fn names<'a>(
        &self,
        mut numbers: impl Iterator<Item = &'a str>,
        tags: &[String],
        started_at: UtcMicros,
    ) -> bool {
        let number = self.number.as_deref().map(fold_number);
        let tag = self.tag.as_deref().map(fold);
        number.is_none_or(|part| numbers.any(|number| fold_number(number).contains(&part)))
            && tag.is_none_or(|tag| tags.iter().any(|known| fold(known) == tag))
            && self.until.is_none_or(|until| started_at < until)
    }

    /// Returns the search that finds what it covers.
    #[must_use]
    pub fn asked(&self) -> (Scope, Search) {
        let scope = Scope { extensions: self.extensions.clone(), taps: self.taps.clone(), since: self.since };
        let search = Search {
            number: self.number.clone(),
            tag: self.tag.clone(),
            until: self.until,
            ..Search::default()
        };
        (scope, search)
    }

    /// Writes it as JSON; equal coverages are equal texts.
    #[must_use]
    pub fn to_json(&self) -> String {
        let extensions: Vec<String> = self.extensions.iter().map(ToString::to_string).collect();
        json!({
            "extensions": extensions,
            "taps": self.taps,
            "number": self.number,
            "tag": self.tag,
            "since_us": self.since.map(|at| at.0),
            "until_us": self.until.map(|at| at.0),
        })
        .to_string()
    }

    /// Refuses what would say something else than somebody meant: an empty text covers everything, a long one nothing.
    pub(crate) fn checked(&self) -> Result<()> {
        let empty = |text: &String| fold_number(text).is_empty() || text.chars().count() > TEXT_MAX;
        let odd = self.taps.iter().chain(&self.number).chain(&self.tag).any(empty);
        if odd || self.extensions.len() > LIST_MAX || self.taps.len() > LIST_MAX {
            return Err(CatalogueError::Length {
                what: "each name, number and tag of a rule",
                max: TEXT_MAX,
            });
        }
        Ok(())
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text).map_err(|_odd| damaged("coverage"))?;
        Self::of(&value).ok_or_else(|| damaged("coverage"))
    }

    /// A condition that cannot be read makes it unreadable: without it the rule would cover more, or less.
    fn of(value: &Value) -> Option<Self> {
        let list = |name: &str| -> Option<Vec<String>> {
            value.get(name)?.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
        };
        let given = |name: &str| value.get(name).map(|value| Some(value).filter(|value| !value.is_null()));
        let text = |name: &str| match given(name)? {
            None => Some(None),
            Some(text) => text.as_str().map(|text| Some(text.to_owned())),
        };
        let time = |name: &str| match given(name)? {
            None => Some(None),
            Some(at) => at.as_i64().map(|at| Some(UtcMicros(at))),
        };
        Some(Self {
            extensions: list("extensions")?.iter().map(|text| text.parse().ok()).collect::<Option<_>>()?,
            taps: list("taps")?,
            number: text("number")?,
            tag: text("tag")?,
            since: time("since_us")?,
            until: time("until_us")?,
        })
    }
}
