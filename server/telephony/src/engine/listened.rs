//! Segments that somebody listens to while they grow: they are flushed ten times a second instead of once.
//!
//! Who listens reads the sealed part, so what they hear is as old as its last flush. Only the moment changes at which a chunk
//! is cut: runs, gaps and positions are the same, nothing is taken twice, and no other segment is touched. It ends by itself,
//! so that a listener who vanished costs nothing for long.

use shared::Stamp;

use crate::cmd::SegId;

use super::Engine;
use super::delivery::FLUSH_NS;

/// So often a segment is flushed that is listened to. A frame has 48 octets and about ten of run list: at ten a second and
/// track that is 7 % of G.711, for as long as somebody listens.
const QUICK_NS: u64 = 100_000_000;
/// Segments that are flushed quickly at the same time; those beyond are heard a second late.
const QUICK_MAX: usize = 64;
/// Nobody may ask for longer at once.
const ASK_MAX_NS: u64 = 60_000_000_000;

/// One segment that is listened to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listened {
    seg: SegId,
    place: u32,
    until_ns: u64,
}

impl Engine {
    /// Has a segment flushed ten times a second for `for_ns` from `now` on, a minute at most; asking again prolongs it.
    ///
    /// Returns false, and nothing changes, when there is no such segment or 64 others are listened to.
    pub fn listen(&mut self, now: Stamp, seg: SegId, for_ns: u64) -> bool {
        let until_ns = now.mono_ns.saturating_add(for_ns.min(ASK_MAX_NS));
        let segs = &self.segs;
        // A place may have another segment by now.
        self.listened.retain(|one| {
            one.until_ns > now.mono_ns && segs.at(one.place).is_some_and(|there| there.id == one.seg)
        });
        let known = self.listened.iter_mut().find(|one| one.seg == seg);
        let place = if let Some(known) = known {
            known.until_ns = until_ns;
            known.place
        } else {
            let found =
                || segs.places().into_iter().find(|place| segs.at(*place).is_some_and(|s| s.id == seg));
            let Some(place) = (self.listened.len() < QUICK_MAX).then(found).flatten() else { return false };
            self.listened.push(Listened { seg, place, until_ns });
            place
        };
        let Some(there) = self.segs.at_mut(place) else { return false };
        there.quick_until_ns = until_ns;
        let (open, due_ns) = (there.open, there.flushed_ns.saturating_add(QUICK_NS));
        if open {
            self.ring_at(place, due_ns);
        }
        true
    }

    /// Returns how often a segment is flushed by the clock at this moment.
    pub(super) fn flush_ns(&self, place: u32, now: &Stamp) -> u64 {
        let quick = self.segs.at(place).is_some_and(|seg| seg.quick_until_ns > now.mono_ns);
        if quick { QUICK_NS } else { FLUSH_NS }
    }
}
