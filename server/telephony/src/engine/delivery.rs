//! From what the legs give to commands, and the timers of segments.
//!
//! All legs of a segment are flushed together: when one has a second full, the others hand over what they have.

use std::cmp::Reverse;

use shared::{Chunk, Event, Stamp, Track, Value};

use crate::cmd::{SegCmd, SegId};
use crate::rtp::leg::{Env, Out, micros};

use super::Engine;
use super::segs::EARLY_NOTES_MAX;

/// A flush by the clock, when media lag: a little over a second, so that the media of a running call come first.
pub(super) const FLUSH_NS: u64 = 1_050_000_000;

impl Engine {
    /// Runs `work` on a leg with all that it needs, then delivers what it gave.
    pub(super) fn with_leg(
        &mut self,
        place: u32,
        now: &Stamp,
        work: impl FnOnce(&mut crate::rtp::leg::Leg, &mut Env<'_>),
    ) {
        let Some(leg) = self.legs.at_mut(place) else { return };
        let seg_place = leg.seg;
        let Some(seg) = self.segs.at_mut(seg_place) else { return };
        let mut env = Env { shared: &mut seg.shared, pool: &mut self.pool, out: &mut self.out };
        work(leg, &mut env);
        if !self.out.is_empty() {
            self.deliver(seg_place, now);
        }
    }

    /// Turns what lies in `out` into commands for the segment.
    pub(super) fn deliver(&mut self, place: u32, now: &Stamp) {
        if self.out.iter().any(|o| matches!(o, Out::Chunk(_))) {
            self.cut_all(place, now);
        }
        let mut given = std::mem::take(&mut self.out);
        let mut chunks: Vec<Chunk> = Vec::new();
        let mut tracks: Vec<Track> = Vec::new();
        for out in given.drain(..) {
            match out {
                Out::Track(track) => {
                    self.append(place, &mut chunks);
                    tracks.push(track);
                }
                Out::Chunk(chunk) => {
                    self.tracks(place, &mut tracks);
                    if chunks.iter().any(|c| c.track == chunk.track) {
                        self.append(place, &mut chunks);
                    }
                    chunks.push(chunk);
                }
                Out::Note(event) => {
                    self.tracks(place, &mut tracks);
                    self.append(place, &mut chunks);
                    self.note(place, event);
                }
            }
        }
        self.tracks(place, &mut tracks);
        self.append(place, &mut chunks);
        self.out = given;
    }

    /// Hands over what all legs of a segment have; the result lies in `out`.
    pub(super) fn cut_all(&mut self, place: u32, now: &Stamp) {
        let Some(seg) = self.segs.at_mut(place) else { return };
        seg.flushed_ns = now.mono_ns;
        for leg in &seg.legs {
            if let Some(leg) = self.legs.at_mut(*leg) {
                let mut env = Env { shared: &mut seg.shared, pool: &mut self.pool, out: &mut self.out };
                leg.cut_running(now, &mut env);
            }
        }
    }

    /// Seals a note with the segment, now or when it opens. All events come this way, from signalling and media alike.
    pub(super) fn note(&mut self, place: u32, mut event: Event) {
        let Some(seg) = self.segs.at_mut(place) else { return };
        if seg.shared.mask_digits {
            hide_digit(&mut event);
        }
        if seg.open {
            self.commands.push_back(SegCmd::Note { seg: seg.id, event });
        } else if seg.early.len() < EARLY_NOTES_MAX {
            seg.early.push(event);
        }
    }

    /// Sets an event's time and seals it.
    pub(super) fn note_at(&mut self, place: u32, at: &Stamp, mut event: Event) {
        if let Some(start) = self.segs.at(place).and_then(|s| s.shared.start) {
            event.t_us = micros(at, &start);
        }
        self.note(place, event);
    }

    fn append(&mut self, place: u32, chunks: &mut Vec<Chunk>) {
        if chunks.is_empty() {
            return;
        }
        let chunks = std::mem::take(chunks);
        if let Some(seg) = self.segs.at(place) {
            self.commands.push_back(SegCmd::Append { seg: seg.id, chunks });
        }
    }

    fn tracks(&mut self, place: u32, tracks: &mut Vec<Track>) {
        if tracks.is_empty() {
            return;
        }
        let tracks = std::mem::take(tracks);
        let Some(seg) = self.segs.at_mut(place) else { return };
        if seg.open {
            self.commands.push_back(SegCmd::Tracks { seg: seg.id, tracks });
            return;
        }
        seg.open = true;
        let (id, start) = (seg.id, seg.shared.start.unwrap_or(seg.signalled_at));
        seg.flushed_ns = start.mono_ns;
        let early = std::mem::take(&mut seg.early);
        self.commands.push_back(SegCmd::Open { seg: id, start, tracks });
        self.counters.opened = self.counters.opened.wrapping_add(1);
        for event in early {
            self.commands.push_back(SegCmd::Note { seg: id, event });
        }
        self.ring_at(place, start.mono_ns.saturating_add(self.flush_ns(place, &start)));
    }

    /// Sets the timer of a segment, if that is earlier than what is set.
    pub(super) fn ring_at(&mut self, place: u32, ns: u64) {
        let Some(seg) = self.segs.at_mut(place) else { return };
        if ns < seg.timer_ns {
            seg.timer_ns = ns;
            self.timers.push(Reverse((ns, place)));
            self.due_ns = self.due_ns.min(ns);
        }
    }

    /// Says when time has something to do next.
    pub(super) fn next_due(&mut self) {
        let timer = self.timers.peek().map_or(u64::MAX, |Reverse((at, _))| *at);
        self.due_ns = timer.min(self.housekeeping_ns);
    }

    /// The timer of a segment rang.
    pub(super) fn serve(&mut self, place: u32, now: &Stamp) {
        let Some(seg) = self.segs.at_mut(place) else { return };
        seg.timer_ns = u64::MAX;
        let linger = u64::from(self.config.linger_ms).saturating_mul(1_000_000);
        if let Some(ended) = seg.ended {
            let over = ended.at.mono_ns.saturating_add(linger);
            if now.mono_ns >= over {
                self.close(place, now, ended.reason);
                return;
            }
            self.ring_at(place, over);
        }
        if let Some(then) = self.idle_since(place, now) {
            self.close(place, &then, "rtp-idle");
            return;
        }
        self.tick_legs(place, now);
        let every_ns = self.flush_ns(place, now);
        let Some(seg) = self.segs.at(place) else { return };
        if now.mono_ns.saturating_sub(seg.flushed_ns) >= every_ns {
            self.cut_all(place, now);
        }
        if !self.out.is_empty() {
            self.deliver(place, now);
        }
        let Some(seg) = self.segs.at(place) else { return };
        let next = seg.flushed_ns.max(now.mono_ns.saturating_sub(every_ns / 2)).saturating_add(every_ns);
        self.ring_at(place, next);
    }

    fn tick_legs(&mut self, place: u32, now: &Stamp) {
        let Some(seg) = self.segs.at_mut(place) else { return };
        let drops = self.drops.get(usize::from(seg.tap.0)).copied().unwrap_or(0);
        for leg in &seg.legs {
            if let Some(leg) = self.legs.at_mut(*leg) {
                let mut env = Env { shared: &mut seg.shared, pool: &mut self.pool, out: &mut self.out };
                leg.tick(now, drops, &mut env);
            }
        }
    }

    /// Returns the moment at which media had been absent long enough, without hold, to end the segment. It may lie long
    /// before `now`: in a file that was put together from two, time leaps by months from one packet to the next.
    fn idle_since(&self, place: u32, now: &Stamp) -> Option<Stamp> {
        let seg = self.segs.at(place).filter(|seg| (seg.open || seg.orphan) && !seg.shared.held)?;
        let idle = u64::from(self.config.idle_ms).saturating_mul(1_000_000);
        let taken = |leg: &u32| self.legs.at(*leg).map(|leg| leg.last_ns());
        let last = seg.legs.iter().filter_map(|leg| taken(leg).max(self.waiting_ns(*leg))).max()?;
        let last = last.max(seg.signalled_at.mono_ns); // a leg that has just begun may have nothing taken yet
        let ago = now.mono_ns.checked_sub(last.saturating_add(idle))?;
        let utc = now.utc.plus(i64::try_from(ago / 1_000).unwrap_or(i64::MAX).saturating_neg());
        Some(Stamp { mono_ns: now.mono_ns.saturating_sub(ago), utc, quality: now.quality })
    }

    /// Draws the next segment number.
    pub(super) fn next_id(&mut self) -> SegId {
        let id = SegId(self.next_seg);
        self.next_seg = self.next_seg.saturating_add(1);
        id
    }
}

/// Takes the digit out of an event: that one was dialled, when and by whom may be known, which one may not.
fn hide_digit(event: &mut Event) {
    if event.kind == "digit" {
        event.members.remove("digit");
        event.members.insert("masked".to_owned(), Value::Bool(true));
        event.raw = None;
    }
}
