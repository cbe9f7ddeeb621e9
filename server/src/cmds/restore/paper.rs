//! Two shares of paper: asked for at the terminal, or read from files or a pipe, and combined.

use std::io::{BufRead, IsTerminal as _};
use std::path::PathBuf;

use archive::recovery::{RecoverySecret, Share};
use archive::{ArchiveError, SiteJson};
use zeroize::Zeroizing;

use crate::failure::{Failure, Kind};
use crate::site::read;
use crate::terminal;

/// Symbols of a share.
const SYMBOLS: usize = 64;
/// Lines of a share as it was printed.
const LINES: usize = 4;
/// Tries at the terminal.
const TRIES: usize = 5;

/// Gets two shares and returns the site's recovery secret.
///
/// # Errors
/// Fewer than two shares, one that was misread, shares of another site; each in its own words.
pub(super) fn secret(site: &SiteJson, files: &[PathBuf]) -> anyhow::Result<RecoverySecret> {
    let secret = if !files.is_empty() {
        of_text(site, &text_of(files)?)
    } else if std::io::stdin().is_terminal() {
        ask(site, &mut std::io::stdin().lock())
    } else {
        of_text(site, &Zeroizing::new(std::io::read_to_string(std::io::stdin())?))
    }?;
    // Whoever can forge a whole drive cannot forge this: the key that vouches for everything on it comes from the paper too.
    if secret.root_key(&site.site_id).verifying_key() != site.root_key {
        return Err(refused(
            "the paper is this site's, but site.json on the drive is forged: do not use this drive",
        ));
    }
    Ok(secret)
}

/// Puts the files one behind the other, parted.
fn text_of(files: &[PathBuf]) -> anyhow::Result<Zeroizing<String>> {
    let mut all = Zeroizing::new(String::new());
    for file in files {
        let bytes = Zeroizing::new(read(file)?);
        let text = Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned());
        all.push_str(&text);
        all.push_str("\n\n");
    }
    Ok(all)
}

fn of_text(site: &SiteJson, text: &str) -> anyhow::Result<RecoverySecret> {
    let shares = shares_in(text);
    match shares.as_slice() {
        [] => Err(refused("no recovery share was given: two of the three are needed")),
        [_one] => Err(refused("one recovery share alone opens nothing: give a second one of the three")),
        [first, second, ..] => {
            combined(site, &Share::read(first, 1)?, &Share::read(second, 2)?).map_err(Into::into)
        }
    }
}

/// Asks until two shares fit. What is typed can be seen, because it must be compared with the paper.
fn ask(site: &SiteJson, from: &mut dyn BufRead) -> anyhow::Result<RecoverySecret> {
    terminal::say(
        "Two of the three recovery shares are needed. Type each as it stands on the paper, in one line or in four; case, blanks\n\
         and dashes do not matter. Nobody but you should see the screen.",
    );
    for _ in 0..TRIES {
        let first = ask_one("First share:", 1, from)?;
        let second = ask_one("Second share:", 2, from)?;
        match combined(site, &first, &second) {
            Ok(secret) => return Ok(secret),
            Err(e) => terminal::say(&format!("{e}. Both again, please.")),
        }
    }
    Err(refused("no two shares of this site were given"))
}

fn ask_one(prompt: &str, number: usize, from: &mut dyn BufRead) -> anyhow::Result<Share> {
    for _ in 0..TRIES {
        terminal::say(prompt);
        let mut text = Zeroizing::new(String::new());
        while symbols(&text) < SYMBOLS {
            if from.read_line(&mut text)? == 0 {
                return Err(refused("the input ended before two shares were given"));
            }
        }
        match Share::read(&text, number) {
            Ok(share) => return Ok(share),
            Err(e) => terminal::say(&format!("{e}.")),
        }
    }
    Err(refused("the share does not fit its own check: is it one of AMETHYST?"))
}

fn combined(site: &SiteJson, first: &Share, second: &Share) -> Result<RecoverySecret, ArchiveError> {
    RecoverySecret::combine(first, second, &site.site_id, &site.recovery_key)
}

/// Finds shares in a text: one in a line, or in four short lines one behind the other; headings and empty lines part them.
fn shares_in(text: &str) -> Vec<Zeroizing<String>> {
    let mut shares: Vec<Zeroizing<String>> = Vec::new();
    let (mut open, mut lines) = (Zeroizing::new(String::new()), 0_usize);
    for line in text.lines().map(str::trim).chain(std::iter::once("")) {
        let is_heading = line.to_ascii_lowercase().starts_with("share") || line.starts_with('#');
        let parts = line.is_empty() || is_heading;
        let is_whole = symbols(line) > SYMBOLS / 2;
        if (parts || is_whole || lines == LINES) && lines > 0 {
            shares.push(std::mem::take(&mut open));
            lines = 0;
        }
        if is_whole && !parts {
            shares.push(Zeroizing::new(line.to_owned()));
        } else if !parts {
            open.push_str(line);
            lines = lines.saturating_add(1);
        }
    }
    shares
}

fn symbols(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace() && *c != '-').count()
}

fn refused(text: &str) -> anyhow::Error {
    Failure::new(Kind::Input, text).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const ONE: &str = "0493-80D5-NPRV-KHED-S78X-BVF1-Z7TG-T281-0M6K-2E95-5MMN-2NAD-85WQ-AVB9-C4Y4-DK9Q";

    #[test]
    fn shares_are_found_as_people_keep_them() {
        let four = ONE
            .split('-')
            .collect::<Vec<_>>()
            .chunks(4)
            .map(|groups| format!("    {}\n", groups.join("-")))
            .collect::<String>();
        for text in [
            format!("{ONE}\n{ONE}\n"),
            format!("{ONE}\n\n{ONE}"),
            format!("{four}{four}"),
            format!("  Share 1 of 3\n{four}\n  Share 2 of 3\n{four}"),
            format!("# from the safe\n{four}{ONE}\n"),
            format!("{ONE}\n{four}"),
        ] {
            let shares = shares_in(&text);
            assert_eq!(shares.len(), 2, "{text}");
            for share in shares {
                assert_eq!(*Share::read(&share, 1).unwrap().text(), ONE, "{text}");
            }
        }
        assert_eq!(shares_in("").len(), 0);
        assert_eq!(shares_in(&four).len(), 1);
    }
}
