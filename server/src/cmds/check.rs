//! `amethyst check`: files against rows, at three prices.

use serde_json::json;
use vault::{Level, Trouble, Use};

use crate::cli::{Check, Price};
use crate::site::Site;
use crate::{terminal, world};

/// Runs the command. The exit code is 1 when something is wrong.
///
/// # Errors
/// The data folder cannot be used.
pub(crate) fn run(words: &Check) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Look)?;
    let level = match words.price {
        Price::Presence => Level::Presence,
        Price::Size => Level::Size,
        Price::Hash => Level::Hash,
    };
    let began = world::now();
    let report = vault.check(level)?;
    let open = vault.open_entries()?.len();
    if words.json {
        let problems = report.problems.iter().map(|p| {
            json!({
                "path": p.path,
                "recording_id": p.recording.map(|(id, _)| id.to_string()),
                "trouble": sentence(&p.trouble),
            })
        });
        terminal::json(&json!({
            "files": report.files,
            "rows": report.rows,
            "bytes_read": report.bytes_read,
            "open_ledger_entries": open,
            "problems": problems.collect::<Vec<_>>(),
        }));
        return Ok(u8::from(!report.is_clean()));
    }
    for problem in &report.problems {
        terminal::line(&format!("{}: {}", problem.path, sentence(&problem.trouble)));
    }
    let ms = world::now().micros_since(&began) / 1_000;
    let found = if report.is_clean() {
        "nothing is wrong".to_owned()
    } else {
        format!("{} problems", report.problems.len())
    };
    terminal::line(&format!(
        "{} files, {} rows, {} bytes read in {ms} ms: {found}",
        report.files, report.rows, report.bytes_read
    ));
    if open > 0 {
        terminal::line(&format!(
            "{open} ledger entries are open: a recorder is at work, or was cut off; the next `amethyst record` closes them"
        ));
    }
    Ok(u8::from(!report.is_clean()))
}

fn sentence(trouble: &Trouble) -> String {
    match trouble {
        Trouble::NoRow => "the file is not in the database; the next `amethyst record` enters it".into(),
        Trouble::NoFile => "THE FILE IS MISSING: restore it from the archive".into(),
        Trouble::Size { expected, found } => {
            format!("THE SIZE IS WRONG: {found} bytes instead of {expected}; restore it from the archive")
        }
        Trouble::Hash => "THE BYTES CHANGED since they were sealed; restore the file from the archive".into(),
        Trouble::Unreadable(why) => format!("cannot be read: {why}"),
    }
}
