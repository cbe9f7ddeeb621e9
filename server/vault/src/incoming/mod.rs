//! What comes from satellites: parts that grow here while the call goes on, and the files of their ledgers.
//!
//! `incoming/<recorder id>/<13 symbols>.amx` and `ledger-<number>.aml` hold what came so far. Whole and proven, a part takes the same
//! way into `live`, the log and the catalogue as any other ([`Incoming::take_in`]). Section J of
//! `docs/design/recording-lifecycle.md`; the tests cut it at each step.
//!
//! What must hold:
//! 1. What is held is never written over: equal bytes are taken again, others are refused and told to a person.
//! 2. Nobody brings anything in another's name: the header names the recorder of the certificate, the trailer is signed with its key.
//! 3. A leaf is answered only for a part that is durable, in the catalogue and in the log; the same one however often it is asked for.
//! 4. A satellite costs a bounded amount: so many files open, so many bytes a file, and never the room that recording needs.

mod check;
mod days;
mod held;
mod ledger;
mod take;
mod write;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use seal::{KeyRing, RecipientType};
use shared::RecorderId;
use store::{Disk, DiskFile, EntryKind};

use crate::vault::held;
use crate::{Digests, Refusal, Result, Vault, VaultError, What, journal};

pub(crate) use days::{days_taken_in, forget_days};

/// The folder of what comes from satellites.
pub(crate) const INCOMING: &str = "incoming";

/// How much one satellite may cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IncomingLimits {
    /// Files of one satellite that are open at once.
    pub files: usize,
    /// Bytes of the disk that are left to recording: nothing is taken when less is free.
    pub keep_free: u64,
}

impl Default for IncomingLimits {
    fn default() -> Self {
        Self { files: 2_048, keep_free: 2 << 30 }
    }
}

/// What of a file is here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held {
    /// Bytes.
    pub length: u64,
    /// BLAKE3 of these, if it was asked for and they can be read.
    pub blake3: Option<[u8; 32]>,
}

/// A part that its satellite says is whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Whole {
    /// Who brings it.
    pub who: RecorderId,
    /// Which.
    pub what: What,
    /// Its length, trailer included.
    pub size: u64,
    /// Its digests, as the satellite says.
    pub digests: Digests,
}

/// The keys for what comes in.
#[derive(Clone, Copy)]
pub struct TakeWith<'a> {
    /// Opens what was sealed, as far as the key store is unlocked; with an empty ring nothing is taken in, and nothing lost.
    pub keys: &'a (dyn KeyRing + Sync),
    /// The weakest recipient that the site allows.
    pub min_suite: RecipientType,
}

impl fmt::Debug for TakeWith<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TakeWith(..)")
    }
}

/// Why something was not taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotTaken {
    /// What the satellite is told.
    pub why: Refusal,
    /// What a person is to be told, if one must do something.
    pub told: Option<String>,
}

/// Something about a satellite that a person must look at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alarm {
    /// Which satellite.
    pub who: RecorderId,
    /// Which of its files.
    pub what: What,
    /// What is wrong, in a sentence.
    pub text: String,
}

/// What was taken, or why not.
pub type Answer<T> = std::result::Result<T, NotTaken>;

/// What comes from satellites. Shared between threads.
pub struct Incoming {
    vault: Arc<Vault>,
    limits: IncomingLimits,
    files: Mutex<HashMap<(RecorderId, What), Arc<Mutex<OpenFile>>>>,
    ledgers: Mutex<ledger::Ledgers>,
    watched: Mutex<check::Watched>,
    alarms: Mutex<Vec<Alarm>>,
    /// Files that were written since the last sync.
    unsynced: Mutex<HashSet<(RecorderId, What)>>,
    /// Files that an earlier run left, by their paths: a crash may have torn them, or left holes in them.
    left: Mutex<HashSet<String>>,
    /// Files of which nobody knows what the disk has, because a sync failed: they are asked for from their beginning.
    doubtful: Mutex<HashSet<(RecorderId, What)>>,
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Incoming({:?})", self.vault)
    }
}

/// A file that grows here.
#[derive(Debug)]
struct OpenFile {
    path: String,
    /// `None`: nothing of it came yet.
    file: Option<DiskFile>,
    /// Its header was whole and right.
    judged: bool,
    /// Something of it proved to be wrong: nothing more is taken.
    refused: Option<NotTaken>,
}

impl Incoming {
    /// Begins to take from satellites into a vault that is open for recording.
    ///
    /// # Errors
    /// The disk's.
    pub fn new(vault: Arc<Vault>, limits: IncomingLimits) -> Result<Self> {
        vault.disk.mkdir_all(INCOMING)?;
        let left = held_files(&*vault.disk)?.into_iter().collect();
        Ok(Self {
            vault,
            left: Mutex::new(left),
            limits,
            files: Mutex::default(),
            ledgers: Mutex::default(),
            watched: Mutex::default(),
            alarms: Mutex::default(),
            unsynced: Mutex::default(),
            doubtful: Mutex::default(),
        })
    }

