//! From `incoming` into `live`, the log and the catalogue: steps J3 to J7 of `docs/design/recording-lifecycle.md`. The way behind the
//! proof is that of every part (C5 to C7); only the ledger is the satellite's own.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;

use catalogue::{PartKey, RecordingRow};
use seal::{Fault, Part, SealError, Signer, Trailer, VerifyingKey};
use shared::{Day, RecorderId};

use super::days::note_days;
use super::write::differs;
use super::{Answer, Incoming, NotTaken, TakeWith, Whole, not_now, path_of};
use crate::admit::{AdmitReport, Closed};
use crate::survey::{buffered, trailer_of};
use crate::vault::held;
use crate::{Digests, Refusal, VaultError, What};

/// Up to so many files are synced one by one; more of them by one `syncfs`.
const FEW: usize = 8;

/// A part that is proven, and its row.
struct Proven {
    key: PartKey,
    closed: Closed,
}

impl Incoming {
    /// Takes parts in that their satellites say are whole: each is proven, made durable, moved into `live`, and entered into log and
    /// catalogue. Answers for each, in order: its leaf, or why not. What is in already is answered with the same leaf again.
    ///
    /// Many at once cost fewer syncs than each alone. Cut at any step nothing is lost: it is offered again.
    pub fn take_in(&self, batch: &[Whole], with: &TakeWith<'_>) -> Vec<Answer<u64>> {
        // How entries ended, before the parts that ask for it.
        let told = self.enter_ledgers();
        let prove = |whole: &Whole| match &told {
            Ok(()) => self.prove(whole, with),
            Err(e) => Err(cannot(e)),
        };
        // Gigabytes may be read for a proof. Nobody waits for another's: only what follows is done by one at a time.
        let found: Vec<Answer<Found>> = batch.iter().map(prove).collect();
        let mut taken = held(&self.vault.taking);
        let mut answers: Vec<Option<Answer<u64>>> = Vec::with_capacity(batch.len());
        let mut proven: Vec<Proven> = Vec::new();
        for (whole, found) in batch.iter().zip(found) {
            answers.push(match found {
                Ok(Found::Leaf(leaf)) => Some(Ok(leaf)),
                Ok(Found::Proven(part)) => match self.still_new(whole.who, part.key, &proven) {
                    Ok(()) => {
                        proven.push(*part);
                        None
                    }
                    Err(not) => Some(Err(not)),
                },
                Err(not) => Some(Err(not)),
            });
        }
        let mut entered = self.admit(proven, &mut taken);
        let mut rest = |whole: &Whole| match whole.what {
            What::Part(id, part) => entered.remove(&(id, part)),
            What::Ledger(_) => None,
        };
        let both = answers.into_iter().zip(batch);
        both.map(|(answer, whole)| answer.or_else(|| rest(whole)).unwrap_or_else(|| Err(later()))).collect()
    }

    /// While it was proven another may have entered the same recording, or stands before it in this batch: one of both waits until the
    /// other has its row, and is judged by that.
    fn still_new(&self, who: RecorderId, key: PartKey, before: &[Proven]) -> Answer<()> {
        let is_anothers = |part: &Proven| part.key.0 == key.0 && part.closed.row.facts.recorder_id != who;
        if before.iter().any(|part| is_anothers(part) || part.key == key)
            || self.admitted(who, key)?.is_some()
        {
            return Err(later());
        }
        Ok(())
    }

