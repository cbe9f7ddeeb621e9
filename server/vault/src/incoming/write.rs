//! Bytes as they come: compared with what is held, judged by their header, appended. Step J3 of `docs/design/recording-lifecycle.md`.

use std::sync::{Arc, Mutex};

use seal::{Header, SealError};
use shared::RecorderId;
use store::DiskFile;

use super::{Answer, Incoming, NotTaken, OpenFile, folder_of, not_now};
use crate::outpost::read_at;
use crate::vault::held;
use crate::{Refusal, What};

/// No header is longer; a file that is longer and has none is none of ours.
const HEADER_MAX: usize = 16 << 10;
/// No sealer makes a part longer than this.
const PART_MAX: u64 = 4 << 30;
/// No ledger file is longer: 16 MiB, and what it carries over.
pub(super) const LEDGER_MAX: u64 = 64 << 20;

impl Incoming {
    /// Writes bytes at the end of a file, or compares them with what stands there. Returns how much of it is held then.
    ///
    /// # Errors
    /// [`NotTaken`]; nothing that was held has changed.
    pub fn write(&self, who: RecorderId, what: What, offset: u64, bytes: &[u8]) -> Answer<u64> {
        let open = self.opened(who, what)?;
        let mut open = held(&open);
        if let Some(refused) = &open.refused {
            return Err(refused.clone());
        }
        let length = open.file.as_ref().map_or(0, DiskFile::len);
        let end = offset.saturating_add(seal::fields::len64(bytes));
        let most = if matches!(what, What::Ledger(_)) { LEDGER_MAX } else { PART_MAX };
        if offset > length || end > most {
            return Err(NotTaken {
                why: Refusal::Unsound,
                told: Some(format!("{what} of {who} is longer than any may be")),
            });
        }
        let known = usize::try_from(length.saturating_sub(offset)).unwrap_or(usize::MAX).min(bytes.len());
        let (again, new) = bytes.split_at_checked(known).unwrap_or((bytes, &[]));
        if !again.is_empty() {
            let stands = read_at(&*self.vault.disk, &open.path, offset, seal::fields::len64(again));
            if stands.map_err(not_now)? != again {
                return Err(differs(who, what, offset));
            }
        }
        if !new.is_empty() {
            self.room()?;
            self.append(who, what, &mut open, new)?;
        }
        let length = open.file.as_ref().map_or(0, DiskFile::len);
        drop(open);
        if let What::Ledger(number) = what {
            self.read_ledger(who, number)?;
        }
        Ok(length)
    }

    fn append(&self, who: RecorderId, what: What, open: &mut OpenFile, new: &[u8]) -> Answer<()> {
        if !open.judged {
            self.judge(who, what, open, new)?;
        }
        if open.file.is_none() {
            let folder = folder_of(who);
            self.vault.disk.mkdir_all(&folder).map_err(not_now)?;
            open.file = Some(self.vault.disk.create_new(&open.path).map_err(not_now)?);
        }
        let Some(file) = &mut open.file else { return Err(NotTaken { why: Refusal::NotNow, told: None }) };
        let written = file.append(&[new]);
        held(&self.unsynced).insert((who, what));
        if let Err(e) = written {
            if file.is_poisoned() {
                held(&self.doubtful).insert((who, what));
            }
            // It is opened anew when it is offered again.
            held(&self.files).remove(&(who, what));
            return Err(not_now(e));
        }
        Ok(())
    }

    /// Looks at the beginning of a file, with what is about to be written, as soon as its header can be whole.
    fn judge(&self, who: RecorderId, what: What, open: &mut OpenFile, new: &[u8]) -> Answer<()> {
        let mut start = match &open.file {
            None => Vec::new(),
            Some(_) => read_at(&*self.vault.disk, &open.path, 0, seal::fields::len64(&[0_u8; HEADER_MAX]))
                .map_err(not_now)?,
        };
        start.extend(new.iter().take(HEADER_MAX));
        let judged = match what {
            What::Ledger(number) => self.judge_ledger(who, number, &start)?,
            What::Part(id, part) => match Header::parse(&start) {
                Err(SealError::HeaderCut) if start.len() < HEADER_MAX => None,
                Err(e) => Some(Err((Refusal::Unsound, e.to_string()))),
                Ok(header) => {
                    let spec = &header.spec;
                    let is_its = (spec.site_id, spec.recorder_id) == (self.vault.config.site_id, who)
                        && (spec.recording_id, spec.part) == (id, part);
                    Some(is_its.then_some(()).ok_or_else(|| {
                        (
                            Refusal::Foreign,
                            "its header names another site, recorder, recording or part".to_owned(),
                        )
                    }))
                }
            },
        };
        match judged {
            None => Ok(()),
            Some(Ok(())) => {
                open.judged = true;
                Ok(())
            }
            Some(Err((why, text))) => {
                let told = Some(format!("{what}, sent by satellite {who}, is not taken: {text}"));
                // Only the beginning of a header lies here, and it is not worth anything.
                if open.file.take().is_some() {
                    self.vault.disk.unlink(&open.path).map_err(not_now)?;
                }
                let refused = NotTaken { why, told };
                open.refused = Some(refused.clone());
                Err(refused)
            }
        }
    }

    fn opened(&self, who: RecorderId, what: What) -> Answer<Arc<Mutex<OpenFile>>> {
        held(&self.files).get(&(who, what)).cloned().ok_or(NotTaken { why: Refusal::NotNow, told: None })
    }
}

pub(super) fn differs(who: RecorderId, what: What, offset: u64) -> NotTaken {
    let told = format!(
        "satellite {who} sends other bytes of {what} at {offset} than it sent before. Nothing was changed. Its disk fails, or somebody \
         has altered one of the two copies: keep both and compare them"
    );
    NotTaken { why: Refusal::Differs, told: Some(told) }
}
