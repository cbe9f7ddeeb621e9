//! What a crash cut, closed with what the central holds of it: step I4 of `docs/design/recording-lifecycle.md`.
//!
//! The central may have received what the disk here lost. Only if its bytes begin with those that stand here, and their digest is the
//! one that it gave, they are appended; else the part is closed with what is here, and the central says that it differs.

use catalogue::LedgerEnding;
use seal::{Header, SigningKey};
use shared::{LedgerEnd, NotRecorded, Partly, RecordingId};
use store::DiskFile;

use super::{OutFile, Outpost, read_at};
use crate::log::now;
use crate::part::{SPOOL, spool_path};
use crate::survey::{Surveyed, close_cut, survey};
use crate::vault::held;
use crate::{Result, What};

/// Bytes of one part that are kept in memory until they prove to be right. A crash loses some seconds of a call; what is longer was
/// whole at the central before, and only its end was not noted here.
const FETCH_MAX: u64 = 64 << 20;
/// Bytes asked for at once.
const ASK_MAX: u64 = 256 << 10;

/// What the central said of a part, and what came of it so far.
#[derive(Debug)]
pub(super) struct Fetch {
    length: u64,
    blake3: [u8; 32],
    bytes: Vec<u8>,
}

/// What is to be done about a part that a crash cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resume {
    /// Ask the central for these bytes.
    Fetch {
        /// From where.
        offset: u64,
        /// How many.
        length: u32,
    },
    /// It is closed, or proved to be nothing; the news says which.
    Closed,
    /// It is not waiting: nothing is to be done.
    NotWaiting,
}

impl Outpost {
    /// The central holds `length` bytes of a part that a crash cut, with this digest. It must not be asked for more at once than
    /// [`Resume::Fetch`] says.
    ///
    /// # Errors
    /// The disk's; then the part still waits.
    pub fn central_holds(
        &self,
        what: What,
        length: u64,
        blake3: Option<[u8; 32]>,
        signer: &SigningKey,
    ) -> Result<Resume> {
        let Some(file) = self.waiting(what) else { return Ok(Resume::NotWaiting) };
        let more = length.saturating_sub(file.bytes);
        match blake3 {
            Some(blake3) if (1..=FETCH_MAX).contains(&more) => {
                // What was fetched over an earlier connection may be of another time: it begins anew.
                held(&self.resuming).insert(what, Fetch { length, blake3, bytes: Vec::new() });
                Ok(ask(file.bytes, length))
            }
            Some(_) | None => self.close(&file, signer),
        }
    }

    /// Takes bytes that the central holds beyond what stands here; the last of them closes the part.
    ///
    /// # Errors
    /// The disk's; then the part still waits.
    pub fn append_from_central(
        &self,
        what: What,
        offset: u64,
        bytes: &[u8],
        signer: &SigningKey,
    ) -> Result<Resume> {
        let Some(file) = self.waiting(what) else { return Ok(Resume::NotWaiting) };
        let mut resuming = held(&self.resuming);
        let Some(fetch) = resuming.get_mut(&what) else { return Ok(Resume::NotWaiting) };
        let have = file.bytes.saturating_add(seal::fields::len64(&fetch.bytes));
        let end = have.saturating_add(seal::fields::len64(bytes));
        if offset != have || end > fetch.length {
            return Ok(Resume::NotWaiting);
        }
        fetch.bytes.extend_from_slice(bytes);
        if end < fetch.length {
            return Ok(ask(end, fetch.length));
        }
        let Some(fetch) = resuming.remove(&what) else { return Ok(Resume::NotWaiting) };
        drop(resuming);
        let file = self.append_if_right(file, &fetch)?;
        self.close(&file, signer)
    }

    fn waiting(&self, what: What) -> Option<OutFile> {
        self.watch.file(what).filter(|file| file.unfinished)
    }

