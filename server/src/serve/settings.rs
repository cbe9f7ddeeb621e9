//! Settings as the console sees and changes them: the same `amethyst.toml` that an administrator edits by hand.
//!
//! There is one truth, the file. A change from the console alters the values in place, so comments and whatever the console
//! does not know stay; the new text is judged by the same reader as at start before it replaces the file. Two people who
//! change at once: the second is told, by the version, which is a digest of the text.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use sha2::{Digest as _, Sha256};
use shared::Zone;
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};
use web::HostError;

use super::watch::locked;
use crate::config::{Config, SideWord, TotpWord};
use crate::recording::engine_config;
use crate::{disk, view};

/// The settings of a site, in their file.
#[derive(Debug)]
pub(crate) struct File {
    path: PathBuf,
    zone: Zone,
    /// One change at a time.
    changing: Mutex<()>,
}

impl File {
    pub(crate) fn new(path: PathBuf, zone: Zone) -> Self {
        Self { path, zone, changing: Mutex::default() }
    }

    /// Reads the file and judges it wholly, rules included.
    ///
    /// # Errors
    /// A sentence that says what is wrong with which setting.
    pub(crate) fn read(&self) -> Result<(Config, String), HostError> {
        let text = std::fs::read_to_string(&self.path)
            .map_err(|e| HostError::Io(format!("cannot read {}: {e}", self.path.display())))?;
        let config = self.judge(&text)?;
        Ok((config, version(&text)))
    }

    /// Puts `wanted` into the file if `version` is still the one there; returns the settings as read back.
    ///
    /// # Errors
    /// Somebody was faster, a setting makes no sense, or the disk's.
    pub(crate) fn change(&self, wanted: &api::Settings, known: &str) -> Result<(Config, String), HostError> {
        let _one_at_a_time = locked(&self.changing);
        let text = std::fs::read_to_string(&self.path)
            .map_err(|e| HostError::Io(format!("cannot read {}: {e}", self.path.display())))?;
        if version(&text) != known {
            return Err(HostError::Conflict);
        }
        let mut doc: DocumentMut = text
            .parse()
            .map_err(|e| HostError::Invalid(format!("{} is no TOML any more: {e}", self.path.display())))?;
        write(&mut doc, wanted);
        let text = doc.to_string();
        let config = self.judge(&text)?;
        disk::replace(&self.path, text.as_bytes()).map_err(|e| HostError::Io(format!("{e:#}")))?;
        Ok((config, version(&text)))
    }

    fn judge(&self, text: &str) -> Result<Config, HostError> {
        let config = Config::parse(text).map_err(|e| HostError::Invalid(e.to_string()))?;
        engine_config(&config, &self.zone, &config.taps).map_err(|e| HostError::Invalid(format!("{e:#}")))?;
        for (name, patterns) in &config.groups {
            for pattern in patterns {
                telephony::segment::rules::RuleSet::parse(&[pattern.as_str()], &[])
                    .map_err(|e| HostError::Invalid(format!("group {name}: {e}")))?;
            }
        }
        Ok(config)
    }
}

/// Returns what the console shows of a configuration.
pub(crate) fn shown(config: &Config) -> api::Settings {
    let side = |side: SideWord| match side {
        SideWord::Trunk => api::SideWord::Trunk,
        SideWord::Extension => api::SideWord::Extension,
    };
    let idle = config.web.idle_minutes;
    api::Settings {
        site: api::SiteSettings {
            name: config.site.name.clone(),
            internal_numbers: config.site.internal_numbers.clone(),
        },
        recording: api::RecordingSettings {
            preroll_seconds: config.recording.preroll_seconds,
            idle_seconds: config.recording.idle_seconds,
            orphans: config.recording.orphans,
            mask_digits: config.recording.mask_digits,
            calls_max: config.recording.calls_max,
            queue_mib: config.recording.queue_mib,
        },
        rules: api::RuleSettings {
            include: config.rules.include.clone(),
            exclude: config.rules.exclude.clone(),
        },
        taps: config
            .taps
            .iter()
            .map(|tap| api::TapSettings {
                name: tap.name.clone(),
                interface: tap.interface.clone(),
                side: side(tap.side),
            })
            .collect(),
        web: api::WebSettings {
            idle_minutes: api::IdleMinutes {
                administrator: idle.administrator,
                supervisor: idle.supervisor,
                auditor: idle.auditor,
                agent: idle.agent,
            },
            totp: match config.web.totp {
                TotpWord::Required => api::TotpRule::Required,
                TotpWord::Optional => api::TotpRule::Optional,
            },
        },
        groups: config.groups.clone(),
    }
}

fn version(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    view::hex(digest.get(..8).unwrap_or_default())
}

fn write(doc: &mut DocumentMut, wanted: &api::Settings) {
    let site = table(doc, "site");
    set(site, "name", wanted.site.name.as_str().into());
    set(site, "internal_numbers", list(&wanted.site.internal_numbers).into());
    let recording = table(doc, "recording");
    set(recording, "preroll_seconds", i64::from(wanted.recording.preroll_seconds).into());
    set(recording, "idle_seconds", i64::from(wanted.recording.idle_seconds).into());
    set(recording, "orphans", wanted.recording.orphans.into());
    set(recording, "mask_digits", wanted.recording.mask_digits.into());
    set(recording, "calls_max", i64::from(wanted.recording.calls_max).into());
    set(recording, "queue_mib", i64::from(wanted.recording.queue_mib).into());
    let rules = table(doc, "rules");
    set(rules, "include", list(&wanted.rules.include).into());
    set(rules, "exclude", list(&wanted.rules.exclude).into());
    let web = table(doc, "web");
    let totp = match wanted.web.totp {
        api::TotpRule::Required => "required",
        api::TotpRule::Optional => "optional",
    };
    set(web, "totp", totp.into());
    let minutes = wanted.web.idle_minutes;
    if let Some(idle) = web.entry("idle_minutes").or_insert(Item::Table(Table::new())).as_table_like_mut() {
        for (role, minutes) in [
            ("administrator", minutes.administrator),
            ("supervisor", minutes.supervisor),
            ("auditor", minutes.auditor),
            ("agent", minutes.agent),
        ] {
            idle.insert(role, value(i64::from(minutes)));
        }
    }
    write_groups(table(doc, "groups"), &wanted.groups);
    write_taps(doc, &wanted.taps);
}