    /// J3: everything that can be wrong with a part, before anything is done.
    fn prove(&self, whole: &Whole, with: &TakeWith<'_>) -> Answer<Found> {
        let Whole { who, what, size, digests } = *whole;
        let signer = self.allowed(who)?;
        let What::Part(id, number) = what else {
            let told = format!("satellite {who} says that {what} is whole: such a file never is");
            return Err(NotTaken { why: Refusal::Unsound, told: Some(told) });
        };
        if let Some(row) = self.admitted(who, (id, number))? {
            let same = (row.bytes, row.sha256, row.blake3) == (size, digests.sha256, digests.blake3);
            if !same {
                return Err(differs(who, what, row.bytes));
            }
            let leaf = self.vault.catalogue.leaf_of((id, number)).map_err(not_now)?;
            return leaf.map(Found::Leaf).ok_or(NotTaken { why: Refusal::NotNow, told: None });
        }
        let path = path_of(who, what);
        let unsound = |text: String| {
            let told =
                format!("{what}, sent by satellite {who}, is not taken in, and lies in {path}: {text}");
            NotTaken { why: Refusal::Unsound, told: Some(told) }
        };
        if !self.vault.disk.exists(&path).map_err(not_now)? {
            return Err(NotTaken { why: Refusal::NotNow, told: None });
        }
        let Some((length, trailer)) = trailer_of(&*self.vault.disk, &path).map_err(not_now)? else {
            return Err(unsound("it has no trailer".to_owned()));
        };
        let facts = Digests { sha256: trailer.facts.sha256, blake3: trailer.facts.blake3 };
        if (length, facts) != (size, digests) {
            return Err(unsound("its trailer has other digests than its satellite says".to_owned()));
        }
        let verified = self.verify(who, (id, number), &path, &signer);
        let row = verified.and_then(|()| self.open_row(who, &path, &trailer, &signer, with));
        let row = row.map_err(|doubt| match doubt {
            Doubt::Unsound(text) => unsound(text),
            Doubt::Not(not) => not,
        })?;
        let name = seal::file_name(self.vault.config.zone.hms_of(row.part.started_at), &id, number);
        let closed = Closed { from: path, name, row };
        Ok(Found::Proven(Box::new(Proven { key: (id, number), closed })))
    }

    /// Structure, both digests and the signature of the satellite, without a key.
    fn verify(&self, who: RecorderId, key: PartKey, path: &str, signer: &VerifyingKey) -> Result<(), Doubt> {
        let io = buffered(&*self.vault.disk, path).map_err(|e| Doubt::Not(cannot(&e)))?;
        let known = |id| (signer.key_id() == id).then_some(*signer);
        let report = seal::verify(io, &known).map_err(|e| Doubt::Not(unreadable(path, e)))?;
        let spec = report.header.as_ref().map(|header| &header.spec);
        let is_its = spec.is_some_and(|spec| {
            (spec.site_id, spec.recorder_id) == (self.vault.config.site_id, who)
                && (spec.recording_id, spec.part) == key
        });
        if !is_its {
            return Err(Doubt::Unsound("its header names another".to_owned()));
        }
        if !matches!(report.signer, Some(Signer::Good(_))) {
            return Err(Doubt::Unsound("its trailer is not signed with its satellite's key".to_owned()));
        }
        let says_damaged = report.trailer.as_ref().is_some_and(|trailer| trailer.damaged_inside);
        let is_known =
            |fault: &Fault| says_damaged && matches!(fault, Fault::Damage { .. } | Fault::FrameCount);
        match report.findings.iter().find(|finding| !is_known(&finding.fault)) {
            Some(finding) => Err(Doubt::Unsound(format!("{} (at {})", finding.fault, finding.offset))),
            None => Ok(()),
        }
    }

