//! `amethyst ledger`: the account of every call that was signalled on one day.

use serde_json::{Value, json};
use shared::Day;
use vault::{LedgerRow, Use};

use crate::cli::Ledger;
use crate::failure::{Failure, Kind};
use crate::site::Site;
use crate::terminal;

/// Runs the command. The exit code is 1 when a number is missing.
///
/// # Errors
/// The data folder cannot be used, or the day is none.
pub(crate) fn run(words: &Ledger) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let day = match &words.day {
        Some(text) => text.parse::<Day>().map_err(|e| Failure::new(Kind::Usage, e.to_string()))?,
        None => site.today(),
    };
    let vault = site.vault(Use::Look)?;
    let rows = vault.ledger_day(day)?;
    let totals = vault.ledger_totals(day)?;
    let missing = missing_numbers(&rows);
    if words.json {
        terminal::json(&json!({
            "day": day.to_string(),
            "signalled": totals.signalled,
            "recorded": totals.recorded,
            "partly": totals.partly,
            "not_recorded": totals.not_recorded,
            "open": totals.open,
            "missing_numbers": missing,
            "entries": rows.iter().map(entry).collect::<Vec<_>>(),
        }));
    } else {
        print(day, &rows, &totals, &missing);
    }
    Ok(u8::from(!missing.is_empty()))
}

fn print(day: Day, rows: &[LedgerRow], totals: &shared::LedgerTotals, missing: &[u64]) {
    let cells = |row: &LedgerRow| {
        let end = row.ending.map_or_else(|| "open".to_owned(), |e| e.end.to_string());
        let rule = row.ending.and_then(|e| e.rule).map(|n| format!(" rule {n}")).unwrap_or_default();
        vec![
            row.ledger_no.0.to_string(),
            row.reference.to_string(),
            row.caller.clone(),
            row.called.clone(),
            end + &rule,
        ]
    };
    if !rows.is_empty() {
        terminal::table(
            &["NUMBER", "REFERENCE", "CALLER", "CALLED", "END"],
            &rows.iter().map(cells).collect::<Vec<_>>(),
        );
        terminal::line("");
    }
    terminal::line(&format!(
        "{day}: {} signalled = {} recorded + {} partly + {} not recorded + {} open",
        totals.signalled, totals.recorded, totals.partly, totals.not_recorded, totals.open
    ));
    if missing.is_empty() {
        terminal::line("no number is missing");
    } else {
        terminal::line(&format!(
            "MISSING NUMBERS: {missing:?}. Somebody removed entries, or the disk lost them; compare with the archive"
        ));
    }
}

fn entry(row: &LedgerRow) -> Value {
    json!({
        "ledger_no": row.ledger_no.0,
        "reference": row.reference.to_string(),
        "recording_id": row.recording_id.to_string(),
        "opened_at": row.opened_at.to_string(),
        "caller": row.caller,
        "called": row.called,
        "end": row.ending.map(|e| e.end.to_string()),
        "rule": row.ending.and_then(|e| e.rule),
        "ended_at": row.ending.map(|e| e.at.to_string()),
    })
}

/// Numbers of one recorder run without holes inside a day.
fn missing_numbers(rows: &[LedgerRow]) -> Vec<u64> {
    let mut missing = Vec::new();
    for pair in rows.windows(2) {
        if let [one, next] = pair
            && one.recorder_id == next.recorder_id
        {
            missing.extend((one.ledger_no.0.saturating_add(1)..next.ledger_no.0).take(1_000));
        }
    }
    missing
}