fn write_groups(groups: &mut Table, wanted: &BTreeMap<String, Vec<String>>) {
    let gone: Vec<String> =
        groups.iter().map(|(name, _)| name.to_owned()).filter(|name| !wanted.contains_key(name)).collect();
    for name in gone {
        groups.remove(&name);
    }
    for (name, patterns) in wanted {
        set(groups, name, list(patterns).into());
    }
}

/// Changes the blocks of taps that stay, by interface, so that their comments stay too.
fn write_taps(doc: &mut DocumentMut, wanted: &[api::TapSettings]) {
    let mut blocks: Vec<Table> = match doc.remove("tap") {
        Some(Item::ArrayOfTables(array)) => array.into_iter().collect(),
        _ => Vec::new(),
    };
    let mut written = ArrayOfTables::new();
    for tap in wanted {
        let same =
            |block: &Table| block.get("interface").and_then(Item::as_str) == Some(tap.interface.as_str());
        let mut block = blocks.iter().position(same).map_or_else(Table::new, |place| blocks.remove(place));
        set(&mut block, "name", tap.name.as_str().into());
        set(&mut block, "interface", tap.interface.as_str().into());
        let side = match tap.side {
            api::SideWord::Trunk => "trunk",
            api::SideWord::Extension => "extension",
        };
        set(&mut block, "side", side.into());
        written.push(block);
    }
    if !written.is_empty() {
        doc.insert("tap", Item::ArrayOfTables(written));
    }
}

fn table<'a>(doc: &'a mut DocumentMut, name: &str) -> &'a mut Table {
    let item = doc.entry(name).or_insert(Item::Table(Table::new()));
    if !item.is_table() {
        *item = Item::Table(Table::new());
    }
    item.as_table_mut().expect("it was made a table just now")
}

/// Changes a value and leaves the white space and the comment around it alone.
fn set(table: &mut Table, key: &str, to: toml_edit::Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(known) => {
            let decor = known.decor().clone();
            *known = to;
            *known.decor_mut() = decor;
        }
        None => {
            table.insert(key, Item::Value(to));
        }
    }
}

fn list(texts: &[String]) -> Array {
    texts.iter().map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn file() -> (tempfile::TempDir, File) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("amethyst.toml"), crate::config::template("Town hall", 'A')).unwrap();
        let file = File::new(dir.path().join("amethyst.toml"), Zone::named("Africa/Johannesburg").unwrap());
        (dir, file)
    }

    #[test]
    fn a_change_keeps_comments_and_is_read_back_as_it_was_meant() {
        let (dir, file) = file();
        let (config, version) = file.read().unwrap();
        let mut wanted = shown(&config);
        wanted.site.name = "Town \"hall\" 2".into();
        wanted.rules.include = vec!["3***".into()];
        wanted.groups = BTreeMap::from([("sales & co".into(), vec!["200-219".into()])]);
        wanted.taps = vec![api::TapSettings {
            name: "main trunk".into(),
            interface: "eth1".into(),
            side: api::SideWord::Extension,
        }];
        let (config, next) = file.change(&wanted, &version).unwrap();
        assert_eq!(shown(&config), wanted);
        let text = std::fs::read_to_string(dir.path().join("amethyst.toml")).unwrap();
        assert!(text.contains("# a call without an end is closed after"), "comments stay:\n{text}");
        wanted.taps.clear();
        wanted.groups.clear();
        let (config, _) = file.change(&wanted, &next).unwrap();
        assert_eq!(shown(&config), wanted);
    }

    #[test]
    fn whoever_is_second_is_told() {
        let (_dir, file) = file();
        let (config, version) = file.read().unwrap();
        let mut wanted = shown(&config);
        wanted.recording.idle_seconds = 90;
        file.change(&wanted, &version).unwrap();
        assert_eq!(file.change(&wanted, &version).unwrap_err(), HostError::Conflict);
    }

    #[test]
    fn what_makes_no_sense_is_refused_and_the_file_stays() {
        let (dir, file) = file();
        let before = std::fs::read(dir.path().join("amethyst.toml")).unwrap();
        let (config, version) = file.read().unwrap();
        let good = shown(&config);
        let refuse = |change: &dyn Fn(&mut api::Settings), word: &str| {
            let mut wanted = good.clone();
            change(&mut wanted);
            let error = file.change(&wanted, &version).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        };
        refuse(&|s| s.recording.preroll_seconds = 11, "preroll_seconds");
        refuse(&|s| s.rules.include = vec!["31-3115".into()], "31-3115");
        refuse(&|s| s.groups = BTreeMap::from([("sales".into(), vec!["x y".into()])]), "sales");
        refuse(
            &|s| {
                let tap = |name: &str| api::TapSettings {
                    name: name.into(),
                    interface: "eth1".into(),
                    side: api::SideWord::Trunk,
                };
                s.taps = vec![tap("one"), tap("two")];
            },
            "eth1",
        );
        assert_eq!(std::fs::read(dir.path().join("amethyst.toml")).unwrap(), before);
    }
}
