//! Which extensions are recorded: the include and exclude lists.
//!
//! An extension is recorded if it is included and its best include is narrower than its best exclude: individual beats
//! range, range beats wildcard. A tie is excluded. An empty include list includes everything at the lowest rank. The
//! order in which rules were entered never matters.

use shared::{Direction, ExtensionPattern, UtcMicros, Zone};

use super::call_rules::CallRule;
use super::rank::{Rank, RuleError};
use crate::cmd::CallInfo;

/// The most rules in one set.
pub const RULES_MAX: usize = 10_000;

/// Whether to record, by which rule, and the reason as a sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// True to record.
    pub record: bool,
    /// The number of the rule that decided; `None` when none matched.
    pub rule: Option<u32>,
    /// Why, for a person: `extension 3111 is excluded by rule 7 (3111-3112)`.
    pub why: String,
}

/// One rule with the number by which the ledger names it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Rule {
    number: u32,
    pattern: ExtensionPattern,
}

/// The include and the exclude list.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RuleSet {
    include: Vec<Rule>,
    exclude: Vec<Rule>,
}

impl RuleSet {
    /// Reads both lists. Rules are numbered from 1 through the include list and on through the exclude list.
    ///
    /// # Errors
    /// The first rule that is refused; see [`ExtensionPattern`].
    pub fn parse<S: AsRef<str>>(include: &[S], exclude: &[S]) -> Result<Self, RuleError> {
        let mut set = Self::default();
        let mut number = 0u32;
        for text in include {
            number = number.saturating_add(1);
            set.include(number, text.as_ref())?;
        }
        for text in exclude {
            number = number.saturating_add(1);
            set.exclude(number, text.as_ref())?;
        }
        Ok(set)
    }

    /// Adds an include rule under a number of the caller's choice.
    ///
    /// # Errors
    /// The text is refused, or the set is full.
    pub fn include(&mut self, number: u32, text: &str) -> Result<(), RuleError> {
        let rule = self.rule(number, text)?;
        self.include.push(rule);
        Ok(())
    }

    /// Adds an exclude rule under a number of the caller's choice.
    ///
    /// # Errors
    /// The text is refused, or the set is full.
    pub fn exclude(&mut self, number: u32, text: &str) -> Result<(), RuleError> {
        let rule = self.rule(number, text)?;
        self.exclude.push(rule);
        Ok(())
    }

    fn rule(&self, number: u32, text: &str) -> Result<Rule, RuleError> {
        if self.include.len().saturating_add(self.exclude.len()) >= RULES_MAX {
            return Err(RuleError::TooMany(RULES_MAX));
        }
        Ok(Rule { number, pattern: text.parse()? })
    }

    /// Decides for one extension.
    #[must_use]
    pub fn decide(&self, extension: &str) -> Decision {
        self.verdict(extension).decision(extension)
    }

    /// Decides for a call by the extensions that its direction names.
    ///
    /// In: the called party; out: the caller. Internal: both are extensions, and one that is to be recorded is enough.
    /// Unknown: a rule that names one of the parties beats the silence about the other, and an include beats an exclude.
    /// If no number is known at all, the call is recorded: it can be discarded later, never brought back.
    #[must_use]
    pub fn decide_parties(&self, info: &CallInfo) -> Decision {
        let (caller, called) = (info.caller.number.as_str(), info.called.number.as_str());
        let candidates = match info.direction {
            Direction::In => [called, ""],
            Direction::Out => [caller, ""],
            Direction::Internal | Direction::Unknown => [caller, called],
        };
        let verdicts = candidates.iter().filter(|n| !n.is_empty()).map(|n| (self.verdict(n), *n));
        let weight = |v: &Verdict<'_>| match (info.direction, v.record(), v.is_by_default()) {
            (Direction::Internal, record, _) => u8::from(record),
            (Direction::In | Direction::Out | Direction::Unknown, true, false) => 3,
            (Direction::In | Direction::Out | Direction::Unknown, false, false) => 2,
            (Direction::In | Direction::Out | Direction::Unknown, true, true) => 1,
            (Direction::In | Direction::Out | Direction::Unknown, false, true) => 0,
        };
        verdicts.max_by_key(|(v, _)| weight(v)).map_or_else(
            || Decision {
                record: true,
                rule: None,
                why: "recorded, since the extension is not known".to_owned(),
            },
            |(v, extension)| v.decision(extension),
        )
    }

    fn verdict(&self, extension: &str) -> Verdict<'_> {
        Verdict {
            include: best(&self.include, extension),
            exclude: best(&self.exclude, extension),
            includes_all: self.include.is_empty(),
        }
    }
}

