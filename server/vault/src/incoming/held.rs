//! How much of a file is here, and what of it counts: steps J1 and J2 of `docs/design/recording-lifecycle.md`.

use std::io::{Read, Seek as _, SeekFrom};
use std::sync::{Arc, Mutex};

use catalogue::PartRow;
use shared::{RecorderId, RecordingId};
use store::{DiskFile, StoreError};

use super::{Answer, Held, Incoming, NotTaken, OpenFile, folder_of, not_now, path_of};
use crate::outpost::read_at;
use crate::survey::{Surveyed, buffered, survey};
use crate::vault::held;
use crate::{Refusal, Result, What};

impl Incoming {
    /// Says how much of a file is here, and opens it. `digest`: a crash cut it at the satellite; what is torn at the end of it here
    /// goes first, since the satellite may not have the rest of that any more.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn look(&self, who: RecorderId, what: What, digest: bool) -> Answer<Held> {
        self.allowed(who)?;
        let path = path_of(who, what);
        if let What::Part(id, part) = what
            && let Some(row) = self.admitted(who, (id, part))?
        {
            // What lies beside a durable copy with its row is of no use.
            if self.vault.disk.exists(&path).map_err(not_now)? {
                self.remove(who, &path).map_err(not_now)?;
            }
            let blake3 = if digest { self.digest_of_admitted(id, &row) } else { None };
            return Ok(Held { length: row.bytes, blake3 });
        }
        self.room()?;
        self.settle(who, what, &path)?;
        let open = self.open(who, what, &path)?;
        let mut open = held(&open);
        if digest {
            self.cut_torn(&mut open, what)?;
        }
        if open.file.as_ref().is_some_and(DiskFile::is_empty) {
            // Nothing of it is worth anything, and perhaps nothing ever comes: its satellite may have lost the call, too.
            open.file = None;
            self.remove(who, &path).map_err(not_now)?;
        }
        let length = open.file.as_ref().map_or(0, DiskFile::len);
        let blake3 = if digest { Some(self.digest(&path, length)?) } else { None };
        drop(open);
        if let What::Ledger(number) = what {
            self.read_ledger(who, number)?;
        }
        Ok(Held { length, blake3 })
    }

    /// Reads bytes that are held.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn read(&self, who: RecorderId, what: What, offset: u64, length: usize) -> Answer<Vec<u8>> {
        self.allowed(who)?;
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        if let What::Part(id, part) = what
            && let Some(row) = self.admitted(who, (id, part))?
        {
            let mut io = self.vault.open_part(id, &row).map_err(not_now)?;
            let mut bytes = Vec::new();
            io.seek(SeekFrom::Start(offset))
                .and_then(|_at| io.take(length).read_to_end(&mut bytes))
                .map_err(|e| not_now(StoreError::sorted("read", &row.path, e)))?;
            return Ok(bytes);
        }
        read_at(&*self.vault.disk, &path_of(who, what), offset, length).map_err(not_now)
    }

    fn open(&self, who: RecorderId, what: What, path: &str) -> Answer<Arc<Mutex<OpenFile>>> {
        let mut files = held(&self.files);
        if let Some(open) = files.get(&(who, what)) {
            return Ok(Arc::clone(open));
        }
        if files.keys().filter(|(of, _)| *of == who).count() >= self.limits.files {
            return Err(NotTaken { why: Refusal::TooMany, told: None });
        }
        let file = match self.vault.disk.open_append(path) {
            Ok(file) => Some(file),
            Err(e) if e.is_not_found() => None,
            Err(e) => return Err(not_now(e)),
        };
        let open = OpenFile { path: path.to_owned(), file, judged: false, refused: None };
        let open = Arc::new(Mutex::new(open));
        files.insert((who, what), Arc::clone(&open));
        Ok(open)
    }

    /// Removes what is of no use, durably: nobody may ever offer it again.
    fn remove(&self, who: RecorderId, path: &str) -> Result<()> {
        self.vault.disk.unlink(path)?;
        self.vault.disk.sync_dir(&folder_of(who))?;
        Ok(())
    }

    /// J1: what an earlier run left, or a failed sync made doubtful, is made good before it counts as held.
    fn settle(&self, who: RecorderId, what: What, path: &str) -> Answer<()> {
        let is_doubtful = held(&self.doubtful).remove(&(who, what));
        let is_left = held(&self.left).remove(path);
        if !is_doubtful && !is_left || !self.vault.disk.exists(path).map_err(not_now)? {
            return Ok(());
        }
        // After a failed sync what can be read may be in memory only.
        let whole = if is_doubtful { 0 } else { self.trusted(what, path).map_err(not_now)? };
        let mut file = self.vault.disk.open_append(path).map_err(not_now)?;
        file.truncate(whole).and_then(|()| file.sync()).map_err(not_now)
    }

    /// How much of a file that an earlier run left can be told from what a power cut makes of it: up to the last whole frame or record.
    /// With a hole before that nothing counts: its satellite still has it.
    fn trusted(&self, what: What, path: &str) -> Result<u64> {
        let What::Part(..) = what else { return self.trusted_ledger(path) };
        Ok(match survey(&*self.vault.disk, path)? {
            Surveyed::Walked(survey) if survey.damaged_places == 0 => match &survey.trailer {
                Some(trailer) if trailer.facts.blake3 == survey.facts().blake3 => {
                    self.vault.disk.len(path)?
                }
                Some(_) | None => survey.valid_end,
            },
            Surveyed::Walked(_) | Surveyed::Empty | Surveyed::Damaged(_) => 0,
        })
    }

    /// J2: what is behind the last whole frame goes, **sync file**. Its satellite lost the rest of it, and will put a trailer there.
    fn cut_torn(&self, open: &mut OpenFile, what: What) -> Answer<()> {
        let (What::Part(..), Some(file)) = (what, &mut open.file) else { return Ok(()) };
        let whole = match survey(&*self.vault.disk, &open.path).map_err(not_now)? {
            Surveyed::Walked(survey) if survey.trailer.is_none() => survey.valid_end,
            Surveyed::Walked(_) | Surveyed::Damaged(_) => return Ok(()),
            Surveyed::Empty => 0,
        };
        open.judged = false;
        file.truncate(whole).and_then(|()| file.sync()).map_err(not_now)
    }

    pub(super) fn digest(&self, path: &str, length: u64) -> Answer<[u8; 32]> {
        if length == 0 {
            return Ok(blake3::hash(&[]).into());
        }
        let io = buffered(&*self.vault.disk, path).map_err(not_now)?;
        digest_of(io.take(length)).map_err(|e| not_now(StoreError::sorted("read", path, e)))
    }

    fn digest_of_admitted(&self, id: RecordingId, row: &PartRow) -> Option<[u8; 32]> {
        digest_of(self.vault.open_part(id, row).ok()?).ok()
    }
}

fn digest_of(mut io: impl Read) -> std::io::Result<[u8; 32]> {
    let mut digest = blake3::Hasher::new();
    digest.update_reader(&mut io)?;
    Ok(digest.finalize().into())
}
