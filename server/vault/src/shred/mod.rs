//! The end of keeping: the keys of a day are destroyed, or one recording is. Procedure of `docs/design/shredding.md`; the numbers below
//! are its steps.
//!
//! [`Shreddable`] is the only permission. Two ways lead to one: retention is over for **every** recording of the day
//! ([`Vault::shreddable`]), or two persons ordered it ([`Vault::ordered_shred`]), which beats a minimum of retention. **No way leads past a
//! hold**; whether one stands is asked again in the transaction behind which keys go. From that transaction on nothing of it is opened,
//! and a crash is gone on with by [`Vault::go_on_shredding`], at whatever step it came.

mod judge;

use std::collections::BTreeSet;

use archive::log::{Act, Shred};
use catalogue::{By, NewShred, ShredJudged, ShredOnMedium, ShredRow, ShredState, ShredWhat};
use shared::{Day, MediaId, RecordingId, UtcMicros};

pub use judge::{DayKept, Shreddable};

use crate::holds::{actor_of, salted};
use crate::{Result, Vault, VaultError};

/// Central's key store, as far as destroying goes. The program has one; the vault knows no private key.
pub trait DayKeys {
    /// Returns the names of the keys of a day.
    fn of_day(&self, day: Day) -> Vec<[u8; 8]>;
    /// Forgets keys by their names, **durably when it returns**, and gives them to nobody any more; those that are not there are
    /// fine. Nothing may be sealed to them from then on.
    ///
    /// # Errors
    /// The disk's, in words: then they may still be there.
    fn forget(&self, keys: &[[u8; 8]]) -> std::result::Result<(), String>;
}

/// What is said of a destruction by whoever asks for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShredWords {
    /// Why.
    pub reason: String,
    /// Drawn by the caller: the log has the digest of salt and reason.
    pub salt: [u8; 32],
    /// Who asks, and when.
    pub by: By,
}

impl Vault {
    /// Enters that somebody orders a destruction, whatever retention says. It waits for a second person.
    ///
    /// # Errors
    /// [`VaultError::NoSuchRecording`], [`VaultError::DayNotOver`], or the catalogue's: no reason, the same is under way.
    pub fn ask_shred(&self, what: ShredWhat, words: &ShredWords) -> Result<ShredRow> {
        self.is_over(what, words.by.at)?;
        Ok(self.catalogue.ask_shred(&new(what, true, words))?)
    }

    /// Enters that a second person orders it, too. [`Self::ordered_shred`] comes next.
    ///
    /// # Errors
    /// [`VaultError::TwoPersons`], or the catalogue's: it does not wait.
    pub fn confirm_shred(&self, shred_id: u64, by: &By) -> Result<ShredRow> {
        let row = self.catalogue.shred(shred_id)?;
        let are_two = by.user.is_some() && row.asked.user.is_some() && by.user != row.asked.user;
        if !are_two {
            return Err(VaultError::TwoPersons);
        }
        Ok(self.catalogue.second_shred(shred_id, by)?)
    }

    /// Takes back what somebody asked for, before it is intended.
    ///
    /// # Errors
    /// The catalogue's: it is intended, done, or cancelled.
    pub fn cancel_shred(&self, shred_id: u64, by: &By) -> Result<ShredRow> {
        Ok(self.catalogue.cancel_shred(shred_id, by)?)
    }

