//! Where alarms go, as written in `amethyst.toml`: `[alarms]`, and one `[[alarm]]` for each way.
//!
//! Secrets stay outside: a password or token is named by its file, which only the service's own user should be able to read.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use lettre::message::Mailbox;
use serde::Deserialize;
use vault::Severity;

/// What holds for all ways.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Alarms {
    /// Hours after which an alarm that stands, and that nobody has acknowledged, is told again; 0: never.
    pub(crate) repeat_hours: u32,
    /// Hours after which a way that had nothing to tell says that it works; 0: never.
    pub(crate) alive_hours: u32,
}

impl Default for Alarms {
    fn default() -> Self {
        Self { repeat_hours: 24, alive_hours: 0 }
    }
}

/// One `[[alarm]]`, as written. [`Way::of`] finds out whether it makes sense.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Words {
    name: String,
    kind: String,
    severity: SeverityWord,
    server: Option<String>,
    port: Option<u16>,
    security: Option<String>,
    user: Option<String>,
    password_file: Option<PathBuf>,
    from: Option<String>,
    to: Vec<String>,
    url: Option<String>,
    token_file: Option<PathBuf>,
    address: Option<String>,
    ca_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SeverityWord {
    Told,
    #[default]
    Warning,
    Urgent,
}

/// A file with ways out that only the machine knows on which it lies: `[alarms]` and `[[alarm]]` as in `amethyst.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Local {
    alarms: Option<Alarms>,
    #[serde(rename = "alarm")]
    words: Vec<Words>,
}

impl Local {
    /// Reads it; none is as good as an empty one.
    ///
    /// # Errors
    /// It cannot be read or makes no sense, and what to write.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let wrong = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => return Err(wrong(&e)),
        };
        let local: Self = toml::from_str(&text).map_err(|e| wrong(&e))?;
        Way::all(&local.words).map_err(|e| wrong(&e))?;
        Ok(local)
    }

    /// Adds its ways to those of the settings: of two with the same name, its own counts.
    pub(crate) fn with(&self, alarms: Alarms, ways: Vec<Way>) -> (Alarms, Vec<Way>) {
        // They were checked when they were read.
        let mut all = Way::all(&self.words).unwrap_or_default();
        let others = ways.into_iter().filter(|way| all.iter().all(|own| own.name != way.name));
        let others: Vec<Way> = others.collect();
        all.extend(others);
        (self.alarms.clone().unwrap_or(alarms), all)
    }
}

/// A way out for alarms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Way {
    /// What people call it; no two have the same name.
    pub(crate) name: String,
    /// What matters less is not told here.
    pub(crate) least: Severity,
    /// How it goes.
    pub(crate) by: By,
}

/// How alarms go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum By {
    /// Mail by SMTP (RFC 5321).
    Mail(Mail),
    /// An HTTP POST with JSON.
    Webhook(Webhook),
    /// Syslog (RFC 5424).
    Syslog(Syslog),
}

/// A mail server, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mail {
    pub(crate) server: String,
    pub(crate) port: u16,
    pub(crate) security: Security,
    /// User, and the file with the password.
    pub(crate) account: Option<(String, PathBuf)>,
    pub(crate) from: Mailbox,
    pub(crate) to: Vec<Mailbox>,
    /// Certificates to trust instead of the system's.
    pub(crate) ca: Option<PathBuf>,
}

/// How a connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    /// TLS after a word in the clear; without it nothing is sent (RFC 3207).
    StartTls,
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// None: for a relay on this machine.
    None,
}

/// Whom to call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    /// The file with the token of `Authorization: Bearer`.
    pub(crate) token: Option<PathBuf>,
    pub(crate) ca: Option<PathBuf>,
}

/// Where a syslog listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Syslog {
    /// Datagrams over the network (RFC 5426).
    Udp(String),
    /// A stream with counted octets (RFC 6587, 3.4.1).
    Tcp(String),
    /// The socket of this machine's own, such as `/dev/log`.
    Unix(PathBuf),
}