/// The best match of each list.
struct Verdict<'a> {
    include: Option<&'a Rule>,
    exclude: Option<&'a Rule>,
    includes_all: bool,
}

impl Verdict<'_> {
    fn included(&self) -> Option<Rank> {
        self.include.map(|r| Rank::of(&r.pattern)).or_else(|| self.includes_all.then_some(Rank::Everything))
    }

    fn record(&self) -> bool {
        // `None` sorts below every rank: nothing included is never recorded, nothing excluded never excludes.
        self.included() > self.exclude.map(|r| Rank::of(&r.pattern))
    }

    /// No rule names the extension.
    const fn is_by_default(&self) -> bool {
        self.include.is_none() && self.exclude.is_none()
    }

    fn decision(&self, extension: &str) -> Decision {
        let record = self.record();
        let (rule, why) = match (self.include, self.exclude) {
            (Some(i), _) if record => (
                Some(i.number),
                format!("extension {extension} is included by rule {} ({})", i.number, i.pattern),
            ),
            (_, Some(e)) => (
                Some(e.number),
                format!("extension {extension} is excluded by rule {} ({})", e.number, e.pattern),
            ),
            (Some(_) | None, None) if record => (None, format!("no rule excludes extension {extension}")),
            (Some(_) | None, None) => (None, format!("no rule includes extension {extension}")),
        };
        Decision { record, rule, why }
    }
}

/// Finds the narrowest match; among equals the lowest number is named.
fn best<'a>(rules: &'a [Rule], extension: &str) -> Option<&'a Rule> {
    rules
        .iter()
        .filter(|r| r.pattern.matches(extension))
        .max_by_key(|r| (Rank::of(&r.pattern), std::cmp::Reverse(r.number)))
}

/// All rules of a site: extensions first, then calls.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rules {
    /// The include and exclude lists.
    pub extensions: RuleSet,
    /// Rules on calls, in the order in which they are asked.
    pub calls: Vec<CallRule>,
}

