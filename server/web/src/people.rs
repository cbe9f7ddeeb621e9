//! Between the catalogue's words and the doors' types: roles, scopes, one-time links.

use std::collections::BTreeMap;

use api::Role;
use shared::UtcMicros;
use vault::{ExtensionPattern, Scope, User, UserRole};

/// A pattern that no extension has: what a scope becomes whose groups are gone. It must never become "no limit".
const NOBODY: &str = "!nobody!";
/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;
/// Entries of each list of a scope.
const LIST_MAX: usize = 500;

/// Returns the role as JSON says it.
pub(crate) const fn role(role: UserRole) -> Role {
    match role {
        UserRole::Administrator => Role::Administrator,
        UserRole::Supervisor => Role::Supervisor,
        UserRole::Auditor => Role::Auditor,
        UserRole::Agent => Role::Agent,
    }
}

/// Returns the role as the catalogue says it.
pub(crate) const fn user_role(role: Role) -> UserRole {
    match role {
        Role::Administrator => UserRole::Administrator,
        Role::Supervisor => UserRole::Supervisor,
        Role::Auditor => UserRole::Auditor,
        Role::Agent => UserRole::Agent,
    }
}

/// Reads the scope that the catalogue keeps. One that cannot be read sees nothing rather than everything.
pub(crate) fn scope_of(user: &User) -> api::Scope {
    if user.scope.is_empty() {
        return api::Scope::default();
    }
    serde_json::from_str(&user.scope).unwrap_or_else(|_damaged| {
        tracing::error!(user = %user.id, "the scope of a user cannot be read: it sees nothing until it is set again");
        api::Scope { extensions: vec![NOBODY.to_owned()], ..api::Scope::default() }
    })
}

