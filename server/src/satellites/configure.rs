//! How each satellite is configured: a file of its own at the central, `satellites/<recorder id>.toml`, in the words of `amethyst.toml`.
//!
//! It is made at enrolment from the site's own settings with the satellite's interfaces as taps, and belongs to administrators then. What
//! stands in it is signed and sent whenever it changes; its time of change is its version.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use shared::RecorderId;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};
use transfer::document::Configuration;
use vault::SatelliteRow;
use web::HostError;

use crate::config::Config;
use crate::keys::SiteKeys;
use crate::recording::engine_config;
use crate::site::Site;
use crate::{disk, site, view};

/// What of the site's settings is none of a satellite's business.
const NOT_THEIRS: [&str; 6] = ["web", "archive", "retention", "groups", "alarms", "alarm"];
/// A file that did not change for so long can be told from its next version by its time.
const SETTLED: Duration = Duration::from_millis(50);
const TRIES: usize = 20;
/// Signed configurations are made for this.
const FOLDER: &str = "satellites";

/// Makes the first configuration of a satellite, durably.
///
/// # Errors
/// The site's settings cannot be read, or the disk's.
pub(super) fn make(dir: &Path, who: RecorderId, letter: char, interfaces: &[String]) -> anyhow::Result<()> {
    let settings = String::from_utf8_lossy(&site::read(&dir.join("amethyst.toml"))?).into_owned();
    let text = adapted(&settings, letter, interfaces).context("in amethyst.toml")?;
    std::fs::create_dir_all(dir.join(FOLDER)).with_context(|| format!("cannot make the folder {FOLDER}"))?;
    disk::replace(&path(dir, who), text.as_bytes())
}

/// Signs the configuration of a satellite as it stands in its file.
///
/// # Errors
/// There is none, or it makes no sense: what the satellite has stays in force.
pub(super) fn signed(site: &Site, who: RecorderId) -> anyhow::Result<Vec<u8>> {
    let path = path(&site.dir, who);
    let (text, changed) = settled(&path, site::read)?;
    Config::parse(&text).map_err(|e| anyhow::Error::from(e).context(format!("in {}", path.display())))?;
    let document = Configuration::new(&site.card.site_id, who, number(changed), text);
    sign(&document, &site.keys)
}

/// A time as the number of a version: microseconds since 1970.
fn number(changed: SystemTime) -> u64 {
    let version = changed.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
    u64::try_from(version).unwrap_or(u64::MAX)
}

/// How the settings of a satellite stand here.
pub(super) struct Standing {
    /// The version that is sent, if there is a file.
    pub(super) version: Option<u64>,
    /// What is wrong with them: they are not sent.
    pub(super) fault: Option<String>,
}

/// Looks how the settings of a satellite stand here.
pub(super) fn standing(site: &Site, who: RecorderId, letter: char) -> Standing {
    let path = path(&site.dir, who);
    let version = std::fs::metadata(&path).and_then(|m| m.modified()).ok().map(number);
    let fault = match std::fs::read_to_string(&path) {
        Ok(text) => judge(site, &text, letter).err(),
        Err(e) => Some(format!("{} cannot be read: {e}", path.display())),
    };
    Standing { version, fault }
}

/// Reads the settings of a satellite as they stand here, sound or not.
///
/// # Errors
/// The disk's.
pub(super) fn read(dir: &Path, who: RecorderId) -> Result<api::SatelliteSettings, HostError> {
    let path = path(dir, who);
    let text = std::fs::read_to_string(&path);
    let text = text.map_err(|e| HostError::Io(format!("cannot read {}: {e}", path.display())))?;
    Ok(api::SatelliteSettings { version: tag(&text), text })
}

/// Puts settings in the place of those with the tag `known`, durably. Returns their tag.
///
/// # Errors
/// [`HostError::Conflict`], [`HostError::Invalid`] with the line, or the disk's.
pub(super) fn change(site: &Site, row: &SatelliteRow, text: &str, known: &str) -> Result<String, HostError> {
    let before = read(&site.dir, row.recorder_id)?;
    if before.version != known {
        return Err(HostError::Conflict);
    }
    judge(site, text, row.letter).map_err(HostError::Invalid)?;
    if before.text != text {
        put(&path(&site.dir, row.recorder_id), text, row.config_version)
            .map_err(|e| HostError::Io(format!("{e:#}")))?;
    }
    Ok(tag(text))
}

/// Replaces the file. Its time must be later than that of all versions before, though the clock was set back meanwhile: a satellite
/// follows nothing older than what it has.
fn put(path: &Path, text: &str, followed: u64) -> anyhow::Result<()> {
    let before = std::fs::metadata(path).and_then(|m| m.modified()).map_or(0, number).max(followed);
    disk::replace(path, text.as_bytes())?;
    let changed = std::fs::metadata(path).and_then(|m| m.modified()).map_or(0, number);
    if changed <= before {
        let later = UNIX_EPOCH.checked_add(Duration::from_micros(before.saturating_add(1_000_000)));
        let file = std::fs::File::options().write(true).open(path)?;
        file.set_modified(later.context("the clock is beyond all times")?)?;
        file.sync_all()?;
    }
    Ok(())
}

