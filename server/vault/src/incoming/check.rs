//! The tags of frames while they come: what does not open under its day's key is refused and told at once, not when the call is over.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::BufReader;
use std::ops::ControlFlow;

use seal::{Part, SealError, VerifyingKey};
use shared::RecorderId;
use store::ReadSeek;

use super::{Alarm, Incoming, NotTaken, TakeWith, path_of};
use crate::vault::held;
use crate::{Refusal, What};

/// A second of a call is 8 kB a leg, and two thousand parts may be watched for one satellite.
const READ_BYTES: usize = 16 << 10;

/// A part that is watched while it grows: how far its frames were opened.
struct Watching {
    part: Part<BufReader<Box<dyn ReadSeek>>>,
    from: u64,
}

/// The parts that are watched.
#[derive(Default)]
pub(super) struct Watched(HashMap<(RecorderId, What), Watching>);

impl Watched {
    pub(super) fn gone(&mut self, who: RecorderId) {
        self.0.retain(|(of, _), _| *of != who);
    }

    pub(super) fn done(&mut self, key: (RecorderId, What)) {
        self.0.remove(&key);
    }
}

impl Incoming {
    /// Opens the frames that came since the last call: every tag of them. What does not open is taken no more. Call it about once a
    /// second, beside the writing. Returns what is to be told to a person, that of the ledgers included. With a locked key store
    /// nothing is opened; all of it is, when the part is taken in.
    pub fn verify_some(&self, with: &TakeWith<'_>) -> Vec<Alarm> {
        let keys: Vec<(RecorderId, What)> = held(&self.files).keys().copied().collect();
        for (who, what) in keys {
            if let What::Part(..) = what
                && let Err(text) = self.verify_new(who, what, with)
            {
                self.refuse(who, what, text);
            }
        }
        self.alarms()
    }

    /// The new frames of one part; the text says what is wrong.
    fn verify_new(&self, who: RecorderId, what: What, with: &TakeWith<'_>) -> Result<(), String> {
        let mut watched = held(&self.watched);
        let ring = (|id| with.keys.secret(id), |_| None::<VerifyingKey>);
        let Watching { part, from } = match watched.0.entry((who, what)) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(place) => {
                let Ok(io) = self.vault.disk.open_read(&path_of(who, what)) else { return Ok(()) };
                let io = BufReader::with_capacity(READ_BYTES, io);
                match Part::open(io, &ring, with.min_suite) {
                    Ok(part) => place.insert(Watching { part, from: 0 }),
                    // Too little of it is here, or the day's key is not at hand: later.
                    Err(SealError::HeaderCut | SealError::NoKey(_) | SealError::Io(_)) => return Ok(()),
                    Err(wrong) => return Err(wrong.to_string()),
                }
            }
        };
        let gone_on = part
            .refresh(&ring)
            .and_then(|_new| part.frames(*from, |_head, _plain| ControlFlow::Continue(())));
        match gone_on {
            Ok(next) => {
                *from = next;
                Ok(())
            }
            Err(SealError::Io(_)) => Ok(()),
            Err(wrong) => Err(wrong.to_string()),
        }
    }

    fn refuse(&self, who: RecorderId, what: What, why: String) {
        held(&self.watched).done((who, what));
        let Some(open) = held(&self.files).get(&(who, what)).cloned() else { return };
        let mut open = held(&open);
        if open.refused.is_none() {
            let text = format!(
                "{what}, sent by satellite {who}, is not what its key says, and no more of it is taken: {why}"
            );
            open.refused = Some(NotTaken { why: Refusal::Unsound, told: Some(text.clone()) });
            drop(open);
            self.alarm(who, what, text);
        }
    }
}
