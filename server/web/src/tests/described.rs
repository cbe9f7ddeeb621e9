//! The description of the interface as it lies in the documents, for those who write programs and for the console's own types.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use super::house::House;

/// Written anew by `AMETHYST_BLESS=1 cargo test -p amethyst-web description`; the console's tests hold its types against it.
#[test]
fn the_description_in_the_documents_is_that_of_the_router() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ref/openapi.json");
    let made = crate::openapi::describe(&House::new().table, "1");
    let text = serde_json::to_string_pretty(&made).unwrap() + "\n";
    if std::env::var_os("AMETHYST_BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        known == text,
        "docs/ref/openapi.json is not what the router says: see the words above this test"
    );
}
