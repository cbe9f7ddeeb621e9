//! What may be linked into the program: the lists of `deny.toml`, held without cargo-deny too.

use serde_json::Value;

use super::workspace::{everything, list, root};

/// The quoted words of the list that begins at `key = [` in a TOML text.
fn words_of(toml: &str, key: &str) -> Vec<String> {
    let start = toml.find(&format!("{key} = [")).unwrap_or_else(|| panic!("deny.toml has no {key}"));
    let body = toml[start..].split_once('[').expect("just found").1;
    let body = body.split_once("\n]").map_or_else(|| body.split_once(']').expect("a list ends").0, |b| b.0);
    body.lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .flat_map(|line| line.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

/// Whether an SPDX expression can be met by allowed licences alone.
fn permitted(expression: &str, allowed: &[String]) -> bool {
    let expression = expression.replace('/', " OR ").replace(['(', ')'], " ");
    // Our dependencies use no nesting deeper than "A OR B AND C"; parentheses only group alternatives.
    expression.split(" AND ").all(|all| all.split(" OR ").any(|one| allowed.iter().any(|a| a == one.trim())))
}

fn foreign() -> impl Iterator<Item = &'static Value> {
    list(&everything()["packages"]).iter().filter(|p| !p["source"].is_null())
}

fn deny_toml() -> String {
    std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml is part of the clone")
}

#[test]
fn every_dependency_has_a_licence_that_the_house_allows() {
    let allowed = words_of(&deny_toml(), "allow");
    assert!(allowed.len() > 5, "the list of deny.toml was not understood: {allowed:?}");
    assert!(!allowed.iter().any(|a| a.contains("GPL")), "no GPL in any spelling");
    for p in foreign() {
        let licence = p["license"].as_str().unwrap_or("none");
        assert!(permitted(licence, &allowed), "{} {} is under {licence}", p["name"], p["version"]);
    }
}

#[test]
fn only_crates_io_is_a_source() {
    for p in foreign() {
        let source = p["source"].as_str().unwrap_or_default();
        assert_eq!(source, "registry+https://github.com/rust-lang/crates.io-index", "{}", p["name"]);
    }
}

#[test]
fn banned_crates_are_not_linked() {
    let toml = deny_toml();
    let banned: Vec<&str> = toml.split("crate = \"").skip(1).filter_map(|s| s.split('"').next()).collect();
    assert!(banned.contains(&"g729-sys"), "the list of deny.toml was not understood: {banned:?}");
    for p in foreign() {
        assert!(
            !banned.contains(&p["name"].as_str().unwrap_or_default()),
            "{} is banned by deny.toml",
            p["name"]
        );
    }
}

#[test]
fn a_licence_is_permitted_only_if_all_its_parts_are() {
    let allowed = ["MIT".to_owned(), "Apache-2.0".to_owned(), "Unicode-3.0".to_owned()];
    let check = |expression, expected| assert_eq!(permitted(expression, &allowed), expected, "{expression}");
    check("MIT", true);
    check("MIT/Apache-2.0", true);
    check("GPL-3.0 OR MIT", true);
    check("(MIT OR Apache-2.0) AND Unicode-3.0", true);
    check("MIT AND GPL-2.0-only", false);
    check("GPL-3.0-or-later", false);
    check("none", false);
}
