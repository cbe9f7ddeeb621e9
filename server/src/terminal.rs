//! What a person sees: lines on standard output, words about progress on standard error, colours only on a terminal.
//!
//! This is the one file that prints; `--json` output goes through it too, so that nothing else can slip between.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program speaks here, and only here"
)]

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;
use zeroize::Zeroizing;

/// Prints one line for people.
pub(crate) fn line(text: &str) {
    // A closed pipe (`amethyst list | head`) is no error of ours.
    drop(writeln!(std::io::stdout().lock(), "{text}"));
}

/// Prints a JSON document.
pub(crate) fn json(value: &Value) {
    line(&serde_json::to_string_pretty(value).unwrap_or_else(|_unreachable| value.to_string()));
}

/// Says something beside the result: standard error, never part of what another program reads.
pub(crate) fn say(text: &str) {
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

/// Says what went wrong, with its causes.
pub(crate) fn fail(error: &anyhow::Error) {
    say(&format!("amethyst: {error:#}"));
}

/// Has something typed that nobody else should read on the screen. The terminal is as it was before, also after an error.
///
/// # Errors
/// What `typed` says.
fn without_echo(typed: impl FnOnce() -> std::io::Result<()>) -> std::io::Result<()> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let before = tcgetattr(std::io::stdin())?;
    let mut quiet = before.clone();
    quiet.local_modes.remove(LocalModes::ECHO);
    tcsetattr(std::io::stdin(), OptionalActions::Now, &quiet)?;
    let done = typed();
    tcsetattr(std::io::stdin(), OptionalActions::Now, &before)?;
    done
}

/// Asks for a line at the terminal; `hidden`: nobody else reads it on the screen.
///
/// # Errors
/// The terminal's.
pub(crate) fn ask(what: &str, hidden: bool) -> std::io::Result<Zeroizing<String>> {
    drop(write!(std::io::stderr(), "{what}: "));
    let mut line = Zeroizing::new(String::new());
    let mut read = || std::io::stdin().lock().read_line(&mut line).map(drop);
    if hidden {
        without_echo(read)?;
        // The key that ended the line was not shown either.
        say("");
    } else {
        read()?;
    }
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(line)
}

/// Prints columns under a heading, as wide as their widest cell.
pub(crate) fn table(heading: &[&str], rows: &[Vec<String>]) {
    let width = |i: usize| {
        let cells = rows.iter().filter_map(|row| row.get(i)).map(|cell| cell.chars().count());
        cells.chain([heading.get(i).map_or(0, |h| h.chars().count())]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let print = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        line(padded.collect::<Vec<_>>().join("  ").trim_end());
    };
    print(heading.to_vec());
    for row in rows {
        print(row.iter().map(String::as_str).collect());
    }
}

/// Makes a counter of bytes on standard error, for work whose end nobody knows; invisible when that is no terminal.
pub(crate) fn reading(what: &str) -> ProgressBar {
    let bar = progress(0, what);
    let style = ProgressStyle::with_template("{msg} {bytes}  {bytes_per_sec}");
    bar.set_style(style.unwrap_or_else(|_unreachable| ProgressStyle::default_spinner()));
    bar
}

/// Makes a progress bar on standard error; invisible when that is no terminal.
pub(crate) fn progress(total: u64, what: &str) -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(total), target);
    let style = ProgressStyle::with_template("{msg} {bar:32} {pos}/{len}  {eta} left");
    bar.set_style(style.unwrap_or_else(|_unreachable| ProgressStyle::default_bar()).progress_chars("=> "));
    bar.set_message(what.to_owned());
    bar
}
