//! `amethyst alarm test`: sends a test over each way out for alarms, and says what each answered.

use serde_json::json;

use crate::alarms::{self, Sender};
use crate::cli::AlarmTest;
use crate::config::Config;
use crate::failure::{Failure, Kind};
use crate::satellite::folder;
use crate::{site, terminal};

/// Runs the command; 1 if a way failed.
///
/// # Errors
/// No such site, a configuration that cannot be used, no way at all.
pub(crate) fn test(words: &AlarmTest) -> anyhow::Result<u8> {
    let card = site::card(&words.data.dir)?;
    let config = Config::read(&words.config.clone().unwrap_or_else(|| words.data.dir.join("amethyst.toml")))?;
    let is_satellite = words.data.dir.join(folder::FACTS).is_file();
    let mut ways = if is_satellite {
        folder::ways_of(&words.data.dir, &config).map_err(|e| Failure::new(Kind::Usage, e))?.1
    } else {
        config.alarm_ways()
    };
    if let Some(name) = &words.name {
        ways.retain(|way| way.name == *name);
    }
    if ways.is_empty() {
        let text = "there is no such way out for alarms in the configuration: add an [[alarm]] block (docs/ref/alarms.md)";
        return Err(Failure::new(Kind::Usage, text).into());
    }
    let sender = Sender::new(&config.site.name, card.site_id.to_string(), card.zone);
    let told = alarms::test(&sender, &ways);
    if words.json {
        let all = told
            .iter()
            .map(|(name, done)| json!({ "name": name, "sent": done.is_ok(), "error": done.as_ref().err() }));
        terminal::json(&all.collect());
    } else {
        for (name, done) in &told {
            match done {
                Ok(()) => terminal::line(&format!("{name}: sent")),
                Err(why) => terminal::line(&format!("{name}: NOT SENT: {why}")),
            }
        }
    }
    Ok(u8::from(told.iter().any(|(_, done)| done.is_err())))
}