    /// Returns the last destructions with what became of them on each medium, the newest first.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn shreds(&self, limit: u32) -> Result<Vec<ShredRow>> {
        Ok(self.catalogue.shreds(limit)?)
    }

    /// Returns one destruction.
    ///
    /// # Errors
    /// The catalogue's: there is none.
    pub fn shred_row(&self, shred_id: u64) -> Result<ShredRow> {
        Ok(self.catalogue.shred(shred_id)?)
    }

    /// Returns recordings that were destroyed alone, with their days.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn tombstones(&self) -> Result<Vec<(RecordingId, Day)>> {
        Ok(self.catalogue.tombstones()?)
    }

    /// Returns what is to be removed from a medium.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn shreds_on(&self, medium: MediaId) -> Result<Vec<ShredOnMedium>> {
        Ok(self.catalogue.shreds_on(medium)?)
    }

    /// Notes that a medium holds nothing of these destructions any more.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn shredded_on(&self, medium: MediaId, shreds: &[u64], at: UtcMicros) -> Result<()> {
        Ok(self.catalogue.shredded_on(medium, shreds, at)?)
    }

    /// Returns since when a recording is destroyed; `None`: it is not.
    ///
    /// # Errors
    /// The catalogue's.
    pub fn shredded_at(&self, id: RecordingId) -> Result<Option<UtcMicros>> {
        Ok(self.catalogue.shredded_at(id)?)
    }

    /// Destroys, or says what keeps it back. When it returns well, nothing on this machine opens it; what lies on media is in
    /// [`ShredRow::media`].
    ///
    /// 1. leaf 6 durable; 2. the intent in one transaction, judged again; 3. keys leave the key store; 4. live and fetched files are
    ///    removed; 5. that it is done here.
    ///
    /// # Errors
    /// The log's, the catalogue's, the key store's or the disk's. After step 2 [`Self::go_on_shredding`] goes on.
    pub fn shred(
        &self,
        permission: Shreddable,
        words: &ShredWords,
        keys: &dyn DayKeys,
        now: UtcMicros,
    ) -> Result<std::result::Result<ShredRow, DayKept>> {
        let Shreddable { what, order, .. } = permission;
        self.is_over(what, now)?;
        let row = match order {
            Some(row) => *row,
            None => self.catalogue.ask_shred(&new(what, false, words))?,
        };
        // 1
        let leaf = self.append_act(act(&row), actor_of(&row.asked))?;
        // 2
        let names = match what {
            ShredWhat::Day(day) => keys.of_day(day),
            ShredWhat::Recording(..) => Vec::new(),
        };
        let is_order = row.is_order;
        let judge =
            move |classes: &[_], call: &_, is_held| judge::verdict(is_order, classes, call, is_held, now);
        match self.catalogue.intend_shred(row.shred_id, leaf, &names, now, judge)? {
            Ok(row) => Ok(Ok(self.carry_out(&row, keys, now)?)),
            Err(judged) => {
                if !row.is_order {
                    self.catalogue.cancel_shred(row.shred_id, &words.by)?;
                }
                Ok(Err(self.kept_back(what, judged, now)?))
            }
        }
    }

    /// Goes on with whatever was intended, at start and every hour, and sees that the key store holds no destroyed key, whatever was
    /// restored into it. Returns those that were finished now.
    ///
    /// # Errors
    /// As [`Self::shred`]; what is done stays done.
    pub fn go_on_shredding(&self, keys: &dyn DayKeys, now: UtcMicros) -> Result<Vec<ShredRow>> {
        let mut finished = Vec::new();
        for row in self.catalogue.shreds_intended()? {
            if row.state == ShredState::Done {
                forget(keys, &row)?;
            } else {
                finished.push(self.carry_out(&row, keys, now)?);
            }
        }
        Ok(finished)
    }

    /// Steps 3 to 5; each may have been done already.
    fn carry_out(&self, row: &ShredRow, keys: &dyn DayKeys, now: UtcMicros) -> Result<ShredRow> {
        // 3
        forget(keys, row)?;
        self.catalogue.step_shred(row.shred_id, ShredState::Keyless, now)?;
        // 4
        let mut folders = BTreeSet::new();
        for path in self.catalogue.shredded_paths(row.shred_id)? {
            if self.disk.exists(&path)? {
                self.disk.unlink(&path)?;
            }
            folders.extend(path.rsplit_once('/').map(|(folder, _)| folder.to_owned()));
        }
        for folder in folders {
            match self.disk.sync_dir(&folder) {
                // A folder that nothing was ever put into, or that a restore left out.
                Err(e) if e.is_not_found() => {}
                done => done?,
            }
        }
        let gone: BTreeSet<RecordingId> =
            self.catalogue.shredded_recordings(row.shred_id)?.into_iter().collect();
        self.drop_fetched(&gone)?;
        // 5
        self.catalogue.step_shred(row.shred_id, ShredState::Done, now)?;
        Ok(self.catalogue.shred(row.shred_id)?)
    }

    /// Refuses what is destroyed.
    pub(crate) fn not_shredded(&self, id: RecordingId) -> Result<()> {
        match self.catalogue.shredded_at(id)? {
            Some(since) => Err(VaultError::Shredded { since }),
            None => Ok(()),
        }
    }
}

fn forget(keys: &dyn DayKeys, row: &ShredRow) -> Result<()> {
    if row.keys.is_empty() {
        return Ok(());
    }
    keys.forget(&row.keys).map_err(|why| VaultError::KeyStore { why })
}

fn new(what: ShredWhat, is_order: bool, words: &ShredWords) -> NewShred {
    let (reason, asked) = (words.reason.clone(), words.by.clone());
    NewShred { what, is_order, reason, salt: words.salt, asked }
}

/// Leaf 6.
fn act(row: &ShredRow) -> Act {
    let what = match row.what {
        ShredWhat::Day(day) => Shred::Day(day),
        ShredWhat::Recording(day, id) => Shred::Recording(day, id),
    };
    Act::Shred {
        what,
        reason: salted(&row.salt, &row.reason),
        second: row.second.as_ref().map_or([0; 16], actor_of),
    }
}

impl From<ShredJudged> for DayKept {
    fn from(judged: ShredJudged) -> Self {
        Self { held: judged.held, kept: judged.kept }
    }
}

#[cfg(test)]
mod tests;