impl Way {
    /// Reads one `[[alarm]]`.
    ///
    /// # Errors
    /// What is missing or wrong, and what to write.
    pub(crate) fn of(words: &Words) -> Result<Self, String> {
        if words.name.is_empty() || words.name.len() > 60 {
            return Err("[[alarm]] name is missing or over 60 characters: say what people call it".to_owned());
        }
        let wrong = |what: String| format!("[[alarm]] {}: {what}", words.name);
        let by = match words.kind.as_str() {
            "mail" => By::Mail(mail(words).map_err(wrong)?),
            "webhook" => By::Webhook(webhook(words).map_err(wrong)?),
            "syslog" => By::Syslog(syslog(words).map_err(wrong)?),
            other => return Err(wrong(format!("kind is `{other}`: give mail, webhook or syslog"))),
        };
        let least = match words.severity {
            SeverityWord::Told => Severity::Told,
            SeverityWord::Warning => Severity::Warning,
            SeverityWord::Urgent => Severity::Urgent,
        };
        Ok(Self { name: words.name.clone(), least, by })
    }

    /// The files that it reads: secrets, and certificates to trust.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        let (secret, ca) = match &self.by {
            By::Mail(mail) => (mail.account.as_ref().map(|(_, file)| file), mail.ca.as_ref()),
            By::Webhook(hook) => (hook.token.as_ref(), hook.ca.as_ref()),
            By::Syslog(_) => (None, None),
        };
        secret.into_iter().chain(ca).map(PathBuf::as_path)
    }

    /// Reads all of them.
    ///
    /// # Errors
    /// As [`Self::of`]; or two of one name.
    pub(crate) fn all(words: &[Words]) -> Result<Vec<Self>, String> {
        let ways = words.iter().map(Self::of).collect::<Result<Vec<Self>, String>>()?;
        for (n, way) in ways.iter().enumerate() {
            if ways.iter().take(n).any(|before| before.name == way.name) {
                return Err(format!("[[alarm]] {}: there are two of this name", way.name));
            }
        }
        Ok(ways)
    }
}

fn mail(words: &Words) -> Result<Mail, String> {
    let server = words.server.clone().filter(|s| !s.is_empty());
    let server = server.ok_or("server is missing: give the mail server's name")?;
    let security = match words.security.as_deref() {
        None | Some("starttls") => Security::StartTls,
        Some("tls") => Security::Tls,
        Some("none") => Security::None,
        Some(other) => return Err(format!("security is `{other}`: give starttls, tls or none")),
    };
    let account = match (&words.user, &words.password_file) {
        (Some(_), Some(_)) if security == Security::None => {
            return Err(
                "a password would go over the wire in the clear: give security = \"starttls\" or \"tls\""
                    .to_owned(),
            );
        }
        (Some(user), Some(file)) => Some((user.clone(), file.clone())),
        (None, None) => None,
        _ => return Err("user and password_file belong together: give both or none".to_owned()),
    };
    let address = |text: &str| {
        text.parse::<Mailbox>()
            .map_err(|e| format!("`{text}` is no mail address ({e}): give one like ops@example.org"))
    };
    let from = address(words.from.as_deref().ok_or("from is missing: give the sender's address")?)?;
    let to = words.to.iter().map(|text| address(text)).collect::<Result<Vec<_>, _>>()?;
    if to.is_empty() {
        return Err("to is empty: give at least one address".to_owned());
    }
    let usual = match security {
        Security::StartTls => 587,
        Security::Tls => 465,
        Security::None => 25,
    };
    Ok(Mail {
        server,
        port: words.port.unwrap_or(usual),
        security,
        account,
        from,
        to,
        ca: words.ca_file.clone(),
    })
}

fn webhook(words: &Words) -> Result<Webhook, String> {
    let url = words.url.clone().unwrap_or_default();
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err("url is missing or none: give one that begins with https://".to_owned());
    }
    if words.token_file.is_some() && !url.starts_with("https://") {
        return Err("the token would go over the wire in the clear: give an https:// url".to_owned());
    }
    Ok(Webhook { url, token: words.token_file.clone(), ca: words.ca_file.clone() })
}

