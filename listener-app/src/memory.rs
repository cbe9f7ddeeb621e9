//! What this PC remembers of archives: the last time seen, the newest state of each medium, and the locations opened last.
//!
//! One file of JSON in the user's folder of settings with a code (HMAC-SHA256) over it, so that a clock cannot be set back by editing
//! it. The key of the code lies beside it, readable by the user alone: whoever is that user can forge both. What no login of this
//! program opened is never noted, so a clock that was ahead once does not lock an archive for ever.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit as _, Mac as _};
use seal::fields::{hex, unhex};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use shared::UtcMicros;
use zeroize::Zeroizing;

use crate::refusal::{Refusal, Result};

const NAME: &str = "memory.json";
const KEY_NAME: &str = "memory.key";
const LABEL: &[u8] = b"amethyst/listener/memory/v1";
/// Locations that are remembered.
const RECENT_MAX: usize = 20;
/// The file is longer than no memory of a person who listens.
const FILE_MAX: u64 = 4 << 20;

/// What is remembered of one site.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct SeenSite {
    /// The latest time at which a login was accepted, microseconds of UTC.
    pub(crate) last_us: i64,
    /// Its media by their identities.
    pub(crate) media: BTreeMap<String, SeenMedium>,
}

/// What is remembered of one medium.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct SeenMedium {
    /// Generation of its newest key vault.
    pub(crate) vault_generation: u64,
    /// Its newest checkpoint, a signed note; empty for none.
    pub(crate) checkpoint: String,
}

/// Everything.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Locations opened last, newest first.
    pub(crate) recent: Vec<String>,
    /// Sites by their identities.
    pub(crate) sites: BTreeMap<String, SeenSite>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    seen: String,
    code: String,
}

/// The folder in which it lies.
#[derive(Debug)]
pub(crate) struct Memory {
    folder: PathBuf,
}

impl Memory {
    /// Finds the folder of this user: `$XDG_CONFIG_HOME` or `~/.config`, on Windows `%APPDATA%`.
    pub(crate) fn of_user() -> Result<Self> {
        let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = || var("HOME").map(|home| home.join(".config"));
        let folder = if cfg!(windows) { var("APPDATA") } else { var("XDG_CONFIG_HOME").or_else(home) };
        let folder =
            folder.ok_or_else(|| Refusal::Memory("this user has no folder of settings".to_owned()))?;
        Ok(Self { folder: folder.join("amtlisten") })
    }

    /// Reads what is remembered; nothing at the first time.
    pub(crate) fn read(&self) -> Result<Seen> {
        let path = self.folder.join(NAME);
        let wrong = |what: &str| Refusal::Memory(format!("{}: {what}", path.display()));
        match fs::metadata(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Seen::default()),
            Ok(found) if found.len() <= FILE_MAX => {}
            Ok(_too_long) => return Err(wrong("it is too long")),
            Err(e) => return Err(wrong(&e.to_string())),
        }
        let bytes = fs::read(&path).map_err(|e| wrong(&e.to_string()))?;
        let kept: Kept = serde_json::from_slice(&bytes).map_err(|_not_json| wrong("its members"))?;
        let key = self.key().map_err(|e| wrong(&e.to_string()))?.ok_or_else(|| wrong("its key is gone"))?;
        let code = unhex(&kept.code).ok_or_else(|| wrong("its code"))?;
        mac(&key, &kept.seen).verify_slice(&code).map_err(|_other| wrong("its code does not fit"))?;
        serde_json::from_str(&kept.seen).map_err(|_of_later_version| wrong("a newer version wrote it"))
    }

    /// Writes it, whole or not at all.
    pub(crate) fn write(&self, seen: &Seen) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let key = match self.key()? {
            Some(key) => key,
            None => self.draw_key()?,
        };
        let seen = serde_json::to_string(seen).map_err(io::Error::other)?;
        let code = hex(&mac(&key, &seen).finalize().into_bytes());
        let text = serde_json::to_vec(&Kept { seen, code }).map_err(io::Error::other)?;
        let beside = self.folder.join(format!("{NAME}.{}.part", std::process::id()));
        let mut file = private(&beside, true)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&beside, self.folder.join(NAME))
    }

    fn key(&self) -> io::Result<Option<Zeroizing<[u8; 32]>>> {
        match fs::read(self.folder.join(KEY_NAME)).map(Zeroizing::new) {
            Ok(bytes) => Ok(<[u8; 32]>::try_from(bytes.as_slice()).ok().map(Zeroizing::new)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn draw_key(&self) -> io::Result<Zeroizing<[u8; 32]>> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut_slice()).map_err(io::Error::other)?;
        let mut file = private(&self.folder.join(KEY_NAME), true)?;
        file.write_all(key.as_slice())?;
        file.sync_all()?;
        Ok(key)
    }
}

impl Seen {
    /// Puts a location before the others.
    pub(crate) fn opened(&mut self, location: &Path) {
        let location = location.to_string_lossy().into_owned();
        self.recent.retain(|known| *known != location);
        self.recent.insert(0, location);
        self.recent.truncate(RECENT_MAX);
    }

    /// Returns the latest time seen with a site.
    pub(crate) fn last(&self, site: &str) -> Option<UtcMicros> {
        self.sites.get(site).map(|site| UtcMicros(site.last_us))
    }
}

fn mac(key: &[u8; 32], text: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(LABEL);
    mac.update(text.as_bytes());
    mac
}

/// Opens a file for writing that nobody else may read.
pub(crate) fn private(path: &Path, replace: bool) -> io::Result<fs::File> {
    let mut how = OpenOptions::new();
    how.write(true).create(replace).truncate(replace).create_new(!replace);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
    how.open(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn memory(folder: &Path) -> Memory {
        Memory { folder: folder.join("amtlisten") }
    }

    #[test]
    fn what_was_seen_comes_back_and_is_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let memory = memory(folder.path());
        assert_eq!(memory.read().unwrap(), Seen::default());
        let mut seen = Seen::default();
        seen.sites.insert("s".into(), SeenSite { last_us: 7, media: BTreeMap::new() });
        for n in 0..30 {
            seen.opened(Path::new(&format!("/drive/{}", n % 25)));
        }
        memory.write(&seen).unwrap();
        let read = memory.read().unwrap();
        assert_eq!((&read, read.last("s"), read.last("other")), (&seen, Some(UtcMicros(7)), None));
        assert_eq!((read.recent.len(), read.recent[0].as_str()), (20, "/drive/4"));
        #[cfg(unix)]
        for name in [NAME, KEY_NAME] {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(memory.folder.join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_memory_that_was_edited_or_lost_its_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let memory = memory(folder.path());
        let mut seen = Seen::default();
        seen.sites.insert("s".into(), SeenSite { last_us: 1_234_567, media: BTreeMap::new() });
        memory.write(&seen).unwrap();
        let path = memory.folder.join(NAME);
        let text = fs::read_to_string(&path).unwrap();
        for edited in [text.replace("1234567", "1"), String::new(), "{}".to_owned()] {
            fs::write(&path, &edited).unwrap();
            assert!(matches!(memory.read(), Err(Refusal::Memory(_))), "{edited}");
        }
        fs::write(&path, &text).unwrap();
        fs::remove_file(memory.folder.join(KEY_NAME)).unwrap();
        assert!(memory.read().unwrap_err().to_string().contains("key is gone"));
    }
}
