//! The plans of typical searches: what the database says it would do. None may sort a list or walk through a whole table.
#![allow(clippy::unwrap_used, reason = "tests")]

use shared::{Direction, Party, UtcMicros};

use crate::bulk::Cell;
use crate::due::{due_beyond, due_in_holes};
use crate::search::statements;
use crate::*;

fn filled() -> (tempfile::TempDir, Catalogue) {
    let folder = tempfile::tempdir().unwrap();
    let key = CatalogueKey::new([7; 32]);
    let catalogue = Catalogue::create(&folder.path().join("c.db"), &key, UtcMicros(1)).unwrap();
    let party = |role, display: &str, number: &str| PartyRow {
        role,
        party: Party { display: display.into(), number: number.into(), address: String::new() },
    };
    let rows = (1..=20_u8).map(|n| {
        let mut row = tests::row(n);
        let outside = party(PartyRole::Caller, &format!("Alice {n}"), &format!("2782555{n:04}"));
        row.parties = vec![outside, party(PartyRole::Called, "", "3115")];
        row
    });
    catalogue.insert_batch(rows.collect(), vec![]).unwrap();
    let by = By { user: None, name: "test".into(), at: UtcMicros(1) };
    catalogue.add_tag(shared::RecordingId([3; 16]), "sale", &by).unwrap();
    (folder, catalogue)
}

#[test]
fn typical_searches_follow_an_index_in_the_order_of_the_list() {
    let (_folder, catalogue) = filled();
    let text = |text: &str| Some(text.to_owned());
    let any = Search::default;
    let searches = [
        any(),
        Search { since: Some(UtcMicros(5)), until: Some(UtcMicros(9_000_000)), ..any() },
        Search { number: text("5550"), ..any() },
        Search { number: text("5"), ..any() },
        Search { name: text("ali"), ..any() },
        Search { extension: "3115".parse().ok(), min_us: Some(1), ..any() },
        Search { directions: vec![Direction::In], has_gap: Some(true), ..any() },
        Search { tag: text("sale"), oldest_first: true, ..any() },
        Search { words: text("ali 2782"), ..any() },
    ];
    for search in searches {
        for scope in
            [Scope::default(), Scope { extensions: vec!["31**".parse().unwrap()], ..Scope::default() }]
        {
            let (db, asked) = (catalogue.db.clone(), search.clone());
            let plans = catalogue.block(async move {
                let mut conn = db.reader().await?;
                let mut plans = Vec::new();
                for (statement, cells) in statements(&mut conn, &asked, &scope).await? {
                    let rows = conn.rows_of(format!("explain query plan {statement}"), cells).await?;
                    let lines = rows.iter().map(|row| row.text(3)).collect::<Result<Vec<_>>>()?;
                    plans.push((statement, lines));
                }
                Ok(plans)
            });
            for (statement, lines) in plans.unwrap() {
                check(&statement, &lines);
            }
        }
    }
}

#[test]
fn what_is_due_is_a_range_of_leaves() {
    let (_folder, catalogue) = filled();
    for statement in [due_in_holes(), due_beyond()] {
        let (db, asked) = (catalogue.db.clone(), format!("explain query plan {statement}"));
        let plan = catalogue.block(async move {
            let n = |n: i64| Cell::Int(n);
            let cells = vec![Cell::Blob(vec![7; 16]), n(1), n(2), n(3)];
            let cells = cells.into_iter().take(if asked.contains("$4") { 4 } else { 3 }).collect();
            let rows = db.reader().await?.rows_of(asked, cells).await?;
            rows.iter().map(|row| row.text(3)).collect::<Result<Vec<_>>>()
        });
        let plan = plan.unwrap().join("\n");
        assert!(!plan.contains("TEMP B-TREE") && !plan.contains("SCAN "), "{statement}\n{plan}");
        let by_leaf =
            ["l USING PRIMARY KEY (leaf_index>?)", "h USING PRIMARY KEY (media_id=? AND leaf>? AND leaf<?)"];
        assert!(by_leaf.iter().any(|led| plan.contains(led)), "{statement}\n{plan}");
        assert!(plan.contains("proof_by_leaf (media_id=? AND leaf=?)"), "{statement}\n{plan}");
    }
}

fn check(statement: &str, lines: &[String]) {
    let plan = lines.join("\n");
    assert!(!plan.contains("TEMP B-TREE"), "sorts or gathers:\n{statement}\n{plan}");
    for line in lines.iter().filter(|line| line.starts_with("SCAN")) {
        let is_small = line.starts_with("SCAN m")
            || line.starts_with("SCAN t VIRTUAL")
            || line.starts_with("SCAN o VIRTUAL")
            || line.starts_with("SCAN (subquery-")
            || line.starts_with("SCAN json_each");
        assert!(
            is_small || line == "SCAN CONSTANT ROW",
            "walks through all of it: {line}\n{statement}\n{plan}"
        );
    }
    let is_led =
        plan.contains("recording_in_order (order_key") || plan.contains("recording_in_order (order_key=?)");
    assert!(
        is_led || !statement.contains("recording"),
        "takes its rows from the narrow strip:\n{statement}\n{plan}"
    );
    if statement.contains("posting") {
        assert!(
            plan.contains("PRIMARY KEY (term=? AND order_key"),
            "seeks its postings:\n{statement}\n{plan}"
        );
    }
}