fn syslog(words: &Words) -> Result<Syslog, String> {
    let text = words.address.clone().unwrap_or_default();
    let wrong = || format!("address is `{text}`: give udp://HOST:514, tcp://HOST:601 or unix:/dev/log");
    let host = |rest: &str| {
        let has_port = rest.parse::<SocketAddr>().is_ok()
            || rest
                .rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        has_port.then(|| rest.to_owned())
    };
    if let Some(rest) = text.strip_prefix("udp://") {
        return host(rest).map(Syslog::Udp).ok_or_else(wrong);
    }
    if let Some(rest) = text.strip_prefix("tcp://") {
        return host(rest).map(Syslog::Tcp).ok_or_else(wrong);
    }
    match text.strip_prefix("unix:") {
        Some(path) if path.starts_with('/') => Ok(Syslog::Unix(PathBuf::from(path))),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Way>, String> {
        #[derive(Deserialize)]
        struct File {
            #[serde(default)]
            alarm: Vec<Words>,
        }
        let file: File = toml::from_str(text).map_err(|e| e.to_string())?;
        Way::all(&file.alarm)
    }

    #[test]
    fn every_way_is_read_as_it_is_documented() {
        let ways = read(
            r#"
            [[alarm]]
            name = "operations"
            kind = "mail"
            server = "mail.example.org"
            from = "Recorder <amethyst@example.org>"
            to = ["ops@example.org", "Duty <duty@example.org>"]
            user = "amethyst"
            password_file = "/etc/amethyst/mail"
            [[alarm]]
            name = "pager"
            kind = "webhook"
            url = "https://pager.example.org/in"
            token_file = "/etc/amethyst/pager"
            severity = "urgent"
            [[alarm]]
            name = "log host"
            kind = "syslog"
            address = "tcp://[::1]:601"
            severity = "told"
        "#,
        )
        .unwrap();
        let By::Mail(mail) = &ways[0].by else { panic!("{ways:?}") };
        assert_eq!((mail.port, mail.security, mail.to.len()), (587, Security::StartTls, 2));
        assert_eq!(
            ways.iter().map(|way| way.least).collect::<Vec<_>>(),
            [Severity::Warning, Severity::Urgent, Severity::Told]
        );
        assert_eq!(ways[2].by, By::Syslog(Syslog::Tcp("[::1]:601".into())));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_to_write() {
        let check = |text: &str, words: &str| {
            let error = read(&format!("[[alarm]]\nname = \"x\"\n{text}")).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        };
        check("kind = \"pigeon\"", "mail, webhook or syslog");
        check("kind = \"mail\"", "server is missing");
        check("kind = \"mail\"\nserver = \"a\"", "from is missing");
        check("kind = \"mail\"\nserver = \"a\"\nfrom = \"b@c\"", "to is empty");
        check("kind = \"mail\"\nserver = \"a\"\nfrom = \"b\"", "no mail address");
        check("kind = \"mail\"\nserver = \"a\"\nuser = \"u\"", "belong together");
        check(
            "kind = \"mail\"\nserver = \"a\"\nsecurity = \"none\"\nuser = \"u\"\npassword_file = \"p\"",
            "in the clear",
        );
        check("kind = \"webhook\"\nurl = \"pager\"", "begins with https://");
        check("kind = \"webhook\"\nurl = \"http://pager\"\ntoken_file = \"p\"", "in the clear");
        check("kind = \"syslog\"\naddress = \"udp://host\"", "udp://HOST:514");
        check("kind = \"syslog\"\naddress = \"unix:dev/log\"", "unix:/dev/log");
        check("kind = \"syslog\"\ncolour = \"red\"", "unknown field");
        let twice = "[[alarm]]\nname = \"x\"\nkind = \"syslog\"\naddress = \"unix:/dev/log\"\n".repeat(2);
        assert!(read(&twice).unwrap_err().contains("two of this name"));
    }
}
