//! What it costs to say what a night must carry: `ROWS=10000000 cargo bench -p amethyst-catalogue --features bench --bench plan`.
//!
//! Makes encrypted catalogues of a tenth of `ROWS` and of `ROWS` parts in `BENCH_DIR` (ten million: 6 GB, removed at the end), of
//! which a medium holds all but the last 50,000, opens each anew and measures what a run asks before its first batch and between
//! batches. If the plan walks along an index, the larger one costs no more.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    missing_docs,
    reason = "a bench"
)]

use std::path::PathBuf;
use std::time::Instant;

use amethyst_catalogue::bench::MEDIUM;
use amethyst_catalogue::{Catalogue, CatalogueKey};
use shared::UtcMicros;

/// Parts of a night.
const DUE: u64 = 50_000;
/// Parts of a batch.
const BATCH: u32 = 256;

fn main() {
    let rows: u64 = std::env::var("ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000_000);
    println!(
        "{:>12}{:>10}{:>16}{:>16}{:>22}",
        "parts", "MB", "how much, ms", "first batch, ms", "all 50,000 due, ms"
    );
    measure(rows / 10);
    measure(rows);
}

fn measure(rows: u64) {
    let base = std::env::var_os("BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = base.join("amethyst-bench-plan");
    let _none_there = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let (path, key) = (folder.join("catalogue.db"), CatalogueKey::new([7; 32]));
    let catalogue = Catalogue::create(&path, &key, UtcMicros(1)).unwrap();
    catalogue.fill_archived(rows, DUE, |_done| ()).unwrap();
    drop(catalogue);
    let megabytes = std::fs::metadata(&path).unwrap().len() / 1_000_000;
    let catalogue = Catalogue::open(&path, &key, UtcMicros(2)).unwrap();
    let holes = (rows - DUE).div_ceil(1_000_000);

    let at = Instant::now();
    assert_eq!(catalogue.due_totals(MEDIUM).unwrap().0, DUE + holes, "counted");
    let totals = at.elapsed();
    let at = Instant::now();
    assert_eq!(catalogue.due(MEDIUM, None, BATCH).unwrap().len(), 256, "a whole batch");
    let first = at.elapsed();
    let at = Instant::now();
    let (mut after, mut found) = (None, 0);
    loop {
        let due = catalogue.due(MEDIUM, after, BATCH).unwrap();
        let Some(last) = due.last() else { break };
        after = Some(last.leaf);
        found += u64::try_from(due.len()).unwrap();
    }
    assert_eq!(found, DUE + holes, "each once");
    let ms = |d: std::time::Duration| d.as_secs_f64() * 1e3;
    println!("{rows:>12}{megabytes:>10}{:>16.1}{:>16.1}{:>22.1}", ms(totals), ms(first), ms(at.elapsed()));
    drop(catalogue);
    std::fs::remove_dir_all(&folder).unwrap();
}
