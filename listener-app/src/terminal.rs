//! What a person or a script sees: results on standard output, everything else on standard error. The one file that prints.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program speaks here, and only here"
)]

use std::io::{IsTerminal as _, Read as _, Write as _};

use serde_json::Value;
use zeroize::Zeroizing;

use crate::refusal::Refusal;

/// A password in four groups is 19 characters.
const PASSWORD_MAX: u64 = 256;

/// Prints one line of the result. A closed pipe is no error of ours.
pub(crate) fn line(text: &str) {
    drop(writeln!(std::io::stdout().lock(), "{}", plain(text)));
}

/// Prints a JSON document.
pub(crate) fn json(value: &Value) {
    drop(writeln!(std::io::stdout().lock(), "{value:#}"));
}

/// Says something beside the result.
pub(crate) fn say(text: &str) {
    drop(writeln!(std::io::stderr().lock(), "{}", plain(text)));
}

/// Shows how far long work is, on a terminal only; the next line of anything stands below it.
pub(crate) fn progress(text: &str) {
    let mut err = std::io::stderr().lock();
    if err.is_terminal() {
        drop(write!(err, "\r{}\u{1b}[K", plain(text)));
        drop(err.flush());
    }
}

/// Takes control characters out: what stands in an archive must not steer a terminal, nor turn a text around.
pub(crate) fn plain(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

/// Reads the password from standard input: one line, which stands in no list of processes.
///
/// # Errors
/// Standard input's; a line that is too long or no text.
pub(crate) fn password() -> Result<Zeroizing<String>, Refusal> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(512));
    let read = std::io::stdin().lock().take(PASSWORD_MAX).read_to_end(&mut bytes);
    read.map_err(|e| {
        Refusal::Usage(format!("standard input cannot be read ({e}): give the password there"))
    })?;
    let text = std::str::from_utf8(&bytes).ok().and_then(|text| text.lines().next());
    let text = text.ok_or_else(|| Refusal::Usage("no password stood on standard input".to_owned()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_an_archive_steers_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\u{202e}c\td"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}d");
        assert_eq!(plain("café – 日本"), "café – 日本");
    }
}