/// Judges settings wholly, as the satellite will.
///
/// # Errors
/// A sentence that says what is wrong, with the line where it can.
fn judge(site: &Site, text: &str, letter: char) -> Result<(), String> {
    if let Err(e) = toml::from_str::<Config>(text) {
        return Err(match e.span() {
            Some(span) => {
                let above = text.get(..span.start).unwrap_or(text).matches('\n').count();
                format!("Line {}: {}", above.saturating_add(1), e.message().trim())
            }
            None => e.message().trim().to_owned(),
        });
    }
    let config = Config::parse(text).map_err(|e| e.to_string())?;
    engine_config(&config, &site.card.zone, &config.taps).map_err(|e| format!("{e:#}"))?;
    if config.site.letter != letter {
        return Err(format!(
            "site.letter is {}: this satellite's letter is {letter}, for ever",
            config.site.letter
        ));
    }
    Ok(())
}

/// Tells texts apart.
fn tag(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    view::hex(digest.get(..8).unwrap_or_default())
}

/// Reads a file together with the time of just this text. The time is the version: an older text under a newer time would keep
/// the newer text from ever being followed.
fn settled(
    path: &Path,
    mut read: impl FnMut(&Path) -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<(String, SystemTime)> {
    let modified = || {
        let changed = std::fs::metadata(path).and_then(|m| m.modified());
        changed.with_context(|| format!("cannot read {}", path.display()))
    };
    for _ in 0..TRIES {
        let before = modified()?;
        // Two writes within one tick of the disk's clock have the same time.
        if before.elapsed().is_ok_and(|age| age < SETTLED) {
            std::thread::sleep(SETTLED);
            continue;
        }
        let text = String::from_utf8_lossy(&read(path)?).into_owned();
        if modified()? == before {
            return Ok((text, before));
        }
    }
    anyhow::bail!("{} is written all the time", path.display())
}

fn sign(document: &Configuration, keys: &SiteKeys) -> anyhow::Result<Vec<u8>> {
    Ok(document.sign(&keys.central_signing())?)
}

fn path(dir: &Path, who: RecorderId) -> PathBuf {
    dir.join(FOLDER).join(format!("{}.toml", seal::fields::hex(who.bytes())))
}

/// Turns the settings of a site into those of a satellite with these interfaces. Comments stay.
fn adapted(settings: &str, letter: char, interfaces: &[String]) -> anyhow::Result<String> {
    let mut document: DocumentMut = settings.parse()?;
    for table in NOT_THEIRS {
        document.remove(table);
    }
    // There are no groups on a satellite.
    if let Some(health) = document.get_mut("health").and_then(Item::as_table_mut) {
        health.remove("groups");
    }
    if let Some(site) = document.get_mut("site").and_then(Item::as_table_mut) {
        site.insert("letter", value(letter.to_string()));
    }
    let mut taps = ArrayOfTables::new();
    for interface in interfaces {
        let mut tap = Table::new();
        tap.insert("name", value(interface.as_str()));
        tap.insert("interface", value(interface.as_str()));
        taps.push(tap);
    }
    document.remove("tap");
    if !taps.is_empty() {
        document.insert("tap", Item::ArrayOfTables(taps));
    }
    let text = document.to_string();
    Config::parse(&text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_text_is_never_read_under_the_time_of_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("south.toml");
        let put = |text: &str| disk::replace(&path, text.as_bytes()).unwrap();
        put("old");
        let mut reads = 0;
        // Somebody saves the file just after it was read.
        let read = |path: &Path| {
            let text = site::read(path)?;
            reads += 1;
            if reads == 1 {
                put("new");
            }
            Ok(text)
        };
        let (text, changed) = settled(&path, read).unwrap();
        assert_eq!((text.as_str(), reads), ("new", 2));
        assert_eq!(changed, std::fs::metadata(&path).unwrap().modified().unwrap());
        // And one that is written all the time is not signed at all.
        let restless = |path: &Path| {
            std::thread::sleep(SETTLED / 5);
            put("other");
            site::read(path)
        };
        assert!(settled(&path, restless).is_err());
    }

    #[test]
    fn a_satellite_gets_the_site_s_rules_and_its_own_taps_and_letter() {
        let text = crate::config::template("Town hall", 'A')
            .replace("exclude = []", "exclude = [\"31*\"]")
            .replace("# [[tap]]", "[[tap]]\nname = \"trunk\"\ninterface = \"eth9\"\n# [[tap]]");
        let adapted = adapted(&text, 'C', &["eth1".to_owned(), "eth2".to_owned()]).unwrap();
        let config = Config::parse(&adapted).unwrap();
        assert_eq!((config.site.letter, config.rules.exclude.as_slice()), ('C', &["31*".to_owned()][..]));
        let taps: Vec<&str> = config.taps.iter().map(|tap| tap.interface.as_str()).collect();
        assert_eq!(taps, ["eth1", "eth2"], "{adapted}");
        assert!(!adapted.contains("[web]") && !adapted.contains("[archive]"), "{adapted}");
    }
}