/// Writes a scope for the catalogue.
pub(crate) fn scope_text(scope: &api::Scope) -> String {
    serde_json::to_string(scope).unwrap_or_else(|_cannot_be| format!(r#"{{"extensions":["{NOBODY}"]}}"#))
}

/// Resolves what a user may see, once per request: groups become their patterns, days back an instant.
pub(crate) fn resolve(
    role: Role,
    scope: &api::Scope,
    groups: &BTreeMap<String, Vec<String>>,
    now: UtcMicros,
) -> Scope {
    let limited = role == Role::Agent || !scope.extensions.is_empty() || !scope.groups.is_empty();
    let of_groups = scope.groups.iter().filter_map(|name| groups.get(name)).flatten();
    let mut extensions: Vec<ExtensionPattern> =
        scope.extensions.iter().chain(of_groups).filter_map(|text| text.parse().ok()).collect();
    if limited && extensions.is_empty() {
        extensions.extend(NOBODY.parse::<ExtensionPattern>());
    }
    let since = scope.days_back.map(|days| now.plus(-i64::from(days).saturating_mul(DAY_US)));
    Scope { extensions, taps: scope.taps.clone(), since }
}

/// Checks a scope that an administrator gives.
///
/// # Errors
/// A sentence: an odd pattern, an unknown group, an agent without an extension, more than anybody needs.
pub(crate) fn check_scope(
    role: Role,
    scope: &api::Scope,
    groups: &BTreeMap<String, Vec<String>>,
) -> Result<(), String> {
    if scope.extensions.len().max(scope.groups.len()).max(scope.taps.len()) > LIST_MAX {
        return Err(format!(
            "A scope lists at most {LIST_MAX} extensions, groups and taps each: use ranges or groups."
        ));
    }
    for text in &scope.extensions {
        text.parse::<ExtensionPattern>().map_err(|error| error.to_string())?;
    }
    if let Some(unknown) = scope.groups.iter().find(|name| !groups.contains_key(*name)) {
        let unknown: String = unknown.chars().take(64).collect();
        return Err(format!("There is no group `{unknown}`: make it in the settings first."));
    }
    if scope.taps.iter().any(|tap| tap.is_empty() || tap.chars().count() > 100) {
        return Err("The name of a tap has 1 to 100 characters.".to_owned());
    }
    if scope.days_back.is_some_and(|days| !(1..=36_500).contains(&days)) {
        return Err("days_back is a number from 1 to 36500, or left out.".to_owned());
    }
    if role == Role::Agent && scope.extensions.is_empty() {
        return Err("An agent hears their own calls: give at least one extension.".to_owned());
    }
    Ok(())
}

/// Brings a name to sign in with to the form in which it is kept and compared.
///
/// # Errors
/// A sentence.
pub(crate) fn sign_in_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@');
    if name.is_empty() || name.chars().count() > 100 || !name.chars().all(fits) {
        return Err(
            "A name to sign in with has 1 to 100 letters, digits, dots, dashes, underscores or @.".to_owned()
        );
    }
    Ok(name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UtcMicros = UtcMicros(1_800_000_000_000_000);

    fn groups() -> BTreeMap<String, Vec<String>> {
        BTreeMap::from([("sales".to_owned(), vec!["3***".to_owned()]), ("empty".to_owned(), Vec::new())])
    }

    fn scope(extensions: &[&str], names: &[&str]) -> api::Scope {
        let own = |list: &[&str]| list.iter().map(|&s| s.to_owned()).collect();
        api::Scope { extensions: own(extensions), groups: own(names), ..api::Scope::default() }
    }

    #[test]
    fn a_scope_whose_groups_are_gone_sees_nothing_and_not_everything() {
        let patterns = |role, scope: &api::Scope| {
            let resolved = resolve(role, scope, &groups(), NOW);
            resolved.extensions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(patterns(Role::Supervisor, &scope(&[], &[])), "");
        assert_eq!(patterns(Role::Supervisor, &scope(&["200"], &["sales"])), "200 3***");
        assert_eq!(patterns(Role::Supervisor, &scope(&[], &["gone"])), NOBODY);
        assert_eq!(patterns(Role::Supervisor, &scope(&[], &["empty"])), NOBODY);
        assert_eq!(patterns(Role::Supervisor, &scope(&["4-3"], &[])), NOBODY);
        assert_eq!(patterns(Role::Agent, &scope(&[], &[])), NOBODY);
        let damaged = User { scope: "{".into(), ..User::default() };
        assert_eq!(patterns(Role::Administrator, &scope_of(&damaged)), NOBODY);
    }

    #[test]
    fn days_back_become_an_instant() {
        let scope = api::Scope { days_back: Some(30), ..api::Scope::default() };
        let since = resolve(Role::Auditor, &scope, &groups(), NOW).since.unwrap();
        assert_eq!(NOW.since(since), 30 * DAY_US);
    }

    #[test]
    fn an_odd_scope_is_refused() {
        assert_eq!(
            check_scope(Role::Supervisor, &scope(&["200", "3111-3118", "3***"], &["sales"]), &groups()),
            Ok(())
        );
        for (role, odd) in [
            (Role::Supervisor, scope(&["3118-3111"], &[])),
            (Role::Supervisor, scope(&[], &["gone"])),
            (Role::Agent, scope(&[], &[])),
            (Role::Agent, scope(&[], &["sales"])),
            (Role::Supervisor, api::Scope { days_back: Some(0), ..api::Scope::default() }),
        ] {
            assert!(check_scope(role, &odd, &groups()).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn a_scope_survives_the_catalogue() {
        let scope = scope(&["200"], &["sales"]);
        let user = User { scope: scope_text(&scope), ..User::default() };
        assert_eq!(scope_of(&user), scope);
        assert_eq!(scope_of(&User::default()), api::Scope::default());
    }

    #[test]
    fn names_are_compared_without_capitals() {
        assert_eq!(sign_in_name(" Alice.B@x-y_z ").unwrap(), "alice.b@x-y_z");
        for odd in ["", "a b", "a\u{0}", "<script>", &"x".repeat(101)] {
            assert!(sign_in_name(odd).is_err(), "{odd}");
        }
    }
}
