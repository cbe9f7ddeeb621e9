//! The login of the day is given out: by the command line, by a running server that the command line asked, or by the console.
//!
//! All of them come here, and here the order is kept by a type: what derives the password takes a [`vault::ReleasedLogin`], which the
//! vault makes only when the transparency log and the audit log hold, durably, that it is given out.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;

use anyhow::Context as _;
use archiver::keyfiles::Secrets;
use daily_login::Lane;
use serde::{Deserialize, Serialize};
use shared::{UtcMicros, Zone};
use vault::{By, LoginRelease, ReleasedLogin, Vault};
use zeroize::{Zeroize as _, Zeroizing};

use crate::archiving::asked::Request;
use crate::cmds::keeping::salt;
use crate::failure::{Failure, Kind, code_of};
use crate::site::Site;
use crate::world;

/// The longest name and the longest reason, in characters.
pub(crate) const WORDS_MAX: usize = 200;
/// The longest answer of a server, in octets.
const ANSWER_MAX: u64 = 8 << 10;

/// A login as it is shown. Wiped when dropped.
#[derive(Serialize, Deserialize)]
#[allow(missing_debug_implementations, reason = "a secret is never printed by accident")]
pub(crate) struct Shown {
    /// A letter and four digits.
    pub(crate) login: String,
    /// Four groups of four symbols with dashes.
    pub(crate) password: String,
    /// The start of the day in the site's zone, RFC 3339 with offset.
    pub(crate) valid_from: String,
    /// The start of the next day.
    pub(crate) valid_until: String,
    /// The site's zone by its name in the tz database.
    pub(crate) zone: String,
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.password.zeroize();
    }
}

/// What a server answers on the control socket.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Shown(Shown),
    Refused { text: String, code: u8 },
}

/// Who gives a login out.
pub(crate) struct Giver {
    /// The person; `user` is `None` for the command line.
    pub(crate) by: By,
    /// The first octets of the session's digest.
    pub(crate) session: Option<[u8; 8]>,
    /// From where.
    pub(crate) address: String,
}

impl Giver {
    /// Whoever runs a command on the server's own machine.
    pub(crate) fn command_line(at: UtcMicros) -> Self {
        let by = By { user: None, name: "command line".to_owned(), at };
        Self { by, session: None, address: "this machine".to_owned() }
    }
}

/// Gives out today's login of the admin lane: entered first, derived then.
///
/// # Errors
/// The logs cannot be written, or the site has no secrets for logins: then nobody saw anything.
pub(crate) fn give(
    site: &Site,
    vault: &Vault,
    giver: Giver,
    receiver: &str,
    reason: &str,
) -> anyhow::Result<Shown> {
    let (receiver, reason) = (worded(receiver)?, worded(reason)?);
    site.keys.draw_logins()?;
    // Whatever could fail without the log is done before it, so that no leaf tells of a login that nobody could have seen.
    let secrets = site
        .keys
        .login_secrets(&site.card, &site.keys.recorder.bytes())
        .context("the key store has no secrets for the daily login")?;
    let release = LoginRelease {
        day: site.card.zone.day_of(giver.by.at),
        lane: Lane::Admin as u8,
        receiver,
        reason,
        salt: salt(),
        by: giver.by,
        session: giver.session,
        address: giver.address,
    };
    let released = vault
        .release_login(&release)
        .context("it could not be entered that the login is given out, so it is not shown")?;
    shown(&secrets, &site.card.zone, &released)
}

/// Derives what was released, and nothing else.
fn shown(secrets: &Secrets, zone: &Zone, released: &ReleasedLogin) -> anyhow::Result<Shown> {
    let day = released.day();
    let lane = Lane::from_letter(released.lane()).and_then(|lane| secrets.lane(lane));
    let made = lane.context("this site gives out no logins of this lane")?.credentials(day);
    let next = day.plus_days(1).context("the calendar ends")?;
    let start = |day| zone.start_of(day).map(|at| zone.rfc3339(at)).context("the calendar ends");
    Ok(Shown {
        login: made.login.to_string(),
        password: made.password.grouped().to_string(),
        valid_from: start(day)?,
        valid_until: start(next)?,
        zone: zone.name().to_owned(),
    })
}

/// Holds a name or a reason to a length, without what could draw on a terminal.
fn worded(text: &str) -> anyhow::Result<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > WORDS_MAX || text.chars().any(char::is_control) {
        let wrong = format!("say in 1 to {WORDS_MAX} characters to whom the login is given, and why");
        return Err(Failure::new(Kind::Usage, wrong).into());
    }
    Ok(text.to_owned())
}

/// Answers the command line from within the server.
///
/// # Errors
/// Whoever asked is gone; the log says that the login was given out all the same.
pub(crate) fn answer(
    mut stream: &UnixStream,
    site: &Site,
    vault: &Vault,
    receiver: &str,
    reason: &str,
) -> io::Result<()> {
    let giver = Giver::command_line(world::now().utc);
    let answer = match give(site, vault, giver, receiver, reason) {
        Ok(shown) => Answer::Shown(shown),
        Err(error) => Answer::Refused { text: format!("{error:#}"), code: code_of(&error) },
    };
    let mut line = Zeroizing::new(serde_json::to_vec(&answer)?);
    line.push(b'\n');
    stream.write_all(&line)
}

/// Asks the server that runs on the data folder.
///
/// # Errors
/// What it refuses, or that it ended.
pub(crate) fn ask(mut stream: UnixStream, receiver: &str, reason: &str) -> anyhow::Result<Shown> {
    let (receiver, reason) = (worded(receiver)?, worded(reason)?);
    stream.write_all(Request::DailyLogin { receiver, reason }.line()?.as_bytes())?;
    let mut line = Zeroizing::new(Vec::with_capacity(1 << 10));
    BufReader::new(stream).take(ANSWER_MAX).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        anyhow::bail!(
            "the server that runs here ended, or is of an older version: stop it or start it again, then ask again"
        );
    }
    match serde_json::from_slice(&line).context("the server that runs here is of another version")? {
        Answer::Shown(shown) => Ok(shown),
        Answer::Refused { text, code } => Err(Failure::new(Kind::of_code(code), text).into()),
    }
}
