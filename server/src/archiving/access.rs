//! Access keys of buckets: read from a file or the environment, locked away in the catalogue, and opened for a carrier's process alone.
//!
//! A key never stands in the settings, in a command line or in a log.

use std::fs;
use std::io::{IsTerminal as _, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use archiver::place::Credential;
use base64ct::{Base64, Encoding as _};
use shared::LocationId;
use zeroize::Zeroizing;

use crate::failure::{Failure, Kind};
use crate::keys::SiteKeys;
use crate::terminal;

/// A file of access keys is a few lines.
const LEN_MAX: u64 = 64 << 10;
/// What the tools of the trade call them, too.
const ENV: [&str; 2] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

/// Locks an access key away for a location.
///
/// # Errors
/// Never.
pub(crate) fn locked(keys: &SiteKeys, location: LocationId, key: &Credential) -> anyhow::Result<String> {
    Ok(Base64::encode_string(&keys.lock(&context(location), &key.expose())?))
}

/// Opens it again; `None` if it was locked by another site, or altered.
pub(crate) fn opened(keys: &SiteKeys, location: LocationId, locked: &str) -> Option<Credential> {
    let bytes = Base64::decode_vec(locked).ok()?;
    Credential::parse(&keys.unlock(&context(location), &bytes)?)
}

fn context(location: LocationId) -> Vec<u8> {
    [b"location/".as_slice(), &location.0].concat()
}

/// Reads an access key: from a file as `aws configure` writes it (`-`: from standard input), or else from the environment, or else
/// from the person at the terminal.
///
/// # Errors
/// There is none.
pub(crate) fn read(file: Option<&Path>) -> anyhow::Result<Credential> {
    let Some(path) = file else {
        let of = |name| std::env::var(name).ok().filter(|text| !text.is_empty()).map(Zeroizing::new);
        return match ENV.map(of) {
            [Some(id), Some(secret)] => Ok(Credential::new(&id, &secret)),
            [None, None] if std::io::stdin().is_terminal() => asked(),
            _ => Err(none(
                "give a file with --credentials, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            )),
        };
    };
    let mut text = Zeroizing::new(String::new());
    let read = if path == Path::new("-") {
        std::io::stdin().take(LEN_MAX).read_to_string(&mut text)
    } else {
        fs::File::open(path).and_then(|file| {
            if file.metadata()?.permissions().mode() & 0o077 != 0 {
                terminal::say(&format!(
                    "{} can be read by others: chmod 600, or remove it now",
                    path.display()
                ));
            }
            file.take(LEN_MAX).read_to_string(&mut text)
        })
    };
    read.with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).map_err(|why| none(&format!("{}: {why}", path.display())))
}

/// Asks a person, who sees nothing of the secret.
fn asked() -> anyhow::Result<Credential> {
    let id = terminal::ask("Access key id", false)?;
    let secret = terminal::ask("Secret access key (not shown)", true)?;
    let (id, secret) = (id.trim(), secret.trim());
    if id.is_empty() || secret.is_empty() {
        return Err(none("both the id and the secret are needed"));
    }
    Ok(Credential::new(id, secret))
}

fn none(why: &str) -> anyhow::Error {
    Failure::new(Kind::Usage, format!("there is no access key for the bucket: {why}")).into()
}

/// The section `default`, or else the first.
fn parse(text: &str) -> Result<Credential, &'static str> {
    let (mut id, mut secret, mut chosen) = (None, None, false);
    let mut name = "";
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            name = section.trim_end_matches(']').trim();
            if name == "default" {
                (id, secret, chosen) = (None, None, true);
            }
            continue;
        }
        let Some((word, value)) = line.split_once('=') else { continue };
        let (word, value) = (word.trim(), value.trim());
        let mine = !chosen || name == "default";
        match word {
            "aws_access_key_id" if mine && id.is_none() => id = Some(value),
            "aws_secret_access_key" if mine && secret.is_none() => secret = Some(value),
            "aws_session_token" if mine => {
                return Err("it is for some hours only (aws_session_token); give a key that lasts");
            }
            _ => {}
        }
    }
    let (Some(id), Some(secret)) =
        (id.filter(|id| !id.is_empty()), secret.filter(|secret| !secret.is_empty()))
    else {
        return Err("it must have the lines aws_access_key_id = ... and aws_secret_access_key = ...");
    };
    Ok(Credential::new(id, secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_access_keys_is_read_as_other_tools_do() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let expected = expected.map(|(id, secret)| Credential::new(id, secret));
            assert!(parse(text).ok() == expected, "{text}");
        };
        check("aws_access_key_id = A\naws_secret_access_key=b/c=\n", Some(("A", "b/c=")));
        check(
            "[x]\naws_access_key_id=A\naws_secret_access_key=b\n[default]\naws_access_key_id=C\naws_secret_access_key=d",
            Some(("C", "d")),
        );
        check(
            "[default]\naws_access_key_id=C\naws_secret_access_key=d\n[x]\naws_access_key_id=A\naws_secret_access_key=b",
            Some(("C", "d")),
        );
        check("# none", None);
        check("aws_access_key_id=A", None);
        check("aws_access_key_id=A\naws_secret_access_key=\n", None);
        check("aws_access_key_id=A\naws_secret_access_key=b\naws_session_token=t", None);
    }
}
