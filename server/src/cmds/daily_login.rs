//! `amethyst daily-login`: the login that opens archives today, for whoever may run commands as the server's user.

use std::io::IsTerminal as _;

use daily_login::spoken::spelled;
use serde_json::json;
use vault::Use;

use crate::alarms::Bell;
use crate::archiving::control;
use crate::cli::logins::DailyLogin;
use crate::logins::{self, Giver, Shown};
use crate::site::Site;
use crate::{recording, terminal, world};

/// Runs the command.
///
/// # Errors
/// The data folder cannot be used, or it cannot be entered that the login is given out: then it is not shown.
pub(crate) fn run(words: &DailyLogin) -> anyhow::Result<u8> {
    let user = rustix::process::getuid().as_raw();
    let receiver =
        said(words.receiver.as_deref(), "To whom is it given", &format!("user {user} of this machine"))?;
    let reason = said(words.reason.as_deref(), "Why", "no reason given")?;
    // A server that runs on the data folder holds the log: it enters and answers.
    let shown = match control::reach(&words.data.dir) {
        Some(server) => logins::ask(server, &receiver, &reason)?,
        None => here(words, &receiver, &reason)?,
    };
    tell(&shown, words.json);
    Ok(0)
}

fn here(words: &DailyLogin, receiver: &str, reason: &str) -> anyhow::Result<Shown> {
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Record)?;
    recording::tell_recovery(&recording::recover(&site, &vault)?, &Bell::default());
    logins::give(&site, &vault, Giver::command_line(world::now().utc), receiver, reason)
}

/// Takes what was given on the command line, or asks a person.
fn said(given: Option<&str>, question: &str, otherwise: &str) -> anyhow::Result<String> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        return Ok(terminal::ask(question, false)?.trim().to_owned());
    }
    Ok(otherwise.to_owned())
}

fn tell(shown: &Shown, as_json: bool) {
    if as_json {
        return terminal::json(&json!(shown));
    }
    let row =
        |name: &str, text: &str, said: &str| terminal::line(format!("{name:<13}{text:<23}{said}").trim_end());
    row("Login", &shown.login, &spelled(&shown.login));
    row("Password", &shown.password, "");
    for group in shown.password.split('-') {
        row("", group, &spelled(group));
    }
    terminal::line("");
    row("Valid from", &clock(&shown.valid_from), "");
    row("Valid until", &clock(&shown.valid_until), "");
    row("Zone", &shown.zone, "");
    terminal::say("it is entered in the transparency log that this login was given out");
}

/// Shortens a time to what people read: `2026-11-25 00:00`.
fn clock(rfc3339: &str) -> String {
    rfc3339.chars().take(16).collect::<String>().replace('T', " ")
}
