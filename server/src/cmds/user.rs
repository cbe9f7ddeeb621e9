//! `amethyst user link`: a one-time link for a person, from the command line of the server's own machine.

use anyhow::Context as _;
use rand_core::Rng as _;
use serde_json::json;
use vault::Use;

use crate::cli::UserLink;
use crate::failure::{Failure, Kind};
use crate::site::Site;
use crate::{terminal, world};

/// Runs the command.
///
/// # Errors
/// The data folder cannot be used, or there is no such person.
pub(crate) fn link(words: &UserLink) -> anyhow::Result<u8> {
    let site = Site::open(&words.data.dir)?;
    let vault = site.vault(Use::Look)?;
    let mut dice = [0; 32];
    world::dice().fill_bytes(&mut dice);
    let now = world::now().utc;
    let made = web::one_time_link(&vault, &words.name, now, dice).context("no link could be made")?;
    let Some(link) = made else {
        let text = format!(
            "there is no account `{}` that could use a link: it is unknown or shut. An administrator makes accounts in the console",
            words.name
        );
        return Err(Failure::new(Kind::Input, text).into());
    };
    let entry = |act| vault::AuditEntry {
        at: now,
        actor: None,
        actor_name: "command line".to_owned(),
        session: None,
        address: "this machine".to_owned(),
        act,
        object: Some(vault::AuditObject::Named(words.name.trim().to_lowercase())),
        outcome: vault::Outcome::Ok,
        details: "{}".to_owned(),
    };
    if words.lost_authenticator {
        vault
            .audit(&entry("user-totp-removed"))
            .context("the audit log could not be written; the authenticator stays")?;
        if let Some(user) = vault.user_by_name(&words.name)? {
            vault.change_user(&vault::User { totp_secret: None, totp_last_step: None, ..user })?;
        }
    }
    // Before the link leaves; without the entry it is not shown, and nobody knows it.
    vault
        .audit(&entry("user-link"))
        .context("the audit log could not be written, so the link is not shown")?;
    let url = format!("https://{}{}", address(&site), link.path);
    let until = site.card.zone.rfc3339(link.until);
    if words.json {
        terminal::json(&json!({ "name": words.name, "link": url, "path": link.path, "until": until }));
    } else {
        terminal::line(&url);
        terminal::say(&format!(
            "valid once, until {until}; whoever opens it sets the password of {}",
            words.name
        ));
    }
    Ok(0)
}

/// Where the console is, as far as the configuration tells.
fn address(site: &Site) -> String {
    let listen = site.config.web.listen;
    if listen.ip().is_unspecified() {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        return format!("{host}:{}", listen.port());
    }
    listen.to_string()
}
