//! What the disk does for a conversation, on a thread that may wait for it.

use shared::RecorderId;
use vault::{Digests, Held, NotTaken, Receipt, What, Whole};

use super::{CLOCK_US, Intake};
use crate::proto::{Refusal, Taken, Work};

/// What became of a piece of work.
pub(super) enum Done {
    Nothing,
    Held(u32, Held),
    Written(u32, Taken),
    Admitted(u32, u64, [u8; 64]),
    Refused(u32, Refusal),
    Bytes(u32, u64, Vec<u8>),
}

impl Intake {
    /// Does work in its order. Parts that end one behind the other are admitted together: one sync of their folder for all.
    pub(super) fn perform(&self, who: RecorderId, work: Vec<Work>) -> Vec<Done> {
        let (mut done, mut whole) = (Vec::with_capacity(work.len()), Vec::new());
        for one in work {
            if let Work::Finish { handle, what, size, sha256, blake3 } = one {
                whole.push((handle, Whole { who, what, size, digests: Digests { sha256, blake3 } }));
                continue;
            }
            self.admit(&mut whole, &mut done);
            done.push(self.one(who, one));
        }
        self.admit(&mut whole, &mut done);
        done
    }

    fn one(&self, who: RecorderId, work: Work) -> Done {
        match work {
            // Gathered by the caller.
            Work::Finish { handle, .. } => Done::Refused(handle, Refusal::NotNow),
            Work::Look { handle, what, digest } => match self.incoming.look(who, what, digest) {
                Ok(held) => Done::Held(handle, held),
                Err(no) => Done::Refused(handle, self.told(who, no)),
            },
            Work::Write { handle, what, offset, bytes } => {
                let taken = self.incoming.write(who, what, offset, &bytes);
                Done::Written(
                    handle,
                    taken.map_or_else(|no| Taken::Refused(self.told(who, no)), Taken::Length),
                )
            }
            Work::Read { handle, what, offset, length } => {
                match self.incoming.read(who, what, offset, length) {
                    Ok(bytes) => Done::Bytes(handle, offset, bytes),
                    Err(no) => Done::Refused(handle, self.told(who, no)),
                }
            }
            Work::Greeted { utc, .. } => {
                let ahead = utc.0.saturating_sub(self.keeper.now().utc.0);
                if ahead.saturating_abs() > CLOCK_US {
                    let text = format!(
                        "the clock of satellite {who} is {} s {}: its recordings begin at wrong times; durations are right",
                        ahead.saturating_abs() / 1_000_000,
                        if ahead > 0 { "ahead" } else { "behind" }
                    );
                    self.keeper.alarm(Some(who), &text);
                }
                self.keeper.heard(who, None);
                Done::Nothing
            }
            Work::Crowded { files } => {
                let text = format!(
                    "satellite {who} offers more than the {files} files at once that it may: the others are refused. None of ours does \
                     that: if nobody knows why, treat it as captured and revoke it"
                );
                self.keeper.alarm(Some(who), &text);
                Done::Nothing
            }
            Work::Calls(json) => {
                self.keeper.calls(who, &json);
                Done::Nothing
            }
            Work::Status(json) => {
                let is_object = |text: &&str| {
                    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok()
                };
                if let Some(text) = std::str::from_utf8(&json).ok().filter(is_object) {
                    self.keeper.heard(who, Some(text));
                }
                Done::Nothing
            }
        }
    }

    /// Admits what is whole; what is answered with a leaf is durable, in the catalogue and in the log.
    fn admit(&self, whole: &mut Vec<(u32, Whole)>, done: &mut Vec<Done>) {
        if whole.is_empty() {
            return;
        }
        let (handles, batch): (Vec<u32>, Vec<Whole>) = std::mem::take(whole).into_iter().unzip();
        let answers = self.incoming.take_in(&batch, &self.with());
        for ((handle, of), answer) in handles.into_iter().zip(&batch).zip(answers) {
            done.push(match answer {
                Ok(leaf) => self.receipt(handle, of, leaf),
                Err(no) => Done::Refused(handle, self.told(of.who, no)),
            });
        }
    }

    fn receipt(&self, handle: u32, of: &Whole, leaf: u64) -> Done {
        let What::Part(recording_id, part) = of.what else {
            return Done::Refused(handle, Refusal::Unsound);
        };
        let Digests { sha256, blake3 } = of.digests;
        let (site_id, recorder_id, size) = (self.site_id, of.who, of.size);
        let receipt = Receipt { site_id, recorder_id, recording_id, part, size, sha256, blake3, leaf };
        Done::Admitted(handle, leaf, self.keeper.sign(&receipt))
    }

    /// Tells people if one must do something; returns what the satellite is told.
    fn told(&self, who: RecorderId, no: NotTaken) -> Refusal {
        if let Some(text) = &no.told {
            self.keeper.alarm(Some(who), text);
        }
        no.why
    }
}