    /// Makes durable what came: call it every five seconds. Enters what the ledgers said.
    ///
    /// # Errors
    /// The disk's or the catalogue's.
    pub fn sync(&self) -> Result<()> {
        let written = std::mem::take(&mut *held(&self.unsynced));
        if !written.is_empty()
            && let Err(e) = self.vault.sync_all()
        {
            held(&self.doubtful).extend(written);
            held(&self.files).clear();
            return Err(e);
        }
        self.enter_ledgers()
    }

    /// The connection of a satellite ended: its files are closed. What came of them stays.
    pub fn gone(&self, who: RecorderId) {
        let closed: Vec<_> = held(&self.files).extract_if(|(of, _), _| *of == who).collect();
        for (key, open) in closed {
            if held(&open).file.as_ref().is_some_and(DiskFile::is_poisoned) {
                held(&self.doubtful).insert(key);
            }
        }
        held(&self.watched).gone(who);
    }

    /// Returns what is to be told to a person since the last call.
    #[must_use]
    pub fn alarms(&self) -> Vec<Alarm> {
        std::mem::take(&mut held(&self.alarms))
    }

    fn alarm(&self, who: RecorderId, what: What, text: String) {
        tracing::error!(satellite = %who, file = %what, "{text}");
        let mut alarms = held(&self.alarms);
        // Whoever makes thousands of them is told of by the first.
        if alarms.len() < 1_000 {
            alarms.push(Alarm { who, what, text });
        }
    }

    /// Only a satellite that has its row and was not revoked brings anything.
    fn allowed(&self, who: RecorderId) -> Answer<seal::VerifyingKey> {
        let row = self.vault.satellite(who).map_err(not_now)?.filter(|row| row.revoked.is_none());
        let key = row.and_then(|row| seal::VerifyingKey::from_bytes(&row.signing_key).ok());
        key.ok_or_else(|| NotTaken {
            why: Refusal::Foreign,
            told: Some(format!("{who} is no satellite of this site, or was revoked, and sends all the same")),
        })
    }

    /// Recording goes before: nothing is taken when the disk is nearly full.
    fn room(&self) -> Answer<()> {
        if self.vault.free_bytes().map_err(not_now)? >= self.limits.keep_free {
            return Ok(());
        }
        let told = "the disk of the central is nearly full: nothing is taken from satellites until there is room. They keep everything; \
                    purge or enlarge the disk";
        Err(NotTaken { why: Refusal::NotNow, told: Some(told.to_owned()) })
    }

    /// Returns the row of a part that is admitted; refuses one of another recorder's recording.
    fn admitted(
        &self,
        who: RecorderId,
        (id, part): catalogue::PartKey,
    ) -> Answer<Option<catalogue::PartRow>> {
        let Some(recording) = self.vault.recording(id).map_err(not_now)? else { return Ok(None) };
        if recording.facts.recorder_id != who {
            return Err(NotTaken {
                why: Refusal::Foreign,
                told: Some(format!(
                    "satellite {who} offers part {part} of recording {id}, which is here from recorder {}: nothing was taken",
                    recording.facts.recorder_id
                )),
            });
        }
        Ok(recording.parts.into_iter().find(|row| row.part == part))
    }
}

/// The central cannot, for a reason of its own.
fn not_now(e: impl Into<VaultError>) -> NotTaken {
    let e: VaultError = e.into();
    NotTaken { why: Refusal::NotNow, told: Some(format!("what a satellite sends cannot be taken now: {e}")) }
}

fn folder_of(who: RecorderId) -> String {
    format!("{INCOMING}/{}", seal::fields::hex(who.bytes()))
}

/// Where a file lies that comes from a satellite.
fn path_of(who: RecorderId, what: What) -> String {
    let name = match what {
        What::Ledger(number) => journal::file_name(number),
        What::Part(id, part) => format!("{}.amx", seal::name_symbols(&id, part)),
    };
    format!("{}/{name}", folder_of(who))
}

/// Finds files of parts that satellites are sending: all of them, by their paths.
pub(crate) fn growing(disk: &dyn Disk) -> Result<Vec<String>> {
    Ok(held_files(disk)?.into_iter().filter(|path| path.ends_with(".amx")).collect())
}

/// Finds files of parts that one satellite is sending, by their paths.
pub(crate) fn growing_of(disk: &dyn Disk, who: RecorderId) -> Result<Vec<String>> {
    let folder = folder_of(who);
    let names = listed(disk, &folder, EntryKind::File)?.into_iter().filter(|name| name.ends_with(".amx"));
    Ok(names.map(|name| format!("{folder}/{name}")).collect())
}

/// Lists what is here of all satellites, by paths.
fn held_files(disk: &dyn Disk) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    for folder in listed(disk, INCOMING, EntryKind::Folder)? {
        let folder = format!("{INCOMING}/{folder}");
        paths.extend(listed(disk, &folder, EntryKind::File)?.iter().map(|name| format!("{folder}/{name}")));
    }
    Ok(paths)
}

/// Returns the names of one kind in a folder, none if it is not there.
fn listed(disk: &dyn Disk, folder: &str, kind: EntryKind) -> Result<Vec<String>> {
    match disk.list(folder) {
        Ok(entries) => {
            Ok(entries.into_iter().filter(|entry| entry.kind == kind).map(|entry| entry.name).collect())
        }
        Err(e) if e.is_not_found() => Ok(Vec::new()),
        Err(e) => Err(e.into()),
    }
}