    /// Opens every frame, and reads the row. Without the day's key it waits.
    fn open_row(
        &self,
        who: RecorderId,
        path: &str,
        trailer: &Trailer,
        signer: &VerifyingKey,
        with: &TakeWith<'_>,
    ) -> Result<RecordingRow, Doubt> {
        let keys = (|id| with.keys.secret(id), |id| (signer.key_id() == id).then_some(*signer));
        let opened = |e: SealError| {
            if matches!(e, SealError::NoKey(_)) {
                Doubt::Not(locked())
            } else if matches!(e, SealError::Io(_)) {
                Doubt::Not(unreadable(path, e))
            } else {
                Doubt::Unsound(e.to_string())
            }
        };
        let io = buffered(&*self.vault.disk, path).map_err(|e| Doubt::Not(cannot(&e)))?;
        let mut part = Part::open(io, &keys, with.min_suite).map_err(opened)?;
        if trailer.damaged_inside {
            // Its runs have holes; what there is must open all the same.
            part.frames(0, |_head, _plain| ControlFlow::Continue(())).map_err(opened)?;
        } else {
            part.check().map_err(opened)?;
        }
        let row = self.vault.row_in(&mut part, path, trailer).map_err(|e| {
            if let VaultError::Seal { source, .. } = e { opened(source) } else { Doubt::Not(cannot(&e)) }
        })?;
        let letter = self.vault.satellite(who).map_err(|e| Doubt::Not(cannot(&e)))?.map(|row| row.letter);
        if letter != Some(row.facts.reference.letter) {
            return Err(Doubt::Unsound("its reference has the letter of another recorder".to_owned()));
        }
        Ok(row)
    }

    /// J4 to J7 for what is proven. Returns what became of each.
    fn admit(&self, proven: Vec<Proven>, taken: &mut BTreeSet<Day>) -> HashMap<PartKey, Answer<u64>> {
        let mut answers = HashMap::new();
        if proven.is_empty() {
            return answers;
        }
        if let Err(e) = self.make_durable(&proven, taken) {
            answers.extend(proven.iter().map(|part| (part.key, Err(cannot(&e)))));
            return answers;
        }
        for part in &proven {
            // It grows no more: whoever listens holds its file open, whatever it is called.
            self.close(part);
        }
        let mut report = AdmitReport::default();
        let rows = self.vault.move_to_live(proven.into_iter().map(|part| part.closed), &mut report);
        self.vault.enter(rows, &mut report);
        self.vault.log_between(&mut report);
        for left in &report.left {
            answers.insert((left.recording_id, left.part), Err(cannot(&left.why)));
        }
        for admitted in &report.admitted {
            let key = (admitted.row.facts.recording_id, admitted.row.part.part);
            let leaf = admitted.row.leaf.filter(|_| admitted.entered);
            let told = || report.trouble.as_ref().and_then(|e| cannot(e).told);
            answers.insert(key, leaf.ok_or_else(|| NotTaken { why: Refusal::NotNow, told: told() }));
        }
        answers
    }

    /// J4: **sync** the files, and note their days.
    fn make_durable(&self, proven: &[Proven], taken: &mut BTreeSet<Day>) -> crate::Result<()> {
        if proven.len() <= FEW {
            for part in proven {
                self.vault.disk.open_append(&part.closed.from)?.sync()?;
            }
        } else {
            self.vault.sync_all()?;
        }
        let days: BTreeSet<_> = proven.iter().map(|part| part.closed.row.part.day).collect();
        note_days(&*self.vault.disk, &days, taken)
    }

    fn close(&self, part: &Proven) {
        let who = part.closed.row.facts.recorder_id;
        let what = What::Part(part.key.0, part.key.1);
        held(&self.files).remove(&(who, what));
        held(&self.unsynced).remove(&(who, what));
        held(&self.watched).done((who, what));
    }
}

enum Found {
    /// It is in, under this leaf.
    Leaf(u64),
    Proven(Box<Proven>),
}

enum Doubt {
    Unsound(String),
    Not(NotTaken),
}

/// It is offered again, and answered then.
const fn later() -> NotTaken {
    NotTaken { why: Refusal::NotNow, told: None }
}

fn locked() -> NotTaken {
    let told = "recordings of satellites wait, because the key store is locked: unlock it, and they are taken in. Nothing is lost";
    NotTaken { why: Refusal::NotNow, told: Some(told.to_owned()) }
}

fn unreadable(path: &str, e: SealError) -> NotTaken {
    not_now(VaultError::Seal { path: path.to_owned(), source: e })
}

fn cannot(e: &VaultError) -> NotTaken {
    let told = format!("what a satellite sent cannot be taken in now: {e}");
    NotTaken { why: Refusal::NotNow, told: Some(told) }
}