impl Rules {
    /// Decides for a call that began at `at`.
    ///
    /// An exclusion by extension is final. Then the first call rule whose conditions all hold decides; if none does, the
    /// call is recorded.
    #[must_use]
    pub fn decide_call(&self, info: &CallInfo, at: UtcMicros, zone: &Zone) -> Decision {
        let by_extension = self.extensions.decide_parties(info);
        if !by_extension.record {
            return by_extension;
        }
        let rule = self.calls.iter().find(|rule| rule.holds(info, at, zone));
        rule.map_or(by_extension, CallRule::decision)
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "tests"
    )]
    use proptest::prelude::*;
    use shared::Party;

    use super::*;

    /// Lists separated by commas; extensions that are recorded, and those that are not.
    fn check(include: &str, exclude: &str, recorded: &[&str], not: &[&str]) {
        let split = |text: &str| -> Vec<String> {
            text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect()
        };
        let set = RuleSet::parse(&split(include), &split(exclude)).unwrap();
        for extension in recorded {
            assert!(set.decide(extension).record, "{extension}: {}", set.decide(extension).why);
        }
        for extension in not {
            assert!(!set.decide(extension).record, "{extension}: {}", set.decide(extension).why);
        }
    }

    #[test]
    fn the_golden_table() {
        check(
            "3***",
            "3111-3112",
            &["3000", "3110", "3113", "3999"],
            &["3111", "3112", "4000", "31111", "311"],
        );
        check("3111-3112", "3*, 3***", &["3111", "3112"], &["3113", "31", "3999"]);
        check("3115", "3111-3118", &["3115"], &["3111", "3114", "3116", "3118", "4000"]);
        check("", "3111", &["3110", "3112", "x"], &["3111"]);
        check("3111", "3111", &[], &["3111", "3112"]);
    }

    #[test]
    fn ties_are_excluded_at_every_rank() {
        check("3***", "*1**", &["3222"], &["3122", "4122"]);
        check("3100-3199", "3150-3250", &["3149"], &["3150", "3199", "3200"]);
        check("", "", &["", "1", "anything"], &[]);
        check("3***, 3111", "3111-3112", &["3111", "3113"], &["3112"]);
    }

    #[test]
    fn the_reason_names_the_rule() {
        let set = RuleSet::parse(&["3***", "3115"], &["3111-3112", "3111"]).unwrap();
        let check = |extension: &str, rule, why: &str| {
            let d = set.decide(extension);
            assert_eq!((d.rule, d.why.as_str()), (rule, why));
        };
        check("3115", Some(2), "extension 3115 is included by rule 2 (3115)");
        check("3111", Some(4), "extension 3111 is excluded by rule 4 (3111)");
        check("3112", Some(3), "extension 3112 is excluded by rule 3 (3111-3112)");
        check("4000", None, "no rule includes extension 4000");
        assert_eq!(RuleSet::default().decide("1").why, "no rule excludes extension 1");
    }

    fn call(direction: Direction, caller: &str, called: &str) -> CallInfo {
        let party = |number: &str| Party { number: number.to_owned(), ..Party::default() };
        CallInfo { direction, caller: party(caller), called: party(called), ..CallInfo::default() }
    }

    #[test]
    fn a_call_is_judged_by_its_extension() {
        let check = |include: &[&str], exclude: &[&str], direction, caller: &str, called: &str, expected| {
            let d =
                RuleSet::parse(include, exclude).unwrap().decide_parties(&call(direction, caller, called));
            assert_eq!(d.record, expected, "{caller} {called}: {}", d.why);
        };
        check(&["3***"], &[], Direction::In, "0115550100", "3111", true);
        check(&["3***"], &[], Direction::Out, "3111", "0115550100", true);
        check(&["3***"], &[], Direction::In, "3111", "0115550100", false);
        check(&[], &["3111"], Direction::Internal, "3111", "3112", true);
        check(&[], &["3111-3112"], Direction::Internal, "3111", "3112", false);
        check(&[], &["3111"], Direction::Unknown, "0115550100", "3111", false);
        check(&[], &["3111"], Direction::Unknown, "3112", "3113", true);
        check(&["3***"], &[], Direction::Unknown, "0115550100", "3111", true);
        check(&["3115"], &["3111"], Direction::Unknown, "3111", "3115", true);
        check(&["3***"], &[], Direction::Unknown, "1", "2", false);
        check(&["3***"], &[], Direction::In, "0115550100", "", true);
    }

    #[test]
    fn too_many_rules_are_refused() {
        let many: Vec<String> = (0..=RULES_MAX).map(|n| n.to_string()).collect();
        assert_eq!(RuleSet::parse(&many, &[]), Err(RuleError::TooMany(RULES_MAX)));
    }

    /// The formula as it stands in the design, computed the slow way.
    fn by_formula(include: &[String], exclude: &[String], extension: &str) -> bool {
        let rank = |text: &String| match (text.contains('-'), text.contains('*')) {
            (true, _) => 2,
            (false, true) => 1,
            (false, false) => 3,
        };
        let best = |list: &[String]| {
            list.iter()
                .filter(|t| t.parse::<ExtensionPattern>().unwrap().matches(extension))
                .map(rank)
                .max()
                .unwrap_or(-1)
        };
        let included = if include.is_empty() { 0 } else { best(include) };
        included >= 0 && included > best(exclude)
    }

    fn lists() -> impl Strategy<Value = Vec<String>> {
        let one =
            prop_oneof!["[1-3]{2}", "[1-3*]{2}", ("1[1-2]", "[2-3]3").prop_map(|(a, b)| format!("{a}-{b}"))];
        prop::collection::vec(one, 0..6)
    }

    proptest! {
        #[test]
        fn the_order_of_entry_never_matters_and_the_formula_holds(
            (include, shuffled_include) in lists().prop_flat_map(|l| (Just(l.clone()), Just(l).prop_shuffle())),
            (exclude, shuffled_exclude) in lists().prop_flat_map(|l| (Just(l.clone()), Just(l).prop_shuffle())),
            extension in "[1-3]{1,3}",
        ) {
            let record = RuleSet::parse(&include, &exclude).unwrap().decide(&extension).record;
            let shuffled = RuleSet::parse(&shuffled_include, &shuffled_exclude).unwrap();
            prop_assert_eq!(record, shuffled.decide(&extension).record);
            prop_assert_eq!(record, by_formula(&include, &exclude, &extension));
        }
    }
}