    /// I4a: one append, **sync file**; for a part that was not even here: create, append, **sync file**, **sync folder**.
    fn append_if_right(&self, file: OutFile, fetch: &Fetch) -> Result<OutFile> {
        let here = match file.name.as_str() {
            "" => Vec::new(),
            name => read_at(&*self.disk, &spool_path(name), 0, file.bytes)?,
        };
        let mut digest = blake3::Hasher::new();
        if digest.update(&here).update(&fetch.bytes).finalize() != fetch.blake3 {
            return Ok(file);
        }
        let (mut open, name) = match file.name.as_str() {
            "" => match self.begin_lost(file.what, &fetch.bytes)? {
                Some(begun) => begun,
                None => return Ok(file),
            },
            name => (self.disk.open_append(&spool_path(name))?, name.to_owned()),
        };
        // An attempt before may have failed behind its append.
        open.truncate(file.bytes)?;
        open.append(&[&fetch.bytes])?;
        open.sync()?;
        self.disk.sync_dir(SPOOL)?;
        Ok(OutFile { name, bytes: open.len(), ..file })
    }

    /// Creates the file of a part that was not even here, under the name that its header gives.
    fn begin_lost(&self, what: What, fetched: &[u8]) -> Result<Option<(DiskFile, String)>> {
        let Ok(Header { spec, .. }) = Header::parse(fetched) else { return Ok(None) };
        let is_ours = (spec.site_id, spec.recorder_id) == (self.config.site_id, self.config.recorder_id)
            && what == What::Part(spec.recording_id, spec.part);
        if !is_ours {
            return Ok(None);
        }
        let name = seal::file_name(self.config.zone.hms_of(spec.start), &spec.recording_id, spec.part);
        let path = spool_path(&name);
        if self.disk.exists(&path)? {
            // Left by an attempt that failed half-way; nothing in it was announced.
            self.disk.unlink(&path)?;
        }
        Ok(Some((self.disk.create_new(&path)?, name)))
    }

    /// I4b: closes a part with what stands in its file: D1 to D4. Then the ledger's end of its call, if that was its last.
    fn close(&self, file: &OutFile, signer: &SigningKey) -> Result<Resume> {
        let What::Part(id, _) = file.what else { return Ok(Resume::NotWaiting) };
        let path = spool_path(&file.name);
        let is_there = !file.name.is_empty();
        let surveyed = if is_there { survey(&*self.disk, &path)? } else { Surveyed::Empty };
        match surveyed {
            Surveyed::Walked(survey) => {
                if survey.trailer.is_none() {
                    close_cut(&*self.disk, &path, &survey, signer)?;
                }
                let Some((bytes, digests)) = self.own_digests(&file.name)? else {
                    return Ok(Resume::NotWaiting);
                };
                self.end_cut(id, file.what, true)?;
                self.watch.put(OutFile { bytes, sealed: Some(digests), unfinished: false, ..file.clone() });
            }
            Surveyed::Empty => {
                if is_there {
                    self.disk.unlink(&path)?;
                    self.disk.sync_dir(SPOOL)?;
                }
                self.end_cut(id, file.what, false)?;
                self.watch.gone(file.what);
            }
            // It could be walked at the start: the disk fails. The file stays for a person to look at.
            Surveyed::Damaged(_) => return Ok(Resume::NotWaiting),
        }
        Ok(Resume::Closed)
    }

    /// I4c: the entry of a call that a crash cut ends when none of its parts waits any more.
    fn end_cut(&self, id: RecordingId, closed: What, is_sealed: bool) -> Result<()> {
        let (mut waits, mut sealed) = (false, is_sealed);
        self.watch.each(|file| {
            if matches!(file.what, What::Part(of, _) if of == id) && file.what != closed {
                waits |= file.unfinished;
                sealed |= file.sealed.is_some();
            }
        });
        if waits {
            return Ok(());
        }
        let Some(entry) = held(&self.cut).remove(&id) else { return Ok(()) };
        let end = if sealed {
            LedgerEnd::Partly(Partly::Crash)
        } else {
            LedgerEnd::NotRecorded(NotRecorded::Crash)
        };
        let ending = LedgerEnding { end, rule: None, at: now().max(entry.opened_at) };
        self.spool.end(entry.ledger_no, ending)?;
        self.spool.commit().map(drop)
    }
}

fn ask(from: u64, until: u64) -> Resume {
    let length = until.saturating_sub(from).min(ASK_MAX);
    Resume::Fetch { offset: from, length: u32::try_from(length).unwrap_or(0) }
}
