//! The canaries' end on the recording thread: hands them in beside the tap's own packets, and keeps their commands from whoever counts calls.

use std::collections::HashSet;
use std::sync::Arc;

use capture::{PacketSource, Replay};
use shared::{Stamp, TapId};
use telephony::cmd::{SegCmd, SegId};

use super::{Canaries, Step};
use crate::world;

/// Feeds canaries into a wire.
#[derive(Debug)]
pub(crate) struct Feeder {
    canaries: Arc<Canaries>,
    segs: HashSet<SegId>,
}

impl Feeder {
    pub(crate) fn new(canaries: &Arc<Canaries>) -> Self {
        Self { canaries: Arc::clone(canaries), segs: HashSet::new() }
    }

    /// Returns the canaries that are fed.
    pub(crate) fn canaries(&self) -> &Canaries {
        &self.canaries
    }

    /// Begins a canary if one is due on one of the taps that are read.
    pub(crate) fn attend(
        &self,
        now: &Stamp,
        every_min: u32,
        open: &[(TapId, &str)],
        sources: &mut Vec<Box<dyn PacketSource>>,
    ) {
        if let Some(begun) = self.canaries.attend(now, every_min, open) {
            sources.push(Box::new(Replay::new(begun.tap, "canary", begun.packets, world::now).of_frames()));
        }
    }

    /// Takes note of a command; true if it is a canary's, and no call's.
    pub(crate) fn is_canary(&mut self, command: &SegCmd) -> bool {
        let seg = command.seg();
        if let SegCmd::Signalled { info, .. } = command {
            if !info.tap.is_canary() {
                return false;
            }
            self.segs.insert(seg);
            self.canaries.came_to(Step::Signalled);
            return true;
        }
        if self.segs.is_empty() || !self.segs.contains(&seg) {
            return false;
        }
        match command {
            SegCmd::Open { .. } => self.canaries.came_to(Step::Heard),
            SegCmd::Close(_) => {
                self.segs.remove(&seg);
                self.canaries.came_to(Step::Over);
            }
            SegCmd::Signalled { .. }
            | SegCmd::Tracks { .. }
            | SegCmd::Info { .. }
            | SegCmd::Append { .. }
            | SegCmd::Note { .. }
            | SegCmd::Discard { .. } => {}
        }
        true
    }
}
